"""What two texts have in common when case, punctuation, blanks and markup do not count. In any language; pure."""

from __future__ import annotations

from typing import Final

import regex

_NO_LETTER: Final = regex.compile(r"[^\p{L}\p{M}\p{N}]+")
_ASCII_SIGNS: Final = bytes(code for code in range(128) if not chr(code).isalnum())
_TYPOGRAPHY: Final = "“”‘’–—…•\u00a0"
_GRAM: Final = 5  # letters: a short word, or two characters of Chinese with what is around them
_COMPARED: Final = 2_000  # letters of a text: what follows seldom makes another article of it


def letters(text: str) -> str:
    """The letters, marks and digits alone, without case: equal for texts that differ in typography only."""
    if not text.isascii():
        for sign in _TYPOGRAPHY:
            text = text.replace(sign, "")
    # Most texts are ASCII then, for which there is a way that takes a tenth of the time.
    if text.isascii():
        return text.lower().encode().translate(None, _ASCII_SIGNS).decode()
    found: str = _NO_LETTER.sub("", text.casefold())
    return found


def likeness(one: str, other: str) -> float:
    """How much of the shorter of two texts is in the other, 0 to 1; both as `letters` gives them.

    Runs of five letters are counted, so that words need no boundaries; only the first 2,000 letters are compared.
    An empty text is like no other, not even another one.
    """
    if one == other:
        return 1.0 if one else 0.0
    first, second = _grams(one), _grams(other)
    return len(first & second) / min(len(first), len(second)) if first and second else 0.0


def _grams(text: str) -> set[str]:
    text = text[:_COMPARED]
    return {text[at : at + _GRAM] for at in range(max(1, len(text) - _GRAM + 1))} if text else set()
