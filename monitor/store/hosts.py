"""The unit of politeness: which host a feed URL belongs to."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from monitor.errors import UsageError

_OWN_PORT: Final = {"http": 80, "https": 443}


def host_of(url: str) -> str:
    """The host of a feed URL: lower-case ASCII name, with ":port" only where it is not the scheme's own.

    A bundled feed ("sample:…") belongs to the host "sample". http and https of one name are one host.

    Raises:
        UsageError: The URL names no host.
    """
    if url.startswith("sample:"):
        return "sample"
    try:
        parts = urlsplit(url)
        name, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise UsageError(f"The feed URL {url!r} cannot be read: {error}.") from error
    if not name:
        raise UsageError(f"The feed URL {url!r} names no host; a feed URL looks like https://example.org/feed.xml.")
    name = _ascii(name.rstrip("."))
    if ":" in name:
        name = f"[{name}]"
    return name if port is None or port == _OWN_PORT.get(parts.scheme) else f"{name}:{port}"


def _ascii(name: str) -> str:
    """IDNA form, so that a name written in its own script and in "xn--" is one host."""
    if name.isascii():
        return name.lower()
    try:
        return name.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return name.lower()
