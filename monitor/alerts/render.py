"""An alert in words: one line, plain text, e-mail HTML, a JSON document.

Every form carries the rule, the feed, the time and the link. All text comes through the doors of `monitor.alerts.safe`.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from html import escape
from typing import TYPE_CHECKING, Any

from monitor.alerts.safe import (
    clean,
    clean_header,
    isolated,
    isolated_runs,
    link_host,
    runs,
    safe_link,
    shorten,
    shorten_runs,
)
from monitor.model import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.alerts.safe import Run
    from monitor.model import Alert, Excerpt

DOCUMENT_VERSION = 1
"""Of `document`; it grows when a field changes its meaning or goes, not when one is added."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def headline(alert: Alert) -> tuple[Run, ...]:
    """The entry's title with its hits; without one the first words of the excerpt, without that the rule's title."""
    candidates = (runs(alert.title), *(shorten_runs(runs(excerpt), 120) for excerpt in alert.excerpts[:1]))
    rule = clean_header(alert.rule_title) or clean_header(alert.rule)
    return next((pieces for pieces in candidates if _joined(pieces).strip()), ((rule, False),))


def severity_label(alert: Alert) -> str:
    """ "HIGH" or "CRITICAL"; "" below that, where a label would only be noise."""
    return alert.severity.name if alert.severity in {Severity.HIGH, Severity.CRITICAL} else ""


def when(alert: Alert, zone: tzinfo = UTC) -> str:
    """The entry's own time, as in "24 Nov 2026, 10:15 UTC"; where it has none, "seen …" and when it was first seen."""
    if alert.published_at is not None:
        return _spoken(alert.published_at, zone)
    return f"seen {_spoken(alert.seen_at, zone)}"


def subject(alert: Alert) -> str:
    """One line of at most 200 characters, "[HIGH] " before it where the severity is high or critical."""
    label = severity_label(alert)
    return clean_header(f"[{label}] {_joined(headline(alert))}" if label else _joined(headline(alert)))


def plain(alert: Alert, zone: tzinfo = UTC) -> str:
    """The alert as a plain text message, hits between asterisks; lines are as long as their paragraph."""
    label = severity_label(alert)
    title = _starred(isolated_runs(headline(alert)))
    paragraphs = [f"[{label}] {title}" if label else title]
    paragraphs += [_starred(isolated_runs(runs(excerpt))) for excerpt in alert.excerpts]
    facts = [
        f"Rule: {isolated(clean(alert.rule_title))} ({alert.severity})",
        f"Feed: {isolated(clean(alert.feed_title))}",
    ]
    if alert.author:
        facts.append(f"By:   {isolated(clean_header(alert.author))}")
    facts.append(f"Time: {when(alert, zone)}")
    if link := safe_link(alert.link):
        facts.append(f"Link: {link}")
    return "\n\n".join([*paragraphs, "\n".join(facts)]) + "\n"


def log_line(alert: Alert) -> str:
    """The alert on one line for a journal, free of control characters."""
    title = _starred(isolated_runs(shorten_runs(headline(alert), 300)))
    passages = (isolated_runs(shorten_runs(runs(excerpt), 400)) for excerpt in alert.excerpts)
    source = f"{isolated(clean_header(alert.feed_title))}, {when(alert)}"
    rule = f"[{alert.severity}] {isolated(clean_header(alert.rule_title))}"
    parts = [rule, title, " ".join(map(_starred, passages)), source, safe_link(alert.link)]
    return " | ".join(part for part in parts if part)


def document(alert: Alert) -> dict[str, Any]:
    """The alert as JSON-ready data.

    Times are ISO 8601 in UTC with "Z", or None; marks are [start, end) in characters (Unicode code points) of the text
    beside them; a link is an http(s) URL or "".
    """
    return {
        "version": DOCUMENT_VERSION,
        "alert_id": alert.id,
        "rule": clean(alert.rule),
        "rule_title": clean(alert.rule_title),
        "severity": alert.severity.value,
        "feed": clean(alert.feed),
        "feed_title": clean(alert.feed_title),
        "title": _marked(alert.title),
        "excerpts": [_marked(excerpt) for excerpt in alert.excerpts],
        "link": safe_link(alert.link),
        "author": clean(alert.author),
        "published_at": iso(alert.published_at) if alert.published_at else None,
        "seen_at": iso(alert.seen_at),
    }


def iso(at: datetime) -> str:
    """`at` as in "2026-11-24T10:15:00Z"."""
    return at.astimezone(UTC).isoformat(timespec="seconds").removesuffix("+00:00") + "Z"


def html(alert: Alert, zone: tzinfo = UTC) -> str:
    """The alert as an e-mail document: inline styles for clients that know no others, dark colours for those that do.

    Nothing in it is loaded from anywhere, and the only links are to the article.
    """
    title = "".join(_html_run(run) for run in headline(alert))
    if link := safe_link(alert.link):
        title = f'<a class="ink" href="{escape(link)}" style="color:#14171c;text-decoration:none">{title}</a>'
    facts = [clean_header(alert.feed_title), when(alert, zone), clean_header(alert.author)]
    return _PAGE.format(
        subject=escape(subject(alert)),
        preview=escape(shorten(" ".join(_joined(runs(excerpt)) for excerpt in alert.excerpts), 140)),
        badge=_BADGES[alert.severity],
        rule=escape(clean_header(alert.rule_title)),
        title=title,
        facts=" &middot; ".join(f"<bdi>{escape(fact)}</bdi>" for fact in facts if fact),
        excerpts="".join(_EXCERPT.format("".join(map(_html_run, runs(excerpt)))) for excerpt in alert.excerpts),
        button=_BUTTON.format(link=escape(link), host=escape(link_host(link))) if link else "",
        feed=escape(clean_header(alert.feed_title)),
    )


def _spoken(at: datetime, zone: tzinfo) -> str:
    local = at.astimezone(zone)
    return f"{local.day} {_MONTHS[local.month - 1]} {local.year}, {local:%H:%M} {local.tzname()}"


def _joined(pieces: Iterable[Run]) -> str:
    return "".join(text for text, _ in pieces)


def _starred(pieces: Iterable[Run]) -> str:
    return "".join(f"*{text}*" if marked else text for text, marked in pieces)


def _marked(passage: Excerpt) -> dict[str, Any]:
    marks: list[list[int]] = []
    text = ""
    for piece, marked in runs(passage):
        if marked:
            marks.append([len(text), len(text) + len(piece)])
        text += piece
    return {"text": text, "marks": marks}


def _html_run(run: Run) -> str:
    text, marked = run
    return _MARK.format(escape(text)) if marked else escape(text)


_MARK = '<mark style="background-color:#ffec99;color:#14171c;padding:0 2px;border-radius:2px">{}</mark>'

_EXCERPT = (
    '<p class="quote ink" dir="auto" style="margin:0 0 14px;padding:2px 0 2px 14px;border-left:3px solid #d5dae1;'
    "font:17px/1.6 Georgia,'Times New Roman',serif;color:#14171c;text-align:start;"
    'overflow-wrap:anywhere">{}</p>\n'
)

_BUTTON = (
    '<p style="margin:20px 0 0"><a class="button" href="{link}" style="display:inline-block;padding:9px 16px;'
    "border-radius:6px;background-color:#1f4e8c;color:#ffffff;font-size:15px;font-weight:600;text-decoration:none;"
    'overflow-wrap:anywhere">Read at <bdi>{host}</bdi></a></p>\n'
)

_BADGE = (
    '<span style="display:inline-block;margin-right:8px;padding:1px 7px;border-radius:4px;background-color:{};'
    'color:#ffffff;font-size:12px;font-weight:700;letter-spacing:.04em">{}</span>'
)

_BADGES = {
    Severity.LOW: "",
    Severity.NORMAL: "",
    Severity.HIGH: _BADGE.format("#b35309", "HIGH"),
    Severity.CRITICAL: _BADGE.format("#b3261e", "CRITICAL"),
}

_PAGE = """\
<!doctype html>
<html>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>{subject}</title>
<style>
@media (prefers-color-scheme: dark) {{
  .page {{ background-color: #121417 !important; }}
  .card {{ background-color: #1d2025 !important; border-color: #343941 !important; }}
  .ink {{ color: #eef0f3 !important; }}
  .soft {{ color: #a7afba !important; }}
  .quote {{ border-left-color: #4b525d !important; }}
  .button {{ background-color: #8ab4f0 !important; color: #10151c !important; }}
  mark {{ background-color: #6f5700 !important; color: #fff6cf !important; }}
}}
@media (max-width: 480px) {{
  .outer {{ padding: 0 !important; }}
  .card {{ border-width: 0 !important; border-radius: 0 !important; }}
  .inner {{ padding: 18px 16px !important; }}
}}
</style>
</head>
<body class="page" style="margin:0;padding:0;background-color:#eff1f4">
<div style="display:none;max-height:0;overflow:hidden">{preview}</div>
<table class="page" role="presentation" width="100%" cellpadding="0" cellspacing="0" \
style="background-color:#eff1f4"><tr><td class="outer" align="center" style="padding:24px 12px">
<table class="card" role="presentation" width="100%" cellpadding="0" cellspacing="0" \
style="max-width:620px;background-color:#ffffff;border:1px solid #dde1e7;border-radius:10px"><tr>\
<td class="inner" align="left" style="padding:24px 28px;font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,\
sans-serif">
<p class="soft" style="margin:0 0 10px;font-size:14px;line-height:1.5;color:#59626e">{badge}<bdi>{rule}</bdi></p>
<h1 class="ink" dir="auto" style="margin:0 0 8px;font:700 23px/1.3 Georgia,'Times New Roman',serif;color:#14171c;\
text-align:start;overflow-wrap:anywhere">{title}</h1>
<p class="soft" style="margin:0 0 18px;font-size:14px;line-height:1.5;color:#59626e">{facts}</p>
{excerpts}{button}<p class="soft" style="margin:22px 0 0;font-size:13px;line-height:1.5;color:#59626e">\
Sent because the rule <bdi>&ldquo;{rule}&rdquo;</bdi> matched an entry of <bdi>{feed}</bdi>.</p>
</td></tr></table>
</td></tr></table>
</body>
</html>
"""
