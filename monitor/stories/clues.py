"""Entry ▸ clues: the little that the clustering keeps of an entry.

Three things tell that entries are about one event. The words of the title do for reports that were written anew, names
and numbers above all; where there is a text, its words bear the title's out or do not; and runs of words at its
beginning show copies, whatever their title. Agencies' texts are cut to any length, so only beginnings are compared.

Nothing here knows a language. Words are folded (case, width, a possessive 's); scripts that put no blanks between
words, and Korean, whose particles stick to them, are cut into pairs of characters instead, which is what search engines
do with them.
"""

from __future__ import annotations

import struct
import unicodedata
from array import array
from dataclasses import dataclass
from sys import byteorder, intern
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zlib import crc32

import regex

if TYPE_CHECKING:
    from monitor.model import Entry

_VERSION = 1
_MAX_WORDS = 24  # of a title; longer ones are texts
_LEAD = 36  # words at the beginning of a text that are compared
_LEAD_CHARS = 500
_SHINGLE = 4  # words; of three many are idioms, of five a changed word spoils too many
_OPENING = 12  # words that the shortest copies are left with
_STEM = 5  # letters
_SHORT = 3  # letters; of so few are the words that every text has
_HEAD = struct.Struct("<BBBH")
_CUT = "clues that are cut short; make them anew from the entry"

_PAIRED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Hangul}"
_FIRST_PAIRED = "\u0e00"  # all characters of these scripts come from here on
_LETTER = rf"[[\p{{L}}\p{{N}}\p{{M}}]--[{_PAIRED}]]"
_RUN = regex.compile(rf"[{_PAIRED}][{_PAIRED}\p{{M}}]*|{_LETTER}+(?:['.,]{_LETTER}+)*", regex.VERSION1)
_PAIRED_RUN = regex.compile(f"[{_PAIRED}]", regex.VERSION1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clues:
    """What the clustering knows of an entry.

    Attributes:
        words: Of the title, folded, in order, each once; of the text where there is no title.
        shingles: CRC-32 of every run of four words at the beginning of the texts, rising. Empty: too little text.
        marks: Those of them under which copies are looked for: the two smallest of the first words, and the four
            smallest of all.
        gist: 16 bits of CRC-32 for each longer word of the title and the beginnings of the texts, rising.
        outlet: Who publishes it, as far as the entry tells: the name of its source, else the host of its link; or "".
    """

    words: tuple[str, ...]
    shingles: tuple[int, ...] = ()
    marks: tuple[int, ...] = ()
    gist: tuple[int, ...] = ()
    outlet: str = ""

    def pack(self) -> bytes:
        """For the store: version, how many marks and shingles, bytes of text; outlet and words in UTF-8; hashes."""
        text = "\0".join((self.outlet, *self.words)).encode()
        head = _HEAD.pack(_VERSION, len(self.marks), len(self.shingles), len(text))
        return head + text + _to_bytes("I", (*self.marks, *self.shingles)) + _to_bytes("H", self.gist)

    @staticmethod
    def unpack(data: bytes) -> Clues:
        """The clues that `pack` made these bytes of.

        Raises:
            ValueError: They are of a version that this program does not know, or cut short.
        """
        if data[:1] != bytes((_VERSION,)):
            found = data[0] if data else "none"
            msg = f"clues of version {found}, this program reads version {_VERSION}; make them anew from the entry"
            raise ValueError(msg)
        try:
            _, marks, shingles, size = _HEAD.unpack_from(data)
            hashes_at = _HEAD.size + size
            gist_at = hashes_at + 4 * (marks + shingles)
            outlet, *words = data[_HEAD.size : hashes_at].decode().split("\0")
            hashes, gist = _from_bytes("I", data[hashes_at:gist_at]), _from_bytes("H", data[gist_at:])
        except (ValueError, struct.error):
            raise ValueError(_CUT) from None
        if len(hashes) != marks + shingles:
            raise ValueError(_CUT)
        return Clues(words=tuple(words), marks=hashes[:marks], shingles=hashes[marks:], gist=gist, outlet=outlet)


def clues_of(entry: Entry, *, outlet: str = "") -> Clues:
    """What the clustering keeps of `entry`; `outlet`: who publishes it, where the caller knows that better."""
    words = _words(entry.title[:_LEAD_CHARS])
    texts = [_words(text[:_LEAD_CHARS])[:_LEAD] for text in (entry.summary, entry.content) if text]
    runs = [_shingles(text) for text in texts]
    shingles = sorted({number for run in runs for number in run})
    marks = {number for run in runs for number in sorted(run[: _OPENING - _SHINGLE + 1])[:2]}
    if not words and texts:
        words = texts[0][:_OPENING]
    return Clues(
        words=tuple(map(intern, dict.fromkeys(words[:_MAX_WORDS]))),
        shingles=tuple(shingles),
        marks=tuple(sorted(marks.union(shingles[:4]))),
        gist=_gist(words, texts),
        outlet=intern((outlet or _outlet(entry)).casefold()[:100].replace("\0", "")),
    )


def stem(word: str) -> str:
    """What a word is compared by: the first letters, so that "hacked" and "hackers" are one.

    Languages that inflect do it at the end, most of them; cutting there is nearly as good as knowing the language
    (McNamee and Mayfield, "Character n-gram tokenization", 2004). A number is not cut.
    """
    return word if len(word) <= _STEM or has_digit(word) else word[:_STEM]


def has_digit(word: str) -> bool:
    """Whether it is a number, or has one in it: "30", "q1", "14.1.0"."""
    return not word.isalpha() and any(map(str.isdigit, word))


def _words(text: str) -> list[str]:
    folded = text.casefold() if text.isascii() else unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    words: list[str] = []
    for run in _RUN.findall(folded):
        if run[0] >= _FIRST_PAIRED and _PAIRED_RUN.match(run):
            words += [run[at : at + 2] for at in range(max(len(run) - 1, 1))]
        else:
            words.append(run.removesuffix("'s"))
    return words


def _shingles(words: list[str]) -> list[int]:
    """One for each word but the last three, in order."""
    return [crc32(" ".join(words[at : at + _SHINGLE]).encode()) for at in range(len(words) - _SHINGLE + 1)]


def _gist(title: list[str], texts: list[list[str]]) -> tuple[int, ...]:
    """Short words say nothing; but a pair of characters may be one."""
    stems = {stem(word) for words in (title, *texts) for word in words if len(word) > _SHORT or word >= _FIRST_PAIRED}
    return tuple(sorted({crc32(each.encode()) & 0xFFFF for each in stems}))


def _outlet(entry: Entry) -> str:
    if entry.source:
        return entry.source
    try:
        return (urlsplit(entry.link).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _to_bytes(kind: str, hashes: tuple[int, ...]) -> bytes:
    packed = array(kind, hashes)
    if byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def _from_bytes(kind: str, data: bytes) -> tuple[int, ...]:
    packed = array(kind, data)
    if byteorder == "big":
        packed.byteswap()
    return tuple(packed)
