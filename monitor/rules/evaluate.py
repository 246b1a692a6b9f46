"""Tree ▸ parts that can be asked whether they hold for an article, and where.

This is what decides; the index before it only leaves out rules that cannot hold.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from monitor.model import Hit
from monitor.rules.tree import DEFAULT_FIELDS, LABEL_FIELDS, TEXT_FIELDS, And, InField, Not, Or, Phrase, Regex, Word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.rules.article import Article, FieldText, Vocabulary
    from monitor.rules.tree import FieldName, MetaField, Node

REGEX_SECONDS = 0.05
_MAX_REGEX_HITS = 1000


class SlowRegexError(Exception):
    """A pattern had not finished with a text after `REGEX_SECONDS`; the article counts as not matched by its rule."""

    def __init__(self, start: int, end: int) -> None:
        super().__init__(f"a regular expression took longer than {REGEX_SECONDS * 1000:.0f} ms on one text")
        self.start = start
        self.end = end


@dataclass(frozen=True, slots=True)
class Term:
    """One token."""

    number: int
    fields: tuple[FieldName, ...]

    def holds(self, article: Article) -> bool:
        if self.fields is DEFAULT_FIELDS:
            return self.number in article.present
        return any(self.number in article.field(name).present for name in self.fields)

    def hits(self, article: Article) -> Iterator[Hit]:
        for name in TEXT_FIELDS:
            if name in self.fields and self.number in (field := article.field(name)).present:
                for position in field.positions[self.number]:
                    yield Hit(name, *field.span(position))


@dataclass(frozen=True, slots=True)
class Sequence:
    """Two or more tokens, one after the other."""

    numbers: tuple[int, ...]
    needed: frozenset[int]
    fields: tuple[FieldName, ...]

    def holds(self, article: Article) -> bool:
        return any(next(self._starts(article.field(name)), None) is not None for name in self.fields)

    def hits(self, article: Article) -> Iterator[Hit]:
        for name in TEXT_FIELDS:
            if name in self.fields:
                field = article.field(name)
                for start in self._starts(field):
                    yield Hit(name, field.span(start)[0], field.span(start + len(self.numbers) - 1)[1])

    def _starts(self, field: FieldText) -> Iterator[int]:
        """Positions of the first token, rising."""
        if not self.needed <= field.present:
            return
        places = [field.positions[number] for number in self.numbers]
        rarest = min(range(len(places)), key=lambda offset: len(places[offset]))
        for position in places[rarest]:
            start = position - rarest
            if all(_contains(rising, start + offset) for offset, rising in enumerate(places)):
                yield start


def _contains(rising: list[int], value: int) -> bool:
    at = bisect_left(rising, value)
    return at < len(rising) and rising[at] == value


@dataclass(frozen=True, slots=True)
class Pattern:
    """A user's regular expression."""

    compiled: Any
    fields: tuple[FieldName, ...]
    start: int
    end: int

    def holds(self, article: Article) -> bool:
        return any(next(self._spans(article.field(name).text), None) is not None for name in self.fields)

    def hits(self, article: Article) -> Iterator[Hit]:
        for name in TEXT_FIELDS:
            if name in self.fields:
                for start, end in self._spans(article.field(name).text):
                    yield Hit(name, start, end)

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        count = 0
        try:
            for found in self.compiled.finditer(text, timeout=REGEX_SECONDS):
                if found.end() > found.start():
                    yield found.span()
                count += 1
                if count == _MAX_REGEX_HITS:
                    return
        except TimeoutError:
            raise SlowRegexError(self.start, self.end) from None


@dataclass(frozen=True, slots=True)
class Label:
    """A feed's tag, the host of the article's address, or its language; `value` is case-folded."""

    name: MetaField
    value: str

    def holds(self, article: Article) -> bool:
        match self.name:
            case "tag":
                return self.value in article.tags
            case "domain":
                return article.host == self.value or article.host.endswith(f".{self.value}")
            case _:
                return article.language == self.value or article.language.startswith(f"{self.value}-")

    def hits(self, article: Article) -> Iterator[Hit]:
        del article
        yield from ()


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds."""

    parts: tuple[Part, ...]

    def holds(self, article: Article) -> bool:
        return all(part.holds(article) for part in self.parts)

    def hits(self, article: Article) -> Iterator[Hit]:
        for part in self.parts:
            yield from part.hits(article)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds; those that do are shown."""

    parts: tuple[Part, ...]

    def holds(self, article: Article) -> bool:
        return any(part.holds(article) for part in self.parts)

    def hits(self, article: Article) -> Iterator[Hit]:
        for part in self.parts:
            if part.holds(article):
                yield from part.hits(article)


@dataclass(frozen=True, slots=True)
class NoneOf:
    """The part does not hold."""

    part: Part

    def holds(self, article: Article) -> bool:
        return not self.part.holds(article)

    def hits(self, article: Article) -> Iterator[Hit]:
        del article
        yield from ()


# `hits` may be asked only of a part that holds.
Part = Term | Sequence | Pattern | Label | AllOf | AnyOf | NoneOf


def compile_tree(node: Node, vocabulary: Vocabulary, fields: tuple[FieldName, ...] = DEFAULT_FIELDS) -> Part:
    """The part for `node`, its terms numbered by `vocabulary`; `fields`: where terms without a field are looked for."""
    match node:
        case And():
            return AllOf(tuple(compile_tree(part, vocabulary, fields) for part in node.parts))
        case Or():
            return AnyOf(tuple(compile_tree(part, vocabulary, fields) for part in node.parts))
        case Not():
            return NoneOf(compile_tree(node.part, vocabulary, fields))
        case InField():
            return compile_tree(node.part, vocabulary, (node.name,))
        case Regex():
            return Pattern(node.compiled, fields, node.start, node.end)
        case Word() | Phrase():
            label = next((name for name in LABEL_FIELDS if fields == (name,)), None)
            if label is not None:
                return Label(label, node.text.casefold())
            numbers = tuple(map(vocabulary.number, node.terms))
            if len(numbers) == 1:
                return Term(numbers[0], fields)
            return Sequence(numbers, frozenset(numbers), fields)


_ORDER = {"title": 0, "summary": 1, "content": 2, "author": 3}


def merged(hits: Iterator[Hit]) -> tuple[Hit, ...]:
    """The hits in reading order (title, summary, content, author), those that overlap made one."""
    result: list[Hit] = []
    for hit in sorted(set(hits), key=lambda hit: (_ORDER[hit.field], hit.start, hit.end)):
        last = result[-1] if result else None
        if last is not None and last.field == hit.field and hit.start < last.end:
            result[-1] = Hit(hit.field, last.start, max(last.end, hit.end))
        else:
            result.append(hit)
    return tuple(result)
