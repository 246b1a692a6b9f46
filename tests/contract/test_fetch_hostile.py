"""What hostile and broken servers cost: an honest failure, within the caps, and nothing to the other feeds."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import socket
import ssl
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import aiohttp
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.clock import SystemClock
from monitor.fetch.http import FetchLimits, HttpFetcher
from monitor.fetch.transport import as_httpx
from monitor.model import FeedOptions, Fetched, FetchProblem
from tests.fetching import BODY, SHORT, feed, fetcher, names, ok, raw_server, redirect, refusal
from tests.tls import make_certificate, trusting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from monitor.model import FetchResult

CONTEXT = ssl.create_default_context()
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
BROKEN = {
    "http_0_9": (b"<rss></rss>", FetchProblem.PROTOCOL, "does not speak HTTP"),
    "smtp": (b"220 mail.example ESMTP\r\n", FetchProblem.PROTOCOL, "does not speak HTTP"),
    "bad status": (b"HTTP/1.1 abc OK\r\n\r\n", FetchProblem.PROTOCOL, "does not speak HTTP"),
    "two lengths": (ok(BODY, "Content-Length: 3"), FetchProblem.PROTOCOL, "does not speak HTTP"),
    "bad length": (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nabc", FetchProblem.PROTOCOL, "does not speak HTTP"),
    "short body": (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n<rss>", FetchProblem.PROTOCOL, "cut short"),
    "short chunks": (CHUNKED + b"5\r\n<rss>", FetchProblem.PROTOCOL, "cut short"),
    "bad chunks": (CHUNKED + b"zz\r\n", FetchProblem.PROTOCOL, ""),
    "nothing": (b"", FetchProblem.CONNECT, "the connection to 127.0.0.1 broke"),
    "half a head": (b"HTTP/1.1 200 OK\r\nContent-Le", FetchProblem.CONNECT, "broke"),
    "long line": (ok(BODY, "X-Long: " + "x" * 100_000), FetchProblem.PROTOCOL, "does not speak HTTP"),
    "many headers": (ok(BODY, *(f"X-{n}: 1" for n in range(1_000))), FetchProblem.PROTOCOL, "does not speak HTTP"),
    "terminal codes": (b"HTTP/1.1 \x1b[31m200\r\n\r\n", FetchProblem.PROTOCOL, "does not speak HTTP"),
    "rude gzip": (ok(b"\x1f\x8bno", "Content-Encoding: gzip"), FetchProblem.PROTOCOL, "not gzip"),
    "rude br": (ok(b"\xff\xffno", "Content-Encoding: br"), FetchProblem.PROTOCOL, ""),
    "two codings": (ok(b"x", "Content-Encoding: gzip, br"), FetchProblem.PROTOCOL, "not asked for"),
    "location of nothing": (redirect("http://"), FetchProblem.REDIRECT, "in a circle"),
    "location with codes": (redirect("http://x\x1b[31m/"), FetchProblem.REDIRECT, "is no URL"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
async def test_broken_answers_are_told_in_a_line(case: str) -> None:
    """Nothing raises, nothing is taken for a feed, and what the server sent reaches no terminal raw."""
    answer, problem, part = BROKEN[case]
    async with raw_server(answer) as server, fetcher() as running:
        found = refusal(await running.fetch(feed(server.url())))
    assert found.problem is problem, found
    assert part in found.detail


async def test_a_broken_connection_is_not_asked_again_behind_our_back() -> None:
    """One poll is one request, whatever the library would do (aiohttp repeats a GET)."""
    async with raw_server(b"") as server, fetcher() as running:
        refusal(await running.fetch(feed(server.url())))
        assert len(server.heads) == 1


async def test_a_reset_while_the_body_comes() -> None:
    """A connection that breaks off is trouble on the way, not a fault in the document."""

    async def reset(_head: bytes, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n<rss>")
        await writer.drain()
        raw: socket.socket = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close() sends RST
        writer.transport.abort()
        return b""

    async with raw_server(reset) as server, fetcher() as running:
        found = refusal(await running.fetch(feed(server.url())))
    assert found.problem in (FetchProblem.CONNECT, FetchProblem.PROTOCOL)


@pytest.mark.parametrize(
    "piece", [b"x", b"X-More: 1\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"], ids=["head", "headers", "continue"]
)
async def test_heads_that_never_end(piece: bytes) -> None:
    """Dripped they end at the deadline, poured at the cap."""
    for pause in (0.01, 0.0):

        async def endless(_head: bytes, writer: asyncio.StreamWriter, pause: float = pause) -> bytes:
            writer.write(b"HTTP/1.1 200 OK\r\n" if piece.startswith(b"X") else b"")
            while not writer.is_closing():
                writer.write(piece if pause else piece * 1000)
                await writer.drain()
                await _turn(pause)
            return b""

        async with raw_server(endless) as server, fetcher(SHORT) as running:
            found = refusal(await running.fetch(feed(server.url())))
        assert found.problem in (FetchProblem.TIMEOUT, FetchProblem.PROTOCOL)


async def _turn(seconds: float) -> None:
    """Let others run; a drip's pace is the server's business, no test waits for it."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    loop.call_later(seconds, done.set_result, None)
    await done


async def test_healthy_feeds_beside_120_tarpits() -> None:
    """Those that never answer, or a byte now and then, hold their own place and nobody else's."""

    async def tarpit(_head: bytes, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        await asyncio.Event().wait()
        return b""

    async with raw_server(tarpit) as bad, raw_server(ok()) as good, fetcher(concurrency=200) as running:
        hanging = [asyncio.create_task(running.fetch(feed(bad.url()))) for _ in range(120)]
        results = await asyncio.gather(*(running.fetch(feed(good.url())) for _ in range(80)))
        assert all(isinstance(result, Fetched) for result in results)
        assert not any(task.done() for task in hanging)
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)


async def test_name_servers_that_hang_beside_healthy_feeds() -> None:
    """A look-up that never ends takes its fetch to the deadline, and holds up no other one."""

    async def hanging(host: str, _port: int) -> tuple[str, ...]:
        if host.startswith("slow"):
            await asyncio.Event().wait()
        return ("127.0.0.1",)

    async with (
        raw_server(ok()) as server,
        fetcher(SHORT, concurrency=200, allow=("127.0.0.1",), resolver=hanging) as running,
    ):
        slow = [running.fetch(feed(f"http://slow{n}.example:{server.port}/")) for n in range(100)]
        *failures, good = await asyncio.gather(*slow, running.fetch(feed(server.url(host="good.example"))))
    assert isinstance(good, Fetched)
    assert {refusal(failure).problem for failure in failures} == {FetchProblem.TIMEOUT}


async def test_names_that_have_no_address() -> None:
    """Told as a matter of names."""
    async with fetcher(resolver=names(empty_example="")) as running:
        for host in ("empty.example", "no-such-host.invalid", "x" * 64 + ".example"):
            found = refusal(await running.fetch(feed(f"http://{host}/")))
            assert found.problem in (FetchProblem.DNS, FetchProblem.PROTOCOL), found
            assert host in found.detail


URLISH = st.text() | st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(["http", "https"]),
    st.text(max_size=9),
    st.text(max_size=9),
    st.text(max_size=9),
)


@given(url=URLISH, etag=st.text(max_size=9), http2=st.booleans())
def test_no_url_and_no_validator_raises(url: str, etag: str, http2: bool) -> None:
    """Whatever a feed is called, and whatever its server called its version: a failure in a line."""

    async def unknown(_host: str, _port: int) -> tuple[str, ...]:
        return ()

    async def once() -> FetchResult:
        async with fetcher(resolver=unknown, tls=lambda: CONTEXT) as running:
            return await running.fetch(feed(url, etag=etag), FeedOptions(http2=http2))

    refusal(asyncio.run(once()))


CONNECTION = aiohttp.client_reqrep.ConnectionKey("a.example", 80, False, True, None, None, None, None)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (aiohttp.ClientConnectorError(CONNECTION, OSError(113, "x")), httpx.ConnectError),
        (aiohttp.ClientConnectorDNSError(CONNECTION, OSError(-2, "x")), httpx.ConnectError),
        (aiohttp.ClientConnectorSSLError(CONNECTION, OSError(1, "x")), httpx.ConnectError),
        (aiohttp.ClientProxyConnectionError(CONNECTION, OSError(111, "x")), httpx.ProxyError),
        (aiohttp.ConnectionTimeoutError("x"), httpx.ConnectTimeout),
        (aiohttp.SocketTimeoutError("x"), httpx.ReadTimeout),
        (aiohttp.ServerDisconnectedError(), httpx.ReadError),
        (aiohttp.ClientConnectionResetError("x"), httpx.ReadError),
        (aiohttp.ClientOSError(104, "x"), httpx.ReadError),
        (ConnectionResetError(104, "x"), httpx.ReadError),
        (aiohttp.ClientPayloadError("x"), httpx.RemoteProtocolError),
        (aiohttp.InvalidURL("x"), httpx.LocalProtocolError),
        (ValueError("a control character in a header"), httpx.LocalProtocolError),
    ],
)
def test_what_aiohttp_raises_is_what_httpx_would(error: Exception, kind: type[Exception]) -> None:
    """Also what no server on loopback brings about."""
    assert type(as_httpx(error)) is kind


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """Made once."""
    return make_certificate(tmp_path_factory.mktemp("tls"))


async def test_a_certificate_that_nobody_signed(certificate: tuple[Path, ssl.SSLContext]) -> None:
    """It is told as what it is, and nothing is asked."""
    async with raw_server(ok(), tls=certificate[1]) as server, fetcher() as running:
        found = refusal(await running.fetch(feed(server.url(scheme="https"))))
        assert found.problem is FetchProblem.TLS
        assert "cannot trust the certificate of 127.0.0.1: self" in found.detail
        assert not server.heads


async def test_a_certificate_for_another_name(certificate: tuple[Path, ssl.SSLContext]) -> None:
    """A trusted authority does not make it the right host."""
    resolver = names(other_example="127.0.0.1")
    opened = fetcher(tls=trusting(certificate[0]), allow=("127.0.0.1",), resolver=resolver)
    async with raw_server(ok(), tls=certificate[1]) as server, opened as running:
        found = refusal(await running.fetch(feed(server.url(scheme="https", host="other.example"))))
        assert found.problem is FetchProblem.TLS
        assert "other.example" in found.detail
        assert isinstance(await running.fetch(feed(server.url(scheme="https"))), Fetched)


_BOMB = """
import json, resource, sys, zlib
import brotli
from monitor.fetch.decode import BodyDecoder, BodyError

def bomb(coding):
    if coding == "br":
        packer = brotli.Compressor(quality=5, lgwin=24)
        parts = [packer.process(bytes(1 << 20)) for _ in range(1024)] + [packer.finish()]
    else:
        packer = zlib.compressobj(9, wbits=31 if coding == "gzip" else 15)
        first, other = (packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
        parts = [first, other * 1023]
    return b"".join(parts)

body = bomb(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
decoder = BodyDecoder(sys.argv[1], max_compressed=10_000_000, max_decoded=20_000_000)
try:
    decoder.feed(body)
    said = "nothing"
except BodyError as error:
    said = error.problem.value
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"said": said, "grown_kb": after - before, "given": decoder._given}))
"""


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
def test_a_gigabyte_in_any_coding_costs_little_memory(coding: str) -> None:
    """1 GiB of zeros ends at the ratio, and the process has grown by less than 60 MB; measured in one of its own."""
    done = subprocess.run([sys.executable, "-c", _BOMB, coding], check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)
    assert found["said"] == "too_large"
    assert found["grown_kb"] < 60_000
    assert found["given"] < 20_000_000


async def test_a_body_that_grows_lets_others_have_their_turns() -> None:
    """18 MB that came as 140 kB in one piece: the loop goes round while they are unpacked."""
    body = gzip.compress(bytes(range(256)) * 100 + random.Random(1).randbytes(1 << 10)) * 700
    whole = len(gzip.decompress(body))
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await SystemClock().sleep(0)
            turns += 1

    transport = httpx.MockTransport(
        lambda _request: httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=_OnePiece(body))
    )
    fetcher = HttpFetcher(user_agent="test", limits=FetchLimits(), concurrency=1, transport=transport)
    counting = asyncio.create_task(count())
    found = await fetcher.get("https://example.org/large")
    counting.cancel()
    assert isinstance(found, Fetched), found
    assert len(found.body) == whole
    assert turns > whole // 1_000_000


class _OnePiece(httpx.AsyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body
