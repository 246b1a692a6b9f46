"""How a thing is known by what it says."""

from __future__ import annotations

import hashlib
from typing import Final

_NUMBERS: Final = tuple(map(str, range(1024)))


def digest(*parts: str) -> str:
    """32 hex digits; each part's length in UTF-8 counts, so ("ab", "c") and ("a", "bc") differ."""
    if all(map(str.isascii, parts)):
        text = "".join([f"{len(part)}:{part}" for part in parts])
        return hashlib.sha256(text.encode()).hexdigest()[:32]
    pieces: list[bytes] = []
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        pieces += b"%d:" % len(data), data
    return hashlib.sha256(b"".join(pieces)).hexdigest()[:32]


def quick_digest(parts: list[str]) -> str:
    """Like `digest`, of many parts; another value."""
    lengths = [_NUMBERS[number] if number < 1024 else str(number) for number in map(len, parts)]
    text = "\n".join([" ".join(lengths), *parts])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
