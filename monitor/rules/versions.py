"""Which version of each rule file counts, and which rules come of it. Pure.

A file is taken whole. Where anything in it is wrong, its last good version goes on in its place, with all of its rules
and lists; only a file that has no such version gives those of its rules that are right. The same goes for a name that
two files claim: the file that had it keeps it until it gives it up, so a rule may be moved from file to file in any
order of saving.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from monitor.errors import ConfigError, Fault
from monitor.rules.load import load_rules
from monitor.tomlfile import TomlFile, parse

if TYPE_CHECKING:
    from monitor.rules.rule import Rule

Lists = Mapping[str, tuple[str, ...]]
Check = Callable[[Sequence["Rule"]], Sequence[Fault]]
Trial = Callable[["Rule"], Sequence[Fault]]
_Name = tuple[Literal["rule", "list"], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A file as it was found: what is in it, or why that cannot be read; neither: it has not changed."""

    path: str
    file: TomlFile | None = None
    fault: Fault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A good version as it outlives the program: the text, and the lists of other files that it used."""

    text: str
    lists: Lists


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one text of a file comes to.

    Attributes:
        names: The rules and lists that it defines, good ones and bad ones.
        lists: Its own, as written; malformed ones are left out.
        borrowed: The lists of other files that it mentions or that those mention.
        rules: Those without a fault.
        faults: Errors in the text itself, not in how it fits to other files, feeds and channels.
    """

    text: str
    names: frozenset[_Name]
    lists: Lists
    borrowed: Lists
    rules: tuple[Rule, ...]
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
    """A rule file and what is used of it.

    Attributes:
        unreadable: Why there is no reading: it cannot be read or is no TOML.
        reading: Of its present text.
        good: The last version without any fault; None where none is known.
        rules: In use: those of the present text or, where that has faults, those of `good`.
        faults: Every reason why the present text is not used as it is; empty: it is.
    """

    path: str
    unreadable: Fault | None
    reading: Reading | None
    good: Reading | None
    rules: tuple[Rule, ...]
    faults: tuple[Fault, ...]

    @property
    def warnings(self) -> tuple[Fault, ...]:
        """What looks wrong in the present text and stops nothing."""
        return self.reading.warnings if self.reading is not None else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """How many live rules were added, have another content, and were removed."""

    added: int
    changed: int
    removed: int

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


def settle(
    contents: Sequence[Content],
    before: Mapping[str, FileState],
    *,
    kept: Mapping[str, Kept],
    check: Check,
    trial: Trial,
) -> tuple[FileState, ...]:
    """The new state of each file of `contents`, in their order, which decides where two files claim a name anew.

    Args:
        contents: All rule files there are.
        before: The states so far; a text that is there unchanged is not read again.
        kept: Good versions by path, for files that have no state yet.
        check: Gives a fault for each thing outside the rule files that a rule names and that does not exist. Asked
            about all rules each time.
        trial: Gives a fault for each test of a rule that fails. Asked once about each reading of a rule.
    """
    return _Settling(contents, before, kept, check, trial).run()


def changes(before: Iterable[Rule], after: Iterable[Rule]) -> Changes:
    """Compare live rules by name and content; a rule that only moved within the files is the same."""
    old, new = {rule.name: rule for rule in before}, {rule.name: rule for rule in after}
    both = old.keys() & new.keys()
    return Changes(
        added=len(new) - len(both),
        changed=sum(1 for name in both if not _same(old[name], new[name])),
        removed=len(old) - len(both),
    )


def _same(one: Rule, other: Rule) -> bool:
    return one is other or _without_place(one) == _without_place(other)


def _without_place(rule: Rule) -> Rule:
    return replace(rule, file="", line=0)


@dataclass(slots=True, kw_only=True)
class _Present:
    """A file's present text on its way to a reading."""

    path: str
    unreadable: Fault | None = None
    text: str = ""
    file: TomlFile | None = None
    names: frozenset[_Name] = frozenset()
    lists: Lists = field(default_factory=dict)
    reading: Reading | None = None


class _Settling:
    """One call of `settle`.

    Which versions count and what their lists are depend on each other. So all present texts are tried first; those with
    a fault give way to their last good versions, and what that changes for others is looked at again, until no further
    file gives way.
    """

    def __init__(
        self,
        contents: Sequence[Content],
        before: Mapping[str, FileState],
        kept: Mapping[str, Kept],
        check: Check,
        trial: Trial,
    ) -> None:
        self._check = check
        self._trial = trial
        self._present = {content.path: _open(content, before.get(content.path)) for content in contents}
        self._good = {path: state.good for path, state in before.items()}
        self._kept = {path: version for path, version in kept.items() if path not in before}
        self._back: dict[str, list[Fault]] = {}  # files whose last good version counts, and why

    def run(self) -> tuple[FileState, ...]:
        while True:
            owners = self._owners()
            self._read(owners)
            faults = self._faults(owners)
            back = {
                path: found
                for path, found in faults.items()
                if found and path not in self._back and self._last_good(path) is not None
            }
            if not back:
                return tuple(self._state(path, faults[path] or self._back.get(path, []), owners) for path in faults)
            self._back |= back

    # ------------------------------------------------------------------------------------------------ names and lists

    def _owners(self) -> dict[_Name, str]:
        """Whose each name is: that of a file whose last good version counts, of a file that had it, of the first."""
        owners: dict[_Name, str] = {}
        for path in self._back:
            good = self._last_good(path)
            owners |= dict.fromkeys(good.names if good is not None else (), path)
        ours = {path: present for path, present in self._present.items() if path not in self._back}
        for path, present in ours.items():
            good = self._good.get(path)
            for name in present.names & good.names if good is not None else ():
                owners.setdefault(name, path)
        for path, present in ours.items():
            for name in present.names:
                owners.setdefault(name, path)
        return owners

    def _shared_lists(self, owners: Mapping[_Name, str]) -> Lists:
        shared: dict[str, tuple[str, ...]] = {}
        for (kind, name), path in owners.items():
            lists = self._lists(path)
            if kind == "list" and name in lists:
                shared[name] = lists[name]
        return shared

    def _lists(self, path: str) -> Lists:
        good = self._last_good(path) if path in self._back else None
        return self._present[path].lists if good is None else good.lists

    # --------------------------------------------------------------------------------------------------------- reading

    def _read(self, owners: Mapping[_Name, str]) -> None:
        """Make the readings that are not there yet, or that used lists which have changed."""
        shared = self._shared_lists(owners)
        together: list[_Present] = []
        for present in self._present.values():
            if present.unreadable is not None:
                continue
            borrowed = _borrowed(present.text, present.lists, shared)
            if present.reading is not None and present.reading.borrowed == borrowed:
                continue
            present.file = present.file or parse(present.text, path=present.path)
            if any(owners.get(name, present.path) != present.path for name in present.names):
                self._read_files([present], shared)  # alone, so that only what else is wrong in it is told
            else:
                together.append(present)
        if together:
            self._read_files(together, shared)

    def _read_files(self, presents: Sequence[_Present], shared: Lists) -> None:
        files = [present.file for present in presents if present.file is not None]
        own = {name for present in presents for name in present.lists}
        mentioned = {name for file in files for name in _MENTION.findall(file.text)}
        # What is mentioned is enough to read by, but what it could have been called is a list of everything.
        needed = _borrowed(" ".join(f"@{name}" for name in mentioned), {}, shared)
        others = needed if mentioned <= shared.keys() | own else shared
        rules, faults = _load(files, {name: items for name, items in others.items() if name not in own})
        failed = {rule.name: self._trial(rule) for rule in rules if rule.tests}
        faults = (*faults, *(fault for found in failed.values() for fault in found))
        for present in presents:
            present.reading = Reading(
                text=present.text,
                names=present.names,
                lists=present.lists,
                borrowed=_borrowed(present.text, present.lists, shared),
                rules=tuple(rule for rule in rules if rule.file == present.path and not failed.get(rule.name)),
                faults=tuple(fault for fault in faults if fault.source == present.path and not fault.warning),
                warnings=tuple(fault for fault in faults if fault.source == present.path and fault.warning),
            )

    def _last_good(self, path: str) -> Reading | None:
        """The last good version of a file; one that is only kept is read when it is first needed."""
        if path not in self._good and path in self._kept:
            version = self._kept[path]
            try:
                file = parse(version.text, path=path)
            except ConfigError:  # written by a version of this program that took what this one does not
                return self._good.setdefault(path, None)
            names, lists = _names(file), _lists(file)
            rules, _faults = _load([file], {name: of for name, of in version.lists.items() if name not in lists})
            good = Reading(
                text=version.text,
                names=names,
                lists=lists,
                borrowed=version.lists,
                rules=self._passing(rule for rule in rules if rule.file == path),
                faults=(),
                warnings=(),
            )
            self._good[path] = good if good.rules else None
        return self._good.get(path)

    # ---------------------------------------------------------------------------------------------------------- faults

    def _faults(self, owners: Mapping[_Name, str]) -> dict[str, list[Fault]]:
        """Everything that keeps each present text from being used as it is."""
        faults: dict[str, list[Fault]] = {}
        rules: list[Rule] = []
        for path, present in self._present.items():
            if present.unreadable is not None:
                faults[path] = [present.unreadable]
                continue
            reading = present.reading
            faults[path] = [*reading.faults, *self._claimed(present, owners)] if reading is not None else []
            rules += reading.rules if reading is not None else ()
        for fault in self._check(rules):
            faults[fault.source].append(fault)
        for found in faults.values():
            found.sort(key=lambda fault: (fault.line or 0, fault.column or 0))
        return faults

    def _claimed(self, present: _Present, owners: Mapping[_Name, str]) -> list[Fault]:
        """A fault for each name of this file that is another's."""
        taken = {name for name in present.names if owners.get(name, present.path) != present.path}
        if not taken:
            return []
        file = present.file or parse(present.text, path=present.path)
        return [
            _taken(file, name, self._place(name, owners[name]), number)
            for number, name in _numbered_names(file)
            if name in taken
        ]

    def _place(self, name: _Name, owner: str) -> str:
        reading = self._last_good(owner) if owner in self._back else self._present[owner].reading
        rules = reading.rules if reading is not None and name[0] == "rule" else ()
        return next((f"{owner}:{rule.line}" for rule in rules if rule.name == name[1]), owner)

    def _passing(self, rules: Iterable[Rule]) -> tuple[Rule, ...]:
        """Those that name nothing which does not exist."""
        found = tuple(rules)
        return tuple(rule for rule in found if not self._check([rule])) if self._check(found) else found

    def _state(self, path: str, faults: Sequence[Fault], owners: Mapping[_Name, str]) -> FileState:
        present, good = self._present[path], self._last_good(path) if faults else None
        reading = present.reading
        if not faults:
            good = reading
            rules = reading.rules if reading is not None else ()
        elif good is not None:
            rules = good.rules
        else:
            own = (rule for rule in (reading.rules if reading is not None else ()) if owners["rule", rule.name] == path)
            rules = self._passing(own)
        return FileState(
            path=path,
            unreadable=present.unreadable,
            reading=reading,
            good=good,
            rules=rules,
            faults=tuple(dict.fromkeys(faults)),
        )


def _open(content: Content, before: FileState | None) -> _Present:
    if content.fault is not None:
        return _Present(path=content.path, unreadable=content.fault)
    reading = before.reading if before is not None else None
    if before is not None and content.file is None and reading is None:
        return _Present(path=content.path, unreadable=before.unreadable)
    if reading is not None and (content.file is None or content.file.text == reading.text):
        return _Present(path=content.path, text=reading.text, names=reading.names, lists=reading.lists, reading=reading)
    file = content.file
    if file is None:
        raise ValueError(f"{content.path} is new and has no content")
    return _Present(path=content.path, text=file.text, file=file, names=_names(file), lists=_lists(file))


def _load(files: Sequence[TomlFile], others: Lists) -> tuple[tuple[Rule, ...], tuple[Fault, ...]]:
    """The rules of `files`, where the lists of `others` are known as well."""
    elsewhere = TomlFile("", "", {"lists": {name: list(items) for name, items in others.items()}})
    return load_rules([*files, elsewhere] if others else files)


def _numbered_names(file: TomlFile) -> list[tuple[int, _Name]]:
    tables, lists = file.data.get("rule", []), file.data.get("lists", {})
    found: list[tuple[int, _Name]] = []
    for number, table in enumerate(tables if isinstance(tables, list) else ()):
        if isinstance(table, dict) and isinstance(table.get("name"), str):
            found.append((number, ("rule", table["name"])))
    return [*found, *((0, ("list", name)) for name in (lists if isinstance(lists, dict) else ()))]


def _names(file: TomlFile) -> frozenset[_Name]:
    return frozenset(name for _, name in _numbered_names(file))


def _lists(file: TomlFile) -> Lists:
    found: Any = file.data.get("lists", {})
    return {
        name: tuple(items)
        for name, items in (found.items() if isinstance(found, dict) else ())
        if isinstance(items, list) and all(isinstance(item, str) for item in items)
    }


_MENTION = re.compile(r"@([\w-]+)")


def _borrowed(text: str, own: Lists, shared: Lists) -> Lists:
    """The lists of other files that the text mentions, and those that they mention; rather one too many."""
    found: dict[str, tuple[str, ...]] = {}
    waiting = _MENTION.findall(text)
    while waiting:
        name = waiting.pop()
        if name in shared and name not in own and name not in found:
            found[name] = shared[name]
            waiting += _MENTION.findall(" ".join(shared[name]))
    return found


def _taken(file: TomlFile, name: _Name, owner: str, number: int) -> Fault:
    kind, called = name
    keys: tuple[str | int, ...] = ("rule", number, "name") if kind == "rule" else ("lists", called)
    return file.fault(
        *keys,
        where=f"{kind} {called!r}",
        message=f"there is already a {kind} of this name, in {owner}",
        hint="names are unique over all files: give one of them another",
    )
