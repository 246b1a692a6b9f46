"""The page service over a real store: what a page brings, what its failure costs, and how politely it is asked for."""

from __future__ import annotations

import asyncio
import html
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest

from monitor.alerts.routing import Routing
from monitor.model import (
    NO_OPTIONS,
    FeedOptions,
    FetchFailed,
    FetchProblem,
    HoldKind,
    PageState,
    Silence,
    StoredPage,
)
from monitor.rules.engine import RuleSet
from monitor.rules.load import load_rules
from monitor.service.dispatch import DispatchLimits
from monitor.service.events import PageRead, Trouble
from monitor.service.pages import Pages
from monitor.service.poll import FeedPoller, Runtime
from monitor.service.threads import StoreThreads
from monitor.service.turns import Turns
from monitor.tomlfile import parse
from tests.contract.samples import HOUR, MINUTE, NOW, spec
from tests.fakes import DirectParser, DocumentFetcher, FakeClock, ScriptedWeb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from monitor.model import StoredEntry
    from monitor.service.events import Event
    from monitor.store.base import Store

pytest.importorskip("trafilatura")

DAY = timedelta(days=1)
DELAY = timedelta(seconds=2)
ASSAD = "Two officials in the capital said on Tuesday that Assad would step down before the end of the month."
RAIN = "It rained on the capital for the third day in a row, and the markets stayed closed until the evening."
RULES = '[[rule]]\nname = "steps-down"\nquery = "assad"\n'


class Bench:
    """Polls and pages of one feed over `store`, after its baseline; the clock stands until it is moved."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = FakeClock(NOW)
        self.web = ScriptedWeb()
        self.parser = DirectParser()
        self.events: list[Event] = []
        self.options = FeedOptions(full_text=True, username="me", password="secret")
        self.rules = RULES
        self.threads = StoreThreads()
        self._fetcher = DocumentFetcher()
        self._items = ""
        self.poller = FeedPoller(
            runtime=self._runtime, parser=self.parser, store=store, threads=self.threads, clock=self.clock
        )
        self.pages = Pages(
            store=store,
            runtime=self._runtime,
            web=lambda: self.web,
            reader=self.parser,
            poller=self.poller,
            turns=Turns(self.clock),
            threads=self.threads,
            clock=self.clock,
            limits=lambda: DispatchLimits(concurrency=32, host_delay=DELAY, feed_seconds=40),
            observer=self.events.append,
        )
        store.sync_feeds([spec("a", "https://news.example/feed")], now=NOW)

    def _runtime(self) -> Runtime:
        rules, faults = load_rules([parse(self.rules, path="rules.toml")])
        assert not faults
        routing = Routing(everyone=("terminal",))
        return Runtime(rules=RuleSet.build(rules), routing=routing, fetcher=self._fetcher, options={"a": self.options})

    async def publish(self, *items: str) -> None:
        """Put items into the feed and poll it."""
        self._items = "".join(items) + self._items
        document = f"<rss version='2.0'><channel><title>The Courier</title>{self._items}</channel></rss>"
        self._fetcher.body = document.encode()
        (held,) = self.store.claim_feeds(["a"], now=self.clock.now(), lease=MINUTE)
        outcome, report = await self.poller.poll(held.feeds[0], lease=held.lease, releases=True)
        assert report.kind in {"new", "same"}
        assert self.store.commit_polls([outcome], now=self.clock.now()) == (True,)

    async def read(self) -> list[PageRead]:
        """Read all pages that are due now; what was told of it."""
        told = len(self.events)
        while True:
            await self.pages.tick()
            if not self.pages._running:
                return [event for event in self.events[told:] if isinstance(event, PageRead)]
            await asyncio.gather(*self.pages._running)

    def said(self) -> list[tuple[str, str]]:
        """Rule and headline of every delivery there is."""
        return sorted((each.alert.rule, each.alert.title.text) for each in self.store.deliveries())

    def entry(self, title: str) -> StoredEntry:
        stored = self.store.recent_entries(since=NOW - 2 * DAY, before=None, limit=99)
        return next(each for each in stored if each.entry.title == title)

    def page(self, title: str) -> StoredPage:
        found = self.store.page_of(self.entry(title).id)
        assert found is not None
        return found


@pytest.fixture
async def bench(store: Store) -> AsyncIterator[Bench]:
    made = Bench(store)
    await made.publish(item("Baseline", "old"))
    yield made
    await made.pages.drain(grace=timedelta(seconds=30))
    made.threads.close()


def item(
    title: str,
    path: str,
    *,
    host: str = "news.example",
    summary: str = "",
    guid: str = "",
    published_at: datetime | None = None,
) -> str:
    """An RSS item that links to https://`host`/`path`; no link without a path."""
    link = f"<link>https://{host}/{path}</link>" if path else ""
    date = f"<pubDate>{format_datetime(published_at)}</pubDate>" if published_at else ""
    told = f"<description>{html.escape(summary)}</description>"
    return f"<item><guid isPermaLink='false'>{guid or title}</guid><title>{title}</title>{link}{told}{date}</item>"


def url(path: str, host: str = "news.example") -> str:
    return f"https://{host}/{path}"


# ------------------------------------------------------------------------------------------------- what a page brings


async def test_a_page_brings_an_alert_with_its_sentence(bench: Bench) -> None:
    """What only the page says is found and quoted; the page is kept, and read once."""
    await bench.publish(item("Cabinet meets", "x"))
    assert bench.said() == []
    bench.web.page(url("x"), "Cabinet meets", RAIN, ASSAD)
    (told,) = await bench.read()
    assert (told.kind, told.matches, len(told.alerts)) == ("read", 1, 1)
    (sent,) = bench.store.deliveries()
    assert [excerpt.text for excerpt in sent.alert.excerpts] == [ASSAD]
    assert sent.alert.feed_title == "The Courier"
    assert bench.entry("Cabinet meets").entry.page == f"{RAIN}\n{ASSAD}"
    page = bench.page("Cabinet meets")
    assert (page.state, page.attempts, page.error) == (PageState.DONE, 1, "")
    bench.clock.advance(DAY)
    await bench.publish(item("Cabinet meets", "x", summary="Edited."))
    assert await bench.read() == []
    assert len(bench.web.asked) == 1


async def test_a_rule_that_spoke_says_nothing_new_and_takes_nothing_back(bench: Bench) -> None:
    """Neither one that the page confirms, nor one whose NOT the page hits."""
    bench.rules += '[[rule]]\nname = "calm"\nquery = "cabinet -assad"\n'
    await bench.publish(item("Assad speaks", "x"), item("Cabinet meets", "y"))
    assert bench.said() == [("calm", "Cabinet meets"), ("steps-down", "Assad speaks")]
    bench.web.page(url("x"), RAIN, ASSAD)
    bench.web.page(url("y"), RAIN, ASSAD)
    await bench.read()
    assert bench.said() == [
        ("calm", "Cabinet meets"),
        ("steps-down", "Assad speaks"),
        ("steps-down", "Cabinet meets"),
    ]
    assert [match.rule for match in bench.store.matches_of(bench.entry("Cabinet meets").id)] == ["calm", "steps-down"]


async def test_a_new_rule_speaks_of_what_the_page_says_only(bench: Bench) -> None:
    """What the feed gave came before the rule, and stays silent; else a new rule would flood while pages wait."""
    await bench.publish(item("Cabinet meets", "x"), item("Rain", "y"))
    bench.rules = '[[rule]]\nname = "new"\nquery = "cabinet OR (rained markets)"\n'
    bench.web.page(url("x"), RAIN, ASSAD)
    bench.web.page(url("y"), RAIN, ASSAD)
    await bench.read()
    assert bench.said() == [("new", "Rain")]
    (silent,) = bench.store.matches_of(bench.entry("Cabinet meets").id)
    assert (silent.rule, silent.alert_id) == ("new", None)


async def test_rules_take_the_entry_to_be_as_old_as_when_it_came(bench: Bench) -> None:
    """A page that is late makes nothing too old."""
    bench.rules += 'max_age = "1h"\n'
    await bench.publish(item("Cabinet meets", "x", published_at=NOW - 50 * MINUTE))
    bench.web.page(url("x"), RAIN, ASSAD)
    bench.clock.advance(HOUR)
    await bench.read()
    assert bench.said() == [("steps-down", "Cabinet meets")]


async def test_a_silence_holds_what_a_page_brings(bench: Bench) -> None:
    """Silences, like routes, count as in a poll."""
    bench.store.add_silence(
        Silence(id=0, rule="steps-*", starts_at=NOW, ends_at=NOW + HOUR, author="me", comment="", created_at=NOW)
    )
    await bench.publish(item("Cabinet meets", "x"))
    bench.web.page(url("x"), RAIN, ASSAD)
    await bench.read()
    (held,) = bench.store.deliveries()
    assert (held.placing.hold, held.due_at) == (HoldKind.SILENCE, NOW + HOUR)


async def test_which_pages_are_wanted(bench: Bench) -> None:
    """Not those of the baseline, of entries without a link, or of a feed that does not ask for it."""
    await bench.publish(item("No link", ""), item("Cabinet meets", "x"))
    bench.options = replace(bench.options, full_text=False)
    await bench.publish(item("Not asked for", "y"))
    bench.options = replace(bench.options, full_text=True)
    await bench.publish()
    bench.web.page(url("x"), RAIN)
    await bench.read()
    assert [asked for asked, _ in bench.web.asked] == [url("x")]


# ------------------------------------------------------------------------------------------------------------ failures


async def test_a_page_that_is_not_there_is_asked_for_once(bench: Bench) -> None:
    """404 is final, and its host goes on to be asked for others."""
    await bench.publish(item("Gone", "x"), item("Cabinet meets", "y"))
    bench.web.page(url("y"), RAIN, ASSAD)
    told = {event.entry.title: (event.kind, event.detail) for event in await bench.read()}
    assert told == {"Gone": ("failed", "HTTP 404 Not Found"), "Cabinet meets": ("read", "")}
    assert bench.said() == [("steps-down", "Cabinet meets")]
    page = bench.page("Gone")
    assert (page.state, page.error, page.attempts) == (PageState.FAILED, "HTTP 404 Not Found", 1)
    assert bench.entry("Gone").entry.page == ""


@pytest.mark.parametrize("problem", [FetchProblem.TIMEOUT, FetchProblem.DNS, 500, 503])
async def test_trouble_on_the_way_is_tried_three_times_in_an_hour(bench: Bench, problem: FetchProblem | int) -> None:
    """And then given up, with the reason; a page that comes back in time is read."""
    await bench.publish(item("Cabinet meets", "x"))
    bench.web.fail(url("x"), problem)
    waits = []
    while bench.page("Cabinet meets").state is PageState.WANTED:
        waits.append(bench.page("Cabinet meets").due_at - bench.clock.now())
        bench.clock.advance(waits[-1])
        assert len(await bench.read()) == 1
    assert waits == [timedelta(0), 10 * MINUTE, 45 * MINUTE]
    assert bench.page("Cabinet meets").attempts == 3
    await bench.publish(item("Second", "y"))
    bench.web.fail(url("y"), problem)
    bench.clock.advance(HOUR)
    await bench.read()
    bench.web.page(url("y"), RAIN, ASSAD)
    bench.clock.advance(HOUR)
    await bench.read()
    assert bench.said() == [("steps-down", "Second")]


async def test_an_outage_of_our_own_uses_up_no_page(bench: Bench) -> None:
    """While polls reach nobody, attempts do not count; the page is read when the way is free again."""
    await bench.publish(item("Cabinet meets", "x"))
    bench.web.fail(url("x"), FetchProblem.DNS)
    for host in ("one.example", "two.example", "three.example"):
        bench.poller._reach.note(host, FetchFailed(problem=FetchProblem.DNS, detail="no route"))
    for _ in range(6):
        (told,) = await bench.read()
        assert told.kind == "later"
        bench.clock.advance(HOUR)
    assert bench.page("Cabinet meets").attempts == 0
    bench.web.page(url("x"), RAIN, ASSAD)
    await bench.read()
    assert bench.said() == [("steps-down", "Cabinet meets")]


async def test_a_host_in_trouble_is_left_alone_and_no_other(bench: Bench) -> None:
    """Its other pages wait, longer each time it fails; a good answer ends that."""
    for number in range(3):
        await bench.publish(item(f"Down {number}", f"{number}", host="down.example"))
        bench.web.fail(url(f"{number}", "down.example"), FetchProblem.CONNECT)
    await bench.publish(item("Cabinet meets", "x"))
    bench.web.page(url("x"), RAIN, ASSAD)
    assert sorted(event.entry.title for event in await bench.read()) == ["Cabinet meets", "Down 0"]
    assert await bench.read() == []
    bench.clock.advance(MINUTE)
    assert [event.entry.title for event in await bench.read()] == ["Down 1"]
    bench.clock.advance(MINUTE)
    assert await bench.read() == []
    bench.clock.advance(MINUTE)
    assert [event.entry.title for event in await bench.read()] == ["Down 2"]


async def test_a_host_that_asks_for_patience_gets_it(bench: Bench) -> None:
    """429 with Retry-After goes for all its pages, and does not count against them."""
    await bench.publish(item("First", "x"), item("Second", "y"))
    bench.web.fail(url("x"), 429, retry_after=2 * HOUR)
    bench.web.fail(url("y"), 429, retry_after=2 * HOUR)
    for _ in range(5):
        assert len(await bench.read()) == 1
        bench.clock.advance(2 * HOUR - MINUTE)
        assert await bench.read() == []
        bench.clock.advance(MINUTE)
    bench.web.page(url("x"), RAIN, ASSAD)
    bench.web.page(url("y"), RAIN)
    await bench.read()
    assert bench.said() == [("steps-down", "First")]


async def test_nothing_is_asked_for_after_a_day(bench: Bench) -> None:
    """A daemon that was away for longer does not come with old pages."""
    await bench.publish(item("Cabinet meets", "x"))
    bench.clock.advance(DAY + MINUTE)
    (told,) = await bench.read()
    assert (told.kind, told.detail) == ("failed", "it waited for more than a day")
    assert bench.web.asked == []


async def test_a_feed_that_wants_pages_no_more_is_asked_for_none(bench: Bench) -> None:
    """What was waiting ends, and says why."""
    await bench.publish(item("Cabinet meets", "x"))
    bench.options = NO_OPTIONS
    (told,) = await bench.read()
    assert (told.kind, told.detail) == ("failed", "full_text is off for this feed")
    assert (bench.web.asked, bench.page("Cabinet meets").attempts) == ([], 0)


@pytest.mark.parametrize(
    ("paragraphs", "content_type", "why"),
    [
        ((RAIN,), "application/pdf", "the page is application/pdf, not HTML"),
        (("",), "text/html", "no text of an article was found on the page"),
        (
            ("Subscribe now to read this article.",),
            "text/html",
            "the page has less text than the feed gave; it may be behind a paywall",
        ),
    ],
)
async def test_what_is_no_page_says_why(bench: Bench, paragraphs: tuple[str, ...], content_type: str, why: str) -> None:
    """The entry stays as its feed gave it."""
    await bench.publish(item("Cabinet meets", "x", summary=f"{RAIN} {RAIN}"))
    bench.web.page(url("x"), *paragraphs, content_type=content_type)
    (told,) = await bench.read()
    assert (told.kind, told.detail) == ("failed", why)
    assert bench.page("Cabinet meets").error == why
    assert bench.entry("Cabinet meets").entry.page == ""


async def test_a_reason_is_news_once_a_host(bench: Bench) -> None:
    """A site that refuses every page fills no log; another site, or another reason, is told."""
    await bench.publish(*(item(f"x{number}", f"{number}") for number in range(3)), item("y", "0", host="other.example"))
    bench.web.fail(url("2"), 403)
    told = sorted((event.entry.title, event.is_news) for event in await bench.read())
    assert told == [("x0", True), ("x1", False), ("x2", True), ("y", True)]


async def test_a_bug_in_one_page_silences_no_other(bench: Bench) -> None:
    """It is told as what it is, and not tried again."""
    await bench.publish(item("Cabinet meets", "x"))
    bench.web.page(url("x"), RAIN)
    bench.parser.broken = ZeroDivisionError("oops")
    (told,) = await bench.read()
    assert told.detail == "internal error, please report it: ZeroDivisionError: oops"
    bench.parser.broken = None
    await bench.publish(item("Second", "y"))
    bench.web.page(url("y"), RAIN, ASSAD)
    await bench.read()
    assert bench.said() == [("steps-down", "Second")]


async def test_a_store_that_is_away_is_told_of(bench: Bench) -> None:
    """A tick without a store is no crash."""
    await bench.publish(item("Cabinet meets", "x"))
    bench.store.close()
    await bench.pages.tick()
    assert isinstance(bench.events[-1], Trouble)
    assert "cannot look for pages" in bench.events[-1].what


# ---------------------------------------------------------------------------------------------------------- politeness


async def test_pages_of_a_host_come_one_by_one_with_a_pause(bench: Bench) -> None:
    """Each `host_delay` after the one before."""
    await bench.publish(*(item(f"x{number}", f"{number}") for number in range(4)))
    began = bench.clock.monotonic()
    await bench.read()
    assert len(bench.web.asked) == 4
    assert bench.clock.monotonic() - began == 3 * DELAY.total_seconds()


async def test_a_login_goes_to_the_feeds_own_site_only(bench: Bench) -> None:
    """A page elsewhere is asked for without it."""
    await bench.publish(item("Own", "x"), item("Other", "y", host="other.example"))
    await bench.read()
    told = {asked: options.username for asked, options in bench.web.asked}
    assert told == {url("x"): "me", url("y", "other.example"): ""}


async def test_a_clean_stop_gives_pages_back(bench: Bench) -> None:
    """What is on its way may end; what does not is free at once, and no attempt was made."""
    await bench.publish(item("Cabinet meets", "x"))
    bench.web.page(url("x"), RAIN, ASSAD)
    bench.web.gate = asyncio.Event()
    await bench.pages.tick()
    await bench.web.entered.wait()
    await bench.pages.drain(grace=timedelta(0))
    page = bench.page("Cabinet meets")
    assert (page.state, page.attempts) == (PageState.WANTED, 0)
    await bench.pages.tick()
    assert bench.pages.in_flight == 0
    assert len(bench.store.claim_pages(now=bench.clock.now(), limit=1, lease=MINUTE)) == 1


async def test_a_claim_that_meets_a_stop_is_given_back(bench: Bench) -> None:
    """It was on its way when everything was told to end."""
    await bench.publish(item("Cabinet meets", "x"))
    tick = asyncio.create_task(bench.pages.tick())
    await asyncio.get_running_loop().run_in_executor(None, int)
    await bench.pages.drain(grace=timedelta(0))
    await tick
    assert bench.pages.in_flight == 0
    assert bench.page("Cabinet meets").attempts == 0
    assert len(bench.store.claim_pages(now=bench.clock.now(), limit=1, lease=MINUTE)) == 1
    assert bench.web.asked == []
