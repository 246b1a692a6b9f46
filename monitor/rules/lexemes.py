"""What a query is cut into, and how its smallest pieces are read."""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import NamedTuple

from monitor.errors import QueryError

MIN_WEIGHT, MAX_WEIGHT = 0.1, 10.0


class Kind(Enum):
    """What a lexeme is."""

    END = auto()
    OPEN = auto()
    CLOSE = auto()
    AND = auto()
    OR = auto()
    NOT = auto()
    NEAR = auto()
    SAME = auto()
    WITHIN = auto()
    FIRST = auto()
    ATLEAST = auto()
    FIELD = auto()
    WORD = auto()
    PHRASE = auto()
    REGEX = auto()
    LIST = auto()


class Lexeme(NamedTuple):
    """A piece of the query.

    Attributes:
        value: The field's or list's name, the word or phrase without its quotes and signs, the pattern without its
            slashes; NEAR, BEFORE or AFTER; of SAME (which joins) and WITHIN (before a parenthesis) "sentence" or
            "paragraph"; of CLOSE a "~" with its digits that follows, which is always wrong.
        body: Index of the first character of a word or phrase without signs.
        flags: Of a regex.
        number: Of NEAR, FIRST and ATLEAST; None where none that can be read stands there.
        weight: What stands after ^; that of a group is at its OPEN.
    """

    kind: Kind
    start: int
    end: int
    value: str = ""
    body: int = 0
    exact: bool = False
    forms: bool = False
    slop: int | None = None
    weight: float = 1.0
    flags: str = ""
    number: int | None = None


OPERATORS = {"AND": Kind.AND, "OR": Kind.OR, "NOT": Kind.NOT}
LOWER_OPERATORS = frozenset(name.lower() for name in OPERATORS)
# Words that mean something in capitals alone.
RESERVED = frozenset(
    {"NEAR", "ONEAR", "BEFORE", "AFTER", "ADJ", "AROUND", "SAME", "SENTENCE", "PARAGRAPH", "FIRST", "ATLEAST"}
)


QUOTES = '"“”„‟«»＂'  # as browsers, word processors and other keyboards write them
CHUNK = re.compile(rf"(?:[^\s(){QUOTES}<]|<(?!<<))+")
FIELD = re.compile(r"([^\W\d_][\w-]*):")
DISTANCE = re.compile(r"(?:(near|onear|before|after|adj)/?(\d+)|(w|pre)/(\d*)|(near)/?(\d+)f)", re.IGNORECASE)
COUNT = re.compile(r"(?:(?i:(atleast)/?(\d+)|(first)/(\d+))|(FIRST)(\d+))")
_WEIGHT = re.compile(r"\d{1,3}(?:\.\d{1,6})?|\.\d{1,6}")


def is_plain_word(chunk: str) -> bool:
    """Whether `chunk` is nothing but letters and is read as a word."""
    return chunk.isalpha() and chunk not in RESERVED and chunk.lower() not in LOWER_OPERATORS


_BARE = re.compile(rf"(?![-+'‘’`#](?:\W|\Z)|[-+'‘`])(?:[^\s()*?!~^=@:/\\<>{{}}\[\]|,;&{QUOTES}]|&(?!&)|,\Z|(?<=\d),)+")


def is_bare(text: str) -> bool:
    """Whether `text` is several words without a sign or operator: what a list item may write without quotes."""
    chunks = text.split()
    return len(chunks) > 1 and all(
        _BARE.fullmatch(chunk) and (chunk in LOWER_OPERATORS or not _is_operator(chunk)) for chunk in chunks
    )


def _is_operator(chunk: str) -> bool:
    return (
        chunk in RESERVED
        or chunk in OPERATORS
        or any(pattern.fullmatch(chunk) is not None for pattern in (DISTANCE, COUNT))
    )


def chunk_at(query: str, at: int) -> str:
    found = CHUNK.match(query, at)
    return found[0] if found else ""


def number_of(digits: str) -> int | None:
    """None for none; a number with many digits is only known to be too large."""
    return min(int(digits[:9]), 10**8) if digits else None


def weight_of(text: str, at: int) -> float:
    """What stands after ^, `at` that place."""
    if _WEIGHT.fullmatch(text) and MIN_WEIGHT <= (weight := float(text)) <= MAX_WEIGHT:
        return weight
    hint = "assad^2 counts twice when an excerpt is chosen, assad^0.5 half"
    shown = f", not {text[:20]!r}" if text else ""
    raise QueryError(f"a number from 0.1 to 10 is expected after ^{shown}", at, at + max(1, len(text)), hint=hint)


def one_line(text: str) -> str:
    return " ".join(text.split())
