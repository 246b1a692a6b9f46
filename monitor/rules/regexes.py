"""A user's regular expression: compiled if it is fit to run, and the plain text that each of its matches holds."""

from __future__ import annotations

import math
import re
import warnings

import regex

from monitor.errors import QueryError

MAX_LENGTH = 500
MAX_REPEATS = 10_000

_REPEAT = re.compile(r"\{(\d+)")
# A pattern that finds nothing at some place of each of these may still do so elsewhere; those are not counted as found.
_SAMPLES = ("", "a", " ", "a b", "1", "\n", "Some words, and 1 more.")
_SAMPLE_SECONDS = 0.05


def compiled(pattern: str, flags: str, *, start: int, end: int) -> regex.Pattern[str]:
    """Compile a pattern, refusing what would hold everywhere or what only compiling it would cost too much.

    A search may still take long: give it a `timeout`.

    Args:
        pattern: As it stands between the slashes.
        flags: Any of "ims".
        start: Index of the opening slash in the query.
        end: Index after the flags.

    Raises:
        QueryError: with places in the query.
    """
    if len(pattern) > MAX_LENGTH:
        raise QueryError(f"the regular expression is longer than {MAX_LENGTH} characters", start, end)
    # The library writes out the least count of every repeat: three nested {1000} fill the memory.
    if math.prod(max(1, int(count[:6])) for count in _REPEAT.findall(pattern)) > MAX_REPEATS:
        hint = f"the counts in {{…}}, multiplied, may come to {MAX_REPEATS:,}"
        raise QueryError("the repeats of this regular expression are too large", start, end, hint=hint)
    try:
        with warnings.catch_warnings():  # about syntax that a later version of the library may read in another way
            warnings.simplefilter("ignore")
            result = regex.compile(pattern, sum(getattr(regex, flag.upper()) for flag in set(flags)))
    except regex.error as error:
        raise _bad(pattern, error, start + 1) from None
    except (RecursionError, OverflowError, MemoryError, ValueError) as error:
        raise QueryError(f"bad regular expression: {str(error) or 'it is too complex'}", start, end) from None
    if any(_finds_no_characters(result, sample) for sample in _SAMPLES):
        message = "this regular expression matches the empty text, so it would hold for every article"
        raise QueryError(message, start, end, hint="make at least one character of it required")
    return result


# What the library says of a bracket that is never closed, the bracket, and what closes it.
_NEVER_CLOSED = {"missing )": ("(", ")"), "unterminated character set": ("[", "]")}
_WAYS_OUT = {
    **dict.fromkeys(
        ("multiple repeat", "nothing to repeat", "unbalanced parenthesis"),
        r"a sign that stands for itself takes a backslash: \* \+ \? \) \(",
    ),
    "min repeat greater than max repeat": "write the smaller number first",
    "missing >": "close the name of the group with >",
}
_BRACKETS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[()\[]", re.DOTALL)


def _bad(pattern: str, error: regex.error, at: int) -> QueryError:
    """`at`: where the pattern begins in the query."""
    if error.msg in _NEVER_CLOSED:
        bracket, closing = _NEVER_CLOSED[error.msg]
        place = at + _never_closed(pattern, bracket)
        hint = rf"close it with {closing}, or write \{bracket} for the sign itself"
        return QueryError(f"bad regular expression: this {bracket} is never closed", place, hint=hint)
    place = at + min(error.pos or 0, len(pattern))  # at its end: the closing slash
    hint = _WAYS_OUT.get(error.msg, "the dialect is that of Python's regex library: https://pypi.org/project/regex")
    return QueryError(f"bad regular expression: {error.msg}", place, hint=hint)


def _never_closed(pattern: str, bracket: str) -> int:
    """Where the innermost bracket of this kind opens that is never closed; 0 if that is not known."""
    opened = [0]
    for found in _BRACKETS.finditer(pattern):
        if found[0] == bracket:
            opened.append(found.start())
        elif found[0] == ")" and len(opened) > 1:
            opened.pop()
    return opened[-1]


def _finds_no_characters(pattern: regex.Pattern[str], sample: str) -> bool:
    try:
        found = pattern.search(sample, timeout=_SAMPLE_SECONDS)
    except TimeoutError:
        return False
    return found is not None and found.start() == found.end()


# ----------------------------------------------------------------------------------------------- what a match must hold

_MIN_LITERAL = 3
_QUANTIFIER = re.compile(r"(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\}|\{,[0-9]+\})[?+]?")
_FLAGS = re.compile(r"\(\?[ims]+\)")
_GROUP = re.compile(r"\((?:\?:|\?>|\?[ims]*-?[ims]+:|\?P?<[A-Za-z_][A-Za-z0-9_]*>|(?![?*]))")
_LOOK_AROUND = re.compile(r"\(\?<?[=!]")
# Of the escapes with a letter or a digit only those are known here that stand alone and do not move the match ("\K").
_ESCAPE = re.compile(r"\\(?:[bBdDwWsSAZmMXRnrtfva]|[pP]\{[^{}]*\}|[^A-Za-z0-9])", re.DOTALL)
_SET = re.compile(r"\[(?:\^(?!\])|(?![\]^]))(?:[^\[\]\\]|\\.)+\]", re.DOTALL)
_MAX_DEPTH = 20


def literal_of(pattern: str, flags: str) -> str:
    """The longest run of three or more ASCII letters and digits, lower-case, that every match holds side by side.

    Where it is in no token of a text, folded by `tokens.fold`, the pattern need not be searched there: such a run lies
    within one token, and all that it matches in any case ("ſ" for s, "K" for k, "İ" for i) folds to it. "" where no run
    is certain; syntax that is not plainly understood leaves none.
    """
    if not set(flags) <= set("ims"):
        return ""
    scanner = _Scanner(pattern)
    try:
        runs = scanner.runs()
    except _UnsureError:
        return ""
    longest = max(runs, key=len, default="")
    return longest.lower() if scanner.at_end and len(longest) >= _MIN_LITERAL else ""


class _UnsureError(Exception):
    """The pattern has something whose extent or meaning is not known here."""


class _Scanner:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        found = _FLAGS.match(pattern)  # elsewhere they are not understood: "a(?i)*" repeats the a
        self._at = found.end() if found else 0
        self._depth = 0

    @property
    def at_end(self) -> bool:
        return self._at == len(self._pattern)

    def runs(self) -> list[str]:
        """Runs that must be there, up to the end or the ")" that closes this level; none with alternatives."""
        runs: list[str] = []
        run, has_alternatives = "", False
        while not self.at_end and (char := self._pattern[self._at]) != ")":
            has_alternatives |= char == "|"
            inner = self._atom(char)
            if self._take(_QUANTIFIER):
                runs.append(run)
                run = ""
            elif char.isascii() and char.isalnum():
                run += char
            else:
                runs += [run, *inner]
                run = ""
        return [] if has_alternatives else [*runs, run]

    def _atom(self, char: str) -> list[str]:
        """Pass one character, escape, set or group; gives the runs that a group holds."""
        match char:
            case "(" if self._take(_LOOK_AROUND):
                self._inside()
                return []
            case "(" if self._take(_GROUP):
                return self._inside()
            case "[" if self._take(_SET):
                return []
            case "\\" if self._take(_ESCAPE):
                return []
            case "(" | "[" | "\\" | "{":  # a "{" that repeats nothing begins a fuzzy match: "(?:assad){e<=1}"
                raise _UnsureError
            case _:
                self._at += 1
                return []

    def _inside(self) -> list[str]:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise _UnsureError
        runs = self.runs()
        if self.at_end:
            raise _UnsureError  # never closed
        self._at += 1
        self._depth -= 1
        return runs

    def _take(self, what: re.Pattern[str]) -> bool:
        found = what.match(self._pattern, self._at)
        if found is not None:
            self._at = found.end()
        return found is not None
