"""Parsing, cleaning and the reading of pages in worker processes, in two lanes.

Every document has a short time in the quick lane, which is plenty for one that is only large, or broken. What overruns
it has its whole deadline in the slow lane, and so have later documents from there: a queue of those that use it up
stands before nobody else's.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from monitor.clock import Clock, SystemClock
from monitor.model import Cleaned, Entry, ParseFailed
from monitor.parse.clean import clean_item
from monitor.parse.document import parse_document
from monitor.parse.page import read_page
from monitor.parse.rough import size_of, without_markup, without_texts
from monitor.parse.workers import Ended, WorkerPool

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from monitor.model import Item, PageText, ParseResult

_T = TypeVar("_T")

# The daemon goes first, and what takes long last.
_QUICK_NICENESS = 5
_SLOW_NICENESS = 10
# 20 MB that are well-formed take 0.15 s of CPU, a broken feed of 500 KB some 0.2; the rest is for a busy machine.
_QUICK_SECONDS = 1.0
_MAX_REMEMBERED = 10_000


class ParserPool:
    """A `Parser` over `workers` processes, each lane's started with its first document.

    Args:
        workers: Processes in all. Of two or more, half are for each lane (the odd one is for the quick lane); one does
            all.
        deadline: Wall time for one job, from the moment a worker takes it. A document waits twice as long for a worker
            that may be held so long, and is then given up.
        memory_bytes: Address space of one worker.
        idle: A lane without a job for so long ends its workers, which hold some 30 MB each.
    """

    def __init__(
        self,
        *,
        workers: int,
        deadline: timedelta = timedelta(seconds=10),
        memory_bytes: int = 1_000_000_000,
        idle: timedelta = timedelta(minutes=5),
        clock: Clock | None = None,
    ) -> None:
        self._deadline = deadline.total_seconds()
        self._clock = clock or SystemClock()
        self._overran: set[str] = set()

        def lane(workers: int, niceness: int) -> WorkerPool:
            preload = ("monitor.parse.pool",)
            return WorkerPool(workers=workers, memory_bytes=memory_bytes, niceness=niceness, idle=idle, preload=preload)

        self._slow = lane(max(1, workers // 2), _SLOW_NICENESS)
        self._quick = lane(workers - workers // 2, _QUICK_NICENESS) if workers > 1 else None

    async def parse(self, body: bytes, *, content_type: str | None, url: str) -> ParseResult:
        """See `Parser.parse`; a caller that is cancelled kills the worker."""
        size = len(body)
        job = partial(parse_document, body, content_type=content_type, url=url)
        if self._quick is not None and url not in self._overran:
            read = await self._quick.do(job, seconds=self._quick_seconds, size=0, patience=None)
            if not (isinstance(read, Ended) and read.late):
                return _told(read)
            if len(self._overran) < _MAX_REMEMBERED:
                self._overran.add(url)
        began = self._clock.monotonic()
        read = await self._slow.do(job, seconds=self._deadline, size=size, patience=2 * self._deadline)
        if self._clock.monotonic() - began < self._quick_seconds:
            self._overran.discard(url)
        return _told(read)

    async def clean(self, items: Sequence[Item], *, now: datetime) -> Cleaned | ParseFailed:
        """See `Parser.clean`; as with `parse`."""
        job = partial(_clean, tuple(items), now=now)
        lane = self._quick or self._slow
        done = await lane.do(job, seconds=self._quick_seconds, size=0, patience=self._deadline)
        if not isinstance(done, Ended):
            return Cleaned(entries=done)
        return _told(done) if done.stopped else await self._clean_each(items, now=now)

    async def read_page(self, body: bytes, *, content_type: str | None) -> PageText | ParseFailed:
        """See `PageReader.read_page`; as with `parse`."""
        job = partial(read_page, body, content_type=content_type)
        return _told(await self._slow.do(job, seconds=self._deadline, size=len(body), patience=None))

    def close(self) -> None:
        """See `Parser.close`; documents still in work become `ParseFailed`."""
        for lane in filter(None, (self._quick, self._slow)):
            lane.close()

    @property
    def _quick_seconds(self) -> float:
        return min(_QUICK_SECONDS, self._deadline)

    async def _clean_each(self, items: Sequence[Item], *, now: datetime) -> Cleaned | ParseFailed:
        """Items some of which take too long together: one by one while there is time, the short ones first.

        Those that are left over, or take too long by themselves, are read without an HTML parser.
        """
        entries: dict[str, Entry] = {}
        ends = self._clock.monotonic() + self._deadline
        for item in sorted(items, key=size_of):
            left = ends - self._clock.monotonic()
            if left <= 0:
                break
            job = partial(clean_item, item, now=now)
            seconds = min(self._quick_seconds, left)
            done = await self._slow.do(job, seconds=seconds, size=size_of(item), patience=left)
            if isinstance(done, Entry):
                entries[item.key] = done
            elif done.stopped:
                return _told(done)
        hard = [item for item in items if item.key not in entries]
        roughly = await self._clean_roughly(hard, now=now) if hard else ()
        if isinstance(roughly, Ended):
            return _told(roughly)
        entries |= {entry.key: entry for entry in roughly}
        return Cleaned(entries=tuple(entries[item.key] for item in items), rough=len(hard))

    async def _clean_roughly(self, items: Sequence[Item], *, now: datetime) -> tuple[Entry, ...] | Ended:
        """With their words alone; without those as well where even that takes too long. `Ended`: a stop."""
        job = partial(_clean, tuple(map(without_markup, items)), now=now)
        size = sum(map(size_of, items))
        done = await self._slow.do(job, seconds=self._deadline, size=size, patience=None)
        if not isinstance(done, Ended) or done.stopped:
            return done
        entries = []
        for item in items:
            entries.append(clean_item(without_texts(item), now=now))
            await self._clock.sleep(0)
        return tuple(entries)


def _told(found: _T | Ended) -> _T | ParseFailed:
    return ParseFailed(detail=found.detail) if isinstance(found, Ended) else found


# In a worker.


def _clean(items: tuple[Item, ...], *, now: datetime) -> tuple[Entry, ...]:
    return tuple(clean_item(item, now=now) for item in items)
