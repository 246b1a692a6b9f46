"""Which rules hold for an entry, and where: by example, and against an evaluator too simple to be wrong."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.errors import QueryError
from monitor.model import Entry, Hit, Match, TextField
from monitor.rules.engine import RuleSet, find
from monitor.rules.load import Rule, load_rules
from monitor.rules.syntax import parse
from monitor.rules.tokens import tokenize
from monitor.rules.tree import And, InField, Node, Not, Or, Phrase, Regex, Word
from monitor.tomlfile import parse as parse_toml


def entry(
    content: str = "",
    *,
    title: str = "",
    summary: str = "",
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
        author=author,
        link=link,
        language=language,
        categories=categories,
    )


def shown(hits: tuple[Hit, ...], of: Entry) -> list[str]:
    """What the hits point at."""
    texts = {"title": of.title, "summary": of.summary, "content": of.content, "author": of.author}
    return [texts[hit.field][hit.start : hit.end] for hit in hits]


def holds(query: str, of: Entry, *, feed: str = "", tags: tuple[str, ...] = ()) -> bool:
    """Whether the query holds, by the rule set's index and by evaluating it directly, which must agree."""
    tree = parse(query).tree
    direct = find(tree, of, feed_name=feed, feed_tags=tags)
    matches = RuleSet.build([rule(query)]).match(of, feed_name=feed, feed_tags=tags)
    assert bool(matches) == (direct is not None)
    assert [match.hits for match in matches] == ([] if direct is None else [direct])
    return direct is not None


def rule(query: str, *, name: str = "r", feeds: tuple[str, ...] = (), enabled: bool = True) -> Rule:
    """A rule with that query."""
    text = f"[[rule]]\nname = '{name}'\nenabled = {str(enabled).lower()}\nquery = '''{query}'''\n"
    text += f"feeds = {list(feeds)!r}\n" if feeds else ""
    (made,), _ = load_rules([parse_toml(text, path="r.toml")])
    return made


def matched(rules: list[Rule], of: Entry, *, feed: str = "f", tags: tuple[str, ...] = ()) -> list[str]:
    """The names of the rules that hold."""
    return [match.rule for match in RuleSet.build(rules).match(of, feed_name=feed, feed_tags=tags)]


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
    hits = find(parse(query).tree, of)
    assert (None if hits is None else shown(hits, of)) == found


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
        ("lang:e", False),
        ("lang:de OR assad", True),
        ("assad -lang:en", False),
    ],
)
def test_fields_narrow_a_search(query: str, expected: bool) -> None:
    """A field is searched alone; labels are compared whole; without one title, summary and content are searched."""
    assert holds(query, ARTICLE, feed="bbc-world", tags=("world",)) is expected


def test_hits_come_in_reading_order_without_overlap() -> None:
    """Title first, then summary and content; two terms on the same words make one hit."""
    of = entry("step down now", title="Step down", summary="he will step down")
    hits = find(parse('"step down" step "down now"').tree, of)
    assert hits == (Hit("title", 0, 9), Hit("summary", 8, 17), Hit("content", 0, 13))


def test_only_what_holds_is_shown() -> None:
    """Of an OR the sides that hold are marked; what stands under NOT never is."""
    of = entry("assad asylum exile")
    hits = find(parse("assad (asylum OR (exile paris)) -(exile -asylum)").tree, of)
    assert shown(hits or (), of) == ["assad", "asylum"]


def test_a_match_carries_what_the_alert_needs() -> None:
    """Rule, title, severity and channels come from the rule; the entry is the one given."""
    of = entry("assad")
    (match,) = RuleSet.build([rule("assad", name="x")]).match(of, feed_name="f", feed_tags=())
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
    matches = RuleSet.build(rules).match(evil, feed_name="f", feed_tags=(), timeouts=timeouts)
    assert [match.rule for match in matches] == ["fine"]
    assert timeouts == ["evil"]
    with pytest.raises(QueryError, match="longer than 50 ms"):
        find(parse(r"/(?:a|aa|aaa)+b/").tree, evil)


@pytest.mark.parametrize("link", ["http://[", "nonsense", "http://exa mple/"])
def test_a_broken_link_has_no_domain(link: str) -> None:
    """An address that cannot be taken apart belongs to no domain and breaks nothing."""
    assert not holds("domain:example.org", entry(link=link))


def simple(node: Node, of: Entry, fields: tuple[TextField, ...] = ("title", "summary", "content")) -> bool:
    """The reference: every field cut into blocks of tokens, every term compared with every place."""
    match node:
        case And():
            return all(simple(part, of, fields) for part in node.parts)
        case Or():
            return any(simple(part, of, fields) for part in node.parts)
        case Not():
            return not simple(node.part, of, fields)
        case InField(name="title" | "summary" | "content" | "author" as name):
            return simple(node.part, of, (name,))
        case Regex():
            return any(node.compiled.search(text) for text in texts(of, fields))
        case Word() | Phrase():
            return any(stands_in(node.terms, block) for text in texts(of, fields) for block in text.split("\n"))
        case _:
            raise AssertionError(node)


def texts(of: Entry, fields: tuple[TextField, ...]) -> list[str]:
    """The texts of the fields."""
    return [getattr(of, name) for name in fields]


def stands_in(terms: tuple[str, ...], block: str) -> bool:
    """Whether the terms stand one after the other somewhere in the block."""
    forms = [{token.folded, token.signed} for token in tokenize(block)]
    places = range(len(forms) - len(terms) + 1)
    return any(all(term in form for term, form in zip(terms, forms[at:], strict=False)) for at in places)


WORDS = ["ab", "Cd", "é", "C++", "a-b", "东京", "l’ab", "ab's", "x", "#cd"]
words = st.sampled_from(WORDS)
phrases = st.lists(words, min_size=1, max_size=3).map(lambda chosen: '"{}"'.format(" ".join(chosen)))
leaves = st.one_of(words, phrases, st.sampled_from(["/a.b/", "/C\\+/", "/x$/"]))


def combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Queries made of smaller ones."""
    several = st.lists(inner, min_size=2, max_size=3)
    return st.one_of(
        several.map(lambda parts: f"({' '.join(parts)})"),
        several.map(lambda parts: f"({' OR '.join(parts)})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]} NOT {pair[1]})"),
        st.tuples(inner, inner, inner).map(lambda three: f"({three[0]} -({three[1]} OR {three[2]}))"),
    )


plain_queries = st.recursive(leaves, combined, max_leaves=6)
scoped = st.tuples(st.sampled_from(["title", "content", "author"]), plain_queries).map(":".join)
queries = st.recursive(st.one_of(leaves, scoped), combined, max_leaves=6)
prose = st.lists(st.sampled_from([*WORDS, ",", ".", "\n", "—", "ef"]), max_size=8).map(" ".join)
entries = st.builds(entry, prose, title=prose, summary=prose, author=prose)


@settings(max_examples=300, deadline=None)  # no timed assertions: the machine may be busy
@given(st.lists(queries, min_size=1, max_size=5), st.lists(entries, min_size=1, max_size=3))
def test_the_engine_agrees_with_the_reference(drawn: list[str], articles: list[Entry]) -> None:
    """Index, memo, sets and positions give exactly the rules that a plain evaluation of every rule gives."""
    rules = [rule(query, name=f"r{number}") for number, query in enumerate(drawn)]
    ruleset = RuleSet.build(rules)
    for article in articles:
        names = [match.rule for match in ruleset.match(article, feed_name="f", feed_tags=())]
        assert names == [one.name for one in rules if simple(one.tree, article)]


@given(st.lists(words, min_size=1, max_size=3), entries)
def test_what_is_hit_folds_to_what_was_asked(asked: list[str], article: Entry) -> None:
    """Every hit of a phrase, taken from the original text, has the phrase's own tokens."""
    tree = parse('"{}"'.format(" ".join(asked))).tree
    assert isinstance(tree, Phrase)
    for match in RuleSet.build([rule('"{}"'.format(" ".join(asked)))]).match(article, feed_name="f", feed_tags=()):
        spans = shown(match.hits, article)
        assert spans
        for span in spans:
            tokens = [{token.folded, token.signed} for token in tokenize(span)]
            assert len(tokens) >= len(tree.terms)  # overlapping hits are shown as one
            assert all(any(term in forms for forms in tokens) for term in tree.terms)


def test_folding_does_not_depend_on_what_was_seen_before() -> None:
    """A second article with the same words gives the same result from the memo as the first."""
    ruleset = RuleSet.build([rule('"step down" -asylum')])
    first, second = entry("will step down today"), entry("step down and asylum")
    for _ in range(2):
        assert ruleset.match(first, feed_name="f", feed_tags=())
        assert not ruleset.match(second, feed_name="f", feed_tags=())
