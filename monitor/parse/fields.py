"""Texts, links and people of single elements, as feedparser reads them."""

from __future__ import annotations

import re
import string
from html import escape
from typing import TYPE_CHECKING

from feedparser.mixin import _FeedParserMixin
from feedparser.urls import _urljoin

from monitor.parse.errors import Unusual
from monitor.parse.found import Content, Person
from monitor.parse.names import inline_name_of, name_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.etree import _Element

XHTML = "application/xhtml+xml"
LINKED_TYPES = frozenset({XHTML, "text/html"})

_SHORT_TYPES = {"text": "text/plain", "plain": "text/plain", "html": "text/html", "xhtml": XHTML}
_ESCAPED_QUERY = re.compile(r"&([A-Za-z0-9_]+);")
# feedparser's pattern for an address, from its "@" on; searched for from the left, the whole is quadratic.
_DOMAIN = re.compile(
    r"@(?:\[[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.|(?:[a-zA-Z0-9\-]+\.)+)(?:[a-zA-Z]{2,4}|[0-9]{1,3})\]?(?:\?subject=\S+)?"
)
_LONGEST_LINE = 10_000  # characters
_MAILBOX = string.ascii_letters + string.digits + "_-.+"


def mended(text: str) -> str:
    """`text`, or what it was before somebody took its UTF-8 for Latin-1."""
    if not text.isascii():
        try:
            return text.encode("latin-1").decode("utf-8")
        except UnicodeError:
            return text
    return text


def bare_text_of(element: _Element) -> str:
    """The text of an element that has no element in it, without the white space around it."""
    if len(element):
        raise Unusual(f"elements in <{element.tag}>")
    text = element.text
    return text.strip() if text else ""


def text_of(element: _Element) -> str:
    if len(element):
        raise Unusual(f"elements in <{element.tag}>")
    text = element.text
    if not text:
        return ""
    text = text.strip()
    return text if text.isascii() else mended(text)


def own_text_of(element: _Element) -> str:
    """The text of an element without that of the elements in it."""
    if not len(element):
        return text_of(element)
    return mended("".join([element.text or "", *(child.tail or "" for child in element)]).strip())


def media_type(name: str) -> str:
    return _SHORT_TYPES.get(name, name)


def content_of(element: _Element, default: str, attributes: Mapping[str, str], *, atom: str, language: str) -> Content:
    """A title, summary or content.

    Args:
        element: The element.
        default: The media type where it names none.
        attributes: Of the element.
        atom: The version of Atom, or "": there plain text is not searched for signs of HTML.
        language: What `xml:lang` says here.
    """
    kind = default
    if attributes:
        kind = media_type(attributes.get("type", default))
        if attributes.get("mode") == "base64" or not kind:
            raise Unusual("text in base64")
    if kind == XHTML:
        return Content(kind, mended(_markup(element, unwrapped=atom == "atom10")), language)
    value = text_of(element)
    if not kind.startswith("text/") and not kind.endswith(("+xml", "/xml")):
        return Content(kind, "", language)  # base64, of something that is no text
    if kind == "text/plain" and not atom and looks_like_html(value):
        kind = "text/html"
    return Content(kind, value, language)


def looks_like_html(text: str) -> bool:
    """Whether plain text is HTML, by feedparser's reckoning."""
    return ("</" in text or "&" in text) and bool(_FeedParserMixin.looks_like_html(text))


def _markup(element: _Element, *, unwrapped: bool) -> str:
    """The markup in an element, without attributes; `unwrapped`: without the one `div` around all of it."""
    if not len(element):
        return escape((element.text or "").strip(), quote=False)
    if unwrapped and len(element) == 1 and not (element.text or "").strip():
        child = element[0]
        if inline_name_of(child) == "div" and not (child.tail or "").strip():
            _check_inline(child)
            element = child
    pieces = [escape(element.text or "", quote=False)]
    for child in element:
        _write(child, pieces)
    return "".join(pieces).strip()


def _write(element: _Element, pieces: list[str]) -> None:
    name = _check_inline(element)
    pieces += f"<{name}>", escape(element.text or "", quote=False)
    for child in element:
        _write(child, pieces)
    pieces += f"</{name}>", escape(element.tail or "", quote=False)


def _check_inline(element: _Element) -> str:
    if any(str(key).lower().endswith("base") for key in element.keys()):  # noqa: SIM118 - an element's, not a dictionary's
        raise Unusual("a base in a text")
    return inline_name_of(element)


def resolve(base: str, uri: str) -> str:
    """As feedparser joins them; `base` may be ""."""
    if not base and ":///" not in uri:
        return uri
    return str(_urljoin(base, uri))


def text_link(text: str, base: str, *, in_item: bool) -> str:
    """A link that is the text of its element."""
    if not text:
        return ""
    link = text if not base and text.isascii() and ":///" not in text else mended(resolve(base, text))
    if "&" in link:
        # "?a=1&b;=2" comes of a query whose "&" was taken for the start of an entity.
        link = _ESCAPED_QUERY.sub(r"&\1", link.replace("&amp;", "&") if in_item else link)
    return link


def attribute_link(attributes: Mapping[str, str]) -> str | None:
    """The address in a link's attributes; None where they hold none."""
    return attributes.get("url", attributes.get("uri", attributes.get("href"))) or attributes.get("href")


def author_of(text: str) -> Person:
    """A line with a name, an address or both: "ann@example.org (Ann)"."""
    found = _address(text)
    if found is None:
        return Person(text or None)
    name = text.replace(found, "").replace("()", "").replace("<>", "").replace("&lt;&gt;", "").strip()
    name = name.removeprefix("(").removesuffix(")").strip()
    return Person(name or None, found)


def _address(text: str) -> str | None:
    """The first address in `text`."""
    text = text[:_LONGEST_LINE]
    at = text.find("@")
    while at >= 0:
        domain = _DOMAIN.match(text, at)
        if domain:
            mailbox = text[len(text[:at].rstrip(_MAILBOX)) : at]
            if mailbox:
                return mailbox + domain[0]
        at = text.find("@", at + 1)
    return None


def describe(person: Person) -> str | None:
    """The person in a line; None where nothing is known."""
    if person.name and person.email:
        return f"{person.name} ({person.email})"
    return person.name or person.email


def child_names(element: _Element) -> set[str]:
    return {name_of(child) for child in element}
