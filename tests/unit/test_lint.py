"""What is told of a query that is allowed and looks wrong, and that nothing is told of one that is right."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from random import Random
from string import ascii_lowercase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.model import Entry
from monitor.rules.cover import covers
from monitor.rules.engine import find
from monitor.rules.lint import expired, findings
from monitor.rules.load import load_rules
from monitor.rules.syntax import parse
from monitor.rules.tree import Node, Or
from monitor.tomlfile import parse as parse_toml
from monitor.tomlfile import read
from tests.drawing import FEED, TAGS, Drawing

EXAMPLES = sorted((Path(__file__).parents[2] / "rules").rglob("*.toml"))


def told(query: str) -> list[tuple[str, str, str]]:
    """(what is pointed at, message, hint) of everything that is said about a query."""
    tree = parse(query).tree
    return [(query[each.node.start : each.node.end], each.message, each.hint) for each in findings(tree)]


@pytest.mark.parametrize(
    ("query", "pointed", "words"),
    [
        # what another part finds already
        ("assad OR Assad", "Assad", "assad finds it already"),
        ("assad OR moscow OR assad", "assad", "stands here twice"),
        ('step OR "step down"', '"step down"', "step finds it already"),
        ("sanction* OR sanctions", "sanctions", "sanction* finds it already"),
        ("sanction* OR sanctioned* OR trade", "sanctioned*", "sanction* finds it already"),
        ("step~ OR steps", "steps", "step~ finds it already"),
        ("assad OR =Assad", "=Assad", "assad finds it already"),
        ("*shelling OR shelling", "shelling", "*shelling finds it already"),
        ('"step down" OR "step down now"', '"step down now"', '"step down" finds it already'),
        ('"step down"~ OR "stepped down"', '"stepped down"', '"step down"~ finds it already'),
        ("assad OR title:assad", "title:assad", "assad finds it already"),
        ("assad OR (assad AND asylum)", "(assad AND asylum)", "assad finds it already"),
        ("assad OR (assad NEAR/5 asylum)", "(assad NEAR/5 asylum)", "assad finds it already"),
        ("(a1 NEAR/9 b1) OR (b1 NEAR/5 a1)", "(b1 NEAR/5 a1)", "finds it already"),
        ("(a1 NEAR/9 b1) OR (a1 BEFORE/5 b1)", "(a1 BEFORE/5 b1)", "finds it already"),
        ("ATLEAST/2 a1 OR ATLEAST/3 a1", "ATLEAST/3 a1", "finds it already"),
        ("(a1 AND b1) OR SENTENCE(a1 b1)", "SENTENCE(a1 b1)", "finds it already"),
        ("title:(a1 OR b1 OR a1)", "a1", "stands here twice"),
        ("/CVE-1/ OR x1 OR /CVE-1/", "/CVE-1/", "stands here twice"),
        # what holds anyway
        ("assad AND (assad OR asylum)", "(assad OR asylum)", "holds wherever assad does"),
        ('"step down" AND step', "step", 'holds wherever "step down" does'),
        ("title:assad AND assad", "assad", "holds wherever title:assad does"),
        ('trade NOT war NOT "war film"', 'NOT "war film"', "holds wherever NOT war does"),
        # what can never be
        ("assad NOT assad", "assad", "this rule can never match"),
        ('"step down" NOT step', "step", "NOT step takes away all that"),
        ("title:assad NOT assad", "assad", "can never match"),
        ("(a1 OR b1) NOT (c1 OR a1 OR b1)", "(c1 OR a1 OR b1)", "can never match"),
        ("x1 OR (a1 NOT a1)", "a1", "this part can never match"),
        ("a1 lang:de lang:en", "lang:en", "no article is both lang:de and lang:en"),
        ("a1 domain:bbc.com domain:cnn.com", "domain:cnn.com", "can never match"),
        ('FIRST/2 "a1 b1 c1"', 'FIRST/2 "a1 b1 c1"', "takes 3 words"),
        # what nearly always is
        (r"/\w+/", r"/\w+/", "matches nearly every text"),
        ("the", "the", "matches nearly every English text"),
        ("assad OR of OR exile", "assad OR of OR exile", "matches nearly every English text"),
        (r"/[a-z]{3,4}\d/", r"/[a-z]{3,4}\d/", "tried on every article"),
    ],
)
def test_what_is_said_in_vain_is_told(query: str, pointed: str, words: str) -> None:
    """At the part that should go or change, and with what makes it so."""
    ((under, message, hint),) = told(query)
    assert under == pointed
    assert words in message
    assert hint


@pytest.mark.parametrize(
    "query",
    [
        'assad AND ("step down"~ OR "stand down"~ OR asylum)',
        '"step down" OR "down step"',
        '"a1 b1"~5 OR "a1 b1 c1"~3',
        "step OR stepfather",
        "sanction* OR *sanctions",
        "s?nctions OR sanction*",
        "C OR C++",
        'syria OR "syria talks"^3',  # the weight chooses what the excerpt shows
        "title:assad OR summary:assad",
        "a1 NEAR/5 b1 OR a1 NEAR/9 c1",
        "(a1 BEFORE/9 b1) OR (a1 NEAR/5 b1)",
        "SENTENCE(a1 b1) OR SENTENCE(a1 c1)",
        "SENTENCE(a1 NOT b1) OR x1",
        "a1 OR FIRST/50 b1",
        "ATLEAST/3 a1 OR b1",
        "FIRST/2 (ATLEAST/3 a1)",  # each field has its first words
        "a1 NOT title:a1",
        "a1 NOT (a1 b1)",
        'a1 NOT "a1 b1"',
        "a1 lang:en lang:en-gb",
        "a1 (lang:en OR lang:de)",
        "a1 domain:bbc.com domain:news.bbc.com",
        "tag:world tag:uk",
        "(/CVE-\\d+/ OR flaw) AND exploited",
        "a1 /[a-z]{3,4}\\d/",
        "title:the",
        '"the who"',
        "the AND who",
        "=IN OR =TO",
    ],
)
def test_nothing_is_told_of_what_may_be_meant(query: str) -> None:
    """Parts that look alike and are not, and what a person may have a reason for."""
    assert told(query) == []


def test_a_long_list_is_looked_through_as_well() -> None:
    """Among many words the one that comes twice is found, and a phrase that holds one of them."""
    tree = parse(" OR ".join(f"{one}{two}rain" for one in ascii_lowercase for two in ascii_lowercase)).tree
    assert isinstance(tree, Or)
    doubled = Or(parts=(*tree.parts, parse("carain").tree, parse('"other czrain"').tree), start=0, end=0)
    assert [each.message for each in findings(doubled)] == [
        "carain stands here twice",
        '"other czrain" adds nothing: czrain finds it already',
    ]


def test_a_rule_has_one_language() -> None:
    """lang: in a query against the language of its rule."""
    file = "[[rule]]\nname = 'x'\nquery = 'a1 lang:de'\nlanguage = 'en'"
    _, (fault,) = load_rules([parse_toml(file, path="x.toml")])
    assert (fault.line, fault.warning) == (3, True)
    assert 'no article is both language = "en" and lang:de' in fault.message


def test_two_rules_for_the_same_are_told() -> None:
    """In another file, and however it is written; other feeds or channels make it another rule."""
    first = "[[rule]]\nname = 'a'\nquery = 'assad AND (asylum OR exile)'\n"
    same = "[[rule]]\nname = 'b'\nall = ['Assad']\nquery = 'Asylum OR exile'\n"
    other = "[[rule]]\nname = 'c'\nquery = 'assad (asylum OR exile)'\nfeeds = ['bbc']\n"
    again = "[[rule]]\nname = 'd'\nquery = 'ASSAD (asylum OR exile)'\n"
    files = [parse_toml(text, path=f"{n}.toml") for n, text in enumerate((first, same, other, again), start=1)]
    rules, (fault,) = load_rules(files)
    assert len(rules) == 4
    assert (fault.source, fault.line, fault.warning) == ("4.toml", 2, True)
    assert "'a' (1.toml:1)" in fault.message


def test_a_rule_whose_time_is_over_is_told() -> None:
    """From the end of its last day on, and not for a rule that is switched off."""
    rule = "[[rule]]\nname = 'a'\nquery = 'q1'\nexpires = 2026-11-23\n"
    (on, off), _ = load_rules([parse_toml(rule + rule.replace("'a'", "'b'") + "enabled = false", path="x.toml")])
    assert expired([on, off], now=datetime(2026, 11, 23, 23, 59, tzinfo=UTC)) == ()
    (fault,) = expired([on, off], now=datetime(2026, 11, 24, tzinfo=UTC))
    assert (fault.line, fault.warning) == (4, True)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_shipped_rules_give_no_false_alarm(path: Path) -> None:
    """Not one word about the starter rules and the cookbook."""
    _, faults = load_rules([read(path)])
    assert [str(fault) for fault in faults] == []


@settings(max_examples=150, deadline=None)
@given(st.randoms(use_true_random=False))
def test_what_covers_holds_wherever_the_other_does(random: Random) -> None:
    """`covers` never claims what an article disproves."""
    drawing = Drawing(random)
    rules = drawing.rules(6)
    entries = [drawing.entry() for _ in range(8)]
    holding = {rule.name: [held(rule.tree, entry) for entry in entries] for rule in rules}
    for one, other in permutations(rules, 2):
        if covers(one.tree, other.tree):
            pairs = zip(holding[one.name], holding[other.name], strict=True)
            assert not any(theirs and not ours for ours, theirs in pairs), (one.query, other.query)


@settings(max_examples=150, deadline=None)
@given(st.randoms(use_true_random=False))
def test_what_can_never_match_does_not(random: Random) -> None:
    """A rule that is called dead finds nothing in any article."""
    drawing = Drawing(random)
    for rule in drawing.rules(6):
        if any("this rule can never match" in each.message for each in findings(rule.tree)):
            assert not any(held(rule.tree, drawing.entry()) for _ in range(8)), rule.query


def held(tree: Node, entry: Entry) -> bool:
    return find(tree, entry, feed_name=FEED, feed_tags=TAGS) is not None
