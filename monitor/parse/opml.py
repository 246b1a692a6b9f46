"""OPML (https://opml.org/spec2.opml), the lists of feeds that feed readers exchange: reading and writing, pure.

Files in the wild differ from the specification, so reading is lenient about names of attributes, missing types and
versions, and takes folders for tags. It is strict about XML: a list that was half read would be feeds silently lost.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lxml import etree

from monitor.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from monitor.model import FeedSpec

# Of attributes that OPML has no name for; the specification wants a namespace for them.
NAMESPACE = "urn:news-monitor:opml"
_NAME, _INTERVAL = f"{{{NAMESPACE}}}name", f"{{{NAMESPACE}}}interval"

_MAX_DEPTH = 64  # of folders in folders; libxml2 itself stops at 256
_MAX_NAME = 64
_MAX_INTERVAL = timedelta(days=3650)
_VALID_NAME = re.compile(r"\w[\w .-]{0,63}")  # what config.toml accepts for names and tags
_NO_FEED_TYPES = frozenset({"link", "include", "html", "blogpost", "song"})
# Letters of the Latin script that Unicode does not decompose.
_FOLDED = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "ħ": "h", "ı": "i", "ŧ": "t"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpmlFeed:
    """A feed of a list. The URL is as the file has it, not checked.

    Attributes:
        name: What this program called the feed when it wrote the list; "" in the lists of others.
        title: One line, or "".
        url: With `feed:` replaced by http, otherwise as given; never "".
        site_url: The web page of the feed, or "".
        tags: Folders from the outside in, then categories; lower-case, none twice.
        interval: As written by this program, else None.
    """

    name: str = ""
    title: str
    url: str
    site_url: str = ""
    tags: tuple[str, ...] = ()
    interval: timedelta | None = None


def read_opml(data: bytes) -> tuple[OpmlFeed, ...]:
    """The feeds of a list in file order, those with the same URL merged: the first title, all the tags.

    Args:
        data: The file, in any encoding that XML allows.

    Raises:
        UsageError: The file is no OPML, with the line where it goes wrong; or it is a trap (entities, nesting).
    """
    feeds: dict[str, OpmlFeed] = {}
    for outline, folders in _outlines(_root(data)):
        feed = _feed(outline, folders)
        if feed is not None:
            known = feeds.get(feed.url)
            feeds[feed.url] = feed if known is None else _merged(known, feed)
    return tuple(feeds.values())


def write_opml(feeds: Sequence[FeedSpec], *, title: str, now: datetime) -> bytes:
    """OPML 2.0, UTF-8: a folder for each first tag, in order of appearance, then the feeds without tags.

    `read_opml` gets names, URLs, tags and intervals back as they were.
    """
    root = etree.Element("opml", {"version": "2.0"}, nsmap={"nm": NAMESPACE})
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = title
    etree.SubElement(head, "dateCreated").text = format_datetime(now.astimezone(UTC), usegmt=True)
    body = etree.SubElement(root, "body")
    folders: dict[str, etree._Element] = {}
    for feed in (feed for feed in feeds if feed.tags):
        tag = feed.tags[0]
        if tag not in folders:
            folders[tag] = etree.SubElement(body, "outline", {"text": tag, "title": tag})
        _write_feed(folders[tag], feed)
    for feed in (feed for feed in feeds if not feed.tags):
        _write_feed(body, feed)
    etree.indent(root)
    return etree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def feed_name(text: str, taken: Collection[str]) -> str:
    """A name for a feed, made from its title or URL: lower-case letters, digits and single dashes, at most 64.

    Accents of the Latin script are folded; other scripts stay as they are. Where the name is in `taken` it gets a
    number.
    """
    if re.match(r"[a-z]+://", text, re.IGNORECASE):
        text = _url_words(text)
    name = _slug(text) or "feed"
    if name not in taken:
        return name
    high = 2
    while _numbered(name, high) in taken:
        high *= 2
    low = high // 2  # taken, or 1 for the name itself
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _numbered(name, middle) in taken else (low, middle)
    return _numbered(name, high)


def _root(data: bytes) -> etree._Element:
    """The `opml` element of a document that may be trusted to be finite."""
    data = data.lstrip(b" \t\r\n")  # an XML declaration has to come first, and often does not
    if not data:
        raise UsageError("the file is empty; an OPML file was expected")
    if b"<!ENTITY" in data.replace(b"\0", b""):
        raise UsageError(
            "the file declares XML entities, which no OPML file needs and attacks are made of; it was not read"
        )
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise UsageError(_syntax_message(data, error)) from None
    kind = etree.QName(root).localname.lower()
    if kind != "opml":
        raise UsageError(f"not OPML: {_instead(kind)}")
    return root


def _syntax_message(data: bytes, error: etree.XMLSyntaxError) -> str:
    start = data[:200].lstrip(b"\xef\xbb\xbf").lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return f"not OPML: {_instead('html')}"
    if not any(mark in data[:200] for mark in (b"<", b"<\0")):
        return "not OPML: the file does not begin with XML"
    text = str(error.msg or "broken XML")
    reason = re.sub(r",? *line \d+, column \d+.*", "", text, flags=re.DOTALL).strip()
    hint = ""
    if "EntityRef" in reason or "Entity" in reason:
        hint = "; an & must be written &amp;"
    line, column = error.position
    return f"line {line}, column {column}: not well-formed XML: {reason}{hint}"


def _instead(kind: str) -> str:
    match kind:
        case "rss" | "feed" | "rdf":
            return "this is a feed itself, not a list of feeds (`feeds add` takes its address)"
        case "html":
            return "this is a web page; look for an export of OPML or subscriptions"
        case _:
            return f"the outermost element is <{kind}>"


def _outlines(root: etree._Element) -> Iterator[tuple[etree._Element, tuple[str, ...]]]:
    """Every outline in file order with the titles of the folders around it."""
    bodies = [child for child in root if _local(child) == "body"]
    todo: list[tuple[etree._Element, tuple[str, ...]]] = []
    todo.extend((child, ()) for body in reversed(bodies) for child in reversed(body))
    while todo:
        element, folders = todo.pop()
        if _local(element) != "outline":
            continue
        if len(folders) >= _MAX_DEPTH:
            raise UsageError(f"line {element.sourceline}: folders are nested more than {_MAX_DEPTH} deep")
        yield element, folders
        if len(element):
            inner = (*folders, _title(_attributes(element)))
            todo.extend((child, inner) for child in reversed(element))


def _local(element: etree._Element) -> str:
    """The tag without namespace, lower-case; "" for comments and the like."""
    tag: object = element.tag  # the stubs know of elements only
    return etree.QName(tag).localname.lower() if isinstance(tag, str) else ""


def _attributes(element: etree._Element) -> dict[str, str]:
    """By lower-case name: xmlUrl, xmlURL and xmlurl are all in use."""
    return {str(name).lower(): str(value).strip() for name, value in element.attrib.items()}


def _feed(element: etree._Element, folders: tuple[str, ...]) -> OpmlFeed | None:
    attributes = _attributes(element)
    url = attributes.get("xmlurl", "")
    if not url and not len(element) and attributes.get("type", "").lower() not in _NO_FEED_TYPES:
        url = attributes.get("url", "")
    if not url:
        return None
    name = attributes.get(_NAME, "")
    return OpmlFeed(
        name=name if _VALID_NAME.fullmatch(name) else "",
        title=_title(attributes),
        url=re.sub(r"(?i)^feed:(//)?(?=https?://)", "", re.sub(r"(?i)^feed://(?!https?://)", "http://", url)),
        site_url=attributes.get("htmlurl", ""),
        tags=_tags(folders, attributes.get("category", "")),
        interval=_interval(attributes.get(_INTERVAL, "")),
    )


def _title(attributes: dict[str, str]) -> str:
    """`title` is the feed's own, `text` what every outline has; often only one of them says something."""
    text = attributes.get("title") or attributes.get("text", "")
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _tags(folders: Sequence[str], category: str) -> tuple[str, ...]:
    """`category` holds comma-separated, slash-delimited paths."""
    tags = (_tag(text) for text in (*folders, *re.split("[,/]", category)))
    return tuple(dict.fromkeys(tag for tag in tags if tag))


def _tag(text: str) -> str:
    text = text.strip().lower()
    if _VALID_NAME.fullmatch(text):
        return text
    words = re.sub(r"[^\w .-]", " ", unicodedata.normalize("NFC", text))
    return re.sub(r"^\W+", "", " ".join(words.split()))[:_MAX_NAME].rstrip()


def _interval(text: str) -> timedelta | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    if not math.isfinite(seconds) or not 0 < seconds <= _MAX_INTERVAL.total_seconds():
        return None
    return timedelta(seconds=seconds)


def _merged(first: OpmlFeed, second: OpmlFeed) -> OpmlFeed:
    return replace(
        first,
        name=first.name or second.name,
        title=first.title or second.title,
        site_url=first.site_url or second.site_url,
        tags=tuple(dict.fromkeys((*first.tags, *second.tags))),
        interval=first.interval or second.interval,
    )


def _write_feed(parent: etree._Element, feed: FeedSpec) -> None:
    attributes = {"type": "rss", "text": feed.name, "title": feed.name, "xmlUrl": feed.url}
    if feed.tags:
        attributes["category"] = ",".join(feed.tags)
    attributes[_NAME] = feed.name
    attributes[_INTERVAL] = f"{feed.interval.total_seconds():.6f}".rstrip("0").rstrip(".")
    etree.SubElement(parent, "outline", attributes)


def _slug(text: str) -> str:
    letters = "".join(_folded(char) for char in unicodedata.normalize("NFKC", text).casefold().translate(_FOLDED))
    slug = re.sub(r"[\W_]+", "-", letters).strip("-")
    return slug if len(slug) <= _MAX_NAME else _shortened(slug, _MAX_NAME)


def _folded(char: str) -> str:
    """A letter of the Latin script without its accents; in other scripts marks make other letters (й, が)."""
    base = unicodedata.normalize("NFKD", char)[0]
    return base if base.isascii() else char


def _shortened(slug: str, length: int) -> str:
    """Cut between words where that leaves enough."""
    cut = slug[:length]
    if len(slug) > length and slug[length] != "-":
        head, _, _ = cut.rpartition("-")
        cut = head if len(head) >= length // 2 else cut
    return cut.rstrip("-")


def _numbered(name: str, number: int) -> str:
    suffix = f"-{number}"
    return _shortened(name, _MAX_NAME - len(suffix)) + suffix


def _url_words(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return url
    path = re.sub(r"(?i)\.(?:xml|rss|atom|rdf|json|php|html?)$", "", parts.path)
    return f"{host.removeprefix('www.')} {path} {parts.query}"
