"""Whether one part of a query finds all that another finds. Only what is certain counts: False may mean "not known"."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from monitor.rules.tokens import fold
from monitor.rules.tree import (
    DEFAULT_FIELDS,
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
    from collections.abc import Hashable

    from monitor.rules.tree import FieldName, Node, TokenTest

Fields = tuple["FieldName", ...]

# A list of more terms is not searched: the same list would be for every rule that names it.
_LONG = 50


def covers(whole: Node, part: Node, fields: Fields = DEFAULT_FIELDS, part_fields: Fields | None = None) -> bool:
    """Whether `whole` holds wherever `part` does; `fields`: where each looks for a term that names none."""
    part_fields = fields if part_fields is None else part_fields
    match whole, part:
        case Listed(), Listed() if whole.name == part.name:
            return set(part_fields) <= set(fields)
        case Listed(), _:
            is_long = isinstance(whole.part, Or) and len(whole.part.parts) > _LONG
            return not is_long and covers(whole.part, part, fields, part_fields)
        case InField(), _:
            return covers(whole.part, part, (whole.name,), part_fields)
        case _, Listed():
            return covers(whole, part.part, fields, part_fields)
        case _, InField():
            return covers(whole, part.part, fields, (part.name,))
        case _:
            return _bare_covers(whole, part, fields, part_fields)


def _bare_covers(whole: Node, part: Node, fields: Fields, part_fields: Fields) -> bool:
    match whole, part:
        case Term(), Term():
            return set(part_fields) <= set(fields) and _term_covers(whole, part, part_fields)
        case Not(), Not():
            return covers(part.part, whole.part, part_fields, fields)
        case And(), _:
            return all(covers(each, part, fields, part_fields) for each in whole.parts)
        case _, Or():
            return all(covers(whole, each, fields, part_fields) for each in part.parts)
        case Or(), _ if any(covers(each, part, fields, part_fields) for each in whole.parts):
            return True
        case _, And():
            return any(covers(whole, each, fields, part_fields) for each in part.parts)
        case _:
            return _structure_covers(whole, part, fields, part_fields)


def skeleton(node: Node) -> Hashable:
    """What the node means, without places and weights: equal ones find the same."""
    match node:
        case Term():
            return ("term", node.text.casefold() if "*" in node.text else "", node.tests, node.crosses, node.slop)
        case Regex():
            return ("regex", node.pattern, "".join(sorted(node.flags)))
        case Listed():
            return ("list", node.name)
        case _:
            extra = tuple(
                getattr(node, name) for name in ("name", "unit", "count", "distance", "ordered") if hasattr(node, name)
            )
            parts = [skeleton(part) for part in parts_of(node)]
            return (type(node).__name__, extra, *parts)


def _structure_covers(whole: Node, part: Node, fields: Fields, part_fields: Fields) -> bool:
    """For nodes that look at stretches of words."""
    if set(part_fields) <= set(fields) and _same_kind_covers(whole, part):
        return True
    if not _grows(whole):
        return False
    match part:
        case Near():
            return any(covers(whole, side, fields, part_fields) for side in (part.left, part.right))
        case Within() | First() | AtLeast() if _grows(part.part):
            return covers(whole, part.part, fields, part_fields)
        case _:
            return False


def _same_kind_covers(whole: Node, part: Node) -> bool:
    match whole, part:
        case Near(), Near():
            sides = (skeleton(whole.left), skeleton(whole.right))
            others = (skeleton(part.left), skeleton(part.right))
            if whole.distance < part.distance or (whole.ordered and not part.ordered):
                return False
            return sides == others or (not whole.ordered and sides == others[::-1])
        case AtLeast(), AtLeast():
            return whole.count <= part.count and skeleton(whole.part) == skeleton(part.part)
        case First(), First():
            return whole.count >= part.count and _grows(whole.part) and skeleton(whole.part) == skeleton(part.part)
        case _:
            return type(whole) is type(part) and skeleton(whole) == skeleton(part)


def _grows(node: Node) -> bool:
    """Whether what holds for a piece of a text holds for all of the text."""
    match node:
        case Not() | First():
            return False
        case _:
            return all(map(_grows, parts_of(node)))


def _term_covers(whole: Term, part: Term, fields: Fields) -> bool:
    if len(fields) == 1 and fields[0] in LABEL_FIELDS:
        return whole.text.casefold() == part.text.casefold()
    if len(whole.tests) == 1:
        first = whole.tests[0]
        return any(first == test or _test_covers(first, test) for test in part.tests)
    if whole.slop is not None or part.slop is not None:
        return (whole.tests, whole.crosses) == (part.tests, part.crosses) and _slop(whole) >= _slop(part)
    size = len(whole.tests)
    return any(_run_covers(whole, part, at) for at in range(len(part.tests) - size + 1))


def _slop(term: Term) -> int:
    return -1 if term.slop is None else term.slop


def _run_covers(whole: Term, part: Term, at: int) -> bool:
    run = part.tests[at : at + len(whole.tests)]
    if not all(one == other or _test_covers(one, other) for one, other in zip(whole.tests, run, strict=True)):
        return False
    crossed = {number - at for number in part.crosses if at < number < at + len(run)}
    return crossed <= whole.crosses


def _test_covers(whole: TokenTest, part: TokenTest) -> bool:
    """Whether every token that `part` takes is one that `whole` takes."""
    match part:
        case Forms():
            return all(_takes(whole, word) for word in part.words)
        case Plain():
            return _takes(whole, part.term)
        case Exact():
            return part.text.isalnum() and _takes(whole, fold(part.text))
        case Wildcard():
            return isinstance(whole, Wildcard) and _pattern_covers(whole.pattern, part.pattern)


def _takes(test: TokenTest, folded: str) -> bool:
    match test:
        case Plain():
            return test.term == folded
        case Forms():
            return folded in test.words
        case Wildcard():
            return folded.isalnum() and pattern_takes(test.pattern, folded)
        case Exact():
            return False


def pattern_takes(pattern: str, folded: str) -> bool:
    """Whether a wildcard finds a word."""
    before, star, after = pattern.partition("*")
    if "?" in pattern or "*" in after:
        return fnmatchcase(folded, pattern)
    if not star:
        return folded == before
    return len(folded) >= len(before) + len(after) and folded.startswith(before) and folded.endswith(after)


def _pattern_covers(whole: str, part: str) -> bool:
    """For "ab*" and "*ab": the other one begins, or ends, with as much."""
    fixed = whole.strip("*")
    if whole == part:
        return True
    if "*" in fixed or "?" in fixed:
        return False
    if whole == f"{fixed}*":
        return part.startswith(fixed)
    return (whole == f"*{fixed}" and part.endswith(fixed)) or (whole == f"*{fixed}*" and fixed in part)
