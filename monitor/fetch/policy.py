"""How a feed is asked: request headers, and what an HTTP status means to a person. Pure."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.model import Feed, FeedOptions

_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml, "
    "application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1"
)

_RETRY_AFTER_CAP = timedelta(days=7)


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


def request_key(feed: Feed, options: FeedOptions) -> str:
    """8 hex digits made from what may change the answer besides the URL: who asks, headers, login; "": nothing is set.

    Validators count for one key only. It is so short because it is stored, and made from secrets among others.
    """
    login = feed.url.partition("://")[2].partition("/")[0].rpartition("@")[0]
    parts = (options.user_agent, *chain(*options.headers), options.username, options.password, options.token, login)
    if not any(parts):
        return ""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:8]


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


def _named(status: int) -> str:
    """With the standard's phrase; the server's own is text from outside."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _wish(retry_after: timedelta | None) -> str:
    return f"; it wants to be left alone for {int(retry_after.total_seconds())} s" if retry_after else ""
