"""Tree ▸ parts that can be asked whether they hold for an article, and where.

This is what decides; the index before it only leaves out rules that cannot hold. A part is asked about a *view*: the
stretches of an article's code that are looked at, which is all of title, summary, content and page to begin with.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Literal, get_args

from monitor.model import Hit, TextField
from monitor.rules.leaves import Chars, Mark, Pattern, Phrase, Scattered, Stretch, View, Word
from monitor.rules.tree import (
    LABEL_FIELDS,
    And,
    AtLeast,
    First,
    InField,
    Listed,
    Near,
    Not,
    Or,
    Regex,
    Term,
    Wildcard,
    Within,
)
from monitor.rules.vocabulary import compiled_wildcard

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    from monitor.rules.article import Article, Span, Stream
    from monitor.rules.tree import FieldName, MetaField, Node
    from monitor.rules.vocabulary import Vocabulary

# Of more stretches than this in one text, NEAR looks at the first.
MAX_STRETCHES = 10_000


def view_of(article: Article) -> View:
    """What is looked at when a query names no field."""
    return View(article.main, tuple(article.main.bounds.values()), "article")


@dataclass(frozen=True, slots=True)
class Close:
    """A stretch of either side that share no word, `distance` words apart at most."""

    left: Part
    right: Part
    distance: int
    ordered: bool

    def holds(self, article: Article, view: View) -> bool:
        return next(self._pairs(article, view), None) is not None

    def stretches(self, article: Article, view: View) -> list[Stretch]:
        found = {
            Stretch(min(one.start, other.start), max(one.end, other.end), (*one.marks, *other.marks))
            for one, other in islice(self._pairs(article, view), MAX_STRETCHES)
        }
        return sorted(found, key=_place)

    def hits(self, article: Article, view: View) -> Iterator[Mark | Chars]:
        for one, other in islice(self._pairs(article, view), MAX_STRETCHES):
            yield from one.marks
            yield from other.marks

    def _pairs(self, article: Article, view: View) -> Iterator[tuple[Stretch, Stretch]]:
        lefts = _stretches(self.left, article, view)[:MAX_STRETCHES]
        if not lefts:
            return
        rights = _stretches(self.right, article, view)[:MAX_STRETCHES]
        starts = [stretch.start for stretch in rights]
        longest = max((stretch.end - stretch.start for stretch in rights), default=0)
        for left in lefts:
            # The right side begins at most `distance` after the left one, or ends at most that much before it.
            first = left.end if self.ordered else left.start - self.distance - longest + 1
            for number in range(bisect_left(starts, first), len(rights)):
                right = rights[number]
                if right.start >= left.end + self.distance:
                    break
                if right.start >= left.end or (right.end <= left.start and left.start - right.end < self.distance):
                    yield left, right


def _place(stretch: Stretch) -> Span:
    return stretch.start, stretch.end


def count_apart(stretches: list[Stretch], stream: Stream) -> int:
    """How many of these stretches share no word, taking each time the one that ends first.

    A page says once more what the feed gave of its article, so of the two the one that has more is counted.
    """
    starts, end = list[int](), 0
    for stretch in sorted(stretches, key=lambda found: (found.end, found.start)):
        if stretch.start >= end:
            starts.append(stretch.start)
            end = stretch.end
    title, page = stream.bounds.get("title"), stream.bounds.get("page")
    if title is None or page is None:
        return len(starts)
    before, until = bisect_left(starts, title[1]), bisect_left(starts, page[0])
    return before + max(until - before, len(starts) - until)


@dataclass(frozen=True, slots=True)
class Several:
    """At least `count` stretches that share no word."""

    part: Part
    count: int

    def holds(self, article: Article, view: View) -> bool:
        return count_apart(_stretches(self.part, article, view), view.stream) >= self.count

    def hits(self, article: Article, view: View) -> Iterator[Mark | Chars]:
        for stretch in _stretches(self.part, article, view):
            yield from stretch.marks


@dataclass(frozen=True, slots=True)
class InUnit:
    """The part holds in one sentence or one paragraph."""

    part: Part
    unit: Literal["sentence", "paragraph"]

    def holds(self, article: Article, view: View) -> bool:
        return next(self._views(article, view), None) is not None

    def hits(self, article: Article, view: View) -> Iterator[Mark | Chars]:
        for inside in self._views(article, view):
            yield from self.part.hits(article, inside)

    def _views(self, article: Article, view: View) -> Iterator[View]:
        for unit in view.stream.units(self.unit):
            inside = view.clipped((unit,))
            if inside.ranges and self.part.holds(article, inside):
                yield inside


@dataclass(frozen=True, slots=True)
class InLead:
    """The part holds in the first `count` words of each field."""

    part: Part
    count: int

    def holds(self, article: Article, view: View) -> bool:
        return self.part.holds(article, self._lead(view))

    def hits(self, article: Article, view: View) -> Iterator[Mark | Chars]:
        return self.part.hits(article, self._lead(view))

    def _lead(self, view: View) -> View:
        return view.clipped([view.stream.lead(self.count, *bounds) for bounds in view.stream.bounds.values()])


@dataclass(frozen=True, slots=True)
class InOne:
    """The part, looked for in one field."""

    part: Part
    name: FieldName

    def holds(self, article: Article, view: View) -> bool:
        return self.part.holds(article, self._view(article, view))

    def hits(self, article: Article, view: View) -> Iterator[Mark | Chars]:
        inside = self._view(article, view)
        found = self.part.hits(article, inside)
        return found if inside.stream is article.main else (chars_of(mark, inside.stream) for mark in found)

    def _view(self, article: Article, view: View) -> View:
        stream = article.stream(self.name)
        bounds = stream.bounds[self.name]
        if view.stream is stream and view.extent == "part":
            return view.clipped((bounds,))
        return View(stream, (bounds,), "field")


@dataclass(frozen=True, slots=True)
class Label:
    """A feed's tag, the host of the article's address, or its language; `value` is case-folded, "*" is anything."""

    name: MetaField
    value: str
    wildcard: re.Pattern[str] | None

    def holds(self, article: Article, view: View) -> bool:
        del view
        match self.name:
            case "tag":
                return any(self._is(tag.casefold()) for tag in article.tags)
            case "domain":
                return any(map(self._is, article.domains))
            case _:
                return self._is(article.language) or article.language.startswith(f"{self.value}-")

    def hits(self, article: Article, view: View) -> Iterator[Mark | Chars]:
        del article, view
        yield from ()

    def _is(self, value: str) -> bool:
        return value == self.value or (self.wildcard is not None and self.wildcard.match(value) is not None)


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds."""

    parts: tuple[Part, ...]

    def holds(self, article: Article, view: View) -> bool:
        for part in self.parts:  # noqa: SIM110 -- asked hundreds of times an article; `all` takes half as long again
            if not part.holds(article, view):
                return False
        return True

    def hits(self, article: Article, view: View) -> Iterator[Mark | Chars]:
        for part in self.parts:
            yield from part.hits(article, view)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds; those that do are shown."""

    parts: tuple[Part, ...]

    def holds(self, article: Article, view: View) -> bool:
        for part in self.parts:  # noqa: SIM110 -- as above
            if part.holds(article, view):
                return True
        return False

    def stretches(self, article: Article, view: View) -> list[Stretch]:
        return sorted((found for part in self.parts for found in _stretches(part, article, view)), key=_place)

    def hits(self, article: Article, view: View) -> Iterator[Mark | Chars]:
        for part in self.parts:
            if part.holds(article, view):
                yield from part.hits(article, view)


@dataclass(frozen=True, slots=True)
class NoneOf:
    """The part does not hold."""

    part: Part

    def holds(self, article: Article, view: View) -> bool:
        return not self.part.holds(article, view)

    def hits(self, article: Article, view: View) -> Iterator[Mark | Chars]:
        del article, view
        yield from ()


# `hits` may be asked only of a part that holds.
Part = Word | Phrase | Scattered | Pattern | Close | Several | InUnit | InLead | InOne | Label | AllOf | AnyOf | NoneOf


def _stretches(part: Part, article: Article, view: View) -> list[Stretch]:
    """What the part of a positional node finds."""
    match part:
        case Word() | Phrase() | Scattered() | Pattern() | Close() | AnyOf():
            return part.stretches(article, view)
        case _:
            raise AssertionError(f"{part} is not positional")


class Compiler:
    """Trees ▸ parts over one vocabulary; equal parts are one object."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._parts: dict[Part, Part] = {}

    def part(self, node: Node) -> Part:
        """The part for `node`, its terms numbered."""
        made = self._made(node)
        return self._parts.setdefault(made, made)

    def _made(self, node: Node) -> Part:  # noqa: PLR0911 -- one a kind
        match node:
            case Term():
                return self._term(node)
            case Or():
                return AnyOf(tuple(map(self.part, node.parts)))
            case And():
                return AllOf(tuple(map(self.part, node.parts)))
            case Not():
                return NoneOf(self.part(node.part))
            case Near():
                return Close(self.part(node.left), self.part(node.right), node.distance, node.ordered)
            case Within():
                return InUnit(self.part(node.part), node.unit)
            case First():
                return InLead(self.part(node.part), node.count)
            case AtLeast():
                return Several(self.part(node.part), node.count)
            case InField():
                return self._in_field(node)
            case Listed():
                return self.part(node.part)
            case Regex():
                literal = self._vocabulary.number(Wildcard(f"*{node.literal}*")) if node.literal else None
                return Pattern(node.compiled, literal, node.weight, node.start, node.end)

    def _term(self, node: Term) -> Part:
        numbers = tuple(map(self._vocabulary.number, node.tests))
        if len(numbers) == 1:
            return Word(numbers[0], node.weight)
        if node.slop is not None:
            return Scattered(numbers, node.slop, node.weight)
        inner = tuple(number for number in range(1, len(numbers)) if number not in node.crosses)
        return Phrase(numbers, inner, node.weight)

    def _in_field(self, node: InField) -> Part:
        if node.name in LABEL_FIELDS:
            return self._label(node.name, node.part)
        return InOne(self.part(node.part), node.name)

    def _label(self, name: FieldName, node: Node) -> Part:
        match node:
            case Term():
                value = node.text.casefold()
                wildcard = compiled_wildcard(value) if "*" in value or "?" in value else None
                return Label(name, value, wildcard)  # type: ignore[arg-type]  # the caller has looked
            case And():
                return AllOf(tuple(self._label(name, part) for part in node.parts))
            case Or():
                return AnyOf(tuple(self._label(name, part) for part in node.parts))
            case Not():
                return NoneOf(self._label(name, node.part))
            case Listed():
                return self._label(name, node.part)
            case _:
                raise AssertionError(f"{node} in a label field")


# In reading order; in other fields nothing is shown.
_ORDER: dict[FieldName, TextField] = {name: name for name in get_args(TextField)}
_RANK = {name: number for number, name in enumerate(_ORDER)}


def chars_of(mark: Mark | Chars, stream: Stream) -> Chars:
    """The characters of what is shown."""
    return mark if isinstance(mark, Chars) else Chars(*stream.place(mark.start, mark.end), mark.weight)


def hits_of(part: Part, article: Article) -> tuple[Hit, ...]:
    """What a part that holds has found, in reading order (title, summary, content, page, author); overlaps made one."""
    marks = set(part.hits(article, view_of(article)))
    places = (chars_of(mark, article.main) for mark in marks)
    hits = [Hit(_ORDER[at.field], at.start, at.end, at.weight) for at in places if at.field in _ORDER]
    result: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: (_RANK[hit.field], hit.start, hit.end)):
        last = result[-1] if result else None
        if last is not None and last.field == hit.field and hit.start < last.end:
            result[-1] = Hit(hit.field, last.start, max(last.end, hit.end), max(last.weight, hit.weight))
        else:
            result.append(hit)
    return tuple(result)
