"""How a feed is asked: request headers. Pure."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import chain
from typing import TYPE_CHECKING

from monitor.model import NO_OPTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.model import Feed, FeedOptions

_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml, "
    "application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1"
)

RETRY_AFTER_CAP = timedelta(days=7)


def request_headers(feed: Feed, options: FeedOptions = NO_OPTIONS, *, user_agent: str) -> dict[str, str]:
    """Headers of the conditional GET: validators byte for byte (RFC 9110 section 13.1); no cookie, no referer.

    Accept-Encoding never changes, because some servers make another ETag for every encoding. It names only what
    `monitor.fetch.decode` can bound. A-IM asks for the new entries alone (RFC 3229), which needs to be said beside what
    is known.
    """
    headers = plain_headers(options.user_agent or user_agent)
    if feed.etag:
        headers["If-None-Match"] = feed.etag
        headers["A-IM"] = "feed"
    if feed.last_modified:
        headers["If-Modified-Since"] = feed.last_modified
    return headers


def plain_headers(user_agent: str, accept: str = "") -> dict[str, str]:
    """Headers of any GET; `accept`: "" as for a feed."""
    return {"User-Agent": user_agent, "Accept": accept or _ACCEPT, "Accept-Encoding": "gzip, deflate, br"}


def own_headers(headers: Mapping[str, str], options: FeedOptions, *, login: str = "") -> dict[str, str]:
    """`headers` with what is only for the origin of the feed's own URL: its login and the user's headers.

    Args:
        login: Authorization made from the URL; what `options` say goes before.
    """
    merged = dict(headers)
    if options.token:
        merged["Authorization"] = f"Bearer {options.token}"
    elif options.username:
        merged["Authorization"] = basic_login(options.username, options.password)
    elif login:
        merged["Authorization"] = login
    for name, value in options.headers:
        replaced = [known for known in merged if known.lower() == name.lower()]
        for known in replaced:
            del merged[known]
        merged[name] = value
    return merged


def basic_login(username: str, password: str) -> str:
    """The Authorization header of HTTP Basic, in UTF-8 (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")


def request_key(feed: Feed, options: FeedOptions) -> str:
    """8 hex digits made from what may change the answer besides the URL: who asks, headers, login; "": nothing is set.

    Validators count for one key only. It is so short because it is stored, and made from secrets among others.
    """
    if "@" not in feed.url and not (options.user_agent or options.headers or options.username or options.token):
        return ""
    login = feed.url.partition("://")[2].partition("/")[0].rpartition("@")[0]
    parts = (options.user_agent, *chain(*options.headers), options.username, options.password, options.token, login)
    if not any(parts):
        return ""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:8]


def parse_retry_after(value: str | None, now: datetime) -> timedelta | None:
    """Seconds or an HTTP-date (RFC 9110 section 10.2.3) as a span from `now`, 0 to 7 days; None: it is neither."""
    value = (value or "").strip()
    if value.isascii() and value.isdigit():
        return timedelta(seconds=min(int(value[:10]), int(RETRY_AFTER_CAP.total_seconds())))
    try:
        at = parsedate_to_datetime(value)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
        return min(max(at - now, timedelta(0)), RETRY_AFTER_CAP)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
