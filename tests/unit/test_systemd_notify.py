"""The sd_notify protocol, spoken to a real datagram socket."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from monitor import systemd


@pytest.fixture(params=["path", "abstract"])
def listener(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    """systemd's end of $NOTIFY_SOCKET, as a file and in the abstract namespace."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@news-monitor-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind("\0" + name[1:] if name.startswith("@") else name)
        server.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        yield server


def received(listener: socket.socket) -> list[str]:
    return listener.recv(4096).decode().split("\n")


def test_every_message_arrives_as_the_protocol_wants_it(listener: socket.socket) -> None:
    """Each call is one datagram with the lines that systemd knows."""
    assert systemd.ready("watching 12 feeds")
    assert received(listener) == ["READY=1", "STATUS=watching 12 feeds"]
    assert systemd.ready()
    assert received(listener) == ["READY=1"]
    assert systemd.status("disk full")
    assert received(listener) == ["STATUS=disk full"]
    assert systemd.reloading(monotonic_us=123_456)
    assert received(listener) == ["RELOADING=1", "MONOTONIC_USEC=123456"]
    assert systemd.stopping("draining")
    assert received(listener) == ["STOPPING=1", "STATUS=draining"]
    assert systemd.watchdog()
    assert received(listener) == ["WATCHDOG=1"]


def test_a_status_cannot_smuggle_in_a_message_of_its_own(listener: socket.socket) -> None:
    """A feed's error text with line breaks stays one STATUS line."""
    assert systemd.status("feed says\nMAINPID=1\r\nREADY=1\x1b[2J")
    assert received(listener) == ["STATUS=feed says MAINPID=1 READY=1 [2J"]


def test_without_systemd_nothing_happens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No socket, a socket that is gone or one of another kind is no reason to fail."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not systemd.ready("x")
    for nowhere in ("", str(tmp_path / "gone"), "vsock:2:1234", "/" + "x" * 300):
        monkeypatch.setenv("NOTIFY_SOCKET", nowhere)
        assert not systemd.watchdog()


@pytest.mark.parametrize(
    ("usec", "pid", "expected"),
    [
        ("60000000", None, timedelta(seconds=30)),
        ("60000000", "own", timedelta(seconds=30)),
        ("60000000", "1", None),
        ("0", None, None),
        ("soon", None, None),
        (None, None, None),
    ],
)
def test_watchdog_interval(
    monkeypatch: pytest.MonkeyPatch, usec: str | None, pid: str | None, expected: timedelta | None
) -> None:
    """Half of what systemd allows, and only for the process that it watches."""
    pid = str(os.getpid()) if pid == "own" else pid
    for name, value in (("WATCHDOG_USEC", usec), ("WATCHDOG_PID", pid)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert systemd.watchdog_interval() == expected


def test_directories_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of several state directories counts; none is None."""
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/news-monitor:/var/lib/other")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/news-monitor.service")
    assert systemd.state_dir() == Path("/var/lib/news-monitor")
    assert systemd.credentials_dir() == Path("/run/credentials/news-monitor.service")
    monkeypatch.setenv("STATE_DIRECTORY", "")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    assert systemd.state_dir() is None
    assert systemd.credentials_dir() is None
