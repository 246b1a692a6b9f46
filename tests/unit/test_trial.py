"""The tests that rules carry: when they hold, and what is said when they do not."""

from __future__ import annotations

import pytest

from monitor.errors import Fault
from monitor.rules.load import load_rules
from monitor.rules.rule import Rule
from monitor.service.trial import failures
from monitor.tomlfile import parse

FEEDS = {"bbc-world": ("world",), "dw": ("world", "de")}


def rule(tests: str, *, query: str = 'assad AND ("step down"~ OR asylum) NOT obituary', more: str = "") -> Rule:
    """A rule with tests, each after a line of its own."""
    text = f"[[rule]]\nname = 'x'\nquery = '{query}'\n{more}\n{tests}"
    (made,), faults = load_rules([parse(text, path="x.toml")])
    assert faults == ()
    return made


def only_failure(made: Rule) -> Fault:
    """What is wrong with the one test that fails."""
    (fault,) = failures(made, feeds=FEEDS)
    return fault


@pytest.mark.parametrize(
    "test",
    [
        "title = 'Assad steps down'",
        "text = 'A day in May.\\n\\nMr Assad asks for\\nasylum.'",
        "summary = 'ASSAD’S ASYLUM'\nexcerpt = 'asylum'",
        "title = 'Assad asks for asylum'\nexcerpt = \"Assad asks\"",
        "text = 'It rains. Assad will step down on Sunday, he said.'\nexcerpt = 'down on Sunday, he said'",
        "title = 'Assad steps up'\nmatch = false",
        "title = 'Assad, who had asylum: an obituary'\nmatch = false",
        # a line end is a space, an empty line is none: no phrase reaches over it
        'text = """Assad may step\ndown."""',
        'text = """Assad may step\n\ndown."""\nmatch = false',
    ],
)
def test_a_test_that_holds_says_nothing(test: str) -> None:
    """Matches where it should, and not where it should not, with the excerpt that is asked for."""
    assert failures(rule(f"[[rule.tests]]\n{test.replace(chr(39), chr(34))}"), feeds=FEEDS) == ()


@pytest.mark.parametrize(
    ("test", "line", "words"),
    [
        ("title = 'Assad steps up'", 5, 'it should match, but "step down"~ OR asylum is not there'),
        ("text = 'He asks for asylum.'", 5, "it should match, but assad is not there"),
        (
            "title = 'Obituary: Assad, asylum'",
            5,
            "it should match, but NOT obituary takes it away: “*Obituary*: Assad, asylum”",
        ),
        (
            "text = 'It rains. Assad has asylum. It rains.'\nmatch = false",
            5,
            "it should not match, but does: “*Assad* has *asylum*.”",
        ),
        (
            "title = 'Assad: asylum'\nexcerpt = 'step down'",
            7,
            "no excerpt has “step down” in it: “*Assad*: *asylum*”",
        ),
    ],
)
def test_a_test_that_fails_says_what_happened(test: str, line: int, words: str) -> None:
    """What was expected, and what of the query did not hold or where it did."""
    fault = only_failure(rule(f"[[rule.tests]]\n{test}"))
    assert (fault.source, fault.line, fault.warning) == ("x.toml", line, False)
    assert fault.where == "rule 'x'"
    assert fault.message == f"test 1: {words}"


def test_each_failing_test_is_told() -> None:
    """With its number; those that hold are not."""
    bad, good = "[[rule.tests]]\ntext = 'quiet'\n", "[[rule.tests]]\ntext = 'Assad asylum'\n"
    told = failures(rule(bad + good + bad), feeds=FEEDS)
    assert [fault.message.partition(":")[0] for fault in told] == ["test 1", "test 3"]


@pytest.mark.parametrize(
    ("feed", "match"),
    [("bbc-world", True), ("tag:world", False), ("tag:de", True), ("dw", True), ("cnn", False)],
)
def test_a_rule_is_tried_in_the_feed_of_the_test(feed: str, match: bool) -> None:
    """By name, by the tags that the feed has, or as any feed with a tag."""
    test = f"[[rule.tests]]\ntitle = 'Assad asks for asylum'\nfeed = '{feed}'\nmatch = {str(match).lower()}"
    made = rule(test, more="feeds = ['bbc-*', 'tag:de']")
    assert failures(made, feeds=FEEDS) == ()
    (wrong,) = failures(
        rule(test.replace(str(match).lower(), str(not match).lower()), more="feeds = ['bbc-*', 'tag:de']"), feeds=FEEDS
    )
    assert match or wrong.message == f"test 1: it should match, but the rule does not look at the feed {feed!r}"


def test_what_depends_on_unknown_feeds_is_passed_over() -> None:
    """Without a configuration nobody knows what tags a feed has; what the rule itself says is still tried."""
    test = "[[rule.tests]]\ntitle = 'quiet'\nfeed = 'dw'"
    assert failures(rule(test, more="feeds = ['tag:de']"), feeds=None) == ()
    assert len(failures(rule(test, more="feeds = ['bbc-*']"), feeds=None)) == 1
    assert len(failures(rule(test), feeds=None)) == 1


def test_a_rule_is_tried_in_its_language() -> None:
    """The language of the article counts as in a feed."""
    article = "[[rule.tests]]\ntitle = 'Assad Asylum'\n"
    assert failures(rule(article + "language = 'de-AT'", more="language = 'de'"), feeds=FEEDS) == ()
    fault = only_failure(rule(article + "language = 'en'", more="language = 'de'"))
    assert fault.message.endswith("the rule looks at articles in 'de' only, and the language of this one is 'en'")


def test_rules_that_are_off_or_over_are_tried_as_well() -> None:
    """A test tells whether a query is right, not whether the rule is on."""
    test = "[[rule.tests]]\ntitle = 'Assad asks for asylum'"
    assert failures(rule(test, more="enabled = false\nexpires = 2020-01-01\nmax_age = '1s'"), feeds=FEEDS) == ()


def test_a_test_may_be_about_the_address_the_author_or_the_category() -> None:
    """Each field of an article can be given."""
    test = "[[rule.tests]]\nurl = 'https://news.example.org/a'\nauthor = 'Jane Doe'\ncategory = 'Sport'\n"
    query = "domain:example.org author:doe category:sport"
    assert failures(rule(test, query=query), feeds=FEEDS) == ()
    fault = only_failure(rule(test + "match = false", query="domain:example.org"))
    assert "by what is no text of the article" in fault.message
