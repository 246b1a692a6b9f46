"""The hot queries use their indexes: the plans of both engines, for the very statements that the store sends."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, event

from monitor.model import DeliveryState, Outlet, Placed, Settlement
from tests.contract.samples import (
    INTERVAL,
    MINUTE,
    NOW,
    alert,
    claim,
    delivery,
    entry,
    outcome,
    send_all,
    spec,
    update,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from monitor.model import Entry, PollOutcome
    from monitor.store.base import Store

# A table of these read from end to end would make a step slower with every feed, entry or alert there is.
LARGE = ("hosts", "feeds", "entries", "matches", "alerts", "deliveries", "story_members", "story_corrections")


@dataclass(frozen=True, slots=True)
class Sent:
    statement: str
    parameters: Any


@contextmanager
def statements() -> Iterator[list[Sent]]:
    """All SELECT, INSERT and UPDATE statements that any engine sends in the block; of many at once the first."""
    seen: list[Sent] = []

    def note(
        _connection: object, _cursor: object, statement: str, parameters: Any, _context: object, many: bool
    ) -> None:
        if statement.startswith(("SELECT", "UPDATE", "INSERT")) and "pg_catalog" not in statement:
            seen.append(Sent(statement, parameters[0] if many else parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def full_reads(connection: Connection, sent: Sent) -> list[str]:
    """The lines of the plan that read a large table, or a whole index of one, from end to end."""
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sent.statement}", sent.parameters)
        lines = [row[3] for row in rows]
        return [line for line in lines if re.match(rf"SCAN ({'|'.join((*LARGE, 'due'))})\b", line)]
    rows = connection.exec_driver_sql(f"EXPLAIN (COSTS OFF) {sent.statement}", sent.parameters)
    lines = [row[0] for row in rows]
    # An index that is walked without a condition is a full read in another order.
    whole_index = [
        line
        for line, following in zip(lines, [*lines[1:], ""], strict=True)
        if "Index" in line and " Scan" in line and "Index Cond" not in following
    ]
    return [line for line in lines if "Seq Scan" in line] + whole_index


@pytest.fixture
def filled(store: Store) -> Store:
    """Enough rows that an index is worth its while: 1,500 feeds on 500 hosts, 3,000 entries, 1,500 deliveries."""
    store.sync_feeds([spec(f"f{n}", f"https://h{n % 500}.example/{n}") for n in range(1500)], now=NOW)
    batch: list[PollOutcome] = []
    for one in claim(store, limit=500):
        for feed in one.feeds:
            found = outcome(
                one.lease,
                # Each its own time, as in life, so that the planner sees a range of them.
                update(feed, next_poll_at=NOW + INTERVAL + feed.id * MINUTE / 10),
                releases=feed is one.feeds[-1],
                entries=[entry(f"{feed.id}-{n}") for n in range(2)],
                rules=["r"] if feed.id % 2 else [],
            )
            sends = tuple(delivery(said, due_at=NOW + feed.id * MINUTE) for said in found.alerts)
            about = tuple(replace(said, story=f"story {feed.id}") for said in found.alerts)
            placed = tuple(map(told, found.entries))
            batch.append(replace(found, alerts=about, deliveries=sends, placed=placed))
    assert all(store.commit_polls(batch, now=NOW))
    for number in range(0, 2000, 2):
        store.merge_stories(f"story {number + 1}", [f"story {number}"], now=NOW)
    return store


def told(found: Entry) -> Placed:
    """Of ten entries one story."""
    member = int(found.key.replace("-", ""))
    outlet = Outlet(id="bbc", name="BBC")
    return Placed(entry_key=found.key, member=member, story=f"story {member // 10}", outlet=outlet, at=NOW, clues=b"x")


def claim_and_commit(store: Store) -> None:
    now = NOW + INTERVAL + 10 * MINUTE
    claims = store.claim_hosts(now=now, limit=10, feeds_per_host=5, lease=MINUTE)
    assert len(claims) == 10
    store.commit_polls(
        [
            replace(
                outcome(one.lease, one.feeds[0], entries=[entry(f"new-{n}")], rules=["r"], channels=["slack"]),
                placed=(replace(told(entry(f"{90000 + n}")), entry_key=f"new-{n}"),),
            )
            for n, one in enumerate(claims[:9])
        ],
        now=now,
    )
    store.release([claims[9].lease], now=now)


def look_up(store: Store) -> None:
    feed = store.feeds(names=["f7"])[0]
    assert store.known_entries(feed.id, [f"{feed.id}-0", "unknown"])
    assert store.kin(feed.id, marks=[1, 2], keys=[f"{feed.id}-0"])


def take_up_stories(store: Store) -> None:
    member, correction = store.story_numbers()
    news = store.story_news(member=member - 5, correction=correction - 5)
    assert len(store.story_members([number for number, _ in news.members])) == 5
    assert store.story_window(since=NOW, after=(NOW, 20), limit=10)
    assert store.stories_over(before=NOW) == ()
    assert store.story_views(["story 1", "story 3"])["story 1"].outlets


def send(store: Store) -> None:
    (one, *_others) = send_all(store, "terminal", now=NOW + 30 * MINUTE, limit=10, lease=MINUTE)
    state = DeliveryState.SENT
    store.settle([Settlement(delivery_id=one.deliveries[0].id, token=one.token, state=state, due_at=NOW)], now=NOW)


def add_and_remove(store: Store) -> None:
    store.add_feeds([spec("extra", origin="added"), spec("f3", origin="added")], now=NOW)
    store.add_feeds([spec("extra", "https://elsewhere.example/", origin="added")], now=NOW)
    assert store.remove_feed("extra", now=NOW)


def one_feed_by_name(store: Store) -> None:
    (one,) = store.claim_feeds(["f9"], now=NOW, lease=MINUTE)
    store.release([one.lease], now=NOW)


def one_delivery(store: Store) -> None:
    assert store.delivery(delivery(alert(entry("1-0"), "r")).id[:13])


def count_matches(store: Store) -> None:
    store.counted_matches("r", limit=10, after=NOW)
    store.counted_matches("r", limit=1)


def test_no_hot_statement_reads_a_table_from_end_to_end(filled: Store) -> None:
    """Every statement of the daemon's daily work is asked for its plan on the rows that it ran on."""
    with statements() as seen:
        steps = (claim_and_commit, look_up, take_up_stories, send, add_and_remove, one_feed_by_name, one_delivery)
        for step in (*steps, count_matches):
            step(filled)
    assert len(seen) > 40
    database = filled._database  # type: ignore[attr-defined] # EXPLAIN needs the store's own connection and its settings
    with database.write() as connection:
        connection.exec_driver_sql("ANALYZE")
        if connection.dialect.name != "sqlite":
            # With so few rows a full read is often the cheapest; what matters is that there is another way.
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        bad = {sent.statement: lines for sent in seen if (lines := full_reads(connection, sent))}
    assert bad == {}


def test_a_claim_does_not_read_what_waits_behind_it(filled: Store) -> None:
    """Of a host with thousands of feeds due, a claim of two reads a short range of the index, in its order."""
    filled.sync_feeds([spec(f"big{n}", f"https://big.example/{n}") for n in range(3000)], now=NOW)
    database = filled._database  # type: ignore[attr-defined] # as above
    with statements() as seen:
        claims = claim(filled, limit=1, feeds_per_host=2)
    assert [len(one.feeds) for one in claims] == [2]
    (of_feeds,) = [sent for sent in seen if "feeds AS due" in sent.statement]
    with database.write() as connection:
        connection.exec_driver_sql("ANALYZE")
        if connection.dialect.name == "sqlite":
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {of_feeds.statement}", of_feeds.parameters)
            plan = "\n".join(row[3] for row in rows)
            assert "SEARCH due USING INDEX ix_feeds_next (host_id=? AND next_poll_at<?)" in plan
            assert "SEARCH feeds USING INTEGER PRIMARY KEY" in plan
            assert plan.count("TEMP B-TREE") == 1  # for the order of what was found, not to find it
        else:
            rows = connection.exec_driver_sql(f"EXPLAIN (ANALYZE) {of_feeds.statement}", of_feeds.parameters)
            (line,) = [row[0] for row in rows if "ix_feeds_next" in row[0]]
            assert "rows=2 " in line.split("actual", 1)[1] or "rows=2.00 " in line.split("actual", 1)[1]


def test_polls_pass_over_a_backlog_of_sent_deliveries(filled: Store) -> None:
    """What is sent is out of the index, so years of it cost a claim nothing."""
    for one in send_all(filled, now=NOW + 10000 * MINUTE):
        filled.settle(
            [Settlement(delivery_id=one.deliveries[0].id, token=one.token, state=DeliveryState.SENT, due_at=NOW)],
            now=NOW,
        )
    with statements() as seen:
        assert send_all(filled, now=NOW + 10000 * MINUTE)
    database = filled._database  # type: ignore[attr-defined] # as above
    with database.write() as connection:
        connection.exec_driver_sql("ANALYZE")
        prefix = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
        rows = connection.exec_driver_sql(f"{prefix} {seen[0].statement}", seen[0].parameters)
        assert "ix_deliveries_due" in " ".join(str(tuple(row)) for row in rows)
