"""Hop 2 over the network: one conditional GET, bounded in time, bytes and redirects, whatever the server does."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode
from urllib.request import getproxies, proxy_bypass

import httpx

from monitor.clock import SystemClock
from monitor.fetch.answers import explain_status, fresh_for, header_fields, in_utf8, is_feed_delta, validator
from monitor.fetch.base import Answer
from monitor.fetch.decode import BodyDecoder, BodyError, too_large
from monitor.fetch.explain import explain, failed, printable
from monitor.fetch.hub import linked
from monitor.fetch.policy import basic_login, own_headers, parse_retry_after, plain_headers, request_headers
from monitor.fetch.target import bare, next_hop, origin, parse_target
from monitor.fetch.transport import WebTransport
from monitor.model import NO_OPTIONS, Fetched, FetchFailed, FetchProblem, NotModified
from monitor.netguard import AddressRefused, Guard

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from monitor.clock import Clock
    from monitor.model import Feed, FeedOptions, FetchResult

ResultT = TypeVar("ResultT")

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PERMANENT = frozenset({301, 308})
_KEEPS_METHOD = frozenset({307, 308})
_NO_BODY = frozenset({204, 205, 206})
_IM_USED = 226
_NOTHING = httpx.ByteStream(b"")
_PIECE = 8 * 1024  # bytes as they came; at 200 times, the most that is taken, about 5 ms to unpack
_MOST_AT_ONCE = 512 * 1024  # bytes unpacked


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Start:
    """A URL, taken apart once.

    Attributes:
        url: Without the login in it.
        userinfo: That login, as it stands in the URL.
        login: The same as an Authorization header; "": none.
        trusted: The host, where it is an address (or localhost) that the user may have chosen by writing it.
    """

    url: httpx.URL
    origin: tuple[str, str, int]
    userinfo: bytes
    login: str
    trusted: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ask:
    """What is asked, of whichever URL the redirects lead to.

    Attributes:
        own: Headers for the origin of the first URL.
        foreign: Headers for every other one.
        trusted: The host whose address the user chose; "": none.
        proxy: Its URL; "": what the environment says, if that is to be asked.
        conditional: Whether a 304 is an answer to it.
        max_bytes: The largest body, as it comes and decoded, if that is less than the fetcher's limits; None: those.
    """

    start: _Start
    own: list[tuple[bytes, bytes]]
    foreign: list[tuple[bytes, bytes]]
    trusted: str = ""
    proxy: str = ""
    http2: bool = False
    conditional: bool = False
    max_bytes: int | None = None


@dataclass(slots=True)
class _Trail:
    """The URLs that were asked, and where permanent redirects alone led."""

    urls: list[httpx.URL]
    moved_to: httpx.URL | None = None
    lasting: bool = True


class HttpFetcher:
    """A `Fetcher` for http and https, and a `Web`.

    `concurrency` is the only queue: the transport has no limit, so servers that never answer cannot starve the others
    for longer than their deadline. No cookie is kept, and no connection: feeds are many, hosts are seldom asked twice
    in a row.

    Args:
        user_agent: What publishers see, unless a feed has its own.
        guard: What may be dialled. An address in a feed's own URL, or localhost, is a choice of its user's and needs no
            entry, for that host alone.
        proxy: URL of the proxy for everything that names no other; "": none.
        proxy_from_env: Whether HTTP_PROXY and its kin count where no proxy is given.
        transport: Replaces the network. It may get the request extensions that `monitor.fetch.transport` names.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        limits: FetchLimits,
        concurrency: int,
        clock: Clock | None = None,
        guard: Guard | None = None,
        proxy: str = "",
        proxy_from_env: bool = False,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        guard = guard or Guard()
        self._user_agent = user_agent
        self._limits = limits
        self._deadline = limits.deadline.total_seconds()
        self._clock: Clock = clock or SystemClock()
        self._slots = asyncio.Semaphore(concurrency)
        self._proxy = proxy
        self._proxy_from_env = proxy_from_env
        self._transport = transport or WebTransport(guard, tls=tls_context)
        self._start: Callable[[str], _Start | FetchFailed] = lru_cache(maxsize=4096)(lambda url: _start(url, guard))

    async def fetch(self, feed: Feed, options: FeedOptions = NO_OPTIONS) -> FetchResult:
        """See `Fetcher.fetch`; the deadline starts when a slot is free."""
        start = self._start(feed.url)
        if isinstance(start, FetchFailed):
            return start
        headers = request_headers(feed, options, user_agent=self._user_agent)
        conditional = bool(feed.etag or feed.last_modified)
        ask = self._ask(start, headers, options, trusted=start.trusted, conditional=conditional)
        return await self._bounded(start, lambda trail: self._follow(ask, trail))

    async def get(
        self, url: str, *, options: FeedOptions = NO_OPTIONS, accept: str = "", max_bytes: int | None = None
    ) -> Fetched | FetchFailed:
        """See `Web.get`."""
        start = self._start(url)
        if isinstance(start, FetchFailed):
            return start
        headers = plain_headers(options.user_agent or self._user_agent, accept)
        ask = self._ask(start, headers, options, max_bytes=max_bytes)
        result = await self._bounded(start, lambda trail: self._follow(ask, trail))
        if isinstance(result, NotModified):
            raise TypeError("an unconditional request has no such result")
        return result

    async def post_form(self, url: str, fields: Iterable[tuple[str, str]]) -> Answer | FetchFailed:
        """See `Web.post_form`."""
        start = self._start(url)
        if isinstance(start, FetchFailed):
            return start
        content = urlencode(list(fields)).encode("ascii")
        headers = plain_headers(self._user_agent, "*/*") | {"Content-Type": "application/x-www-form-urlencoded"}
        ask = self._ask(start, headers, NO_OPTIONS)

        async def post(trail: _Trail) -> Answer | FetchFailed:
            while True:
                response = await self._send(ask, trail.urls[-1], content)
                try:
                    fields = header_fields(response.headers.raw)
                    if response.status_code not in _KEEPS_METHOD or not fields.get("location"):
                        return Answer(status=response.status_code, body=await self._body(ask, response, fields))
                finally:
                    await response.aclose()
                if refused := self._hop(trail, response.status_code, fields):
                    return refused

        return await self._bounded(start, post)

    async def close(self) -> None:
        """See `Fetcher.close`."""
        await self._transport.aclose()

    def _ask(
        self,
        start: _Start,
        headers: Mapping[str, str],
        options: FeedOptions,
        *,
        trusted: str = "",
        conditional: bool = False,
        max_bytes: int | None = None,
    ) -> _Ask:
        foreign = own = _encoded(headers)
        if options is not NO_OPTIONS or start.login:
            own = _encoded(own_headers(headers, options, login=start.login))
        return _Ask(
            start=start,
            own=own,
            foreign=foreign,
            trusted=trusted,
            proxy=options.proxy or self._proxy,
            http2=options.http2,
            conditional=conditional,
            max_bytes=max_bytes,
        )

    async def _bounded(self, start: _Start, ask: Callable[[_Trail], Awaitable[ResultT]]) -> ResultT | FetchFailed:
        """`ask`, when there is a place for it, within the deadline, and its failures in words."""
        trail = _Trail([start.url])
        async with self._slots:
            try:
                async with asyncio.timeout(self._deadline):
                    return await ask(trail)
            except TimeoutError:
                host = trail.urls[-1].host
                return failed(FetchProblem.TIMEOUT, f"{host} did not finish its answer within {self._deadline:g} s")
            except BodyError as error:
                return failed(error.problem, f"{trail.urls[-1].host} {error.detail}")
            except (httpx.HTTPError, httpx.InvalidURL, AddressRefused, OSError) as error:
                return explain(error, trail.urls[-1].host)

    async def _follow(self, ask: _Ask, trail: _Trail) -> FetchResult:
        """Ask the last URL of `trail`; add to it what that redirects to, until one does not."""
        while True:
            response = await self._send(ask, trail.urls[-1])
            try:
                fields = header_fields(response.headers.raw)
                status = response.status_code
                if status not in _REDIRECTS or not fields.get("location"):
                    return await self._take(ask, trail, response, fields)
            finally:
                await response.aclose()
            if refused := self._hop(trail, status, fields):
                return refused

    def _hop(self, trail: _Trail, status: int, fields: Mapping[str, str]) -> FetchFailed | None:
        """Add to `trail` where a redirect leads; or why it is not followed."""
        target = next_hop(trail.urls[-1], in_utf8(fields["location"]))
        if isinstance(target, FetchFailed):
            return target
        if target in trail.urls:
            return failed(FetchProblem.REDIRECT, f"redirects in a circle, back to {printable(str(target))}")
        if len(trail.urls) > self._limits.max_redirects:
            return failed(FetchProblem.REDIRECT, f"redirects more than {self._limits.max_redirects} times")
        trail.urls.append(target)
        trail.lasting = trail.lasting and status in _PERMANENT
        if trail.lasting:
            trail.moved_to = target
        return None

    async def _send(self, ask: _Ask, url: httpx.URL, content: bytes | None = None) -> httpx.Response:
        is_own = url is ask.start.url or origin(url) == ask.start.origin
        how: dict[str, str | bool] = {}
        if ask.trusted and url.host == ask.trusted:
            how["open"] = True
        if proxy := ask.proxy or (_environment_proxy(url) if self._proxy_from_env else ""):
            how["proxy"] = proxy
        if ask.http2:
            how["http2"] = True
        headers = ask.own if is_own else ask.foreign
        if content is not None:
            request = httpx.Request("POST", url, headers=headers, content=content, extensions=how)
        else:  # given a stream, httpx adds no headers, which halves what a request costs; it needs but this one
            headers = [(b"Host", url.netloc), *headers]
            request = httpx.Request("GET", url, headers=headers, stream=_NOTHING, extensions=how)
        return await self._transport.handle_async_request(request)

    async def _take(self, ask: _Ask, trail: _Trail, response: httpx.Response, fields: Mapping[str, str]) -> FetchResult:
        status, now = response.status_code, self._clock.now()
        etag, last_modified = validator(fields, "etag"), validator(fields, "last-modified")
        moved_to = _with_login(trail.moved_to, ask.start) if trail.moved_to is not None else ""
        fresh = fresh_for(fields, now)
        if status == httpx.codes.NOT_MODIFIED and ask.conditional:
            return NotModified(etag=etag, last_modified=last_modified, fresh_for=fresh, moved_to=moved_to)
        partial = status == _IM_USED and ask.conditional and is_feed_delta(fields)
        if not 200 <= status < 300 or status in _NO_BODY or (status == _IM_USED and not partial):
            retry_after = parse_retry_after(fields.get("retry-after"), now)
            detail = explain_status(status, fields, retry_after=retry_after)
            return FetchFailed(problem=FetchProblem.HTTP, detail=detail, status=status, retry_after=retry_after)
        hub, topic = linked(fields["link"], str(trail.urls[-1])) if "link" in fields else ("", "")
        return Fetched(
            url=str(trail.urls[-1]),
            status=status,
            body=await self._body(ask, response, fields),
            content_type=fields.get("content-type"),
            etag=etag,
            last_modified=last_modified,
            fresh_for=fresh,
            moved_to=moved_to,
            partial=partial,
            hub=hub,
            topic=topic,
        )

    async def _body(self, ask: _Ask, response: httpx.Response, fields: Mapping[str, str]) -> bytes:
        compressed, decoded = self._limits.max_compressed_bytes, self._limits.max_decoded_bytes
        if ask.max_bytes is not None:
            compressed, decoded = min(compressed, ask.max_bytes), min(decoded, ask.max_bytes)
        length = fields.get("content-length", "")
        if length.isdigit() and int(length[:20]) > compressed:
            raise too_large(compressed)
        decoder = BodyDecoder(fields.get("content-encoding", ""), max_compressed=compressed, max_decoded=decoded)
        if not isinstance(response.stream, httpx.AsyncByteStream):
            raise TypeError("the transport must give asynchronous bodies")
        rested = 0
        async for chunk in response.stream:
            # A piece of a bomb may be a thousand times as long as it came: the loop goes round in between.
            for start in range(0, len(chunk), _PIECE):
                decoder.feed(chunk[start : start + _PIECE])
                if decoder.given - rested > _MOST_AT_ONCE:
                    rested = decoder.given
                    await self._clock.sleep(0)
        return decoder.finish()


def _start(text: str, guard: Guard) -> _Start | FetchFailed:
    parsed = parse_target(text)
    if isinstance(parsed, FetchFailed):
        return parsed
    written = httpx.URL(text).host  # 127.1 is no choice: it hides what it is
    return _Start(
        url=bare(parsed),
        origin=origin(parsed),
        userinfo=parsed.userinfo,
        login=basic_login(parsed.username, parsed.password) if parsed.userinfo else "",
        trusted=written if guard.trusting(written) != guard else "",
    )


def _with_login(url: httpx.URL, start: _Start) -> str:
    """A URL to go on with: the login of the first one stays where the origin does."""
    own = start.userinfo and origin(url) == start.origin
    return str(url.copy_with(userinfo=start.userinfo) if own else url)


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Validators were read as Latin-1, so this gives their bytes back."""
    return [(name.encode("ascii"), value.encode("latin-1", "replace")) for name, value in headers.items()]


def _environment_proxy(url: httpx.URL) -> str:
    """What HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY say, in either case; "": no proxy."""
    if proxy_bypass(url.host):
        return ""
    proxies = getproxies()
    found = proxies.get(url.scheme) or proxies.get("all", "")
    return found if not found or "://" in found else f"http://{found}"


def tls_context() -> ssl.SSLContext:
    """Mozilla's roots, and those of the machine (a company's own). It costs 17 ms: one for a stack of connections."""
    context = httpx.create_ssl_context()
    context.load_default_certs()
    return context
