"""Rules for silence (`absent_for`): that nothing has matched for so long, told once. Pure.

Silence is known only as far as the feeds have been read. So it is told when every feed that the rule looks at has been
read since it became long enough. Those that fail are not waited for, and are named; where all of them fail there is no
silence but a failure, of which the operators hear.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from monitor.alerts.ids import made_id, new_delivery
from monitor.alerts.routing import Subject, place, silence_for
from monitor.durations import in_words
from monitor.model import Alert, AlertId, Excerpt, Feed, Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.alerts.routing import Routing
    from monitor.model import CountedMatch, NewDelivery, Silence

_NAMED: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A rule for silence, as far as its alert needs it.

    Attributes:
        since: When it became live as it is.
    """

    rule: str
    title: str
    severity: Severity
    channels: tuple[str, ...]
    file: str
    absent_for: timedelta
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the feeds of a rule have let it hear.

    Attributes:
        until: When the last of those that work was read; None: one never was, or none works.
        failing: Those that do not.
        next_at: When all of those that work are to have been read again.
    """

    until: datetime | None
    failing: tuple[Feed, ...]
    next_at: datetime


def hear(feeds: Sequence[Feed], *, failures: int, now: datetime) -> Heard:
    """Until when these feeds have been listened to.

    Args:
        failures: From so many failed polls in a row on a feed is one that fails.
    """
    failing, working = list[Feed](), list[Feed]()
    for feed in feeds:
        (failing if feed.gone_at is not None or feed.failures >= failures else working).append(feed)
    times = [_heard(feed, now) for feed in working]
    known = [at for at in times if at is not None]
    return Heard(
        until=min(known) if known and len(known) == len(times) else None,
        failing=tuple(failing),
        next_at=max((feed.next_poll_at for feed in working), default=now),
    )


def _heard(feed: Feed, now: datetime) -> datetime | None:
    """A hub tells of news by itself, so its feed is heard without being read."""
    if feed.push_until is not None and feed.push_until > now and not feed.failures:
        return now
    return feed.ok_at


def silent_since(watch: Watch, last: CountedMatch | None) -> datetime:
    """When its silence began: with the last match, or with the rule."""
    return watch.since if last is None else max(watch.since, last.counts_at)


def absence(
    watch: Watch,
    last: CountedMatch | None,
    *,
    feeds: Sequence[Feed],
    heard: Heard,
    routing: Routing,
    silences: Sequence[Silence],
    now: datetime,
) -> tuple[Alert, tuple[NewDelivery, ...]]:
    """The alert, and where it goes. Its id is made of when the silence began, so it is told once.

    Args:
        last: The rule's last match; None: there never was one.
        feeds: Those that the rule looks at.
    """
    alert = Alert(
        id=AlertId(made_id("absent", watch.rule, silent_since(watch, last).isoformat())),
        rule=watch.rule,
        rule_title=watch.title,
        severity=watch.severity,
        feed=feeds[0].name if len(feeds) == 1 else "",
        feed_title="",
        title=Excerpt(text=f"No match of {watch.title} for {in_words(watch.absent_for)}"),
        excerpts=tuple(Excerpt(text=text) for text in _scope(feeds, heard)),
        link="",
        author="",
        published_at=None,
        seen_at=now,
        note=_note(watch, last),
    )
    # A route or silence for feeds or tags takes it where it would take every match of the rule.
    tags = frozenset.intersection(*(frozenset(feed.tags) for feed in feeds)) if feeds else frozenset()
    subject = Subject(rule=watch.rule, file=watch.file, severity=watch.severity, feed=alert.feed, tags=tags)
    silence = silence_for(alert, tags, silences, now)
    deliveries = []
    for route, channel in routing.targets(subject, watch.channels):
        placing, due_at = place(alert, route, silence, now=now)
        deliveries.append(new_delivery(alert, channel, due_at=due_at, placing=placing))
    return alert, tuple(deliveries)


def _note(watch: Watch, last: CountedMatch | None) -> str:
    if last is None:
        return f"There has been none since the rule is live as it is, {_moment(watch.since)}."
    headline = f": “{last.title}”" if last.title else ""
    return f"The last one came {_moment(last.counts_at)}, from {last.feed}{headline}."


def _scope(feeds: Sequence[Feed], heard: Heard) -> list[str]:
    told = [f"The rule looks at {_named(feeds)}."]
    if heard.failing:
        verb = "fails" if len(heard.failing) == 1 else "fail"
        told.append(f"Of these {_named(heard.failing)} {verb}, so that something may have been missed.")
    return told


def _named(feeds: Sequence[Feed]) -> str:
    """ "3 feeds: a, b, c"."""
    names = ", ".join(feed.name for feed in feeds[:_NAMED])
    more = f" and {len(feeds) - _NAMED} more" if len(feeds) > _NAMED else ""
    return f"one feed ({names})" if len(feeds) == 1 else f"{len(feeds)} feeds ({names}{more})"


def _moment(at: datetime) -> str:
    return f"{at:%d %b %Y, %H:%M} UTC"


def absences_in(absent_for: timedelta, times: Sequence[datetime], *, start: datetime, end: datetime) -> int:
    """How many silences there would have been between `start` and `end`; `times`: of the matches, rising."""
    edges = [start, *times, end]
    return sum(later - earlier >= absent_for for earlier, later in pairwise(edges))
