"""What queries mean, by example: asked of the reference evaluator and of the engine alike."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from monitor.model import Entry, Hit, TextField
from monitor.parse.text import plain_text
from monitor.rules.engine import RuleSet, find
from monitor.rules.syntax import parse
from monitor.rules.tree import Node
from tests.drawing import rule_of
from tests.reference import evaluate, read

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LISTS = {"words": parse('ab OR "cd ef" OR step~').tree}
Hits = tuple[Hit, ...] | None
Answer = Callable[[Node, Entry], Hits]


def by_reference(tree: Node, of: Entry) -> Hits:
    """What the reference says."""
    return evaluate(tree, read(of, feed_name="bbc-world", feed_tags=("world",)))


def by_engine(tree: Node, of: Entry) -> Hits:
    """What the engine says, asked for the one query and through the index of a rule set, which must agree."""
    direct = find(tree, of, feed_name="bbc-world", feed_tags=("world",))
    matches = RuleSet.build([rule_of(tree)]).match(of, feed_name="bbc-world", feed_tags=("world",), now=NOW)
    assert [match.hits for match in matches] == ([] if direct is None else [direct.hits])
    return None if direct is None else direct.hits


@pytest.fixture(params=[by_reference, by_engine])
def answer(request: pytest.FixtureRequest) -> Answer:
    """Each of the two that are asked."""
    asked: Answer = request.param
    return asked


def shown(hits: Hits, of: Entry) -> list[str] | None:
    """What the hits point at."""
    return None if hits is None else [getattr(of, hit.field)[hit.start : hit.end] for hit in hits]


def entry(content: str = "", *, title: str = "", summary: str = "", author: str = "") -> Entry:
    """An English article with only what a test is about."""
    return Entry(key="k", title=title, summary=summary, content=content, author=author, language="en")


Case = tuple[str, str, list[str] | None]  # a query, a text, what is marked in it; None: the query does not hold

NUMBERS_AND_SIGNS: list[Case] = [
    ("1,000", "some 1,000 dead", ["1,000"]),
    ("1,000", "some 1000 dead", None),
    ("1,000", "in 1, 000", None),
    ("1000", "some 1,000 dead", None),
    ("3.5", "rose 3.5% in May", ["3.5%"]),
    ("3.5%", "rose 3.5 points", None),
    ("3.5%", "rose 3.5%.", ["3.5%"]),
    ("5", "rose 3.5 points", None),
    ("$100", "paid 100 times", None),
    ("100", "paid $100 for it", ["$100"]),
    ("2024", "in ２０２４", ["２０２４"]),
    ("24/7", "open 24/7", ["24/7"]),
    ("covid-19", "COVID‑19 again", ["COVID‑19"]),
    ("covid-19", "Covid, 19 years on", ["Covid, 19"]),
    ("covid-19", "COVID19", None),
    ("john.doe@example.com", "mail John.Doe@example.com.", ["John.Doe@example.com"]),
    ("example.com", "see www.example.com/a", ["example.com"]),
    ('"@nasa"', "by @NASA", ["@NASA"]),
    ('"@nasa"', "by NASA", None),
    ("nasa", "by @NASA", ["@NASA"]),
    ("#syria", "the #Syrian talks", None),
    ("c++", "C# and C", None),
    ("c", "in C++", ["C++"]),
    (".net", "in .NET and", [".NET"]),
    (".net", "the net", None),
    ("net", "in .NET and", [".NET"]),
    ("asp.net", "in ASP.NET and", ["ASP.NET"]),
    ("AT&T", "AT &amp; T", None),
    ("R&D", "spends on R&D.", ["R&D"]),
]

SPELLING: list[Case] = [
    ("don't", "they don’t", ["don’t"]),
    ("don't", "they dont", None),
    ("o'brien", "Mr O’Brien", ["O’Brien"]),
    ("people", "the people’s will", ["people’s"]),
    ("peoples'", "the peoples of", ["peoples"]),
    ("people", "the peoples' will", None),
    ("l'armée", "L’ARMEE", ["L’ARMEE"]),
    ('"new york"', 'the new "York" plan', ['new "York']),
    ('"step down"', "step–down", ["step–down"]),
    ('"step down"', "stepdown", None),
    ("step-down", "will step down", ["step down"]),
    ("ırmak", "Irmak", ["Irmak"]),
    ("isik", "IŞIK", ["IŞIK"]),
    ("strasse", "in der Straße", ["Straße"]),
    ("müller", "Herr Muller", ["Muller"]),
    ("müller", "Herr Mueller", None),
    ("*الأسد", "والأسد قال", ["والأسد"]),
    ("*الأسد", "قال الأَسَد إنه", ["الأَسَد"]),
    ("асад*", "об Асаде", ["Асаде"]),
    ('"นายกรัฐมนตรี ลาออก"', "นายกรัฐมนตรีลาออกแล้ว", ["นายกรัฐมนตรีลาออก"]),
    ("東京", "東 京", ["東 京"]),
    ("京", "東京", ["京"]),
]

SENTENCE_ENDS: list[Case] = [
    ('"step down"', "one step. Down he went", None),
    ('"step. down"', "one step. Down he went", ["step. Down"]),
    ('"step. down"', "one step down", ["step down"]),
    ('"one step down"', "one step. Down he went", None),
    ('"one step. down"', "One! Step. Down", None),
    ('"step down"', "one step? Down he went", None),
    ('"step down"', "one step; down he went", ["step; down"]),
    ('"down he"', "one step. Down he went", ["Down he"]),
    ('"U.S. President"', "The U.S. President spoke.", ["U.S. President"]),
    ('"U.S. President"', "the U. S. president", ["U. S. president"]),
    ('"step. down"', "one step\ndown", None),
    ('"辞职 东京"', "他辞职。东京", None),
]

TESTS_OF_WORDS: list[Case] = [
    ("=ICE", "ICE raids", ["ICE"]),
    ("=ICE", "ice cream", None),
    ("=ICE", "Ice cream", None),
    ("=ICE", "ICE’s budget", ["ICE’s"]),
    ("=ICE", "#ICE raids", ["#ICE"]),
    ('="#ICE"', "ICE raids", None),
    ("=Assad's", "Assad fled", ["Assad"]),
    ("=re\u0301sume\u0301", "a résumé", ["résumé"]),
    ("=résumé", "a résumé", ["résumé"]),
    ("=résumé", "a resume", None),
    ("=Straße", "STRASSE", None),
    ("=Don't", "Don’t go", ["Don’t"]),
    ('="White House"', "the White House.", ["White House"]),
    ('="White House"', "a white house", None),
    ('="AT&T"', "look at T.", None),
    ("step~", "she steps, stepped and is stepping", ["steps", "stepped", "stepping"]),
    ("step~", "her stepfather", None),
    ("stand~", "it STOOD", ["STOOD"]),
    ('"step down"~', "he stepped down", ["stepped down"]),
    ('"step down"~', "he stepped. Down it went", None),
    ('"step down"~', "down stepped he", None),
    ("sanction*", "Sanctions, sanctioned, sanction", ["Sanctions", "sanctioned", "sanction"]),
    ("sanction*", "unsanctioned", None),
    ("*clear*", "nuclear power", ["nuclear"]),
    ("wom?n", "woman, Women", ["woman", "Women"]),
    ("wom?n", "womn", None),
    ('"sanction* russia"', "the sanctions-Russia link", ["sanctions-Russia"]),
    ('"step down"~2', "step quietly right down", ["step quietly right down"]),
    ('"step down"~2', "step very quietly right down", None),
    ('"step down"~2', "down a step", ["down a step"]),
    ('"step down"~2', "a step. Down he went", ["step. Down"]),
    ('"step down"~2', "a step\ndown", None),
    ('"new new york"~1', "New York", None),
    ('"new new york"~1', "new, New York", ["new, New York"]),
]

DISTANCES: list[Case] = [
    ("assad NEAR/1 asylum", "Assad, asylum", ["Assad", "asylum"]),
    ("assad NEAR/1 asylum", "Assad seeks asylum", None),
    ("assad NEAR/2 asylum", "asylum for Assad", ["asylum", "Assad"]),
    ("assad BEFORE/2 asylum", "asylum for Assad", None),
    ("asylum BEFORE/2 assad", "asylum for Assad", ["asylum", "Assad"]),
    ("assad AFTER/2 asylum", "asylum for Assad", ["asylum", "Assad"]),
    ("assad NEAR/1 asylum", "Assad\nasylum", None),
    ("assad NEAR/2 asylum", "Assad\nasylum", ["Assad", "asylum"]),
    ("assad NEAR/2 asylum", "Assad\n\nasylum", None),
    ("assad NEAR/1 asylum", "to Assad. Asylum", ["Assad", "Asylum"]),
    ("assad NEAR/5 assad", "Assad fled", None),
    ("assad NEAR/5 assad", "Assad and Assad", ["Assad", "Assad"]),
    ('"new york" NEAR/3 york', "New York", None),
    ('"new york" NEAR/3 york', "New York, York", ["New York", "York"]),
    ('"step down" NEAR/1 now', "to step down now", ["step down", "now"]),
    ("talks NEAR/2 syria NEAR/2 geneva", "Geneva hosts talks on Syria", ["Geneva", "talks", "Syria"]),
    ("talks NEAR/2 syria NEAR/2 geneva", "Geneva hosts the talks on Syria", None),
    ("talks NEAR/2 (syria NEAR/9 geneva)", "Syria held talks in distant Geneva", None),
    ("assad NEAR/2 asylum", "Assad got asylum and then much later Assad left", ["Assad", "asylum"]),
    ("(assad OR putin) NEAR/2 (asylum OR exile)", "asylum for Putin, exile", ["asylum", "Putin", "exile"]),
    (r"/\d+ dead/ NEAR/3 flood", "Flood: 12 dead", ["Flood", "12 dead"]),
    ("/—/ NEAR/3 war", "a — war", None),
    ("/—/ war", "a — war", ["—", "war"]),
    ("assad -(assad NEAR/2 asylum)", "asylum for Assad", None),
    ("assad -(assad BEFORE/2 asylum)", "asylum for Assad", ["Assad"]),
]

UNITS: list[Case] = [
    ("SENTENCE(assad asylum)", "Assad left. Asylum was given.", None),
    ("SENTENCE(assad asylum)", "Assad left. He got asylum. Assad got asylum.", ["Assad", "asylum"]),
    ("SENTENCE(assad -asylum)", "Assad got asylum.", None),
    ("SENTENCE(assad -asylum)", "Assad left. He got asylum.", ["Assad"]),
    ("assad w/s asylum", "Assad got asylum.", ["Assad", "asylum"]),
    ("assad -SENTENCE(assad asylum)", "Assad left. Asylum.", ["Assad"]),
    ("SENTENCE(assad /—/)", "Assad — left", None),
    (r"SENTENCE(assad /left\. A/)", "Assad left. Asylum.", None),
    (r"SENTENCE(assad /left\./)", "Assad left. Asylum.", ["Assad", "left."]),
    ("PARAGRAPH(assad asylum)", "Assad left. Asylum.", ["Assad", "Asylum"]),
    ("PARAGRAPH(assad asylum)", "Assad left.\nAsylum.", None),
    ("assad w/p asylum", "Assad left.\nAsylum.", None),
    ("PARAGRAPH(assad SENTENCE(asylum exile))", "Assad left. Asylum, exile.", ["Assad", "Asylum", "exile"]),
    ("PARAGRAPH(assad SENTENCE(asylum exile))", "Assad left. Asylum.\nExile.", None),
    ("FIRST/3 asylum", "Assad got asylum", ["asylum"]),
    ("FIRST/3 asylum", "Assad was given asylum", None),
    ('FIRST/3 "got asylum"', "Assad has got asylum", None),
    ("FIRST/1 asylum", "asylum for Assad: asylum", ["asylum"]),
    ("FIRST/4(assad -asylum)", "Assad will not get asylum", ["Assad"]),
    ("FIRST/2 assad", "he\n\nassad", ["assad"]),
    ("SENTENCE(stayed FIRST/3 assad)", "He left. Assad stayed.", ["Assad", "stayed"]),
    ("SENTENCE(stayed FIRST/2 assad)", "He left. Assad stayed.", None),
    ("FIRST/3 SENTENCE(assad asylum)", "Assad got asylum.", ["Assad", "asylum"]),
    ('ATLEAST/2 "ha ha"', "ha ha ha", None),
    ('ATLEAST/2 "ha ha"', "ha ha ha ha", ["ha ha ha ha"]),
    ("ATLEAST/3 (assad OR putin)", "Assad, Putin", None),
    ("ATLEAST/3 (assad OR putin)", "Assad, Putin, Assad", ["Assad", "Putin", "Assad"]),
    ('ATLEAST/2 (york OR "new york")', "New York", None),
    ("ATLEAST/2 (assad NEAR/1 asylum)", "Assad asylum Assad", None),
    ("SENTENCE(ATLEAST/2 assad)", "Assad left. Assad stayed.", None),
    ("ATLEAST/2 (/—/ OR cd)", "ab — cd cd", ["cd", "cd"]),
    ("ATLEAST/2 (/—/ OR cd)", "ab — cd", None),
    (r"PARAGRAPH(/\.\s[A-Z]/)", "He left.\nAssad fled", [".\nA"]),
    (r"FIRST/9 /\.\s[A-Z]/", "He left.\nAssad fled", [".\nA"]),
    ("@words", "cd ef stepping", ["cd ef", "stepping"]),
    ("@words NEAR/1 gh", "gh steps", ["gh", "steps"]),
]


@pytest.mark.parametrize(
    ("query", "text", "found"),
    [*NUMBERS_AND_SIGNS, *SPELLING, *SENTENCE_ENDS, *TESTS_OF_WORDS, *DISTANCES, *UNITS],
)
def test_a_query_finds_what_it_says(answer: Answer, query: str, text: str, found: list[str] | None) -> None:
    """Each construct of the language holds where a reader would say so, and marks what earned it."""
    of = entry(text)
    assert shown(answer(parse(query, LISTS).tree, of), of) == found


@pytest.mark.parametrize(
    ("query", "markup", "found"),
    [
        ("center", '<p class="center">in the middle</p>', None),
        ("peliculas", "<b>las pel&iacute;culas</b> de hoy", ["películas"]),
        ("at&t", "shares of AT&amp;amp;T fell", ["AT&T"]),
        ('"step down"', "<p>one step</p><p>down</p>", None),
        ('"step down"', "one <em>st</em>ep&nbsp;<b>down</b>", ["step down"]),
        ("nsl", "tra<i>nsl</i>ation", None),
    ],
)
def test_markup_is_no_text(answer: Answer, query: str, markup: str, found: list[str] | None) -> None:
    """What HTML hides from a reader is not found, and what it writes as entities is."""
    of = entry(plain_text(markup))
    assert shown(answer(parse(query).tree, of), of) == found


ARTICLE = Entry(
    key="k",
    title="Assad leaves",
    summary="Assad, asylum",
    content="One two three asylum",
    author="Jane Doe",
    link="https://www.bbc.co.uk/news/assad",
    language="en-gb",
    categories=("World news", "Assad"),
)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("ATLEAST/2 assad", ["Assad", "Assad"]),
        ("ATLEAST/3 assad", None),
        ("title:(ATLEAST/2 assad)", None),
        ("FIRST/1(leaves OR one)", ["One"]),
        ("FIRST/1(assad one)", ["Assad", "Assad", "One"]),
        ("FIRST/2 asylum", ["asylum"]),
        ("content:FIRST/3 asylum", None),
        ("leaves NEAR/5 assad", ["Assad", "leaves"]),
        ("leaves NEAR/1 asylum", None),
        ("SENTENCE(leaves asylum)", None),
        ("title:(assad -asylum)", ["Assad"]),
        ("author:doe leaves", ["leaves", "Doe"]),
        ("category:assad three", ["three"]),
        ("url:assad", []),
        ("feed:bbc three", ["three"]),
        ("tag:wor*", []),
        ("tag:wor", None),
        ("tag:WORLD", []),
        ("domain:co.uk", []),
        ("domain:bbc.*", []),
        ("domain:b.co.uk", None),
        ("lang:en", []),
        ("lang:en-gb", []),
        ("lang:en-us", None),
        ("lang:(de OR en*)", []),
        ("three -lang:en", None),
        ("three -(lang:en -tag:sport)", None),
    ],
)
def test_fields_are_searched_apart(answer: Answer, query: str, found: list[str] | None) -> None:
    """Nothing reaches over a field; counts add up over those that are searched; labels are compared whole."""
    assert shown(answer(parse(query).tree, ARTICLE), ARTICLE) == found


@pytest.mark.parametrize(
    ("query", "hits"),
    [
        ("assad^2 left", [("content", 0, 5, 2.0), ("content", 6, 10, 1.0), ("title", 0, 5, 2.0)]),
        ('"assad left"^0.5 title:assad^3', [("content", 0, 10, 0.5), ("title", 0, 5, 3.0)]),
        ('left "assad left"^4', [("content", 0, 10, 4.0)]),
        ("(assad OR /l\\w+/)^5", [("content", 0, 5, 5.0), ("content", 6, 10, 5.0), ("title", 0, 5, 5.0)]),
        ("title:assad title:(assad^2)", [("title", 0, 5, 2.0)]),
    ],
)
def test_weights_reach_the_hits(answer: Answer, query: str, hits: list[tuple[TextField, int, int, float]]) -> None:
    """A hit counts as much as its term says; of two on the same words the greater weight stays."""
    wanted = tuple(Hit(*hit) for hit in sorted(hits, key=lambda hit: (hit[0] != "title", hit)))
    assert answer(parse(query).tree, entry("Assad left", title="Assad")) == wanted


def test_what_is_beyond_the_limit_is_not_seen(answer: Answer) -> None:
    """Of a field 100,000 characters are looked at."""
    tree = parse("assad").tree
    assert answer(tree, entry("x" * 99_994 + " Assad")) == (Hit("content", 99_995, 100_000),)
    assert answer(tree, entry("x" * 99_995 + " Assad")) is None
