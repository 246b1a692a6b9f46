"""A store as it is after a first poll of every feed, made without polling: 100,000 first polls would take the time that
the measurement is for.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from benchmarks.farm import etag, feed_url
from monitor.clock import SystemClock
from monitor.model import FeedSpec
from monitor.store.open import open_store

if TYPE_CHECKING:
    from datetime import timedelta
    from pathlib import Path


def prepare(database: Path, *, port: int, feeds: int, interval: timedelta) -> None:
    """Feeds of a farm, each with its validator and its baseline, due one after the other over the next `interval`."""
    now = SystemClock().now()
    specs = [
        FeedSpec(name=f"feed {index}", url=feed_url(port, index), interval=interval, origin="added")
        for index in range(feeds)
    ]
    store = open_store(f"sqlite:///{database}", now=now)
    store.add_feeds(specs, now=now)
    store.close()
    start, step = int(now.timestamp() * 1e6) + 2_000_000, interval.total_seconds() * 1e6 / feeds
    with sqlite3.connect(database) as connection:
        rows = connection.execute("SELECT id, name FROM feeds").fetchall()
        known = []
        for feed_id, name in rows:
            index = int(name.split()[1])
            # Neighbours in time are not neighbours in the table.
            place = index * 7919 % feeds
            known.append((etag(index), start, start, start, start + int(place * step), feed_id))
        connection.executemany(
            "UPDATE feeds SET etag = ?, baseline_at = ?, polled_at = ?, ok_at = ?, next_poll_at = ? WHERE id = ?",
            known,
        )
        connection.execute("UPDATE feeds SET full_at = ok_at")
        connection.execute(
            "UPDATE hosts SET due_at = (SELECT min(next_poll_at) FROM feeds WHERE host_id = hosts.id AND active = 1)"
        )
        connection.execute("ANALYZE")
    connection.close()


def postpone(database: Path, seconds: float) -> None:
    """Make everything due that much later, as if the time between had not been."""
    span = int(seconds * 1e6)
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE feeds SET next_poll_at = next_poll_at + ?", (span,))
        connection.execute("UPDATE hosts SET due_at = due_at + ?", (span,))
    connection.close()
