"""`FeedRegistry`: making the stored feeds what the user says they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, func, insert, or_, select, update

from monitor.store import dialect, rows
from monitor.store.base import FeedsChanged
from monitor.store.hosts import host_of
from monitor.store.leases import host_ids_of, lock_hosts, reschedule_hosts
from monitor.store.registry import Change, Edit, KnownFeed, reconcile
from monitor.store.tables import FEED_COLUMNS, IS_ACTIVE, IS_FAILING, IS_SILENT, ROW_ID, feed_events, feeds, hosts

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Update

    from monitor.model import Feed, FeedEvent, FeedId, FeedOrigin, FeedSpec
    from monitor.store.engine import Database

_BATCH: Final = 1000
_KNOWN: Final = select(
    feeds.c.id,
    feeds.c.host_id,
    feeds.c.name,
    feeds.c.url,
    feeds.c.tags,
    feeds.c.interval,
    feeds.c.origin,
    feeds.c.active,
    feeds.c.next_poll_at,
    feeds.c.polled_at,
    feeds.c.moved_url,
    feeds.c.gone_at,
)
_COUNT: Final = select(func.count()).select_from(feeds).where(IS_ACTIVE)
_NAMED: Final = select(feeds.c.name, feeds.c.tags).where(IS_ACTIVE)
# Of another URL nothing is known, and nothing of what was learnt holds.
_NO_STATE: Final[rows.Values] = {
    "etag": None,
    "last_modified": None,
    "body_hash": None,
    "moved_url": "",
    "hints": None,
    "habits": None,
    "fresh_for": None,
    "full_at": None,
    "not_before": None,
    "gone_at": None,
    "reason": "",
    "push_until": None,
}
_NEVER_POLLED: Final[rows.Values] = {
    **_NO_STATE,
    "baseline_at": None,
    "polled_at": None,
    "ok_at": None,
    "failures": 0,
    "status": None,
    "error": "",
}


class FeedRegistryPart:
    """Implements `monitor.store.base.FeedRegistry`."""

    _database: Database

    def sync_feeds(self, specs: Sequence[FeedSpec], *, now: datetime) -> FeedsChanged:
        with self._database.write() as connection:
            dialect.lock_registry(connection)
            known = _known(connection, specs)
            of_config = connection.execute(_KNOWN.where(IS_ACTIVE, feeds.c.origin == "config"))
            known.update((row.id, _known_feed(row)) for row in of_config)
            change = reconcile(specs, known.values(), origin="config", now=now)
            kept = {edit.feed.id for edit in change.edits} | change.same
            gone = [feed for feed in known.values() if feed.active and feed.origin == "config" and feed.id not in kept]
            _apply(connection, change, gone=gone, now=now)
            if len(change.new) > _BATCH:
                dialect.learn_sizes(connection)
        return change.counts(removed=len(gone))

    def add_feeds(
        self, specs: Sequence[FeedSpec], *, now: datetime, progress: Callable[[int], None] | None = None
    ) -> FeedsChanged:
        names: set[str] = set()
        urls: set[str] = set()
        total = FeedsChanged()
        for start in range(0, len(specs), _BATCH):
            batch = specs[start : start + _BATCH]
            fresh = [spec for spec in batch if _is_first(spec, names, urls)]
            total = _sum(total, self._add_batch(fresh, now=now), same=len(batch) - len(fresh))
            if (start // _BATCH).bit_count() == 1:
                # After 2, 3, 5, 9, … batches: whenever there are about twice as many as the last time.
                with self._database.write() as connection:
                    dialect.learn_sizes(connection)
            if progress is not None:
                progress(start + len(batch))
        return total

    def _add_batch(self, specs: Sequence[FeedSpec], *, now: datetime) -> FeedsChanged:
        with self._database.write() as connection:
            dialect.lock_registry(connection)
            known = _known(connection, specs).values()
            of_config = [feed for feed in known if feed.active and feed.origin == "config"]
            taken = {feed.name for feed in of_config} | {feed.url for feed in of_config}
            wanted = [spec for spec in specs if spec.name not in taken and spec.url not in taken]
            change = reconcile(wanted, [feed for feed in known if feed not in of_config], origin="added", now=now)
            _apply(connection, change, gone=(), now=now)
        return _sum(change.counts(removed=0), FeedsChanged(), same=len(specs) - len(wanted))

    def remove_feed(self, name: str, *, now: datetime) -> bool:
        with self._database.write() as connection:
            dialect.lock_registry(connection)
            named = _KNOWN.where(feeds.c.name == name, feeds.c.origin == "added", IS_ACTIVE)
            gone = [_known_feed(row) for row in connection.execute(named)]
            _apply(connection, Change(origin="added"), gone=gone, now=now)
        return bool(gone)

    def count_feeds(self) -> int:
        with self._database.read() as connection:
            return connection.execute(_COUNT).scalar_one()

    def feed_tags(self, *, origin: FeedOrigin | None = None) -> dict[str, tuple[str, ...]]:
        found = _NAMED if origin is None else _NAMED.where(feeds.c.origin == origin)
        # Hundreds of thousands of feeds have a handful of combinations of tags, and each is kept once.
        same: dict[tuple[str, ...], tuple[str, ...]] = {}
        with self._database.read() as connection:
            result = connection.execute(found)
            return {name: same.setdefault(tuple(tags), tuple(tags)) for name, tags in result}

    def feeds(self, *, names: Collection[str] | None = None, failing: bool = False) -> Sequence[Feed]:
        found = select(*FEED_COLUMNS).join(hosts).where(IS_ACTIVE)
        if failing:
            found = found.where(or_(IS_FAILING, IS_SILENT))
        with self._database.read() as connection:
            if names is None:
                result = [rows.feed_from_row(row) for row in connection.execute(found)]
            else:
                parts = dialect.chunks(sorted(set(names)))
                result = [
                    rows.feed_from_row(row)
                    for part in parts
                    for row in connection.execute(found.where(feeds.c.name.in_(part)))
                ]
        return tuple(sorted(result, key=lambda feed: feed.name))

    def feed_events(self, feed_id: FeedId, *, limit: int) -> Sequence[FeedEvent]:
        newest = select(feed_events).where(feed_events.c.feed_id == feed_id)
        newest = newest.order_by(feed_events.c.at.desc(), feed_events.c.id.desc()).limit(limit)
        with self._database.read() as connection:
            return tuple(rows.feed_event_from_row(row) for row in connection.execute(newest))


def _is_first(spec: FeedSpec, names: set[str], urls: set[str]) -> bool:
    """Whether neither the name nor the URL came before; a list of feeds often holds one under several headings."""
    if spec.name in names or spec.url in urls:
        return False
    names.add(spec.name)
    urls.add(spec.url)
    return True


def _sum(first: FeedsChanged, second: FeedsChanged, *, same: int) -> FeedsChanged:
    return FeedsChanged(
        added=first.added + second.added,
        changed=first.changed + second.changed,
        removed=first.removed + second.removed,
        same=first.same + second.same + same,
    )


def _known(connection: Connection, specs: Sequence[FeedSpec]) -> dict[int, KnownFeed]:
    """All feeds, active or not, that have the name or the URL of one of these."""
    found: dict[int, KnownFeed] = {}
    for part in dialect.chunks(specs):
        for condition in (feeds.c.name.in_([spec.name for spec in part]), feeds.c.url.in_([spec.url for spec in part])):
            found.update((row.id, _known_feed(row)) for row in connection.execute(_KNOWN.where(condition)))
    return found


def _known_feed(row: Any) -> KnownFeed:
    return KnownFeed(
        id=row.id,
        host_id=row.host_id,
        name=row.name,
        url=row.url,
        tags=tuple(row.tags),
        interval=row.interval,
        origin=row.origin,
        active=row.active,
        next_poll_at=row.next_poll_at,
        polled_at=row.polled_at,
        moved_url=row.moved_url,
        gone=row.gone_at is not None,
    )


def _apply(connection: Connection, change: Change, *, gone: Iterable[KnownFeed], now: datetime) -> None:
    gone = list(gone)
    host_ids = host_ids_of(
        connection, {host_of(spec.url) for spec in change.new} | {edit.host for edit in change.edits}
    )
    touched = {edit.feed.host_id for edit in change.edits} | {feed.host_id for feed in gone} | set(host_ids.values())
    lock_hosts(connection, touched)
    for statement, edits in (
        (_edit(), change.edited),
        (_edit(**_NO_STATE, changed_token=_token_now()), change.moved),
        (_edit(**_NEVER_POLLED, active=True, added_at=now, changed_token=_token_now()), change.returned),
    ):
        if edits:
            connection.execute(statement, [_edit_values(edit, change.origin, host_ids) for edit in edits])
    for part in dialect.chunks([feed.id for feed in gone]):
        connection.execute(update(feeds).where(feeds.c.id.in_(part)).values(active=False))
    if change.new:
        connection.execute(insert(feeds), [_new_values(spec, change.origin, host_ids, now) for spec in change.new])
    reschedule_hosts(connection, touched)


def _edit(**more: object) -> Update:
    return update(feeds).where(feeds.c.id == bindparam("b_id", type_=ROW_ID)).values(**more)


def _token_now() -> Any:
    """The lease under which the feed may be in the hands of a poll right now, on the host that it is leaving."""
    return select(hosts.c.lease_token).where(hosts.c.id == feeds.c.host_id).correlate(feeds).scalar_subquery()


def _edit_values(edit: Edit, origin: FeedOrigin, host_ids: Mapping[str, int]) -> rows.Values:
    return {
        "b_id": edit.feed.id,
        "host_id": host_ids[edit.host],
        "name": edit.spec.name,
        "url": edit.spec.url,
        "tags": list(edit.spec.tags),
        "interval": edit.spec.interval,
        "origin": origin,
        "next_poll_at": edit.next_poll_at,
    }


def _new_values(spec: FeedSpec, origin: FeedOrigin, host_ids: Mapping[str, int], now: datetime) -> rows.Values:
    return {
        "host_id": host_ids[host_of(spec.url)],
        "name": spec.name,
        "url": spec.url,
        "tags": list(spec.tags),
        "interval": spec.interval,
        "origin": origin,
        "active": True,
        "title": "",
        "added_at": now,
        "next_poll_at": now,
        "failures": 0,
        "error": "",
    }
