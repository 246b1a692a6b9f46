"""Hop 7: claim deliveries that are due, send them, settle them. One queue for each channel, so none waits for another.

A delivery is settled right after its send and on its own: the only copy a receiver can ever get is of the one message
that was on its way when the process died.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from monitor.errors import StoreError
from monitor.model import ChannelBroken, DeliveryClaim, DeliveryState, SendResult, Settlement, TryLater
from monitor.service.events import DeliverySettled, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from monitor.clock import Clock
    from monitor.notify.base import Notifier
    from monitor.service.events import Observer
    from monitor.service.health import Heartbeats
    from monitor.service.threads import StoreThreads
    from monitor.store.base import Outbox

BATCH = 10
# A batch that has used up half of its lease is given back: no send (its deadline is at most 2 minutes) may outlast a
# lease.
LEASE = timedelta(minutes=5)
_PAUSE_FIRST = 5.0
_PAUSE_LONGEST = 300.0


class Settle(Protocol):
    """Turns a result into a settlement; `monitor.alerts.retry.settle`."""

    def __call__(self, claim: DeliveryClaim, result: SendResult, *, now: datetime) -> Settlement: ...


@dataclass(slots=True)
class _Lane:
    """One channel's queue.

    Attributes:
        task: Sending now, or None.
        failures: Sends in a row that ended in TryLater or ChannelBroken.
        paused_until: On the monotonic clock; a receiver that just failed is left alone until then.
    """

    task: asyncio.Task[None] | None = None
    failures: int = 0
    paused_until: float = 0.0

    def note(self, result: SendResult, now: float) -> None:
        if isinstance(result, TryLater | ChannelBroken):
            self.failures += 1
            self.paused_until = now + min(_PAUSE_LONGEST, _PAUSE_FIRST * 2 ** (self.failures - 1))
        else:
            self.failures, self.paused_until = 0, 0.0


class Sender:
    """Sends what is due on every channel."""

    def __init__(
        self,
        *,
        store: Outbox,
        notifiers: Callable[[], Mapping[str, Notifier]],
        settle: Settle,
        threads: StoreThreads,
        clock: Clock,
        observer: Observer,
        heartbeats: Heartbeats,
    ) -> None:
        self._store = store
        self._notifiers = notifiers
        self._settle = settle
        self._threads = threads
        self._clock = clock
        self._observer = observer
        self._heartbeats = heartbeats
        self._lanes: dict[str, _Lane] = {}
        self._stopping = False

    async def tick(self) -> None:
        """Start on every channel that is idle and not paused; returns at once."""
        for channel, notifier in self._notifiers().items():
            lane = self._lanes.setdefault(channel, _Lane())
            if lane.task is None and not self._stopping and self._clock.monotonic() >= lane.paused_until:
                lane.task = asyncio.create_task(self._drain(channel, notifier, lane), name=f"deliver {channel}")
        self._heartbeats.beat("sender")

    async def flush(self) -> None:
        """Send what is due now on every channel, once; for `news-monitor poll`."""
        await self.tick()
        await asyncio.gather(*(lane.task for lane in self._lanes.values() if lane.task is not None))

    async def idle(self, channel: str) -> None:
        """Wait until nothing of `channel` is being sent; for closing its notifier."""
        lane = self._lanes.get(channel)
        if lane is not None and lane.task is not None:
            await asyncio.wait([lane.task])

    async def drain(self, *, grace: timedelta) -> None:
        """Finish the sends that are on their way, claim nothing more; give up after `grace`."""
        self._stopping = True
        tasks = [lane.task for lane in self._lanes.values() if lane.task is not None]
        if tasks:
            _done, left = await asyncio.wait(tasks, timeout=grace.total_seconds())
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _drain(self, channel: str, notifier: Notifier, lane: _Lane) -> None:
        try:
            while not self._stopping and self._clock.monotonic() >= lane.paused_until:
                claims = await self._threads.write(
                    self._store.claim_deliveries, channel, now=self._clock.now(), limit=BATCH, lease=LEASE
                )
                if not claims:
                    return
                await self._send_batch(claims, notifier, lane)
        except StoreError as error:
            self._observer(Trouble(what=f"channel {channel}: {error}"))
        finally:
            lane.task = None

    async def _send_batch(self, claims: Sequence[DeliveryClaim], notifier: Notifier, lane: _Lane) -> None:
        half_spent = self._clock.monotonic() + LEASE.total_seconds() / 2
        for index, claim in enumerate(claims):
            now = self._clock.monotonic()
            if self._stopping or now < lane.paused_until or now > half_spent:
                await self._give_back(claims[index:])
                return
            started = self._clock.monotonic()
            try:
                result = await notifier.send(claim.delivery)
            except Exception as error:  # noqa: BLE001 -- a bug of a notifier must not lose the message nor stop the lane
                result = TryLater(detail=f"internal error, please report it: {type(error).__name__}")
            ended = self._clock.monotonic()
            lane.note(result, ended)
            settlement = self._settle(claim, result, now=self._clock.now())
            await self._threads.write(self._store.settle, [settlement], now=self._clock.now())
            retry_at = settlement.due_at if settlement.state is DeliveryState.PENDING else None
            self._observer(
                DeliverySettled(delivery=claim.delivery, result=result, retry_at=retry_at, seconds=ended - started)
            )

    async def _give_back(self, claims: Sequence[DeliveryClaim]) -> None:
        now = self._clock.now()
        settlements = [
            Settlement(
                delivery_id=claim.delivery.id,
                token=claim.token,
                state=DeliveryState.PENDING,
                due_at=now,
                error=claim.delivery.error,
                attempted=False,
            )
            for claim in claims
        ]
        await self._threads.write(self._store.settle, settlements, now=now)
