"""From a feed's fields, whatever its format, to `Entry`: identity, links, limits."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from monitor.model import Entry
from monitor.parse.text import clean_line, cut

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

MAX_ENTRIES = 2_000
_MAX_TITLE = 1_000  # characters, as the rest
_MAX_LINK = 2_048
_MAX_GUID = 2_048
_MAX_AUTHOR = 500
_MAX_CATEGORY = 200
_MAX_CATEGORIES = 100

_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{1,8}){0,4}")
_URL_NOISE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\ufeff\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class RawEntry:
    """What one item says, before identity and limits; texts are plain already.

    Attributes:
        texts: Every description, summary and content it has, in document order.
    """

    guid: str = ""
    link: str = ""
    title: str = ""
    texts: tuple[str, ...] = ()
    author: str = ""
    categories: tuple[str, ...] = ()
    language: str = ""
    published_at: datetime | None = None
    updated_at: datetime | None = None


def build_entries(raws: Sequence[RawEntry]) -> tuple[Entry, ...]:
    """At most `MAX_ENTRIES`, no key twice; of equal items the first stays.

    Items that share a guid (or, without one, a link) but differ in link or title are different articles of a feed whose
    guids are no ids: their keys are made of link and title as well.
    """
    items = [_prepare(raw) for raw in raws[:MAX_ENTRIES]]
    variants: defaultdict[tuple[str, ...], set[tuple[str, str]]] = defaultdict(set)
    for identity, entry in items:
        variants[identity].add((entry.link, entry.title))
    entries: dict[str, Entry] = {}
    for identity, entry in items:
        parts = identity if len(variants[identity]) == 1 else (*identity, entry.link, entry.title)
        key = digest(*parts)
        if key not in entries:
            entries[key] = replace(entry, key=key)
    return tuple(entries.values())


def absolute_link(link: str, base: str) -> str:
    """The http(s) URL that `link` means on a page at `base`; "" where it means none or is over 2,048 characters."""
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


def language_tag(*candidates: str | None) -> str:
    """The first of them that has the form of a BCP 47 tag, in lower case; else ""."""
    for candidate in candidates:
        tag = (candidate or "").strip().lower().replace("_", "-")
        if _LANGUAGE.fullmatch(tag):
            return tag
    return ""


def join_names(names: Iterable[str]) -> str:
    """Names in order, each once."""
    return ", ".join(dict.fromkeys(name for name in map(clean_line, names) if name))


def digest(*parts: str) -> str:
    """32 hex digits; each part's length counts, so ("ab", "c") and ("a", "bc") differ."""
    sha = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        sha.update(b"%d:" % len(data))
        sha.update(data)
    return sha.hexdigest()[:32]


def _prepare(raw: RawEntry) -> tuple[tuple[str, ...], Entry]:
    summary, content = _summary_and_content(raw.texts)
    guid = _short_guid(raw.guid)
    title = clean_line(raw.title, _MAX_TITLE)
    if guid:
        identity: tuple[str, ...] = ("guid", guid)
    elif raw.link:
        identity = ("link", raw.link)
    else:
        identity = ("text", title, summary, content)
    return identity, Entry(
        key="",
        guid=guid,
        link=raw.link,
        title=title,
        summary=summary,
        content=content,
        author=cut(raw.author, _MAX_AUTHOR),
        categories=_categories(raw.categories),
        language=raw.language,
        published_at=raw.published_at,
        updated_at=raw.updated_at,
        content_hash=digest(title, summary, content, raw.link),
    )


def _summary_and_content(texts: tuple[str, ...]) -> tuple[str, str]:
    """The longest text is the content and the first other one the summary; a text that is alone is the summary."""
    distinct = list(dict.fromkeys(text for text in texts if text))
    if len(distinct) < 2:
        return (distinct or [""])[0], ""
    longest = max(distinct, key=len)
    return next(text for text in distinct if text is not longest), longest


def _short_guid(guid: str) -> str:
    guid = clean_line(guid)
    return guid if len(guid) <= _MAX_GUID else f"sha256:{digest(guid)}"


def _categories(names: tuple[str, ...]) -> tuple[str, ...]:
    lines = (clean_line(name, _MAX_CATEGORY) for name in names[:_MAX_CATEGORIES])
    return tuple(dict.fromkeys(line for line in lines if line))
