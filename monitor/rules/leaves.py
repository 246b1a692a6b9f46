"""The parts that look at words: each finds stretches of an article's code, in the view that it is asked about.

What a part finds in a stream it finds once; parts that mean the same are one object, so one rule's work serves others.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from monitor.rules.vocabulary import BREAK

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monitor.rules.article import Article, Span, Stream
    from monitor.rules.tree import FieldName

REGEX_SECONDS = 0.05
_MAX_REGEX_HITS = 1000


class SlowRegexError(Exception):
    """A pattern had not finished with a text after `REGEX_SECONDS`; the article counts as not matched by its rule."""

    def __init__(self, start: int, end: int) -> None:
        super().__init__(f"a regular expression took longer than {REGEX_SECONDS * 1000:.0f} ms on one text")
        self.start = start
        self.end = end


class Mark(NamedTuple):
    """What is shown of a stretch: the words [start, end) of a stream."""

    start: int
    end: int
    weight: float


class Chars(NamedTuple):
    """What is shown of a pattern's match: the characters [start, end) of a field."""

    field: FieldName
    start: int
    end: int
    weight: float


class Stretch(NamedTuple):
    """Words [start, end) that a positional part has found, and what is shown of them."""

    start: int
    end: int
    marks: tuple[Mark | Chars, ...]


class View(NamedTuple):
    """What is looked at.

    Attributes:
        ranges: Positions [start, end), rising, apart.
        extent: "article": all of title, summary, content and page, for which an article's set of terms is the answer;
            "field": all of a field; "part": less than that.
    """

    stream: Stream
    ranges: tuple[Span, ...]
    extent: Literal["article", "field", "part"]

    def clipped(self, spans: Sequence[Span]) -> View:
        """What lies in `spans` as well; they are rising and apart."""
        ranges = (
            (max(low, start), min(high, end))
            for low, high in self.ranges
            for start, end in spans
            if start < high and low < end
        )
        return View(self.stream, tuple(ranges), "part")

    def covers(self, start: int, end: int) -> bool:
        """Whether all of [start, end) is looked at."""
        return any(low <= start and end <= high for low, high in self.ranges)


def _seen(stretches: list[Stretch], view: View) -> list[Stretch]:
    if view.extent == "article":
        return stretches
    return [found for found in stretches if view.covers(found.start, found.end)]


@dataclass(frozen=True, slots=True)
class Word:
    """One word."""

    number: int
    weight: float

    def holds(self, article: Article, view: View) -> bool:
        if view.extent == "article":
            return self.number in article.present
        code = view.stream.code
        return any(code.find(char, low, high) >= 0 for char in article.chars(self.number) for low, high in view.ranges)

    def stretches(self, article: Article, view: View) -> list[Stretch]:
        found = view.stream.cache.get(id(self))
        if found is None:
            positions = view.stream.positions(article.chars(self.number))
            found = [Stretch(at, at + 1, (Mark(at, at + 1, self.weight),)) for at in positions]
            view.stream.cache[id(self)] = found
        return _seen(found, view)

    def hits(self, article: Article, view: View) -> Iterator[Mark | Chars]:
        return _marks(self.stretches(article, view))


def _marks(stretches: list[Stretch]) -> Iterator[Mark | Chars]:
    for found in stretches:
        yield from found.marks


@dataclass(frozen=True, slots=True)
class Phrase:
    """Two or more words, one after the other.

    Attributes:
        inner: Distances from the first word at which a sentence must not begin.
    """

    numbers: tuple[int, ...]
    inner: tuple[int, ...]
    weight: float

    def holds(self, article: Article, view: View) -> bool:
        if view.extent == "article" and not article.present.issuperset(self.numbers):
            return False
        return bool(self.stretches(article, view))

    def stretches(self, article: Article, view: View) -> list[Stretch]:
        found = view.stream.cache.get(id(self))
        if found is None:
            length = len(self.numbers)
            found = [
                Stretch(at, at + length, (Mark(at, at + length, self.weight),))
                for at in self._starts(article, view.stream)
                if self._is_one_sentence(view.stream, at)
            ]
            view.stream.cache[id(self)] = found
        return _seen(found, view)

    def hits(self, article: Article, view: View) -> Iterator[Mark | Chars]:
        return _marks(self.stretches(article, view))

    def _starts(self, article: Article, stream: Stream) -> list[int]:
        options = [
            chars if len(chars) == 1 else tuple(stream.chars.intersection(chars))
            for chars in map(article.chars, self.numbers)
        ]
        if not all(options):
            return []
        if all(len(chars) == 1 for chars in options):
            return _occurrences(stream.code, "".join(chars[0] for chars in options))
        code, length = stream.code, len(options)
        pivot = min(range(length), key=lambda place: len(options[place]))
        starts = (at - pivot for at in stream.positions(options[pivot]))
        return [
            start
            for start in starts
            if 0 <= start <= len(code) - length
            and all(code[start + place] in chars for place, chars in enumerate(options))
        ]

    def _is_one_sentence(self, stream: Stream, start: int) -> bool:
        stops = stream.may_end(start, start + len(self.numbers)) if self.inner else ()
        return not any(stop - start in self.inner and stream.begins_sentence(stop) for stop in stops)


def _occurrences(code: str, wanted: str) -> list[int]:
    """Where it begins, overlapping ones included."""
    found, at = list[int](), code.find(wanted)
    while at >= 0:
        found.append(at)
        at = code.find(wanted, at + 1)
    return found


@dataclass(frozen=True, slots=True)
class Scattered:
    """Words in any order with at most `slop` others among them, in one block."""

    numbers: tuple[int, ...]
    slop: int
    weight: float

    def holds(self, article: Article, view: View) -> bool:
        return bool(self.stretches(article, view))

    def stretches(self, article: Article, view: View) -> list[Stretch]:
        found = view.stream.cache.get(id(self))
        if found is None:
            found = [Stretch(*span, (Mark(*span, self.weight),)) for span in self._spans(article, view.stream)]
            view.stream.cache[id(self)] = found
        return _seen(found, view)

    def hits(self, article: Article, view: View) -> Iterator[Mark | Chars]:
        return _marks(self.stretches(article, view))

    def _spans(self, article: Article, stream: Stream) -> list[Span]:
        """The shortest stretches: none of them holds another."""
        options = [frozenset(article.chars(number)) for number in self.numbers]
        places = stream.positions(set().union(*options))
        spans: list[Span] = []
        for number, first in enumerate(places):
            block_end = stream.code.find(BREAK, first)
            limit = min(first + len(options) + self.slop, block_end if block_end >= 0 else len(stream.code))
            chosen = list[int]()
            for place in islice(places, number, None):
                if place >= limit:
                    break
                chosen.append(place)
                if len(chosen) >= len(options) and _assignable(options, [stream.code[at] for at in chosen]):
                    spans.append((first, place + 1))
                    break
        return [
            span
            for number, span in enumerate(spans)
            if number + 1 == len(spans) or spans[number + 1][1] > span[1]  # starts rise, so the next is the narrower
        ]


def _assignable(options: Sequence[frozenset[str]], words: Sequence[str]) -> bool:
    """Whether each option can have a word of its own (bipartite matching by augmenting paths)."""
    taken: dict[int, int] = {}

    def place(option: int, tried: set[int]) -> bool:
        for number, word in enumerate(words):
            if word in options[option] and number not in tried:
                tried.add(number)
                if number not in taken or place(taken[number], tried):
                    taken[number] = option
                    return True
        return False

    return all(place(option, set()) for option in range(len(options)))


@dataclass(frozen=True, slots=True)
class Pattern:
    """A user's regular expression.

    Attributes:
        literal: The number of the term that a text with a match has, if known.
    """

    compiled: Any
    literal: int | None
    weight: float
    start: int
    end: int

    def holds(self, article: Article, view: View) -> bool:
        return bool(self._matches(article, view))

    def stretches(self, article: Article, view: View) -> list[Stretch]:
        stretches = list[Stretch]()
        for match in self._matches(article, view):
            first, last = view.stream.words(match.field, match.start, match.end)
            if first < last:
                stretches.append(Stretch(first, last, (match,)))
        return sorted(stretches)

    def hits(self, article: Article, view: View) -> Iterator[Mark | Chars]:
        yield from self._matches(article, view)

    def _matches(self, article: Article, view: View) -> list[Chars]:
        found = self._everywhere(article, view.stream)
        match view.extent:
            case "article":
                return found
            case "field":
                names = {name for name, bounds in view.stream.bounds.items() if bounds in view.ranges}
                return [match for match in found if match.field in names]
            case "part":
                return [match for match in found if self._is_in(match, view)]

    @staticmethod
    def _is_in(match: Chars, view: View) -> bool:
        first, last = view.stream.words(match.field, match.start, match.end)
        return first < last and view.covers(first, last)

    def _everywhere(self, article: Article, stream: Stream) -> list[Chars]:
        """Every match in the stream; a pattern that was too slow with it is not tried again."""
        found = stream.cache.get(id(self))
        if found is None:
            found = list[Chars]()
            try:
                if self.literal is None or stream.chars.intersection(article.chars(self.literal)):
                    for name, text in stream.texts():
                        found += [Chars(name, *span, self.weight) for span in self._spans(text)]
            except TimeoutError:
                found = _TOO_SLOW
            stream.cache[id(self)] = found
        if found is _TOO_SLOW:
            raise SlowRegexError(self.start, self.end)
        return found

    def _spans(self, text: str) -> Iterator[Span]:
        for found in islice(self.compiled.finditer(text, timeout=REGEX_SECONDS), _MAX_REGEX_HITS):
            if found.end() > found.start():
                yield found.span()


_TOO_SLOW: list[Chars] = []
