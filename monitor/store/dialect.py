"""The places where SQLite and PostgreSQL must be asked differently; all other queries are the same for both."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy import BigInteger, Integer, String, any_, bindparam, func, select, text, true
from sqlalchemy.dialects import postgresql, sqlite

from monitor.store.tables import FEED_COLUMNS, ROW_ID, UtcTime, entries, entry_marks, feeds, hosts

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection, Executable, Select, Table

    StatementT = TypeVar("StatementT", bound=Executable)

T = TypeVar("T")

NAMES: Final = ("sqlite", "postgresql")

CHUNK: Final = 900
"""Values in one IN list: SQLite before 3.32 takes 999 of them, PostgreSQL 65,535."""

_REGISTRY_LOCK: Final = 0x4E4D0001
_MIGRATION_LOCK: Final = 0x4E4D0002
_OUTBOX_LOCK: Final = 0x4E4D0003
_PAGES_LOCK: Final = 0x4E4D0004
_STORIES_LOCK: Final = 0x4E4D0005


def chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    return (values[start : start + CHUNK] for start in range(0, len(values), CHUNK))


def of(connection: Connection) -> str:
    """One of `NAMES`."""
    return connection.dialect.name


def for_each(make: Callable[[str], StatementT]) -> dict[str, StatementT]:
    """A statement for each of `NAMES`, made once: SQLAlchemy takes far longer to put one together than to send it."""
    return {name: make(name) for name in NAMES}


def is_listed(name: str, column: ColumnElement[Any], parameter: str) -> ColumnElement[bool]:
    """Whether a text or id is in the list that `listed` makes of `parameter`'s value: a condition whose SQL does not
    depend on how long the list is, so that it is compiled once.
    """
    if name == "sqlite":
        values = func.json_each(bindparam(parameter, type_=String)).table_valued("value")
        return column.in_(select(values.c.value))
    return column == any_(bindparam(parameter, type_=postgresql.ARRAY(column.type)))


def listed(connection: Connection, values: Collection[str] | Collection[int]) -> str | list[Any]:
    """What is bound to the parameter of `is_listed`."""
    return json.dumps(list(values)) if _is_sqlite(connection) else list(values)


def insert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that knows ON CONFLICT."""
    return sqlite.insert(table) if _is_sqlite(connection) else postgresql.insert(table)


def lock_registry(connection: Connection) -> None:
    """Until the end of the transaction nobody else changes which feeds there are (SQLite: nobody writes anyway)."""
    if not _is_sqlite(connection):
        connection.execute(select(func.pg_advisory_xact_lock(_REGISTRY_LOCK)))


def lock_migration(connection: Connection) -> None:
    """Until the end of the transaction nobody else changes the tables."""
    if not _is_sqlite(connection):
        connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))


def lock_outbox(connection: Connection, channel: str) -> None:
    """Until the end of the transaction nobody else claims on this channel.

    Two that pass over each other's locked rows would each make a message of a part of a group.
    """
    if not _is_sqlite(connection):
        connection.execute(select(func.pg_advisory_xact_lock(_OUTBOX_LOCK, func.hashtext(channel))))


def lock_pages(connection: Connection) -> None:
    """Until the end of the transaction nobody else claims a page: two would each find a host free."""
    if not _is_sqlite(connection):
        connection.execute(select(func.pg_advisory_xact_lock(_PAGES_LOCK)))


def lock_stories(connection: Connection) -> None:
    """Until the end of the transaction nobody else writes about stories: so the numbers of what is written rise in the
    order in which it can be seen. The last lock that a transaction takes.
    """
    if not _is_sqlite(connection):
        connection.execute(select(func.pg_advisory_xact_lock(_STORIES_LOCK)))


def learn_sizes(connection: Connection) -> None:
    """Tell PostgreSQL's planner at once that there are many feeds now.

    It would find out within a minute or so; until then it reads all feeds to find a few by URL (230 ms instead of 2 ms,
    measured at 100,000), which a long import does many times a minute. SQLite prefers an index without being told.
    """
    if not _is_sqlite(connection):
        connection.execute(text("ANALYZE hosts, feeds"))


def due_feeds(name: str) -> Select[Any]:
    """The feeds that are due at `b_now` on each of the hosts `b_hosts`, longest waiting first, at most `b_per_host` of
    each.

    Each host is a short range of one index, however many feeds wait on it. A window function would read and number all
    that wait: 702 ms instead of 39 ms a claim, measured with one host that has 300,000 feeds due.
    """
    due = feeds.alias("due")
    nearest = (
        select(due.c.id)
        .where(due.c.host_id == hosts.c.id, due.c.active, due.c.next_poll_at <= bindparam("b_now", type_=UtcTime))
        .order_by(due.c.next_poll_at, due.c.id)
        .limit(bindparam("b_per_host", type_=Integer))
        .correlate(hosts)
    )
    found = select(*FEED_COLUMNS).where(is_listed(name, hosts.c.id, "b_hosts"))
    if name == "sqlite":
        found = found.where(feeds.c.id.in_(nearest)).select_from(hosts.join(feeds, true()))
    else:
        each = nearest.lateral("each")
        found = found.select_from(hosts.join(each, true()).join(feeds, feeds.c.id == each.c.id))
    return found.order_by(feeds.c.host_id, feeds.c.next_poll_at, feeds.c.id)


def newest_of_marks(name: str, limit: int) -> Select[Any]:
    """Each of the marks `b_marks` with the numbers of the feed's newest entries that have it, at most `limit` of each:
    a title that thousands of entries have costs no more than another one. None stands for no entry.
    """
    of_feed = bindparam("b_feed_id", type_=ROW_ID)
    given = bindparam("b_marks", type_=String if name == "sqlite" else postgresql.ARRAY(BigInteger))
    values = func.json_each(given) if name == "sqlite" else func.unnest(given)
    wanted = values.table_valued("value").alias("wanted")
    if name != "sqlite":
        wanted = wanted.render_derived()
    inner = entry_marks.alias("inner")
    newest = (
        select(inner.c.entry_id)
        .where(inner.c.feed_id == of_feed, inner.c.mark == wanted.c.value)
        .order_by(inner.c.entry_id.desc())
        .limit(limit)
        .correlate(wanted)
    )
    if name == "sqlite":
        # An outer join, so that SQLite goes from mark to mark: else it begins with all the entries, or all their marks.
        return select(wanted.c.value, entries.c.id).select_from(wanted.outerjoin(entries, entries.c.id.in_(newest)))
    each = newest.lateral("each")
    return select(wanted.c.value, each.c.entry_id).select_from(wanted.join(each, true()))


def _is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"
