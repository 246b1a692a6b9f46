"""`type = "discord"`: embeds through a webhook.

Discord reads Markdown nearly everywhere, so every punctuation mark of a feed's words that could mean something stands
behind a backslash, and no message may mention anyone. Limits: docs.discord.com/developers, "Embed Limits" and
"Execute Webhook"; they count UTF-16 units of the escaped text.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import quote

import httpx
from pydantic import AfterValidator, Field, SecretStr

from monitor.alerts import compact, several
from monitor.alerts.compact import utf16
from monitor.alerts.safe import clean_header, safe_link
from monitor.model import Refused, Sent, Severity
from monitor.notify.base import ChannelOptions, Surroundings
from monitor.notify.http import Answer, HttpSender, span, verdict
from monitor.notify.urls import secret_https

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.alerts.safe import Run
    from monitor.model import Alert, Message, SendResult

CONTENT_LIMIT = 2000
TITLE_LIMIT = 256
DESCRIPTION_LIMIT = 4096
TOTAL_LIMIT = 6000
"""Of all embeds of a message together."""
MOST_EMBEDS = 10
_LINK_LIMIT = 2000
_LINE_LINK_LIMIT = 500
_SUPPRESS_EMBEDS = 1 << 2
_COLOURS = {
    Severity.LOW: 0x8A94A6,
    Severity.NORMAL: 0x2F6FDE,
    Severity.HIGH: 0xE07B00,
    Severity.CRITICAL: 0xC62828,
}
_HINT = "copy the webhook URL that Discord shows, https://discord.com/api/webhooks/…"
# What Discord's Markdown, mentions, emoji and links are made of.
_SPECIAL = re.compile(r"[\\*_~`|<>\[\]()#@:+-]")
_LIST = re.compile(r"^(\s*\d+)\.")
_BRACKETS = re.compile(r"[()\[\]*_~]")


class DiscordOptions(ChannelOptions):
    """Posts to a Discord channel through a webhook."""

    type: Literal["discord"] = Field("discord", description='"discord".')
    webhook_url: Annotated[SecretStr, AfterValidator(secret_https(_HINT))] = Field(
        description="The webhook's URL as Discord shows it (the channel's settings, Integrations, Webhooks); whoever "
        "has it can post."
    )
    timeout: timedelta = Field(
        timedelta(seconds=15),
        gt=timedelta(0),
        le=timedelta(minutes=2),
        description='The most one post may take, answer included. Example: "15s".',
    )


class DiscordNotifier:
    """Posts to one webhook, and waits until Discord has stored the message."""

    def __init__(self, options: DiscordOptions, around: Surroundings | None = None) -> None:
        url = httpx.URL(options.webhook_url.get_secret_value()).copy_merge_params({"wait": "true"})
        secrets = [options.webhook_url.get_secret_value()]
        self._http = HttpSender(str(url), timeout=options.timeout, around=around, secrets=secrets)

    async def send(self, message: Message) -> SendResult:
        result = await self._post(payload(message))
        if isinstance(result, Refused):  # an embed it does not like must not cost the alert: once more, as text
            result = await self._post(plain_payload(message))
        return result

    async def close(self) -> None:
        await self._http.close()

    async def _post(self, content: dict[str, Any]) -> SendResult:
        answer = await self._http.post(json.dumps(content).encode(), {"Content-Type": "application/json"})
        if not isinstance(answer, Answer):
            return answer
        if 200 <= answer.status < 300:
            return Sent(detail="ok")
        return verdict(replace(answer, retry_after=span(answer.data.get("retry_after")) or answer.retry_after))


def payload(message: Message) -> dict[str, Any]:
    """An embed for an alert; of several a heading, the first ones as embeds, the others as lists."""
    if several.is_alone(message):
        return {"embeds": [_embed(message.alerts[0], compact.MOST_EXCERPT)], **_NO_MENTIONS}
    told = compact.fitted(
        message,
        full=lambda alert: _embed(alert, compact.EACH_EXCERPT),
        brief=lambda alert: {"description": _line(alert)},
        size=_size,
        room=TOTAL_LIMIT - 100,
        most_full=MOST_EMBEDS - 2,
    )
    lines = [embed["description"] for embed in told.brief]
    if told.omitted:
        lines.append(escape(compact.omission(told.omitted)))
    return {"content": _heading(message), "embeds": [*told.full, *_lists(lines)], **_NO_MENTIONS}


def plain_payload(message: Message) -> dict[str, Any]:
    """The message without embeds, and without previews of its links."""
    heading = "" if several.is_alone(message) else _heading(message)
    told = compact.fitted(
        message,
        full=lambda alert: f"{_line(alert)}\n{_quoted(alert, compact.EACH_EXCERPT)}",
        brief=_line,
        size=lambda text: utf16(text) + 1,
        room=CONTENT_LIMIT - utf16(heading) - 100,
    )
    rest = [escape(compact.omission(told.omitted))] if told.omitted else []
    content = "\n".join(filter(None, [heading, *told.full, *told.brief, *rest]))
    return {"content": content, "flags": _SUPPRESS_EMBEDS, **_NO_MENTIONS}


_NO_MENTIONS: dict[str, Any] = {"allowed_mentions": {"parse": []}}


def escape(text: str) -> str:
    """`text` with a backslash before whatever Discord's Markdown could give a meaning to. Cut before, never after."""
    return _LIST.sub(r"\1\\.", _SPECIAL.sub(r"\\\g<0>", text))


def _heading(message: Message) -> str:
    lines = filter(None, [several.heading(message), several.reason(message)])
    return "\n".join(escape(clean_header(line)) for line in lines)


def _embed(alert: Alert, most: int) -> dict[str, Any]:
    title = compact.longest(lambda n: escape(compact.headline(alert, n)), _within(TITLE_LIMIT), TITLE_LIMIT)
    description = compact.longest(lambda n: _quoted(alert, n), _within(DESCRIPTION_LIMIT), most)
    embed: dict[str, Any] = {"title": title, "color": _COLOURS[alert.severity]}
    if description:
        embed["description"] = description
    embed["footer"] = {"text": compact.facts(alert)}
    link = safe_link(alert.link)
    return embed | ({"url": link} if link and utf16(link) <= _LINK_LIMIT else {})


def _within(limit: int) -> Callable[[str], bool]:
    return lambda text: utf16(text) <= limit


def _quoted(alert: Alert, most: int) -> str:
    """The note, and the excerpts with bold hits."""
    note = [escape(told)] if (told := compact.note(alert, most)) else []
    return "\n\n".join([*note, *("".join(map(_marked, pieces)) for pieces in compact.passages(alert, most))])


def _marked(run: Run) -> str:
    text, hit = run
    return f"**{escape(text)}**" if hit and text.strip() else escape(text)


def _line(alert: Alert) -> str:
    """A linked headline and its source; Discord ends a link at a bracket."""
    headline = escape(compact.headline(alert, 100))
    link = _BRACKETS.sub(lambda found: quote(found[0], safe=""), safe_link(alert.link))
    told = f"[{headline}](<{link}>)" if link and len(link) <= _LINE_LINK_LIMIT else headline
    return f"- {told} {escape(compact.source(alert))}"


def _lists(lines: list[str]) -> list[dict[str, Any]]:
    """The lines as embeds, each as long as one may be."""
    embeds: list[dict[str, Any]] = []
    for line in lines:
        longer = f"{embeds[-1]['description']}\n{line}" if embeds else line
        if embeds and utf16(longer) <= DESCRIPTION_LIMIT:
            embeds[-1]["description"] = longer
        else:
            embeds.append({"description": line})
    return embeds


def _size(embed: dict[str, Any]) -> int:
    texts = (embed.get("title", ""), embed.get("description", ""), embed.get("footer", {}).get("text", ""))
    return sum(map(utf16, texts)) + 1
