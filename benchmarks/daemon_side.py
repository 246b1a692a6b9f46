"""The daemon's own machinery as a contestant: store, dispatcher, poller, committer, fetcher and parser as `run` builds
them, with the starter rules and its tick; without channels and observers that log.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import suppress
from datetime import datetime, timedelta
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any, TextIO

from benchmarks.farm import feed_url
from benchmarks.process import REPOSITORY, cpu_seconds
from monitor.alerts.routing import Routing
from monitor.app.daemon import POLL_TICK
from monitor.app.rules import settle_garbage
from monitor.clock import SystemClock
from monitor.fetch.http import FetchLimits, HttpFetcher
from monitor.model import FeedSpec
from monitor.parse.pool import ParserPool
from monitor.parse.swift import SwiftParser
from monitor.rules.book import load_folder
from monitor.rules.engine import RuleSet
from monitor.service.commit import Committer
from monitor.service.dispatch import Dispatcher, DispatchLimits
from monitor.service.events import Event, FeedPolled, Observer
from monitor.service.health import Heartbeats
from monitor.service.poll import FeedPoller, Runtime
from monitor.service.threads import StoreThreads
from monitor.service.turns import Turns
from monitor.store.open import open_store

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERVAL = timedelta(hours=1)
_PARSERS = 2  # the default of polling.parsers


class _MovableClock(SystemClock):
    """The machine's clock, set forward between rounds, so that every feed is due again."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.ahead


def farm_feeds(port: int, count: int) -> list[FeedSpec]:
    """The feeds of a farm."""
    return [FeedSpec(name=f"feed {index}", url=feed_url(port, index), interval=INTERVAL) for index in range(count)]


class Machinery:
    """The parts on a fresh store, and a count of what they have done.

    Args:
        given: How many feeds of a farm, and where it is; other deadlines than the daemon's.
        observer: Hears of polls in the place of the count.
        specs: Other feeds than a farm's.
    """

    def __init__(
        self, given: dict[str, Any], *, observer: Observer | None = None, specs: Sequence[FeedSpec] | None = None
    ) -> None:
        self._feeds: int = given["feeds"]
        self._concurrency: int = given["concurrency"]
        self.clock = _MovableClock()
        self._store = open_store(f"sqlite:///{given['database']}", now=self.clock.now(), exclusive=True)
        specs = specs or farm_feeds(given["port"], self._feeds)
        if specs:
            self._store.sync_feeds(specs, now=self.clock.now())
        self._threads = StoreThreads()
        self._fetcher = HttpFetcher(
            user_agent="news-monitor/benchmark",
            limits=FetchLimits(deadline=timedelta(seconds=given.get("fetch_seconds", 30))),
            concurrency=self._concurrency,
        )
        deadline = timedelta(seconds=given.get("parse_seconds", 10))
        self._parser = SwiftParser(pool=ParserPool(workers=_PARSERS, deadline=deadline), clock=self.clock)
        rules, _faults = load_folder(REPOSITORY / "rules") if given.get("rules", True) else ((), ())
        runtime = Runtime(rules=RuleSet.build(rules), routing=Routing(), fetcher=self._fetcher)
        self._committer = Committer(store=self._store, threads=self._threads, clock=self.clock)
        limits = DispatchLimits(concurrency=self._concurrency, host_delay=timedelta(0), feed_seconds=40)
        self._dispatcher = Dispatcher(
            store=self._store,
            poller=FeedPoller(
                runtime=lambda: runtime,
                parser=self._parser,
                store=self._store,
                threads=self._threads,
                clock=self.clock,
            ),
            committer=self._committer,
            threads=self._threads,
            clock=self.clock,
            turns=Turns(self.clock),
            limits=lambda: limits,
            observer=observer or self._observe,
            heartbeats=Heartbeats({}, clock=self.clock),
        )
        settle_garbage()
        self._committer.start()
        self._kinds: dict[str, int] = {}
        self._all_settled = asyncio.Event()

    def _observe(self, event: Event) -> None:
        kind = event.kind if isinstance(event, FeedPolled) else "trouble"
        self._kinds[kind] = self._kinds.get(kind, 0) + 1
        if self._settled >= self._feeds:
            self._all_settled.set()

    @property
    def _settled(self) -> int:
        return sum(self._kinds.values())

    async def tick(self) -> None:
        """What the scheduler does every half second."""
        await self._dispatcher.tick()

    async def round(self) -> dict[str, Any]:
        """Poll every feed once."""
        self._kinds = {}
        before = self._store.status(now=self.clock.now()).entries
        cpu, own_cpu, started = cpu_seconds(os.getpid()), process_time(), perf_counter()
        await self._run()
        seconds = perf_counter() - started
        used, own_used = cpu_seconds(os.getpid()) - cpu, process_time() - own_cpu
        entries = self._store.status(now=self.clock.now()).entries - before
        self.clock.ahead += 2 * INTERVAL
        return {"seconds": seconds, "cpu": used, "own_cpu": own_used, "entries": entries, "kinds": self._kinds}

    async def _run(self) -> None:
        """Tick as the scheduler does, until every feed is settled."""
        self._all_settled.clear()
        while not self._all_settled.is_set():
            await self.tick()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._all_settled.wait(), POLL_TICK.total_seconds())

    async def close(self) -> None:
        await self._committer.close()
        await self._fetcher.close()
        self._parser.close()
        self._threads.close()
        self._store.close()


async def _main(lines: TextIO) -> None:
    machinery = Machinery(json.loads(lines.readline()))
    print("{}", flush=True)
    while await asyncio.to_thread(lines.readline):
        print(json.dumps(await machinery.round()), flush=True)
    await machinery.close()


if __name__ == "__main__":
    asyncio.run(_main(sys.stdin))
