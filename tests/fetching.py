"""For tests of fetching: a feed, a fetcher, and servers that send exactly what a test says."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from monitor.fetch.http import FetchLimits, HttpFetcher, tls_context
from monitor.fetch.transport import WebTransport
from monitor.model import Feed, FeedId, FetchFailed, HostId
from monitor.netguard import Guard, resolve

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable

    from monitor.fetch.base import Answer
    from monitor.model import FetchResult
    from monitor.netguard import Resolver

NOW = datetime(2026, 11, 23, tzinfo=UTC)
BODY = b"<rss version='2.0'><channel><title>T</title></channel></rss>"
SHORT = FetchLimits(deadline=timedelta(milliseconds=300))


def feed(url: str, *, etag: str | None = None, last_modified: str | None = None) -> Feed:
    """A feed as the store would give it."""
    return Feed(
        id=FeedId(1), host_id=HostId(1), host="127.0.0.1", name="x", url=url, tags=(), interval=timedelta(minutes=10),
        origin="config", title="", etag=etag, last_modified=last_modified, body_hash=None, added_at=NOW,
        baseline_at=None, next_poll_at=NOW, polled_at=None, ok_at=None, failures=0, status=None, error="",
    )  # fmt: skip


@asynccontextmanager
async def fetcher(
    limits: FetchLimits | None = None,
    *,
    concurrency: int = 8,
    allow: tuple[str, ...] = (),
    resolver: Resolver | None = None,
    tls: Callable[[], ssl.SSLContext] = tls_context,
    proxy: str = "",
    proxy_from_env: bool = False,
) -> AsyncIterator[HttpFetcher]:
    """A real one, closed at the end."""
    guard = Guard.allowing(allow)
    running = HttpFetcher(
        user_agent="news-monitor/test",
        limits=limits or FetchLimits(),
        concurrency=concurrency,
        guard=guard,
        proxy=proxy,
        proxy_from_env=proxy_from_env,
        transport=WebTransport(guard, tls=tls, resolver=resolver),
    )
    try:
        yield running
    finally:
        await running.close()


def names(**known: str) -> Resolver:
    """A name service that knows these hosts ("_" for "."; addresses with blanks between) and asks the system about
    others.
    """
    table = {name.replace("_", "."): tuple(addresses.split()) for name, addresses in known.items()}

    async def resolver(host: str, port: int) -> tuple[str, ...]:
        return table[host] if host in table else await resolve(host, port)

    return resolver


def refusal(result: FetchResult | Answer) -> FetchFailed:
    """The failure, which must be a line that is fit to be shown."""
    assert isinstance(result, FetchFailed), result
    assert result.detail.isprintable()
    assert len(result.detail) < 400
    return result


class RawServer:
    """Answers every connection on loopback with what `answer` makes of the request's head, then closes it.

    Attributes:
        heads: What was asked, up to the empty line, in order.
    """

    def __init__(self, answer: Callable[[bytes, asyncio.StreamWriter], Awaitable[bytes]]) -> None:
        self._answer = answer
        self.heads: list[bytes] = []
        self.port = 0

    def url(self, path: str = "/feed", *, scheme: str = "http", host: str = "127.0.0.1") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head)
            writer.write(await self._answer(head, writer))
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # clients that hang up are part of the tests
        finally:
            writer.close()


@asynccontextmanager
async def raw_server(
    answer: bytes | Callable[[bytes, asyncio.StreamWriter], Awaitable[bytes]], *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[RawServer]:
    """A `RawServer` that runs in this loop for the length of the block."""

    async def same(_head: bytes, _writer: asyncio.StreamWriter) -> bytes:
        assert isinstance(answer, bytes)
        return answer

    server = RawServer(same if isinstance(answer, bytes) else answer)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


def ok(body: bytes = BODY, *headers: str) -> bytes:
    """A whole answer with status 200."""
    more = "".join(f"{line}\r\n" for line in headers).encode("latin-1")
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n%s" % (len(body), more, body)


def redirect(location: str, status: int = 302) -> bytes:
    """A redirect without a body."""
    return f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode("latin-1")
