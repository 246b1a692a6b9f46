"""Dates as feeds write them: RFC 822/2822/5322, ISO 8601/RFC 3339/W3C-DTF, and what feedparser knows beside these."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz
from functools import lru_cache
from typing import TYPE_CHECKING

from feedparser.datetimes.greek import _parse_date_greek
from feedparser.datetimes.hungarian import _parse_date_hungarian
from feedparser.datetimes.korean import _parse_date_nate, _parse_date_onblog
from feedparser.datetimes.rfc822 import _parse_date_rfc822

if TYPE_CHECKING:
    from collections.abc import Callable
    from time import struct_time

_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=1)
_LONGEST = 100  # characters; no date is longer, whatever the language

_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: number for number, name in enumerate(_NAMES, start=1)}
_USUAL = re.compile(
    rf"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), ([0-9]{{1,2}}) ({'|'.join(_NAMES)}) ((?:19|20)[0-9]{{2}})"
    r" ([0-9]{2}):([0-9]{2}):([0-9]{2}) (?:GMT|UTC|([+-])([0-9]{2})([0-9]{2}))"
)
_ISO = re.compile(r"\d{4}(?:-?\d\d(?:-?\d\d(?:[T ].*)?)?)?", re.IGNORECASE)
_SPACED_OFFSET = re.compile(r"\s+(Z|UTC|GMT|[+-]\d\d:?\d\d)$", re.IGNORECASE)
_LEAP_SECOND = re.compile(r"(?<=:\d\d):60\b")
_SLASHED = re.compile(r"^(\d{4})/(\d\d)/(\d\d)\b")
# email.utils reads the year 0001, .NET's "no date", as 2001.
_YEAR_ZERO = re.compile(r"[A-Za-z]{3,}\.?[ ,-]+00\d\d\b")
_ZONE_OFFSET = re.compile(r"\b(?:GMT|UTC|UT)\s*([+-])(\d{1,2})(?::?(\d\d))?$", re.IGNORECASE)
_ZONE_NAME = re.compile(r"(?<=[\d ])([A-Z]{2,5})$")

# RFC 822 knows the American zones only; these are unambiguous in practice. Anything else reads as UTC.
_ZONES = {
    "WET": "+0000", "WEST": "+0100", "BST": "+0100", "CET": "+0100", "MET": "+0100", "CEST": "+0200", "MEST": "+0200",
    "EET": "+0200", "SAST": "+0200", "EEST": "+0300", "MSK": "+0300", "PKT": "+0500", "IST": "+0530", "HKT": "+0800",
    "SGT": "+0800", "AWST": "+0800", "JST": "+0900", "KST": "+0900", "ACST": "+0930", "AEST": "+1000", "AEDT": "+1100",
    "NZST": "+1200", "NZDT": "+1300", "AKST": "-0900", "AKDT": "-0800", "HST": "-1000", "BRT": "-0300",
}  # fmt: skip

# feedparser's readers for what is left: "Sept 5, 2024 10:00 EDT" and three languages. Its ISO reader is not among them:
# it takes the 30th of February for the 1st of March.
_HANDLERS: tuple[Callable[[str], struct_time | None], ...] = (
    _parse_date_rfc822,
    _parse_date_hungarian,
    _parse_date_greek,
    _parse_date_nate,
    _parse_date_onblog,
)


def parse_date(text: str, *, now: datetime) -> datetime | None:
    """Aware UTC, or None for what is no date or an absurd one: before 1990, or more than a day after `now`.

    A time without a zone is taken as UTC. Bare numbers (epoch seconds) are refused: no feed format has them.
    """
    if not text or len(text) > 4 * _LONGEST:
        return None
    at = _read(text)
    return at if at is not None and _EARLIEST <= at <= now + _AHEAD else None


@lru_cache(maxsize=1024)
def _read(text: str) -> datetime | None:
    """Whatever date it is, in UTC. Remembered, because the dates of a feed are mostly those of its last poll."""
    text = " ".join(text.split())
    usual = _USUAL.fullmatch(text)
    if usual is not None and (at := _usual(usual)) is not None:
        return at
    if not text or len(text) > _LONGEST or (text.isdigit() and len(text) not in (4, 8)) or _YEAR_ZERO.search(text):
        return None
    found = _iso(text) or _rfc822(text) or _other(text)
    try:
        return found.astimezone(UTC) if found is not None else None
    except OverflowError:  # the year 9999, west of Greenwich
        return None


def _usual(found: re.Match[str]) -> datetime | None:
    """The form that most feeds use: "Mon, 23 Nov 2026 11:00:00 +0100"."""
    day, month, year, hour, minute, second, sign, hours, minutes = found.groups()
    try:
        at = datetime(int(year), _MONTHS[month], int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    except ValueError:
        return None
    if sign is None:
        return at
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return at - offset if sign == "+" else at + offset


def _iso(text: str) -> datetime | None:
    text = _LEAP_SECOND.sub(":59", _SLASHED.sub(r"\1-\2-\3", text))
    text = _SPACED_OFFSET.sub(lambda zone: zone[1] if zone[1][0] in "+-" else "Z", text)
    if not _ISO.fullmatch(text):
        return None
    if len(text) in (4, 7):  # W3C-DTF: YYYY, YYYY-MM
        text += "-01-01"[: 10 - len(text)] if len(text) == 4 else "-01"
    try:
        return _aware(datetime.fromisoformat(text.upper()))
    except ValueError:
        return None


def _rfc822(text: str) -> datetime | None:
    text = _ZONE_OFFSET.sub(lambda m: f"{m[1]}{int(m[2]):02}{m[3] or '00'}", _LEAP_SECOND.sub(":59", text))
    text = _ZONE_NAME.sub(lambda m: _ZONES.get(m[1], m[1]), text)
    try:
        parts = parsedate_tz(text)
        if parts is None:
            return None
        return datetime(*parts[:6], tzinfo=UTC) - timedelta(seconds=parts[9] or 0)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def _other(text: str) -> datetime | None:
    for handler in _HANDLERS:
        try:
            parts = handler(text.replace(",", " ") if handler is _parse_date_rfc822 else text)
            if parts is not None:
                return datetime(*parts[:6], tzinfo=UTC)
        except (KeyError, OverflowError, ValueError, AttributeError):
            continue
    return None


def _aware(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
