"""Stories over a real store: whose report alerts, whose follows, and what restarts, races and people's word change."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from monitor.alerts.routing import Route, Routing
from monitor.model import NO_OPTIONS, Fetched, HoldKind
from monitor.rules.engine import RuleSet
from monitor.rules.load import load_rules
from monitor.service.poll import FeedPoller, Runtime
from monitor.service.threads import StoreThreads
from monitor.tomlfile import parse
from tests.contract.samples import HOUR, MINUTE, NOW, spec
from tests.fakes import DirectParser, FakeClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from monitor.model import Feed, FeedOptions, FetchResult, ListedStory, PollOutcome
    from monitor.store.base import Store

RULES = '[[rule]]\nname = "syria"\nquery = "assad"\n[[rule]]\nname = "flights"\nquery = "plane"\n'
TEXT = (
    "President Bashar al-Assad left Damascus on a plane early on Sunday as rebel fighters entered the capital, two "
    "senior army officers said, ending five decades of his family's rule after an advance of less than two weeks."
)
OUTLETS = ("reuters.com", "bbc.co.uk", "npr.org", "thenational.ae", "aljazeera.com")


class Publishers:
    """A `Fetcher`: one feed a site, with the items that were published there."""

    def __init__(self) -> None:
        self.items: dict[str, list[str]] = {}

    async def fetch(self, feed: Feed, options: FeedOptions = NO_OPTIONS) -> FetchResult:  # noqa: ARG002 -- the protocol's
        title = feed.name.partition(".")[0].upper()
        body = f"<rss version='2.0'><channel><title>{title}</title>{''.join(self.items[feed.name])}</channel></rss>"
        return Fetched(
            url=feed.url, status=200, body=body.encode(), content_type="text/xml", etag=None, last_modified=None
        )

    async def close(self) -> None:
        """Nothing is open."""


class Bench:
    """Feeds of some outlets, after their baseline; the clock stands until it is moved."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = FakeClock(NOW)
        self.publishers = Publishers()
        self.threads = StoreThreads()
        self.routing = Routing(everyone=("desk",))
        self.poller = self.start()

    def start(self) -> FeedPoller:
        """What a process begins with."""
        rules, faults = load_rules([parse(RULES, path="rules.toml")])
        assert not faults
        live = RuleSet.build(rules)
        return FeedPoller(
            runtime=lambda: Runtime(rules=live, routing=self.routing, fetcher=self.publishers),
            parser=DirectParser(),
            store=self.store,
            threads=self.threads,
            clock=self.clock,
        )

    async def add(self, *sites: str, items: str = "") -> None:
        """Feeds of these sites, and their baseline."""
        for site in sites:
            self.publishers.items[site] = [items]
        self.store.add_feeds([spec(site, f"https://{site}/feed", origin="added") for site in sites], now=NOW)
        for site in sites:
            await self.poll(site)

    async def look(self, site: str, poller: FeedPoller | None = None) -> tuple[Feed, PollOutcome]:
        """Poll, and write nothing."""
        (held,) = self.store.claim_feeds([site], now=self.clock.now(), lease=10 * MINUTE)
        outcome, _ = await (poller or self.poller).poll(held.feeds[0], lease=held.lease, releases=True)
        return held.feeds[0], outcome

    def write(self, feed: Feed, outcome: PollOutcome) -> None:
        assert self.store.commit_polls([outcome], now=self.clock.now()) == (True,)
        self.poller.settle(feed, outcome.entries, outcome.placed, written=True)

    async def poll(self, site: str) -> None:
        self.clock.advance(MINUTE)
        self.write(*await self.look(site))

    async def publish(self, site: str, title: str, *, text: str = TEXT, path: str = "") -> None:
        """Put an item into the feed and poll it."""
        self.put(site, title, text=text, path=path)
        await self.poll(site)

    def put(self, site: str, title: str, *, text: str = TEXT, path: str = "") -> None:
        link = f"https://www.{site}/{path or title.lower().replace(' ', '-')}"
        self.publishers.items[site].append(
            f"<item><title>{title}</title><link>{link}</link><description>{text}</description></item>"
        )

    def said(self) -> list[tuple[str, str, str]]:
        """Rule, headline and note of all that is in the outbox, in order."""
        told = sorted(self.store.deliveries(limit=1000), key=lambda each: each.created_at)
        return [(each.alert.rule, each.alert.title.text, each.alert.note) for each in told]

    def stories(self) -> list[ListedStory]:
        found = self.store.list_stories(since=NOW - HOUR, least=1, rule=None, order="recent", limit=100)
        return sorted(found, key=lambda each: each.first_at)


@pytest.fixture
async def bench(store: Store) -> AsyncIterator[Bench]:
    made = Bench(store)
    await made.add(*OUTLETS)
    yield made
    made.threads.close()


async def test_a_wire_report_in_several_outlets_is_one_alert(bench: Bench) -> None:
    """The first one alerts; each outlet that has it later is named once, whatever its headlines are."""
    await bench.publish("reuters.com", "Assad flees Damascus as rebels enter capital")
    await bench.publish("bbc.co.uk", "Syria: Assad leaves as rebels take Damascus")
    await bench.publish("npr.org", "Rebels enter Damascus, Assad is gone")
    await bench.publish("bbc.co.uk", "Assad leaves Damascus on a plane as rebels arrive", text=TEXT + " More follows.")
    of_syria = [(title, note) for rule, title, note in bench.said() if rule == "syria"]
    assert of_syria == [
        ("Assad flees Damascus as rebels enter capital", ""),
        ("Syria: Assad leaves as rebels take Damascus", "Also in BBC."),
        ("Rebels enter Damascus, Assad is gone", "Also in NPR."),
    ]
    (story,) = bench.stories()
    assert (story.entries, story.outlets, story.rules) == (4, ("REUTERS", "BBC", "NPR"), ("flights", "syria"))


async def test_two_stories_are_two_alerts(bench: Bench) -> None:
    """Nothing follows what it has nothing to do with."""
    await bench.publish("reuters.com", "Assad flees Damascus as rebels enter capital")
    await bench.publish(
        "npr.org", "Assad portrait sells for a record price in Geneva", text="An auction house said so."
    )
    assert [(title, note) for rule, title, note in bench.said() if rule == "syria"] == [
        ("Assad flees Damascus as rebels enter capital", ""),
        ("Assad portrait sells for a record price in Geneva", ""),
    ]


async def test_what_follows_waits_together(bench: Bench) -> None:
    """For a quarter of an hour by itself; it goes where the alert went, by the alert's route."""
    await bench.publish("reuters.com", "Assad flees Damascus as rebels enter capital")
    await bench.publish("bbc.co.uk", "Syria: Assad leaves as rebels take Damascus")
    first, also = sorted(
        (each for each in bench.store.deliveries() if each.alert.rule == "syria"), key=lambda each: each.created_at
    )
    assert also.placing.hold is HoldKind.GROUP
    assert also.placing.group == f"also {first.alert.story}"
    assert also.due_at - also.created_at == timedelta(minutes=15)
    assert (also.alert.kind, also.alert.also_in, also.alert.outlets) == ("update", "BBC", 2)


@pytest.mark.parametrize("followers", ["none", "digest"])
async def test_a_route_says_what_becomes_of_followers(bench: Bench, followers: str) -> None:
    """They are said to nobody, or wait for the daily digest."""
    route = Route(name="", followers="none" if followers == "none" else "digest")
    bench.routing = Routing(everyone=("desk",), default=route)
    await bench.publish("reuters.com", "Assad flees Damascus as rebels enter capital", text="")
    await bench.publish("bbc.co.uk", "Assad flees Damascus as rebels enter the capital", text="")
    waiting = [each for each in bench.store.deliveries() if each.alert.kind == "update"]
    assert [each.placing.reason for each in waiting] == (
        [] if followers == "none" else ["digest of Tue 24 Nov 08:00 UTC"]
    )
    (story,) = bench.stories()
    assert story.entries == 2


async def test_a_baseline_neither_alerts_nor_follows(bench: Bench) -> None:
    """What a new feed holds already joins its stories in silence; a later report of that outlet is told."""
    await bench.publish("reuters.com", "Assad flees Damascus as rebels enter capital")
    link = "<link>https://www.cnn.com/1</link>"
    old = f"<item><title>Assad flees Damascus as rebels come</title>{link}<description>{TEXT}</description></item>"
    await bench.add("cnn.com", items=old)
    assert {note for _, _, note in bench.said()} == {""}
    (story,) = bench.stories()
    assert story.outlets == ("REUTERS", "CNN")
    await bench.publish("cnn.com", "Assad flees: what we know of the fall of Damascus")
    assert "Also in CNN." in {note for _, _, note in bench.said()}


async def test_what_a_baseline_has_can_still_be_said(bench: Bench) -> None:
    """A story that a rule has only met in a baseline alerts with the next report of it."""
    link = "<link>https://www.cnn.com/1</link>"
    old = f"<item><title>Assad flees Damascus as rebels come</title>{link}<description>{TEXT}</description></item>"
    await bench.add("cnn.com", items=old)
    await bench.publish("reuters.com", "Assad flees Damascus as rebels enter capital")
    assert [note for rule, _, note in bench.said() if rule == "syria"] == [""]
    assert len(bench.stories()) == 1


async def test_polls_that_meet_on_a_story_are_one_alert(bench: Bench) -> None:
    """Two that have found it before either is written, and whichever is written first."""
    bench.put("reuters.com", "Assad flees Damascus as rebels enter capital")
    bench.put("bbc.co.uk", "Syria: Assad leaves as rebels take Damascus")
    bench.clock.advance(MINUTE)
    first, second = await bench.look("reuters.com"), await bench.look("bbc.co.uk")
    bench.write(*second)
    bench.write(*first)
    of_syria = [(title, note) for rule, title, note in bench.said() if rule == "syria"]
    assert len([note for _, note in of_syria if not note]) == 1
    assert len(bench.stories()) == 1


async def test_a_poll_that_is_not_written_leaves_nothing_behind(bench: Bench) -> None:
    """Neither its alert nor its place in the story counts; the next report of it alerts."""
    bench.put("reuters.com", "Assad flees Damascus as rebels enter capital")
    feed, outcome = await bench.look("reuters.com")
    assert outcome.alerts
    bench.poller.settle(feed, outcome.entries, outcome.placed, written=False)
    await bench.publish("bbc.co.uk", "Syria: Assad leaves as rebels take Damascus")
    assert [(title, note) for rule, title, note in bench.said() if rule == "syria"] == [
        ("Syria: Assad leaves as rebels take Damascus", "")
    ]


async def test_a_restart_changes_nothing(bench: Bench) -> None:
    """A process that has just begun decides as the one that has run on."""
    await bench.publish("reuters.com", "Assad flees Damascus as rebels enter capital")
    await bench.publish("aljazeera.com", "Floods in Valencia kill dozens", text="Rivers rose by metres in an hour.")
    await bench.publish("thenational.ae", "Dozens killed by floods in Valencia", text="It rained as never before.")
    bench.put("bbc.co.uk", "Syria: Assad leaves as rebels take Damascus")
    bench.put("bbc.co.uk", "Valencia floods: dozens killed as rivers rise", text="Army sent to Spain's east.")
    feed, before = await bench.look("bbc.co.uk")
    bench.poller.settle(feed, before.entries, before.placed, written=False)
    bench.store.break_leases(now=bench.clock.now())
    _, after = await bench.look("bbc.co.uk", bench.start())
    assert [(each.story, each.score, each.reasons, each.like) for each in before.placed] == [
        (each.story, each.score, each.reasons, each.like) for each in after.placed
    ]
    assert [each.id for each in before.alerts] == [each.id for each in after.alerts]
    assert any(each.reasons for each in after.placed)


async def test_another_process_s_entries_are_taken_up(bench: Bench) -> None:
    """What `news-monitor poll` has stored beside the daemon is in the daemon's next placing."""
    await bench.publish("aljazeera.com", "Floods in Valencia kill dozens", text="Rivers rose by metres in an hour.")
    bench.put("reuters.com", "Assad flees Damascus as rebels enter capital")
    beside = bench.start()
    feed, outcome = await bench.look("reuters.com", beside)
    assert bench.store.commit_polls([outcome], now=bench.clock.now()) == (True,)
    beside.settle(feed, outcome.entries, outcome.placed, written=True)
    await bench.publish("bbc.co.uk", "Syria: Assad leaves as rebels take Damascus")
    assert ("syria", "Syria: Assad leaves as rebels take Damascus", "Also in BBC.") in bench.said()


async def test_what_two_processes_placed_at_once_is_taken_up_from_the_one_that_wrote_it(bench: Bench) -> None:
    """A daemon that lost its lease forgets its own placing, and not the other's, though it has looked since."""
    bench.put("reuters.com", "Assad flees Damascus as rebels enter capital")
    feed, late = await bench.look("reuters.com")
    bench.store.break_leases(now=bench.clock.now())
    beside = bench.start()
    _, outcome = await bench.look("reuters.com", beside)
    assert bench.store.commit_polls([outcome], now=bench.clock.now()) == (True,)
    await bench.publish("aljazeera.com", "Floods in Valencia kill dozens", text="Rivers rose by metres in an hour.")
    assert bench.store.commit_polls([late], now=bench.clock.now()) == (False,)
    bench.poller.settle(feed, late.entries, late.placed, written=False)
    await bench.publish("bbc.co.uk", "Syria: Assad leaves as rebels take Damascus")
    assert ("syria", "Syria: Assad leaves as rebels take Damascus", "Also in BBC.") in bench.said()


async def test_a_merge_is_obeyed_from_the_next_placing_on(bench: Bench) -> None:
    """What resembles the one story joins the other, and nothing is said again."""
    await bench.publish("reuters.com", "Assad flees Damascus as rebels enter capital")
    await bench.publish(
        "npr.org", "Syrian leader in Moscow with family, report says", text="Assad is there, Tass says."
    )
    first, second = bench.stories()
    bench.store.merge_stories(first.id, [second.id], now=bench.clock.now())
    await bench.publish("bbc.co.uk", "Syrian leader in Moscow with his family", text="Assad is there, Tass said.")
    (story,) = bench.stories()
    assert (story.id, story.entries) == (first.id, 3)
    notes = [note for rule, _, note in bench.said() if rule == "syria"]
    assert notes == ["", "", "Also in BBC."]


async def test_a_split_is_obeyed_from_the_next_placing_on(bench: Bench) -> None:
    """What resembles the entry that was taken away joins it, and is said as a story of its own."""
    await bench.publish("reuters.com", "Assad flees Damascus as rebels enter capital")
    await bench.publish("bbc.co.uk", "Assad flees Damascus as rebels enter capital city", text=TEXT + " Live updates.")
    (story,) = bench.stories()
    told = bench.store.story(story.id)
    assert told is not None
    apart = bench.store.split_story(story.id, [told[1][1].entry_id], now=bench.clock.now())
    await bench.publish("npr.org", "Assad flees Damascus as rebels enter capital city", text=TEXT + " Live updates.")
    joined = bench.store.story(apart)
    assert joined is not None
    assert joined[0].outlets == ("BBC", "NPR")
    assert joined[0].rules == ("flights", "syria")


async def test_an_aggregator_names_whom_it_has_a_report_from(bench: Bench) -> None:
    """Its entries are those outlets', one of which has been told of by its own feed."""
    await bench.add("aggregator.example")
    await bench.publish("bbc.co.uk", "Assad flees Damascus as rebels enter capital")
    for name, site in (("BBC News", "https://www.bbc.com"), ("Reuters", "https://www.reuters.com")):
        title = f"Assad flees Damascus as rebels enter capital - {name}"
        source = f"<source url='{site}'>{name}</source>"
        bench.publishers.items["aggregator.example"].append(
            f"<item><title>{title}</title><link>https://aggregator.example/{site[-9:]}</link>{source}</item>"
        )
    await bench.poll("aggregator.example")
    assert [note for rule, _, note in bench.said() if rule == "syria"] == ["", "Also in Reuters."]


async def test_old_news_is_compared_with_nothing(bench: Bench) -> None:
    """An entry whose own date is before the window tells a story of its own, though it came today."""
    await bench.publish("reuters.com", "Assad flees Damascus as rebels enter capital")
    date = "<pubDate>Mon, 02 Nov 2026 10:00:00 GMT</pubDate>"
    bench.publishers.items["bbc.co.uk"].append(
        f"<item><title>Assad flees Damascus as rebels enter</title>{date}<description>{TEXT}</description></item>"
    )
    await bench.poll("bbc.co.uk")
    assert [story.entries for story in bench.stories()] == [1, 1]
