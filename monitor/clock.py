"""The only place that reads the time or sleeps.

The rest of the program takes `now` as a parameter (the core) or a `Clock` (the services), so a test can say what time
it is.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What a service may ask about time."""

    def now(self) -> datetime:
        """The wall clock, aware UTC. It may jump; use it for due times that must survive a restart."""

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back. Use it for deadlines and durations."""

    async def sleep(self, seconds: float) -> None:
        """Wait; 0 lets the other tasks of the loop run once."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
