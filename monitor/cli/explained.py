"""How the parts of a query are printed, with what became of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from monitor.cli.common import plural
from monitor.rules.outline import below, heading, is_line, spelled_out
from monitor.rules.syntax import render
from monitor.rules.tree import And, Listed, Near, Not, Or

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monitor.rules.explain import Found, Verdict
    from monitor.rules.tree import Node

_INDENT = "  "
# Of the parts of an "any of", so many that are not there have a line of their own.
_ALONE = 4
_MAX_HEADING = 100
_MAX_WORDS = 4
_MAX_TEXT = 60


def outlined(node: Node, depth: int = 0) -> Iterator[str]:
    """The parts of a query, a line each, with the forms of words."""
    spelled = spelled_out(node)
    yield _INDENT * depth + heading(node) + (f"   finds {spelled}" if spelled else "")
    for part in below(node):
        yield from outlined(part, depth + 1)


def explained(verdict: Verdict, depth: int = 0) -> Iterator[Text]:
    """The parts of a query with ✓ or ✗, a line each: where they were found, or how near they came."""
    yield _line(verdict, depth)
    shown, others = _told_apart(verdict)
    for part in shown:
        yield from explained(part, depth + 1)
    if others:
        named = ", ".join(_short(_named(part.node)) for part in others[:8])
        more = f" and {len(others) - 8} more" if len(others) > 8 else ""
        yield _marked(False, f"none of the {'others' if shown else 'following'}: {named}{more}", depth + 1)


def _told_apart(verdict: Verdict) -> tuple[Sequence[Verdict], Sequence[Verdict]]:
    """The parts with lines of their own, and those of a long list of choices that are just not there."""
    if not isinstance(verdict.node, Or | Listed) or len(verdict.parts) <= _ALONE:
        return verdict.parts, ()
    shown: list[Verdict] = []
    plain: list[Verdict] = []
    for part in verdict.parts:
        (plain if _is_nowhere(part) else shown).append(part)
    return (shown, plain) if len(plain) > 1 else (verdict.parts, ())


def _is_nowhere(verdict: Verdict) -> bool:
    """Whether nothing of it is there, nor anything like it. (A NOT holds where its part is nowhere.)"""
    if verdict.held or verdict.found or verdict.note:
        return False
    return not isinstance(verdict.node, Not) and all(map(_is_nowhere, verdict.parts))


def _line(verdict: Verdict, depth: int) -> Text:
    line = _marked(verdict.held, _short(heading(verdict.node)), depth)
    told = "; ".join(filter(None, (_where(verdict.found), verdict.note)))
    if isinstance(verdict.node, Not) and not verdict.held and verdict.found:
        told = f"but it is there: {told}"
    if told:
        line.append(f"   {told}", style="dim" if verdict.held else "yellow")
    return line


def _marked(held: bool, text: str, depth: int) -> Text:
    line = Text(_INDENT * depth)
    line.append("✓ " if held else "✗ ", style="green" if held else "red")
    return line.append(text)


def _where(found: Sequence[Found]) -> str:
    """ "title “Assad’s”, content “Assad” (3 times)"."""
    counts: dict[tuple[str, str], int] = {}
    for place in found:
        text = " ".join(place.text.split())
        at = place.field, text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}…"
        counts[at] = counts.get(at, 0) + 1
    shown = [
        f"{field} “{text}”" + (f" ({count} times)" if count > 1 else "")
        for (field, text), count in list(counts.items())[:_MAX_WORDS]
    ]
    if len(counts) > _MAX_WORDS:
        shown.append(f"and {plural(len(counts) - _MAX_WORDS, 'other')}")
    return ", ".join(shown)


def _named(node: Node) -> str:
    if is_line(node):
        return heading(node)
    return f"({render(node)})" if isinstance(node, And | Near) else render(node)


def _short(text: str) -> str:
    return text if len(text) <= _MAX_HEADING else f"{text[: _MAX_HEADING - 1]}…"


def verdict_facts(verdict: Verdict) -> dict[str, object]:
    """For JSON."""
    return {
        "part": heading(verdict.node),
        "held": verdict.held,
        "found": [
            {"field": place.field, "start": place.start, "end": place.end, "text": place.text}
            for place in verdict.found
        ],
        "note": verdict.note,
        "parts": [verdict_facts(part) for part in verdict.parts],
    }
