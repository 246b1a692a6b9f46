"""An entry as the rules see it: for each field, which terms are in it and where; each thing worked out when asked for.

The memos are what makes matching fast. News repeats its words, so each piece between two blanks is tokenised and folded
once per rule set, not once per article; a piece without a term of any rule costs one look-up.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar
from urllib.parse import urlsplit

from monitor.rules.tokens import tokenize
from monitor.rules.tree import DEFAULT_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from monitor.model import Entry
    from monitor.rules.tree import FieldName

_MAX_MEMO_ENTRIES = 250_000
_MAX_MEMO_PIECE = 48  # longer ones are addresses and unspaced scripts, which do not come again

_V = TypeVar("_V")


class _Memo(dict[str, _V], Generic[_V]):
    """Piece of text ▸ what `make` makes of it. A full memo starts afresh; the common words are soon back."""

    def __init__(self, make: Callable[[str], _V]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, piece: str) -> _V:
        value = self._make(piece)
        if len(piece) <= _MAX_MEMO_PIECE:
            if len(self) >= _MAX_MEMO_ENTRIES:
                self.clear()
            self[piece] = value
        return value


class Spot(NamedTuple):
    """A token that some rule asks for.

    Attributes:
        position: In tokens; the next token has the next one, and a new block leaves one out.
        start: Offset of its first character.
        end: Offset after its last.
        terms: The numbers it answers to: its folded form, its form with signs.
    """

    position: int
    start: int
    end: int
    terms: tuple[int, ...]


class _Layout(NamedTuple):
    """A piece's number of tokens, and those of them that matter, counted from the piece's beginning."""

    tokens: int
    spots: tuple[Spot, ...]


class Vocabulary:
    """Every term that the rules ask for, with a number. Complete before the first article is looked at."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self.terms_in = _Memo(self._terms_in)
        self.layout_of = _Memo(self._layout_of)

    def number(self, term: str) -> int:
        return self._numbers.setdefault(term, len(self._numbers))

    def terms(self) -> list[str]:
        """The terms by their numbers."""
        return list(self._numbers)

    def present(self, text: str) -> set[int]:
        """The numbers of the terms that `text` holds."""
        return set().union(*map(self.terms_in.__getitem__, set(text.split())))

    def _terms_in(self, piece: str) -> tuple[int, ...]:
        return tuple(term for spot in self._layout_of(piece).spots for term in spot.terms)

    def _layout_of(self, piece: str) -> _Layout:
        numbers, spots = self._numbers, []
        tokens = tokenize(piece)
        for position, token in enumerate(tokens):
            terms = tuple(numbers[form] for form in (token.folded, token.signed) if form in numbers)
            if terms:
                spots.append(Spot(position, token.start, token.end, terms))
        return _Layout(len(tokens), tuple(spots))


_PIECE = re.compile(r"\S+|\n")


class FieldText:
    """One field of an article."""

    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        self.text = text
        self._vocabulary = vocabulary

    @cached_property
    def present(self) -> set[int]:
        return self._vocabulary.present(self.text)

    @cached_property
    def spots(self) -> dict[int, Spot]:
        """The tokens that matter, by position."""
        layout_of = self._vocabulary.layout_of
        spots: dict[int, Spot] = {}
        position = 0
        for found in _PIECE.finditer(self.text):
            piece = found[0]
            if piece == "\n":
                position += 1
                continue
            tokens, inside = layout_of[piece]
            if inside:
                base = found.start()
                for offset, start, end, terms in inside:
                    spots[position + offset] = Spot(position + offset, base + start, base + end, terms)
            position += tokens
        return spots

    @cached_property
    def positions(self) -> dict[int, list[int]]:
        """The positions of each term, rising."""
        positions: dict[int, list[int]] = {}
        for position, spot in self.spots.items():
            for term in spot.terms:
                positions.setdefault(term, []).append(position)
        return positions


class Article:
    """An entry, the feed it came from, and what a rule set knows about its words."""

    def __init__(self, entry: Entry, *, feed_name: str, feed_tags: Collection[str], vocabulary: Vocabulary) -> None:
        self._entry = entry
        self._feed_name = feed_name
        self._vocabulary = vocabulary
        self._fields: dict[FieldName, FieldText] = {}
        self.tags = feed_tags

    def field(self, name: FieldName) -> FieldText:
        field = self._fields.get(name)
        if field is None:
            field = self._fields[name] = FieldText(self._text(name), self._vocabulary)
        return field

    @cached_property
    def present(self) -> set[int]:
        """The terms in the fields that are searched when a query names none."""
        return set().union(*(self.field(name).present for name in DEFAULT_FIELDS))

    @property
    def language(self) -> str:
        return self._entry.language.casefold()

    @cached_property
    def host(self) -> str:
        try:
            return (urlsplit(self._entry.link).hostname or "").removesuffix(".")
        except ValueError:  # "http://[" and its like
            return ""

    def _text(self, name: FieldName) -> str:
        match name:
            case "title":
                return self._entry.title
            case "summary":
                return self._entry.summary
            case "content":
                return self._entry.content
            case "author":
                return self._entry.author
            case "feed":
                return self._feed_name
            case "category":
                return "\n".join(self._entry.categories)
            case "url":
                return self._entry.link
            case "tag" | "domain" | "lang":
                raise AssertionError(f"{name} is a label, not a text")
