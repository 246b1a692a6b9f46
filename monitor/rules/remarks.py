"""What a query may say and probably does not mean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.rules.lexemes import Kind
from monitor.rules.tree import Forms

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monitor.rules.lexemes import Lexeme
    from monitor.rules.tree import TokenTest


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something in a query that is allowed and looks wrong; places as in `QueryError`."""

    message: str
    start: int
    end: int
    hint: str = ""


def _slips(operator: str) -> Iterator[str]:
    """Two neighbours swapped ("ADN"), one letter doubled ("ANDD"), or of a long one a letter missing ("ATLEST")."""
    for at in range(len(operator) - 1):
        yield operator[:at] + operator[at + 1] + operator[at] + operator[at + 2 :]
    for at in range(len(operator)):
        yield operator[: at + 1] + operator[at:]
    if len(operator) > 5:
        for at in range(1, len(operator)):
            yield operator[:at] + operator[at + 1 :]


_WORDS = ("AND", "OR", "NOT", "SENTENCE", "PARAGRAPH")
_NUMBERED = ("NEAR", "ONEAR", "BEFORE", "AFTER", "ATLEAST", "FIRST")
_SLIPS = {slip: operator for operator in _WORDS for slip in _slips(operator)}
_NUMBERED_SLIPS = {slip: operator for operator in _NUMBERED for slip in _slips(operator)}
_NUMBERED_WORD = re.compile(r"([A-Z]{3,9})(/?\d+)")
_OPERATOR_IN_QUOTES = re.compile(r"\s(AND|OR|NOT|(?:NEAR|BEFORE)/\d+)\s")
_LEAD = re.compile(r"F(\d+)")
# After one of these, and before one of the others, a lower-case "same" may be meant as an operator.
_ENDS = (Kind.WORD, Kind.PHRASE, Kind.REGEX, Kind.LIST, Kind.CLOSE)
_BEGINS = (Kind.WORD, Kind.PHRASE, Kind.REGEX, Kind.LIST, Kind.OPEN, Kind.FIELD)
_INSTEAD = {"same": "SAME between two terms means the same paragraph", "near": "as an operator it is written NEAR/10"}


def remarks_on(lexemes: Sequence[Lexeme], number: int, tests: tuple[TokenTest, ...]) -> Iterator[Remark]:
    """On a word or phrase, `lexemes[number]`, with its tests."""
    lexeme = lexemes[number]
    start, end, value = lexeme.start, lexeme.end, lexeme.value
    if lexeme.forms and all(isinstance(test, Forms) and len(test.words) == 1 for test in tests):
        message = "the ~ changes nothing: no other form of this is known"
        yield Remark(message=message, start=start, end=end, hint="forms are those of English words")
    if lexeme.kind is Kind.PHRASE:
        operator = _OPERATOR_IN_QUOTES.search(value)
        if operator:
            place = lexeme.body + operator.start(1)
            hint = "an operator stands outside the quotes"
            message = f"{operator[1]} inside quotes is searched as a word"
            yield Remark(message=message, start=place, end=place + len(operator[1]), hint=hint)
        return
    meant = _SLIPS.get(value) or _meant_with_number(value)
    if meant:
        yield Remark(message=f"{value} is searched as a word", start=start, end=end, hint=f"did you mean {meant}?")
    elif len(value) == 1 and value.isascii():
        message = f"{value!r} is one character long and will match very often"
        yield Remark(message=message, start=start, end=end)
    elif value in _INSTEAD and number and lexemes[number - 1].kind in _ENDS and lexemes[number + 1].kind in _BEGINS:
        message = f"{value!r} is searched as a word"
        yield Remark(message=message, start=start, end=end, hint=_INSTEAD[value])


def _meant_with_number(word: str) -> str:
    found = _NUMBERED_WORD.fullmatch(word)
    meant = _NUMBERED_SLIPS.get(found[1]) if found else None
    return f"{meant}{found[2]}" if found and meant else ""


def remarks_on_regex(lexeme: Lexeme) -> Iterator[Remark]:
    """On a pattern that is an operator elsewhere."""
    lead = _LEAD.fullmatch(lexeme.value)
    if lead:
        message = f"/{lead[0]}/ is searched as a regular expression"
        hint = f"for the first {lead[1]} words write FIRST/{lead[1]}(…)"
        yield Remark(message=message, start=lexeme.start, end=lexeme.end, hint=hint)


def remark_on_item(text: str, lexemes: Sequence[Lexeme]) -> Remark | None:
    """On a list's item of several words with a sign ("step down~"), which its writer may take for a phrase."""
    words = [lexeme for lexeme in lexemes if lexeme.kind is Kind.WORD]
    if len(words) < 2 or len(words) != len(lexemes) - 1 or any(word.exact or word.weight != 1.0 for word in words):
        return None
    phrase = " ".join(word.value for word in words)
    sign = "~" if any(word.forms for word in words) else ""
    message = "these words may stand anywhere in the article, apart from each other"
    return Remark(message=message, start=0, end=len(text), hint=f'for a phrase write "{phrase}"{sign}')
