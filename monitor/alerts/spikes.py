"""Rules whose matches are counted: those that alert once so many come within a time, and those for silence. Pure.

Matches are counted, not stories: twenty outlets with one story are a spike as well. Each counts at the time at which
its entry appeared, so what a feed brings after hours without an answer is no spike of that minute.

A spike begins with the match that makes the count full, and is over once the window holds less than half of it; what
comes in between belongs to its alert. So all that is to be known of it stands in the matches, and outlives a restart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from monitor.alerts.ids import made_id
from monitor.alerts.plan import Plan, alert_of, deliveries_of, is_new
from monitor.durations import in_words
from monitor.model import AlertId, CountedMatch, Feed, FeedId, Match, PlannedMatch, Trigger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.alerts.plan import Situation


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one more match comes to.

    Attributes:
        number: How many matches the window holds with it; 0: it appeared before the window begins.
        alert_id: Of the spike that it begins or is part of; None: there is none.
        begins: Whether it begins it.
    """

    number: int
    alert_id: AlertId | None = None
    begins: bool = False


def judge(rule: str, trigger: Trigger, before: Sequence[CountedMatch], new: CountedMatch, *, now: datetime) -> Verdict:
    """Whether `new` begins a spike, is part of one, or neither.

    Args:
        before: The rule's matches so far, in the order in which they came. Older ones than the window do not matter,
            and of more than `trigger.count` in it just the last ones do.
    """
    begins_at = now - trigger.window
    if new.counts_at <= begins_at:
        return Verdict(number=0)
    there = [each for each in before if each.counts_at > begins_at]
    number = len(there) + 1
    if (spike := _present(trigger, there)) is not None:
        return Verdict(number=number, alert_id=spike)
    if number < trigger.count:
        return Verdict(number=number)
    # Two processes that each find the count full make the same id of it.
    newest = sorted([*there, new], key=lambda each: (each.counts_at, each.feed_id, each.entry_key))[-trigger.count :]
    made = made_id("spike", rule, str(newest[0].feed_id), newest[0].entry_key)
    return Verdict(number=number, alert_id=AlertId(made), begins=True)


def _present(trigger: Trigger, there: Sequence[CountedMatch]) -> AlertId | None:
    """The spike that lasts, or None."""
    if len(there) < trigger.calm:
        return None
    last = there[-1].matched_at
    of_last = next((each.alert_id for each in there if each.matched_at == last and each.alert_id is not None), None)
    # A count that was full already had its spike, whichever of its matches was stored last.
    if of_last is None and len(there) >= trigger.count:
        return next((each.alert_id for each in reversed(there) if each.alert_id is not None), None)
    return of_last


def spikes_in(trigger: Trigger, times: Sequence[datetime]) -> int:
    """How many spikes there would have been; `times`: when the matches appeared, rising."""
    before: list[CountedMatch] = []
    begun = 0
    for number, at in enumerate(times):
        new = CountedMatch(
            feed_id=FeedId(0), entry_key=str(number), counts_at=at, matched_at=at, alert_id=None, feed="", title=""
        )
        verdict = judge("", trigger, before[-trigger.count :], new, now=at)
        before.append(replace(new, alert_id=verdict.alert_id))
        begun += verdict.begins
    return begun


def plan_counted(
    matches: Sequence[Match],
    situation: Situation,
    *,
    counted: Mapping[str, Sequence[CountedMatch]],
) -> Plan:
    """As `monitor.alerts.plan.plan`, for matches of rules with `count` or `absent_for`.

    What a backfill asks for is recorded only: it came in its own time, and not now.

    Args:
        counted: What there is of each rule with `count` so far, as for `judge`.
    """
    at = situation
    tallies = {rule: list(before) for rule, before in counted.items()}
    parts: list[Plan] = []
    told: set[AlertId] = set()
    # In the order in which they appeared, so that the last of them is the one that makes a count full.
    appeared = ((at.appeared_at(match.entry), match) for match in matches)
    for counts_at, match in sorted(appeared, key=lambda pair: pair[0]):
        if not is_new(match, at.known.get(match.entry.key), at.horizon):
            parts.append(Plan(matches=(PlannedMatch(match=match, alert_id=None),)))
        elif not match.trigger.count:
            parts.append(Plan(matches=(PlannedMatch(match=match, alert_id=None, counts_at=counts_at),)))
        else:
            parts.append(_counted(match, at, tallies.setdefault(match.rule, []), counts_at, told))
    return Plan.joined(parts)


def _counted(
    match: Match, situation: Situation, tally: list[CountedMatch], counts_at: datetime, told: set[AlertId]
) -> Plan:
    """One more match of a rule with `count`; it is added to the tally, and its alert to `told`."""
    at = situation
    new = counted_match(at.feed, match, counts_at=counts_at, now=at.now)
    verdict = judge(match.rule, match.trigger, tally, new, now=at.now)
    # What is planned elsewhere is planned once more, under the same id: whichever is written first stands.
    is_written = any(each.written and each.alert_id == verdict.alert_id for each in tally)
    tally.append(replace(new, alert_id=verdict.alert_id))
    planned = (PlannedMatch(match=match, alert_id=verdict.alert_id, counts_at=counts_at),)
    if verdict.alert_id is None or is_written or verdict.alert_id in told:
        return Plan(matches=planned)
    told.add(verdict.alert_id)
    alert = alert_of(verdict.alert_id, match, story="", feed=at.feed, feed_title=at.feed.title, now=at.now)
    alert = replace(alert, note=_note(match, verdict.number))
    deliveries = deliveries_of(alert, match, feed=at.feed, routing=at.routing, silences=at.silences, now=at.now)
    return Plan(matches=planned, alerts=(alert,), deliveries=tuple(deliveries), origins={alert.id: match.entry.key})


def counted_match(
    feed: Feed, match: Match, *, counts_at: datetime, now: datetime, alert_id: AlertId | None = None
) -> CountedMatch:
    """A match as the next one finds it counted."""
    return CountedMatch(
        feed_id=feed.id,
        entry_key=match.entry.key,
        counts_at=counts_at,
        matched_at=now,
        alert_id=alert_id,
        feed=feed.name,
        title=match.entry.title,
        written=False,
    )


def _note(match: Match, number: int) -> str:
    within = f"{number} matches within {in_words(match.trigger.window)}"
    return f"{within}; the last: “{match.entry.title}”." if match.entry.title else f"{within}."
