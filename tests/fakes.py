"""The few stand-ins there are: a clock that goes when it is told to, and a notifier that answers from a list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from monitor.model import Sent

if TYPE_CHECKING:
    from monitor.model import Delivery, SendResult


class FakeClock:
    """A `Clock` whose time stands still until `advance`; a sleep ends at once, having taken its time."""

    def __init__(self, now: datetime = datetime(2026, 11, 23, 12, tzinfo=UTC)) -> None:
        self._now = now
        self._monotonic = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        self.advance(timedelta(seconds=seconds))

    def advance(self, span: timedelta) -> None:
        self._now += span
        self._monotonic += span.total_seconds()


class ScriptedNotifier:
    """A `Notifier` that answers from a list, then always with `Sent`; an exception in the list is raised."""

    def __init__(self, *script: SendResult | Exception) -> None:
        self.script = list(script)
        self.sent: list[Delivery] = []

    async def send(self, delivery: Delivery) -> SendResult:
        self.sent.append(delivery)
        answer = self.script.pop(0) if self.script else Sent()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None:
        """Nothing is open."""
