"""`FeedQueue`: claims, known entries, and the one transaction that commits polls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import Integer, bindparam, or_, select, update

from monitor.model import FeedId, HostClaim, HostId, KnownEntry, Lease
from monitor.store import commit, dialect, rows
from monitor.store.hosts import host_of
from monitor.store.leases import (
    free_all_hosts,
    free_all_pages,
    free_hosts,
    host_ids_of,
    lease_hosts,
    lock_hosts,
    new_token,
    quiet_hosts,
    reschedule_hosts,
)
from monitor.store.tables import (
    FEED_COLUMNS,
    IS_ACTIVE,
    IS_PENDING,
    ROW_ID,
    UtcTime,
    deliveries,
    entries,
    feeds,
    hosts,
    matches,
    story_members,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import Connection

    from monitor.model import Feed, Kin, PollOutcome
    from monitor.store.engine import Database


_NONE: Final[frozenset[str]] = frozenset()
# Asked at every poll with a document, so it is made once, and its list is one value however long.
_KNOWN: Final = dialect.for_each(
    lambda name: (
        select(
            entries.c.key,
            entries.c.id,
            entries.c.content_hash,
            entries.c.source_hash,
            story_members.c.story,
            matches.c.rule,
            matches.c.alert_id,
        )
        .select_from(
            entries.outerjoin(matches, matches.c.entry_id == entries.c.id).outerjoin(
                story_members, story_members.c.entry_id == entries.c.id
            )
        )
        .where(entries.c.feed_id == bindparam("b_feed_id", type_=ROW_ID))
        .where(dialect.is_listed(name, entries.c.key, "b_keys"))
    )
)
_OF_A_MARK: Final = 4  # entries of each mark: more say that it tells nothing
_MARKED: Final = dialect.for_each(lambda name: dialect.newest_of_marks(name, _OF_A_MARK))
_BY_ID: Final = dialect.for_each(lambda name: select(entries).where(dialect.is_listed(name, entries.c.id, "b_ids")))
_BY_KEY: Final = dialect.for_each(
    lambda name: (
        select(entries)
        .where(entries.c.feed_id == bindparam("b_feed_id", type_=ROW_ID))
        .where(dialect.is_listed(name, entries.c.key, "b_keys"))
    )
)
_DUE_HOSTS: Final = (
    select(hosts.c.id)
    .where(hosts.c.due_at <= bindparam("b_now", type_=UtcTime))
    .order_by(hosts.c.due_at, hosts.c.id)
    .limit(bindparam("b_limit", type_=Integer))
    .with_for_update(skip_locked=True, key_share=True)
)
_DUE_FEEDS: Final = dialect.for_each(dialect.due_feeds)
_ACTIVE: Final = dialect.for_each(
    lambda name: select(feeds.c.id, feeds.c.changed_token).where(
        dialect.is_listed(name, feeds.c.id, "b_feeds"), IS_ACTIVE
    )
)


class FeedQueuePart:
    """Implements `monitor.store.base.FeedQueue`."""

    _database: Database

    def claim_hosts(self, *, now: datetime, limit: int, feeds_per_host: int, lease: timedelta) -> Sequence[HostClaim]:
        claims: list[HostClaim] = []
        with self._database.write() as connection:
            # Nearly always one round. A host can be due without a feed that is (an expired lease whose feeds were
            # polled, feeds removed meanwhile): it is put right, and another is taken in its place.
            while len(claims) < limit:
                wanted = limit - len(claims)
                host_ids = _due_hosts(connection, now, wanted)
                by_host = _due_feeds(connection, host_ids, now, feeds_per_host)
                free_hosts(connection, [host_id for host_id in host_ids if host_id not in by_host])
                ready = [by_host[host_id] for host_id in host_ids if host_id in by_host]
                claims += _lease(connection, ready, until=now + lease)
                if len(host_ids) < wanted:
                    break
        return tuple(claims)

    def claim_feeds(self, names: Collection[str], *, now: datetime, lease: timedelta) -> Sequence[HostClaim]:
        with self._database.write() as connection:
            named = _feeds_by_name(connection, names)
            free = _lock_free_hosts(connection, {feed.host_id for feed in named}, now)
            by_host: dict[int, list[Feed]] = {}
            # Read again: on PostgreSQL they may have changed before their host was locked.
            for feed in _feeds_by_name(connection, [feed.name for feed in named if feed.host_id in free]):
                if feed.host_id in free:
                    by_host.setdefault(feed.host_id, []).append(feed)
            return tuple(_lease(connection, by_host.values(), until=now + lease))

    def release(self, leases: Sequence[Lease], *, now: datetime) -> None:  # noqa: ARG002 - the contract's signature
        if not leases:
            return
        with self._database.write() as connection:
            tokens = lock_hosts(connection, [lease.host_id for lease in leases])
            free_hosts(connection, {lease.host_id for lease in leases if tokens.get(lease.host_id) == lease.token})

    def break_leases(self, *, now: datetime) -> int:
        claimed = update(deliveries).where(IS_PENDING, deliveries.c.lease_token.is_not(None))
        with self._database.write() as connection:
            ended = free_all_hosts(connection) + free_all_pages(connection, now=now)
            return ended + connection.execute(claimed.values(due_at=now, lease_token=None)).rowcount

    def known_entries(self, feed_id: FeedId, keys: Collection[str]) -> Mapping[str, KnownEntry]:
        if not keys:
            return {}
        stored: dict[str, tuple[int, str, str, str]] = {}
        matched: dict[str, set[str]] = {}
        alerted: dict[str, set[str]] = {}
        with self._database.read() as connection:
            given = {"b_feed_id": feed_id, "b_keys": dialect.listed(connection, keys)}
            for key, number, content_hash, source_hash, story, rule, alert_id in connection.execute(
                _KNOWN[dialect.of(connection)], given
            ):
                stored[key] = (number, content_hash, source_hash, story or "")
                if rule is not None:
                    matched.setdefault(key, set()).add(rule)
                if alert_id is not None:
                    alerted.setdefault(key, set()).add(rule)
        return {
            key: KnownEntry(
                content_hash=content_hash,
                source_hash=source_hash,
                alerted=frozenset(alerted[key]) if key in alerted else _NONE,
                matched=frozenset(matched[key]) if key in matched else _NONE,
                story=story,
                id=number,
            )
            for key, (number, content_hash, source_hash, story) in stored.items()
        }

    def kin(self, feed_id: FeedId, *, marks: Collection[int], keys: Collection[str] = ()) -> Sequence[Kin]:
        with self._database.read() as connection:
            name, by_id = dialect.of(connection), dict[int, set[int]]()
            if marks:
                given = {"b_feed_id": feed_id, "b_marks": dialect.listed(connection, marks)}
                for mark, entry_id in connection.execute(_MARKED[name], given):
                    if entry_id is not None:
                        by_id.setdefault(entry_id, set()).add(mark)
            found: list[rows.AnyRow] = []
            if by_id:
                found += connection.execute(_BY_ID[name], {"b_ids": dialect.listed(connection, by_id)})
            if keys:
                given = {"b_feed_id": feed_id, "b_keys": dialect.listed(connection, keys)}
                found += connection.execute(_BY_KEY[name], given)
        return tuple({row.id: rows.kin_from_row(row, by_id.get(row.id, ())) for row in found}.values())

    def newest_entries(self, feed_id: FeedId, *, limit: int) -> Sequence[Kin]:
        of_feed = select(entries.c.id).where(entries.c.feed_id == feed_id)
        newest = of_feed.order_by(entries.c.id.desc()).limit(limit).subquery()
        found = select(entries).where(entries.c.id.in_(select(newest.c.id))).order_by(entries.c.id.desc())
        with self._database.read() as connection:
            return tuple(rows.kin_from_row(row) for row in connection.execute(found))

    def commit_polls(self, outcomes: Sequence[PollOutcome], *, now: datetime) -> Sequence[bool]:
        if not outcomes:
            return ()
        with self._database.write() as connection:
            targets = {url for outcome in outcomes if (url := outcome.update.moved_url)}
            moved_to = host_ids_of(connection, map(host_of, targets))
            held = [outcome.lease.host_id for outcome in outcomes]
            tokens = lock_hosts(connection, [*held, *moved_to.values()])
            changed = _changed_under(connection, outcomes)
            written: list[bool] = []
            freed: set[HostId] = set()
            for outcome in outcomes:
                lease = outcome.lease
                holds = tokens.get(lease.host_id) == lease.token
                written.append(
                    holds and outcome.update.feed_id in changed and changed[outcome.update.feed_id] != lease.token
                )
                if holds and outcome.releases:
                    tokens[lease.host_id] = None
                    freed.add(lease.host_id)
            done = [outcome for outcome, ok in zip(outcomes, written, strict=True) if ok]
            commit.write(done, connection, now)
            quiet_hosts(connection, {one.lease.host_id: at for one in done if (at := one.update.host_not_before)})
            commit.move_feeds(done, connection, moved_to)
            free_hosts(connection, freed)
            reschedule_hosts(connection, moved_to.values())
        return tuple(written)


def _due_hosts(connection: Connection, now: datetime, limit: int) -> Sequence[int]:
    return connection.execute(_DUE_HOSTS, {"b_now": now, "b_limit": limit}).scalars().all()


def _due_feeds(connection: Connection, host_ids: Sequence[int], now: datetime, per_host: int) -> dict[int, list[Feed]]:
    by_host: dict[int, list[Feed]] = {}
    if host_ids:
        given = {"b_hosts": dialect.listed(connection, host_ids), "b_now": now, "b_per_host": per_host}
        for row in connection.execute(_DUE_FEEDS[dialect.of(connection)], given):
            by_host.setdefault(row.host_id, []).append(rows.feed_from_row(row))
    return by_host


def _feeds_by_name(connection: Connection, names: Collection[str]) -> list[Feed]:
    found: list[rows.AnyRow] = []
    for part in dialect.chunks(sorted(names)):
        named = select(*FEED_COLUMNS).join(hosts).where(feeds.c.name.in_(part), IS_ACTIVE)
        found += connection.execute(named)
    return sorted(map(rows.feed_from_row, found), key=lambda feed: (feed.next_poll_at, feed.id))


def _lock_free_hosts(connection: Connection, host_ids: Iterable[int], now: datetime) -> set[int]:
    free: set[int] = set()
    for part in dialect.chunks(sorted(host_ids)):
        unleased = select(hosts.c.id).where(
            hosts.c.id.in_(part), or_(hosts.c.lease_token.is_(None), hosts.c.due_at <= now)
        )
        free.update(connection.execute(unleased.with_for_update(skip_locked=True, key_share=True)).scalars())
    return free


def _lease(connection: Connection, feeds_by_host: Iterable[Sequence[Feed]], *, until: datetime) -> list[HostClaim]:
    token = new_token()
    claims = [
        HostClaim(
            lease=Lease(host_id=of_host[0].host_id, token=token, until=until),
            host=of_host[0].host,
            feeds=tuple(of_host),
        )
        for of_host in feeds_by_host
    ]
    lease_hosts(connection, [claim.lease.host_id for claim in claims], token=token, until=until)
    return claims


def _changed_under(connection: Connection, outcomes: Sequence[PollOutcome]) -> dict[FeedId, str | None]:
    """The feeds that are still active, with the lease under which they were moved or brought back.

    What a poll found on a feed that was removed or got another URL while the poll ran belongs to no feed any more; the
    outcome is refused like one that comes too late, and the feed, which is due, is polled anew.
    """
    wanted = sorted({outcome.update.feed_id for outcome in outcomes})
    found = connection.execute(_ACTIVE[dialect.of(connection)], {"b_feeds": dialect.listed(connection, wanted)})
    return {FeedId(feed_id): token for feed_id, token in found}
