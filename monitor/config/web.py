"""What of the configuration is about the web: URLs, headers, proxies, addresses, and which of them can be used."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from pydantic import SecretStr

from monitor.urls import without_login

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token, RFC 9110 section 5.6.2
_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_PATH = re.compile(r"[A-Za-z0-9._~/-]*")
_HOST = re.compile(r"[A-Za-z0-9._:%-]+")
_OURS = frozenset({"accept-encoding", "connection", "content-length", "host", "te", "transfer-encoding", "upgrade"})
_ELSEWHERE = {"user-agent": "set user_agent instead", "proxy-authorization": "put the login into the proxy's URL"}


def check_header_value(value: str) -> str:
    """`value`, if it can be sent as an HTTP header.

    Raises:
        ValueError: It cannot.
    """
    if not value.isprintable() or not value.isascii():
        raise ValueError("must be printable ASCII on one line; it is sent as an HTTP header")
    return value


def is_token(text: str) -> bool:
    """Whether it can be sent as a bearer token (RFC 6750 section 2.1)."""
    return _TOKEN68.fullmatch(text) is not None


def check_header(name: str, value: str) -> None:
    """Refuse a header of a feed's that cannot be sent, or is not the user's to set.

    Raises:
        ValueError: Why; the message does not repeat the value.
    """
    if not _HEADER_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a header name")
    lower = name.lower()
    if lower in _OURS or lower.startswith("if-"):
        raise ValueError(f"the header {name} is set by news-monitor itself")
    if lower in _ELSEWHERE:
        raise ValueError(f"the header {name} cannot be set here: {_ELSEWHERE[lower]}")
    if not value.isprintable() or not value.isascii() or value != value.strip():
        raise ValueError(f"the value of {name} must be printable ASCII on one line")


def check_proxy(value: SecretStr | None) -> SecretStr | None:
    """`value`, if it is the URL of a proxy that can be used.

    Raises:
        ValueError: It is not; the message does not repeat it.
    """
    if value is None:
        return None
    try:
        parts = urlsplit(value.get_secret_value())
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("is no URL; write http://proxy.example.org:3128") from None
    if parts.scheme not in {"http", "https"} or not host or not value.get_secret_value().isprintable():
        raise ValueError("must be an http or https URL, such as http://proxy.example.org:3128; no other kind is spoken")
    return value


def check_feed_url(url: str) -> None:
    """Refuse a URL that can never be polled.

    Raises:
        ValueError: What is wrong with it.
    """
    if url.startswith("sample:"):
        return
    if not url.isprintable() or " " in url:
        raise ValueError("a URL has no spaces or control characters")
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"{without_login(url)!r} is no URL: {error}") from None
    if parts.scheme not in {"http", "https"}:
        raise ValueError(f"{without_login(url)!r} must start with http:// or https://")
    if not host:
        raise ValueError(f"{without_login(url)!r} names no host")


def check_public_url(url: str) -> None:
    """Refuse an address that hubs cannot call, or whose path the server could not tell from others.

    Raises:
        ValueError: What is wrong with it.
    """
    check_feed_url(url)
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(f"{url!r} must be an http or https URL without a login, ? and #")
    if not _PATH.fullmatch(parts.path):
        raise ValueError(f"the path of {url!r} may have letters, digits, dots, dashes and slashes only")


def listen_address(text: str) -> tuple[str, int]:
    """Host and port of "host:port" or "[IPv6]:port".

    Raises:
        ValueError: It is neither.
    """
    host, _colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        host = ""
    if not _HOST.fullmatch(host) or not (port.isascii() and port.isdigit()):
        raise ValueError(f"{text!r} is no address to listen on; write host and port, as 127.0.0.1:8099 or [::1]:8099")
    if not 1 <= int(port[:6]) <= 65_535:
        raise ValueError(f"there is no port {port}; they go from 1 to 65535")
    return host, int(port)
