"""A PostgreSQL database, shared by any number of processes."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sqlalchemy import URL, Connection, create_engine, event, exc

from monitor.errors import StoreError
from monitor.store.engine import in_plain_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

_SETTINGS: Final = (
    # A daemon that hangs in a transaction must not keep the others from a host, or the vacuum from its work.
    "SET idle_in_transaction_session_timeout = '60s'",
    "SET lock_timeout = '30s'",
)


class PostgresDatabase:
    """Implements `monitor.store.engine.Database`."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self._closed = False
        arguments = {"application_name": "news-monitor", "connect_timeout": 10}
        arguments = {key: value for key, value in arguments.items() if key not in url.query}
        try:
            self._writers = create_engine(url, pool_size=8, max_overflow=8, pool_pre_ping=True, connect_args=arguments)
        except ModuleNotFoundError as error:
            raise StoreError(
                "The PostgreSQL driver is not installed. Install it with: pip install 'news-monitor[postgres]'"
            ) from error
        event.listen(self._writers, "connect", _prepare)
        self._readers = self._writers.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True, postgresql_deferrable=False
        )

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with in_plain_words(self._explain):
            self._refuse_if_closed()
            with self._writers.begin() as connection:
                yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with in_plain_words(self._explain):
            self._refuse_if_closed()
            with self._readers.begin() as connection:
                yield connection

    def backup(self, label: str) -> None:
        """Nothing: a server is backed up by its operator, and DDL is transactional."""

    def close(self) -> None:
        self._closed = True
        self._writers.dispose()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise StoreError(f"The store {self._place} is closed.")

    @property
    def _place(self) -> str:
        return self._url.render_as_string(hide_password=True)

    def _explain(self, error: BaseException) -> str:
        if isinstance(error, exc.TimeoutError):
            return f"PostgreSQL at {self._place}: all connections are in use; try again."
        text = " ".join(str(error).split())
        if self._url.password:
            text = text.replace(str(self._url.password), "***")
        return f"PostgreSQL at {self._place}: {text}. {_advice(error, text)}".rstrip()


def _advice(error: BaseException, text: str) -> str:
    match getattr(error, "sqlstate", None):
        case "28P01" | "28000":
            return "Check user and password in store.url."
        case "3D000":
            return "Create the database first (createdb), or correct store.url."
        case "42501" | "25006":
            return "The user in store.url needs the right to create and write tables there."
        case "53100":
            return "The server's disk is full: make room there."
        case _:
            return _advice_by_text(text)


def _advice_by_text(text: str) -> str:
    """For a connection that was refused before there was a state to report."""
    if "password" in text or "authentication" in text:
        return "Check user and password in store.url."
    if "does not exist" in text:
        return "Create it first, or correct store.url."
    if "connection" in text:
        return "See that the server runs and that store.url names its host and port."
    return ""


def _prepare(connection: psycopg.Connection, _record: object) -> None:
    with connection.cursor() as cursor:
        for statement in _SETTINGS:
            cursor.execute(statement)
    connection.commit()
