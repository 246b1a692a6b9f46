"""HTML to the words a reader sees."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.parse.text import TEXT_LIMIT, clean_line, cut, plain_line, plain_text, unmarked_text


@pytest.mark.parametrize(
    ("markup", "wanted"),
    [
        ("<p>a</p><p>b</p>", "a\nb"),
        ("un<b>believ</b>able", "unbelievable"),
        ("one<br>two<br/>three", "one\ntwo\nthree"),
        ("<ul><li>one<li>two</ul>", "one\ntwo"),
        ("<table><tr><td>Assad</td><td>resigns</td></tr></table>", "Assad\nresigns"),
        ("<h1>Title</h1>text", "Title\ntext"),
        ("a<script>alert('x')</script>b<style>p{}</style>", "ab"),
        ("<noscript><img src=x alt=y></noscript>seen<iframe>not</iframe>", "seen"),
        ("a<!-- <p>comment</p> -->b", "ab"),
        ('<p title="a>b" onclick=x>text</p>', "text"),
        ("caf&eacute; &#8217;tis &#x2014; &#128;5", "café ’tis — €5"),
        ("a&nbsp;&nbsp;b\n  c", "a b c"),
        ("AT&amp;T", "AT&T"),
        ("AT&amp;amp;T", "AT&T"),
        ("&lt;p&gt;Escaped &lt;b&gt;twice&lt;/b&gt;&lt;/p&gt;", "Escaped twice"),
        ("<code>&lt;div&gt;</code> is a tag", "<div> is a tag"),
        ("I &lt;3 you, 2 < 3", "I <3 you, 2 < 3"),
        ("no markup\n\nbut two paragraphs\nof it", "no markup\nbut two paragraphs of it"),
        ("<p>unclosed <a href='x", "unclosed"),
        ("<p>Add the <domain name='x' /> line to it, or <Set>s</Set></p>", "Add the line to it, or s"),
        ("<svg><path d='x'/></svg>seen<use>d</use>", "seen"),
        ("", ""),
        ("<img src=x>", ""),
    ],
)
def test_plain_text(markup: str, wanted: str) -> None:
    """Blocks end lines, inline tags vanish, entities are characters, scripts are gone."""
    assert plain_text(markup) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("  two\n words\t\u00a0here ", "two words here"),
        ("e\u0301", "é"),
        ("\u202ethe\u202c \u2066x\u2069", "the x"),
        ("zero\u200bwidth\ufeff so\u00adft", "zerowidth soft"),
        ("a\x00b\x07c\x9bd", "abcd"),
        ("می\u200cخواهم 👩\u200d🚒", "می\u200cخواهم 👩\u200d🚒"),
        ("half\ud800", "half"),
        ("line\u2028separator", "line separator"),
    ],
)
def test_clean_line(text: str, wanted: str) -> None:
    """One line in NFC; invisible characters go, the joiners that scripts and emoji need stay."""
    assert clean_line(text) == wanted


def test_plain_fields_keep_their_angle_brackets() -> None:
    """A title that is not HTML may speak about tags."""
    assert unmarked_text("How to use <video> &amp; <audio>") == "How to use <video> & <audio>"


def test_plain_line_is_one_line() -> None:
    """A title with block markup in it stays on one line."""
    assert plain_line("<p>Breaking</p><p>news</p>") == "Breaking news"


def test_long_text_is_cut_at_a_word() -> None:
    """Not a character over the cap, and no half word."""
    text = plain_text("<p>" + "word " * 40_000 + "</p>")
    assert TEXT_LIMIT - 5 < len(text) <= TEXT_LIMIT
    assert text.endswith(" word")
    assert cut("one two three", 9) == "one two"
    assert cut("x" * 30, 9) == "x" * 9


@given(st.text())
def test_output_is_clean_whatever_comes_in(markup: str) -> None:
    """No control character, no bidi override, no double space, NFC: for any input."""
    text = plain_text(markup)
    assert all(char == "\n" or unicodedata.category(char) not in ("Cc", "Cs") for char in text)
    assert not set(text) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\u200b")
    assert text == unicodedata.normalize("NFC", text)
    assert "  " not in text
    assert "\n\n" not in text
    assert text == text.strip()


@given(
    st.lists(st.from_regex(r"\A[a-zé]{1,9}\Z"), min_size=1, max_size=8), st.sampled_from(["p", "div", "li", "h2", "td"])
)
def test_blocks_never_merge_words(words: list[str], tag: str) -> None:
    """However blocks stand side by side, each one's words stay its own."""
    rows = "".join(f"<{tag}>{word}</{tag}>" for word in words)
    markup = f"<table><tr>{rows}</tr></table>" if tag == "td" else rows
    assert plain_text(markup) == unicodedata.normalize("NFC", "\n".join(words))
