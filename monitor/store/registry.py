"""What has to change so that the stored feeds are the wanted ones; pure, the SQL is in `feeds`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitor.store.base import FeedsChanged
from monitor.store.hosts import host_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime, timedelta

    from monitor.model import FeedOrigin, FeedSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFeed:
    """A stored feed, active or not, as far as a change may touch it."""

    id: int
    host_id: int
    name: str
    url: str
    tags: tuple[str, ...]
    interval: timedelta
    origin: FeedOrigin
    active: bool
    next_poll_at: datetime
    polled_at: datetime | None
    moved_url: str = ""
    gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A stored feed that is to be as `spec` says, on `host`, not polled before `next_poll_at`."""

    feed: KnownFeed
    spec: FeedSpec
    host: str
    next_poll_at: datetime


@dataclass(slots=True, kw_only=True)
class Change:
    """All edits of one call.

    Attributes:
        new: Not stored yet.
        edited: Other name, tags, interval or origin; the state of polling stays.
        moved: Other URL: the validators belong to the old one.
        returned: Inactive so far: like new, but with their entries.
        same: Ids of those that are right already.
        repeated: How many specs repeat the name of one before them.
    """

    origin: FeedOrigin
    new: list[FeedSpec] = field(default_factory=list)
    edited: list[Edit] = field(default_factory=list)
    moved: list[Edit] = field(default_factory=list)
    returned: list[Edit] = field(default_factory=list)
    same: set[int] = field(default_factory=set)
    repeated: int = 0

    @property
    def edits(self) -> list[Edit]:
        return [*self.edited, *self.moved, *self.returned]

    def counts(self, *, removed: int) -> FeedsChanged:
        return FeedsChanged(
            added=len(self.new) + len(self.returned),
            changed=len(self.edited) + len(self.moved),
            removed=removed,
            same=len(self.same) + self.repeated,
        )


def reconcile(specs: Sequence[FeedSpec], known: Iterable[KnownFeed], *, origin: FeedOrigin, now: datetime) -> Change:
    """Pair specs with stored feeds, by name first, then by URL, and say what must change.

    Of two specs with one name the first counts. A feed of the other origin that is recognised is taken over with its
    entries: two feeds of one URL would say everything twice.
    """
    wanted = {spec.name: spec for spec in reversed(specs)}
    change = Change(origin=origin, repeated=len(specs) - len(wanted))
    by_name = {feed.name: feed for feed in known if feed.name in wanted}
    taken = {feed.id for feed in by_name.values()}
    by_url: dict[str, KnownFeed] = {}
    # Where several inactive and active ones have the URL, the active one is it: the last to be put in.
    for feed in sorted(known, key=lambda feed: (feed.active, feed.id)):
        if feed.id not in taken:
            by_url[feed.url] = feed
    for spec in reversed(wanted.values()):
        stored = by_name.get(spec.name) or by_url.pop(spec.url, None)
        if stored is None:
            change.new.append(spec)
        else:
            _sort_in(change, stored, spec, now)
    return change


def _sort_in(change: Change, stored: KnownFeed, spec: FeedSpec, now: datetime) -> None:
    host = host_of(spec.url)
    if not stored.active:
        change.returned.append(Edit(feed=stored, spec=spec, host=host, next_poll_at=now))
    elif stored.url != spec.url:
        change.moved.append(Edit(feed=stored, spec=spec, host=host, next_poll_at=now))
    elif (stored.name, stored.tags, stored.interval, stored.origin) != (
        spec.name,
        spec.tags,
        spec.interval,
        change.origin,
    ):
        # One that has moved stays with the host where it is polled.
        host = host_of(stored.moved_url) if stored.moved_url else host
        change.edited.append(Edit(feed=stored, spec=spec, host=host, next_poll_at=_earlier(stored, spec)))
    else:
        change.same.add(stored.id)


def _earlier(stored: KnownFeed, spec: FeedSpec) -> datetime:
    """A new interval counts from the last poll. It never postpones; the next poll after this one will follow it."""
    if stored.polled_at is None or stored.gone or spec.interval == stored.interval:
        return stored.next_poll_at
    return min(stored.next_poll_at, stored.polled_at + spec.interval)
