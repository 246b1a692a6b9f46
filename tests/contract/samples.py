"""Feeds, entries, alerts and outcomes for the store's tests; everything that a test does not name has a plain value."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from monitor.alerts.batch import message_id
from monitor.model import (
    Alert,
    AlertId,
    Batch,
    Choice,
    DeliveryId,
    Entry,
    Excerpt,
    FeedSpec,
    FeedUpdate,
    Hit,
    Match,
    NewDelivery,
    PlannedMatch,
    PollOutcome,
    Severity,
    WantedPage,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.model import Due, Feed, FeedOrigin, HostClaim, Lease, MessageClaim, Recent
    from monitor.store.base import Store

NOW = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
INTERVAL = 10 * MINUTE


def spec(
    name: str,
    url: str | None = None,
    *,
    tags: tuple[str, ...] = (),
    interval: timedelta = INTERVAL,
    origin: FeedOrigin = "config",
) -> FeedSpec:
    return FeedSpec(name=name, url=url or f"https://{name}.example/feed", tags=tags, interval=interval, origin=origin)


def on_host(host: str, *names: str) -> list[FeedSpec]:
    return [spec(name, f"https://{host}/{name}") for name in names]


def claim(
    store: Store, *, now: datetime = NOW, limit: int = 100, feeds_per_host: int = 10, lease: timedelta = MINUTE
) -> Sequence[HostClaim]:
    return store.claim_hosts(now=now, limit=limit, feeds_per_host=feeds_per_host, lease=lease)


def names(claims: Sequence[HostClaim]) -> list[list[str]]:
    """The feeds' names, claim by claim."""
    return [[feed.name for feed in one.feeds] for one in claims]


def entry(key: str, *, title: str = "", content_hash: str = "", published_at: datetime | None = None) -> Entry:
    return Entry(
        key=key,
        guid=f"guid-{key}",
        link=f"https://news.example/{key}",
        title=title or f"Title of {key}",
        summary="A “summary” with ünïcödé, emoji 🦀 and\na second line.",
        categories=("one", "two"),
        published_at=published_at,
        content_hash=content_hash or f"hash-{key}",
    )


def match(of: Entry, rule: str = "assad") -> Match:
    return Match(
        rule=rule,
        title="Assad",
        severity=Severity.HIGH,
        channels=(),
        entry=of,
        hits=(Hit("title", 0, 5), Hit("summary", 2, 9)),
    )


def alert(of: Entry, rule: str = "assad", *, story: str = "") -> Alert:
    return Alert(
        id=AlertId(str(uuid5(NAMESPACE_URL, f"{rule} {story or of.key}"))),
        rule=rule,
        rule_title="Assad steps down",
        severity=Severity.HIGH,
        feed="bbc",
        feed_title="BBC “World”",
        title=Excerpt(text=of.title, marks=((0, 5),)),
        excerpts=(Excerpt(text="… said on Sunday.", marks=((2, 6), (10, 16))), Excerpt(text="Second.")),
        link=of.link,
        author="A. Writer",
        published_at=NOW - HOUR,
        seen_at=NOW,
    )


def delivery(of: Alert, channel: str = "terminal", *, due_at: datetime = NOW) -> NewDelivery:
    return NewDelivery(
        id=DeliveryId(str(uuid5(NAMESPACE_URL, f"{of.id} {channel}"))), alert_id=of.id, channel=channel, due_at=due_at
    )


def update(feed: Feed, *, polled_at: datetime = NOW, next_poll_at: datetime | None = None) -> FeedUpdate:
    """A good poll that found a document."""
    return FeedUpdate(
        feed_id=feed.id,
        title=f"Title of {feed.name}",
        etag='W/"abc"',
        last_modified="Mon, 23 Nov 2026 12:00:00 GMT",
        body_hash="f" * 64,
        baseline_at=feed.baseline_at or polled_at,
        next_poll_at=next_poll_at or polled_at + feed.interval,
        polled_at=polled_at,
        ok_at=polled_at,
        failures=0,
        status=200,
        error="",
    )


def failed(feed: Feed, *, polled_at: datetime = NOW) -> FeedUpdate:
    return replace(
        update(feed, polled_at=polled_at), ok_at=feed.ok_at, failures=feed.failures + 1, status=503, error="HTTP 503"
    )


def outcome(
    lease: Lease,
    feed: Feed | FeedUpdate,
    *,
    releases: bool = True,
    entries: Sequence[Entry] = (),
    alerts: Sequence[Alert] = (),
    baseline: bool = False,
    rules: Sequence[str] = (),
    channels: Sequence[str] = (),
    pages: bool = False,
) -> PollOutcome:
    """A poll that found `entries`; with `pages` theirs are wanted.

    With `rules` each entry matches each of them, in silence where `baseline`, else with one alert each, to `channels`.
    """
    matches = [
        PlannedMatch(match=match(each, rule), alert_id=None if baseline else alert(each, rule).id)
        for each in entries
        for rule in rules
    ]
    said = list(alerts) if baseline else [*alerts, *(alert(each, rule) for each in entries for rule in rules)]
    return PollOutcome(
        lease=lease,
        releases=releases,
        update=feed if isinstance(feed, FeedUpdate) else update(feed),
        entries=tuple(entries),
        matches=tuple(matches),
        alerts=tuple(said),
        deliveries=tuple(delivery(each, channel) for each in said for channel in channels),
        pages=tuple(WantedPage(entry_key=each.key, url=each.link) for each in entries if pages),
    )


def say(store: Store, *keys: str, channels: Sequence[str] = ("terminal",), now: datetime = NOW) -> list[Alert]:
    """Put one alert for each key into the outbox, through a poll of the feed "outbox"."""
    if not store.feeds(names=["outbox"]):
        store.add_feeds([spec("outbox", origin="added")], now=now)
    (held,) = store.claim_feeds(["outbox"], now=now, lease=MINUTE)
    entries = [entry(key) for key in keys]
    assert store.commit_polls(
        [outcome(held.lease, held.feeds[0], entries=entries, rules=["assad"], channels=channels)], now=now
    ) == (True,)
    return [alert(each) for each in entries]


def send_all(
    store: Store, channel: str = "terminal", *, now: datetime = NOW, limit: int = 100, lease: timedelta = MINUTE
) -> Sequence[MessageClaim]:
    """Claim what is due, each delivery as a message of its own."""

    def alone(due: Sequence[Due], recent: Sequence[Recent]) -> Choice:
        del recent
        batches = (Batch(message_id=message_id([each.id]), kind="alert", deliveries=(each.id,)) for each in due)
        return Choice(batches=tuple(batches))

    return store.claim_messages(channel, now=now, limit=limit, lease=lease, choose=alone, horizon=MINUTE)
