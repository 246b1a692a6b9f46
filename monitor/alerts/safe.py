"""The doors that text and links of an alert pass on their way into a message.

Parsing has already taken markup and control characters out. These doors do not rely on it: a title that gets through
them can not end a header line, colour a terminal, turn text around, or make a channel refuse the message for ever.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import regex

from monitor.sentences import sentences

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.model import Excerpt

Run = tuple[str, bool]
"""A piece of a passage, and whether it is a hit."""

_BREAKS = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
# Bidirectional controls, zero-width spaces, annotations. The joiners stay: Persian, Hindi and emoji need them.
_INVISIBLE = r"\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
_SURROGATES = r"\ud800-\udfff"

_DOOR = re.compile(f"(?P<space>[{_BREAKS}]+)|(?P<drop>[{_INVISIBLE}]+)|[{_SURROGATES}]")
_NOT_IN_URL = re.compile(rf'[\s{_BREAKS}{_INVISIBLE}{_SURROGATES}"<>\\^`{{|}}]')


def clean(text: str) -> str:
    """`text` on one line: control characters and line ends become a space, invisible formatting goes."""
    return _DOOR.sub(lambda found: " " if found["space"] else "" if found["drop"] else "\ufffd", text)


def clean_header(text: str, limit: int = 200) -> str:
    """`text` fit for a header of a mail or of an HTTP request: one line, single spaces, at most `limit` characters.

    Every header value that holds words of a feed or a rule comes from here. `EmailMessage` refuses a value with a line
    end, so without this one hostile title would be a message that fails for ever; and it lets NUL through.
    """
    return shorten(" ".join(clean(text).split()), limit)


def shorten(text: str, limit: int) -> str:
    """`text` in at most `limit` characters (≥ 1): cut at the end of a word, with "…" for what is missing.

    Text without spaces near the limit is cut between characters, never inside a combined one.
    """
    if len(text) <= limit:
        return text
    cut = limit - 1
    space = max(text.rfind(" ", 0, cut + 1), text.rfind("\n", 0, cut + 1))
    at_word = space >= cut * 0.6 or (space > 0 and _ADDRESS.match(text, space + 1))
    cut = space if at_word else character_at(text, cut)
    return text[: max(0, cut)].rstrip(" \n,;:–—-") + "…"


# Of which a half is worse than nothing.
_ADDRESS = re.compile(r"\S{0,40}?(?:://|@|www\.)")
_CHARACTER = regex.compile(r"\X")


def character_at(text: str, at: int) -> int:
    """Where the character that `at` is inside of begins: an emoji or a letter with its marks may be several."""
    return next((found.start() for found in _CHARACTER.finditer(text, max(0, at - 100)) if found.end() > at), at)


_STRONG = regex.compile(r"[\p{Bidi_Class=L}\p{Bidi_Class=R}\p{Bidi_Class=AL}]")
_RIGHT_TO_LEFT = regex.compile(r"[\p{Bidi_Class=R}\p{Bidi_Class=AL}\p{Bidi_Class=AN}]")


def isolated(text: str) -> str:
    """`text` fit to stand in a line with others: between U+2068 and U+2069 where it has letters that run right to left.

    For plain text; HTML has `<bdi>` and dir="auto". Without it a full stop, a number or a name after an Arabic passage
    is shown before it. For a text that is clean already: the doors take such characters out of what a feed says, so
    these are the only ones, and never without their end.
    """
    return f"\u2068{text}\u2069" if _RIGHT_TO_LEFT.search(text) else text


def runs_from_right(text: str) -> bool:
    """Whether a browser takes `text` for one that runs from right to left (dir="auto"): its first letter does."""
    found = _STRONG.search(text)
    return found is not None and _RIGHT_TO_LEFT.match(found[0]) is not None


def isolated_runs(pieces: Iterable[Run]) -> tuple[Run, ...]:
    """The pieces of one passage with what `isolated` puts around it."""
    pieces = tuple(pieces)
    if not any(_RIGHT_TO_LEFT.search(text) for text, _ in pieces):
        return pieces
    return (("\u2068", False), *pieces, ("\u2069", False))


def runs(passage: Excerpt) -> tuple[Run, ...]:
    """The passage, cleaned, as pieces that are hits or not, none empty; marks that do not fit its text are left out."""
    pieces: list[Run] = []
    at = 0
    for start, end in passage.marks:
        if not at <= start < end <= len(passage.text):
            continue
        pieces += [(passage.text[at:start], False), (passage.text[start:end], True)]
        at = end
    pieces.append((passage.text[at:], False))
    cleaned = ((clean(text), marked) for text, marked in pieces)
    return tuple(run for run in cleaned if run[0])


def shorten_runs(pieces: Iterable[Run], limit: int) -> tuple[Run, ...]:
    """The first `limit` characters (≥ 1) of the pieces, cut as `shorten` does it."""
    pieces = tuple(pieces)
    text = "".join(piece for piece, _ in pieces)
    if len(text) <= limit:
        return pieces
    kept = _first(pieces, len(shorten(text, limit)) - 1)
    if kept and not kept[-1][1]:
        return (*kept[:-1], (f"{kept[-1][0]}…", False))
    return (*kept, ("…", False))


def shorten_at_sentence(pieces: Iterable[Run], limit: int) -> tuple[Run, ...]:
    """The first `limit` characters (≥ 1) of the pieces: whole sentences, where those make up the half of it at least.

    "…" stands for what is missing. Else the cut is that of `shorten_runs`.
    """
    pieces = tuple(pieces)
    text = "".join(piece for piece, _ in pieces)
    if len(text) <= limit:
        return pieces
    end = max((end for _, end in sentences(text[:limit], "") if end <= limit - 2), default=0)
    if end == 0 or end < limit // 2:
        return shorten_runs(pieces, limit)
    return (*_first(pieces, end), (" …", False))


def _first(pieces: Iterable[Run], left: int) -> list[Run]:
    kept: list[Run] = []
    for piece, marked in pieces:
        kept.append((piece[:left], marked))
        left -= len(piece)
        if left <= 0:
            break
    return [run for run in kept if run[0]]


def safe_link(url: str) -> str:
    """`url` if it is an absolute http(s) URL, with what no URL may hold percent-encoded; else ""."""
    encoded = _NOT_IN_URL.sub(lambda found: quote(found[0], safe="", errors="replace"), url.strip())
    return encoded if link_host(encoded) else ""


def link_host(url: str) -> str:
    """The host of an http(s) URL as a reader knows it, without "www."; "" for anything else."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return ""
    return host.removeprefix("www.") if parts.scheme in {"http", "https"} else ""
