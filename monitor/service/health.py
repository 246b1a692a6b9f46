"""Signs of life: who has done a full round lately. systemd's watchdog is fed only while everyone has."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.clock import Clock


class Heartbeats:
    """The last time each part of the service got round.

    Args:
        limits: How long each part may take between two beats.
    """

    def __init__(self, limits: Mapping[str, timedelta], *, clock: Clock) -> None:
        self._clock = clock
        self._limits = {part: limit.total_seconds() for part, limit in limits.items()}
        self._last = dict.fromkeys(limits, clock.monotonic())

    def beat(self, part: str) -> None:
        """`part` has got round."""
        self._last[part] = self._clock.monotonic()

    def late(self) -> Mapping[str, float]:
        """The parts that are overdue, with the seconds since their last beat; empty: all is well."""
        now = self._clock.monotonic()
        return {part: now - last for part, last in self._last.items() if now - last > self._limits[part]}
