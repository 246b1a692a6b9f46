"""The text of the article on a web page, and what it is worth besides the feed's."""

from __future__ import annotations

import pytest

from monitor.model import Entry, PageText, ParseFailed
from monitor.parse.page import beyond, no_page, read_page

pytest.importorskip("trafilatura")

PARAGRAPH = "The minister said on Monday that she would step down after the talks in the capital had come to nothing."
MORE = "Nobody in the party had expected it, and a successor is to be named before the end of the week, officials said."
PAGE = f"""<!doctype html>
<html><head><title>Minister steps down - The Courier</title><script>var x = "<p>tracking</p>";</script></head>
<body>
<nav><ul><li><a href="/">Home</a></li><li><a href="/sport">Sport</a></li></ul></nav>
<article>
<h1>Minister steps down</h1>
<p>{PARAGRAPH}</p>
<p>{MORE.replace("party", "<b>par</b>ty").replace("officials", "AT&amp;T&nbsp;officials")}</p>
<ul><li>Talks began in the spring and were broken off twice.</li></ul>
<table><tr><td>Seats of the party in the house</td><td>61</td></tr></table>
</article>
<section class="comments"><p>First comment: I have always said so, and nobody wanted to listen.</p></section>
<footer><p>Copyright The Courier. We use cookies to improve your experience on this site.</p></footer>
</body></html>"""


def text_of(body: bytes | str, content_type: str | None = "text/html; charset=utf-8") -> str:
    found = read_page(body if isinstance(body, bytes) else body.encode(), content_type=content_type)
    assert isinstance(found, PageText), found
    return found.text


def test_the_article_is_found_and_nothing_around_it() -> None:
    """A paragraph to a line, inline tags and entities gone; no menu, no comment, no script, no footer."""
    assert text_of(PAGE).split("\n") == [
        "Minister steps down",
        PARAGRAPH,
        MORE.replace("officials", "AT&T officials"),
        "Talks began in the spring and were broken off twice.",
        "Seats of the party in the house",
        "61",
    ]


@pytest.mark.parametrize(
    ("charset", "content_type", "meta"),
    [
        ("utf-8", None, ""),
        ("cp1251", "text/html; charset=windows-1251", ""),
        ("cp1251", "text/html", '<meta charset="windows-1251">'),
        ("cp1251", None, "<META http-equiv='Content-Type' content='text/html; charset=Windows-1251'>"),
        ("koi8-r", "text/html;charset=koi8-r", '<meta charset="utf-8">'),
    ],
)
def test_the_charset_is_the_headers_else_the_pages_own(charset: str, content_type: str | None, meta: str) -> None:
    """Also where only the page itself says it, in either form."""
    words = "Министр объявил в понедельник, что уходит в отставку после переговоров в столице."
    page = f"<html><head>{meta}<title>x</title></head><body><article><p>{words}</p></article></body></html>"
    assert text_of(page.encode(charset), content_type) == words


@pytest.mark.parametrize(
    "body", [b"", b"\x00\xff\xd8\xff" * 500, b"<html><body></body></html>", b"<html><body><img src=x>"]
)
def test_what_holds_no_article_says_so(body: bytes) -> None:
    """Nothing, noise and pictures are a failure in words."""
    nothing = ParseFailed(detail="no text of an article was found on the page")
    assert read_page(body, content_type="text/html") == nothing


@pytest.mark.parametrize(
    ("content_type", "why"),
    [
        (None, ""),
        ("text/html", ""),
        ("Text/HTML; charset=utf-8", ""),
        ("application/xhtml+xml", ""),
        ("application/pdf", "the page is application/pdf, not HTML"),
        ("video/mp4; codecs=x", "the page is video/mp4, not HTML"),
        ("\x1b[2Jboo", "the page is of no known type"),
    ],
)
def test_only_html_is_a_page(content_type: str | None, why: str) -> None:
    """A film or a PDF is told from a page by its type."""
    assert no_page(content_type) == why


@pytest.mark.parametrize(
    ("title", "content", "page", "left"),
    [
        ("Minister steps down", "", f"Minister steps down\n{PARAGRAPH}", PARAGRAPH),
        ("Minister steps down!", "", f"MINISTER STEPS DOWN\n{PARAGRAPH}", PARAGRAPH),
        ("", "", PARAGRAPH, PARAGRAPH),
        ("Something else", "", PARAGRAPH, PARAGRAPH),
        ("T", PARAGRAPH, f"{PARAGRAPH}\n{MORE}", f"{PARAGRAPH}\n{MORE}"),
        ("T", f"{PARAGRAPH} {MORE}", "Subscribe to read on.", ""),
        ("T", "", "T", ""),
    ],
)
def test_what_a_page_says_beyond_the_feed(title: str, content: str, page: str, left: str) -> None:
    """The headline is not said twice, and a stub with less than the feed gave is nothing."""
    assert beyond(page, Entry(key="k", title=title, content=content)) == left
