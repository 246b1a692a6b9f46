"""A feed as the store has it, with nothing special about it, for tests that need some feed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from monitor.model import Feed, FeedId, HostId

_ADDED_AT = datetime(2026, 11, 23, 12, tzinfo=UTC)

A_FEED = Feed(
    id=FeedId(1),
    host_id=HostId(1),
    host="example.org",
    name="example",
    url="https://example.org/feed.xml",
    tags=(),
    interval=timedelta(minutes=10),
    origin="config",
    title="",
    etag=None,
    last_modified=None,
    body_hash=None,
    added_at=_ADDED_AT,
    baseline_at=None,
    next_poll_at=_ADDED_AT,
    polled_at=None,
    ok_at=None,
    failures=0,
    status=None,
    error="",
)
