"""Opening a store: what is made, what is refused and in which words, and how processes share an SQLite file."""

from __future__ import annotations

import shutil
import socket
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, make_url, text

from monitor.errors import StoreError
from monitor.store import migrate
from monitor.store.open import describe_url, open_store
from monitor.store.sqlite import SqliteDatabase
from monitor.store.tables import metadata
from tests.contract.processes import HOLD_OPEN, path_of, process
from tests.contract.samples import INTERVAL, NOW, claim, spec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from monitor.store.base import Store
    from tests.postgres import PostgresServer

ROOT = Path(__file__).parents[2]
NEXT = "8888"  # a schema that is to come


@contextmanager
def engine(url: str) -> Iterator[Engine]:
    """Straight to the database, past the store."""
    parsed = make_url(url)
    made = create_engine(parsed.set(drivername="postgresql+psycopg") if parsed.drivername != "sqlite" else parsed)
    try:
        yield made
    finally:
        made.dispose()


def execute(url: str, statement: str) -> None:
    with engine(url) as made, made.begin() as connection:
        connection.execute(text(statement))


def test_a_store_is_kept(store_url: str) -> None:
    """What was stored is there after the next opening."""
    first = open_store(store_url, now=NOW)
    first.sync_feeds([spec("a")], now=NOW)
    first.close()
    second = open_store(store_url, now=NOW, migrate=False)
    assert [feed.name for feed in second.feeds()] == ["a"]
    second.close()


def test_a_closed_store_says_so(store_url: str) -> None:
    """Closing twice is harmless; using it afterwards is an error in words."""
    store = open_store(store_url, now=NOW)
    store.close()
    store.close()
    with pytest.raises(StoreError, match="is closed"):
        store.ping()
    with pytest.raises(StoreError, match="is closed"):
        store.feeds()


def test_the_scripts_make_the_tables(store: Store, store_url: str) -> None:
    """The migrations and `tables.py` say the same, so the next migration starts from the truth."""
    store.ping()
    with engine(store_url) as made, made.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_known_head_is_the_newest_script() -> None:
    """The short way into an up-to-date store must not hide a new script."""
    assert ScriptDirectory(str(migrate.SCRIPTS)).get_current_head() == migrate.HEAD


def test_several_open_a_new_store_at_once(sqlite_url: str, postgres_server: PostgresServer) -> None:
    """One of them makes the tables, the others wait for it."""
    empty = postgres_server.create_database()
    for url in (sqlite_url, empty.render_as_string(hide_password=False)):
        with ThreadPoolExecutor(4) as pool:
            stores = list(pool.map(lambda _, url=url: open_store(url, now=NOW), range(4)))
        for store in stores:
            store.ping()
            store.close()
    postgres_server.drop_database(empty)


def test_an_opening_up_to_date_imports_no_alembic(sqlite_url: str) -> None:
    """Every command opens the store; half of its time would go into a library that it does not use."""
    open_store(sqlite_url, now=NOW).close()
    script = f"import sys\n{HOLD_OPEN}\nassert 'alembic' not in sys.modules"
    with process(script, sqlite_url) as child:
        child.communicate("", timeout=60)
        assert child.returncode == 0


def test_a_newer_store_is_refused(store_url: str) -> None:
    """An old program never writes into a schema that it does not know."""
    open_store(store_url, now=NOW).close()
    execute(store_url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="made by a newer news-monitor"):
        open_store(store_url, now=NOW)


def test_a_store_may_be_opened_as_it_is_only(sqlite_url: str) -> None:
    """Without leave to migrate an empty store is refused."""
    with pytest.raises(StoreError, match="has not been set up yet"):
        open_store(sqlite_url, now=NOW, migrate=False)


def scripts_with(tmp_path: Path, body: str) -> Path:
    """Our migrations and one more."""
    scripts = tmp_path / "50% more scripts"
    shutil.copytree(migrate.SCRIPTS, scripts)
    revisions = f"revision = '{NEXT}'\ndown_revision = '{migrate.HEAD}'\n"
    head = f"import sqlalchemy as sa\nfrom alembic import op\n{revisions}"
    (scripts / "versions" / f"{NEXT}_more.py").write_text(f"{head}\ndef upgrade() -> None:\n{body}")
    return scripts


def test_an_older_store_is_copied_and_upgraded(sqlite_url: str, tmp_path: Path) -> None:
    """The state before the upgrade is kept beside the file, readable for its owner alone."""
    store = open_store(sqlite_url, now=NOW)
    store.sync_feeds([spec("a")], now=NOW)
    store.close()
    scripts = scripts_with(tmp_path, "    op.add_column('hosts', sa.Column('note', sa.Text()))\n")
    database = SqliteDatabase(path_of(sqlite_url), exclusive=False)
    with pytest.raises(StoreError, match=f"older schema {migrate.HEAD}"):
        migrate.bring_up_to_date(database, now=NOW, migrate=False, head=NEXT, scripts=scripts)
    migrate.bring_up_to_date(database, now=NOW, migrate=True, head=NEXT, scripts=scripts)
    with database.read() as connection:
        assert migrate.current_revision(connection) == NEXT
        connection.execute(text("SELECT note FROM hosts"))
    database.close()
    backup = path_of(sqlite_url).with_name(f"monitor.db.before-{migrate.HEAD}")
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    with closing(sqlite3.connect(backup)) as copy:
        assert copy.execute("SELECT version_num, name FROM alembic_version, feeds").fetchall() == [(migrate.HEAD, "a")]


def test_a_failed_upgrade_changes_nothing(sqlite_url: str, tmp_path: Path) -> None:
    """All steps of a migration are one transaction; the old program still works on the store."""
    open_store(sqlite_url, now=NOW).close()
    scripts = scripts_with(
        tmp_path, "    op.create_table('more', sa.Column('id', sa.Integer()))\n    op.drop_table('no')\n"
    )
    database = SqliteDatabase(path_of(sqlite_url), exclusive=False)
    with pytest.raises(StoreError, match="no such table: no"):
        migrate.bring_up_to_date(database, now=NOW, migrate=True, head=NEXT, scripts=scripts)
    database.close()
    store = open_store(sqlite_url, now=NOW)
    store.ping()
    store.close()
    with pytest.raises(Exception, match="no such table: more"):
        execute(sqlite_url, "SELECT * FROM more")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "cannot be read; it looks like"),
        ("monitor.db", "cannot be read; it looks like"),
        ("postgresql://user:geheim@host:port/db", "cannot be read; it looks like"),
        ("mysql://user:geheim@host/db", "no store of the kind 'mysql'"),
        ("sqlite://", "must be a file"),
        ("sqlite:///:memory:", "must be a file"),
        ("sqlite:///file:x?mode=memory&uri=true", "takes no options"),
        ("sqlite://monitor.db", "three slashes"),
    ],
)
def test_a_wrong_url(url: str, message: str) -> None:
    """Each is answered with what a right one looks like, and no password."""
    with pytest.raises(StoreError, match=message) as caught:
        open_store(url, now=NOW)
    assert "geheim" not in str(caught.value)


def test_describe_url() -> None:
    """For people: no password, and where the file really is."""
    assert describe_url("postgresql://me:geheim@db.example/news") == "postgresql://me:***@db.example/news"
    assert describe_url("sqlite:////var/lib/news-monitor/monitor.db") == "/var/lib/news-monitor/monitor.db"
    assert describe_url("sqlite:///monitor.db") == str(Path.cwd() / "monitor.db")


@pytest.fixture
def unused_port() -> int:
    """Bound a moment ago, so that nobody listens there."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port: int = server.getsockname()[1]
        return port


def test_an_unreachable_server(unused_port: int) -> None:
    """A server that is down is told with its address, and without the password."""
    with pytest.raises(StoreError, match=r"See that the server runs") as caught:
        open_store(f"postgresql://me:geheim@127.0.0.1:{unused_port}/news", now=NOW)
    assert "geheim" not in str(caught.value)
    assert f"127.0.0.1:{unused_port}" in str(caught.value)


def test_a_wrong_password(postgres_url: str) -> None:
    """The user learns what to correct; no password is shown."""
    url = make_url(postgres_url).set(password="falsch")
    with pytest.raises(StoreError, match=r"password authentication failed.*store\.url") as caught:
        open_store(url.render_as_string(hide_password=False), now=NOW)
    assert "falsch" not in str(caught.value)


def test_a_missing_database(postgres_url: str) -> None:
    """The server is there, the database is not."""
    url = make_url(postgres_url).set(database="no_such_database")
    with pytest.raises(StoreError, match=r"does not exist.*store\.url"):
        open_store(url.render_as_string(hide_password=False), now=NOW)


def test_a_server_that_was_restarted(postgres_url: str) -> None:
    """Connections that were cut are replaced by themselves."""
    store = open_store(postgres_url, now=NOW)
    store.ping()
    database = make_url(postgres_url).database
    with engine(postgres_url) as made, made.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :n AND pid != pg_backend_pid()"
            ),
            {"n": database},
        )
    store.ping()
    assert store.feeds() == ()
    store.close()


def test_a_missing_driver() -> None:
    """PostgreSQL is an extra; without it the message says what to install."""
    script = """
import sys
from datetime import datetime, UTC
from monitor.errors import StoreError
sys.modules["psycopg"] = None
try:
    open_store("postgresql://me@localhost/news", now=datetime(2026, 11, 23, tzinfo=UTC))
except StoreError as error:
    print(error)
"""
    with process(script) as child:
        output, _ = child.communicate("", timeout=60)
    assert "pip install 'news-monitor[postgres]'" in output


def test_claims_of_two_processes_do_not_wait_for_each_other(postgres_url: str) -> None:
    """On PostgreSQL a host that another daemon is just claiming is skipped, not waited for."""
    stores = [open_store(postgres_url, now=NOW) for _ in range(2)]
    stores[0].sync_feeds([spec("a", interval=INTERVAL), spec("b")], now=NOW)
    with engine(postgres_url) as made, made.begin() as connection:
        connection.execute(text("SELECT id FROM hosts WHERE name = 'a.example' FOR NO KEY UPDATE"))
        assert [one.host for one in claim(stores[1])] == ["b.example"]
    assert [one.host for one in claim(stores[1])] == ["a.example"]
    for store in stores:
        store.close()
