"""Tells the operators what happens to the service itself, through the outbox; where the store is full, directly."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from monitor.alerts.ops import about_pause, ops_alert
from monitor.errors import StoreError
from monitor.model import Message, MessageId, Severity
from monitor.service.events import (
    ChannelPaused,
    ChannelResumed,
    RuleFileBroken,
    RuleFileRecovered,
    RuleStopped,
    Trouble,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from monitor.alerts.ops import Ops
    from monitor.clock import Clock
    from monitor.model import Alert
    from monitor.service.deliver import Outlet
    from monitor.service.events import Event, Observer
    from monitor.service.threads import StoreThreads
    from monitor.store.base import DeliveryStore


# A rule file that is broken for less is being written by somebody, which is not worth a message.
SAVE_SECONDS = 10.0


class OpsDesk:
    """Makes alerts of events. What feeds do is told with their polls, by `monitor.service.poll`.

    Args:
        is_broken: Whether the rule file at a path is broken now.
    """

    def __init__(
        self,
        *,
        ops: Callable[[], Ops],
        is_broken: Callable[[str], bool],
        outlets: Callable[[], Mapping[str, Outlet]],
        store: DeliveryStore,
        threads: StoreThreads,
        clock: Clock,
        observer: Observer,
    ) -> None:
        self._ops = ops
        self._is_broken = is_broken
        self._told_broken: set[str] = set()
        self._outlets = outlets
        self._store = store
        self._threads = threads
        self._clock = clock
        self._observer = observer
        self._store_failed_at: datetime | None = None

    def alert_of(self, event: Event) -> Alert | None:
        """What the operators are to be told of an event; None: nothing."""
        now = self._clock.now()
        match event:
            case ChannelPaused():
                return about_pause(event.pause, now=now)
            case ChannelResumed():
                return ops_alert(
                    "channel-resumed",
                    event.channel,
                    event.since.isoformat(),
                    title=f"The channel {event.channel} works again",
                    text=(f"It was broken since {event.since:%d %b %H:%M} UTC; what it kept goes out now.",),
                    severity=Severity.NORMAL,
                    now=now,
                )
            case RuleFileBroken():
                used = "its last good version goes on" if event.last_good else "its other rules go on"
                return ops_alert(
                    "rule-file-broken",
                    event.path,
                    event.since.isoformat(),
                    title=f"The rule file {event.path} is broken",
                    text=(f"{used[0].upper()}{used[1:]}.", *(str(fault).splitlines()[0] for fault in event.faults[:5])),
                    now=now,
                )
            case RuleFileRecovered():
                return ops_alert(
                    "rule-file-mended",
                    event.path,
                    event.since.isoformat(),
                    title=f"The rule file {event.path} is in use again",
                    severity=Severity.NORMAL,
                    now=now,
                )
            case RuleStopped():
                return ops_alert(
                    "rule-stopped",
                    event.rule,
                    now.isoformat(),
                    title=f"The rule {event.rule} is stopped",
                    text=(
                        f"Its regular expression was too slow too often. It starts again when {event.path} changes.",
                    ),
                    now=now,
                )
            case _:
                return None

    async def tell(self, event: Event) -> None:
        """Write the alert of an event, if it has one and somebody is to be told."""
        alert, ops = self.alert_of(event), self._ops()
        if alert is None or not ops.channels or not await self._is_worth_it(event):
            return
        now = self._clock.now()
        try:
            paused = await self._threads.read(self._store.paused_channels)
            deliveries = ops.deliveries(alert, now=now, without=paused)
            await self._threads.write(self._store.add_alerts, [alert], deliveries, now=now)
        except StoreError as error:
            self._observer(Trouble(what=f"an alert about the service could not be stored: {error}"))

    async def _is_worth_it(self, event: Event) -> bool:
        match event:
            case RuleFileBroken():
                await self._clock.sleep(SAVE_SECONDS)
                if self._is_broken(event.path):
                    self._told_broken.add(event.path)
                return event.path in self._told_broken
            case RuleFileRecovered() if event.path not in self._told_broken:
                return False
            case RuleFileRecovered():
                self._told_broken.discard(event.path)
                return True
            case _:
                return True

    async def store_failed(self, error: StoreError) -> None:
        """Say directly, once for each time that it happens, that nothing can be written."""
        if self._store_failed_at is not None:
            return
        now = self._store_failed_at = self._clock.now()
        alert = ops_alert(
            "store-failed",
            now.isoformat(),
            title="The store cannot be written",
            text=(
                str(error),
                "No news is lost: what feeds bring is read again when there is room. Until then it waits.",
            ),
            severity=Severity.CRITICAL,
            now=now,
        )
        message = Message(id=MessageId(str(uuid.uuid4())), kind="alert", alerts=(alert,), created_at=now)
        outlets = self._outlets()
        for channel in self._ops().channels:
            if channel in outlets:
                await outlets[channel].notifier.send(message)

    def store_works(self) -> None:
        """Be ready to say it anew."""
        self._store_failed_at = None
