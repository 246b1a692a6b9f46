"""The one door for text from feeds: markup, entities and invisible characters stay outside.

HTML is taken apart by nh3 alone (an HTML5 parser). Only its canonical output, which holds no attribute, no comment and
none but the tags asked for, is handled here. nh3 itself is quadratic in hostile nesting, so this runs where it can be
killed.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache

import nh3

from monitor.parse.markup import MARK, text_of_markup

TEXT_LIMIT = 100_000  # characters of a summary or content
_SOURCE_LIMIT = 4 * TEXT_LIMIT  # characters of markup read for it

# Elements that begin and end a block; a tag that is not here is inline and vanishes without a trace.
_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "br", "caption", "center", "dd", "details", "dialog",
    "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5",
    "h6", "header", "hr", "legend", "li", "main", "menu", "nav", "ol", "optgroup", "option", "p", "pre", "search",
    "section", "select", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "title", "tr", "ul",
})  # fmt: skip
# Elements whose content is not prose. noscript, iframe, noembed and noframes hold raw text for other kinds of readers.
_DROPPED = frozenset({"script", "style", "template", "noscript", "iframe", "noembed", "noframes"})

# Of a whole page what stands around the article as well.
_AROUND = frozenset({"nav", "footer", "aside", "form", "menu", "dialog", "search", "title"})


def _cleaner(without: frozenset[str]) -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=_BLOCKS - without,
        clean_content_tags=without,
        attributes={"*": set()},
        generic_attribute_prefixes=set(),
        link_rel=None,
    )


_CLEANER = _cleaner(_DROPPED)
_PAGE_CLEANER = _cleaner(_DROPPED | _AROUND)
_TITLE = re.compile(r"<title[^<>]*>([^<]*)</title>", re.IGNORECASE)

_TAG = re.compile(r"</?[a-z][a-z0-9]*>")
_TAG_NAME = re.compile(r"</?([a-z][a-z-]{0,30})(?=[\s/>])", re.IGNORECASE)
_FOREIGN = re.compile(r"<(?:svg|math)[\s/>]", re.IGNORECASE)
# Escaped twice: an entity that still stands after HTML's own were resolved, and a tag of the common kind.
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_ESCAPED_TAG = re.compile(
    r"</?(?:p|div|span|br|a|b|i|em|strong|img|ul|ol|li|h[1-6]|blockquote|table|figure|pre|code)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_NUL = "\x01"  # stands for what MARK is in a text, which goes like it
_BLANKS = "\n\t\r\xa0"  # the usual white space beside " "
_VISIBLE = bytes(range(0x20, 0x7F)) + b"\n"
_SPACES = re.compile("  +")
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n\s*")

# Out: C0 and C1 but white space, soft hyphen, zero-width space, BOM, bidi embeddings, overrides and isolates, lone
# surrogates, noncharacters. In: ZWJ and ZWNJ (Persian, Indic scripts, emoji), LRM and RLM.
_UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u200b\ufeff\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
# The same, but for what parts the lines meanwhile.
_UNWANTED_IN_LINES = re.compile(_UNWANTED.pattern.replace(MARK, "\x01", 1))


def clean_line(text: str, limit: int = TEXT_LIMIT) -> str:
    """One line of plain text: NFC, white space collapsed, invisible characters out, cut to `limit` at a word."""
    if not text.isprintable():
        text = _UNWANTED.sub("", text)
    return _composed(" ".join(text.split()), limit)


def plain_line(markup: str, limit: int = TEXT_LIMIT) -> str:
    """Like `clean_line`, of HTML."""
    return clean_line(plain_text(markup), limit)


def plain_text(markup: str) -> str:
    """HTML to the words a reader would see: inline tags vanish, "\\n" ends a block, entities are characters.

    What a feed escaped once too often ("AT&amp;amp;T", "&amp;lt;p&amp;gt;") is unescaped once more.
    """
    if "<" not in markup and "&" not in markup:
        return unmarked_text(markup)
    if "<" not in markup:
        text = _unescaped(markup)
        if not _ESCAPED_TAG.search(text):
            # No markup at all, so line ends are the only paragraphs there are.
            return unmarked_text(markup)
        markup = text
    ordinary = text_of_markup(markup[:_SOURCE_LIMIT])
    return _tidy(_strip(markup) if ordinary is None else ordinary)


def page_text(markup: str) -> tuple[str, str]:
    """The title of a web page, and its words without navigation, footer and what else stands around the article."""
    title = _TITLE.search(markup)
    return plain_line(title[1]) if title else "", _tidy(_strip(markup, _PAGE_CLEANER))


def unmarked_text(text: str) -> str:
    """Text that is not HTML; "<" is a character. Blank lines end a paragraph, entities are resolved all the same.

    Escaping in a field that calls itself plain is a common mistake; "&amp;" as a meant text is next to unknown.
    """
    text = text[:_SOURCE_LIMIT]
    if "&" not in text and text.isprintable():
        return _composed(" ".join(text.split()))
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "&" in text:
        text = _ENTITY.sub(_resolve, text)
    return _tidy(_BLANK_LINE.sub(MARK, text.replace(MARK, _NUL)))


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, cut at white space where there is any in the last half."""
    if len(text) <= limit:
        return text
    head = text[:limit]
    if not text[limit].isspace():
        end = max(head.rfind(" "), head.rfind("\n"))
        if end > limit // 2:
            head = head[:end]
    return head.rstrip()


def _unescaped(text: str) -> str:
    """The text of HTML that has no tag in it."""
    # Here nh3 tells the white space of HTML from other white space, which text_of_markup does not.
    ordinary = text_of_markup(text[:_SOURCE_LIMIT])
    if ordinary is None or not text.isascii() or _ESCAPED_TAG.search(ordinary):
        return _strip(text).replace(MARK, "\n")
    return " ".join(ordinary.split())


def _strip(markup: str, cleaner: nh3.Cleaner = _CLEANER) -> str:
    """The text in `markup`; its lines are parted by `MARK`."""
    cleaned = cleaner.clean(_without_strangers(markup[:_SOURCE_LIMIT]))
    canonical = " ".join(cleaned.replace(MARK, _NUL).split())
    return html.unescape(_TAG.sub(MARK, canonical))


def _without_strangers(markup: str) -> str:
    """`markup` with a `span` for each element of SVG or MathML that stands outside of these.

    To a browser "<domain>" is an element that it does not know; nh3 drops it with all that is in it.
    """
    strangers = [name for name in {name.lower() for name in _TAG_NAME.findall(markup)} if _is_stranger(name)]
    if not strangers or _FOREIGN.search(markup):
        return markup
    names = "|".join(map(re.escape, strangers))
    return re.sub(rf"(</?)(?:{names})(?=[\s/>])", r"\1span", markup, flags=re.IGNORECASE)


@lru_cache(maxsize=1024)
def _is_stranger(name: str) -> bool:
    return name not in _DROPPED and "x" not in nh3.clean(f"<{name}>x</{name}>")


def _tidy(text: str) -> str:
    """Lines that are parted by `MARK`, as an entry has them: entities that still stand are resolved."""
    if "&" in text:
        text = _ENTITY.sub(_resolve, text)
    for blank in _BLANKS:
        text = text.replace(blank, " ")
    lines = [line for each in text.split(MARK) if (line := each.strip())]
    text = "\n".join(lines)
    if not _are_printable(lines, text):
        text = " ".join(_UNWANTED_IN_LINES.sub("", MARK.join(lines)).split())
        text = "\n".join(filter(None, map(str.strip, text.split(MARK))))
    elif "  " in text:
        text = _SPACES.sub(" ", text)
    return _composed(text)


def _are_printable(lines: list[str], text: str) -> bool:
    """Whether nothing in `lines`, which are `text`, is invisible; a third of the time of `isprintable` for ASCII."""
    return not text.encode().translate(None, _VISIBLE) if text.isascii() else all(map(str.isprintable, lines))


def _composed(text: str, limit: int = TEXT_LIMIT) -> str:
    """In NFC, and cut."""
    return cut(text if text.isascii() else unicodedata.normalize("NFC", text), limit)


def _resolve(entity: re.Match[str]) -> str:
    return html.unescape(entity[0])


# Longer lines are paragraphs, and nobody has broken them to fit.
_WIDEST = 120


def text_of_file(text: str) -> str:
    """A plain text as an entry has it: NFC, without invisible characters, a paragraph to a line.

    Where its lines are broken to fit a width, they are joined again: a line goes on in the next one if that one's first
    word had no room on it.
    """
    lines = [line.strip() for line in unicodedata.normalize("NFC", _UNWANTED.sub("", text)).splitlines()]
    width = max(map(len, lines), default=0)
    joined: list[str] = []
    before = ""
    for line in lines:
        if before and line and width <= _WIDEST and len(before) + 1 + len(line.split(maxsplit=1)[0]) > width:
            joined[-1] += f" {line}"
        else:
            joined.append(line)
        before = line
    return "\n".join(joined).strip()
