"""Discord: embeds within its limits, in which nothing of a feed comes to life."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.alerts.compact import utf16
from monitor.model import Alert, Excerpt, Sent, Severity, TryLater
from monitor.notify import discord
from tests.alerts import hostile_alerts, make_alert, make_message, passage
from tests.contract.channels import discord_options, objects_in, send
from tests.receivers import Reply, WebhookReceiver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.model import Message

_LINK = re.compile(r"\[((?:\\.|[^\\\]])*)\]\(<(https?://[^\s()<>]+)>\)")
_BOLD = re.compile(r"(?<!\\)\*\*(?=\S)|(?<=\S)\*\*")


def texts(payload: dict[str, Any]) -> Iterator[str]:
    """Every string of the payload that Discord reads as Markdown."""
    yield payload.get("content", "")
    for embed in payload.get("embeds", []):
        yield embed.get("title", "")
        yield embed.get("description", "")


def unescaped(text: str) -> str:
    """What is left to Discord's Markdown when our links, bold hits and list marks are taken away."""
    text = _LINK.sub("", text)
    text = re.sub(r"\\[^0-9A-Za-z\s]", "", text)
    return re.sub(r"^- ", "", text.replace("**", ""), flags=re.MULTILINE)


def check(message: Message) -> None:
    """The limits hold, and nothing comes to life."""
    for payload in (discord.payload(message), discord.plain_payload(message)):
        embeds = payload.get("embeds", [])
        assert len(embeds) <= 10
        assert utf16(payload.get("content", "")) <= 2000
        total = 0
        for embed in embeds:
            parts = (embed.get("title", ""), embed.get("description", ""), embed.get("footer", {}).get("text", ""))
            assert all(utf16(part) <= limit for part, limit in zip(parts, (256, 4096, 2048), strict=True))
            assert any(parts)
            total += sum(map(utf16, parts))
        assert total <= 6000
        assert payload["allowed_mentions"] == {"parse": []}
        for item in objects_in(payload):
            assert item.get("url", "https://").startswith(("http://", "https://"))
        for text in texts(payload):
            assert not re.search(r"[*_~`|<>\[\]()#@:+]|^\s*\d+\.|^-", unescaped(text), flags=re.MULTILINE)


async def test_a_message_reads_as_an_editor_expects() -> None:
    """A linked headline, the excerpt with its hit in bold, then source, time and rule; Discord is asked to confirm."""
    with WebhookReceiver(default=Reply(200, "{}")) as receiver:
        await send(discord_options(receiver.url("/api/webhooks/1/x")), make_alert(severity=Severity.HIGH))
    [request] = receiver.requests
    assert request.path == "/api/webhooks/1/x?wait=true"
    [embed] = request.json()["embeds"]
    assert embed == {
        "title": "\\[HIGH\\] Assad would step down, officials say",
        "url": "https://news.example.org/a?x=1&y=2",
        "color": 0xE07B00,
        "description": "Two officials said that Assad had agreed to **step down** & leave.",
        "footer": {"text": "BBC News · 24 Nov 2026, 10:15 UTC · Rule: Assad leaves power · Ada Reporter"},
    }


@given(st.lists(hostile_alerts(), min_size=1, max_size=15))
def test_no_feed_can_mention_link_or_mark_up(alerts: list[Alert]) -> None:
    """Whatever the words are, one alert or many."""
    check(make_message(*alerts))


def test_limits_hold_for_endless_text_and_many_alerts() -> None:
    """A feed that sends a book, and a burst of two hundred; emoji count twice."""
    for word in ("word ", "👩‍👩‍👧 ", "*_~ "):
        book = word * 5000
        alert = make_alert(title=Excerpt(text=book), excerpts=(passage(book, word.strip()),) * 5, feed_title=book)
        check(make_message(alert))
        check(make_message(*[alert] * 200, kind="digest", reason="digest " * 100))


def test_many_alerts_are_a_heading_and_a_list_that_counts() -> None:
    """The first ones in full, the others by their headlines, the rest by number."""
    alerts = [make_alert(title=passage(f"Headline number {n}.")) for n in range(100)]
    payload = discord.payload(make_message(*alerts))
    assert payload["content"] == "100 alerts\\: Assad leaves power"
    shown = json.dumps(payload).count("Headline number")
    assert 20 < shown < 100
    assert f"… and {100 - shown} more" in payload["embeds"][-1]["description"]


async def test_the_wait_that_discord_asks_for_is_kept() -> None:
    """It says so in JSON, in fractions of a second."""
    body = json.dumps({"message": "You are being rate limited.", "retry_after": 1.337, "global": False})
    with WebhookReceiver(default=Reply(429, body, headers={"Retry-After": "2"})) as receiver:
        result = await send(discord_options(receiver.url()))
    assert isinstance(result, TryLater)
    assert result.retry_after == timedelta(seconds=1.337)


async def test_an_embed_that_discord_does_not_like_goes_as_text() -> None:
    """A link that it takes for no URL must not cost the alert."""
    refusal = Reply(400, '{"code": 50035, "message": "Invalid Form Body"}')
    with WebhookReceiver(refusal, default=Reply(200, "{}")) as receiver:
        assert isinstance(await send(discord_options(receiver.url())), Sent)
    told = receiver.requests[1].json()
    assert "embeds" not in told
    assert "[Assad would step down, officials say](<https://news.example.org/a?x=1&y=2>)" in told["content"]
    assert told["flags"] == 4  # no previews


def test_a_webhook_url_must_be_https() -> None:
    """It is a secret."""
    with pytest.raises(ValidationError, match="webhook URL that Discord shows"):
        discord_options("http://discord.com/api/webhooks/1/x")
