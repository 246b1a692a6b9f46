"""Query text ▸ lexemes: where each piece begins and ends, and every fault that one piece alone can have."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from monitor.errors import QueryError
from monitor.rules.tokens import scan, terms_of
from monitor.rules.tree import FIELD_NAMES
from monitor.tomlfile import did_you_mean


class Kind(Enum):
    """What a lexeme is."""

    OPEN = auto()
    CLOSE = auto()
    AND = auto()
    OR = auto()
    NOT = auto()
    FIELD = auto()
    WORD = auto()
    PHRASE = auto()
    REGEX = auto()


@dataclass(frozen=True, slots=True)
class Lexeme:
    """A piece of the query.

    Attributes:
        value: The field's name, the word, the phrase without its quotes, or the pattern without its slashes.
        flags: Of a regex.
        terms: Of a word or phrase; never empty.
    """

    kind: Kind
    start: int
    end: int
    value: str = ""
    flags: str = ""
    terms: tuple[str, ...] = ()


OPERATORS = {"AND": Kind.AND, "OR": Kind.OR, "NOT": Kind.NOT}
_LOWER_OPERATORS = frozenset(name.lower() for name in OPERATORS)

_QUOTES = '"“”„‟«»＂'  # as browsers, word processors and other keyboards write them
_SPACE = re.compile(r"\s+")
_CHUNK = re.compile(rf"[^\s(){_QUOTES}]+")
_FIELD = re.compile(r"([^\W\d_][\w-]*):")
_PHRASE = re.compile(rf"[{_QUOTES}]([^{_QUOTES}]*)[{_QUOTES}]")
# A slash in a [character class] does not end the pattern; where that cannot be read, the class is what is broken.
_REGEX = (
    re.compile(r"/((?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])*)/(\w*)"),
    re.compile(r"/((?:[^/\\\n]|\\.)*)/(\w*)"),
)
# Inside a word these separate its tokens; anything else there is more likely a slip than meant.
_SEPARATORS = frozenset("-‐‑–./&'’_@:+#$€£%·")

# What other products have and this version does not: (the chunk, what to do instead).
_PLANNED: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?:NEAR|ONEAR|BEFORE|AFTER|ADJ|SAME)(?:/?\d+f?)?"), "use AND, or list the phrases with OR"),
    (re.compile(r"(?:w|pre|near|adj|onear)/(?:\d+|[sp])", re.IGNORECASE), "use AND, or list the phrases with OR"),
    (re.compile(r"ATLEAST(?:/?\d+)?"), "write the term alone"),
    (re.compile(r"(?:SENTENCE|PARAGRAPH|FIRST)/\d+"), "use AND"),
    (re.compile(r"@.*"), 'list the words here with OR; a name with its @ goes in quotes: "@name"'),
    (re.compile(r"=.*"), "write the word without ="),
    (re.compile(r".*\^[\d.]+"), "write the term without ^"),
    (re.compile(r".*~\d*"), "list the forms with OR"),
    (re.compile(r".*[*?].*"), "list the words with OR, or use a /regular expression/"),
)


def lex(query: str) -> list[Lexeme]:
    """The lexemes of `query`.

    Raises:
        QueryError: a piece is broken, or is an operator that does not exist.
    """
    lexemes: list[Lexeme] = []
    at = 0
    while at < len(query):
        space = _SPACE.match(query, at)
        if space:
            at = space.end()
            continue
        lexeme = _lexeme(query, at)
        lexemes.append(lexeme)
        at = lexeme.end
    return lexemes


def _lexeme(query: str, at: int) -> Lexeme:
    first = query[at]
    if first == "(":
        return Lexeme(Kind.OPEN, at, at + 1)
    if first == ")":
        return Lexeme(Kind.CLOSE, at, at + 1)
    if first in _QUOTES:
        return _phrase(query, at)
    if first == "/":
        return _regex(query, at)
    found = _CHUNK.match(query, at)
    chunk = found[0] if found else first
    if first == "-":
        return _minus(query, at, chunk)
    if chunk in OPERATORS:
        return Lexeme(OPERATORS[chunk], at, at + len(chunk))
    return _field(query, at) or _word(query, at, chunk)


def _phrase(query: str, at: int) -> Lexeme:
    found = _PHRASE.match(query, at)
    if found is None:
        hint = 'add a closing " at the end of the phrase'
        raise QueryError("this quotation mark is never closed", at, len(query), hint=hint)
    text, end = found[1], found.end()
    star = re.search(r"\w\*|\*\w|\w\?\w", text)
    if star:
        place = found.start(1) + star.start()
        raise _planned("a wildcard in a phrase", place, place + len(star[0]), "list the phrases with OR")
    if query.startswith(("~", "^"), end):
        tail = _CHUNK.match(query, end)
        raise _planned(f"{query[end]} after a phrase", end, tail.end() if tail else end, "list the phrases with OR")
    terms = terms_of(text)
    if not terms:
        message = "this phrase has no letter or digit to search for" if text.strip() else "empty phrase"
        raise QueryError(message, at, end)
    return Lexeme(Kind.PHRASE, at, end, text.strip(), terms=terms)


def _regex(query: str, at: int) -> Lexeme:
    found = _REGEX[0].match(query, at) or _REGEX[1].match(query, at)
    if found is None:
        hint = r'close it with / on the same line (\/ is a slash inside); a path goes in quotes: "/a/b"'
        raise QueryError("this regular expression is never closed", at, len(query), hint=hint)
    pattern, flags, end = found[1], found[2], found.end()
    if not pattern:
        raise QueryError("empty regular expression", at, end)
    wrong = next((offset for offset, flag in enumerate(flags) if flag not in "ims"), None)
    if wrong is not None:
        place = found.start(2) + wrong
        hint = 'there are i (any case), m and s; a path goes in quotes: "/a/b"'
        raise QueryError(f"a regular expression has no flag {flags[wrong]!r}", place, hint=hint)
    if end < len(query) and not query[end].isspace() and query[end] != ")":
        raise QueryError("a space is expected after a regular expression", end, hint=r"write \/ for a slash inside it")
    return Lexeme(Kind.REGEX, at, end, pattern, flags)


def _minus(query: str, at: int, chunk: str) -> Lexeme:
    after = query[at + 1 : at + 2]
    if not after or after.isspace() or after in "-)":
        hint = 'to exclude a word write -word or NOT word; a dash between words needs quotes: "a - b"'
        raise QueryError("this dash excludes nothing", at, at + len(chunk), hint=hint)
    return Lexeme(Kind.NOT, at, at + 1)


def _field(query: str, at: int) -> Lexeme | None:
    found = _FIELD.match(query, at)
    if found is None:
        return None
    name, end = found[1], found.end()
    if name.lower() not in FIELD_NAMES:
        if query.startswith("//", end):
            hint = "to search in an article's address write url:word or domain:example.org"
            raise QueryError("an address is not a search term", at, end + 2, hint=hint)
        known = did_you_mean(name, FIELD_NAMES) or f"the fields are {', '.join(FIELD_NAMES)}."
        hint = f'{known} To search for the text itself put it in quotes: "{name}: …"'
        raise QueryError(f"unknown field {name!r}", at, end - 1, hint=hint)
    if end == len(query) or query[end].isspace() or query[end] == ")":
        hint = f'write {name}:word, {name}:"a phrase" or {name}:(a OR b), without a space'
        raise QueryError(f"nothing stands after {name}:", at, end, hint=hint)
    return Lexeme(Kind.FIELD, at, end, name.lower())


def _word(query: str, at: int, chunk: str) -> Lexeme:
    end = at + len(chunk)
    if chunk.islower() and chunk.isalnum() and chunk not in _LOWER_OPERATORS:  # nothing below can be wrong with it
        return Lexeme(Kind.WORD, at, end, chunk, terms=terms_of(chunk))
    _refuse_operator(query, at, chunk)
    for pattern, instead in _PLANNED:
        if pattern.fullmatch(chunk):
            raise _planned(chunk, at, end, instead)
    covered = at
    for token in scan(chunk):
        _refuse_stray(query, covered, at + token.start)
        covered = at + token.end
    if covered == at:
        raise QueryError(f"{chunk!r} has no letter or digit to search for", at, end)
    _refuse_stray(query, covered, end)
    return Lexeme(Kind.WORD, at, end, chunk, terms=terms_of(chunk))


def _refuse_operator(query: str, at: int, chunk: str) -> None:
    end = at + len(chunk)
    if chunk.upper() in OPERATORS:
        hint = f'write {chunk.upper()} for the operator, or "{chunk}" in quotes to search for the word'
        raise QueryError(f"{chunk!r} is not an operator in lower case", at, end, hint=hint)
    if chunk in {"SENTENCE", "PARAGRAPH", "FIRST"} and query.startswith("(", end):
        raise _planned(f"{chunk}(…)", at, end, "use AND")
    double = re.search(r"&&|\|\|?|^&", chunk)
    if double:
        word = "AND" if "&" in double[0] else "OR"
        place = at + double.start()
        raise QueryError(f"unknown operator {double[0]!r}", place, at + double.end(), hint=f"use {word}")
    match chunk[0]:
        case "!":
            raise QueryError("unknown operator '!'", at, hint="use NOT, or a - before the word")
        case "+":
            raise QueryError("unknown operator '+'", at, hint="leave it out: words side by side must all be there")
        case "'" | "‘" | "’" | "‚" | "`":
            hint = 'use double quotes: "step down"'
            raise QueryError("single quotes do not make a phrase", at, hint=hint)
        case "–" | "—" | "−":
            raise QueryError("this dash has no meaning here", at, hint="to exclude a word write -word or NOT word")
        case _:
            pass


def _refuse_stray(query: str, start: int, end: int) -> None:
    """The characters between two tokens of a word, or after its last one."""
    for place in range(start, end):
        character = query[place]
        if character in _SEPARATORS:
            continue
        if character in ",;":
            hint = "words side by side must all be there; for any of them write a OR b"
        else:
            hint = "put the text in double quotes if you want it literally"
        raise QueryError(f"unexpected character {character!r}", place, hint=hint)


def _planned(what: str, start: int, end: int, instead: str) -> QueryError:
    return QueryError(f"{what} is not supported yet in this version", start, end, hint=instead)
