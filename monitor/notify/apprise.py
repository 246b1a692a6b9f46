"""`type = "apprise"`: one of the hundred-odd services that Apprise knows, through its URL. Needs the extra "apprise".

Apprise says whether a message got through, and in a log line why not. So what a failure means is read from there where
it can be ("error=404"), and is otherwise taken for one that passes. Its own retries are off: ours outlive the process.
It dials by itself, so the address guard does not see it; redirects are off.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import unquote

from pydantic import AfterValidator, Field, SecretStr

from monitor.alerts import compact, several
from monitor.alerts.safe import clean_header
from monitor.model import Sent, Severity, TryLater
from monitor.notify.base import ChannelOptions
from monitor.notify.detail import detail
from monitor.notify.http import Answer, verdict
from monitor.notify.hush import hush, hushed

if TYPE_CHECKING:
    from collections.abc import Collection

    from monitor.model import Message, SendResult

LIMIT = 4000
"""Characters of a text, where the service would take more."""
_LEAST = 20
_CODE = re.compile(r"\berror=(\d{3})\b")
_KINDS = {Severity.LOW: "info", Severity.NORMAL: "info", Severity.HIGH: "warning", Severity.CRITICAL: "failure"}


def _service(url: SecretStr) -> Any:
    """The service behind a URL, with nothing kept on disk and nothing tried twice.

    Raises:
        ValueError: There is no Apprise, or it does not know the URL.
    """
    try:
        apprise = import_module("apprise")
    except ImportError:
        raise ValueError('needs the extra "apprise": pip install "news-monitor[apprise]"') from None
    # Below warnings its log tells URLs and messages. The warnings it reads itself, for its results; nobody else has to.
    log = logging.getLogger("apprise")
    log.setLevel(logging.WARNING)
    log.propagate = False
    asset = apprise.AppriseAsset(
        app_id="news-monitor", http_redirects=False, storage_mode="memory", secure_logging=True, allow_templates=False
    )
    service = apprise.Apprise.instantiate(url.get_secret_value(), asset=asset)
    if service is None:
        raise ValueError("is no URL that Apprise knows; the kinds are listed at https://github.com/caronc/apprise/wiki")
    service.retry = 0
    return service


def _is_known(url: SecretStr) -> SecretStr:
    _service(url)
    return url


class AppriseOptions(ChannelOptions):
    """Sends through Apprise, to whatever service its URL stands for."""

    type: Literal["apprise"] = Field("apprise", description='"apprise".')
    url: Annotated[SecretStr, AfterValidator(_is_known)] = Field(
        description="One Apprise URL with one target, such as `pover://user@token` or `matrixs://user:password@host/#room`."
        " A channel for each: what was sent to one of two targets would be sent to both again."
    )
    timeout: timedelta = Field(
        timedelta(seconds=30),
        gt=timedelta(0),
        le=timedelta(minutes=2),
        description='The most one message may take. Example: "30s".',
    )


class AppriseNotifier:
    """Sends to one URL, one message at a time, in a thread of its own."""

    def __init__(self, options: AppriseOptions) -> None:
        self._service = _service(options.url)
        self._apprise = import_module("apprise").Apprise(asset=self._service.asset)
        self._apprise.add(self._service)
        self._seconds = options.timeout.total_seconds()
        self._secrets = _secret_parts(options.url.get_secret_value())
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="apprise")
        hush("urllib3.connectionpool", "urllib3.util.retry")

    async def send(self, message: Message) -> SendResult:
        late = TryLater(detail=f"{self._name} did not finish within {self._seconds:g} s")
        context = contextvars.copy_context()
        try:
            # Apprise keeps the deadline itself; this is for a service that does not let it.
            async with asyncio.timeout(self._seconds + 1):
                result = await asyncio.get_running_loop().run_in_executor(
                    self._thread, context.run, self._notify, message
                )
        except TimeoutError:
            return late
        if result:
            return Sent(detail=f"{self._name}: ok")
        if result.status.name == "TIMEOUT":
            return late
        return self._failure([entry.message for entry in result.logs()])

    async def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    @property
    def _name(self) -> str:
        return clean_header(str(self._service.service_name))

    def _notify(self, message: Message) -> Any:
        with hushed():
            return self._apprise.notify(
                body=text(message, int(self._service.body_maxlen)),
                title=compact.inert(clean_header(several.subject(message), 150)),
                notify_type=_KINDS[max((alert.severity for alert in message.alerts), key=tuple(Severity).index)],
                body_format="text",
                interpret_escapes=False,
                timeout=self._seconds,
            )

    def _failure(self, told: list[str]) -> SendResult:
        said = detail(f"{self._name}: {' '.join(told) or 'not sent'}", secrets=self._secrets)
        codes = [int(code) for line in told for code in _CODE.findall(line)]
        if codes and 300 <= codes[-1] < 500:
            return verdict(Answer(status=codes[-1], text="", retry_after=None, said=said))
        return TryLater(detail=said)


def text(message: Message, most: int) -> str:
    """All but the title, in at most `most` characters, which a text message on a phone has few of."""
    limit = max(_LEAST, min(LIMIT, most - 200 if most > 400 else most // 2))
    return compact.cut(compact.body(message, limit=limit, size=len), limit, len)


def _secret_parts(url: str) -> Collection[str]:
    """The URL and its parts, as they stand there and decoded; any of them may be a token."""
    parts = re.split(r"[/:@?&=,;#]+", url)
    return {url, *(form for part in parts if len(part) >= 6 for form in (part, unquote(part)))}
