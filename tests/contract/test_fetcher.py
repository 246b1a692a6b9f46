"""`HttpFetcher` against a real server on loopback: what it asks, what it bounds, how it tells what went wrong."""

from __future__ import annotations

import gzip
import random
import socket
import zlib
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from monitor.fetch.decode import BodyDecoder, BodyError
from monitor.fetch.http import FetchLimits, HttpFetcher
from monitor.fetch.target import next_hop
from monitor.model import Feed, FeedId, Fetched, FetchFailed, FetchProblem, FetchResult, HostId, NotModified
from tests.feedserver import FeedServer, Manner, Route

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

NOW = datetime(2026, 11, 23, tzinfo=UTC)
BODY = b"<rss version='2.0'><channel><title>T</title></channel></rss>"
SHORT = FetchLimits(deadline=timedelta(milliseconds=300))


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as running:
        yield running


def feed(url: str, *, etag: str | None = None, last_modified: str | None = None) -> Feed:
    return Feed(
        id=FeedId(1), host_id=HostId(1), host="127.0.0.1", name="x", url=url, tags=(), interval=timedelta(minutes=10),
        origin="config", title="", etag=etag, last_modified=last_modified, body_hash=None, added_at=NOW,
        baseline_at=None, next_poll_at=NOW, polled_at=None, ok_at=None, failures=0, status=None, error="",
    )  # fmt: skip


@asynccontextmanager
async def fetcher(limits: FetchLimits | None = None, *, concurrency: int = 8) -> AsyncIterator[HttpFetcher]:
    running = HttpFetcher(user_agent="news-monitor/test", limits=limits or FetchLimits(), concurrency=concurrency)
    try:
        yield running
    finally:
        await running.close()


async def fetch(url: str, limits: FetchLimits | None = None) -> FetchResult:
    async with fetcher(limits) as running:
        return await running.fetch(feed(url))


async def failure(url: str, limits: FetchLimits | None = None) -> FetchFailed:
    result = await fetch(url, limits)
    assert isinstance(result, FetchFailed), result
    assert result.detail.isprintable()
    assert len(result.detail) < 400
    return result


async def test_a_hub_in_the_headers(server: FeedServer) -> None:
    """Where a publisher names its hub there (WebSub section 4), relative to where the answer came from."""
    links = '<https://hub.example/>; rel="hub", </self>; rel="self"'
    url = server.redirect("/old", server.put("/feed", Route(body=b"x", headers={"Link": links})))
    result = await fetch(url)
    assert isinstance(result, Fetched)
    assert (result.hub, result.topic) == ("https://hub.example/", server.url("/self"))


async def test_a_body_comes_with_its_validators(server: FeedServer) -> None:
    """200: the bytes, where they came from, and ETag and Last-Modified exactly as sent."""
    route = Route(body=BODY, etag='W/"weak, \xfc"', last_modified="Mon, 23 Nov 2026 10:00:00 GMT")
    result = await fetch(server.put("/feed", route))
    assert isinstance(result, Fetched)
    assert (result.body, result.status, result.url) == (BODY, 200, server.url("/feed"))
    assert (result.etag, result.last_modified) == (route.etag, route.last_modified)
    assert result.content_type == "application/rss+xml; charset=utf-8"


async def test_validators_go_back_byte_for_byte(server: FeedServer) -> None:
    """What the server called its version is what it is asked about, and its 304 is no failure."""
    url = server.put("/feed", Route(body=BODY, etag='W/"weak, \xfc"', last_modified="never"))
    async with fetcher() as running:
        first = await running.fetch(feed(url))
        assert isinstance(first, Fetched)
        second = await running.fetch(feed(url, etag=first.etag, last_modified=first.last_modified))
    assert second == NotModified(etag='W/"weak, \xfc"', last_modified="never")
    headers = server.requests()[1].headers
    assert headers["if-none-match"] == 'W/"weak, \xfc"'
    assert headers["if-modified-since"] == "never"


async def test_it_says_who_it_is_and_keeps_no_cookie(server: FeedServer) -> None:
    """Its own User-Agent, no cookie of an earlier answer, no referer after a redirect, one connection a request."""
    server.put("/feed", Route(body=BODY, headers={"Set-Cookie": "id=1; Path=/"}))
    url = server.redirect("/moved", "/feed")
    async with fetcher() as running:
        await running.fetch(feed(url))
        await running.fetch(feed(url))
    for request in server.requests():
        assert request.headers["user-agent"] == "news-monitor/test"
        assert not {"cookie", "referer"} & set(request.headers)


async def test_304_to_an_unconditional_request_is_a_failure(server: FeedServer) -> None:
    """A server that answers 304 to everyone would look like a feed without news for ever."""
    found = await failure(server.put("/feed", Route(status=304, etag=False)))
    assert (found.problem, found.status) == (FetchProblem.HTTP, 304)


@pytest.mark.parametrize(
    ("status", "part"), [(404, "no such page"), (410, "remove the feed"), (403, "user_agent"), (500, "problem")]
)
async def test_bad_statuses_are_explained(server: FeedServer, status: int, part: str) -> None:
    """Each in a line with a way out."""
    found = await failure(server.put("/feed", Route(status=status, body=b"<html>long page</html>")))
    assert (found.problem, found.status) == (FetchProblem.HTTP, status)
    assert part in found.detail


async def test_retry_after_is_reported(server: FeedServer) -> None:
    """The server's own wish comes with the failure."""
    found = await failure(server.put("/feed", Route(status=429, headers={"Retry-After": "120"})))
    assert found.retry_after == timedelta(minutes=2)


async def test_compressed_bodies(server: FeedServer) -> None:
    """gzip by the server; two gzip members, zlib and bare deflate by hand; an empty compressed body."""
    bare = zlib.compressobj(wbits=-15)
    bodies = {
        "gzip": gzip.compress(BODY[:20]) + gzip.compress(BODY[20:]) + b"\0\0\0",
        "x-gzip": gzip.compress(BODY),
        "deflate": zlib.compress(BODY),
        "Deflate": bare.compress(BODY) + bare.flush(),
    }
    results = [await fetch(server.put("/gz", Route(body=BODY, compress=True)))]
    for coding, body in bodies.items():
        results.append(await fetch(server.put("/feed", Route(body=body, headers={"Content-Encoding": coding}))))
    assert [result.body for result in results if isinstance(result, Fetched)] == [BODY] * 5
    empty = await fetch(server.put("/feed", Route(headers={"Content-Encoding": "gzip"})))
    assert isinstance(empty, Fetched)
    assert empty.body == b""


@pytest.mark.parametrize(
    ("coding", "body", "part"),
    [
        ("zstd", b"x", "Content-Encoding 'zstd'"),
        ("gzip, gzip", b"x", "Content-Encoding 'gzip, gzip'"),
        ("gzip", gzip.compress(BODY, mtime=0)[:-5], "cut short"),
        ("gzip", b"\x1f", "cut short"),
        ("gzip", BODY, "not gzip"),
        ("deflate", zlib.compress(BODY)[:-3], "cut short"),
    ],
)
async def test_compression_that_is_wrong_is_a_failure(server: FeedServer, coding: str, body: bytes, part: str) -> None:
    """An unknown coding is named; half a body is never passed on as a whole one."""
    found = await failure(server.put("/feed", Route(body=body, headers={"Content-Encoding": coding})))
    assert found.problem is FetchProblem.PROTOCOL
    assert part in found.detail


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """1 GB of zeros in 1 MB of gzip."""
    packer = zlib.compressobj(9, wbits=31)
    block = bytes(1_000_000)
    return b"".join(packer.compress(block) for _ in range(1_000)) + packer.flush()


async def test_gzip_bomb_is_stopped_at_the_cap(server: FeedServer, bomb: bytes) -> None:
    """A gigabyte from a megabyte ends soon, with a clear line; one that grows less ends at 20 MB."""
    found = await failure(server.put("/feed", Route(body=bomb, headers={"Content-Encoding": "gzip"})))
    assert found.problem is FetchProblem.TOO_LARGE
    assert "grows more than 200 times" in found.detail
    block = random.Random(1).randbytes(40_000)
    slower = gzip.compress((block + bytes(1_000_000)) * 21)
    found = await failure(server.put("/feed", Route(body=slower, headers={"Content-Encoding": "gzip"})))
    assert found.problem is FetchProblem.TOO_LARGE
    assert "more than 20 MB" in found.detail


def test_decoder_never_holds_more_than_its_cap(bomb: bytes) -> None:
    """Fed whole, the bomb is refused after the cap, not after a gigabyte: steps are 64 KiB."""
    decoder = BodyDecoder("gzip", max_compressed=2_000_000, max_decoded=1_000_000)
    with pytest.raises(BodyError, match="more than 1 MB"):
        decoder.feed(bomb)
    assert sum(map(len, decoder._chunks)) <= 1_000_000


async def test_large_bodies_are_refused(server: FeedServer) -> None:
    """50 MB with a Content-Length, 50 MB without one, and a body that never ends."""
    for route in (
        Route(body=bytes(50_000_000)),
        Route(body=bytes(50_000_000), headers={"Content-Length": "49999999999999999"}),
        Route(body=bytes(100_000), manner="endless"),
    ):
        found = await failure(server.put("/feed", route))
        assert found.problem is FetchProblem.TOO_LARGE
        assert "more than 10 MB" in found.detail


@pytest.mark.parametrize("manner", ["hang", "drip"])
async def test_slow_servers_end_at_the_deadline(server: FeedServer, manner: Manner) -> None:
    """Neither silence nor a byte now and then holds a fetch longer than its deadline."""
    route = replace(Route(body=BODY * 100), manner=manner)
    found = await failure(server.put("/feed", route), SHORT)
    assert found.problem is FetchProblem.TIMEOUT
    assert "within 0.3 s" in found.detail


async def test_a_body_cut_off_is_a_failure(server: FeedServer) -> None:
    """Half of what Content-Length promised is not taken for the feed."""
    found = await failure(server.put("/feed", Route(body=BODY, manner="cut")))
    assert found.problem is FetchProblem.PROTOCOL


async def test_a_server_that_speaks_something_else(server: FeedServer) -> None:
    """Bytes that are no HTTP are told in a printable line."""
    found = await failure(server.put("/feed", Route(manner="rude")))
    assert found.problem is FetchProblem.PROTOCOL
    assert "does not speak HTTP" in found.detail


async def test_redirects_are_followed_and_told(server: FeedServer) -> None:
    """Relative and absolute ones, up to five; the result names the last URL."""
    server.put("/feed", BODY)
    for hop in range(4):
        server.redirect(f"/{hop}", f"{hop + 1}", status=(301, 302, 307, 308)[hop])
    server.redirect("/4", server.url("/feed"))
    result = await fetch(server.url("/0"))
    assert isinstance(result, Fetched)
    assert result.url == server.url("/feed")


@pytest.mark.parametrize(
    ("location", "part"),
    [
        ("/start", "in a circle"),
        ("/start#elsewhere", "in a circle"),
        ("file:///etc/passwd", "no http or https URL"),
        ("gopher://127.0.0.1/", "no http or https URL"),
        ("http://[", "no http or https URL"),
    ],
)
async def test_redirects_that_lead_nowhere(server: FeedServer, location: str, part: str) -> None:
    """Loops, other schemes and broken URLs end the fetch."""
    found = await failure(server.redirect("/start", location))
    assert found.problem is FetchProblem.REDIRECT
    assert part in found.detail


async def test_too_many_redirects(server: FeedServer) -> None:
    """The sixth is not followed."""
    for hop in range(8):
        server.redirect(f"/{hop}", f"/{hop + 1}")
    found = await failure(server.url("/0"))
    assert "more than 5 times" in found.detail
    assert len(server.requests()) == 6


def test_https_never_becomes_http() -> None:
    """A redirect may not take the lock away; it may add one."""
    down = next_hop(httpx.URL("https://example.org/feed"), "http://example.org/feed")
    assert isinstance(down, FetchFailed)
    assert "plain http" in down.detail
    assert next_hop(httpx.URL("http://example.org/a"), "https://example.org/b") == httpx.URL("https://example.org/b")


async def test_nobody_listens() -> None:
    """A port without a server is refused, in words."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        found = await failure(f"http://127.0.0.1:{taken.getsockname()[1]}/feed")
    assert (found.problem, found.detail) == (FetchProblem.CONNECT, "127.0.0.1 refuses connections")


async def test_host_that_does_not_exist() -> None:
    """The host is named (the name is one that no resolver may know, RFC 6761)."""
    found = await failure("http://no-such-host.invalid/feed")
    assert found.problem is FetchProblem.DNS
    assert "cannot find the host no-such-host.invalid" in found.detail


async def test_https_to_a_server_without_it(server: FeedServer) -> None:
    """The TLS failure is told as one."""
    found = await failure(server.put("/feed", BODY).replace("http://", "https://"))
    assert found.problem is FetchProblem.TLS
    assert "no secure connection" in found.detail


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://example.org/x", "/etc/passwd", "http://", "", "http://[x", "\x00"]
)
async def test_urls_that_are_none(url: str) -> None:
    """Nothing but http and https is asked at all."""
    assert (await failure(url)).problem is FetchProblem.PROTOCOL


async def test_server_text_does_not_reach_the_detail_raw(server: FeedServer) -> None:
    """A redirect target full of escapes and overrides is told in printable characters only (`failure` looks)."""
    for location in ("file:///x\x1b[31mred", "file:///\u202eevil".encode().decode("latin-1")):
        found = await failure(server.redirect("/feed", location))
        assert found.problem in (FetchProblem.REDIRECT, FetchProblem.PROTOCOL)


async def test_servers_that_hang_do_not_starve_the_others(server: FeedServer) -> None:
    """With more hanging fetches than any connection pool's default, a healthy feed is fetched at once."""
    import asyncio

    good = server.put("/good", BODY)
    bad = server.put("/bad", Route(manner="hang"))
    async with fetcher(concurrency=200) as running:
        hanging = [asyncio.create_task(running.fetch(feed(bad))) for _ in range(120)]
        await asyncio.to_thread(server.wait_for_requests, 120, "/bad")
        assert isinstance(await running.fetch(feed(good)), Fetched)
        assert not any(task.done() for task in hanging)
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)


async def test_closing_twice_is_fine() -> None:
    """A clean stop may come from two sides."""
    async with fetcher() as running:
        await running.close()


async def test_the_web_besides_feeds_trusts_no_address_in_a_url(server: FeedServer) -> None:
    """A page or a hub is named by others: this machine is not asked, and the way out is told."""
    page = server.put("/page", b"<p>secret</p>")
    async with fetcher() as running:
        for result in (await running.get(page), await running.post_form(page, [("hub.mode", "subscribe")])):
            assert isinstance(result, FetchFailed)
            assert result.problem is FetchProblem.REFUSED
            assert "polling.allow" in result.detail
    assert not server.requests()
