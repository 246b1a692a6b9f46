"""What the store's methods need of a database: transactions to write and to read in, and errors in plain words."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import exc

from monitor.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection


class Database(Protocol):
    """An open database of either engine; every method may be called from any thread and raises StoreError."""

    def write(self) -> AbstractContextManager[Connection]:
        """A transaction that may write: committed on a normal exit, rolled back on an exception."""

    def read(self) -> AbstractContextManager[Connection]:
        """A transaction that only reads, and reads one state throughout."""

    def backup(self, label: str) -> None:
        """Keep a copy of what is there before a migration; does nothing where that is the operator's own business."""

    def close(self) -> None:
        """Release everything; safe to call twice."""


@contextmanager
def in_plain_words(explain: Callable[[BaseException], str]) -> Iterator[None]:
    """Turn what the machine, the network or the operator can cause into StoreError with `explain`'s sentence.

    Faults of this program (a violated constraint, wrong SQL) pass unchanged.
    """
    try:
        yield
    except (exc.IntegrityError, exc.ProgrammingError, exc.DataError) as error:
        if not _is_operators(error):
            raise
        raise StoreError(explain(error.orig or error)) from error
    except exc.DBAPIError as error:
        raise StoreError(explain(error.orig or error)) from error
    except (exc.TimeoutError, sqlite3.Error, OSError) as error:
        raise StoreError(explain(error)) from error


def _is_operators(error: exc.DBAPIError) -> bool:
    """Missing rights and bad connection options, which psycopg files under programming errors."""
    state = getattr(error.orig, "sqlstate", None)
    return error.connection_invalidated or state == "42501" or "connection option" in str(error.orig)
