"""The words of ordinary HTML, without an HTML parser.

nh3 takes most of the time that a feed costs. What it makes of the markup that articles mostly have, paragraphs, lists,
links, tables and emphasis, properly nested, can be said with one regular expression and a stack. This gives what nh3
gives, or declines: at anything whose HTML5 parse (https://html.spec.whatwg.org/multipage/parsing.html) moves or invents
something.
"""

from __future__ import annotations

import re
from functools import lru_cache
from html.entities import html5
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MARK = "\0"  # between two lines; HTML has none

_INLINE = frozenset({
    "a", "abbr", "audio", "b", "bdi", "bdo", "big", "button", "cite", "code", "data", "del", "dfn", "em", "font", "i",
    "ins", "kbd", "label", "mark", "object", "picture", "q", "s", "samp", "small", "span", "strike", "strong", "sub",
    "sup", "time", "tt", "u", "var", "video",
})  # fmt: skip
_BLOCK = frozenset({
    "address", "article", "aside", "blockquote", "center", "dd", "details", "dialog", "dir", "div", "dl", "dt",
    "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "li", "main", "menu", "nav",
    "ol", "p", "pre", "search", "section", "summary", "ul",
})  # fmt: skip
_CELLS = frozenset({"caption", "table", "tbody", "td", "tfoot", "th", "thead", "tr"})
_VOID = frozenset({"img", "wbr", "source", "track", "embed", "input", "param", "col"})
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
# End tags that may be left out.
_IMPLIED = frozenset({"p", "li", "dd", "dt"})
# What must not be in what, even with others between them; of list items, unless there is a list between them.
_APART = {"a": {"a"}, "button": {"button"}, "form": {"form"}, **dict.fromkeys(_HEADINGS, _HEADINGS)}
_FAMILY = {"li": frozenset({"li"}), "dd": frozenset({"dd", "dt"}), "dt": frozenset({"dd", "dt"})}
_LISTS = frozenset({"ul", "ol", "dl"})
# What may stand in what, of a table; a cell holds whatever a block does, the rest nothing else, not even text.
_PARENTS = {
    "caption": frozenset({"table"}),
    "colgroup": frozenset({"table"}),
    "col": frozenset({"table", "colgroup"}),
    "thead": frozenset({"table"}),
    "tbody": frozenset({"table"}),
    "tfoot": frozenset({"table"}),
    "tr": frozenset({"table", "thead", "tbody", "tfoot"}),
    "td": frozenset({"tr"}),
    "th": frozenset({"tr"}),
}
_TABLE_TAGS = frozenset({"table", *_PARENTS})
_BARE = frozenset({"table", "colgroup", "thead", "tbody", "tfoot", "tr"})
_DEEPEST = 64

# What stands for a tag in the text, by its name with the slash of an end tag; None: a comment, or an element that goes
# with what is in it.
_PLACES: dict[str | None, str] = {
    None: "",
    "br": MARK,
    "hr": MARK,
    **{slash + name: "" for name in (*_INLINE, *_VOID, "colgroup") for slash in ("", "/")},
    **{slash + name: MARK for name in (*_BLOCK, *_CELLS) for slash in ("", "/")},
}
# Tags that open and close nothing. An end tag of what has no end is ignored.
_ALONE: frozenset[str | None] = frozenset({None, "br", "hr", *_VOID, *(f"/{name}" for name in _VOID)})
_ENDS: dict[str | None, str] = {f"/{name}": name for name in (*_INLINE, *_BLOCK, *_CELLS, "colgroup")}

# Every tag that opens or closes something as a character.
_NESTED = (*sorted(_INLINE), *sorted(_BLOCK | _CELLS), "colgroup")
_CODES: dict[str | None, str] = {
    **dict.fromkeys(_ALONE, ""),
    **{name: chr(number) for number, name in enumerate(_NESTED, start=1)},
    **{f"/{name}": chr(128 + number) for number, name in enumerate(_NESTED, start=1)},
}
_DECODED = {code: name for name, code in _CODES.items() if code}


def _ends(names: Iterable[str]) -> dict[str, str]:
    return {_CODES[name]: _CODES[f"/{name}"] for name in names}


# What opens ▸ what closes it: what may stand anywhere, and the rest. Of that, what must not be open then.
_FREE = _ends(_INLINE - set(_APART))
_BOUND = _ends(set(_NESTED) - (_INLINE - set(_APART)))
_BARRED = {
    _CODES[name]: frozenset(_CODES[f"/{other}"] for other in others) for name, others in (_APART | _FAMILY).items()
}
_END_OF_PARAGRAPH = _CODES["/p"]
_IN_LINES = frozenset(_CODES[name] for name in _INLINE)
_TABLE_CODES = frozenset(_CODES[name] for name in _TABLE_TAGS - {"col"})
_LINE_ENDS = frozenset(name for name, place in _PLACES.items() if place)

# Linear, as nothing in it is tried twice: an attempt that fails ends at the next tag or quotation mark. The end of a
# comment is known to be there (see `_is_open`); in a script there is no other one.
_VALUE = r"""[ \t\r\n]*+=[ \t\r\n]*+(?:"[^"]*+"|'[^']*+'|[^\s"'=<>`\f]++)"""
_REST = rf"(?:[ \t\r\n]++[A-Za-z_:@][A-Za-z0-9_:.@-]*+(?:{_VALUE})?+)*+[ \t\r\n]*+/?+>"
_RAW = "|".join(
    rf"{name}(?![a-z0-9]){_REST}[^<]*+(?:<(?!/?{name}{no}|/?{name.upper()})[^<]*+)*+</{name}>"
    for name, no in (("script", "|!--"), ("style", ""), ("iframe", ""))
)
_COMMENT = r"!--(?!-?>)[^-]*+(?:-(?!->)[^-]*+)*+-->"
_TAG = re.compile(rf"<(?:(/?[a-z][a-z0-9]*+(?<!script)(?<!style)(?<!iframe)){_REST}|{_COMMENT}|{_RAW})")
# Tags with nothing but white space between them, if none has a ">" in its attributes. There must be a ">" after every
# "<", or the search is quadratic.
_ANY = rf"<(?:{_COMMENT}|{_RAW}|[^>]*+>)"
_RUN = re.compile(rf"({_ANY}(?:\s*+{_ANY})*+)")
_MOST = 4_096  # runs that are remembered
_SHORT = 128  # characters of a run that is worth remembering
_REFERENCE = re.compile(r"(&(?:#[0-9]{2,7};|#[xX][0-9a-fA-F]{2,6};|#|[A-Za-z][A-Za-z0-9]*;?))")
_TORN_REFERENCE = re.compile(r"&[#A-Za-z0-9]*<")
_NAMED = {name: text for name, text in html5.items() if name.endswith(";")}
# Numbers that HTML5 takes for what they say: no controls, no surrogates, no noncharacters.
_NUMBERS = ((0x20, 0x7E), (0xA0, 0xD7FF), (0xE000, 0xFDCF), (0xFDF0, 0xFFFD), (0x10000, 0x1FFFD))


class _Odd(Exception):  # noqa: N818 - no error: nh3 takes the text
    """Not ordinary."""


def text_of_markup(markup: str) -> str | None:
    """The text in `markup`, with its white space; references are resolved once. None: ask nh3.

    Its lines are parted by `MARK`; they may be empty.
    """
    if MARK in markup or "\f" in markup or _is_open(markup):
        return None
    if markup.find("<", markup.rfind(">") + 1) >= 0:
        return None
    try:
        text = _text_of_runs(markup)
        if text is None:
            text = _text_of_tags(markup)
        if "<" in text:
            return None
        return _resolved(text) if "&" in text else text
    except (_Odd, KeyError):
        return None


def _text_of_runs(markup: str) -> str | None:
    """The text, references unresolved; None where the tags are to be looked at one by one.

    The same few runs of tags make up most markup, so what they mean is remembered.
    """
    parts = _RUN.split(markup)
    if len(parts) == 1:
        return markup
    if "&" in markup and _TORN_REFERENCE.search(markup):
        raise _Odd
    try:
        runs = list(map(_known_runs.__getitem__, parts[1::2]))
    except _Odd:  # a KeyError is for good: up to that tag all are read as they stand
        return None
    codes = "".join([code for code, _ in runs])
    if not _is_plain(codes):
        names: list[str | None] = [_DECODED[code] for code in codes]
        _check_nesting(names)
        if None in names:
            return None
    if not _TABLE_CODES.isdisjoint(codes):
        pieces = _TAG.split(markup)
        _check_tables(pieces[1::2], pieces[::2])
    parts[1::2] = [place for _, place in runs]
    return "".join(parts)


def _read_run(run: str) -> tuple[str, str]:
    """The codes of the tags in it, and what stands for it in the text."""
    if run.rfind("<") == 0:
        tag = _TAG.fullmatch(run)
        if tag is None:
            raise _Odd
        return _CODES[tag[1]], _PLACES[tag[1]]
    parts = _TAG.split(run)
    between = "".join(parts[::2])
    if between and not between.isspace():
        raise _Odd
    names = parts[1::2]
    codes = "".join([_CODES[name] for name in names])
    return codes, between[:1] if _LINE_ENDS.isdisjoint(names) else MARK


class _KnownRuns(dict[str, tuple[str, str]]):
    """What `_read_run` says; short ones are remembered. Half of what `lru_cache` takes, and this is asked most."""

    def __missing__(self, run: str) -> tuple[str, str]:
        read = _read_run(run)
        if len(run) <= _SHORT:
            if len(self) == _MOST:
                self.clear()
            self[run] = read
        return read


_known_runs = _KnownRuns()


def _text_of_tags(markup: str) -> str:
    """The same by single tags."""
    parts = _TAG.split(markup)
    names: list[str | None] = parts[1::2]
    if not _is_plain("".join([_CODES[name] for name in names])):
        _check_nesting(names)
    if not _TABLE_TAGS.isdisjoint(names):
        _check_tables(names, parts[::2])
    parts[1::2] = [_PLACES[name] for name in names]
    return "".join(parts)


def _resolved(text: str) -> str:
    parts = _REFERENCE.split(text)
    parts[1::2] = map(_character, parts[1::2])
    return "".join(parts)


def _is_open(markup: str) -> bool:
    """Whether a comment may have no end, or another one than "-->"."""
    if "<!--" not in markup:  # half of what `rfind` takes
        return False
    start = markup.rfind("<!--")
    return markup.rfind("-->") < start or "--!>" in markup


def _is_plain(codes: str) -> bool:
    """Whether every tag is closed in its turn, and none stands where HTML5 does not let it stand."""
    ends: list[str] = []
    end = ""
    for code in codes:
        if code == end:
            end = ends.pop()
            continue
        ends.append(end)
        if code in _FREE:
            end = _FREE[code]
        elif code not in _BOUND or (end == _END_OF_PARAGRAPH and code not in _IN_LINES) or len(ends) > _DEEPEST:
            break  # an end tag out of its turn, or an end that is implied
        elif code in _BARRED and not _BARRED[code].isdisjoint((*ends, end)):
            break
        else:
            end = _BOUND[code]
    else:
        return True
    return False


def _check_nesting(names: list[str | None]) -> None:
    """Raise `_Odd` where a tag has no partner, or begins what HTML5 does not let begin there.

    End tags of what was never opened are ignored, as HTML5 does: they become None.
    """
    stack: list[str | None] = []
    for position, name in enumerate(names):
        ended = _ENDS.get(name)
        if ended is not None:
            if stack and stack[-1] == ended:
                stack.pop()
            elif ended not in stack:
                if ended != "p":  # a paragraph that a block ended: HTML5 makes an empty one
                    names[position] = None
            else:
                _end(ended, stack)
        elif name not in _ALONE:
            if name not in _INLINE and stack and stack[-1] == "p":
                stack.pop()
            if name in _APART and not _APART[name].isdisjoint(stack):
                raise _Odd
            if name in _FAMILY:
                _begin_item(_FAMILY[name], stack)
            stack.append(name)
            if len(stack) > _DEEPEST:
                raise _Odd


def _begin_item(family: frozenset[str], stack: list[str | None]) -> None:
    """An item of a list ends the one before."""
    if stack and stack[-1] in family:
        stack.pop()
    for outer in reversed(stack):
        if outer in family:
            raise _Odd
        if outer in _LISTS:
            return


def _end(name: str, stack: list[str | None]) -> None:
    while stack[-1] in _IMPLIED and stack[-1] != name and name not in _INLINE:
        stack.pop()
    if stack.pop() != name:
        raise _Odd


def _check_tables(names: list[str | None], texts: list[str]) -> None:
    """Raise `_Odd` where HTML5 would move something out of a table; the tags are nested."""
    stack: list[str] = []
    for name, text in zip(names, texts[1:], strict=True):
        ended = _ENDS.get(name)
        if ended is not None:
            if ended in _PARENTS or ended == "table":
                if not stack or stack.pop() != ended:
                    raise _Odd
            elif stack and stack[-1] in _BARE:
                raise _Odd
        elif name in _PARENTS:
            if not stack or stack[-1] not in _PARENTS[name]:
                raise _Odd
            if name != "col":
                stack.append(name)
        elif name and stack and stack[-1] in _BARE:
            raise _Odd
        elif name == "table":
            stack.append(name)
        if stack and stack[-1] in _BARE and text.strip(" \t\r\n"):
            raise _Odd


@lru_cache(maxsize=1024)
def _character(reference: str) -> str:
    if reference[1] != "#":
        return _NAMED[reference[1:]]
    if len(reference) == 2:
        raise _Odd
    number = int(reference[3:-1], 16) if reference[2] in "xX" else int(reference[2:-1])
    if any(first <= number <= last for first, last in _NUMBERS):
        return chr(number)
    raise _Odd
