"""Rules that count: when a spike begins, what is part of it, and when the next one may begin."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitor.alerts.plan import Horizon, Plan, Situation
from monitor.alerts.routing import Routing
from monitor.alerts.spikes import judge, plan_counted
from monitor.model import AlertId, CountedMatch, Entry, FeedId, KnownEntry, Match, Severity, Trigger
from tests.feeds import A_FEED

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = 60 * MINUTE
FOUR = Trigger(count=4, window=HOUR)


def counted(minute: float, *, alert_id: str | None = None, came: float | None = None) -> CountedMatch:
    """A match that appeared at this minute after noon, and was stored at once or at another."""
    return CountedMatch(
        feed_id=FeedId(1),
        entry_key=f"at {minute}",
        counts_at=NOON + minute * MINUTE,
        matched_at=NOON + (minute if came is None else came) * MINUTE,
        alert_id=AlertId(alert_id) if alert_id is not None else None,
        feed="wire",
        title="",
    )


def spikes(*minutes: float) -> list[float]:
    """The minutes at which matches, one after the other, begin a spike."""
    before: list[CountedMatch] = []
    begun = []
    for minute in minutes:
        new = counted(minute)
        verdict = judge("r", FOUR, before[-FOUR.count :], new, now=new.counts_at)
        before.append(counted(minute, alert_id=verdict.alert_id))
        if verdict.begins:
            begun.append(minute)
    return begun


@pytest.mark.parametrize(
    ("minutes", "begun"),
    [
        ((0, 10, 20), []),
        ((0, 10, 20, 30), [30]),
        # one that leaves the window as the fourth comes: just an hour ago is too long ago
        ((0, 20, 40, 60), []),
        ((0, 20, 40, 59), [59]),
        # as long as it lasts it is one spike, though it hovers about the count
        ((0, 10, 20, 30, 40, 50, 65, 80, 95, 110), [30]),
        # two of four left is no end yet; one left is
        ((0, 10, 20, 30, 79, 80, 81), [30]),
        ((0, 10, 20, 30, 89, 91, 92, 93), [30, 93]),
        ((0, 10, 20, 30, 200, 201, 202, 203), [30, 203]),
    ],
)
def test_a_spike_is_one_alert(minutes: tuple[float, ...], begun: list[float]) -> None:
    """The match that makes the count full alerts; the next alert takes a calm in between, under half of the count."""
    assert spikes(*minutes) == begun


def test_what_comes_in_a_spike_belongs_to_its_alert() -> None:
    """It is recorded with the alert's id, which a restart finds there."""
    first = judge("r", FOUR, [counted(0), counted(1), counted(2)], counted(3), now=NOON + 3 * MINUTE)
    assert (first.begins, first.number) == (True, 4)
    before = [counted(0), counted(1), counted(2), counted(3, alert_id=first.alert_id)]
    later = judge("r", FOUR, before, counted(9), now=NOON + 9 * MINUTE)
    assert (later.begins, later.alert_id, later.number) == (False, first.alert_id, 5)


def test_two_processes_that_find_the_count_full_make_one_alert() -> None:
    """Neither knows of the other's match; the id is made of the first match of the spike."""
    before = [counted(0), counted(1), counted(2)]
    one = judge("r", FOUR, before, counted(3), now=NOON + 3 * MINUTE)
    other = judge("r", FOUR, before, counted(3.5), now=NOON + 3.5 * MINUTE)
    assert one.begins
    assert other.begins
    assert one.alert_id == other.alert_id
    # What comes later finds the alert, though the last match that was stored had none.
    stored = [*before, counted(3, alert_id=one.alert_id), counted(3.2)]
    assert judge("r", FOUR, stored, counted(4), now=NOON + 4 * MINUTE).alert_id == one.alert_id


def test_a_count_that_is_lowered_alerts_with_the_next_match() -> None:
    """The window holds enough already, and nobody has been told."""
    before = [counted(minute) for minute in range(9)]
    assert judge("r", FOUR, before, counted(9), now=NOON + 9 * MINUTE).begins


@pytest.mark.parametrize(
    ("published", "appeared"),
    [
        (None, 0),
        (-30, -30),
        # its own date counts only within the time in which it can have come
        (-600, -60),
        (30, 0),
    ],
)
def test_an_entry_appears_between_two_polls(published: int | None, appeared: int) -> None:
    """By its own date, but not before the last poll, which did not find it, nor after this one."""
    entry = Entry(key="k", published_at=None if published is None else NOON + published * MINUTE)
    reach = Horizon(baseline=False)
    assert situation(None, reach, NOON - HOUR).appeared_at(entry) == NOON + appeared * MINUTE
    assert situation(None, reach, None).appeared_at(entry) == NOON


# from matches to alerts


def match(number: int, *, trigger: Trigger = FOUR, published: float | None = None) -> Match:
    entry = Entry(
        key=f"k{number}",
        title=f"Flood {number}",
        published_at=None if published is None else NOON + published * MINUTE,
    )
    return Match(
        rule="floods", title="Floods", severity=Severity.HIGH, channels=("desk",), entry=entry, hits=(), trigger=trigger
    )


def planned(
    *matches: Match,
    known: dict[str, KnownEntry] | None = None,
    reach: Horizon = Horizon(baseline=False),  # noqa: B008 -- frozen
    since: datetime | None = None,
    before: tuple[CountedMatch, ...] = (),
) -> Plan:
    return plan_counted(matches, situation(known, reach, since), counted={"floods": before})


def situation(known: dict[str, KnownEntry] | None, reach: Horizon, since: datetime | None) -> Situation:
    return Situation(
        feed=A_FEED,
        known=known or {},
        tellings={},
        views={},
        rules={},
        routing=Routing(everyone=("desk",)),
        silences=(),
        horizon=reach,
        since=since,
        now=NOON,
    )


def test_one_poll_may_bring_a_spike() -> None:
    """The alert shows the entry that made the count full, tells the number and the time, and is about no one story."""
    result = planned(*(match(number) for number in range(6)))
    (alert,) = result.alerts
    assert alert.title.text == "Flood 3"
    assert alert.note == "4 matches within 1 hour; the last: “Flood 3”."
    assert alert.story == ""
    assert [delivery.channel for delivery in result.deliveries] == ["desk"]
    assert [each.alert_id for each in result.matches] == [None, None, None, *[alert.id] * 3]
    assert {each.counts_at for each in result.matches} == {NOON}


def test_what_the_baseline_holds_is_not_counted() -> None:
    """Nor what a backfill asks for: it came in its own time, and not all now."""
    matches = [match(number, published=-30) for number in range(6)]
    for reach in (Horizon(baseline=True), Horizon(baseline=True, since=NOON - HOUR)):
        result = planned(*matches, reach=reach)
        assert result.alerts == ()
        assert [each.counts_at for each in result.matches] == [None] * 6


def test_an_edited_entry_is_not_counted_twice() -> None:
    """One that the rule had matched already stays as it was."""
    known = {"k1": KnownEntry(content_hash="", alerted=frozenset(), matched=frozenset({"floods"}))}
    result = planned(*(match(number) for number in range(4)), known=known)
    assert result.alerts == ()
    assert [each.counts_at is None for each in result.matches] == [False, True, False, False]


def test_a_feed_that_did_not_answer_all_night_brings_no_spike() -> None:
    """What appeared in the hours in between counts there; what appeared in the last hour does count."""
    night = NOON - 10 * HOUR
    spread = [match(number, published=-120 * number - 70) for number in range(4)]
    assert planned(*spread, since=night).alerts == ()
    recent = [match(number, published=-10 * number) for number in range(4)]
    (alert,) = planned(*spread, *recent, since=night).alerts
    assert alert.title.text == "Flood 0"


def test_matches_of_a_rule_for_silence_are_recorded_only() -> None:
    """They count, so that the silence is known to be over."""
    result = planned(match(1, trigger=Trigger(absent_for=HOUR)))
    assert result.alerts == ()
    assert [(each.alert_id, each.counts_at) for each in result.matches] == [(None, NOON)]
