"""Tree ▸ query text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from monitor.rules.lexemes import is_plain_word
from monitor.rules.tree import (
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
    Regex,
    Term,
    Within,
)

if TYPE_CHECKING:
    from monitor.rules.tree import Node

# Besides letters alone, what is surely read as one word: a number, "H5N1", "step-down", "sanction*", "wom?n".
_BARE = re.compile(
    r"\d[^\W_]*|(?!(?i:near|onear|before|after|adj|w|pre|atl|atleast|first|f)\d+\Z)[^\W_]{2,}|[^\W\d_]{2,}(?:(?:-[^\W\d_]+)+\*?|\*|\?[^\W\d_]+)|\*[^\W\d_]{2,}\*?"
)


def render(node: Node) -> str:
    """The query on one line; parsing it gives an equal tree, places aside.

    An @list is written as its reference alone: the weight of a group around it, or of itself, is not shown.
    """
    match node:
        case Term():
            return _term(node)
        case Regex():
            return f"/{node.pattern}/{node.flags}{_weight(node.weight)}"
        case And() | Or() | Not() | Near():
            return _joined(node)
        case Within():
            return f"{node.unit.upper()}({render(node.part)})"
        case First():
            return f"FIRST/{node.count}({render(node.part)})"
        case AtLeast():
            return f"ATLEAST/{node.count} {_operand(node.part)}"
        case InField():
            return f"{node.name}:{_operand(node.part)}"
        case Listed():
            return f"@{node.name}"


def _joined(node: And | Or | Not | Near) -> str:
    match node:
        case And():
            return _and(node.parts)
        case Or():
            return " OR ".join(map(_operand, node.parts))
        case Not():
            return f"NOT {_operand(node.part)}"
        case Near():
            name = "BEFORE" if node.ordered else "NEAR"
            left = render(node.left) if isinstance(node.left, Near) else _operand(node.left)
            return f"{left} {name}/{node.distance} {_operand(node.right)}"


def _and(parts: tuple[Node, ...]) -> str:
    text = _operand(parts[0], under_and=True)
    for part in parts[1:]:
        text += (" " if isinstance(part, Not) else " AND ") + _operand(part, under_and=True)
    return text


def _operand(node: Node, *, under_and: bool = False) -> str:
    """With parentheses where they are needed, and around NEAR, which binds more tightly than it looks."""
    text = render(node)
    if isinstance(node, And | Or | Near) or (isinstance(node, Not) and not under_and):
        return f"({text})"
    return text


def _term(term: Term) -> str:
    exact = "=" if isinstance(term.tests[0], Exact) else ""
    bare = is_plain_word(term.text) or _BARE.fullmatch(term.text)
    text = term.text if bare else f'"{term.text}"'
    if any(isinstance(test, Forms) for test in term.tests):
        text += "~"
    elif term.slop is not None:
        text = f'"{term.text}"~{term.slop}'
    return exact + text + _weight(term.weight)


def _weight(weight: float) -> str:
    return "" if weight == 1.0 else f"^{weight!r}".removesuffix(".0")
