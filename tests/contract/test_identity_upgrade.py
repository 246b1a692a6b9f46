"""After an upgrade from a version that kept no marks, stored entries are known under new ids all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData, select

from monitor.alerts.routing import Routing
from monitor.rules.engine import RuleSet
from monitor.rules.load import load_rules
from monitor.service.poll import FeedPoller, Runtime
from monitor.service.threads import StoreThreads
from monitor.store import migrate
from monitor.store.open import open_store
from monitor.tomlfile import parse
from tests.contract.samples import HOUR, INTERVAL, NOW, claim, spec
from tests.contract.test_store_open import engine
from tests.fakes import DirectParser, DocumentFetcher, FakeClock

if TYPE_CHECKING:
    from monitor.service.events import FeedPolled
    from monitor.store.base import Store

_RULES, _FAULTS = load_rules([parse('[[rule]]\nname = "all"\nquery = "feed:one"\n', path="rules.toml")])
TITLES = ("Harbour pilots vote for a strike", "Glacier lake is drained by half", "Chess body bans engine talk")


def document(ids: str, *titles: str) -> bytes:
    items = "".join(
        f"<item><guid>{ids}-{title}</guid><link>https://news.example/{ids}/{len(title)}</link><title>{title}</title>"
        f"<description>{title}, as was learnt in the morning from people who know the matter well.</description></item>"
        for title in titles
    )
    return f"<rss version='2.0'><channel><title>T</title>{items}</channel></rss>".encode()


async def poll(store: Store, body: bytes, clock: FakeClock) -> FeedPolled:
    fetcher, threads = DocumentFetcher(), StoreThreads()
    fetcher.body = body
    runtime = Runtime(rules=RuleSet.build(_RULES), routing=Routing(), fetcher=fetcher)
    poller = FeedPoller(runtime=lambda: runtime, parser=DirectParser(), store=store, threads=threads, clock=clock)
    clock.advance(24 * HOUR)
    (claimed,) = claim(store, now=clock.now(), lease=INTERVAL)
    try:
        outcome, report = await poller.poll(claimed.feeds[0], lease=claimed.lease, releases=True)
        assert all(store.commit_polls([outcome], now=clock.now()))
    finally:
        threads.close()
    return report


def set_back(url: str, revision: str) -> None:
    """Make of a store one of an older version with the same feeds and entries, which has learnt nothing of them."""
    config = Config()
    config.set_main_option("script_location", str(migrate.SCRIPTS))
    config.set_main_option("path_separator", "os")
    with engine(url) as made, made.begin() as connection:
        newer = MetaData()
        newer.reflect(connection)
        kept = {
            name: [dict(row) for row in connection.execute(select(newer.tables[name])).mappings()]
            for name in ("store_info", "hosts", "feeds", "entries", "matches")
        }
        newer.drop_all(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        older = MetaData()
        older.reflect(connection)
        for name, rows in kept.items():
            table = older.tables[name]
            values = [{column: row[column] for column in table.c.keys() & row.keys()} for row in rows]
            connection.execute(
                table.insert(), [each | {"habits": None} if name == "feeds" else each for each in values]
            )


async def test_an_upgrade_brings_no_flood(store_url: str) -> None:
    """Two of three entries come back under other guids and links, and one is new: one alert."""
    clock = FakeClock(NOW)
    store = open_store(store_url, now=NOW)
    store.sync_feeds([spec("one")], now=NOW)
    await poll(store, document("old", *TITLES[:2]), clock)
    store.close()
    set_back(store_url, "0007")
    store = open_store(store_url, now=NOW)
    report = await poll(store, document("new", *TITLES), clock)
    assert [alert.title.text for alert in report.alerts if alert.kind == "news"] == [TITLES[2]]
    assert store.status(now=clock.now()).entries == 3
    # From then on they are found by their marks, those of old entries too.
    report = await poll(store, document("newer", *TITLES), clock)
    assert report.alerts == ()
    store.close()
