"""What is known of silence, as far as feeds have been read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.alerts.absence import Watch, absence, absences_in, hear
from monitor.alerts.html import html
from monitor.alerts.render import plain
from monitor.alerts.routing import Routing
from monitor.model import Feed, Severity
from tests.alerts import make_message
from tests.feeds import A_FEED

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def feed(name: str, *, read: float | None, failures: int = 0, gone: bool = False, hub: bool = False) -> Feed:
    """One that was read so many hours before noon."""
    return replace(
        A_FEED,
        name=name,
        ok_at=None if read is None else NOON - read * HOUR,
        failures=failures,
        gone_at=NOON if gone else None,
        push_until=NOON + HOUR if hub else None,
    )


@pytest.mark.parametrize(
    ("feeds", "hours", "failing"),
    [
        ([feed("a", read=1), feed("b", read=2)], 2, ""),
        # one that was never read says nothing yet, one that fails is not waited for
        ([feed("a", read=1), feed("b", read=None)], None, ""),
        ([feed("a", read=1), feed("b", read=9, failures=2)], 9, ""),
        ([feed("a", read=1), feed("b", read=9, failures=3)], 1, "b"),
        ([feed("a", read=1), feed("b", read=9, gone=True)], 1, "b"),
        ([feed("a", read=9, failures=3), feed("b", read=9, gone=True)], None, "ab"),
        # a hub would have told
        ([feed("a", read=1), feed("b", read=20, hub=True)], 1, ""),
        ([feed("a", read=1), feed("b", read=20, hub=True, failures=1)], 20, ""),
        ([], None, ""),
    ],
)
def test_a_rule_hears_until_its_feeds_were_read(feeds: list[Feed], hours: float | None, failing: str) -> None:
    """All that work, the one that was read longest ago included."""
    heard = hear(feeds, failures=3, now=NOON)
    assert heard.until == (None if hours is None else NOON - hours * HOUR)
    assert "".join(each.name for each in heard.failing) == failing


def test_an_alert_without_a_feed_reads_well() -> None:
    """Of several feeds none is named as where it is from."""
    feeds = [feed(name, read=0) for name in ("a", "b", "c", "d", "e", "f")]
    watch = Watch(
        rule="briefing",
        title="The briefing",
        severity=Severity.NORMAL,
        channels=(),
        file="x.toml",
        absent_for=24 * HOUR,
        since=NOON - 48 * HOUR,
    )
    heard = hear(feeds, failures=3, now=NOON)
    alert, (delivery,) = absence(
        watch, None, feeds=feeds, heard=heard, routing=Routing(everyone=("desk",)), silences=(), now=NOON
    )
    assert delivery.channel == "desk"
    assert plain(alert) == (
        "No match of The briefing for 1 day\n\n"
        "There has been none since the rule is live as it is, 23 Nov 2026, 12:00 UTC.\n\n"
        "The rule looks at 6 feeds (a, b, c, d, e and 1 more).\n\n"
        "Rule: The briefing (normal)\nTime: seen 25 Nov 2026, 12:00 UTC\n"
    )
    assert "Sent because the rule “The briefing” says so." in html(make_message(alert))


@pytest.mark.parametrize(
    ("hours", "silences"),
    [([], 1), ([12], 0), ([1, 23], 1), ([13], 1), ([0, 1, 2], 1), ([5, 17.5], 1), ([11, 22], 0)],
)
def test_silences_of_the_past_are_counted(hours: list[float], silences: int) -> None:
    """Of 24 hours, how often there was none for more than 12; `rules test --since` tells it."""
    start = NOON - 24 * HOUR
    times = [start + hour * HOUR for hour in hours]
    assert absences_in(12.1 * HOUR, times, start=start, end=NOON) == silences
