"""A message of several alerts: their order, its heading, how many are told in full. Pure.

A message of one alert is told like that alert.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Any

from monitor.alerts import render
from monitor.alerts.safe import clean_header, isolated, safe_link, shorten
from monitor.model import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.model import Alert, Message

FULL = 10
"""So many are told in full, the others by their headlines."""
CONTENTS_FROM = 3
"""A message of more has a table of contents, where there is room for one."""
_RULES_NAMED = 3


def parts(message: Message) -> tuple[tuple[Alert, ...], tuple[Alert, ...]]:
    """What is told in full, and what by its headline alone; by rule and story, the most severe first."""
    ordered = in_order(message)
    return ordered[:FULL], ordered[FULL:]


def in_order(message: Message) -> tuple[Alert, ...]:
    """Digests and what was held by rule and story; what came together as it came."""
    if message.kind in {"alert", "group"}:
        return message.alerts
    order = tuple(Severity)
    worst: dict[str, int] = {}
    for alert in message.alerts:
        worst[alert.rule] = max(worst.get(alert.rule, 0), order.index(alert.severity))

    def place(alert: Alert) -> tuple[object, ...]:
        return -worst[alert.rule], alert.rule_title, alert.rule, alert.story, alert.seen_at

    return tuple(sorted(message.alerts, key=place))


def heading(message: Message) -> str:
    """ "12 alerts: Assad leaves (9), Flood (3)"."""
    count = len(message.alerts)
    titles = Counter(clean_header(alert.rule_title, 60) for alert in in_order(message))
    named = [f"{title} ({number})" if len(titles) > 1 else title for title, number in titles.items()]
    if len(named) > _RULES_NAMED:
        named = [*named[:_RULES_NAMED], f"{len(named) - _RULES_NAMED} more rules"]
    what = {"digest": "Digest of", "held": "Held:"}.get(message.kind, "")
    return f"{what} {count} alerts: {', '.join(named)}".strip()


def subject(message: Message) -> str:
    """One line of at most 200 characters; the severity before it where an alert's is high or critical."""
    if len(message.alerts) == 1:
        return render.subject(message.alerts[0])
    labels = {render.severity_label(alert) for alert in message.alerts}
    label = next((label for label in ("CRITICAL", "HIGH") if label in labels), "")
    return clean_header(f"[{label}] {heading(message)}" if label else heading(message))


def reason(message: Message) -> str:
    """What they waited for, for people."""
    return f"They waited: {clean_header(message.reason)}."


def preview(message: Message) -> str:
    """The first headlines."""
    headlines = (render.joined(render.headline(alert)) for alert in in_order(message)[:3])
    return shorten(" · ".join(headlines), 140)


def plain(message: Message, zone: tzinfo = UTC) -> str:
    """A plain text message, with a table of contents where there are many."""
    if len(message.alerts) == 1:
        return render.plain(message.alerts[0], zone)
    full, brief = parts(message)
    texts = [heading(message)]
    if message.reason:
        texts.append(reason(message))
    if len(message.alerts) > CONTENTS_FROM:
        texts.append(_contents([*full, *brief]))
    for number, alert in enumerate(full, 1):
        texts.append(f"{'-' * 60}\n{number}. {render.plain(alert, zone).rstrip()}")
    if brief:
        lines = [f"And {len(brief)} more:", *(line(alert, zone) for alert in brief)]
        texts.append(f"{'-' * 60}\n" + "\n\n".join(lines))
    return "\n\n".join(texts) + "\n"


def _contents(alerts: Sequence[Alert]) -> str:
    lines, rule = list[str](), ""
    for number, alert in enumerate(alerts, 1):
        title = clean_header(alert.rule_title)
        if title != rule:
            lines.append(f"{isolated(title)}:")
            rule = title
        headline = shorten(render.joined(render.headline(alert)), 100)
        lines.append(f"  {number}. {isolated(headline)}")
    return "\n".join(lines)


def line(alert: Alert, zone: tzinfo = UTC) -> str:
    """An alert by its headline: two lines with the link, no longer than needed."""
    headline = isolated(shorten(render.joined(render.headline(alert)), 160))
    source = f"{isolated(clean_header(alert.feed_title, 60))}, {render.when(alert, zone)}"
    link = safe_link(alert.link)
    return f"{headline} ({source})" + (f"\n{link}" if link else "")


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
