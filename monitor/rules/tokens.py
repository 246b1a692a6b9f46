"""Text ▸ tokens: what counts as one word, and when two words are the same.

Both sides go through here, the query and the text, so that whatever is decided is decided alike:

- A word is a run of letters, marks and digits; an apostrophe inside it belongs to it ("won't"), and so do a point or
  a comma between two digits ("3.5", "1,000"). Everything else ends it: "step-down" is two words, "U.S." is "u", "s".
- Han, kana, Thai, Lao, Khmer and Burmese are written without spaces: there each character is a token, and a word of
  several characters is a phrase.
- An article elided onto its noun stands alone: "l'armée" is "l" and "armée".
- Two words are the same when they are equal after folding: case, accents, typographic and compatibility forms, Arabic
  vowel signs, and a possessive 's are taken away.
- A sign that belongs to a name ("C++", "#syria", ".NET", "50%", "$100") does not change the word: "c" finds "C++". The
  token has a second form with its signs, which is what a query that writes them asks for: "C++" does not find "c".

No token reaches over white space, so a text can be cut there and each piece be looked up in a memo. Offsets are those
of the text as given; nothing here changes the length of a text.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

import regex


class Token(NamedTuple):
    """One word of a text.

    Attributes:
        start: Offset of its first character, signs included.
        end: Offset after its last.
        folded: What it is compared by; never empty.
        signed: Like `folded` with the signs around the word ("c++"), or "" where it has none.
        exact: The word with its case and accents, without signs; ’ is ', and a possessive 's is taken away.
    """

    start: int
    end: int
    folded: str
    signed: str
    exact: str

    @property
    def signed_exact(self) -> str:
        """Like `exact` with the signs around the word, or "" where it has none."""
        before, _, after = self.signed.partition(self.folded)
        return before + self.exact + after if self.signed else ""


# One token per character: scripts written without spaces between words.
UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
FIRST_UNSPACED = "\u0e00"  # all characters of these scripts come from here on
_JOINERS = "\u00ad\u200c\u200d"  # soft hyphen, zero-width (non-)joiner: inside a word, and without meaning for it
_LETTER = rf"[[\p{{L}}\p{{N}}]--[{UNSPACED}]]"
_INNER = rf"[[\p{{L}}\p{{N}}\p{{M}}{_JOINERS}]--[{UNSPACED}]]"
_APOSTROPHE = "['’ʼ＇]"
LETTER_APOSTROPHE = "ʼ"  # the only one that `isalnum` takes for a letter
# French, Italian and Catalan articles and particles that lose their vowel before the next word.
_ELIDED = r"(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu|quoiqu|un|dell|all|dall|nell|sull|coll|quell|gl)"

_TOKEN = regex.compile(
    rf"""
      (?P<unspaced>[{UNSPACED}]\p{{M}}*)
    | (?P<elided>{_ELIDED}){_APOSTROPHE}(?=\p{{L}}{{2}})
    | (?P<before>(?<![\p{{L}}\p{{N}}.])[#@.$€£]|(?<=\p{{L}})[$€£](?=\p{{Nd}}))?  # "US$100" is "us", "$100"
      (?P<word>{_LETTER}{_INNER}*(?:{_APOSTROPHE}{_LETTER}{_INNER}*|(?<=\p{{Nd}})[.,](?=\p{{Nd}}){_INNER}+)*)
      (?P<after>(?:\+\+?|\#|%)(?![\p{{L}}\p{{N}}+]))?
    """,
    regex.VERBOSE | regex.VERSION1 | regex.IGNORECASE,
)
# What may stand around an ASCII word without being a sign of it.
_OPENING, _CLOSING = "(\"'", ".,;:!?)\"'"


def tokenize(text: str) -> list[Token]:
    """The tokens of `text`, in order, not overlapping."""
    # One bare word is by far the most common piece of a text, and needs no grammar.
    word = text.lstrip(_OPENING)
    start = len(text) - len(word)
    word = word.rstrip(_CLOSING)
    if word.isalnum():
        if word.isascii():
            return [Token(start, start + len(word), word.lower(), "", word)]
        if max(word) < FIRST_UNSPACED and LETTER_APOSTROPHE not in word:
            folded = fold(word)
            return [Token(start, start + len(word), folded, "", exact(word))] if folded else []
    return scan(text)


def scan(text: str) -> list[Token]:
    """What `tokenize` gives, by the grammar alone."""
    tokens = []
    for found in _TOKEN.finditer(text):
        word = found["word"] or found["unspaced"] or found["elided"]
        folded = fold(word)
        if folded:
            before, after = found["before"] or "", found["after"] or ""
            signed = before + folded + after if before or after else ""
            tokens.append(Token(found.start(), found.end(), folded, signed, exact(word)))
    return tokens


# Marks that a reader may leave out: accents, Hebrew points, Arabic vowel signs, the long dash in Arabic words. Not the
# vowel signs of Indic and Thai letters nor the voicing marks of kana: without them it is another word. Cyrillic й is a
# letter of its own and keeps its breve.
_SILENT = re.compile(
    "[\u0300-\u0305\u0307-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed"
    f"\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f{_JOINERS}]|(?<!и)\u0306"
)
# Letters that Unicode does not take apart and a keyboard may not have.
_PLAIN = str.maketrans(
    {"’": "'", "ʼ": "'", "＇": "'", "ı": "i", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "æ": "ae", "œ": "oe"}
)


def fold(word: str) -> str:
    """The form by which a word is compared; "" for one that is nothing but marks."""
    if word.isascii():
        folded = word.lower()
    else:
        taken_apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", word.casefold()).casefold())
        folded = unicodedata.normalize("NFC", _SILENT.sub("", taken_apart)).translate(_PLAIN)
    return folded[:-2] if folded.endswith("'s") and len(folded) > 2 else folded


_APOSTROPHES = str.maketrans({"’": "'", "ʼ": "'", "＇": "'"})


def exact(word: str) -> str:
    """The form by which a word is compared where case and accents count."""
    plain = word if word.isascii() else unicodedata.normalize("NFC", word).translate(_APOSTROPHES)
    return plain[:-2] if plain.endswith(("'s", "'S")) and len(plain) > 2 else plain
