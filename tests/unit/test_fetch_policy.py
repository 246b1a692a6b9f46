"""When and how a feed is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.fetch.answers import explain_status
from monitor.fetch.policy import parse_retry_after, request_headers
from monitor.model import Feed, FeedId, HostId

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
    assert headers["Accept-Encoding"] == "gzip, deflate, br"
    assert set(headers) == {"User-Agent", "Accept", "Accept-Encoding"}


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
        (401, "username and password, or its token"),
        (403, "user_agent"),
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
