"""The way in: a URL becomes an open store."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, exc, make_url

from monitor.errors import StoreError
from monitor.store.migrate import bring_up_to_date
from monitor.store.postgres import PostgresDatabase
from monitor.store.sqlite import SqliteDatabase
from monitor.store.store import SqlStore

if TYPE_CHECKING:
    from datetime import datetime

    from monitor.store.base import Store
    from monitor.store.engine import Database

_FORMS = "sqlite:////absolute/path/monitor.db or postgresql://user@host/database"


def open_store(url: str, *, now: datetime, exclusive: bool = False, migrate: bool = True) -> Store:
    """Open the store at `url`, making or upgrading it where needed.

    Args:
        url: sqlite:///relative.db, sqlite:////absolute.db or postgresql://user:password@host:port/database.
        now: Aware UTC; noted as the store's birth when it is made.
        exclusive: Be the only daemon on an SQLite file, until `close` or the end of the process. PostgreSQL needs no
            such thing and ignores it.
        migrate: False: take the schema only as it is.

    Raises:
        StoreBusyError: `exclusive`, and another daemon runs on this file; names its process.
        StoreError: It cannot be opened; says why and the way out, without the password.
    """
    database = _open_database(_parse(url), exclusive=exclusive)
    try:
        bring_up_to_date(database, now=now, migrate=migrate)
    except BaseException:
        database.close()
        raise
    return SqlStore(database)


def describe_url(url: str) -> str:
    """`url` for people: the password hidden, an SQLite file by its absolute path."""
    parsed = _parse(url)
    if parsed.drivername == "sqlite":
        return str(_sqlite_path(parsed))
    return parsed.set(drivername="postgresql").render_as_string(hide_password=True)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (exc.ArgumentError, ValueError) as error:
        # The text itself may hold a password, so it is not repeated.
        raise StoreError(f"The store's URL cannot be read; it looks like {_FORMS}.") from error
    match parsed.drivername:
        case "sqlite" | "sqlite+pysqlite":
            return parsed.set(drivername="sqlite")
        case "postgresql" | "postgres" | "postgresql+psycopg":
            return parsed.set(drivername="postgresql+psycopg")
        case other:
            raise StoreError(f"There is no store of the kind {other!r}; the URL looks like {_FORMS}.")


def _open_database(url: URL, *, exclusive: bool) -> Database:
    if url.drivername == "sqlite":
        return SqliteDatabase(_sqlite_path(url), exclusive=exclusive)
    return PostgresDatabase(url)


def _sqlite_path(url: URL) -> Path:
    if url.host or url.username:
        raise StoreError(
            "The URL of an SQLite store needs three slashes, or four for an absolute path: sqlite:////path/monitor.db."
        )
    if url.query:
        raise StoreError(f"The URL of an SQLite store takes no options; leave out ?{'&'.join(url.query)}.")
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise StoreError("An SQLite store must be a file, or nothing would be kept: sqlite:////path/monitor.db.")
    return Path(os.path.realpath(Path(url.database).expanduser()))
