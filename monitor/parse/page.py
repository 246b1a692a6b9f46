"""A web page's bytes to the text of its article, without what stands around it.

What is the article and what is menu, notice or advertisement is for trafilatura to find out (the extra `fulltext`); the
text then goes through the same door as that of a feed. Pages come from anywhere, so this runs in a process that can be
killed (`monitor.parse.pool`).
"""

from __future__ import annotations

import importlib.util
import logging
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from monitor.errors import MonitorError
from monitor.model import PageText, ParseFailed
from monitor.parse.charset import decode
from monitor.parse.text import plain_text

if TYPE_CHECKING:
    from monitor.model import Entry

INSTALL = "pip install 'news-monitor[fulltext]'"
_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
# Where browsers look for it (HTML, "prescan a byte stream to determine its encoding"), and somewhat further.
_HEAD_BYTES = 4096
_META_CHARSET = re.compile(rb"""<meta\b[^>]{0,300}?\bcharset\s*=\s*["']?\s*([A-Za-z0-9._:-]{1,40})""", re.IGNORECASE)
_CHARSET = re.compile(r";\s*charset\s*=", re.IGNORECASE)
# RFC 9110 section 8.3.1, as far as it is used.
_MEDIA_TYPE = re.compile(r"[a-z0-9.+-]{1,40}/[a-z0-9.+_-]{1,80}")
_WORD = re.compile(r"\w+")


def available() -> bool:
    """Whether pages can be read: the extra `fulltext` is installed."""
    return importlib.util.find_spec("trafilatura") is not None


def no_page(content_type: str | None) -> str:
    """Why what came with this Content-Type is no page to be read, in a line; "" where it is one, or may be."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    if not kind or kind in _HTML_TYPES:
        return ""
    return f"the page is {kind}, not HTML" if _MEDIA_TYPE.fullmatch(kind) else "the page is of no known type"


def read_page(body: bytes, *, content_type: str | None) -> PageText | ParseFailed:
    """The main text: a paragraph, heading, list item or table cell to a line, at most `TEXT_LIMIT` characters.

    Args:
        content_type: The header as sent; its charset goes before the one that the page names itself.

    Raises:
        MonitorError: The library is not installed; see `available`.
    """
    found: str | None = _library().extract(
        decode(body, _with_charset(body, content_type)),
        output_format="html",
        include_comments=False,
        include_tables=True,
        include_formatting=False,
    )
    text = plain_text(found or "")
    return PageText(text=text) if text else ParseFailed(detail="no text of an article was found on the page")


def beyond(text: str, entry: Entry) -> str:
    """What a page's text is worth besides what the feed gave: all of it but the headline above it, or "".

    A page with less text than the feed gave says nothing new: it is a notice that one must subscribe or agree first.
    """
    lines = text.split("\n")
    headline = _words(entry.title)
    while lines and headline and _words(lines[0]) == headline:
        del lines[0]
    rest = "\n".join(lines)
    return rest if len(rest) >= max(len(entry.summary), len(entry.content)) else ""


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _with_charset(body: bytes, content_type: str | None) -> str | None:
    """The header, or one with the charset that the page itself names where the header names none."""
    if _CHARSET.search(content_type or ""):
        return content_type
    declared = _META_CHARSET.search(body, 0, _HEAD_BYTES)
    return f"text/html; charset={declared[1].decode('ascii')}" if declared else content_type


@cache
def _library() -> Any:
    """Loaded with the first page, 0.2 s and 30 MB that nobody else is to pay for."""
    try:
        library = importlib.import_module("trafilatura")
    except ImportError:
        raise MonitorError(f"pages can only be read with the extra `fulltext`: {INSTALL}") from None
    # It tells its log of every odd page; what came of one is told by its result.
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL + 1)
    return library
