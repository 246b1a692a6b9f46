"""Why a query holds for an article, or does not: each of its parts, and how near those came that do not hold.

The parts are asked exactly as the engine asks them, in the same views; what is added is the looking around.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from monitor.rules.article import Article
from monitor.rules.evaluate import Compiler, chars_of, count_apart, view_of
from monitor.rules.leaves import REGEX_SECONDS, SlowRegexError, View
from monitor.rules.nearly import Nearby, relaxed
from monitor.rules.outline import below, is_line
from monitor.rules.tree import (
    LABEL_FIELDS,
    And,
    AtLeast,
    First,
    InField,
    Listed,
    Near,
    Not,
    Or,
    Regex,
    Term,
    Within,
)
from monitor.rules.vocabulary import BREAK, Vocabulary
from monitor.rules.walk import parts_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from monitor.model import Entry
    from monitor.rules.evaluate import Part
    from monitor.rules.leaves import Stretch
    from monitor.rules.tree import FieldName, Node

_MAX_FOUND = 1000


@dataclass(frozen=True, slots=True)
class Found:
    """A place where a part was found: characters [start, end) of a field, and what stands there."""

    field: FieldName
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a part of the query.

    Attributes:
        held: Whether it holds where it was looked for. Under a NOT, whether it holds by itself.
        found: Where, in reading order, at most 1,000 places; empty for parts made of others.
        note: How near it came, or how near its sides are to each other; "": nothing to say.
        parts: Of `monitor.rules.outline.below(node)`, in that order.
    """

    node: Node
    held: bool
    found: tuple[Found, ...] = ()
    note: str = ""
    parts: tuple[Verdict, ...] = ()


def explain(tree: Node, entry: Entry, *, feed_name: str = "", feed_tags: Collection[str] = ()) -> Verdict:
    """The verdict on the whole query. It holds if and only if `engine.find` finds something."""
    return _Explainer(tree, entry, feed_name, feed_tags).verdict()


class _Explainer:
    def __init__(self, tree: Node, entry: Entry, feed_name: str, feed_tags: Collection[str]) -> None:
        self._tree = tree
        vocabulary = Vocabulary()
        self._compiler = Compiler(vocabulary)
        # All terms have to be known before the article is read, also those that are only looked around for.
        self._compiler.part(tree)
        for term in _terms(tree):
            for other, _ in relaxed(term):
                self._compiler.part(other)
        self._article = Article(entry, feed_name=feed_name, feed_tags=feed_tags, vocabulary=vocabulary)
        self._nearby = Nearby(self._article, self._compiler)

    def verdict(self) -> Verdict:
        return self._of(self._tree, view_of(self._article), "")

    def _of(self, node: Node, view: View, inside: str) -> Verdict:
        """Args: `inside`: what keeps the view from being the whole article: "title", "sentence", "lead"; or ""."""
        match node:
            case Term() | Regex():
                return self._leaf(node, view, inside)
            case And() | Or():
                parts = tuple(self._of(part, view, inside) for part in node.parts)
                decide = all if isinstance(node, And) else any
                return Verdict(node=node, held=decide(part.held for part in parts), parts=parts)
            case Not():
                return self._not(node, view, inside)
            case Listed():
                return self._around(node, self._of(node.part, view, inside))
            case InField():
                return self._in_field(node, view)
            case Within():
                return self._within(node, view)
            case First():
                return self._around(node, self._of(node.part, self._lead(node, view), "lead"))
            case Near() | AtLeast():
                return self._of_stretches(node, view, inside)

    @staticmethod
    def _around(node: Node, inner: Verdict) -> Verdict:
        """A node that holds where its only part does."""
        if is_line(node):
            return Verdict(node=node, held=inner.held, found=inner.found, note=inner.note)
        parts = inner.parts if below(node) == below(inner.node) else (inner,)
        return Verdict(node=node, held=inner.held, parts=parts)

    def _not(self, node: Not, view: View, inside: str) -> Verdict:
        inner = self._of(node.part, view, inside)
        if is_line(node):
            return Verdict(node=node, held=not inner.held, found=inner.found)
        return Verdict(node=node, held=not inner.held, parts=(inner,))

    # -------------------------------------------------------------------------------------------------------- leaves

    def _leaf(self, node: Term | Regex, view: View, inside: str) -> Verdict:
        part = self._compiler.part(node)
        try:
            stretches = part.stretches(self._article, view)  # type: ignore[union-attr]  # a leaf has them
            held = part.holds(self._article, view)
        except SlowRegexError:
            note = f"stopped after {REGEX_SECONDS * 1000:.0f} ms: too slow on this text"
            return Verdict(node=node, held=False, note=note)
        found = tuple(self._found(stretches, view))
        note = "" if held else self._elsewhere(part, view, inside) or self._nearby.note(node, view)
        return Verdict(node=node, held=held, found=found, note=note)

    def _found(self, stretches: Sequence[Stretch], view: View) -> Iterator[Found]:
        texts = dict(view.stream.texts())
        for stretch in stretches[:_MAX_FOUND]:
            for mark in stretch.marks:
                at = chars_of(mark, view.stream)
                yield Found(at.field, at.start, at.end, texts[at.field][at.start : at.end])

    def _elsewhere(self, part: Part, view: View, inside: str) -> str:
        """That it stands in the article, but not where it has to."""
        if not inside or view.stream is not self._article.main:
            return ""
        everything = view_of(self._article)
        try:
            stretches = part.stretches(self._article, everything)  # type: ignore[union-attr]  # as above
        except SlowRegexError:
            return ""
        if not stretches:
            return ""
        first = stretches[0].start
        field = view.stream.field(first)
        if inside == "lead":
            begin = view.stream.bounds[field][0]
            number = first - begin - view.stream.code.count(BREAK, begin, first) + 1
            return f"it first stands at word {number} of the {field}"
        fields = dict.fromkeys(view.stream.field(stretch.start) for stretch in stretches)
        there = f"it stands in the {' and the '.join(fields)}"
        return f"{there}, in another {inside}" if inside in {"sentence", "paragraph"} else there

    # ---------------------------------------------------------------------------------------------------------- views

    def _in_field(self, node: InField, view: View) -> Verdict:
        if node.name in LABEL_FIELDS:
            held = self._compiler.part(node).holds(self._article, view)
            return Verdict(node=node, held=held, note=self._label(node.name))
        stream = self._article.stream(node.name)
        bounds = stream.bounds[node.name]
        partly = view.stream is stream and view.extent == "part"
        inner = view.clipped((bounds,)) if partly else View(stream, (bounds,), "field")
        found = self._around(node, self._of(node.part, inner, node.name))
        if node.name == "page" and not self._article.entry.page and not found.held:
            return replace(found, note="no page of it was read")
        if found.held or found.note or node.name not in {"feed", "author", "category", "url"} or found.parts:
            return found
        text = dict(stream.texts())[node.name].replace("\n", "; ")
        note = f"the {node.name} is {text!r}" if text else f"it has no {node.name}"
        return Verdict(node=node, held=False, note=note)

    def _label(self, name: FieldName) -> str:
        article = self._article
        match name:
            case "tag":
                tags = ", ".join(article.tags)
                return f"the feed's tags are {tags}" if tags else "the feed has no tags"
            case "domain":
                return f"its address is at {article.domains[0]}" if article.domains else "it has no address"
            case _:
                return f"its language is {article.language}" if article.language else "its language is not known"

    def _lead(self, node: First, view: View) -> View:
        return view.clipped([view.stream.lead(node.count, *bounds) for bounds in view.stream.bounds.values()])

    def _within(self, node: Within, view: View) -> Verdict:
        """Of all sentences or paragraphs the first that is enough, or else the one that has most of what is asked."""
        units = (view.clipped((unit,)) for unit in view.stream.units(node.unit))
        best: tuple[tuple[bool, int], Verdict, View] | None = None
        for unit in units:
            if unit.ranges:
                inner = self._of(node.part, unit, node.unit)
                score = (inner.held, _count_held(inner))
                if best is None or score > best[0]:
                    best = score, inner, unit
                if inner.held:
                    break
        if best is None or not (best[0][0] or best[0][1]):
            return Verdict(node=node, held=False, parts=(self._of(node.part, view, ""),))
        held, inner, unit = best[0][0], best[1], best[2]
        quoted = self._nearby.quote(unit.stream, unit.ranges[0][0], unit.ranges[-1][1])
        return Verdict(node=node, held=held, note=quoted if held else f"nearest: {quoted}", parts=(inner,))

    # ------------------------------------------------------------------------------------------------------ stretches

    def _of_stretches(self, node: Near | AtLeast, view: View, inside: str) -> Verdict:
        parts = tuple(self._of(part, view, inside) for part in parts_of(node))
        try:
            held = self._compiler.part(node).holds(self._article, view)
            note = self._distance(node, view) if isinstance(node, Near) else self._count(node, view, held=held)
        except SlowRegexError:
            held, note = False, ""
        return Verdict(node=node, held=held, note=note, parts=parts)

    def _count(self, node: AtLeast, view: View, *, held: bool) -> str:
        counted = count_apart(self._stretches(node.part, view), view.stream)
        return f"{'' if held else 'only '}{counted} of them" if counted else ""

    def _stretches(self, node: Node, view: View) -> list[Stretch]:
        return self._compiler.part(node).stretches(self._article, view)  # type: ignore[union-attr]  # it is positional

    def _distance(self, node: Near, view: View) -> str:
        """How far apart the sides are where they are nearest."""
        lefts, rights = self._stretches(node.left, view), self._stretches(node.right, view)
        if not lefts or not rights:
            return ""
        nearest = _nearest(lefts, rights, view, ordered=node.ordered)
        other = _nearest(rights, lefts, view, ordered=True) if node.ordered else None
        if other is not None and (nearest is None or (nearest[0] > node.distance >= other[0])):
            return f"in the other order {_apart(other[0])}: {self._nearby.quote(view.stream, *other[1:])}"
        if nearest is None:
            return "never in one field"
        which = "" if nearest[0] <= node.distance else "at the nearest "
        return f"{which}{_apart(nearest[0])}: {self._nearby.quote(view.stream, *nearest[1:])}"


def _terms(node: Node) -> Iterator[Term]:
    if isinstance(node, Term):
        yield node
    for part in parts_of(node):
        yield from _terms(part)


def _count_held(verdict: Verdict) -> int:
    if isinstance(verdict.node, Not):
        return 0
    return sum(map(_count_held, verdict.parts)) if verdict.parts else int(verdict.held)


def _apart(distance: int) -> str:
    return "side by side" if distance == 1 else f"{distance} words apart"


def _nearest(
    lefts: Sequence[Stretch], rights: Sequence[Stretch], view: View, *, ordered: bool
) -> tuple[int, int, int] | None:
    """The least distance in one field, and the positions [start, end) of the two with all between them."""
    found: list[tuple[int, int, int]] = []
    pairs = [(lefts, rights)] if ordered else [(lefts, rights), (rights, lefts)]
    for firsts, seconds in pairs:
        starts = sorted(stretch.start for stretch in seconds)
        by_start = {stretch.start: stretch for stretch in sorted(seconds, key=lambda one: -one.end)}
        for first in firsts:
            number = bisect_left(starts, first.end)
            if number < len(starts) and view.stream.field(first.start) == view.stream.field(starts[number]):
                second = by_start[starts[number]]
                found.append((second.start - first.end + 1, first.start, second.end))
    return min(found, default=None)
