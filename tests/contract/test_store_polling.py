"""The contract of `monitor/store/base.py`: what polls learn of feeds and hosts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from monitor.model import NEVER, FeedEvent, FeedHints, Habits
from tests.contract.samples import HOUR, MINUTE, NOW, claim, entry, failed, names, on_host, outcome, spec, update

if TYPE_CHECKING:
    from monitor.model import Feed, HostClaim
    from monitor.store.base import Store

HINTS = FeedHints(
    ttl=timedelta(minutes=90),
    period=timedelta(hours=1),
    skip_hours=(0, 23),
    skip_days=(5, 6),
    hub="https://hub.example/",
    topic="https://a.example/feed",
)
HABITS = Habits(
    rhythm=timedelta(seconds=1234.5),
    longest=timedelta(days=2),
    counted=17,
    size=30,
    new_at=NOW - HOUR,
    stale_at=NOW,
    gap_at=NOW - 2 * HOUR,
    haste=2,
    moving_to="https://b.example/feed",
    moving_since=NOW - HOUR,
    moving_polls=2,
)


def held(store: Store, name: str = "a") -> HostClaim:
    store.sync_feeds([spec(name)], now=NOW)
    (claimed,) = claim(store)
    return claimed


def stored(store: Store, name: str = "a") -> Feed:
    (feed,) = store.feeds(names=[name])
    return feed


def test_what_was_learnt_comes_back_as_it_was(store: Store) -> None:
    """Hints, habits and the rest are in the next claim, and stay where a later poll learns nothing."""
    one = held(store)
    learnt = replace(
        update(one.feeds[0]),
        hints=HINTS,
        habits=HABITS,
        fresh_for=timedelta(minutes=15),
        request_key="k",
        full_at=NOW,
        not_before=NOW + MINUTE,
        reason="the answer stays fresh for 15 minutes",
    )
    store.commit_polls([outcome(one.lease, learnt)], now=NOW)
    ((feed,),) = [one.feeds for one in claim(store, now=NOW + HOUR)]
    assert (feed.hints, feed.habits) == (HINTS, HABITS)
    assert (feed.fresh_for, feed.request_key, feed.full_at) == (timedelta(minutes=15), "k", NOW)
    assert (feed.not_before, feed.reason) == (NOW + MINUTE, "the answer stays fresh for 15 minutes")
    (again,) = claim(store, now=NOW + 2 * HOUR)
    store.commit_polls([outcome(again.lease, update(feed))], now=NOW)
    assert (stored(store).hints, stored(store).habits) == (HINTS, HABITS)


def test_a_host_that_wants_silence_is_left_alone(store: Store) -> None:
    """No feed of it is due before, neither one that was due already nor one that is added meanwhile."""
    store.sync_feeds(on_host("big.example", "one", "two"), now=NOW)
    (one,) = claim(store)
    quiet = replace(failed(one.feeds[0]), host_not_before=NOW + HOUR)
    store.commit_polls([outcome(one.lease, quiet)], now=NOW)
    store.sync_feeds(on_host("big.example", "one", "two", "three"), now=NOW)
    assert claim(store, now=NOW + HOUR - MINUTE) == ()
    assert stored(store, "three").not_before == NOW + HOUR
    assert names(claim(store, now=NOW + HOUR)) == [["two", "three", "one"]]


def test_a_feed_that_has_moved_belongs_to_its_new_host(store: Store) -> None:
    """It is claimed with the feeds of that host, and a change of its tags does not take it back."""
    store.sync_feeds([spec("a"), spec("b")], now=NOW)
    first, second = claim(store)
    assert (first.host, second.host) == ("a.example", "b.example")
    moved = replace(update(first.feeds[0]), moved_url="https://b.example/a")
    store.commit_polls([outcome(first.lease, moved), outcome(second.lease, second.feeds[0])], now=NOW)
    store.sync_feeds([spec("a", tags=("world",)), spec("b")], now=NOW)
    assert names(claim(store, now=NOW + HOUR)) == [["a", "b"]]
    assert (stored(store).url, stored(store).address) == ("https://a.example/feed", "https://b.example/a")


def test_a_feed_may_move_to_a_host_that_was_unknown(store: Store) -> None:
    """The host is made, and is due when the feed is."""
    one = held(store)
    moved = replace(update(one.feeds[0]), moved_url="https://new.example/a")
    store.commit_polls([outcome(one.lease, moved)], now=NOW)
    (later,) = claim(store, now=NOW + HOUR)
    assert (later.host, [feed.name for feed in later.feeds]) == ("new.example", ["a"])


def test_another_url_forgets_what_was_learnt(store: Store) -> None:
    """Nothing that the old address taught holds for the new one."""
    one = held(store)
    learnt = replace(
        update(one.feeds[0], next_poll_at=NEVER),
        hints=HINTS,
        habits=HABITS,
        moved_url="https://b.example/a",
        gone_at=NOW,
        not_before=NOW + HOUR,
        full_at=NOW,
    )
    store.commit_polls([outcome(one.lease, learnt)], now=NOW)
    store.sync_feeds([spec("a", "https://other.example/feed")], now=NOW + MINUTE)
    (again,) = claim(store, now=NOW + MINUTE)
    feed = again.feeds[0]
    assert again.host == "other.example"
    assert (feed.hints, feed.habits, feed.moved_url) == (FeedHints(), Habits(), "")
    assert (feed.gone_at, feed.not_before, feed.full_at) == (None, None, None)


def test_one_that_is_gone_stays_so_whatever_its_interval(store: Store) -> None:
    """It is never due, but it is listed among those that need somebody."""
    one = held(store)
    gone = replace(update(one.feeds[0], next_poll_at=NEVER), gone_at=NOW)
    store.commit_polls([outcome(one.lease, gone)], now=NOW)
    store.sync_feeds([spec("a", interval=MINUTE)], now=NOW)
    assert claim(store, now=NOW + timedelta(days=365)) == ()
    assert [feed.name for feed in store.feeds(failing=True)] == ["a"]


def test_silent_feeds_are_listed_as_failing_and_others_are_not(store: Store) -> None:
    """`feeds(failing=True)` has what a person should look at."""
    store.sync_feeds([spec("silent"), spec("well")], now=NOW)
    for one in claim(store):
        habits = HABITS if one.feeds[0].name == "silent" else replace(HABITS, stale_at=None)
        store.commit_polls([outcome(one.lease, replace(update(one.feeds[0]), habits=habits))], now=NOW)
    assert [feed.name for feed in store.feeds(failing=True)] == ["silent"]
    status = store.status(now=NOW)
    assert (status.failing, status.silent) == (0, 1)


def test_turns_in_a_feeds_life_are_kept_newest_first(store: Store) -> None:
    """As many as asked for, those of one poll in their order reversed."""
    one = held(store)
    turns = tuple(FeedEvent(at=NOW, kind="failing", detail=f"turn {number}") for number in range(3))
    store.commit_polls([replace(outcome(one.lease, failed(one.feeds[0])), events=turns)], now=NOW)
    assert store.feed_events(one.feeds[0].id, limit=2) == (turns[2], turns[1])


def test_a_feed_that_comes_and_goes_has_a_history_of_bounded_length(store: Store) -> None:
    """The newest 200 turns are kept, and those of other feeds are left alone."""
    store.sync_feeds([spec("a"), spec("b")], now=NOW)
    first, second = claim(store)
    turn = FeedEvent(at=NOW, kind="failing", detail="turn")
    many = tuple(replace(turn, at=NOW + number * MINUTE, detail=f"turn {number}") for number in range(150))
    store.commit_polls([replace(outcome(second.lease, failed(second.feeds[0])), events=(turn,))], now=NOW)
    for _ in range(2):
        store.commit_polls(
            [replace(outcome(first.lease, failed(first.feeds[0]), releases=False), events=many)], now=NOW
        )
    kept = store.feed_events(first.feeds[0].id, limit=1000)
    assert len(kept) == 200
    assert kept[0].detail == "turn 149"
    assert store.feed_events(second.feeds[0].id, limit=1000) == (turn,)


def test_a_touched_entry_keeps_all_but_its_source_hash(store: Store) -> None:
    """A change of markup alone is remembered, so that it is looked at once."""
    one = held(store)
    feed = one.feeds[0]
    old = replace(entry("k"), source_hash="before", source="Reuters")
    store.commit_polls([outcome(one.lease, feed, entries=[old], releases=False)], now=NOW)
    after = replace(old, source_hash="after", title="not to be written")
    store.commit_polls([replace(outcome(one.lease, feed), touched=(after,))], now=NOW)
    assert store.known_entries(feed.id, ["k"])["k"].source_hash == "after"
    (kept,) = store.recent_entries(since=NOW - HOUR, before=None, limit=5)
    assert (kept.entry.title, kept.entry.source) == (old.title, "Reuters")
