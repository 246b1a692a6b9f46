"""Where an alert goes, and what it waits for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from monitor.alerts.routing import Route, Routing, Subject, place, silence_for
from monitor.alerts.schedule import parse_digest, parse_quiet
from monitor.model import HoldKind, Severity, Silence
from tests.alerts import make_alert, passage

NOW = datetime(2026, 11, 25, 23, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SUBJECT = Subject(
    rule="leaders-asylum", file="/etc/rules/world/leaders.toml", severity=Severity.HIGH, feed="bbc", tags=("world",)
)


def routing(*routes: Route) -> Routing:
    return Routing(routes=routes, everyone=("desk", "chat"))


def targets(found: Routing, *own: str, subject: Subject = SUBJECT) -> list[tuple[str, str]]:
    return [(route.name, channel) for route, channel in found.targets(subject, own)]


@pytest.mark.parametrize(
    ("conditions", "fits"),
    [
        ({}, True),
        ({"rules": ("leaders-*",)}, True),
        ({"rules": ("flood", "storm")}, False),
        ({"files": ("leaders.toml",)}, True),
        ({"files": ("*/world/*",)}, True),
        ({"files": ("world.toml",)}, False),
        ({"feeds": ("tag:world",)}, True),
        ({"feeds": ("b*",)}, True),
        ({"feeds": ("tag:sport",)}, False),
        ({"severity": Severity.NORMAL}, True),
        ({"severity": Severity.CRITICAL}, False),
        ({"rules": ("leaders-*",), "feeds": ("tag:sport",)}, False),
    ],
)
def test_a_route_takes_what_fits_all_its_conditions(conditions: dict[str, object], fits: bool) -> None:
    """Rule, file, feed, tag and the least severity; what is not named does not matter."""
    assert Route(name="r", **conditions).fits(SUBJECT) is fits  # type: ignore[arg-type]  # a table of mixed values


def test_the_first_route_takes_it_and_others_if_it_lets_them() -> None:
    """Each channel gets it once, under the first route that names it; what no route takes goes to everyone."""
    first = Route(name="first", channels=("desk",))
    second = Route(name="second", channels=("desk", "chat"))
    assert targets(routing(first, second)) == [("first", "desk")]
    assert targets(routing(replace(first, proceeds=True), second)) == [("first", "desk"), ("second", "chat")]
    other = Route(name="other", rules=("nothing",), channels=("ops",))
    assert targets(routing(other)) == [("", "desk"), ("", "chat")]
    assert targets(routing(first), "chat") == [("first", "chat")]


NIGHT = Route(name="night", quiet=(parse_quiet("22:00-07:00"),), zone=ZoneInfo("Europe/London"))
DIGEST = Route(name="digest", digest=parse_digest("daily 07:30"))


@pytest.mark.parametrize(
    ("route", "severity", "hold", "wait"),
    [
        (Route(name="r"), Severity.LOW, None, timedelta(0)),
        (Route(name="r", group_wait=timedelta(seconds=30)), Severity.LOW, HoldKind.GROUP, timedelta(seconds=30)),
        (NIGHT, Severity.HIGH, HoldKind.QUIET, 8 * HOUR),
        (NIGHT, Severity.CRITICAL, None, timedelta(0)),
        (replace(NIGHT, breaks_through=None), Severity.CRITICAL, HoldKind.QUIET, 8 * HOUR),
        (replace(NIGHT, breaks_through=Severity.HIGH), Severity.HIGH, None, timedelta(0)),
        (DIGEST, Severity.HIGH, HoldKind.DIGEST, timedelta(hours=8.5)),
        (DIGEST, Severity.CRITICAL, None, timedelta(0)),
    ],
)
def test_what_waits_has_a_reason_and_an_end(
    route: Route, severity: Severity, hold: HoldKind | None, wait: timedelta
) -> None:
    """Digest, quiet hours and group wait; from a severity on neither of the first two counts."""
    placing, due_at = place(make_alert(severity=severity), route, None, now=NOW)
    assert (placing.route, placing.hold, due_at - NOW) == (route.name, hold, wait)
    assert bool(placing.reason) is (hold is not None)


def silence(**changes: object) -> Silence:
    values: dict[str, object] = {"rule": "assad", "ends_at": NOW + HOUR, **changes}
    return Silence(id=3, starts_at=NOW - HOUR, author="ann", comment="maintenance", created_at=NOW, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("matchers", "silenced"),
    [
        ({}, True),
        ({"rule": "ass*"}, True),
        ({"rule": "flood"}, False),
        ({"feed": "tag:world"}, True),
        ({"feed": "reuters"}, False),
        ({"text": "STEP down"}, True),
        ({"text": "officials had"}, False),
        ({"rule": "", "text": "agreed"}, True),
        ({"ends_at": NOW}, False),
    ],
)
def test_a_silence_holds_what_all_its_matchers_fit(matchers: dict[str, object], silenced: bool) -> None:
    """Rule, feed, tag and text; it holds nothing once it is over."""
    alert = make_alert(title=passage("Assad to step down"), excerpts=(passage("He agreed, two officials say."),))
    assert (silence_for(alert, ("world",), [silence(**matchers)], NOW) is not None) is silenced


def test_what_was_silenced_comes_out_after_the_quiet_hours() -> None:
    """The end of a silence at night does not wake anybody; the reason names who wished it."""
    placing, due_at = place(make_alert(severity=Severity.CRITICAL), NIGHT, silence(), now=NOW)
    assert placing.hold is HoldKind.SILENCE
    assert due_at == NOW + 8 * HOUR
    assert placing.reason.startswith("silence 3 by ann: maintenance, until")


def test_of_two_silences_the_longer_one_counts() -> None:
    """So nothing comes out while either of them lasts."""
    long = replace(silence(ends_at=NOW + 5 * HOUR), id=4)
    found = silence_for(make_alert(), (), [silence(), long], NOW)
    assert found == long
