"""A query as a tree. Built by `monitor.rules.syntax` alone, which also guarantees what is said here.

Every node knows its place [start, end) in the query's text, so that a message about it can point at it. A tree never
holds for an article that contains none of its terms: a query of exclusions alone is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from monitor.model import TextField

MetaField = Literal["feed", "tag", "category", "url", "domain", "lang"]
FieldName = TextField | MetaField

TEXT_FIELDS: tuple[TextField, ...] = get_args(TextField)
# Where a term without a field is looked for.
DEFAULT_FIELDS: tuple[TextField, ...] = ("title", "summary", "content")
# Compared whole, not by their words: labels, not text.
LABEL_FIELDS: frozenset[MetaField] = frozenset({"tag", "domain", "lang"})
# As a query writes them.
FIELD_NAMES: dict[str, FieldName] = {
    **{name: name for name in TEXT_FIELDS},
    **{name: name for name in get_args(MetaField)},
    "source": "feed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word as written. Several terms ("al-assad", "U.S.", "辞职") must follow each other, like those of a phrase."""

    text: str
    terms: tuple[str, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """Words in quotes: they follow each other, with anything but words between them, in one block of one field."""

    text: str
    terms: tuple[str, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Regex:
    """A pattern of the `regex` library, searched in the text as it stands (nothing is folded).

    Attributes:
        compiled: It never matches the empty text on a sample; a match of no characters does not count.
    """

    pattern: str
    flags: str
    start: int
    end: int
    compiled: Any = field(compare=False, repr=False)  # regex.Pattern: the library has no types


@dataclass(frozen=True, slots=True, kw_only=True)
class And:
    """All of two or more."""

    parts: tuple[Node, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Or:
    """Any of two or more."""

    parts: tuple[Node, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """Holds where `part` does not; finds nothing to show."""

    part: Node
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InField:
    """`part`, looked for in that field only. Fields are not nested; in a label field there are no regexes."""

    name: FieldName
    part: Node
    start: int
    end: int


Node = Word | Phrase | Regex | And | Or | Not | InField
