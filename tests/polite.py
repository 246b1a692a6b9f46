"""A simulated web of publishers on a fake clock, which remembers what a client does; `test_polite_month` marks it.

The publishers stand in for the network alone: store, dispatcher, poller, fetcher and parser are the daemon's own.
"""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import httpx

from monitor.alerts.routing import Routing
from monitor.fetch.http import FetchLimits, HttpFetcher
from monitor.model import FeedSpec
from monitor.parse.pool import ParserPool
from monitor.parse.swift import SwiftParser
from monitor.rules.engine import RuleSet
from monitor.service.commit import Committer
from monitor.service.dispatch import Dispatcher, DispatchLimits
from monitor.service.health import Heartbeats
from monitor.service.once import OneOff
from monitor.service.poll import FeedPoller, Runtime
from monitor.service.threads import StoreThreads
from monitor.service.turns import Turns
from monitor.store.open import open_store
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from monitor.model import Feed, FeedOptions
    from monitor.service.events import Event
    from monitor.store.base import Store

START = datetime(2026, 11, 2, tzinfo=UTC)  # a Monday
USER_AGENT = "news-monitor/1 (RSS monitor; contact: desk@example.org)"
LATE = timedelta(minutes=5)  # polls of that time are done at once, which saves the test its own
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as the publisher saw it. `headers` has lower-case names and the very bytes of the values."""

    at: datetime
    method: str
    url: str
    headers: Mapping[str, bytes]
    status: int = 0

    @property
    def is_conditional(self) -> bool:
        return "if-none-match" in self.headers or "if-modified-since" in self.headers


Answer = tuple[int, "Mapping[str, str | bytes]", bytes]
Publisher = "Callable[[Asked], Answer]"


@dataclass(slots=True)
class Web(httpx.AsyncBaseTransport):
    """Answers by host and path, on the fake clock.

    Attributes:
        publishers: By URL without its query.
        asked: Every request so far, by the URL that was asked.
        most_at_once: The most requests that one host had at a time.
    """

    clock: FakeClock
    publishers: dict[str, Callable[[Asked], Answer]] = field(default_factory=dict)
    asked: dict[str, list[Asked]] = field(default_factory=lambda: defaultdict(list))
    most_at_once: int = 0
    _busy: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url, host = str(request.url), request.url.host
        headers = {name.decode("ascii").lower(): value for name, value in request.headers.raw}
        asked = Asked(at=self.clock.now(), method=request.method, url=url, headers=headers)
        self._busy[host] += 1
        self.most_at_once = max(self.most_at_once, self._busy[host])
        try:
            await asyncio.get_running_loop().run_in_executor(None, int)  # lets others begin
            publisher = self.publishers.get(url.partition("?")[0])
            status, fields, body = publisher(asked) if publisher else (404, {}, b"")
        finally:
            self._busy[host] -= 1
        self.asked[url].append(
            Asked(at=asked.at, method=asked.method, url=url, headers=headers, status=status),
        )
        raw = [(name.encode(), value if isinstance(value, bytes) else value.encode()) for name, value in fields.items()]
        return httpx.Response(status, headers=raw, stream=httpx.ByteStream(body), request=request)

    def at(self, url: str) -> list[datetime]:
        """When that URL was asked."""
        return [asked.at for asked in self.asked[url]]

    def on_host(self, host: str) -> list[Asked]:
        """All requests to a host, in order of time."""
        found = [asked for url, all_ in self.asked.items() if httpx.URL(url).host == host for asked in all_]
        return sorted(found, key=lambda asked: asked.at)


def rss(
    now: datetime, *, every: timedelta, size: int = 10, channel: str = "", link: str = "https://x.example"
) -> bytes:
    """A feed with an item every so often, the newest `size` of them."""
    latest = int((now - START + 30 * DAY) / every)
    items = "".join(
        f"<item><guid>{link}/{number}</guid><title>Item {number}</title><link>{link}/{number}</link>"
        f"<pubDate>{format_datetime(START - 30 * DAY + number * every)}</pubDate></item>"
        for number in range(latest, max(latest - size, 0), -1)
    )
    return (
        '<?xml version="1.0"?><rss version="2.0" xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"><channel>'
        f"<title>Feed</title><link>{link}</link>{channel}{items}</channel></rss>"
    ).encode()


class Client:
    """The daemon's machinery over a simulated web; may be stopped and started again like the daemon."""

    def __init__(self, folder: Path, web: Web, *, options: Callable[[], Mapping[str, FeedOptions]]) -> None:
        self._web = web
        self._database = folder / "polite.db"
        self._clock = web.clock
        self._options = options
        self.events: list[Event] = []

    async def start(self, feeds: Sequence[FeedSpec]) -> None:
        """Open the store, bring the feeds into it."""
        self._store: Store = open_store(f"sqlite:///{self._database}", now=self._clock.now(), exclusive=True)
        self._store.break_leases(now=self._clock.now())
        self._store.sync_feeds(feeds, now=self._clock.now())
        self._peek = sqlite3.connect(self._database)
        self._threads = StoreThreads()
        self._parser = SwiftParser(pool=ParserPool(workers=1), clock=self._clock)
        fetcher = HttpFetcher(
            user_agent=USER_AGENT, limits=FetchLimits(), concurrency=32, clock=self._clock, transport=self._web
        )
        self._fetcher = fetcher
        rules = RuleSet.build(())
        poller = FeedPoller(
            runtime=lambda: Runtime(rules=rules, routing=Routing(), fetcher=fetcher, options=self._options()),
            parser=self._parser,
            store=self._store,
            threads=self._threads,
            clock=self._clock,
        )
        limits = DispatchLimits(concurrency=16, host_delay=timedelta(seconds=1), feed_seconds=40)
        self._committer = Committer(store=self._store, threads=self._threads, clock=self._clock)
        self._committer.start()
        self._dispatcher = Dispatcher(
            store=self._store,
            poller=poller,
            committer=self._committer,
            threads=self._threads,
            clock=self._clock,
            turns=Turns(self._clock),
            limits=lambda: limits,
            observer=self.events.append,
            heartbeats=Heartbeats({}, clock=self._clock),
        )
        self._one_off = OneOff(
            store=self._store,
            poller=poller,
            threads=self._threads,
            clock=self._clock,
            limits=limits,
            options_of=lambda feed: self._options()[feed.name],
            observer=self.events.append,
        )

    def sync(self, feeds: Sequence[FeedSpec]) -> None:
        """As a reload does."""
        self._store.sync_feeds(feeds, now=self._clock.now())

    async def run(self, until: datetime) -> None:
        """Poll what is due, when it is due, until then."""
        while (due := self._next_due()) is not None and due < until:
            if due > self._clock.now():
                self._clock.advance(due - self._clock.now())
            await self._dispatcher.tick()
            while self._dispatcher._running:
                await asyncio.wait(self._dispatcher._running)
        self._clock.advance(max(until - self._clock.now(), timedelta(0)))

    def _next_due(self) -> datetime | None:
        """When the next feed is due, and those that are due soon after it."""
        ((due,),) = self._peek.execute("SELECT min(due_at) FROM hosts")
        return None if due is None else datetime.fromtimestamp(due / 1e6, UTC) + LATE

    async def poll_now(self, *names: str) -> None:
        """What `news-monitor poll` does."""
        await self._one_off.poll(self._store.feeds(names=names), backfill=None)

    def feed(self, name: str) -> Feed:
        (feed,) = self._store.feeds(names=[name])
        return feed

    async def stop(self) -> None:
        """As SIGTERM does."""
        await self._dispatcher.drain(grace=timedelta(0))
        await self._committer.close()
        await self._fetcher.close()
        self._parser.close()
        self._peek.close()
        self._threads.close()
        self._store.close()


def gaps(times: Sequence[datetime]) -> list[timedelta]:
    """Between each two that follow each other."""
    return [after - before for before, after in itertools.pairwise(times)]


def spec(name: str, url: str, *, interval: timedelta = HOUR) -> FeedSpec:
    return FeedSpec(name=name, url=url, interval=interval)
