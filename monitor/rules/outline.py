"""A query's parts as lines, from the whole down: how `rules explain` and `why` show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.rules.render import render
from monitor.rules.tree import (
    LABEL_FIELDS,
    And,
    AtLeast,
    Exact,
    First,
    Forms,
    InField,
    Listed,
    Near,
    Not,
    Or,
    Plain,
    Regex,
    Term,
    Wildcard,
    Within,
)
from monitor.rules.walk import parts_of

if TYPE_CHECKING:
    from monitor.rules.tree import Node


def heading(node: Node) -> str:
    """The node in a line, without what `below` gives."""
    match node:
        case Term() | Regex():
            return render(node)
        case Near():
            return f"within {_words(node.distance)} of each other{', in this order' if node.ordered else ''}"
        case Within():
            return f"in one {node.unit}"
        case First():
            return f"in the first {_words(node.count)}"
        case AtLeast():
            return f"at least {node.count} times"
        case _:
            return _joining(node)


def _words(count: int) -> str:
    return "1 word" if count == 1 else f"{count} words"


def _joining(node: And | Or | Not | InField | Listed) -> str:
    match node:
        case And():
            return "all of"
        case Or():
            return "any of"
        case Not():
            return f"NOT {heading(node.part)}" if not below(node) else "NOT"
        case InField():
            return render(node) if not below(node) else f"{node.name}:"
        case Listed():
            return f"@{node.name}, any of" if isinstance(node.part, Or) else f"@{node.name}"


def below(node: Node) -> tuple[Node, ...]:
    """The nodes that stand under it, each with lines of its own."""
    match node:
        case Not() if is_line(node.part):
            return ()
        case InField() if node.name in LABEL_FIELDS or is_line(node.part):
            return ()
        case Listed():
            return node.part.parts if isinstance(node.part, Or) else (node.part,)
        case _:
            return parts_of(node)


def is_line(node: Node) -> bool:
    """Whether its heading is all of it."""
    return not below(node)


def spelled_out(node: Node) -> str:
    """What a term's "~" stands for: "step, steps, stepped, stepping"; "" where there is none."""
    while isinstance(node, Not | InField):
        node = node.part
    if not isinstance(node, Term) or not any(isinstance(test, Forms) for test in node.tests):
        return ""
    if len(node.tests) == 1 and isinstance(node.tests[0], Forms):
        return ", ".join(node.tests[0].words)
    return " ".join(_alternatives(test) for test in node.tests)


def _alternatives(test: Plain | Exact | Forms | Wildcard) -> str:
    match test:
        case Plain():
            return test.term
        case Exact():
            return test.text
        case Wildcard():
            return test.pattern
        case Forms():
            return test.base if len(test.words) == 1 else f"({', '.join(test.words)})"
