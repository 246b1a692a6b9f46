"""Which parts of a query hold for an article, and how near the others come."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.model import Entry
from monitor.rules.engine import find
from monitor.rules.explain import Verdict, explain
from monitor.rules.outline import heading
from monitor.rules.syntax import parse
from monitor.rules.tree import Listed, Not
from tests.drawing import FEED, TAGS, Drawing


def entry(content: str, *, title: str = "", link: str = "") -> Entry:
    """An English article with only what a test is about."""
    return Entry(key="k", title=title, content=content, link=link, language="en", author="Jane Doe")


def told(verdict: Verdict) -> list[str]:
    """Every part with a sign, and its note."""
    sign = "+" if verdict.held else "-"
    note = f" ({verdict.note})" if verdict.note else ""
    return [f"{sign}{heading(verdict.node)}{note}", *(line for part in verdict.parts for line in told(part))]


@settings(max_examples=300)
@given(st.randoms(use_true_random=False))
def test_the_verdict_is_that_of_the_engine(random: Random) -> None:
    """The whole holds if and only if the query finds something; each place has the text that is said to be there."""
    drawing = Drawing(random)
    (rule,), article = drawing.rules(1), drawing.entry()
    verdict = explain(rule.tree, article, feed_name=FEED, feed_tags=TAGS)
    found = find(rule.tree, article, feed_name=FEED, feed_tags=TAGS)
    assert verdict.held == (found is not None)
    for part in parts(verdict):
        for place in part.found:
            assert place.text
            if place.field in {"title", "summary", "content", "page", "author"}:
                assert getattr(article, place.field)[place.start : place.end] == place.text


def parts(verdict: Verdict) -> list[Verdict]:
    """The verdict and all below it."""
    return [verdict, *(each for part in verdict.parts for each in parts(part))]


@pytest.mark.parametrize(
    ("query", "text", "note"),
    [
        ("sanction", "EU sanctions", "“sanctions” is there, which sanction~ finds"),
        ("translat", "a new translation", "“translation” is there, which translat* finds"),
        ("=ICE", "thin ice", "only “ice” is there, which is spelled in another way"),
        ('"step down"', "one step. Down it went", "“step. Down” is there, but a sentence ends in it"),
        ('"step down"', "he stepped down", '“stepped down” is there, which "step down"~ finds'),
        ('"step down"', "he will step quietly down", "its words are there, but apart: “step quietly down”"),
        ('"step down"', "a step", "no “down”"),
        ('"step down"~', "sit down", "no form of “step”"),
        ("moon", "the sun", ""),
        ("assad NEAR/2 asylum", "Assad asks for asylum", "at the nearest 3 words apart: “Assad asks for asylum”"),
        ("assad NEAR/3 asylum", "Assad asks for asylum", "3 words apart: “Assad asks for asylum”"),
        ("asylum BEFORE/3 assad", "Assad asks for asylum", "in the other order 3 words apart: “Assad asks for asylum”"),
        ("assad NEAR/1 asylum", "asylum, Assad. Later Assad got asylum", "side by side: “asylum, Assad”"),
        ("ATLEAST/3 flood", "flood, flood", "only 2 of them"),
        ("SENTENCE(assad asylum)", "Assad fled. He got asylum.", "nearest: “Assad fled”"),
        ("SENTENCE(assad fled)", "Rain. Assad fled.", "“Assad fled”"),
        ("domain:cnn.com", "x", "its address is at www.bbc.co.uk"),
        ("lang:de", "x", "its language is en"),
        ("tag:sport", "x", "the feed's tags are world"),
        ("author:smith", "x", "the author is 'Jane Doe'"),
        (r"/(?:a|aa|aaa)+b/", "a" * 5000 + "!", "stopped after 50 ms: too slow on this text"),
    ],
)
def test_a_note_says_how_near_it_came(query: str, text: str, note: str) -> None:
    """What is almost there is named, with the query that would find it; what is not there at all has no note."""
    verdict = explain(parse(query).tree, entry(text, link="https://www.bbc.co.uk/1"), feed_tags=("world",))
    assert verdict.note == note


@pytest.mark.parametrize(
    ("query", "lines"),
    [
        (
            "assad AND (asylum OR exile) NOT quiz",
            ["-all of", "+assad", "+any of", "+asylum", "-exile", "-NOT quiz"],
        ),
        ("title:asylum", ["-title:asylum (it stands in the content)"]),
        ("FIRST/2 asylum", ["-in the first 2 words", "-asylum (it first stands at word 4 of the content)"]),
        (
            "SENTENCE(assad quiz)",
            [
                "-in one sentence (nearest: “Assad asks for asylum”)",
                "-all of",
                "+assad",
                "-quiz (it stands in the content, in another sentence)",
            ],
        ),
        ("assad NOT (moon OR quiz)", ["-all of", "+assad", "-NOT", "+any of", "-moon", "+quiz"]),
    ],
)
def test_every_part_has_its_say(query: str, lines: list[str]) -> None:
    """Parts are told one by one, each where it was looked for."""
    assert told(explain(parse(query).tree, entry("Assad asks for asylum. A quiz."))) == lines


def test_a_page_is_told_of_like_the_text() -> None:
    """Where the page has it, its words are shown; where there is no page, that is said."""
    paged = replace(entry("Rain."), page="Assad fled. It rained.")
    (found,) = explain(parse("assad").tree, paged).found
    assert (found.field, found.text) == ("page", "Assad")
    assert explain(parse("ATLEAST/2 rain*").tree, paged).note == "only 1 of them"
    assert told(explain(parse("page:asylum").tree, paged)) == ["-page:asylum"]
    assert told(explain(parse("page:asylum").tree, entry("Rain."))) == ["-page:asylum (no page of it was read)"]
    assert told(explain(parse("title:assad").tree, paged)) == ["-title:assad (it stands in the page)"]


def test_lists_are_told_item_by_item() -> None:
    """An @list shows which of its items is there."""
    lists = {"exits": parse("asylum OR exile").tree}
    verdict = explain(parse("@exits NOT moon", lists).tree, entry("in exile"))
    assert told(verdict) == ["+all of", "+@exits, any of", "-asylum", "+exile", "+NOT moon"]
    assert isinstance(verdict.parts[0].node, Listed)
    assert isinstance(verdict.parts[1].node, Not)
