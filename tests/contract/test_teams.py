"""Microsoft Teams: a card in which words of a feed are no Markdown."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.model import Alert, ChannelBroken, Excerpt, Refused, Sent, Severity, TryLater
from monitor.notify import teams
from tests.alerts import hostile_alerts, make_alert, make_message, passage
from tests.contract.channels import objects_in, send, teams_options
from tests.receivers import Reply, WebhookReceiver

if TYPE_CHECKING:
    from monitor.model import Message, SendResult

_LIVE = re.compile(r"@\w|://\w|\w\.[^\W\d_]|\{\{")


def card(payload: dict[str, Any]) -> dict[str, Any]:
    [attachment] = payload["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    content: dict[str, Any] = attachment["content"]
    return content


def check(message: Message) -> None:
    """Small enough; words stand in elements without Markdown; the only links are the articles'."""
    payload = teams.payload(message)
    assert len(json.dumps(payload, ensure_ascii=False).encode("utf-16-le")) <= 28_000
    assert len(json.dumps(payload, ensure_ascii=False).encode()) <= 28_000
    for item in objects_in(card(payload)):
        if "type" in item:
            assert item["type"] in {"AdaptiveCard", "Container", "RichTextBlock", "TextRun", "Action.OpenUrl"}
        if item.get("type") == "TextRun":
            assert not _LIVE.search(item["text"])
        if item.get("type") == "RichTextBlock":
            assert item["inlines"]
        assert item.get("url", "https://").startswith(("http://", "https://"))
    assert "entities" not in card(payload)["msteams"]  # of which mentions would be made


async def test_a_message_reads_as_an_editor_expects() -> None:
    """A linked headline, the excerpt with its hit in bold, then source, time and rule, and a button."""
    with WebhookReceiver(default=Reply(202, "")) as receiver:
        assert isinstance(await send(teams_options(receiver.url()), make_alert(severity=Severity.HIGH)), Sent)
    made = card(receiver.requests[0].json())
    assert made["version"] == "1.4"
    headline, excerpt, facts = (block["inlines"] for block in made["body"][0]["items"])
    assert headline[0]["text"] == "[HIGH] Assad would step down, officials say"
    assert headline[0]["selectAction"]["url"] == "https://news.example.org/a?x=1&y=2"
    assert [(run["text"], run.get("weight")) for run in excerpt] == [
        ("Two officials said that Assad had agreed to ", None),
        ("step down", "Bolder"),
        (" & leave.", None),
    ]
    assert facts[0]["text"] == "BBC News · 24 Nov 2026, 10:15 UTC · Rule: Assad leaves power · Ada Reporter"
    assert made["actions"] == [
        {"type": "Action.OpenUrl", "title": "Open the article", "url": "https://news.example.org/a?x=1&y=2"}
    ]


@given(st.lists(hostile_alerts(), min_size=1, max_size=15))
def test_no_feed_can_mention_link_or_mark_up(alerts: list[Alert]) -> None:
    """Whatever the words are, one alert or many."""
    check(make_message(*alerts))


@pytest.mark.parametrize("attack", ["{{DATE(2017-02-14T06:08:39Z,SHORT)}}", "{{{TIME(x)}}}", "<at>Ada</at>"])
def test_no_function_of_cards_is_called(attack: str) -> None:
    """What a card would put a date in place of is shown as it is."""
    check(make_message(make_alert(title=passage(attack), excerpts=(passage(attack),))))


def test_limits_hold_for_endless_text_and_many_alerts() -> None:
    """A book of hits, in letters of four bytes, and two hundred of them."""
    for word in ("word ", "👩‍👩‍👧 ", "中"):
        book = word * 5000
        hits = tuple((n * len(word), n * len(word) + 1) for n in range(0, 4000, 2))
        alert = make_alert(title=Excerpt(text=book), excerpts=(Excerpt(text=book, marks=hits),) * 5, feed_title=book)
        check(make_message(alert))
        check(make_message(*[alert] * 200, kind="digest", reason="digest"))


def test_many_alerts_are_a_heading_and_a_list_that_counts() -> None:
    """The first ones in full, the others by their headlines, the rest by number."""
    alerts = [make_alert(title=passage(f"Headline number {n}.")) for n in range(200)]
    told = json.dumps(teams.payload(make_message(*alerts)), ensure_ascii=False)
    count = told.count("Headline number")
    assert 20 < count < 200
    assert f"… and {200 - count} more" in told


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (400, "WorkflowTriggerIsNotEnabled", ChannelBroken),
        (400, "TriggerInputSchemaMismatch", ChannelBroken),
        (400, "InvalidRequestContent", Refused),
        (401, "DirectApiAuthorizationRequired", ChannelBroken),
        (404, "WorkflowNotFound", ChannelBroken),
        (413, "RequestEntityTooLarge", Refused),
        (429, "WorkflowRunActionThrottled", TryLater),
    ],
)
async def test_each_refusal_has_its_outcome(status: int, code: str, outcome: type[SendResult]) -> None:
    """A workflow that is switched off keeps the alerts for when it is on again."""
    body = json.dumps({"error": {"code": code, "message": "…"}})
    with WebhookReceiver(default=Reply(status, body)) as receiver:
        assert isinstance(await send(teams_options(receiver.url())), outcome)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://example.webhook.office.com/webhookb2/x", "Microsoft has retired"),
        ("http://prod-1.westeurope.logic.azure.com/workflows/x", "must be an https URL"),
        ("not a url", "the URL that the workflow shows"),
    ],
)
def test_wrong_urls_are_explained(url: str, message: str) -> None:
    """An address of the old kind would be found out at the first alert only."""
    with pytest.raises(ValidationError, match=message):
        teams_options(url)
