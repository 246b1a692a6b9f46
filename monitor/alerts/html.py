"""Alerts as an e-mail document: what stands in it, in which order. How it looks is `monitor.alerts.page`.

Nothing in it is loaded from anywhere, and the only links are to the articles, and from the table of contents down.
"""

from __future__ import annotations

from datetime import UTC, tzinfo
from html import escape
from typing import TYPE_CHECKING

from monitor.alerts import page, render, several
from monitor.alerts.safe import clean_header, link_host, runs, runs_from_right, safe_link, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from monitor.alerts.safe import Run
    from monitor.alerts.several import Section
    from monitor.model import Alert, Message


def html(message: Message, zone: tzinfo = UTC) -> str:
    """The whole document."""
    body, foot = _single(message, zone) if several.is_alone(message) else _several(message, zone)
    first = message.alerts[0]
    texts = (render.joined(runs(excerpt)) for excerpt in first.excerpts)
    preview = clean_header(" ".join(texts), 140) if several.is_alone(message) else several.preview(message)
    return page.PAGE.format(
        subject=escape(several.subject(message)), preview=escape(preview), body=body, foot=escape(foot)
    )


def _single(message: Message, zone: tzinfo) -> tuple[str, str]:
    """Body and foot of a message of one alert."""
    alert = message.alerts[0]
    waited = several.reason(message)
    if alert.kind == "ops":
        return card(alert, zone), f"Sent by news-monitor about itself: this is not news. {waited}".strip()
    return card(alert, zone), f"Sent because {_cause(alert)}. {waited}".strip()


def _cause(alert: Alert) -> str:
    rule, feed = f"the rule “{render.topic(alert)}”", clean_header(alert.feed_title)
    if alert.kind == "update":
        return f"{rule} has told you of this story"
    return f"{rule} matched an entry of {feed}" if feed else f"{rule} says so"


def _several(message: Message, zone: tzinfo) -> tuple[str, str]:
    full, brief = several.parts(message)
    follows = several.follows(message)
    body = [page.HEADING.format(escape(several.heading(message) if follows else several.title(message)))]
    if waited := several.reason(message):
        body.append(page.NOTE.format(escape(waited)))
    if len(full) > several.CONTENTS_FROM:
        body.append(_contents(several.sections(message, full), brief))
    body += [_section(section, zone) for section in several.sections(message, full)]
    if brief and full:
        body.append(page.SECTION.format(badge="", title=f"{len(brief)} more", anchor=page.ANCHOR.format("more")))
    if brief:
        listed = (_listed(section, zone) for section in several.sections(message, brief, len(full) + 1))
        body.append(page.LIST.format("".join(listed)))
    if all(alert.kind == "ops" for alert in message.alerts):
        return "".join(body), "Sent by news-monitor about itself: this is not news."
    if follows:
        return "".join(body), f"Sent because {_cause(message.alerts[0])}."
    return "".join(body), "Sent because your rules matched; the alerts came together."


def card(alert: Alert, zone: tzinfo = UTC) -> str:
    """One alert by itself, without the page around it."""
    link = safe_link(alert.link)
    topic, headline = (page.NOTICE_TOPIC, page.NOTICE_HEADING) if alert.kind == "ops" else (page.TOPIC, page.HEADING)
    top = topic.format(badge=page.BADGES[alert.severity], topic=escape(render.topic(alert)))
    button = page.BUTTON.format(link=escape(link), host=escape(link_host(link))) if link else ""
    return top + headline.format(_linked(alert)) + _told(alert, zone) + button


def _told(alert: Alert, zone: tzinfo) -> str:
    """Facts, note and excerpts."""
    note = page.NOTE.format(escape(told)) if (told := render.note(alert)) else ""
    return page.FACTS.format(_facts(render.facts(alert, zone))) + note + "".join(_passages(alert))


def _passages(alert: Alert) -> list[str]:
    if alert.kind == "ops":
        return [page.PARAGRAPH.format(_marked(runs(excerpt))) for excerpt in alert.excerpts]
    passages = [runs(excerpt) for excerpt in alert.excerpts]
    return [
        page.QUOTE.format(side="right" if runs_from_right(render.joined(pieces)) else "left", text=_marked(pieces))
        for pieces in passages
        if pieces
    ]


def _section(section: Section, zone: tzinfo) -> str:
    """The alerts of a rule under its title."""
    told = [page.SECTION.format(badge=page.BADGES[section.severity], title=escape(section.title), anchor="")]
    for number, alert in section.items:
        badge = page.BADGES[alert.severity] if alert.severity != section.severity else ""
        told.append(page.ITEM.format(anchor=page.ANCHOR.format(f"a{number}"), badge=badge, title=_linked(alert)))
        told.append(_told(alert, zone))
        if link := safe_link(alert.link):
            told.append(page.READ.format(link=escape(link), host=escape(link_host(link))))
    return "".join(told)


def _contents(full: Sequence[Section], brief: Sequence[Alert]) -> str:
    lines = []
    for section in full:
        lines.append(page.CONTENTS_RULE.format(escape(section.title), section.total))
        for number, alert in section.items:
            headline = shorten(render.joined(render.headline(alert)), 120)
            source = page.CONTENTS_SOURCE.format(escape(render.facts(alert)[0])) if alert.kind != "ops" else ""
            lines.append(page.CONTENTS_ITEM.format(number, escape(headline), source))
    if brief:
        lines.append(page.CONTENTS_MORE.format(len(brief)))
    return page.CONTENTS.format("".join(lines))


def _listed(section: Section, zone: tzinfo) -> str:
    lines = [page.CONTENTS_RULE.format(escape(section.title), len(section.items))]
    for _number, alert in section.items:
        title = escape(shorten(render.joined(render.headline(alert)), 160))
        if link := safe_link(alert.link):
            title = page.LISTED_LINK.format(escape(link), title)
        facts = _facts(shorten(fact, 60) for fact in render.facts(alert, zone)[:2])
        lines.append(page.LISTED.format(title, facts))
    return "".join(lines)


def _linked(alert: Alert) -> str:
    """The headline with its hits, a link where there is one."""
    title = _marked(render.headline(alert))
    link = safe_link(alert.link)
    return page.HEADLINE_LINK.format(escape(link), title) if link else title


def _facts(facts: Iterable[str]) -> str:
    return " &middot; ".join(f"<bdi>{escape(fact)}</bdi>" for fact in facts)


def _marked(pieces: Iterable[Run]) -> str:
    return "".join(page.MARK.format(escape(text)) if marked else escape(text) for text, marked in pieces)
