"""An SQLite file: one writer behind the gate, readers beside it.

Every write transaction is `BEGIN IMMEDIATE` on the one writing connection, inside the gate; automatic checkpoints
happen in its COMMIT, so inside the gate too. Readers can neither write nor checkpoint, and are closed before the
writer, so that the checkpoint of the last closing connection is the writer's as well.
"""

from __future__ import annotations

import os
import sqlite3
import struct
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sqlalchemy import URL, Connection, create_engine, event
from sqlalchemy.pool import StaticPool

from monitor.errors import StoreBusyError, StoreError
from monitor.store.engine import in_plain_words
from monitor.store.locks import FileLock, WriteGate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

APPLICATION_ID: Final = 0x4E4D6F6E
"""Bytes 68-71 of our files, "NMon": how `file`, and this program, know one from another program's database."""

_HEADER: Final = b"SQLite format 3\0"
_PRAGMAS: Final = (
    "busy_timeout=5000",  # ms; only other programs can make us wait, our own wait at the gate
    "synchronous=FULL",
    "foreign_keys=ON",
    "temp_store=MEMORY",
    "trusted_schema=OFF",
    "cell_size_check=ON",
)

# Closing any descriptor of a file drops all POSIX locks that this process has on it, SQLite's too. So the header may be
# read past SQLite only while no store of this process has the file open.
_open_files: Final[dict[str, int]] = {}
_open_files_lock: Final = threading.Lock()


class SqliteDatabase:
    """Implements `monitor.store.engine.Database`."""

    def __init__(self, path: Path, *, exclusive: bool) -> None:
        self._path = path
        self._closed = False
        self._owner: FileLock | None = None
        self._gate: WriteGate | None = None
        self._writer: Engine | None = None
        self._readers: Engine | None = None
        self._registered = False
        try:
            with in_plain_words(self._explain):
                self._open(exclusive=exclusive)
        except BaseException:
            self.close()
            raise

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with in_plain_words(self._explain):
            gate, writer, _ = self._parts()
            with gate.hold(), writer.begin() as connection:
                yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with in_plain_words(self._explain):
            _, _, readers = self._parts()
            with readers.begin() as connection:
                yield connection

    def backup(self, label: str) -> None:
        """Write `<db>.before-<label>`, whole or not at all."""
        target = self._path.with_name(f"{self._path.name}.before-{label}")
        unfinished = target.with_name(f"{target.name}.unfinished")
        with in_plain_words(self._explain):
            gate, writer, _ = self._parts()
            with gate.hold():
                unfinished.unlink(missing_ok=True)
                os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
                # Not a transaction of SQLAlchemy's: VACUUM must run outside any.
                raw = writer.raw_connection()
                try:
                    raw.cursor().execute("VACUUM INTO ?", (str(unfinished),))
                finally:
                    raw.close()
                unfinished.replace(target)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._readers is not None:
            self._readers.dispose()
        try:
            if self._gate is not None and self._writer is not None:
                with in_plain_words(self._explain), self._gate.hold():
                    _checkpoint(self._writer)
                    self._writer.dispose()
        finally:
            for lock in (self._gate, self._owner):
                if lock is not None:
                    lock.close()
            if self._registered:
                _unregister(self._path)

    def _parts(self) -> tuple[WriteGate, Engine, Engine]:
        if self._closed or self._gate is None or self._writer is None or self._readers is None:
            raise StoreError(f"The store {self._path} is closed.")
        return self._gate, self._writer, self._readers

    def _open(self, *, exclusive: bool) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if exclusive:
            self._own()
        self._gate = WriteGate(self._path.with_name(f"{self._path.name}-write.lock"))
        with self._gate.hold():
            is_new = self._check_file()
            url = URL.create("sqlite", database=str(self._path))
            writer = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
            event.listen(writer, "connect", _prepare_new_writer if is_new else _prepare_writer)
            event.listen(writer, "begin", _begin_immediate)
            with writer.connect():
                self._writer = writer
        self._readers = create_engine(url, pool_size=8, max_overflow=8)
        event.listen(self._readers, "connect", _prepare_reader)
        event.listen(self._readers, "begin", _begin)

    def _own(self) -> None:
        """Be the only daemon on this file."""
        self._owner = FileLock(self._path.with_name(f"{self._path.name}.lock"))
        # A command that looks whether a daemon runs (`running`) holds the lock for a moment as well.
        if not self._owner.acquire(patience=0.25):
            holder = self._owner.holder()
            raise StoreBusyError(
                f"Another news-monitor{f' (process {holder})' if holder else ''} runs on {self._path}. "
                "Stop it, or point this one at another store with store.url or state_dir."
            )
        self._owner.sign()

    def _check_file(self) -> bool:
        """Make the file, or see that it is ours before SQLite touches it; True when it is new."""
        if _register(self._path):
            self._registered = True
            return False
        self._registered = True
        with os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600), "rb") as file:
            header = file.read(100)
        if not header:
            return True
        if not header.startswith(_HEADER) or len(header) < 100:
            raise StoreError(
                f"{self._path} is not an SQLite database. Move it away, or name another file in store.url or state_dir."
            )
        if struct.unpack_from(">I", header, 68)[0] != APPLICATION_ID:
            raise StoreError(
                f"{self._path} is another program's database; it was not touched. "
                "Name another file in store.url or state_dir."
            )
        return False

    def _explain(self, error: BaseException) -> str:
        if isinstance(error, OSError):
            return self._explain_os(error)
        match getattr(error, "sqlite_errorname", "").removeprefix("SQLITE_").split("_")[0]:
            case "FULL":
                return f"The disk that holds {self._path} is full. Make room; nothing that was stored is lost."
            case "READONLY" | "CANTOPEN" | "PERM" | "AUTH":
                return (
                    f"{self._path} cannot be written ({error}). "
                    f"See that the file and its folder belong to the user that runs news-monitor."
                )
            case "NOTADB" | "CORRUPT":
                return f"{self._path} is damaged or not an SQLite database ({error}). Move it away or restore a backup."
            case "BUSY" | "LOCKED":
                return (
                    f"{self._path} is held by another program ({error}). Close whatever else has it open and try again."
                )
            case _:
                return f"{self._path} cannot be used: {error}."

    def _explain_os(self, error: OSError) -> str:
        place = error.filename or self._path
        return (
            f"The store {self._path} cannot be opened: {place}: {error.strerror or error}. "
            "The folder must exist or be creatable, be writable for the user that runs news-monitor, and be on a disk "
            "with room; store.url or state_dir names another one."
        )


def _register(path: Path) -> bool:
    """Note one more store of this process on the file; whether there was one already."""
    with _open_files_lock:
        count = _open_files.get(str(path), 0)
        _open_files[str(path)] = count + 1
        return count > 0


def _unregister(path: Path) -> None:
    with _open_files_lock:
        _open_files[str(path)] -= 1
        if not _open_files[str(path)]:
            del _open_files[str(path)]


def _prepare_new_writer(connection: sqlite3.Connection, record: object) -> None:
    # First of all, and before the WAL, so that from its first byte on the file says whose it is.
    _run_pragmas(connection, f"application_id={APPLICATION_ID}")
    _prepare_writer(connection, record)


def _prepare_writer(connection: sqlite3.Connection, _record: object) -> None:
    mode = _run_pragmas(connection, *_PRAGMAS, "journal_mode=WAL")
    if mode != "wal":
        connection.close()
        raise StoreError(
            "The store's disk cannot hold an SQLite write-ahead log (a network share?). "
            "Put the store on a local disk with store.url or state_dir, or use PostgreSQL."
        )


def _prepare_reader(connection: sqlite3.Connection, _record: object) -> None:
    _run_pragmas(connection, *_PRAGMAS, "wal_autocheckpoint=0", "query_only=ON")


def _run_pragmas(connection: sqlite3.Connection, *pragmas: str) -> object:
    """The answer of the last one, or None. A connection that fails is closed; SQLAlchemy never gets to see it."""
    # Its documented recipe for explicit transactions: the driver begins none by itself, `_begin…` does.
    connection.isolation_level = None
    row = None
    try:
        for pragma in pragmas:
            row = connection.execute(f"PRAGMA {pragma}").fetchone()
    except BaseException:
        connection.close()
        raise
    return row[0] if row else None


def _checkpoint(writer: Engine) -> None:
    raw = writer.raw_connection()
    try:
        # PASSIVE waits for nobody; the last process to close empties and removes the WAL in any case.
        raw.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)").close()
    except sqlite3.OperationalError:
        # A full disk: all that was committed is in the WAL, and stays there until it can be moved.
        return
    finally:
        raw.close()


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
