"""Processes: starting those that are measured, and reading from /proc what they used (Linux)."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

REPOSITORY = Path(__file__).parents[1]
_TICKS = os.sysconf("SC_CLK_TCK")


def environment() -> dict[str, str]:
    """This process's environment without what could change a measurement: settings, proxies, systemd."""
    unwanted = ("STATE_DIRECTORY", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_USEC", "JOURNAL_STREAM")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("NEWS_MONITOR_") and not name.lower().endswith("_proxy") and name not in unwanted
    }
    return kept | {"PYTHONPATH": str(REPOSITORY)}


class Contestant:
    """A process that does a round for each line of JSON it is given, and answers with a line of JSON.

    It says `{}` when it is ready. It ends with the `with` block.
    """

    def __init__(self, command: Sequence[str | Path], given: Mapping[str, Any]) -> None:
        self._process = subprocess.Popen(
            [*map(str, command)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
            cwd=REPOSITORY,
        )
        self.ask(given)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.communicate()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Hand over a line, wait for the line that comes back."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended without an answer")
        answer: dict[str, Any] = json.loads(line)
        return answer


def family(root: int) -> list[int]:
    """`root` and the processes that come from it, as far as they live."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:  # grows while it is read
        found += children.get(pid, [])
    return found


def cpu_seconds(root: int) -> float:
    """User and system time of `root`, of what comes from it, and of those of them that have ended; in steps of 10 ms.

    A process that has ended counts through its parent, which waited for it.
    """
    return sum(sum(map(int, fields[11:15])) for pid in family(root) if (fields := _stat(pid))) / _TICKS


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Of a daemon and its helpers, in bytes.

    Attributes:
        main_rss: Resident memory of the main process, shared pages included.
        total_pss: Of all processes; a page that n of them share counts 1/n for each.
        processes: How many there are.
    """

    main_rss: int
    total_pss: int
    processes: int


def memory(root: int) -> Memory:
    """What `root` and the processes that come from it hold now."""
    held = {pid: found for pid in family(root) if (found := _rollup(pid))}
    return Memory(
        main_rss=held[root]["Rss"], total_pss=sum(found["Pss"] for found in held.values()), processes=len(held)
    )


class Peaks:
    """The most memory that the process `root`, and any that comes from it, has held during a `with` block, in bytes.

    Looks twice a second, so it may miss one that lives shorter. Of a child, what it shares with its siblings counts.
    """

    def __init__(self, root: int) -> None:
        self.main = self.child = 0
        self._root = root
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.5):
            main, *children = [_high_water(pid) for pid in family(self._root)]
            self.main, self.child = max(self.main, main), max(self.child, *children, 0)


def _high_water(pid: int) -> int:
    """The peak of its resident memory."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the third on (the second, a name, may hold anything); None: it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _rollup(pid: int) -> dict[str, int] | None:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()[1:]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return {name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(":") for line in lines)}
