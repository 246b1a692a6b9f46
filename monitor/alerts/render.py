"""An alert in words: one line, plain text, a JSON document, and the pieces that other forms are made of.

Every form of news carries the rule, the feed, the time and the link. What the service says of itself ("ops") carries
its own name and the time at which it noticed. All text comes through the doors of `monitor.alerts.safe`.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any

from monitor.alerts.safe import (
    clean,
    clean_header,
    isolated,
    isolated_runs,
    runs,
    safe_link,
    shorten_runs,
)
from monitor.model import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.alerts.safe import Run
    from monitor.model import Alert, Excerpt

DOCUMENT_VERSION = 1
"""Of `document`, here and in `several`: it grows when a field changes its meaning or goes, not when one is added. Then
docs/webhook.schema.json, which receivers check against, gets a new version too."""

NOTICE = "Service notice"
"""What an "ops" alert is called, where news has its rule."""
_ABOUT_ITSELF = "news-monitor about itself"
_BEFORE = {"ops": "news-monitor: ", "update": "Update: "}
_MOST_NOTE = 500

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def headline(alert: Alert) -> tuple[Run, ...]:
    """The entry's title with its hits; without one the first words of the excerpt, without that the rule's title."""
    candidates = (runs(alert.title), *(shorten_runs(runs(excerpt), 120) for excerpt in alert.excerpts[:1]))
    rule = clean_header(alert.rule_title) or clean_header(alert.rule)
    return next((pieces for pieces in candidates if joined(pieces).strip()), ((rule, False),))


def severity_label(alert: Alert) -> str:
    """The `label` of its severity."""
    return label(alert.severity)


def label(severity: Severity) -> str:
    """ "HIGH" or "CRITICAL"; "" below that, where a label would only be noise."""
    return severity.name if severity in {Severity.HIGH, Severity.CRITICAL} else ""


def topic(alert: Alert) -> str:
    """Why it is said: the rule's title, or that the service speaks of itself; one line."""
    if alert.kind == "ops":
        return NOTICE
    return clean_header(alert.rule_title) or clean_header(alert.rule)


def note(alert: Alert) -> str:
    """What there is to add to the headline, on one line; mostly ""."""
    return clean_header(alert.note, _MOST_NOTE)


def facts(alert: Alert, zone: tzinfo = UTC) -> tuple[str, ...]:
    """Who says it and when, each in a line of its own: feed, time, author; of the service's own word no feed."""
    if alert.kind == "ops":
        return _ABOUT_ITSELF, when(alert, zone)
    found = (clean_header(alert.also_in or alert.feed_title), when(alert, zone), clean_header(alert.author))
    return tuple(fact for fact in found if fact)


def when(alert: Alert, zone: tzinfo = UTC) -> str:
    """The entry's own time, as in "24 Nov 2026, 10:15 UTC"; where it has none, "seen …" and when it was first seen.

    Of the service's own word the time at which it was made.
    """
    if alert.published_at is not None:
        return spoken(alert.published_at, zone)
    return spoken(alert.seen_at, zone) if alert.kind == "ops" else f"seen {spoken(alert.seen_at, zone)}"


def subject(alert: Alert) -> str:
    """One line of at most 200 characters, "[HIGH] " before it where the severity is high or critical."""
    told = f"{_BEFORE.get(alert.kind, '')}{joined(headline(alert))}"
    severity = severity_label(alert)
    return clean_header(f"[{severity}] {told}" if severity else told)


def plain(alert: Alert, zone: tzinfo = UTC) -> str:
    """The alert as a plain text message, hits between asterisks; lines are as long as their paragraph."""
    if alert.kind == "ops":
        about = f"{NOTICE}: {', '.join(facts(alert, zone))}"
        return "\n\n".join([*paragraphs(alert), about]) + "\n"
    told = [f"Rule: {isolated(topic(alert))} ({alert.severity})"]
    if alert.feed_title:
        told.append(f"Feed: {isolated(clean(alert.feed_title))}")
    if alert.author:
        told.append(f"By:   {isolated(clean_header(alert.author))}")
    told.append(f"Time: {when(alert, zone)}")
    if link := safe_link(alert.link):
        told.append(f"Link: {link}")
    return "\n\n".join([*paragraphs(alert), "\n".join(told)]) + "\n"


def paragraphs(alert: Alert) -> list[str]:
    """Headline, note and excerpts as plain text, hits between asterisks, the severity before them where it matters."""
    severity = severity_label(alert)
    title = starred(isolated_runs(headline(alert)))
    return [
        f"[{severity}] {title}" if severity else title,
        *([isolated(told)] if (told := note(alert)) else []),
        *(starred(isolated_runs(runs(each))) for each in alert.excerpts),
    ]


def log_line(alert: Alert, zone: tzinfo = UTC) -> str:
    """The alert on one line for a journal, free of control characters."""
    title = starred(isolated_runs(shorten_runs(headline(alert), 300)))
    passages = (isolated_runs(shorten_runs(runs(excerpt), 400)) for excerpt in alert.excerpts)
    source = ", ".join(map(isolated, facts(alert, zone)[:2]))
    rule = f"[{alert.severity}] {isolated(topic(alert))}"
    parts = [rule, title, isolated(note(alert)), " ".join(map(starred, passages)), source, safe_link(alert.link)]
    return " | ".join(part for part in parts if part)


def document(alert: Alert) -> dict[str, Any]:
    """The alert as JSON-ready data.

    Times are ISO 8601 in UTC with "Z", or None; marks are [start, end) in characters (Unicode code points) of the text
    beside them; a link is an http(s) URL or "".
    """
    return {
        "version": DOCUMENT_VERSION,
        "alert_id": alert.id,
        "kind": alert.kind,
        "rule": clean(alert.rule),
        "rule_title": clean(alert.rule_title),
        "severity": alert.severity.value,
        "feed": clean(alert.feed),
        "feed_title": clean(alert.feed_title),
        "note": note(alert),
        "title": _marked(alert.title),
        "excerpts": [_marked(excerpt) for excerpt in alert.excerpts],
        "link": safe_link(alert.link),
        "author": clean(alert.author),
        "published_at": iso(alert.published_at) if alert.published_at else None,
        "seen_at": iso(alert.seen_at),
        "outlets": alert.outlets,
        "also_in": clean_header(alert.also_in),
        "about": clean_header(alert.about),
    }


def iso(at: datetime) -> str:
    """`at` as in "2026-11-24T10:15:00Z"."""
    return at.astimezone(UTC).isoformat(timespec="seconds").removesuffix("+00:00") + "Z"


def spoken(at: datetime, zone: tzinfo) -> str:
    """`at` in the reader's own zone, as in "24 Nov 2026, 10:15 GMT"."""
    local = at.astimezone(zone)
    return f"{local.day} {_MONTHS[local.month - 1]} {local.year}, {local:%H:%M} {local.tzname()}"


def joined(pieces: Iterable[Run]) -> str:
    """Their text."""
    return "".join(text for text, _ in pieces)


def starred(pieces: Iterable[Run]) -> str:
    """Their text, hits between asterisks."""
    return "".join(f"*{text}*" if marked else text for text, marked in pieces)


def _marked(passage: Excerpt) -> dict[str, Any]:
    marks: list[list[int]] = []
    text = ""
    for piece, marked in runs(passage):
        if marked:
            marks.append([len(text), len(text) + len(piece)])
        text += piece
    return {"text": text, "marks": marks}
