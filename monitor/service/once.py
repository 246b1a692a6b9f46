"""One poll on demand: the daemon's own steps for the feeds a person names, due or not."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from monitor.fetch.schedule import may_be_asked
from monitor.model import Lease
from monitor.service.events import FeedPolled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from monitor.clock import Clock
    from monitor.model import Feed, FeedOptions, HostClaim
    from monitor.service.dispatch import DispatchLimits
    from monitor.service.events import Observer
    from monitor.service.poll import FeedPoller
    from monitor.service.threads import StoreThreads
    from monitor.store.base import FeedQueue


class OneOff:
    """Polls the feeds it is given, each host's one after the other, and commits each poll by itself."""

    def __init__(
        self,
        *,
        store: FeedQueue,
        poller: FeedPoller,
        threads: StoreThreads,
        clock: Clock,
        limits: DispatchLimits,
        options_of: Callable[[Feed], FeedOptions],
        observer: Observer,
    ) -> None:
        self._store = store
        self._poller = poller
        self._threads = threads
        self._clock = clock
        self._limits = limits
        self._options_of = options_of
        self._observer = observer
        self._room = asyncio.Semaphore(limits.concurrency)

    async def poll(self, feeds: Sequence[Feed], *, backfill: timedelta | None) -> None:
        """Claim, poll and commit; a feed whose host someone else is polling just now is reported as lost."""
        names = [feed.name for feed in feeds]
        # One claim may hold a host for as long as all of its feeds need.
        lease = self._limits.lease * max(1, len(feeds) // 4)
        claims = await self._threads.write(self._store.claim_feeds, names, now=self._clock.now(), lease=lease)
        claimed = {feed.id for claim in claims for feed in claim.feeds}
        for feed in feeds:
            if feed.id not in claimed:
                busy = f"{feed.host} is being polled just now by the daemon; try again in a moment"
                self._observer(
                    FeedPolled(feed=feed, kind="lost", detail=busy, next_poll_at=feed.next_poll_at, seconds=0.0)
                )
        await asyncio.gather(*(self._poll_host(claim, backfill=backfill) for claim in claims))

    async def rehearse(self, feeds: Sequence[Feed], *, backfill: timedelta | None) -> None:
        """Do everything but write: `poll --dry-run`."""
        by_host: dict[str, list[Feed]] = {}
        for feed in feeds:
            by_host.setdefault(feed.host, []).append(feed)
        await asyncio.gather(*(self._rehearse_host(group, backfill=backfill) for group in by_host.values()))

    async def _poll_host(self, claim: HostClaim, *, backfill: timedelta | None) -> None:
        async with self._room:
            wanted = [feed for feed in claim.feeds if not self._must_wait(feed)]
            for index, feed in enumerate(wanted):
                await self._pause(index)
                outcome, report = await self._poller.poll(feed, lease=claim.lease, releases=False, backfill=backfill)
                written = False
                try:
                    (written,) = await self._threads.write(self._store.commit_polls, [outcome], now=self._clock.now())
                finally:
                    self._poller.settle(feed, outcome.entries, outcome.placed, written=written)
                if written:
                    self._observer(report)
                if not written or outcome.update.host_not_before is not None:
                    break
            await self._threads.write(self._store.release, [claim.lease], now=self._clock.now())

    async def _rehearse_host(self, feeds: Sequence[Feed], *, backfill: timedelta | None) -> None:
        async with self._room:
            wanted = [feed for feed in feeds if not self._must_wait(feed)]
            for index, feed in enumerate(wanted):
                await self._pause(index)
                nobodys = Lease(host_id=feed.host_id, token="", until=self._clock.now())
                outcome, report = await self._poller.poll(feed, lease=nobodys, releases=False, backfill=backfill)
                self._poller.settle(feed, outcome.entries, outcome.placed, written=False)
                self._observer(report)

    def _must_wait(self, feed: Feed) -> bool:
        """Whether a publisher is spared this poll, which is reported then."""
        reason = may_be_asked(feed, self._options_of(feed), now=self._clock.now())
        if reason:
            self._observer(
                FeedPolled(feed=feed, kind="waits", detail=reason, next_poll_at=feed.next_poll_at, seconds=0.0)
            )
        return bool(reason)

    async def _pause(self, index: int) -> None:
        if index:
            await self._clock.sleep(self._limits.host_delay.total_seconds())
