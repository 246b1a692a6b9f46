"""The matches that rules count: those in the store, and those that are planned and not written yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.alerts.spikes import counted_match

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from monitor.model import CountedMatch, Feed, FeedId, Match, PlannedMatch
    from monitor.service.threads import StoreThreads
    from monitor.store.base import Counts


class Tally:
    """What counts before a poll's own matches do.

    From `before` to `hold` nobody else may plan, so that of two polls one counts the other's matches.
    """

    def __init__(self, *, store: Counts, threads: StoreThreads) -> None:
        self._store = store
        self._threads = threads
        self._held: dict[str, dict[tuple[FeedId, str], CountedMatch]] = {}

    async def before(self, matches: Iterable[Match], *, now: datetime) -> dict[str, list[CountedMatch]]:
        """Of each rule among `matches` with a `count`, what stands in its window, in the order in which it came."""
        triggers = {match.rule: match.trigger for match in matches if match.trigger.count}
        found: dict[str, list[CountedMatch]] = {}
        for rule, trigger in triggers.items():
            # Before the store is asked: what is written meanwhile is in both then, and not in neither.
            held = dict(self._held.get(rule, {}))
            stored = await self._threads.read(
                self._store.counted_matches, rule, after=now - trigger.window, limit=trigger.count
            )
            written = {(each.feed_id, each.entry_key) for each in stored}
            ordered = sorted(stored, key=lambda each: (each.matched_at, each.counts_at))
            found[rule] = [*ordered, *(each for key, each in held.items() if key not in written)]
        return found

    def hold(self, feed: Feed, planned: Sequence[PlannedMatch], *, now: datetime) -> None:
        """Count these as well, until they are settled."""
        for each in planned:
            if each.match.trigger.count and each.counts_at is not None:
                held = self._held.setdefault(each.match.rule, {})
                counted = counted_match(feed, each.match, counts_at=each.counts_at, now=now, alert_id=each.alert_id)
                held[feed.id, each.match.entry.key] = counted

    def settle(self, feed_id: FeedId, keys: Iterable[str]) -> None:
        """What was planned of these entries is in the store, or never will be."""
        if self._held:
            for key in keys:
                for held in self._held.values():
                    held.pop((feed_id, key), None)
            self._held = {rule: held for rule, held in self._held.items() if held}
