"""A stretch of an entry's text ▸ an excerpt of at most so many characters, its hits marked.

Nothing is ever cut but at a blank, or between two characters of a script that has none: no word, no address and no
character made of several (an emoji, a letter with its vowel signs) is cut in two.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import regex

from monitor.alerts.safe import character_at
from monitor.model import Excerpt

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Mark(NamedTuple):
    """A hit, or several that overlap: characters [start, end) of a text, without blanks at the ends."""

    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class Stretch:
    """[start, end) of a text, without blanks at the ends, with the hits that it holds, in order and apart."""

    text: str
    start: int
    end: int
    marks: tuple[Mark, ...]

    def terms(self) -> dict[str, tuple[int, float]]:
        """How often each different hit stands there, and its weight."""
        found: dict[str, tuple[int, float]] = {}
        for mark in self.marks:
            term = term_of(self.text, mark)
            count, weight = found.get(term, (0, 0.0))
            found[term] = (count + 1, max(weight, mark.weight))
        return found


def term_of(text: str, mark: Mark) -> str:
    """What makes two hits the same one: roughly how the rules fold words."""
    return text[mark.start : mark.end].casefold().replace("’", "'").removesuffix("'s")


# What is never cut: a run without blanks, except that scripts written without blanks may be cut between characters.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_UNIT = regex.compile(rf"(?=[{_UNSPACED}])\X|[^\s{_UNSPACED}]+", regex.VERSION1)
# Of one sentence; a hostile one may have thousands.
_MAX_MARKS = 500
_BLANKS = regex.compile(r"\s+")


def whole(stretch: Stretch) -> Excerpt:
    """All of it."""
    return _excerpt(stretch, stretch.start, stretch.end)


def cut(stretch: Stretch, max_chars: int) -> Excerpt:
    """The stretch, or where it is too long the part of it that shows the most hits.

    Where a single word is longer than `max_chars`, up to twice as much is given before the word is cut.
    """
    if stretch.end - stretch.start <= max_chars:
        return whole(stretch)
    budget = max_chars - 2  # an … at either end
    units = [found.span() for found in _UNIT.finditer(stretch.text, stretch.start, stretch.end)]
    first, last = _core(stretch, units, budget)
    first, last = _widened(units, first, last, budget)
    start, end = units[first][0], units[last][1]
    if end - start > 2 * max_chars:  # one endless word
        if stretch.marks:
            start = max(start, character_at(stretch.text, stretch.marks[0].start - max_chars // 2))
        end = min(end, max(start + 1, character_at(stretch.text, start + budget)))
    return _excerpt(stretch, start, end)


def _core(stretch: Stretch, units: Sequence[tuple[int, int]], budget: int) -> tuple[int, int]:
    """First and last unit of the part within `budget` whose different hits weigh most; of one hit at least."""
    starts = [start for start, _ in units]
    hits = [
        (bisect_right(starts, mark.start) - 1, bisect_left(starts, mark.end) - 1, term_of(stretch.text, mark), mark)
        for mark in stretch.marks[:_MAX_MARKS]
    ]
    best, most = (0, 0), 0.0
    for number, (first, last, term, mark) in enumerate(hits):
        begin = units[max(0, first)][0]
        inside = [hit for hit in hits[number : number + 50] if units[hit[1]][1] - begin <= budget]
        weight = sum({term: mark.weight, **{hit[2]: hit[3].weight for hit in inside}}.values())
        if weight > most:
            best, most = (max(0, first), max((hit[1] for hit in inside), default=last)), weight
    first, last = best
    while last > first and units[last][1] - units[first][0] > budget:
        last -= 1
    return first, last


def _widened(units: Sequence[tuple[int, int]], first: int, last: int, budget: int) -> tuple[int, int]:
    """As many units around as fit, on both sides alike."""
    grew = True
    while grew:
        grew = False
        if last + 1 < len(units) and units[last + 1][1] - units[first][0] <= budget:
            last, grew = last + 1, True
        if first > 0 and units[last][1] - units[first - 1][0] <= budget:
            first, grew = first - 1, True
    return first, last


def _excerpt(stretch: Stretch, start: int, end: int) -> Excerpt:
    """Text [start, end) on one line, with … where a sentence goes on, and the hits at their new places."""
    before = "…" if start > stretch.start else ""
    after = "…" if end < stretch.end else ""
    marks = [(max(mark.start, start), min(mark.end, end)) for mark in stretch.marks]
    marks = [mark for mark in marks if mark[0] < mark[1]]
    pieces, places, length = [before], {start: len(before)}, len(before)
    for left, right in pairwise(_edges(start, end, marks)):
        piece = _BLANKS.sub(" ", stretch.text[left:right])
        pieces.append(piece)
        length += len(piece)
        places[right] = length
    text = "".join([*pieces, after])
    lead = len(text) - len(text.lstrip())
    return Excerpt(text=text.strip(), marks=tuple((places[one] - lead, places[other] - lead) for one, other in marks))


def _edges(start: int, end: int, marks: Iterable[tuple[int, int]]) -> list[int]:
    return sorted({start, end, *(edge for mark in marks for edge in mark)})
