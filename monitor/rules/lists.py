"""[lists]: terms under a name, shared by the queries of all files.

[lists]
leaders = ["assad", '"kim jong un"', "@exiles"]
exiles = ["prigozhin"]
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

from monitor.errors import Fault, QueryError
from monitor.rules.keys import LIST_NAME
from monitor.rules.lint import findings
from monitor.rules.section import Section
from monitor.rules.syntax import parse_item
from monitor.rules.tree import Listed, Or, Plain, Term
from monitor.rules.walk import walk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.rules.tree import Node
    from monitor.tomlfile import KeyPath, TomlFile

# Nested lists multiply; nobody means so many terms.
MAX_TERMS = 50_000

_NAME = re.compile(LIST_NAME)
_PLACEHOLDER = Term(text="list", tests=(Plain("list"),), start=0, end=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """What "@name" stands for.

    Attributes:
        nodes: By name. One with a fault is there as well, so that it is not taken for unknown.
        broken: Where the fault of such a list is told, by its name.
    """

    nodes: Mapping[str, Node] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class _Definition:
    """A list as its file has it; `uses` has each list that an item names, with that item's number and the place in
    it.
    """

    name: str
    section: Section
    items: list[str]
    uses: list[tuple[int, Listed]] = field(default_factory=list)

    @property
    def place(self) -> str:
        place = self.section.file.locate("lists", self.name)
        return f"{self.section.file.path}:{place.line}" if place else self.section.file.path


def read_lists(files: Sequence[TomlFile]) -> tuple[Lists, tuple[Fault, ...]]:
    """The lists of all files, and every fault in them; a list with one has a stand-in."""
    faults: list[Fault] = []
    definitions: dict[str, _Definition] = {}
    for file in files:
        _collect(file, definitions, faults)
    placeholders = dict.fromkeys(definitions, _PLACEHOLDER)
    for definition in definitions.values():
        definition.uses = _uses(definition.items, placeholders)
    order = _ordered(definitions)
    broken = {name: each.place for name, each in definitions.items() if each.section.broken}
    nodes: dict[str, Node] = dict(placeholders)
    terms: dict[str, int] = {}
    for name in order:
        definition = definitions[name]
        used = {listed.name for _, listed in definition.uses}
        for other in used & broken.keys():
            definition.section.broken = True
            broken.setdefault(name, broken[other])
        terms[name] = len(definition.items) + sum(terms.get(listed.name, 0) for _, listed in definition.uses)
        if terms[name] > MAX_TERMS:
            message = f"with the lists in it this one comes to {terms[name]:,} terms, more than {MAX_TERMS:,}"
            definition.section.report(message, name)
        if not definition.section.broken:
            nodes[name] = _node(definition, nodes)
        if definition.section.broken:
            broken.setdefault(name, definition.place)
    return Lists(nodes=nodes, broken=broken), tuple(faults)


def unusable(tree: Node, lists: Lists) -> Listed | None:
    """The first list with a fault that the tree names."""
    if not lists.broken:
        return None
    return next((node for node in walk(tree) if isinstance(node, Listed) and node.name in lists.broken), None)


def _collect(file: TomlFile, definitions: dict[str, _Definition], faults: list[Fault]) -> None:
    tables: Any = file.data.get("lists", {})
    if not isinstance(tables, dict):
        hint = 'write [lists] on a line of its own, and under it: leaders = ["assad", "kim jong un"]'
        faults.append(file.fault("lists", message="a table is expected", hint=hint))
        return
    for name in tables:
        section = Section(file, ("lists",), tables, where=f"list {name!r}", faults=faults)
        items = section.strings(name, example='["assad", "kim jong un"]', empty="an empty list would find nothing")
        if not _NAME.fullmatch(name):
            hint = "1 to 64 letters, digits, . _ and -, with a letter or digit at both ends"
            section.report(f"{name[:80]!r} cannot be a list's name", name, hint=hint)
        first = definitions.get(name)
        if first is None:
            definitions[name] = _Definition(name=name, section=section, items=list(items))
        else:
            hint = "names of lists are unique over all files: give one of them another, or merge the two"
            section.report(f"there is already a list of this name, in {first.place}", name, hint=hint)


def _uses(items: Sequence[str], placeholders: Mapping[str, Node]) -> list[tuple[int, Listed]]:
    uses = []
    for number, item in enumerate(items):
        if "@" not in item:
            continue
        try:
            tree = parse_item(item, placeholders).tree
        except QueryError:  # told when the item is read for good
            continue
        uses += [(number, node) for node in walk(tree) if isinstance(node, Listed)]
    return uses


def _ordered(definitions: Mapping[str, _Definition]) -> list[str]:
    """The names, each after those that it uses; lists in a circle are told and left out."""
    graph = {name: {listed.name for _, listed in each.uses} for name, each in definitions.items()}
    while True:
        try:
            return list(TopologicalSorter(graph).static_order())
        except CycleError as error:
            circle: list[str] = error.args[1][:0:-1]  # from each to one that it uses
            _report_circle(circle, definitions)
            for name in circle:
                del graph[name]
            graph = {name: uses - set(circle) for name, uses in graph.items()}


def _report_circle(circle: list[str], definitions: Mapping[str, _Definition]) -> None:
    at = min(range(len(circle)), key=lambda number: list(definitions).index(circle[number]))
    circle = [*circle[at:], *circle[:at]]
    first = definitions[circle[0]]
    following = circle[1] if len(circle) > 1 else circle[0]
    number, listed = next(use for use in first.uses if use[1].name == following)
    place = first.section.file.locate_in_string("lists", first.name, number, start=listed.start, end=listed.end)
    shown = " → ".join([*circle, circle[0]])
    first.section.report_at(place, f"this list contains itself: {shown}", hint="take one of them out of the other")
    for name in circle:
        definitions[name].section.broken = True


def _node(definition: _Definition, nodes: Mapping[str, Node]) -> Node:
    """The items as one node, or a stand-in where one of them cannot be read; what looks wrong in them is told."""
    section, name = definition.section, definition.name
    items: dict[KeyPath, Node] = {}
    for number, item in enumerate(definition.items):
        try:
            query = parse_item(item, nodes)
        except QueryError as error:
            section.report_in(error, name, number)
            continue
        for remark in query.remarks:
            section.report_in(remark, name, number, warning=True)
        items[name, number] = query.tree
    if section.broken:
        return _PLACEHOLDER
    parts = tuple(items.values())
    node = Or(parts=parts, start=0, end=0) if len(parts) > 1 else parts[0]
    section.report_findings(findings(node), items)
    return node
