"""The fast reader of feeds against feedparser: what both read is the same to the last character, keys and hashes too.

The keys and hashes of what users have stored were made of what feedparser finds. The fast reader may decline a
document; it may not read it differently.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.model import Document, Entry
from monitor.parse.charset import decode
from monitor.parse.clean import clean_item
from monitor.parse.document import read_quickly
from monitor.parse.found import RawDocument, raw_document
from monitor.parse.loose import read_loosely
from monitor.parse.repair import repair

NOW = datetime(2026, 11, 23, tzinfo=UTC)
URL = "https://feeds.example/x/feed.xml"
DATA = Path(os.environ.get("NEWS_MONITOR_TEST_DATA", Path(__file__).parents[3] / "shared" / "data")) / "feeds"
FILES = sorted(path for folder in ("real", "encodings") for path in (DATA / folder).glob("*.xml"))

# Which files the fast reader leaves to feedparser, and why.
DECLINED = {
    "7ef13a42fa7e177a.xml": "not well-formed even after the repair",
    "malformed_rss_namespaced.xml": "an element that is never closed",
    "xml-iso88591.xml": "no feed",
    "xml-iso88591_utf8_mismatch.xml": "no feed",
}


def entries_of(document: Document) -> list[Entry]:
    """Cleaned; without the hash over what stands in the feed, as XHTML is kept without its attributes."""
    return [replace(clean_item(item, now=NOW), source_hash="") for item in document.items]


def by_feedparser(body: bytes) -> Document:
    found, _ = read_loosely(repair(decode(body, None)), url=URL)
    return raw_document(found, url=URL).settled()


def assert_same(body: bytes) -> bool:
    """False: the fast reader declines."""
    read = read_quickly(body, content_type=None, url=URL)
    if read is None:
        return False
    assert isinstance(read, RawDocument)
    ours, theirs = read.settled(), by_feedparser(body)
    assert entries_of(ours) == entries_of(theirs)
    assert (ours.title, ours.link, ours.language) == (theirs.title, theirs.link, theirs.language)
    if b"\xc2\x93" not in body:  # what stands for a quotation mark there is taken out of addresses here
        assert (ours.hints.hub, ours.hints.topic) == (theirs.hints.hub, theirs.hints.topic)
    return True


@pytest.mark.skipif(not FILES, reason="the feed data is not on this machine (NEWS_MONITOR_TEST_DATA)")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_real_feeds_are_read_as_feedparser_reads_them(path: Path) -> None:
    """Every field of every entry, without an exception; all but the few named above by the fast reader."""
    assert assert_same(path.read_bytes()) == (path.name not in DECLINED)


TEXTS = st.sampled_from([
    "", "Rain", " Storm ", "Fish & chips", "AT&amp;T", "<p>One</p><p>two</p>", "a<br>b", "a < b", "&lt;b&gt;",
    "<b>x", "é", "Ã©", "\x93q\x94", "Привет", "https://example.org/1", "/2", "3", "tag:example.org,2026:4", "Ann",
    "ann@example.org (Ann)", "Ann <ann@example.org>", "a@b", "Mon, 23 Nov 2026 11:00:00 +0100",
    "2026-11-20T10:00:00Z", "2026-11", "not a date", "en_GB", "one, two,,", "\n",
])  # fmt: skip
ATTRIBUTES = st.dictionaries(
    st.sampled_from([
        "type", "rel", "href", "url", "isPermaLink", "term", "label", "scheme", "domain", "text", "xml:lang", "lang",
        "xml:base", "mode", "rdf:about", "Type",
    ]),
    st.sampled_from([
        "html", "text", "text/plain", "xhtml", "image/png", "alternate", "self", "hub", "false", "true", "/a",
        "https://example.org/b", "x", "de", "pt-BR", "", "base64", "escaped", "HTML",
    ]),
    max_size=2,
)  # fmt: skip
LEAVES = [
    "title", "Title", "link", "guid", "description", "content:encoded", "summary", "content", "pubDate", "dc:date",
    "published", "updated", "modified", "created", "dcterms:created", "date", "author", "dc:creator",
    "itunes:author", "category", "dc:subject", "media:title", "media:description", "media:keywords",
    "itunes:summary", "itunes:subtitle", "itunes:keywords", "itunes:category", "source", "id", "language", "body",
    "abstract", "rights", "comments", "unknown", "media:credit", "image", "ttl", "enclosure", "atom:link",
    "atom:summary", "dc:title", "odd:title", "name", "url", "managingEditor",
]  # fmt: skip
NESTS = [
    "media:group", "media:content", "author", "source", "image", "unknown", "odd:thing", "contributor", "content",
    "itunes:category", "itunes:owner", "summary", "textInput", "item", "div",
]  # fmt: skip
IN_NESTS = ["title", "name", "email", "url", "link", "media:title", "description", "unknown", "uri"]
SPACES = {
    "content": "http://purl.org/rss/1.0/modules/content/", "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/", "media": "http://search.yahoo.com/mrss/",
    "atom": "http://www.w3.org/2005/Atom", "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "odd": "https://odd.example/", "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
}  # fmt: skip
DECLARED = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in SPACES.items())


def element(name: str, attributes: dict[str, str], inner: str) -> str:
    written = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<{name}{written}>{inner}</{name}>"


def leaf(names: list[str]) -> st.SearchStrategy[str]:
    return st.builds(element, st.sampled_from(names), st.just({}) | ATTRIBUTES, TEXTS.map(escape))


XHTML = st.sampled_from([
    '<div xmlns="http://www.w3.org/1999/xhtml"><p>One <b>two</b></p>three</div>', "<div>a &amp; b</div>",
    "<p>a</p><p>b</p>", '<h:div xmlns:h="http://www.w3.org/1999/xhtml">\n a\n\n b <h:br/></h:div>',
])  # fmt: skip
BRANCH = st.builds(
    element,
    st.sampled_from(NESTS),
    st.just({}) | ATTRIBUTES,
    st.lists(
        leaf(["title", "name", "email", "url", "link", "media:title", "description", "unknown", "uri"]), max_size=3
    ).map("".join)
    | XHTML,
)
MEMBERS = st.lists(leaf(LEAVES) | leaf(["title", "link", "guid", "description"]) | BRANCH, max_size=6).map("".join)
ATOM_MEMBERS = st.lists(
    leaf(["title", "id", "link", "summary", "content", "published", "updated", "category"])
    | st.builds(element, st.sampled_from(["content", "summary", "title"]), st.just({"type": "xhtml"}), XHTML)
    | BRANCH,
    max_size=6,
).map("".join)


def rss(channel: str, items: list[str], more: str) -> bytes:
    inner = "".join(f"<item>{item}</item>" for item in items)
    return f"<rss version='2.0' {DECLARED}><channel>{channel}{inner}{more}</channel></rss>".encode()


def rdf(channel: str, items: list[str], more: str) -> bytes:
    inner = "".join(f"<item rdf:about='urn:{n}'>{item}</item>" for n, item in enumerate(items))
    space = DECLARED.replace('xmlns:atom="http://www.w3.org/2005/Atom"', 'xmlns:atom="http://purl.org/atom/ns#"')
    head = f"<channel>{channel}</channel>"
    return f"<rdf:RDF xmlns='http://purl.org/rss/1.0/' {space}>{head}{inner}{more}</rdf:RDF>".encode()


def atom(head: str, entries: list[str], more: str) -> bytes:
    inner = "".join(f"<entry>{entry}</entry>" for entry in entries)
    return f"<feed xmlns='http://www.w3.org/2005/Atom' {DECLARED}>{head}{inner}{more}</feed>".encode()


@settings(max_examples=400, derandomize=True)
@given(
    st.builds(rss, MEMBERS, st.lists(MEMBERS, max_size=3), MEMBERS)
    | st.builds(rdf, MEMBERS, st.lists(MEMBERS, max_size=3), MEMBERS)
    | st.builds(atom, ATOM_MEMBERS, st.lists(ATOM_MEMBERS, max_size=3), ATOM_MEMBERS)
)
def test_any_feed_is_read_as_feedparser_reads_it(body: bytes) -> None:
    """Elements of all kinds in any order and number, where they belong and where they do not."""
    assert_same(body)


@pytest.mark.parametrize("make", [rss, rdf, atom])
def test_ordinary_feeds_are_not_declined(make: object) -> None:
    """What every feed has is read by the fast reader."""
    assert callable(make)
    item = "<title>a</title><link>https://example.org/a</link><dc:creator>Ann</dc:creator><category term='x'/>"
    assert assert_same(make("<title>T</title>", [item, item.replace("a<", "b<")], ""))
