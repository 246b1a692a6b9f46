"""The bundled feed, as a feed parser and the poll service see it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import feedparser
import pytest

from monitor.fetch.routing import RoutingFetcher
from monitor.fetch.sample import SAMPLE_NAMES, SAMPLE_URLS, SampleFetcher, sample_feed
from monitor.model import (
    NO_OPTIONS,
    Feed,
    FeedId,
    FeedOptions,
    Fetched,
    FetchFailed,
    FetchResult,
    HostId,
    NotModified,
    ParseFailed,
)
from monitor.parse.document import parse_entries
from monitor.rules.book import load_folder
from monitor.rules.engine import RuleSet

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LONG_AFTER = START + timedelta(days=2)


class StillClock:
    """A clock that is set by hand."""

    def __init__(self, now: datetime) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class Recorder:
    """A fetcher that remembers what it was asked and closes loudly if told to."""

    def __init__(self, *, fails: bool = False) -> None:
        self.asked: list[str] = []
        self.closed = False
        self.fails = fails

    async def fetch(self, feed: Feed, options: FeedOptions = NO_OPTIONS) -> FetchResult:  # noqa: ARG002 - the protocol's
        self.asked.append(feed.url)
        return NotModified(etag=None, last_modified=None)

    async def close(self) -> None:
        self.closed = True
        if self.fails:
            raise OSError("close")


def feed(url: str = "sample:", *, etag: str | None = None, baseline_at: datetime | None = None) -> Feed:
    return Feed(
        id=FeedId(1),
        host_id=HostId(1),
        host="sample",
        name="sample",
        url=url,
        tags=(),
        interval=timedelta(seconds=5),
        origin="config",
        title="",
        etag=etag,
        last_modified=None,
        body_hash=None,
        added_at=START,
        baseline_at=baseline_at,
        next_poll_at=START,
        polled_at=None,
        ok_at=None,
        failures=0,
        status=None,
        error="",
    )


def parsed(*, after: timedelta | float = 0.0, name: str = "", started_at: datetime = START) -> Any:
    wait = after if isinstance(after, timedelta) else timedelta(seconds=after)
    document = feedparser.parse(sample_feed(started_at=started_at, now=started_at + wait, name=name))
    assert not document.bozo, document.get("bozo_exception")
    assert document.version == "rss20"
    return document


def ids(document: Any) -> list[str]:
    return [entry.id for entry in document.entries]


@pytest.mark.parametrize("name", ["", *SAMPLE_NAMES])
def test_it_is_a_proper_feed_at_every_moment(name: str) -> None:
    """Well-formed RSS with unique guids, and for each entry link, text, author, date and the label "sample"."""
    for after in (0, 5, 60, 10_000):
        document = parsed(after=after, name=name)
        assert document.feed.title.startswith("Sample")
        assert len(set(ids(document))) == len(document.entries) > 0
        dates = [parsedate_to_datetime(entry.published) for entry in document.entries]
        assert dates == sorted(dates, reverse=True)
        assert max(dates) <= START + timedelta(seconds=after)
        for entry in document.entries:
            assert entry.title
            assert entry.author
            assert len(entry.summary) > 60
            assert entry.link.startswith("https://example.com/sample/")
            assert entry.tags[0].term == "sample"


@pytest.mark.parametrize("name", ["", *SAMPLE_NAMES])
def test_old_entries_are_there_from_the_start(name: str) -> None:
    """They lie in the two days before, so a first poll has a baseline."""
    document = parsed(name=name)
    assert len(document.entries) == (8 if not name else len(document.entries))
    assert len(document.entries) >= 4
    for entry in document.entries:
        assert START - timedelta(days=2) < parsedate_to_datetime(entry.published) < START


def test_new_entries_appear_one_by_one_and_then_no_more() -> None:
    """The first after five seconds, every six in the first minute, then every half minute up to three."""
    counts = [len(parsed(after=after).entries) - 8 for after in (4.9, 5, 10.9, 11, 65, 94, 95, 184, 185, 86_400)]
    assert counts == [0, 1, 1, 2, 11, 11, 12, 14, 15, 15]


def test_the_texts_are_enough() -> None:
    """Over all topics there are more than 25 new entries and 12 old ones, none twice."""
    assert sum(len(parsed(name=name).entries) for name in SAMPLE_NAMES) >= 12
    assert (
        sum(len(parsed(name=name, after=10_000).entries) - len(parsed(name=name).entries) for name in SAMPLE_NAMES)
        >= 25
    )
    everything = [identity for name in SAMPLE_NAMES for identity in ids(parsed(name=name, after=10_000))]
    assert len(set(everything)) == len(everything)
    assert set(ids(parsed(after=10_000))) < set(everything)


@pytest.mark.parametrize("name", ["", *SAMPLE_NAMES])
def test_somebody_who_watches_sees_alerts_of_the_shipped_rules(name: str) -> None:
    """The first new entry matches a rule, so does at least one of any two that follow each other, and some old ones."""
    rules, faults = load_folder(Path(__file__).parents[2] / "rules")
    assert not faults
    ruleset = RuleSet.build(rules)
    now = START + timedelta(hours=1)
    body = sample_feed(started_at=START, now=now, name=name)
    parsed = parse_entries(body, content_type="application/rss+xml; charset=utf-8", url="sample:", now=now)
    assert not isinstance(parsed, ParseFailed)
    _, entries = parsed
    matched = {
        entry.published_at: bool(ruleset.match(entry, feed_name="sample", feed_tags=("sample",), now=now))
        for entry in entries
        if entry.published_at is not None
    }
    assert len(matched) == len(entries)
    new = [matched[at] for at in sorted(matched) if at >= START]
    assert new[0]
    assert all(one or next_one for one, next_one in pairwise(new))
    assert any(matches for at, matches in matched.items() if at < START)


def test_the_same_moments_give_the_same_bytes() -> None:
    """A restart of the daemon changes nothing; another start is another edition with ids of its own."""
    now = START + timedelta(seconds=30)
    assert sample_feed(started_at=START, now=now) == sample_feed(started_at=START, now=now)
    assert not set(ids(parsed(after=30))) & set(ids(parsed(after=30, started_at=START + timedelta(hours=1))))


async def test_the_fetcher_answers_like_a_server() -> None:
    """200 with an ETag, 304 while nothing is new, 200 again once there is."""
    clock = StillClock(START + timedelta(seconds=20))
    fetcher = SampleFetcher(clock)
    first = await fetcher.fetch(feed())
    assert isinstance(first, Fetched)
    assert (first.status, first.content_type) == (200, "application/rss+xml; charset=utf-8")
    assert len(feedparser.parse(first.body).entries) == 8

    polled = feed(etag=first.etag, baseline_at=clock.time)
    assert await fetcher.fetch(polled) == NotModified(etag=first.etag, last_modified=None)
    await clock.sleep(5)
    second = await fetcher.fetch(polled)
    assert isinstance(second, Fetched)
    assert second.etag != first.etag
    assert len(feedparser.parse(second.body).entries) == 9
    await fetcher.close()


async def test_new_entries_wait_for_the_baseline() -> None:
    """However late the first poll comes, it finds old entries only; the new ones begin after it."""
    clock = StillClock(LONG_AFTER)
    fetcher = SampleFetcher(clock)
    first = await fetcher.fetch(feed("sample:world"))
    assert isinstance(first, Fetched)
    old = ids(feedparser.parse(first.body))
    assert all("assad-steps-down" not in identity for identity in old)
    await clock.sleep(6)
    second = await fetcher.fetch(replace(feed("sample:world"), baseline_at=LONG_AFTER))
    assert isinstance(second, Fetched)
    assert len(ids(feedparser.parse(second.body))) == len(old) + 1


async def test_an_unknown_sample_is_a_failure_in_a_line() -> None:
    """A typo in the URL is told together with what there is."""
    result = await SampleFetcher(StillClock(START)).fetch(feed("sample:wrold"))
    assert isinstance(result, FetchFailed)
    assert result.detail == f"'sample:wrold' is no bundled feed; there are {', '.join(SAMPLE_URLS)}"
    with pytest.raises(KeyError):
        sample_feed(started_at=START, now=START, name="wrold")


async def test_feeds_go_to_the_fetcher_of_their_scheme() -> None:
    """sample: stays inside, all else goes to the network; both are closed, come what may."""
    http, sample = Recorder(fails=True), Recorder()
    router = RoutingFetcher(http, sample)
    for url in ("https://example.com/feed", "sample:", "http://example.com/sample:", "sample:tech"):
        await router.fetch(feed(url))
    assert http.asked == ["https://example.com/feed", "http://example.com/sample:"]
    assert sample.asked == ["sample:", "sample:tech"]
    with pytest.raises(OSError, match="close"):
        await router.close()
    assert sample.closed
