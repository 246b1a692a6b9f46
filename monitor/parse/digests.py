"""How a thing is known by what it says."""

from __future__ import annotations

import hashlib


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
    text = "\n".join([" ".join(map(str, map(len, parts))), *parts])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
