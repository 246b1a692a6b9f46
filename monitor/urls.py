"""URLs that are shown to people."""

from __future__ import annotations

import re
from typing import Final

_LOGIN: Final = re.compile(r"(?<=://)[^/\s?#]*@")


def without_login(text: str) -> str:
    """A URL, or a text that was to be one, without the user and password in it."""
    return _LOGIN.sub("", text, count=1)
