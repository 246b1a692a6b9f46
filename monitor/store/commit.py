"""What a batch of polls or pages writes, table by table, each with few statements however large the batch.

Alerts, then deliveries, each in the order of their ids: workers on PostgreSQL that meet on the same story wait for each
other in one order, so never in a circle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, delete, func, select, update

from monitor.model import Alert, AlertId, FeedId, NewDelivery, PlannedMatch
from monitor.store import dialect, rows
from monitor.store.hosts import host_of
from monitor.store.tables import (
    ROW_ID,
    alerts,
    deliveries,
    entries,
    entry_marks,
    feed_events,
    feeds,
    matches,
    pages,
    story_corrections,
    story_members,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from monitor.model import Entry, Placed, PollOutcome

_ENTRY: Final = (
    select(entries.c.id)
    .where(entries.c.feed_id == bindparam("b_feed_id", type_=ROW_ID), entries.c.key == bindparam("b_key"))
    .scalar_subquery()
)
_MERGED: Final = dialect.for_each(
    lambda name: (
        select(story_corrections.c.story, story_corrections.c.into_story)
        .where(dialect.is_listed(name, story_corrections.c.story, "b_stories"), story_corrections.c.entry_id.is_(None))
        .order_by(story_corrections.c.id)
    )
)
_REKEY: Final = (
    update(entries)
    .where(entries.c.feed_id == bindparam("b_feed_id", type_=ROW_ID), entries.c.key == bindparam("b_key"))
    .values(key=bindparam("b_new"))
)
_EVENTS_KEPT: Final = 200  # of each feed, the newest
_FEED: Final = update(feeds).where(feeds.c.id == bindparam("b_id", type_=ROW_ID))
_ENTRY_TEXT: Final = (
    "guid",
    "link",
    "title",
    "summary",
    "content",
    "author",
    "categories",
    "language",
    "published_at",
    "updated_at",
    "content_hash",
    "source",
    "source_hash",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What was found about entries of one feed, and what is to be said of it; `origins` as in `PollOutcome`."""

    feed_id: FeedId
    matches: Sequence[PlannedMatch]
    alerts: Sequence[Alert]
    deliveries: Sequence[NewDelivery]
    origins: Mapping[AlertId, str] = field(default_factory=dict)


def write(outcomes: Sequence[PollOutcome], connection: Connection, now: datetime) -> None:
    """Write all that these outcomes hold; their leases have been checked."""
    _write_feeds(outcomes, connection)
    _write_events(outcomes, connection)
    # Marks that were missing go by the keys that the entries have had so far.
    _write_marks([(outcome.update.feed_id, entry) for outcome in outcomes for entry in outcome.marked], connection)
    _rekey_entries(outcomes, connection)
    _write_entries(outcomes, connection)
    _touch_entries(outcomes, connection)
    renewed = (
        (outcome.update.feed_id, entry)
        for outcome in outcomes
        for entry in (*outcome.entries, *(each.entry for each in outcome.rekeyed))
    )
    _write_marks(renewed, connection)
    said = [
        Said(
            feed_id=each.update.feed_id,
            matches=each.matches,
            alerts=each.alerts,
            deliveries=each.deliveries,
            origins=each.origins,
        )
        for each in outcomes
    ]
    write_said(said, connection, now)
    _write_pages(outcomes, connection, now)
    write_members([(each.update.feed_id, placed) for each in outcomes for placed in each.placed], connection)


def write_said(found: Sequence[Said], connection: Connection, now: datetime) -> None:
    """Write matches of entries that are stored, with their alerts and deliveries."""
    _write_alerts(found, connection, now)
    _write_matches(found, connection, now)
    _write_deliveries(found, connection, now)


def write_alerts(
    connection: Connection, new_alerts: Sequence[Alert], new_deliveries: Sequence[NewDelivery], now: datetime
) -> None:
    """Write alerts that no entry stands behind, and their deliveries."""
    if new_alerts:
        values = [rows.alert_row(alert, now) for alert in sorted(new_alerts, key=lambda each: each.id)]
        connection.execute(dialect.insert(connection, alerts).on_conflict_do_nothing(), values)
    if new_deliveries:
        values = [rows.delivery_values(each, now) for each in sorted(new_deliveries, key=lambda each: each.id)]
        connection.execute(dialect.insert(connection, deliveries).on_conflict_do_nothing(), values)


def _write_feeds(outcomes: Sequence[PollOutcome], connection: Connection) -> None:
    last = {outcome.update.feed_id: outcome.update for outcome in outcomes}
    if last:
        values = [rows.feed_update_values(update_) for _, update_ in sorted(last.items())]
        connection.execute(_FEED, values)
    # What is learnt changes seldom, so that the many polls without news write no JSON.
    for _, update_ in sorted(last.items()):
        learnt = rows.feed_learnt_values(update_)
        if len(learnt) > 1:
            connection.execute(_FEED, learnt)


def move_feeds(outcomes: Sequence[PollOutcome], connection: Connection, host_ids: Mapping[str, int]) -> None:
    """Put feeds that have moved, or back, under the host where they are polled from now on."""
    for outcome in outcomes:
        target = outcome.update.moved_url
        if target is not None:
            moved = update(feeds).where(feeds.c.id == outcome.update.feed_id)
            connection.execute(moved.values(host_id=host_ids[host_of(target)]))


def _write_events(outcomes: Sequence[PollOutcome], connection: Connection) -> None:
    values = [
        {"feed_id": outcome.update.feed_id, "at": event.at, "kind": event.kind, "detail": event.detail}
        for outcome in outcomes
        for event in outcome.events
    ]
    if values:
        connection.execute(feed_events.insert(), values)
        for feed_id in sorted({value["feed_id"] for value in values}):
            kept = select(feed_events.c.id).where(feed_events.c.feed_id == feed_id)
            oldest = kept.order_by(feed_events.c.id.desc()).limit(1).offset(_EVENTS_KEPT).scalar_subquery()
            connection.execute(delete(feed_events).where(feed_events.c.feed_id == feed_id, feed_events.c.id <= oldest))


def _touch_entries(outcomes: Sequence[PollOutcome], connection: Connection) -> None:
    """Keep the new source hash of entries in which nothing else changed."""
    values = [
        {"b_feed_id": outcome.update.feed_id, "b_key": entry.key, "source_hash": entry.source_hash}
        for outcome in outcomes
        for entry in outcome.touched
    ]
    if values:
        same = update(entries).where(
            entries.c.feed_id == bindparam("b_feed_id", type_=ROW_ID), entries.c.key == bindparam("b_key")
        )
        connection.execute(same, values)


def _rekey_entries(outcomes: Sequence[PollOutcome], connection: Connection) -> None:
    values = [
        {
            "b_feed_id": outcome.update.feed_id,
            "b_key": each.key,
            "b_new": each.entry.key,
            "guid": each.entry.guid,
            "link": each.entry.link,
        }
        for outcome in outcomes
        for each in outcome.rekeyed
    ]
    if values:
        connection.execute(_REKEY, values)


def _write_marks(marked: Iterable[tuple[FeedId, Entry]], connection: Connection) -> None:
    values = {
        (feed_id, mark, entry.key): {"b_feed_id": feed_id, "b_key": entry.key, "feed_id": feed_id, "mark": mark}
        for feed_id, entry in marked
        for mark in entry.marks
    }
    if values:
        insert = dialect.insert(connection, entry_marks).values(entry_id=_ENTRY)
        connection.execute(insert.on_conflict_do_nothing(), list(values.values()))


def _write_entries(outcomes: Sequence[PollOutcome], connection: Connection) -> None:
    """New ones are inserted; known ones get the new text and keep the time they were first seen."""
    found = {
        (outcome.update.feed_id, entry.key): rows.entry_values(entry, outcome)
        for outcome in outcomes
        for entry in outcome.entries
    }
    if found:
        insert = dialect.insert(connection, entries)
        edited = {name: insert.excluded[name] for name in _ENTRY_TEXT}
        upsert = insert.on_conflict_do_update(index_elements=["feed_id", "key"], set_=edited)
        connection.execute(upsert, list(found.values()))


def _write_pages(outcomes: Sequence[PollOutcome], connection: Connection, now: datetime) -> None:
    values = [rows.page_values(wanted, outcome, now) for outcome in outcomes for wanted in outcome.pages]
    if values:
        insert = dialect.insert(connection, pages).values(entry_id=_ENTRY)
        connection.execute(insert.on_conflict_do_nothing(), values)


def _write_alerts(found: Sequence[Said], connection: Connection, now: datetime) -> None:
    keys: dict[AlertId, str] = {}
    for said in found:
        keys |= said.origins
        for planned in said.matches:
            if planned.alert_id is not None:
                keys.setdefault(planned.alert_id, planned.match.entry.key)
    values = {
        alert.id: rows.alert_values(alert, said.feed_id, keys.get(alert.id), now)
        for said in reversed(found)
        for alert in reversed(said.alerts)
    }
    if values:
        into = merged_into(connection, {alert.story for said in found for alert in said.alerts})
        for value in values.values():
            value["story"] = into.get(value["story"], value["story"])
        insert = dialect.insert(connection, alerts).values(entry_id=_ENTRY)
        connection.execute(insert.on_conflict_do_nothing(), [each for _, each in sorted(values.items())])


def _write_matches(found: Sequence[Said], connection: Connection, now: datetime) -> None:
    values: dict[tuple[FeedId, str, str], rows.Values] = {}
    for said in found:
        for planned in said.matches:
            match = planned.match
            each = rows.match_values(planned, said.feed_id, now)
            earlier = values.get((said.feed_id, match.entry.key, match.rule))
            if earlier is not None and earlier["alert_id"] is not None:
                each["alert_id"] = earlier["alert_id"]
            values[said.feed_id, match.entry.key, match.rule] = each
    if values:
        insert = dialect.insert(connection, matches).values(entry_id=_ENTRY)
        again = {
            "severity": insert.excluded.severity,
            "hits": insert.excluded.hits,
            "alert_id": func.coalesce(matches.c.alert_id, insert.excluded.alert_id),
            "counts_at": func.coalesce(matches.c.counts_at, insert.excluded.counts_at),
        }
        upsert = insert.on_conflict_do_update(index_elements=["entry_id", "rule"], set_=again)
        connection.execute(upsert, list(values.values()))


def _write_deliveries(found: Sequence[Said], connection: Connection, now: datetime) -> None:
    values = {delivery.id: delivery for said in found for delivery in said.deliveries}
    if values:
        insert = dialect.insert(connection, deliveries).on_conflict_do_nothing()
        connection.execute(insert, [rows.delivery_values(delivery, now) for _, delivery in sorted(values.items())])


def write_members(placed: Sequence[tuple[FeedId, Placed]], connection: Connection) -> None:
    """Write which stories entries tell, the last thing of a transaction; an entry that has a story keeps it."""
    if not placed:
        return
    dialect.lock_stories(connection)
    into = merged_into(connection, {each.story for _, each in placed})
    last = connection.execute(select(func.coalesce(func.max(story_members.c.number), 0))).scalar_one()
    values = [
        rows.member_values(each, feed_id, story=into.get(each.story, each.story), number=number)
        for number, (feed_id, each) in enumerate(placed, last + 1)
    ]
    insert = dialect.insert(connection, story_members).values(entry_id=_ENTRY)
    connection.execute(insert.on_conflict_do_nothing(), values)


def merged_into(connection: Connection, stories: Collection[str]) -> dict[str, str]:
    """Those of `stories` that people merged into others, whole, while a poll still knew them apart."""
    given = {"b_stories": dialect.listed(connection, stories)}
    return {story: into for story, into in connection.execute(_MERGED[dialect.of(connection)], given)}  # noqa: C416
