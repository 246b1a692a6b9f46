"""Rules that wait for several outlets, or say once more what many have: over a real store, in any order of events."""

from __future__ import annotations

from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest

from monitor.alerts.routing import Route, Routing
from monitor.model import Severity
from monitor.rules.engine import RuleSet
from monitor.rules.load import load_rules
from monitor.service.poll import FeedPoller, Runtime
from monitor.service.why import counts_of, reasons
from monitor.tomlfile import parse
from tests.contract.samples import HOUR, MINUTE
from tests.contract.test_stories import OUTLETS, TEXT, Bench
from tests.fakes import DirectParser

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from monitor.rules.rule import Rule
    from monitor.store.base import Store

HEADLINES = (
    "Assad flees Damascus as rebels enter capital",
    "Syria: Assad leaves as rebels take Damascus",
    "Rebels enter Damascus, Assad is gone",
    "Assad out as Damascus falls to rebels",
    "Rebels take Damascus as Assad leaves",
)
THREE = "[[rule]]\nname = 'syria'\nquery = 'assad'\nmin_outlets = 3\nwithin = '30m'\n"


class Desk(Bench):
    """A bench whose one rule is given."""

    def __init__(self, store: Store) -> None:
        self.rule = THREE
        super().__init__(store)

    @property
    def rules(self) -> tuple[Rule, ...]:
        found, faults = load_rules([parse(self.rule, path="rules.toml")])
        assert not faults
        return found

    def start(self) -> FeedPoller:
        live = RuleSet.build(self.rules)
        return FeedPoller(
            runtime=lambda: Runtime(rules=live, routing=self.routing, fetcher=self.publishers),
            parser=DirectParser(),
            store=self.store,
            threads=self.threads,
            clock=self.clock,
        )

    def restart(self, rule: str = "") -> None:
        """Another process, perhaps with another rule."""
        self.rule = rule or self.rule
        self.poller = self.start()

    async def report(self, *outlets: int) -> None:
        """These outlets publish the story, a minute after each other."""
        for number in outlets:
            await self.publish(OUTLETS[number], HEADLINES[number])

    def notes(self) -> list[str]:
        return [note for _, _, note in self.said()]

    def why(self, entry_id: int) -> str:
        """Why the rule was silent on a stored entry."""
        stored = self.store.entry(entry_id)
        assert stored is not None
        recorded = self.store.matches_of(entry_id)
        counts = counts_of(self.store, stored, self.rules, recorded)
        (feed,) = self.store.feeds(names=[stored.feed])
        return reasons(stored, self.rules, recorded, feed=feed, stopped={}, counts=counts)[0].silent


@pytest.fixture
async def desk(store: Store) -> AsyncIterator[Desk]:
    made = Desk(store)
    await made.add(*OUTLETS)
    yield made
    made.threads.close()


async def test_the_third_outlet_makes_the_alert(desk: Desk) -> None:
    """Before that matches are recorded, and `why` tells how far it is; after it each further outlet follows."""
    await desk.report(0, 1)
    assert desk.said() == []
    assert [desk.why(number) for number in (1, 2)] == [
        "1 of 3 outlets within 30 minutes had told the story then",
        "2 of 3 outlets within 30 minutes had told the story then",
    ]
    await desk.report(2, 3)
    assert desk.said() == [
        ("syria", HEADLINES[2], "Reported by 3 outlets within 30 minutes: REUTERS, BBC, NPR."),
        ("syria", HEADLINES[3], "Also in THENATIONAL."),
    ]


async def test_one_outlet_is_not_three(desk: Desk) -> None:
    """Three reports of one owner's are one; those that it waited for are not named once more."""
    for text in ("", " More follows.", " He is in Moscow."):
        await desk.publish("reuters.com", f"{HEADLINES[0]}{text}", text=TEXT + text)
    assert desk.said() == []
    await desk.report(1, 2)
    await desk.publish("reuters.com", f"{HEADLINES[0]}, again", text=TEXT + " It is late.")
    await desk.publish("bbc.co.uk", f"{HEADLINES[1]}, again", text=TEXT + " It is later.")
    assert [note[:23] for note in desk.notes()] == ["Reported by 3 outlets w"]


async def test_outlets_must_come_together(desk: Desk) -> None:
    """A report of an hour ago does not count any more; the last three do."""
    await desk.report(0)
    desk.clock.advance(HOUR)
    await desk.report(1, 2)
    assert desk.notes() == []
    await desk.report(3)
    assert desk.notes() == ["Reported by 3 outlets within 30 minutes: BBC, NPR, THENATIONAL."]


async def test_feeds_that_are_read_seldom_count_when_they_reported(desk: Desk) -> None:
    """By the dates of their entries: reports of the same minutes count, though they are found an hour later."""
    await desk.report(0)
    for number, ago in ((1, 50), (2, 40), (3, 5)):
        desk.put(OUTLETS[number], HEADLINES[number])
        date = format_datetime(desk.clock.now() + HOUR - ago * MINUTE)
        item = desk.publishers.items[OUTLETS[number]][-1]
        desk.publishers.items[OUTLETS[number]][-1] = item.replace("<link>", f"<pubDate>{date}</pubDate><link>")
    desk.clock.advance(HOUR)
    await desk.poll(OUTLETS[3])
    await desk.poll(OUTLETS[1])
    assert desk.notes() == []
    await desk.poll(OUTLETS[2])
    assert desk.notes() == ["Reported by 3 outlets within 30 minutes: REUTERS, BBC, NPR."]


async def test_what_a_new_feed_holds_is_no_report(desk: Desk) -> None:
    """Its outlet has told the story, but nobody knows when."""
    await desk.report(0, 1)
    link = "<link>https://www.spiegel.de/1</link>"
    held = f"<item><title>{HEADLINES[2]}</title>{link}<description>{TEXT}</description></item>"
    await desk.add("spiegel.de", items=held)
    assert desk.notes() == []
    await desk.report(3)
    assert len(desk.notes()) == 1


async def test_reports_that_the_rule_does_not_match_do_not_count(desk: Desk) -> None:
    """Three outlets with the words that are looked for."""
    desk.restart(THREE.replace("'assad'", "'title:assad'"))
    await desk.report(0, 1)
    await desk.publish("npr.org", "Rebels enter Damascus, the president is gone")
    assert desk.notes() == []
    await desk.report(3)
    assert desk.notes() == ["Reported by 3 outlets within 30 minutes: REUTERS, BBC, THENATIONAL."]


async def test_it_waits_over_a_restart_and_is_told_once(desk: Desk) -> None:
    """What was counted is in the store, like what was told."""
    await desk.report(0, 1)
    desk.restart()
    await desk.report(2)
    desk.restart()
    await desk.report(3)
    assert [note[:12] for note in desk.notes()] == ["Reported by ", "Also in THEN"]


async def test_polls_at_the_same_time_make_one_alert(desk: Desk) -> None:
    """The second and third report are planned before the second is written, and the third is refused at first."""
    await desk.report(0)
    desk.put(OUTLETS[1], HEADLINES[1])
    desk.put(OUTLETS[2], HEADLINES[2])
    desk.clock.advance(MINUTE)
    second = await desk.look(OUTLETS[1])
    third = await desk.look(OUTLETS[2])
    assert [len(outcome.alerts) for _, outcome in (second, third)] == [0, 1]
    desk.poller.settle(third[0], third[1].entries, third[1].placed, written=False)
    desk.write(*second)
    desk.clock.advance(HOUR / 6)
    desk.write(*await desk.look(OUTLETS[2]))
    assert desk.notes() == ["Reported by 3 outlets within 30 minutes: REUTERS, BBC, NPR."]


ESCALATES = "[[rule]]\nname = 'syria'\nquery = 'assad'\nescalate_at = 4\n"


async def test_a_story_that_many_have_is_told_once_more(desk: Desk) -> None:
    """One severity higher, with all outlets, by the routes for that severity; what comes after follows as before."""
    desk.routing = Routing(
        routes=(Route(name="loud", severity=Severity.HIGH, channels=("phone",)),), everyone=("desk",)
    )
    desk.restart(ESCALATES)
    await desk.report(0, 1, 2, 3, 4)
    assert desk.notes() == [
        "",
        "Also in BBC.",
        "Also in NPR.",
        "Now in 4 outlets: REUTERS, BBC, NPR, THENATIONAL.",
        "Also in ALJAZEERA.",
    ]
    (louder,) = [each for each in desk.store.deliveries() if each.channel == "phone"]
    assert (louder.alert.severity, louder.alert.kind) == (Severity.HIGH, "update")
    (first, *_), *_ = [sorted(desk.store.deliveries(), key=lambda each: each.created_at)]
    assert louder.alert.story == first.alert.story


async def test_neither_restart_nor_merge_tells_it_again(desk: Desk) -> None:
    """What was escalated stays so, under whatever id."""
    desk.restart(ESCALATES.replace("4", "3"))
    await desk.report(0, 1, 2)
    desk.restart()
    await desk.publish("npr.org", "Assad portrait sells for a record price in Geneva", text="An auction house said so.")
    other = desk.stories()[-1].id
    desk.store.merge_stories(other, [desk.stories()[0].id], now=desk.clock.now())
    await desk.report(3, 4)
    assert sum(note.startswith("Now in") for note in desk.notes()) == 1


async def test_a_story_that_everybody_has_when_the_rule_meets_it(desk: Desk) -> None:
    """It is more severe from its first alert on, and not told twice."""
    desk.restart(ESCALATES.replace("'assad'", "'title:plane'").replace("4", "3"))
    await desk.report(0, 1, 2)
    await desk.publish("thenational.ae", "Assad on a plane as rebels enter Damascus")
    await desk.report(4)
    assert desk.notes() == ["4 outlets have the story already.", "Also in ALJAZEERA."]
    first = min(desk.store.deliveries(), key=lambda each: each.created_at)
    assert first.alert.severity is Severity.HIGH


async def test_both_keys_together(desk: Desk) -> None:
    """Told by the second outlet, and once more by the fourth."""
    desk.restart(THREE.replace("3", "2", 1) + "escalate_at = 4\nseverity = 'critical'\n")
    await desk.report(0, 1, 2, 3, 4)
    assert [note.partition(":")[0] for note in desk.notes()] == [
        "Reported by 2 outlets within 30 minutes",
        "Also in NPR.",
        "Now in 4 outlets",
        "Also in ALJAZEERA.",
    ]
    assert {each.alert.severity for each in desk.store.deliveries()} == {Severity.CRITICAL}


async def test_an_edit_counts_no_outlet_twice(desk: Desk) -> None:
    """A report that changes is the same report."""
    await desk.report(0, 1)
    items = desk.publishers.items["bbc.co.uk"]
    for again in range(3):
        items[-1] = items[-1].replace("</description>", f" Update {again}.</description>")
        await desk.poll("bbc.co.uk")
    assert desk.notes() == []
