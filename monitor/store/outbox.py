"""`Outbox`: claims and settlements of deliveries, and what the operator may do with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Boolean, ColumnElement, Integer, bindparam, case, func, or_, select, update

from monitor.model import DeliveryState, HoldKind, Message, MessageClaim, Recent
from monitor.store import commit, dialect, rows
from monitor.store.leases import new_token
from monitor.store.tables import IS_PENDING, UtcTime, alerts, deliveries, threads

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import Connection, Select

    from monitor.model import Alert, AlertId, Batch, Delivery, DeliveryId, Due, NewDelivery, Postponed, Settlement
    from monitor.store.base import Choose
    from monitor.store.engine import Database

_SHORTEST_PREFIX = 4
# Deliveries of a channel that are looked at together; a backlog of more is worked off in turns.
_MOST_DUE = 1000


class OutboxPart:
    """Implements `monitor.store.base.Outbox`."""

    _database: Database

    def claim_messages(
        self, channel: str, *, now: datetime, limit: int, lease: timedelta, choose: Choose, horizon: timedelta
    ) -> Sequence[MessageClaim]:
        # Most of the times nothing is due, which takes no turn at writing to find out.
        with self._database.read() as connection:
            if connection.execute(_is_due(channel, now)).first() is None:
                return ()
        until, token = now + lease, new_token()
        with self._database.write() as connection:
            dialect.lock_outbox(connection, channel)
            due = _due(connection, channel, now, horizon)
            choice = choose(due, _recent(connection, channel, now - horizon))
            _postpone(connection, choice.postponed)
            return tuple(_claim(connection, channel, batch, until, token) for batch in choice.batches[:limit])

    def add_alerts(self, new_alerts: Sequence[Alert], new_deliveries: Sequence[NewDelivery], *, now: datetime) -> None:
        with self._database.write() as connection:
            commit.write_alerts(connection, new_alerts, new_deliveries, now)

    def has_alert(self, alert_id: AlertId) -> bool:
        with self._database.read() as connection:
            return connection.execute(select(alerts.c.id).where(alerts.c.id == alert_id)).first() is not None

    def keep_thread(self, channel: str, story: str, ref: str, *, now: datetime) -> None:
        values = {"channel": channel, "story": story, "ref": ref, "created_at": now}
        with self._database.write() as connection:
            connection.execute(dialect.insert(connection, threads).on_conflict_do_nothing(), [values])

    def settle(self, settlements: Sequence[Settlement], *, now: datetime) -> Sequence[bool]:
        if not settlements:
            return ()
        with self._database.write() as connection:
            tokens = _lock_tokens(connection, {settlement.delivery_id for settlement in settlements})
            done: list[bool] = []
            for settlement in settlements:
                holds = tokens.get(settlement.delivery_id) == settlement.token
                done.append(holds)
                if holds:
                    tokens[settlement.delivery_id] = None
            values = [rows.settlement_values(each, now) for each, ok in zip(settlements, done, strict=True) if ok]
            if values:
                connection.execute(_settle(), values)
        return tuple(done)

    def deliveries(
        self,
        *,
        states: Collection[DeliveryState] = (),
        channel: str | None = None,
        held: bool = False,
        limit: int = 100,
    ) -> Sequence[Delivery]:
        found = _with_alerts().order_by(deliveries.c.created_at.desc(), deliveries.c.id.desc()).limit(limit)
        if states:
            found = found.where(deliveries.c.state.in_([state.value for state in states]))
        if channel is not None:
            found = found.where(deliveries.c.channel == channel)
        if held:
            found = found.where(IS_PENDING, deliveries.c.hold.is_not(None), deliveries.c.message_id.is_(None))
        with self._database.read() as connection:
            return tuple(rows.delivery_from_row(row) for row in connection.execute(found))

    def delivery(self, prefix: str) -> Delivery | None:
        # Ids are hexadecimal digits and hyphens; "~" sorts after all of them, so the range is exactly the prefix.
        if len(prefix) < _SHORTEST_PREFIX or not prefix.isascii() or not prefix.isprintable():
            return None
        found = _with_alerts().where(deliveries.c.id >= prefix, deliveries.c.id < f"{prefix}~").limit(2)
        with self._database.read() as connection:
            rows_found = connection.execute(found).all()
        return rows.delivery_from_row(rows_found[0]) if len(rows_found) == 1 else None

    def retry_deliveries(self, *, ids: Collection[DeliveryId] | None, channel: str | None, now: datetime) -> int:
        states = [DeliveryState.PENDING, DeliveryState.DEAD]
        if ids is not None:
            states.append(DeliveryState.DROPPED)
        # One that is being sent at this moment is left to its sender, or it could go out twice.
        in_hand = deliveries.c.lease_token.is_not(None) & IS_PENDING & (deliveries.c.due_at > now)
        values = {"state": DeliveryState.PENDING.value, "due_at": now, "lease_token": None}
        return self._change(ids, channel, states, or_(deliveries.c.lease_token.is_(None), ~in_hand), values)

    def drop_deliveries(self, *, ids: Collection[DeliveryId] | None, channel: str | None, now: datetime) -> int:  # noqa: ARG002 - the contract's signature
        states = [DeliveryState.PENDING, DeliveryState.DEAD]
        values = {"state": DeliveryState.DROPPED.value, "lease_token": None}
        return self._change(ids, channel, states, None, values)

    def _change(
        self,
        ids: Collection[DeliveryId] | None,
        channel: str | None,
        states: Collection[DeliveryState],
        condition: ColumnElement[bool] | None,
        values: rows.Values,
    ) -> int:
        if ids is None and channel is None:
            raise ValueError("neither ids nor a channel say which deliveries are meant")
        change = update(deliveries).where(deliveries.c.state.in_([state.value for state in states])).values(values)
        if condition is not None:
            change = change.where(condition)
        if channel is not None:
            change = change.where(deliveries.c.channel == channel)
        with self._database.write() as connection:
            if ids is None:
                return connection.execute(change).rowcount
            parts = dialect.chunks(sorted(set(ids)))
            return sum(connection.execute(change.where(deliveries.c.id.in_(part))).rowcount for part in parts)


def _is_due(channel: str, now: datetime) -> Select[Any]:
    due = select(deliveries.c.id).where(IS_PENDING, deliveries.c.channel == channel, deliveries.c.due_at <= now)
    # In order, or PostgreSQL reads the table from its beginning, where all is sent long ago.
    return due.order_by(deliveries.c.due_at, deliveries.c.id).limit(1)


def _due(connection: Connection, channel: str, now: datetime, horizon: timedelta) -> list[Due]:
    """What is due, and what waits for its group and might go along, in the order in which it is due."""
    waits = (deliveries.c.hold == HoldKind.GROUP.value) & deliveries.c.message_id.is_(None)
    is_leased = deliveries.c.lease_token.is_not(None) & (deliveries.c.due_at > now)
    found = (
        select(deliveries)
        .where(IS_PENDING, deliveries.c.channel == channel, deliveries.c.due_at <= now + horizon)
        .where((deliveries.c.due_at <= now) | (waits & ~is_leased))
        .order_by(deliveries.c.due_at, deliveries.c.id)
        .limit(_MOST_DUE)
        .with_for_update(skip_locked=True, of=deliveries)
    )
    return [rows.due_from_row(row) for row in connection.execute(found)]


def _recent(connection: Connection, channel: str, since: datetime) -> list[Recent]:
    found = (
        select(deliveries.c.message_id, deliveries.c.route, deliveries.c.group_key, deliveries.c.sent_at)
        .where(deliveries.c.channel == channel, deliveries.c.sent_at > since, deliveries.c.message_id.is_not(None))
        .distinct()
    )
    return [
        Recent(message_id=row.message_id, route=row.route, group=row.group_key, sent_at=row.sent_at)
        for row in connection.execute(found)
    ]


def _postpone(connection: Connection, postponed: Sequence[Postponed]) -> None:
    if postponed:
        later = (
            update(deliveries)
            .where(deliveries.c.id == bindparam("b_id"))
            .values(
                due_at=bindparam("b_due_at", type_=UtcTime()), hold=HoldKind.GROUP.value, reason=bindparam("b_reason")
            )
        )
        values = [{"b_id": each.delivery, "b_due_at": each.due_at, "b_reason": each.reason} for each in postponed]
        connection.execute(later, values)


def _claim(connection: Connection, channel: str, batch: Batch, until: datetime, token: str) -> MessageClaim:
    found: dict[str, Delivery] = {}
    for part in dialect.chunks(batch.deliveries):
        these = deliveries.c.id.in_(part)
        connection.execute(
            update(deliveries).where(these).values(due_at=until, lease_token=token, message_id=batch.message_id)
        )
        found |= {row.id: rows.delivery_from_row(row) for row in connection.execute(_with_alerts().where(these))}
    members = tuple(found[each] for each in batch.deliveries)
    stories = {member.alert.story for member in members}
    message = Message(
        id=batch.message_id,
        kind=batch.kind,
        alerts=tuple(member.alert for member in members),
        reason=members[0].placing.reason,
        created_at=min(member.created_at for member in members),
        thread=_thread(connection, channel, stories.pop()) if len(stories) == 1 else "",
    )
    return MessageClaim(message=message, deliveries=members, token=token)


def _thread(connection: Connection, channel: str, story: str) -> str:
    if not story:
        return ""
    found = select(threads.c.ref).where(threads.c.channel == channel, threads.c.story == story)
    return connection.execute(found).scalar() or ""


def _with_alerts() -> Select[Any]:
    return select(deliveries, alerts.c.document).join(alerts, alerts.c.id == deliveries.c.alert_id)


def _lock_tokens(connection: Connection, ids: Collection[DeliveryId]) -> dict[DeliveryId, str | None]:
    tokens: dict[DeliveryId, str | None] = {}
    for part in dialect.chunks(sorted(ids)):
        found = (
            select(deliveries.c.id, deliveries.c.lease_token)
            .where(deliveries.c.id.in_(part))
            .order_by(deliveries.c.id)
            .with_for_update()
        )
        tokens.update((row.id, row.lease_token) for row in connection.execute(found))
    return tokens


def _settle() -> Any:
    sent_at, tried_at = bindparam("b_sent_at", type_=UtcTime()), bindparam("b_tried_at", type_=UtcTime())
    return (
        update(deliveries)
        .where(deliveries.c.id == bindparam("b_id"))
        .values(
            lease_token=None,
            attempts=deliveries.c.attempts + bindparam("b_attempts", type_=Integer()),
            message_id=case((bindparam("b_alone", type_=Boolean()), deliveries.c.id), else_=deliveries.c.message_id),
            sent_at=func.coalesce(sent_at, deliveries.c.sent_at),
            tried_at=func.coalesce(tried_at, deliveries.c.tried_at),
        )
    )
