"""The few stand-ins there are, each for one protocol and as plain as can be."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from monitor.model import NO_OPTIONS, NotModified, Sent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.model import (
        Entry,
        Feed,
        FeedOptions,
        FetchResult,
        Item,
        Message,
        ParseFailed,
        ParseResult,
        SendResult,
    )


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
    """A `Notifier` that answers from a list, then always with `Sent`; an exception in the list is raised.

    Attributes:
        gate: Where there is one, a send waits for it; `entered` tells that one has come so far.
    """

    def __init__(self, *script: SendResult | Exception) -> None:
        self.script = list(script)
        self.sent: list[Message] = []
        self.gate: asyncio.Event | None = None
        self.entered = asyncio.Event()

    async def send(self, message: Message) -> SendResult:
        self.sent.append(message)
        if self.gate is not None:
            self.entered.set()
            await self.gate.wait()
        answer = self.script.pop(0) if self.script else Sent()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None:
        """Nothing is open."""


class CountingFetcher:
    """A `Fetcher` that answers 304 at once, and counts; `enough` is set at the `wanted`-th answer.

    Attributes:
        most: The most fetches that were in flight at a time.
    """

    def __init__(self, wanted: int) -> None:
        self.done = 0
        self.most = 0
        self.enough = asyncio.Event()
        self._wanted = wanted
        self._in_flight = 0

    async def fetch(self, feed: Feed, options: FeedOptions = NO_OPTIONS) -> FetchResult:  # noqa: ARG002 -- the protocol's
        self._in_flight += 1
        self.most = max(self.most, self._in_flight)
        await asyncio.get_running_loop().run_in_executor(None, int)  # lets the others begin
        self._in_flight -= 1
        self.done += 1
        if self.done >= self._wanted:
            self.enough.set()
        return NotModified(etag=None, last_modified=None)

    async def close(self) -> None:
        """Nothing is open."""


class NoParser:
    """A `Parser` for feeds that never have anything new."""

    async def parse(self, body: bytes, *, content_type: str | None, url: str) -> ParseResult:
        raise AssertionError(f"nothing was to be parsed: {body!r} {content_type} {url}")

    async def clean(self, items: Sequence[Item], *, now: datetime) -> tuple[Entry, ...] | ParseFailed:
        raise AssertionError(f"nothing was to be cleaned: {items} {now}")

    def close(self) -> None:
        """Nothing is running."""
