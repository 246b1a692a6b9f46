"""From matches to what is said: which match becomes an alert, for which channels. Pure.

An alert is made once for a rule and a story. A match is recorded without an alert

- while the feed has no baseline (all it held when it was added), unless a backfill asks for entries of that age;
- when the rule matched an earlier version of the same entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from monitor.alerts.excerpt import excerpts, mark_title
from monitor.alerts.ids import made_id
from monitor.alerts.routing import Subject, place, silence_for
from monitor.model import Alert, AlertId, DeliveryId, Entry, Feed, KnownEntry, Match, NewDelivery, Placing, PlannedMatch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from monitor.alerts.routing import Routing
    from monitor.model import Silence


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a poll's matches come to; parts of a `PollOutcome`."""

    matches: tuple[PlannedMatch, ...] = ()
    alerts: tuple[Alert, ...] = ()
    deliveries: tuple[NewDelivery, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """How far back a poll may speak.

    Attributes:
        baseline: The feed's entries are to be recorded silently.
        since: Entries published at or after this moment speak all the same (`poll --backfill`); None: no such wish.
    """

    baseline: bool
    since: datetime | None = None

    def covers(self, entry: Entry) -> bool:
        """Whether the backfill asks for this entry; one without a date is never asked for."""
        return self.since is not None and entry.published_at is not None and entry.published_at >= self.since


def horizon(feed: Feed, *, now: datetime, backfill: timedelta | None) -> Horizon:
    """What a poll of `feed` may speak of."""
    return Horizon(baseline=feed.baseline_at is None, since=now - backfill if backfill is not None else None)


def plan(
    matches: Sequence[Match],
    *,
    feed: Feed,
    feed_title: str,
    known: Mapping[str, KnownEntry],
    story_of: Callable[[Entry], str],
    routing: Routing,
    silences: Sequence[Silence],
    horizon: Horizon,
    now: datetime,
) -> Plan:
    """Decide for each match whether it speaks, and write its alert and deliveries.

    Args:
        matches: Of new or changed entries (with a backfill: of all that it covers).
        known: What the store has of these entries, by key.
        story_of: The identity of the story that an entry tells.
        routing: Which channels an alert goes to, and when.
        silences: That may be active.
        now: When the entries were seen.
    """
    planned: list[PlannedMatch] = []
    alerts: dict[AlertId, Alert] = {}
    deliveries: dict[DeliveryId, NewDelivery] = {}
    for match in matches:
        if not _speaks(match, known.get(match.entry.key), horizon):
            planned.append(PlannedMatch(match=match, alert_id=None))
            continue
        story = story_of(match.entry)
        alert_id = AlertId(made_id("alert", match.rule, story))
        planned.append(PlannedMatch(match=match, alert_id=alert_id))
        if alert_id in alerts:
            continue
        alerts[alert_id] = alert = _alert(alert_id, match, story=story, feed=feed, feed_title=feed_title, now=now)
        subject = Subject(rule=match.rule, file=match.file, severity=match.severity, feed=feed.name, tags=feed.tags)
        silence = silence_for(alert, feed.tags, silences, now)
        for route, channel in routing.targets(subject, match.channels):
            placing, due_at = place(alert, route, silence, now=now)
            delivery = new_delivery(alert, channel, due_at=due_at, placing=placing)
            deliveries[delivery.id] = delivery
    return Plan(matches=tuple(planned), alerts=tuple(alerts.values()), deliveries=tuple(deliveries.values()))


def new_delivery(alert: Alert, channel: str, *, due_at: datetime, placing: Placing | None = None) -> NewDelivery:
    """The delivery of an alert to a channel, whose id (UUID 5) they make."""
    made = DeliveryId(made_id("delivery", alert.id, channel))
    placing = placing or Placing(group=f"alert {alert.id}")
    return NewDelivery(id=made, alert_id=alert.id, channel=channel, due_at=due_at, placing=placing)


def _speaks(match: Match, known: KnownEntry | None, horizon: Horizon) -> bool:
    if known is not None and match.rule in known.alerted:
        return False
    if horizon.covers(match.entry):
        return True
    return not horizon.baseline and (known is None or match.rule not in known.matched)


def _alert(alert_id: AlertId, match: Match, *, story: str, feed: Feed, feed_title: str, now: datetime) -> Alert:
    entry = match.entry
    return Alert(
        id=alert_id,
        rule=match.rule,
        rule_title=match.title or match.rule,
        severity=match.severity,
        feed=feed.name,
        feed_title=feed_title or feed.name,
        title=mark_title(entry, match.hits),
        excerpts=excerpts(entry, match.hits, focus=match.focus),
        link=entry.link,
        author=entry.author,
        published_at=entry.published_at,
        seen_at=now,
        story=story,
    )
