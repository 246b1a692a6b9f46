"""When and how a feed is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.fetch.policy import parse_retry_after, request_headers, request_key
from monitor.model import FeedOptions
from tests.feeds import A_FEED

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def test_validators_are_sent_byte_for_byte() -> None:
    """A weak ETag with odd characters and a date of the server's own making go back as they came."""
    feed = replace(A_FEED, etag='W/"a b\xe9--gzip"', last_modified="yesterday-ish")
    headers = request_headers(feed, user_agent="news-monitor/1")
    assert headers["If-None-Match"] == 'W/"a b\xe9--gzip"'
    assert headers["If-Modified-Since"] == "yesterday-ish"


def test_first_request_is_unconditional_and_says_who_asks() -> None:
    """Without validators no conditional header, and never a cookie or referer."""
    headers = request_headers(A_FEED, user_agent="news-monitor/1")
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


def test_a_delta_is_asked_for_only_beside_what_is_known() -> None:
    """RFC 3229: A-IM without If-None-Match asks for nothing."""
    assert "A-IM" not in request_headers(replace(A_FEED, last_modified="yesterday"), user_agent="x")
    assert request_headers(replace(A_FEED, etag='"1"'), user_agent="x")["A-IM"] == "feed"


@pytest.mark.parametrize(
    "options",
    [
        FeedOptions(user_agent="x"),
        FeedOptions(headers=(("A", "b"),)),
        FeedOptions(headers=(("A", "c"),)),
        FeedOptions(username="u", password="p"),
        FeedOptions(username="u", password="q"),
        FeedOptions(token="t"),
    ],
)
def test_what_changes_the_answer_changes_the_key_of_validators(options: FeedOptions) -> None:
    """Another login or header may be another document under the same ETag; how it is reached makes no difference."""
    key = request_key(A_FEED, options)
    assert len(key) == 8
    assert key == request_key(A_FEED, replace(options, proxy="http://p:1", http2=True, min_interval=HOUR))
    others = [FeedOptions(), FeedOptions(user_agent="y"), FeedOptions(headers=(("A", "d"),)), FeedOptions(token="u")]
    assert all(request_key(A_FEED, other) != key for other in others)


def test_a_feed_about_which_nothing_is_said_has_no_key() -> None:
    """So that validators of before still count; a login in the URL is one."""
    assert request_key(A_FEED, FeedOptions(proxy="http://p:1", http2=True)) == ""
    assert request_key(replace(A_FEED, url="https://u:p@example.org/a@b"), FeedOptions()) != ""
    assert request_key(replace(A_FEED, url="https://example.org/a@b"), FeedOptions()) == ""
