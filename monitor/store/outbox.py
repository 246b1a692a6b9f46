"""`Outbox`: claims and settlements of deliveries, and what the operator may do with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Integer, bindparam, func, or_, select, update

from monitor.model import DeliveryClaim, DeliveryState
from monitor.store import dialect, rows
from monitor.store.leases import new_token
from monitor.store.tables import IS_PENDING, UtcTime, alerts, deliveries

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import Connection, Select

    from monitor.model import Delivery, DeliveryId, Settlement
    from monitor.store.engine import Database

_SHORTEST_PREFIX = 4


class OutboxPart:
    """Implements `monitor.store.base.Outbox`."""

    _database: Database

    def claim_deliveries(self, channel: str, *, now: datetime, limit: int, lease: timedelta) -> Sequence[DeliveryClaim]:
        until, token = now + lease, new_token()
        due = (
            _with_alerts()
            .where(IS_PENDING, deliveries.c.channel == channel, deliveries.c.due_at <= now)
            .order_by(deliveries.c.due_at, deliveries.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True, of=deliveries)
        )
        with self._database.write() as connection:
            claims = [
                DeliveryClaim(delivery=rows.delivery_from_row(row, due_at=until), token=token)
                for row in connection.execute(due)
            ]
            for part in dialect.chunks([claim.delivery.id for claim in claims]):
                these = update(deliveries).where(deliveries.c.id.in_(part))
                connection.execute(these.values(due_at=until, lease_token=token))
        return tuple(claims)

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
        self, *, states: Collection[DeliveryState] = (), channel: str | None = None, limit: int = 100
    ) -> Sequence[Delivery]:
        found = _with_alerts().order_by(deliveries.c.created_at.desc(), deliveries.c.id.desc()).limit(limit)
        if states:
            found = found.where(deliveries.c.state.in_([state.value for state in states]))
        if channel is not None:
            found = found.where(deliveries.c.channel == channel)
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
            sent_at=func.coalesce(sent_at, deliveries.c.sent_at),
            tried_at=func.coalesce(tried_at, deliveries.c.tried_at),
        )
    )
