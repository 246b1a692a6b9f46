"""The dispatcher over a real store: how much at once, and what happens to a backlog."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from monitor.alerts.routing import Routing
from monitor.rules.engine import RuleSet
from monitor.service.commit import Committer
from monitor.service.dispatch import Dispatcher, DispatchLimits
from monitor.service.health import Heartbeats
from monitor.service.poll import FeedPoller, Runtime
from monitor.service.threads import StoreThreads
from monitor.service.turns import Turns
from tests.contract.samples import MINUTE, NOW, claim, spec
from tests.fakes import CountingFetcher, FakeClock, NoParser

if TYPE_CHECKING:
    from monitor.service.events import Event
    from monitor.store.base import Store

HOSTS = 23


class Bench:
    """A dispatcher for four hosts at once, over `store` with 23 hosts of one feed each, all due."""

    def __init__(self, store: Store) -> None:
        store.sync_feeds([spec(f"feed{number}") for number in range(HOSTS)], now=NOW)
        self.events: list[Event] = []
        self.fetcher = CountingFetcher(HOSTS)
        self.threads = StoreThreads()
        clock = FakeClock(NOW)
        self.committer = Committer(store=store, threads=self.threads, clock=clock)
        runtime = Runtime(rules=RuleSet.build(()), routing=Routing(), fetcher=self.fetcher)
        self.dispatcher = Dispatcher(
            store=store,
            poller=FeedPoller(
                runtime=lambda: runtime, parser=NoParser(), store=store, threads=self.threads, clock=clock
            ),
            committer=self.committer,
            threads=self.threads,
            clock=clock,
            turns=Turns(clock),
            limits=lambda: DispatchLimits(concurrency=4, host_delay=timedelta(0), feed_seconds=40),
            observer=self.events.append,
            heartbeats=Heartbeats({"dispatcher": timedelta(seconds=40)}, clock=clock),
        )

    async def close(self) -> None:
        await self.dispatcher.drain(grace=timedelta(seconds=30))
        await self.committer.close()
        self.threads.close()


async def test_one_tick_works_off_a_backlog_within_the_limit(store: Store) -> None:
    """All hosts that are due are polled without waiting for further ticks, never more than four at once."""
    bench = Bench(store)
    bench.committer.start()
    await bench.dispatcher.tick()
    await asyncio.wait_for(bench.fetcher.enough.wait(), 30)
    await bench.close()
    assert bench.fetcher.done == HOSTS
    assert bench.fetcher.most <= 4
    assert claim(store) == ()


async def test_nothing_is_claimed_while_stopping(store: Store) -> None:
    """After `drain` a tick leaves every feed to the next start, which may have it at once."""
    bench = Bench(store)
    await bench.dispatcher.drain(grace=timedelta(0))
    await bench.dispatcher.tick()
    await bench.close()
    assert bench.fetcher.done == 0
    assert len(claim(store, lease=MINUTE)) == HOSTS
