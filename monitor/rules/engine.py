"""Rules × entry ▸ matches. Built whole, never changed: a reload builds another and replaces the reference."""

from __future__ import annotations

import gc
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from monitor.errors import QueryError
from monitor.model import Match, Terms
from monitor.rules.article import Article
from monitor.rules.evaluate import Compiler, hits_of, view_of
from monitor.rules.focus import asked_of_text, focus
from monitor.rules.index import Frequencies, Index
from monitor.rules.leaves import SlowRegexError
from monitor.rules.vocabulary import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from datetime import datetime

    from monitor.model import Entry, Hit, Passage
    from monitor.rules.evaluate import Part
    from monitor.rules.rule import Rule
    from monitor.rules.tree import FieldName, Node, TokenTest

# One article in so many is counted for the frequencies of terms.
_COUNTED = 8


class RuleSet:
    """Every enabled rule, compiled and indexed.

    Its answers depend on nothing but its rules and the arguments. It keeps memos of the words it has seen; threads may
    share it.

    Attributes:
        rules: The enabled rules, in the order given.
        terms: What each says about its alerts, by name.
    """

    def __init__(self, rules: Iterable[Rule], frequencies: Frequencies | None = None) -> None:
        self.rules = tuple(rule for rule in rules if rule.enabled)
        self.terms = {
            rule.name: Terms(channels=rule.channels, file=rule.file, trigger=rule.trigger) for rule in self.rules
        }
        self._vocabulary = Vocabulary()
        compiler = Compiler(self._vocabulary)
        parts = [compiler.part(rule.tree) for rule in self.rules]
        self._wanted = tuple(_text_of(rule.tree, compiler) for rule in self.rules)
        tests = self._vocabulary.complete()
        self._counter = _Counter(tests, frequencies or Frequencies())
        self._index = Index(parts, tests, self._counter.frequencies)
        self._parts = tuple(parts)
        self._conditional = frozenset(
            number
            for number, rule in enumerate(self.rules)
            if rule.feeds or rule.language or rule.max_age is not None or rule.expires is not None
        )
        self._resting: frozenset[int] = frozenset()
        # Where every rule names its feeds, most feeds of a long list are read for none of them.
        bound = self.rules if all(rule.feeds for rule in self.rules) else ()
        self._looks_at = lru_cache(maxsize=1024)(
            lambda name, tags: any(rule.covers(name, tags) for rule in bound) if bound else bool(self.rules)
        )

    @classmethod
    def build(cls, rules: Iterable[Rule], frequencies: Frequencies | None = None) -> RuleSet:
        """Compile and index; about 50 ms for 1,000 rules. Disabled rules are left out.

        Args:
            frequencies: Of an earlier set, so that rules are filed under their rarest words from the start.
        """
        with _without_gc():
            return cls(rules, frequencies)

    @property
    def tested(self) -> tuple[Rule, ...]:
        """The rules that do not rest."""
        return tuple(rule for number, rule in enumerate(self.rules) if number not in self._resting)

    @property
    def frequencies(self) -> Frequencies:
        """How common the terms are, as far as articles have shown; a later set may be built on it."""
        return self._counter.frequencies

    def without(self, names: Collection[str]) -> RuleSet:
        """The same set, save that these rules rest; quick, and the memos are shared."""
        other = object.__new__(RuleSet)
        other.__dict__.update(self.__dict__)
        other._resting = frozenset(number for number, rule in enumerate(self.rules) if rule.name in names)
        return other

    def match(
        self,
        entry: Entry,
        *,
        feed_name: str,
        feed_tags: Collection[str],
        now: datetime,
        timeouts: list[str] | None = None,
    ) -> tuple[Match, ...]:
        """The rules that hold for `entry`, in the order of `rules`, each with what it found.

        The name of a rule whose regular expression took too long is appended to `timeouts`; the rule does not match.

        Args:
            now: For rules that expire, and those that want young entries only.
        """
        if not self._looks_at(feed_name, tuple(feed_tags)):
            return ()
        article = self._article(entry, feed_name, feed_tags)
        matches = []
        for number in self._holding(article, now, timeouts):
            try:
                hits = hits_of(self._parts[number], article)
            except SlowRegexError:
                if timeouts is not None:
                    timeouts.append(self.rules[number].name)
                continue
            wanted = self._wanted[number]
            passage = focus(wanted, article) if wanted is not None and hits else None
            matches.append(_match(self.rules[number], entry, hits, passage))
        return tuple(matches)

    def matching(self, entry: Entry, *, feed_name: str, feed_tags: Collection[str], now: datetime) -> tuple[int, ...]:
        """The numbers in `rules` of those that hold, rising: `match` without what they found."""
        return tuple(self._holding(self._article(entry, feed_name, feed_tags), now, None))

    def filed_under(self, name: str) -> tuple[tuple[FieldName | None, TokenTest], ...]:
        """The terms (with their field, None for title, summary, content and page) of which an article must have one for
        the rule of this name to be tested at all; empty: every article is.
        """
        return self._index.filed_under(next(n for n, rule in enumerate(self.rules) if rule.name == name))

    def _article(self, entry: Entry, feed_name: str, feed_tags: Collection[str]) -> Article:
        return Article(entry, feed_name=feed_name, feed_tags=feed_tags, vocabulary=self._vocabulary)

    def _holding(self, article: Article, now: datetime, timeouts: list[str] | None) -> list[int]:
        self._counter.see(article)
        holding, view = list[int](), None
        residues = self._index.residues
        for number in self._index.candidates(article):
            if number in self._resting:
                continue
            if number in self._conditional and not _applies(self.rules[number], article, now):
                continue
            part = residues[number]
            if part is None:
                holding.append(number)
                continue
            view = view or view_of(article)
            try:
                if part.holds(article, view):
                    holding.append(number)
            except SlowRegexError:
                if timeouts is not None:
                    timeouts.append(self.rules[number].name)
        return holding


def _text_of(tree: Node, compiler: Compiler) -> Part | None:
    wanted = asked_of_text(tree)
    return None if wanted is None else compiler.part(wanted)


class _Counter:
    """Counts the terms of some of the articles, by their numbers: looking each up in the `Frequencies` takes longer."""

    def __init__(self, tests: Sequence[TokenTest], frequencies: Frequencies) -> None:
        self._tests = tests
        self._frequencies = frequencies
        self._articles = 0
        self._counts: Counter[int] = Counter()
        self._until_counted = 0

    def see(self, article: Article) -> None:
        self._until_counted -= 1
        if self._until_counted < 0:
            self._until_counted = _COUNTED - 1
            self._articles += 1
            self._counts.update(article.present)

    @property
    def frequencies(self) -> Frequencies:
        """All that has been counted."""
        articles, counts = self._articles, self._counts
        self._articles, self._counts = 0, Counter()
        self._frequencies.add(articles, {self._tests[number]: count for number, count in tuple(counts.items())})
        return self._frequencies


@contextmanager
def _without_gc() -> Iterator[None]:
    """Many objects are made and none is thrown away: looking for garbage among them takes most of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _applies(rule: Rule, article: Article, now: datetime) -> bool:
    """Whether the rule is meant for this article, whatever its words are."""
    if rule.expires is not None and now >= rule.expires:
        return False
    published_at = article.entry.published_at
    if rule.max_age is not None and published_at is not None and now - published_at > rule.max_age:
        return False
    if not rule.covers(article.feed_name, article.tags):
        return False
    return not rule.language or article.is_in(rule.language)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Where a query holds in an entry; as in `Match`."""

    hits: tuple[Hit, ...]
    focus: Passage | None


def find(
    query: Node,
    entry: Entry,
    *,
    feed_name: str = "",
    feed_tags: Collection[str] = (),
) -> Found | None:
    """Where one query holds in one entry; None where it does not hold.

    Raises:
        QueryError: a regular expression of the query took too long on this entry.
    """
    vocabulary = Vocabulary()
    compiler = Compiler(vocabulary)
    part = compiler.part(query)
    wanted = asked_of_text(query)
    asked = None if wanted is None else compiler.part(wanted)
    article = Article(entry, feed_name=feed_name, feed_tags=feed_tags, vocabulary=vocabulary)
    try:
        if not part.holds(article, view_of(article)):
            return None
        hits = hits_of(part, article)
        return Found(hits=hits, focus=focus(asked, article) if asked is not None and hits else None)
    except SlowRegexError as error:
        hint = "make it more exact; nested repeats such as (a+)+ are slow"
        raise QueryError(str(error), error.start, error.end, hint=hint) from None


def unmatched(rule: Rule, entry: Entry) -> Match:
    """What is said of an entry that the rule held for once, and does not any more."""
    return _match(rule, entry, (), None)


def _match(rule: Rule, entry: Entry, hits: tuple[Hit, ...], passage: Passage | None) -> Match:
    return Match(
        rule=rule.name,
        title=rule.title,
        severity=rule.severity,
        channels=rule.channels,
        entry=entry,
        hits=hits,
        focus=passage,
        file=rule.file,
        trigger=rule.trigger,
    )
