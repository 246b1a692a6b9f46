"""JSON Feed 1.0 and 1.1 (https://www.jsonfeed.org/version/1.1/)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from monitor.model import Document, ParseFailed
from monitor.parse.dates import parse_date
from monitor.parse.entries import MAX_ENTRIES, RawEntry, absolute_link, build_entries, join_names, language_tag
from monitor.parse.text import clean_line, plain_line, plain_text, unmarked_text

if TYPE_CHECKING:
    from datetime import datetime

    from monitor.model import ParseResult


def parse_json_feed(text: str, *, url: str, now: datetime) -> ParseResult:
    """A field of the wrong type counts as missing; only a document that is no JSON Feed at all fails."""
    try:
        feed = json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return ParseFailed(detail="this is broken JSON: cut short, or not JSON at all")
    if not isinstance(feed, dict) or not isinstance(feed.get("items"), list) or not _is_json_feed(feed):
        return ParseFailed(detail="this is JSON, but not a JSON Feed (https://www.jsonfeed.org/): check the feed's url")
    language = _string(feed, "language")
    raws = [
        _raw_entry(item, url=url, language=language, authors=_authors(feed), now=now)
        for item in feed["items"][:MAX_ENTRIES]
        if isinstance(item, dict)
    ]
    return Document(
        title=clean_line(_string(feed, "title"), 1_000),
        link=absolute_link(_string(feed, "home_page_url"), url),
        language=language_tag(language),
        entries=build_entries(raws),
    )


def _is_json_feed(feed: dict[str, object]) -> bool:
    return "jsonfeed.org" in _string(feed, "version")


def _raw_entry(item: dict[str, object], *, url: str, language: str, authors: list[str], now: datetime) -> RawEntry:
    texts = (
        unmarked_text(_string(item, "summary")),
        plain_text(_string(item, "content_html")),
        unmarked_text(_string(item, "content_text")),
    )
    tags = item.get("tags")
    return RawEntry(
        guid=_string(item, "id"),
        link=absolute_link(_string(item, "url"), url) or absolute_link(_string(item, "external_url"), url),
        title=plain_line(_string(item, "title")),
        texts=texts,
        author=join_names(_authors(item) or authors),
        categories=tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
        language=language_tag(_string(item, "language"), language),
        published_at=parse_date(_string(item, "date_published"), now=now),
        updated_at=parse_date(_string(item, "date_modified"), now=now),
    )


def _authors(owner: dict[str, object]) -> list[str]:
    """1.1 has `authors`, 1.0 had `author`."""
    listed = owner.get("authors")
    people = listed if isinstance(listed, list) else [owner.get("author")]
    return [_string(person, "name") for person in people if isinstance(person, dict)]


def _string(owner: dict[str, object], name: str) -> str:
    """The specification asks readers to take a number as an id."""
    value = owner.get(name)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else ""
