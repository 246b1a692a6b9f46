"""TOML with places: what `tomllib` reads, and where each key and each character of a string stands in the file.

`tomllib` gives values without positions. A text that it has read is valid, so a small scanner that only has to find
ends (of strings, arrays, tables) can walk over it again; it does so only when a place is asked for.
"""

from __future__ import annotations

import contextlib
import difflib
import re
import tomllib
from array import array
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from monitor.errors import ConfigError, Fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something stands.

    Attributes:
        line: 1-based.
        column: 1-based, in characters.
        end_column: 1-based column after its last character on that line; > `column`.
        text: The whole line, tabs as spaces so that a caret can stand under it.
    """

    line: int
    column: int
    end_column: int
    text: str


@dataclass(frozen=True)
class TomlFile:
    """A file that was read: what faults call it, its text with "\\n" line ends, and what `tomllib` made of it.

    Attributes:
        headers: By the name of an array of tables where each of its tables begins in `text`; see `only_places`.
    """

    path: str
    text: str
    data: dict[str, Any]
    headers: dict[str, Sequence[int]] = field(default_factory=dict, compare=False, repr=False)

    def only_places(self, tables: str) -> TomlFile:
        """The same file without its data, for as long as places are asked for.

        It finds a place in one of the `tables`, an array of tables, by looking at that one alone. In a file of 10,000
        that makes the difference between 20 microseconds and a quarter of a second for the first place.
        """
        listed = self.data.get(tables)
        found = array("L", (match.start() for match in _headers(tables).finditer(self.text)))
        # Where a header is quoted, or a string holds a line that looks like one, all of the file has to be looked at.
        exact = isinstance(listed, list) and len(found) == len(listed) and not _QUOTED_HEADER.search(self.text)
        return TomlFile(self.path, self.text, {}, {tables: found} if exact else {})

    def lines(self, tables: str) -> list[int]:
        """The line of each table of an array, after `only_places`; empty where they are not known without a search."""
        return [bisect_right(self._line_starts, start) for start in self.headers.get(tables, ())]

    def locate(self, *keys: str | int) -> Place | None:
        """The key of a value, the header of a table, or an array's element itself; None where there is no such thing.

        A path is made as one indexes `data`: `("feeds", 2, "url")`, `("channels", "desk", "type")`, `("rule", 3)`.
        """
        spot = self._spot(keys)
        return None if spot is None else self._place(spot.start, spot.end)

    def locate_in_string(self, *keys: str | int, start: int = 0, end: int | None = None) -> Place | None:
        """Characters [start, end) of a string value (by default one), where an escape counts as what it stands for.

        `start` may be the string's length ("it ends too soon"). A stretch over several lines is cut at the end of its
        first. None where there is no string at that path.
        """
        spot = self._spot(keys)
        if spot is None or self.text[spot.value : spot.value + 1] not in {'"', "'"}:
            return None
        offsets = _offsets_in_string(self.text, spot.value)
        last = len(offsets) - 1
        first = offsets[min(start, last)]
        return self._place(first, offsets[min(max(end or 0, start + 1), last)])

    def fault(self, *keys: str | int, message: str, where: str = "", hint: str = "", warning: bool = False) -> Fault:
        """A fault at `locate(*keys)`, or at the nearest table around it that has a place."""
        place = self.locate(*keys)
        while place is None and keys:
            keys = keys[:-1]
            place = self.locate(*keys)
        return self.fault_at(place, message=message, where=where, hint=hint, warning=warning)

    def fault_at(
        self, place: Place | None, *, message: str, where: str = "", hint: str = "", warning: bool = False
    ) -> Fault:
        """A fault at a place of this file; None: in the file as a whole."""
        if place is None:
            return Fault(source=self.path, where=where, message=message, hint=hint, warning=warning)
        return Fault(
            source=self.path,
            line=place.line,
            column=place.column,
            end_column=place.end_column,
            where=where,
            message=message,
            hint=hint,
            text=place.text,
            warning=warning,
        )

    def _spot(self, keys: KeyPath) -> _Spot | None:
        headers = self.headers.get(str(keys[0])) if len(keys) > 1 else None
        if headers is None:
            return self._spots.get(keys)
        name, number, *rest = keys
        if not isinstance(number, int) or not 0 <= number < len(headers):
            return None
        start, end = headers[number], (*headers[number + 1 : number + 2], len(self.text))[0]
        if (name, number) not in self._pieces:
            self._pieces[name, number] = _Scanner(self.text[start:end]).scan()
        spot = self._pieces[name, number].get((name, 0, *rest))
        return None if spot is None else _Spot(spot.start + start, spot.end + start, spot.value + start)

    @cached_property
    def _pieces(self) -> dict[KeyPath, dict[KeyPath, _Spot]]:
        """The spots of those tables that were looked at alone."""
        return {}

    @cached_property
    def _spots(self) -> dict[KeyPath, _Spot]:
        return _Scanner(self.text).scan()

    @cached_property
    def _line_starts(self) -> array[int]:
        return array("L", [0, *(found.end() for found in re.finditer("\n", self.text))])

    def _place(self, start: int, end: int) -> Place:
        line = bisect_right(self._line_starts, start)
        begins = self._line_starts[line - 1]
        ends = self.text.find("\n", start)
        ends = len(self.text) if ends < 0 else ends
        column = start - begins + 1
        return Place(
            line=line,
            column=column,
            end_column=max(column + 1, min(end, ends) - begins + 1),
            text=_shown(self.text[begins:ends]),
        )


def read(path: Path) -> TomlFile:
    """Read a file; a byte order mark at its start is skipped.

    Raises:
        ConfigError: with one fault: it cannot be read, is not UTF-8, or is not TOML.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise _broken(path, "there is no such file") from None
    except IsADirectoryError:
        raise _broken(path, "this is a folder, not a file") from None
    except PermissionError:
        raise _broken(path, "no permission to read this file", hint="check its owner and its mode") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise _broken(path, f"cannot be read: {reason or error}") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError([_encoding_fault(path, raw, error.start)]) from None
    return parse(text, path=str(path))


def _encoding_fault(path: Path, raw: bytes, at: int) -> Fault:
    """For the byte `at`, the first that is no UTF-8; its line is shown unless the file is no text."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Fault(source=str(path), line=1, message="this is UTF-16, not UTF-8", hint="save the file as UTF-8")
    line = raw.count(b"\n", 0, at) + 1
    message = f"not UTF-8: the byte 0x{raw[at]:02x} has no meaning here"
    if b"\0" in raw:
        hint = "this looks like no text at all; rule files and config.toml are text"
        return Fault(source=str(path), line=line, message=message, hint=hint)
    begin = raw.rfind(b"\n", 0, at) + 1
    column = len(raw[begin:at].decode(errors="replace").removeprefix("\ufeff")) + 1
    shown = _shown(raw[begin:].partition(b"\n")[0].decode(errors="replace").removeprefix("\ufeff"))
    hint = "save the file as UTF-8"
    return Fault(source=str(path), line=line, column=column, message=message, hint=hint, text=shown)


def parse(text: str, *, path: str) -> TomlFile:
    """Read TOML from a string; `path` is only for the faults.

    Raises:
        ConfigError: with one fault, at the place of the first syntax error.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    try:
        data = tomllib.loads(text)
    except RecursionError:
        fault = Fault(source=path, message="arrays or tables are nested too deeply")
    except ValueError as error:  # TOMLDecodeError is one, and so is Python's refusal to read a number of 5,000 digits
        fault = _syntax_fault(str(error), text, path)
    else:
        return TomlFile(path, text, data)
    raise ConfigError([fault]) from None


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """'did you mean "x"?' for the candidate nearest to `word`, or "" where none is near."""
    folded = {candidate.casefold(): candidate for candidate in candidates}
    near = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    return f'did you mean "{folded[near[0]]}"?' if near else ""


def _broken(path: Path, message: str, *, hint: str = "") -> ConfigError:
    return ConfigError([Fault(source=str(path), message=message, hint=hint)])


# What tomllib says ▸ what it means to someone who does not know its grammar, and what to do.
_EXPLAINED: tuple[tuple[str, str, str], ...] = (
    ("Invalid value", "this is not a TOML value", 'text goes in quotes: "…"; true and false are lower-case'),
    ("Cannot overwrite a value", "this key or table was already given a value above", "keep one of the two"),
    ("Cannot declare", "this table was already opened above", "merge the two, or use [[…]] for a list of tables"),
    ("Expected '=' after a key", "a key without a value", 'write: key = "value"'),
    ("Illegal character '\\n'", "the string is not closed on this line", "add the closing quote"),
    ("Unterminated string", "the string is never closed", "add the closing quotes"),
    (
        "Unescaped '\\'",
        "a backslash has a meaning of its own in a string with double quotes",
        "write the string in 'single quotes', or the backslash twice",
    ),
    ("Unclosed array", "a list is not closed, or a comma is missing between its items", 'write: ["one", "two"]'),
    ("Unclosed inline table", "an inline table is not closed, or a comma is missing in it", "write: { a = 1, b = 2 }"),
    ("Expected ']", "a table's header is not closed", "write: [name] or [[name]] on a line of its own"),
    ("Expected '\"'", "the string is not closed", "add the closing quote"),
    ('Expected "\'"', "the string is not closed", "add the closing quote"),
    (
        "Expected newline",
        "something stands after the value",
        "one key a line; around a string that holds quotes put the other kind of quotes, or three of them",
    ),
    ("Invalid statement", "a line must be a key, a [table] or a comment", ""),
    ("Exceeds the limit", "a number with too many digits", ""),
    ("Illegal character", "a control character, which may not stand in TOML", "remove it"),
)
_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def _syntax_fault(said: str, text: str, path: str) -> Fault:
    at = _AT.search(said)
    if at is None:
        line, column = None, None
    elif at[1]:
        line, column = int(at[1]), int(at[2])
    else:
        body = text.rstrip()
        line, column = body.count("\n") + 1, len(body) - (body.rfind("\n") + 1) + 1
    what = said[: at.start()] if at else said
    message, hint = next(((m, h) for start, m, h in _EXPLAINED if what.startswith(start)), (what, ""))
    full = "" if line is None else text.split("\n")[line - 1]
    if column is not None and full[column - 1 : column] in tuple("“”„‘’‚«»"):
        message, hint = "typographic quotes are no quotes in TOML", "write straight ones: \"…\" or '…'"
    shown = _shown(full)
    return Fault(source=path, line=line, column=column, message=message, hint=hint, text=shown)


# What would act on the terminal that a line is shown on: control characters, and those that turn text around.
_ACTIVE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def _shown(line: str) -> str:
    """The line fit to be shown, each character in its place."""
    return _ACTIVE.sub("\ufffd", line.replace("\t", " ")).rstrip()


@dataclass(frozen=True, slots=True)
class _Spot:
    """Offsets: [start, end) of what is pointed at, and where the value begins."""

    start: int
    end: int
    value: int


_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_SPACES = re.compile(r"[ \t]*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_STRING = re.compile(r'''"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*\'''', re.DOTALL)
_PLAIN = re.compile(r"[^,\]}#\n]*")
_QUOTED_HEADER = re.compile(r"\[\[[ \t]*[\"']")
# A whole line of the plainest kind: a bare key, and a string or a word as its value.
_LINE = re.compile(r"""([A-Za-z0-9_-]+)[ \t]*=[ \t]*((?:"[^"\\\n]*"|'[^'\n]*'|\w+))[ \t]*\n""")
_ESCAPE_OR_CHARACTER = re.compile(
    r"\\(?:u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|x[0-9A-Fa-f]{2}|(?P<joined>[ \t]*\n[ \t\n]*)|.)|.", re.DOTALL
)


class _Scanner:
    """Walks over a valid document once and notes the spot of every key path."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._spots: dict[KeyPath, _Spot] = {}
        self._lengths: dict[KeyPath, int] = {}  # arrays of tables, by path

    def scan(self) -> dict[KeyPath, _Spot]:
        with contextlib.suppress(RecursionError):  # nested almost too deeply for tomllib: no places from there on
            self._document()
        return self._spots

    def _document(self) -> None:
        table: KeyPath = ()
        at = self._skip(_BLANK, 0)
        while at < len(self._text):
            if line := _LINE.match(self._text, at):
                self._spots.setdefault((*table, line[1]), _Spot(at, line.end(1), line.start(2)))
                at = line.end()
            elif self._text[at] == "[":
                table, at = self._header(at)
            else:
                at = self._pair(table, at)
            at = self._skip(_BLANK, at)

    def _header(self, at: int) -> tuple[KeyPath, int]:
        is_array = self._text.startswith("[[", at)
        keys, end = self._keys(self._skip(_SPACES, at + 1 + is_array))
        end = self._skip(_SPACES, end) + 1 + is_array
        spot = _Spot(at, end, end)
        path: KeyPath = ()
        for number, (key, _) in enumerate(keys, start=1):
            path = (*path, key)
            self._spots.setdefault(path, spot)
            if is_array and number == len(keys):
                self._lengths[path] = self._lengths.get(path, 0) + 1
            if path in self._lengths:
                path = (*path, self._lengths[path] - 1)
                self._spots.setdefault(path, spot)
        return path, end

    def _pair(self, table: KeyPath, at: int) -> int:
        keys, at = self._keys(at)
        at = self._skip(_SPACES, self._skip(_SPACES, at) + 1)
        path = table
        for key, (start, end) in keys:
            path = (*path, key)
            self._spots.setdefault(path, _Spot(start, end, at))
        return self._value(path, at)

    def _keys(self, at: int) -> tuple[list[tuple[str, tuple[int, int]]], int]:
        """A dotted key: its parts with their offsets, and where it ends."""
        parts = []
        while True:
            found = _KEY.match(self._text, at)
            if found is None:
                raise AssertionError("the document is valid TOML")
            parts.append((_plain_key(found[0]), found.span()))
            at = self._skip(_SPACES, found.end())
            if not self._text.startswith(".", at):
                return parts, found.end()
            at = self._skip(_SPACES, at + 1)

    def _value(self, path: KeyPath, at: int) -> int:
        match self._text[at]:
            case "[":
                return self._array(path, at)
            case "{":
                return self._inline_table(path, at)
            case '"' | "'":
                return self._skip(_STRING, at)
            case _:
                return self._skip(_PLAIN, at)

    def _array(self, path: KeyPath, at: int) -> int:
        at = self._skip(_BLANK, at + 1)
        number = 0
        while self._text[at] != "]":
            end = self._value((*path, number), at)
            shown_end = at + len(self._text[at:end].rstrip())
            self._spots.setdefault((*path, number), _Spot(at, shown_end, at))
            at = self._skip_comma(end)
            number += 1
        return at + 1

    def _inline_table(self, path: KeyPath, at: int) -> int:
        at = self._skip(_BLANK, at + 1)
        while self._text[at] != "}":
            at = self._skip_comma(self._pair(path, at))
        return at + 1

    def _skip_comma(self, at: int) -> int:
        at = self._skip(_BLANK, at)
        return self._skip(_BLANK, at + 1) if self._text[at] == "," else at

    def _skip(self, pattern: re.Pattern[str], at: int) -> int:
        found = pattern.match(self._text, at)
        return at if found is None else found.end()


@cache
def _headers(tables: str) -> re.Pattern[str]:
    return re.compile(rf"^[ \t]*\[\[[ \t]*{re.escape(tables)}[ \t]*\]\]", re.MULTILINE)


def _plain_key(raw: str) -> str:
    if raw[0] == "'" or (raw[0] == '"' and "\\" not in raw):
        return raw[1:-1]
    if raw[0] == '"':
        return str(tomllib.loads(f"k = {raw}")["k"])
    return raw


def _offsets_in_string(text: str, at: int) -> list[int]:
    """For each character of the string's value its offset in `text`, then that of the closing quote."""
    found = _STRING.match(text, at)
    if found is None:
        raise AssertionError("the document is valid TOML")
    quotes = 3 if text.startswith(('"""', "'''"), at) else 1
    start, end = at + quotes, found.end() - quotes
    if quotes == 3 and text[start] == "\n":
        start += 1
    if text[at] == "'":
        return list(range(start, end + 1))
    spans = _ESCAPE_OR_CHARACTER.finditer(text, start, end)
    return [*(span.start() for span in spans if span["joined"] is None), end]
