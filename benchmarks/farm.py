"""A farm of made-up news feeds on loopback, in a process of its own.

Feed number i is http://127.a.b.c:PORT/i with an address of its own, so no limit for one host binds. Every answer closes
its connection, as it does between a poller and hosts that it meets once in ten minutes. `Farm` starts the process; it
ends with the `with` block, or with whoever started it.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import random
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self
from urllib.request import ProxyHandler, build_opener

from benchmarks.process import environment

if TYPE_CHECKING:
    from collections.abc import Callable

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_TEXT = """
    the of and to in a for on that with as by at from said after government officials minister report week year
    people city country market company million court police parliament election vote talks agreement crisis border
    region storm rain flood river power energy price oil bank rate growth trade union workers strike school hospital
    health study science climate water food summer team match player record final season museum film music author
    book network software data security attack research university president leader party law reform budget tax plan
"""
_WORDS = _TEXT.split()


def feed_url(port: int, index: int) -> str:
    """Where feed `index` (0 to 4 million) is: one address for each, none of them 127.0.0.x."""
    high, low = divmod(index, 250)
    first, second = divmod(high, 250)
    return f"http://127.{first + 1}.{second}.{low + 1}:{port}/{index}"


def etag(index: int, edition: int = 1) -> str:
    """The validator of feed `index` in this edition."""
    return f'"edition-{edition}-{index}"'


def feed_body(index: int, *, entries: int, paragraphs: int, edition: int = 1) -> bytes:
    """RSS 2.0 as news sites write it: HTML in CDATA, escaped HTML, dates, categories; about 0.7 KB and 0.55 KB a
    paragraph for each entry. With each edition one entry is new and the oldest is gone.
    """
    numbers = range(edition + entries - 1, edition - 1, -1)
    items = "".join(_item(index, number, random.Random(index << 32 | number), paragraphs) for number in numbers)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/'
        'content/" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>'
        f"<title>Gazette {index}</title><link>https://news.example/{index}</link>"
        f"<description>News of town {index}</description><language>en</language>{items}</channel></rss>\n"
    ).encode()


def _item(index: int, number: int, dice: random.Random, paragraphs: int) -> str:
    at = _EPOCH + timedelta(minutes=17 * number + index)
    link = f"https://news.example/{index}/{at:%Y/%m/%d}/{number}-{dice.getrandbits(32):08x}.html"
    text = "".join(f'<p>{_sentence(dice, 80)} <a href="{link}">More</a>.</p>\n' for _ in range(paragraphs))
    content = f"<content:encoded><![CDATA[{text}]]></content:encoded>" if paragraphs else ""
    return (
        f"<item><title>{_sentence(dice, 9)}</title><link>{link}</link>"
        f'<guid isPermaLink="false">{index}-{number}-{dice.getrandbits(64):016x}</guid>'
        f"<pubDate>{at:%a, %d %b %Y %H:%M:%S} +0000</pubDate><dc:creator>A. Writer</dc:creator>"
        f"<category>{dice.choice(_WORDS)}</category><category>{dice.choice(_WORDS)}</category>"
        f"<description>&lt;p&gt;{_sentence(dice, 30)} &amp;amp; more&lt;/p&gt;</description>{content}</item>\n"
    )


def _sentence(dice: random.Random, words: int) -> str:
    return " ".join(dice.choices(_WORDS, k=words)).capitalize()


@dataclass(slots=True)
class _Pages:
    """What is served, made when it is first asked for, and how often it was."""

    feeds: int
    entries: int
    paragraphs: int
    full: int = 0
    not_modified: int = 0
    edition: int = 1
    _made: dict[tuple[int, bool], bytes] = field(default_factory=dict)

    def answer(self, request: bytes) -> bytes:
        target = request.split(b" ", 2)[1][1:]
        if target == b"counts":
            return response(b"200 OK", json.dumps({"full": self.full, "not_modified": self.not_modified}).encode())
        if target == b"publish":
            self.edition += 1
            self._made.clear()
            self.fill()
            return response(b"200 OK", b"")
        if not target.isdigit() or int(target) >= self.feeds:
            return response(b"404 Not Found", b"")
        index = int(target)
        validator = etag(index, self.edition).encode()
        if validator in request:
            self.not_modified += 1
            return b"HTTP/1.1 304 Not Modified\r\nETag: " + validator + b"\r\nConnection: close\r\n\r\n"
        self.full += 1
        return self._feed(index, zipped=b"gzip" in request)

    def fill(self) -> None:
        """Make every feed now, so that no round pays for it."""
        for index in range(self.feeds):
            self._feed(index, zipped=True)

    def _feed(self, index: int, *, zipped: bool) -> bytes:
        made = self._made.get((index, zipped))
        if made is None:
            body = feed_body(index, entries=self.entries, paragraphs=self.paragraphs, edition=self.edition)
            validator = etag(index, self.edition).encode()
            more = b"Content-Type: application/rss+xml; charset=utf-8\r\nETag: " + validator + b"\r\n"
            if zipped:
                body, more = gzip.compress(body, mtime=0), more + b"Content-Encoding: gzip\r\n"
            made = self._made[index, zipped] = response(b"200 OK", body, more)
        return made


def response(status: bytes, body: bytes, more: bytes = b"") -> bytes:
    length = str(len(body)).encode()
    return (
        b"HTTP/1.1 " + status + b"\r\n" + more + b"Content-Length: " + length + b"\r\nConnection: close\r\n\r\n" + body
    )


class _Connection(asyncio.Protocol):
    """One GET, one answer."""

    __slots__ = ("_answer", "_latency_s", "_received", "_transport")

    def __init__(self, answer: Callable[[bytes], bytes], latency_s: float) -> None:
        self._answer = answer
        self._latency_s = latency_s
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if not transport.get_extra_info("sockname")[0].startswith("127."):
            transport.abort()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._received.endswith(b"\r\n\r\n"):
            if self._latency_s:
                asyncio.get_running_loop().call_later(self._latency_s, self._reply)
            else:
                self._reply()

    def _reply(self) -> None:
        self._transport.write(self._answer(self._received))
        self._transport.close()


def listening() -> socket.socket:
    """On every 127.x.y.z: that means binding 0.0.0.0, but on this device it is reached from this machine only."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0")
    listener.bind(("0.0.0.0", 0))
    return listener


async def serve(answer: Callable[[bytes], bytes], latency_s: float = 0) -> None:
    """Tell the port, then answer each request, until standard input ends."""
    loop, listener = asyncio.get_running_loop(), listening()
    server = await loop.create_server(lambda: _Connection(answer, latency_s), sock=listener, backlog=4096)
    print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--feeds", type=int, required=True)
    parser.add_argument("--entries", type=int, required=True)
    parser.add_argument("--paragraphs", type=int, required=True)
    parser.add_argument("--latency-ms", type=int, default=0)
    given = parser.parse_args()
    pages = _Pages(feeds=given.feeds, entries=given.entries, paragraphs=given.paragraphs)
    pages.fill()
    asyncio.run(serve(pages.answer, given.latency_ms / 1000))


class Server:
    """A process that serves, for the length of a `with` block; it says its port first, and ends with its input."""

    def __init__(self, module: str, *arguments: object) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the feed farm did not start; it needs Linux, for the whole of 127.0.0.0/8")
        self.port: int = json.loads(line)["port"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.communicate()

    def ask(self, path: str) -> bytes:
        """Its own answer to what is no feed."""
        with build_opener(ProxyHandler({})).open(f"http://127.0.0.1:{self.port}/{path}") as found:
            answer: bytes = found.read()
        return answer


class Farm(Server):
    """The farm's process.

    Args:
        feeds: How many.
        entries: In each.
        paragraphs: Of text in each entry.
        latency_ms: From a request to its answer.
    """

    def __init__(self, *, feeds: int, entries: int, paragraphs: int, latency_ms: int = 0) -> None:
        self.feeds = feeds
        options = {"--feeds": feeds, "--entries": entries, "--paragraphs": paragraphs, "--latency-ms": latency_ms}
        super().__init__("benchmarks.farm", *(part for pair in options.items() for part in pair))

    def counts(self) -> dict[str, int]:
        """How many whole feeds ("full") and how many 304s ("not_modified") it has served so far."""
        counts: dict[str, int] = json.loads(self.ask("counts"))
        return counts

    def publish(self) -> None:
        """Give every feed one new entry, and with it a new validator."""
        self.ask("publish")


if __name__ == "__main__":
    _main()
