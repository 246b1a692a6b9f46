"""Lexemes ▸ tree, by recursive descent.

query     = level
level     = operand { [ "AND" ] operand }  |  operand { "OR" operand }        never both without parentheses
operand   = [ "NOT" | "-" ] paragraph
paragraph = sentence { ( "w/p" | "SAME" ) sentence }
sentence  = near { "w/s" near }
near      = scoped { ( "NEAR/n" | "BEFORE/n" | "AFTER/n" ) scoped }
scoped    = [ FIELD ":" ] atom
atom      = WORD | PHRASE | REGEX | LIST | "(" level ")"
          | ( "SENTENCE" | "PARAGRAPH" ) "(" level ")"  |  ( "FIRST/n" | "ATLEAST/n" ) scoped
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from monitor.errors import QueryError
from monitor.rules import advice
from monitor.rules.checks import field_in, fits_label
from monitor.rules.lexemes import MAX_WEIGHT, MIN_WEIGHT, Kind, Lexeme
from monitor.rules.regexes import compiled, literal_of
from monitor.rules.remarks import Remark, remarks_on, remarks_on_regex
from monitor.rules.terms import read_label, read_term
from monitor.rules.tree import (
    FIELD_NAMES,
    LABEL_FIELDS,
    And,
    AtLeast,
    First,
    InField,
    Listed,
    Near,
    Node,
    Not,
    Or,
    Regex,
    Term,
    Within,
)
from monitor.rules.walk import parts_of, with_parts

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_DEPTH = 100
MAX_FIRST = 10_000
MAX_COUNT = 50
# What @lists may bring into one query: they can multiply each other.
MAX_LISTED = 50_000
MAX_LISTED_DEPTH = 100

# What no term can begin with.
_NO_TERM = (Kind.END, Kind.CLOSE, Kind.AND, Kind.OR, Kind.NEAR, Kind.SAME)
_AFTER_FIELD = (
    *(Kind.WORD, Kind.PHRASE, Kind.REGEX, Kind.LIST, Kind.OPEN),
    *(Kind.WITHIN, Kind.FIRST, Kind.ATLEAST),
)


class Parser:
    """One query being read; `remarks` fills as it goes."""

    def __init__(self, text: str, lexemes: list[Lexeme], lists: Mapping[str, Node]) -> None:
        self.remarks: list[Remark] = []
        self._text = text
        self._lexemes = lexemes
        self._lists = lists
        self._next = 0
        self._ahead = lexemes[0]
        self._depth = 0
        self._links = 0  # NEARs that follow another one; each makes the tree deeper
        self._weight = 1.0  # of the groups around
        self._field = ""
        self._has_fields = False
        self._listed_nodes = 0

    def query(self) -> Node:
        """The whole.

        Raises:
            QueryError: for the first thing that is wrong.
        """
        tree = self._level(None)
        if self._ahead.kind is not Kind.END:
            hint = "remove it, or add the '(' that belongs to it"
            raise QueryError("this ')' has no matching '('", self._ahead.start, hint=hint)
        return tree

    def _take(self) -> Lexeme:
        """The next lexeme; never the END."""
        lexeme = self._ahead
        self._next += 1
        self._ahead = self._lexemes[self._next]
        return lexeme

    def _written(self, lexeme: Lexeme) -> str:
        return self._text[lexeme.start : lexeme.end]

    # -------------------------------------------------------------------------------------------------- between terms

    def _level(self, opening: Lexeme | None) -> Node:
        """Up to the parenthesis that closes `opening`, or to the end."""
        operands = [self._operand(None)]
        operators: list[Lexeme | None] = []  # between the operands; None: side by side
        while (kind := self._ahead.kind) is not Kind.CLOSE and kind is not Kind.END:
            operators.append(self._operator() if kind is Kind.AND or kind is Kind.OR else None)
            operands.append(self._operand(operands[-1]))
        if not operators:
            return operands[0]
        error = advice.mixed(self._text, operands, operators)
        if error:
            raise error
        is_or = operators[0] is not None and operators[0].kind is Kind.OR
        start, end = (opening.start, self._ahead.end) if opening else (operands[0].start, operands[-1].end)
        return (Or if is_or else And)(parts=tuple(operands), start=start, end=end)

    def _operator(self) -> Lexeme:
        operator = self._take()
        if self._ahead.kind in _NO_TERM:
            name, after = self._written(operator), self._ahead
            hint = f"add the term, or leave out {name}"
            if after.kind not in {Kind.END, Kind.CLOSE}:
                hint = f"leave out {name} or the {self._written(after)} after it"
            raise QueryError(f"{name} needs a term on its right", operator.start, operator.end, hint=hint)
        return operator

    def _operand(self, before: Node | None) -> Node:
        """`before` is the operand on its left."""
        if self._ahead.kind is not Kind.NOT:
            return self._joined()
        lexeme = self._take()
        ahead = self._ahead
        if ahead.kind is Kind.NEAR:
            self._operator()
            raise advice.not_after(ahead, self._written(ahead), before, self._scoped())
        if ahead.kind in _NO_TERM:
            hint = f"add the term, or leave out {self._written(lexeme)}"
            raise QueryError("NOT needs a term on its right", lexeme.start, lexeme.end, hint=hint)
        if ahead.kind is Kind.NOT:
            raise QueryError("NOT twice in a row", lexeme.start, ahead.end, hint="leave both out, or one of them")
        part = self._joined()
        return Not(part=part, start=lexeme.start, end=part.end)

    def _joined(self) -> Node:
        left = self._scoped()
        if self._ahead.kind is Kind.NEAR or self._ahead.kind is Kind.SAME:
            return self._same("paragraph", left)
        return left

    def _same(self, unit: Literal["sentence", "paragraph"], left: Node) -> Node:
        first = self._tighter(unit, left)
        parts, operator = [first], self._ahead
        while self._ahead.kind is Kind.SAME and self._ahead.value == unit:
            operator = self._joiner(parts[-1])
            parts.append(self._tighter(unit, self._scoped()))
        if len(parts) == 1:
            return first
        start, end = first.start, parts[-1].end
        node = Within(unit=unit, part=And(parts=tuple(parts), start=start, end=end), start=start, end=end)
        self._check(node, operator)
        return node

    def _tighter(self, unit: Literal["sentence", "paragraph"], left: Node) -> Node:
        return self._same("sentence", left) if unit == "paragraph" else self._near(left)

    def _near(self, node: Node) -> Node:
        links = -1
        while self._ahead.kind is Kind.NEAR:
            links += 1
            operator = self._joiner(node)
            if self._links + links > MAX_DEPTH:
                hint = "put some of them in a rule of their own"
                raise QueryError(f"more than {MAX_DEPTH} NEAR follow another", operator.start, operator.end, hint=hint)
            right = self._scoped()
            error = advice.bad_distance(operator, self._written(operator), node, right)
            if error:
                raise error
            left, right = (right, node) if operator.value == "AFTER" else (node, right)
            node = Near(
                left=left,
                right=right,
                distance=operator.number or 0,
                ordered=operator.value != "NEAR",
                start=node.start,
                end=max(left.end, right.end),
            )
            self._check(node, operator)
        self._links += max(0, links)
        return node

    def _joiner(self, left: Node) -> Lexeme:
        operator = self._operator()
        if self._ahead.kind is Kind.NOT:
            self._take()
            raise advice.not_after(operator, self._written(operator), left, self._scoped())
        return operator

    def _check(self, node: Near | Within | First | AtLeast, operator: Lexeme) -> None:
        """What holds for every construct that looks at words in their order."""
        name = self._written(operator)
        if self._in_label():
            raise self._label_error(f"without {name}", operator)
        error = advice.field_inside(node, name) if self._has_fields else None
        if error is None and isinstance(node, Near):
            error = advice.bad_near(node, name)
        elif error is None and isinstance(node, AtLeast):
            error = advice.bad_at_least(node, name)
        if error:
            raise error

    # ---------------------------------------------------------------------------------------------------------- terms

    def _scoped(self) -> Node:
        lexeme = self._ahead
        if lexeme.kind is not Kind.FIELD:
            return self._atom()
        self._take()
        if self._field:
            message = f"{lexeme.value}: stands inside {self._field}:, and fields are not nested"
            raise QueryError(message, lexeme.start, lexeme.end, hint="close the parentheses of the first field before")
        if self._ahead.kind not in _AFTER_FIELD:
            hint = (
                f'write {lexeme.value}:word, {lexeme.value}:"a phrase" or {lexeme.value}:(a OR b); NOT goes before it'
            )
            raise QueryError(f"nothing to search for stands after {lexeme.value}:", lexeme.start, lexeme.end, hint=hint)
        self._field, self._has_fields = lexeme.value, True
        part = self._atom()
        self._field = ""
        return InField(name=FIELD_NAMES[lexeme.value], part=part, start=lexeme.start, end=part.end)

    def _atom(self) -> Node:
        lexeme = self._ahead
        if lexeme.kind is Kind.END:
            hint = "add what is to be found" + (", and the ')'" if self._depth else "")
            raise QueryError("the query ends here, but a term is expected", len(self._text), hint=hint)
        self._take()
        match lexeme.kind:
            case Kind.WORD | Kind.PHRASE:
                return self._term(lexeme)
            case Kind.OPEN:
                return self._group(lexeme)
            case Kind.REGEX:
                return self._regex(lexeme)
            case Kind.LIST:
                return self._listed(lexeme)
            case Kind.WITHIN | Kind.FIRST | Kind.ATLEAST:
                return self._prefixed(lexeme)
            case _:
                raise self._no_atom(lexeme)

    def _no_atom(self, lexeme: Lexeme) -> QueryError:
        start, end = lexeme.start, lexeme.end
        before = self._lexemes[self._next - 2] if self._next > 1 else lexeme
        if lexeme.kind is Kind.CLOSE and before.kind is Kind.OPEN:
            return QueryError("empty parentheses", before.start, end, hint="write terms into them, or leave them out")
        if lexeme.kind is Kind.CLOSE:
            return QueryError("a term is expected before this ')'", start, hint="add the term, or leave out the ')'")
        name = self._written(lexeme)
        if lexeme.kind is Kind.NOT or lexeme.kind is Kind.FIELD:
            hint = "add the term before it, or leave it out"
            return QueryError(f"a word, phrase or group is expected here, not {name}", start, end, hint=hint)
        quotes = "" if "/" in name else f'; to search for the word put it in quotes: "{name}"'
        return QueryError(
            f"{name} needs a term on its left", start, end, hint=f"add the term, or leave out {name}{quotes}"
        )

    def _group(self, opening: Lexeme) -> Node:
        self._deeper(opening)
        outer, self._weight = self._weight, self._weighted(opening)
        node = self._level(opening)
        if self._ahead.kind is Kind.END:
            raise QueryError("this '(' is never closed", opening.start, hint="add the ')' that belongs to it")
        closing = self._take()
        if closing.value:
            raise advice.sign_after_group(node, closing)
        self._weight = outer
        self._depth -= 1
        return node if node.end == closing.end else replace(node, start=opening.start, end=closing.end)

    def _prefixed(self, lexeme: Lexeme) -> Node:
        self._deeper(lexeme)
        if self._ahead.kind in _NO_TERM or self._ahead.kind is Kind.NOT:
            name = self._written(lexeme)
            number = "" if "/" in name or lexeme.number else "/3" if lexeme.kind is Kind.ATLEAST else "/50"
            hint = f'for example {name}{number} (a OR b); to search for the word put it in quotes: "{name.lower()}"'
            raise QueryError(f"{name} needs a term on its right", lexeme.start, lexeme.end, hint=hint)
        part = self._scoped()
        self._depth -= 1
        start, end, count = lexeme.start, part.end, lexeme.number or 0
        error: QueryError | None = None
        node: First | AtLeast | Within
        if lexeme.kind is Kind.FIRST:
            error = advice.bad_count(lexeme, self._written(lexeme), part, limits=(1, MAX_FIRST), what="50")
            node = First(count=count, part=part, start=start, end=end)
        elif lexeme.kind is Kind.ATLEAST:
            error = advice.bad_count(lexeme, self._written(lexeme), part, limits=(2, MAX_COUNT), what="3")
            node = AtLeast(count=count, part=part, start=start, end=end)
        else:
            unit: Literal["sentence", "paragraph"] = "sentence" if lexeme.value == "sentence" else "paragraph"
            node = Within(unit=unit, part=part, start=start, end=end)
        if error:
            raise error
        self._check(node, lexeme)
        return node

    def _deeper(self, lexeme: Lexeme) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise QueryError(f"parentheses are nested more than {MAX_DEPTH} deep", lexeme.start)

    def _weighted(self, lexeme: Lexeme) -> float:
        """The weight of the lexeme and of the groups around it."""
        if lexeme.weight == 1.0:
            return self._weight
        return _product(self._weight, lexeme.weight, lexeme.start, lexeme.end)

    def _term(self, lexeme: Lexeme) -> Term:
        text, is_phrase = lexeme.value, lexeme.kind is Kind.PHRASE
        if self._in_label():
            return self._label_term(lexeme)
        tests, crosses = read_term(text, lexeme.body, exact=lexeme.exact, forms=lexeme.forms, is_phrase=is_phrase)
        if lexeme.slop is not None and len(tests) < 2:
            hint = f'"{text.strip()}"~ finds every form of the word'
            message = f"~{lexeme.slop} needs a phrase of several words"
            raise QueryError(message, lexeme.start, lexeme.end, hint=hint)
        if len(text) < 5 or lexeme.forms or not text.islower():  # nothing to remark upon in other words
            self.remarks += remarks_on(self._lexemes, self._next - 1, tests)
        return Term(
            text=" ".join(text.split()) if is_phrase else text,
            tests=tests,
            crosses=crosses,
            slop=lexeme.slop,
            weight=self._weighted(lexeme),
            start=lexeme.start,
            end=lexeme.end,
        )

    def _regex(self, lexeme: Lexeme) -> Regex:
        if self._in_label():
            raise self._label_error("without regular expressions", lexeme)
        self.remarks += remarks_on_regex(lexeme)
        return Regex(
            pattern=lexeme.value,
            flags=lexeme.flags,
            compiled=compiled(lexeme.value, lexeme.flags, start=lexeme.start, end=lexeme.end),
            literal=literal_of(lexeme.value, lexeme.flags),
            weight=self._weighted(lexeme),
            start=lexeme.start,
            end=lexeme.end,
        )

    def _listed(self, lexeme: Lexeme) -> Listed:
        name, start, end = lexeme.value, lexeme.start, lexeme.end
        part = self._lists.get(name)
        if part is None:
            raise advice.unknown_list(lexeme, self._lists)
        has_field = field_in(part) is not None
        if self._field and has_field:
            message = f"@{name} has a field in it, and stands inside {self._field}:; fields are not nested"
            raise QueryError(message, start, end, hint=f"leave out {self._field}:, or use a list without fields")
        if self._in_label() and not fits_label(part):
            raise self._label_error(f"and @{name} has more in it than words and phrases", lexeme)
        self._has_fields |= has_field
        part = self._moved(part, lexeme, self._weighted(lexeme), 0)
        return Listed(name=name, part=part, start=start, end=end)

    def _moved(self, node: Node, lexeme: Lexeme, weight: float, depth: int) -> Node:
        """What a list stands for, at the place of its reference."""
        start, end = lexeme.start, lexeme.end
        self._listed_nodes += 1
        if self._listed_nodes > MAX_LISTED or depth > MAX_LISTED_DEPTH:
            message = f"the lists of this query come to more than {MAX_LISTED:,} terms, or are nested too deep"
            raise QueryError(message, start, end, hint="make several rules of it, each with one of the lists")
        if isinstance(node, Term | Regex):
            return replace(node, start=start, end=end, weight=_product(weight, node.weight, start, end))
        parts = tuple(self._moved(part, lexeme, weight, depth + 1) for part in parts_of(node))
        return replace(with_parts(node, parts), start=start, end=end)

    # --------------------------------------------------------------------------------------------------------- labels

    def _in_label(self) -> bool:
        return bool(self._field) and FIELD_NAMES[self._field] in LABEL_FIELDS

    def _label_term(self, lexeme: Lexeme) -> Term:
        text, is_phrase = lexeme.value, lexeme.kind is Kind.PHRASE
        sign = "=" if lexeme.exact else "~" if lexeme.forms or lexeme.slop is not None else ""
        sign = sign or ("^" if self._weighted(lexeme) != 1.0 else "") or ("?" if "?" in text else "")
        if sign:
            raise self._label_error(f"without {sign}", lexeme)
        tests = read_label(text, lexeme.body, field=self._field, is_phrase=is_phrase)
        text = " ".join(text.split())
        return Term(text=text, tests=tests, start=lexeme.start, end=lexeme.end)

    def _label_error(self, without: str, lexeme: Lexeme) -> QueryError:
        shown = lexeme.value if lexeme.kind in {Kind.WORD, Kind.PHRASE} else ""
        if lexeme.kind is Kind.PHRASE:
            shown = f'"{" ".join(shown.split())}"'
        hint = f"write {self._field}:{shown.replace('?', '*') or '(a OR b)'}; * stands for any characters"
        message = f"{self._field}: is compared as a whole, {without}"
        return QueryError(message, lexeme.start, lexeme.end, hint=hint)


def _product(outer: float, inner: float, start: int, end: int) -> float:
    weight = outer * inner if outer == 1.0 or inner == 1.0 else round(outer * inner, 6)
    if MIN_WEIGHT <= weight <= MAX_WEIGHT:
        return weight
    message = f"weights around each other are multiplied, and come to {weight:g} here"
    hint = f"they may come to {MIN_WEIGHT:g} to {MAX_WEIGHT:g}"
    raise QueryError(message, start, end, hint=hint)
