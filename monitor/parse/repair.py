"""Cheap mending of a feed's XML before it is parsed: what publishers commonly break and a strict parser dies of."""

from __future__ import annotations

import html
import re

_DECLARATION = re.compile(r"\A(?:\s|\ufeff|<!--.*?-->)*<\?xml[^>]*\?>\s*", re.DOTALL)
_RSS_PREFIX = re.compile(r"(</?)rss:(?=[A-Za-z])")
# Not allowed in XML 1.0 (section 2.2), in no escape either.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_AMPERSAND = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)"
    # As it should be, and most are.
    r"|&(?!(?:amp|lt|gt|quot|apos|#(?:[4-9][0-9]|[1-9][0-9]{2,3}|x20[0-9a-fA-F]{2}));)"
    r"(?:#(?:[xX](?P<hex>[0-9a-fA-F]+)|(?P<decimal>[0-9]+));?|(?P<name>[A-Za-z][A-Za-z0-9]{1,31});)?",
    re.DOTALL,
)
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})


def repair(text: str) -> str:
    """`text` without its declaration (it is no longer true of the decoded text), and mended.

    Illegal characters and references to them go, HTML's entities become characters, every other ampersand outside CDATA
    is escaped. A document that declares entities of its own keeps its ampersands.
    """
    text = _ILLEGAL.sub("", _DECLARATION.sub("", text, count=1).lstrip("\ufeff \t\r\n"))
    if "<rss:item" in text and "xmlns:rss" not in text:
        text = _RSS_PREFIX.sub(r"\1", text)  # a prefix for RSS itself, never declared: seen in the wild
    if "&" in text and "<!ENTITY" not in text:
        text = _AMPERSAND.sub(_mended, text)
    return text


def _mended(found: re.Match[str]) -> str:
    whole = found[0]
    if whole[0] == "<":
        return whole
    if found["hex"] or found["decimal"]:
        return _reference(found["hex"], found["decimal"])
    name = found["name"]
    if name is None or name in _XML_ENTITIES:
        return whole if name else "&amp;"
    character = html.unescape(whole)
    return f"&amp;{name};" if "&" in character or "<" in character else character


def _reference(hexadecimal: str | None, decimal: str | None) -> str:
    digits = (hexadecimal or decimal or "").lstrip("0")
    if not 0 < len(digits) <= 7:
        return ""
    code = int(digits, 16 if hexadecimal else 10)
    return "" if code > 0x10FFFF or _ILLEGAL.match(chr(code)) else f"&#{code};"
