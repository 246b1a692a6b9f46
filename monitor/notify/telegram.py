"""`type = "telegram"`: messages through a bot, as plain text with entities.

There is no parse mode, so nothing in the text is markup: what is bold or a link stands beside it, by its place in
UTF-16 units (core.telegram.org/bots/api#messageentity). Telegram still makes links and mentions of whatever looks like
one; words of a feed go through `compact.inert` against that.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain, groupby
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, SecretStr

from monitor.alerts import compact, several
from monitor.alerts.compact import utf16
from monitor.alerts.safe import clean_header, safe_link
from monitor.model import ChannelBroken, Refused, Sent
from monitor.notify.base import ChannelOptions, Surroundings
from monitor.notify.http import Answer, HttpSender, span, verdict
from monitor.notify.urls import plain_https

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from monitor.model import Alert, Message, SendResult

LIMIT = 4096
MOST_ENTITIES = 100
"""Of a message; Telegram leaves out what is over."""
_API = "https://api.telegram.org"
_LINK_LIMIT = 2000
_TOKEN = re.compile(r"\d+:[A-Za-z0-9_-]{20,}")
_CHAT = re.compile(r"-?\d{1,20}|@[A-Za-z][A-Za-z0-9_]{3,}")
# Of the reasons that come with a 400, those that every message would meet; the others are about the message.
_CHANNEL_S = re.compile(
    r"chat not found|chat_write_forbidden|not enough rights|upgraded to a supergroup|have no rights|need administrator"
    r"|thread not found|topic_closed|topic_deleted|user not found|peer_id_invalid|chat_restricted|group chat was",
    re.IGNORECASE,
)


def _is_token(token: SecretStr) -> SecretStr:
    if not _TOKEN.fullmatch(token.get_secret_value()):
        raise ValueError("must be the token that @BotFather gave, such as 123456789:AA…")
    return token


def _is_chat(chat: str) -> str:
    if not _CHAT.fullmatch(chat):
        raise ValueError(
            'must be a chat\'s number, such as "-1001234567890", or a public channel, such as "@desk_news"'
        )
    return chat


class TelegramOptions(ChannelOptions):
    """Sends to a Telegram chat, group or channel as a bot."""

    type: Literal["telegram"] = Field("telegram", description='"telegram".')
    token: Annotated[SecretStr, AfterValidator(_is_token)] = Field(description="The bot's token, from @BotFather.")
    chat_id: Annotated[str, AfterValidator(_is_chat)] = Field(
        coerce_numbers_to_str=True,
        description='Where to send: the number of a chat or group, "-1001234567890", or a public channel, "@desk".',
    )
    topic: int | None = Field(None, ge=1, description="The number of a topic in a group that has topics.")
    api_url: Annotated[str, AfterValidator(plain_https(f"such as {_API}"))] = Field(
        _API, description="Where the bot's calls go; another one for a Bot API server of your own."
    )
    timeout: timedelta = Field(
        timedelta(seconds=15),
        gt=timedelta(0),
        le=timedelta(minutes=2),
        description='The most one message may take, answer included. Example: "15s".',
    )


class TelegramNotifier:
    """Sends to one chat; `Sent.ref` is the message's number, to which later messages about the story reply."""

    def __init__(self, options: TelegramOptions, around: Surroundings | None = None) -> None:
        token = options.token.get_secret_value()
        self._target: dict[str, Any] = {"chat_id": options.chat_id}
        if options.topic is not None:
            self._target["message_thread_id"] = options.topic
        url = f"{options.api_url.rstrip('/')}/bot{token}/sendMessage"
        self._http = HttpSender(url, timeout=options.timeout, around=around, secrets=[token, *token.split(":")[1:]])

    async def send(self, message: Message) -> SendResult:
        content = payload(message)
        result = await self._post(content)
        if isinstance(result, Refused):  # an entity it does not like must not cost the alert: once more, without any
            result = await self._post(content | {"entities": []})
        return result

    async def close(self) -> None:
        await self._http.close()

    async def _post(self, content: dict[str, Any]) -> SendResult:
        told = json.dumps(content | self._target).encode()
        answer = await self._http.post(told, {"Content-Type": "application/json"})
        return _result(answer) if isinstance(answer, Answer) else answer


def _result(answer: Answer) -> SendResult:
    data = answer.data
    if 200 <= answer.status < 300:
        if data.get("ok") is not True:
            return ChannelBroken(detail=f"{answer.said} (is this Telegram's Bot API?)")
        sent = data.get("result")
        return Sent(detail="ok", ref=str(sent.get("message_id", "")) if isinstance(sent, dict) else "")
    parameters = data.get("parameters")
    wished = span(parameters.get("retry_after")) if isinstance(parameters, dict) else None
    result = verdict(replace(answer, retry_after=wished or answer.retry_after))
    if isinstance(result, Refused) and _CHANNEL_S.search(str(data.get("description", ""))):
        return ChannelBroken(detail=answer.said)
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A piece of text with what Telegram is to make of it."""

    text: str
    bold: bool = False
    quote: bool = False
    link: str = ""


def payload(message: Message) -> dict[str, Any]:
    """The message as sendMessage takes it, but for the chat."""
    text, entities = composed(_spans(message))
    told: dict[str, Any] = {"text": text, "entities": entities, "link_preview_options": {"is_disabled": True}}
    if message.thread.isdecimal():
        told["reply_parameters"] = {"message_id": int(message.thread), "allow_sending_without_reply": True}
    return told


def composed(spans: Iterable[Span]) -> tuple[str, list[dict[str, Any]]]:
    """The text and its entities; where there are too many, the last bold ones are left out."""
    parts: list[str] = []
    entities: list[dict[str, Any]] = []
    at = 0
    for quoted, group in groupby((piece for piece in spans if piece.text), key=lambda piece: piece.quote):
        begin = at
        for piece in group:
            place = {"offset": at, "length": utf16(piece.text)}
            if piece.link:
                entities.append({"type": "text_link", "url": piece.link, **place})
            if piece.bold:
                entities.append({"type": "bold", **place})
            parts.append(piece.text)
            at += place["length"]
        if quoted:
            entities.append({"type": "blockquote", "offset": begin, "length": at - begin})
    kept = sorted(entities, key=lambda entity: entity["type"] == "bold")[:MOST_ENTITIES]
    return "".join(parts), sorted(kept, key=lambda entity: (entity["offset"], -entity["length"]))


def _spans(message: Message) -> tuple[Span, ...]:
    if several.is_alone(message):
        alert = message.alerts[0]
        return compact.longest(
            lambda most: tuple(_full(alert, most)), lambda spans: _size(spans) <= LIMIT, compact.MOST_EXCERPT
        )
    heading = [Span(text=compact.inert(clean_header(several.heading(message))), bold=True)]
    if waited := several.reason(message):
        heading.append(Span(text=f"\n{compact.inert(waited)}"))
    told = compact.fitted(
        message,
        full=lambda alert: (Span(text="\n\n"), *_full(alert, compact.EACH_EXCERPT)),
        brief=lambda alert: (Span(text="\n\n"), _headline(alert, 100), Span(text=_source(alert))),
        size=_size,
        room=LIMIT - _size(heading) - 100,
    )
    rest = [Span(text=f"\n\n{compact.omission(told.omitted)}")] if told.omitted else []
    return tuple(chain(heading, *told.full, *told.brief, rest))


def _full(alert: Alert, most: int) -> Iterator[Span]:
    yield _headline(alert, 200)
    yield Span(text="\n")
    if note := compact.note(alert, most):
        yield Span(text=f"{compact.inert(note)}\n")
    for number, pieces in enumerate(compact.passages(alert, most)):
        if number:
            yield Span(text="\n\n", quote=True)
        yield from (Span(text=text, bold=hit, quote=True) for text, hit in compact.inert_runs(pieces))
    yield Span(text=f"\n{compact.inert(compact.facts(alert))}")


def _headline(alert: Alert, limit: int) -> Span:
    link = safe_link(alert.link)
    text = compact.inert(compact.headline(alert, limit))
    return Span(text=text, bold=True, link=link if len(link) <= _LINK_LIMIT else "")


def _source(alert: Alert) -> str:
    return f" {compact.inert(compact.source(alert))}"


def _size(spans: Iterable[Span]) -> int:
    return sum(utf16(piece.text) for piece in spans)
