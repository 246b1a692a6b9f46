"""Which addresses may be dialled for a URL, and an httpx transport that dials no other.

A name can be made to point at anything: at this machine, at a company's inner services, at a cloud's metadata address.
So the check is made on the addresses themselves, at the moment of the connection: the name is resolved once, every
address must be public (or allowed), and one of just these is dialled. TLS and the Host header still carry the name.

The lists are our own. `ipaddress.is_global` changed its mind between Python releases (CVE-2024-4032), and it takes
what leads elsewhere (6to4, Teredo, NAT64, site-local) for public.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final

import httpcore
import httpx

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
    from concurrent.futures import Executor

    Resolver = Callable[[str, int], Awaitable[tuple[str, ...]]]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

ATTEMPT = 3.0
"""Seconds for each address of a host but its last: a dead IPv6 path must not eat the whole deadline."""

# IANA's special-purpose registries: iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry.
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),  # Teredo and other protocols, examples, 6to4
    )
)
# Nothing else of IPv6 has been given out: loopback, ::ffff:0:0/96 (v4-mapped), fc00::/7, fe80::/10, fec0::/10 and
# ff00::/8 are all outside.
_GIVEN_OUT = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_LINK_LOCAL = (ipaddress.IPv4Network("169.254.0.0/16"), ipaddress.IPv6Network("fe80::/10"))
_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")


class AddressRefused(Exception):  # noqa: N818 - it tells an outcome, like httpx's own names
    """A host has an address that may not be dialled; `str()` of it is fit to be shown."""

    def __init__(self, host: str, address: str) -> None:
        where = host if host == address else f"{host} is at {address}, which"
        super().__init__(f"{where} is not a public address")


@lru_cache(maxsize=4096)
def is_public(address: Address) -> bool:
    """True for an address of the open internet.

    One behind the well-known NAT64 prefix is as public as the IPv4 address it stands for (RFC 6052 §3.1): on a network
    that has only IPv6 that is how every IPv4 host looks.
    """
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
        if address not in _GIVEN_OUT:
            return False
    return not any(address in network for network in _NOT_PUBLIC)


@dataclass(frozen=True, slots=True)
class Guard:
    """What may be dialled besides public addresses.

    Attributes:
        hosts: Names, in lower case, whose addresses are all allowed.
        networks: Whose addresses are allowed under any name.
    """

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def allowing(cls, entries: Iterable[str]) -> Guard:
        """A guard with a user's list of names, addresses and networks in CIDR form.

        Raises:
            ValueError: With the entry that is none of these.
        """
        hosts, networks = set[str](), list[Network]()
        for entry in entries:
            if network := _network(entry):
                networks.append(network)
            else:
                hosts.add(_host(entry))
        return cls(frozenset(hosts), tuple(networks))

    def trusting(self, host: str) -> Guard:
        """This guard for a URL that the user wrote: an address or "localhost" in it is a choice, a name is not.

        A link-local address is none either: a cloud's metadata, with its keys, is there.
        """
        if host.lower() == "localhost":
            return replace(self, hosts=self.hosts | {"localhost"})
        address = literal(host)
        if address is None or _is_link_local(address):
            return self
        return replace(self, networks=(*self.networks, ipaddress.ip_network(address)))

    def permits(self, host: str, address: Address) -> bool:
        """Whether `address`, to which `host` resolved, may be dialled."""
        if host.lower().rstrip(".") in self.hosts or is_public(address):
            return True
        return any(address in network for network in self.networks)


EVERYTHING: Final = Guard(networks=(ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")))
"""Refuses nothing: for what the user chose to dial."""


def literal(host: str) -> Address | None:
    """The address that the host of a URL is, brackets allowed; None: it is a name, or no usual spelling."""
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def _is_link_local(address: Address) -> bool:
    """In itself, or as the IPv4 address that it maps or translates to."""
    if isinstance(address, ipaddress.IPv6Address):
        within = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            within = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if within is not None:
            return _is_link_local(within)
    return any(address in network for network in _LINK_LOCAL)


def _network(entry: str) -> Network | None:
    try:
        return ipaddress.ip_network(entry)
    except ValueError as error:
        if "/" in entry or "host bits" in str(error):
            why = str(error) if "host bits" in str(error) else "write it as 10.0.0.0/8 or fd00::/8"
            raise ValueError(f"{entry!r} is no network: {why}") from None
        return None


def _host(entry: str) -> str:
    name = entry.lower().rstrip(".")
    if not name.isascii():
        name = httpx.URL(host=name).raw_host.decode("ascii")
    if not _HOST.fullmatch(name) or name.replace(".", "").isdigit():
        raise ValueError(f"{entry!r} is neither a host such as hooks.internal nor a network such as 10.0.0.0/8")
    return name


async def resolve(host: str, port: int) -> tuple[str, ...]:
    """The addresses of `host` as the system knows them, best first.

    Raises:
        OSError: It has none.
    """
    return _addresses(await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM))


def look_up(threads: Executor) -> Resolver:
    """`resolve`, in threads of one's own."""

    async def resolver(host: str, port: int) -> tuple[str, ...]:
        ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        return _addresses(await asyncio.get_running_loop().run_in_executor(threads, ask))

    return resolver


def _addresses(found: Iterable[tuple[object, object, object, object, tuple[object, ...]]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


def checked(guard: Guard, host: str, addresses: tuple[str, ...]) -> tuple[str, ...]:
    """`addresses`, all of them: one that is not permitted spoils the others, as a name with both is no accident.

    Raises:
        AddressRefused: With the first that may not be dialled.
    """
    for address in addresses:
        if not guard.permits(host, ipaddress.ip_address(address)):
            raise AddressRefused(host, address)
    return addresses


class _GuardedBackend(httpcore.AsyncNetworkBackend):
    """Connects like httpcore's own, to addresses that the guard permits."""

    def __init__(self, guard: Guard, resolver: Resolver) -> None:
        self._guard = guard
        self._resolve = resolver
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the base class has it
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        *others, last = await self._checked(host, port)
        for address in others:
            limit = ATTEMPT if timeout is None else min(ATTEMPT, timeout)
            try:
                return await self._inner.connect_tcp(address, port, limit, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._inner.connect_tcp(last, port, timeout, local_address, socket_options)

    async def _checked(self, host: str, port: int) -> tuple[str, ...]:
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(str(error)) from error
        if not addresses:
            raise httpcore.ConnectError(f"{host} has no address")
        return checked(self._guard, host, addresses)


class GuardedTransport(httpx.AsyncBaseTransport):
    """An httpx transport that dials only what `guard` permits; give it to a client with `transport=`.

    No limit on connections. A request raises `AddressRefused` besides httpx's own exceptions.

    Args:
        ssl_context: The transport's alone: the protocols that are offered in it are set for each connection.
        resolver: Replaces the system's resolver.
        http2: Whether HTTP/2 is offered; where the server does not take it, and without TLS, it is HTTP/1.1.
        proxy: URL of an HTTP proxy, its login included, or "". The guard sees its address and no other.
    """

    def __init__(
        self,
        guard: Guard,
        *,
        ssl_context: ssl.SSLContext,
        keepalive: int | None = None,
        resolver: Resolver = resolve,
        http2: bool = False,
        proxy: str = "",
    ) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context,
            proxy=_proxy(proxy, ssl_context) if proxy else None,
            http2=http2,
            max_connections=None,
            max_keepalive_connections=keepalive,
            keepalive_expiry=5.0,
            network_backend=_GuardedBackend(guard, resolver),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        if not isinstance(request.stream, httpx.AsyncByteStream):
            raise TypeError("the request's content must be bytes or asynchronous")
        asked = httpcore.Request(
            request.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _as_httpx():
            response = await self._pool.handle_async_request(asked)
        return httpx.Response(
            response.status, headers=response.headers, stream=_Body(response), extensions=response.extensions
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


def _proxy(text: str, ssl_context: ssl.SSLContext) -> httpcore.Proxy:
    url = httpx.URL(text)
    return httpcore.Proxy(
        url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=b"/"),
        auth=(url.username.encode(), url.password.encode()) if url.userinfo else None,
        ssl_context=ssl_context if url.scheme == "https" else None,
    )


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx():
            async for chunk in self._response.aiter_stream():
                yield chunk

    async def aclose(self) -> None:
        with _as_httpx():
            await self._response.aclose()


@contextmanager
def _as_httpx() -> Iterator[None]:
    """What httpcore raises as what httpx raises; the two have the same names for it."""
    try:
        yield
    except Exception as error:
        for kind in type(error).__mro__:
            if kind.__module__.startswith("httpcore") and hasattr(httpx, kind.__name__):
                raise getattr(httpx, kind.__name__)(str(error)) from error
        raise
