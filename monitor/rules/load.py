"""Rule files ▸ rules, and every fault in them at once, each with its place.

[[rule]]
name = "assad-leaves"                       # unique over all files; letters, digits, space, . _ -
title = "Assad leaves"                      # for people; by default the name
description = "…"
query = 'assad AND ("step down" OR asylum)'
feeds = ["bbc-world", "tag:politics", "reuters-*"]
channels = ["desk"]                         # by default all
severity = "high"                           # low, normal, high, critical
enabled = true
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING, Any

from monitor.errors import Fault, QueryError
from monitor.model import Severity
from monitor.rules.syntax import parse
from monitor.tomlfile import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from monitor.rules.syntax import Query, Remark
    from monitor.rules.tree import Node
    from monitor.tomlfile import KeyPath, Place, TomlFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Something a rule names that exists elsewhere, and where it does so."""

    name: str
    place: Place | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule as its file has it.

    Attributes:
        name: Unique; what stored matches and alerts remember.
        title: For people; never empty.
        query: Its text.
        feeds: Where it looks; empty: everywhere. Each item is a glob over feed names ("bbc-*"), "tag:" and a tag, or a
            bare word, which stands for the feed of that name and for every feed with that tag.
        channels: Where its alerts go; empty: everywhere.
        file: The path of its file as faults show it.
        line: Where it begins there.
        names_feeds: `feeds`, with their places.
        names_channels: `channels`, with their places.
    """

    name: str
    title: str
    description: str
    query: str
    tree: Node
    feeds: tuple[str, ...]
    channels: tuple[str, ...]
    severity: Severity
    enabled: bool
    file: str
    line: int
    names_feeds: tuple[Named, ...] = ()
    names_channels: tuple[Named, ...] = ()

    def covers(self, feed_name: str, feed_tags: Collection[str]) -> bool:
        """Whether entries of this feed are looked at."""
        return not self.feeds or any(_is_named(item, feed_name, feed_tags) for item in self.feeds)


def load_rules(files: Sequence[TomlFile]) -> tuple[tuple[Rule, ...], tuple[Fault, ...]]:
    """The rules of all files in order, those with a fault left out, and all faults; warnings are among them."""
    rules: dict[str, Rule] = {}
    faults: list[Fault] = []
    for file in files:
        for reader in _readers(file, faults):
            rule = reader.rule()
            if rule is None:
                continue
            first = rules.setdefault(rule.name, rule)
            if first is not rule:
                message = f"there is already a rule of this name, in {first.file}:{first.line}"
                reader.report(message, "name", hint="names are unique over all files: give one of them another")
    return tuple(rules.values()), tuple(faults)


def check_references(
    rules: Iterable[Rule],
    *,
    feeds: Mapping[str, Collection[str]],
    channels: Collection[str],
) -> tuple[Fault, ...]:
    """A fault for each feed, tag or channel that an enabled rule names and that does not exist.

    `feeds` maps names to tags.
    """
    faults: list[Fault] = []
    tags = {tag for of_feed in feeds.values() for tag in of_feed}

    @cache
    def exists(item: str) -> bool:
        if _is_glob(item):
            return any(fnmatchcase(name, item) for name in feeds)
        return item.removeprefix("tag:") in tags or item in feeds

    for rule in rules:
        if not rule.enabled:
            continue
        faults += [_unknown_feed(rule, item, feeds, tags) for item in rule.names_feeds if not exists(item.name)]
        faults += [_unknown_channel(rule, item, channels) for item in rule.names_channels if item.name not in channels]
    return tuple(faults)


def _is_named(item: str, feed_name: str, feed_tags: Collection[str]) -> bool:
    if item.startswith("tag:"):
        return item[4:] in feed_tags
    if _is_glob(item):
        return fnmatchcase(feed_name, item)
    return item == feed_name or item in feed_tags


def _is_glob(item: str) -> bool:
    return not item.startswith("tag:") and any(sign in item for sign in "*?[")


def _unknown_feed(rule: Rule, item: Named, feeds: Collection[str], tags: Collection[str]) -> Fault:
    if item.name.startswith("tag:"):
        message = f"no feed has the tag {item.name[4:]!r}"
        hint = did_you_mean(item.name[4:], tags) or _list("the tags are", tags)
    elif _is_glob(item.name):
        message = f"no feed's name is like {item.name!r}"
        hint = _list("the feeds are", feeds)
    else:
        message = f"no feed is called {item.name!r}, and none has that tag"
        hint = did_you_mean(item.name, {*feeds, *tags}) or _list("the feeds are", feeds)
    return _fault(rule.file, item.place, _about(rule.name), message, hint)


def _unknown_channel(rule: Rule, item: Named, channels: Collection[str]) -> Fault:
    hint = did_you_mean(item.name, channels) or _list("the channels are", channels)
    return _fault(rule.file, item.place, _about(rule.name), f"there is no channel {item.name!r}", hint)


def _list(introduction: str, names: Collection[str]) -> str:
    if not names:
        return "there are none"
    shown = sorted(names)[:10]
    return f"{introduction} {', '.join(shown)}" + (" …" if len(names) > len(shown) else "")


def _about(name: str) -> str:
    return f"rule {name!r}"


def _fault(path: str, place: Place | None, where: str, message: str, hint: str = "", *, warning: bool = False) -> Fault:
    if place is None:
        return Fault(source=path, where=where, message=message, hint=hint, warning=warning)
    return Fault(
        source=path,
        line=place.line,
        column=place.column,
        end_column=place.end_column,
        where=where,
        message=message,
        hint=hint,
        text=place.text,
        warning=warning,
    )


def _readers(file: TomlFile, faults: list[Fault]) -> Iterable[_Reader]:
    """One reader for each [[rule]] of the file; what else stands in the file is a fault."""
    for key in file.data:
        if key != "rule":
            hint = did_you_mean(key, ["rule"]) or "a rule file holds [[rule]] tables only"
            faults.append(_fault(file.path, file.locate(key), "", f"unknown key {key!r}", hint))
    tables = file.data.get("rule", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        hint = "begin each rule with a line [[rule]], in two pairs of brackets"
        faults.append(_fault(file.path, file.locate("rule"), "", "rules are a list of tables", hint))
        return
    for number, table in enumerate(tables):
        yield _Reader(file, number, table, faults)


_KEYS = ("name", "title", "description", "query", "feeds", "channels", "severity", "enabled")
_NAME = re.compile(r"[^\W_](?:[\w. -]{0,62}[\w.-])?")
_MAX_TITLE = 200


class _Reader:
    """Reads one [[rule]]; every fault goes to `faults`, and a rule with one does not come to be."""

    def __init__(self, file: TomlFile, number: int, table: dict[str, Any], faults: list[Fault]) -> None:
        self._file = file
        self._table = table
        self._path: KeyPath = ("rule", number)
        self._faults = faults
        name = table.get("name")
        self._where = _about(name) if isinstance(name, str) and name else f"rule[{number + 1}]"
        self._broken = False

    def rule(self) -> Rule | None:
        for key in self._table:
            if key not in _KEYS:
                hint = did_you_mean(key, _KEYS) or f"the keys are {', '.join(_KEYS)}"
                self.report(f"unknown key {key!r}", key, hint=hint)
        name = self._name()
        title = self._line("title")
        description = self._string("description")
        query = self._query()
        feeds = self._names("feeds")
        channels = self._names("channels")
        severity = self._severity()
        enabled = self._table.get("enabled", True)
        if not isinstance(enabled, bool):
            self.report("true or false is expected", "enabled", hint="without quotes")
        if self._broken or query is None:
            return None
        place = self._file.locate(*self._path)
        return Rule(
            name=name,
            title=title or name,
            description=description.strip(),
            query=query.text,
            tree=query.tree,
            feeds=tuple(item.name for item in feeds),
            channels=tuple(item.name for item in channels),
            severity=severity,
            enabled=enabled,
            file=self._file.path,
            line=place.line if place else 1,
            names_feeds=feeds,
            names_channels=channels,
        )

    def report(self, message: str, *keys: str | int, hint: str = "") -> None:
        """Add a fault at a key of this rule, or at its header where the key is not there."""
        self._broken = True
        place = self._file.locate(*self._path, *keys) or self._file.locate(*self._path)
        self._faults.append(_fault(self._file.path, place, self._where, message, hint))

    def _name(self) -> str:
        if "name" not in self._table:
            self.report("this rule has no name", hint='every rule needs a unique one: name = "assad-leaves"')
            return ""
        name = self._string("name")
        if isinstance(self._table["name"], str) and not _NAME.fullmatch(name):
            hint = "1 to 64 letters, digits, spaces, . _ and -, beginning with a letter or digit"
            self.report(f"{name[:80]!r} cannot be a rule's name", "name", hint=hint)
        return name

    def _query(self) -> Query | None:
        if "query" not in self._table:
            self.report("this rule has no query", hint="""for example: query = 'assad AND ("step down" OR asylum)'""")
            return None
        if not isinstance(self._table["query"], str):
            self.report("a string is expected", "query", hint="put the query in 'single quotes'")
            return None
        try:
            query = parse(self._table["query"])
        except QueryError as error:
            self._broken = True
            self._report_in_query(error)
            return None
        for remark in query.remarks:
            self._report_in_query(remark, warning=True)
        return query

    def _report_in_query(self, problem: QueryError | Remark, *, warning: bool = False) -> None:
        place = self._file.locate_in_string(*self._path, "query", start=problem.start, end=problem.end)
        message, hint = problem.message, problem.hint
        self._faults.append(_fault(self._file.path, place, self._where, message, hint, warning=warning))

    def _severity(self) -> Severity:
        value = self._table.get("severity", Severity.NORMAL.value)
        try:
            return Severity(value)
        except ValueError:
            names = [severity.value for severity in Severity]
            near = did_you_mean(value, names) if isinstance(value, str) else ""
            self.report(f"{value!r} is no severity", "severity", hint=near or f"there are {', '.join(names)}")
            return Severity.NORMAL

    def _names(self, key: str) -> tuple[Named, ...]:
        values = self._table.get(key, [])
        if not isinstance(values, list):
            self.report("a list is expected", key, hint=f'for example: {key} = ["one", "two"]')
            return ()
        names: list[Named] = []
        for number, value in enumerate(values):
            if not isinstance(value, str) or not value.strip():
                self.report("a name is expected", key, number, hint=f'for example: {key} = ["one", "two"]')
            elif all(value != named.name for named in names):
                names.append(Named(name=value, place=self._file.locate(*self._path, key, number)))
        if not values and key in self._table:
            self.report("an empty list would name nothing", key, hint=f"leave the key out to mean all {key}")
        return tuple(names)

    def _line(self, key: str) -> str:
        value = self._string(key).strip()
        if len(value) > _MAX_TITLE or not value.isprintable():
            self.report(f"one line of at most {_MAX_TITLE} characters is expected", key)
        return value

    def _string(self, key: str) -> str:
        value = self._table.get(key, "")
        if not isinstance(value, str):
            self.report("a string is expected", key, hint="put it in quotes")
            return ""
        return value
