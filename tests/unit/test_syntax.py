"""The query language: what it accepts, what a query means, and how a mistake is told."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import QueryError
from monitor.rules.syntax import parse, parse_item, render
from monitor.rules.tree import (
    And,
    Exact,
    Forms,
    InField,
    Listed,
    Node,
    Plain,
    Regex,
    Term,
    TokenTest,
    Wildcard,
)
from monitor.rules.walk import parts_of, with_parts

if TYPE_CHECKING:
    from collections.abc import Iterator

LISTS = {
    "leaders": parse('assad OR "bashar al-assad"').tree,
    "steps": parse('resign~ OR "step down"~').tree,
    "headlines": parse("title:assad").tree,
    "pairs": parse("(assad AND asylum) OR putin").tree,
}


def shape(node: Node) -> object:
    """A tree as nested tuples; of terms and patterns the text."""
    match node:
        case Term():
            return " ".join(map(shown, node.tests))
        case Regex():
            return f"/{node.pattern}/{node.flags}"
        case InField():
            return (node.name, shape(node.part))
        case _:
            return (type(node).__name__.lower(), *map(shape, parts_of(node)))


def shown(test: TokenTest) -> str:
    """What one token is compared with."""
    match test:
        case Plain():
            return test.term
        case Exact():
            return f"={test.text}"
        case Forms():
            return f"{test.base}~"
        case Wildcard():
            return test.pattern


def placeless(node: Node) -> Node:
    """The tree without its places."""
    return replace(with_parts(node, tuple(map(placeless, parts_of(node)))), start=0, end=0)


def nodes_of(node: Node) -> Iterator[Node]:
    """Every node of a tree."""
    yield node
    for part in parts_of(node):
        yield from nodes_of(part)


def error_of(query: str) -> QueryError:
    """The mistake in a query."""
    with pytest.raises(QueryError) as caught:
        parse(query, LISTS)
    return caught.value


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("assad", "assad"),
        ("assad asylum", ("and", "assad", "asylum")),
        ("assad AND asylum", ("and", "assad", "asylum")),
        ("a OR b OR c", ("or", "a", "b", "c")),
        (
            'assad AND ("step down" OR asylum) NOT obituary',
            ("and", "assad", ("or", "step down", "asylum"), ("not", "obituary")),
        ),
        ('assad -"ice cream" -(a OR b)', ("and", "assad", ("not", "ice cream"), ("not", ("or", "a", "b")))),
        ("title:assad -title:quiz", ("and", ("title", "assad"), ("not", ("title", "quiz")))),
        ('TITLE:(a OR "b c")', ("title", ("or", "a", "b c"))),
        ("source:reuters", ("feed", "reuters")),
        (r"/CVE-\d{4}/i rce", ("and", r"/CVE-\d{4}/i", "rce")),
        (r"url:/\/sport\//", ("url", r"/\/sport\//")),
        ("/[/]x/", "/[/]x/"),
        ("“step down”", "step down"),
        ("«step down»", "step down"),
        ("C++ AT&T U.S. 10:30", ("and", "c++", "at t", "u s", "10 30")),
        ("辞职", "辞 职"),
        ("a\n  AND\tb", ("and", "a", "b")),
        ("NOT (NOT a b) c", ("and", ("not", ("and", ("not", "a"), "b")), "c")),
        ("((a))", "a"),
        ('"and" OR "near"', ("or", "and", "near")),
    ],
)
def test_a_query_means(query: str, expected: object) -> None:
    """A query becomes the tree that its reader expects."""
    assert shape(parse(query).tree) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("assad near10 asylum", "assad NEAR/10 asylum"),
        ("assad w/5 asylum W/5 exile", "assad NEAR/5 asylum NEAR/5 exile"),
        ("assad ONEAR/5 asylum", "assad BEFORE/5 asylum"),
        ("assad pre/5 asylum", "assad BEFORE/5 asylum"),
        ("assad adj5 asylum", "assad BEFORE/5 asylum"),
        ("assad NEAR/5f asylum", "assad BEFORE/5 asylum"),
        ("assad AFTER/5 asylum", "asylum BEFORE/5 assad"),
        ("assad NEAR/5 (asylum NEAR/2 talks)", "assad NEAR/5 (asylum NEAR/2 talks)"),
        ("assad NEAR/5 asylum OR exile", "(assad NEAR/5 asylum) OR exile"),
        ("exile -assad NEAR/5 asylum", "exile NOT (assad NEAR/5 asylum)"),
        ("assad w/s asylum", "SENTENCE(assad AND asylum)"),
        ("assad SAME asylum w/p exile", "PARAGRAPH(assad AND asylum AND exile)"),
        ("assad w/p asylum w/s talks w/5 exile", "PARAGRAPH(assad AND SENTENCE(asylum AND (talks NEAR/5 exile)))"),
        ("FIRST/50 assad first/20(asylum exile)", "FIRST/50(assad) AND FIRST/20(asylum AND exile)"),
        ("atleast3 assad ATLEAST2(asylum OR exile)", "ATLEAST/3 assad AND ATLEAST/2 (asylum OR exile)"),
        ("title:SENTENCE(assad asylum)", "title:SENTENCE(assad AND asylum)"),
        ("content:(ATLEAST/3 assad)", "content:ATLEAST/3 assad"),
        ("(assad OR =ICE^2)^3", "assad^3 OR =ICE^6"),
        ("/x.y/i^0.5", "/x.y/i^0.5"),
        ("SENTENCE(assad asylum)^2", "SENTENCE(assad^2 AND asylum^2)"),
        ("# who\nassad # (the elder\n<<<not\nhim>>> asylum", "assad AND asylum"),
        ("#syria assad", '"#syria" AND assad'),
        ("“step down”~", '"step down"~'),
        ("title:=“White House”", 'title:="White House"'),
        ("@leaders NEAR/10 (asylum OR refuge)", "@leaders NEAR/10 (asylum OR refuge)"),
        ("domain:*.example.org tag:@leaders", 'domain:"*.example.org" AND tag:@leaders'),
        ("assad same asylum", "assad AND same AND asylum"),
        ('"H5N1" OR G20 OR "near10" OR "atl5" OR "F50"', 'H5N1 OR G20 OR "near10" OR "atl5" OR "F50"'),
    ],
)
def test_every_spelling_has_one_meaning(query: str, expected: str) -> None:
    """Spellings of Factiva, Lexis and Brandwatch come out as ours; binding and comments are as documented."""
    assert render(parse(query, LISTS).tree) == expected


@pytest.mark.parametrize(
    ("query", "tests"),
    [
        ("=Assad", (Exact("Assad"),)),
        ("=Beyonce\u0301", (Exact("Beyoncé"),)),
        ('="White House\'s"', (Exact("White"), Exact("House"))),
        ("=C++", (Exact("C++"),)),
        ("Sanction*", (Wildcard("sanction*"),)),
        ("Ñu**", (Wildcard("nu*"),)),
        ("wom?n", (Wildcard("wom?n"),)),
        ("*الأسد", (Wildcard("*الاسد"),)),
        ("анек*", (Wildcard("анек*"),)),
        ("cyber-attack*", (Plain("cyber"), Wildcard("attack*"))),
        ('"sanction* on Russia"', (Wildcard("sanction*"), Plain("on"), Plain("russia"))),
        ('"Who killed Kennedy?"', (Plain("who"), Plain("killed"), Plain("kennedy"))),
        ("$100", (Plain("$100"),)),
        ("bob@example.org", (Plain("bob"), Plain("example"), Plain("org"))),
    ],
)
def test_a_term_asks_for(query: str, tests: tuple[TokenTest, ...]) -> None:
    """Each token of a word or phrase is compared as it is written."""
    tree = parse(query).tree
    assert isinstance(tree, Term)
    assert tree.tests == tests


def test_forms_are_those_of_each_word() -> None:
    """A ~ after a word or phrase holds for every word of it; a word with a wildcard keeps that."""
    tree = parse('"Sanction* step-down"~').tree
    assert isinstance(tree, Term)
    wildcard, step, down = tree.tests
    assert wildcard == Wildcard("sanction*")
    assert isinstance(step, Forms)
    assert step.words[0] == step.base == "step"
    assert {"steps", "stepped", "stepping"} <= set(step.words)
    assert isinstance(down, Forms)


@pytest.mark.parametrize(
    ("query", "crosses"),
    [
        ('"U.S. president"', {1, 2}),
        ('"step down"', set()),
        ('"is it over? yes"', {3}),
        ('"use .NET now"', set()),
        ('"3.5 percent"', set()),
        ('"他来了。他走了"', {3}),
    ],
)
def test_a_phrase_crosses_a_sentence_only_where_it_says_so(query: str, crosses: set[int]) -> None:
    """The sentence ends of the query's own text are known by the token after them."""
    tree = parse(query).tree
    assert isinstance(tree, Term)
    assert tree.crosses == crosses


def test_what_comes_from_a_list_stands_at_its_reference() -> None:
    """Messages about a list's items point at the @name; its weight is theirs."""
    tree = parse("asylum @leaders^2", LISTS).tree
    assert isinstance(tree, And)
    listed = tree.parts[1]
    assert isinstance(listed, Listed)
    assert {(node.start, node.end) for node in nodes_of(listed)} == {(7, 17)}
    assert {node.weight for node in nodes_of(listed) if isinstance(node, Term)} == {2.0}


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("flash flooding", '"flash flooding"'),
        (" search  and rescue ", '"search and rescue"'),
        ("U.S. president", '"U.S. president"'),
        ("AT&T outage", '"AT&T outage"'),
        ("नई दिल्ली", '"नई दिल्ली"'),
        ("london, ontario", '"london, ontario"'),
        ("flood", "flood"),
        ('"step down"~', '"step down"~'),
        ("flood OR dam", "flood OR dam"),
        ("flood w/5 dam", "flood NEAR/5 dam"),
        ("flood* dam", "flood* AND dam"),
        ("flood -dam", "flood NOT dam"),
        ("title:quiz", "title:quiz"),
        ("@leaders", "@leaders"),
    ],
)
def test_bare_words_of_an_item_are_a_phrase(item: str, expected: str) -> None:
    """An item of several words is a phrase until a sign or operator makes it a query."""
    assert render(parse_item(item, LISTS).tree) == expected


BAD = [
    ('assad AND ("step down" OR asylum', "(", "never closed"),
    ("a)", ")", "no matching '('"),
    ('a "step down', '"step down', "never closed"),
    ("assad AND asylum OR exile", "OR", "assad AND (asylum OR exile)  or  (assad AND asylum) OR exile"),
    ("(a OR b) c OR d", "OR", "(a OR b) (c OR d)  or  ((a OR b) c) OR d"),
    ("a OR b NOT c", "NOT c", "(a OR b) NOT c"),
    ("a && b", "&&", "use AND"),
    ("a || b", "||", "use OR"),
    ("a | b", "|", "use OR"),
    ("a !b", "!", "use NOT"),
    ("+a b", "+", "leave it out"),
    ("assad and asylum", "and", "write AND"),
    ("assad Or asylum", "Or", "write OR"),
    ("not asylum", "not", "write NOT"),
    ("titel:assad", "titel", 'did you mean "title"?'),
    ("xyzzy:assad", "xyzzy", "the fields are title"),
    ("https://example.org", "https://", "domain:example.org"),
    ("title: assad", "title:", "without a space"),
    ("title:NOT a", "title:", "NOT goes before it"),
    ("title:(a url:b)", "url:", "not nested"),
    ("tag:/x/", "/x/", "without regular expressions"),
    ("'step down'", "'", "use double quotes"),
    ("‘step down’", "‘", "use double quotes"),
    ("AND a", "AND", "on its left"),
    ("a AND", "AND", "on its right"),
    ("(a OR ) b", "OR", "on its right"),
    ("a NOT", "NOT", "on its right"),
    ("NOT NOT a", "NOT NOT", "twice"),
    ("a - b", "-", "excludes nothing"),
    ("a – b", "–", "no meaning"),
    ("NOT a NOT b", "NOT a NOT b", "at least one term without NOT"),
    ("title:(NOT a)", "(NOT a)", "at least one term without NOT"),
    ("a OR NOT b", "NOT b", "almost every article"),
    ("", "", "empty"),
    ("   ", " ", "empty"),
    ('a ""', '""', "empty phrase"),
    ('"…"', '"…"', "no letter or digit"),
    ("a 🚀", "🚀", "no letter or digit"),
    ("()", "()", "empty parentheses"),
    ("a, b", ",", "a OR b"),
    ("{a}", "{a}", "write =a"),
    ("a {b", "{", "double quotes"),
    ("/(unclosed/", "(", "this ( is never closed"),
    (r"/a(b)(c[)]\(/", "(", r"or write \( for the sign"),
    ("/foo[/", "[", "this [ is never closed"),
    ("/[a]x[b/", "[", r"or write \[ for the sign"),
    ("/a**/", "*", "takes a backslash"),
    ("a /foo", "/foo", "never closed"),
    ("/a*/", "/a*/", "matches the empty text"),
    (r"/\b/", r"/\b/", "matches the empty text"),
    ("/a/q", "q", "no flag 'q'"),
    ("//", "//", "empty regular expression"),
    ("/(a{1000}){1000}/", "/(a{1000}){1000}/", "too large"),
    ("/" + "a" * 501 + "/", "/" + "a" * 501 + "/", "longer than 500"),
    ("a NEAR b", "NEAR", "write a NEAR/10 b"),
    ("a BEFORE/x b", "BEFORE/x", "write a BEFORE/10 b"),
    ("a NEAR/0 b", "NEAR/0", "write a NEAR/1 b"),
    ("a w/500 b", "w/500", "write a w/100 b, or PARAGRAPH(a b)"),
    ("a NEAR/" + "9" * 5000 + " b", "NEAR/" + "9" * 5000, "at most 100 words"),
    ("NEAR/5 b", "NEAR/5", "on its left"),
    ("a NEAR/5", "NEAR/5", "on its right"),
    ("a w/s", "w/s", "on its right"),
    ("a NEAR/5 -b", "NEAR/5", "write a NOT (a NEAR/5 b)"),
    ("a NOT NEAR/5 b", "NEAR/5", "write a NOT (a NEAR/5 b)"),
    ("(a AND =B) NEAR/5 c", "(a AND =B)", "write (a NEAR/5 c) AND (=B NEAR/5 c)"),
    ("trump NEAR/5 (white house)", "(white house)", 'trump NEAR/5 "white house"'),
    ("(a NOT b) BEFORE/5 c", "(a NOT b)", "write (a BEFORE/5 c) NOT (b BEFORE/5 c)"),
    ("ATLEAST/3 a NEAR/5 b", "ATLEAST/3 a", "write ATLEAST/3 (a NEAR/5 b)"),
    ("c NEAR/5 SENTENCE(a b)", "SENTENCE(a b)", "write SENTENCE(a AND b) AND c"),
    ("title:a NEAR/5 b", "title:a", "write title:(a NEAR/5 b)"),
    ("title:a NEAR/5 url:b", "title:a", "title:a AND url:b"),
    ("SENTENCE(title:a b)", "title:a", "write title:SENTENCE(a AND b)"),
    ("title:a w/p b", "title:a", "write title:PARAGRAPH(a AND b)"),
    ("FIRST/50 title:a", "title:a", "write title:FIRST/50(a)"),
    ("ATLEAST/3 (title:a OR title:b)", "title:a", "write title:ATLEAST/3 (a OR b)"),
    ("FIRST x", "FIRST", "write FIRST/50(x)"),
    ("FIRST/0 x", "FIRST/0", "write FIRST/1(x)"),
    ("FIRST/20000 (x OR y)", "FIRST/20000", "write FIRST/10000(x OR y)"),
    ("ATLEAST x", "ATLEAST", "write ATLEAST/3 x"),
    ("ATLEAST/1 x", "ATLEAST/1", "write x alone"),
    ("ATLEAST/51 x", "ATLEAST/51", "write ATLEAST/50 x"),
    ("ATLEAST/2 (white house)", "(white house)", 'ATLEAST/2 "white house"'),
    ("ATLEAST/2", "ATLEAST/2", "on its right"),
    ("SENTENCE a b", "SENTENCE", "write SENTENCE(a b)"),
    ("sentence(a b)", "sentence", "write SENTENCE(…)"),
    ("SENTENCE/3(a b)", "SENTENCE/3", "takes no number"),
    ("s*", "s*", "at least two letters"),
    ("*?a?*", "*?a?*", "too short"),
    ("*", "*", "leave it out"),
    ('"the * house"', "*", "write the BEFORE/2 house"),
    ("习近*", "*", "write 习近"),
    ("习*平", "*", "write 习 BEFORE/10 平"),
    ("#syria*", "#syria*", "write syria*"),
    ("who?", "?", "write who*"),
    ('"sanction"*', "*", 'write "sanction*"'),
    ("sanction*,", ",", "a OR b"),
    ("=wo*d", "*", "leave out the ="),
    ('="a b*"', "*", "leave out the ="),
    ("=word~", "~", "write =word for this spelling alone"),
    ('="a b"~5', "~", "do not go together"),
    ("=(a OR b)", "=", '(=ICE OR ="White House")'),
    ("=title:Apple", "=title:", "write title:=Apple"),
    ("= a", "=", "before a word"),
    ("~word", "~", "write word~"),
    ("word~5", "~5", "word~ finds every form"),
    ("wild*~", "wild*", "leave the ~ out"),
    ('"step down~"', "~", 'write it after the quotes: "step down"~'),
    ('"a b"~~5', "~~5", "not both"),
    ('"a b"~101', "~101", 'write "a b"~100'),
    ('"word"~5', '"word"~5', "several words"),
    ("(step OR leave)~", "~", "write (step~ OR leave~)"),
    ("(step down)~5", "~5", 'write "step down"~5'),
    ("/steps/~", "~", "(step|steps)"),
    ("a^x", "x", "0.1 to 10"),
    ("a^0.01", "0.01", "0.1 to 10"),
    ("(a OR b)^11", "11", "0.1 to 10"),
    ("(a^5 OR b)^5", "a^5", "come to 25"),
    ("a ^2", "^2", "without a space"),
    ("@leader", "@leader", "did you mean @leaders?"),
    ("@xyzzy", "@xyzzy", "the lists are @headlines, @leaders"),
    ("@leaders~", "~", "each item of the list"),
    ("title:@headlines", "@headlines", "not nested"),
    ("@headlines NEAR/5 b", "@headlines", "without fields"),
    ("@pairs NEAR/5 b", "@pairs", "an @list with more than words"),
    ("domain:@steps", "@steps", "more in it than words"),
    ("lang:en~", "en~", "write lang:en"),
    ("tag:=x", "=x", "write tag:x"),
    ('tag:"a b"~5', '"a b"~5', 'write tag:"a b"'),
    ("tag:a?c", "a?c", "write tag:a*c"),
    ("tag:(a NEAR/3 b)", "NEAR/3", "without NEAR/3"),
    ("tag:SENTENCE(a b)", "SENTENCE", "without SENTENCE"),
    ("a <<<why (", "<<<", "never closed"),
    ("a >>> b", ">>>", "add <<<"),
    ("a) AND b", ")", "remove it"),
    ("a AND AND b", "AND", "leave out AND"),
    ("a AND (", "", "and the ')'"),
    ("content :assad", ":", "content:assad"),
    ("assad NEAR(5) asylum", "NEAR(5)", "NEAR, with a slash"),
    ("assad BEFORE /5 asylum", "BEFORE /5", "BEFORE, with a slash"),
    ("title=assad", "=", "write title:assad"),
    ('headline="step down"', "=", 'write title:"step down"'),
    ("辞职 AND （死亡 OR 死）", "（", "full-width parenthesis"),
    ("domain:bbc.co.uk/news", "/news", "write domain:bbc.co.uk"),
    ("domain:https://bbc.co.uk/news", "https://", "write domain:bbc.co.uk"),
    ("url:https://bbc.co.uk/news", "https://", 'write url:"bbc.co.uk/news"'),
    ("lang:english", "english", "lang:en"),
    (r"\bfoo\b", "\\", r"/\bfoo\b/"),
    (r"foo\*", "\\", "unexpected character '\\'"),
]


@pytest.mark.parametrize(("query", "under", "words"), BAD, ids=[query[:20] for query, _, _ in BAD])
def test_a_mistake_is_told_with_its_place_and_a_way_out(query: str, under: str, words: str) -> None:
    """The message points at what is wrong, and says why or what would be right."""
    error = error_of(query)
    assert query[error.start : error.end] == under
    assert words in f"{error.message} {error.hint}"


@pytest.mark.parametrize("query", [query for query, _, words in BAD if re.match("write (?!(AND|OR|NOT)$)", words)])
def test_the_way_out_is_a_query(query: str) -> None:
    """What a hint says to write can be pasted as it is."""
    hint = error_of(query).hint
    fixed = re.split(r"  or|, or| for | alone|;|, without", hint.removeprefix("write it after the quotes: "))[0]
    fixed = fixed.removeprefix("write ")
    if not fixed.endswith(("AND", "OR", "(…)")):
        parse(fixed, LISTS)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("site:example.org", "write domain:example.org"),
        ("intitle:asylum", "write title:asylum"),
        ("inurl:sport", "write url:sport"),
        ('headline:"step down"', 'write title:"step down"'),
        ("near:5", "write NEAR/5"),
        ("hd=assad", "write title:assad"),
        ('hd="step down"', 'write title:"step down"'),
        ("hlp=(assad asylum)", "write (title:(assad asylum) OR FIRST/50 (assad asylum))"),
        ("hlead(assad)", "write title:(assad) OR FIRST/50(assad)"),
        ("caps(ICE)", 'write ="ICE"'),
        ("atl5 assad", "write ATLEAST/5"),
        ("sanction!", "write sanction*"),
        ("sanction$", "write sanction*"),
        ("sanction$3", "write sanction*"),
        ("{ICE}", "write =ICE"),
        ("{White House}", 'write ="White House"'),
        ("assad AROUND(5) asylum", "write NEAR/5"),
        ("assad AROUND 5 asylum", "write NEAR/5"),
        ("assad within/5 asylum", "write NEAR/5"),
        ("assad /5 asylum", "write NEAR/5"),
        ("assad /s asylum", "write w/s"),
    ],
)
def test_the_spelling_of_another_product_is_refused_with_ours(query: str, words: str) -> None:
    """An operator, field or sign known from elsewhere is never searched as a word in silence."""
    assert words in error_of(query).hint


def test_the_parenthesis_that_is_never_closed_is_the_one_pointed_at() -> None:
    """Of several open parentheses it is the one without a partner."""
    with pytest.raises(QueryError) as caught:
        parse("(a OR b) AND (c OR (d OR e)")
    assert caught.value.start == 13


@pytest.mark.parametrize(
    "query",
    [
        "assad OR NOT (exile",
        "(" * 5000,
        "a " * 10_001,
        "-(" * 200 + "a" + ")" * 200,
        "ATLEAST/2 " * 1500 + "a",
        "a NEAR/2 " * 2000 + "a",
    ],
)
def test_absurd_queries_are_refused(query: str) -> None:
    """Endless and endlessly nested queries are faults like others, never a RecursionError."""
    with pytest.raises(QueryError):
        parse(query)


def test_lists_that_multiply_each_other_are_refused() -> None:
    """Ten lists that each name the one before ten times would fill the memory."""
    lists = {"l0": parse("a OR b").tree}

    def grow() -> None:
        for number in range(10):
            lists[f"l{number + 1}"] = parse(" OR ".join([f"@l{number}"] * 10), lists).tree

    with pytest.raises(QueryError, match="the lists of this query come to more than"):
        grow()


def test_a_hundred_parentheses_are_fine() -> None:
    """The limit is above what anyone writes, and nesting up to it works."""
    assert shape(parse("title:" + "(" * 100 + "a" + ")" * 100).tree) == ("title", "a")
    deep = parse("SENTENCE(a -" * 49 + "b" + ")" * 49).tree
    assert render(parse(render(deep)).tree) == render(deep)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("a1 ADN b1", "did you mean AND?"),
        ("exile ORR asylum", "did you mean OR?"),
        ("exile NAER/5 asylum", "did you mean NEAR/5?"),
        ("SENTECNE(exile asylum)", "did you mean SENTENCE?"),
        ("assad x", "one character long"),
        ("assad same asylum", "SAME between two terms"),
        ("assad near asylum", "NEAR/10"),
        ("assad /F50/", "FIRST/50(…)"),
        ('"assad AND asylum"', "outside the quotes"),
        ("the~ assad", "changes nothing"),
        ("exile NEER/5 asylum", "did you mean NEAR/5?"),
        ("SENTANCE(exile asylum)", "did you mean SENTENCE(…)?"),
        ("exile NOR asylum", "did you mean NOT?"),
        ("exile ODER asylum", "did you mean OR?"),
        ("辞职 ＡＮＤ 死亡", "did you mean AND?"),
    ],
)
def test_what_looks_wrong_is_remarked_upon(query: str, words: str) -> None:
    """A slip that is a valid word, and a word that is found everywhere, are allowed with a remark."""
    (remark,) = parse(query).remarks
    assert 0 <= remark.start < remark.end <= len(query)
    assert words in f"{remark.message} {remark.hint}"


def test_an_item_that_looks_like_a_phrase_is_remarked_upon() -> None:
    """ "step down~" in a list is two words anywhere; its writer probably wants the phrase."""
    remarks = parse_item("tumble down~").remarks
    assert any('write "tumble down"~' in remark.hint for remark in remarks)


@pytest.mark.parametrize(
    "query",
    [
        "DNA",
        "NATO",
        "C++",
        "ANC OR UND",
        "辞职",
        "5G",
        "same day",
        "tag:x",
        "ASME",
        "ET movie",
        "COVID/19",
        "FOO(assad)",
    ],
)
def test_ordinary_words_are_not_remarked_upon(query: str) -> None:
    """Names in capitals and words of other scripts draw no remark."""
    assert parse(query).remarks == ()


def test_a_suggested_fix_is_a_query() -> None:
    """Both ways out of mixed AND and OR can be pasted as they are."""
    with pytest.raises(QueryError) as caught:
        parse('title:a AND "b c" OR (d e) -f')
    first, second = caught.value.hint.removeprefix("write  ").split("  or  ")
    assert shape(parse(first).tree) == (
        "and",
        ("title", "a"),
        ("or", "b c", ("and", "d", "e")),
        ("not", "f"),
    )
    assert shape(parse(second).tree) == (
        "or",
        ("and", ("title", "a"), "b c"),
        ("and", ("and", "d", "e"), ("not", "f")),
    )


PIECES = r"""
    a bc 习近 ال U.S. AND OR NOT and ( ) ) " “ / - title: tag: lang: x* w?d * ? = ~ ~5 ^2 ^ @ @leaders @headlines # <<<
    >>> NEAR/5 NEAR near10 AFTER/2 w/s SAME SENTENCE( FIRST/5 FIRST ATLEAST/2 atleast3( hd= { } ! $ \ [ site: /re/ =A
"""
pieces = st.sampled_from([*PIECES.split(), " ", "\n", "# ", '"a b"'])


@given(st.one_of(st.text(max_size=40), st.lists(pieces, max_size=20).map("".join), st.lists(pieces).map(" ".join)))
def test_any_text_is_a_query_or_a_query_error(text: str) -> None:
    """Whatever is typed gives a tree or an error with a place inside the text (or just behind it)."""
    place = _place_of_tree_or_error(text)
    assert 0 <= place[0] <= len(text)
    assert place[0] < place[1] <= len(text) + 1


def _place_of_tree_or_error(text: str) -> tuple[int, int]:
    try:
        tree = parse(text, LISTS).tree
    except QueryError as error:
        return error.start, error.end
    return tree.start, tree.end


# ---------------------------------------------------------------------------------------------- rendering and back

weights = st.sampled_from(["", "", "", "^2", "^0.5", "^10"])
words = st.sampled_from(
    [
        "assad",
        "ICE",
        "C++",
        "U.S.",
        "step-down",
        "辞职",
        "الأسد",
        "2024",
        "covid19",
        "won't",
        "near",
        "10:30",
        "é",
        "#syria",
    ]
)
phrases = st.lists(
    words | st.sampled_from(["AND", "or", "w/5", "sanction*", "wom?n", "(", "-", "why?"]), min_size=2
).map(lambda parts: f'"{" ".join(["x", *parts])}"')
terms = st.one_of(
    words,
    phrases,
    st.builds("{}~".format, st.sampled_from(["step", '"stand down"', "al-assad", "辞职"])),
    st.builds("{}~{}".format, st.just('"one two"'), st.integers(0, 100)),
    st.sampled_from(
        ["=ICE", '="White House"', "=C++", "sanction*", "*assad", "cyber-attack*", '"sanction* list"', "@leaders"]
    ),
    st.sampled_from(["/a.c/", r"/\/x\//im"]),
)
weighted = st.builds(lambda term, weight: term if term[0] == "@" else term + weight, terms, weights)


def _near(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    name = st.sampled_from(["NEAR/5", "BEFORE/3", "AFTER/7", "w/100"])
    return st.builds("({} {} {})".format, parts, name, parts) | st.builds("({} OR {})".format, parts, parts)


positional = st.recursive(weighted, _near, max_leaves=5)


def _larger(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("({})".format, st.lists(parts, min_size=2, max_size=3).map(" AND ".join)),
        st.builds("({})".format, st.lists(parts, min_size=2, max_size=3).map(" OR ".join)),
        st.builds("({} NOT {})".format, parts, parts),
        st.builds("({} NOT (a1 NOT {}))".format, parts, parts),
        st.builds("SENTENCE({})".format, parts),
        st.builds("({} w/p {})".format, parts, parts),
        st.builds("FIRST/50 {}".format, parts),
        st.builds("ATLEAST/3 {}".format, positional),
        st.builds("({} NEAR/5 {} BEFORE/2 {})".format, positional, positional, positional),
    )


groups = st.recursive(positional, _larger, max_leaves=6)
queries = st.lists(
    groups | st.builds("{}:{}".format, st.sampled_from(["title", "source", "url"]), groups), min_size=1
).map(" AND ".join)


@given(queries)
def test_a_rendered_tree_reads_back_the_same(query: str) -> None:
    """`render` loses nothing but places: what it writes is on one line and means the same tree."""
    tree = parse(query, LISTS).tree
    text = render(tree)
    assert "\n" not in text
    assert placeless(parse(text, LISTS).tree) == placeless(tree)
    assert render(parse(text, LISTS).tree) == text


@given(st.lists(pieces, max_size=12).map(" ".join))
def test_whatever_is_read_can_be_rendered(text: str) -> None:
    """Odd but valid queries come back the same too."""
    try:
        tree = parse(text, LISTS).tree
    except QueryError:
        return
    assert placeless(parse(render(tree), LISTS).tree) == placeless(_unweighted_lists(tree))


def _unweighted_lists(node: Node) -> Node:
    if isinstance(node, Listed):
        return parse(f"@{node.name}", LISTS).tree
    return with_parts(node, tuple(map(_unweighted_lists, parts_of(node))))
