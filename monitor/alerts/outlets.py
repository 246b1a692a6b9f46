"""Rules that wait until several outlets tell a story, or say it once more when many do. Pure.

For `min_outlets` an outlet counts by its reports that the rule matches; for `escalate_at` all that tell the story do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.alerts.excerpt import excerpts, mark_title
from monitor.alerts.ids import made_id
from monitor.durations import in_words
from monitor.model import Alert, AlertId, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from monitor.model import Entry, Feed, Hit, Spoken, StoryView, Telling, Trigger

_NAMED: Final = 12
_ORDER: Final = tuple(Severity)


def corroborating(view: StoryView, rule: str, trigger: Trigger, *, at: datetime) -> tuple[str, ...]:
    """Names of the outlets that have a match of the rule within one `trigger.within`, in the order in which they did.

    What was there when a feed was added does not count.

    Args:
        at: When the last report appeared, which is one of them. Others may have appeared after it and been seen before.
    """
    matches = [each for each in view.matches.get(rule, ()) if not each.baseline and abs(each.at - at) < trigger.within]
    matches.sort(key=lambda each: each.at)
    best: tuple[str, ...] = ()
    for number, first in enumerate(matches):
        if first.at > at:
            break
        together = (each.outlet for each in matches[number:] if each.at - first.at < trigger.within)
        best = max(best, tuple(dict.fromkeys(together)), key=len)
    return tuple(view.outlets[outlet] for outlet in best)


def has_counted(view: StoryView, rule: str, trigger: Trigger, outlet: str, *, own: bool) -> bool:
    """Whether an outlet was among those that the rule waited for, so that to name it again would be no news.

    Args:
        own: The rule matches the report that is to be named, which does not count.
    """
    if trigger.min_outlets == 1:
        return False
    return sum(each.outlet == outlet and not each.baseline for each in view.matches.get(rule, ())) > own


def first_word(trigger: Trigger, severity: Severity, names: Sequence[str], *, outlets: int) -> tuple[Severity, str]:
    """Severity and note of the first alert on a story.

    Args:
        names: As from `corroborating`.
        outlets: How many tell the story by now.
    """
    notes = []
    if trigger.min_outlets > 1:
        notes.append(f"Reported by {len(names)} outlets within {in_words(trigger.within)}: {_listed(names)}.")
    if 0 < trigger.escalate_at <= outlets:
        severity = raised(severity)
        notes.append(f"{outlets} outlets have the story already.")
    return severity, " ".join(notes)


def is_escalated(spoken: Spoken, trigger: Trigger) -> bool:
    """Whether a story was told as one that many outlets have, under this id or one that it had before a merge."""
    return spoken.alert.outlets >= trigger.escalate_at or any(
        AlertId(made_id("escalated", each)) in spoken.said for each in spoken.said
    )


def escalation(
    entry: Entry,
    telling: Telling,
    spoken: Spoken,
    names: Iterable[str],
    *,
    hits: Sequence[Hit],
    feed: Feed,
    now: datetime,
) -> Alert:
    """The reply to the first word on a story, one severity higher, that tells how many outlets have it.

    Args:
        entry: The report that made them so many.
        names: Of all of them.
        hits: Of the rule in the entry; empty where it does not match.
    """
    first, told = spoken.alert, tuple(names)
    return Alert(
        id=AlertId(made_id("escalated", first.id)),
        rule=first.rule,
        rule_title=first.rule_title,
        severity=raised(first.severity),
        feed=feed.name,
        feed_title=feed.title or feed.name,
        title=mark_title(entry, hits),
        excerpts=excerpts(entry, hits),
        link=entry.link,
        author=entry.author,
        published_at=entry.published_at,
        seen_at=now,
        story=telling.story,
        kind="update",
        note=f"Now in {len(told)} outlets: {_listed(told)}.",
        outlets=len(told),
    )


def raised(severity: Severity) -> Severity:
    """One step higher; the highest stays."""
    return _ORDER[min(_ORDER.index(severity) + 1, len(_ORDER) - 1)]


def corroborated(trigger: Trigger, reports: Sequence[tuple[datetime, str]]) -> bool:
    """Whether reports of one story, each with its time and outlet, rising, would have made an alert."""
    return any(
        len({outlet for at, outlet in reports[: number + 1] if last - at < trigger.within}) >= trigger.min_outlets
        for number, (last, _) in enumerate(reports)
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
