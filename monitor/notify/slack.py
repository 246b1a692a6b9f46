"""`type = "slack"`: Block Kit, as `monitor.notify.blocks` makes it, through an incoming webhook."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, SecretStr, model_validator

from monitor.model import ChannelBroken, Refused, Sent
from monitor.notify.base import FROM_FILE, ReaderOptions, Surroundings, TextTemplate, Wording
from monitor.notify.blocks import payload, plain_payload, text_payload
from monitor.notify.http import Answer, HttpSender, verdict
from monitor.notify.urls import plain_https, secret_https

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


_WEBHOOK_HINT = "copy the webhook URL that Slack shows, https://hooks.slack.com/services/…"
_API = "https://slack.com/api/"


def _is_token(token: SecretStr) -> SecretStr:
    if not token.get_secret_value().startswith("xox"):
        raise ValueError("must be the app's Bot User OAuth Token, which starts with xoxb-")
    return token


class SlackOptions(ReaderOptions):
    """Posts to a Slack channel, through an incoming webhook or as a bot, which can reply in threads."""

    type: Literal["slack"] = Field("slack", description='"slack".')
    webhook_url: Annotated[SecretStr, AfterValidator(secret_https(_WEBHOOK_HINT))] | None = Field(
        None,
        description="The webhook's URL as Slack shows it (api.slack.com/apps, your app, Incoming Webhooks); whoever "
        "has it can post. https only, save on the machine itself. Either this, or `token` and `channel`.",
    )
    token: Annotated[SecretStr, AfterValidator(_is_token)] | None = Field(
        None,
        description="A bot's token (your app, OAuth & Permissions, Bot User OAuth Token: xoxb-…) with the scope "
        "chat:write. With it, later messages about a story are replies to the first.",
    )
    channel: str | None = Field(
        None, min_length=1, max_length=100, description='Where the bot posts: "#news", or better the id, "C0123456789".'
    )
    api_url: Annotated[str, AfterValidator(plain_https(f"such as {_API}"))] = Field(
        _API, description="Where the bot's calls go; another one for GovSlack or a relay of your own."
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

    @model_validator(mode="after")
    def _has_one_way_in(self) -> SlackOptions:
        if (self.webhook_url is None) == (self.token is None):
            raise ValueError("needs one of the two: webhook_url, or token with channel")
        if (self.token is None) != (self.channel is None):
            raise ValueError("token and channel go together; a webhook posts into the channel it was made for")
        return self


class SlackNotifier:
    """Posts to one incoming webhook."""

    def __init__(self, options: SlackOptions, around: Surroundings | None = None) -> None:
        if options.webhook_url is None:
            raise TypeError("an incoming webhook needs webhook_url")
        self._zone = options.zone
        self._wording = Wording(options.zone, body=("text", options.body))
        self._http = HttpSender(options.webhook_url.get_secret_value(), timeout=options.timeout, around=around)

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
