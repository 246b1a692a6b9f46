"""The real program as a process: the daemon, and commands beside it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import tomli_w

REPOSITORY = Path(__file__).parents[2]
START_SECONDS = 60
STOP_SECONDS = 60


def environment(**extra: str) -> dict[str, str]:
    """The machine's environment without what would reach into a test."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NEWS_MONITOR_")}
    for name in ("STATE_DIRECTORY", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_USEC", "JOURNAL_STREAM"):
        kept.pop(name, None)
    return kept | {"PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", "COLUMNS": "200"} | extra


def command(*arguments: str, cwd: Path, stdin: bytes = b"", **env: str) -> subprocess.CompletedProcess[str]:
    """Run `news-monitor` with these arguments to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "monitor", *arguments],
        cwd=cwd,
        env=environment(**env),
        input=stdin,
        capture_output=True,
        timeout=120,
        check=False,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def command_json(*arguments: str, cwd: Path, **env: str) -> Any:
    """Run a command with --json; what it printed."""
    done = command(*arguments, "--json", cwd=cwd, stdin=b"", **env)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


@dataclass(kw_only=True)
class Site:
    """A folder with config.toml and rules/, as a user has it. Changes take effect at `write`."""

    folder: Path
    feeds: list[dict[str, Any]] = field(default_factory=list)
    channels: dict[str, dict[str, Any]] = field(default_factory=dict)
    rules: str = ""
    polling: dict[str, Any] = field(
        default_factory=lambda: {"min_interval": "1s", "interval": "1s", "host_delay": "0s", "deadline": "10s"}
    )
    store: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)

    def write(self) -> Path:
        """Write the files; the path of config.toml."""
        (self.folder / "rules").mkdir(exist_ok=True)
        (self.folder / "rules" / "test.toml").write_text(self.rules, encoding="utf-8")
        config: dict[str, Any] = {"polling": self.polling, "feeds": self.feeds, "channels": self.channels}
        config |= self.more
        if self.store:
            config["store"] = self.store
        path = self.folder / "config.toml"
        path.write_text(tomli_w.dumps(config), encoding="utf-8")
        path.chmod(0o600)
        return path

    def add_feed(self, name: str, url: str, **more: Any) -> None:
        self.feeds.append({"name": name, "url": url, **more})

    def database(self) -> Path:
        """The SQLite file that the daemon makes."""
        return self.folder / "state" / "news-monitor.db"


class Daemon:
    """`news-monitor run` on a site; ready when the `with` block begins, stopped with SIGTERM at its end."""

    def __init__(
        self,
        site: Site,
        *,
        env: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
        program: Sequence[str] = ("monitor", "run", "--verbose"),
    ) -> None:
        self._program = program
        self.site = site
        self.log = site.folder / "daemon.log"
        self._arguments = arguments
        self._env = dict(env or {})
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._address = f"\0news-monitor-test-{os.getpid()}-{id(self)}"
        self._notify.bind(self._address)
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", *self._program, *self._arguments],
                cwd=self.site.folder,
                env=environment(NOTIFY_SOCKET="@" + self._address[1:], **self._env),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )

    def __enter__(self) -> Self:
        self.wait_told("READY=1")
        return self

    def __exit__(self, *_error: object) -> None:
        try:
            if self.process.poll() is None:
                assert self.stop() == 0, self.text()
        finally:
            if self.process.poll() is None:
                self.kill()
            self._notify.close()

    def wait_told(self, what: str, *, seconds: float = START_SECONDS) -> str:
        """Wait for a message to systemd that holds `what`; the whole message."""
        self._notify.settimeout(1)
        for _ in range(int(seconds)):
            try:
                while what not in (told := self._notify.recv(4096).decode()):
                    pass
            except TimeoutError:
                assert self.process.poll() is None, f"ended with status {self.process.returncode}:\n{self.text()}"
            else:
                return told
        raise AssertionError(f"never told systemd {what!r}:\n{self.text()}")

    def restart(self) -> None:
        """Start again after `kill` or `stop`, and wait until it is ready."""
        self.process = self._start()
        self.wait_told("READY=1")

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        self.process.terminate()
        return self.process.wait(STOP_SECONDS)

    def kill(self) -> None:
        """SIGKILL: no clean-up of any kind."""
        self.process.kill()
        self.process.wait(STOP_SECONDS)

    def reload(self) -> str:
        """SIGHUP; what systemd was told when it was done."""
        self.process.send_signal(signal.SIGHUP)
        self.wait_told("RELOADING=1")
        return self.wait_told("READY=1")

    def text(self) -> str:
        """Everything it printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")
