"""Query text ▸ tree, by recursive descent.

    query   = level
    level   = operand { [ "AND" ] operand }  |  operand { "OR" operand }        never both without parentheses
    operand = [ "NOT" | "-" ] [ FIELD ":" ] atom
    atom    = WORD | PHRASE | REGEX | "(" level ")"

Operators are upper-case; side by side means AND. Names and signs of operators that other products have are refused
rather than searched as words. A message points at what is wrong and says what would be right.
"""

from __future__ import annotations

import math
import re
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import regex

from monitor.errors import QueryError
from monitor.rules.lexer import OPERATORS, Kind, Lexeme, lex
from monitor.rules.tree import FIELD_NAMES, LABEL_FIELDS, And, InField, Node, Not, Or, Phrase, Regex, Word

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LENGTH = 20_000
MAX_DEPTH = 100
MAX_REGEX_LENGTH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something in a query that is allowed and looks wrong; places as in `QueryError`."""

    message: str
    start: int
    end: int
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query that was read."""

    text: str
    tree: Node
    remarks: tuple[Remark, ...] = ()


def parse(text: str) -> Query:
    """Read a query of at most 20,000 characters and 100 nested parentheses.

    Raises:
        QueryError: for the first thing that is wrong.
    """
    if len(text) > MAX_LENGTH:
        message = f"the query is {len(text):,} characters long, more than {MAX_LENGTH:,}"
        raise QueryError(message, MAX_LENGTH, hint="make several rules of it")
    lexemes = lex(text)
    if not lexemes:
        raise QueryError("the query is empty", 0, hint='for example: assad AND ("step down" OR asylum)')
    tree = _Parser(text, lexemes).query()
    _refuse_exclusions_alone(tree, under_or=False)
    return Query(text=text, tree=tree, remarks=tuple(_remarks(lexemes)))


class _Parser:
    def __init__(self, text: str, lexemes: list[Lexeme]) -> None:
        self._text = text
        self._lexemes = lexemes
        self._next = 0
        self._depth = 0
        self._field = ""

    def query(self) -> Node:
        tree = self._level()
        extra = self._peek()
        if extra is not None:
            raise QueryError("this ')' has no matching '('", extra.start)
        return tree

    def _peek(self) -> Lexeme | None:
        return self._lexemes[self._next] if self._next < len(self._lexemes) else None

    def _take(self) -> Lexeme:
        lexeme = self._lexemes[self._next]
        self._next += 1
        return lexeme

    def _level(self) -> Node:
        operands = [self._operand()]
        operators: list[Lexeme | None] = []  # between the operands; None: side by side
        while (ahead := self._peek()) is not None and ahead.kind is not Kind.CLOSE:
            operator = self._operator(self._take()) if ahead.kind in {Kind.AND, Kind.OR} else None
            operators.append(operator)
            operands.append(self._operand())
        if not operators:
            return operands[0]
        is_or = [operator is not None and operator.kind is Kind.OR for operator in operators]
        if any(is_or) and not all(is_or):
            raise self._mixed(operands, operators, is_or)
        start, end = operands[0].start, operands[-1].end
        return (Or if is_or[0] else And)(parts=tuple(operands), start=start, end=end)

    def _operator(self, operator: Lexeme) -> Lexeme:
        ahead = self._peek()
        if ahead is None or ahead.kind in {Kind.CLOSE, Kind.AND, Kind.OR}:
            raise QueryError(f"{operator.kind.name} needs a term on its right", operator.start, operator.end)
        return operator

    def _operand(self) -> Node:
        lexeme = self._peek()
        if lexeme is None or lexeme.kind is not Kind.NOT:
            return self._scoped()
        self._take()
        ahead = self._peek()
        if ahead is None or ahead.kind in {Kind.CLOSE, Kind.AND, Kind.OR}:
            raise QueryError("NOT needs a term on its right", lexeme.start, lexeme.end)
        if ahead.kind is Kind.NOT:
            raise QueryError("NOT twice in a row", lexeme.start, ahead.end, hint="leave both out, or one of them")
        part = self._scoped()
        return Not(part=part, start=lexeme.start, end=part.end)

    def _scoped(self) -> Node:
        lexeme = self._peek()
        if lexeme is None or lexeme.kind is not Kind.FIELD:
            return self._atom()
        self._take()
        if self._field:
            message = f"{lexeme.value}: stands inside {self._field}:, and fields are not nested"
            raise QueryError(message, lexeme.start, lexeme.end, hint="close the parentheses of the first field before")
        ahead = self._peek()
        if ahead is None or ahead.kind not in {Kind.WORD, Kind.PHRASE, Kind.REGEX, Kind.OPEN}:
            hint = (
                f'write {lexeme.value}:word, {lexeme.value}:"a phrase" or {lexeme.value}:(a OR b); NOT goes before it'
            )
            raise QueryError(f"nothing to search for stands after {lexeme.value}:", lexeme.start, lexeme.end, hint=hint)
        self._field = lexeme.value
        part = self._atom()
        self._field = ""
        return InField(name=FIELD_NAMES[lexeme.value], part=part, start=lexeme.start, end=part.end)

    def _atom(self) -> Node:
        lexeme = self._peek()
        if lexeme is None:
            raise QueryError("the query ends here, but a term is expected", len(self._text))
        self._take()
        start, end = lexeme.start, lexeme.end
        match lexeme.kind:
            case Kind.WORD:
                return Word(text=lexeme.value, terms=lexeme.terms, start=start, end=end)
            case Kind.PHRASE:
                return Phrase(text=lexeme.value, terms=lexeme.terms, start=start, end=end)
            case Kind.REGEX:
                return self._regex(lexeme)
            case Kind.OPEN:
                return self._group(lexeme)
            case Kind.CLOSE if self._next > 1 and self._lexemes[self._next - 2].kind is Kind.OPEN:
                raise QueryError("empty parentheses", self._lexemes[self._next - 2].start, end)
            case Kind.CLOSE:
                raise QueryError("a term is expected before this ')'", start)
            case _:
                raise QueryError(f"{lexeme.kind.name} needs a term on its left", start, end)

    def _group(self, opening: Lexeme) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise QueryError(f"parentheses are nested more than {MAX_DEPTH} deep", opening.start)
        node = self._level()
        if self._peek() is None:
            raise QueryError("this '(' is never closed", opening.start, hint="add the ')' that belongs to it")
        closing = self._take()
        self._depth -= 1
        return replace(node, start=opening.start, end=closing.end)

    def _regex(self, lexeme: Lexeme) -> Regex:
        if FIELD_NAMES.get(self._field) in LABEL_FIELDS:
            message = f"{self._field}: is compared as a whole, without regular expressions"
            raise QueryError(message, lexeme.start, lexeme.end, hint=f"write {self._field}:(a OR b)")
        return Regex(
            pattern=lexeme.value,
            flags=lexeme.flags,
            start=lexeme.start,
            end=lexeme.end,
            compiled=_compiled(lexeme),
        )

    def _mixed(self, operands: list[Node], operators: list[Lexeme | None], is_or: list[bool]) -> QueryError:
        odd = next(number for number, kind in enumerate(is_or) if kind != is_or[0])
        pointed: Lexeme | Node = operators[odd] or operands[odd + 1]
        pieces = [self._text[node.start : node.end] for node in operands]
        joints = [" " if operator is None else f" {operator.kind.name} " for operator in operators]
        ways = (_grouped(pieces, joints, is_or, inner=False), _grouped(pieces, joints, is_or, inner=True))
        if max(map(len, ways)) > 150:
            hint = "put parentheses around the terms that belong together: a AND (b OR c)"
        else:
            hint = f"write  {ways[1]}  or  {ways[0]}"
        # Pieces of a query over several lines would break the message.
        hint = re.sub(r"\s*\n\s*", " ", hint)
        return QueryError("AND and OR are mixed without parentheses", pointed.start, pointed.end, hint=hint)


def _grouped(pieces: list[str], joints: list[str], is_or: list[bool], *, inner: bool) -> str:
    """The pieces with parentheses around each run that is joined by OR (inner) or by AND (not inner)."""
    runs: list[list[str]] = [[pieces[0]]]
    outer: list[str] = []
    for piece, joint, kind in zip(pieces[1:], joints, is_or, strict=True):
        if kind == inner:
            runs[-1] += [joint, piece]
        else:
            outer.append(joint)
            runs.append([piece])
    shown = [f"({''.join(run)})" if len(run) > 1 else run[0] for run in runs]
    return shown[0] + "".join(joint + run for joint, run in zip(outer, shown[1:], strict=True))


_SAMPLES = ("", "a", " ", "a b", "1", "\n", "Some words, and 1 more.")
_REPEAT = re.compile(r"\{(\d+)")


def _compiled(lexeme: Lexeme) -> regex.Pattern[str]:
    """Compile a user's pattern, refusing what would hold everywhere or what only compiling it would cost too much."""
    pattern, start, end = lexeme.value, lexeme.start, lexeme.end
    if len(pattern) > MAX_REGEX_LENGTH:
        raise QueryError(f"the regular expression is longer than {MAX_REGEX_LENGTH} characters", start, end)
    # The library writes out every counted repeat: three nested {1000} fill the memory.
    if math.prod(max(1, int(count[:6])) for count in _REPEAT.findall(pattern)) > 10_000:
        hint = "the counts in {…}, multiplied, may come to 10,000"
        raise QueryError("the repeats of this regular expression are too large", start, end, hint=hint)
    flags = sum(getattr(regex, flag.upper()) for flag in set(lexeme.flags))
    try:
        with warnings.catch_warnings():  # about syntax that a later version of the library may read in another way
            warnings.simplefilter("ignore")
            compiled = regex.compile(pattern, flags)
    except regex.error as error:
        place = start + 1 + min(error.pos or 0, len(pattern))  # at its end: the closing slash
        raise QueryError(f"bad regular expression: {error.msg}", place) from None
    except (RecursionError, OverflowError, MemoryError, ValueError) as error:
        raise QueryError(f"bad regular expression: {str(error) or 'it is too complex'}", start, end) from None
    if any(_matches_nothing(compiled, sample) for sample in _SAMPLES):
        message = "this regular expression matches the empty text, so it would hold for every article"
        raise QueryError(message, start, end, hint="make at least one character of it required")
    return compiled


def _matches_nothing(compiled: regex.Pattern[str], sample: str) -> bool:
    try:
        found = compiled.search(sample, timeout=0.05)
    except TimeoutError:
        return False
    return found is not None and found.start() == found.end()


def _holds_on_nothing(node: Node) -> bool:
    """Whether the query holds for an article that contains none of its terms."""
    match node:
        case And():
            return all(map(_holds_on_nothing, node.parts))
        case Or():
            return any(map(_holds_on_nothing, node.parts))
        case Not():
            return not _holds_on_nothing(node.part)
        case InField():
            return _holds_on_nothing(node.part)
        case Word() | Phrase() | Regex():
            return False


def _refuse_exclusions_alone(node: Node, *, under_or: bool) -> None:
    if not _holds_on_nothing(node):
        return
    match node:
        case Or():
            for part in node.parts:
                _refuse_exclusions_alone(part, under_or=True)
        case InField():
            _refuse_exclusions_alone(node.part, under_or=under_or)
        case _ if under_or:
            hint = "NOT only takes away from what other terms found: a AND NOT b"
            raise QueryError("this side of the OR holds for almost every article", node.start, node.end, hint=hint)
        case _:
            hint = "NOT only takes away from what the other terms found"
            raise QueryError("a query needs at least one term without NOT", node.start, node.end, hint=hint)


def _slips(operator: str) -> Iterator[str]:
    """Two neighbours swapped ("ADN") or one letter doubled ("ANDD")."""
    for at in range(len(operator) - 1):
        yield operator[:at] + operator[at + 1] + operator[at] + operator[at + 2 :]
    for at in range(len(operator)):
        yield operator[: at + 1] + operator[at:]


_SLIPS = {slip: operator for operator in OPERATORS for slip in _slips(operator)}


def _remarks(lexemes: list[Lexeme]) -> list[Remark]:
    remarks = []
    for lexeme in lexemes:
        if lexeme.kind is not Kind.WORD:
            continue
        meant = _SLIPS.get(lexeme.value)
        if meant:
            message = f"{lexeme.value} is searched as a word"
            remarks.append(Remark(message=message, start=lexeme.start, end=lexeme.end, hint=f"did you mean {meant}?"))
        elif len(lexeme.terms) == 1 and len(lexeme.terms[0]) == 1 and lexeme.terms[0].isascii():
            message = f"{lexeme.value!r} is one character long and will match very often"
            remarks.append(Remark(message=message, start=lexeme.start, end=lexeme.end))
    return remarks
