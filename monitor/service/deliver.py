"""Hop 7: claim what is due, send it, settle it. One queue for each channel, so none waits for another.

A message is settled right after its send and on its own: the only copy a receiver can ever get is of the one message
that was on its way when the process died.

A channel that is broken (a wrong address, a refused password) is paused and keeps its messages: one of them is tried
after five minutes and then each hour, or all at once when it is resumed.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from monitor.alerts.batch import choose
from monitor.alerts.retry import next_look, settle
from monitor.errors import StoreError
from monitor.model import ChannelBroken, ChannelPause, DeliveryState, Sent, Settlement, TryLater
from monitor.service.events import ChannelPaused, ChannelResumed, DeliverySettled, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from monitor.alerts.routing import Routing
    from monitor.clock import Clock
    from monitor.model import MessageClaim, SendResult
    from monitor.notify.base import Notifier
    from monitor.service.events import Observer
    from monitor.service.health import Heartbeats
    from monitor.service.threads import StoreThreads
    from monitor.store.base import DeliveryStore

BATCH = 10
# A batch that has used up half of its lease is given back: no send (its deadline is at most 2 minutes) may outlast a
# lease.
LEASE = timedelta(minutes=5)
_PAUSE_FIRST = 5.0
_PAUSE_LONGEST = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """A channel, open.

    Attributes:
        rate: Messages a second at most; None: as fast as it takes them.
    """

    notifier: Notifier
    rate: float | None = None


@dataclass(slots=True)
class _Lane:
    """One channel's queue.

    Attributes:
        task: Sending now, or None.
        failures: Sends in a row that ended in TryLater.
        paused_until: On the monotonic clock; a receiver that just failed is left alone until then.
        ready_at: On the monotonic clock; not before may the next message go, or the rate would be too high.
    """

    task: asyncio.Task[None] | None = None
    failures: int = 0
    paused_until: float = 0.0
    ready_at: float = 0.0

    def note(self, result: SendResult, now: float) -> None:
        if isinstance(result, TryLater):
            self.failures += 1
            self.paused_until = now + min(_PAUSE_LONGEST, _PAUSE_FIRST * 2 ** (self.failures - 1))
        else:
            self.trust()

    def trust(self) -> None:
        self.failures, self.paused_until = 0, 0.0


class Sender:
    """Sends what is due on every channel.

    Args:
        outlets: The channels there are, by name.
        routing: For the pace of each route.
    """

    def __init__(
        self,
        *,
        store: DeliveryStore,
        outlets: Callable[[], Mapping[str, Outlet]],
        routing: Callable[[], Routing],
        threads: StoreThreads,
        clock: Clock,
        observer: Observer,
        heartbeats: Heartbeats,
    ) -> None:
        self._store = store
        self._outlets = outlets
        self._routing = routing
        self._threads = threads
        self._clock = clock
        self._observer = observer
        self._heartbeats = heartbeats
        self._lanes: dict[str, _Lane] = {}
        # The paused channels as the store has them, and how often each was found broken in this process.
        self._paused: Mapping[str, ChannelPause] = {}
        self._found_broken: dict[str, int] = {}
        self._stopping = False

    async def tick(self) -> None:
        """Start on every channel that is idle and not paused."""
        await self._look_at_pauses()
        for channel, outlet in self._outlets().items():
            lane = self._lanes.setdefault(channel, _Lane())
            pause = self._paused.get(channel)
            may = not self._stopping and self._clock.monotonic() >= lane.paused_until
            if lane.task is None and may and (pause is None or pause.next_try_at <= self._clock.now()):
                work = self._drain(channel, outlet, lane, limit=BATCH if pause is None else 1)
                lane.task = asyncio.create_task(work, name=f"deliver {channel}")
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

    async def resume(self, channel: str) -> None:
        """Try a paused channel again: its settings have changed."""
        if await self._threads.write(self._store.resume_channel, channel, now=self._clock.now()):
            self._found_broken.pop(channel, None)
            if channel in self._lanes:
                self._lanes[
                    channel
                ].trust()  # the lane stays: a send may be on its way, and a second must not start beside it

    async def drain(self, *, grace: timedelta) -> None:
        """Finish the sends that are on their way, claim nothing more; give up after `grace`."""
        self._stopping = True
        tasks = [lane.task for lane in self._lanes.values() if lane.task is not None]
        if tasks:
            _done, left = await asyncio.wait(tasks, timeout=grace.total_seconds())
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    # -------------------------------------------------------------------------------------------------------- sending

    async def _drain(self, channel: str, outlet: Outlet, lane: _Lane, *, limit: int) -> None:
        try:
            while not self._stopping and self._clock.monotonic() >= lane.paused_until:
                claims = await self._claims(channel, limit)
                if not claims or not await self._send_batch(channel, claims, outlet, lane):
                    return
        except StoreError as error:
            self._observer(Trouble(what=f"channel {channel}: {error}"))
        finally:
            lane.task = None

    async def _claims(self, channel: str, limit: int) -> Sequence[MessageClaim]:
        routing, now = self._routing(), self._clock.now()
        return await self._threads.write(
            self._store.claim_messages,
            channel,
            now=now,
            limit=limit,
            lease=LEASE,
            choose=partial(choose, route=routing.route, now=now),
            horizon=routing.horizon,
        )

    async def _send_batch(self, channel: str, claims: Sequence[MessageClaim], outlet: Outlet, lane: _Lane) -> bool:
        """Whether to go on with the channel."""
        half_spent = self._clock.monotonic() + LEASE.total_seconds() / 2
        for index, claim in enumerate(claims):
            await self._keep_pace(outlet, lane)
            now = self._clock.monotonic()
            if self._stopping or now < lane.paused_until or now > half_spent:
                await self._give_back(claims[index:])
                return now > half_spent
            result = await self._send(channel, claim, outlet, lane)
            if isinstance(result, ChannelBroken):
                await self._give_back(claims[index + 1 :])
                await self._pause(channel, result)
                return False
            if isinstance(result, Sent) and channel in self._paused:
                await self._mended(channel)
                await self._give_back(claims[index + 1 :])
                return False
        return True

    async def _send(self, channel: str, claim: MessageClaim, outlet: Outlet, lane: _Lane) -> SendResult:
        started = self._clock.monotonic()
        try:
            result = await outlet.notifier.send(claim.message)
        except Exception as error:  # noqa: BLE001 -- a bug of a notifier must not lose the message nor stop the lane
            result = TryLater(detail=f"internal error, please report it: {type(error).__name__}")
        ended, now = self._clock.monotonic(), self._clock.now()
        lane.note(result, ended)
        settlements = settle(claim, result, now=now)
        await self._threads.write(self._store.settle, settlements, now=now)
        stories = {alert.story for alert in claim.message.alerts}
        if isinstance(result, Sent) and result.ref and len(stories) == 1 and (story := stories.pop()):
            await self._threads.write(self._store.keep_thread, channel, story, result.ref, now=now)
        retry_at = settlements[0].due_at if settlements[0].state is DeliveryState.PENDING else None
        self._observer(
            DeliverySettled(
                channel=channel,
                message=claim.message,
                result=result,
                attempts=1 + claim.deliveries[0].attempts,
                retry_at=retry_at,
                at=now,
                seconds=ended - started,
            )
        )
        return result

    async def _keep_pace(self, outlet: Outlet, lane: _Lane) -> None:
        if outlet.rate is None:
            return
        wait = lane.ready_at - self._clock.monotonic()
        if wait > 0:
            await self._clock.sleep(wait)
        lane.ready_at = self._clock.monotonic() + 1 / outlet.rate

    async def _give_back(self, claims: Sequence[MessageClaim]) -> None:
        now = self._clock.now()
        settlements = [
            Settlement(
                delivery_id=delivery.id,
                token=claim.token,
                state=DeliveryState.PENDING,
                due_at=now,
                error=delivery.error,
                attempted=False,
            )
            for claim in claims
            for delivery in claim.deliveries
        ]
        if settlements:
            await self._threads.write(self._store.settle, settlements, now=now)

    # --------------------------------------------------------------------------------------------------------- pauses

    async def _look_at_pauses(self) -> None:
        try:
            self._paused = await self._threads.read(self._store.paused_channels)
        except StoreError as error:
            self._observer(Trouble(what=f"the outbox cannot be read: {error}"))

    async def _pause(self, channel: str, result: ChannelBroken) -> None:
        now = self._clock.now()
        known = self._paused.get(channel)
        failures = self._found_broken[channel] = self._found_broken.get(channel, 1 if known else 0) + 1
        pause = ChannelPause(
            channel=channel,
            since=known.since if known else now,
            reason=result.detail,
            next_try_at=next_look(failures, now=now, seed=channel),
        )
        is_new = await self._threads.write(self._store.pause_channel, pause)
        await self._look_at_pauses()
        if is_new:
            self._observer(ChannelPaused(pause=pause))

    async def _mended(self, channel: str) -> None:
        pause = self._paused[channel]
        await self._threads.write(self._store.resume_channel, channel, now=self._clock.now())
        self._found_broken.pop(channel, None)
        await self._look_at_pauses()
        self._observer(ChannelResumed(channel=channel, since=pause.since))
