"""`type = "slack"`: Block Kit through an incoming webhook.

Words of a feed go into `rich_text` and `plain_text` objects, which Slack shows as they are: no mention, link or markup
in them comes to life. The only string that Slack reads as markup is the fallback `text`, and it goes through `escape`.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, SecretStr, model_validator

from monitor.alerts import render, several
from monitor.alerts.safe import clean_header, isolated, isolated_runs, runs, safe_link, shorten, shorten_runs
from monitor.model import ChannelBroken, Refused, Sent
from monitor.notify.base import ChannelOptions, Surroundings
from monitor.notify.http import Answer, HttpSender, verdict
from monitor.notify.urls import plain_https, secret_https

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.alerts.safe import Run
    from monitor.model import Alert, Message, SendResult

HEADLINE_LIMIT = 150
EXCERPT_LIMIT = 3000
"""Characters of all excerpts together: Slack's limit for a section, well under the ~13,000 it takes as a message."""
# Of each of several; ten of them with their headlines and links stay under what Slack takes as a message.
_EACH_LIMIT = 500
_BRIEF_LIMIT = 3500
_LINK_LIMIT = 3000

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


class SlackOptions(ChannelOptions):
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
        self._http = HttpSender(options.webhook_url.get_secret_value(), timeout=options.timeout, around=around)

    async def send(self, message: Message) -> SendResult:
        result = await self._post(payload(message))
        if isinstance(result, Refused):  # a block Slack does not like must not cost the alert: once more, as plain text
            result = await self._post(plain_payload(message))
        return result

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


def payload(message: Message) -> dict[str, Any]:
    """The message for an incoming webhook: linked headline, quoted excerpts with bold hits, source and rule."""
    blocks = _blocks(message.alerts[0]) if len(message.alerts) == 1 else _several(message)
    text = escape(several.subject(message))
    return {"text": text, "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


def plain_payload(message: Message) -> dict[str, Any]:
    """The message without blocks, with Slack's markup turned off."""
    text = escape(shorten(several.plain(message), EXCERPT_LIMIT))
    return {"text": text, "mrkdwn": False, "link_names": False, "unfurl_links": False, "unfurl_media": False}


def _blocks(alert: Alert, limit: int = EXCERPT_LIMIT) -> list[dict[str, Any]]:
    excerpts = tuple(_paragraphs(alert, limit))
    parts = [_section("rich_text_section", _headline(alert))]
    if excerpts:
        parts.append(_section("rich_text_quote", [_text(text, bold=bold) for text, bold in excerpts]))
    facts = [alert.feed_title, render.when(alert), f"Rule: {alert.rule_title}", alert.author]
    context = " · ".join(isolated(clean_header(fact)) for fact in facts if fact)
    return [
        {"type": "rich_text", "elements": parts},
        {"type": "context", "elements": [{"type": "plain_text", "text": context, "emoji": False}]},
    ]


def _several(message: Message) -> list[dict[str, Any]]:
    """A header, as many alerts in full as fit, the others as a list of headlines, then how many are left out."""
    full, brief = several.parts(message)
    heading = shorten(several.heading(message), HEADLINE_LIMIT)
    blocks: list[dict[str, Any]] = [{"type": "header", "text": {"type": "plain_text", "text": heading, "emoji": False}}]
    if message.reason:
        note = {"type": "plain_text", "text": several.reason(message), "emoji": False}
        blocks.append({"type": "context", "elements": [note]})
    for alert in full:
        blocks += _blocks(alert, _EACH_LIMIT)
    items, left = list[dict[str, Any]](), _BRIEF_LIMIT
    for alert in brief:
        item = _headline(alert)
        left -= sum(len(element["text"]) + len(element.get("url", "")) for element in item)
        if left < 0:
            break
        items.append(_section("rich_text_section", item))
    if items:
        listed = {"type": "rich_text_list", "style": "bullet", "elements": items}
        blocks.append({"type": "rich_text", "elements": [listed]})
    if len(items) < len(brief):
        rest = f"… and {len(brief) - len(items)} more alerts, which `news-monitor deliveries list` shows."
        blocks.append({"type": "context", "elements": [{"type": "plain_text", "text": rest, "emoji": False}]})
    return blocks


def escape(text: str) -> str:
    """`text` for a string that Slack reads as markup: the three characters that it gives a meaning to, and no others.

    Cut before, never after: half an entity shows as garbage.
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _headline(alert: Alert) -> list[dict[str, Any]]:
    label = render.severity_label(alert)
    title = isolated(shorten("".join(text for text, _ in render.headline(alert)), HEADLINE_LIMIT - 2))
    link = safe_link(alert.link)
    before = [_text(f"{label}  ", bold=True)] if label else []
    if link and len(link) <= _LINK_LIMIT:
        return [*before, {"type": "link", "url": link, "text": title, "style": {"bold": True}}]
    return [*before, _text(title, bold=True)]


def _paragraphs(alert: Alert, limit: int) -> Iterator[Run]:
    """The excerpts, an empty line between them; what is over the limit is cut at the end of a word."""
    left = limit
    for number, excerpt in enumerate(alert.excerpts):
        around = 2 + 2 * (number > 0)  # isolates, and the line ends before
        if left <= around:
            return
        pieces = shorten_runs(runs(excerpt), left - around)
        left -= around + sum(len(text) for text, _ in pieces)
        if number:
            yield "\n\n", False
        yield from isolated_runs(pieces)


def _section(kind: str, elements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": kind, "elements": elements}


def _text(text: str, *, bold: bool = False) -> dict[str, Any]:
    return {"type": "text", "text": text, "style": {"bold": True}} if bold else {"type": "text", "text": text}
