"""JSON Feed 1.0 and 1.1 (https://www.jsonfeed.org/version/1.1/)."""

from __future__ import annotations

import json

from monitor.model import ParseFailed, RawText
from monitor.parse.found import RawDocument
from monitor.parse.hints import Hinted
from monitor.parse.items import MAX_ENTRIES, RawItem, absolute_link, language_tag
from monitor.parse.text import clean_line


def read_json_feed(text: str, *, url: str) -> RawDocument | ParseFailed:
    """A field of the wrong type counts as missing; only a document that is no JSON Feed at all fails."""
    try:
        feed = json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return ParseFailed(detail="this is broken JSON: cut short, or not JSON at all")
    if not isinstance(feed, dict) or not isinstance(feed.get("items"), list) or not _is_json_feed(feed):
        return ParseFailed(detail="this is JSON, but not a JSON Feed (https://www.jsonfeed.org/): check the feed's url")
    language, authors = _string(feed, "language"), _authors(feed)
    return RawDocument(
        title=clean_line(_string(feed, "title"), 1_000),
        link=absolute_link(_string(feed, "home_page_url"), url),
        language=language_tag((language,)),
        items=[
            _raw_item(item, url=url, language=language, authors=authors)
            for item in feed["items"][:MAX_ENTRIES]
            if isinstance(item, dict)
        ],
        hints=_hinted(feed).hints(url),
    )


def _is_json_feed(feed: dict[str, object]) -> bool:
    return "jsonfeed.org" in _string(feed, "version")


def _raw_item(item: dict[str, object], *, url: str, language: str, authors: tuple[str, ...]) -> RawItem:
    texts = (
        RawText(value=_string(item, "summary"), kind="plain"),
        RawText(value=_string(item, "content_html")),
        RawText(value=_string(item, "content_text"), kind="plain"),
    )
    tags = item.get("tags")
    return RawItem(
        guid=_string(item, "id"),
        link=absolute_link(_string(item, "url"), url) or absolute_link(_string(item, "external_url"), url),
        title=RawText(value=_string(item, "title")),
        texts=tuple(text for text in texts if text.value),
        authors=_authors(item) or authors,
        categories=tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
        language=language_tag((_string(item, "language"), language)),
        published=tuple(filter(None, (_string(item, "date_published"),))),
        updated=_string(item, "date_modified"),
    )


def _hinted(feed: dict[str, object]) -> Hinted:
    hubs = feed.get("hubs")
    hubs = [hub for hub in hubs if isinstance(hub, dict)] if isinstance(hubs, list) else []
    return Hinted(
        hubs=[_string(hub, "url") for hub in hubs if _string(hub, "type").lower() == "websub"],
        topics=[_string(feed, "feed_url")],
    )


def _authors(owner: dict[str, object]) -> tuple[str, ...]:
    """1.1 has `authors`, 1.0 had `author`."""
    listed = owner.get("authors")
    people = listed if isinstance(listed, list) else [owner.get("author")]
    return tuple(_string(person, "name") for person in people if isinstance(person, dict))


def _string(owner: dict[str, object], name: str) -> str:
    """The specification asks readers to take a number as an id."""
    value = owner.get(name)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else ""
