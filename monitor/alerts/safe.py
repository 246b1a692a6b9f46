"""The doors that text and links of an alert pass on their way into a message.

Parsing has already taken markup and control characters out. These doors do not rely on it: a title that gets through
them can not end a header line, colour a terminal, turn text around, or make a channel refuse the message for ever.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

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
    if space >= cut * 0.6:
        cut = space
    else:
        while cut > 0 and _joined(text[cut - 1], text[cut]):
            cut -= 1
    return text[:cut].rstrip(" \n,;:–—-") + "…"


def _joined(before: str, after: str) -> bool:
    joiner = "\u200d"
    return joiner in (before, after) or "\ufe00" <= after <= "\ufe0f" or unicodedata.combining(after) > 0


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
    if sum(len(text) for text, _ in pieces) <= limit:
        return pieces
    kept: list[Run] = []
    left = limit
    for text, marked in pieces:
        if len(text) >= left:
            kept.append((shorten(f"{text}…", left), marked))
            break
        kept.append((text, marked))
        left -= len(text)
    return tuple(kept)


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
