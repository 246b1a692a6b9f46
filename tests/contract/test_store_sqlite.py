"""An SQLite store's file: how processes share it, and what happens when it cannot be used."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from monitor.errors import StoreBusyError, StoreError
from monitor.store import locks
from monitor.store.open import open_store
from monitor.store.sqlite import SqliteDatabase
from tests.contract.processes import HOLD_OPEN, path_of, process
from tests.contract.samples import NOW, claim, entry, outcome, spec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def as_an_ordinary_user() -> Iterator[None]:
    """File rights do not bind root, so root becomes nobody for a moment."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_new_sqlite_store_is_private_and_safe(sqlite_url: str) -> None:
    """Folder and files belong to one user alone; nothing is left beside the database after the last close."""
    store = open_store(sqlite_url, now=NOW, exclusive=True)
    store.ping()
    path = path_of(sqlite_url)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    lock_files = {"monitor.db.lock", "monitor.db-write.lock"}
    assert modes == dict.fromkeys({"monitor.db", "monitor.db-wal", "monitor.db-shm", *lock_files}, 0o600)
    store.close()
    assert {file.name for file in path.parent.iterdir()} == {"monitor.db", *lock_files}


def test_sqlite_is_set_up_for_durability(sqlite_url: str) -> None:
    """The writer syncs every commit; a reader can neither write nor checkpoint."""
    database = SqliteDatabase(path_of(sqlite_url), exclusive=False)

    def pragmas(connection: object, *wanted: str) -> list[object]:
        assert hasattr(connection, "exec_driver_sql")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted]

    with database.write() as writer:
        assert pragmas(writer, "journal_mode", "synchronous", "foreign_keys", "application_id", "trusted_schema") == [
            "wal",
            2,
            1,
            0x4E4D6F6E,
            0,
        ]
    with database.read() as reader:
        assert pragmas(reader, "query_only", "wal_autocheckpoint", "foreign_keys") == [1, 0, 1]
    with pytest.raises(StoreError, match="cannot be written"), database.read() as reader:
        reader.execute(text("CREATE TABLE t (id INTEGER)"))
    database.close()


def test_two_processes_write_one_file(sqlite_url: str) -> None:
    """A command beside the daemon waits its turn; neither ever hears "database is locked"."""
    script = """
import sys
from datetime import datetime, timedelta, UTC
from monitor.model import FeedSpec
now = datetime(2026, 11, 23, tzinfo=UTC)
store = open_store(sys.argv[1], now=now)
print("open", flush=True)
for number in range(150):
    url = f"https://child.example/{number}"
    store.add_feeds([FeedSpec(name=f"child {number}", url=url, interval=timedelta(hours=1))], now=now)
store.close()
"""
    store = open_store(sqlite_url, now=NOW, exclusive=True)
    with process(script, sqlite_url) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        for number in range(150):
            store.add_feeds([spec(f"parent {number}", f"https://parent.example/{number}", origin="added")], now=NOW)
        assert child.wait(timeout=60) == 0
    assert len(store.feeds()) == 300
    store.close()
    with closing(sqlite3.connect(path_of(sqlite_url))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_second_daemon_is_refused(sqlite_url: str) -> None:
    """The message names the process and the way out; commands are let in; a killed daemon leaves the way free."""
    with process(HOLD_OPEN, sqlite_url) as daemon:
        assert daemon.stdout is not None
        assert daemon.stdout.readline() == "open\n"
        with pytest.raises(StoreBusyError, match=rf"process {daemon.pid}\).*store\.url or state_dir"):
            open_store(sqlite_url, now=NOW, exclusive=True)
        command = open_store(sqlite_url, now=NOW)
        command.ping()
        command.close()
        daemon.kill()
        daemon.wait(timeout=60)
    store = open_store(sqlite_url, now=NOW, exclusive=True)
    store.ping()
    store.close()


def test_the_children_of_a_killed_daemon_do_not_hold_its_store(sqlite_url: str) -> None:
    """A forked worker that outlives its parent has none of the parent's locks."""
    script = """
import os, signal, sys
from datetime import datetime, UTC
store = open_store(sys.argv[1], now=datetime(2026, 11, 23, tzinfo=UTC), exclusive=True)
if os.fork() == 0:
    print("forked", flush=True)
    sys.stdin.read()
    os._exit(0)
os.kill(os.getpid(), signal.SIGKILL)
"""
    with process(script, sqlite_url) as daemon:
        assert daemon.stdout is not None
        assert daemon.stdout.readline() == "forked\n"
        assert daemon.wait(timeout=60) == -signal.SIGKILL
        store = open_store(sqlite_url, now=NOW, exclusive=True)
        store.ping()
        store.close()


def test_a_writer_that_is_stuck_is_named(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits in vain for a suspended process learns which file to look at."""
    store = open_store(sqlite_url, now=NOW)
    monkeypatch.setattr(locks, "_PATIENCE", 0.01)
    path = path_of(sqlite_url).with_name("monitor.db-write.lock")
    stuck = locks.FileLock(path)
    assert stuck.try_acquire()
    with pytest.raises(StoreError, match=rf"fuser {path}"):
        store.ping()
    stuck.close()
    store.ping()
    store.close()


def test_a_full_disk_is_told_and_survived(sqlite_url: str) -> None:
    """The commit that does not fit leaves nothing behind; once there is room it can be made again."""
    store = open_store(sqlite_url, now=NOW)
    store.sync_feeds([spec("a")], now=NOW)
    (one,) = claim(store)
    found = outcome(one.lease, one.feeds[0], entries=[entry(f"{number}") for number in range(500)])
    # SQLite's own limit on the file gives the same answer as a full disk.
    database: SqliteDatabase = store._database  # type: ignore[attr-defined] # the store's own connection has the limit
    with database.write() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 2}")
    with pytest.raises(StoreError, match="is full"):
        store.commit_polls([found], now=NOW)
    assert store.status(now=NOW).entries == 0
    with database.write() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1000000")
    assert store.commit_polls([found], now=NOW) == (True,)
    store.close()


@pytest.mark.parametrize(
    "content", [b"# notes\n", b"x" * 5000, b"SQLite format 3\0"], ids=["text", "long", "cut short"]
)
def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path, content: bytes) -> None:
    """It is named, and stays as it is."""
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=rf"{path} is not an SQLite database"):
        open_store(f"sqlite:///{path}", now=NOW)
    assert path.read_bytes() == content


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_another_programs_database_is_left_alone(tmp_path: Path, mode: str) -> None:
    """Not a byte of it changes."""
    path = tmp_path / "firefox.sqlite"
    with closing(sqlite3.connect(path)) as other:
        other.execute(f"PRAGMA journal_mode={mode}")
        other.execute("CREATE TABLE bookmarks (url TEXT)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program's database; it was not touched"):
        open_store(f"sqlite:///{path}", now=NOW)
    assert path.read_bytes() == before
    assert {file.name for file in tmp_path.iterdir()} == {"firefox.sqlite", "firefox.sqlite-write.lock"}


def test_a_damaged_store_is_told(sqlite_url: str) -> None:
    """A file of ours with pages overwritten is an error in words."""
    open_store(sqlite_url, now=NOW).close()
    path = path_of(sqlite_url)
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"damaged.*restore a backup"):
        open_store(sqlite_url, now=NOW).feeds()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """The message names the place and the way out."""
    folder = tmp_path / "read-only"
    folder.mkdir(mode=0o555)
    with as_an_ordinary_user(), pytest.raises(StoreError, match=rf"{folder}.*Permission denied.*state_dir"):
        open_store(f"sqlite:///{folder}/monitor.db", now=NOW)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot be opened.*state_dir"):
        open_store(f"sqlite:///{tmp_path}/file/state/monitor.db", now=NOW)


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    """A path that names a folder is an error in words."""
    with pytest.raises(StoreError, match="Is a directory"):
        open_store(f"sqlite:///{tmp_path}", now=NOW)
