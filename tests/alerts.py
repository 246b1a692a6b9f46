"""Alerts to render and send, and text that would like to do harm."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from monitor.model import (
    Alert,
    AlertId,
    Delivery,
    DeliveryId,
    DeliveryState,
    Excerpt,
    Message,
    MessageId,
    Severity,
)

NOW = datetime(2026, 11, 24, 10, 20, tzinfo=UTC)


def passage(text: str, *hits: str) -> Excerpt:
    """`text` with the first place of each of `hits` marked."""
    return Excerpt(text=text, marks=tuple(sorted((text.index(hit), text.index(hit) + len(hit)) for hit in hits)))


def make_alert(**changes: Any) -> Alert:
    """A complete alert, or one with other values for some fields."""
    values: dict[str, Any] = {
        "id": AlertId("7d7f1b1e-58a5-5a35-9a0f-0d5f7b7f6a11"),
        "rule": "assad",
        "rule_title": "Assad leaves power",
        "severity": Severity.NORMAL,
        "feed": "bbc",
        "feed_title": "BBC News",
        "title": passage("Assad would step down, officials say", "step down"),
        "excerpts": (passage("Two officials said that Assad had agreed to step down & leave.", "step down"),),
        "link": "https://news.example.org/a?x=1&y=2",
        "author": "Ada Reporter",
        "published_at": datetime(2026, 11, 24, 10, 15, tzinfo=UTC),
        "seen_at": datetime(2026, 11, 24, 10, 17, tzinfo=UTC),
    }
    return Alert(**{**values, **changes})


def make_delivery(alert: Alert | None = None, **changes: Any) -> Delivery:
    """A claimed delivery that has not been tried yet."""
    values: dict[str, Any] = {
        "id": DeliveryId("0b9f4a52-6d0b-5d0a-8a54-2f3f0d9a3c77"),
        "alert": alert or make_alert(),
        "channel": "desk",
        "state": DeliveryState.PENDING,
        "attempts": 0,
        "created_at": datetime(2026, 11, 24, 10, 17, tzinfo=UTC),
        "due_at": NOW,
        "sent_at": None,
        "error": "",
    }
    return Delivery(**{**values, **changes})


def make_message(*alerts: Alert, **changes: Any) -> Message:
    """A message of one complete alert, or of these."""
    values: dict[str, Any] = {
        "id": MessageId("0b9f4a52-6d0b-5d0a-8a54-2f3f0d9a3c77"),
        "kind": "group" if len(alerts) > 1 else "alert",
        "alerts": alerts or (make_alert(),),
        "created_at": datetime(2026, 11, 24, 10, 17, tzinfo=UTC),
    }
    return Message(**{**values, **changes})


_ATTACKS = [
    "\r\nBcc: victim@example.org",
    "\u2028X-Evil: 1",
    "\x00",
    "\x1b]0;owned\x07\x1b[31m",
    "\x9b31m",
    "<!channel>",
    "<!here>",
    "<@U012AB3CD>",
    "<https://evil.example|bank.example>",
    "@everyone @here",
    "*_~`bold`~_*",
    "[red]rich[/red]",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "&lt;b&gt;",
    "{subject}",
    "\u202etxt.exe",
    "\u200b",
    "\ud800",
    "=?utf-8?q?encoded?=",
    "ما",
    "e\u0301\u0301",
    "👩‍👩‍👧",
    "word " * 60,
]


def hostile_text() -> st.SearchStrategy[str]:
    """Arbitrary characters, lone surrogates included, mixed with pieces of known attacks."""
    piece = st.one_of(st.sampled_from(_ATTACKS), st.text(st.characters(codec=None), max_size=20))
    return st.lists(piece, max_size=8).map("".join)


@st.composite
def hostile_passages(draw: st.DrawFn) -> Excerpt:
    """A hostile text with one mark somewhere, which may not fit."""
    text = draw(hostile_text())
    start, end = sorted((draw(st.integers(0, len(text) + 2)), draw(st.integers(0, len(text) + 2))))
    return Excerpt(text=text, marks=((start, end),))


def hostile_alerts() -> st.SearchStrategy[Alert]:
    """Alerts in which every word that comes from a feed, and the link, is hostile."""
    return st.builds(
        make_alert,
        severity=st.sampled_from(Severity),
        kind=st.sampled_from(["news", "news", "update"]),
        feed_title=hostile_text(),
        note=st.one_of(st.just(""), hostile_text()),
        title=hostile_passages(),
        excerpts=st.lists(hostile_passages(), max_size=3).map(tuple),
        link=st.one_of(hostile_text(), hostile_text().map(lambda text: f"https://news.example/{text}")),
        author=hostile_text(),
        published_at=st.one_of(st.none(), st.just(NOW)),
    )


def hostile_messages(*, most: int = 6) -> st.SearchStrategy[Message]:
    """Messages of every kind, of one to `most` hostile alerts of three rules."""
    titles = st.sampled_from(["One", "Two <b>", "\u202ethree"])
    alerts = st.builds(lambda alert, title: replace(alert, rule=title, rule_title=title), hostile_alerts(), titles)
    return st.builds(
        make_message,
        kind=st.sampled_from(["alert", "group", "digest", "held"]),
        alerts=st.lists(alerts, min_size=1, max_size=most).map(tuple),
        reason=hostile_text(),
    )
