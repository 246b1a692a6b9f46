"""When a route speaks: digests by cron in a time zone, and quiet hours. Pure.

Local times that a change of the clocks skips happen at the moment of the change's end, those that come twice the first
time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from apscheduler.triggers.cron import CronTrigger

from monitor.tomlfile import did_you_mean

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAMED_DAYS = {"daily": DAYS, "weekdays": DAYS[:5], "weekends": DAYS[5:]}
_CLOCK = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")
# Of a day of the week in cron; not the 2 of "*/2".
_DAY_NUMBER = re.compile(r"(?<![/\d])[0-7](?!\d)")
_MANY = 20

DIGEST_HINT = 'write "weekdays 07:30", "daily 08:00,18:00", "mon,thu 09:00", or five cron fields: "30 7 * * mon-fri"'
QUIET_HINT = 'write "22:00-07:00", or with days "sat,sun 00:00-24:00"; a span over midnight belongs to its first day'


def parse_zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name.

    Raises:
        ValueError: there is none, and what was meant perhaps.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = did_you_mean(name, available_timezones()) or 'a name is such as "Europe/London"'
        raise ValueError(f"there is no time zone {name!r}; {hint}") from None


@dataclass(frozen=True, slots=True)
class Digest:
    """The moments of a digest.

    Attributes:
        text: As the user wrote it.
        crons: Five fields each; days of the week by name, because APScheduler counts them from Monday and cron from
            Sunday.
    """

    text: str
    crons: tuple[str, ...]

    def following(self, after: datetime, zone: ZoneInfo) -> datetime | None:
        """The first moment after `after`, aware UTC; None where there is none ("0 0 30 2 *")."""
        found = [_following(cron, after, zone) for cron in self.crons]
        return min((moment for moment in found if moment is not None), default=None)


DAILY: Final = Digest(text="daily 08:00", crons=("0 8 * * *",))
"""For what is to come by digest on a route that has none."""


def _following(cron: str, after: datetime, zone: ZoneInfo) -> datetime | None:
    trigger = CronTrigger.from_crontab(cron, timezone=zone)
    at = trigger.get_next_fire_time(None, (after + timedelta(microseconds=1)).astimezone(zone))
    while at is not None and at.astimezone(UTC).astimezone(zone).fold:  # a local time that comes again
        at = trigger.get_next_fire_time(at, at)
    return None if at is None else at.astimezone(UTC)


def parse_digest(text: str) -> Digest:
    """Read `digest` of a route.

    Raises:
        ValueError: what is wrong, and what would be right.
    """
    words = text.strip().lower().split()
    if len(words) == 2:
        days = ",".join(_days(words[0], DIGEST_HINT))
        times = [_clock(each, DIGEST_HINT) for each in words[1].split(",")]
        return Digest(text=text, crons=tuple(f"{at.minute} {at.hour} * * {days}" for at in times))
    if len(words) != 5:
        raise ValueError(f"{text!r} is no digest; {DIGEST_HINT}")
    cron = " ".join([*words[:4], _named_days(words[4])])
    try:
        CronTrigger.from_crontab(cron, timezone=UTC)
    except ValueError as error:
        raise ValueError(f"{text!r} is no cron line ({error}); {DIGEST_HINT}") from None
    return Digest(text=text, crons=(cron,))


def _named_days(field: str) -> str:
    """Numbers of days as cron counts them (0 and 7 are Sunday) as names, and a span over Sunday as two."""
    named = _DAY_NUMBER.sub(lambda found: DAYS[(int(found[0]) - 1) % 7], field)
    spans = []
    for part in named.split(","):
        first, dash, last = part.partition("-")
        if dash and first in DAYS and last in DAYS and DAYS.index(first) > DAYS.index(last):
            spans += [f"{first}-sun", f"mon-{last}"]
        else:
            spans.append(part)
    return ",".join(spans)


def _days(text: str, hint: str) -> tuple[str, ...]:
    if text in _NAMED_DAYS:
        return _NAMED_DAYS[text]
    days: list[str] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if first not in DAYS or (dash and last not in DAYS):
            raise ValueError(f"{part!r} names no days; {hint}")
        start, end = DAYS.index(first), DAYS.index(last or first)
        days += [DAYS[number % 7] for number in range(start, end + 1 + (7 if end < start else 0))]
    return tuple(dict.fromkeys(days))


def _clock(text: str, hint: str) -> time:
    found = _CLOCK.fullmatch(text)
    if found is None or found[1] == "24":
        raise ValueError(f"{text!r} is no time of day; {hint}")
    return time(int(found[1]), int(found[2]))


# ---------------------------------------------------------------------------------------------------------- quiet hours


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours of some days. Where `end` is not after `begin`, the hours end on the next day.

    Attributes:
        text: As the user wrote it.
        end: None: the end of the day.
    """

    text: str
    days: tuple[str, ...]
    begin: time
    end: time | None

    def until(self, at: datetime, zone: ZoneInfo) -> datetime | None:
        """When the hours in which `at` lies are over, aware UTC; None where it lies in none."""
        today = at.astimezone(zone).date()
        for day in (today - timedelta(days=1), today):
            if DAYS[day.weekday()] in self.days:
                begin, end = _moment(day, self.begin, zone), self._end(day, zone)
                if begin <= at < end:
                    return end
        return None

    def _end(self, day: date, zone: ZoneInfo) -> datetime:
        if self.end is None or self.end <= self.begin:
            day += timedelta(days=1)
        return _moment(day, self.end or time(0), zone)


def _moment(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)


def parse_quiet(text: str) -> Quiet:
    """Read one item of `quiet` of a route.

    Raises:
        ValueError: what is wrong, and what would be right.
    """
    words = text.strip().lower().split()
    if len(words) not in {1, 2}:
        raise ValueError(f"{text!r} are no quiet hours; {QUIET_HINT}")
    days = _days(words[0], QUIET_HINT) if len(words) == 2 else DAYS
    begin, dash, end = words[-1].partition("-")
    if not dash:
        raise ValueError(f"{text!r} are no quiet hours; {QUIET_HINT}")
    first = _clock(begin, QUIET_HINT)
    last = None if end == "24:00" else _clock(end, QUIET_HINT)
    return Quiet(text=text, days=days, begin=first, end=last)


def quiet_until(spans: tuple[Quiet, ...], at: datetime, zone: ZoneInfo) -> datetime | None:
    """When it is no longer quiet, aware UTC; None where it is not quiet at `at`. Spans that touch are one.

    Hours that never end (all days, all hours) are taken to end after twenty of them.
    """
    end: datetime | None = None
    for _ in range(_MANY):
        found = [until for span in spans if (until := span.until(end or at, zone)) is not None]
        if not found:
            break
        end = max(found)
    return end
