"""The few stand-ins there are, each for one protocol and as plain as can be."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from monitor.model import NO_OPTIONS, Cleaned, Fetched, FetchFailed, FetchProblem, NotModified, Sent
from monitor.parse.clean import clean_item
from monitor.parse.document import parse_document
from monitor.parse.page import read_page

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from monitor.fetch.base import Answer
    from monitor.model import (
        Feed,
        FeedOptions,
        FetchResult,
        Item,
        Message,
        PageText,
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

    async def clean(self, items: Sequence[Item], *, now: datetime) -> Cleaned | ParseFailed:
        raise AssertionError(f"nothing was to be cleaned: {items} {now}")

    def close(self) -> None:
        """Nothing is running."""


class ScriptedWeb:
    """A `Web` that answers each URL as told, 404 where it was told nothing, and remembers what it was asked.

    Attributes:
        answers: By URL; may be changed at any time.
        gate: Where there is one, a request waits for it; `entered` tells that one has come so far.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Fetched | FetchFailed] = {}
        self.asked: list[tuple[str, FeedOptions]] = []
        self.gate: asyncio.Event | None = None
        self.entered = asyncio.Event()

    def page(self, url: str, *paragraphs: str, content_type: str | None = "text/html; charset=utf-8") -> None:
        """Answer `url` with an article of these paragraphs."""
        text = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
        self.answers[url] = Fetched(
            url=url,
            status=200,
            body=f"<html><body><article>{text}</article></body></html>".encode(),
            content_type=content_type,
            etag=None,
            last_modified=None,
        )

    def fail(
        self, url: str, problem: FetchProblem | int, *, retry_after: timedelta | None = None, detail: str = "it failed"
    ) -> None:
        """Answer `url` with a failure, or a status."""
        status = problem if isinstance(problem, int) else None
        kind = FetchProblem.HTTP if isinstance(problem, int) else problem
        self.answers[url] = FetchFailed(problem=kind, detail=detail, status=status, retry_after=retry_after)

    async def get(
        self,
        url: str,
        *,
        options: FeedOptions = NO_OPTIONS,
        accept: str = "",  # noqa: ARG002 -- the protocol's
        max_bytes: int | None = None,  # noqa: ARG002 -- as above
    ) -> Fetched | FetchFailed:
        self.asked.append((url, options))
        self.entered.set()
        if self.gate is not None:
            await self.gate.wait()
        missing = FetchFailed(problem=FetchProblem.HTTP, detail="no such page", status=404)
        return self.answers.get(url, missing)

    async def post_form(self, url: str, fields: Iterable[tuple[str, str]]) -> Answer | FetchFailed:
        raise AssertionError(f"nothing was to be posted: {url} {list(fields)}")


class DirectParser:
    """A `Parser` and `PageReader` without worker processes; `broken` makes pages fail as a bug would."""

    def __init__(self) -> None:
        self.broken: Exception | None = None

    async def parse(self, body: bytes, *, content_type: str | None, url: str) -> ParseResult:
        return parse_document(body, content_type=content_type, url=url)

    async def clean(self, items: Sequence[Item], *, now: datetime) -> Cleaned | ParseFailed:
        return Cleaned(entries=tuple(clean_item(item, now=now) for item in items))

    async def read_page(self, body: bytes, *, content_type: str | None) -> PageText | ParseFailed:
        if self.broken is not None:
            raise self.broken
        return read_page(body, content_type=content_type)

    def close(self) -> None:
        """Nothing is running."""


class DocumentFetcher:
    """A `Fetcher` whose every answer is `body`."""

    def __init__(self) -> None:
        self.body = b""

    async def fetch(self, feed: Feed, options: FeedOptions = NO_OPTIONS) -> FetchResult:  # noqa: ARG002 -- the protocol's
        return Fetched(url=feed.url, status=200, body=self.body, content_type="text/xml", etag=None, last_modified=None)

    async def close(self) -> None:
        """Nothing is open."""
