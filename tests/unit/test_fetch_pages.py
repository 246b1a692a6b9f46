"""How pages are asked for, and how patiently."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitor.fetch.pages import explain_failure, host_rest, next_try, options_for
from monitor.model import FeedOptions, FetchFailed, FetchProblem

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
NEVER = None


def failure(what: FetchProblem | int, retry_after: timedelta | None = None) -> FetchFailed:
    if isinstance(what, FetchProblem):
        return FetchFailed(problem=what, detail="in words")
    return FetchFailed(problem=FetchProblem.HTTP, detail="for a feed", status=what, retry_after=retry_after)


@pytest.mark.parametrize(
    ("failed", "attempts", "wait"),
    [
        (failure(FetchProblem.TIMEOUT), 1, 10 * MINUTE),
        (failure(FetchProblem.CONNECT), 2, 45 * MINUTE),
        (failure(FetchProblem.DNS), 3, NEVER),
        (failure(500), 1, 10 * MINUTE),
        (failure(503, 2 * HOUR), 1, 2 * HOUR),
        (failure(503, MINUTE), 2, 45 * MINUTE),
        (failure(503, 25 * HOUR), 1, NEVER),
        (failure(429), 1, 10 * MINUTE),
        (failure(429, 3 * HOUR), 9, 3 * HOUR),
        (failure(429, 25 * HOUR), 1, NEVER),
        (failure(404), 1, NEVER),
        (failure(403, HOUR), 1, NEVER),
        (failure(FetchProblem.REFUSED), 1, NEVER),
        (failure(FetchProblem.REDIRECT), 1, NEVER),
        (failure(FetchProblem.TOO_LARGE), 1, NEVER),
    ],
)
def test_what_may_pass_is_tried_again(failed: FetchFailed, attempts: int, wait: timedelta | None) -> None:
    """Three times in an hour at most, save where the site names a time; never after a day."""
    at = next_try(failed, attempts=attempts, wanted_at=NOW, now=NOW)
    assert (at and at - NOW) == wait
    assert next_try(failed, attempts=attempts, wanted_at=NOW - timedelta(days=1), now=NOW) is None


@pytest.mark.parametrize(
    ("failed", "failures", "rest"),
    [
        (failure(FetchProblem.TIMEOUT), 1, MINUTE),
        (failure(FetchProblem.CONNECT), 3, 4 * MINUTE),
        (failure(502), 99, HOUR),
        (failure(503, 3 * HOUR), 1, 3 * HOUR),
        (failure(429, HOUR), 1, HOUR),
        (failure(429), 1, 10 * MINUTE),
        (failure(404), 5, timedelta(0)),
        (failure(FetchProblem.REFUSED), 1, timedelta(0)),
    ],
)
def test_a_host_in_trouble_is_left_alone(failed: FetchFailed, failures: int, rest: timedelta) -> None:
    """Longer each time, and as long as it asks for; a page that is not there is no trouble of the host's."""
    assert host_rest(failed, failures=failures) == rest


@pytest.mark.parametrize(
    ("failed", "told"),
    [
        (failure(404), "HTTP 404 Not Found"),
        (failure(403), "HTTP 403 Forbidden: the site wants a login or payment, or refuses programs"),
        (failure(429), "HTTP 429 Too Many Requests: the site wants fewer requests"),
        (failure(599), "HTTP 599"),
        (failure(FetchProblem.DNS), "in words"),
        (
            failure(FetchProblem.TOO_LARGE),
            "the page is larger than 5 MB, or than polling.max_download and max_body allow",
        ),
    ],
)
def test_failures_are_told_of_a_page_not_of_a_feed(failed: FetchFailed, told: str) -> None:
    """The advice for a feed's URL would mislead."""
    assert explain_failure(failed) == told


@pytest.mark.parametrize(
    ("url", "is_own"),
    [
        ("https://example.org/page", True),
        ("https://EXAMPLE.org:443/page", True),
        ("http://example.org/page", False),
        ("https://example.org:8443/page", False),
        ("https://www.example.org/page", False),
        ("https://example.org.evil.example/page", False),
        ("https://other.example/https://example.org/", False),
    ],
)
def test_a_login_goes_to_the_feeds_own_origin_only(url: str, is_own: bool) -> None:
    """Scheme, host and port must be the feed's; others get our name and the way to them."""
    options = FeedOptions(
        user_agent="me", headers=(("X-Key", "k"),), username="u", password="p", token="t", proxy="http://proxy:3128"
    )
    told = options_for(url, feed_url="https://example.org/feed", options=options)
    assert told == (options if is_own else FeedOptions(user_agent="me", proxy="http://proxy:3128"))
