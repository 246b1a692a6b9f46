"""Reading feeds: what they cost beside feedparser, how far both agree, and how long the event loop waits meanwhile."""

from __future__ import annotations

import asyncio
import io
import os
import time
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

import feedparser
from lxml import etree

from benchmarks.farm import feed_body
from benchmarks.process import REPOSITORY
from benchmarks.report import Report
from monitor.clock import SystemClock
from monitor.model import Document, ParseFailed
from monitor.parse.clean import clean_item
from monitor.parse.dates import parse_date
from monitor.parse.document import parse_document, read_quickly
from monitor.parse.fields import looks_like_html
from monitor.parse.items import absolute_link
from monitor.parse.pool import ParserPool
from monitor.parse.swift import SwiftParser
from monitor.parse.text import clean_line, plain_line, plain_text
from tests.hostile import HOSTILE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from monitor.model import Entry

_NOW = datetime(2026, 11, 23, tzinfo=UTC)
_URL = "https://feeds.example/x/feed.xml"
_HEADERS = {"content-type": "application/xml; charset=utf-8"}
_DATA = Path(os.environ.get("NEWS_MONITOR_TEST_DATA", REPOSITORY.parents[1] / "shared" / "data"), "feeds", "real")
_BEAT = 0.002  # seconds between two looks at the loop


def run(*, quick: bool) -> Report:
    """Every reader on every feed, one feed after the other; then the loop, with real and with hostile documents."""
    warnings.simplefilter("ignore")
    made = [feed_body(index, entries=30, paragraphs=3) for index in range(5 if quick else 20)]
    real = [path.read_bytes() for path in sorted(_DATA.glob("*.xml"))][: 20 if quick else None]
    rounds = 1 if quick else 3
    figures: dict[str, Any] = {"made up": _speed(made, rounds)}
    if real:
        figures["real"] = _speed(real, rounds)
        figures["agreement"] = _agreement(real)
    figures["loop"] = asyncio.run(_loops(real or made, seconds=2 if quick else 8))
    return _report(figures, len(made), len(real))


# ---------------------------------------------------------------------------------------------------------------- speed


def _readers() -> dict[str, Callable[[bytes], object]]:
    def ours(body: bytes) -> list[Entry]:
        document = parse_document(body, content_type=None, url=_URL)
        return [clean_item(item, now=_NOW) for item in document.items] if isinstance(document, Document) else []

    return {
        "feedparser": lambda body: feedparser.parse(io.BytesIO(body), response_headers=_HEADERS),
        "feedparser, sanitising and relative URIs off": lambda body: feedparser.parse(
            io.BytesIO(body), response_headers=_HEADERS, sanitize_html=False, resolve_relative_uris=False
        ),
        "ours, parsed": lambda body: parse_document(body, content_type=None, url=_URL),
        "ours, parsed and all cleaned": ours,
        "lxml's tree alone": lambda body: etree.fromstring(body, etree.XMLParser(recover=True, resolve_entities=False)),
    }


def _speed(bodies: Sequence[bytes], rounds: int) -> dict[str, dict[str, float]]:
    """CPU milliseconds a feed; the best of the rounds for each feed, as others work on the same cores."""
    spent: dict[str, list[float]] = {name: [] for name in _readers()}
    for body in bodies:
        for name, read in _readers().items():
            best = min(_cpu(read, body) for _ in range(1 if name == "feedparser" and rounds > 1 else rounds))
            spent[name].append(best * 1e3)
    whole = spent["feedparser"]
    return {
        name: {
            "mean_ms": sum(times) / len(times),
            "median_ms": median(times),
            "ratio_of_means": sum(whole) / sum(times),
            "median_ratio": median(theirs / one for theirs, one in zip(whole, times, strict=True)),
        }
        for name, times in spent.items()
    }


def _cpu(read: Callable[[bytes], object], body: bytes) -> float:
    started = time.process_time()
    read(body)
    return time.process_time() - started


# ------------------------------------------------------------------------------------------------------------ agreement


@dataclass(slots=True)
class _Tally:
    same: int = 0
    all: int = 0

    def count(self, same: bool) -> None:
        self.same += same
        self.all += 1


def _agreement(bodies: Iterable[bytes]) -> dict[str, Any]:
    """Each field of each entry against feedparser's defaults, whose HTML is made text by the same means.

    The text is compared with what feedparser gives without its sanitiser as well: what is the same then differs by that
    alone.
    """
    tallies = {name: _Tally() for name in ("title", "link", "id", "date", "text", "text, sanitising off")}
    fewer = elsewhere = 0
    for body in bodies:
        theirs = feedparser.parse(io.BytesIO(body), response_headers=_HEADERS)
        unsanitised = feedparser.parse(io.BytesIO(body), response_headers=_HEADERS, sanitize_html=False)
        ours = parse_document(body, content_type=None, url=_URL)
        elsewhere += read_quickly(body, content_type=None, url=_URL) is None
        entries = [clean_item(item, now=_NOW) for item in ours.items] if isinstance(ours, Document) else []
        known = {entry.guid or entry.link or entry.title: entry for entry in entries}
        fewer += len(entries) < len({e.get("id") or e.get("link") or e.get("title") for e in theirs.entries})
        # Relative links mean those of the site, on either side.
        base = (isinstance(ours, Document) and ours.link) or _URL
        for other, raw in zip(theirs.entries, unsanitised.entries, strict=True):
            key = clean_line(other.get("id") or "") or absolute_link(other.get("link") or "", base)
            entry = known.get(key)
            if entry is not None:
                _compare(entry, other, base, tallies)
                same = _same_text(entry, other)
                tallies["text"].count(same)
                tallies["text, sanitising off"].count(same or _same_text(entry, raw))
    shares = {name: 100 * tally.same / max(tally.all, 1) for name, tally in tallies.items()}
    return {"percent": shares, "entries": tallies["id"].all, "fewer": fewer, "elsewhere": elsewhere}


def _compare(entry: Entry, other: Any, base: str, tallies: dict[str, _Tally]) -> None:
    raw = dict(other)
    dates = [parse_date(raw.get(name) or "", now=_NOW) for name in ("published", "created", "updated")]
    title = raw.get("title") or ""
    tallies["id"].count(entry.guid == clean_line(raw.get("id") or ""))
    tallies["link"].count(entry.link == absolute_link(raw.get("link") or "", base))
    tallies["title"].count(entry.title in {plain_line(title, 1_000), clean_line(title, 1_000)})
    tallies["date"].count(entry.published_at == next(filter(None, dates), None))


def _same_text(entry: Entry, other: Any) -> bool:
    """Whether the longest text of both is the same."""
    raw = dict(other)
    texts = [raw.get("summary") or "", *(content.get("value") or "" for content in raw.get("content", []))]
    longest = max(map(plain_text, texts), key=len, default="")
    return _letters(max(entry.summary, entry.content, key=len)) == _letters(longest)


def _letters(text: str) -> str:
    """Words alone: sanitising moves white space about."""
    return "".join(text.split()) if not looks_like_html(text) else "".join(plain_text(text).split())


# ----------------------------------------------------------------------------------------------------------------- loop


async def _loops(bodies: Sequence[bytes], *, seconds: float) -> dict[str, Any]:
    """How late a task wakes that wants to every two milliseconds: with nothing, with feeds, with hostile ones."""
    figures: dict[str, Any] = {}
    for name, feeds, hostile in (("idle", (), False), ("feeds", bodies, False), ("and hostile ones", bodies, True)):
        pool = ParserPool(workers=2, deadline=timedelta(seconds=2))
        parser = SwiftParser(pool=pool, clock=SystemClock())
        try:
            figures[name] = await _lateness(parser, feeds, seconds=seconds, hostile=hostile)
        finally:
            await asyncio.to_thread(parser.close)
    return figures


async def _lateness(parser: SwiftParser, bodies: Sequence[bytes], *, seconds: float, hostile: bool) -> dict[str, float]:
    late: list[float] = []
    done = 0
    documents = [make() for make in HOSTILE.values()] if hostile else []
    ends = time.monotonic() + seconds

    async def beat() -> None:
        while time.monotonic() < ends:
            wanted, used = time.monotonic() + _BEAT, time.process_time()
            await asyncio.sleep(_BEAT)
            # What this process did not compute it waited for a core that others had.
            late.append(min(time.monotonic() - wanted, time.process_time() - used))

    async def read(body: bytes) -> None:
        parsed = await parser.parse(body, content_type=None, url=_URL)
        if not isinstance(parsed, ParseFailed):
            await parser.clean(parsed.items, now=_NOW)

    async def feeds() -> None:
        nonlocal done
        while bodies and time.monotonic() < ends:
            for body in bodies:
                if time.monotonic() >= ends:
                    break
                await read(body)
                done += 1
                await asyncio.sleep(0)

    async def attack() -> None:
        for body in documents:
            if time.monotonic() < ends:
                await read(body)

    await asyncio.gather(beat(), feeds(), attack())
    cuts = quantiles(late, n=100)
    return {
        "feeds_per_second": done / seconds,
        "p50_ms": median(late) * 1e3,
        "p99_ms": cuts[98] * 1e3,
        "max_ms": max(late) * 1e3,
    }


# --------------------------------------------------------------------------------------------------------------- report


def _report(figures: dict[str, Any], made: int, real: int) -> Report:
    rows = list(
        chain(
            *(
                _speed_rows(f"{count} {name}", figures[name])
                for name, count in (("made up", made), ("real", real))
                if name in figures
            )
        )
    )
    for name, loop in figures["loop"].items():
        late = f"{loop['p50_ms']:.1f} / {loop['p99_ms']:.1f} / {loop['max_ms']:.1f}"
        rows.append((f"loop, {name}", f"{loop['feeds_per_second']:.0f} feeds/s", late, "", ""))
    agreement = figures.get("agreement")
    if agreement:
        rows += [(f"same {name}", f"{share:.2f} %", "", "", "") for name, share in agreement["percent"].items()]
    best = figures.get("real", figures["made up"])
    parsed, cleaned = best["ours, parsed"], best["ours, parsed and all cleaned"]
    missing = "" if agreement else f"; no real feeds: {_DATA} is not there (NEWS_MONITOR_TEST_DATA)"
    agreed = (
        f"; {agreement['fewer']} of {real} feeds have fewer entries, {agreement['elsewhere']} need feedparser"
        if agreement
        else ""
    )
    return Report(
        title=f"parsing: {made} made-up feeds of 72 KB, {real} real ones, CPU time",
        columns=(
            "",
            "mean ms",
            "median ms (loop: own lateness p50 / p99 / max)",
            "times feedparser",
            "median of ratios",
        ),
        rows=tuple(rows),
        summary=f"feedparser takes {parsed['ratio_of_means']:.0f} times as long to parse, "
        f"{cleaned['ratio_of_means']:.0f} times with all entries cleaned{agreed}{missing}",
        figures=figures,
    )


def _speed_rows(kind: str, speed: dict[str, dict[str, float]]) -> list[tuple[str, ...]]:
    return [
        (
            f"{kind}: {name}",
            f"{one['mean_ms']:.2f}",
            f"{one['median_ms']:.2f}",
            f"{one['ratio_of_means']:.1f}",
            f"{one['median_ratio']:.1f}",
        )
        for name, one in speed.items()
    ]
