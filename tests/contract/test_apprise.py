"""Apprise: a real service of it, JSON to a URL, against a real server on loopback."""

from __future__ import annotations

import logging
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from monitor.model import Alert, ChannelBroken, Excerpt, Refused, Sent, Severity, TryLater
from monitor.notify.apprise import AppriseOptions, text
from tests.alerts import hostile_alerts, make_alert, make_message, passage
from tests.contract.channels import opened, send
from tests.receivers import Reply, WebhookReceiver, closed_port

if TYPE_CHECKING:
    from monitor.model import SendResult

# Apprise looks for it when it loads its services, on Python before 3.13.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


def options(port: int, **more: Any) -> BaseModel:
    pytest.importorskip("apprise")
    url = f"json://news:hunter2-but-longer@127.0.0.1:{port}/q9secretpath?retry=3"
    return AppriseOptions.model_validate({"url": url, **more})


async def test_a_message_arrives_as_plain_text() -> None:
    """Title and text, the severity as Apprise's type."""
    with WebhookReceiver() as receiver:
        assert isinstance(await send(options(receiver.port), make_alert(severity=Severity.HIGH)), Sent)
    [request] = receiver.requests
    told = request.json()
    assert request.path == "/q9secretpath"
    assert told["title"] == "[HIGH] Assad would step down, officials say"
    assert told["type"] == "warning"
    assert told["message"].splitlines() == [
        "Two officials said that Assad had agreed to step down & leave.",
        "",
        "BBC News · 24 Nov 2026, 10:15 UTC · Rule: Assad leaves power · Ada Reporter",
        "https://news.example.org/a?x=1&y=2",
    ]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (302, ChannelBroken),
        (400, Refused),
        (401, ChannelBroken),
        (404, ChannelBroken),
        (413, Refused),
        (429, TryLater),
        (503, TryLater),
    ],
)
async def test_the_status_is_read_from_what_apprise_says(status: int, outcome: type[SendResult]) -> None:
    """One attempt each, whatever the URL wishes; a redirect is not followed."""
    with WebhookReceiver() as elsewhere, WebhookReceiver() as receiver:
        receiver.default = Reply(status, headers={"Location": elsewhere.url()})
        result = await send(options(receiver.port))
        assert not elsewhere.requests
    assert isinstance(result, outcome)
    assert str(status) in result.detail
    assert len(receiver.requests) == 1


async def test_a_service_that_hangs_is_given_up() -> None:
    """The deadline holds, and says how long it was."""
    with WebhookReceiver(default=Reply(hang=True)) as receiver:
        result = await send(options(receiver.port, timeout=timedelta(milliseconds=300)))
    assert isinstance(result, TryLater)
    assert "0.3 s" in result.detail


async def test_nobody_listening_is_tried_later() -> None:
    """What has no status passes."""
    assert isinstance(await send(options(closed_port())), TryLater)


@pytest.mark.parametrize("status", [200, 403, 500])
async def test_secrets_are_told_to_nobody(status: int, caplog: pytest.LogCaptureFixture) -> None:
    """Neither repr nor detail nor a log at DEBUG, Apprise's own included, holds the URL's password or path."""
    caplog.set_level(logging.DEBUG)
    with WebhookReceiver(default=Reply(status, "q9secretpath hunter2-but-longer")) as receiver:
        chosen = options(receiver.port)
        async with opened(chosen) as notifier:
            result = await notifier.send(make_message())
            told = [repr(chosen), str(chosen), repr(notifier), repr(result), caplog.text, chosen.model_dump_json()]
    for secret in ("q9secretpath", "hunter2-but-longer"):
        assert not [each for each in told if secret in each]


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(hostile_alerts(), min_size=1, max_size=10), st.sampled_from([160, 400, 1024, 32_768]))
def test_no_feed_can_mention_or_link(alerts: list[Alert], most: int) -> None:
    """The text fits the service, and what would be a mention or a link in some of them is broken up."""
    told = text(make_message(*alerts), most)
    assert 0 < len(told) <= most
    ours = {alert.link for alert in alerts}
    lines = [line for line in told.splitlines() if not line.startswith("http") and line not in ours]
    assert not [line for line in lines if "://" in line or "@here" in line or "<@U" in line]


def test_limits_hold_for_endless_text() -> None:
    """A book fits a text message."""
    book = "word " * 5000
    alert = make_alert(title=Excerpt(text=book), excerpts=(passage(book),) * 5, feed_title=book, author=book)
    for most in (160, 1000, 32_768):
        assert 0 < len(text(make_message(*[alert] * 50), most)) <= most


def test_a_url_that_apprise_does_not_know_is_explained() -> None:
    """It is told when the configuration is read."""
    pytest.importorskip("apprise")
    with pytest.raises(ValidationError, match="no URL that Apprise knows"):
        AppriseOptions.model_validate({"url": "nonsense://x"})


def test_without_the_extra_the_fault_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Apprise is optional, and a channel that needs it is a fault of the configuration, not a crash."""
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(ValidationError, match=r"news-monitor\[apprise\]"):
        AppriseOptions.model_validate({"url": "json://127.0.0.1/"})
