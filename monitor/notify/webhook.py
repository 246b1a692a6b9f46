"""`type = "webhook"`: the alert as JSON to any URL, signed by Standard Webhooks 1.0.0."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal

import httpx
from pydantic import AfterValidator, Field, SecretStr, model_validator

from monitor.alerts import render, several
from monitor.clock import Clock, SystemClock
from monitor.model import Sent
from monitor.notify.base import FROM_FILE, ChannelOptions, JsonTemplate, Wording
from monitor.notify.http import Answer, HttpSender, verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

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

    def __init__(self, options: WebhookOptions, *, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        secrets = [secret for secret in (options.secret, options.previous_secret) if secret is not None]
        self._keys = [_key(secret) for secret in secrets]
        self._headers = {name: value.get_secret_value() for name, value in options.headers.items()}
        self._wording = Wording(body=("json", options.body))
        self._http = HttpSender(
            options.url.get_secret_value(),
            timeout=options.timeout,
            clock=self._clock,
            secrets=[*(secret.get_secret_value() for secret in secrets), *self._headers.values()],
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


def body(message: Message) -> bytes:
    """The request body: `{"type": "alert", "timestamp": when the entry was seen, "data": the alert}`.

    Of several together the type is "alerts", the time that of the first, and the data `several.document`.
    """
    first = message.alerts[0]
    if len(message.alerts) == 1:
        told = {"type": "alert", "timestamp": render.iso(first.seen_at), "data": render.document(first)}
    else:
        told = {"type": "alerts", "timestamp": render.iso(message.created_at), "data": several.document(message)}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


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
