"""`type = "ntfy"`: push messages through ntfy.sh or a server of your own.

Published as JSON (docs.ntfy.sh/publish/#publish-as-json): words of a feed in headers would be an injection waiting to
happen. The text is plain; `compact.inert` keeps the apps from making links of what looks like one.
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, SecretStr, model_validator

from monitor.alerts import compact, several
from monitor.alerts.safe import clean_header, safe_link
from monitor.model import ChannelBroken, Sent, Severity
from monitor.notify.base import ChannelOptions, Surroundings
from monitor.notify.http import Answer, HttpSender, verdict
from monitor.notify.urls import check_https, plain_url

if TYPE_CHECKING:
    from monitor.model import Message, SendResult

LIMIT = 4000
"""Bytes of a message; from 4,096 on ntfy turns it into a file to download."""
_LINK_LIMIT = 2000
_TOPIC = re.compile(r"[-_A-Za-z0-9]{1,64}")
_PRIORITIES = {Severity.LOW: 2, Severity.NORMAL: 3, Severity.HIGH: 4, Severity.CRITICAL: 5}


def _is_topic(topic: SecretStr) -> SecretStr:
    if not _TOPIC.fullmatch(topic.get_secret_value()):
        raise ValueError("must be 1 to 64 letters, digits, dashes and underscores; the topic alone, without the server")
    return topic


def _is_token(token: SecretStr) -> SecretStr:
    text = token.get_secret_value()
    if not (text.isascii() and text.isprintable()) or not text or " " in text:
        raise ValueError("must be an access token such as tk_…, printable ASCII without spaces")
    return token


class NtfyOptions(ChannelOptions):
    """Sends push messages to phones and browsers that follow a topic."""

    type: Literal["ntfy"] = Field("ntfy", description='"ntfy".')
    server: Annotated[str, AfterValidator(plain_url)] = Field(
        "https://ntfy.sh", description="The server, without the topic."
    )
    topic: Annotated[SecretStr, AfterValidator(_is_topic)] = Field(
        description="What the phones follow. On a public server whoever knows it can read and write: make it long and "
        "random."
    )
    token: Annotated[SecretStr, AfterValidator(_is_token)] | None = Field(
        None,
        description="An access token (tk_…), where the topic is protected; https only, save on this machine.",
    )
    timeout: timedelta = Field(
        timedelta(seconds=15),
        gt=timedelta(0),
        le=timedelta(minutes=2),
        description='The most one message may take, answer included. Example: "15s".',
    )

    @model_validator(mode="after")
    def _keeps_the_token_safe(self) -> NtfyOptions:
        if self.token is not None:
            check_https(self.server, "the token would travel in the clear")
        return self


class NtfyNotifier:
    """Publishes to one topic; the severity is the priority, a tap opens the article."""

    def __init__(self, options: NtfyOptions, around: Surroundings | None = None) -> None:
        self._topic = options.topic.get_secret_value()
        token = options.token.get_secret_value() if options.token else ""
        self._headers = {"Content-Type": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        secrets = [self._topic, token]
        self._http = HttpSender(options.server, timeout=options.timeout, around=around, secrets=secrets)

    async def send(self, message: Message) -> SendResult:
        content = json.dumps({"topic": self._topic, **payload(message)}).encode()
        answer = await self._http.post(content, self._headers)
        if not isinstance(answer, Answer):
            return answer
        if not 200 <= answer.status < 300:
            return verdict(answer)
        if "id" not in answer.data:
            return ChannelBroken(detail=f"{answer.said} (is this an ntfy server, without a topic in its address?)")
        return Sent(detail="ok")

    async def close(self) -> None:
        await self._http.close()


def payload(message: Message) -> dict[str, Any]:
    """The message as ntfy takes it, but for the topic."""
    alone = len(message.alerts) == 1
    link = safe_link(message.alerts[0].link) if alone else ""
    opens = 0 < len(link) <= _LINK_LIMIT
    title = clean_header(several.subject(message), 150)
    order = tuple(Severity)
    told = {
        "title": compact.inert(title),
        "message": compact.body(message, limit=LIMIT, size=compact.utf8, link=False),
        "priority": _PRIORITIES[max((alert.severity for alert in message.alerts), key=order.index)],
    }
    return told | ({"click": link} if opens else {})
