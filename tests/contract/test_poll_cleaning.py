"""What a poll has cleaned: items that are new or changed, by what stands in the feed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from monitor.alerts.routing import Routing
from monitor.clock import SystemClock
from monitor.model import NO_OPTIONS, Fetched
from monitor.parse.pool import ParserPool
from monitor.parse.swift import SwiftParser
from monitor.rules.engine import RuleSet
from monitor.service.poll import FeedPoller, Runtime
from monitor.service.threads import StoreThreads
from tests.contract.samples import HOUR, NOW, claim, spec
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from monitor.model import Cleaned, Feed, FeedOptions, FetchResult, Item, ParseFailed
    from monitor.store.base import Store


class Publisher:
    """A `Fetcher` whose one feed has these items."""

    def __init__(self) -> None:
        self.items: list[str] = []

    async def fetch(self, feed: Feed, options: FeedOptions = NO_OPTIONS) -> FetchResult:  # noqa: ARG002 -- the protocol's
        body = f"<rss version='2.0'><channel><title>T</title>{''.join(self.items)}</channel></rss>"
        return Fetched(
            url=feed.url, status=200, body=body.encode(), content_type="text/xml", etag=None, last_modified=None
        )

    async def close(self) -> None:
        """Nothing is open."""


class Watched(SwiftParser):
    """The daemon's parser, with a list of what it was asked to clean."""

    cleaned: tuple[str, ...] = ()

    async def clean(self, items: Sequence[Item], *, now: datetime) -> Cleaned | ParseFailed:
        self.cleaned = tuple(item.guid for item in items)
        return await super().clean(items, now=now)


def item(guid: str, text: str) -> str:
    return f"<item><guid>{guid}</guid><title>t</title><description><![CDATA[{text}]]></description></item>"


async def test_only_what_is_new_or_changed_is_cleaned(store: Store) -> None:
    """All at first; then the item whose words or markup changed; an item is fresh only if its words did."""
    publisher, clock, threads = Publisher(), FakeClock(NOW), StoreThreads()
    parser = Watched(pool=ParserPool(workers=1), clock=SystemClock())
    runtime = Runtime(rules=RuleSet.build(()), routing=Routing(), fetcher=publisher)
    poller = FeedPoller(runtime=lambda: runtime, parser=parser, store=store, threads=threads, clock=clock)
    store.sync_feeds([spec("one")], now=NOW)

    async def poll(*items: str) -> tuple[tuple[str, ...], int, int]:
        publisher.items = list(items)
        clock.advance(24 * HOUR)
        (claimed,) = claim(store, now=clock.now(), lease=timedelta(minutes=5))
        outcome, report = await poller.poll(claimed.feeds[0], lease=claimed.lease, releases=True)
        assert all(store.commit_polls([outcome], now=clock.now()))
        return parser.cleaned, report.fresh, report.entries

    try:
        assert await poll(item("1", "<p>a</p>"), item("2", "b")) == (("1", "2"), 2, 2)
        assert await poll(item("1", "<p>a</p>"), item("2", "b"), item("3", "c")) == (("3",), 1, 3)
        assert await poll(item("1", "<p class='x'>a</p>"), item("2", "b, at last"), item("3", "c")) == (
            ("1", "2"),
            1,
            3,
        )
        assert await poll(item("1", "<p class='x'>a</p>"), item("2", "b, at last")) == ((), 0, 2)
    finally:
        parser.close()
        threads.close()
