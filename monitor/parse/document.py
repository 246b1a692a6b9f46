"""A feed's bytes to a `Document`: RSS 0.9x to 2.0, RDF, Atom and JSON Feed.

XML that is well-formed, or is so after a cheap repair, is read by lxml and by us (`xmlfeed`), in about a millisecond.
What that reader declines goes to feedparser (`loose`), which takes 28 times as long, or for ever. It takes what can
be had: a document that is cut short gives the entries before the cut.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from lxml import etree

from monitor.model import Document, ParseFailed
from monitor.parse.charset import decode, plain_utf8
from monitor.parse.clean import clean_item
from monitor.parse.errors import Unusual
from monitor.parse.found import RawDocument, raw_document, without_c1
from monitor.parse.items import MAX_ENTRIES
from monitor.parse.jsonfeed import read_json_feed
from monitor.parse.loose import read_loosely
from monitor.parse.refusal import explain_no_feed, is_closed, is_html
from monitor.parse.repair import repair
from monitor.parse.xmlfeed import read_tree

if TYPE_CHECKING:
    from datetime import datetime

    from lxml.etree import _Element

    from monitor.model import Entry, ParseResult

_FIRST_TAG = re.compile(rb"<\w")
_DOCTYPE = re.compile(rb"<!DOCTYPE[^>\[]*>", re.IGNORECASE)
_FEED_ELEMENT = re.compile(r"<(?:[a-z]+:)?(?:rss|feed|rdf|channel|item|entry)[\s>]", re.IGNORECASE)
_LATIN_1 = b"\xc2"  # which begins U+0080 to U+00BF
_C1 = re.compile(rb"\xc2[\x80-\x9f]")
# A pattern that begins with one letter is looked for by memchr, four times as fast as one that begins with two.
_C1_REFERENCE = re.compile(rb"#(?<=&#)(?:0*(?:12[89]|1[3-5][0-9])|[xX]0*[89][0-9a-fA-F]);")
_SPACE = b"\xef\xbb\xbf \t\r\n"


def parse_document(body: bytes, *, content_type: str | None, url: str) -> ParseResult:
    """Parse what `url` answered.

    Args:
        content_type: The header as sent; a hint only.
        url: Where the document came from; relative links are resolved against the feed's own link, else against this.
    """
    read = read_quickly(body, content_type=content_type, url=url) or _read_loosely(body, content_type, url)
    return read.settled() if isinstance(read, RawDocument) else read


def parse_entries(
    body: bytes, *, content_type: str | None, url: str, now: datetime
) -> tuple[Document, tuple[Entry, ...]] | ParseFailed:
    """The document and all its entries, cleaned; `now` as in `clean_item`."""
    parsed = parse_document(body, content_type=content_type, url=url)
    if isinstance(parsed, ParseFailed):
        return parsed
    return parsed, tuple(clean_item(item, now=now) for item in parsed.items)


def read_quickly(
    body: bytes, *, content_type: str | None, url: str, mend: bool = True, most: int = MAX_ENTRIES
) -> RawDocument | ParseFailed | None:
    """What the body says, if that can be found out without feedparser; else None. Takes a time linear in its length.

    Without `mend`, only what needs neither repair nor another charset than UTF-8. XML with more than `most` items is
    given up when these have been read.
    """
    if not body or body.isspace():
        return ParseFailed(detail="the document is empty")
    data = plain_utf8(body, content_type)
    if data is None and not mend:
        return None
    if data is None or data.lstrip(_SPACE)[:1] in (b"{", b"["):
        if not mend and not _is_utf8(body):
            return None
        text = decode(body, content_type).lstrip("\ufeff \t\r\n")
        if text[:1] in ("{", "["):
            return read_json_feed(text, url=url)
    found = _read(data, url, most) if data is not None else None
    return found or (_read(repair(decode(body, content_type)).encode(), url, most) if mend else None)


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _read(data: bytes, url: str, most: int) -> RawDocument | None:
    try:
        root = _tree(data)
        if root is None:
            return None
        found = read_tree(root, url=url, most=most)
    except (Unusual, RecursionError):
        return None
    if (_LATIN_1 in data and _C1.search(data)) or _C1_REFERENCE.search(data):
        found = without_c1(found)
    return raw_document(found, url=url)


def _tree(data: bytes) -> _Element | None:
    """The root element of UTF-8, whatever its declaration says; None if it is not well-formed, or has entities."""
    start = _FIRST_TAG.search(data)
    head = data[: start.start() if start else 0]
    if b"<!" in head:
        if b"[" in head or b"<!entity" in head.lower():
            return None
        data = _DOCTYPE.sub(b"", head) + data[len(head) :]
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        huge_tree=False,
        load_dtd=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    try:
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        return None


def _read_loosely(body: bytes, content_type: str | None, url: str) -> RawDocument | ParseFailed:
    text = decode(body, content_type)
    if is_html(text) and not _FEED_ELEMENT.search(text):  # which feedparser would read to its end
        return ParseFailed(detail=explain_no_feed(text, content_type=content_type, url=url))
    try:
        found, known = read_loosely(repair(text), url=url)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - what feedparser raises on broken input is not documented
        return ParseFailed(detail=f"the document is too broken to read ({type(error).__name__})")
    if not known and (not found.items or is_html(text)):
        return ParseFailed(detail=explain_no_feed(text, content_type=content_type, url=url))
    return replace(raw_document(found, url=url), cut=not is_closed(text))
