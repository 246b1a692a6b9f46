"""Items whose texts are too costly for an HTML parser, made cheap. All of it takes a time linear in their length."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.model import RawText

if TYPE_CHECKING:
    from monitor.model import Item

_LIMIT = 400_000  # characters of a text
_MANY = 100
_TITLE_LIMIT = 1_000
_DATE_LIMIT = 200
# A try ends at the next "<", so nothing is tried twice.
_INLINE_TAG = re.compile(r"</?(?:a|abbr|b|em|font|i|small|span|strong|sub|sup|u)(?:\s[^<>]*)?>", re.IGNORECASE)
_TAG = re.compile(r"<[a-z/!][^<>]*>?", re.IGNORECASE)


def size_of(item: Item) -> int:
    """Characters of title and texts."""
    return len(item.title.value) + sum(len(text.value) for text in item.texts)


def without_markup(item: Item) -> Item:
    """`item` with the words of its texts, and what else stood between their tags (scripts as well)."""
    return replace(item, title=_words(item.title), texts=tuple(map(_words, item.texts)))


def without_texts(item: Item) -> Item:
    """What is left when not even that helps: identity, link, the beginning of the title, names and dates."""
    return replace(
        item,
        title=_words(RawText(value=item.title.value[:_TITLE_LIMIT], kind=item.title.kind)),
        texts=(),
        authors=tuple(name[:_TITLE_LIMIT] for name in item.authors[:_MANY]),
        categories=tuple(name[:_TITLE_LIMIT] for name in item.categories[:_MANY]),
        published=tuple(date for date in item.published[:_MANY] if len(date) <= _DATE_LIMIT),
        updated=item.updated if len(item.updated) <= _DATE_LIMIT else "",
        source=item.source[:_TITLE_LIMIT],
        source_url=item.source_url[:_TITLE_LIMIT],
    )


def _words(text: RawText) -> RawText:
    if text.kind == "plain":
        return text
    return RawText(value=_TAG.sub("\n\n", _INLINE_TAG.sub("", text.value[:_LIMIT])), kind="plain")
