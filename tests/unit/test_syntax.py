"""The query language: what it accepts, what a query means, and how a mistake is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import QueryError
from monitor.rules.syntax import parse
from monitor.rules.tree import And, InField, Node, Not, Or, Phrase, Regex, Word


def shape(node: Node) -> object:
    """A tree as nested tuples."""
    match node:
        case Word() | Phrase():
            return " ".join(node.terms)
        case Regex():
            return f"/{node.pattern}/{node.flags}"
        case And():
            return ("and", *map(shape, node.parts))
        case Or():
            return ("or", *map(shape, node.parts))
        case Not():
            return ("not", shape(node.part))
        case InField():
            return (node.name, shape(node.part))


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
    ("{a}", "{", "double quotes"),
    ("/(unclosed/", "/", "missing )"),
    ("/foo[/", "/", "unterminated character set"),
    ("a /foo", "/foo", "never closed"),
    ("/a*/", "/a*/", "matches the empty text"),
    (r"/\b/", r"/\b/", "matches the empty text"),
    ("/a/q", "q", "no flag 'q'"),
    ("//", "//", "empty regular expression"),
    ("/(a{1000}){1000}/", "/(a{1000}){1000}/", "too large"),
    ("/" + "a" * 501 + "/", "/" + "a" * 501 + "/", "longer than 500"),
    ("a NEAR/10 b", "NEAR/10", "not supported yet"),
    ("a NEAR b", "NEAR", "not supported yet"),
    ("a w/5 b", "w/5", "not supported yet"),
    ("ATLEAST/3 a", "ATLEAST/3", "not supported yet"),
    ("SENTENCE(a b)", "SENTENCE", "not supported yet"),
    ("FIRST/50(a)", "FIRST/50", "not supported yet"),
    ("sanction*", "sanction*", "not supported yet"),
    ('"sanction* list"', "n*", "not supported yet"),
    ("=ICE", "=ICE", "not supported yet"),
    ("step~", "step~", "not supported yet"),
    ('"step down"~5', "~5", "not supported yet"),
    ("@leaders", "@leaders", "not supported yet"),
    ("assad^2", "assad^2", "not supported yet"),
]


@pytest.mark.parametrize(("query", "under", "words"), BAD, ids=[query[:20] for query, _, _ in BAD])
def test_a_mistake_is_told_with_its_place_and_a_way_out(query: str, under: str, words: str) -> None:
    """The message points at what is wrong, and says why or what would be right."""
    with pytest.raises(QueryError) as caught:
        parse(query)
    error = caught.value
    assert query[error.start : error.end] == under
    assert words in f"{error.message} {error.hint}"


def test_the_parenthesis_that_is_never_closed_is_the_one_pointed_at() -> None:
    """Of several open parentheses it is the one without a partner."""
    with pytest.raises(QueryError) as caught:
        parse("(a OR b) AND (c OR (d OR e)")
    assert caught.value.start == 13


@pytest.mark.parametrize("query", ["assad OR NOT (exile", "(" * 5000, "a " * 10_001, "-(" * 200 + "a" + ")" * 200])
def test_absurd_queries_are_refused(query: str) -> None:
    """Endless and endlessly nested queries are faults like others, never a RecursionError."""
    with pytest.raises(QueryError):
        parse(query)


def test_a_hundred_parentheses_are_fine() -> None:
    """The limit is above what anyone writes, and nesting up to it works."""
    assert shape(parse("title:" + "(" * 100 + "a" + ")" * 100).tree) == ("title", "a")


@pytest.mark.parametrize(
    ("query", "words"),
    [("a1 ADN b1", "did you mean AND?"), ("exile ORR asylum", "did you mean OR?"), ("assad x", "one character long")],
)
def test_what_looks_wrong_is_remarked_upon(query: str, words: str) -> None:
    """A slip that is a valid word, and a word that is found everywhere, are allowed with a remark."""
    (remark,) = parse(query).remarks
    assert words in f"{remark.message} {remark.hint}"


@pytest.mark.parametrize("query", ["DNA", "NATO", "C++", "ANC OR UND", "辞职", "5G"])
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


pieces = st.sampled_from(
    [
        "a",
        "bc",
        "AND",
        "OR",
        "NOT",
        "(",
        ")",
        '"',
        "“",
        "/",
        "-",
        "title:",
        "tag:",
        "x*",
        "=",
        "~",
        "@",
        " ",
        "\n",
        "\\",
    ]
)


@given(st.one_of(st.text(max_size=40), st.lists(pieces, max_size=20).map("".join), st.lists(pieces).map(" ".join)))
def test_any_text_is_a_query_or_a_query_error(text: str) -> None:
    """Whatever is typed gives a tree or an error with a place inside the text (or just behind it)."""
    place = _place_of_tree_or_error(text)
    assert 0 <= place[0] <= len(text)
    assert place[0] < place[1] <= len(text) + 1


def _place_of_tree_or_error(text: str) -> tuple[int, int]:
    try:
        tree = parse(text).tree
    except QueryError as error:
        return error.start, error.end
    return tree.start, tree.end
