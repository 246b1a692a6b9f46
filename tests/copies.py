"""What the clustering of stories is held against: real entries, copies of them as outlets make them, and headlines."""

from __future__ import annotations

import csv
import os
import random
import re
import warnings
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.model import Entry, ParseFailed, Placement
from monitor.parse.document import parse_entries
from monitor.parse.text import plain_text
from monitor.stories.clues import clues_of
from monitor.stories.index import StoryIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DATA = Path(os.environ.get("NEWS_MONITOR_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
HEADLINES = DATA / "stories" / "headlines.csv"
FEEDS = DATA / "feeds" / "real"
WINDOW = timedelta(hours=72)
_NOW = datetime(2026, 11, 23, tzinfo=UTC)
# Fewer words than a lead has are no text whose copy could be told by it.
_LEAD = 25

# What several of the real feeds report: read, and judged to be one event each.
_EVENTS = tuple(
    re.compile(pattern)
    for pattern in (
        r"jesse jackson",
        r"colbert",
        r"france.*right|french.*right",
        r"iran",
        r"alleged drug",
        r"guthrie",
        r"duvall",
        r"new year.*celebration",
        r"ukrain.*russia|russia.*ukrain",
        r"annexation|west bank",
        r"bangladesh",
        r"canada.*suspect|suspect.*canada|canada.*kills",
        r"snap election",
        r"rubio.*europe|europe.*rubio",
        r"peru.*congress",
        r"pelicot",
        r"kosovo",
        r"takaichi.*(reappoint|becomes|wins)",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """A line of headlines.csv."""

    at: datetime
    entry: Entry
    story: str


@cache
def headlines() -> tuple[Headline, ...]:
    """All of them, in order of time; none where the file is missing."""
    if not HEADLINES.is_file():
        return ()
    with HEADLINES.open(encoding="utf-8", newline="") as file:
        return tuple(
            Headline(
                at=datetime.fromtimestamp(int(row["published_ms"]) / 1000, UTC),
                entry=Entry(key=row["url"], title=row["title"], link=row["url"], source=row["publisher"]),
                story=row["story"],
            )
            for row in csv.DictReader(file)
        )


@cache
def real_entries() -> tuple[tuple[str, Entry], ...]:
    """(feed, entry) for all entries of the real feeds; none where they are missing."""
    found: list[tuple[str, Entry]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in sorted(FEEDS.glob("*.xml")):
            url = f"https://{path.stem}.example/feed.xml"
            result = parse_entries(path.read_bytes(), content_type=None, url=url, now=_NOW)
            if not isinstance(result, ParseFailed):
                found += [(path.stem, entry) for entry in result[1]]
    return tuple(found)


# --------------------------------------------------------------------------------------------------------------- copies


def _text(entry: Entry) -> str:
    return max(entry.content, entry.summary, key=len)


def _cut(entry: Entry, length: int) -> Entry:
    return replace(entry, summary=_text(entry)[:length].rsplit(" ", 1)[0] + " …", content="")


def _with_dateline(entry: Entry, drawn: random.Random) -> Entry:
    line = drawn.choice(("LONDON (Reuters) - ", "By Jane Doe, Staff Writer | ", "BERLIN, Nov. 23 — ", "(AP) "))
    return replace(entry, summary=f"{line}{_text(entry)} © 2026 Example Media.", content="")


def _wrapped(entry: Entry, drawn: random.Random) -> Entry:
    """In other paragraphs, and with markup around some words."""
    words = [word.replace("&", "&amp;").replace("<", "&lt;") for word in _text(entry).split()]
    marked = [f"<b>{word}</b>" if drawn.random() < 0.1 else word for word in words]
    html = "".join(f"<p>{' '.join(marked[at : at + 12])}</p>\n\n" for at in range(0, len(marked), 12))
    return replace(entry, summary="", content=plain_text(html))


def _retitled(entry: Entry, drawn: random.Random) -> Entry:
    """Under the title of another article, which is as hard as it can be."""
    return replace(entry, title=drawn.choice(real_entries())[1].title)


def _touched_up(entry: Entry, drawn: random.Random) -> Entry:
    form = drawn.choice(("UPDATE 1-{}", "{} - Daily Example", "{} | Example News", "Exclusive: {}"))
    return replace(entry, title=form.format(entry.title))


COPIES: dict[str, Callable[[Entry, random.Random], Entry]] = {
    "cut to 160 characters": lambda entry, _: _cut(entry, 160),
    "another title": _retitled,
    "another dateline": _with_dateline,
    "other markup": _wrapped,
    "title touched up, cut to 100": lambda entry, drawn: _cut(_touched_up(entry, drawn), 100),
    "all of it, cut to 200": lambda entry, drawn: _cut(
        _with_dateline(_wrapped(_retitled(entry, drawn), drawn), drawn), 200
    ),
}


def joined_copies(every: int = 1) -> dict[str, float]:
    """The share of copies, by kind, that join the story of what they were copied from; of every so-manieth entry."""
    entries = real_entries()
    index = StoryIndex(WINDOW)
    stories = [place(index, number, entry, feed).story for number, (feed, entry) in enumerate(entries)]
    copied = [number for number, (_, entry) in enumerate(entries) if len(_text(entry).split()) >= _LEAD][::every]
    drawn = random.Random(6)
    joined: Counter[str] = Counter()
    for number in copied:
        for kind, make in COPIES.items():
            copy = replace(make(entries[number][1], drawn), link="", source="")
            found = place(index, len(entries), copy, "elsewhere", later=timedelta(hours=1))
            index.drop(len(entries))
            joined[kind] += found.story == stories[number]
    return {kind: joined[kind] / len(copied) for kind in COPIES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Joins:
    """Pairs of titles of different feeds that were joined, in the order in which they were, and of how many entries."""

    entries: int
    right: tuple[tuple[str, str], ...]
    wrong: tuple[tuple[str, str], ...]


def joins_across_feeds() -> Joins:
    """All real entries as if they had come in three days; what is joined with an entry of another feed."""
    entries = real_entries()
    index = StoryIndex(WINDOW)
    pairs: list[tuple[str, str]] = []
    for number, (feed, entry) in enumerate(entries):
        found = place(index, number, entry, feed)
        if not found.begins and found.like is not None and entries[found.like][0] != feed:
            pairs.append((entry.title, entries[found.like][1].title))
    right = tuple(pair for pair in pairs if _is_one_event(*pair))
    return Joins(entries=len(entries), right=right, wrong=tuple(pair for pair in pairs if pair not in right))


def _is_one_event(one: str, other: str) -> bool:
    return any(event.search(one.casefold()) and event.search(other.casefold()) for event in _EVENTS)


def place(index: StoryIndex, number: int, entry: Entry, outlet: str, *, later: timedelta = timedelta(0)) -> Placement:
    """Place an entry, a second after the one before it."""
    at = _NOW + later + timedelta(seconds=number)
    return index.place(number, clues_of(entry, outlet=outlet), at=at, begin=f"story {number}")


# -------------------------------------------------------------------------------------------------------------- figures


def b_cubed(found: Sequence[str], true: Sequence[str]) -> tuple[float, float]:
    """Precision and recall, averaged over members (Bagga and Baldwin, 1998)."""
    both, of_found, of_true = Counter(zip(found, true, strict=True)), Counter(found), Counter(true)
    precision = sum(n * n / of_found[ours] for (ours, _), n in both.items())
    recall = sum(n * n / of_true[theirs] for (_, theirs), n in both.items())
    return precision / len(true), recall / len(true)


def pairwise(found: Sequence[str], true: Sequence[str]) -> tuple[float, float]:
    """Precision and recall of pairs that stand together."""

    def pairs(groups: Counter[str] | Counter[tuple[str, str]]) -> int:
        return sum(n * (n - 1) // 2 for n in groups.values())

    both = pairs(Counter(zip(found, true, strict=True)))
    return both / max(pairs(Counter(found)), 1), both / max(pairs(Counter(true)), 1)


def clustered(lines: Sequence[Headline]) -> list[str]:
    """The stories that these headlines get, one after the other."""
    index = StoryIndex(WINDOW)
    return [
        index.place(number, clues_of(line.entry), at=line.at, begin=f"story {number}").story
        for number, line in enumerate(lines)
    ]
