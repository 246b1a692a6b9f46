"""What a feed says about how it wants to be read, as it stands there, to `FeedHints`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from monitor.model import FeedHints
from monitor.parse.items import absolute_link

_LONGEST = timedelta(days=31)
_PERIODS = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(days=1),
    "weekly": timedelta(weeks=1),
    "monthly": timedelta(days=30),
    "yearly": timedelta(days=365),
}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(slots=True, kw_only=True)
class Hinted:
    """The elements' texts; all may hold nonsense.

    Attributes:
        ttl: Minutes (RSS 2.0).
        period: A word, as in `sy:updatePeriod` (https://web.resource.org/rss/1.0/modules/syndication/).
        frequency: How often in that period.
        hours: RSS 2.0 `skipHours`, 0 to 23; the 24 of RSS 0.91 is midnight.
        days: RSS 2.0 `skipDays`, by their English names.
        hubs: WebSub section 4, the best first; the first that is a URL counts, as with `topics`.
    """

    ttl: str = ""
    period: str = ""
    frequency: str = ""
    hours: list[str] = field(default_factory=list)
    days: list[str] = field(default_factory=list)
    hubs: list[str] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)

    def hints(self, url: str) -> FeedHints:
        """What can be believed of it; relative addresses are resolved against `url`. Spans end at 31 days."""
        hours = {int(text) % 24 for text in map(str.strip, self.hours) if _number(text) is not None and int(text) <= 24}
        days = {_DAYS.index(name) for name in (text.strip().lower() for text in self.days) if name in _DAYS}
        return FeedHints(
            ttl=self._ttl(),
            period=self._period(),
            skip_hours=tuple(sorted(hours)),
            skip_days=tuple(sorted(days)),
            hub=_first_url(self.hubs, url),
            topic=_first_url(self.topics, url),
        )

    def _ttl(self) -> timedelta | None:
        minutes = _number(self.ttl.strip())
        return min(timedelta(minutes=minutes), _LONGEST) if minutes else None

    def _period(self) -> timedelta | None:
        period = _PERIODS.get(self.period.strip().lower())
        if period is None:
            return None
        times = _number(self.frequency.strip()) or 1
        return max(min(period / times, _LONGEST), timedelta(seconds=1))


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def _first_url(links: list[str], base: str) -> str:
    return next(filter(None, (absolute_link(link, base) for link in links if link)), "")
