"""Query text ▸ tree, and back.

Operators are upper-case, except those with a number, which are read as Factiva, Lexis and Brandwatch write them; side
by side means AND. Names and signs of operators that other products have are refused rather than searched as words. A
message points at what is wrong and says what would be right.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from monitor.errors import QueryError
from monitor.rules.checks import refuse_exclusions_alone
from monitor.rules.lexemes import Kind, Lexeme, is_bare
from monitor.rules.lexer import lex
from monitor.rules.parser import Parser
from monitor.rules.remarks import Remark, remark_on_item
from monitor.rules.render import render

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.rules.tree import Node

__all__ = ["Query", "Remark", "parse", "parse_item", "render"]

MAX_LENGTH = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query that was read."""

    text: str
    tree: Node
    remarks: tuple[Remark, ...] = ()


def parse(text: str, lists: Mapping[str, Node] | None = None) -> Query:
    """Read a query of at most 20,000 characters and 100 nested parentheses.

    Args:
        lists: What "@name" stands for.

    Raises:
        QueryError: for the first thing that is wrong.
    """
    _refuse_length(text)
    return _read(text, lex(text), lists or {})


def parse_item(text: str, lists: Mapping[str, Node] | None = None) -> Query:
    """Read an item of a list, or of a rule's any, all and none.

    Several words without a sign or operator ("flash flooding", "search and rescue") are a phrase; all else is a query.

    Raises:
        QueryError: like `parse`.
    """
    _refuse_length(text)
    if is_bare(text):
        start, end = len(text) - len(text.lstrip()), len(text.rstrip())
        phrase = Lexeme(Kind.PHRASE, start, end, text[start:end], start)
        return _read(text, [phrase, Lexeme(Kind.END, len(text), len(text))], lists or {})
    lexemes = lex(text)
    query = _read(text, lexemes, lists or {})
    remark = remark_on_item(text, lexemes)
    return replace(query, remarks=(*query.remarks, remark)) if remark else query


def _refuse_length(text: str) -> None:
    if len(text) > MAX_LENGTH:
        message = f"the query is {len(text):,} characters long, more than {MAX_LENGTH:,}"
        raise QueryError(message, MAX_LENGTH, hint="make several rules of it")


def _read(text: str, lexemes: list[Lexeme], lists: Mapping[str, Node]) -> Query:
    if lexemes[0].kind is Kind.END:
        raise QueryError("the query is empty", 0, hint='for example: assad AND ("step down" OR asylum)')
    parser = Parser(text, lexemes, lists)
    tree = parser.query()
    refuse_exclusions_alone(tree)
    return Query(text=text, tree=tree, remarks=tuple(parser.remarks))
