"""`SwiftParser` over real worker processes, and documents made to hurt it."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from monitor.clock import SystemClock
from monitor.model import Document, Entry, ParseFailed
from monitor.parse.pool import ParserPool
from monitor.parse.swift import SwiftParser
from tests.hostile import HOSTILE, item, rss

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds the workers in /proc")

NOW = datetime(2026, 11, 23, tzinfo=UTC)
GOOD = rss("<item><guid>1</guid><title>fine</title></item>")


@pytest.fixture(scope="module")
def parser() -> Iterator[SwiftParser]:
    parser = swift()
    yield parser
    parser.close()


def swift(seconds: float = 1) -> SwiftParser:
    return SwiftParser(pool=ParserPool(workers=1, deadline=timedelta(seconds=seconds)), clock=SystemClock())


def children(of: str = "") -> set[str]:
    """The processes that this one started, and those that they did: the workers are among the latter."""
    pid = of or str(os.getpid())
    found = set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    return found.union(*(children(child) for child in found))


async def entries_of(parser: SwiftParser, body: bytes, *, url: str = "https://example.org/") -> tuple[Entry, ...] | str:
    """The entries, or why there are none."""
    parsed = await parser.parse(body, content_type=None, url=url)
    if isinstance(parsed, ParseFailed):
        return parsed.detail
    cleaned = await parser.clean(parsed.items, now=NOW)
    if isinstance(cleaned, ParseFailed):
        return cleaned.detail
    entries = cleaned.entries
    assert [entry.key for entry in entries] == [found.key for found in parsed.items]
    assert [entry.source_hash for entry in entries] == [found.source_hash for found in parsed.items]
    return entries


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_document_ends_as_entries_or_as_a_reason(parser: SwiftParser, name: str) -> None:
    """Within its deadline, without a word of a file or an entity; and a feed is read right after it."""
    found = await entries_of(parser, HOSTILE[name]())
    if isinstance(found, str):
        assert "\n" not in found
        assert found
    else:
        assert len(found) <= 2_000
        assert not any("root:" in entry.author or "lollol" in entry.summary for entry in found)
        assert all(len(entry.title) <= 1_000 and len(entry.summary) <= 100_000 for entry in found)
    assert await entries_of(parser, GOOD) == await entries_of(parser, GOOD)


async def test_what_is_short_needs_no_worker() -> None:
    """A feed, its entries and a page that is none are dealt with in the process: no child is started."""
    parser, before = swift(), children()
    try:
        entries = await entries_of(parser, GOOD)
        assert [entry.title for entry in entries if isinstance(entry, Entry)] == ["fine"]
        assert "JSON" in str(await entries_of(parser, b"{}"))
        assert children() == before
    finally:
        parser.close()


async def test_the_worker_reads_as_the_process_does(parser: SwiftParser) -> None:
    """A feed that is too long for the process has the same entries, in the same order, as the same one in parts."""
    items = [
        f"<item><guid>{n}</guid><title>{n}</title><summary>{'a b ' * (20 if n % 7 else 20_000)}</summary></item>"
        for n in range(500)
    ]
    whole = await entries_of(parser, rss("".join(items)))
    assert isinstance(whole, tuple)
    parts = [await entries_of(parser, rss(one)) for one in items[:20]]
    assert [part[0] for part in parts if isinstance(part, tuple)] == list(whole[:20])
    assert [entry.title for entry in whole] == [str(n) for n in range(500)]


async def test_a_feed_of_many_items_is_read_by_a_worker() -> None:
    """The process itself reads two hundred items and no more; beyond that, the worker gives all of them."""
    parser, before = swift(), children()
    try:
        for count, by_worker in ((200, False), (201, True)):
            entries = await entries_of(parser, rss("".join(f"<item><guid>{n}</guid></item>" for n in range(count))))
            assert [entry.guid for entry in entries if isinstance(entry, Entry)] == [str(n) for n in range(count)]
            assert (children() > before) is by_worker
    finally:
        parser.close()


async def test_a_feed_of_endless_element_names_is_read_elsewhere_from_then_on() -> None:
    """Names stay in the memory of the process that met them, so it meets those of such a feed only once."""
    parser, before = swift(), children()
    try:
        for start in (0, 1_000):
            body = item("".join(f"<t{n}/>" for n in range(start, start + 1_000)))
            assert isinstance(await parser.parse(body, content_type=None, url="https://wild.example/"), Document)
        assert children() > before
    finally:
        parser.close()
