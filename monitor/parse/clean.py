"""`Item` to `Entry`: what a feed says becomes plain text, and its dates become times."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from monitor.model import Entry
from monitor.parse.dates import parse_date
from monitor.parse.digests import digest
from monitor.parse.marks import marks
from monitor.parse.text import clean_line, cut, plain_line, plain_text, unmarked_text
from monitor.urls import canonical_link

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from monitor.model import Item, RawText

_MAX_TITLE = 1_000  # characters, as the rest
_MAX_AUTHOR = 500
_MAX_CATEGORY = 200
MAX_CATEGORIES = 100
_MAX_SOURCE = 200
_MANY = 8  # texts of one item

_CLOSING_TAG = re.compile(r"</(?:p|div|a|b|i|em|strong|span|ul|ol|li|h[1-6]|blockquote|figure)>", re.IGNORECASE)


def clean_item(item: Item, *, now: datetime) -> Entry:
    """The entry that `item` becomes; dates later than a day after `now` are dropped.

    Takes seconds for hostile markup of some hundred kilobytes (see `monitor.parse.text`).
    """
    title = clean_title(item.title)
    summary, content = clean_texts(item.texts)
    source = clean_line(unmarked_text(item.source), _MAX_SOURCE) if item.source else ""
    dates = (parse_date(text, now=now) for text in item.published)
    return Entry(
        key=item.key,
        guid=item.guid,
        link=item.link,
        title=title,
        summary=summary,
        content=content,
        author=cut(_names(item.authors), _MAX_AUTHOR),
        categories=_categories(item.categories),
        language=item.language,
        published_at=next(filter(None, dates), None),
        updated_at=parse_date(item.updated, now=now),
        content_hash=digest(title, summary, content, canonical_link(item.link) if item.steady else ""),
        source=source,
        source_url=item.source_url[:_MAX_SOURCE],
        source_hash=item.source_hash,
        marks=marks(link=item.link, title=title, texts=(summary, content), source=source),
    )


def clean_title(title: RawText) -> str:
    """One line."""
    if title.kind == "html":
        return plain_line(title.value, _MAX_TITLE)
    return clean_line(unmarked_text(title.value), _MAX_TITLE)


def clean_texts(texts: tuple[RawText, ...]) -> tuple[str, str]:
    """Summary and content: the longest text is the content and the first other one the summary.

    A text that is alone is the summary.
    """
    if len(texts) == 1:
        return _plain(texts[0]), ""
    distinct = _distinct([text for text in map(_plain, texts) if text])
    if len(distinct) < 2:
        return (distinct or [""])[0], ""
    longest = max(distinct, key=len)
    return next(text for text in distinct if text is not longest), longest


def _distinct(texts: list[str]) -> list[str]:
    if len(texts) > _MANY:
        return list(dict.fromkeys(texts))
    # Texts differ in length nearly always; a dictionary would read each to its end.
    return [text for number, text in enumerate(texts) if text not in texts[:number]]


def _plain(text: RawText) -> str:
    if text.kind == "html":
        return plain_text(text.value)
    # A feed that calls HTML plain text is more common than one that prints closing tags.
    if text.kind == "claimed" and _CLOSING_TAG.search(text.value):
        return plain_text(text.value)
    return unmarked_text(text.value)


def _names(names: Iterable[str]) -> str:
    """Names in order, each once."""
    return ", ".join(dict.fromkeys(name for name in map(clean_line, names) if name))


def _categories(names: tuple[str, ...]) -> tuple[str, ...]:
    lines = (clean_line(name, _MAX_CATEGORY) for name in names[:MAX_CATEGORIES])
    return tuple(dict.fromkeys(line for line in lines if line))
