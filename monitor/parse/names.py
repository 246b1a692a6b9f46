"""Elements by the names that feedparser gives them: "dc_creator", "title", in whatever namespace they stand."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from feedparser.mixin import _FeedParserMixin

from monitor.parse.errors import Unusual

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.etree import _Element

# URI in lower case ▸ prefix; "" for RSS and Atom themselves.
_PREFIXES = {uri.lower(): prefix.lower() for uri, prefix in _FeedParserMixin.namespaces.items()}
_USERLAND = "backend.userland.com/rss"
_MAX_ATTRIBUTES = 100
_XHTML = "http://www.w3.org/1999/xhtml"

# What feedparser does at the end of such an element, it does in the middle of XHTML as well.
_HANDLED = frozenset(name.removeprefix("_end_") for name in dir(_FeedParserMixin) if name.startswith("_end_"))


def name_of(element: _Element) -> str:
    """feedparser's name: the known prefix of its namespace, else the document's own, and the rest in lower case."""
    tag = str(element.tag)
    if tag[0] != "{":
        if ":" in tag:
            raise Unusual("prefix without a namespace")
        return tag.lower()
    uri, _, local = tag[1:].partition("}")
    prefix = _prefix(uri)
    if prefix is None:
        prefix = (element.prefix or "").lower()
    return f"{prefix}_{local.lower()}" if prefix else local.lower()


def attributes_of(element: _Element) -> dict[str, str]:
    """Attributes by feedparser's names, such as "rdf:about"; values of `rel` and `type` in lower case."""
    if len(element.keys()) > _MAX_ATTRIBUTES:  # to read them takes lxml a time that grows with their square
        raise Unusual("a great many attributes")
    found = {}
    for key, value in element.items():
        name = _attribute_name(str(key))
        found[name] = str(value).lower() if name in ("rel", "type") else str(value)
    return found


@lru_cache(maxsize=512)
def _attribute_name(key: str) -> str:
    name = key
    if name[0] == "{":
        uri, _, local = name[1:].partition("}")
        prefix = _prefix(uri)
        name = f"{prefix}:{local}" if prefix else local
    return name.lower()


def inline_name_of(element: _Element) -> str:
    """The HTML name of an element in the middle of a text."""
    tag = str(element.tag)
    uri, _, local = tag[1:].partition("}") if tag[0] == "{" else ("", "", tag)
    local = local.lower()
    inside = uri == _XHTML or not _prefix(uri)
    if local in ("svg", "math", "body") or ":" in local or not inside or (uri != _XHTML and local in _HANDLED):
        raise Unusual(f"<{local}> in a text")
    return local


def check_prefixes(declared: Mapping[str | None, str]) -> None:
    """Decline a document that gives the prefix of one known namespace to another one."""
    for prefix, uri in declared.items():
        known = _prefix(uri)
        if prefix and known is not None and prefix != known and prefix in _PREFIXES.values():
            raise Unusual("prefixes change places")


def version_of(root: str, declared: Mapping[str | None, str], attributes: Mapping[str, str]) -> str:
    """feedparser's name of the format, as far as it matters: "rss", "atom" and "atom10" begin it."""
    if root == "rss":
        return "rss"
    for prefix, uri in declared.items():
        lowered = uri.lower()
        if lowered == "http://www.w3.org/2005/atom":
            found = "atom10"
        elif lowered == "http://purl.org/rss/1.0/" or (not prefix and lowered.endswith("/rdf/simple/0.9/")):
            found = "rss10"
        else:
            continue
        if found.startswith("atom") != (root == "feed"):
            raise Unusual("a format in another one")
        return found
    if root != "feed":
        raise Unusual("RDF that is no RSS")
    return "atom03" if attributes.get("version") == "0.3" else "atom"


def _prefix(uri: str) -> str | None:
    lowered = uri.lower()
    return "" if _USERLAND in lowered else _PREFIXES.get(lowered)
