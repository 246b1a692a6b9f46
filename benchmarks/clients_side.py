"""One HTTP client that polls feeds whose answer is 304, a new connection each, as a contestant.

Each is set up as quick as it gets on many hosts. For polls by name, the system's resolver takes 30 ms for every name,
for all clients alike.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import socket
import sys
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from time import perf_counter, process_time, sleep
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import urlsplit

import aiohttp
import httpx

from benchmarks.farm import etag, feed_url
from monitor.fetch.http import FetchLimits, HttpFetcher
from monitor.model import Feed, FeedId, HostId, NotModified
from monitor.netguard import Guard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Poll = Callable[[str, str], Awaitable[bool]]  # URL and validator ▸ whether the answer was a 304

_LOOK_UP_S = 0.03
_DOMAIN = ".farm.example"


def _slow_names() -> None:
    """N.farm.example is where feed N is, after 30 ms."""
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        if name.endswith(_DOMAIN):
            sleep(_LOOK_UP_S)
            host = urlsplit(feed_url(1, int(name.removesuffix(_DOMAIN)))).hostname
        return real(host, *args, **options)

    socket.getaddrinfo = getaddrinfo


@asynccontextmanager
async def _httpx() -> AsyncIterator[Poll]:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(limits=limits, trust_env=False, timeout=60) as client:

        async def poll(url: str, known: str) -> bool:
            return (await client.get(url, headers={"If-None-Match": known})).status_code == 304

        yield poll


@asynccontextmanager
async def _httpx_aiohttp() -> AsyncIterator[Poll]:
    made = importlib.import_module("httpx_aiohttp").AiohttpTransport
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True))
    async with session, httpx.AsyncClient(transport=made(client=session), trust_env=False, timeout=60) as client:

        async def poll(url: str, known: str) -> bool:
            return (await client.get(url, headers={"If-None-Match": known})).status_code == 304

        yield poll


@asynccontextmanager
async def _aiohttp() -> AsyncIterator[Poll]:
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def poll(url: str, known: str) -> bool:
            async with session.get(url, headers={"If-None-Match": known}, allow_redirects=False) as answer:
                await answer.read()
                return answer.status == 304

        yield poll


@asynccontextmanager
async def _ours() -> AsyncIterator[Poll]:
    limits = FetchLimits(deadline=timedelta(minutes=1))
    guard = Guard.allowing(["127.0.0.0/8"])
    fetcher = HttpFetcher(user_agent="news-monitor/bench", limits=limits, concurrency=10_000, guard=guard)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    feeds: dict[str, Feed] = {}  # the store gives them to the daemon; they are not the fetcher's to make

    def feed(url: str, known: str) -> Feed:
        return Feed(
            id=FeedId(1), host_id=HostId(1), host=url, name=url, url=url, tags=(), interval=timedelta(minutes=10),
            origin="config", title="", etag=known, last_modified=None, body_hash=None, added_at=now, baseline_at=None,
            next_poll_at=now, polled_at=None, ok_at=None, failures=0, status=None, error="",
        )  # fmt: skip

    async def poll(url: str, known: str) -> bool:
        if url not in feeds:
            feeds[url] = feed(url, known)
        return isinstance(await fetcher.fetch(feeds[url]), NotModified)

    yield poll
    await fetcher.close()


CLIENTS = {
    "httpx": _httpx,
    "httpx over httpx-aiohttp": _httpx_aiohttp,
    "aiohttp": _aiohttp,
    "HttpFetcher": _ours,
}


async def _round(poll: Poll, given: dict[str, Any]) -> dict[str, Any]:
    slots = asyncio.Semaphore(given["concurrency"])
    port = given["port"]
    good = 0

    async def one(index: int) -> None:
        nonlocal good
        url = f"http://{index}{_DOMAIN}:{port}/{index}" if given["names"] else feed_url(port, index)
        async with slots:
            is_good = await poll(url, etag(index))
        good += is_good

    cpu, started = process_time(), perf_counter()
    await asyncio.gather(*(one(index) for index in range(given["first"], given["first"] + given["feeds"])))
    return {"seconds": perf_counter() - started, "own_cpu": process_time() - cpu, "good": good}


async def _main(lines: TextIO) -> None:
    given = json.loads(lines.readline())
    _slow_names()
    async with CLIENTS[given["client"]]() as poll:
        gc.freeze()  # as the daemon does; the modules that are loaded are nobody's cost
        print("{}", flush=True)
        while line := await asyncio.to_thread(lines.readline):
            print(json.dumps(await _round(poll, json.loads(line))), flush=True)


if __name__ == "__main__":
    asyncio.run(_main(sys.stdin))
