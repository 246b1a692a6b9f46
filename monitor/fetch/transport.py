"""The network under `HttpFetcher`: httpx's transport interface over aiohttp, which costs a third of httpx's own stack.

A request may carry in `extensions`:

- `open` (bool): the user chose its address; the guard is not asked.
- `proxy` (str): the URL of the proxy that dials, a choice of the user too. The guard then sees addresses in URLs only.
- `http2` (bool): HTTP/2 may be spoken.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver, ResolveResult
from multidict import CIMultiDict
from yarl import URL

from monitor.netguard import EVERYTHING, AddressRefused, GuardedTransport, checked, literal, look_up

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable

    from aiohttp import AddrInfoType, ClientHandlerType, ClientRequest, ClientResponse

    from monitor.netguard import Address, Guard, Resolver

RESOLVER_THREADS = 64
"""A look-up that takes 30 ms would hold asyncio's own few threads (six on two cores) to 200 polls/s."""

_DNS_TTL_S = 600
_DNS_HOSTS = 10_000
_MAX_HEADER = 32 * 1024  # bytes of one line; some sites send policies of 10 kB
_MAX_HEADERS = 200
_AUTOMATIC = ("User-Agent", "Accept", "Accept-Encoding")  # aiohttp has defaults for these


class WebTransport(httpx.AsyncBaseTransport):
    """Dials what `guard` permits, and says who it is only by the headers it is given.

    Every connection serves one request, there is no limit on their number, and nothing has a timeout: both are the
    caller's. Headers go out byte for byte. A request raises `AddressRefused` besides httpx's own exceptions.

    Args:
        tls: Makes the context for a stack of connections, which keeps it.
        resolver: Replaces the system's resolver.
    """

    def __init__(self, guard: Guard, *, tls: Callable[[], ssl.SSLContext], resolver: Resolver | None = None) -> None:
        self._guard = guard
        self._tls = tls
        self._threads = ThreadPoolExecutor(RESOLVER_THREADS, thread_name_prefix="resolver")  # starts none yet
        self._resolver = resolver or look_up(self._threads)
        self._context: ssl.SSLContext | None = None
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        self._exact: dict[tuple[bool, str, bool], GuardedTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """See `httpx.AsyncBaseTransport`."""
        how = request.extensions
        try:
            url, address = _target(str(request.url))
        except ValueError as error:
            raise httpx.UnsupportedProtocol(str(error)) from error
        proxy: str = how.get("proxy", "")
        is_open: bool = how.get("open", False)
        if address is not None and not is_open and not self._guard.permits(str(address), address):
            raise AddressRefused(str(address), str(address))
        is_open = is_open or bool(proxy)
        http2: bool = how.get("http2", False)
        headers = None if http2 else _as_text(request.headers.raw)
        if headers is None:
            return await self._exact_transport(is_open, proxy, http2=http2).handle_async_request(request)
        session = self._sessions.get(is_open) or self._open_session(is_open=is_open)
        try:
            response = await session.request(
                request.method,
                url,
                headers=headers,
                data=await request.aread() or None,
                allow_redirects=False,
                skip_auto_headers=None if all(name in headers for name in _AUTOMATIC) else _AUTOMATIC,
                proxy=proxy or None,
                proxy_headers={"User-Agent": headers.get("User-Agent", "")} if proxy else None,
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if proxy and isinstance(error, aiohttp.ClientConnectorError) and error.host != url.raw_host:
                raise httpx.ProxyError(str(error.os_error)) from error.os_error
            raise as_httpx(error) from _behind(error)
        return httpx.Response(response.status, headers=response.raw_headers, stream=_Body(response))

    async def aclose(self) -> None:
        """Close connections and resolver threads; safe to call twice."""
        sessions, exact = list(self._sessions.values()), list(self._exact.values())
        self._sessions.clear()
        self._exact.clear()
        for session in sessions:
            await session.close()
        for transport in exact:
            await transport.aclose()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _open_session(self, *, is_open: bool) -> aiohttp.ClientSession:
        """Made within the running loop, which it is bound to."""
        if self._context is None:
            self._context = self._tls()
            self._context.set_alpn_protocols(["http/1.1"])
        hooks = _Hooks(EVERYTHING if is_open else self._guard, self._resolver)
        connector = aiohttp.TCPConnector(
            limit=0,
            force_close=True,
            ssl=self._context,
            resolver=hooks,
            ttl_dns_cache=_DNS_TTL_S,
            dns_cache_max_size=_DNS_HOSTS,
            socket_factory=None if is_open else hooks.open_socket,
        )

        async def forget_dead_addresses(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
            """An address that cannot be reached is looked up anew next time; and what fails, fails once.

            aiohttp asks a second time after a broken connection, even a new one, but not after exceptions it does not
            know.
            """
            try:
                return await handler(request)
            except aiohttp.ClientConnectorError as error:
                connector.clear_dns_cache(error.host, error.port)
                raise
            except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
                raise as_httpx(error) from error

        session = self._sessions[is_open] = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            trust_env=False,
            max_line_size=_MAX_HEADER,
            max_field_size=_MAX_HEADER,
            max_headers=_MAX_HEADERS,
            middlewares=(forget_dead_addresses,),
        )
        return session

    def _exact_transport(self, is_open: bool, proxy: str, *, http2: bool) -> GuardedTransport:
        """httpx's own stack, for HTTP/2, and for header bytes that aiohttp cannot send."""
        key = (is_open, proxy, http2)
        if key not in self._exact:
            guard = EVERYTHING if is_open else self._guard
            self._exact[key] = GuardedTransport(
                guard, ssl_context=self._tls(), keepalive=0, resolver=self._resolver, http2=http2, proxy=proxy
            )
        return self._exact[key]


class _Hooks(AbstractResolver):
    """Where aiohttp lets the guard in: at the addresses of a name, and at the one that is dialled."""

    def __init__(self, guard: Guard, resolver: Resolver) -> None:
        self._guard = guard
        self._resolve = resolver
        self._by_name: set[str] = set()  # addresses of hosts that the guard permits by their name
        self._permits = lru_cache(maxsize=4096)(lambda address: guard.permits("", ipaddress.ip_address(address)))

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 - the base class has it; it is AF_UNSPEC
    ) -> list[ResolveResult]:
        """All addresses of `host` are good, or none is dialled."""
        try:
            addresses = checked(self._guard, host, await self._resolve(host, port))
        except UnicodeError as error:  # a label that is too long
            raise socket.gaierror(socket.EAI_NONAME, str(error)) from error
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "it has no address")
        if host.lower().rstrip(".") in self._guard.hosts:
            self._by_name.update(addresses)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in addresses
        ]

    def open_socket(self, info: AddrInfoType) -> socket.socket:
        """The last word, on the very address."""
        family, kind, proto, _, target = info
        address = str(target[0])
        if address not in self._by_name and not self._permits(address):
            # Of errors by several addresses aiohttp keeps only those that are OSErrors.
            raise PermissionError(errno.EACCES, "not dialled") from AddressRefused(address, address)
        return socket.socket(family, kind, proto)

    async def close(self) -> None:
        """The threads are the transport's."""


class _Body(httpx.AsyncByteStream):
    """A body as it comes, in pieces of at most 128 KiB."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content = self._response.content
        try:
            while chunk := await content.readany():
                yield chunk
        except (aiohttp.ClientError, OSError) as error:
            raise as_httpx(error) from error

    async def aclose(self) -> None:
        self._response.close()


@lru_cache(maxsize=4096)
def _target(url: str) -> tuple[URL, Address | None]:
    """`url` as it is (without `encoded` its escapes would be made anew), and the address in it if that is its host."""
    parsed = URL(url, encoded=True)
    return parsed, literal(parsed.raw_host or "")


def _as_text(raw: list[tuple[bytes, bytes]]) -> CIMultiDict[str] | None:
    """Headers for aiohttp, which sends texts as UTF-8; None: one of them is no UTF-8."""
    try:
        return CIMultiDict([(name.decode("ascii"), value.decode()) for name, value in raw])
    except UnicodeDecodeError:
        return None


def _behind(error: Exception) -> Exception:
    """The system's own error; aiohttp's are of its type too, without its words."""
    return error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error


def as_httpx(error: Exception) -> Exception:
    """What aiohttp raises as what httpx raises; `AddressRefused` where that is behind it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, AddressRefused):
            return cause
        cause = cause.__cause__
    kinds: tuple[tuple[type[Exception], type[httpx.TransportError]], ...] = (
        (aiohttp.ClientProxyConnectionError, httpx.ProxyError),
        (aiohttp.ClientHttpProxyError, httpx.ProxyError),
        (aiohttp.ClientConnectorError, httpx.ConnectError),  # DNS and TLS too
        (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
        (aiohttp.ServerTimeoutError, httpx.ReadTimeout),
        (aiohttp.ClientConnectionError, httpx.ReadError),
        (aiohttp.ClientPayloadError, httpx.ReadError),
        (aiohttp.ClientResponseError, httpx.RemoteProtocolError),
        (OSError, httpx.ReadError),
    )
    if isinstance(error, aiohttp.ClientPayloadError) and not isinstance(error.__cause__, OSError):
        return httpx.RemoteProtocolError("the body was cut short")
    kind = next((ours for theirs, ours in kinds if isinstance(error, theirs)), httpx.LocalProtocolError)
    message = error.message if isinstance(error, aiohttp.ClientResponseError) else str(error)
    return kind(message)
