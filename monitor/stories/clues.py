"""Entry ▸ clues: the little that the clustering keeps of an entry.

Two things tell that entries are about one event. The words of the title do for reports that were written anew, names
and numbers above all; and runs of words at the beginning of the text do for copies, whatever their title: agencies'
texts are cut to any length, so only beginnings can be compared.

Nothing here knows a language. Words are folded (case, width, a possessive 's); scripts that put no blanks between
words, and Korean, whose particles stick to them, are cut into pairs of characters instead, which is what search engines
do with them.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from dataclasses import dataclass
from sys import byteorder, intern
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.model import Entry

_VERSION = 1
_MAX_WORDS = 24  # of a title; longer ones are texts
_LEAD = 48  # words at the beginning of a text that are compared
_LEAD_CHARS = 600
_SHINGLE = 4  # words; of three many are idioms, of five a changed word spoils too many
_OPENING = 12  # words that the shortest copies are left with

# Thai, Lao, Burmese, Khmer; kana; Han; Hangul.
_PAIRED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\uac00-\ud7af\U00020000-\U0003ffff"
)
_RUN = re.compile(rf"[{_PAIRED}]+|(?:(?![{_PAIRED}])[^\W_])+(?:['.,](?:(?![{_PAIRED}])[^\W_])+)*")
_FIRST_PAIRED = "\u0e00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clues:
    """What the clustering knows of an entry.

    Attributes:
        words: Of the title, folded, in order, each once; of the text where there is no title.
        shingles: CRC-32 of every run of four words at the beginning of the texts, rising. Empty: too little text.
        marks: Those of them under which copies are looked for: the two smallest of the first words, and the four
            smallest of all.
        outlet: Who publishes it, as far as the entry tells: the name of its source, else the host of its link; or "".
    """

    words: tuple[str, ...]
    shingles: tuple[int, ...] = ()
    marks: tuple[int, ...] = ()
    outlet: str = ""

    def pack(self) -> bytes:
        """For the store: a version byte, lengths, words and outlet as UTF-8, hashes as little-endian 32 bits."""
        text = "\0".join((self.outlet, *self.words)).encode()
        head = bytes((_VERSION, len(self.marks))) + len(text).to_bytes(2, "little")
        return head + text + _to_bytes((*self.marks, *self.shingles))

    @staticmethod
    def unpack(data: bytes) -> Clues:
        """The clues that `pack` made these bytes of.

        Raises:
            ValueError: They are of a version that this program does not know, or cut short.
        """
        if not data or data[0] != _VERSION:
            found = data[0] if data else "none"
            msg = f"clues of version {found}, this program reads version {_VERSION}; make them anew from the entry"
            raise ValueError(msg)
        size = int.from_bytes(data[2:4], "little")
        if len(data) < 4 + size + 4 * data[1] or (len(data) - 4 - size) % 4:
            raise ValueError("clues that are cut short; make them anew from the entry")
        outlet, *words = data[4 : 4 + size].decode().split("\0")
        hashes = _from_bytes(data[4 + size :])
        return Clues(words=tuple(words), marks=hashes[: data[1]], shingles=hashes[data[1] :], outlet=outlet)


def clues_of(entry: Entry) -> Clues:
    """What the clustering keeps of `entry`."""
    words = _words(entry.title)
    runs = [_shingles(_words(text[:_LEAD_CHARS])[:_LEAD]) for text in (entry.summary, entry.content) if text]
    shingles = tuple(sorted({number for run in runs for number in run}))
    openings = {number for run in runs for number in sorted(run[: _OPENING - _SHINGLE + 1])[:2]}
    if not words:
        words = _words((entry.summary or entry.content)[:_LEAD_CHARS])[:_OPENING]
    return Clues(
        words=tuple(map(intern, dict.fromkeys(words[:_MAX_WORDS]))),
        shingles=shingles,
        marks=tuple(sorted(openings.union(shingles[:4]))),
        outlet=intern(_outlet(entry)),
    )


def _words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    runs: Iterable[str] = _RUN.findall(folded)
    words: list[str] = []
    for run in runs:
        if run[0] >= _FIRST_PAIRED and _RUN_PAIRED(run):
            words += [run[at : at + 2] for at in range(max(len(run) - 1, 1))]
        else:
            words.append(run.removesuffix("'s"))
    return words


_RUN_PAIRED = re.compile(rf"[{_PAIRED}]").match


def _shingles(words: list[str]) -> list[int]:
    """One for each word but the last three, in order."""
    return [crc32(" ".join(words[at : at + _SHINGLE]).encode()) for at in range(len(words) - _SHINGLE + 1)]


def _outlet(entry: Entry) -> str:
    if entry.source:
        return entry.source.casefold()[:100].replace("\0", "")
    try:
        return (urlsplit(entry.link).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _to_bytes(hashes: tuple[int, ...]) -> bytes:
    packed = array("I", hashes)
    if byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def _from_bytes(data: bytes) -> tuple[int, ...]:
    packed = array("I", data)
    if byteorder == "big":
        packed.byteswap()
    return tuple(packed)
