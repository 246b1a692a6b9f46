"""A query as a tree. Built by `monitor.rules.syntax` alone, which also guarantees what is said here.

Every node knows its place [start, end) in the query's text, so that a message about it can point at it; what comes from
an @list stands at the place of the reference. A tree never holds for an article that contains none of its terms: a
query of exclusions alone is refused.

A *positional* node finds stretches of words, not only a yes or no: Term, Regex, Near, and Or and Listed of those. Near
and AtLeast take nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from monitor.model import TextField

MetaField = Literal["feed", "tag", "category", "url", "domain", "lang"]
FieldName = TextField | MetaField

TEXT_FIELDS: tuple[TextField, ...] = get_args(TextField)
# Where a term without a field is looked for.
DEFAULT_FIELDS: tuple[TextField, ...] = ("title", "summary", "content", "page")
# Compared whole, not by their words: labels, not text.
LABEL_FIELDS: frozenset[MetaField] = frozenset({"tag", "domain", "lang"})
# As a query writes them.
FIELD_NAMES: dict[str, FieldName] = {
    **{name: name for name in TEXT_FIELDS},
    **{name: name for name in get_args(MetaField)},
    "source": "feed",
}

# How far apart NEAR and BEFORE may look, in words.
MAX_DISTANCE = 100


# -------------------------------------------------------------------------- what one token of a text is compared with


@dataclass(frozen=True, slots=True)
class Plain:
    """The token's folded form, or, where the query writes its signs ("c++"), its signed form."""

    term: str


@dataclass(frozen=True, slots=True)
class Exact:
    """The token as it stands, with case and accents; ’ is ', and a possessive 's is taken away on both sides."""

    text: str


@dataclass(frozen=True, slots=True)
class Forms:
    """Any form of a word: "step", "steps", "stepped", "stepping".

    Attributes:
        base: As the query has it, folded.
        words: Every form, folded, `base` first.
    """

    base: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wildcard:
    """A pattern over the folded form: "*" any number of characters, "?" one. At least two are neither."""

    pattern: str


TokenTest = Plain | Exact | Forms | Wildcard


# ------------------------------------------------------------------------------------------------------------- nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A word or a phrase: tokens that follow each other, with anything but words between them, in one block of a field.

    "al-assad", "U.S." and "辞职" are several tokens, like a phrase in quotes.

    Attributes:
        text: As written, without quotes and signs of operators; what a label field is compared with.
        tests: One for each token; never empty.
        crosses: Numbers of those tests before which a sentence may end. It may where the query has . ! or ? itself
            ("U.S. president": before the third token); elsewhere a phrase stays in one sentence.
        slop: None: the tokens side by side, in order. A number: all of them in any order, with at most that many other
            tokens among them, in one block; sentences may end between them.
        weight: How much a hit counts when an excerpt is chosen.
    """

    text: str
    tests: tuple[TokenTest, ...]
    crosses: frozenset[int] = frozenset()
    slop: int | None = None
    weight: float = 1.0
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Regex:
    """A pattern of the `regex` library, searched in the text as it stands (nothing is folded).

    Attributes:
        compiled: It never matches the empty text on a sample; a match of no characters does not count.
        literal: ASCII letters and digits, lower-case, that every match holds side by side (in some case); "" where
            none is known.
    """

    pattern: str
    flags: str
    compiled: Any = field(compare=False, repr=False)  # regex.Pattern: the library has no types
    literal: str = ""
    weight: float = 1.0
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class And:
    """All of two or more."""

    parts: tuple[Node, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Or:
    """Any of two or more. As a positional node it finds what its parts find."""

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
class Near:
    """A stretch of `left` and one of `right` that share no token, in one field, at most `distance` words apart.

    Neighbours are 1 apart; the end of a paragraph or another block counts as a word. As a positional node it finds each
    such pair as one stretch, from the first token to the last.

    Attributes:
        distance: 1 to `MAX_DISTANCE`.
        ordered: BEFORE: `left` ends before `right` begins.
    """

    left: Node
    right: Node
    distance: int
    ordered: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """`part` holds for the words of one sentence, or of one paragraph (a block: what line ends enclose), alone.

    There are no fields inside.
    """

    unit: Literal["sentence", "paragraph"]
    part: Node
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """`part` holds for what the first `count` words of each field are alone. There are no fields inside."""

    count: int
    part: Node
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AtLeast:
    """`part`, a positional node, finds at least `count` stretches that share no token, over all searched fields.

    Stretches are counted from the left, each time the one that ends first.
    """

    count: int
    part: Node
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InField:
    """`part`, looked for in that field only. Fields are not nested.

    In a label field there are Terms, And, Or, Not and Listed only; a Term is compared by its `text` ("*" stands for any
    characters).
    """

    name: FieldName
    part: Node
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What "@name" stands for; it holds and finds where its part does."""

    name: str
    part: Node
    start: int
    end: int


Node = Term | Regex | And | Or | Not | Near | Within | First | AtLeast | InField | Listed
