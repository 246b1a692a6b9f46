"""Standard streams as they are at each write: a progress bar replaces them while it is on the screen."""

from __future__ import annotations

import io
import sys
from typing import Literal, TextIO, cast


def live_stream(name: Literal["stdout", "stderr"]) -> TextIO:
    """A stream that follows `sys.stdout` or `sys.stderr`; it has no descriptor, so nobody can write past the bar."""
    return cast("TextIO", _LiveStream(name))


class _LiveStream(io.TextIOBase):
    def __init__(self, name: Literal["stdout", "stderr"]) -> None:
        super().__init__()
        self._name = name

    @property
    def encoding(self) -> str:  # type: ignore[override]  # an attribute in typeshed, a descriptor in fact
        return self._now.encoding

    @property
    def _now(self) -> TextIO:
        return cast("TextIO", getattr(sys, self._name))

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        return self._now.write(text)

    def flush(self) -> None:
        self._now.flush()

    def isatty(self) -> bool:
        return self._now.isatty()
