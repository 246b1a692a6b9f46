"""Rules × entry ▸ matches. Built whole, never changed: a reload builds another and replaces the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.errors import QueryError
from monitor.model import Match
from monitor.rules.article import Article, Vocabulary
from monitor.rules.evaluate import SlowRegexError, compile_tree, merged
from monitor.rules.index import Index

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from monitor.model import Entry, Hit
    from monitor.rules.load import Rule
    from monitor.rules.tree import Node


class RuleSet:
    """Every enabled rule, compiled and indexed.

    Its answers depend on nothing but its rules and the arguments. It keeps memos of the words it has seen; threads may
    share it.

    Attributes:
        rules: The enabled rules, in the order given.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rule for rule in rules if rule.enabled)
        self._vocabulary = Vocabulary()
        self._parts = tuple(compile_tree(rule.tree, self._vocabulary) for rule in self.rules)
        self._index = Index(self._parts, self._vocabulary.terms())

    @classmethod
    def build(cls, rules: Iterable[Rule]) -> RuleSet:
        """Compile and index; about 50 ms for 1,000 rules. Disabled rules are left out."""
        return cls(rules)

    def match(
        self,
        entry: Entry,
        *,
        feed_name: str,
        feed_tags: Collection[str],
        timeouts: list[str] | None = None,
    ) -> tuple[Match, ...]:
        """The rules that hold for `entry`, in the order of `rules`, each with what it found.

        The name of a rule whose regular expression took too long is appended to `timeouts`; the rule does not match.
        """
        article = Article(entry, feed_name=feed_name, feed_tags=feed_tags, vocabulary=self._vocabulary)
        matches = []
        for number, decided in self._index.candidates(article.present):
            rule = self.rules[number]
            if not rule.covers(feed_name, feed_tags):
                continue
            part = self._parts[number]
            try:
                if decided or part.holds(article):
                    matches.append(_match(rule, entry, merged(part.hits(article))))
            except SlowRegexError:
                if timeouts is not None:
                    timeouts.append(rule.name)
        return tuple(matches)


def find(
    query: Node,
    entry: Entry,
    *,
    feed_name: str = "",
    feed_tags: Collection[str] = (),
) -> tuple[Hit, ...] | None:
    """Where one query holds in one entry: its hits, perhaps none; None where it does not hold.

    Raises:
        QueryError: a regular expression of the query took too long on this entry.
    """
    vocabulary = Vocabulary()
    part = compile_tree(query, vocabulary)
    article = Article(entry, feed_name=feed_name, feed_tags=feed_tags, vocabulary=vocabulary)
    try:
        return merged(part.hits(article)) if part.holds(article) else None
    except SlowRegexError as error:
        hint = "make it more exact; nested repeats such as (a+)+ are slow"
        raise QueryError(str(error), error.start, error.end, hint=hint) from None


def _match(rule: Rule, entry: Entry, hits: tuple[Hit, ...]) -> Match:
    return Match(
        rule=rule.name,
        title=rule.title,
        severity=rule.severity,
        channels=rule.channels,
        entry=entry,
        hits=hits,
    )
