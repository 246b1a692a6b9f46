"""Every kind of network channel, opened against a receiver of the tests."""

from __future__ import annotations

import base64
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import pytest

from monitor.notify.email import EmailOptions
from monitor.notify.registry import CHANNEL_TYPES, open_channel
from tests.alerts import NOW, make_message
from tests.receivers import Reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from datetime import datetime

    from pydantic import BaseModel

    from monitor.model import Alert, SendResult
    from monitor.notify.base import Notifier

TOKEN = "T0KEN/B0KEN/x9Yq2LsecretZ7w"
SIGNING = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEXT_SIGNING = "whsec_" + base64.b64encode(b"n" * 32).decode()
PASSWORD = "hunter2-but-longer"
BOT_TOKEN = "xoxb-1234-5678-q8Yw3RbotZ1v"
TELEGRAM_TOKEN = "123456789:AAEtelegr4msecretXYZ_0123456789-ab"
NTFY_TOPIC = "desk-q9Zx7topic2LwR"
NTFY_TOKEN = "tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2"
SECRET_PATH = f"/services/{TOKEN}?key=q9secretquery"
IN_URL = ("x9Yq2LsecretZ7w", "q9secretquery")


class FixedClock:
    """It is always `NOW`."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(f"a notifier must not sleep ({seconds})")


def _made(kind: str, **values: Any) -> BaseModel:
    return CHANNEL_TYPES[kind].options.model_validate({"type": kind, **values})


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def slack_options(url: str, **more: Any) -> BaseModel:
    return _made("slack", **{"webhook_url": url, **more})


def slack_bot_options(url: str, **more: Any) -> BaseModel:
    return _made("slack", **{"token": BOT_TOKEN, "channel": "#news", "api_url": _origin(url), **more})


def webhook_options(url: str, **more: Any) -> BaseModel:
    headers = {"Authorization": f"Bearer {PASSWORD}"}
    return _made("webhook", **{"url": url, "secret": SIGNING, "headers": headers, **more})


def discord_options(url: str, **more: Any) -> BaseModel:
    return _made("discord", **{"webhook_url": url, **more})


def telegram_options(url: str, **more: Any) -> BaseModel:
    values = {"token": TELEGRAM_TOKEN, "chat_id": "-1001234567890", "api_url": _origin(url)}
    return _made("telegram", **{**values, **more})


def ntfy_options(url: str, **more: Any) -> BaseModel:
    return _made("ntfy", **{"server": _origin(url), "topic": NTFY_TOPIC, "token": NTFY_TOKEN, **more})


def teams_options(url: str, **more: Any) -> BaseModel:
    return _made("teams", **{"webhook_url": url, **more})


def email_options(smtp_port: int, **more: Any) -> EmailOptions:
    values = {"host": "127.0.0.1", "port": smtp_port, "security": "none", "from": "News <news@example.org>"}
    return EmailOptions.model_validate({**values, "to": ["a@example.org", "b@example.org"], **more})


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpChannel:
    """A kind of channel that speaks HTTP.

    Attributes:
        options: Makes its options for a receiver at a URL.
        accepted: What its receiver says when it takes a message.
        secrets: What `options` holds, and nobody may be told.
    """

    options: Callable[..., BaseModel]
    accepted: Reply
    secrets: tuple[str, ...]


HTTP_KINDS = {
    "slack": HttpChannel(options=slack_options, accepted=Reply(200, "ok"), secrets=IN_URL),
    "slack bot": HttpChannel(
        options=slack_bot_options, accepted=Reply(200, '{"ok": true, "ts": "1405894322.002768"}'), secrets=(BOT_TOKEN,)
    ),
    "discord": HttpChannel(options=discord_options, accepted=Reply(200, '{"id": "1190"}'), secrets=IN_URL),
    "telegram": HttpChannel(
        options=telegram_options,
        accepted=Reply(200, '{"ok": true, "result": {"message_id": 4711}}'),
        secrets=(TELEGRAM_TOKEN, TELEGRAM_TOKEN.partition(":")[2]),
    ),
    "ntfy": HttpChannel(
        options=ntfy_options,
        accepted=Reply(200, '{"id": "sPs71M8A2T", "event": "message"}'),
        secrets=(NTFY_TOPIC, NTFY_TOKEN),
    ),
    "teams": HttpChannel(options=teams_options, accepted=Reply(202, ""), secrets=IN_URL),
    "webhook": HttpChannel(options=webhook_options, accepted=Reply(204, ""), secrets=(*IN_URL, SIGNING, PASSWORD)),
}
HTTP_CHANNELS = pytest.mark.parametrize("channel", HTTP_KINDS.values(), ids=HTTP_KINDS.keys())


@asynccontextmanager
async def opened(options: BaseModel) -> AsyncIterator[Notifier]:
    """A channel, closed twice at the end."""
    notifier = open_channel(options)
    try:
        yield notifier
    finally:
        await notifier.close()
        await notifier.close()


async def send(options: BaseModel, *alerts: Alert, **changes: Any) -> SendResult:
    """What one send through a fresh channel ends in."""
    async with opened(options) as notifier:
        return await notifier.send(make_message(*alerts, **changes))


def objects_in(value: Any) -> Iterator[dict[str, Any]]:
    """Every JSON object in `value`, itself included."""
    match value:
        case dict():
            yield cast("dict[str, Any]", value)
            for inner in value.values():
                yield from objects_in(inner)
        case list():
            for inner in value:
                yield from objects_in(inner)
        case _:
            pass
