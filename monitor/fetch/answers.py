"""What the head of an answer says: how long it is fresh, what it is, why there is no feed in it. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from monitor.durations import in_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MAX_VALIDATOR = 2_000  # characters; a longer one is not worth keeping
_FRESH_CAP = timedelta(days=365)
_SINGLE = frozenset(
    {"age", "content-length", "content-type", "date", "etag", "expires", "last-modified", "location", "retry-after"}
)
_CHALLENGES = frozenset({"challenge", "captcha"})


def header_fields(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Header fields by lower-case name, bytes as Latin-1.

    One that comes more than once is a list (RFC 9110 section 5.3), or the first that is not empty where it cannot be.
    """
    fields: dict[str, str] = {}
    for key, value in raw:
        name, text = key.decode("latin-1").lower(), value.decode("latin-1")
        if known := fields.get(name):
            text = known if name in _SINGLE else f"{known}, {text}"
        fields[name] = text
    return fields


def in_utf8(value: str) -> str:
    """A field's value read as UTF-8, if it is that: what servers mean by letters in a Location."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeDecodeError:
        return value


def validator(fields: Mapping[str, str], name: str) -> str | None:
    """An ETag or Last-Modified as it came; None: there is none that could be sent back."""
    value = fields.get(name)
    if not value or len(value) > _MAX_VALIDATOR or any(char < " " or char == "\x7f" for char in value):
        return None
    return value


def fresh_for(fields: Mapping[str, str], now: datetime) -> timedelta | None:
    """How long the answer stays fresh from now on, at most a year (RFC 9111 section 4.2).

    max-age less Age, else Expires less Date; 0 for no-store, no-cache, and what is there and cannot be read (section
    4.2.1); None: it says nothing.
    """
    directives = _directives(fields.get("cache-control", ""))
    if not directives.keys().isdisjoint({"no-store", "no-cache"}):
        return timedelta(0)
    if "max-age" in directives:
        lifetime = timedelta(seconds=_seconds(directives["max-age"]))
    elif "expires" in fields:
        expires = _date(fields["expires"])
        lifetime = expires - (_date(fields.get("date", "")) or now) if expires else timedelta(0)
    else:
        return None
    return min(max(lifetime - timedelta(seconds=_seconds(fields.get("age", ""))), timedelta(0)), _FRESH_CAP)


def is_feed_delta(fields: Mapping[str, str]) -> bool:
    """Whether a 226 holds the new entries of a feed, and nothing else was done to it (RFC 3229 section 10.5.2)."""
    return [part.partition(";")[0].strip().lower() for part in fields.get("im", "").split(",")] == ["feed"]


def explain_status(
    status: int, fields: Mapping[str, str] | None = None, *, retry_after: timedelta | None = None
) -> str:
    """One line for a person about an answer without a feed, with the way out where there is one."""
    fields = fields or {}
    named = _named(status)
    if guard := _bot_guard(fields):
        return f"{guard} asks for a proof that a person is there ({named}): {_LET_IN}"
    known = _KNOWN.get(status)
    if status == 403 and fields.get("server", "").strip().lower() == "cloudflare":
        return f"refused by Cloudflare, which stands before the site ({named}): {_LET_IN}"
    if known is not None:
        return known.format(named)
    wish = f"; it wants to be left alone for {in_words(retry_after)}" if retry_after else ""
    if status == 429:
        return f"asked too often ({named}){wish}"
    if 520 <= status <= 527:
        return f"Cloudflare cannot reach the site behind it ({named}){wish}"
    if status >= 500:
        return f"the server has a problem ({named}){wish}"
    if 300 <= status < 400:
        return f"answered {named} without saying where to: a fault of the server"
    return f"answered {named}: check the feed's url"


_LET_IN = "set the feed's user_agent, or ask the publisher to let this service in"

_KNOWN = {
    204: "answered without a document ({}): check the feed's url",
    205: "answered without a document ({}): check the feed's url",
    226: "answered a part of something ({}) that was not asked for: a fault of the server",
    304: "answered 304 Not Modified to a request that did not ask for that: a fault of the server",
    401: "wants a login ({}): set the feed's username and password, or its token",
    402: "wants to be paid ({}): ask the publisher for a login or token, and set it for the feed",
    403: "refused ({}): the site may block unknown clients (set user_agent) or want a login (username and password, "
    "or token)",
    404: "no such page ({}): check the feed's url",
    406: "has nothing that we take ({}): check the feed's url, or set another Accept in the feed's headers",
    407: "the proxy wants a login ({}): put it into the proxy's URL",
    410: "gone for good, says the publisher ({}): remove the feed",
    451: "withheld for legal reasons ({}), perhaps only where this machine is: ask the publisher, or set a proxy",
}


def _bot_guard(fields: Mapping[str, str]) -> str:
    """Who answers in the site's place with a page for browsers; "": nobody that is known."""
    if fields.get("cf-mitigated", "").strip().lower() in _CHALLENGES:
        return "Cloudflare"
    if fields.get("x-amzn-waf-action", "").strip().lower() in _CHALLENGES:
        return "the site's firewall (AWS WAF)"
    if "x-datadome" in fields:
        return "the site's bot filter (DataDome)"
    return ""


def _directives(text: str) -> dict[str, str]:
    """Cache-Control by lower-case name, quotes taken off; of two the first (RFC 9111 section 4.2.1)."""
    found: dict[str, str] = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        found.setdefault(name.strip().lower(), value.strip().strip('"'))
    return found


def _seconds(text: str) -> int:
    """delta-seconds (RFC 9111 section 1.2.2), at most 2^31; what is none counts as 0."""
    text = text.strip()
    return min(int(text[:11]), 2**31) if text.isascii() and text.isdigit() else 0


def _date(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _named(status: int) -> str:
    """With the standard's phrase; the server's own is text from outside."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
