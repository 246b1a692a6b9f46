"""What a poll teaches of a feed: its rhythm, its silences, entries that were missed, where it has moved. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from monitor.durations import in_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from monitor.model import Feed, Habits, IdKind

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
# Each new entry counts for a tenth of the rhythm, so that about twenty of them make it.
_KEPT: Final = 0.9
_MOST: Final = 20
_LONGEST_KEPT: Final = 0.98
_COUNTED_CAP: Final = 100
_FEWEST: Final = 5  # entries before a rhythm is trusted
_MIN_WINDOW: Final = 3  # entries in a document whose whole replacement means something
_HASTE_CAP: Final = 5
_CALM: Final = timedelta(days=7)
_CONFIRM_POLLS: Final = 3
_CONFIRM_TIME: Final = _DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What a document showed.

    Attributes:
        size: Its entries.
        new: Those that the feed never had before.
        dates: Of its new entries, as far as they have one.
        since: The last good poll; None: there was none.
        first: Whether it is the feed's first one, or stands for it.
        partial: Whether it holds only what is new (RFC 3229).
        late: Whether it was read much later than planned, because the feed was out of order, or the service stopped or
            overloaded: what was missed then says nothing about the interval.
    """

    size: int
    new: int
    dates: Sequence[datetime] = ()
    since: datetime | None = None
    first: bool = False
    partial: bool = False
    late: bool = False


def after_document(habits: Habits, sight: Sight, *, now: datetime) -> tuple[Habits, bool]:
    """What is known after a document, and whether entries may have been missed before it."""
    if sight.first:
        return _first_reading(habits, sight, now), False
    missed = _missed(habits, sight)
    found = habits if sight.partial else replace(habits, size=sight.size)
    if sight.new:
        found = _with_new(found, sight.new, now)
    return _with_haste(found, missed=missed, late=sight.late, now=now), missed


def _first_reading(habits: Habits, sight: Sight, now: datetime) -> Habits:
    """The entries' own dates tell how often they come; later ones count by when they were seen."""
    dates = sorted(date for date in sight.dates if date <= now)[-_MOST - 1 :]
    known = replace(habits, size=sight.size, new_at=dates[-1] if dates else now)
    gaps = [after - before for before, after in pairwise(dates)]
    if len(gaps) < _MIN_WINDOW:
        return known
    return replace(known, rhythm=(dates[-1] - dates[0]) / len(gaps), longest=max(gaps), counted=len(gaps))


def _with_new(habits: Habits, new: int, now: datetime) -> Habits:
    if habits.new_at is None:
        return replace(habits, new_at=now)
    silence = max(now - habits.new_at, timedelta(0))
    gap = silence / new
    rhythm = gap
    if habits.rhythm is not None:
        kept = _KEPT ** min(new, _MOST)
        rhythm = habits.rhythm * kept + gap * (1 - kept)
    longest = max(silence, (habits.longest or timedelta(0)) * _LONGEST_KEPT)
    counted = min(habits.counted + new, _COUNTED_CAP)
    return replace(habits, rhythm=rhythm, longest=longest, counted=counted, new_at=now, stale_at=None)


def _missed(habits: Habits, sight: Sight) -> bool:
    """A poll of a busy feed that shares no entry with those before: what came between the two was never seen.

    One that is older than the last poll was there then, under another name: the feed has changed its ids.
    """
    is_busy = habits.rhythm is not None and habits.rhythm <= _DAY and habits.size >= _MIN_WINDOW
    renamed = sight.since is not None and any(date < sight.since for date in sight.dates)
    is_whole = sight.size >= _MIN_WINDOW and not sight.partial
    return is_busy and is_whole and sight.new == sight.size and not renamed


def _with_haste(habits: Habits, *, missed: bool, late: bool, now: datetime) -> Habits:
    if missed:
        return replace(habits, gap_at=now, haste=habits.haste if late else min(habits.haste + 1, _HASTE_CAP))
    if habits.haste and habits.gap_at is not None and now - habits.gap_at > _CALM:
        # A week without another one: half of the haste is enough.
        return replace(habits, haste=habits.haste - 1, gap_at=now if habits.haste > 1 else None)
    return habits


def turnover(habits: Habits) -> timedelta | None:
    """How long an entry stays in the feed's document, at its usual rhythm; None: not known."""
    if habits.rhythm is None or habits.counted < _FEWEST or habits.size < _MIN_WINDOW:
        return None
    return habits.rhythm * habits.size


def is_stale(habits: Habits, *, now: datetime) -> bool:
    """Whether it is silent for far longer than it ever was of late: ten times its rhythm, twice its longest silence, a
    day at least.
    """
    if habits.rhythm is None or habits.longest is None or habits.new_at is None or habits.counted < _FEWEST:
        return False
    return now - habits.new_at > max(10 * habits.rhythm, 2 * habits.longest, _DAY)


def silence(habits: Habits, *, now: datetime) -> str:
    """ "usually 3 a day, none for 4 days"."""
    quiet = in_words(now - habits.new_at) if habits.new_at is not None else "a long time"
    return f"usually {usual(habits.rhythm)}, none for {quiet}" if habits.rhythm is not None else f"none for {quiet}"


def usual(rhythm: timedelta) -> str:
    """How many entries come in the shortest usual time that has at least one: "3 a day"."""
    for name, span in (("an hour", _HOUR), ("a day", _DAY), ("a week", 7 * _DAY), ("a month", 30 * _DAY)):
        if rhythm <= span:
            return f"{min(round(span / max(rhythm, timedelta(seconds=1))), 999)} {name}"
    return "less than one a month"


_IDS: Final[Mapping[IdKind, str]] = {
    "": "",
    "shared": "different entries have the same id: entries are told apart by id, link and title",
    "links": "its ids change at each poll: entries are told apart by link",
    "titles": "its ids change at each poll: entries are told apart by title and source",
}


def identity(habits: Habits) -> str:
    """What tells the feed's entries apart, where their ids do not, in words; else ""."""
    shared = "different entries have the same link, so that it tells nothing" if habits.shared_links else ""
    return "; ".join(filter(None, (_IDS[habits.ids], shared)))


def after_redirects(feed: Feed, habits: Habits, moved_to: str, *, now: datetime) -> tuple[Habits, str | None]:
    """What is known after an answer to which permanent redirects led, and the address to ask from now on (None: as
    before).

    Args:
        moved_to: Where permanent redirects alone led (RFC 9110 sections 15.4.2 and 15.4.9), or "".

    A change is believed when three polls in a row, over a day, were led to the same place, because permanent redirects
    are often a mistake of an hour; from http to https on the same host it is believed at once.
    """
    if not moved_to or moved_to == feed.address:
        return replace(habits, moving_to="", moving_since=None, moving_polls=0) if habits.moving_to else habits, None
    polls, since = 1, now
    if habits.moving_to == moved_to and habits.moving_since is not None:
        polls, since = habits.moving_polls + 1, habits.moving_since
    if _only_safer(feed.address, moved_to) or (polls >= _CONFIRM_POLLS and now - since >= _CONFIRM_TIME):
        return replace(habits, moving_to="", moving_since=None, moving_polls=0), moved_to
    return replace(habits, moving_to=moved_to, moving_since=since, moving_polls=polls), None


def _only_safer(old: str, new: str) -> bool:
    before, after = urlsplit(old), urlsplit(new)
    return (before.scheme, after.scheme) == ("http", "https") and before.hostname == after.hostname
