"""When a route speaks: digests and quiet hours, also where the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.schedule import parse_digest, parse_quiet, quiet_until

LONDON, BERLIN = ZoneInfo("Europe/London"), ZoneInfo("Europe/Berlin")


def at(text: str, zone: ZoneInfo = LONDON) -> datetime:
    """A local time as aware UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("digest", "now", "following"),
    [
        ("weekdays 07:30", "2026-11-25 07:00", "2026-11-25 07:30"),
        ("weekdays 07:30", "2026-11-25 07:30", "2026-11-26 07:30"),
        ("weekdays 07:30", "2026-11-27 08:00", "2026-11-30 07:30"),
        ("daily 08:00,18:00", "2026-11-25 09:00", "2026-11-25 18:00"),
        ("mon,thu 09:00", "2026-11-24 09:00", "2026-11-26 09:00"),
        ("fri-mon 09:00", "2026-11-24 09:00", "2026-11-27 09:00"),
        ("30 7 * * 1-5", "2026-11-27 08:00", "2026-11-30 07:30"),
        ("0 9 * * 0", "2026-11-25 09:00", "2026-11-29 09:00"),
        ("0 9 * * 7", "2026-11-25 09:00", "2026-11-29 09:00"),
        ("0 9 * * 5-0", "2026-11-25 09:00", "2026-11-27 09:00"),
        ("0 9 * * 5-0", "2026-11-29 10:00", "2026-12-04 09:00"),
        ("0 */6 * * *", "2026-11-25 07:00", "2026-11-25 12:00"),
        # The clocks go back on 25 October and forward on 29 March: the local time stays.
        ("daily 07:30", "2026-10-24 12:00", "2026-10-25 07:30"),
        ("daily 07:30", "2026-03-28 12:00", "2026-03-29 07:30"),
    ],
)
def test_a_digest_comes_at_its_local_time(digest: str, now: str, following: str) -> None:
    """Days and hours are those of the route's time zone; days of the week are counted as cron does."""
    assert parse_digest(digest).following(at(now), LONDON) == at(following)


def test_a_digest_at_an_hour_that_is_skipped_or_comes_twice_is_sent_once() -> None:
    """Neither lost on the day the clocks go forward nor sent twice when they go back."""
    digest = parse_digest("daily 02:30")
    for start in (at("2026-03-28 12:00", BERLIN), at("2026-10-24 12:00", BERLIN)):
        moments = [start]
        for _ in range(3):
            following = digest.following(moments[-1], BERLIN)
            assert following is not None
            moments.append(following)
        gaps = [later - earlier for earlier, later in pairwise(moments[1:])]
        assert all(timedelta(hours=22) <= gap <= timedelta(hours=26) for gap in gaps)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("often", "is no digest"),
        ("weekdays 25:00", "no time of day"),
        ("someday 07:30", "names no days"),
        ("61 7 * * *", "no cron line"),
        ("a b c d e", "no cron line"),
    ],
)
def test_a_wrong_digest_is_told_with_a_right_one(text: str, said: str) -> None:
    """The message says what was wrong, and how to write it."""
    with pytest.raises(ValueError, match=said) as caught:
        parse_digest(text)
    assert "weekdays 07:30" in str(caught.value)


@pytest.mark.parametrize(
    ("spans", "now", "until"),
    [
        (["22:00-07:00"], "2026-11-25 23:00", "2026-11-26 07:00"),
        (["22:00-07:00"], "2026-11-26 06:59", "2026-11-26 07:00"),
        (["22:00-07:00"], "2026-11-26 07:00", None),
        (["22:00-07:00"], "2026-11-25 21:59", None),
        (["fri 22:00-07:00"], "2026-11-28 03:00", "2026-11-28 07:00"),
        (["fri 22:00-07:00"], "2026-11-27 03:00", None),
        (["weekends 00:00-24:00"], "2026-11-28 12:00", "2026-11-30 00:00"),
        (["22:00-07:00", "weekends 00:00-24:00"], "2026-11-27 23:00", "2026-11-30 07:00"),
        # An hour more, and an hour less, of night.
        (["22:00-07:00"], "2026-10-24 23:00", "2026-10-25 07:00"),
        (["22:00-07:00"], "2026-03-28 23:00", "2026-03-29 07:00"),
        (["22:00-01:30"], "2026-03-28 23:00", "2026-03-29 02:30"),
    ],
)
def test_quiet_hours_end_at_their_local_time(spans: list[str], now: str, until: str | None) -> None:
    """Spans over midnight belong to the day they begin on, and those that touch are one; the clocks move none."""
    found = quiet_until(tuple(map(parse_quiet, spans)), at(now), LONDON)
    assert found == (None if until is None else at(until))


@pytest.mark.parametrize("text", ["", "22:00", "22:00-25:00", "today 22:00-07:00", "a b c"])
def test_wrong_quiet_hours_are_told_with_right_ones(text: str) -> None:
    """The message says how to write them."""
    with pytest.raises(ValueError, match="22:00-07:00"):
        parse_quiet(text)


@given(st.integers(0, 366 * 24 * 60), st.integers(0, 23), st.integers(0, 23))
def test_quiet_hours_always_end(minutes: int, begin: int, end: int) -> None:
    """Whatever the hours and the day, the end is ahead, no more than a day and an hour away, and no longer quiet."""
    span = parse_quiet(f"{begin:02}:30-{end:02}:00")
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    until = quiet_until((span,), now, BERLIN)
    if until is not None:
        assert now < until <= now + timedelta(hours=26)
        assert quiet_until((span,), until, BERLIN) is None
