"""Slack through chat.postMessage: HTTP 200 says nothing, `ok` does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from monitor.model import ChannelBroken, Refused, Sent, TryLater
from monitor.notify import blocks
from tests.alerts import make_message
from tests.contract.channels import BOT_TOKEN, send, slack_bot_options
from tests.receivers import Reply, WebhookReceiver

if TYPE_CHECKING:
    from monitor.model import SendResult

OK = Reply(200, json.dumps({"ok": True, "channel": "C1", "ts": "1405894322.002768"}))


def failed(error: str) -> Reply:
    return Reply(200, json.dumps({"ok": False, "error": error}))


async def test_the_bot_posts_what_a_webhook_would() -> None:
    """Same blocks and fallback, to the channel, with the token in a header; the message's ts comes back for replies."""
    with WebhookReceiver(OK) as receiver:
        result = await send(slack_bot_options(receiver.url()))
    assert result == Sent(detail="ok", ref="1405894322.002768")
    [request] = receiver.requests
    assert request.path == "/chat.postMessage"
    assert request.headers["authorization"] == f"Bearer {BOT_TOKEN}"
    told = request.json()
    assert {key: told[key] for key in blocks.payload(make_message())} == blocks.payload(make_message())
    assert (told["channel"], told["parse"], told["link_names"]) == ("#news", "none", False)
    assert "thread_ts" not in told


async def test_a_later_message_about_a_story_is_a_reply() -> None:
    """What the first message came back with puts the next one into its thread."""
    with WebhookReceiver(OK) as receiver:
        await send(slack_bot_options(receiver.url()), thread="1405894322.002768")
    assert receiver.requests[0].json()["thread_ts"] == "1405894322.002768"


async def test_a_thread_that_has_gone_does_not_cost_the_alert() -> None:
    """When the first message was deleted, the next one stands in the channel."""
    with WebhookReceiver(failed("thread_not_found"), OK) as receiver:
        assert isinstance(await send(slack_bot_options(receiver.url()), thread="1.2"), Sent)
    assert [("thread_ts" in request.json()) for request in receiver.requests] == [True, False]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        ("ratelimited", TryLater),
        ("internal_error", TryLater),
        ("fatal_error", TryLater),
        ("msg_too_long", Refused),
        ("invalid_blocks", Refused),
        ("invalid_auth", ChannelBroken),
        ("token_revoked", ChannelBroken),
        ("account_inactive", ChannelBroken),
        ("is_archived", ChannelBroken),
        ("channel_not_found", ChannelBroken),
        ("not_in_channel", ChannelBroken),
        ("missing_scope", ChannelBroken),
        ("some_error_of_next_year", ChannelBroken),
    ],
)
async def test_an_error_under_200_is_an_error(error: str, outcome: type[SendResult]) -> None:
    """`ok: false` is sorted by its reason, and the detail names it."""
    with WebhookReceiver(default=failed(error)) as receiver:
        result = await send(slack_bot_options(receiver.url()))
    assert isinstance(result, outcome)
    assert error in result.detail


async def test_a_page_instead_of_an_answer_is_the_channel_s() -> None:
    """A wrong api_url that says 200 to everything is not taken for success."""
    with WebhookReceiver(default=Reply(200, "<html>welcome</html>")) as receiver:
        assert isinstance(await send(slack_bot_options(receiver.url())), ChannelBroken)


async def test_blocks_that_slack_does_not_like_go_as_text() -> None:
    """invalid_blocks must not cost the alert."""
    with WebhookReceiver(failed("invalid_blocks"), OK) as receiver:
        assert isinstance(await send(slack_bot_options(receiver.url()), thread="1.2"), Sent)
    assert "blocks" not in receiver.requests[1].json()
    assert receiver.requests[1].json()["thread_ts"] == "1.2"


async def test_a_long_answer_is_understood() -> None:
    """Slack repeats the message in its answer, which makes it long."""
    told = {"ok": True, "message": {"text": "x" * 100_000}, "ts": "1.2"}
    with WebhookReceiver(default=Reply(200, json.dumps(told))) as receiver:
        assert await send(slack_bot_options(receiver.url())) == Sent(detail="ok", ref="1.2")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"webhook_url": "https://hooks.slack.com/services/x"}, "one of the two"),
        ({"token": None}, "one of the two"),
        ({"channel": None}, "token and channel go together"),
        ({"token": "abc"}, "starts with xoxb-"),
        ({"api_url": "http://slack.com/api/"}, "must be an https URL"),
        ({"api_url": "https://user:pass@slack.com/api/"}, "must not hold a user or password"),
    ],
)
def test_wrong_options_are_explained(wrong: dict[str, Any], message: str) -> None:
    """A mixture of webhook and bot is told when the configuration is read."""
    with pytest.raises(ValidationError, match=message):
        slack_bot_options("https://slack.com", **wrong)
