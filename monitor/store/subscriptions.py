"""`Subscriptions`: what is subscribed to at hubs, and what a hub's word does to a feed's schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from monitor.model import SubscriptionState
from monitor.store import rows
from monitor.store.leases import lock_hosts, reschedule_hosts
from monitor.store.tables import IS_ACTIVE, IS_SUBSCRIBED, feeds, subscriptions

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import ColumnElement, Connection, Select

    from monitor.model import FeedId, Subscription
    from monitor.store.engine import Database

_ACTIVE, _PENDING = SubscriptionState.ACTIVE.value, SubscriptionState.PENDING.value
_UNSUBSCRIBING = SubscriptionState.UNSUBSCRIBING.value
_BAD_REQUEST = 400


class SubscriptionsPart:
    """Implements `monitor.store.base.Subscriptions`."""

    _database: Database

    def subscribe(self, wanted: Subscription) -> bool:
        mine = subscriptions.c.feed_id == wanted.feed_id
        with self._database.write() as connection:
            _hold_hosts(connection, select(feeds.c.host_id).where(feeds.c.id == wanted.feed_id))
            for row in connection.execute(select(subscriptions).where(mine, IS_SUBSCRIBED)).all():
                if (row.hub, row.topic, row.callback) == (wanted.hub, wanted.topic, wanted.callback):
                    return False
                _unsubscribe(connection, row, now=wanted.renew_at)
            connection.execute(insert(subscriptions), [rows.subscription_values(wanted)])
        return True

    def unsubscribe(self, token: str, *, now: datetime) -> bool:
        with self._database.write() as connection:
            for row in _held(connection, subscriptions.c.token == token, IS_SUBSCRIBED):
                _unsubscribe(connection, row, now=now)
                return True
        return False

    def end_subscription(self, token: str, *, now: datetime) -> bool:
        with self._database.write() as connection:
            for row in _held(connection, subscriptions.c.token == token):
                _forget(connection, row, now=now)
                return True
        return False

    def forget_subscriptions(self, *, now: datetime) -> int:
        with self._database.write() as connection:
            found = _held(connection)
            for row in found:
                _forget(connection, row, now=now)
        return len(found)

    def subscription(self, token: str) -> Subscription | None:
        with self._database.read() as connection:
            row = connection.execute(_named().where(subscriptions.c.token == token)).first()
        return rows.subscription_from_row(row) if row is not None else None

    def subscriptions(self, *, feed_ids: Collection[FeedId] | None = None) -> Sequence[Subscription]:
        found = _named().order_by(feeds.c.name, subscriptions.c.renew_at, subscriptions.c.token)
        if feed_ids is not None:
            found = found.where(subscriptions.c.feed_id.in_(sorted(feed_ids)))
        with self._database.read() as connection:
            return tuple(rows.subscription_from_row(row) for row in connection.execute(found))

    def claim_subscriptions(
        self, *, now: datetime, limit: int, wait: Callable[[int], timedelta]
    ) -> Sequence[Subscription]:
        due = subscriptions.c.renew_at <= now
        first = (
            _named()
            .where(due)
            .order_by(subscriptions.c.renew_at, subscriptions.c.token)
            .limit(limit)
            .with_for_update(of=subscriptions, skip_locked=True, key_share=True)
        )
        with self._database.write() as connection:
            lapsed = [row.token for row in _held(connection, due, _has_lapsed(now))]
            found = connection.execute(first).all()
            for row in found:
                if row.token in lapsed:
                    _distrust(connection, row.feed_id, now=now)
                _set(connection, row.token, **_asked(row, row.token in lapsed, now, now + wait(row.attempts + 1)))
            claimed = connection.execute(_named().where(subscriptions.c.token.in_([row.token for row in found])))
            by_token = {row.token: rows.subscription_from_row(row) for row in claimed}
        return tuple(by_token[row.token] for row in found)

    def settle_subscription(
        self, asked: Subscription, *, error: str, denied_until: datetime | None = None, now: datetime
    ) -> bool:
        with self._database.write() as connection:
            for row in _held(connection, subscriptions.c.token == asked.token):
                # It was confirmed, or asked for again, before the answer to this request was read.
                if (row.state, row.requested_at, row.attempts) != (
                    asked.state.value,
                    asked.requested_at,
                    asked.attempts,
                ):
                    return False
                if denied_until is None:
                    _set(connection, row.token, error=error)
                else:
                    _deny(connection, row, reason=error, until=denied_until, now=now)
                return True
        return False

    def confirm_subscription(self, token: str, *, now: datetime, lease_ends_at: datetime, renew_at: datetime) -> bool:
        with self._database.write() as connection:
            for row in _held(connection, subscriptions.c.token == token):
                if row.state not in (_PENDING, _ACTIVE):
                    return False
                _set(
                    connection,
                    token,
                    state=_ACTIVE,
                    verified_at=now,
                    lease_ends_at=lease_ends_at,
                    renew_at=renew_at,
                    attempts=0,
                    error="",
                )
                trusted = update(feeds).where(feeds.c.id == row.feed_id, feeds.c.push_until.is_not(None))
                connection.execute(trusted.values(push_until=lease_ends_at))
                return True
        return False

    def deny_subscription(self, token: str, *, reason: str, until: datetime, now: datetime) -> bool:
        with self._database.write() as connection:
            for row in _held(connection, subscriptions.c.token == token):
                if row.state == _UNSUBSCRIBING:
                    _forget(connection, row, now=now)
                else:
                    _deny(connection, row, reason=reason, until=until, now=now)
                return True
        return False

    def push(self, token: str, *, now: datetime, floor: timedelta) -> datetime | None:
        with self._database.write() as connection:
            for row in _held(connection, subscriptions.c.token == token, IS_ACTIVE):
                if row.state != _ACTIVE:
                    return None
                _set(connection, token, pinged_at=now)
                until = row.lease_ends_at if row.lease_ends_at > now else row.push_until
                at = _polled_soonest(row, now, floor)
                return _poll_by(connection, row, at, "its hub told of news (WebSub)", push_until=until)
        return None

    def stop_trusting(self, feed_id: FeedId, *, now: datetime) -> None:
        with self._database.write() as connection:
            _hold_hosts(connection, select(feeds.c.host_id).where(feeds.c.id == feed_id))
            _distrust(connection, feed_id, now=now)


_SCHEDULE = (
    feeds.c.id.label("feed_id"),
    feeds.c.host_id,
    feeds.c.interval,
    feeds.c.next_poll_at,
    feeds.c.polled_at,
    feeds.c.failures,
    feeds.c.status,
    feeds.c.not_before,
    feeds.c.reason,
    feeds.c.push_until,
)


def _named() -> Select[Any]:
    return select(subscriptions, feeds.c.name.label("feed")).join(feeds)


def _hold_hosts(connection: Connection, found: Select[Any]) -> None:
    """Nothing of a feed is written but with its host held, which comes before any other row (`leases.lock_hosts`)."""
    lock_hosts(connection, connection.execute(found).scalars().all())


def _held(connection: Connection, *conditions: ColumnElement[bool]) -> Sequence[rows.AnyRow]:
    """The subscriptions for which these hold, with the schedules of their feeds, and their hosts held."""
    of_feeds = subscriptions.join(feeds)
    _hold_hosts(connection, select(feeds.c.host_id).select_from(of_feeds).where(*conditions))
    # Read after that: on PostgreSQL they may have changed meanwhile.
    schedule = [column for column in _SCHEDULE if column.key != "feed_id"]
    whole = select(subscriptions, *schedule).select_from(of_feeds).where(*conditions).order_by(subscriptions.c.token)
    return connection.execute(whole.with_for_update(of=subscriptions, key_share=True)).all()


def _set(connection: Connection, token: str, **values: object) -> None:
    connection.execute(update(subscriptions).where(subscriptions.c.token == token).values(**values))


def _has_lapsed(now: datetime) -> ColumnElement[bool]:
    return (subscriptions.c.state == _ACTIVE) & (subscriptions.c.lease_ends_at <= now)


def _asked(row: rows.AnyRow, lapsed: bool, now: datetime, again_at: datetime) -> rows.Values:
    """A renewal leaves an active subscription active for as long as its lease lasts, at the end of which it is looked
    at anew.
    """
    state = row.state
    if lapsed or state not in (_ACTIVE, _UNSUBSCRIBING):
        state = _PENDING
    elif state == _ACTIVE:
        again_at = min(again_at, row.lease_ends_at)
    return {"state": state, "requested_at": now, "attempts": row.attempts + 1, "renew_at": again_at}


def _unsubscribe(connection: Connection, row: rows.AnyRow, *, now: datetime) -> None:
    """Have the hub told; one that has, or soon will have, nothing of it need not be."""
    if row.lease_ends_at is None or row.lease_ends_at <= now or row.state == SubscriptionState.DENIED.value:
        connection.execute(delete(subscriptions).where(subscriptions.c.token == row.token))
    else:
        _set(connection, row.token, state=_UNSUBSCRIBING, requested_at=None, renew_at=now, attempts=0, error="")
    _distrust(connection, row.feed_id, now=now)


def _forget(connection: Connection, row: rows.AnyRow, *, now: datetime) -> None:
    connection.execute(delete(subscriptions).where(subscriptions.c.token == row.token))
    if row.state != _UNSUBSCRIBING:
        _distrust(connection, row.feed_id, now=now)


def _deny(connection: Connection, row: rows.AnyRow, *, reason: str, until: datetime, now: datetime) -> None:
    state = SubscriptionState.DENIED.value
    _set(connection, row.token, state=state, renew_at=until, lease_ends_at=None, attempts=0, error=reason)
    _distrust(connection, row.feed_id, now=now)


def _distrust(connection: Connection, feed_id: int, *, now: datetime) -> None:
    """Its hub tells of nothing any more; the host is held."""
    for row in connection.execute(select(*_SCHEDULE).where(feeds.c.id == feed_id)).all():
        if row.push_until is not None:
            _poll_alone(connection, row, now=now)


def _poll_alone(connection: Connection, row: rows.AnyRow, *, now: datetime) -> None:
    """Polled as if it had no hub, which may be much sooner than it was going to be."""
    at = _polled_soonest(row, now, row.interval)
    _poll_by(connection, row, at, "its interval, now that no hub tells of news (WebSub)", push_until=None)


def _polled_soonest(row: rows.AnyRow, now: datetime, floor: timedelta) -> datetime:
    """When the feed may be polled, with at least `floor` between two polls.

    A server that last answered with an error has `next_poll_at` by its own wish (Retry-After) or by our patience with
    it, and a hub does not speak for it.
    """
    if row.failures and (row.status or 0) >= _BAD_REQUEST:
        at: datetime = row.next_poll_at
        return at
    allowed = now if row.polled_at is None else row.polled_at + floor
    return max(now, allowed, row.not_before or now)


def _poll_by(
    connection: Connection, row: rows.AnyRow, at: datetime, reason: str, *, push_until: datetime | None
) -> datetime:
    """Make the feed due at a moment, only ever earlier; when it is due then."""
    due, reason = (at, reason) if at < row.next_poll_at else (row.next_poll_at, row.reason)
    changed = update(feeds).where(feeds.c.id == row.feed_id)
    connection.execute(changed.values(next_poll_at=due, reason=reason, push_until=push_until))
    reschedule_hosts(connection, [row.host_id])
    return due
