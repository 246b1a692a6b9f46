"""The nodes directly under a node, all of them, and a node with others in their place."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.rules.tree import And, AtLeast, First, InField, Listed, Near, Not, Or, Regex, Term, Within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.rules.tree import Node


def parts_of(node: Node) -> tuple[Node, ...]:
    """In the order of the query; none of a Term or Regex. What an @list stands for is part of it."""
    match node:
        case Term() | Regex():
            return ()
        case And() | Or():
            return node.parts
        case Near():
            return (node.left, node.right)
        case Not() | Within() | First() | AtLeast() | InField() | Listed():
            return (node.part,)


def with_parts(node: Node, parts: tuple[Node, ...]) -> Node:
    """`node` with `parts`, as many as `parts_of` gives."""
    match node:
        case Term() | Regex():
            return node
        case And() | Or():
            return replace(node, parts=parts)
        case Near():
            return replace(node, left=parts[0], right=parts[1])
        case Not() | Within() | First() | AtLeast() | InField() | Listed():
            return replace(node, part=parts[0])


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, as they are written: what an @list stands for is left out."""
    pending = [node]
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, Listed):
            pending += reversed(parts_of(node))
