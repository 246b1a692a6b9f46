"""Looks whether rules for silence have something to say.

`tick` is called by the scheduler every few seconds. It asks the store only about rules whose time may have come: a
silence is no shorter than `absent_for`, so a rule that matched, or has spoken, is left alone for so long.
"""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from monitor.alerts.absence import Watch, absence, hear, silent_since
from monitor.errors import StoreError
from monitor.service.events import RuleSilent, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from monitor.clock import Clock
    from monitor.model import CountedMatch, Feed
    from monitor.rules.engine import RuleSet
    from monitor.rules.rule import Rule
    from monitor.service.events import Observer
    from monitor.service.poll import Runtime
    from monitor.service.threads import StoreThreads
    from monitor.store.base import AbsenceStore

# How often feeds that have not been read yet are looked at again, at most and at least.
_SOON: Final = timedelta(seconds=5)
_LATER: Final = timedelta(minutes=10)


class Absences:
    """Tells of silence, once each time.

    Args:
        runtime: The rules and routes as they are now.
    """

    def __init__(
        self,
        *,
        store: AbsenceStore,
        runtime: Callable[[], Runtime],
        threads: StoreThreads,
        clock: Clock,
        observer: Observer,
    ) -> None:
        self._store = store
        self._runtime = runtime
        self._threads = threads
        self._clock = clock
        self._observer = observer
        self._turn = asyncio.Lock()
        self._seen: RuleSet | None = None
        self._rules: dict[str, Rule] = {}
        self._since: dict[str, datetime] = {}
        self._look_at: dict[str, datetime] = {}
        self._told: dict[str, datetime] = {}
        self._feeds: Sequence[Feed] | None = None  # as this tick has found them

    async def tick(self) -> None:
        """Look at the rules whose time may have come."""
        async with self._turn:
            try:
                now, self._feeds = self._clock.now(), None
                await self._watch(self._runtime().rules, now)
                for name in [name for name, at in self._look_at.items() if at <= now]:
                    self._look_at[name] = await self._look(self._rules[name])
            except StoreError as error:
                self._observer(Trouble(what=f"cannot look for rules without a match: {error}"))

    async def _watch(self, rules: RuleSet, now: datetime) -> None:
        """Take up the rules that are live; one that has changed, or was away, begins anew."""
        if rules is self._seen:
            return
        live = {rule.name: rule for rule in rules.tested if rule.trigger.absent_for is not None}
        if live or self._rules or self._seen is None:
            marks = {name: _mark(rule) for name, rule in live.items()}
            since = dict(await self._threads.write(self._store.watch_rules, marks, now=now))
            for name, rule in live.items():
                if since[name] != self._since.get(name) or name not in self._look_at:
                    self._look_at[name] = since[name] + (rule.trigger.absent_for or timedelta())
            self._look_at = {name: self._look_at[name] for name in live}
            self._since, self._rules = since, live
        self._seen = rules

    async def _look(self, rule: Rule) -> datetime:
        """Tell of the rule's silence, if there is one; when to look again."""
        now, watch = self._clock.now(), _watch_of(rule, self._since[rule.name])
        if rule.expires is not None and rule.expires <= now:
            return now + watch.absent_for
        begun = silent_since(watch, await self._last_match(rule))
        if begun + watch.absent_for > now:
            return begun + watch.absent_for
        if self._told.get(rule.name) == begun:
            return now + watch.absent_for
        # A match is stored with the news that its feed was read, so it is looked for after that.
        if self._feeds is None:
            self._feeds = await self._threads.read(self._store.feeds)
        feeds = [feed for feed in self._feeds if rule.covers(feed.name, feed.tags)]
        last = await self._last_match(rule)
        runtime = self._runtime()
        heard = hear(feeds, failures=runtime.ops.feed_failures, now=now)
        if silent_since(watch, last) != begun or heard.until is None or heard.until < begun + watch.absent_for:
            return min(max(heard.next_at + _SOON, now + _SOON), now + _LATER)
        silences = await self._threads.read(self._store.silences, now=now)
        alert, deliveries = absence(
            watch, last, feeds=feeds, heard=heard, routing=runtime.routing, silences=silences, now=now
        )
        if not await self._threads.read(self._store.has_alert, alert.id):
            await self._threads.write(self._store.add_alerts, [alert], deliveries, now=now)
            self._observer(RuleSilent(rule=rule.name, since=begun))
        self._told[rule.name] = begun
        return now + watch.absent_for

    async def _last_match(self, rule: Rule) -> CountedMatch | None:
        found = await self._threads.read(self._store.counted_matches, rule.name, limit=1)
        return found[0] if found else None


def _watch_of(rule: Rule, since: datetime) -> Watch:
    return Watch(
        rule=rule.name,
        title=rule.title,
        severity=rule.severity,
        channels=rule.channels,
        file=rule.file,
        absent_for=rule.trigger.absent_for or timedelta(),
        since=since,
    )


def _mark(rule: Rule) -> str:
    """What makes it another rule: what it looks for, where, and for how long."""
    parts = (rule.query, rule.feeds, rule.language, rule.max_age, rule.expires, rule.trigger.absent_for)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]
