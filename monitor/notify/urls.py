"""URLs in a channel's options: checked when the configuration is read."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import SecretStr


def check_https(url: str, hint: str) -> httpx.URL:
    """`url`, parsed; it must be https, because it carries a secret, or lead to this machine itself.

    Raises:
        ValueError: It is not; with `hint`, what would be right.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise ValueError(f"not a URL; {hint}") from None
    if not parsed.host or not (parsed.scheme == "https" or (parsed.scheme == "http" and _is_loopback(parsed.host))):
        raise ValueError(f"must be an https URL; {hint}")
    return parsed


def secret_https(hint: str) -> Callable[[SecretStr], SecretStr]:
    """A validator for a URL that is itself a secret."""

    def check(url: SecretStr) -> SecretStr:
        check_https(url.get_secret_value(), hint)
        return url

    return check


def plain_https(hint: str) -> Callable[[str], str]:
    """A validator for a URL that may be shown."""

    def check(url: str) -> str:
        if check_https(url, hint).userinfo:
            raise ValueError("must not hold a user or password")
        return url

    return check


def plain_url(url: str) -> str:
    """A validator for an http or https URL that may be shown."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise ValueError("not a URL") from None
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise ValueError("must be an absolute http or https URL")
    if parsed.userinfo:
        raise ValueError("must not hold a user or password")
    return url


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
