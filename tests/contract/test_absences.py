"""Rules for silence, over a real store: when silence is told, how often, and when it is no silence."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from monitor.alerts.ops import Ops
from monitor.alerts.routing import Route, Routing
from monitor.model import Alert, PlannedMatch
from monitor.rules.engine import RuleSet
from monitor.rules.load import load_rules
from monitor.service.absences import Absences
from monitor.service.poll import Runtime
from monitor.service.threads import StoreThreads
from monitor.tomlfile import parse
from tests.contract.samples import HOUR, MINUTE, NOW, entry, failed, match, outcome, spec, update
from tests.fakes import DocumentFetcher, FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.service.events import Event
    from monitor.store.base import Store

DAY = 24 * HOUR
BRIEFING = "[[rule]]\nname = 'briefing'\ntitle = 'The briefing'\nquery = 'briefing'\nabsent_for = '24h'\n"


class Bench:
    """What looks for silence, over `store` with the feeds "a" and "b", both of which have been read."""

    def __init__(self, store: Store, threads: StoreThreads, *, clock: FakeClock | None = None) -> None:
        self.store = store
        self.events: list[Event] = []
        self.clock = clock or FakeClock(NOW)
        self.load(BRIEFING)
        self.absences = Absences(
            store=store,
            runtime=lambda: self.runtime,
            threads=threads,
            clock=self.clock,
            observer=self.events.append,
        )

    def load(self, text: str) -> None:
        """Make these rules live."""
        rules, faults = load_rules([parse(text, path="rules/x.toml")])
        assert faults == ()
        politics = Route(name="politics", feeds=("tag:politics",), channels=("desk",))
        self.runtime = Runtime(
            rules=RuleSet.build(rules),
            routing=Routing(routes=(politics,), everyone=("terminal",)),
            fetcher=DocumentFetcher(),
            ops=Ops(feed_failures=3),
        )

    def read(self, *names: str, matched: bool = False) -> None:
        """A good poll of these feeds, now; the first one's entry matches, if any does."""
        for number, name in enumerate(names):
            (held,) = self.store.claim_feeds([name], now=self.clock.now(), lease=MINUTE)
            found = entry(f"{name} {self.clock.now()}", title="The Morning Briefing")
            matches = [PlannedMatch(match=match(found, "briefing"), alert_id=None, counts_at=self.clock.now())]
            made = outcome(held.lease, update(held.feeds[0], polled_at=self.clock.now()), entries=[found])
            self.store.commit_polls(
                [replace(made, matches=tuple(matches) if matched and not number else ())], now=self.clock.now()
            )

    def fail(self, name: str, *, times: int) -> None:
        """Failed polls of a feed, now."""
        for _ in range(times):
            (held,) = self.store.claim_feeds([name], now=self.clock.now(), lease=MINUTE)
            self.store.commit_polls(
                [outcome(held.lease, failed(held.feeds[0], polled_at=self.clock.now()))], now=self.clock.now()
            )

    async def later(self, span: timedelta, *read: str, matched: bool = False) -> list[str]:
        """Let time pass, read feeds, and look; the notes of what is told by then and was not before."""
        before = {alert.id for alert in self.told()}
        self.clock.advance(span)
        self.read(*read, matched=matched)
        await self.absences.tick()
        return [alert.note for alert in self.told() if alert.id not in before]

    def told(self) -> list[Alert]:
        return [each.alert for each in self.store.deliveries()]


@pytest.fixture
def threads() -> Iterator[StoreThreads]:
    made = StoreThreads()
    yield made
    made.close()


@pytest.fixture
async def bench(store: Store, threads: StoreThreads) -> Bench:
    store.sync_feeds([spec("a"), spec("b")], now=NOW)
    made = Bench(store, threads)
    made.read("a", "b")
    await made.absences.tick()
    return made


async def test_silence_is_told_once(bench: Bench) -> None:
    """A day after the rule came, not before; with what it is, what it looks at, and no second time."""
    assert await bench.later(DAY - HOUR, "a", "b") == []
    (note,) = await bench.later(HOUR, "a", "b")
    assert note == "There has been none since the rule is live as it is, 23 Nov 2026, 12:00 UTC."
    (alert,) = bench.told()
    assert alert.title.text == "No match of The briefing for 1 day"
    assert [excerpt.text for excerpt in alert.excerpts] == ["The rule looks at 2 feeds (a, b)."]
    for _ in range(4):
        assert await bench.later(DAY, "a", "b") == []


async def test_silence_is_told_again_after_a_match(bench: Bench) -> None:
    """The time runs from the last match; what is told names it."""
    assert await bench.later(DAY, "a", "b", matched=True) == []
    assert await bench.later(DAY - MINUTE, "a", "b") == []
    (first,) = await bench.later(MINUTE, "a", "b")
    assert first == "The last one came 24 Nov 2026, 12:00 UTC, from a: “The Morning Briefing”."
    assert await bench.later(DAY, "a", "b") == []
    assert await bench.later(MINUTE, "a", "b", matched=True) == []
    assert await bench.later(DAY - MINUTE, "a", "b") == []
    (second,) = await bench.later(HOUR, "a", "b")
    assert "26 Nov 2026, 12:01 UTC" in second


async def test_a_restart_forgets_neither_the_time_nor_what_was_told(
    bench: Bench, store: Store, threads: StoreThreads
) -> None:
    """A rule is as old as it was, and its silence is told to nobody twice."""
    bench.clock.advance(DAY)
    again = Bench(store, threads, clock=bench.clock)
    again.read("a", "b")
    await again.absences.tick()
    assert len(again.told()) == 1
    third = Bench(store, threads, clock=bench.clock)
    assert await third.later(DAY, "a", "b") == []
    assert third.events == []


async def test_feeds_that_were_not_read_are_not_silent(bench: Bench) -> None:
    """After a night offline, or a stop, feeds are read first: what comes then is no silence."""
    assert await bench.later(3 * DAY) == []
    assert await bench.later(MINUTE, "a") == []
    assert await bench.later(11 * MINUTE, "b", matched=True) == []
    assert await bench.later(11 * MINUTE, "a", "b") == []
    (note,) = await bench.later(DAY, "a", "b")
    assert note.startswith("The last one came 26 Nov 2026, 12:12 UTC, from b")


async def test_a_failing_feed_is_named_and_not_waited_for(bench: Bench) -> None:
    """After as many failures as the operators are told of; before that it may answer yet."""
    bench.clock.advance(DAY)
    bench.fail("b", times=2)
    assert await bench.later(MINUTE, "a") == []
    bench.fail("b", times=1)
    assert len(await bench.later(11 * MINUTE, "a")) == 1
    (alert,) = bench.told()
    assert alert.excerpts[-1].text == "Of these one feed (b) fails, so that something may have been missed."


async def test_where_all_feeds_fail_there_is_no_silence(bench: Bench) -> None:
    """Of that the operators hear; when a feed answers again, the silence is told."""
    bench.clock.advance(DAY)
    bench.fail("a", times=3)
    bench.fail("b", times=3)
    assert await bench.later(HOUR) == []
    assert len(await bench.later(HOUR, "b")) == 1


async def test_a_rule_that_changes_or_comes_back_begins_anew(bench: Bench) -> None:
    """A new wording, or a rule that was switched off for a month, tells of no silence from before."""
    bench.clock.advance(DAY - MINUTE)
    bench.load(BRIEFING.replace("query = 'briefing'", "query = 'daily briefing'"))
    assert await bench.later(MINUTE, "a", "b") == []
    assert await bench.later(HOUR, "a", "b") == []
    bench.load(BRIEFING + "enabled = false")
    assert await bench.later(30 * DAY, "a", "b") == []
    bench.load(BRIEFING)
    assert await bench.later(MINUTE, "a", "b") == []
    assert len(await bench.later(DAY, "a", "b")) == 1


async def test_a_title_or_a_channel_is_no_new_rule(bench: Bench) -> None:
    """What does not change what is looked for does not begin it anew."""
    bench.clock.advance(HOUR)
    bench.load(BRIEFING.replace("'The briefing'", "'Our briefing'"))
    assert len(await bench.later(DAY - HOUR, "a", "b")) == 1


async def test_a_rule_that_expired_says_nothing(bench: Bench) -> None:
    """Nobody waits for its matches any more."""
    bench.load(BRIEFING + "expires = 2026-11-24T00:00:00Z")
    assert await bench.later(HOUR, "a", "b") == []
    assert await bench.later(2 * DAY, "a", "b") == []


async def test_the_rule_s_own_feeds_count(bench: Bench, store: Store) -> None:
    """Others may fail or rest; a route for a tag takes the alert where all feeds of the rule have it."""
    store.sync_feeds([replace(spec("a"), tags=("politics",)), spec("b")], now=NOW)
    bench.load(BRIEFING + "feeds = ['tag:politics']")
    await bench.absences.tick()
    assert len(await bench.later(DAY, "a")) == 1
    (sent,) = store.deliveries()
    assert (sent.channel, sent.alert.feed) == ("desk", "a")
