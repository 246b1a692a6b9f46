"""Rows of `hosts`, and leases of pages: making them, and setting when they are due and who holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from sqlalchemy import bindparam, case, func, insert, null, select, update

from monitor.store import dialect
from monitor.store.dialect import chunks
from monitor.store.tables import IS_ACTIVE, IS_WANTED, KEY, UtcTime, feeds, hosts, pages

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, ScalarSelect

    from monitor.model import HostId

_FIRST = func.min(feeds.c.next_poll_at)
# What a free host's due_at is: that of the first of its active feeds, NULL when it has none; not before `not_before`.
_NEXT_DUE: ScalarSelect[datetime | None] = (
    select(case((hosts.c.not_before > _FIRST, hosts.c.not_before), else_=_FIRST))
    .where(feeds.c.host_id == hosts.c.id, IS_ACTIVE)
    .correlate(hosts)
    .scalar_subquery()
)


_LOCK: Final = dialect.for_each(
    lambda name: (
        select(hosts.c.id, hosts.c.lease_token)
        .where(dialect.is_listed(name, hosts.c.id, "b_hosts"))
        .order_by(hosts.c.id)
        .with_for_update(key_share=True)
    )
)
_LEASE: Final = dialect.for_each(
    lambda name: (
        update(hosts)
        .where(dialect.is_listed(name, hosts.c.id, "b_hosts"))
        .values(due_at=bindparam("b_until", type_=UtcTime), lease_token=bindparam("b_token", type_=KEY))
    )
)
_FREE: Final = dialect.for_each(
    lambda name: (
        update(hosts).where(dialect.is_listed(name, hosts.c.id, "b_hosts")).values(due_at=_NEXT_DUE, lease_token=null())
    )
)


def new_token() -> str:
    return uuid4().hex


def lock_hosts(connection: Connection, host_ids: Iterable[int]) -> dict[int, str | None]:
    """Hold these hosts until the end of the transaction; their present tokens.

    Always in the order of their ids, and always before any other row, so that two transactions cannot wait for each
    other.
    """
    given = {"b_hosts": dialect.listed(connection, sorted(set(host_ids)))}
    found = connection.execute(_LOCK[dialect.of(connection)], given)
    return {host_id: token for host_id, token in found}  # noqa: C416 - dict() does not know that a row is a pair


def lease_hosts(connection: Connection, host_ids: Sequence[int], *, token: str, until: datetime) -> None:
    if host_ids:
        given = {"b_hosts": dialect.listed(connection, host_ids), "b_until": until, "b_token": token}
        connection.execute(_LEASE[dialect.of(connection)], given)


def free_hosts(connection: Connection, host_ids: Collection[int]) -> None:
    """End their leases and make them due when the first of their feeds is."""
    if host_ids:
        connection.execute(_FREE[dialect.of(connection)], {"b_hosts": dialect.listed(connection, host_ids)})


def quiet_hosts(connection: Connection, until: Mapping[HostId, datetime]) -> None:
    """Let nobody ask these hosts before."""
    for host_id, at in sorted(until.items()):
        connection.execute(update(hosts).where(hosts.c.id == host_id).values(not_before=at))


def reschedule_hosts(connection: Connection, host_ids: Iterable[int]) -> None:
    """Make those that are free due when the first of their feeds is; a leased one is left to its holder."""
    for part in chunks(list(host_ids)):
        free = update(hosts).where(hosts.c.id.in_(part), hosts.c.lease_token.is_(None))
        connection.execute(free.values(due_at=_NEXT_DUE))


def free_all_hosts(connection: Connection) -> int:
    """End every lease; how many there were."""
    leased = update(hosts).where(hosts.c.lease_token.is_not(None))
    return connection.execute(leased.values(due_at=_NEXT_DUE, lease_token=None)).rowcount


def host_ids_of(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """The ids of these hosts; those that are missing are made."""
    wanted = sorted(set(names))
    ids: dict[str, int] = {}
    for part in chunks(wanted):
        ids.update((row.name, row.id) for row in connection.execute(_hosts_named(part)))
    missing = [name for name in wanted if name not in ids]
    if missing:
        connection.execute(insert(hosts), [{"name": name} for name in missing])
    for part in chunks(missing):
        ids.update((row.name, row.id) for row in connection.execute(_hosts_named(part)))
    return ids


def _hosts_named(names: Sequence[str]) -> Any:
    return select(hosts.c.name, hosts.c.id).where(hosts.c.name.in_(names))


def free_all_pages(connection: Connection, *, now: datetime) -> int:
    """End every lease on a page; how many there were."""
    leased = update(pages).where(IS_WANTED, pages.c.lease_token.is_not(None))
    return connection.execute(leased.values(due_at=now, lease_token=None)).rowcount
