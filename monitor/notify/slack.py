"""`type = "slack"`: Block Kit, as `monitor.notify.blocks` makes it, through an incoming webhook."""

from __future__ import annotations

import ipaddress
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

import httpx
from pydantic import AfterValidator, Field, SecretStr

from monitor.clock import Clock, SystemClock
from monitor.model import ChannelBroken, Refused, Sent
from monitor.notify.base import FROM_FILE, ReaderOptions, TextTemplate, Wording
from monitor.notify.blocks import payload, plain_payload, text_payload
from monitor.notify.http import Answer, HttpSender, verdict

if TYPE_CHECKING:
    from monitor.model import Message, SendResult

_BROKEN = {
    "action_prohibited",
    "channel_is_archived",
    "channel_not_found",
    "invalid_token",
    "no_active_hooks",
    "no_service",
    "no_service_id",
    "no_team",
    "posting_to_general_channel_denied",
    "team_disabled",
    "token_revoked",
}
"""Answers that every message to this webhook would get, whatever status they come with."""


def _is_webhook_url(url: SecretStr) -> SecretStr:
    hint = "copy the webhook URL that Slack shows, https://hooks.slack.com/services/…"
    try:
        parsed = httpx.URL(url.get_secret_value())
    except httpx.InvalidURL:
        raise ValueError(f"not a URL; {hint}") from None
    if not parsed.host or not (parsed.scheme == "https" or (parsed.scheme == "http" and _is_loopback(parsed.host))):
        raise ValueError(f"must be an https URL; {hint}")
    return url


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class SlackOptions(ReaderOptions):
    """Posts each alert to a Slack channel through an incoming webhook."""

    type: Literal["slack"] = Field("slack", description='"slack".')
    webhook_url: Annotated[SecretStr, AfterValidator(_is_webhook_url)] = Field(
        description="The webhook's URL as Slack shows it (api.slack.com/apps, your app, Incoming Webhooks); whoever "
        "has it can post. https only, save on the machine itself."
    )
    body: TextTemplate | None = Field(
        None,
        json_schema_extra=FROM_FILE,
        description="A template for the message, which is then plain text without links or bold.",
    )
    timeout: timedelta = Field(
        timedelta(seconds=15),
        gt=timedelta(0),
        le=timedelta(minutes=2),
        description='The most one post may take, answer included. Example: "15s".',
    )


class SlackNotifier:
    """Posts to one incoming webhook."""

    def __init__(self, options: SlackOptions, *, clock: Clock | None = None) -> None:
        self._zone = options.zone
        self._wording = Wording(options.zone, body=("text", options.body))
        self._http = HttpSender(
            options.webhook_url.get_secret_value(), timeout=options.timeout, clock=clock or SystemClock()
        )

    async def send(self, message: Message) -> SendResult:
        words = self._wording.words(message)
        body = words.say("body")
        own = payload(message, self._zone) if body is None else text_payload(body)
        result = await self._post(own)
        if isinstance(result, Refused):  # a block Slack does not like must not cost the alert: once more, as plain text
            result = await self._post(plain_payload(message, self._zone))
        return words.warned(result)

    async def close(self) -> None:
        await self._http.close()

    async def _post(self, content: dict[str, Any]) -> SendResult:
        answer = await self._http.post(json.dumps(content).encode(), {"Content-Type": "application/json"})
        if not isinstance(answer, Answer):
            return answer
        said = answer.text.strip()
        if answer.status == 200 and said == "ok":
            return Sent(detail="ok")
        if said in _BROKEN:
            return ChannelBroken(detail=answer.said)
        if 200 <= answer.status < 300:
            return ChannelBroken(detail=f'{answer.said} (Slack says "ok"; is this an incoming webhook?)')
        return verdict(answer)
