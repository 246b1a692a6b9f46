"""What a query may say and probably does not mean."""

from __future__ import annotations

import difflib
import re
import unicodedata
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
_FUNCTIONS = ("SENTENCE", "PARAGRAPH", "FIRST", "ATLEAST", "NEAR", "BEFORE")
# What other languages and programs have for the operators.
_ELSEWHERE = {
    **dict.fromkeys(("NOR", "ANDNOT", "BUTNOT", "EXCEPT", "NICHT", "SAUF", "НЕ"), "NOT"),
    **dict.fromkeys(("XOR", "ODER", "OU", "ИЛИ"), "OR"),
    **dict.fromkeys(("UND", "ET", "И"), "AND"),
}
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
    between = number > 0 and lexemes[number - 1].kind in _ENDS and lexemes[number + 1].kind in _BEGINS
    meant = _SLIPS.get(value) or _meant_with_number(value) or _meant_before_group(value, lexemes[number : number + 2])
    meant = meant or (_meant_between_terms(value) if between else "")
    if meant:
        yield Remark(message=f"{value} is searched as a word", start=start, end=end, hint=f"did you mean {meant}?")
    elif len(value) == 1 and value.isascii():
        message = f"{value!r} is one character long and will match very often"
        hint = f'make it part of a phrase, such as "plan {value}"'
        yield Remark(message=message, start=start, end=end, hint=hint)
    elif value in _INSTEAD and between:
        message = f"{value!r} is searched as a word"
        yield Remark(message=message, start=start, end=end, hint=_INSTEAD[value])


def _meant_with_number(word: str) -> str:
    found = _NUMBERED_WORD.fullmatch(word)
    if found is None:
        return ""
    meant = _NUMBERED_SLIPS.get(found[1])
    if meant is None and found[2].startswith("/"):  # with the slash hardly anything else is meant
        meant = _nearest(found[1], _NUMBERED)
    return f"{meant}{found[2]}" if meant else ""


def _meant_before_group(word: str, following: Sequence[Lexeme]) -> str:
    """ "SENTANCE(a b)"; `following` begins with the word."""
    begins_group = following[1].kind is Kind.OPEN and following[1].start == following[0].end
    meant = _nearest(word, _FUNCTIONS) if begins_group and word.isupper() else ""
    return f"{meant}(…)" if meant in {"SENTENCE", "PARAGRAPH"} else f"{meant}/5 (…)" if meant else ""


def _meant_between_terms(word: str) -> str:
    if not word.isupper():
        return ""
    plain = unicodedata.normalize("NFKC", word)  # letters of an East Asian keyboard may be wide
    return plain if plain in _WORDS else _ELSEWHERE.get(word, "")


def _nearest(word: str, operators: Sequence[str]) -> str:
    return next(iter(difflib.get_close_matches(word, operators, n=1, cutoff=0.7)), "")


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
