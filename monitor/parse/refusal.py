"""What a document is that is no feed, and what its owner may do about it."""

from __future__ import annotations

import html
import re

import nh3

from monitor.parse.items import absolute_link
from monitor.parse.text import clean_line

_HEAD = 100_000  # characters looked at; the links to a page's feeds stand at its top
_MAX_LINKS = 3
_FEED_TYPES = ("application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml")

_PROLOG = re.compile(r"(?:\s|\ufeff|<\?[^>]*>|<!--.*?-->|<!doctype[^>]*>)*", re.DOTALL | re.IGNORECASE)
_ROOT = re.compile(r"<([A-Za-z_][\w.:-]{0,60})[\s/>]")
_HTML_ROOTS = frozenset(
    {"html", "head", "body", "title", "meta", "script", "div", "p", "h1", "link", "style", "table", "center"}
)
# nh3's canonical output: attributes in double quotes, `"` in values escaped.
_LINK = re.compile(r"<link((?: [a-z]+=\"[^\"]*\")*)>")
_ATTRIBUTE = re.compile(r" ([a-z]+)=\"([^\"]*)\"")

_KNOWN_ROOTS = {
    "opml": "this is an OPML list of feeds: import it with `news-monitor feeds import`",
    "urlset": "this is a sitemap, not a feed: check the feed's url",
    "sitemapindex": "this is a sitemap index, not a feed: check the feed's url",
}


def explain_no_feed(text: str, *, content_type: str | None, url: str) -> str:
    """One line for a person about a document without any feed in it."""
    if is_html(text):
        links = feed_links(text, url=url)
        if links:
            return f"this is an HTML page, not a feed; it names these feeds: {', '.join(links)}"
        return "this is an HTML page, not a feed, and it names none: look for the site's RSS link"
    root = _root(text)
    if root:
        known = _KNOWN_ROOTS.get(root.rpartition(":")[2].lower())
        return known or f"this is XML, but not a feed: its root element is <{root}>: check the feed's url"
    kind = f" ({clean_line(content_type, 60)})" if content_type else ""
    return f"this is neither XML nor JSON{kind}: check the feed's url"


def is_html(text: str) -> bool:
    """Whether the first element is one of HTML's, whatever the header says."""
    return _root(text).lower() in _HTML_ROOTS or "<!doctype html" in text[:1024].lower()


def is_closed(text: str) -> bool:
    """Whether the first element ends somewhere; if not, the document was cut short on its way."""
    root = _root(text)
    return not root or f"</{root}" in text


def feed_links(page: str, *, url: str) -> list[str]:
    """The feeds that an HTML page at `url` names, at most three (https://www.rssboard.org/rss-autodiscovery)."""
    cleaner = nh3.Cleaner(
        tags={"link"}, attributes={"link": {"rel", "type", "href"}}, generic_attribute_prefixes=set(), link_rel=None
    )
    found: list[str] = []
    for tag in _LINK.finditer(cleaner.clean(page[:_HEAD])):
        attributes = {name: html.unescape(value) for name, value in _ATTRIBUTE.findall(tag[1])}
        if "alternate" not in attributes.get("rel", "").lower().split():
            continue
        if attributes.get("type", "").split(";")[0].strip().lower() not in _FEED_TYPES:
            continue
        link = clean_line(absolute_link(attributes.get("href", ""), url))
        if link and link not in found:
            found.append(link)
    return found[:_MAX_LINKS]


def _root(text: str) -> str:
    head = text[:_HEAD]
    prolog = _PROLOG.match(head)
    found = _ROOT.match(head, prolog.end() if prolog else 0)
    return found[1] if found else ""
