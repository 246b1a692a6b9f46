"""Hop 3: most documents are read here, in the process, in about a millisecond; the rest by worker processes.

What is read here holds the event loop meanwhile, so only bodies for which that is known to be short are: not large, few
elements, nothing that is slow on purpose. Feedparser never runs here.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from monitor.model import Cleaned, ParseFailed
from monitor.parse.clean import clean_item
from monitor.parse.document import read_quickly

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from monitor.clock import Clock
    from monitor.model import Item, PageText, ParseResult, RawText
    from monitor.parse.base import Workers

# Measured with benchmarks/parsing.py: each keeps the worst body that passes near ten milliseconds.
_MAX_BODY = 128 * 1024  # bytes
_MAX_MENDED = 12 * 1024  # bytes of a body that is repaired, or of another charset
_MAX_TAGS = 3_000  # "<"
_MAX_QUOTES = 4_000  # of JSON
_MAX_ITEMS = 200
_MAX_SETTLED = 8 * 1024  # characters cleaned for the sake of keys
_MAX_TEXT = 32 * 1024  # characters of one text that are cleaned here
_MAX_TEXT_TAGS = 500
_MAX_REFERENCES = 2_000
_SLICE_SECONDS = 0.003
# libxml2 never forgets a name. Feeds have some thirty; who sends hundreds is read elsewhere from then on.
_MAX_KINDS = 300
_MAX_WILD = 10_000


class SwiftParser:
    """A `Parser` that asks `pool` only for what may take long; that includes every page."""

    def __init__(self, *, pool: Workers, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._wild: set[str] = set()
        # One document at a time: ten that take steps in turn would hold the loop for ten steps.
        self._turn = asyncio.Lock()

    async def parse(self, body: bytes, *, content_type: str | None, url: str) -> ParseResult:
        """See `Parser.parse`."""
        if _is_short(body) and url not in self._wild:
            async with self._turn:
                found = await self._parse_here(body, content_type=content_type, url=url)
            if found is not None:
                return found
        return await self._pool.parse(body, content_type=content_type, url=url)

    async def clean(self, items: Sequence[Item], *, now: datetime) -> Cleaned | ParseFailed:
        """See `Parser.clean`."""
        costly = [item for item in items if _is_costly(item)]
        elsewhere = await self._pool.clean(costly, now=now) if costly else Cleaned(entries=())
        if isinstance(elsewhere, ParseFailed):
            return elsewhere
        entries = {entry.key: entry for entry in elsewhere.entries}
        async with self._turn:
            slice_ends = self._clock.monotonic() + _SLICE_SECONDS
            for item in items:
                if item.key not in entries:
                    entries[item.key] = clean_item(item, now=now)
                    if self._clock.monotonic() > slice_ends:
                        await self._clock.sleep(0)
                        slice_ends = self._clock.monotonic() + _SLICE_SECONDS
        return Cleaned(entries=tuple(entries[item.key] for item in items), rough=elsewhere.rough)

    async def read_page(self, body: bytes, *, content_type: str | None) -> PageText | ParseFailed:
        """See `PageReader.read_page`."""
        return await self._pool.read_page(body, content_type=content_type)

    def close(self) -> None:
        """See `Parser.close`."""
        self._pool.close()

    async def _parse_here(self, body: bytes, *, content_type: str | None, url: str) -> ParseResult | None:
        """In two steps, between which the loop goes round; None: it takes a worker."""
        read = read_quickly(body, content_type=content_type, url=url, mend=len(body) <= _MAX_MENDED, most=_MAX_ITEMS)
        if read is None or isinstance(read, ParseFailed):
            return read
        if read.kinds > _MAX_KINDS and len(self._wild) < _MAX_WILD:
            self._wild.add(url)
        await self._clock.sleep(0)
        is_short = len(read.items) <= _MAX_ITEMS and read.cleaned_characters() <= _MAX_SETTLED
        return read.settled() if is_short else None


def _is_short(body: bytes) -> bool:
    """Whether reading it is known to take a few milliseconds."""
    if len(body) > _MAX_BODY or body.count(b"<") > _MAX_TAGS:
        return False
    return body.lstrip()[:1] not in (b"{", b"[") or body.count(b'"') <= _MAX_QUOTES


def _is_costly(item: Item) -> bool:
    return any(_is_long(text) for text in (item.title, *item.texts))


def _is_long(text: RawText) -> bool:
    value = text.value
    if len(value) <= _MAX_TEXT_TAGS:
        return False
    return len(value) > _MAX_TEXT or value.count("<") > _MAX_TEXT_TAGS or value.count("&") > _MAX_REFERENCES
