"""Two servers on loopback: one with a mix of healthy feeds, and one whose every feed is made to hurt."""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
import zlib
from functools import cache, partial
from typing import TYPE_CHECKING

import brotli

from benchmarks.farm import Server, etag, feed_body, listening, response, serve
from tests.hostile import HOSTILE

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import Awaitable, Callable

    _Answer = Callable[[StreamReader, StreamWriter], Awaitable[None]]

# Of twenty feeds in a row: ten have nothing new, seven are new and of 72 KB, three are for the workers.
_MIX = ["same"] * 10 + ["new"] * 7 + ["large", "mended", "broken"]

_BOMB = 200_000_000  # bytes
_NOTATIONS = (
    *("169.254.169.254", "169.254.169.254.", "169.254.43518", "2852039166", "0xa9fea9fe", "0xA9.0xFE.0xA9.0xFE"),
    *("0251.0376.0251.0376", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]", "[fe80::1]"),
    *("[2002:a9fe:a9fe::]", "user@169.254.169.254", "169.254.169.254:80", "127.0.0.1", "localhost", "0", "[::1]"),
    *("10.0.0.1", "192.168.1.1"),
)


def hostile_names() -> list[str]:
    """What the hostile server has, in the order of its paths."""
    return [*HOSTILE, *_network(), *(f"redirect to {host}" for host in _NOTATIONS)]


def hostile_url(port: int, index: int) -> str:
    """An address for each, as on the farm."""
    return f"http://127.251.0.{index + 1}:{port}/{index}"


# -------------------------------------------------------------------------------------------------------------- healthy


class _Healthy:
    """A farm whose feeds are of the kinds of `_MIX`; `publish` brings a new entry to all but the "same" ones."""

    def __init__(self, feeds: int) -> None:
        self._feeds = feeds
        self._edition = 1
        self._made: dict[int, bytes] = {}
        self._make()

    def answer(self, request: bytes) -> bytes:
        target = request.split(b" ", 2)[1][1:]
        if target == b"publish":
            self._edition += 1
            self._make()
            return response(b"200 OK", b"")
        index = int(target)
        validator = self._validator(index)
        if validator in request:
            return b"HTTP/1.1 304 Not Modified\r\nETag: " + validator + b"\r\nConnection: close\r\n\r\n"
        return self._made[index]

    def _validator(self, index: int) -> bytes:
        return etag(index, 1 if _kind(index) == "same" else self._edition).encode()

    def _make(self) -> None:
        for index in range(self._feeds):
            if _kind(index) != "same" or index not in self._made:
                body = gzip.compress(_healthy_body(index, self._edition), 1, mtime=0)
                more = b"Content-Type: application/rss+xml; charset=utf-8\r\nContent-Encoding: gzip\r\nETag: "
                self._made[index] = response(b"200 OK", body, more + self._validator(index) + b"\r\n")


def _kind(index: int) -> str:
    # Neighbours are of different kinds.
    return _MIX[index * 7 % len(_MIX)]


def _healthy_body(index: int, edition: int) -> bytes:
    kind = _kind(index)
    if kind == "large":
        return feed_body(index, entries=200, paragraphs=3, edition=edition)
    body = feed_body(index, entries=30, paragraphs=3, edition=edition)
    if kind == "mended":
        return body.replace(b"<title>", b"<title>Q & A: ")
    return body.replace(b"</description>", b"<br></description>") if kind == "broken" else body


# -------------------------------------------------------------------------------------------------------------- hostile


async def _hang(reader: StreamReader, _writer: StreamWriter) -> None:
    await reader.read()


async def _drip(_reader: StreamReader, writer: StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b"<")
        await writer.drain()
        await asyncio.sleep(1)


async def _endless(head: bytes, chunk: bytes, _reader: StreamReader, writer: StreamWriter) -> None:
    writer.write(head)
    while True:
        writer.write(chunk)
        await writer.drain()


async def _send(make: Callable[[], bytes], _reader: StreamReader, writer: StreamWriter) -> None:
    writer.write(make())
    await writer.drain()


def _network() -> dict[str, _Answer]:
    def sent(make: Callable[[], bytes]) -> _Answer:
        return partial(_send, cache(make))

    ok = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\n"
    return {
        "no answer": _hang,
        "a byte a second": _drip,
        "endless body": partial(_endless, ok + b"\r\n<rss>", b"<item/>" * 10_000),
        "endless headers": partial(_endless, ok, b"X-Name: value\r\n" * 1_000),
        "gzip bomb": sent(lambda: _packed("gzip", gzip.compress(bytes(_BOMB), 6))),
        "gzip bomb in a gzip bomb": sent(lambda: _packed("gzip, gzip", gzip.compress(gzip.compress(bytes(_BOMB))))),
        "deflate bomb": sent(lambda: _packed("deflate", zlib.compress(bytes(_BOMB), 6))),
        "brotli bomb": sent(lambda: _packed("br", brotli.compress(bytes(_BOMB), quality=3))),
        "cut short": sent(lambda: ok + b"Content-Length: 100000\r\n\r\n<rss>"),
        "no HTTP": sent(lambda: b"\x16\x03\x01 hello\r\n\r\n"),
        "a redirect to itself": sent(lambda: _redirect("")),
    }


def _packed(coding: str, body: bytes) -> bytes:
    return response(b"200 OK", body, b"Content-Encoding: " + coding.encode() + b"\r\n")


def _redirect(location: str) -> bytes:
    return response(b"302 Found", b"", b"Location: " + location.encode() + b"\r\n")


class _Hostile:
    def __init__(self) -> None:
        self._answers: dict[str, _Answer] = {
            **{name: partial(_send, partial(self._document, make)) for name, make in HOSTILE.items()},
            **_network(),
            **{
                f"redirect to {host}": partial(_send, partial(_redirect, f"http://{host}/latest/meta-data/"))
                for host in _NOTATIONS
            },
        }
        self._documents: dict[int, bytes] = {}

    def _document(self, make: Callable[[], bytes]) -> bytes:
        return self._documents.setdefault(id(make), response(b"200 OK", make()))

    async def answer(self, reader: StreamReader, writer: StreamWriter) -> None:
        """One request; a client that hangs up has had enough."""
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            index = int(request.split(b" ", 2)[1][1:] or b"0")
            await list(self._answers.values())[index](reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def _serve_hostile() -> None:
    listener = listening()
    server = await asyncio.start_server(_Hostile().answer, sock=listener, backlog=1024)
    print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


def healthy_server(feeds: int) -> Server:
    """Feeds at `feed_url`."""
    return Server("benchmarks.hostile_farm", feeds)


def hostile_server() -> Server:
    """Feeds at `hostile_url`."""
    return Server("benchmarks.hostile_farm")


if __name__ == "__main__":
    if sys.argv[1:]:
        asyncio.run(serve(_Healthy(int(sys.argv[1])).answer))
    else:
        asyncio.run(_serve_hostile())
