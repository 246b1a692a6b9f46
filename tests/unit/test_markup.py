"""Ordinary markup read without an HTML parser: the words are those that nh3, which is one, finds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.parse import text as texts
from monitor.parse.markup import text_of_markup
from monitor.parse.text import plain_text

PIECES = [
    "a", "an", "abbr", "b", "blockquote", "br", "button", "caption", "col", "dd", "div", "dl", "dt", "em", "figure",
    "form", "h1", "h2", "hr", "i", "img", "li", "nav", "object", "ol", "p", "pre", "script", "section", "span",
    "strong", "style", "svg", "table", "tbody", "td", "th", "title", "tr", "ul", "x",
]  # fmt: skip
TEXTS = st.sampled_from([
    "one", " two ", "\n", "\xa0", "é", "&amp;", "&nbsp;", "&lt;", "&#8217;", "&#x2019;", "&#10;", "&#128;", "&", "&am",
    "p;", "&copy", "<", ">", '"', "'", "<!-- c -->", "<!--", "-->", "--!>", "<!-->", "\u200b", "&amp;lt;b&amp;gt;",
    "\0", "\f",
])  # fmt: skip
ATTRIBUTES = st.sampled_from(
    ["", ' href="/x?a=1&amp;b=2"', " title='a > b'", " x", " x=1", " x='<p>'", ' y="', "/", " /", " A=b/"]
)


@st.composite
def nested(draw: st.DrawFn, depth: int = 3) -> str:
    """Markup that is mostly well nested."""
    pieces = []
    for _ in range(draw(st.integers(0, 4))):
        if depth == 0 or draw(st.booleans()):
            pieces.append(draw(TEXTS))
            continue
        name = draw(st.sampled_from(PIECES))
        inner = draw(nested(depth=depth - 1))
        end = draw(st.sampled_from([f"</{name}>"] * 6 + ["", "</p>", "</div>", "</a>"]))
        pieces.append(f"<{name}{draw(ATTRIBUTES)}>{inner}{end}")
    return "".join(pieces)


def by_parser(markup: str) -> str:
    """What nh3 alone gives."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts, "text_of_markup", lambda _: None)
        return plain_text(markup)


@given(nested() | nested().map(lambda inner: f"<p>{inner}</p><ul><li>{inner}</ul>"))
def test_the_words_are_those_that_the_parser_finds(markup: str) -> None:
    """Nested or torn, with or without references, comments and tables: no text differs by a character."""
    assert plain_text(markup) == by_parser(markup)


@given(st.lists(TEXTS | st.sampled_from([f"<{slash}{name}>" for name in PIECES for slash in ("", "/")]), max_size=12))
def test_tags_in_any_order(parts: list[str]) -> None:
    """Without any structure at all."""
    markup = "".join(parts)
    assert plain_text(markup) == by_parser(markup)


@pytest.mark.parametrize(
    "markup",
    [
        '<p>Rain in <a href="https://example.org/?a=1&amp;b=2" title="a > b">Spain</a>,<br/>and&nbsp;more</p>',
        "<p>one<p>two<ul><li>a<li>b</ul>",
        "<table><thead><tr><th>a</th></tr></thead><tbody><tr><td><p>b</td></tr></tbody></table>",
        "<!-- wp:paragraph --><p>text</p><!-- /wp --><script>if (a < b) x()</script><iframe src='x'></iframe>",
        "<b>" * 1_000 + "deep" + "</b>" * 1_000,
        "<ul><li>a<ol><li><p>b</p></li></ol></li><li><a href='x'>c</a> <a href='y'>d</a></li></ul>" * 50,
        "<div><figure><img src=x.jpg alt='<b>'><figcaption>caption</figcaption></figure></div></div>",
    ],
)
def test_what_articles_are_made_of_is_ordinary(markup: str) -> None:
    """It needs no parser, and reads as the parser reads it."""
    assert text_of_markup(markup) is not None
    assert plain_text(markup) == by_parser(markup)


@pytest.mark.parametrize(
    "markup",
    [
        "<table>moved<tr><td>cell</td></tr></table>",
        "<li>a<div><li>b</li></div>c</li>d",
        "<h1>a<h2>b</h2></h1>c",
        "<a>x<a>y</a></a>",
        "<svg><title>t</title></svg>",
        "<p>a<hgroup>b</hgroup>c</p>",
        "a &copy b",
        "a &am<b>p;</b>",
        "<!-->a<b>-->",
        '<div title="a>b</div>',
    ],
)
def test_what_a_parser_moves_or_invents_is_left_to_it(markup: str) -> None:
    """HTML5 has rules for each of them, which are not repeated here."""
    assert text_of_markup(markup) is None


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "<a ",
        '<a b="',
        "<a b='\"",
        "<!--",
        "<!---",
        "<script>",
        "<style><",
        "</p",
        "&",
        "&#",
        "<p>",
        "</p>",
        "<li>",
    ],
)
def test_no_text_takes_long(piece: str) -> None:
    """Four hundred thousand characters of a beginning without an end come back; a quadratic search takes minutes."""
    assert plain_text(f"<b>{piece * (400_000 // len(piece))}") is not None
