"""The contract of `monitor/store/base.py`: matches that are counted, and since when rules for silence are live."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from monitor.model import FeedId, PlannedMatch
from tests.contract.samples import HOUR, MINUTE, NOW, alert, entry, match, outcome, spec

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.store.base import Store


def record(
    store: Store, *keys: str, at: datetime | None = NOW, now: datetime = NOW, rule: str = "floods", said: str = ""
) -> FeedId:
    """Commit a poll of the feed "a" whose entries match a rule, and count at `at`; the entry of key `said` alerts."""
    store.sync_feeds([spec("a")], now=now)
    (held,) = store.claim_feeds(["a"], now=now, lease=MINUTE)
    (feed,) = held.feeds
    entries = [entry(key) for key in keys]
    alerts = {each.key: alert(each, rule) for each in entries if each.key == said}
    planned = [
        PlannedMatch(
            match=match(each, rule), alert_id=alerts[each.key].id if each.key in alerts else None, counts_at=at
        )
        for each in entries
    ]
    made = replace(outcome(held.lease, feed, entries=entries), matches=tuple(planned), alerts=tuple(alerts.values()))
    assert store.commit_polls([made], now=now) == (True,)
    return feed.id


def test_counted_matches_come_newest_first(store: Store) -> None:
    """Those of one rule, with entry, feed and alert, between two moments; what does not count is not among them."""
    feed_id = record(store, "old", at=NOW - 2 * HOUR)
    record(store, "new", at=NOW, now=NOW + MINUTE, said="new")
    record(store, "middle", at=NOW - HOUR, now=NOW + 2 * MINUTE)
    record(store, "silent", at=None)
    record(store, "other", rule="fires")
    found = store.counted_matches("floods", limit=9)
    assert [each.entry_key for each in found] == ["new", "middle", "old"]
    newest = found[0]
    assert (newest.feed_id, newest.feed, newest.title) == (feed_id, "a", "Title of new")
    assert (newest.counts_at, newest.matched_at) == (NOW, NOW + MINUTE)
    assert newest.alert_id == alert(entry("new"), "floods").id
    assert found[1].alert_id is None
    assert [each.entry_key for each in store.counted_matches("floods", limit=1)] == ["new"]
    after = store.counted_matches("floods", limit=9, after=NOW - HOUR)
    assert [each.entry_key for each in after] == ["new"]
    until = store.counted_matches("floods", limit=9, until=NOW - HOUR)
    assert [each.entry_key for each in until] == ["middle", "old"]


def test_a_match_counts_when_it_first_did(store: Store) -> None:
    """A match that comes again, as an edit or with its page, neither moves nor is forgotten."""
    record(store, "k", at=NOW)
    record(store, "k", at=NOW + HOUR, now=NOW + HOUR)
    record(store, "k", at=None, now=NOW + 2 * HOUR)
    (found,) = store.counted_matches("floods", limit=9)
    assert found.counts_at == NOW
    (recorded,) = store.matches_of(store.recent_entries(since=NOW, before=None, limit=1)[0].id)
    assert recorded.counts_at == NOW


def test_a_rule_is_watched_from_its_first_day(store: Store, open_again: Callable[[], Store]) -> None:
    """Until it is another one, or has been away; over a restart too."""
    assert store.watch_rules({"a": "1", "b": "1"}, now=NOW) == {"a": NOW, "b": NOW}
    later = NOW + HOUR
    assert store.watch_rules({"a": "1", "b": "2"}, now=later) == {"a": NOW, "b": later}
    assert open_again().watch_rules({"a": "1"}, now=later + HOUR) == {"a": NOW}
    assert store.watch_rules({"a": "1", "b": "2"}, now=later + 2 * HOUR) == {"a": NOW, "b": later + 2 * HOUR}
    assert store.watch_rules({}, now=later) == {}
