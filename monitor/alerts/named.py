"""What routes and silences name that has to exist elsewhere: rules, their files, feeds, tags. Pure.

A name that nothing has is no error, since rules and feeds come and go while the service runs; but it holds or takes
nothing, so it is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from monitor.alerts.routing import is_feed, is_file
from monitor.tomlfile import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Everything that there is.

    Attributes:
        rules: The file of each, by the rule's name.
        feeds: The tags of each, by the feed's name.
    """

    rules: Mapping[str, str]
    feeds: Mapping[str, Collection[str]]

    def missing_rule(self, item: str) -> tuple[str, str] | None:
        """A message and a hint where no rule has this name, or one like the pattern; None: one has."""
        if any(fnmatchcase(name, item) for name in self.rules):
            return None
        hint = did_you_mean(item, self.rules) or "`news-monitor rules list` shows the rules"
        return f"no rule is called {item!r}", hint

    def missing_file(self, item: str) -> tuple[str, str] | None:
        """The same for a rule file."""
        files = set(self.rules.values())
        if any(is_file(path, item) for path in files):
            return None
        names = {path.rpartition("/")[2] for path in files}
        hint = did_you_mean(item, names) or "`news-monitor rules list` shows the files"
        return f"no rule file with a rule in use is called {item!r}", hint

    def missing_feed(self, item: str) -> tuple[str, str] | None:
        """The same for a feed, or for "tag:" and a tag."""
        if any(is_feed(item, name, tags) for name, tags in self.feeds.items()):
            return None
        hint = "`news-monitor feeds list` shows the feeds"
        if item.startswith("tag:"):
            tags = {tag for of_feed in self.feeds.values() for tag in of_feed}
            return f"no feed has the tag {item[4:]!r}", did_you_mean(item[4:], tags) or hint
        return f"no feed is called {item!r}", did_you_mean(item, self.feeds) or hint
