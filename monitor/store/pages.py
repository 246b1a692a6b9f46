"""`Pages`: claims of the pages that entries link to, and the one transaction that commits what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Integer, bindparam, case, exists, func, select, update

from monitor.model import PageClaim, PageCounts, PageState
from monitor.store import commit, dialect, rows
from monitor.store.leases import new_token
from monitor.store.tables import FEED_COLUMNS, IS_WANTED, ROW_ID, entries, feeds, hosts, pages

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import Connection, Select

    from monitor.model import FeedId, PageOutcome, StoredPage
    from monitor.store.engine import Database


class PagesPart:
    """Implements `monitor.store.base.Pages`."""

    _database: Database

    def claim_pages(
        self, *, now: datetime, limit: int, lease: timedelta, busy: Collection[str] = ()
    ) -> Sequence[PageClaim]:
        # Most of the times nothing is due, which takes no turn at writing to find out.
        with self._database.read() as connection:
            if connection.execute(_is_due(now)).first() is None:
                return ()
        token = new_token()
        with self._database.write() as connection:
            dialect.lock_pages(connection)
            ids = connection.execute(_first_of_each_host(now, limit, busy)).scalars().all()
            for part in dialect.chunks(ids):
                leased = update(pages).where(pages.c.entry_id.in_(part))
                connection.execute(leased.values(due_at=now + lease, lease_token=token))
            return tuple(claim for part in dialect.chunks(ids) for claim in _claims(connection, part, token))

    def commit_pages(self, outcomes: Sequence[PageOutcome], *, now: datetime) -> Sequence[bool]:
        if not outcomes:
            return ()
        with self._database.write() as connection:
            tokens = _lock_tokens(connection, {outcome.entry_id for outcome in outcomes})
            written: list[bool] = []
            for outcome in outcomes:
                holds = tokens.get(outcome.entry_id) == outcome.token
                written.append(holds)
                if holds:
                    tokens[outcome.entry_id] = None
            _write([outcome for outcome, ok in zip(outcomes, written, strict=True) if ok], connection, now)
        return tuple(written)

    def page_of(self, entry_id: int) -> StoredPage | None:
        with self._database.read() as connection:
            found = connection.execute(select(pages).where(pages.c.entry_id == entry_id)).first()
        return rows.stored_page_from_row(found) if found is not None else None

    def page_counts(self, feed_id: FeedId) -> PageCounts:
        by_state = select(pages.c.state, func.count()).where(pages.c.feed_id == feed_id).group_by(pages.c.state)
        last = (
            select(pages.c.error, pages.c.done_at)
            .where(pages.c.feed_id == feed_id, pages.c.state == PageState.FAILED.value)
            .order_by(pages.c.done_at.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            counts = {row[0]: row[1] for row in connection.execute(by_state)}
            failed = connection.execute(last).first()
        return PageCounts(
            wanted=counts.get("wanted", 0),
            done=counts.get("done", 0),
            failed=counts.get("failed", 0),
            error=failed.error if failed is not None else "",
            failed_at=failed.done_at if failed is not None else None,
        )


def _is_due(now: datetime) -> Select[Any]:
    due = select(pages.c.entry_id).where(IS_WANTED, pages.c.due_at <= now)
    return due.order_by(pages.c.due_at, pages.c.entry_id).limit(1)


def _first_of_each_host(now: datetime, limit: int, busy: Collection[str]) -> Select[Any]:
    """The pages that are due first, one a host, of hosts none of whose pages is leased and that want no rest.

    Hosts come before the limit, or one that has thousands of pages would hide the others. It reads an index of what is
    wanted from end to end; that is at most what came in a day.
    """
    is_leased = case((pages.c.lease_token.is_not(None) & (pages.c.due_at > now), 1), else_=0)
    due = (
        select(pages.c.host, func.min(pages.c.due_at).label("due_at"))
        .where(IS_WANTED, pages.c.host.not_in(sorted(busy)[: dialect.CHUNK]))
        .group_by(pages.c.host)
        .having(func.min(pages.c.due_at) <= now, func.max(is_leased) == 0)
        .subquery("due")
    )
    first = (
        select(func.min(pages.c.entry_id))
        .where(IS_WANTED, pages.c.host == due.c.host, pages.c.due_at == due.c.due_at)
        .correlate(due)
        .scalar_subquery()
    )
    rests = exists().where(hosts.c.name == due.c.host, hosts.c.not_before > now).correlate(due)
    found = select(first.label("entry_id")).select_from(due).where(~rests)
    return found.order_by(due.c.due_at, due.c.host).limit(limit)


def _claims(connection: Connection, ids: Sequence[int], token: str) -> list[PageClaim]:
    """In the order of `ids`."""
    wanted = (
        select(entries, pages.c.url, pages.c.host, pages.c.attempts, pages.c.wanted_at)
        .select_from(entries.join(pages, pages.c.entry_id == entries.c.id))
        .where(pages.c.entry_id.in_(ids))
    )
    found = {row.id: row for row in connection.execute(wanted)}
    of_feeds = select(*FEED_COLUMNS).join(hosts).where(feeds.c.id.in_(sorted({row.feed_id for row in found.values()})))
    by_id = {row.id: rows.feed_from_row(row) for row in connection.execute(of_feeds)}
    return [
        PageClaim(
            entry_id=row.id,
            entry=rows.entry_from_row(row),
            feed=by_id[row.feed_id],
            url=row.url,
            host=row.host,
            attempts=row.attempts,
            wanted_at=row.wanted_at,
            token=token,
        )
        for row in map(found.__getitem__, ids)
    ]


def _lock_tokens(connection: Connection, ids: Collection[int]) -> dict[int, str | None]:
    tokens: dict[int, str | None] = {}
    for part in dialect.chunks(sorted(ids)):
        found = (
            select(pages.c.entry_id, pages.c.lease_token)
            .where(pages.c.entry_id.in_(part))
            .order_by(pages.c.entry_id)
            .with_for_update()
        )
        tokens.update((row.entry_id, row.lease_token) for row in connection.execute(found))
    return tokens


def _write(outcomes: Sequence[PageOutcome], connection: Connection, now: datetime) -> None:
    """Entries before alerts, like a poll, so that the two never wait for each other in a circle."""
    if not outcomes:
        return
    texts = [{"b_id": each.entry_id, "page": each.page} for each in outcomes if each.page]
    if texts:
        connection.execute(update(entries).where(entries.c.id == bindparam("b_id", type_=ROW_ID)), texts)
    said = [
        commit.Said(feed_id=each.feed_id, matches=each.matches, alerts=each.alerts, deliveries=each.deliveries)
        for each in outcomes
    ]
    commit.write_said(said, connection, now)
    ended = (
        update(pages)
        .where(pages.c.entry_id == bindparam("b_id", type_=ROW_ID))
        .values(lease_token=None, attempts=pages.c.attempts + bindparam("b_attempts", type_=Integer()))
    )
    connection.execute(ended, [rows.page_outcome_values(each, now) for each in outcomes])
    for each in outcomes:
        if each.host_until is not None:
            _rest(connection, each.host, each.host_until)
    commit.write_members([(each.feed_id, placed) for each in outcomes for placed in each.placed], connection)


def _rest(connection: Connection, host: str, until: datetime) -> None:
    """Ask for no page of a host before `until`."""
    others = update(pages).where(IS_WANTED, pages.c.host == host, pages.c.due_at < until, pages.c.lease_token.is_(None))
    connection.execute(others.values(due_at=until))
