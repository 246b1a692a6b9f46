"""The engine against the reference evaluator, on rules and articles drawn by chance.

NEWS_MONITOR_PAIRS (how many pairs of an article and a rule; 10,000) and NEWS_MONITOR_SEED make another run.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.model import Entry, Hit
from monitor.rules.engine import RuleSet, find
from monitor.rules.rule import Rule
from monitor.rules.syntax import parse
from monitor.rules.tokens import scan
from monitor.rules.tree import Term
from tests.drawing import FEED, TAGS, Drawing, rule_of
from tests.reference import evaluate, read, satisfies

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PAIRS = int(os.environ.get("NEWS_MONITOR_PAIRS", "10000"))
SEED = int(os.environ.get("NEWS_MONITOR_SEED", "1"))

Found = dict[str, tuple[Hit, ...]]  # by the name of the rule


def by_reference(rules: list[Rule], article: Entry) -> Found:
    """Every rule evaluated by itself."""
    seen = read(article, feed_name=FEED, feed_tags=TAGS)
    looked_at = [rule for rule in rules if rule.enabled and rule.covers(FEED, TAGS)]
    answers = {rule.name: evaluate(rule.tree, seen) for rule in looked_at}
    return {name: hits for name, hits in answers.items() if hits is not None}


def by_engine(ruleset: RuleSet, article: Entry) -> Found:
    """All rules at once, through memo and index."""
    matches = ruleset.match(article, feed_name=FEED, feed_tags=TAGS, now=NOW)
    return {match.rule: match.hits for match in matches}


def one_by_one(rules: list[Rule], article: Entry) -> Found:
    """Each query asked directly, without an index."""
    answers = {rule.name: find(rule.tree, article, feed_name=FEED, feed_tags=TAGS) for rule in rules}
    return {name: found.hits for name, found in answers.items() if found is not None}


def assert_same(rules: list[Rule], article: Entry, wanted: Found, got: Found) -> None:
    """Fails with the query, the article and both answers; `list` because the order of the rules counts."""
    for rule in rules:
        one, other = wanted.get(rule.name), got.get(rule.name)
        if one != other:
            told = f"query: {rule.query}\narticle: {article}\nreference: {one}\nengine: {other}\ntree: {rule.tree}"
            raise AssertionError(told)
    assert list(wanted) == list(got)


@settings(max_examples=300)
@given(st.randoms(use_true_random=False), st.integers(1, 5))
def test_the_engine_agrees_with_the_reference(random: Random, count: int) -> None:
    """Index, memo, sets and positions give the rules and hits that a plain evaluation of every rule gives."""
    drawing = Drawing(random)
    rules, article = drawing.rules(count), drawing.entry()
    assert_same(rules, article, by_reference(rules, article), by_engine(RuleSet.build(rules), article))
    everywhere = [replace(rule, feeds=(), enabled=True) for rule in rules]
    assert_same(everywhere, article, by_reference(everywhere, article), one_by_one(everywhere, article))


def test_they_agree_on_many_more() -> None:
    """The same without shrinking, several articles to a rule set, so that what was seen before is asked again."""
    random = Random(SEED)
    pairs = held = 0
    while pairs < PAIRS:
        drawing = Drawing(random)
        rules = drawing.rules(random.randint(1, 30))
        ruleset = RuleSet.build(rules)
        for article in [drawing.entry() for _ in range(5)]:
            wanted = by_reference(rules, article)
            assert_same(rules, article, wanted, by_engine(ruleset, article))
            pairs += len(rules)
            held += len(wanted)
    assert 0.2 < held / pairs < 0.8  # else little was tried


@settings(max_examples=300)
@given(st.randoms(use_true_random=False))
def test_what_is_hit_folds_to_what_was_asked(random: Random) -> None:
    """Every hit of a term, taken from the original text, has the term's own words first and last."""
    drawing = Drawing(random)
    tree = parse(drawing.term()).tree
    if not isinstance(tree, Term) or tree.slop is not None:
        return
    article = drawing.entry()
    for match in RuleSet.build([rule_of(tree)]).match(article, feed_name=FEED, feed_tags=TAGS, now=NOW):
        assert match.hits
        for hit in match.hits:
            tokens = scan(getattr(article, hit.field)[hit.start : hit.end])
            length = len(tree.tests)
            for words in (tokens[:length], tokens[-length:]):  # overlapping hits are shown as one
                assert all(satisfies(test, word) for test, word in zip(tree.tests, words, strict=True))
