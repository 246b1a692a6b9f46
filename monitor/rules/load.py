"""Rule files ▸ rules, and every fault in them at once, each with its place.

[defaults]                                  # for the rules of this file that do not have the key themselves
owner = "Foreign desk"

[lists]                                     # for the queries of all files
leaders = ["assad", "kim jong un"]

[[rule]]
name = "leader-leaves"
query = '@leaders AND ("step down"~ OR asylum)'
feeds = ["bbc-world", "tag:politics", "reuters-*"]

[[rule.tests]]                              # the rule is used only if they hold
title = "Assad asks for asylum"

What each key means stands in `monitor.rules.keys`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from monitor.errors import Fault, QueryError
from monitor.rules.cases import read_tests
from monitor.rules.keys import DEFAULTS_KEYS, FILE_KEYS, RULE_KEYS
from monitor.rules.lint import duplicates, findings
from monitor.rules.lists import Lists, read_lists, unusable
from monitor.rules.rule import Origin, Rule, about
from monitor.rules.section import EMPTY, Section
from monitor.rules.syntax import parse, parse_item, render
from monitor.rules.tree import And, Not, Or
from monitor.rules.trigger import TRIGGER_KEYS, read_trigger
from monitor.tomlfile import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.rules.rule import RuleTest
    from monitor.rules.tree import Node
    from monitor.tomlfile import KeyPath, TomlFile

_RULE_NAMES = tuple(key.name for key in RULE_KEYS)
_KINDS = {key.name: key.kind for key in RULE_KEYS}
# Keys that [defaults] may give, and what they are where nothing gives them.
_SHARED: dict[str, Any] = {key.name: EMPTY[key.kind] for key in DEFAULTS_KEYS}


def load_rules(files: Sequence[TomlFile]) -> tuple[tuple[Rule, ...], tuple[Fault, ...]]:
    """The rules of all files in order, those with a fault left out, and all faults; warnings are among them."""
    lists, faults = read_lists(files)
    rules: dict[str, Rule] = {}
    found = list(faults)
    for file in files:
        of_file, faults = read_rules(file, lists)
        found += faults
        for rule in of_file:
            first = rules.setdefault(rule.name, rule)
            if first is not rule:
                message = f"there is already a rule of this name, in {first.file}:{first.line}"
                hint = "names are unique over all files: give one of them another"
                found.append(rule.fault("name", message=message, hint=hint))
    return tuple(rules.values()), (*found, *duplicates(rules.values()))


def read_rules(file: TomlFile, lists: Lists) -> tuple[tuple[Rule, ...], tuple[Fault, ...]]:
    """The rules of one file, and all faults in it but those of its lists."""
    faults: list[Fault] = []
    defaults = _Defaults(file, faults)
    for key in file.data:
        if key not in FILE_KEYS:
            hint = did_you_mean(key, FILE_KEYS)
            defaults.broken |= "defaults" in hint
            hint = hint or "a rule file holds [[rule]] tables, [defaults] and [lists]"
            faults.append(file.fault(key, message=f"unknown key {key!r}", hint=hint))
    tables = file.data.get("rule", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        hint = "begin each rule with a line [[rule]], in two pairs of brackets"
        faults.append(file.fault("rule", message="rules are a list of tables", hint=hint))
        return (), tuple(faults)
    source = file.only_places("rule")
    lines = _lines(source, len(tables))
    readers = (
        _Reader(source, number, table, faults, defaults=defaults, lists=lists, line=lines[number])
        for number, table in enumerate(tables)
    )
    rules = tuple(rule for reader in readers if (rule := reader.rule()) is not None)
    return () if defaults.broken else rules, tuple(faults)


def _lines(file: TomlFile, count: int) -> list[int]:
    """Where each rule begins."""
    places = (file.locate("rule", number) for number in range(count))
    return file.lines("rule") or [place.line if place else 1 for place in places]


class _Defaults:
    """[defaults] of a file.

    Attributes:
        broken: No rule of the file is known to be what it was meant to be.
        values: By key, read.
        bad: Keys with a fault; a rule that takes one from here is not usable.
    """

    def __init__(self, file: TomlFile, faults: list[Fault]) -> None:
        self.broken = False
        self.values: dict[str, Any] = {}
        self.bad: set[str] = set()
        table = file.data.get("defaults", {})
        if not isinstance(table, dict):
            self.broken = True
            hint = "write [defaults] on a line of its own"
            faults.append(file.fault("defaults", message="a table is expected", hint=hint))
            return
        section = Section(file, ("defaults",), table, where="defaults", faults=faults)
        section.check_keys(_SHARED)
        self.broken = section.broken
        for key in table:
            section.broken = False
            if key in _SHARED:
                self.values[key] = section.value(key, _KINDS[key])
            if section.broken:
                self.bad.add(key)


class _Reader:
    """Reads one [[rule]]; a rule with a fault does not come to be."""

    def __init__(
        self,
        file: TomlFile,
        number: int,
        table: dict[str, Any],
        faults: list[Fault],
        *,
        defaults: _Defaults,
        lists: Lists,
        line: int,
    ) -> None:
        name = table.get("name")
        where = about(name) if isinstance(name, str) and name else f"rule[{number + 1}]"
        self._section = Section(file, ("rule", number), table, where=where, faults=faults)
        self._table = table
        self._origin = Origin(file, number)
        self._defaults = defaults
        self._lists = lists
        self._line = line

    def rule(self) -> Rule | None:
        section = self._section
        section.check_keys(_RULE_NAMES)
        name = section.name()
        title = section.line("title")
        description = section.text("description")
        shared = self._shared()
        trigger = read_trigger(section, {key: shared.pop(key) for key in TRIGGER_KEYS if key in shared})
        query = self._query(shared["language"])
        tests = self._tests()
        if section.broken or query is None or tests is None:
            return None
        text, tree = query
        return Rule(
            name=name,
            title=title or name,
            description=description.strip(),
            query=text,
            tree=tree,
            file=section.file.path,
            line=self._line,
            trigger=trigger,
            tests=tests,
            origin=self._origin,
            **shared,
        )

    def _shared(self) -> dict[str, Any]:
        """The keys that [defaults] may give as well."""
        values = {**_SHARED, **self._defaults.values}
        for key in self._table:
            if key in _SHARED:
                values[key] = self._section.value(key, _KINDS[key])
        self._section.broken |= any(key not in self._table for key in self._defaults.bad)
        return values

    def _tests(self) -> tuple[RuleTest, ...] | None:
        if "tests" not in self._table:
            return ()
        section = self._section
        tables = self._table["tests"]
        return read_tests(tables, file=section.file, path=section.path, where=section.where, faults=section.faults)

    # ------------------------------------------------------------------------------------------------------- the query

    def _query(self, language: str) -> tuple[str, Node] | None:
        """The text and the tree of the whole rule."""
        parts: dict[KeyPath, Node] = {}
        text = self._whole_query(parts)
        for key in ("any", "all", "none"):
            if key in self._table:
                self._items(key, parts)
        if self._section.broken:
            return None
        if not any(key[0] != "none" for key in parts):
            self._report_nothing_wanted()
            return None
        tree = _combined(parts)
        self._section.report_findings(findings(tree, language=language), parts)
        if parts.keys() == {("query",)}:
            return text, tree
        text = render(tree)
        try:
            return text, parse(text, self._lists.nodes).tree
        except QueryError as error:
            self._section.report(
                f"as one query the lists of this rule cannot be used: {error.message}", hint=error.hint
            )
            return None

    def _whole_query(self, parts: dict[KeyPath, Node]) -> str:
        text = self._table.get("query")
        if text is None:
            return ""
        if not isinstance(text, str):
            self._section.report("a string is expected", "query", hint="put the query in 'single quotes'")
            return ""
        self._parse(text, ("query",), parts)
        return text

    def _items(self, key: str, parts: dict[KeyPath, Node]) -> None:
        example = "['assad', '\"step down\"~']"
        items = self._section.strings(key, example=example, empty="name at least one term, or leave the key out")
        for number, item in enumerate(items):
            if item.strip():
                self._parse(item, (key, number), parts)

    def _parse(self, text: str, key: KeyPath, parts: dict[KeyPath, Node]) -> None:
        section = self._section
        try:
            query = parse(text, self._lists.nodes) if len(key) == 1 else parse_item(text, self._lists.nodes)
        except QueryError as error:
            section.report_in(error, *key)
            return
        for remark in query.remarks:
            section.report_in(remark, *key, warning=True)
        bad = unusable(query.tree, self._lists)
        if bad is not None:
            place = section.file.locate_in_string(*section.path, *key, start=bad.start, end=bad.end)
            message = f"the list {bad.name!r} has a fault of its own"
            section.report_at(place, message, hint=f"mend it in {self._lists.broken[bad.name]}")
        parts[key] = query.tree

    def _report_nothing_wanted(self) -> None:
        if "none" in self._table:
            hint = "none only takes away from what query, any or all found: add one of them"
            self._section.report("this rule looks for nothing", "none", hint=hint)
        else:
            hint = """for example: query = 'assad AND ("step down" OR asylum)'"""
            self._section.report("this rule has no query", hint=hint)


def _combined(parts: dict[KeyPath, Node]) -> Node:
    """query AND (any of `any`) AND each of `all` NOT (any of `none`)."""
    by_key: dict[str | int, list[Node]] = {}
    for key, node in parts.items():
        by_key.setdefault(key[0], []).append(node)
    nodes = [*by_key.get("query", []), *_either(by_key.get("any", [])), *by_key.get("all", [])]
    nodes += [Not(part=node, start=node.start, end=node.end) for node in _either(by_key.get("none", []))]
    return nodes[0] if len(nodes) == 1 else And(parts=tuple(nodes), start=0, end=0)


def _either(nodes: list[Node]) -> list[Node]:
    return [Or(parts=tuple(nodes), start=0, end=0)] if len(nodes) > 1 else nodes
