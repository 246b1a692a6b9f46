"""A rule as its file has it."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from monitor.errors import Fault
from monitor.model import EACH_STORY

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime, timedelta

    from monitor.model import Entry, OnEdit, Severity, Trigger
    from monitor.rules.tree import Node
    from monitor.tomlfile import Place, TomlFile


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTest:
    """An article with which a rule is tried.

    Attributes:
        entry: The article; `content` is the test's text.
        feed: The name of the feed it came from, "tag:" and one of that feed's tags, or "": from anywhere.
        match: Whether the rule is to match.
        excerpt: Text that an excerpt of the match, or the marked title, must contain; "": any.
    """

    entry: Entry
    feed: str = ""
    match: bool = True
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a rule stands: the file, without its data, and the rule's number in it."""

    file: TomlFile
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule without a fault of its own.

    Attributes:
        name: Unique; what stored matches and alerts remember.
        title: For people; never empty.
        query: Its text; with `any`, `all` or `none` the whole as one query.
        tree: Places in it are places in `query`.
        feeds: Where it looks; empty: everywhere. Each item is a glob over feed names ("bbc-*"), "tag:" and a tag, or a
            bare word, which stands for the feed of that name and for every feed with that tag.
        channels: Where its alerts go; empty: everywhere.
        file: The path of its file as faults show it.
        line: Where it begins there.
        language: Lower-case BCP 47 tag of the articles it looks at; "": all.
        max_age: Articles published longer ago are left out; None: none are.
        expires: Aware UTC; from then on it does not match. None: never.
        owner: Whom to ask about it.
        references: http(s) addresses.
        on_edit: What it does when an entry that it has spoken of is edited.
        trigger: When its matches make an alert.
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
    language: str = ""
    max_age: timedelta | None = None
    expires: datetime | None = None
    owner: str = ""
    references: tuple[str, ...] = ()
    on_edit: OnEdit = "nothing"
    trigger: Trigger = EACH_STORY
    tests: tuple[RuleTest, ...] = ()
    origin: Origin | None = field(default=None, compare=False, repr=False)

    def covers(self, feed_name: str, feed_tags: Collection[str]) -> bool:
        """Whether entries of this feed are looked at."""
        return not self.feeds or any(_is_named(item, feed_name, feed_tags) for item in self.feeds)

    def fault(self, *keys: str | int, message: str, hint: str = "", warning: bool = False) -> Fault:
        """A fault at a key of this rule, or of its file's [defaults] where the rule has it from there."""
        where = about(self.name)
        if self.origin is None:
            return Fault(source=self.file, line=self.line, where=where, message=message, hint=hint, warning=warning)
        place = self.locate(*keys)
        return self.origin.file.fault_at(place, message=message, where=where, hint=hint, warning=warning)

    def fault_at_item(self, key: str, item: str, *, message: str, hint: str = "") -> Fault:
        """A fault at an item of one of this rule's lists of names."""
        number = 0
        while (place := self.locate(key, number, exactly=True)) is not None:
            if place.text[place.column : place.end_column - 2] == item:
                return self.fault(key, number, message=message, hint=hint)
            number += 1
        return self.fault(key, message=message, hint=hint)

    def fault_in_query(self, start: int, end: int, *, message: str, hint: str) -> Fault:
        """A warning at characters of the query, or at the rule where it is written as lists."""
        where, place = about(self.name), None
        if self.origin is not None:
            file, number = self.origin.file, self.origin.number
            place = file.locate_in_string("rule", number, "query", start=start, end=end)
            if place is not None and self._is_query_alone():
                return file.fault_at(place, message=message, where=where, hint=hint, warning=True)
        return self.fault(message=message, hint=hint, warning=True)

    def _is_query_alone(self) -> bool:
        return not any(self.locate(key, exactly=True) for key in ("any", "all", "none"))

    def locate(self, *keys: str | int, exactly: bool = False) -> Place | None:
        """Where a key, or an item of a list, stands; where it does not, the rule's header, unless `exactly`."""
        if self.origin is None:
            return None
        file, number = self.origin.file, self.origin.number
        place = file.locate("rule", number, *keys) or file.locate("defaults", *keys)
        return place if exactly else place or file.locate("rule", number)


def about(name: str) -> str:
    """How faults call the rule of this name."""
    return f"rule {name!r}"


def is_glob(item: str) -> bool:
    """Whether an item of `feeds` is a pattern over names."""
    return not item.startswith("tag:") and any(sign in item for sign in "*?[")


def _is_named(item: str, feed_name: str, feed_tags: Collection[str]) -> bool:
    if item.startswith("tag:"):
        return item[4:] in feed_tags
    if is_glob(item):
        return fnmatchcase(feed_name, item)
    return item == feed_name or item in feed_tags
