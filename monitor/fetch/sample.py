"""The bundled feed: RSS 2.0 with news of our own writing, which goes on for some minutes after it was first polled.

It answers to `sample:` (a bit of everything) and to `sample:world`, `sample:tech` and `sample:weather`. What it holds
at a moment follows from when it was added and when it was first polled, so a restart changes nothing.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import cache
from importlib import resources
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any

from lxml import etree

from monitor.model import NO_OPTIONS, Fetched, FetchFailed, FetchProblem, NotModified

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from monitor.clock import Clock
    from monitor.model import Feed, FeedOptions, FetchResult

SCHEME = "sample:"
SAMPLE_NAMES = ("world", "tech", "weather")
SAMPLE_URLS = (SCHEME, *(SCHEME + name for name in SAMPLE_NAMES))

_DUBLIN_CORE = "http://purl.org/dc/elements/1.1/"
_MIXED_OLD = 8
# When new entries appear, in seconds: quickly while somebody watches for the first time, then slower, then no more.
_SCHEDULE_S = (*range(5, 66, 6), *range(95, 186, 30))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Story:
    """A text with its date, relative to when the feed was added (`age`) or first polled (`delay`)."""

    topic: str
    slug: str
    title: str
    author: str
    text: str
    age: timedelta = timedelta(0)
    delay: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Channel:
    title: str
    description: str
    old: tuple[_Story, ...]
    new: tuple[_Story, ...]


def sample_feed(
    *, started_at: datetime, now: datetime, published_from: datetime | None = None, name: str = ""
) -> bytes:
    """The feed's document, newest entry first.

    Args:
        started_at: When the feed was added: the old entries lie in the two days before, and all ids are made with it.
        now: What is to appear later than this is left out.
        published_from: From when on new entries appear; None: from `started_at`.
        name: One of `SAMPLE_NAMES`, or "" for a bit of each.

    Raises:
        KeyError: There is no such feed.
    """
    channel = _channel(name)
    begin = started_at if published_from is None else published_from
    dated = [(started_at - story.age, story) for story in channel.old]
    dated += [(begin + story.delay, story) for story in channel.new if begin + story.delay <= now]
    dated.sort(key=lambda pair: pair[0], reverse=True)

    rss = etree.Element("rss", {"version": "2.0"}, nsmap={"dc": _DUBLIN_CORE})
    head = etree.SubElement(rss, "channel")
    _add(head, "title", channel.title)
    _add(head, "link", "https://example.com/sample/")
    _add(head, "description", channel.description)
    _add(head, "language", "en")
    _add(head, "lastBuildDate", format_datetime(dated[0][0]))
    for published_at, story in dated:
        _add_item(head, story, published_at=published_at, edition=int(started_at.timestamp()))
    return etree.tostring(rss, encoding="utf-8", xml_declaration=True, pretty_print=True)


class SampleFetcher:
    """A `Fetcher` for feeds whose URL begins with `sample:`.

    New entries begin with the baseline and not with `added_at`: what appeared between the two would be
    part of the baseline, and silent.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def fetch(self, feed: Feed, options: FeedOptions = NO_OPTIONS) -> FetchResult:  # noqa: ARG002 - the protocol's
        if feed.url not in SAMPLE_URLS:
            known = ", ".join(SAMPLE_URLS)
            return FetchFailed(
                problem=FetchProblem.PROTOCOL, detail=f"{feed.url!r} is no bundled feed; there are {known}"
            )
        now = self._clock.now()
        body = sample_feed(
            started_at=feed.added_at,
            now=now,
            published_from=feed.baseline_at or now,
            name=feed.url.removeprefix(SCHEME),
        )
        etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        if etag == feed.etag:
            return NotModified(etag=etag, last_modified=None)
        return Fetched(
            url=feed.url,
            status=200,
            body=body,
            content_type="application/rss+xml; charset=utf-8",
            etag=etag,
            last_modified=None,
        )

    async def close(self) -> None:
        """Nothing is open."""


def _add(parent: etree._Element, tag: str, text: str) -> etree._Element:
    element = etree.SubElement(parent, tag)
    element.text = text
    return element


def _add_item(parent: etree._Element, story: _Story, *, published_at: datetime, edition: int) -> None:
    item = etree.SubElement(parent, "item")
    _add(item, "title", story.title)
    _add(item, "link", f"https://example.com/sample/{edition}/{story.topic}/{story.slug}")
    _add(item, "description", story.text)
    _add(item, f"{{{_DUBLIN_CORE}}}creator", story.author)
    _add(item, "category", "sample")
    _add(item, "category", story.topic)
    guid = _add(item, "guid", f"tag:example.com,2026:sample/{edition}/{story.topic}/{story.slug}")
    guid.set("isPermaLink", "false")
    _add(item, "pubDate", format_datetime(published_at))


@cache
def _channel(topic: str) -> _Channel:
    if topic:
        return _loaded(topic)
    parts = [_loaded(part) for part in SAMPLE_NAMES]
    return _Channel(
        title="Sample news",
        description="Invented news, bundled with news-monitor",
        old=_in_turn(part.old for part in parts)[:_MIXED_OLD],
        new=_scheduled(_in_turn(part.new for part in parts)),
    )


def _loaded(topic: str) -> _Channel:
    if topic not in SAMPLE_NAMES:
        raise KeyError(topic)
    data = tomllib.loads((resources.files("monitor") / "bundled" / f"sample-{topic}.toml").read_text(encoding="utf-8"))

    def stories(items: list[dict[str, Any]]) -> tuple[_Story, ...]:
        return tuple(_Story(topic=topic, age=timedelta(hours=item.pop("hours_ago", 0)), **item) for item in items)

    return _Channel(
        title=data["title"],
        description=data["description"],
        old=stories(data["old"]),
        new=_scheduled(stories(data["new"])),
    )


def _in_turn(groups: Iterable[Sequence[_Story]]) -> tuple[_Story, ...]:
    """One of each group, then the second ones, and so on."""
    rounds = zip_longest(*groups)
    return tuple(story for story in chain.from_iterable(rounds) if story is not None)


def _scheduled(stories: Sequence[_Story]) -> tuple[_Story, ...]:
    """As many of them as the schedule has places for, each with its own."""
    return tuple(
        replace(story, delay=timedelta(seconds=seconds)) for seconds, story in zip(_SCHEDULE_S, stories, strict=False)
    )
