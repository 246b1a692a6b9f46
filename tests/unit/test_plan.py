"""Which match speaks, once, and to whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.alerts.plan import Horizon, Plan, Situation, horizon, plan
from monitor.alerts.routing import Routing
from monitor.model import Entry, Feed, Hit, KnownEntry, Match, Outlet, Severity, Telling, Terms
from tests.feeds import A_FEED

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ENTRY = Entry(
    key="k1",
    link="https://example.org/1",
    title="Assad to step down",
    summary="Sources say so. More later.",
    published_at=NOW - timedelta(hours=2),
    content_hash="h1",
)
SETTLED = Horizon(baseline=False)


def feed(*, baseline_at: datetime | None = NOW) -> Feed:
    return replace(A_FEED, name="wire", baseline_at=baseline_at)


def match(rule: str = "leaders", *, channels: tuple[str, ...] = (), entry: Entry = ENTRY) -> Match:
    return Match(
        rule=rule,
        title="",
        severity=Severity.HIGH,
        channels=channels,
        entry=entry,
        hits=(Hit("title", 0, 5), Hit("title", 9, 18)),
    )


def planned(*matches: Match, known: dict[str, KnownEntry] | None = None, reach: Horizon = SETTLED) -> Plan:
    """Each entry tells a story of its own."""
    entries = {each.entry.key: each.entry for each in matches}
    outlet = Outlet(id="wire", name="The Wire")
    return plan(
        list(entries.values()),
        matches,
        Situation(
            feed=replace(feed(), title="The Wire"),
            known=known or {},
            tellings={key: Telling(story=f"story of {key}", outlet=outlet, at=NOW) for key in entries},
            views={},
            rules={"leaders": Terms(), "other": Terms()},
            routing=Routing(everyone=("terminal", "desk")),
            silences=(),
            horizon=reach,
            now=NOW,
        ),
    )


def test_a_match_becomes_an_alert_for_every_channel() -> None:
    """A rule that names no channel speaks on all of them, with headline, hits, feed and link."""
    result = planned(match())
    (alert,) = result.alerts
    assert [delivery.channel for delivery in result.deliveries] == ["terminal", "desk"]
    assert {delivery.alert_id for delivery in result.deliveries} == {alert.id}
    assert (alert.rule, alert.rule_title, alert.feed, alert.feed_title) == ("leaders", "leaders", "wire", "The Wire")
    assert alert.title.marks == ((0, 5), (9, 18))
    assert alert.link == ENTRY.link
    assert result.matches[0].alert_id == alert.id


def test_a_rule_may_name_its_channels() -> None:
    """Only those that it names."""
    assert [delivery.channel for delivery in planned(match(channels=("desk",))).deliveries] == ["desk"]


def test_ids_are_made_from_what_they_mean() -> None:
    """The same rule and story give the same alert and deliveries, however often they are planned."""
    assert planned(match()) == planned(match())
    assert planned(match()).alerts[0].id != planned(match("other")).alerts[0].id


def test_one_alert_for_two_copies_of_a_story() -> None:
    """Two entries of one document that tell the same story speak once."""
    result = planned(match(), match())
    assert len(result.alerts) == 1
    assert len(result.deliveries) == 2
    assert len(result.matches) == 2


def test_the_baseline_is_silent() -> None:
    """What a new feed holds already is recorded and not said."""
    result = planned(match(), reach=Horizon(baseline=True))
    assert result.alerts == ()
    assert result.deliveries == ()
    assert [item.alert_id for item in result.matches] == [None]


@pytest.mark.parametrize(("age", "speaks"), [(timedelta(hours=2), True), (timedelta(hours=30), False), (None, False)])
def test_backfill_lets_the_recent_past_speak(age: timedelta | None, speaks: bool) -> None:
    """`poll --backfill 24h` asks for entries of that age, new feed or not; without a date there is no age."""
    entry = Entry(key="k1", title="Assad", published_at=NOW - age if age is not None else None)
    reach = horizon(feed(baseline_at=None), now=NOW, backfill=timedelta(hours=24))
    assert bool(planned(match(entry=entry), reach=reach).alerts) is speaks


def test_an_edit_says_nothing_again() -> None:
    """A changed entry alerts for a rule that is new to it, not for one that matched before, said or silent."""
    said = KnownEntry(content_hash="h0", alerted=frozenset({"leaders"}), matched=frozenset({"leaders"}))
    silent = KnownEntry(content_hash="h0", alerted=frozenset(), matched=frozenset({"leaders"}))
    assert planned(match(), known={"k1": said}).alerts == ()
    assert planned(match(), known={"k1": silent}).alerts == ()
    assert len(planned(match("other"), known={"k1": said}).alerts) == 1


def test_backfill_does_not_repeat_what_was_said() -> None:
    """An entry of the window that has alerted stays quiet; one of the silent baseline speaks."""
    reach = Horizon(baseline=False, since=NOW - timedelta(hours=24))
    said = KnownEntry(content_hash="h1", alerted=frozenset({"leaders"}), matched=frozenset({"leaders"}))
    silent = KnownEntry(content_hash="h1", alerted=frozenset(), matched=frozenset({"leaders"}))
    assert planned(match(), known={"k1": said}, reach=reach).alerts == ()
    assert len(planned(match(), known={"k1": silent}, reach=reach).alerts) == 1
