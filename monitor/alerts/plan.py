"""From matches to what is said: which match becomes an alert, for which channels. Pure.

An alert is made once for a rule and a story. A match is recorded without an alert of its own

- while the feed has no baseline (all it held when it was added), unless a backfill asks for entries of that age;
- when the rule matched an earlier version of the same entry;
- when the rule has spoken of the story: then it is recorded with that alert's id;
- when the rule waits until more outlets tell the story (`monitor.alerts.outlets`).

Rules that count matches, or wait for silence, have their own planner in `monitor.alerts.spikes`.

Of a story that a rule has spoken of, each outlet that tells it later is named once (`monitor.alerts.followers`), and
when many tell it, a rule may say so, once.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from monitor.alerts.excerpt import excerpts, mark_title
from monitor.alerts.followers import follower, replies
from monitor.alerts.ids import made_id, new_delivery
from monitor.alerts.outlets import corroborating, escalation, first_word, has_counted, is_escalated
from monitor.alerts.routing import Subject, place, silence_for
from monitor.alerts.told import Told
from monitor.model import Alert, AlertId, DeliveryId, Entry, Feed, KnownEntry, Match, NewDelivery, PlannedMatch, Terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from monitor.alerts.routing import Routing
    from monitor.model import Hit, Silence, Spoken, StoryView, Telling


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a poll's matches come to; parts of a `PollOutcome`."""

    matches: tuple[PlannedMatch, ...] = ()
    alerts: tuple[Alert, ...] = ()
    deliveries: tuple[NewDelivery, ...] = ()
    origins: Mapping[AlertId, str] = field(default_factory=dict)

    @classmethod
    def joined(cls, parts: Iterable[Plan]) -> Plan:
        """All of these as one."""
        parts = tuple(parts)
        return cls(
            matches=tuple(match for part in parts for match in part.matches),
            alerts=tuple(alert for part in parts for alert in part.alerts),
            deliveries=tuple(delivery for part in parts for delivery in part.deliveries),
            origins={alert: key for part in parts for alert, key in part.origins.items()},
        )


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

    def silences(self, entry: Entry) -> bool:
        """Whether the entry is recorded silently."""
        return self.baseline and not self.covers(entry)


def horizon(feed: Feed, *, now: datetime, backfill: timedelta | None) -> Horizon:
    """What a poll of `feed` may speak of."""
    return Horizon(baseline=feed.baseline_at is None, since=now - backfill if backfill is not None else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a plan depends on besides the matches.

    Attributes:
        feed: With its title as it is now.
        known: What the store has of the entries, by key.
        tellings: Which story each entry tells, by key, in the order in which they were placed.
        views: How these stories stood before; one that is not there has begun just now.
        rules: The rules that are live, by name: nothing follows the word of another one.
        routing: Which channels an alert goes to, and when.
        silences: That may be active.
        since: When new entries were not there yet; None: not known.
        now: When the entries were seen.
    """

    feed: Feed
    known: Mapping[str, KnownEntry]
    tellings: Mapping[str, Telling]
    views: Mapping[str, StoryView]
    rules: Mapping[str, Terms]
    routing: Routing
    silences: Sequence[Silence]
    horizon: Horizon
    since: datetime | None = None
    now: datetime

    def appeared_at(self, entry: Entry) -> datetime:
        """When a new entry appeared: by its own date, within the time since its feed was last read."""
        if self.since is None:
            return self.now
        return max(min(entry.published_at or self.now, self.now), self.since)


def plan(entries: Sequence[Entry], matches: Sequence[Match], situation: Situation) -> Plan:
    """Decide for each match whether it speaks, and for each entry whether it follows; write alerts and deliveries.

    Args:
        entries: New or changed ones (with a backfill: all that it covers); those that match with a telling.
        matches: Of these entries.
    """
    of_entry: dict[str, list[Match]] = defaultdict(list)
    for match in matches:
        of_entry[match.entry.key].append(match)
    by_key = {entry.key: entry for entry in entries}
    planner = _Planner(situation)
    for key, telling in situation.tellings.items():
        if key in by_key:
            planner.take(by_key[key], telling, of_entry[key])
    return planner.plan()


class _Planner:
    def __init__(self, situation: Situation) -> None:
        self._situation = situation
        self._told = Told(situation.views)
        self._matches: list[PlannedMatch] = []
        self._alerts: dict[AlertId, Alert] = {}
        self._deliveries: dict[DeliveryId, NewDelivery] = {}
        self._origins: dict[AlertId, str] = {}

    def plan(self) -> Plan:
        return Plan(
            matches=tuple(self._matches),
            alerts=tuple(self._alerts.values()),
            deliveries=tuple(self._deliveries.values()),
            origins=self._origins,
        )

    def take(self, entry: Entry, telling: Telling, matches: Sequence[Match]) -> None:
        """Plan one entry, and add it to its story."""
        at = self._situation
        known, silent = at.known.get(entry.key), at.horizon.silences(entry)
        new = [match.rule for match in matches if known is None or match.rule not in known.matched]
        appeared = at.appeared_at(entry)
        self._told.join(telling, new, at=appeared, baseline=silent)
        for match in matches:
            said = self._speak(match, telling, appeared) if _speaks(match, known, at.horizon) else None
            counts = match.trigger.min_outlets > 1 and match.rule in new and not silent
            counts_at = appeared if counts else None
            self._matches.append(PlannedMatch(match=match, alert_id=said, counts_at=counts_at))
        if telling.is_new and not silent:
            self._follow(entry, telling, matches)

    def _speak(self, match: Match, telling: Telling, appeared: datetime) -> AlertId | None:
        """The alert that a match belongs to, which is written unless it is in the store; None: there is none yet."""
        at, view = self._situation, self._told.view(telling.story)
        spoken = view.spoken.get(match.rule)
        alert_id = spoken.alert.id if spoken else AlertId(made_id("alert", match.rule, telling.story))
        # What is planned elsewhere is planned once more, under the same id: whichever is written first stands.
        if alert_id in self._alerts or (spoken is not None and spoken.written):
            return alert_id
        alert = alert_of(
            alert_id,
            match,
            story=telling.story,
            feed=at.feed,
            feed_title=at.feed.title,
            now=at.now,
            outlets=len(view.outlets),
        )
        if spoken is None:
            names = corroborating(view, match.rule, match.trigger, at=appeared)
            if len(names) < match.trigger.min_outlets > 1:
                return None
            severity, note = first_word(match.trigger, match.severity, names, outlets=len(view.outlets))
        else:
            severity, note = spoken.alert.severity, spoken.alert.note
        alert = replace(alert, severity=severity, note=note)
        deliveries = self._sent(alert, match)
        self._add(alert, deliveries, match.entry)
        if spoken is None:
            self._told.speak(alert, telling.outlet.id, deliveries)
        return alert_id

    def _follow(self, entry: Entry, telling: Telling, matches: Sequence[Match]) -> None:
        """Name the outlet where rules have spoken of the story and not named it."""
        at, view = self._situation, self._told.view(telling.story)
        hits = {match.rule: match.hits for match in matches}
        for rule, spoken in view.spoken.items():
            terms = at.rules.get(rule)
            if terms is None or self._escalate(entry, telling, spoken, terms, hits.get(rule, ())):
                continue
            if telling.outlet.id in spoken.told:
                continue
            if has_counted(view, rule, terms.trigger, telling.outlet.id, own=rule in hits):
                continue
            alert = follower(
                entry,
                telling,
                spoken.alert,
                hits=hits.get(rule, ()),
                feed=at.feed,
                feed_title=at.feed.title,
                outlets=len(view.outlets),
                now=at.now,
            )
            silence = silence_for(alert, at.feed.tags, at.silences, at.now)
            deliveries = tuple(replies(alert, spoken.to, routing=at.routing, silence=silence, now=at.now))
            if deliveries:
                self._add(alert, deliveries, entry)
                self._told.name(alert, telling.outlet.id, story=telling.story)

    def _escalate(self, entry: Entry, telling: Telling, spoken: Spoken, terms: Terms, hits: Sequence[Hit]) -> bool:
        """Say once more, as more severe, what so many outlets have by now; whether that was to be done."""
        at, view = self._situation, self._told.view(telling.story)
        trigger = terms.trigger
        if not 0 < trigger.escalate_at <= len(view.outlets) or is_escalated(spoken, trigger):
            return False
        alert = escalation(entry, telling, spoken, view.outlets.values(), hits=hits, feed=at.feed, now=at.now)
        self._add(alert, self._sent(alert, terms), entry)
        self._told.name(alert, telling.outlet.id, story=telling.story)
        return True

    def _sent(self, alert: Alert, terms: Terms | Match) -> tuple[NewDelivery, ...]:
        at = self._situation
        return tuple(deliveries_of(alert, terms, feed=at.feed, routing=at.routing, silences=at.silences, now=at.now))

    def _add(self, alert: Alert, deliveries: Sequence[NewDelivery], entry: Entry) -> None:
        self._alerts[alert.id] = alert
        self._origins[alert.id] = entry.key
        self._deliveries |= {each.id: each for each in deliveries}


def deliveries_of(
    alert: Alert, terms: Terms | Match, *, feed: Feed, routing: Routing, silences: Sequence[Silence], now: datetime
) -> Iterator[NewDelivery]:
    """The alert about an entry of `feed` on its way to each channel, by what its rule says."""
    subject = Subject(rule=alert.rule, file=terms.file, severity=alert.severity, feed=feed.name, tags=feed.tags)
    silence = silence_for(alert, feed.tags, silences, now)
    for route, channel in routing.targets(subject, terms.channels):
        placing, due_at = place(alert, route, silence, now=now)
        yield new_delivery(alert, channel, due_at=due_at, placing=placing)


def _speaks(match: Match, known: KnownEntry | None, horizon: Horizon) -> bool:
    if known is not None and match.rule in known.alerted:
        return False
    if horizon.covers(match.entry):
        return True
    return is_new(match, known, horizon)


def is_new(match: Match, known: KnownEntry | None, horizon: Horizon) -> bool:
    """Whether the rule meets this entry, not of a baseline, for the first time."""
    return not horizon.baseline and (known is None or match.rule not in known.matched)


def alert_of(
    alert_id: AlertId,
    match: Match,
    *,
    story: str,
    feed: Feed,
    feed_title: str,
    now: datetime,
    outlets: int = 0,
) -> Alert:
    """The alert about a match."""
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
        outlets=outlets,
    )
