"""When and how a feed is asked: request headers, the next poll, and what an HTTP status means to a person. Pure."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from monitor.model import FetchFailed, FetchProblem

if TYPE_CHECKING:
    from monitor.model import Feed

_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml, "
    "application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1"
)

_NETWORK = frozenset({FetchProblem.DNS, FetchProblem.CONNECT, FetchProblem.TLS, FetchProblem.TIMEOUT})
_NETWORK_FIRST = timedelta(minutes=1)
_NETWORK_CAP = timedelta(hours=1)
_ERROR_CAP = timedelta(hours=24)
_RETRY_AFTER_CAP = timedelta(days=7)
_JITTER = 0.1
_MAX_DOUBLINGS = 20  # enough to reach every cap; keeps the product small


def request_headers(feed: Feed, *, user_agent: str) -> dict[str, str]:
    """Headers of the conditional GET: validators byte for byte (RFC 9110 section 13.1); no cookie, no referer.

    Accept-Encoding never changes, because some servers make another ETag for every encoding. It names only what
    `monitor.fetch.decode` can bound.
    """
    headers = {"User-Agent": user_agent, "Accept": _ACCEPT, "Accept-Encoding": "gzip, deflate"}
    if feed.etag:
        headers["If-None-Match"] = feed.etag
    if feed.last_modified:
        headers["If-Modified-Since"] = feed.last_modified
    return headers


def next_poll(feed: Feed, failure: FetchFailed | None, *, now: datetime) -> datetime:
    """When to ask again after the poll at `now`, which ended in `failure` or well; `feed` is as it was before that.

    After success: the feed's interval. After trouble on the way (DNS, connection, TLS, time-out): one minute,
    doubled up to an hour. After an error of the server or its document: the interval, doubled up to a day, at once a
    day for 410, and never before Retry-After. 0 to 10 % are added, always the same for the same feed and time.
    """
    doublings = min(feed.failures, _MAX_DOUBLINGS)
    match failure:
        case None:
            wait = feed.interval
        case FetchFailed(problem=problem) if problem in _NETWORK:
            wait = min(_NETWORK_FIRST * (1 << doublings), _NETWORK_CAP)
        case FetchFailed(status=HTTPStatus.GONE):
            wait = max(feed.interval, _ERROR_CAP)
        case _:
            retry_after = failure.retry_after
            wait = max(_after_error(feed.interval, doublings), min(retry_after or timedelta(0), _RETRY_AFTER_CAP))
    return now + wait + wait * _jitter(feed.url, now)


def parse_retry_after(value: str | None, now: datetime) -> timedelta | None:
    """Seconds or an HTTP-date (RFC 9110 section 10.2.3) as a span from `now`, 0 to 7 days; None: it is neither."""
    value = (value or "").strip()
    if value.isascii() and value.isdigit():
        return timedelta(seconds=min(int(value[:10]), int(_RETRY_AFTER_CAP.total_seconds())))
    try:
        at = parsedate_to_datetime(value)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
        return min(max(at - now, timedelta(0)), _RETRY_AFTER_CAP)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def explain_status(status: int, *, retry_after: timedelta | None = None) -> str:
    """One line for a person about an answer without a feed, with the way out where there is one."""
    match status:
        case 401 | 403:
            hint = "the site may block unknown clients (set polling.user_agent) or want a login"
            return f"refused ({_named(status)}): {hint}"
        case 404:
            return f"no such page ({_named(status)}): check the feed's url"
        case 410:
            return f"gone for good, says the publisher ({_named(status)}): remove the feed"
        case 429:
            return f"asked too often ({_named(status)}){_wish(retry_after)}"
        case _ if status >= 500:
            return f"the server has a problem ({_named(status)}){_wish(retry_after)}"
        case 204 | 205:
            return f"answered without a document ({_named(status)}): check the feed's url"
        case 304:
            return "answered 304 Not Modified to a request that did not ask for that: a fault of the server"
        case _:
            return f"answered {_named(status)}: check the feed's url"


def _after_error(interval: timedelta, doublings: int) -> timedelta:
    if interval >= _ERROR_CAP:
        return interval
    return min(interval * (1 << doublings), _ERROR_CAP)


def _jitter(url: str, now: datetime) -> float:
    digest = hashlib.sha256(f"{url} {now.isoformat()}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:4]) / 2**32 * _JITTER


def _named(status: int) -> str:
    """With the standard's phrase; the server's own is text from outside."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _wish(retry_after: timedelta | None) -> str:
    return f"; it wants to be left alone for {int(retry_after.total_seconds())} s" if retry_after else ""
