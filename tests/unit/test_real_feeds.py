"""A hundred feeds from the wild, and the charsets that feeds lie about. Skipped where the data is not there."""

from __future__ import annotations

import io
import os
import re
import warnings
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import feedparser
import pytest

from monitor.model import Document, Entry, Item, ParseFailed
from monitor.parse.digests import digest
from monitor.parse.document import parse_document, parse_entries
from tests.kinship import meet

NOW = datetime(2026, 11, 23, tzinfo=UTC)
DATA = Path(os.environ.get("NEWS_MONITOR_TEST_DATA", Path(__file__).parents[3] / "shared" / "data")) / "feeds"
REAL = sorted((DATA / "real").glob("*.xml")) if DATA.is_dir() else []
ENCODINGS = sorted((DATA / "encodings").iterdir()) if DATA.is_dir() else []

pytestmark = pytest.mark.skipif(not REAL, reason="the feed data is not on this machine (NEWS_MONITOR_TEST_DATA)")

# One of its items repeats another four times, and so on: 20 items, 11 articles.
REPEATING = {"72fea1ebfd02e90a.xml"}
# All its elements have a prefix that is declared nowhere; feedparser finds none of its items.
PREFIXED = {"7ef13a42fa7e177a.xml"}
NO_FEEDS = {"xml-iso88591.xml", "xml-iso88591_utf8_mismatch.xml"}
MOJIBAKE = re.compile("Ã[\x80-\xbf©¨¼¶¤Ÿ]|â€[\x90-\x9f™œ“”˜]|Ð[\x80-\xbf]Ñ")

WORDS = {
    "encoding-invalid-prolog.xml": "Café",
    "encoding-iso-8859-1.xml": "Café",
    "encoding-koi8r.xml": "Привет мир! Ёжик",
    "encoding-utf8-incorrect-prolog.xml": "테스트 피드",
    "encoding-utf8.xml": "테스트 피드",
    "encoding-windows-1252-incorrect-prolog.xml": "Euro €",
    "encoding-windows-1252.xml": "Euro €",
    "json_feed_sample.json": "First JSON Feed Item",
    "malformed_rss_namespaced.xml": "Test Entry 2",
    "parser-encoding_ISO-8859-1.xml": "wünschen",
    "parser-encoding_WINDOWS-1251.xml": "Цитата",
    "parser-large_atom.xml": "Using vale with vim",
    "parser-large_rss.xml": "Using vale with vim",
    "parser-no_encoding_ISO-8859-1.xml": "peu répandue",
    "parser-rdf_UTF8.xml": "Vorsichtsmaßnahmen",
    "parser-small_atom.xml": "Parse podcast categories",
    "parser-urdu_UTF8.xml": "پاکستان",
    "utf16_encoded.xml": "UTF-16 Entry 1",
    "xml-koi8r.xml": "Пример RSS ленты",
}


def parse(path: Path) -> tuple[Document, tuple[Entry, ...]]:
    result = parse_entries(path.read_bytes(), content_type=None, url="https://feeds.example/x/feed.xml", now=NOW)
    assert not isinstance(result, ParseFailed), result
    return result


def texts(document: Document, entries: tuple[Entry, ...]) -> str:
    return "\n".join(
        [document.title, *(part for entry in entries for part in (entry.title, entry.summary, entry.content))]
    )


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_real_feed(path: Path) -> None:
    """As many entries as feedparser's own defaults find, each with text, an absolute link if any, and no garbling."""
    document, entries = parse(path)
    body = path.read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        count = len(feedparser.parse(io.BytesIO(body)).entries)
    if path.name in PREFIXED:
        assert len(entries) > count == 0
    elif path.name not in REPEATING:
        assert len(entries) == count
    assert all(entry.title or entry.summary for entry in entries)
    assert all(entry.link.startswith(("http://", "https://")) for entry in entries if entry.link)
    assert len({entry.key for entry in entries}) == len(entries)
    if b"\xef\xbf\xbd" not in body:
        assert "\ufffd" not in texts(document, entries)
    assert not any(MOJIBAKE.search(entry.title) for entry in entries)


@pytest.mark.parametrize("path", ENCODINGS, ids=lambda path: path.stem)
def test_charset(path: Path) -> None:
    """Every charset, declared, undeclared or wrong, gives its words; the two that are no feeds say so."""
    if path.name in NO_FEEDS:
        result = parse_document(path.read_bytes(), content_type=None, url="https://feeds.example/")
        assert isinstance(result, ParseFailed)
        return
    found = texts(*parse(path))
    assert WORDS[path.name] in found
    assert "\ufffd" not in found


def renew(item: Item, kind: str) -> Item:
    """The item with another guid, another link, or both."""
    guid = f"new {item.guid or item.link}" if kind != "link" else item.guid
    link = item.link.replace("://", "://moved.", 1) if kind != "guid" else item.link
    return replace(item, guid=guid, link=link, key=digest("guid", guid) if guid else digest("link", link))


@pytest.mark.parametrize(("kind", "least"), [("guid", 0.98), ("link", 0.98), ("both", 0.9)])
def test_entries_of_real_feeds_are_known_under_new_ids(kind: str, least: float) -> None:
    """Every other entry of each feed has a new guid, a new link or both at the next poll."""
    known = changed = 0
    for path in REAL:
        items = parse(path)[0].items
        renewed = [renew(item, kind) if number % 2 else item for number, item in enumerate(items)]
        family = meet(items, renewed)
        known += sum(item.key in family.stored for item in renewed[1::2])
        changed += len(renewed[1::2])
    assert known >= least * changed


def test_new_entries_of_real_feeds_are_new() -> None:
    """The newer half of each document comes after the older one, or in its place: none is taken for a stored one."""
    swallowed = [
        (path.name, family.renamed)
        for path in REAL
        if (items := parse(path)[0].items)
        for after in (items, items[: len(items) // 2])
        if (family := meet(items[len(items) // 2 :], after)).renamed
    ]
    assert swallowed == []
