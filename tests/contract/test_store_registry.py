"""The contract of `monitor/store/base.py`: which feeds there are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from monitor.errors import UsageError
from monitor.store.base import FeedsChanged
from monitor.store.hosts import host_of
from tests.contract.samples import (
    HOUR,
    INTERVAL,
    MINUTE,
    NOW,
    claim,
    entry,
    names,
    on_host,
    outcome,
    spec,
    update,
)

if TYPE_CHECKING:
    from monitor.model import Feed
    from monitor.store.base import Store


def feed(store: Store, name: str) -> Feed:
    (found,) = store.feeds(names=[name])
    return found


def polled(store: Store, *keys: str) -> Feed:
    """The feed "a", polled once at NOW, with these entries."""
    store.sync_feeds([spec("a")], now=NOW)
    (one,) = claim(store)
    store.commit_polls([outcome(one.lease, one.feeds[0], entries=[entry(key) for key in keys])], now=NOW)
    return feed(store, "a")


def test_sync_adds_changes_and_removes(store: Store) -> None:
    """The counts tell what a changed file did; the feeds are then those of the file."""
    first = [spec("a"), spec("b", tags=("world",)), spec("c")]
    assert store.sync_feeds(first, now=NOW) == FeedsChanged(added=3)
    assert store.sync_feeds(first, now=NOW) == FeedsChanged(same=3)
    second = [spec("a"), spec("b", tags=("wire",)), spec("d")]
    assert store.sync_feeds(second, now=NOW) == FeedsChanged(added=1, changed=1, removed=1, same=1)
    assert [(each.name, each.tags, each.origin) for each in store.feeds()] == [
        ("a", (), "config"),
        ("b", ("wire",), "config"),
        ("d", (), "config"),
    ]


def test_a_new_feed_is_due_and_has_no_past(store: Store) -> None:
    """A feed that was never polled says so in every field."""
    store.sync_feeds([spec("a", "https://News.Example:443/feed", interval=HOUR)], now=NOW)
    new = feed(store, "a")
    assert (new.host, new.url, new.interval) == ("news.example", "https://News.Example:443/feed", HOUR)
    assert (new.added_at, new.next_poll_at) == (NOW, NOW)
    assert (new.baseline_at, new.polled_at, new.ok_at, new.status) == (None, None, None, None)
    assert (new.title, new.failures, new.error) == ("", 0, "")


def test_a_renamed_feed_keeps_its_entries(store: Store) -> None:
    """The URL recognises a feed whose name changed: no new baseline, nothing said again, not due early."""
    old = polled(store, "x")
    assert store.sync_feeds([spec("new name", old.url)], now=NOW) == FeedsChanged(changed=1)
    assert store.feeds() == (replace(old, name="new name"),)
    assert set(store.known_entries(old.id, ["x"])) == {"x"}


def test_names_that_swap_their_urls(store: Store) -> None:
    """The name is stronger than the URL."""
    store.sync_feeds([spec("a", "https://h.example/1"), spec("b", "https://h.example/2")], now=NOW)
    before = {each.name: each.id for each in store.feeds()}
    assert store.sync_feeds(
        [spec("a", "https://h.example/2"), spec("b", "https://h.example/1")], now=NOW
    ) == FeedsChanged(changed=2)
    assert {each.name: (each.id, each.url) for each in store.feeds()} == {
        "a": (before["a"], "https://h.example/2"),
        "b": (before["b"], "https://h.example/1"),
    }


def test_a_name_that_moves_on_to_a_new_feed(store: Store) -> None:
    """The feed "a" goes on as "b" while "a" becomes another feed: names stay unique, and the name decides."""
    old = polled(store, "x")
    store.sync_feeds([spec("b", old.url), spec("a", "https://elsewhere.example/")], now=NOW)
    assert feed(store, "a").id == old.id
    assert feed(store, "b").baseline_at is None


def test_a_feed_that_went_and_came_back_gets_a_new_baseline(store: Store) -> None:
    """Removed, it is polled no more; returned, it starts silently, and still knows its entries."""
    old = polled(store, "x")
    assert store.sync_feeds([], now=NOW) == FeedsChanged(removed=1)
    assert store.feeds() == ()
    assert claim(store, now=NOW + 24 * HOUR) == ()
    assert store.sync_feeds([spec("a")], now=NOW + HOUR) == FeedsChanged(added=1)
    back = feed(store, "a")
    assert (back.id, back.baseline_at, back.next_poll_at) == (old.id, None, NOW + HOUR)
    assert (back.etag, back.last_modified, back.body_hash, back.polled_at) == (None, None, None, None)
    assert set(store.known_entries(old.id, ["x"])) == {"x"}
    assert names(claim(store, now=NOW + HOUR)) == [["a"]]


def test_a_changed_url_drops_the_validators(store: Store) -> None:
    """They stand for another document; the feed is due at once, on its new host."""
    old = polled(store, "x")
    store.sync_feeds([spec("a", "https://moved.example/feed")], now=NOW + MINUTE)
    moved = feed(store, "a")
    assert (moved.id, moved.host, moved.next_poll_at) == (old.id, "moved.example", NOW + MINUTE)
    assert (moved.etag, moved.last_modified, moved.body_hash) == (None, None, None)
    assert (moved.baseline_at, moved.title) == (old.baseline_at, old.title)
    assert [one.host for one in claim(store, now=NOW + MINUTE)] == ["moved.example"]


def test_a_changed_interval_only_moves_the_next_poll_earlier(store: Store) -> None:
    """A shorter interval counts from the last poll; a longer one never postpones."""
    polled(store)
    store.sync_feeds([spec("a", interval=3 * MINUTE)], now=NOW + MINUTE)
    assert feed(store, "a").next_poll_at == NOW + 3 * MINUTE
    assert names(claim(store, now=NOW + 3 * MINUTE)) == [["a"]]
    store.sync_feeds([spec("a", interval=HOUR)], now=NOW + 3 * MINUTE)
    assert (feed(store, "a").next_poll_at, feed(store, "a").interval) == (NOW + 3 * MINUTE, HOUR)


def test_changed_tags_leave_the_schedule_alone(store: Store) -> None:
    """A restart with other tags polls nothing early, and keeps the validators."""
    old = polled(store)
    store.sync_feeds([spec("a", tags=("t",))], now=NOW + MINUTE)
    assert store.feeds() == (replace(old, tags=("t",)),)


def test_the_same_feed_named_twice(store: Store) -> None:
    """Of two specs with one name the first counts; one URL under two names is two feeds."""
    twice = [spec("a", "https://h.example/1"), spec("a", "https://h.example/2"), spec("b", "https://h.example/1")]
    assert store.sync_feeds(twice, now=NOW) == FeedsChanged(added=2, same=1)
    assert [(each.name, each.url) for each in store.feeds()] == [
        ("a", "https://h.example/1"),
        ("b", "https://h.example/1"),
    ]
    assert store.sync_feeds(twice, now=NOW) == FeedsChanged(same=3)


def test_sync_leaves_added_feeds_alone(store: Store) -> None:
    """Feeds that were added by command stay when the file changes."""
    store.add_feeds([spec("mine", origin="added")], now=NOW)
    store.sync_feeds([spec("a")], now=NOW)
    assert store.sync_feeds([], now=NOW) == FeedsChanged(removed=1)
    assert [(each.name, each.origin) for each in store.feeds()] == [("mine", "added")]


def test_the_file_takes_over_an_added_feed(store: Store) -> None:
    """A feed that was added by command and is now in the file too is one feed, with its entries."""
    store.add_feeds([spec("mine", "https://h.example/1", origin="added")], now=NOW)
    before = feed(store, "mine")
    assert store.sync_feeds([spec("ours", "https://h.example/1")], now=NOW) == FeedsChanged(changed=1)
    assert store.feeds() == (replace(before, name="ours", origin="config"),)


def test_add_feeds_updates_what_it_knows(store: Store) -> None:
    """An import done twice changes nothing; with another URL it changes the feed."""
    specs = [spec("a", origin="added"), spec("b", origin="added")]
    assert store.add_feeds(specs, now=NOW) == FeedsChanged(added=2)
    assert store.add_feeds(specs, now=NOW) == FeedsChanged(same=2)
    assert store.add_feeds([spec("a", "https://else.example/", origin="added")], now=NOW) == FeedsChanged(changed=1)
    assert {each.name: each.origin for each in store.feeds()} == {"a": "added", "b": "added"}


def test_add_feeds_leaves_configured_feeds_alone(store: Store) -> None:
    """What the file names already, by name or by URL, is counted as the same and left out."""
    store.sync_feeds([spec("a", "https://h.example/1")], now=NOW)
    before = store.feeds()
    added = [spec("a", "https://h.example/9", origin="added"), spec("z", "https://h.example/1", origin="added")]
    assert store.add_feeds(added, now=NOW) == FeedsChanged(same=2)
    assert store.feeds() == before


def test_a_long_import_comes_in_batches(store: Store) -> None:
    """Progress goes up to the end; a feed listed under two headings is one feed."""
    specs = [spec(f"f{number}", f"https://h{number % 50}.example/{number}", origin="added") for number in range(2300)]
    seen: list[int] = []
    again = spec("other name", specs[0].url, origin="added")
    assert store.add_feeds([*specs, again], now=NOW, progress=seen.append) == FeedsChanged(added=2300, same=1)
    assert seen == [1000, 2000, 2301]
    assert len(store.feeds()) == 2300
    assert len(claim(store)) == 50


def test_remove_feed_removes_added_feeds_only(store: Store) -> None:
    """A configured feed is removed in the file; an unknown one not at all; an added one is gone."""
    store.sync_feeds([spec("a")], now=NOW)
    store.add_feeds([spec("b", origin="added")], now=NOW)
    assert [store.remove_feed(name, now=NOW) for name in ("a", "nothing", "b", "b")] == [False, False, True, False]
    assert [each.name for each in store.feeds()] == ["a"]
    assert names(claim(store)) == [["a"]]


def test_feeds_by_name(store: Store) -> None:
    """All in the order of their names, or those asked for; none for no names."""
    store.sync_feeds([spec(name) for name in ("b", "a", "Z", "é")], now=NOW)
    assert [each.name for each in store.feeds()] == ["Z", "a", "b", "é"]
    assert [each.name for each in store.feeds(names=["b", "unknown", "Z"])] == ["Z", "b"]
    assert store.feeds(names=[]) == ()


def test_names_and_tags_of_the_active_feeds(store: Store) -> None:
    """All, or those of one origin; what was removed is neither named nor counted."""
    store.sync_feeds([spec("a", tags=("x", "y")), spec("b")], now=NOW)
    store.add_feeds([spec("mine", tags=("x", "y"), origin="added"), spec("gone", origin="added")], now=NOW)
    store.remove_feed("gone", now=NOW)
    assert store.feed_tags() == {"a": ("x", "y"), "b": (), "mine": ("x", "y")}
    assert store.feed_tags(origin="added") == {"mine": ("x", "y")}
    assert store.count_feeds() == 3


def test_a_change_does_not_break_a_lease(store: Store) -> None:
    """Feeds added, retagged and removed on a host that is being polled: the poll goes on, nobody else gets the host."""
    store.sync_feeds(on_host("one.example", "a", "b"), now=NOW)
    (one,) = claim(store)
    store.sync_feeds([spec("a", "https://one.example/a", tags=("t",)), *on_host("one.example", "c")], now=NOW)
    assert claim(store) == ()
    assert store.commit_polls([outcome(one.lease, one.feeds[0], entries=[entry("x")])], now=NOW) == (True,)
    assert names(claim(store)) == [["c"]]


def test_a_poll_of_a_feed_that_was_removed_meanwhile_is_refused(store: Store) -> None:
    """No alert comes from a feed that is gone; its host is free again all the same."""
    store.sync_feeds(on_host("one.example", "a", "b"), now=NOW)
    (one,) = claim(store)
    store.sync_feeds(on_host("one.example", "b"), now=NOW)
    late = outcome(one.lease, one.feeds[0], releases=True, entries=[entry("x")], rules=["r"], channels=["t"])
    assert store.commit_polls([late], now=NOW) == (False,)
    assert store.deliveries() == ()
    assert names(claim(store)) == [["b"]]


@pytest.mark.parametrize("comes_back", [False, True], ids=["moved", "removed and returned"])
def test_a_poll_of_the_old_url_does_not_count_for_the_new_one(store: Store, comes_back: bool) -> None:
    """Validators of the old document would hide the new one: the poll is refused, and the feed is due."""
    store.sync_feeds([spec("a", "https://one.example/old")], now=NOW)
    (one,) = claim(store)
    if comes_back:
        store.sync_feeds([], now=NOW)
    store.sync_feeds([spec("a", "https://one.example/new")], now=NOW)
    assert store.commit_polls([outcome(one.lease, one.feeds[0])], now=NOW) == (False,)
    (again,) = claim(store)
    assert (again.feeds[0].url, again.feeds[0].etag, again.feeds[0].baseline_at) == (
        "https://one.example/new",
        None,
        None,
    )
    assert store.commit_polls([outcome(again.lease, update(again.feeds[0]))], now=NOW) == (True,)
    assert claim(store, now=NOW + INTERVAL / 2) == ()


def test_ten_thousand_feeds_are_synced(store: Store) -> None:
    """A long file is one call; a second reading changes nothing."""
    specs = [spec(f"f{number}", f"https://h{number % 900}.example/{number}") for number in range(10_000)]
    assert store.sync_feeds(specs, now=NOW) == FeedsChanged(added=10_000)
    assert store.sync_feeds(specs, now=NOW) == FeedsChanged(same=10_000)
    assert store.sync_feeds(specs[:1], now=NOW) == FeedsChanged(removed=9_999, same=1)


def test_a_feed_without_a_host_is_refused(store: Store) -> None:
    """The message names the URL; nothing of the call is kept."""
    with pytest.raises(UsageError, match="'https:///feed' names no host"):
        store.sync_feeds([spec("good"), spec("bad", "https:///feed")], now=NOW)
    assert store.feeds() == ()


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://News.Example.ORG/feed", "news.example.org"),
        ("https://news.example:443/", "news.example"),
        ("http://news.example:80/", "news.example"),
        ("http://news.example:443/", "news.example:443"),
        ("http://127.0.0.1:8080/feed", "127.0.0.1:8080"),
        ("http://[::1]:8080/feed", "[::1]:8080"),
        ("https://user:secret@news.example./", "news.example"),
        ("https://münchen.example/", "xn--mnchen-3ya.example"),
        ("sample:news", "sample"),
    ],
)
def test_the_host_of_a_url(url: str, host: str) -> None:
    """One publisher is one host, however its name is written."""
    assert host_of(url) == host


@pytest.mark.parametrize("url", ["https://[::1/feed", "https://news.example:port/", "feed.xml", "file:///etc/passwd"])
def test_a_url_without_a_host(url: str) -> None:
    """What cannot be polled politely is refused in words."""
    with pytest.raises(UsageError, match="feed URL"):
        host_of(url)
