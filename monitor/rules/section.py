"""One table of a rule file while it is read: its values by their kinds, and every fault in them with its place."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from monitor.durations import DURATION_HINT, parse_duration
from monitor.model import Severity
from monitor.rules.keys import LANGUAGE, LINK, MAX_LINE, MAX_NUMBER, RULE_NAME
from monitor.rules.lint import owner_of
from monitor.tomlfile import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from monitor.errors import Fault, QueryError
    from monitor.model import OnEdit
    from monitor.rules.keys import Kind
    from monitor.rules.lint import Finding
    from monitor.rules.syntax import Remark
    from monitor.rules.tree import Node
    from monitor.tomlfile import KeyPath, Place, TomlFile

_NAME = re.compile(RULE_NAME)
_LANGUAGE = re.compile(LANGUAGE)
_LINK = re.compile(LINK)


class Section:
    """The table at `path`. A fault goes to `faults` and makes the table `broken`.

    Args:
        where: What faults call it.
    """

    def __init__(self, file: TomlFile, path: KeyPath, table: dict[str, Any], *, where: str, faults: list[Fault]):
        self.file = file
        self.path = path
        self.table = table
        self.where = where
        self.broken = False
        self.faults = faults

    # -------------------------------------------------------------------------------------------------------- faults

    def report(self, message: str, *keys: str | int, hint: str = "") -> None:
        """Add a fault at a key of this table, or at its header where the key is not there."""
        self.broken = True
        self.faults.append(self.file.fault(*self.path, *keys, message=message, where=self.where, hint=hint))

    def report_in(self, problem: QueryError | Remark, *keys: str | int, warning: bool = False) -> None:
        """Add a fault at characters of a string."""
        place = self.file.locate_in_string(*self.path, *keys, start=problem.start, end=problem.end)
        self.report_at(place, problem.message, hint=problem.hint, warning=warning)

    def report_at(self, place: Place | None, message: str, *, hint: str = "", warning: bool = False) -> None:
        """Add a fault, or a warning, at any place of the file."""
        self.broken = self.broken or not warning
        self.faults.append(self.file.fault_at(place, message=message, where=self.where, hint=hint, warning=warning))

    def report_findings(self, findings: Iterable[Finding], roots: Mapping[KeyPath, Node]) -> None:
        """Warn of what was found in queries; `roots`: their trees by the keys of their texts."""
        for finding in findings:
            key = owner_of(finding.node, roots)
            start, end = finding.node.start, finding.node.end
            place = self.file.locate_in_string(*self.path, *(key or ()), start=start, end=end)
            self.report_at(place or self.file.locate(*self.path), finding.message, hint=finding.hint, warning=True)

    def check_keys(self, known: Collection[str]) -> None:
        """A fault for each key that is not `known`."""
        for key in self.table:
            if key not in known:
                hint = did_you_mean(key, known) or f"the keys are {', '.join(known)}"
                self.report(f"unknown key {key!r}", key, hint=hint)

    # ------------------------------------------------------------ values; where there is none or a bad one, `EMPTY`

    def value(self, key: str, kind: Kind) -> Any:
        """The value of a key by its kind."""
        return _READERS[kind](self, key)

    def text(self, key: str) -> str:
        value = self.table.get(key, "")
        if isinstance(value, str):
            return value
        self.report("a string is expected", key, hint="put it in quotes")
        return ""

    def line(self, key: str) -> str:
        value = self.text(key).strip()
        if len(value) > MAX_LINE or not value.isprintable():
            self.report(f"one line of at most {MAX_LINE} characters is expected", key)
        return value

    def name(self) -> str:
        if "name" not in self.table:
            self.report("this rule has no name", hint='every rule needs a unique one: name = "assad-leaves"')
            return ""
        name = self.text("name")
        if isinstance(self.table["name"], str) and not _NAME.fullmatch(name):
            hint = "1 to 64 letters, digits, spaces, . _ and -, beginning with a letter or digit"
            self.report(f"{name[:80]!r} cannot be a rule's name", "name", hint=hint)
        return name

    def flag(self, key: str) -> bool:
        value = self.table.get(key, True)
        if isinstance(value, bool):
            return value
        self.report("true or false is expected", key, hint="without quotes")
        return True

    def severity(self, key: str) -> Severity:
        value = self.table.get(key, Severity.NORMAL.value)
        try:
            return Severity(value)
        except ValueError:
            names = [severity.value for severity in Severity]
            near = did_you_mean(value, names) if isinstance(value, str) else ""
            self.report(f"{value!r} is no severity", key, hint=near or f"there are {', '.join(names)}")
            return Severity.NORMAL

    def edit(self, key: str) -> OnEdit:
        value = self.table.get(key, "nothing")
        if value in ("nothing", "reply"):
            return "reply" if value == "reply" else "nothing"
        near = did_you_mean(value, ("nothing", "reply")) if isinstance(value, str) else ""
        self.report(f"{value!r} is nothing to do about an edit", key, hint=near or 'there are "nothing" and "reply"')
        return "nothing"

    def strings(self, key: str, *, example: str, empty: str) -> tuple[str, ...]:
        """A list of strings, "" for what is none; `empty`: the hint for a list without items."""
        values = self.table.get(key, [])
        if not isinstance(values, list):
            self.report("a list is expected", key, hint=f"for example: {key} = {example}")
            return ()
        for number, value in enumerate(values):
            if not isinstance(value, str) or not value.strip():
                self.report("text in quotes is expected", key, number, hint=f"for example: {key} = {example}")
        if not values and key in self.table:
            self.report("the list is empty", key, hint=empty)
        return tuple(value if isinstance(value, str) else "" for value in values)

    def names(self, key: str) -> tuple[str, ...]:
        found = self.strings(key, example='["one", "two"]', empty=f"leave the key out to mean all {key}")
        return tuple(dict.fromkeys(found))

    def lines(self, key: str) -> tuple[str, ...]:
        return self.strings(key, example='["one", "two"]', empty="leave the key out")

    def language(self, key: str) -> str:
        value = self.line(key)
        if value and not _LANGUAGE.fullmatch(value):
            self.report(f"{value[:80]!r} is no language", key, hint='write its BCP 47 tag: "en", "de", "pt-br"')
        return value.lower()

    def duration(self, key: str) -> timedelta | None:
        if key not in self.table:
            return None
        value = self.table[key]
        try:
            if (span := parse_duration(value)) > timedelta():
                return span
        except ValueError as error:
            message, _, hint = str(error).partition("; ")
            self.report(message, key, hint=hint or DURATION_HINT)
        else:
            self.report(f"{value!r} leaves no time at all", key, hint=DURATION_HINT)
        return None

    def number(self, key: str) -> int:
        value = self.table.get(key)
        if value is None:
            return 0
        if isinstance(value, int) and not isinstance(value, bool) and 2 <= value <= MAX_NUMBER:
            return value
        self.report(f"a whole number from 2 to {MAX_NUMBER} is expected", key, hint=f"without quotes: {key} = 3")
        return 0

    def moment(self, key: str) -> datetime | None:
        """A day stands for its end."""
        value = self.table.get(key)
        try:
            match value:
                case None:
                    return None
                case datetime() if value.tzinfo is not None:
                    return value.astimezone(UTC)
                case datetime():
                    hint = f"add Z for UTC, or the offset: {value.isoformat()}Z"
                    self.report("this time has no offset", key, hint=hint)
                case date():
                    return datetime.combine(value, time(), UTC) + timedelta(days=1)
                case _:
                    self.report("a date is expected", key, hint=f"without quotes: {key} = 2027-03-31")
        except OverflowError:
            self.report(f"{value} is too far away", key, hint="leave the key out: a rule does not expire by itself")
        return None

    def links(self, key: str) -> tuple[str, ...]:
        found = self.strings(key, example='["https://example.org/why"]', empty="leave the key out")
        for number, value in enumerate(found):
            if value.strip() and not _is_link(value):
                self.report("a web address is expected", key, number, hint='it begins with "https://" or "http://"')
        return found


_READERS: dict[Kind, Callable[[Section, str], Any]] = {
    "line": Section.line,
    "text": Section.text,
    "severity": Section.severity,
    "edit": Section.edit,
    "flag": Section.flag,
    "names": Section.names,
    "lines": Section.lines,
    "language": Section.language,
    "duration": Section.duration,
    "number": Section.number,
    "date": Section.moment,
    "links": Section.links,
}
EMPTY: dict[Kind, Any] = {
    "line": "",
    "text": "",
    "severity": Severity.NORMAL,
    "edit": "nothing",
    "flag": True,
    "names": (),
    "lines": (),
    "language": "",
    "duration": None,
    "number": 0,
    "date": None,
    "links": (),
}


def _is_link(value: str) -> bool:
    try:
        return _LINK.fullmatch(value) is not None and bool(urlsplit(value).hostname)
    except ValueError:  # "http://[" and its like
        return False
