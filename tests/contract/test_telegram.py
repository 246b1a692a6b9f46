"""Telegram: plain text with entities in UTF-16 places, which words of a feed can not add to."""

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
from monitor.model import Alert, ChannelBroken, Excerpt, Refused, Sent, Severity, TryLater
from monitor.notify import telegram
from tests.alerts import hostile_alerts, make_alert, make_message, passage
from tests.contract.channels import TELEGRAM_TOKEN, send, telegram_options
from tests.receivers import Reply, WebhookReceiver

if TYPE_CHECKING:
    from monitor.model import Message, SendResult

OK = Reply(200, '{"ok": true, "result": {"message_id": 4711}}')
# What Telegram's servers look for in any text: mentions, tags, commands, addresses (core.telegram.org/api/entities).
_LIVE = re.compile(r"@\w|(?<!\w)[#$/]\w|://\w|\w\.[^\W\d_]|\d\.\d+\.\d")


def shown(payload: dict[str, Any], entity: dict[str, Any]) -> str:
    """What an entity stands for, as Telegram cuts it out."""
    units: bytes = payload["text"].encode("utf-16-le")
    return units[2 * entity["offset"] : 2 * (entity["offset"] + entity["length"])].decode("utf-16-le")


def check(message: Message) -> dict[str, Any]:
    """The limits hold, the entities are ours and in their places, and the text holds nothing to look for."""
    payload = telegram.payload(message)
    assert 0 < utf16(payload["text"]) <= 4096
    assert len(payload["entities"]) <= 100
    for entity in payload["entities"]:
        assert entity["type"] in {"bold", "text_link", "blockquote"}
        assert entity["length"] == utf16(shown(payload, entity)) > 0
        assert entity.get("url", "https://").startswith(("http://", "https://"))
    assert not _LIVE.search(payload["text"])
    assert "parse_mode" not in payload
    assert payload["link_preview_options"] == {"is_disabled": True}
    return payload


async def test_a_message_reads_as_an_editor_expects() -> None:
    """A linked bold headline, the quoted excerpt with its hit in bold, then source, time and rule."""
    with WebhookReceiver(OK) as receiver:
        result = await send(telegram_options(receiver.url()), make_alert(severity=Severity.CRITICAL))
    assert result == Sent(detail="ok", ref="4711")
    [request] = receiver.requests
    assert request.path == f"/bot{TELEGRAM_TOKEN}/sendMessage"
    payload = request.json()
    assert payload["chat_id"] == "-1001234567890"
    assert payload["text"] == (
        "[CRITICAL] Assad would step down, officials say\n"
        "Two officials said that Assad had agreed to step down & leave.\n"
        "BBC News · 24 Nov 2026, 10:15 UTC · Rule: Assad leaves power · Ada Reporter"
    )
    assert [(entity["type"], shown(payload, entity)) for entity in payload["entities"]] == [
        ("text_link", "[CRITICAL] Assad would step down, officials say"),
        ("bold", "[CRITICAL] Assad would step down, officials say"),
        ("blockquote", "Two officials said that Assad had agreed to step down & leave."),
        ("bold", "step down"),
    ]


@given(st.lists(hostile_alerts(), min_size=1, max_size=15))
def test_no_feed_can_mention_link_or_mark_up(alerts: list[Alert]) -> None:
    """Whatever the words are, one alert or many."""
    check(make_message(*alerts))


def test_places_count_emoji_twice() -> None:
    """An entity after an emoji is where it should be."""
    payload = check(make_message(make_alert(excerpts=(passage("👩‍👩‍👧 🚨 Assad to step down", "step down"),))))
    assert "step down" in [shown(payload, entity) for entity in payload["entities"]]


def test_a_name_in_two_pieces_is_no_mention() -> None:
    """A hit that begins right behind an "@" does not bring it to life."""
    check(make_message(make_alert(excerpts=(passage("ask @bob or evil.example", "bob", "example"),))))


def test_limits_hold_for_endless_text_and_many_alerts() -> None:
    """A feed that sends a book of hits, and a burst of two hundred."""
    for word in ("word ", "👩‍👩‍👧 "):
        book = word * 5000
        hits = tuple((n * len(word), n * len(word) + len(word) - 1) for n in range(200))
        alert = make_alert(title=Excerpt(text=book), excerpts=(Excerpt(text=book, marks=hits),) * 5, feed_title=book)
        payload = check(make_message(alert))
        assert any(entity["type"] == "text_link" for entity in payload["entities"])
        many = check(make_message(*[alert] * 200, kind="digest", reason="digest"))
        assert re.search(r"… and \d+ more", many["text"])


async def test_a_later_message_about_a_story_is_a_reply() -> None:
    """Also when the first has been deleted since: then it stands alone."""
    with WebhookReceiver(OK) as receiver:
        await send(telegram_options(receiver.url(), topic=5), thread="4711")
    told = receiver.requests[0].json()
    assert told["reply_parameters"] == {"message_id": 4711, "allow_sending_without_reply": True}
    assert told["message_thread_id"] == 5


@pytest.mark.parametrize(
    ("status", "description", "outcome"),
    [
        (400, "Bad Request: chat not found", ChannelBroken),
        (400, "Bad Request: message thread not found", ChannelBroken),
        (400, "Bad Request: group chat was upgraded to a supergroup chat", ChannelBroken),
        (400, "Bad Request: message is too long", Refused),
        (401, "Unauthorized", ChannelBroken),
        (403, "Forbidden: bot was blocked by the user", ChannelBroken),
        (404, "Not Found", ChannelBroken),
        (502, "Bad Gateway", TryLater),
    ],
)
async def test_each_refusal_has_its_outcome(status: int, description: str, outcome: type[SendResult]) -> None:
    """A wrong chat comes with 400 like a bad message, but every message would meet it."""
    body = json.dumps({"ok": False, "error_code": status, "description": description})
    with WebhookReceiver(default=Reply(status, body)) as receiver:
        result = await send(telegram_options(receiver.url()))
    assert isinstance(result, outcome)
    assert description in result.detail


async def test_the_wait_that_telegram_asks_for_is_kept() -> None:
    """It stands in the body, not in a header."""
    body = json.dumps({"ok": False, "error_code": 429, "parameters": {"retry_after": 35}})
    with WebhookReceiver(default=Reply(429, body)) as receiver:
        result = await send(telegram_options(receiver.url()))
    assert isinstance(result, TryLater)
    assert result.retry_after == timedelta(seconds=35)


async def test_entities_that_telegram_does_not_like_are_left_out() -> None:
    """A link that it takes for no URL must not cost the alert."""
    refusal = Reply(400, '{"ok": false, "description": "Bad Request: wrong URL"}')
    with WebhookReceiver(refusal, OK) as receiver:
        assert isinstance(await send(telegram_options(receiver.url())), Sent)
    assert receiver.requests[1].json()["entities"] == []


async def test_a_page_instead_of_an_answer_is_the_channel_s() -> None:
    """A wrong api_url that says 200 to everything is not taken for success."""
    with WebhookReceiver(default=Reply(200, "<html>welcome</html>")) as receiver:
        assert isinstance(await send(telegram_options(receiver.url())), ChannelBroken)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"token": "abc"}, "BotFather"),
        ({"chat_id": "my group"}, "must be a chat's number"),
        ({"api_url": "http://api.telegram.org"}, "must be an https URL"),
    ],
)
def test_wrong_options_are_explained(wrong: dict[str, Any], message: str) -> None:
    """A mistake is told when the configuration is read, without the token."""
    with pytest.raises(ValidationError, match=message):
        telegram_options("https://api.telegram.org", **wrong)


def test_a_chat_may_be_a_number() -> None:
    """TOML has numbers, and people write them."""
    assert "'-100123'" in repr(telegram_options("https://api.telegram.org", chat_id=-100123))
