"""ntfy: one JSON document, small enough to stay a message."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.alerts.compact import utf8
from monitor.model import Alert, ChannelBroken, Excerpt, Sent, Severity
from monitor.notify import ntfy
from tests.alerts import hostile_alerts, make_alert, make_message, passage
from tests.contract.channels import NTFY_TOKEN, NTFY_TOPIC, ntfy_options, send
from tests.receivers import Reply, WebhookReceiver

if TYPE_CHECKING:
    from monitor.model import Message

OK = Reply(200, '{"id": "sPs71M8A2T", "event": "message"}')
_LIVE = re.compile(r"@\w|://\w|\w\.[^\W\d_]|\d\.\d+\.\d")


def check(message: Message) -> None:
    """Small enough, and no address in the text but those of the articles."""
    told = ntfy.payload(message)
    assert utf8(told["message"]) <= 4000
    assert len(told["title"].replace("\u2060", "")) <= 150
    ours = {line for line in told["message"].splitlines() if re.fullmatch(r"https?://\S+", line)}
    others = "\n".join(line for line in told["message"].splitlines() if line not in ours)
    assert not _LIVE.search(f"{told['title']}\n{others}")
    assert told.get("click", "https://").startswith(("http://", "https://"))
    assert told["message"].strip()


async def test_a_message_reads_as_an_editor_expects() -> None:
    """Title, excerpt, source; the severity is the priority, a tap opens the article."""
    with WebhookReceiver(OK) as receiver:
        assert isinstance(await send(ntfy_options(receiver.url()), make_alert(severity=Severity.HIGH)), Sent)
    [request] = receiver.requests
    assert request.path == "/"
    assert request.headers["authorization"] == f"Bearer {NTFY_TOKEN}"
    assert request.json() == {
        "topic": NTFY_TOPIC,
        "title": "[HIGH] Assad would step down, officials say",
        "message": "Two officials said that Assad had agreed to step down & leave.\n\n"
        "BBC News · 24 Nov 2026, 10:15 UTC · Rule: Assad leaves power · Ada Reporter",
        "priority": 4,
        "click": "https://news.example.org/a?x=1&y=2",
    }


async def test_a_public_topic_needs_no_token() -> None:
    """Then nothing is sent that could be one; a group has the priority of its most severe alert."""
    with WebhookReceiver(OK) as receiver:
        alerts = [make_alert(), make_alert(severity=Severity.CRITICAL), make_alert(severity=Severity.LOW)]
        await send(ntfy_options(receiver.url(), token=None), *alerts)
    assert "authorization" not in receiver.requests[0].headers
    assert receiver.requests[0].json()["priority"] == 5


@given(st.lists(hostile_alerts(), min_size=1, max_size=15))
def test_no_feed_can_mention_or_link(alerts: list[Alert]) -> None:
    """Whatever the words are, one alert or many."""
    check(make_message(*alerts))


def test_limits_hold_for_endless_text_and_many_alerts() -> None:
    """A book in letters of four bytes, and two hundred of them."""
    for word in ("word ", "👩‍👩‍👧 "):
        book = word * 5000
        alert = make_alert(title=Excerpt(text=book), excerpts=(passage(book),) * 5, feed_title=book, author=book)
        check(make_message(alert))
        check(make_message(*[alert] * 200, kind="digest", reason="digest"))


async def test_a_page_instead_of_an_answer_is_the_channel_s() -> None:
    """A server that is no ntfy and says 200 to everything is not taken for success."""
    with WebhookReceiver(default=Reply(200, "<html>welcome</html>")) as receiver:
        assert isinstance(await send(ntfy_options(receiver.url())), ChannelBroken)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"topic": "https://ntfy.sh/x"}, "the topic alone"),
        ({"server": "ntfy.sh"}, "absolute http or https URL"),
        ({"server": "https://u:p@ntfy.sh"}, "must not hold a user or password"),
        ({"server": "http://ntfy.example.org"}, "travel in the clear"),
        ({"token": "a b"}, "must be an access token"),
    ],
)
def test_wrong_options_are_explained(wrong: dict[str, Any], message: str) -> None:
    """A mistake is told when the configuration is read."""
    with pytest.raises(ValidationError, match=message):
        ntfy_options("https://ntfy.sh", **wrong)
