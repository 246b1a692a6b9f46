"""File locks between processes (`flock`), and the gate through which all writes to one SQLite file go."""

from __future__ import annotations

import fcntl
import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from monitor.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PATIENCE: Final = 30.0  # seconds; the longest honest holder is a batch of polls, well under one
_FIRST_PAUSE: Final = 0.001
_LONGEST_PAUSE: Final = 0.02

_open_locks: Final[set[int]] = set()


def _close_in_child() -> None:
    """A forked child shares its parent's locks, and would keep them alive after the parent was killed."""
    for descriptor in _open_locks:
        os.close(descriptor)
    _open_locks.clear()


os.register_at_fork(after_in_child=_close_in_child)


class FileLock:
    """An exclusive lock on a file of its own; it ends with the process, however that ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        _open_locks.add(self._descriptor)

    def try_acquire(self) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def acquire(self, *, patience: float) -> bool:
        """Try for so many seconds. It polls, because a blocking `flock` has no deadline."""
        pause, waited, timer = _FIRST_PAUSE, 0.0, threading.Event()
        while not self.try_acquire():
            if waited >= patience:
                return False
            timer.wait(pause)
            waited += pause
            pause = min(pause * 2, _LONGEST_PAUSE)
        return True

    def release(self) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def sign(self) -> None:
        """Write this process's id into the file, for whoever finds the lock taken."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def holder(self) -> str:
        """What `sign` of the present holder wrote, or ""."""
        return os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip()

    def close(self) -> None:
        """Release and close; safe to call twice."""
        if self._descriptor in _open_locks:
            _open_locks.remove(self._descriptor)
            os.close(self._descriptor)


class WriteGate:
    """One writer at a time among all threads and processes that use one SQLite file.

    SQLite before 3.51.3 can lose pages when one connection resets the WAL while another checkpoints, and its own busy
    handler gives up under load; with every write and every checkpoint behind this gate neither can happen.
    """

    def __init__(self, path: Path) -> None:
        self._threads = threading.Lock()
        self._file = FileLock(path)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Wait for the turn, and have it.

        Raises:
            StoreError: Somebody else has had it for 30 s (a process that was stopped in the middle of a write).
        """
        if not self._threads.acquire(timeout=_PATIENCE):
            raise StoreError(f"Another thread has been writing to the store for {_PATIENCE:.0f} s; try again.")
        try:
            if not self._file.acquire(patience=_PATIENCE):
                raise StoreError(
                    f"Another process has held {self._file.path} for {_PATIENCE:.0f} s. "
                    f"Look for a suspended news-monitor (`fuser {self._file.path}`) and let it go on or end it."
                )
            try:
                yield
            finally:
                self._file.release()
        finally:
            self._threads.release()

    def close(self) -> None:
        self._file.close()
