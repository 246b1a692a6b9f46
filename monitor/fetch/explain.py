"""What went wrong on the way, in a line for a person."""

from __future__ import annotations

import os
import socket
import ssl
from typing import TYPE_CHECKING

import httpx

from monitor.model import FetchFailed, FetchProblem
from monitor.netguard import AddressRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_DETAIL = 200  # characters of a library's own words


def failed(problem: FetchProblem, detail: str) -> FetchFailed:
    """A failure that came to no status."""
    return FetchFailed(problem=problem, detail=detail)


def printable(text: str) -> str:
    """One line of what a server or a library said: without control characters, not longer than a line should be."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= _DETAIL else line[: _DETAIL - 1] + "…"


def explain(error: BaseException, host: str) -> FetchFailed:
    """The innermost cause that says something."""
    causes = list(_causes(error))
    if isinstance(error, httpx.ProxyError):
        return failed(FetchProblem.CONNECT, f"the proxy does not let us through to {host}: {_reason(causes)}")
    for cause in causes:
        if found := _explain_cause(cause, host):
            return found
    said = printable(str(error))
    match error:
        case httpx.ConnectError():
            return failed(FetchProblem.CONNECT, f"cannot connect to {host}: {_reason(causes)}")
        case httpx.NetworkError() | OSError():
            return failed(FetchProblem.CONNECT, f"the connection to {host} broke")
        case httpx.RemoteProtocolError():
            return failed(FetchProblem.PROTOCOL, f"{host} does not speak HTTP as it should: {said}")
        case _:
            return failed(FetchProblem.PROTOCOL, f"the request to {host} failed: {said}")


def _explain_cause(cause: BaseException, host: str) -> FetchFailed | None:
    match cause:
        case AddressRefused():
            way_out = "not asked; where that is right, name it in polling.allow"
            return failed(FetchProblem.REFUSED, f"{printable(str(cause))}: {way_out}")
        case socket.gaierror():
            return failed(FetchProblem.DNS, f"cannot find the host {host}: {printable(cause.strerror or str(cause))}")
        case ssl.SSLCertVerificationError():
            reason = printable(cause.verify_message)
            return failed(FetchProblem.TLS, f"cannot trust the certificate of {host}: {reason}")
        case ssl.SSLError():
            reason = printable((cause.reason or str(cause)).replace("_", " ").lower())
            return failed(FetchProblem.TLS, f"no secure connection to {host}: {reason}")
        case ConnectionRefusedError():
            return failed(FetchProblem.CONNECT, f"{host} refuses connections")
        case _:
            return None


def _reason(causes: Sequence[BaseException]) -> str:
    """The system's words for the first of its errors ("No route to host"), else what the library says."""
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            return printable(cause.strerror or str(cause))
        if isinstance(cause, OSError) and cause.errno:
            return os.strerror(cause.errno)
    return printable(str(causes[0]))


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
