"""What a reader of XML finds in a feed or in one of its items, in feedparser's terms, and what is made of it.

Both readers, the strict one (`xmlfeed`) and feedparser (`loose`), fill in the same fields, so that an item is the same
item whichever of them read it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

from feedparser.html import _cp1252

from monitor.model import Document, FeedHints, RawText
from monitor.parse.clean import clean_title
from monitor.parse.items import RawItem, absolute_link, build_items, cleaned_characters, language_tag

if TYPE_CHECKING:
    from collections.abc import Sequence

_C1 = re.compile("[\x80-\x9f]")
HTML_TYPES = frozenset({"text/html", "application/xhtml+xml", "html", "xhtml"})
# Of any other media type a text is something else, such as an image in base64.
_KINDS: dict[str, Literal["html", "claimed"]] = {
    **dict.fromkeys(HTML_TYPES, "html"),
    **dict.fromkeys(("text/plain", "text", ""), "claimed"),
}


@dataclass(slots=True)
class Content:
    """A title, summary or content: media type, text and language ("": not said)."""

    type: str = ""
    value: str = ""
    language: str = ""


@dataclass(slots=True)
class Person:
    """An author; None: not said."""

    name: str | None = None
    email: str | None = None


@dataclass(slots=True)
class Found:
    """A feed or an item.

    Attributes:
        link: What feedparser takes for the link; None where there is none.
        alternates: `href` of the links that are alternates, in order; "" for one without.
        title: The title's text.
        title_detail: Its type and language; the last title's, so not always of `title`.
        summary: None where there is none; it may have been taken from a content.
        summary_detail: As with the title; None where the summary was taken from a content.
        author: The last author, in a line.
        categories: Their labels, else their terms.
        source: The title of the feed that an aggregator took the item from.
        source_url: Its address, as RSS has it; "" where there is none.
    """

    id: str = ""
    link: str | None = None
    alternates: list[str] = field(default_factory=list)
    title: str = ""
    title_detail: Content | None = None
    summary: str | None = None
    summary_detail: Content | None = None
    contents: list[Content] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    author: str = ""
    categories: list[str] = field(default_factory=list)
    language: str = ""
    published: str = ""
    updated: str = ""
    created: str = ""
    source: str = ""
    source_url: str = ""


@dataclass(slots=True, kw_only=True)
class FoundFeed:
    """A document as a reader leaves it.

    Attributes:
        atom: Whether it is some version of Atom.
        kinds: How many different elements the strict reader met.
    """

    feed: Found
    items: list[Found]
    atom: bool
    kinds: int = 0
    hints: FeedHints = field(default_factory=FeedHints)


@dataclass(slots=True, kw_only=True)
class RawDocument:
    """A document before the identity of its items is settled; `kinds` as in `FoundFeed`."""

    title: str
    link: str
    language: str
    items: Sequence[RawItem]
    hints: FeedHints
    kinds: int = 0
    cut: bool = False

    def cleaned_characters(self) -> int:
        """How much has to be cleaned before the keys are known."""
        return cleaned_characters(self.items)

    def settled(self) -> Document:
        return Document(
            title=self.title,
            link=self.link,
            language=self.language,
            items=build_items(self.items),
            hints=self.hints,
            cut=self.cut,
        )


def without_c1(found: FoundFeed) -> FoundFeed:
    """`found` with windows-1252's characters where it has the C1 controls that stand at their places."""
    return FoundFeed(
        feed=_translated(found.feed),
        items=[_translated(item) for item in found.items],
        atom=found.atom,
        hints=found.hints,
        kinds=found.kinds,
    )


def _translated(value: Any) -> Any:
    if isinstance(value, str):
        return value.translate(_cp1252) if _C1.search(value) else value
    if isinstance(value, list):
        return [_translated(part) for part in value]
    if isinstance(value, Found | Content | Person):
        return type(value)(*(_translated(getattr(value, part.name)) for part in fields(value)))
    return value


def raw_document(found: FoundFeed, *, url: str) -> RawDocument:
    """What `found` says; relative links are resolved against the feed's own link, else against `url`."""
    feed = found.feed
    link = _link(feed, url)
    language = language_tag((feed.language,))
    base = url if found.atom else link or url
    authors = _authors(feed) if found.atom else ()
    return RawDocument(
        title=clean_title(_title(feed)),
        link=link,
        language=language,
        items=[_raw_item(item, base=base, language=language, authors=authors) for item in found.items],
        hints=found.hints,
        kinds=found.kinds,
    )


def _raw_item(item: Found, *, base: str, language: str, authors: tuple[str, ...]) -> RawItem:
    published, updated = item.published, item.updated
    return RawItem(
        guid=item.id,
        link=_link(item, base),
        title=_title(item),
        texts=_texts(item),
        authors=_authors(item) or authors,
        categories=tuple(item.categories),
        language=_language(item, language),
        # RDF has dc:date alone and Atom demands only `updated`; both mean this one then.
        published=tuple([date for date in (published, item.created, updated) if date]),
        updated=updated,
        source=item.source,
        source_url=item.source_url,
    )


def _texts(item: Found) -> tuple[RawText, ...]:
    """Summary and contents, without those that are empty."""
    summary, texts = item.summary_detail, []
    # The detail is that of the last summary, which may be a picture's caption; one without is the copy of a content.
    value = item.summary or (summary.value if summary is not None else "")
    if value and (kind := _KINDS.get(summary.type if summary is not None else "")):
        texts.append(RawText(value=value, kind=kind))
    texts += [
        RawText(value=content.value, kind=kind)
        for content in item.contents
        if content.value and (kind := _KINDS.get(content.type))
    ]
    return tuple(texts)


def _language(item: Found, language: str) -> str:
    """The first that an element of it says, else that of the feed."""
    said = [content.language for content in item.contents if content.language]
    details = (item.summary_detail, item.title_detail)
    said += [detail.language for detail in details if detail is not None and detail.language]
    return language_tag([*said, language]) if said else language


def _title(owner: Found) -> RawText:
    html = owner.title_detail is not None and owner.title_detail.type in HTML_TYPES
    return RawText(value=owner.title, kind="html" if html else "plain")


def _link(owner: Found, base: str) -> str:
    """The first alternate link (RFC 4287 section 4.2.7.2), else the one feedparser chose, resolved against `base`."""
    guid = owner.id
    for link in (*owner.alternates, owner.link or ""):
        if not link or (link == guid and "/" not in link):
            continue  # a guid that forgot to say that it is no permalink
        absolute = absolute_link(link, base)
        if absolute:
            return absolute
    return ""


def _authors(owner: Found) -> tuple[str, ...]:
    names = [name for person in owner.people if (name := person.name or person.email)]
    return tuple(names) if names or not owner.author else (owner.author,)
