"""One POST to a receiver: a deadline, no redirects, a capped answer, and nothing of the URL in logs or details."""

from __future__ import annotations

import asyncio
import json
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx

from monitor import __version__
from monitor.model import ChannelBroken, Refused, TryLater
from monitor.netguard import AddressRefused, GuardedTransport
from monitor.notify.base import Surroundings
from monitor.notify.detail import detail, is_tls_failure, reason
from monitor.notify.hush import hush, hushed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

MAX_ANSWER = 256 * 1024
"""Bytes of an answer that are read: some repeat the message, and none has a reason to say more."""

_LATER = {408, 425, 429}
_THIS_MESSAGE = {400, 413, 422}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back.

    Attributes:
        text: The first `MAX_ANSWER` bytes of the body; holds whatever the receiver sent, secrets perhaps included.
        retry_after: From the header, never negative; None where there is none that can be read.
        said: The answer in a line that is fit to be stored.
    """

    status: int
    text: str
    retry_after: timedelta | None
    said: str

    @property
    def data(self) -> dict[str, Any]:
        """The body as a JSON object; {} where it is none."""
        try:
            found = json.loads(self.text)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


class HttpSender:
    """A receiver's URL, with the connections to it."""

    def __init__(
        self, url: str, *, timeout: timedelta, around: Surroundings | None = None, secrets: Collection[str] = ()
    ) -> None:
        """Open nothing yet.

        Args:
            url: Absolute http(s) URL, as the user wrote it; a secret.
            timeout: For the whole exchange, from the name lookup to the last byte of the answer.
            around: The clock is for a `Retry-After` that is a date.
            secrets: What must not appear in a detail, besides the URL and its parts.
        """
        around = around or Surroundings()
        self._url = httpx.URL(url)
        self._timeout = timeout
        self._clock = around.clock
        self._secrets = frozenset({*secrets, *_secret_parts(self._url)})
        context = httpx.create_ssl_context(trust_env=False)
        context.load_default_certs()  # the machine's own authorities too, for a company's receivers
        self._client = httpx.AsyncClient(
            transport=GuardedTransport(around.guard.trusting(self._url.host), ssl_context=context),
            trust_env=False,
            follow_redirects=False,
            timeout=None,  # noqa: S113 - `post` holds the whole exchange to one deadline
            headers={"User-Agent": f"news-monitor/{__version__}", "Accept-Encoding": "identity"},
        )
        # httpx logs each request's URL at INFO and httpcore its headers at DEBUG; here both are secrets.
        hush("httpx", "httpcore.connection", "httpcore.http11", "httpcore.proxy")

    @property
    def host(self) -> str:
        """Where it sends to, as a message may name it."""
        return self._url.host

    async def post(self, content: bytes, headers: Mapping[str, str]) -> Answer | TryLater | ChannelBroken:
        """Send `content` once; what was answered, or why there is no answer."""
        try:
            with hushed():
                async with asyncio.timeout(self._timeout.total_seconds()):
                    return await self._exchange(content, headers)
        except TimeoutError:
            return TryLater(detail=f"{self.host} did not answer within {self._timeout.total_seconds():g} s")
        except AddressRefused as error:
            said = f"{error}; where that is right, put it into allow = [...] of [delivery]"
            return ChannelBroken(detail=detail(said, secrets=self._secrets))
        except httpx.HTTPError as error:
            said = detail(f"{self.host}: {reason(error)}", secrets=self._secrets)
            return ChannelBroken(detail=said) if is_tls_failure(error) else TryLater(detail=said)

    async def close(self) -> None:
        await self._client.aclose()

    async def _exchange(self, content: bytes, headers: Mapping[str, str]) -> Answer:
        async with self._client.stream("POST", self._url, content=content, headers=headers) as response:
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) >= MAX_ANSWER:
                    break
        text = bytes(body[:MAX_ANSWER]).decode("utf-8", "replace")
        return Answer(
            status=response.status_code,
            text=text,
            retry_after=parse_retry_after(response.headers.get("retry-after"), now=self._clock.now()),
            said=detail(f"{self.host} answered {_status(response.status_code)}: {text}", secrets=self._secrets),
        )


def verdict(answer: Answer) -> TryLater | Refused | ChannelBroken:
    """What an answer that is no success means for the message.

    400, 413 and 422 are about this message; 408, 425, 429 and 5xx pass; anything else (a redirect, 401, 403, 404, 410)
    would meet every message alike, so it is the channel.
    """
    if answer.status in _LATER or answer.status >= 500:
        return TryLater(detail=answer.said, retry_after=answer.retry_after)
    if answer.status in _THIS_MESSAGE:
        return Refused(detail=answer.said)
    if 300 <= answer.status < 400:
        return ChannelBroken(detail=f"{answer.said} (redirects are not followed; set the final address)")
    return ChannelBroken(detail=answer.said)


def parse_retry_after(value: str | None, *, now: datetime) -> timedelta | None:
    """`Retry-After` (RFC 9110 §10.2.3), seconds or a date, as a span from `now`; None where it can't be read."""
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return timedelta(seconds=min(int(value[:9]), 366 * 86400))
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(timedelta(0), at - now)


def span(seconds: object) -> timedelta | None:
    """A receiver's wish in seconds, from JSON; None where it is none."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < math.inf:
        return None
    return timedelta(seconds=min(seconds, 366 * 86400))


def _status(code: int) -> str:
    try:
        return f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        return str(code)


def _secret_parts(url: httpx.URL) -> set[str]:
    """The URL, and those of its parts that may be a token: an answer might repeat them."""
    target = url.raw_path.decode("ascii")
    words = {*url.path.split("/"), *url.params.values(), *re.split("[/?&=]", target)}
    return {str(url), url.password, *({target} if len(target) > 1 else ()), *(word for word in words if len(word) >= 8)}
