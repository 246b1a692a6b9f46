"""A feed by feedparser, for what the strict reader declines: broken XML, and structures that are seldom seen.

Some hostile documents make feedparser take minutes, so this runs only where it can be killed (`monitor.parse.pool`).
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, cast

import feedparser

from monitor.parse.found import Content, Found, FoundFeed, Person
from monitor.parse.hints import Hinted
from monitor.parse.items import MAX_ENTRIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def read_loosely(text: str, *, url: str) -> tuple[FoundFeed, bool]:
    """What feedparser finds in XML without a declaration, and whether it knows the format.

    Raises whatever feedparser raises on input that is too broken. It is never given bytes or text as such: those it
    would open as a file or fetch as a URL. Nor is it told the document's URL: it would make a guid that looks like a
    path absolute, and so another one when the feed moves.
    """
    parsed: Any = feedparser.parse(
        io.BytesIO(text.encode()),
        sanitize_html=False,
        resolve_relative_uris=False,
        response_headers={"content-type": "application/xml; charset=utf-8"},
    )
    version = parsed.get("version") or ""
    feed = cast("dict[str, Any]", parsed.feed)
    found = FoundFeed(
        feed=_found(feed),
        items=[_found(item) for item in parsed.entries[:MAX_ENTRIES]],
        atom=version.startswith("atom"),
        hints=_hinted(feed).hints(url),
    )
    return found, bool(version)


def _found(owner: dict[str, Any]) -> Found:
    details = {name: _mapping(dict.get(owner, name)) for name in ("title_detail", "summary_detail", "source")}
    tags = [_mapping(tag) for tag in _sequence(dict.get(owner, "tags"))]
    people = [_mapping(person) for person in _sequence(dict.get(owner, "authors"))]
    return Found(
        id=_get(owner, "id"),
        link=_get(owner, "link"),
        alternates=[_get(link, "href") for link in _links(owner) if _get(link, "rel") == "alternate"],
        title=_get(owner, "title"),
        title_detail=_content(details["title_detail"]),
        summary=_get(owner, "summary"),
        summary_detail=_content(details["summary_detail"]),
        contents=[found for content in _sequence(dict.get(owner, "content")) if (found := _content(_mapping(content)))],
        people=[Person(_get(person, "name"), _get(person, "email")) for person in people],
        author=_get(owner, "author"),
        categories=[_get(tag, "label") or _get(tag, "term") for tag in tags],
        language=_get(owner, "language"),
        published=_get(owner, "published"),
        updated=_get(owner, "updated"),
        created=_get(owner, "created"),
        source=_get(details["source"], "title"),
        source_url=_get(details["source"], "href"),
    )


def _hinted(feed: dict[str, Any]) -> Hinted:
    """Without the hours and days to skip: feedparser keeps but the last of them."""
    links = _links(feed)
    return Hinted(
        ttl=_get(feed, "ttl"),
        period=_get(feed, "sy_updateperiod"),
        frequency=_get(feed, "sy_updatefrequency"),
        hubs=[_get(link, "href") for link in links if _get(link, "rel") == "hub"],
        topics=[_get(link, "href") for link in links if _get(link, "rel") == "self"],
    )


def _links(owner: dict[str, Any]) -> list[dict[str, Any]]:
    return [_mapping(link) for link in _sequence(dict.get(owner, "links"))]


def _content(detail: dict[str, Any]) -> Content | None:
    if not detail:
        return None
    return Content(_get(detail, "type"), _get(detail, "value"), _get(detail, "language"))


# feedparser's dictionaries rename keys and warn while they are read; these read what is there, whatever its type.


def _get(owner: Mapping[str, Any], name: str) -> str:
    value = dict.get(cast("dict[str, Any]", owner), name)
    return value if isinstance(value, str) else ""


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _sequence(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()
