"""An entry as the rules see it: its fields as codes (`monitor.rules.vocabulary`), and the way back to its text.

Everything but the codes of title, summary, content and page is worked out only when something asks for it: most rules
are ruled out by the set of the article's terms alone.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from functools import cached_property
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from monitor.rules.language import is_kind_of, language_of
from monitor.rules.vocabulary import BREAK, FIELD_BORDER, STOP
from monitor.sentences import sentences

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence, Set

    from monitor.model import Entry
    from monitor.rules.tree import FieldName
    from monitor.rules.vocabulary import Vocabulary

# Of each field; what stands further down is not looked at.
MAX_CHARS = 100_000
_PIECE = re.compile(r"\S+")

Span = tuple[int, int]


class Place(NamedTuple):
    """Characters [start, end) of a field."""

    field: FieldName
    start: int
    end: int


class _Line:
    """A block of a field: from positions to characters and back."""

    def __init__(self, text: str, *, begin: int, base: int, vocabulary: Vocabulary) -> None:
        """Args: `text`, the block; `begin`, its offset in the field; `base`, the position of its first word."""
        self.text = text
        self.begin = begin
        self.base = base
        found = list(_PIECE.finditer(text))
        self._starts = [piece.start() for piece in found]
        self._spans = [vocabulary.spans(piece[0]) for piece in found]
        # Of each piece its first position; one without words comes before the one it shares that with.
        *self._firsts, self.end = accumulate(map(len, self._spans), initial=base)

    def span(self, position: int) -> Span:
        """[start, end) in the field of the word at a position."""
        number = bisect_right(self._firsts, position) - 1
        start, end = self._spans[number][position - self._firsts[number]]
        offset = self.begin + self._starts[number]
        return offset + start, offset + end

    def first_from(self, offset: int) -> int:
        """The position of the first word that ends after this offset of the field, or the end of the block."""
        number = bisect_right(self._starts, offset - self.begin) - 1
        for piece in range(max(number, 0), len(self._starts)):
            for place, (_, end) in enumerate(self._spans[piece]):
                if self.begin + self._starts[piece] + end > offset:
                    return self._firsts[piece] + place
        return self.end


class Stream:
    """One or several fields as one code, far enough from each other that nothing reaches over.

    Attributes:
        cache: What parts of queries have worked out, by their identity.
    """

    def __init__(self, fields: dict[FieldName, str], *, vocabulary: Vocabulary, language: str) -> None:
        self._fields = fields
        self._vocabulary = vocabulary
        self._language = language
        self._codes = vocabulary.encode(fields.values())
        self.cache: dict[int, Any] = {}

    @cached_property
    def chars(self) -> frozenset[str]:
        """The characters that occur."""
        return frozenset(self.code)

    @property
    def present(self) -> set[int]:
        """The numbers of the terms that occur."""
        return self._vocabulary.terms_in(set(self._codes))

    def present_in(self, name: FieldName) -> set[int]:
        """The numbers of the terms that occur in one of the fields."""
        first = 0
        for before in self._fields:
            if before == name:
                break
            first = self._codes.index(FIELD_BORDER, first) + 1
        last = self._codes.index(FIELD_BORDER, first) if name != tuple(self._fields)[-1] else len(self._codes)
        return self._vocabulary.terms_in(set(self._codes[first:last]))

    @cached_property
    def _with_stops(self) -> str:
        return "".join(self._codes)

    @cached_property
    def code(self) -> str:
        """A character for each position."""
        return self._with_stops.replace(STOP, "")

    @cached_property
    def bounds(self) -> dict[FieldName, Span]:
        """Positions [first, last) of each field."""
        bounds: dict[FieldName, Span] = {}
        at = 0
        for name, code in zip(self._fields, self.code.split(FIELD_BORDER), strict=True):
            bounds[name] = (at, at + len(code))
            at += len(code) + len(FIELD_BORDER)
        return bounds

    def positions(self, chars: Iterable[str]) -> list[int]:
        """Where one of these characters stands, rising."""
        code, found, many = self.code, list[int](), 0
        for char in chars:
            at = code.find(char)
            many += at >= 0
            while at >= 0:
                found.append(at)
                at = code.find(char, at + 1)
        if many > 1:
            found.sort()
        return found

    def may_end(self, start: int, end: int) -> list[int]:
        """Positions in (start, end) before which a sentence may have ended."""
        stops = self._stops
        return stops[bisect_right(stops, start) : bisect_left(stops, end)]

    def begins_sentence(self, position: int) -> bool:
        """Whether a sentence begins with the word at this position."""
        line = self.line(position)[1]
        return position in self._sentence_firsts(line)

    def units(self, unit: str) -> list[Span]:
        """Every sentence or paragraph that holds a word, as positions [start, end)."""
        found = self._units.get(unit)
        if found is None:
            blocks = [block for bounds in self.bounds.values() for block in self._blocks(*bounds)]
            if unit == "sentence":
                blocks = [
                    span for start, end in blocks for span in self._cut(start, end, self.sentence_firsts(start, end))
                ]
            found = self._units[unit] = blocks
        return found

    def lead(self, count: int, start: int, end: int) -> Span:
        """The first `count` words of [start, end)."""
        stop, missing = start, count
        while missing and stop < end:
            reached = min(end, stop + missing)
            missing -= reached - stop - self.code.count(BREAK, stop, reached)
            stop = reached
        return start, stop

    def sentence_at(self, position: int) -> Span:
        """The sentence of a word."""
        first, last = self.bounds[self.field(position)]
        start = self.code.rfind(BREAK, first, position) + 1 or first
        end = self.code.find(BREAK, position, last)
        firsts = self.sentence_firsts(start, end if end >= 0 else last)
        number = bisect_right(firsts, position)
        following = firsts[number] if number < len(firsts) else end if end >= 0 else last
        return max(start, firsts[number - 1] if number else start), following

    def sentence_firsts(self, start: int, end: int) -> list[int]:
        """The positions with which the sentences of a block begin; quick where it is a single one."""
        if not self.may_end(start, end):
            return [start]
        return sorted(self._sentence_firsts(self.line(start)[1]))

    def place(self, start: int, end: int) -> Place:
        """The characters of the words [start, end)."""
        field, line = self.line(start)
        begin, finish = line.span(start)
        if end > start + 1:
            finish = self.line(end - 1)[1].span(end - 1)[1]
        return Place(field, begin, finish)

    def passage(self, start: int, end: int) -> Place:
        """The characters of the sentences that hold the words [start, end)."""
        field, first = self.line(start)
        last = self.line(end - 1)[1]
        begin, finish = first.span(start)[0], last.span(end - 1)[1]
        begins = [first.begin + low for low, _ in self._sentences(first)]
        ends = [last.begin + high for _, high in self._sentences(last)]
        return Place(field, begins[bisect_right(begins, begin) - 1], ends[bisect_left(ends, finish)])

    def words(self, field: FieldName, start: int, end: int) -> Span:
        """The positions of the words that characters [start, end) of a field overlap; empty where there are none."""
        begins = self._table(field)[1]
        low = self._line(field, bisect_right(begins, start) - 1)
        high = self._line(field, bisect_right(begins, max(start, end - 1)) - 1)
        first = low.first_from(start)
        last = high.first_from(end - 1)
        if last < high.end and high.span(last)[0] < end:
            last += 1
        # What overlaps only the end of a block has the end's position and no word of it.
        code = self.code
        while first < last and code[first] == BREAK:
            first += 1
        while first < last and code[last - 1] == BREAK:
            last -= 1
        return first, max(first, last)

    def line(self, position: int) -> tuple[FieldName, _Line]:
        """The field and the block of a position."""
        field = self.field(position)
        return field, self._line(field, bisect_right(self._table(field)[0], position) - 1)

    def field(self, position: int) -> FieldName:
        """The field of a position."""
        return next(name for name, (first, last) in self.bounds.items() if first <= position <= last)

    def texts(self) -> Iterator[tuple[FieldName, str]]:
        """The fields as they stand."""
        yield from self._fields.items()

    def _table(self, field: FieldName) -> tuple[list[int], list[int]]:
        """Of each block the position of its first word, and its offset in the field."""
        found = self._tables.get(field)
        if found is None:
            first, last = self.bounds[field]
            blocks = self.code[first:last].split(BREAK)
            *bases, _ = accumulate((len(block) + 1 for block in blocks), initial=first)
            *begins, _ = accumulate((len(block) + 1 for block in self._fields[field].split("\n")), initial=0)
            found = self._tables[field] = bases, begins
        return found

    def _line(self, field: FieldName, number: int) -> _Line:
        bases, begins = self._table(field)
        base, begin = bases[number], begins[number]
        found = self._lines.get(base)
        if found is None:
            text = self._fields[field]
            end = begins[number + 1] - 1 if number + 1 < len(begins) else len(text)
            found = self._lines[base] = _Line(text[begin:end], begin=begin, base=base, vocabulary=self._vocabulary)
        return found

    def _sentence_firsts(self, line: _Line) -> frozenset[int]:
        found = self._firsts.get(line.base)
        if found is None:
            begins = (line.begin + low for low, _ in self._sentences(line))
            found = self._firsts[line.base] = frozenset(map(line.first_from, begins))
        return found

    def _sentences(self, line: _Line) -> list[Span]:
        found = self._spans.get(line.base)
        if found is None:
            found = self._spans[line.base] = sentences(line.text, self._language)
        return found

    def _blocks(self, first: int, last: int) -> Iterator[Span]:
        at = first
        for block in self.code[first:last].split(BREAK):
            if block:
                yield at, at + len(block)
            at += len(block) + 1

    @staticmethod
    def _cut(start: int, end: int, firsts: Sequence[int]) -> Iterator[Span]:
        edges = sorted({start, end, *(first for first in firsts if start < first < end)})
        return pairwise(edges)

    @cached_property
    def _tables(self) -> dict[FieldName, tuple[list[int], list[int]]]:
        return {}

    @cached_property
    def _lines(self) -> dict[int, _Line]:
        return {}

    @cached_property
    def _firsts(self) -> dict[int, frozenset[int]]:
        return {}

    @cached_property
    def _spans(self) -> dict[int, list[Span]]:
        return {}

    @cached_property
    def _units(self) -> dict[str, list[Span]]:
        return {}

    @cached_property
    def _stops(self) -> list[int]:
        *stops, _ = accumulate(map(len, self._with_stops.split(STOP)))
        return stops


class Article:
    """An entry, the feed it came from, and what a vocabulary says about its words.

    Attributes:
        main: Title, summary and content, and the page where it was read.
        present: The numbers of the terms in those.
        feed_name: As in config.toml.
        tags: The feed's.
    """

    def __init__(self, entry: Entry, *, feed_name: str, feed_tags: Collection[str], vocabulary: Vocabulary) -> None:
        self.entry = entry
        self.feed_name = feed_name
        self._vocabulary = vocabulary
        self.tags = feed_tags
        fields: dict[FieldName, str] = {
            "title": entry.title[:MAX_CHARS],
            "summary": entry.summary[:MAX_CHARS],
            "content": entry.content[:MAX_CHARS],
        }
        if entry.page:  # few articles have one, and the others are not to pay for it
            fields["page"] = entry.page[:MAX_CHARS]
        self._in_main = fields.keys()
        self.main = Stream(fields, vocabulary=vocabulary, language=entry.language)
        self.present = self.main.present

    @cached_property
    def _others(self) -> dict[FieldName, Stream]:
        return {}

    def present_in(self, name: FieldName) -> Set[int]:
        """The numbers of the terms in one field."""
        if name in self._in_main:
            return self.main.present_in(name)
        if name == "feed":
            return self._vocabulary.terms_of_name(self.feed_name[:MAX_CHARS])
        return self.stream(name).present

    def chars(self, number: int) -> tuple[str, ...]:
        """The characters that stand for a term."""
        return self._vocabulary.chars[number]

    def stream(self, name: FieldName) -> Stream:
        """The stream that a field is part of."""
        if name in self._in_main:
            return self.main
        found = self._others.get(name)
        if found is None:
            fields = {name: self._text(name)[:MAX_CHARS]}
            found = self._others[name] = Stream(fields, vocabulary=self._vocabulary, language=self.entry.language)
        return found

    @cached_property
    def language(self) -> str:
        """See `monitor.rules.language.language_of`."""
        return language_of(self.entry)

    def is_in(self, language: str) -> bool:
        """Whether its language is this one or a kind of it."""
        return is_kind_of(self.language, language)

    @cached_property
    def domains(self) -> tuple[str, ...]:
        """The host of its address and every domain that is part of: "www.bbc.co.uk", "bbc.co.uk", "co.uk", "uk"."""
        try:
            host = (urlsplit(self.entry.link).hostname or "").removesuffix(".")
        except ValueError:  # "http://[" and its like
            host = ""
        labels = host.split(".") if host else []
        return tuple(".".join(labels[at:]) for at in range(len(labels)))

    def _text(self, name: FieldName) -> str:
        match name:
            case "author":
                return self.entry.author
            case "feed":
                return self.feed_name
            case "category":
                return "\n".join(self.entry.categories)
            case "url":
                return self.entry.link
            case "page":
                return self.entry.page
            case _:
                raise AssertionError(f"{name} is not a text of its own")
