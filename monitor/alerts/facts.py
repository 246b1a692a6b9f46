"""What a template can say: a message as plain dicts, and made-up messages to try a template on. Pure."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from functools import cache
from typing import Any

from markupsafe import Markup

from monitor.alerts import render, several
from monitor.alerts.html import card, html
from monitor.alerts.ops import ops_alert
from monitor.alerts.safe import runs
from monitor.alerts.template import EmptyError, Kind, Template
from monitor.model import Alert, AlertId, Excerpt, Message, MessageId, Severity

_SEVERITIES = tuple(Severity)


def facts(message: Message, zone: tzinfo = UTC, *, kind: Kind = "text") -> dict[str, Any]:
    """The names of a template and what they stand for.

    `html`, the mail or the alert as it looks without a template, is there in HTML only.
    """
    alerts = several.in_order(message)
    told = [_alert(alert, zone, kind) for alert in alerts]
    worst = max((alert.severity for alert in alerts), key=_SEVERITIES.index)
    single = render.joined(render.headline(alerts[0]))
    made: dict[str, Any] = {
        "kind": message.kind,
        "count": len(told),
        "severity": worst.value,
        "label": render.label(worst),
        "reason": several.reason(message),
        "heading": single if several.is_alone(message) else several.heading(message),
        "subject": several.subject(message),
        "text": several.plain(message, zone),
        "rules": [
            {"title": each.title, "count": len(each.items), "alerts": [told[number] for number, _ in each.items]}
            for each in several.sections(message, alerts, 0)
        ],
        "alerts": told,
        "alert": told[0],
    }
    # Made by us, of escaped text.
    return made | {"html": Markup(html(message, zone))} if kind == "html" else made  # noqa: S704


def _alert(alert: Alert, zone: tzinfo, kind: Kind) -> dict[str, Any]:
    excerpts = [runs(excerpt) for excerpt in alert.excerpts]
    made = render.document(alert)
    made |= {
        "topic": render.topic(alert),
        "label": render.severity_label(alert),
        "headline": render.joined(render.headline(alert)),
        "text": "\n\n".join(map(render.joined, excerpts)),
        "marked": "\n\n".join(map(render.starred, excerpts)),
        "time": render.when(alert, zone),
        "local_time": (alert.published_at or alert.seen_at).astimezone(zone).isoformat(timespec="seconds"),
    }
    return made | {"html": Markup(card(alert, zone))} if kind == "html" else made  # noqa: S704


@cache
def names(kind: Kind) -> frozenset[str]:
    """Those that `facts` gives."""
    return frozenset(facts(samples()[0], kind=kind))


def template(source: str, kind: Kind = "text") -> Template:
    """The template, tried on made-up messages; of a full one it has to say something.

    Raises:
        TemplateError: With what is wrong.
    """
    made = Template(source, names=names(kind), kind=kind)
    first, *others = samples()
    made.render(facts(first, kind=kind))
    for message in others:
        with suppress(EmptyError):
            made.render(facts(message, kind=kind))
    return made


@cache
def samples() -> tuple[Message, ...]:
    """One alert, one of which nearly nothing is known, a digest, and a notice of the service itself."""
    at = datetime(2026, 11, 23, 10, 15, tzinfo=UTC)
    whole = Alert(
        id=AlertId("00000000-0000-0000-0000-000000000000"),
        rule="sample",
        rule_title="Sample rule",
        severity=Severity.HIGH,
        feed="sample",
        feed_title="Sample news",
        title=Excerpt(text='Minister says "no" & leaves', marks=((14, 18),)),
        excerpts=(Excerpt(text='"I leave," she said \\ <laughing>.'), Excerpt(text="Her party stays.")),
        link="https://example.com/sample?a=1&b=2",
        author="Ada Reporter",
        published_at=at,
        seen_at=at,
        story="sample",
    )
    bare = replace(
        whole, severity=Severity.LOW, title=Excerpt(text=""), excerpts=(), link="", author="", published_at=None
    )
    other = replace(bare, rule="other", rule_title="Another rule", story="other")
    notice = ops_alert("sample", title="The feed sample is failing", text=("HTTP 503",), feed="sample", now=at)
    first = Message(id=MessageId("sample"), kind="alert", alerts=(whole,), created_at=at)
    return (
        first,
        replace(first, alerts=(bare,), reason="quiet hours until Mon 23 Nov 07:00 UTC"),
        replace(first, kind="digest", alerts=(whole, bare, other), reason="digest of Mon 23 Nov 07:30 UTC"),
        replace(first, alerts=(notice,)),
    )
