"""Alerts as an e-mail document: inline styles for clients that know no others, dark colours for those that do.

Nothing in it is loaded from anywhere, and the only links are to the articles, and from the table of contents down.
"""

from __future__ import annotations

from datetime import UTC, tzinfo
from html import escape
from typing import TYPE_CHECKING

from monitor.alerts import render, several
from monitor.alerts.safe import clean_header, link_host, runs, safe_link, shorten
from monitor.model import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.alerts.safe import Run
    from monitor.model import Alert, Message


def html(message: Message, zone: tzinfo = UTC) -> str:
    """The whole document."""
    if len(message.alerts) == 1:
        return _single(message.alerts[0], message, zone)
    full, brief = several.parts(message)
    heading = several.heading(message)
    body = [_HEADING.format(escape(heading))]
    if message.reason:
        body.append(_NOTE.format(escape(several.reason(message))))
    if len(message.alerts) > several.CONTENTS_FROM:
        body.append(_contents([*full, *brief]))
    body += [_RULE + _ANCHOR.format(number) + card(alert, zone) for number, alert in enumerate(full, 1)]
    if brief:
        body.append(_RULE + _NOTE.format(f"And {len(brief)} more:") + _brief(brief, len(full), zone))
    return _page(heading, several.preview(message), "".join(body), "Sent because these alerts came together.")


def _single(alert: Alert, message: Message, zone: tzinfo) -> str:
    preview = shorten(" ".join(render.joined(runs(excerpt)) for excerpt in alert.excerpts), 140)
    feed, rule = escape(clean_header(alert.feed_title)), escape(clean_header(alert.rule_title))
    foot = f"Sent because the rule <bdi>&ldquo;{rule}&rdquo;</bdi> matched an entry of <bdi>{feed}</bdi>."
    if alert.kind == "ops":
        foot = "Sent by news-monitor about itself."
    if message.reason:
        foot += f" It waited: {escape(clean_header(message.reason))}."
    return _page(several.subject(message), preview, card(alert, zone), foot)


def card(alert: Alert, zone: tzinfo = UTC) -> str:
    """One alert, without the page around it."""
    title = "".join(_run(run) for run in render.headline(alert))
    if link := safe_link(alert.link):
        title = f'<a class="ink" href="{escape(link)}" style="color:#14171c;text-decoration:none">{title}</a>'
    facts = [clean_header(alert.feed_title), render.when(alert, zone), clean_header(alert.author)]
    return _CARD.format(
        badge=_BADGES[alert.severity],
        rule=escape(clean_header(alert.rule_title)),
        title=title,
        facts=" &middot; ".join(f"<bdi>{escape(fact)}</bdi>" for fact in facts if fact),
        excerpts="".join(_EXCERPT.format("".join(map(_run, runs(excerpt)))) for excerpt in alert.excerpts),
        button=_BUTTON.format(link=escape(link), host=escape(link_host(link))) if link else "",
    )


def _contents(alerts: Sequence[Alert]) -> str:
    items = []
    rule = ""
    for number, alert in enumerate(alerts, 1):
        title = clean_header(alert.rule_title)
        if title != rule:
            items.append(_CONTENTS_RULE.format(escape(title)))
            rule = title
        headline = shorten(render.joined(render.headline(alert)), 120)
        items.append(_CONTENTS_ITEM.format(number, escape(headline), escape(clean_header(alert.feed_title, 60))))
    return "".join(items)


def _brief(alerts: Sequence[Alert], before: int, zone: tzinfo) -> str:
    items = []
    for number, alert in enumerate(alerts, before + 1):
        title = escape(shorten(render.joined(render.headline(alert)), 160))
        if link := safe_link(alert.link):
            title = f'<a href="{escape(link)}" class="ink" style="color:#14171c">{title}</a>'
        facts = f"{escape(clean_header(alert.feed_title, 60))}, {escape(render.when(alert, zone))}"
        items.append(_ANCHOR.format(number) + _BRIEF_ITEM.format(title, facts))
    return "".join(items)


def _page(subject: str, preview: str, body: str, foot: str) -> str:
    return _PAGE.format(subject=escape(subject), preview=escape(preview), body=body, foot=foot)


def _run(run: Run) -> str:
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

_CARD = """\
<p class="soft" style="margin:0 0 10px;font-size:14px;line-height:1.5;color:#59626e">{badge}<bdi>{rule}</bdi></p>
<h1 class="ink" dir="auto" style="margin:0 0 8px;font:700 23px/1.3 Georgia,'Times New Roman',serif;color:#14171c;\
text-align:start;overflow-wrap:anywhere">{title}</h1>
<p class="soft" style="margin:0 0 18px;font-size:14px;line-height:1.5;color:#59626e">{facts}</p>
{excerpts}{button}"""

_HEADING = (
    '<h1 class="ink" dir="auto" style="margin:0 0 8px;font:700 23px/1.3 Georgia,\'Times New Roman\',serif;'
    'color:#14171c;text-align:start;overflow-wrap:anywhere">{}</h1>\n'
)
_NOTE = '<p class="soft" style="margin:0 0 14px;font-size:14px;line-height:1.5;color:#59626e">{}</p>\n'
_RULE = '<hr class="line" style="border:0;border-top:1px solid #dde1e7;margin:22px 0">\n'
_ANCHOR = '<a id="a{}"></a>'
_CONTENTS_RULE = (
    '<p class="soft" style="margin:12px 0 4px;font-size:13px;font-weight:700;color:#59626e"><bdi>{}</bdi></p>\n'
)
_CONTENTS_ITEM = (
    '<p dir="auto" style="margin:0 0 5px;font-size:15px;line-height:1.45;text-align:start;overflow-wrap:anywhere">'
    '<a class="link" href="#a{}" style="color:#1f4e8c;text-decoration:none">{}</a> '
    '<span class="soft" style="color:#59626e">&nbsp;<bdi>{}</bdi></span></p>\n'
)
_BRIEF_ITEM = (
    '<p dir="auto" class="ink" style="margin:0 0 8px;font-size:15px;line-height:1.45;color:#14171c;text-align:start;'
    'overflow-wrap:anywhere">{} <span class="soft" style="color:#59626e">&nbsp;<bdi>{}</bdi></span></p>\n'
)

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
  .line {{ border-top-color: #343941 !important; }}
  .link {{ color: #8ab4f0 !important; }}
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
{body}<p class="soft" style="margin:22px 0 0;font-size:13px;line-height:1.5;color:#59626e">{foot}</p>
</td></tr></table>
</td></tr></table>
</body>
</html>
"""
