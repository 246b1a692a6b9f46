"""URLs that are asked: which ones are, how they are written, and where a redirect may lead."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import httpx

from monitor.fetch.explain import failed, printable
from monitor.model import FetchFailed, FetchProblem
from monitor.netguard import literal
from monitor.urls import without_login

if TYPE_CHECKING:
    from typing import Final

_PORTS: Final = {"http": 80, "https": 443}


def parse_target(text: str) -> httpx.URL | FetchFailed:
    """A URL to start from, its login kept, its fragment not."""
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        return failed(FetchProblem.PROTOCOL, f"{printable(without_login(text))} is no URL")
    if not _is_web(url):
        return failed(FetchProblem.PROTOCOL, f"{printable(without_login(text))} is no http or https URL")
    return _usual(url)


def next_hop(url: httpx.URL, location: str) -> httpx.URL | FetchFailed:
    """Where a redirect leads (RFC 9110 section 10.2.2); never from https to http, never out of the web.

    A login in it is dropped: it would be the server's, not the user's.
    """
    try:
        target = url.join(location)
    except (httpx.InvalidURL, ValueError):
        return failed(FetchProblem.REDIRECT, f"redirects to {printable(without_login(location))}, which is no URL")
    shown = printable(str(bare(target)))
    if not _is_web(target):
        return failed(FetchProblem.REDIRECT, f"redirects to {shown}, which is no http or https URL")
    if url.scheme == "https" and target.scheme == "http":
        return failed(FetchProblem.REDIRECT, f"redirects from https to plain http ({shown}): not followed")
    return bare(_usual(target))


def origin(url: httpx.URL) -> tuple[str, str, int]:
    """Scheme, host and port, which together own what is sent there (RFC 6454 section 4)."""
    return url.scheme, url.host, url.port or _PORTS.get(url.scheme, 0)


def bare(url: httpx.URL) -> httpx.URL:
    """The URL without the login in it."""
    return url.copy_with(userinfo=b"") if url.userinfo else url


def _is_web(url: httpx.URL) -> bool:
    """httpx escapes what cannot be in a host name instead of refusing it."""
    return url.scheme in _PORTS and bool(url.host) and "%" not in url.host


def _usual(url: httpx.URL) -> httpx.URL:
    """Without fragment; an IPv4 address in numbers of any kind (0x7f.1, 2130706433) in its usual form, as in browsers.

    Source: the WHATWG's URL Standard, "host parsing". So the guard sees what the system's resolver would make of it.
    """
    if url.fragment:
        url = url.copy_with(fragment=None)
    host = url.host
    if host[-1] in "0123456789abcdefABCDEFxX." and host[0] in "0123456789" and literal(host) is None:
        try:
            return url.copy_with(host=socket.inet_ntoa(socket.inet_aton(host.rstrip("."))))
        except OSError:
            return url
    return url
