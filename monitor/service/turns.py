"""Who may ask a host now: one request at a time to each, and a pause between two, whoever they are for.

Polls and pages of one process share it. Between processes the store's claims keep one poll and one page a host.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from monitor.clock import Clock

_HOSTS_REMEMBERED = 10_000


@dataclass(slots=True)
class _Host:
    """`asked_at`: when its last turn ended, on the monotonic clock; None: it had none."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    asked_at: float | None = None


class Turns:
    """Gives out turns at hosts, in the order in which they are asked for."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._hosts: OrderedDict[str, _Host] = OrderedDict()
        self._users: Counter[str] = Counter()

    @property
    def busy(self) -> frozenset[str]:
        """Hosts at which somebody has a turn or waits for one."""
        return frozenset(self._users)

    @asynccontextmanager
    async def turn(self, host: str, *, delay: timedelta) -> AsyncIterator[None]:
        """Have `host` to oneself for as long as the block lasts, at least `delay` after the turn before."""
        each = self._hosts.setdefault(host, _Host())
        self._hosts.move_to_end(host)
        self._users[host] += 1
        try:
            async with each.lock:
                if each.asked_at is not None:
                    wait = each.asked_at + delay.total_seconds() - self._clock.monotonic()
                    if wait > 0:
                        await self._clock.sleep(wait)
                try:
                    yield
                finally:
                    each.asked_at = self._clock.monotonic()
        finally:
            self._users[host] -= 1
            if not self._users[host]:
                del self._users[host]
            self._forget()

    def _forget(self) -> None:
        """The hosts that were asked longest ago, and not one that is in use."""
        while len(self._hosts) > max(_HOSTS_REMEMBERED, len(self._users)):
            oldest = next(host for host in self._hosts if host not in self._users)
            del self._hosts[oldest]
