"""Errors of the parser that write out what would be right in the user's own words."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.errors import QueryError
from monitor.rules.checks import field_in, is_positional
from monitor.rules.render import render
from monitor.rules.tree import (
    MAX_DISTANCE,
    And,
    AtLeast,
    First,
    Forms,
    InField,
    Listed,
    Near,
    Not,
    Or,
    Plain,
    Term,
    Within,
)
from monitor.rules.walk import parts_of, with_parts
from monitor.tomlfile import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from monitor.rules.lexemes import Lexeme
    from monitor.rules.tree import Node

# A hint longer than this is no help.
_MAX_LENGTH = 150


def mixed(text: str, operands: Sequence[Node], operators: Sequence[Lexeme | None]) -> QueryError | None:
    """AND and OR on one level, where `operators` stand between the operands and None is side by side."""
    is_or = [operator is not None and operator.kind.name == "OR" for operator in operators]
    if len(set(is_or)) < 2:
        return None
    odd = next(number for number, kind in enumerate(is_or) if kind != is_or[0])
    pointed: Lexeme | Node = operators[odd] or operands[odd + 1]
    pieces = [text[node.start : node.end] for node in operands]
    joints = [" " if operator is None else f" {operator.kind.name} " for operator in operators]
    ways = (_grouped(pieces, joints, is_or, inner=False), _grouped(pieces, joints, is_or, inner=True))
    if max(map(len, ways)) > _MAX_LENGTH or "#" in text or "<<<" in text:  # a comment would hide what follows it
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


# ------------------------------------------------------------------------------------------------------------ distances


def bad_distance(operator: Lexeme, name: str, left: Node, right: Node) -> QueryError | None:
    """A distance that is missing or out of range; `name` is how the user writes the operator."""
    number = operator.number
    if number is not None and 1 <= number <= MAX_DISTANCE:
        return None
    word = re.split(r"[/\d]", name)[0]
    ours = f"{word}/" if word.upper() != "ADJ" else word
    between = f"{_shown(left)} {ours}{{}} {_shown(right)}"
    if number is None:
        message = f"{word} needs a distance in words, a whole number from 1 to {MAX_DISTANCE}"
        quotes = "" if "/" in name else f'; to search for the word put it in quotes: "{word.lower()}"'
        return QueryError(message, operator.start, operator.end, hint=f"write {between.format(10)}{quotes}")
    if number == 0:
        hint = f"write {between.format(1)} for neighbours"
        return QueryError(f"{name} finds nothing: neighbours are 1 apart", operator.start, operator.end, hint=hint)
    message = f"{name} is too far: at most {MAX_DISTANCE} words may lie between"
    hint = f"write {between.format(MAX_DISTANCE)}, or PARAGRAPH({_shown(left)} {_shown(right)})"
    return QueryError(message, operator.start, operator.end, hint=hint)


def bad_count(operator: Lexeme, name: str, part: Node, *, limits: tuple[int, int], what: str) -> QueryError | None:
    """A count of FIRST or ATLEAST that is missing or outside `limits`; `what` is an example of it."""
    number = operator.number
    least, most = limits
    if number is not None and least <= number <= most:
        return None
    word = re.split(r"[/\d]", name)[0].upper()
    shown = _shown(part)
    if not (shown.startswith("(") and shown.endswith(")")):
        shown = f"({shown})" if word == "FIRST" else f" {shown}"
    if number is None:
        message = f"{word} needs a number from {least} to {most:,}"
        quotes = "" if "/" in name else f'; to search for the word put it in quotes: "{word.lower()}"'
        return QueryError(message, operator.start, operator.end, hint=f"write {word}/{what}{shown}{quotes}")
    if number < least:
        hint = f"write {shown.strip()} alone" if number == 1 and least == 2 else f"write {word}/{least}{shown}"
    else:
        hint = f"write {word}/{most}{shown}"
    message = f"{name} is outside its range: the number may be {least} to {most:,}"
    return QueryError(message, operator.start, operator.end, hint=hint)


def not_after(operator: Lexeme, name: str, before: Node | None, right: Node) -> QueryError:
    """NOT directly before a NEAR ("a NOT NEAR/5 b"), or directly after it; `operator` is the NEAR."""
    left = _shown(before) if before is not None else "a"
    hint = f"write {left} NOT ({left} {name} {_shown(right)})"
    return QueryError(f"NOT cannot stand beside {name}", operator.start, operator.end, hint=hint)


def bad_near(near: Near, name: str) -> QueryError | None:
    """An operand that finds no stretches of words."""
    wrong = near.left if not is_positional(near.left) else near.right
    if is_positional(wrong):
        return None

    def joined(left: Node, right: Node) -> Node:
        return replace(near, left=left, right=right)

    def in_left(left: Node) -> Node:
        return _spread(near.right, lambda right: joined(left, right), left)

    return _not_positional(wrong, _spread(near.left, in_left, near.right), _phrased(near), name)


def bad_at_least(node: AtLeast, name: str) -> QueryError | None:
    """A part that finds no stretches of words."""
    if is_positional(node.part):
        return None
    spread = _spread(node.part, lambda part: replace(node, part=part))
    return _not_positional(node.part, spread, _phrased(node), name)


def _not_positional(wrong: Node, spread: Node, phrased: Node | None, name: str) -> QueryError:
    kind = {And: "terms joined by AND", Not: "NOT", Within: "a sentence or paragraph", First: "FIRST"}
    what = kind.get(type(wrong), "an @list with more than words" if isinstance(wrong, Listed) else "this")
    message = f"{name} takes words, phrases and OR between them, not {what}"
    fixed = render(spread)
    if isinstance(wrong, Listed) or len(fixed) > _MAX_LENGTH:
        hint = f"write {name} for each of the terms"
    else:
        hint = f"write {fixed}" + (f"  or, for the phrase,  {render(phrased)}" if phrased else "")
    return QueryError(message, wrong.start, wrong.end, hint=hint)


def _spread(node: Node, make: Callable[[Node], Node], beside: Node | None = None) -> Node:
    """`make` of each positional part, joined as the parts were; what has none stands beside `beside`."""
    if is_positional(node):
        return make(node)
    match node:
        case And() | Or() | Not():
            return with_parts(node, tuple(_spread(part, make, beside) for part in parts_of(node)))
        case First() | AtLeast() if is_positional(node.part):
            return with_parts(node, (make(node.part),))
        case _:
            return And(parts=(node, beside), start=node.start, end=node.end) if beside else node


def _phrased(node: Near | AtLeast) -> Node | None:
    """`node` with plain words side by side as phrases, or None."""
    parts = tuple(_as_phrase(part) for part in parts_of(node))
    changed = with_parts(node, parts)
    return changed if all(map(is_positional, parts)) else None


def _as_phrase(node: Node) -> Node:
    if not isinstance(node, And):
        return node
    words = [part for part in node.parts if isinstance(part, Term) and all(isinstance(t, Plain) for t in part.tests)]
    if len(words) != len(node.parts):
        return node
    return replace(words[0], text=" ".join(word.text for word in words))


# --------------------------------------------------------------------------------------------------- fields and groups


def field_inside(node: Node, name: str) -> QueryError | None:
    """A field inside a construct that a field must stand around; `name` is how the user writes the construct."""
    found = field_in(node)
    if found is None:
        return None
    field, listed = found
    if listed is not None:
        message = f"@{listed.name} looks in {field.name}:, and a field cannot stand inside {name}"
        return QueryError(message, listed.start, listed.end, hint="use a list without fields here")
    hint = f"write one field around the whole: {field.name}:(…)"
    names: set[str] = set()
    bare = _without_fields(node, names)
    if len(names) == 1:
        fixed = render(InField(name=field.name, part=bare, start=node.start, end=node.end))
        hint = f"write {fixed}" if len(fixed) <= _MAX_LENGTH else hint
    elif isinstance(node, Near):
        hint = (
            f"{name} looks in one field at a time; for both fields write {_shown(node.left)} AND {_shown(node.right)}"
        )
    message = f"{field.name}: stands inside {name}, and a field goes around it"
    return QueryError(message, field.start, field.end, hint=hint)


def _without_fields(node: Node, names: set[str]) -> Node:
    if isinstance(node, InField):
        names.add(node.name)
        return _without_fields(node.part, names)
    if isinstance(node, Listed):
        return node
    return with_parts(node, tuple(_without_fields(part, names) for part in parts_of(node)))


def sign_after_group(group: Node, sign: Lexeme) -> QueryError:
    """ "(a OR b)~" and "(a b)~5"."""
    place = sign.end - len(sign.value)
    phrase = _as_phrase(group)
    if sign.value == "~":
        fixed = render(_with_forms(group))
        hint = f"write ({fixed})" if len(fixed) <= _MAX_LENGTH else "write ~ after each word of the group"
        return QueryError("~ goes after a word or phrase, not after a group", place, sign.end, hint=hint)
    hint = f"write {render(phrase)}{sign.value}" if isinstance(phrase, Term) else "write a NEAR/5 b"
    return QueryError(f"{sign.value[:10]} goes after a phrase, not after a group", place, sign.end, hint=hint)


def _with_forms(node: Node) -> Node:
    if isinstance(node, Term):
        fits = node.slop is None and all(isinstance(test, Plain) for test in node.tests)
        return replace(node, tests=(Forms("", ("",)),)) if fits else node
    return node if isinstance(node, Listed) else with_parts(node, tuple(map(_with_forms, parts_of(node))))


def unknown_list(lexeme: Lexeme, names: Collection[str]) -> QueryError:
    """A reference to a list that is not there."""
    near = did_you_mean(lexeme.value, names)
    if near:
        hint = near.replace('"', "@", 1).replace('"', "")
    elif names:
        hint = f"the lists are {', '.join(f'@{name}' for name in sorted(names)[:10])}" + (
            " …" if len(names) > 10 else ""
        )
    else:
        hint = f'write it in a rule file: [lists], {lexeme.value} = ["one", "two"]'
    hint += f'{"" if hint.endswith("?") else "."} To search for the text itself put it in quotes: "@{lexeme.value}"'
    return QueryError(f"there is no list @{lexeme.value}", lexeme.start, lexeme.end, hint=hint)


def _shown(node: Node) -> str:
    text = render(node)
    if len(text) > _MAX_LENGTH // 3:
        return "(…)"
    return f"({text})" if isinstance(node, And | Or | Not) else text
