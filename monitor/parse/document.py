"""A feed's bytes to a `Document`: RSS 0.9x to 2.0, RDF, Atom (by feedparser) and JSON Feed.

Takes what can be had: a document that is cut short gives the entries before the cut. Some hostile documents make
feedparser take minutes, so this runs in a process that can be killed (`monitor.parse.pool`).
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, cast

import feedparser

from monitor.model import Document, ParseFailed
from monitor.parse.charset import decode
from monitor.parse.dates import parse_date
from monitor.parse.entries import MAX_ENTRIES, RawEntry, absolute_link, build_entries, join_names, language_tag
from monitor.parse.jsonfeed import parse_json_feed
from monitor.parse.refusal import explain_no_feed, is_html
from monitor.parse.repair import repair
from monitor.parse.text import clean_line, plain_line, plain_text, unmarked_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from monitor.model import ParseResult

_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml", "html", "xhtml"})
_TEXT_TYPES = frozenset({"text/plain", "text", ""})
_CLOSING_TAG = re.compile(r"</(?:p|div|a|b|i|em|strong|span|ul|ol|li|h[1-6]|blockquote|figure)>", re.IGNORECASE)


def parse_document(body: bytes, *, content_type: str | None, url: str, now: datetime) -> ParseResult:
    """Parse what `url` answered.

    Args:
        content_type: The header as sent; a hint only.
        url: Where the document came from; relative links are resolved against the feed's own link, else against this.
        now: Dates later than a day after this are dropped.
    """
    if not body.strip():
        return ParseFailed(detail="the document is empty")
    text = decode(body, content_type)
    if text.lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
        return parse_json_feed(text.lstrip("\ufeff"), url=url, now=now)
    try:
        parsed = _feedparser(text)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - what feedparser raises on broken input is not documented
        return ParseFailed(detail=f"the document is too broken to read ({type(error).__name__})")
    if not parsed.get("version") and (not parsed.entries or is_html(text)):
        return ParseFailed(detail=explain_no_feed(text, content_type=content_type, url=url))
    return _document(parsed, url=url, now=now)


def _feedparser(text: str) -> Any:
    """Never given bytes or text as such: those it would open as a file or fetch as a URL.

    It is not told the document's URL either: it would make a guid that looks like a path absolute, and so another one
    when the feed moves.
    """
    return feedparser.parse(
        io.BytesIO(repair(text).encode()),
        sanitize_html=False,
        resolve_relative_uris=False,
        response_headers={"content-type": "application/xml; charset=utf-8"},
    )


def _document(parsed: Any, *, url: str, now: datetime) -> Document:
    feed = cast("dict[str, Any]", parsed.feed)
    is_atom = parsed.version.startswith("atom")
    link = _link(feed, url)
    language = language_tag(_get(feed, "language"))
    base = url if is_atom else link or url
    authors = _authors(feed) if is_atom else []
    return Document(
        title=_title(feed),
        link=link,
        language=language,
        entries=build_entries(
            [
                _raw_entry(item, base=base, language=language, authors=authors, now=now)
                for item in parsed.entries[:MAX_ENTRIES]
            ]
        ),
    )


def _raw_entry(item: dict[str, Any], *, base: str, language: str, authors: list[str], now: datetime) -> RawEntry:
    updated_at = parse_date(_get(item, "updated"), now=now)
    published_at = parse_date(_get(item, "published"), now=now) or parse_date(_get(item, "created"), now=now)
    contents = [_mapping(content) for content in _sequence(dict.get(item, "content"))]
    details = [_mapping(dict.get(item, name)) for name in ("summary_detail", "title_detail")]
    summary = details[0] or {"value": _get(item, "summary")}
    tags = [_mapping(tag) for tag in _sequence(dict.get(item, "tags"))]
    return RawEntry(
        guid=_get(item, "id"),
        link=_link(item, base),
        title=_title(item),
        texts=tuple(_plain(content) for content in (summary, *contents)),
        author=join_names(_authors(item) or authors),
        categories=tuple(_get(tag, "label") or _get(tag, "term") for tag in tags),
        language=language_tag(*(_get(detail, "language") for detail in (*contents, *details)), language),
        # RDF has dc:date alone and Atom demands only `updated`; both mean this one then.
        published_at=published_at or updated_at,
        updated_at=updated_at,
    )


def _title(owner: dict[str, Any]) -> str:
    title = _get(owner, "title")
    kind = _get(_mapping(dict.get(owner, "title_detail")), "type")
    return plain_line(title) if kind in _HTML_TYPES else clean_line(unmarked_text(title))


def _plain(content: Mapping[str, Any]) -> str:
    """The text of a summary or content; "" for one that holds something else (an image in base64)."""
    kind = _get(content, "type")
    value = _get(content, "value")
    if kind in _HTML_TYPES:
        return plain_text(value)
    if kind in _TEXT_TYPES:
        # A feed that calls HTML plain text is more common than one that prints closing tags.
        return plain_text(value) if _CLOSING_TAG.search(value) else unmarked_text(value)
    return ""


def _link(owner: dict[str, Any], base: str) -> str:
    """The first alternate link (RFC 4287 section 4.2.7.2), else the one feedparser chose, resolved against `base`."""
    guid = _get(owner, "id")
    alternates = [
        _get(link, "href")
        for link in map(_mapping, _sequence(dict.get(owner, "links")))
        if _get(link, "rel") == "alternate" and _get(link, "href")
    ]
    for link in (*alternates, _get(owner, "link")):
        if link == guid and "/" not in link:
            continue  # a guid that forgot to say that it is no permalink
        absolute = absolute_link(link, base)
        if absolute:
            return absolute
    return ""


def _authors(owner: dict[str, Any]) -> list[str]:
    people = [_mapping(person) for person in _sequence(dict.get(owner, "authors"))]
    names = [_get(person, "name") or _get(person, "email") for person in people]
    return [name for name in names if name] or [name for name in (_get(owner, "author"),) if name]


# feedparser's dictionaries rename keys and warn while they are read; these read what is there, whatever its type.


def _get(owner: Mapping[str, Any], name: str) -> str:
    value = dict.get(cast("dict[str, Any]", owner), name)
    return value if isinstance(value, str) else ""


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _sequence(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()
