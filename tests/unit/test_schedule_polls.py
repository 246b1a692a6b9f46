"""When a feed is asked next: a table for each rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.fetch.schedule import (
    VALIDATOR_AGE,
    Next,
    after_failure,
    after_success,
    is_own_host,
    may_be_asked,
    may_be_conditional,
)
from monitor.model import (
    NEVER,
    NO_HABITS,
    NO_HINTS,
    NO_OPTIONS,
    Feed,
    FeedHints,
    FeedOptions,
    FetchFailed,
    FetchProblem,
    Habits,
)
from tests.feeds import A_FEED

NOW = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)  # a Monday
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FEED = replace(A_FEED, added_at=NOW, baseline_at=NOW, next_poll_at=NOW, polled_at=NOW - HOUR, ok_at=NOW - HOUR)
BUSY = Habits(rhythm=30 * MINUTE, longest=3 * HOUR, counted=40, size=50, new_at=NOW)


def success(
    feed: Feed = FEED,
    options: FeedOptions = NO_OPTIONS,
    *,
    habits: Habits = NO_HABITS,
    hints: FeedHints = NO_HINTS,
    fresh_for: timedelta | None = None,
    validated: bool = True,
    pushed: bool = False,
) -> Next:
    return after_success(
        feed,
        options,
        habits=habits,
        hints=hints,
        fresh_for=fresh_for,
        validated=validated,
        pushed=pushed,
        now=NOW,
    )


def failure(
    feed: Feed = FEED,
    *,
    status: int | None = None,
    problem: FetchProblem = FetchProblem.HTTP,
    retry_after: timedelta | None = None,
    offline: bool = False,
) -> Next:
    failed = FetchFailed(problem=problem, detail="x", status=status, retry_after=retry_after)
    return after_failure(feed, NO_OPTIONS, failed, offline=offline, now=NOW)


def assert_about(found: Next, wanted: timedelta) -> None:
    """Never earlier than wanted, and at most 10 % later (P14)."""
    assert wanted <= found.at - NOW <= wanted * 1.1, found


@pytest.mark.parametrize(
    ("wishes", "wanted"),
    [
        ({}, 10 * MINUTE),
        ({"fresh_for": 5 * MINUTE}, 10 * MINUTE),
        ({"fresh_for": HOUR}, HOUR),
        ({"fresh_for": 365 * DAY}, DAY),
        ({"fresh_for": timedelta(0)}, 10 * MINUTE),
        ({"hints": FeedHints(ttl=HOUR)}, HOUR),
        ({"hints": FeedHints(ttl=MINUTE)}, 10 * MINUTE),
        ({"hints": FeedHints(period=2 * HOUR)}, 2 * HOUR),
        ({"hints": FeedHints(ttl=30 * DAY)}, DAY),
        ({"hints": FeedHints(ttl=HOUR, period=2 * HOUR), "fresh_for": 3 * HOUR}, 3 * HOUR),
        ({"pushed": True}, DAY),
    ],
)
def test_the_latest_wish_counts(wishes: dict[str, object], wanted: timedelta) -> None:
    """P6: interval, Cache-Control or Expires, ttl, updatePeriod; none for longer than a day (RFC 9111 section 4.2)."""
    assert_about(success(**wishes), wanted)  # type: ignore[arg-type] # a test's shorthand


def test_the_reason_names_what_held_it_back() -> None:
    """`feeds show` can say why the next poll is when it is."""
    assert success().reason == "its interval"
    assert "stays fresh for 2 hours" in success(fresh_for=2 * HOUR).reason
    assert "(ttl)" in success(hints=FeedHints(ttl=HOUR)).reason


def test_wishes_of_the_document_may_be_passed_over() -> None:
    """`heed_hints = false` for a feed that says "hourly" because its software does; HTTP's word holds all the same."""
    deaf = replace(NO_OPTIONS, heed_hints=False)
    hints = FeedHints(period=HOUR, skip_hours=(12, 13))
    assert_about(success(options=deaf, hints=hints), 10 * MINUTE)
    assert_about(success(options=deaf, hints=hints, fresh_for=HOUR), HOUR)


def test_a_document_that_turns_over_sooner_than_it_says_is_not_believed() -> None:
    """Ten entries, one a minute, "hourly": asked so seldom, most would never be seen."""
    quick = Habits(rhythm=MINUTE, longest=HOUR, counted=50, size=60, new_at=NOW)
    assert_about(success(habits=quick, hints=FeedHints(period=HOUR)), 30 * MINUTE)


@pytest.mark.parametrize(
    ("habits", "validated", "wanted"),
    [
        (BUSY, True, 10 * MINUTE),
        (replace(BUSY, rhythm=4 * HOUR), True, 30 * MINUTE),
        (replace(BUSY, rhythm=7 * DAY), True, HOUR),
        (replace(BUSY, new_at=NOW - 6 * HOUR), True, 15 * MINUTE),
        (replace(BUSY, new_at=NOW - 30 * DAY), True, HOUR),
        (replace(BUSY, new_at=NOW - 3 * DAY), False, 3 * HOUR),
        (replace(BUSY, rhythm=4 * HOUR, new_at=NOW - 300 * DAY), False, DAY),
        # Should it wake up at its old rhythm, its 50 entries would be others after 25 hours.
        (replace(BUSY, new_at=NOW - 300 * DAY), False, 12.5 * HOUR),
        (NO_HABITS, True, 10 * MINUTE),
    ],
)
def test_quiet_feeds_cost_less(habits: Habits, validated: bool, wanted: timedelta) -> None:
    """P5: an eighth of the usual time, a twenty-fourth of the silence; one without validators may go to a day."""
    assert_about(success(habits=habits, validated=validated), wanted)


def test_a_feed_of_ones_own_network_never_slows_down() -> None:
    """Its polls cost no publisher anything."""
    quiet = replace(BUSY, rhythm=7 * DAY, new_at=NOW - 30 * DAY)
    assert_about(success(replace(FEED, host="192.168.1.5:8080"), habits=quiet), 10 * MINUTE)


def test_a_busy_feed_is_asked_before_its_entries_slip_away() -> None:
    """Twice in the time that an entry stays in the document, but not below the floor."""
    busy = replace(BUSY, rhythm=MINUTE, size=12)
    assert_about(success(habits=busy), 6 * MINUTE)
    assert_about(success(habits=replace(busy, rhythm=SECOND)), 5 * MINUTE)
    assert_about(success(replace(FEED, interval=2 * MINUTE), habits=replace(busy, rhythm=SECOND)), 2 * MINUTE)


def test_missed_entries_halve_the_interval() -> None:
    """Each time, down to the floor of the feed."""
    floor = replace(NO_OPTIONS, min_interval=MINUTE)
    waits = [success(options=floor, habits=replace(BUSY, haste=haste)) for haste in range(5)]
    for found, wanted in zip(waits, (10, 5, 2.5, 1.25, 1), strict=True):
        assert_about(found, wanted * MINUTE)


@pytest.mark.parametrize(
    ("hints", "wanted"),
    [
        (FeedHints(skip_hours=(12,)), datetime(2026, 11, 23, 13, tzinfo=UTC)),
        (FeedHints(skip_hours=(12, 13, 14)), datetime(2026, 11, 23, 15, tzinfo=UTC)),
        (FeedHints(skip_days=(0,)), datetime(2026, 11, 24, 0, tzinfo=UTC)),
        (FeedHints(skip_days=tuple(range(7))), NOW + DAY),
        (FeedHints(skip_hours=tuple(range(24))), NOW + DAY),
        (FeedHints(skip_hours=(13,)), None),
    ],
)
def test_skipped_hours_and_days_are_skipped_but_not_for_more_than_a_day(
    hints: FeedHints, wanted: datetime | None
) -> None:
    """P8: RSS 2.0 skipHours and skipDays, in GMT."""
    found = success(hints=hints)
    assert found.at == (wanted or success().at)


@pytest.mark.parametrize(
    ("failures", "status", "problem", "wanted"),
    [
        (0, 500, FetchProblem.HTTP, HOUR),
        (1, 404, FetchProblem.HTTP, 2 * HOUR),
        (2, 403, FetchProblem.HTTP, 4 * HOUR),
        (9, 401, FetchProblem.HTTP, DAY),
        (900, 500, FetchProblem.HTTP, DAY),
        (0, None, FetchProblem.DNS, 10 * MINUTE),
        (1, None, FetchProblem.CONNECT, HOUR),
        (2, None, FetchProblem.TLS, 2 * HOUR),
        (99, None, FetchProblem.TIMEOUT, DAY),
        (0, 200, FetchProblem.PARSE, HOUR),
        (0, None, FetchProblem.TOO_LARGE, HOUR),
    ],
)
def test_failures_back_off_from_an_hour_to_a_day(
    failures: int, status: int | None, problem: FetchProblem, wanted: timedelta
) -> None:
    """P10: for ever, never given up; a first failure on the way may be a matter of moments."""
    assert_about(failure(replace(FEED, failures=failures), status=status, problem=problem), wanted)


def test_a_slow_feed_is_not_asked_more_often_because_it_fails() -> None:
    """The interval is the least, and the cap does not shorten it."""
    assert_about(failure(replace(FEED, interval=3 * DAY), status=500), 3 * DAY)


def test_ones_own_host_is_tried_again_soon() -> None:
    """From its interval to an hour: it may just be restarting."""
    own = replace(FEED, host="localhost:8080", interval=MINUTE)
    for failures, wanted in ((0, MINUTE), (1, 2 * MINUTE), (30, HOUR)):
        assert_about(failure(replace(own, failures=failures), status=500), wanted)


def test_nobody_is_blamed_while_this_machine_is_offline() -> None:
    """Soon again, so that the feeds are there when the network is; an answer is an answer all the same."""
    assert_about(failure(problem=FetchProblem.DNS, offline=True), 5 * MINUTE)
    assert_about(failure(status=500, offline=True), HOUR)


def test_gone_is_never_asked_again() -> None:
    """RFC 9110 section 15.5.11."""
    assert failure(status=410).at == NEVER


@pytest.mark.parametrize(
    ("status", "retry_after", "wanted", "feed_silent", "host_silent"),
    [
        (429, 2 * HOUR, 2 * HOUR, 2 * HOUR, 2 * HOUR),
        (429, 2 * MINUTE, 10 * MINUTE, 2 * MINUTE, 2 * MINUTE),
        (429, None, HOUR, HOUR, HOUR),
        (503, 2 * HOUR, 2 * HOUR, 2 * HOUR, None),
        (503, None, HOUR, HOUR, None),
        (429, 30 * DAY, 7 * DAY, 7 * DAY, 7 * DAY),
        (500, None, HOUR, None, None),
        (500, 3 * HOUR, 3 * HOUR, 3 * HOUR, None),
    ],
)
def test_a_server_that_asks_for_silence_gets_it(
    status: int,
    retry_after: timedelta | None,
    wanted: timedelta,
    feed_silent: timedelta | None,
    host_silent: timedelta | None,
) -> None:
    """P11: 429 (RFC 6585 section 4) is about the host, 503 about the feed; Retry-After up to 7 days."""
    found = failure(status=status, retry_after=retry_after)
    assert_about(found, wanted)
    assert found.not_before == (None if feed_silent is None else NOW + feed_silent)
    assert found.host_not_before == (None if host_silent is None else NOW + host_silent)


def test_a_limit_of_ones_own_host_is_about_the_feed_alone() -> None:
    """A bridge at home makes feeds of many publishers, each with its own limit."""
    assert failure(replace(FEED, host="rss-bridge.lan"), status=429, retry_after=HOUR).host_not_before is None


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("example.org", False),
        ("example.org:8080", False),
        ("8.8.8.8", False),
        ("[2600::1]", False),
        ("localhost", True),
        ("nas:81", True),
        ("127.0.0.1:5000", True),
        ("10.1.2.3", True),
        ("[::1]:80", True),
        ("feeds.internal", True),
        ("sample", True),
    ],
)
def test_which_hosts_are_ones_own(host: str, own: bool) -> None:
    """By name or by address."""
    assert is_own_host(host) is own


def test_validators_are_for_the_same_request_and_for_eight_days() -> None:
    """P1 and P4: with other headers, or when the feed was not read whole for 8 days, they are not sent."""
    feed = replace(FEED, request_key="k", full_at=NOW)
    assert may_be_conditional(feed, "k", now=NOW + VALIDATOR_AGE - SECOND)
    assert not may_be_conditional(feed, "k", now=NOW + VALIDATOR_AGE)
    assert not may_be_conditional(feed, "other", now=NOW)


def test_a_person_may_not_ask_too_soon_either() -> None:
    """P11 and P15: not before Retry-After, not within the floor; one's own host always."""
    asked = replace(FEED, polled_at=NOW - MINUTE)
    assert "asked to be left alone until 23 Nov 13:30" in may_be_asked(
        replace(FEED, not_before=NOW + HOUR), NO_OPTIONS, now=NOW
    )
    assert "polled 1 minute ago" in may_be_asked(asked, NO_OPTIONS, now=NOW)
    assert may_be_asked(FEED, NO_OPTIONS, now=NOW) == ""
    assert may_be_asked(replace(FEED, polled_at=None), NO_OPTIONS, now=NOW) == ""
    assert may_be_asked(replace(asked, host="localhost"), NO_OPTIONS, now=NOW) == ""


def test_feeds_part_company() -> None:
    """P14: polled in the same moment they come back at different ones, the first time far apart; repeatably."""
    feeds = [replace(FEED, url=f"https://example.org/{number}") for number in range(50)]
    assert len({success(feed).at for feed in feeds}) == 50
    assert success() == success()
    first = [success(replace(feed, ok_at=None)).at - NOW for feed in feeds]
    assert min(first) >= 10 * MINUTE
    assert max(first) - min(first) > 3 * MINUTE
    assert max(first) <= 15 * MINUTE


SPANS = st.timedeltas(timedelta(0), 400 * DAY)


@given(
    interval=st.timedeltas(SECOND, 30 * DAY),
    rhythm=st.none() | SPANS,
    silent=SPANS,
    size=st.integers(0, 2000),
    haste=st.integers(0, 5),
    fresh_for=st.none() | SPANS,
    ttl=st.none() | SPANS,
    skip=st.sets(st.integers(0, 23)),
    validated=st.booleans(),
)
def test_no_wish_stops_a_feed_or_makes_it_hasty(
    *,
    interval: timedelta,
    rhythm: timedelta | None,
    silent: timedelta,
    size: int,
    haste: int,
    fresh_for: timedelta | None,
    ttl: timedelta | None,
    skip: set[int],
    validated: bool,
) -> None:
    """Whatever is asked for, the next poll is after the floor and within a day or the interval, skipping included."""
    habits = Habits(rhythm=rhythm, longest=rhythm, counted=50, size=size, new_at=NOW - silent, haste=haste)
    hints = FeedHints(ttl=ttl, skip_hours=tuple(skip))
    feed = replace(FEED, interval=interval)
    wait = success(feed, habits=habits, hints=hints, fresh_for=fresh_for, validated=validated).at - NOW
    assert wait >= min(interval, NO_OPTIONS.min_interval)
    assert wait <= max(interval, DAY) * 1.1 + DAY
