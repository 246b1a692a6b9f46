"""`type = "webhook"`: the alert as JSON to any URL, signed by Standard Webhooks 1.0.0."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

import httpx
from pydantic import AfterValidator, Field, SecretStr, model_validator

from monitor.alerts import render, several
from monitor.model import Sent
from monitor.notify.base import FROM_FILE, ChannelOptions, JsonTemplate, Surroundings, Wording
from monitor.notify.http import Answer, HttpSender, verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from monitor.model import Message, SendResult

_HOW_TO_MAKE_ONE = 'make one with: printf "whsec_%s\\n" "$(openssl rand -base64 32)"'
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OWN_HEADERS = {"host", "content-type", "content-length", "transfer-encoding", "connection"}


def _is_url(url: SecretStr) -> SecretStr:
    try:
        parsed = httpx.URL(url.get_secret_value())
    except httpx.InvalidURL:
        raise ValueError("not a URL") from None
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise ValueError("must be an absolute http or https URL, such as https://hooks.example.org/news")
    return url


def _is_signing_secret(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if not text.startswith("whsec_"):
        raise ValueError(f'must start with "whsec_"; {_HOW_TO_MAKE_ONE}')
    try:
        length = len(_key(secret))
    except binascii.Error:
        raise ValueError(f'what follows "whsec_" must be base64; {_HOW_TO_MAKE_ONE}') from None
    if not 24 <= length <= 64:
        raise ValueError(f"must hold 24 to 64 bytes, this one holds {length}; {_HOW_TO_MAKE_ONE}")
    return secret


def _key(secret: SecretStr) -> bytes:
    return base64.b64decode(secret.get_secret_value().removeprefix("whsec_"), validate=True)


def _are_headers(headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a header name")
        if name.lower() in _OWN_HEADERS or name.lower().startswith("webhook-"):
            raise ValueError(f"{name} is set by news-monitor itself")
        text = value.get_secret_value()
        if not (text.isascii() and text.isprintable()):
            raise ValueError(f"the value of {name} must be printable ASCII on one line")
    return headers


def _words(values: Iterable[str]) -> Iterator[str]:
    """The values of headers, and the tokens in them ("Bearer 5f1c…"), which an answer might repeat alone."""
    for value in values:
        yield value
        yield from (word for word in value.split() if len(word) >= 8)


SigningSecret = Annotated[SecretStr, AfterValidator(_is_signing_secret)]


class WebhookOptions(ChannelOptions):
    """Sends each alert as a JSON document to a URL of yours."""

    type: Literal["webhook"] = Field("webhook", description='"webhook".')
    url: Annotated[SecretStr, AfterValidator(_is_url)] = Field(
        description="Where to POST, http or https. Treated as a secret, because such addresses often hold a token. "
        'Example: "https://hooks.example.org/news".'
    )
    secret: SigningSecret | None = Field(
        None,
        description="Signs every request by Standard Webhooks, so that the receiver can tell it from a forged one: "
        f'"whsec_" and 24 to 64 random bytes in base64; {_HOW_TO_MAKE_ONE}. Without it requests are not signed.',
    )
    previous_secret: SigningSecret | None = Field(
        None,
        description="The secret before this one. While it is set, requests carry both signatures, and receivers can "
        "change over one at a time.",
    )
    headers: Annotated[dict[str, SecretStr], AfterValidator(_are_headers)] = Field(
        default_factory=dict,
        description="More headers for every request; the values are secrets. "
        'Example: { Authorization = "Bearer 5f1c…" }.',
    )
    body: JsonTemplate | None = Field(
        None,
        json_schema_extra=FROM_FILE,
        description="A template for the body, which has to come to JSON: `{{ value|tojson }}`. Times are in UTC.",
    )
    timeout: timedelta = Field(
        timedelta(seconds=15),
        gt=timedelta(0),
        le=timedelta(minutes=2),
        description='The most one request may take, answer included. Example: "15s".',
    )

    @model_validator(mode="after")
    def _has_a_secret_to_rotate_to(self) -> WebhookOptions:
        if self.previous_secret is not None and self.secret is None:
            raise ValueError("previous_secret needs secret: put the new one there")
        return self


class WebhookNotifier:
    """Delivers to one URL. The same message has the same `webhook-id`, and the same body, on every attempt."""

    def __init__(self, options: WebhookOptions, around: Surroundings | None = None) -> None:
        around = around or Surroundings()
        self._clock = around.clock
        secrets = [secret for secret in (options.secret, options.previous_secret) if secret is not None]
        self._keys = [_key(secret) for secret in secrets]
        self._headers = {name: value.get_secret_value() for name, value in options.headers.items()}
        self._wording = Wording(body=("json", options.body))
        self._http = HttpSender(
            options.url.get_secret_value(),
            timeout=options.timeout,
            around=around,
            secrets=[*(secret.get_secret_value() for secret in secrets), *_words(self._headers.values())],
        )

    async def send(self, message: Message) -> SendResult:
        words = self._wording.words(message)
        own = words.say("body")
        content = body(message) if own is None else own.encode()
        headers = self._headers | {"Content-Type": "application/json"}
        headers |= signature_headers(self._keys, message.id, int(self._clock.now().timestamp()), content)
        answer = await self._http.post(content, headers)
        if not isinstance(answer, Answer):
            return answer
        if 200 <= answer.status < 300:
            return words.warned(Sent(detail=answer.said))
        return verdict(answer)

    async def close(self) -> None:
        await self._http.close()


LIMIT = 20_000
"""Bytes of a body: Standard Webhooks 1.0.0 asks for "no more than 20 kb"."""


def body(message: Message) -> bytes:
    """The request body: `{"type": "alert", "timestamp": when the entry was seen, "data": the alert}`.

    Of several together the type is "alerts", the time when the first of them was made, and the data
    `several.document`. Published as docs/webhook.schema.json.
    """
    first = message.alerts[0]
    if len(message.alerts) == 1:
        data = render.document(first)
        told = {"type": "alert", "timestamp": render.iso(first.seen_at), "data": data}
        _leave_out(told, [data])
    else:
        data = several.document(message)
        told = {"type": "alerts", "timestamp": render.iso(message.created_at), "data": data}
        over = _leave_out(told, data["alerts"])
        while over > 0 and len(data["alerts"]) > 1:
            over -= len(_json(data["alerts"].pop())) + 1
            data["omitted"] += 1
    return _json(told)


def _leave_out(told: dict[str, Any], alerts: list[dict[str, Any]]) -> int:
    """Empty the excerpts of the last alerts first, as many as needed; how many bytes there are too many even so."""
    over = len(_json(told)) - LIMIT
    for alert in reversed(alerts):
        if over <= 0:
            break
        if alert["excerpts"]:
            before = len(_json(alert))
            alert |= {"excerpts": [], "shortened": True}
            over -= before - len(_json(alert))
    return over


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def signature_headers(keys: list[bytes], message_id: str, timestamp: int, content: bytes) -> Mapping[str, str]:
    """The Standard Webhooks headers: one `v1` signature (HMAC-SHA256 over "id.timestamp.body") for each key.

    Without a key there is no signature; id and timestamp, in unix seconds of this attempt, are there all the same.
    """
    headers = {"webhook-id": message_id, "webhook-timestamp": str(timestamp)}
    signed = f"{message_id}.{timestamp}.".encode() + content
    digests = (hmac.digest(key, signed, hashlib.sha256) for key in keys)
    if keys:
        headers["webhook-signature"] = " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)
    return headers
