"""`type = "teams"`: Adaptive Cards through a workflow of Microsoft Teams.

Words of a feed go into TextRuns, which know no Markdown (learn.microsoft.com/adaptive-cards/authoring-cards/
text-features); their only magic, `{{DATE(…)}}`, is broken up. A card may have about 28 KB, which Teams counts in UTF-16
(learn.microsoft.com/microsoftteams/limits-specifications-teams).
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

import httpx
from pydantic import AfterValidator, Field, SecretStr

from monitor.alerts import compact, several
from monitor.alerts.safe import clean_header, safe_link
from monitor.model import ChannelBroken, Sent
from monitor.notify.base import ChannelOptions, Surroundings
from monitor.notify.http import Answer, HttpSender, verdict
from monitor.notify.urls import secret_https

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.alerts.safe import Run
    from monitor.model import Alert, Message, SendResult

LIMIT = 26_000
"""Bytes of the whole document."""
_LINK_LIMIT = 2000
_HINT = "copy the URL that the workflow shows, https://…"
_DATE = re.compile(r"\{(?=\{)")
# What a workflow answers that is switched off, or is not one that posts cards, whatever the status.
_CHANNEL_S = {
    "DirectApiAuthorizationRequired",
    "TriggerInputSchemaMismatch",
    "WorkflowNotFound",
    "WorkflowTriggerIsNotEnabled",
    "WorkflowTriggerNotFound",
}


def _is_workflow(url: SecretStr) -> SecretStr:
    host = httpx.URL(url.get_secret_value()).host
    if host.endswith("webhook.office.com") or host == "outlook.office.com":
        raise ValueError("this is an Office 365 connector, which Microsoft has retired; make a workflow instead")
    return url


class TeamsOptions(ChannelOptions):
    """Posts to a Microsoft Teams channel or chat through a workflow."""

    type: Literal["teams"] = Field("teams", description='"teams".')
    webhook_url: Annotated[SecretStr, AfterValidator(secret_https(_HINT)), AfterValidator(_is_workflow)] = Field(
        description='The URL of a workflow made from "Send webhook alerts to a channel"; whoever has it can post.'
    )
    timeout: timedelta = Field(
        timedelta(seconds=15),
        gt=timedelta(0),
        le=timedelta(minutes=2),
        description='The most one post may take, answer included. Example: "15s".',
    )


class TeamsNotifier:
    """Posts to one workflow, which says that it has a card, not that it has shown it."""

    def __init__(self, options: TeamsOptions, around: Surroundings | None = None) -> None:
        self._http = HttpSender(options.webhook_url.get_secret_value(), timeout=options.timeout, around=around)

    async def send(self, message: Message) -> SendResult:
        answer = await self._http.post(_bytes(payload(message)), {"Content-Type": "application/json; charset=utf-8"})
        if not isinstance(answer, Answer):
            return answer
        if 200 <= answer.status < 300:
            return Sent(detail=answer.said)
        error = answer.data.get("error")
        if isinstance(error, dict) and error.get("code") in _CHANNEL_S:
            return ChannelBroken(detail=answer.said)
        return verdict(answer)

    async def close(self) -> None:
        await self._http.close()


def payload(message: Message) -> dict[str, Any]:
    """The message with one card: an alert with a button, or a heading, the first alerts in full, and a list."""
    if several.is_alone(message):
        return _alone(message.alerts[0])
    heading = [_block([_run(clean_header(several.heading(message)), weight="Bolder", size="Large")])]
    if waited := several.reason(message):
        heading.append(_block([_run(waited, isSubtle=True)]))
    told = compact.fitted(
        message,
        full=lambda alert: _container(alert, compact.EACH_EXCERPT),
        brief=lambda alert: _block([_headline(alert, 100), _run(f" {compact.source(alert)}", isSubtle=True)]),
        size=_size,
        room=LIMIT - _size(_message(heading)) - 500,
    )
    rest = [_block([_run(compact.omission(told.omitted), isSubtle=True)])] if told.omitted else []
    return _message([*heading, *told.full, *told.brief, *rest])


def _alone(alert: Alert) -> dict[str, Any]:
    link = _link(alert)
    actions = [{"type": "Action.OpenUrl", "title": "Open the article", "url": link}] if link else []
    return compact.longest(
        lambda most: _message([_container(alert, most)], actions=actions),
        lambda made: _size(made) <= LIMIT,
        compact.MOST_EXCERPT,
    )


def _message(body: list[dict[str, Any]], *, actions: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": body,
    }
    card |= {"actions": actions} if actions else {}
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _container(alert: Alert, most: int) -> dict[str, Any]:
    items = [_block([_headline(alert, 200, size="Medium")])]
    items += [_block([_run(note)])] if (note := compact.note(alert, most)) else []
    items += [_block(_runs(pieces)) for pieces in compact.passages(alert, most)]
    items.append(_block([_run(compact.facts(alert), isSubtle=True, size="Small")]))
    return {"type": "Container", "separator": True, "items": items}


def _headline(alert: Alert, limit: int, **style: str) -> dict[str, Any]:
    link = _link(alert)
    opens = {"selectAction": {"type": "Action.OpenUrl", "url": link}} if link else {}
    return _run(compact.headline(alert, limit), weight="Bolder", **style) | opens


def _link(alert: Alert) -> str:
    link = safe_link(alert.link)
    return link if len(link) <= _LINK_LIMIT else ""


def _block(inlines: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": inlines}


def _runs(pieces: Iterable[Run]) -> list[dict[str, Any]]:
    """A passage with its hits in bold."""
    return [
        {"type": "TextRun", "text": _undated(text)} | ({"weight": "Bolder"} if hit else {})
        for text, hit in compact.inert_runs(pieces)
    ]


def _run(text: str, **style: Any) -> dict[str, Any]:
    return {"type": "TextRun", "text": _undated(compact.inert(text)), **style}


def _undated(text: str) -> str:
    return _DATE.sub("{\u2060", text)


def _bytes(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def _size(document: dict[str, Any]) -> int:
    """Of the document as it is sent, or as Teams counts it, whichever is more."""
    return max(len(_bytes(document)), 2 * compact.utf16(_bytes(document).decode())) + 2
