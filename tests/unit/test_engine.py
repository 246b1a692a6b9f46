"""Which rules hold for an entry, and where: by example."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from monitor.errors import QueryError
from monitor.model import Entry, Hit, Match, Passage
from monitor.rules.engine import RuleSet, find
from monitor.rules.load import load_rules
from monitor.rules.rule import Rule
from monitor.rules.syntax import parse
from monitor.tomlfile import parse as parse_toml

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def entry(
    content: str = "",
    *,
    title: str = "",
    summary: str = "",
    page: str = "",
    author: str = "",
    link: str = "",
    language: str = "",
    categories: tuple[str, ...] = (),
) -> Entry:
    """An entry with only what a test is about."""
    return Entry(
        key="k",
        title=title,
        summary=summary,
        content=content,
        page=page,
        author=author,
        link=link,
        language=language,
        categories=categories,
    )


def shown(hits: tuple[Hit, ...], of: Entry) -> list[str]:
    """What the hits point at."""
    texts = {"title": of.title, "summary": of.summary, "content": of.content, "page": of.page, "author": of.author}
    return [texts[hit.field][hit.start : hit.end] for hit in hits]


def holds(query: str, of: Entry, *, feed: str = "", tags: tuple[str, ...] = ()) -> bool:
    """Whether the query holds, by the rule set's index and by evaluating it directly, which must agree."""
    tree = parse(query).tree
    direct = find(tree, of, feed_name=feed, feed_tags=tags)
    matches = RuleSet.build([rule(query)]).match(of, feed_name=feed, feed_tags=tags, now=NOW)
    assert bool(matches) == (direct is not None)
    assert [match.hits for match in matches] == ([] if direct is None else [direct.hits])
    return direct is not None


def rule(query: str, *, name: str = "r", feeds: tuple[str, ...] = (), enabled: bool = True) -> Rule:
    """A rule with that query."""
    text = f"[[rule]]\nname = '{name}'\nenabled = {str(enabled).lower()}\nquery = '''{query}'''\n"
    text += f"feeds = {list(feeds)!r}\n" if feeds else ""
    (made,), _ = load_rules([parse_toml(text, path="r.toml")])
    return made


def matched(rules: list[Rule], of: Entry, *, feed: str = "f", tags: tuple[str, ...] = ()) -> list[str]:
    """The names of the rules that hold."""
    return [match.rule for match in RuleSet.build(rules).match(of, feed_name=feed, feed_tags=tags, now=NOW)]


@pytest.mark.parametrize(
    ("query", "text", "found"),
    [
        ("assad", "President Assad’s army", ["Assad’s"]),
        ("won't", "He won’t go", ["won’t"]),
        ("won't", "He won the race", None),
        ("ice", "ICE raids", ["ICE"]),
        ("nsl", "new translations", None),
        ("辞职", "总统说他不会辞职。", ["辞职"]),
        ("辞职", "辞去职务", None),
        ("الأسد", "قال الأَسَد إنه", ["الأَسَد"]),
        ("الأسد", "والأسد قال", None),
        ("istanbul", "in İSTANBUL today", ["İSTANBUL"]),
        ("İstanbul", "Istanbul", ["Istanbul"]),
        ("асад", "Президент Асад, сказал", ["Асад"]),
        ("асад", "асадный", None),
        ("straße", "STRASSE", ["STRASSE"]),
        ("beyonce", "Beyoncé sang", ["Beyoncé"]),
        ("Beyoncé", "beyonce\u0301", ["beyonce\u0301"]),
        ("peliculas", "las películas de hoy", ["películas"]),
        ('"step down"', "step-down transformer", ["step-down"]),
        ('"step down"', "step\u00a0down", ["step\u00a0down"]),
        ('"step down"', "step  \t down", ["step  \t down"]),
        ('"step down"', "one step\ndown the list", None),
        ('"step down"', "down step", None),
        ('"a a b"', "a a a b", ["a a b"]),
        ("u.s", "the U.S. said", ["U.S"]),
        ("U.S.", "the us said", None),
        ("ลาออก", "นายกรัฐมนตรีลาออกแล้ว", ["ลาออก"]),
        ("東京", "大統領は東京で", ["東京"]),
        ("assad asylum", "Assad was granted political asylum", ["Assad", "asylum"]),
        ("al-assad", "Bashar al-Assad fled", ["al-Assad"]),
        ("c++", "written in C++", ["C++"]),
        ("c++", "vitamin C", None),
        ("AT&T", "shares of AT&T fell", ["AT&T"]),
        ("#syria", "the #Syria talks", ["#Syria"]),
        ("#syria", "the Syria talks", None),
        ("syria", "the #Syria talks", ["#Syria"]),
        ("armée", "l’armée syrienne", ["armée"]),
        (r"/CVE-\d{4}-\d+/", "see CVE-2024-1234.", ["CVE-2024-1234"]),
        ("/cve/", "CVE", None),
        ("/cve/i", "CVE", ["CVE"]),
        ("assad -resigned", "Assad resigned", None),
        ("assad OR asylum", "asylum, asylum", ["asylum", "asylum"]),
        ("assad -(asylum exile)", "Assad seeks asylum", ["Assad"]),
        ('"new york" OR york', "New York", ["New York"]),
    ],
)
def test_a_query_finds_whole_words_in_any_form(query: str, text: str, found: list[str] | None) -> None:
    """Words, phrases, signs, scripts and patterns are found as they should be, at their place in the original."""
    of = entry(text)
    assert holds(query, of) is (found is not None)
    held = find(parse(query).tree, of)
    assert (None if held is None else shown(held.hits, of)) == found


ARTICLE = entry(
    "He fled to Moscow.",
    title="Assad steps down",
    summary="The president leaves.",
    author="Jane Doe",
    link="https://www.BBC.co.uk/news/world-middle-east",
    language="en-gb",
    categories=("World news", "Middle East"),
)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("title:assad", True),
        ("title:moscow", False),
        ("summary:president", True),
        ("content:(moscow OR paris)", True),
        ("content:(moscow paris)", False),
        ("title:(assad -quiz)", True),
        ("assad -title:steps", False),
        ("author:doe", True),
        ("doe", False),
        ("moscow -author:doe", False),
        ('"down the president"', False),
        ("feed:bbc", True),
        ("source:bbc-world", True),
        ("feed:bb", False),
        ("feed:/^bbc/", True),
        ("tag:world", True),
        ("tag:worl", False),
        ("tag:(sport OR WORLD)", True),
        ("category:middle-east", True),
        ('category:"news middle"', False),
        ("url:news", True),
        ("url:new", False),
        ("url:/world-mid/", True),
        ("domain:bbc.co.uk", True),
        ("domain:www.bbc.co.uk", True),
        ("domain:c.co.uk", False),
        ("lang:en", True),
        ("lang:en-GB", True),
        ("lang:eng", False),
        ("lang:de OR assad", True),
        ("assad -lang:en", False),
    ],
)
def test_fields_narrow_a_search(query: str, expected: bool) -> None:
    """A field is searched alone; labels are compared whole; without one title, summary and content are searched."""
    assert holds(query, ARTICLE, feed="bbc-world", tags=("world",)) is expected


PAGED = entry(
    "The ministers met on Sunday.",
    title="Cabinet meets",
    summary="The ministers met.",
    page="The ministers met on Sunday. One of them will step down. Sunday ended late.",
)


@pytest.mark.parametrize(
    ("query", "with_page", "without"),
    [
        ('"step down"', True, False),
        ('page:"step down"', True, False),
        ("page:(late sunday)", True, False),
        ("page:cabinet", False, False),
        ("content:late", False, False),
        ("cabinet NEAR/30 late", False, False),
        ("cabinet -page:late", False, True),
        ("cabinet -page:quiz", True, True),
        ("page:/l.te/", True, False),
        ("page:SENTENCE(one down)", True, False),
        ("FIRST/3 (cabinet one)", False, False),
        ("page:FIRST/6 one", True, False),
        # Two Sundays on the page, one of which the text has as well: there are no three.
        ("ATLEAST/2 sunday", True, False),
        ("ATLEAST/3 sunday", False, False),
        ("ATLEAST/2 (cabinet OR late)", True, False),
        ("ATLEAST/2 ministers", True, True),
        ("ATLEAST/3 ministers", False, False),
    ],
)
def test_a_page_is_searched_like_the_text(query: str, with_page: bool, without: bool) -> None:
    """The page of an article is text of it, and a field; what it repeats of the feed's text is not counted again."""
    assert holds(query, PAGED) is with_page
    assert holds(query, replace(PAGED, page="")) is without


def test_hits_come_in_reading_order_without_overlap() -> None:
    """Title first, then summary, content and page; two terms on the same words make one hit."""
    of = entry("step down now", title="Step down", summary="he will step down", page="a step down")
    held = find(parse('"step down" step "down now"').tree, of)
    assert held
    assert held.hits == (Hit("title", 0, 9), Hit("summary", 8, 17), Hit("content", 0, 13), Hit("page", 2, 11))


def test_the_passage_to_quote_may_be_of_the_page() -> None:
    """Where only the page has a sentence that satisfies the query by itself, that is the one."""
    held = find(parse("one AND down").tree, PAGED)
    assert held
    assert held.focus == Passage("page", 29, 56)
    assert PAGED.page[29:56] == "One of them will step down."


def test_only_what_holds_is_shown() -> None:
    """Of an OR the sides that hold are marked; what stands under NOT never is."""
    of = entry("assad asylum exile")
    held = find(parse("assad (asylum OR (exile paris)) -(exile -asylum)").tree, of)
    assert held
    assert shown(held.hits, of) == ["assad", "asylum"]


def test_a_match_carries_what_the_alert_needs() -> None:
    """Rule, title, severity and channels come from the rule; the entry is the one given."""
    of = entry("assad")
    (match,) = RuleSet.build([rule("assad", name="x")]).match(of, feed_name="f", feed_tags=(), now=NOW)
    assert (match.rule, match.title, match.channels) == ("x", "x", ())
    assert isinstance(match, Match)
    assert match.entry is of


def test_rules_keep_their_order_their_feeds_and_their_switch() -> None:
    """Matches come in the order of the rules; other feeds' rules and disabled ones are left out."""
    rules = [
        rule("-x1 assad", name="first"),
        rule("assad", name="elsewhere", feeds=("dw",)),
        rule("assad", name="off", enabled=False),
        rule("feed:f", name="any-entry"),
        rule("assad", name="tagged", feeds=("tag:world",)),
    ]
    assert matched(rules, entry("assad"), tags=("world",)) == ["first", "any-entry", "tagged"]


def test_a_slow_pattern_stops_its_own_rule_only() -> None:
    """A pattern that explodes is given up; its rule is named and does not match, the others do."""
    evil = entry("a" * 5000 + "!")
    rules = [rule(r"/(?:a|aa|aaa)+b/ OR assad", name="evil"), rule("/a!/", name="fine")]
    timeouts: list[str] = []
    matches = RuleSet.build(rules).match(evil, feed_name="f", feed_tags=(), now=NOW, timeouts=timeouts)
    assert [match.rule for match in matches] == ["fine"]
    assert timeouts == ["evil"]
    with pytest.raises(QueryError, match="longer than 50 ms"):
        find(parse(r"/(?:a|aa|aaa)+b/").tree, evil)


@pytest.mark.parametrize("link", ["http://[", "nonsense", "http://exa mple/"])
def test_a_broken_link_has_no_domain(link: str) -> None:
    """An address that cannot be taken apart belongs to no domain and breaks nothing."""
    assert not holds("domain:example.org", entry(link=link))


def test_folding_does_not_depend_on_what_was_seen_before() -> None:
    """A second article with the same words gives the same result from the memo as the first."""
    ruleset = RuleSet.build([rule('"step down" -asylum')])
    first, second = entry("will step down today"), entry("step down and asylum")
    for _ in range(2):
        assert ruleset.match(first, feed_name="f", feed_tags=(), now=NOW)
        assert not ruleset.match(second, feed_name="f", feed_tags=(), now=NOW)


def test_rules_that_all_name_their_feeds_look_at_no_other() -> None:
    """By name, pattern or tag; where none of them looks there is nothing to find, and no rules find nothing."""
    bound = RuleSet.build([rule("assad", name="a", feeds=("bbc-*",)), rule("assad", name="b", feeds=("tag:world",))])
    found = {
        (feed, tags): [match.rule for match in bound.match(entry("Assad"), feed_name=feed, feed_tags=tags, now=NOW)]
        for feed, tags in (("bbc-uk", ()), ("dw", ("world",)), ("dw", ()), ("bbc-uk", ("world",)))
    }
    assert list(found.values()) == [["a"], ["b"], [], ["a", "b"]]
    assert RuleSet.build([]).match(entry("Assad"), feed_name="dw", feed_tags=(), now=NOW) == ()
