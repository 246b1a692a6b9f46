"""Hops 1 to 6: claim hosts that are due, poll their feeds one after the other, commit.

`tick` is called by the scheduler every half second and returns at once; the work runs in one task for each claimed
host. A full house claims nothing, so the store is the queue and the only place where feeds wait.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from monitor.errors import StoreError
from monitor.service.events import FeedPolled, Trouble
from monitor.service.poll import crashed

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.clock import Clock
    from monitor.model import HostClaim, Lease
    from monitor.service.commit import Committer
    from monitor.service.events import Observer
    from monitor.service.health import Heartbeats
    from monitor.service.poll import FeedPoller
    from monitor.service.threads import StoreThreads
    from monitor.service.turns import Turns
    from monitor.store.base import FeedQueue

FEEDS_PER_HOST = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchLimits:
    """How much at once.

    Attributes:
        concurrency: Hosts polled at once.
        host_delay: Between two requests to one host.
        feed_seconds: The longest a poll may take, fetch and parse together.
    """

    concurrency: int
    host_delay: timedelta
    feed_seconds: float

    @property
    def lease(self) -> timedelta:
        """Long enough for the slowest claim, twice over: a lease that runs out too soon polls a feed twice."""
        return 2 * FEEDS_PER_HOST * (timedelta(seconds=self.feed_seconds) + self.host_delay) + timedelta(seconds=30)


class Dispatcher:
    """Keeps up to `concurrency` hosts in flight."""

    def __init__(
        self,
        *,
        store: FeedQueue,
        poller: FeedPoller,
        committer: Committer,
        threads: StoreThreads,
        clock: Clock,
        turns: Turns,
        limits: Callable[[], DispatchLimits],
        observer: Observer,
        heartbeats: Heartbeats,
    ) -> None:
        self._store = store
        self._poller = poller
        self._committer = committer
        self._threads = threads
        self._clock = clock
        self._turns = turns
        self._limits = limits
        self._observer = observer
        self._heartbeats = heartbeats
        self._running: dict[asyncio.Task[None], Lease] = {}
        self._stopping = False
        self._claiming = False
        self._backlog = False
        self._refill: asyncio.Task[None] | None = None

    @property
    def in_flight(self) -> int:
        """Hosts being polled now."""
        return len(self._running)

    async def tick(self) -> None:
        """Claim as many due hosts as there is room for and start on them."""
        await self._claim()
        self._heartbeats.beat("dispatcher")

    async def _claim(self) -> None:
        limits = self._limits()
        room = self._room(limits)
        if not room:
            return
        self._claiming = True
        try:
            claims = await self._threads.write(
                self._store.claim_hosts,
                now=self._clock.now(),
                limit=room,
                feeds_per_host=FEEDS_PER_HOST,
                lease=limits.lease,
            )
        except StoreError as error:
            self._observer(Trouble(what=f"cannot look for feeds that are due: {error}"))
            return
        finally:
            self._claiming = False
        if self._stopping:
            leases = [claim.lease for claim in claims]
            await self._threads.write(self._store.release, leases, now=self._clock.now())
            return
        # A full claim means that more hosts are due than there was room for.
        self._backlog = len(claims) == room
        for claim in claims:
            task = asyncio.create_task(self._poll_host(claim, limits), name=f"poll {claim.host}")
            self._running[task] = claim.lease
            task.add_done_callback(self._finished)

    def _room(self, limits: DispatchLimits) -> int:
        """How many hosts may be claimed now; none while another claim is on its way, or the daemon stops."""
        return 0 if self._stopping or self._claiming else max(0, limits.concurrency - len(self._running))

    def _finished(self, task: asyncio.Task[None]) -> None:
        """Claim again at once while hosts are waiting: ticks alone would cap a backlog at two houses full a second."""
        del self._running[task]
        if self._backlog and not self._stopping and len(self._running) <= self._limits().concurrency // 2:
            self._backlog = False
            self._refill = asyncio.create_task(self._claim())

    async def drain(self, *, grace: timedelta) -> None:
        """Start nothing more; let polls in flight finish for `grace`, then give them up and their hosts back."""
        self._stopping = True
        if not self._running:
            return
        _done, left = await asyncio.wait(self._running, timeout=grace.total_seconds())
        leases = [self._running[task] for task in left]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if leases:
            await self._threads.write(self._store.release, leases, now=self._clock.now())

    async def _poll_host(self, claim: HostClaim, limits: DispatchLimits) -> None:
        for index, feed in enumerate(claim.feeds):
            if self._stopping and index:
                await self._threads.write(self._store.release, [claim.lease], now=self._clock.now())
                return
            releases = index == len(claim.feeds) - 1
            try:
                async with self._turns.turn(claim.host, delay=limits.host_delay):
                    outcome, report = await self._poller.poll(feed, lease=claim.lease, releases=releases)
            except StoreError as error:
                self._observer(Trouble(what=f"{feed.name}: {error}"))
                return
            except Exception as error:  # noqa: BLE001 -- a bug met in one feed must not silence the others on its host
                outcome, report = crashed(
                    feed, lease=claim.lease, releases=releases, error=error, now=self._clock.now()
                )
            written = False
            try:
                written = await self._committer.commit(outcome)
            except Exception as error:  # noqa: BLE001 -- a lost connection or a bug: the lease lapses and the feed is polled again
                self._observer(
                    Trouble(what=f"{feed.name}: what was found could not be stored; polling it again: {error}")
                )
                return
            finally:
                self._poller.settle(feed, outcome.entries, outcome.placed, written=written)
            self._report(report, written=written)
            if not written:
                return
            if outcome.update.host_not_before is not None and not releases:
                # The host wants to be left alone: its other feeds wait with it.
                await self._threads.write(self._store.release, [claim.lease], now=self._clock.now())
                return

    def _report(self, report: FeedPolled, *, written: bool) -> None:
        self._observer(report if written else replace(report, kind="lost", alerts=()))
