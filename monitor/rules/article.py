"""An entry as the rules see it: for each field, which terms are in it and where; each thing worked out when asked for.

The memos are what makes matching fast. News repeats its words, so each piece between two blanks is tokenised and folded
once per rule set, not once per article; a piece without a term of any rule costs one look-up.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar
from urllib.parse import urlsplit

from monitor.rules.tokens import simplified, tokenize
from monitor.rules.tree import DEFAULT_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

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


class _Layout(NamedTuple):
    """A piece of text: its number of tokens, and (which of them, term) for each term found, in order."""

    tokens: int
    terms: tuple[tuple[int, int], ...]


class Vocabulary:
    """Every term that the rules ask for, with a number. Complete before the first article is looked at."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._terms_in = _Memo(lambda piece: tuple(term for _, term in self._read(piece).terms))
        self._layout_of = _Memo(self._read)

    def number(self, term: str) -> int:
        return self._numbers.setdefault(term, len(self._numbers))

    def terms(self) -> list[str]:
        """The terms by their numbers."""
        return list(self._numbers)

    def present(self, simplified_text: str) -> set[int]:
        """The numbers of the terms that a text holds."""
        return set().union(*map(self._terms_in.__getitem__, set(simplified_text.split())))

    def layouts(self, line: str) -> Iterator[_Layout]:
        """One for each piece of the line."""
        return map(self._layout_of.__getitem__, line.split())

    def _read(self, piece: str) -> _Layout:
        numbers, terms = self._numbers, []
        tokens = tokenize(piece)
        for offset, token in enumerate(tokens):
            if token.folded in numbers:
                terms.append((offset, numbers[token.folded]))
            if token.signed and token.signed in numbers:
                terms.append((offset, numbers[token.signed]))
        return _Layout(len(tokens), tuple(terms))


_PIECE = re.compile(r"\S+")


class FieldText:
    """One field of an article. A position counts tokens; a new block leaves one out, so that no phrase reaches over."""

    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        self.text = text
        self._vocabulary = vocabulary

    @cached_property
    def present(self) -> set[int]:
        """The terms that are there."""
        return self._vocabulary.present(self._simplified)

    @cached_property
    def positions(self) -> dict[int, list[int]]:
        """The positions of each term, rising."""
        positions: dict[int, list[int]] = defaultdict(list)
        base = 0
        for line in self._simplified.split("\n"):
            for tokens, terms in self._vocabulary.layouts(line):
                for offset, term in terms:
                    positions[term].append(base + offset)
                base += tokens
            base += 1
        return positions

    def span(self, position: int) -> tuple[int, int]:
        """[start, end) of the token at a position, in the text as it is."""
        firsts, starts, pieces = self._pieces
        number = bisect_right(firsts, position) - 1
        token = tokenize(pieces[number])[position - firsts[number]]
        return starts[number] + token.start, starts[number] + token.end

    @cached_property
    def _simplified(self) -> str:
        return simplified(self.text)

    @cached_property
    def _pieces(self) -> tuple[list[int], list[int], list[str]]:
        """Each piece's first position, its offset, and the piece. One without tokens comes before the one it shares
        its position with.
        """
        firsts: list[int] = []
        starts: list[int] = []
        pieces: list[str] = []
        base, at = 0, 0
        for line in self.text.split("\n"):
            *before, base = accumulate((tokens for tokens, _ in self._vocabulary.layouts(line)), initial=base)
            firsts += before
            starts += [found.start() for found in _PIECE.finditer(self.text, at, at + len(line))]
            pieces += line.split()
            base += 1
            at += len(line) + 1
        return firsts, starts, pieces


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
