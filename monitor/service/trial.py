"""Running the tests that rules carry. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.alerts.excerpt import excerpts, mark_title
from monitor.errors import QueryError
from monitor.rules.engine import find
from monitor.rules.language import is_kind_of, language_of
from monitor.rules.rule import is_glob
from monitor.rules.syntax import render
from monitor.rules.tree import And, Not

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from monitor.errors import Fault
    from monitor.model import Entry, Excerpt
    from monitor.rules.engine import Found
    from monitor.rules.rule import Rule, RuleTest
    from monitor.rules.tree import Node

_SHOWN = 160


def failures(rule: Rule, *, feeds: Mapping[str, Collection[str]] | None = None) -> tuple[Fault, ...]:
    """A fault for each test of the rule that does not hold, with what happened instead.

    `enabled`, `expires` and `max_age` do not matter here.

    Args:
        feeds: The tags of each feed by its name; None: not known, and a test that depends on them is passed over.
    """
    faults = (_failure(rule, number, test, feeds) for number, test in enumerate(rule.tests))
    return tuple(fault for fault in faults if fault is not None)


def _failure(rule: Rule, number: int, test: RuleTest, feeds: Mapping[str, Collection[str]] | None) -> Fault | None:
    name, tags = _feed(test.feed, feeds or {})
    covered = not test.feed or rule.covers(name, tags)
    if not covered and feeds is None and _needs_tags(rule, test.feed):
        return None
    outside = _outside(rule, test, covered=covered)
    try:
        found = None if outside else find(rule.tree, test.entry, feed_name=name, feed_tags=tags)
    except QueryError as error:
        return rule.fault("tests", number, message=f"test {number + 1}: {error.message}", hint=error.hint)
    if test.match and found is None:
        why = outside or _missing(rule.tree, test.entry, name, tags)
        return rule.fault("tests", number, message=f"test {number + 1}: it should match, but {why}")
    if not test.match and found is not None:
        message = f"test {number + 1}: it should not match, but does: {_told(test.entry, found)}"
        return rule.fault("tests", number, message=message)
    if found is not None and test.excerpt:
        return _excerpt_failure(rule, number, test, found)
    return None


def _feed(feed: str, feeds: Mapping[str, Collection[str]]) -> tuple[str, Collection[str]]:
    """The name and the tags of a test's feed."""
    if feed.startswith("tag:"):
        return "", (feed[4:],)
    return feed, feeds.get(feed, ())


def _needs_tags(rule: Rule, feed: str) -> bool:
    return not feed.startswith("tag:") and any(not is_glob(item) for item in rule.feeds)


def _outside(rule: Rule, test: RuleTest, *, covered: bool) -> str:
    """Why the rule does not look at the test's article at all; "" where it does."""
    if not covered:
        return f"the rule does not look at the feed {test.feed!r}"
    if rule.language:
        language = language_of(test.entry)
        if not is_kind_of(language, rule.language):
            own = repr(language) if language else "not known"
            return f"the rule looks at articles in {rule.language!r} only, and the language of this one is {own}"
    return ""


def _missing(tree: Node, entry: Entry, name: str, tags: Collection[str]) -> str:
    """What of the query did not hold: the first such part of its outermost AND."""
    for part in tree.parts if isinstance(tree, And) else (tree,):
        wanted = part.part if isinstance(part, Not) else part
        try:
            held = find(wanted, entry, feed_name=name, feed_tags=tags)
        except QueryError as error:
            return f"of {_short(render(part))} it cannot be said: {error.message}"
        if isinstance(part, Not) and held is not None:
            return f"{_short(render(part))} takes it away: {_told(entry, held)}"
        if not isinstance(part, Not) and held is None:
            return f"{_short(render(part))} is not there"
    return "nothing was found"


def _excerpt_failure(rule: Rule, number: int, test: RuleTest, found: Found) -> Fault | None:
    shown = [mark_title(test.entry, found.hits), *_excerpts(test.entry, found)]
    if any(_flat(test.excerpt) in _flat(excerpt.text) for excerpt in shown):
        return None
    told = "; ".join(f"“{marked(excerpt)}”" for excerpt in shown if excerpt.text)
    message = f"test {number + 1}: no excerpt has “{_short(test.excerpt)}” in it: {told or 'there is none'}"
    return rule.fault("tests", number, "excerpt", message=message)


def _excerpts(entry: Entry, found: Found) -> tuple[Excerpt, ...]:
    return excerpts(entry, found.hits, focus=found.focus)


def _told(entry: Entry, found: Found) -> str:
    """Where it was found, the hits between asterisks."""
    if not found.hits:
        return "by what is no text of the article (its feed, address or language)"
    title = mark_title(entry, found.hits)
    passages = (title,) if title.marks else tuple(excerpt for excerpt in _excerpts(entry, found) if excerpt.marks)
    return f"“{marked(passages[0])}”" if passages else "in the author's name"


def marked(excerpt: Excerpt) -> str:
    """The text with its hits between asterisks."""
    text, at = "", 0
    for start, end in excerpt.marks:
        text += f"{excerpt.text[at:start]}*{excerpt.text[start:end]}*"
        at = end
    return text + excerpt.text[at:]


def _flat(text: str) -> str:
    return " ".join(text.split()).replace("’", "'").replace("“", '"').replace("”", '"').casefold()


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
