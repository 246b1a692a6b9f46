"""What rules name that exists elsewhere: feeds, their tags, channels."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING

from monitor.durations import format_duration
from monitor.model import EACH_STORY
from monitor.rules.cover import pattern_takes
from monitor.rules.rule import is_glob
from monitor.rules.tokens import scan
from monitor.rules.tree import InField, Plain, Term, Wildcard
from monitor.rules.walk import walk
from monitor.tomlfile import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import timedelta

    from monitor.errors import Fault
    from monitor.rules.rule import Rule
    from monitor.rules.tree import TokenTest


_LABEL = re.compile(r"\b(?:tag|feed|source):", re.IGNORECASE)


class References:
    """The feeds, by name with their tags, and the channels that there are; and how long a story takes up reports."""

    def __init__(
        self, *, feeds: Mapping[str, Collection[str]], channels: Collection[str], story_window: timedelta | None = None
    ) -> None:
        self._story_window = story_window
        self._feeds = feeds
        self._channels = channels
        self._tags = {tag for of_feed in feeds.values() for tag in of_feed}
        self._exists = cache(self._is_there)

    def faults(self, rule: Rule) -> tuple[Fault, ...]:
        """One for each feed, tag or channel that the rule names and that does not exist, and for a time that no story
        lasts; a disabled rule has none.
        """
        if not rule.enabled:
            return ()
        feeds = (self._unknown_feed(rule, item) for item in rule.feeds if not self._exists(item))
        channels = (self._unknown_channel(rule, item) for item in rule.channels if item not in self._channels)
        return (*feeds, *channels, *self._longer_than_stories(rule))

    def _longer_than_stories(self, rule: Rule) -> Iterator[Fault]:
        within, window = rule.trigger.within, self._story_window
        if rule.trigger.min_outlets > 1 and window is not None and within > max(window, EACH_STORY.within):
            last = format_duration(window)
            message = f"a story takes up reports for {last} only, so no outlet comes to it later"
            yield rule.fault("within", message=message, hint=f"at most {last}, or a longer window in [stories]")

    def _is_there(self, item: str) -> bool:
        if is_glob(item):
            return any(fnmatchcase(name, item) for name in self._feeds)
        return item.removeprefix("tag:") in self._tags or item in self._feeds

    def _unknown_feed(self, rule: Rule, item: str) -> Fault:
        if item.startswith("tag:"):
            message = f"no feed has the tag {item[4:]!r}"
            hint = did_you_mean(item[4:], self._tags) or _list("the tags are", self._tags)
        elif is_glob(item):
            message = f"no feed's name is like {item!r}"
            hint = _list("the feeds are", self._feeds)
        else:
            message = f"no feed is called {item!r}, and none has that tag"
            hint = did_you_mean(item, {*self._feeds, *self._tags}) or _list("the feeds are", self._feeds)
        return rule.fault_at_item("feeds", item, message=message, hint=hint)

    def _unknown_channel(self, rule: Rule, item: str) -> Fault:
        hint = did_you_mean(item, self._channels) or _list("the channels are", self._channels)
        return rule.fault_at_item("channels", item, message=f"there is no channel {item!r}", hint=hint)


def check_references(
    rules: Iterable[Rule],
    *,
    feeds: Mapping[str, Collection[str]],
    channels: Collection[str],
    story_window: timedelta | None = None,
) -> tuple[Fault, ...]:
    """A fault for each feed, tag or channel that an enabled rule names and that does not exist, and for each time that
    no story lasts.

    `feeds` maps names to tags.
    """
    references = References(feeds=feeds, channels=channels, story_window=story_window)
    return tuple(fault for rule in rules for fault in references.faults(rule))


def doubtful_labels(rules: Iterable[Rule], *, feeds: Mapping[str, Collection[str]]) -> tuple[Fault, ...]:
    """A warning for each tag: and feed: in the queries of enabled rules that is true of no feed of the rule."""
    words = {name: tuple(token.folded for token in scan(name)) for name in feeds}
    return tuple(
        fault
        for rule in rules
        if rule.enabled and _LABEL.search(rule.query)
        for fault in _labels_of(rule, {name: tags for name, tags in feeds.items() if rule.covers(name, tags)}, words)
    )


def _labels_of(
    rule: Rule, feeds: Mapping[str, Collection[str]], words: Mapping[str, tuple[str, ...]]
) -> Iterator[Fault]:
    tags = {tag for of_feed in feeds.values() for tag in of_feed}
    scope = "no feed that this rule looks at" if rule.feeds else "no feed"
    for node in walk(rule.tree):
        if not isinstance(node, InField) or node.name not in {"tag", "feed"} or not isinstance(node.part, Term):
            continue
        text = node.part.text
        if node.name == "tag":
            if any(fnmatchcase(tag, text.casefold()) for tag in tags):
                continue
            message, hint = f"{scope} has the tag {text!r}", did_you_mean(text, tags) or _list("the tags are", tags)
        elif any(_is_in(node.part, words[name]) for name in feeds):
            continue
        else:
            message = f"{scope} has {text!r} in its name"
            hint = did_you_mean(text, {*feeds, *(word for name in feeds for word in words[name])})
            hint = hint or _list("the feeds are", feeds)
        yield rule.fault_in_query(node.start, node.end, message=message, hint=hint)


def _is_in(term: Term, words: tuple[str, ...]) -> bool:
    """Whether the words of a feed's name hold those of the term; True where that is not plain to see."""
    if term.slop is not None or not all(isinstance(test, Plain | Wildcard) for test in term.tests):
        return True
    starts = range(len(words) - len(term.tests) + 1)
    return any(all(map(_is_word, term.tests, words[start:])) for start in starts)


def _is_word(test: TokenTest, word: str) -> bool:
    return pattern_takes(test.pattern, word) if isinstance(test, Wildcard) else test == Plain(word)


def _list(introduction: str, names: Collection[str]) -> str:
    if not names:
        return "there are none"
    shown = sorted(names)[:10]
    return f"{introduction} {', '.join(shown)}" + (" …" if len(names) > len(shown) else "")
