"""Durations as people write them: "30s", "10m", "1h30m"."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[smhdw])+")
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
DURATION_HINT = 'write a number and a unit: "30s", "10m", "1h30m", "2d"'


def parse_duration(value: object) -> timedelta:
    """Read "30s", "10m", "1h30m", "2d", "1w"; a number without a unit is refused, because people disagree about it.

    Raises:
        ValueError: With the forms that would be right.
    """
    if isinstance(value, timedelta):
        return value
    text = str(value).strip().lower().replace(" ", "") if isinstance(value, str) else ""
    if not _DURATION.fullmatch(text):
        raise ValueError(f"{value!r} is no duration; {DURATION_HINT}")
    try:
        return sum(
            (timedelta(**{_UNITS[unit]: float(number)}) for number, unit in _DURATION_PART.findall(text)), timedelta()
        )
    except OverflowError:
        raise ValueError(f"{value!r} is too long for a duration") from None


def format_duration(span: timedelta) -> str:
    """The shortest text that `parse_duration` reads back to the same second: "10m", "1h30m", "1d"."""
    seconds = span.total_seconds()
    if seconds != int(seconds) or seconds < 1:
        return f"{seconds:g}s"
    rest, parts = int(seconds), []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


_WORDS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def in_words(span: timedelta) -> str:
    """About how long, for people: "4 days", "1 hour", "90 minutes". A unit is used from 2 of it on, or at exactly 1."""
    seconds = max(0.0, span.total_seconds())
    for name, size in _WORDS:
        count = round(seconds / size)
        if seconds >= 2 * size or size in (seconds, 1):
            return f"{count} {name}" if count == 1 else f"{count} {name}s"
    raise AssertionError("a second is the last unit")
