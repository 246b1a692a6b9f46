"""The contract of `monitor/store/base.py`: claims of hosts, and the commit of polls."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from monitor.model import DeliveryState, PlannedMatch
from tests.contract.samples import (
    HOUR,
    INTERVAL,
    MINUTE,
    NOW,
    alert,
    claim,
    delivery,
    entry,
    failed,
    match,
    names,
    on_host,
    outcome,
    send_all,
    spec,
    update,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.model import HostClaim, StoredEntry
    from monitor.store.base import Store


def held(store: Store, name: str = "a") -> HostClaim:
    """A lease on a fresh feed of this name."""
    store.sync_feeds([spec(name)], now=NOW)
    (claimed,) = claim(store)
    return claimed


def test_claims_hosts_before_feeds(store: Store) -> None:
    """A host with many feeds due takes one place of the limit, not all of them."""
    big = [f"big-{number:02}" for number in range(30)]
    store.sync_feeds([*on_host("big.example", *big), spec("small")], now=NOW)
    claims = claim(store, limit=2, feeds_per_host=3)
    assert sorted(one.host for one in claims) == ["big.example", "small.example"]
    assert sorted(names(claims)) == [big[:3], ["small"]]


def test_the_longest_waiting_comes_first(store: Store) -> None:
    """Hosts come in the order in which they are due, and so do the feeds of each."""
    store.sync_feeds([spec("late")], now=NOW)
    store.sync_feeds([spec("late"), *on_host("early.example", "second")], now=NOW - MINUTE)
    store.sync_feeds([spec("late"), *on_host("early.example", "first", "second")], now=NOW - HOUR)
    assert names(claim(store)) == [["first", "second"], ["late"]]


def test_the_limits_of_a_claim_hold(store: Store) -> None:
    """At most `limit` hosts; the rest comes with the next claim."""
    store.sync_feeds([spec(name) for name in "abcde"], now=NOW)
    assert names(claim(store, limit=2)) == [["a"], ["b"]]
    assert names(claim(store, limit=2)) == [["c"], ["d"]]
    assert names(claim(store, limit=2)) == [["e"]]
    assert claim(store, limit=2) == ()


def test_nothing_is_claimed_before_it_is_due(store: Store) -> None:
    """A polled feed is not due again until `next_poll_at`, and then it is."""
    one = held(store)
    store.commit_polls([outcome(one.lease, one.feeds[0])], now=NOW)
    assert claim(store, now=NOW + INTERVAL - MINUTE) == ()
    assert names(claim(store, now=NOW + INTERVAL)) == [["a"]]


def test_a_claim_tells_all_about_a_feed(store: Store) -> None:
    """What the last poll wrote is what the next one is given."""
    first = held(store)
    store.commit_polls([outcome(first.lease, first.feeds[0])], now=NOW)
    (again,) = claim(store, now=NOW + HOUR)
    expected = replace(
        first.feeds[0],
        title="Title of a",
        etag='W/"abc"',
        last_modified="Mon, 23 Nov 2026 12:00:00 GMT",
        body_hash="f" * 64,
        baseline_at=NOW,
        next_poll_at=NOW + INTERVAL,
        polled_at=NOW,
        ok_at=NOW,
        status=200,
    )
    assert again.feeds == (expected,)
    assert again.lease.until == NOW + HOUR + MINUTE


def test_a_leased_host_is_given_to_nobody_else(store: Store, open_again: Callable[[], Store]) -> None:
    """While the lease lives, no process gets the host."""
    store.sync_feeds(on_host("one.example", "a", "b"), now=NOW)
    assert names(claim(store, feeds_per_host=1)) == [["a"]]
    other = open_again()
    assert claim(store) == ()
    assert claim(other, now=NOW + MINUTE / 2) == ()
    assert other.claim_feeds(["b"], now=NOW, lease=MINUTE) == ()


def test_an_expired_lease_gives_the_host_back(store: Store) -> None:
    """A holder that died loses the host at the end of its lease without doing anything."""
    first = held(store)
    (second,) = claim(store, now=NOW + MINUTE)
    assert second.feeds == first.feeds
    assert second.lease.token != first.lease.token


def test_threads_share_hosts_without_overlap(store: Store) -> None:
    """Two threads that claim at once get every host exactly once between them."""
    store.sync_feeds([spec(f"f{number:03}") for number in range(200)], now=NOW)
    start = Barrier(2)

    def claim_all() -> list[str]:
        start.wait()
        mine: list[str] = []
        while batch := claim(store, limit=10):
            mine += [one.host for one in batch]
        return mine

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.submit(claim_all), pool.submit(claim_all)
        everything = first.result() + second.result()
    # PostgreSQL may skip, but never leave, a host that the other thread is looking at.
    everything += [one.host for one in claim(store, limit=200)]
    assert sorted(everything) == [f"f{number:03}.example" for number in range(200)]


def test_a_host_whose_feeds_are_gone_is_no_claim(store: Store) -> None:
    """An expired lease on a host without active feeds leads to another host, not to an empty claim."""
    store.add_feeds([spec("gone", origin="added")], now=NOW)
    assert names(claim(store)) == [["gone"]]
    store.remove_feed("gone", now=NOW)
    store.add_feeds([spec("there", origin="added")], now=NOW + 2 * MINUTE)
    # The host "gone.example" has waited longer, and is first in line.
    assert names(claim(store, now=NOW + 2 * MINUTE, limit=1)) == [["there"]]
    store.add_feeds([spec("back", "https://gone.example/back", origin="added")], now=NOW + 2 * MINUTE)
    assert names(claim(store, now=NOW + 2 * MINUTE)) == [["back"]]


def test_feeds_left_out_of_a_claim_come_next(store: Store) -> None:
    """After a claim of some of a host's feeds the host is due at once for the others."""
    store.sync_feeds(on_host("one.example", "a", "b", "c"), now=NOW)
    (first,) = claim(store, feeds_per_host=2)
    assert store.commit_polls(
        [outcome(first.lease, first.feeds[0], releases=False), outcome(first.lease, first.feeds[1])], now=NOW
    ) == (True, True)
    assert names(claim(store)) == [["c"]]


def test_a_lease_lasts_over_several_commits(store: Store) -> None:
    """Only an outcome that releases makes the host free."""
    store.sync_feeds(on_host("one.example", "a", "b"), now=NOW)
    (one,) = claim(store)
    assert store.commit_polls([outcome(one.lease, one.feeds[0], releases=False)], now=NOW) == (True,)
    assert claim(store) == ()
    assert store.commit_polls([outcome(one.lease, one.feeds[1])], now=NOW) == (True,)
    assert store.commit_polls([outcome(one.lease, one.feeds[1])], now=NOW) == (False,)
    assert names(claim(store, now=NOW + INTERVAL)) == [["a", "b"]]


def test_after_a_release_the_same_lease_writes_no_more_in_the_batch(store: Store) -> None:
    """Within one batch the outcomes count in their order."""
    one = held(store)
    done = store.commit_polls(
        [outcome(one.lease, one.feeds[0]), outcome(one.lease, one.feeds[0], entries=[entry("x")])], now=NOW
    )
    assert done == (True, False)
    assert store.known_entries(one.feeds[0].id, ["x"]) == {}


def test_a_late_commit_changes_nothing(store: Store) -> None:
    """A holder whose host went to another writes nothing of the poll, and does not end the lease of the other."""
    late = held(store)
    (present,) = claim(store, now=NOW + MINUTE)
    feeds, status = store.feeds(), store.status(now=NOW)
    found = outcome(late.lease, late.feeds[0], entries=[entry("x")], rules=["assad"], channels=["terminal"])
    assert store.commit_polls([found], now=NOW + MINUTE) == (False,)
    assert (store.feeds(), store.status(now=NOW)) == (feeds, status)
    assert store.known_entries(late.feeds[0].id, ["x"]) == {}
    assert store.deliveries() == ()
    assert claim(store, now=NOW + MINUTE) == ()
    assert store.commit_polls([outcome(present.lease, present.feeds[0])], now=NOW + MINUTE) == (True,)


def test_a_lost_lease_does_not_spoil_the_batch(store: Store) -> None:
    """The other outcomes of the batch are written; the answer says which."""
    lost = held(store)
    claim(store, now=NOW + MINUTE)
    store.sync_feeds([spec("a"), spec("b")], now=NOW)
    (good,) = claim(store)
    batch = [outcome(lost.lease, lost.feeds[0]), outcome(good.lease, good.feeds[0], entries=[entry("y")])]
    assert store.commit_polls(batch, now=NOW) == (False, True)
    assert set(store.known_entries(good.feeds[0].id, ["y"])) == {"y"}


def test_release_makes_feeds_due_again_at_once(store: Store) -> None:
    """A host given back unpolled can be claimed at the same moment; a lost lease releases nothing."""
    first = held(store)
    store.release([first.lease], now=NOW)
    (second,) = claim(store)
    store.release([first.lease], now=NOW)
    assert claim(store) == ()
    store.release([second.lease, first.lease], now=NOW)
    assert names(claim(store)) == [["a"]]
    store.release([], now=NOW)


def test_claim_feeds_takes_these_feeds_only_due_or_not(store: Store) -> None:
    """`poll FEED` gets the feed before its time, and nothing else of its host."""
    store.sync_feeds([*on_host("one.example", "a", "b"), spec("c")], now=NOW)
    for one in claim(store):
        store.commit_polls([outcome(one.lease, feed, releases=feed is one.feeds[-1]) for feed in one.feeds], now=NOW)
    claims = store.claim_feeds(["b", "c", "unknown"], now=NOW + MINUTE, lease=MINUTE)
    assert sorted(names(claims)) == [["b"], ["c"]]
    assert store.claim_feeds(["a"], now=NOW + MINUTE, lease=MINUTE) == ()
    assert names(store.claim_feeds(["a"], now=NOW + 2 * MINUTE, lease=MINUTE)) == [["a"]]
    assert store.claim_feeds([], now=NOW, lease=MINUTE) == ()


def test_break_leases_frees_hosts_and_deliveries(store: Store) -> None:
    """A daemon that has just started takes over at once what a killed one held."""
    one = held(store)
    store.commit_polls([outcome(one.lease, one.feeds[0], entries=[entry("x")], rules=["r"], channels=["t"])], now=NOW)
    dead_host = store.claim_feeds(["a"], now=NOW, lease=HOUR)
    dead_send = send_all(store, "t", now=NOW, limit=10, lease=HOUR)
    assert len(dead_host) == len(dead_send) == 1
    assert store.break_leases(now=NOW + MINUTE) == 2
    assert store.break_leases(now=NOW + MINUTE) == 0
    assert len(send_all(store, "t", now=NOW + MINUTE)) == 1
    assert claim(store, now=NOW + MINUTE) == ()  # polled a minute ago, so not due
    assert names(claim(store, now=NOW + INTERVAL)) == [["a"]]


def test_all_of_a_poll_becomes_visible(store: Store) -> None:
    """One commit writes feed, entry, match, alert and deliveries, as other processes see."""
    one = held(store)
    new = entry("x", published_at=NOW - HOUR)
    found = outcome(one.lease, one.feeds[0], entries=[new], rules=["assad"], channels=["email", "slack"])
    assert store.commit_polls([found], now=NOW) == (True,)
    known = store.known_entries(one.feeds[0].id, ["x", "y"])
    assert {key: (each.content_hash, each.alerted, each.matched) for key, each in known.items()} == {
        "x": ("hash-x", frozenset({"assad"}), frozenset({"assad"}))
    }
    assert [
        (each.channel, each.alert, each.state) for each in sorted(store.deliveries(), key=lambda it: it.channel)
    ] == [
        ("email", alert(new), DeliveryState.PENDING),
        ("slack", alert(new), DeliveryState.PENDING),
    ]
    (recorded,) = store.recent_matches(baseline=False, limit=10)
    assert (recorded.rule, recorded.feed, recorded.title, recorded.link) == ("assad", "a", new.title, new.link)
    assert (recorded.published_at, recorded.seen_at, recorded.alert_id) == (NOW - HOUR, NOW, alert(new).id)


def test_nothing_of_a_poll_is_kept_when_the_commit_fails(store: Store) -> None:
    """A commit that cannot be finished leaves no trace, and the lease can still be used."""
    one = held(store)
    good = outcome(one.lease, one.feeds[0], entries=[entry("x")], rules=["assad"], channels=["terminal"])
    broken = replace(good, update=replace(good.update, polled_at=NOW.replace(tzinfo=None)))
    with pytest.raises(Exception, match="naive time"):
        store.commit_polls([broken], now=NOW)
    assert store.status(now=NOW).entries == store.status(now=NOW).alerts == 0
    assert store.commit_polls([good], now=NOW) == (True,)


def test_an_alert_is_said_once(store: Store) -> None:
    """The same alert and delivery committed again, from another feed too, stay as they are, sent or not."""
    store.sync_feeds([spec("a"), spec("b")], now=NOW)
    first, second = claim(store)
    said = alert(entry("x"), story="one story")
    found = outcome(first.lease, first.feeds[0], entries=[entry("x")], alerts=[said], channels=["terminal"])
    store.commit_polls([found], now=NOW)
    (sending,) = send_all(store)
    again = replace(said, feed_title="Another title")
    repeated = outcome(
        second.lease, second.feeds[0], entries=[entry("z")], alerts=[again], channels=["terminal", "slack"]
    )
    assert store.commit_polls([repeated], now=NOW + MINUTE) == (True,)
    assert send_all(store) == ()
    assert store.status(now=NOW).alerts == 1
    (other,) = send_all(store, "slack")
    assert (sending.deliveries[0].alert, other.deliveries[0].alert) == (said, said)


def test_one_story_in_two_feeds_of_a_batch(store: Store) -> None:
    """Two outcomes of one batch may carry the same alert and delivery."""
    store.sync_feeds([spec("a"), spec("b")], now=NOW)
    said = alert(entry("x"), story="one story")
    batch = [
        outcome(one.lease, one.feeds[0], entries=[entry("x")], alerts=[said], channels=["terminal"])
        for one in claim(store)
    ]
    assert store.commit_polls(batch, now=NOW) == (True, True)
    assert len(send_all(store)) == 1


def test_an_edited_entry_is_updated_in_place(store: Store) -> None:
    """Another content hash replaces the text; the entry stays one entry, first seen when it was."""
    one = held(store)
    store.commit_polls([outcome(one.lease, one.feeds[0], entries=[entry("x")], rules=["r"], baseline=True)], now=NOW)
    (again,) = claim(store, now=NOW + HOUR)
    edited = entry("x", title="Corrected title", content_hash="other")
    later = update(again.feeds[0], polled_at=NOW + HOUR)
    store.commit_polls([outcome(again.lease, later, entries=[edited], rules=["r"], baseline=True)], now=NOW + HOUR)
    assert store.known_entries(one.feeds[0].id, ["x"])["x"].content_hash == "other"
    (recorded,) = store.recent_matches(baseline=True, limit=10)
    assert (recorded.title, recorded.seen_at) == ("Corrected title", NOW)
    assert store.status(now=NOW).entries == 1


def test_a_baseline_match_can_get_its_alert_later(store: Store) -> None:
    """A match without an alert takes the new one, and keeps it from then on."""
    one = held(store)
    feed_id = one.feeds[0].id
    silent = outcome(one.lease, one.feeds[0], releases=False, entries=[entry("x")], rules=["r"], baseline=True)
    store.commit_polls([silent], now=NOW)
    known = store.known_entries(feed_id, ["x"])["x"]
    assert (known.alerted, known.matched) == (frozenset(), frozenset({"r"}))
    loud = outcome(one.lease, one.feeds[0], releases=False, entries=[entry("x")], rules=["r"], channels=["terminal"])
    store.commit_polls([loud], now=NOW)
    assert store.known_entries(feed_id, ["x"])["x"].alerted == {"r"}
    store.commit_polls([silent], now=NOW)
    assert store.known_entries(feed_id, ["x"])["x"].alerted == {"r"}
    assert store.recent_matches(baseline=True, limit=10) == ()


def test_known_entries_belong_to_their_feed(store: Store) -> None:
    """The same key in another feed is another entry; rules are told apart by whether they spoke."""
    store.sync_feeds([spec("a"), spec("b")], now=NOW)
    first, second = claim(store)
    spoken = outcome(first.lease, first.feeds[0], releases=False, entries=[entry("x")], rules=["r1", "r2"])
    silent = outcome(first.lease, first.feeds[0], entries=[entry("x")], rules=["r3"], baseline=True)
    store.commit_polls([spoken, silent], now=NOW)
    known = store.known_entries(first.feeds[0].id, ["x"])["x"]
    assert (known.alerted, known.matched) == (frozenset({"r1", "r2"}), frozenset({"r1", "r2", "r3"}))
    assert store.known_entries(second.feeds[0].id, ["x"]) == {}
    assert store.known_entries(first.feeds[0].id, []) == {}


def test_a_long_document_is_one_commit(store: Store) -> None:
    """More entries than a database takes parameters in one statement are stored and found again."""
    one = held(store)
    entries = [entry(f"{number:032x}") for number in range(5000)]
    assert store.commit_polls([outcome(one.lease, one.feeds[0], entries=entries)], now=NOW) == (True,)
    assert len(store.known_entries(one.feeds[0].id, [each.key for each in entries])) == 5000


def test_a_large_batch_is_one_commit(store: Store) -> None:
    """A thousand hosts are claimed, committed and freed together."""
    store.sync_feeds([spec(f"f{number}") for number in range(1000)], now=NOW)
    claims = claim(store, limit=1000)
    batch = [outcome(one.lease, one.feeds[0], entries=[entry("x")], rules=["r"], channels=["t"]) for one in claims]
    assert store.commit_polls(batch, now=NOW) == (True,) * 1000
    assert store.status(now=NOW).entries == 1000
    assert len(claim(store, now=NOW + INTERVAL, limit=2000)) == 1000


def test_a_failed_poll_is_counted_and_explained(store: Store) -> None:
    """Failures, status and error are kept; the feed is among the failing ones until a poll is good."""
    one = held(store)
    store.commit_polls([outcome(one.lease, failed(one.feeds[0]))], now=NOW)
    (bad,) = store.feeds(failing=True)
    assert (bad.failures, bad.status, bad.error, bad.ok_at) == (1, 503, "HTTP 503", None)
    (again,) = claim(store, now=NOW + HOUR)
    store.commit_polls([outcome(again.lease, again.feeds[0])], now=NOW + HOUR)
    assert store.feeds(failing=True) == ()


def test_ping_writes(store: Store) -> None:
    """A store that can be written says nothing."""
    store.ping()
    store.ping()


def test_an_empty_commit_is_nothing(store: Store) -> None:
    """No outcomes, no answers."""
    assert store.commit_polls([], now=NOW) == ()


def test_an_alert_comes_back_as_it_was(store: Store) -> None:
    """Excerpts, marks and times survive the store to the microsecond."""
    one = held(store)
    said = replace(alert(entry("x")), published_at=None, excerpts=(), seen_at=NOW, story="s1", kind="ops")
    found = replace(outcome(one.lease, one.feeds[0]), alerts=(said,), deliveries=(delivery(said),))
    store.commit_polls([found], now=NOW)
    assert send_all(store)[0].deliveries[0].alert == said


def test_recent_entries_come_newest_first_and_in_pages(store: Store) -> None:
    """Each entry of the time comes once, whole and with its feed; older ones do not come."""
    store.sync_feeds([spec("a", tags=("world", "uk"))], now=NOW)
    (first,) = claim(store)
    old, new = [entry(f"old-{number}") for number in range(3)], [entry(f"new-{number}") for number in range(5)]
    store.commit_polls([outcome(first.lease, first.feeds[0], entries=old)], now=NOW)
    (second,) = claim(store, now=NOW + HOUR)
    later = outcome(second.lease, update(second.feeds[0], polled_at=NOW + HOUR), entries=new)
    store.commit_polls([later], now=NOW + HOUR)
    found: list[StoredEntry] = []
    while page := store.recent_entries(since=NOW + HOUR, before=found[-1].id if found else None, limit=2):
        found += page
    assert [each.entry for each in found] == new[::-1]
    assert {(each.feed, each.feed_tags, each.seen_at) for each in found} == {("a", ("world", "uk"), NOW + HOUR)}
    assert len(store.recent_entries(since=NOW, before=None, limit=100)) == 8


def test_an_entry_is_found_by_number_and_by_address(store: Store) -> None:
    """The part of an address is taken literally; an unknown number is None."""
    store.sync_feeds([spec("a", tags=("world",))], now=NOW)
    (one,) = claim(store)
    links = ["https://x.example/a_b?c=1", "https://x.example/axb", ""]
    new = [replace(entry(f"e{number}"), link=link) for number, link in enumerate(links)]
    store.commit_polls([outcome(one.lease, one.feeds[0], entries=new)], now=NOW)
    (found,) = store.entries_linking("/a_b", limit=10)
    assert (found.entry, found.feed, found.feed_tags) == (new[0], "a", ("world",))
    assert store.entry(found.id) == found
    assert store.entry(found.id + 1000) is None
    assert len(store.entries_linking("x.example", limit=1)) == 1


def test_what_came_of_an_entry_is_told_rule_by_rule(store: Store) -> None:
    """Said with its deliveries, recorded silently, or said for another entry of the same story."""
    store.sync_feeds([spec("a")], now=NOW)
    (one,) = claim(store)
    first, second = entry("first"), entry("second")
    said = alert(first)
    matches = (
        PlannedMatch(match=match(first), alert_id=said.id),
        PlannedMatch(match=match(first, "silent"), alert_id=None),
        PlannedMatch(match=match(second), alert_id=said.id),
    )
    made = outcome(one.lease, one.feeds[0], entries=(first, second))
    deliveries = (delivery(said, "desk"), delivery(said, "chat"))
    store.commit_polls([replace(made, matches=matches, alerts=(said,), deliveries=deliveries)], now=NOW)
    later, earlier = store.recent_entries(since=NOW, before=None, limit=10)
    told = {each.rule: each for each in store.matches_of(earlier.id)}
    assert [each.channel for each in told["assad"].deliveries] == ["chat", "desk"]
    assert (told["assad"].alert_id, told["assad"].alert_entry_id) == (said.id, earlier.id)
    assert (told["silent"].alert_id, told["silent"].deliveries) == (None, ())
    (repeated,) = store.matches_of(later.id)
    assert repeated.alert_entry_id == earlier.id
    assert store.matches_of(later.id + 1000) == ()
