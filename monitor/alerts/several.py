"""A message of several alerts: their order, its heading, how many are told in full. Pure.

A message of one alert is told like that alert, with a word on why it waited.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, tzinfo
from itertools import groupby
from typing import TYPE_CHECKING, Any

from monitor.alerts import render
from monitor.alerts.safe import clean_header, isolated, safe_link, shorten
from monitor.model import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.model import Alert, Message

WHOLE = 25
"""A message of at most so many tells all of them in full."""
FULL = 10
"""Of more than that so many are told in full, the others by their headlines."""
CONTENTS_FROM = 3
"""A message of more has a table of contents, where there is room for one."""
_RULES_NAMED = 3
_OUTLETS_NAMED = 8
_LINE = "-" * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Alerts of one rule, or the service's own, that stand together.

    Attributes:
        severity: The highest of them.
        total: How many of them the message has, those included that are told elsewhere in it.
        items: (number, alert): counted through the whole message from 1; never empty.
    """

    title: str
    severity: Severity
    total: int
    items: tuple[tuple[int, Alert], ...]


def in_order(message: Message) -> tuple[Alert, ...]:
    """By rule, the one with the most severe alert first; a rule's by story, and these as they came.

    Two alerts are left as they came: their order says more than that of their rules.
    """
    if len(message.alerts) < CONTENTS_FROM:
        return message.alerts
    severities = tuple(Severity)
    worst: dict[str, int] = {}
    first: dict[tuple[str, str], int] = {}
    for number, alert in enumerate(message.alerts):
        worst[alert.rule] = max(worst.get(alert.rule, 0), severities.index(alert.severity))
        first.setdefault((alert.rule, alert.story or alert.id), number)

    def place(alert: Alert) -> tuple[object, ...]:
        return -worst[alert.rule], alert.rule_title, alert.rule, first[alert.rule, alert.story or alert.id]

    return tuple(sorted(message.alerts, key=place))


def is_alone(message: Message) -> bool:
    """Whether it is one alert and no more; one that says where else a story is makes a list, with one in it."""
    return len(message.alerts) == 1 and not follows(message)


def follows(message: Message) -> bool:
    """Whether it only says which other outlets have a story that was told."""
    return all(alert.also_in for alert in message.alerts) and len({alert.story for alert in message.alerts}) == 1


def shown(message: Message) -> tuple[Alert, ...]:
    """Its alerts in order; of those that name the same outlet, for several rules, the first."""
    ordered = in_order(message)
    return tuple({alert.also_in: alert for alert in reversed(ordered)}.values())[::-1] if follows(message) else ordered


def parts(message: Message, *, whole: int = WHOLE) -> tuple[tuple[Alert, ...], tuple[Alert, ...]]:
    """What is told in full, and what by its headline alone; at most `whole` (≥ `FULL`) are all told in full.

    Of what follows an alert the headlines are enough.
    """
    ordered = shown(message)
    full = 0 if follows(message) else len(ordered) if len(ordered) <= whole else FULL
    return ordered[:full], ordered[full:]


def sections(message: Message, alerts: Sequence[Alert], start: int = 1) -> tuple[Section, ...]:
    """Neighbours of one rule, together.

    Args:
        alerts: Some of the message's, in order; `start` is the number of the first.
    """
    order = tuple(Severity)
    totals = Counter(render.topic(alert) for alert in shown(message))
    made = []
    for title, members in groupby(enumerate(alerts, start), key=lambda item: render.topic(item[1])):
        items = tuple(members)
        severity = max((alert.severity for _, alert in items), key=order.index)
        made.append(Section(title=title, severity=severity, total=totals[title], items=items))
    return tuple(made)


def title(message: Message) -> str:
    """What the message is, in a few words: "Digest of 12 alerts"."""
    count = len(message.alerts)
    what = "service notice" if all(alert.kind == "ops" for alert in message.alerts) else "alert"
    counted = f"{count} {what}" if count == 1 else f"{count} {what}s"
    return {"digest": f"Digest of {counted}", "held": f"{counted} that waited"}.get(message.kind, counted)


def heading(message: Message) -> str:
    """The same with what it is about: "12 alerts: Assad leaves (9), Flood (3)".

    Of what follows an alert: "Also in: Reuters, NPR (5 outlets in all): Assad flees to Moscow".
    """
    if follows(message):
        return _also_in(message)
    counted = Counter(shorten(render.topic(alert), 60) for alert in in_order(message))
    if list(counted) == [render.NOTICE]:
        return title(message)
    named = [f"{name} ({number})" if len(counted) > 1 else name for name, number in counted.items()]
    if len(named) > _RULES_NAMED:
        left = len(named) - _RULES_NAMED
        named = [*named[:_RULES_NAMED], f"{left} more {'rule' if left == 1 else 'rules'}"]
    return f"{title(message)}: {', '.join(named)}"


def _also_in(message: Message) -> str:
    names = [shorten(clean_header(alert.also_in), 60) for alert in shown(message)]
    more = len(names) - _OUTLETS_NAMED
    if more > 0:
        names = [*names[:_OUTLETS_NAMED], f"{more} more"]
    total = max(len(names), *(alert.outlets for alert in message.alerts))
    about = clean_header(message.alerts[0].about, 150)
    return f"Also in: {', '.join(names)} ({total} outlets in all)" + (f": {about}" if about else "")


def subject(message: Message) -> str:
    """One line of at most 200 characters; the severity before it where an alert's is high or critical."""
    if follows(message):
        return clean_header(heading(message))
    if len(message.alerts) == 1:
        return render.subject(message.alerts[0])
    labels = {render.severity_label(alert) for alert in message.alerts}
    label = next((label for label in ("CRITICAL", "HIGH") if label in labels), "")
    return clean_header(f"[{label}] {heading(message)}" if label else heading(message))


# How `monitor.alerts.routing` and `monitor.alerts.batch` begin a reason, and how a reader is told.
_WAITED = {
    "digest of ": "Collected for the digest of {}.",
    "quiet hours until ": "Held back during quiet hours, until {}.",
    "silence ": "Held back by silence {}.",
    # The heading of such a message says it.
    "other reports of the story, until ": "",
    "others of its group, until ": "Collected until {}, to come as one message.",
    "its group spoke just now": "Held back for a moment, because its group had spoken just before.",
    "more than ": "Held back for a moment and sent together, because more than {}.",
}


def reason(message: Message) -> str:
    """Why it waited, as a sentence for people; "" where it did not."""
    told = clean_header(message.reason)
    if not told:
        return ""
    for beginning, sentence in _WAITED.items():
        if told.startswith(beginning):
            return sentence.replace("{}", told.removeprefix(beginning))
    return f"Held back: {told}."


def preview(message: Message) -> str:
    """The first headlines."""
    headlines = (render.joined(render.headline(alert)) for alert in shown(message)[:3])
    return clean_header(" · ".join(headlines), 140)


def plain(message: Message, zone: tzinfo = UTC) -> str:
    """A plain text message, with a table of contents where there are many."""
    waited = reason(message)
    if is_alone(message):
        return render.plain(message.alerts[0], zone) + (f"\n{waited}\n" if waited else "")
    full, brief = parts(message)
    told = sections(message, full)
    texts = [heading(message), *([waited] if waited else [])]
    if len(full) > CONTENTS_FROM:
        texts.append(_contents(told, len(brief)))
    for section in told:
        texts.append(f"{_LINE}\n{isolated(section.title)}")
        texts += [f"{number}. {_item(alert, zone)}" for number, alert in section.items]
    if brief:
        texts += [f"{_LINE}\n{len(brief)} more"] if full else []
        for section in sections(message, brief, len(full) + 1):
            texts.append(f"{isolated(section.title)} ({len(section.items)})")
            texts += [f"{number}. {line(alert, zone)}" for number, alert in section.items]
    return "\n\n".join(texts) + "\n"


def _contents(told: Sequence[Section], more: int) -> str:
    lines = list[str]()
    for section in told:
        lines.append(f"{isolated(section.title)} ({section.total})")
        for number, alert in section.items:
            headline = isolated(shorten(render.joined(render.headline(alert)), 100))
            lines.append(f"  {number:2}. {headline}")
    return "\n".join([*lines, *([f"{more} more, at the end"] if more else [])])


def _item(alert: Alert, zone: tzinfo) -> str:
    link = safe_link(alert.link)
    facts = " · ".join(map(isolated, render.facts(alert, zone)))
    return "\n\n".join([*render.paragraphs(alert), facts + (f"\n{link}" if link else "")])


def line(alert: Alert, zone: tzinfo = UTC) -> str:
    """An alert by its headline: two lines with the link, no longer than needed."""
    headline = isolated(shorten(render.joined(render.headline(alert)), 160))
    source = ", ".join(isolated(shorten(fact, 60)) for fact in render.facts(alert, zone)[:2])
    label, link = render.severity_label(alert), safe_link(alert.link)
    return (f"[{label}] " if label else "") + f"{headline} ({source})" + (f"\n{link}" if link else "")


def document(message: Message, *, most: int = 200) -> dict[str, Any]:
    """The message as JSON-ready data: the first `most` of its alerts as in `render.document`, the others counted."""
    alerts = in_order(message)
    return {
        "version": render.DOCUMENT_VERSION,
        "kind": message.kind,
        "count": len(alerts),
        "reason": clean_header(message.reason),
        "omitted": max(0, len(alerts) - most),
        "alerts": [render.document(alert) for alert in alerts[:most]],
    }
