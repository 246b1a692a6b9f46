"""Hop 2 over the network: one conditional GET, bounded in time, bytes and redirects, whatever the server does."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass
from datetime import timedelta
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Protocol, TypeVar
from urllib.parse import urlencode

import httpx

from monitor.clock import SystemClock
from monitor.fetch.base import Answer
from monitor.fetch.decode import BodyDecoder, BodyError, too_large
from monitor.fetch.policy import explain_status, parse_retry_after, request_headers
from monitor.model import NO_OPTIONS, Fetched, FetchFailed, FetchProblem, NotModified
from monitor.netguard import AddressRefused, Guard, GuardedTransport

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping

    from monitor.clock import Clock
    from monitor.model import Feed, FeedOptions, FetchResult

ResultT = TypeVar("ResultT")


class _Send(Protocol):
    async def __call__(self, request: httpx.Request, *, stream: bool) -> httpx.Response: ...


_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NO_BODY = frozenset({204, 205, 206})
_MAX_VALIDATOR = 2_000  # characters; a longer one is not worth keeping
_DETAIL = 200  # characters of a library's own words


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    """What one fetch may cost.

    Attributes:
        deadline: For the whole of it, from the name look-up to the last byte, redirects included.
        max_compressed_bytes: As they come over the wire.
        max_decoded_bytes: After Content-Encoding.
        max_redirects: Hops followed.
    """

    deadline: timedelta = timedelta(seconds=30)
    max_compressed_bytes: int = 10_000_000
    max_decoded_bytes: int = 20_000_000
    max_redirects: int = 5


class HttpFetcher:
    """A `Fetcher` for http and https.

    One client and one TLS context for the process: a client costs 17 ms, its context. Connections are closed after use
    (feeds are many, hosts are seldom asked twice in a row), and the pool itself has no limit: `concurrency` is the only
    queue, so servers that never answer cannot starve the others for longer than their deadline. Proxy settings of the
    environment are not read, cookies are not kept.
    """

    def __init__(self, *, user_agent: str, limits: FetchLimits, concurrency: int, clock: Clock | None = None) -> None:
        self._user_agent = user_agent
        self._limits = limits
        self._clock: Clock = clock or SystemClock()
        self._slots = asyncio.Semaphore(concurrency)
        self._client = httpx.AsyncClient(
            verify=_tls_context(),
            trust_env=False,
            follow_redirects=False,
            timeout=None,  # noqa: S113 - httpx's are per read, which a dripping server never trips; asyncio.timeout rules
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        )
        self._guarded = GuardedTransport(Guard(), ssl_context=_tls_context())

    async def fetch(self, feed: Feed, options: FeedOptions = NO_OPTIONS) -> FetchResult:  # noqa: ARG002 - to come
        """See `Fetcher.fetch`; the deadline starts when a slot is free."""
        headers = request_headers(feed, user_agent=self._user_agent)
        conditional = bool(feed.etag or feed.last_modified)
        return await self._bounded(
            feed.url, lambda trail: self._follow(trail, self._client.send, headers, conditional=conditional)
        )

    async def get(
        self,
        url: str,
        *,
        options: FeedOptions = NO_OPTIONS,  # noqa: ARG002 - to come
        accept: str = "",
    ) -> Fetched | FetchFailed:
        """See `Web.get`."""
        headers = {"User-Agent": self._user_agent, "Accept-Encoding": "gzip, deflate", "Accept": accept or "*/*"}
        result = await self._bounded(
            url, lambda trail: self._follow(trail, self._send_guarded, headers, conditional=False)
        )
        if isinstance(result, NotModified):  # cannot be: nothing was asked that this answers
            return _failed(FetchProblem.HTTP, explain_status(httpx.codes.NOT_MODIFIED))
        return result

    async def post_form(self, url: str, fields: Iterable[tuple[str, str]]) -> Answer | FetchFailed:
        """See `Web.post_form`."""
        content = urlencode(list(fields)).encode("ascii")
        headers = {"User-Agent": self._user_agent, "Content-Type": "application/x-www-form-urlencoded"}

        async def post(trail: list[httpx.URL]) -> Answer:
            response = await self._guarded.handle_async_request(
                httpx.Request("POST", trail[-1], headers=headers, content=content)
            )
            try:
                return Answer(status=response.status_code, body=await self._body(response))
            finally:
                await response.aclose()

        return await self._bounded(url, post)

    async def _send_guarded(self, request: httpx.Request, *, stream: bool) -> httpx.Response:  # noqa: ARG002
        response = await self._guarded.handle_async_request(request)
        response.request = request
        return response

    async def _bounded(self, url: str, ask: Callable[[list[httpx.URL]], Awaitable[ResultT]]) -> ResultT | FetchFailed:
        start = _parse(url)
        if isinstance(start, FetchFailed):
            return start
        trail = [start]
        async with self._slots:
            try:
                async with asyncio.timeout(self._limits.deadline.total_seconds()):
                    return await ask(trail)
            except AddressRefused as error:
                return _failed(FetchProblem.REFUSED, f"{error}: not dialled; polling.allow can name it")
            except TimeoutError:
                seconds = f"{self._limits.deadline.total_seconds():g}"
                return _failed(FetchProblem.TIMEOUT, f"{trail[-1].host} did not finish its answer within {seconds} s")
            except BodyError as error:
                return _failed(error.problem, f"{trail[-1].host} {error.detail}")
            except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
                return _explain(error, trail[-1].host)

    async def close(self) -> None:
        """See `Fetcher.close`."""
        await self._client.aclose()
        await self._guarded.aclose()

    async def _follow(
        self, trail: list[httpx.URL], send: _Send, headers: Mapping[str, str], *, conditional: bool
    ) -> FetchResult:
        """Ask the last URL of `trail`; add to it what that redirects to, until one does not."""
        while True:
            response = await send(httpx.Request("GET", trail[-1], headers=_encoded(headers)), stream=True)
            try:
                if response.status_code not in _REDIRECTS or "location" not in response.headers:
                    return await self._take(response, conditional=conditional)
            finally:
                await response.aclose()
            target = next_hop(trail[-1], response.headers["location"])
            if isinstance(target, FetchFailed):
                return target
            if target in trail:
                return _failed(FetchProblem.REDIRECT, f"redirects in a circle, back to {_printable(str(target))}")
            if len(trail) > self._limits.max_redirects:
                return _failed(FetchProblem.REDIRECT, f"redirects more than {self._limits.max_redirects} times")
            trail.append(target)

    async def _take(self, response: httpx.Response, *, conditional: bool) -> FetchResult:
        status = response.status_code
        etag = _validator(response.headers, b"etag")
        last_modified = _validator(response.headers, b"last-modified")
        if status == httpx.codes.NOT_MODIFIED and conditional:
            return NotModified(etag=etag, last_modified=last_modified)
        if not 200 <= status < 300 or status in _NO_BODY:
            retry_after = parse_retry_after(response.headers.get("retry-after"), self._clock.now())
            detail = explain_status(status, retry_after=retry_after)
            return FetchFailed(problem=FetchProblem.HTTP, detail=detail, status=status, retry_after=retry_after)
        return Fetched(
            url=str(response.url),
            status=status,
            body=await self._body(response),
            content_type=response.headers.get("content-type"),
            etag=etag,
            last_modified=last_modified,
        )

    async def _body(self, response: httpx.Response) -> bytes:
        limits = self._limits
        length = response.headers.get("content-length", "")
        if length.isdigit() and int(length[:20]) > limits.max_compressed_bytes:
            raise too_large(limits.max_compressed_bytes)
        decoder = BodyDecoder(
            response.headers.get("content-encoding", ""),
            max_compressed=limits.max_compressed_bytes,
            max_decoded=limits.max_decoded_bytes,
        )
        async for chunk in response.aiter_raw():
            decoder.feed(chunk)
        return decoder.finish()


def next_hop(url: httpx.URL, location: str) -> httpx.URL | FetchFailed:
    """Where a redirect leads (RFC 9110 section 10.2.2); never from https to http, never out of the web."""
    try:
        target = url.join(location).copy_with(fragment=None)
    except (httpx.InvalidURL, ValueError):
        return _failed(FetchProblem.REDIRECT, f"redirects to {_printable(location)}, which is no URL")
    if not _is_web(target):
        return _failed(FetchProblem.REDIRECT, f"redirects to {_printable(str(target))}, which is no http or https URL")
    if url.scheme == "https" and target.scheme == "http":
        return _failed(
            FetchProblem.REDIRECT, f"redirects from https to plain http ({_printable(str(target))}): not followed"
        )
    return target


def _parse(text: str) -> httpx.URL | FetchFailed:
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        return _failed(FetchProblem.PROTOCOL, f"{_printable(text)} is no URL")
    if not _is_web(url):
        return _failed(FetchProblem.PROTOCOL, f"{_printable(text)} is no http or https URL")
    return url.copy_with(fragment=None)


def _is_web(url: httpx.URL) -> bool:
    """httpx escapes what cannot be in a host name instead of refusing it."""
    return url.scheme in ("http", "https") and bool(url.host) and "%" not in url.host


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Validators were read as Latin-1, so this gives their bytes back."""
    return [(name.encode("ascii"), value.encode("latin-1", "replace")) for name, value in headers.items()]


def _validator(headers: httpx.Headers, name: bytes) -> str | None:
    for key, value in headers.raw:
        if key.lower() == name and 0 < len(value) <= _MAX_VALIDATOR:
            return value.decode("latin-1")
    return None


def _explain(error: BaseException, host: str) -> FetchFailed:
    """The innermost cause that says something, in a line."""
    causes = list(_causes(error))
    for cause in causes:
        match cause:
            case socket.gaierror():
                return _failed(
                    FetchProblem.DNS, f"cannot find the host {host}: {_printable(cause.strerror or str(cause))}"
                )
            case ssl.SSLCertVerificationError():
                reason = _printable(cause.verify_message)
                return _failed(FetchProblem.TLS, f"cannot trust the certificate of {host}: {reason}")
            case ssl.SSLError():
                reason = _printable((cause.reason or str(cause)).replace("_", " ").lower())
                return _failed(FetchProblem.TLS, f"no secure connection to {host}: {reason}")
            case ConnectionRefusedError():
                return _failed(FetchProblem.CONNECT, f"{host} refuses connections")
            case _:
                continue
    if isinstance(error, httpx.ConnectError):
        return _failed(FetchProblem.CONNECT, f"cannot connect to {host}: {_printable(str(causes[-1]))}")
    if isinstance(error, httpx.NetworkError | OSError):
        return _failed(FetchProblem.CONNECT, f"the connection to {host} broke")
    if isinstance(error, httpx.RemoteProtocolError):
        return _failed(FetchProblem.PROTOCOL, f"{host} does not speak HTTP as it should: {_printable(str(error))}")
    return _failed(FetchProblem.PROTOCOL, f"the request to {host} failed: {_printable(str(error))}")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it came from, groups opened, outermost first."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        current = waiting.pop(0)
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        if isinstance(current, BaseExceptionGroup):
            waiting.extend(current.exceptions)
        waiting.extend((current.__cause__, current.__context__))


def _failed(problem: FetchProblem, detail: str) -> FetchFailed:
    return FetchFailed(problem=problem, detail=detail)


def _printable(text: str) -> str:
    """One line of what a server or a library said: without control characters, not longer than a line should be."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= _DETAIL else line[: _DETAIL - 1] + "…"


def _tls_context() -> ssl.SSLContext:
    """Mozilla's roots, and those of the machine (a company's own)."""
    context = httpx.create_ssl_context()
    context.load_default_certs()
    return context
