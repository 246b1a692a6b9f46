"""Dates as feeds write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.parse.dates import parse_date

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Mon, 23 Nov 2026 10:00:00 GMT", "2026-11-23T10:00"),
        ("Mon, 2 Nov 26 9:00 EST", "2026-11-02T14:00"),
        ("2 Nov 2026 09:00:00 CET", "2026-11-02T08:00"),
        ("Mon, 02 Nov 2026 09:00:00 +0530", "2026-11-02T03:30"),
        ("Mon, 02 Nov 2026 09:00:00 GMT+0200", "2026-11-02T07:00"),
        ("Tue, 5 Sept 2024 10:00:00 PDT", "2024-09-05T17:00"),
        ("Sept 5, 2024 10:00 EDT", "2024-09-05T14:00"),
        ("September 5, 2024", "2024-09-05T00:00"),
        ("Thu, 05 Sep 2024 10:00:60 +0000", "2024-09-05T10:00:59"),
        ("Tue Mar  5 10:00:00 2024", "2024-03-05T10:00"),
        ("2026-11-02T09:00:00Z", "2026-11-02T09:00"),
        ("2026-11-02t09:00:00z", "2026-11-02T09:00"),
        ("2026-11-02T09:00:00.1234567+05:30", "2026-11-02T03:30:00.123456"),
        ("2026-11-02 09:00:00 +0200", "2026-11-02T07:00"),
        ("2026-11-02 09:00:00 UTC", "2026-11-02T09:00"),
        ("2026/11/02 09:00", "2026-11-02T09:00"),
        ("2026-11-02", "2026-11-02T00:00"),
        ("20261102", "2026-11-02T00:00"),
        ("2026-11", "2026-11-01T00:00"),
        ("2026", "2026-01-01T00:00"),
        ("\n  2026-11-02T09:00:00Z\t", "2026-11-02T09:00"),
        ("2004-július-13T9:15-05:00", "2004-07-13T14:15"),
    ],
)
def test_dates_become_utc(text: str, wanted: str) -> None:
    """Named zones, offsets, short years, missing parts: all end as aware UTC."""
    assert parse_date(text, now=NOW) == datetime.fromisoformat(wanted).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "lundi 2 novembre 2026",
        "1700000000",
        "1700000000000",
        "Mon, 01 Jan 0001 00:00:00 +0000",
        "0001-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "2026-11-25T00:00:00Z",
        "9999-12-31T23:59:59-01:00",
        "2024-02-30T10:00:00Z",
        "Wed, 31 Feb 2024 10:00:00 GMT",
        "5 Sep 2024 25:61:00 GMT",
        "12/25/2024",
        "10:00",
        "x" * 5_000,
    ],
)
def test_what_is_no_date_or_absurd_is_none(text: str) -> None:
    """Garbage, epoch seconds, the year 1 and dates from the future have no date rather than a wrong one."""
    assert parse_date(text, now=NOW) is None


def test_a_clock_that_is_a_little_ahead_is_believed() -> None:
    """Up to a day ahead is a publisher's time zone mistake, not an absurd date."""
    assert parse_date("2026-11-24T11:59:00Z", now=NOW) is not None


@given(
    st.text(max_size=60) | st.from_regex(r"[A-Z][a-z]{2}, \d{1,5} [A-Z][a-z]{2} \d{1,6} \d+:\d+:\d+ ?[A-Z+\-\d]{0,6}")
)
def test_no_text_breaks_it(text: str) -> None:
    """Any text gives None or an aware time inside the bounds."""
    found = parse_date(text, now=NOW)
    assert found is None or datetime(1990, 1, 1, tzinfo=UTC) <= found <= NOW + timedelta(days=1)


@given(st.datetimes(datetime(1990, 1, 2), NOW.replace(tzinfo=None)), st.integers(-14 * 4, 14 * 4))  # noqa: DTZ001
def test_iso_dates_round_trip(local: datetime, quarters: int) -> None:
    """What `isoformat` writes in any zone is read back as the same moment."""
    at = local.replace(tzinfo=UTC)
    zone = timedelta(minutes=15 * quarters)
    text = (
        local + zone
    ).isoformat() + f"{'-' if quarters < 0 else '+'}{abs(quarters) // 4:02}:{abs(quarters) % 4 * 15:02}"
    assert parse_date(text, now=NOW) == at
