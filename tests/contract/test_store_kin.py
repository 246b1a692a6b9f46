"""Finding a stored entry again by its marks, and writing it under another key."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.model import Rekeyed
from tests.contract.samples import INTERVAL, NOW, alert, claim, entry, outcome, spec

if TYPE_CHECKING:
    from monitor.model import Entry, Feed, Lease
    from monitor.store.base import Store

LARGE = 2**63 - 1


def marked(key: str, *marks: int) -> Entry:
    return replace(entry(key), marks=marks)


def held(store: Store, *entries: Entry, rules: tuple[str, ...] = ()) -> tuple[Feed, Lease]:
    """A feed with these entries, and the lease for its next poll."""
    store.sync_feeds([spec("a"), spec("b")], now=NOW)
    batch = [
        outcome(one.lease, one.feeds[0], entries=entries, rules=rules, pages=bool(rules))
        for one in claim(store)
        if one.host == "a.example"
    ]
    assert store.commit_polls(batch, now=NOW) == (True,)
    (one,) = store.claim_feeds(["a"], now=NOW + INTERVAL, lease=INTERVAL)
    return one.feeds[0], one.lease


def test_entries_are_found_by_their_marks(store: Store) -> None:
    """Each once, with those of the marks asked for that it has; of its own feed only."""
    feed, _lease = held(store, marked("x", 1, -LARGE), marked("y", 1, LARGE), marked("z", 3))
    found = store.kin(feed.id, marks=[1, LARGE, 9])
    assert {each.entry.key: each.marks for each in found} == {"x": {1}, "y": {1, LARGE}}
    assert found[0].entry.title == entry(found[0].entry.key).title
    (other,) = store.feeds(names=["b"])
    assert store.kin(other.id, marks=[1]) == ()
    assert store.kin(feed.id, marks=[]) == ()


def test_a_mark_of_many_costs_no_more_than_four(store: Store) -> None:
    """The newest: a headline that thousands of entries have tells nothing."""
    feed, _lease = held(store, *(marked(f"k{number}", 7) for number in range(30)))
    assert {each.entry.key for each in store.kin(feed.id, marks=[7])} == {"k26", "k27", "k28", "k29"}


def test_stored_versions_are_found_by_key(store: Store) -> None:
    """One that has a mark as well comes once."""
    feed, _lease = held(store, marked("x", 1), marked("y", 2), marked("z", 3))
    assert sorted(each.entry.key for each in store.kin(feed.id, marks=[1], keys=["x", "y", "n"])) == ["x", "y"]


def test_newest_entries(store: Store) -> None:
    """With marks or without."""
    feed, _lease = held(store, marked("x", 1), entry("y"), entry("z"))
    assert [each.entry.key for each in store.newest_entries(feed.id, limit=2)] == ["z", "y"]


def test_an_entry_under_another_key_keeps_all_that_it_has(store: Store) -> None:
    """Match, alert, page and the time when it was first seen; it is found by its old marks and the new ones."""
    feed, lease = held(store, marked("x", 1), rules=("r",))
    before = store.known_entries(feed.id, ["x"])["x"]
    renewed = replace(marked("new", 2), guid="guid-2", link="https://elsewhere.example/x")
    found = replace(outcome(lease, feed), rekeyed=(Rekeyed(key="x", entry=renewed),), marked=(marked("x", 5),))
    assert store.commit_polls([found], now=NOW + INTERVAL) == (True,)
    assert store.known_entries(feed.id, ["x", "new"]) == {"new": before}
    (kin,) = store.kin(feed.id, marks=[1, 2, 5])
    assert (kin.id, kin.marks, kin.seen_at) == (before.id, frozenset({1, 2, 5}), NOW)
    assert (kin.entry.guid, kin.entry.link) == ("guid-2", "https://elsewhere.example/x")
    assert store.page_of(before.id) is not None
    assert [each.alert_id for each in store.recent_matches(baseline=False, limit=5)] == [alert(entry("x"), "r").id]


def test_an_entry_may_be_edited_as_it_gets_another_key(store: Store) -> None:
    """It is one row before and after."""
    feed, lease = held(store, marked("x", 1))
    edited = replace(marked("new", 2), title="Another title", content_hash="other")
    found = replace(outcome(lease, feed, entries=[edited]), rekeyed=(Rekeyed(key="x", entry=edited),))
    assert store.commit_polls([found], now=NOW + INTERVAL) == (True,)
    assert store.known_entries(feed.id, ["new"])["new"].content_hash == "other"
    assert store.status(now=NOW).entries == 1
