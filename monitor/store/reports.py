"""`Reports`: what the commands read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, func, not_, select, true

from monitor.model import ChannelCounts, StoreStatus
from monitor.store import rows
from monitor.store.tables import (
    IS_ACTIVE,
    IS_FAILING,
    IS_PENDING,
    IS_SILENT,
    alerts,
    channel_pauses,
    deliveries,
    entries,
    feeds,
    matches,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Select, Table

    from monitor.model import AlertId, ChannelPause, Delivery, EntryMatch, RecordedMatch, StoredEntry
    from monitor.store.engine import Database


class ReportsPart:
    """Implements `monitor.store.base.Reports`."""

    _database: Database

    def status(self, *, now: datetime) -> StoreStatus:
        of_feeds = select(
            func.count().label("feeds"),
            _count_if(IS_FAILING).label("failing"),
            _count_if(and_(not_(IS_FAILING), IS_SILENT)).label("silent"),
            _count_if(feeds.c.baseline_at.is_(None)).label("waiting"),
            _count_if(feeds.c.next_poll_at <= now).label("due"),
            _count_if(feeds.c.push_until > now).label("pushed"),
            func.max(feeds.c.polled_at).label("polled_at"),
        ).where(IS_ACTIVE)
        with self._database.read() as connection:
            counts = connection.execute(of_feeds).one()
            return StoreStatus(
                feeds=counts.feeds,
                failing=counts.failing,
                silent=counts.silent,
                waiting=counts.waiting,
                due=counts.due,
                entries=_count(connection, entries),
                matches=_count(connection, matches),
                alerts=_count(connection, alerts),
                polled_at=counts.polled_at,
                channels=_channels(connection),
                pushed=counts.pushed,
            )

    def recent_matches(self, *, baseline: bool, limit: int) -> Sequence[RecordedMatch]:
        found = (
            select(
                matches.c.rule,
                feeds.c.name.label("feed"),
                entries.c.title,
                entries.c.link,
                entries.c.published_at,
                entries.c.seen_at,
                matches.c.alert_id,
            )
            .select_from(matches.join(entries).join(feeds))
            .where(matches.c.alert_id.is_(None) if baseline else matches.c.alert_id.is_not(None))
            .order_by(
                entries.c.published_at.desc().nulls_last(), entries.c.seen_at.desc(), entries.c.id, matches.c.rule
            )
            .limit(limit)
        )
        with self._database.read() as connection:
            return tuple(rows.recorded_match_from_row(row) for row in connection.execute(found))

    def recent_entries(self, *, since: datetime, before: int | None, limit: int) -> Sequence[StoredEntry]:
        # Along the primary key, and not by `seen_at`, which has no index: the two rise together.
        page = (
            _with_feeds()
            .where(entries.c.id < before if before is not None else true())
            .order_by(entries.c.id.desc())
            .limit(limit)
        )
        return tuple(each for each in self._entries(page) if each.seen_at >= since)

    def entry(self, entry_id: int) -> StoredEntry | None:
        return next(iter(self._entries(_with_feeds().where(entries.c.id == entry_id))), None)

    def entries_linking(self, part: str, *, limit: int) -> Sequence[StoredEntry]:
        found = _with_feeds().where(entries.c.link.contains(part, autoescape=True))
        return self._entries(found.order_by(entries.c.id.desc()).limit(limit))

    def matches_of(self, entry_id: int) -> Sequence[EntryMatch]:
        found = (
            select(matches, alerts.c.entry_id.label("alert_entry_id"))
            .select_from(matches.outerjoin(alerts, alerts.c.id == matches.c.alert_id))
            .where(matches.c.entry_id == entry_id)
            .order_by(matches.c.rule)
        )
        with self._database.read() as connection:
            return tuple(
                rows.entry_match_from_row(row, _deliveries_of(connection, row.alert_id))
                for row in connection.execute(found).all()
            )

    def _entries(self, found: Select[Any]) -> tuple[StoredEntry, ...]:
        with self._database.read() as connection:
            return tuple(rows.stored_entry_from_row(row) for row in connection.execute(found))


def _with_feeds() -> Select[Any]:
    return select(entries, feeds.c.name.label("feed"), feeds.c.tags.label("feed_tags")).select_from(entries.join(feeds))


def _deliveries_of(connection: Connection, alert_id: AlertId | None) -> Iterator[Delivery]:
    found = (
        select(deliveries, alerts.c.document)
        .join(alerts, alerts.c.id == deliveries.c.alert_id)
        .where(deliveries.c.alert_id == alert_id)
        .order_by(deliveries.c.channel)
    )
    for row in connection.execute(found) if alert_id is not None else ():
        yield rows.delivery_from_row(row)


def _count_if(condition: ColumnElement[bool]) -> Any:
    return func.count(case((condition, 1)))


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _channels(connection: Connection) -> tuple[ChannelCounts, ...]:
    by_state = select(
        deliveries.c.channel,
        deliveries.c.state,
        func.count().label("count"),
        _count_if(deliveries.c.hold.is_not(None) & deliveries.c.message_id.is_(None)).label("held"),
        func.min(deliveries.c.created_at).label("oldest_at"),
        func.max(deliveries.c.sent_at).label("sent_at"),
    ).group_by(deliveries.c.channel, deliveries.c.state)
    by_channel: dict[str, dict[str, rows.AnyRow]] = {}
    for row in connection.execute(by_state):
        by_channel.setdefault(row.channel, {})[row.state] = row
    pauses = {row.channel: rows.pause_from_row(row) for row in connection.execute(select(channel_pauses))}
    names = sorted({*by_channel, *pauses})
    return tuple(_channel(connection, name, by_channel.get(name, {}), pauses.get(name)) for name in names)


def _channel(
    connection: Connection, channel: str, states: dict[str, rows.AnyRow], pause: ChannelPause | None
) -> ChannelCounts:
    # A row's "count" is tuple's own method, so the counts are taken by position.
    number = {state: row[2] for state, row in states.items()}
    pending = states.get("pending")
    return ChannelCounts(
        channel=channel,
        pending=number.get("pending", 0),
        sent=number.get("sent", 0),
        dead=number.get("dead", 0),
        dropped=number.get("dropped", 0),
        oldest_pending_at=pending.oldest_at if pending else None,
        sent_at=max((row.sent_at for row in states.values() if row.sent_at), default=None),
        error=_last_error(connection, channel) if pending else "",
        held=pending.held if pending else 0,
        pause=pause,
    )


def _last_error(connection: Connection, channel: str) -> str:
    tried = (
        select(deliveries.c.error)
        .where(IS_PENDING, deliveries.c.channel == channel, deliveries.c.tried_at.is_not(None))
        .order_by(deliveries.c.tried_at.desc())
        .limit(1)
    )
    return connection.execute(tried).scalar() or ""
