"""Rules that count, through the poller and a real store: over polls, restarts, and polls that overlap."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from monitor.alerts.routing import Routing
from monitor.model import PollOutcome
from monitor.rules.engine import RuleSet
from monitor.rules.load import load_rules
from monitor.service.poll import FeedPoller, Runtime
from monitor.service.threads import StoreThreads
from monitor.tomlfile import parse
from tests.contract.samples import HOUR, MINUTE, NOW, spec
from tests.fakes import DirectParser, DocumentFetcher, FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.store.base import Store

RULE = """
[[rule]]
name = 'floods'
query = 'flood'
count = 4
window = '1h'
"""


class Bench:
    """A poller with one rule, over `store`; a feed is polled anew for each call."""

    def __init__(self, store: Store, threads: StoreThreads) -> None:
        self.store = store
        self.clock = FakeClock(NOW)
        self.fetcher = DocumentFetcher()
        (rule,), _ = load_rules([parse(RULE, path="x.toml")])
        runtime = Runtime(rules=RuleSet.build([rule]), routing=Routing(everyone=("desk",)), fetcher=self.fetcher)
        self.poller = FeedPoller(
            runtime=lambda: runtime, parser=DirectParser(), store=store, threads=threads, clock=self.clock
        )

    async def poll(self, name: str, *keys: str) -> PollOutcome:
        """What a poll of this feed, that finds these items, wants to be written."""
        items = "".join(f"<item><guid>{key}</guid><title>Flood {key}</title></item>" for key in keys)
        self.fetcher.body = f"<rss version='2.0'><channel><title>T</title>{items}</channel></rss>".encode()
        (held,) = self.store.claim_feeds([name], now=self.clock.now(), lease=MINUTE)
        outcome, _ = await self.poller.poll(held.feeds[0], lease=held.lease, releases=True)
        return outcome

    def commit(self, *outcomes: PollOutcome) -> None:
        assert all(self.store.commit_polls(outcomes, now=self.clock.now()))
        for outcome in outcomes:
            self.settle(outcome, written=True)

    def settle(self, outcome: PollOutcome, *, written: bool) -> None:
        (feed,) = [each for each in self.store.feeds() if each.id == outcome.update.feed_id]
        self.poller.settle(feed, outcome.entries, outcome.placed, written=written)


@pytest.fixture
def threads() -> Iterator[StoreThreads]:
    made = StoreThreads()
    yield made
    made.close()


async def with_baseline(store: Store, threads: StoreThreads, *names: str) -> Bench:
    """A bench whose feeds have been read, with a match each."""
    store.sync_feeds([spec(name) for name in names], now=NOW)
    bench = Bench(store, threads)
    for name in names:
        bench.commit(await bench.poll(name, f"{name} old"))
    bench.clock.advance(timedelta(minutes=10))
    return bench


async def test_matches_of_several_polls_add_up(store: Store, threads: StoreThreads) -> None:
    """The baseline aside; the one that makes the count full alerts, and those after it belong to it."""
    bench = await with_baseline(store, threads, "a")
    found = []
    for keys in (["1"], ["1", "2", "3"], ["3", "4"], ["4", "5"]):
        outcome = await bench.poll("a", *keys)
        bench.commit(outcome)
        found.append([alert.title.text for alert in outcome.alerts])
        bench.clock.advance(MINUTE)
    assert found == [[], [], ["Flood 4"], []]


async def test_a_restart_does_not_forget_the_count(store: Store, threads: StoreThreads) -> None:
    """Neither what has been counted, nor that it has been told."""
    bench = await with_baseline(store, threads, "a")
    bench.commit(await bench.poll("a", "1", "2", "3"))
    again = Bench(store, threads)
    again.clock.advance(timedelta(minutes=12))
    told = await again.poll("a", "4")
    again.commit(told)
    assert [alert.title.text for alert in told.alerts] == ["Flood 4"]
    third = Bench(store, threads)
    third.clock.advance(timedelta(minutes=14))
    silent = await third.poll("a", "5")
    assert silent.alerts == ()
    assert [match.alert_id for match in silent.matches] == [told.alerts[0].id]


async def test_polls_count_what_others_have_not_written_yet(store: Store, threads: StoreThreads) -> None:
    """Of two polls at a time that are full only together, the second alerts; a third finds it told."""
    bench = await with_baseline(store, threads, "a", "b", "c")
    first = await bench.poll("a", "1", "2")
    second = await bench.poll("b", "3", "4")
    third = await bench.poll("c", "5", "6")
    assert [len(each.alerts) for each in (first, second)] == [0, 1]
    # Should the second never be written, the third has the same alert; else it is the same row.
    assert [alert.id for alert in third.alerts] == [alert.id for alert in second.alerts]
    for outcome in (third, first, second):
        bench.commit(outcome)
    assert len(store.deliveries()) == 1
    bench.clock.advance(MINUTE)
    later = await bench.poll("a", "7")
    assert later.alerts == ()


async def test_what_was_refused_is_not_counted(store: Store, threads: StoreThreads) -> None:
    """A poll whose lease was lost will be made again; until then its matches have not come."""
    bench = await with_baseline(store, threads, "a", "b")
    lost = await bench.poll("a", "1", "2", "3")
    bench.settle(lost, written=False)
    assert (await bench.poll("b", "4")).alerts == ()


async def test_the_next_spike_alerts_again(store: Store, threads: StoreThreads) -> None:
    """After a calm, with an id of its own."""
    bench = await with_baseline(store, threads, "a")
    first = await bench.poll("a", "1", "2", "3", "4")
    bench.commit(first)
    bench.clock.advance(2 * HOUR)
    second = await bench.poll("a", "5", "6", "7", "8")
    bench.commit(second)
    assert [alert.title.text for each in (first, second) for alert in each.alerts] == ["Flood 4", "Flood 8"]
    assert first.alerts[0].id != second.alerts[0].id
