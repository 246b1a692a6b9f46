"""Talking to systemd: readiness, status, watchdog, reload, and the directories and credentials it hands over.

The protocol is that of sd_notify(3): datagrams of `KEY=value` lines to the socket named in `$NOTIFY_SOCKET`. Outside
systemd every call does nothing and says so by returning False. No call raises: a daemon must not fall over for want of
somebody to tell that it is well.
"""

from __future__ import annotations

import os
import socket
from datetime import timedelta
from pathlib import Path

# A full queue means that systemd itself is stuck; waiting longer would stall the caller's event loop.
_SEND_TIMEOUT_S = 1.0
_STATUS_CHARACTERS = 500


def ready(text: str = "") -> bool:
    """Start-up or reload is done; `text` is shown by `systemctl status`."""
    return _notify("READY=1", *_status_line(text))


def status(text: str) -> bool:
    """One line on how things are, for `systemctl status`."""
    return _notify(*_status_line(text))


def reloading(*, monotonic_us: int, text: str = "") -> bool:
    """A reload has begun; `ready` ends it.

    Args:
        monotonic_us: CLOCK_MONOTONIC in microseconds. `Type=notify-reload` (systemd ≥ 253) needs it.
        text: As in `ready`.
    """
    return _notify("RELOADING=1", f"MONOTONIC_USEC={monotonic_us}", *_status_line(text))


def stopping(text: str = "") -> bool:
    """A clean stop has begun."""
    return _notify("STOPPING=1", *_status_line(text))


def watchdog() -> bool:
    """Still alive. To be called only on proof of progress, at least once per `watchdog_interval`."""
    return _notify("WATCHDOG=1")


def watchdog_interval() -> timedelta | None:
    """When to call `watchdog`: half of what systemd allows (sd_watchdog_enabled(3)). None: it does not watch us."""
    pid = os.environ.get("WATCHDOG_PID")
    if pid is not None and pid != str(os.getpid()):
        return None  # inherited by a child of the process that is watched
    try:
        allowed_us = int(os.environ.get("WATCHDOG_USEC", ""))
    except ValueError:
        return None
    return timedelta(microseconds=allowed_us / 2) if allowed_us > 0 else None


def credentials_dir() -> Path | None:
    """Where `LoadCredential=` put its files, or None."""
    return _directory("CREDENTIALS_DIRECTORY")


def state_dir() -> Path | None:
    """The first of `StateDirectory=`, or None."""
    return _directory("STATE_DIRECTORY")


def _directory(variable: str) -> Path | None:
    first = os.environ.get(variable, "").split(":")[0]
    return Path(first) if first else None


def _status_line(text: str) -> tuple[str, ...]:
    """A line break in `text` would start a message of its own, such as MAINPID=."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return (f"STATUS={line[:_STATUS_CHARACTERS]}",) if line else ()


def _notify(*lines: str) -> bool:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address[:1] not in {"/", "@"} or not lines:
        return False  # nobody listens, or on a kind of socket that sd_notify(3) does not name (vsock:)
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.settimeout(_SEND_TIMEOUT_S)
            channel.connect(address)
            channel.sendall("\n".join(lines).encode("utf-8", "replace"))
    except OSError:
        return False
    return True
