"""How a thing is known by what it says."""

from __future__ import annotations

import hashlib


def digest(*parts: str) -> str:
    """32 hex digits; each part's length counts, so ("ab", "c") and ("a", "bc") differ."""
    pieces: list[bytes] = []
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        pieces += b"%d:" % len(data), data
    return hashlib.sha256(b"".join(pieces)).hexdigest()[:32]
