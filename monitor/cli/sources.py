"""What `try` searches: feeds by their address, and feeds, pages and texts from files."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from monitor.app.build import open_fetcher
from monitor.clock import SystemClock
from monitor.config import check_feed_url
from monitor.fetch.base import Fetcher
from monitor.model import Entry, Feed, FeedId, Fetched, FetchFailed, HostId, NotModified, ParseFailed
from monitor.parse.pool import ParserPool
from monitor.parse.text import page_text, text_of_file

_STANDARD_INPUT = "-"


async def read_sources(sources: Sequence[str]) -> AsyncGenerator[tuple[str, Sequence[Entry] | str]]:
    """Of each source, named once, its entries, or in a line why there are none. A text is one entry without a title."""
    clock = SystemClock()
    fetcher = open_fetcher(None, clock)
    parser = ParserPool(workers=1)
    try:
        for source in dict.fromkeys(sources):
            body = await _body(source, fetcher, clock.now())
            yield source, body if isinstance(body, str) else await _entries(body, source, parser, clock.now())
    finally:
        parser.close()
        await fetcher.close()


def _is_url(source: str) -> bool:
    return "://" in source or source.startswith("sample:")


async def _body(source: str, fetcher: Fetcher, now: datetime) -> Fetched | str:
    """The bytes of a source, or why there are none."""
    if not _is_url(source):
        return _file_body(source)
    try:
        check_feed_url(source)
    except ValueError as error:
        return str(error)
    result = await fetcher.fetch(_feed(source, now))
    match result:
        case Fetched():
            return result
        case FetchFailed():
            return result.detail
        case NotModified():
            return "the server said that nothing is new, though it was not asked that"


def _file_body(source: str) -> Fetched | str:
    try:
        body = sys.stdin.buffer.read() if source == _STANDARD_INPUT else Path(source).read_bytes()
    except OSError as error:
        hint = "; a URL begins with https://" if "." in source and not Path(source).suffix else ""
        return f"cannot read it: {error.strerror}{hint}"
    return Fetched(url="", status=200, body=body, content_type=None, etag=None, last_modified=None)


async def _entries(fetched: Fetched, source: str, parser: ParserPool, now: datetime) -> Sequence[Entry] | str:
    """The entries of a feed; a text or a web page from a file is one entry."""
    if _is_url(source) or _looks_like_feed(fetched.body):
        parsed = await parser.parse(fetched.body, content_type=fetched.content_type, url=fetched.url)
        if isinstance(parsed, ParseFailed):
            return parsed.detail
        cleaned = await parser.clean(parsed.items, now=now)
        return cleaned.detail if isinstance(cleaned, ParseFailed) else cleaned.entries
    try:
        text = fetched.body.decode("utf-8-sig")
    except UnicodeDecodeError:
        if b"\0" in fetched.body:
            return "it is neither a feed nor text"
        text = fetched.body.decode("cp1252", "replace")
    start = text.lstrip()[:1000].lower()
    if start.startswith("<") and "<html" in start:
        title, content = page_text(text)
        return [Entry(key="text", title=title, content=content)]
    return [Entry(key="text", content=text_of_file(text))]


def _looks_like_feed(body: bytes) -> bool:
    start = body[:4096].lower().replace(b"\0", b"")
    named = any(mark in start for mark in (b"<rss", b"<feed", b"<rdf", b"jsonfeed.org"))
    return named or (b"<?xml" in start and b"<html" not in start)


def _feed(url: str, now: datetime) -> Feed:
    """A feed that nobody stores, just to fetch it once."""
    return Feed(
        id=FeedId(0),
        host_id=HostId(0),
        host="",
        name=url,
        url=url,
        tags=(),
        interval=timedelta(minutes=10),
        origin="added",
        title="",
        etag=None,
        last_modified=None,
        body_hash=None,
        # As if it had been added a while ago: the sample feed has published all it has by then.
        added_at=now - timedelta(hours=1),
        baseline_at=None,
        next_poll_at=now,
        polled_at=None,
        ok_at=None,
        failures=0,
        status=None,
        error="",
    )
