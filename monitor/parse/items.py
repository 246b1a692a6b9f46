"""From a feed's fields, whatever its format, to `Item`: identity, links, limits."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from monitor.model import Item, RawText
from monitor.parse.clean import clean_texts, clean_title
from monitor.parse.digests import digest, quick_digest
from monitor.parse.text import clean_line
from monitor.urls import canonical_link
from monitor.wording import letters

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from monitor.model import IdKind

MAX_ENTRIES = 2_000
_MAX_LINK = 2_048  # characters, as the rest
_MAX_GUID = 2_048
_MAX_NAMED = 1_000  # characters of a title that is an item's identity: longer ones are none

_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{1,8}){0,4}")
_URL_NOISE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\ufeff\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# What `urljoin` gives back as it is, whatever the base: no empty query or fragment, no parameters.
_USUAL_URL = re.compile(
    r"https?://[A-Za-z0-9.-]+(?:/[A-Za-z0-9._~!$&'()*+,=:@%/-]*)?(?:\?[A-Za-z0-9._~!$&'()*+,=:@%/?-]+)?(?:#[A-Za-z0-9._~!/-]+)?"
)


@dataclass(slots=True, kw_only=True)
class RawItem:
    """What one item says, before identity: as in `Item`, but for a guid of any length."""

    guid: str = ""
    link: str = ""
    title: RawText
    texts: tuple[RawText, ...] = ()
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    language: str = ""
    published: tuple[str, ...] = ()
    updated: str = ""
    source: str = ""
    source_url: str = ""


def build_items(raws: Sequence[RawItem]) -> tuple[Item, ...]:
    """At most `MAX_ENTRIES`, no key twice; of equal items the first stays.

    Items that share a guid (or, without one, a link) but differ in link or title are different articles of a feed whose
    guids are no ids: their keys are made of link and title as well. An item with neither guid nor link is known by what
    it says, so it is cleaned here.
    """
    groups: dict[tuple[str, ...], list[RawItem]] = {}
    identities = []
    for raw in raws[:MAX_ENTRIES]:
        raw.guid = _short_guid(raw.guid)
        identity = _identity(raw)
        identities.append((identity, raw))
        groups.setdefault(identity, []).append(raw)
    shared = {
        identity
        for identity, group in groups.items()
        if len(group) > 1 and len({(raw.link, clean_title(raw.title)) for raw in group}) > 1
    }
    items: dict[str, Item] = {}
    for identity, raw in identities:
        key = digest(*_variant(identity, raw)) if identity in shared else digest(*identity)
        if key not in items:
            items[key] = _item(raw, key)
    return tuple(items.values())


def with_keys(items: Sequence[Item], ids: IdKind) -> tuple[Item, ...]:
    """The items with the keys of a feed whose ids alone do not tell its entries apart; of equal ones the first stays.

    Where ids change at each poll, their change is no change of the item: it counts neither for `source_hash` nor, as
    for links that change, for the entry's `content_hash`. An item without what its feed goes by keeps its key.
    """
    if not ids:
        return tuple(items)
    made = [_with_key(item, ids) for item in items]
    times = Counter(item.key for item in made)
    found: dict[str, Item] = {}
    for item in made:
        # Two of one name in one document are two: their texts tell them apart.
        key = digest(item.key, *(text.value for text in item.texts)) if times[item.key] > 1 else item.key
        found.setdefault(key, replace(item, key=key))
    return tuple(found.values())


def _with_key(item: Item, ids: IdKind) -> Item:
    if ids == "shared":
        return replace(item, key=variant_key(item))
    if ids == "links":
        link = canonical_link(item.link)
        return replace(item, key=digest("page", link), source_hash=_source_hash(item, link)) if link else item
    named = len(item.title.value) <= _MAX_NAMED and letters(clean_title(item.title))
    if not named:
        return item
    return replace(item, key=digest("title", named, letters(item.source)), source_hash=_source_hash(item), steady=False)


def variant_key(item: Item) -> str:
    """The key of an item whose guid (without one, link) other items have as well."""
    return digest(*_variant(_identity(item), item))


def cleaned_characters(raws: Sequence[RawItem]) -> int:
    """How many characters of titles and texts `build_items` has to clean, at most."""
    times = Counter(raw.guid or raw.link for raw in raws)
    return sum(
        len(raw.title.value) + (0 if raw.guid or raw.link else sum(len(text.value) for text in raw.texts))
        for raw in raws
        if times[raw.guid or raw.link] > 1 or not (raw.guid or raw.link)
    )


def absolute_link(link: str, base: str) -> str:
    """The http(s) URL that `link` means on a page at `base`; "" where it means none or is over 2,048 characters."""
    if len(link) <= _MAX_LINK and _USUAL_URL.fullmatch(link):
        return link
    link = _URL_NOISE.sub("", link).strip().replace(" ", "%20")
    if not link:
        return ""
    try:
        url = urljoin(base, _with_host(link, base))
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and len(url) <= _MAX_LINK
    except ValueError:
        return ""
    return url if valid else ""


def _with_host(link: str, base: str) -> str:
    """ "example.org/page" on a page of example.org: the scheme was forgotten."""
    host = urlsplit(base).hostname
    first = link.partition("/")[0].lower()
    return f"//{link}" if host and "." in first and first.removeprefix("www.") == host.removeprefix("www.") else link


def language_tag(candidates: Iterable[str]) -> str:
    """The first of them that has the form of a BCP 47 tag, in lower case; else ""."""
    return next(filter(None, map(_tag, candidates)), "")


@lru_cache(maxsize=256)
def _tag(candidate: str) -> str:
    tag = candidate.strip().lower().replace("_", "-")
    return tag if _LANGUAGE.fullmatch(tag) else ""


def _identity(raw: RawItem | Item) -> tuple[str, ...]:
    if raw.guid:
        return ("guid", raw.guid)
    if raw.link:
        return ("link", raw.link)
    return ("text", clean_title(raw.title), *clean_texts(raw.texts))


def _variant(identity: tuple[str, ...], raw: RawItem | Item) -> tuple[str, ...]:
    return (*identity, raw.link, clean_title(raw.title))


def _source_hash(raw: RawItem | Item, *ids: str) -> str:
    parts = [*ids, raw.language, raw.updated, raw.source, raw.title.kind, raw.title.value]
    for text in raw.texts:
        parts += text.kind, text.value
    for values in (raw.authors, raw.categories, raw.published):
        parts += str(len(values)), *values
    return quick_digest(parts)


def _item(raw: RawItem, key: str) -> Item:
    return Item(
        key=key,
        source_hash=_source_hash(raw, raw.guid, raw.link),
        guid=raw.guid,
        link=raw.link,
        title=raw.title,
        texts=raw.texts,
        authors=raw.authors,
        categories=raw.categories,
        language=raw.language,
        published=raw.published,
        updated=raw.updated,
        source=raw.source,
        source_url=raw.source_url,
    )


def _short_guid(guid: str) -> str:
    guid = clean_line(guid)
    return guid if len(guid) <= _MAX_GUID else f"sha256:{digest(guid)}"
