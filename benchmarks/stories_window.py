"""What placing an entry costs, in time and memory, with ten thousand entries in the window and with a million."""

from __future__ import annotations

import gc
import random
import sys
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from resource import getpagesize
from statistics import median
from time import process_time
from typing import TYPE_CHECKING, Any

from benchmarks.process import Contestant
from benchmarks.report import Report
from monitor.model import Entry
from monitor.stories.clues import clues_of
from monitor.stories.index import StoryIndex

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_VOCABULARY = 300_000
_OUTLETS = 5_000
_REPORTS = 0.3  # of the entries report what one shortly before them did
_RECENT = 200
_ROUNDS = 5
_MEASURED = 400  # entries in a round
_START = datetime(2026, 11, 23, tzinfo=UTC)
_WINDOW = timedelta(hours=72)


def run(*, quick: bool) -> Report:
    """One process for headlines and one for texts, each filling its window step by step."""
    sizes = (2_000, 10_000) if quick else (10_000, 100_000, 1_000_000)
    figures: dict[str, Any] = {}
    for kind in ("headlines", "texts"):
        command = (sys.executable, "-m", "benchmarks.stories_window")
        with Contestant(command, {"kind": kind}) as filled:
            figures[kind] = [filled.ask({"size": size}) for size in sizes]
    return _report(figures)


def _report(figures: dict[str, Any]) -> Report:
    rows = [
        (
            f"{kind}, {figure['size']:,} in the window",
            *(f"{figure[name]:.0f}" for name in ("clues_us", "place_us", "forget_us", "per_second", "bytes")),
            f"{figure['place_us'] / steps[0]['place_us']:.2f}",
        )
        for kind, steps in figures.items()
        for figure in steps
    ]
    last = figures["texts"][-1]
    return Report(
        title="stories_window: made-up news, three in ten about what is in the window; CPU time of one process",
        columns=("", "clues µs", "place µs", "forget µs", "entries/s, all told", "bytes/member", "× first"),
        rows=tuple(rows),
        summary=f"with {last['size']:,} texts in the window {last['per_second']:.0f} entries/s, "
        f"{last['bytes']:.0f} bytes a member",
        figures=figures,
    )


# ---------------------------------------------------------------------------------------------------- the other process


class _News:
    """Headlines, and texts if wished, in words under Zipf's law."""

    def __init__(self, *, texts: bool) -> None:
        self._drawn = random.Random(6)
        self._texts = texts
        letters = "etaoinshrdlucmfwypvbgk"
        self._words = [
            "".join(self._drawn.choices(letters, k=2 + len(str(rank)) + rank % 3)) for rank in range(_VOCABULARY)
        ]
        self._weights = list(accumulate(1 / (rank + 10) for rank in range(_VOCABULARY)))
        self._recent: list[tuple[list[str], str]] = []

    def entries(self) -> Iterator[tuple[Entry, int | None]]:
        """Without end; each with how many entries before it stands what it reports anew, or None."""
        number = 0
        while True:
            ago = self._drawn.randrange(1, _RECENT) if number > _RECENT and self._drawn.random() < _REPORTS else None
            if ago is None:
                title, text = self._draw(self._drawn.randrange(7, 13)), " ".join(self._draw(40 if self._texts else 0))
            else:
                title, text = self._recent[-ago]
                title = [*self._drawn.sample(title, 5), *self._draw(3)]
            self._recent = [*self._recent[1 - _RECENT :], (title, text)]
            yield Entry(key="", title=" ".join(title), summary=text, source=f"outlet {number % _OUTLETS}"), ago
            number += 1

    def _draw(self, count: int) -> list[str]:
        return self._drawn.choices(self._words, cum_weights=self._weights, k=count)


class _Filling:
    """An index that grows to a size and is measured there."""

    def __init__(self, *, texts: bool) -> None:
        self._entries = _News(texts=texts).entries()
        for _ in range(_RECENT):  # what a process needs anyway: tables, caches
            next(self._entries)
        gc.collect()
        self._empty = _resident()
        self._index = StoryIndex(_WINDOW)
        self._stories: list[str] = []
        self._number = 0

    def grow(self, size: int) -> None:
        """Take up entries as a store has them, until there are so many."""
        while len(self._index) < size:
            entry, ago = next(self._entries)
            story = f"{self._number:032x}" if ago is None or ago > len(self._stories) else self._stories[-ago]
            self._index.add(self._number, clues_of(entry), at=self._now(), story=story)
            self._stories = [*self._stories[1 - _RECENT :], story]
            self._number += 1

    def measure(self) -> dict[str, float]:
        """Medians over rounds, of CPU time; the window moves on by as many as come in."""
        size = len(self._index)
        gc.collect()
        grown = _resident() - self._empty
        rounds = [self._round(size) for _ in range(_ROUNDS)]
        clues, place, forget = (median(times) / _MEASURED * 1e6 for times in zip(*rounds, strict=True))
        return {
            "size": size,
            "clues_us": clues,
            "place_us": place,
            "forget_us": forget,
            "per_second": 1e6 / (clues + place + forget),
            "bytes": grown / size,
        }

    def _round(self, size: int) -> tuple[float, float, float]:
        entries = [next(self._entries)[0] for _ in range(_MEASURED)]
        begun = process_time()
        clues = [clues_of(entry) for entry in entries]
        read = process_time()
        for each in clues:
            self._index.place(self._number, each, at=self._now(), begin=f"{self._number:032x}")
            self._number += 1
        placed = process_time()
        for number in range(self._number - size - _MEASURED, self._number - size):
            self._index.forget(_at(number + 1))
        return read - begun, placed - read, process_time() - placed

    def _now(self) -> datetime:
        return _at(self._number)


def _at(number: int) -> datetime:
    """A million in three days."""
    return _START + number * timedelta(seconds=0.25)


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * getpagesize()


def _main(lines: Sequence[str] | None = None) -> None:
    import json  # noqa: PLC0415 -- only this side of the two processes speaks it

    filling: _Filling | None = None
    for line in lines or sys.stdin:
        question = json.loads(line)
        if filling is None:
            filling = _Filling(texts=question["kind"] == "texts")
            answer: dict[str, float] = {}
        else:
            filling.grow(question["size"])
            answer = filling.measure()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _main()
