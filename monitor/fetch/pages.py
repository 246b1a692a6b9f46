"""How a page that an entry links to is asked for, and when again after a failure. Pure."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from monitor.model import FeedOptions, FetchProblem

if TYPE_CHECKING:
    from datetime import datetime

    from monitor.model import FetchFailed

ACCEPT: Final = "text/html, application/xhtml+xml, */*;q=0.1"
MAX_BYTES: Final = 5_000_000
GIVE_UP_AFTER: Final = timedelta(hours=24)
"""From the moment the entry came; what is news is old by then."""

_WAITS = (timedelta(minutes=10), timedelta(minutes=45))
_TOO_MANY_WAIT = timedelta(minutes=10)
_REST_FIRST = timedelta(minutes=1)
_REST_CAP = timedelta(hours=1)
_MAX_DOUBLINGS = 10
_PASSING = frozenset(
    {FetchProblem.DNS, FetchProblem.CONNECT, FetchProblem.TLS, FetchProblem.TIMEOUT, FetchProblem.PROTOCOL}
)
_OWN_PORT = {"http": 80, "https": 443}


def options_for(url: str, *, feed_url: str, options: FeedOptions) -> FeedOptions:
    """What goes along with a request for a page: all that the feed has for its own origin (RFC 6454 section 4).

    Anybody else sees neither login nor headers.
    """
    if _origin(url) == _origin(feed_url):
        return options
    return FeedOptions(user_agent=options.user_agent, proxy=options.proxy, http2=options.http2)


def next_try(failure: FetchFailed, *, attempts: int, wanted_at: datetime, now: datetime) -> datetime | None:
    """When to ask for a page again after a failure; None: never.

    Trouble on the way and 5xx: twice more, after 10 and 45 minutes. 429: after its Retry-After (RFC 6585 section 4),
    else 10 minutes. Anything else, 4xx first of all, will not be better the next time. Nothing is asked for more than a
    day after `wanted_at`.

    Args:
        attempts: How many there were, the one that failed included.
    """
    if failure.status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = _TOO_MANY_WAIT if failure.retry_after is None else failure.retry_after
    elif _may_pass(failure) and attempts <= len(_WAITS):
        wait = max(_WAITS[attempts - 1], failure.retry_after or timedelta(0))
    else:
        return None
    at = now + wait
    return at if at <= wanted_at + GIVE_UP_AFTER else None


def host_rest(failure: FetchFailed, *, failures: int) -> timedelta:
    """How long no page of this host is asked for after a failure; 0 where it was the page's alone.

    Args:
        failures: How many there were in a row at this host, this one included, ≥ 1.
    """
    asked = failure.retry_after or timedelta(0)
    if failure.status == HTTPStatus.TOO_MANY_REQUESTS:
        return asked or _TOO_MANY_WAIT
    if _may_pass(failure):
        return max(asked, min(_REST_FIRST * (1 << min(failures - 1, _MAX_DOUBLINGS)), _REST_CAP))
    return timedelta(0)


def explain_failure(failure: FetchFailed) -> str:
    """Why a page was not read, in a line."""
    if failure.problem is FetchProblem.TOO_LARGE:
        return f"the page is larger than {MAX_BYTES // 1_000_000} MB, or than polling.max_download and max_body allow"
    if failure.problem is not FetchProblem.HTTP or failure.status is None:
        return failure.detail
    try:
        named = f"HTTP {failure.status} {HTTPStatus(failure.status).phrase}"
    except ValueError:
        named = f"HTTP {failure.status}"
    match failure.status:
        case 401 | 402 | 403 | 451:
            return f"{named}: the site wants a login or payment, or refuses programs"
        case 429:
            return f"{named}: the site wants fewer requests"
        case _:
            return named


def _may_pass(failure: FetchFailed) -> bool:
    return failure.problem in _PASSING or (failure.status or 0) >= HTTPStatus.INTERNAL_SERVER_ERROR


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _OWN_PORT.get(parts.scheme)
