"""When and how a feed is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.fetch.policy import explain_status, next_poll, parse_retry_after, request_headers
from monitor.model import Feed, FeedId, FetchFailed, FetchProblem, HostId

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FEED = Feed(
    id=FeedId(1),
    host_id=HostId(1),
    host="example.org",
    name="example",
    url="https://example.org/feed.xml",
    tags=(),
    interval=10 * MINUTE,
    origin="config",
    title="",
    etag=None,
    last_modified=None,
    body_hash=None,
    added_at=NOW,
    baseline_at=None,
    next_poll_at=NOW,
    polled_at=None,
    ok_at=None,
    failures=0,
    status=None,
    error="",
)


def failed(problem: FetchProblem, **more: object) -> FetchFailed:
    return replace(FetchFailed(problem=problem, detail="x"), **more)  # type: ignore[arg-type] # a test's shorthand


def wait(feed: Feed, failure: FetchFailed | None) -> timedelta:
    return next_poll(feed, failure, now=NOW) - NOW


def assert_about(found: timedelta, wanted: timedelta) -> None:
    """Never earlier than wanted, and at most 10 % later."""
    assert wanted <= found <= wanted * 1.1


def test_validators_are_sent_byte_for_byte() -> None:
    """A weak ETag with odd characters and a date of the server's own making go back as they came."""
    feed = replace(FEED, etag='W/"a b\xe9--gzip"', last_modified="yesterday-ish")
    headers = request_headers(feed, user_agent="news-monitor/1")
    assert headers["If-None-Match"] == 'W/"a b\xe9--gzip"'
    assert headers["If-Modified-Since"] == "yesterday-ish"


def test_first_request_is_unconditional_and_says_who_asks() -> None:
    """Without validators no conditional header, and never a cookie or referer."""
    headers = request_headers(FEED, user_agent="news-monitor/1")
    assert headers["User-Agent"] == "news-monitor/1"
    assert headers["Accept-Encoding"] == "gzip, deflate"
    assert set(headers) == {"User-Agent", "Accept", "Accept-Encoding"}


def test_good_poll_waits_the_interval() -> None:
    """After success the feed's own interval passes, whatever failed before."""
    assert_about(wait(replace(FEED, failures=7), None), 10 * MINUTE)


def test_jitter_spreads_feeds_and_is_repeatable() -> None:
    """Feeds polled in the same moment come back at different ones, and the same feed always at the same."""
    feeds = [replace(FEED, url=f"https://example.org/{n}") for n in range(50)]
    assert len({wait(feed, None) for feed in feeds}) == 50
    assert wait(FEED, None) == wait(FEED, None)


@pytest.mark.parametrize(
    ("failures", "wanted"), [(0, MINUTE), (1, 2 * MINUTE), (3, 8 * MINUTE), (6, HOUR), (5_000, HOUR)]
)
@pytest.mark.parametrize("problem", [FetchProblem.DNS, FetchProblem.CONNECT, FetchProblem.TLS, FetchProblem.TIMEOUT])
def test_network_trouble_is_tried_again_soon_and_for_ever(
    problem: FetchProblem, failures: int, wanted: timedelta
) -> None:
    """One minute, doubled up to an hour; the thousandth failure is no different."""
    assert_about(wait(replace(FEED, failures=failures), failed(problem)), wanted)


@pytest.mark.parametrize(("failures", "wanted"), [(0, 10 * MINUTE), (2, 40 * MINUTE), (8, DAY), (5_000, DAY)])
@pytest.mark.parametrize("problem", [FetchProblem.HTTP, FetchProblem.PARSE, FetchProblem.TOO_LARGE])
def test_errors_of_the_server_back_off_to_a_day(problem: FetchProblem, failures: int, wanted: timedelta) -> None:
    """The interval, doubled up to 24 h, for a bad status as for a document that is no feed."""
    assert_about(wait(replace(FEED, failures=failures), failed(problem)), wanted)


def test_gone_waits_a_day_at_once() -> None:
    """410 is the publisher's last word, so it is asked daily from the first time on."""
    assert_about(wait(FEED, failed(FetchProblem.HTTP, status=410)), DAY)


def test_retry_after_is_obeyed_and_capped() -> None:
    """A longer wish wins over the back-off, a shorter one does not, and a year is a week."""
    assert_about(wait(FEED, failed(FetchProblem.HTTP, status=429, retry_after=2 * HOUR)), 2 * HOUR)
    assert_about(wait(FEED, failed(FetchProblem.HTTP, status=503, retry_after=MINUTE)), 10 * MINUTE)
    assert_about(wait(FEED, failed(FetchProblem.HTTP, status=503, retry_after=365 * DAY)), 7 * DAY)


def test_a_slow_feed_is_never_asked_sooner_after_an_error() -> None:
    """A weekly feed that answers 500 waits its week, not the cap of a day."""
    assert_about(wait(replace(FEED, interval=7 * DAY, failures=3), failed(FetchProblem.HTTP, status=500)), 7 * DAY)


@given(
    failures=st.integers(0, 10**9),
    interval=st.timedeltas(timedelta(seconds=1), timedelta(days=365)),
    failure=st.none() | st.sampled_from(FetchProblem).map(failed),
)
def test_next_poll_is_always_later_and_never_never(
    failures: int, interval: timedelta, failure: FetchFailed | None
) -> None:
    """Whatever happens, the next poll is after now and no later than the interval or a day, with its 10 %."""
    found = wait(replace(FEED, failures=failures, interval=interval), failure)
    assert timedelta(0) < found <= max(interval, DAY) * 1.11


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("120", timedelta(seconds=120)),
        (" 0 ", timedelta(0)),
        ("Mon, 23 Nov 2026 13:00:00 GMT", HOUR),
        ("Mon, 23 Nov 2026 11:00:00 GMT", timedelta(0)),
        ("9" * 400, 7 * DAY),
        ("-5", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("٣", None),
    ],
)
def test_retry_after_has_two_forms(value: str | None, wanted: timedelta | None) -> None:
    """Seconds or an HTTP-date; what is neither is ignored."""
    assert parse_retry_after(value, NOW) == wanted


@pytest.mark.parametrize(
    ("status", "part"),
    [
        (401, "polling.user_agent"),
        (403, "polling.user_agent"),
        (404, "check the feed's url"),
        (410, "remove the feed"),
        (429, "asked too often"),
        (503, "the server has a problem (503 Service Unavailable)"),
        (299, "299"),
        (799, "799"),
    ],
)
def test_statuses_are_explained_with_a_way_out(status: int, part: str) -> None:
    """One line that tells a person what to do."""
    line = explain_status(status)
    assert part in line
    assert "\n" not in line
