"""What a tree may not be, whatever text it was written in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.errors import QueryError
from monitor.rules.tree import And, AtLeast, First, InField, Listed, Near, Not, Or, Plain, Regex, Term, Wildcard, Within
from monitor.rules.walk import parts_of

if TYPE_CHECKING:
    from monitor.rules.tree import Node


def is_positional(node: Node) -> bool:
    """Whether it finds stretches of words (see `monitor.rules.tree`)."""
    match node:
        case Term() | Regex() | Near():
            return True
        case Or():
            return all(map(is_positional, node.parts))
        case Listed():
            return is_positional(node.part)
        case _:
            return False


def field_in(node: Node) -> tuple[InField, Listed | None] | None:
    """The first field in the tree, and the @list that it comes from if it does."""
    if isinstance(node, InField):
        return node, None
    for part in parts_of(node):
        found = field_in(part)
        if found is not None:
            return (found[0], node) if isinstance(node, Listed) else found
    return None


def fits_label(node: Node) -> bool:
    """Whether it can be compared with a label as a whole."""
    match node:
        case Term():
            return node.slop is None and all(isinstance(test, Plain | Wildcard) for test in node.tests)
        case And() | Or() | Not() | Listed():
            return all(map(fits_label, parts_of(node)))
        case _:
            return False


def holds_on_nothing(node: Node) -> bool:
    """Whether the query holds for an article that contains none of its terms."""
    match node:
        case And():
            return all(map(holds_on_nothing, node.parts))
        case Or():
            return any(map(holds_on_nothing, node.parts))
        case Not():
            return not holds_on_nothing(node.part)
        case InField() | Within() | First() | Listed():
            return holds_on_nothing(node.part)
        case Term() | Regex() | Near() | AtLeast():
            return False


def refuse_exclusions_alone(node: Node, *, under_or: bool = False) -> None:
    """Refuse a query that holds on nothing.

    Raises:
        QueryError: at the part to blame.
    """
    if not holds_on_nothing(node):
        return
    match node:
        case Or():
            for part in node.parts:
                refuse_exclusions_alone(part, under_or=True)
        case InField() | Within() | First() | Listed():
            refuse_exclusions_alone(node.part, under_or=under_or)
        case _ if under_or:
            hint = "NOT only takes away from what other terms found: a AND NOT b"
            raise QueryError("this side of the OR holds for almost every article", node.start, node.end, hint=hint)
        case _:
            hint = "NOT only takes away from what the other terms found"
            raise QueryError("a query needs at least one term without NOT", node.start, node.end, hint=hint)
