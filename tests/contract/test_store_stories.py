"""The contract of `monitor/store/base.py`: placings, how stories stand, and people's corrections."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from monitor.model import Correction, DeliveryState, Outlet, Placed, Settlement, StoryMatch
from tests.contract.samples import HOUR, MINUTE, NOW, alert, claim, entry, outcome, send_all, spec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from monitor.model import Alert, FeedId
    from monitor.store.base import Store

STORY, OTHER = "a" * 32, "b" * 32


def placed(
    key: str,
    member: int,
    story: str = STORY,
    *,
    outlet: str = "bbc",
    at: datetime = NOW,
    like: int | None = None,
    baseline: bool = False,
    clues: bytes = b"clues",
) -> Placed:
    return Placed(
        entry_key=key,
        member=member,
        story=story,
        outlet=Outlet(id=outlet, name=outlet.upper()),
        at=at,
        score=0.0 if like is None else 0.9,
        reasons=() if like is None else ("same words: assad, flees",),
        like=like,
        clues=clues,
        baseline=baseline,
    )


def poll(
    store: Store,
    placings: Sequence[Placed],
    *,
    feed: str = "a",
    rules: Sequence[str] = (),
    said: Sequence[Alert] = (),
    channels: Sequence[str] = (),
    baseline: bool = False,
) -> FeedId:
    """A poll of `feed` that found these entries."""
    if not store.feeds(names=[feed]):
        store.add_feeds([spec(feed, origin="added")], now=NOW)
    (held,) = store.claim_feeds([feed], now=NOW, lease=MINUTE)
    found = outcome(
        held.lease,
        held.feeds[0],
        entries=[entry(each.entry_key) for each in placings],
        rules=rules,
        alerts=said,
        channels=channels,
        baseline=baseline,
    )
    about = [replace(each, story=placings[0].story) for each in found.alerts]
    assert store.commit_polls([replace(found, placed=tuple(placings), alerts=tuple(about))], now=NOW) == (True,)
    return held.feeds[0].id


def number_of(store: Store, story: str, key: str) -> int:
    """The number of a stored entry."""
    told = store.story(story)
    assert told is not None
    return next(each.entry_id for each in told[1] if each.link.endswith(f"/{key}"))


def test_what_is_placed_is_known_of_the_entry(store: Store) -> None:
    """The next poll of the feed hears which story an entry tells; one that was stored before there were stories has
    none, until it is placed.
    """
    store.sync_feeds([spec("a")], now=NOW)
    (held,) = claim(store)
    store.commit_polls([outcome(held.lease, held.feeds[0], entries=[entry("old")], releases=False)], now=NOW)
    feed_id = held.feeds[0].id
    assert store.known_entries(feed_id, ["old"])["old"].story == ""
    late = replace(
        outcome(held.lease, held.feeds[0], entries=[entry("old"), entry("x")]),
        placed=(placed("old", 1), placed("x", 2)),
    )
    store.commit_polls([late], now=NOW)
    assert {key: each.story for key, each in store.known_entries(feed_id, ["old", "x"]).items()} == {
        "old": STORY,
        "x": STORY,
    }


def test_an_entry_keeps_its_story(store: Store) -> None:
    """A second placing of it changes nothing."""
    feed_id = poll(store, [placed("x", 1)])
    poll(store, [placed("x", 1, OTHER)])
    assert store.known_entries(feed_id, ["x"])["x"].story == STORY


def test_processes_take_up_what_others_placed(store: Store, open_again: Callable[[], Store]) -> None:
    """In the order of the commits, each once, with all that is needed to go on deciding."""
    other = open_again()
    assert store.story_numbers() == (0, 0)
    poll(store, [placed("x", 7), placed("y", 8, like=7, at=NOW + timedelta(microseconds=1))])
    news = other.story_news(member=0, correction=0)
    assert [member for _, member in news.members] == [7, 8]
    members = other.story_members([number for number, _ in news.members])
    assert [(each.member, each.story, each.at, each.clues) for each in members] == [
        (7, STORY, NOW, b"clues"),
        (8, STORY, NOW + timedelta(microseconds=1), b"clues"),
    ]
    poll(store, [placed("z", 9)], feed="b")
    later = other.story_news(member=news.number, correction=0)
    assert [member for _, member in later.members] == [9]
    assert other.story_numbers() == (later.number, 0)


def test_what_nothing_is_compared_with_is_not_taken_up(store: Store) -> None:
    """An entry without clues tells a story of its own; its number counts all the same."""
    poll(store, [placed("x", 7), placed("old", 8, OTHER, clues=b"")])
    news = store.story_news(member=0, correction=0)
    assert [member for _, member in news.members] == [7]
    assert store.story_news(member=news.number, correction=0).members == ()
    assert [each.member for each in store.story_window(since=NOW - HOUR, after=None, limit=10)] == [7]


def test_the_window_comes_in_the_order_of_the_decisions(store: Store) -> None:
    """Whatever was committed first, page by page, and nothing from before it."""
    poll(store, [placed("late", 3, at=NOW + 2 * MINUTE), placed("early", 1, at=NOW + MINUTE)])
    poll(store, [placed("twin", 2, at=NOW + MINUTE), placed("before", 4, at=NOW - HOUR)], feed="b")
    found, after = [], None
    while page := store.story_window(since=NOW, after=after, limit=2):
        found += [each.member for each in page]
        after = (page[-1].at, page[-1].number)
    assert found == [1, 2, 3]


def test_a_story_that_began_before_the_window_is_named(store: Store) -> None:
    """So that after a restart too it takes up no more. What is wholly before or after is not, nor what nothing was
    compared with.
    """
    poll(store, [placed("began", 1, at=NOW - HOUR), placed("goes on", 2, at=NOW)])
    poll(store, [placed("new", 3, OTHER, at=NOW), placed("newer", 4, OTHER, at=NOW + MINUTE)], feed="b")
    poll(store, [placed("gone", 5, "c" * 32, at=NOW - HOUR)], feed="c")
    poll(store, [placed("old", 6, "d" * 32, at=NOW - HOUR, clues=b""), placed("again", 7, "d" * 32, at=NOW)], feed="d")
    assert store.stories_over(before=NOW) == (STORY,)


def test_a_story_is_seen_with_its_outlets_matches_and_what_was_said(store: Store) -> None:
    """All that decides whether another member of it alerts, follows or corroborates."""
    poll(store, [placed("x", 1, outlet="bbc")], rules=["leaders"], channels=["desk", "mail"])
    poll(store, [placed("y", 2, outlet="npr", at=NOW + MINUTE)], feed="b", rules=["leaders"], baseline=True)
    poll(store, [placed("z", 3, OTHER, outlet="cnn")], feed="c")
    views = store.story_views([STORY, OTHER, "unknown"])
    view = views[STORY]
    assert view.outlets == {"bbc": "BBC", "npr": "NPR"}
    assert view.matches == {"leaders": (StoryMatch(outlet="bbc", at=NOW), StoryMatch(outlet="npr", at=NOW + MINUTE))}
    spoken = view.spoken["leaders"]
    assert (spoken.alert.rule, spoken.alert.story, set(spoken.told)) == ("leaders", STORY, {"bbc"})
    assert [(each.channel, each.due_at) for each in spoken.to] == [("desk", NOW), ("mail", NOW)]
    assert (views[OTHER].outlets, views[OTHER].spoken) == ({"cnn": "CNN"}, {})
    assert views["unknown"].outlets == {}


def test_what_was_sent_waits_no_more_and_what_was_dropped_is_not_followed(store: Store) -> None:
    """A reply may go where the alert is, and nowhere else."""
    poll(store, [placed("x", 1)], rules=["leaders"], channels=["desk", "mail"])
    (sent,) = send_all(store, "desk")
    store.drop_deliveries(ids=None, channel="mail", now=NOW)

    store.settle(
        [Settlement(delivery_id=sent.deliveries[0].id, token=sent.token, state=DeliveryState.SENT, due_at=NOW)],
        now=NOW,
    )
    (to,) = store.story_views([STORY])[STORY].spoken["leaders"].to
    assert (to.channel, to.due_at) == ("desk", None)


def test_a_reply_names_its_outlet(store: Store) -> None:
    """An update is about the entry that its poll says, matched or not, and its outlet counts as told."""
    poll(store, [placed("x", 1)], rules=["leaders"])
    follower = replace(alert(entry("y"), "leaders", story="also"), kind="update", story=STORY, note="Also in NPR.")
    store.add_feeds([spec("b", origin="added")], now=NOW)
    (held,) = store.claim_feeds(["b"], now=NOW, lease=MINUTE)
    found = outcome(held.lease, held.feeds[0], entries=[entry("y")], alerts=[follower])
    placings = (placed("y", 2, outlet="npr", like=1),)
    store.commit_polls([replace(found, placed=placings, origins={follower.id: "y"})], now=NOW)
    spoken = store.story_views([STORY])[STORY].spoken["leaders"]
    assert (spoken.alert.kind, set(spoken.told)) == ("news", {"bbc", "npr"})


def test_stories_are_listed(store: Store) -> None:
    """The one that grew last first, or the one with the most outlets; of a rule, or told by enough outlets."""
    poll(store, [placed("x", 1), placed("y", 2, outlet="npr", at=NOW + MINUTE)], rules=["leaders"])
    poll(store, [placed("z", 3, OTHER, at=NOW + HOUR)], feed="b")

    def listed(
        since: datetime = NOW - HOUR, least: int = 1, rule: str | None = None, order: str = "recent"
    ) -> list[str]:
        assert order in {"recent", "outlets"}
        found = store.list_stories(
            since=since, least=least, rule=rule, order="recent" if order == "recent" else "outlets", limit=10
        )
        return [each.id for each in found]

    assert listed() == [OTHER, STORY]
    assert listed(order="outlets") == [STORY, OTHER]
    assert listed(least=2) == [STORY]
    assert listed(rule="leaders") == [STORY]
    assert listed(rule="nobody") == []
    assert listed(since=NOW + 2 * MINUTE) == [OTHER]
    (told,) = store.list_stories(since=NOW, least=2, rule=None, order="recent", limit=10)
    assert (told.title, told.first_at, told.last_at) == ("Title of x", NOW, NOW + MINUTE)
    assert (told.entries, told.outlets, told.rules) == (2, ("BBC", "NPR"), ("leaders",))


def test_a_story_is_shown_with_the_reasons_of_each_member(store: Store) -> None:
    """In order, each with what it resembles; ids are found by their beginning."""
    poll(store, [placed("x", 1)], rules=["leaders"])
    poll(store, [placed("y", 2, outlet="npr", like=1, at=NOW + MINUTE)], feed="b")
    assert store.stories_called("aaaa", limit=2) == (STORY,)
    told = store.story(STORY)
    assert told is not None
    first, second = told[1]
    assert (first.feed, first.link, first.outlet, first.like, first.rules) == (
        "a",
        "https://news.example/x",
        "BBC",
        None,
        ("leaders",),
    )
    assert (second.like, second.score, second.reasons) == (first.entry_id, 0.9, ("same words: assad, flees",))
    assert store.story_of(second.entry_id) == STORY
    assert store.story_of(10**9) is None
    assert store.story(OTHER) is None


def test_a_merge_keeps_what_was_said_of_either(store: Store) -> None:
    """Members, alerts and threads are the other's, and processes that run hear of it."""
    poll(store, [placed("x", 1)], rules=["leaders"])
    poll(store, [placed("y", 2, OTHER)], feed="b", rules=["floods"])
    store.keep_thread("desk", OTHER, "thread 5", now=NOW)
    assert store.merge_stories(STORY, [OTHER], now=NOW) == 1
    view = store.story_views([STORY])[STORY]
    assert set(view.spoken) == {"leaders", "floods"}
    assert store.story(OTHER) is None
    assert store.stories_called(OTHER[:8], limit=2) == (STORY,)
    assert store.story_news(member=0, correction=0).corrections == (Correction(number=1, story=OTHER, into=STORY),)
    update = replace(alert(entry("n")), story=STORY)
    poll(store, [placed("n", 3)], feed="c", said=[update], channels=["desk"])
    assert [claim.message.thread for claim in send_all(store, "desk")] == ["thread 5"]


def test_a_poll_that_knew_nothing_of_a_merge_obeys_it(store: Store) -> None:
    """What it still writes of the story that is gone, and of one that had gone into that, is the other's."""
    poll(store, [placed("x", 1)])
    poll(store, [placed("y", 2, OTHER)], feed="b")
    third = "c" * 32
    poll(store, [placed("z", 3, third)], feed="c")
    store.merge_stories(OTHER, [third], now=NOW)
    store.merge_stories(STORY, [OTHER], now=NOW)
    poll(store, [placed("late", 4, OTHER), placed("later", 5, third)], feed="d", rules=["leaders"])
    told = store.story(STORY)
    assert told is not None
    assert told[0].entries == 5
    assert "leaders" in store.story_views([STORY])[STORY].spoken


def test_a_split_takes_entries_into_a_story_of_their_own(store: Store) -> None:
    """What was said stays with the entry that it was said of."""
    poll(store, [placed("x", 1), placed("y", 2), placed("z", 3)])
    poll(store, [placed("said", 4)], feed="b", rules=["leaders"])
    apart = store.split_story(STORY, [number_of(store, STORY, "y"), number_of(store, STORY, "z")], now=NOW)
    assert apart not in {STORY, OTHER}
    rest, taken = store.story(STORY), store.story(apart)
    assert rest is not None
    assert taken is not None
    assert (rest[0].entries, rest[0].rules, taken[0].entries, taken[0].rules) == (2, ("leaders",), 2, ())
    assert {each.member for each in store.story_news(member=0, correction=0).corrections} == {2, 3}


def test_after_a_split_both_parts_can_be_said(store: Store) -> None:
    """An alert's id is made of rule and story: where the alert goes with its entry, the rest is a story of another
    name, or nothing could ever be said of it.
    """
    poll(store, [placed("x", 1)], rules=["leaders"])
    poll(store, [placed("y", 2)], feed="b")
    left = number_of(store, STORY, "y")
    apart = store.split_story(STORY, [number_of(store, STORY, "x")], now=NOW)
    rest = store.story_of(left)
    assert rest not in {None, STORY, apart}
    views = store.story_views([apart, rest or ""])
    assert (set(views[apart].spoken), set(views[rest or ""].spoken)) == ({"leaders"}, set())


def test_what_was_split_can_be_merged_and_split_again(store: Store) -> None:
    """Each word of a person holds until the next one."""
    poll(store, [placed("x", 1), placed("y", 2)])
    number = number_of(store, STORY, "y")
    apart = store.split_story(STORY, [number], now=NOW)
    store.merge_stories(STORY, [apart], now=NOW + MINUTE)
    again = store.split_story(STORY, [number], now=NOW + 2 * MINUTE)
    assert store.story_of(number) == again
    poll(store, [placed("z", 3, again)], feed="b")
    assert store.story_views([again])[again].outlets == {"bbc": "BBC"}
    told = store.story(again)
    assert told is not None
    assert told[0].entries == 2


def test_matches_of_entries_count_by_when_they_came(store: Store) -> None:
    """A rule's matches are in the order of the entries, however late the poll that brought them was written."""
    poll(store, [placed("late", 2, outlet="npr", at=NOW + MINUTE)], rules=["leaders"], baseline=True)
    poll(store, [placed("early", 1)], feed="b", rules=["leaders"], baseline=True)
    matched = store.story_views([STORY])[STORY].matches["leaders"]
    assert [each.outlet for each in matched] == ["bbc", "npr"]
