"""Every exception this project raises on purpose.

    MonitorError            caught at the command line and printed as one message, never as a traceback
    ├── ConfigError         config.toml, its environment variables or a rule file: carries every fault found (exit 78)
    ├── QueryError          one query that cannot be read: message, place in the query, a way out
    ├── UsageError          a command was asked for something that does not exist (exit 2)
    ├── ListenError         an address to listen on is taken, or cannot be had
    └── StoreError          the database cannot be opened, is newer than this program, or was lost
        └── StoreBusyError  another daemon holds this store

Outcomes that are part of normal life (a feed that answers 404, a mail server that says "later") are not exceptions:
they are values of the unions in `monitor.model`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from unicodedata import category, east_asian_width

if TYPE_CHECKING:
    from collections.abc import Sequence


class MonitorError(Exception):
    """Root of this project's exceptions; `str()` of it is a sentence for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong in a file or in the environment, told so that it can be mended.

    Attributes:
        source: Where it stands: a file's path, or "environment".
        line: 1-based line in `source`; None where a line has no meaning or is not known.
        column: 1-based column in characters; None like `line`.
        end_column: 1-based column after the last wrong character; None: only `column` is pointed at.
        where: The key path ("feeds[2].url") or the rule's name; "" for the file as a whole.
        message: What is wrong, without a full stop.
        hint: What would be right; "" when the message says it all.
        text: The line of the source, for the caret; "" when not known.
        warning: True for something suspicious that does not stop anything.
    """

    source: str
    line: int | None = None
    column: int | None = None
    end_column: int | None = None
    where: str = ""
    message: str
    hint: str = ""
    text: str = ""
    warning: bool = False

    def __str__(self) -> str:
        place = self.source
        if self.line is not None:
            place += f":{self.line}"
            if self.column is not None:
                place += f":{self.column}"
        kind = "warning: " if self.warning else ""
        where = f"{self.where}: " if self.where else ""
        lines = [f"{place}: {kind}{where}{self.message}"]
        if self.text and self.column is not None:
            lines += [f"    {line}" for line in pointed_at(self.text, self.column - 1, (self.end_column or 0) - 1)]
        if self.hint:
            lines.append(f"    hint: {self.hint}")
        return "\n".join(lines)


_MAX_SHOWN = 160
_BEFORE = 60  # characters that a cut line shows before the fault


def pointed_at(text: str, start: int, end: int) -> tuple[str, str]:
    """The line, cut where it is long, and carets under its characters [start, end), at least one."""
    end = max(end, start + 1)
    if len(text) > _MAX_SHOWN:
        first = max(0, min(start - _BEFORE, len(text) - _MAX_SHOWN))
        last = first + _MAX_SHOWN
        head, tail = "…" if first else "", "…" if last < len(text) else ""
        start, end = start - first + len(head), max(start + 1, min(end, last)) - first + len(head)
        text = f"{head}{text[first:last]}{tail}"
    return text, " " * _columns(text[:start]) + "^" * max(1, _columns(text[start:end].ljust(end - start)))


def _columns(text: str) -> int:
    """How many columns of a terminal `text` takes: Chinese, Japanese and Korean characters are two wide."""
    if text.isascii():
        return len(text)
    wide = sum(east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(category(character) in {"Mn", "Me", "Cf"} for character in text)


class ConfigError(MonitorError):
    """The configuration or the rules cannot be used as they are; `faults` holds every reason, in file order."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class QueryError(MonitorError):
    """A query cannot be read.

    Attributes:
        message: What is wrong.
        start: 0-based index into the query of the first wrong character; may equal its length ("ends too soon").
        end: Index after the last wrong character.
        hint: What would be right, or "".
    """

    def __init__(self, message: str, start: int, end: int | None = None, *, hint: str = "") -> None:
        self.message = message
        self.start = start
        self.end = max(start + 1, end if end is not None else start + 1)
        self.hint = hint
        super().__init__(message)


class UsageError(MonitorError):
    """A name or an argument on the command line that fits nothing; the message says what there is instead."""


class ListenError(MonitorError):
    """An address to listen on is taken, or cannot be had; the message names it, and the way out."""


class StoreError(MonitorError):
    """The database cannot be opened or used; nothing was changed by the call that raised it."""


class StoreBusyError(StoreError):
    """Another daemon runs on this store."""
