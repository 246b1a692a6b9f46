"""By what a stored entry is found again when its key is another one: numbers made from its link, title and text."""

from __future__ import annotations

import hashlib
from typing import Final

from monitor.urls import canonical_link
from monitor.wording import letters

_TELLING: Final = 100  # letters: shorter texts are those of many entries
_LEAD: Final = 600  # characters of a text that are read, so that one that is cut, or goes on, is found as well


def marks(*, link: str, title: str, texts: tuple[str, ...], source: str = "") -> tuple[int, ...]:
    """Numbers (64 bits, signed) that entries share whose address, title and outlet, or text's beginning are the same.

    A text counts where it is long, or where there is no title.
    """
    name = letters(title)
    body = letters(max(texts, key=len, default="")[:_LEAD])
    found = list[int]()
    if link:
        found.append(_mark("link", canonical_link(link)))
    if name:
        found.append(_mark("title", f"{name} {letters(source)}"))
    if len(body) >= _TELLING or (body and not name):
        found.append(_mark("text", body))
    return tuple(found)


def key_mark(key: str) -> int:
    """The mark of a key that an entry had once."""
    return _mark("key", key)


def _mark(kind: str, text: str) -> int:
    digest = hashlib.blake2b(f"{kind} {text}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)
