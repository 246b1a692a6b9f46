"""The pieces of a query that are names: operators, fields and lists, as this language and others spell them."""

from __future__ import annotations

import re

from monitor.errors import QueryError
from monitor.rules.dialects import next_phrase, other_field
from monitor.rules.lexemes import COUNT, DISTANCE, FIELD, Kind, Lexeme, chunk_at, number_of, weight_of
from monitor.rules.tree import FIELD_NAMES
from monitor.tomlfile import did_you_mean

_LIST = re.compile(r"@(\w[\w.-]*)")
_SAME = re.compile(r"w/(?:(s|sent)|p|para)", re.IGNORECASE)
_UNNUMBERED = re.compile(r"(NEAR|ONEAR|BEFORE|AFTER|ADJ|ATLEAST|FIRST)(?:/.*)?", re.DOTALL)
_APART = re.compile(r"\s*\(\s*(\d{1,3})\s*\)|\s+/?(\d{1,3})(?=\s)")
_DISTANCE_NAMES = {"near": "NEAR", "w": "NEAR", "after": "AFTER"}  # the others: BEFORE


def operator_at(query: str, at: int, chunk: str) -> Lexeme | None:
    end = at + len(chunk)
    if chunk == "SAME":
        return Lexeme(Kind.SAME, at, end, "paragraph")
    found = _SAME.fullmatch(chunk)
    if found:
        return Lexeme(Kind.SAME, at, end, "sentence" if found[1] else "paragraph")
    found = DISTANCE.fullmatch(chunk)
    if found:
        name = (found[1] or found[3] or "").lower()
        number = number_of(found[2] or found[4] or found[6] or "")
        return Lexeme(Kind.NEAR, at, end, _DISTANCE_NAMES.get(name, "BEFORE"), number=number)
    found = COUNT.fullmatch(chunk)
    if found:
        kind = Kind.ATLEAST if found[1] else Kind.FIRST
        return Lexeme(kind, at, end, number=number_of(found[2] or found[4] or found[6]))
    found = _UNNUMBERED.fullmatch(chunk)
    if found:
        name = found[1]
        if name in {"ATLEAST", "FIRST"}:
            return Lexeme(Kind[name], at, end)
        _refuse_apart(query, at, chunk)
        return Lexeme(Kind.NEAR, at, end, _DISTANCE_NAMES.get(name.lower(), "BEFORE"))
    return _scope(query, at, chunk)


def _refuse_apart(query: str, at: int, name: str) -> None:
    """Refuse "NEAR(5)" and "NEAR /5"."""
    number = _APART.match(query, at + len(name)) if name.isalpha() else None
    if number:
        hint = f"write {name}/{number[1] or number[2]}"
        raise QueryError(f"the distance goes right after {name}, with a slash", at, number.end(), hint=hint)


def _scope(query: str, at: int, chunk: str) -> Lexeme | None:
    end = at + len(chunk)
    name, slash, _ = chunk.partition("/")
    upper = name.upper()
    if upper not in {"SENTENCE", "PARAGRAPH"}:
        return None
    if name != upper:
        if slash or not query.startswith("(", end):
            return None
        hint = f'write {upper}(…), or "{name}" in quotes to search for the word'
        raise QueryError(f"{name!r} is not an operator in lower case", at, end, hint=hint)
    if slash:
        hint = f"write {upper}(a b) for one {upper.lower()}, NEAR/10 for a distance in words"
        raise QueryError(f"{upper} takes no number", at, end, hint=hint)
    if not re.compile(r"\s*\(").match(query, end):
        hint = f'write {upper}(a b), or "{name.lower()}" in quotes to search for the word'
        raise QueryError(f"{upper} needs its terms in parentheses", at, end, hint=hint)
    return Lexeme(Kind.WITHIN, at, end, upper.lower())


def field_at(query: str, at: int) -> Lexeme | None:
    found = FIELD.match(query, at)
    if found is None:
        return None
    name, end = found[1], found.end()
    if name.lower() not in FIELD_NAMES:
        raise _unknown_field(query, at, name)
    if end == len(query) or query[end].isspace() or query[end] == ")":
        hint = f'write {name}:word, {name}:"a phrase" or {name}:(a OR b), without a space'
        raise QueryError(f"nothing stands after {name}:", at, end, hint=hint)
    return Lexeme(Kind.FIELD, at, end, name.lower())


def _unknown_field(query: str, at: int, name: str) -> QueryError:
    end = at + len(name)
    if query.startswith("//", end + 1):
        return QueryError("an address is not a search term", at, end + 3, hint=_instead_of_address(query, at, end + 3))
    other = other_field(name, chunk_at(query, end + 1) or next_phrase(query, end + 1))
    if other:
        return QueryError(f"{name}: is written in another way here", at, end, hint=other)
    known = did_you_mean(name, FIELD_NAMES) or f"the fields are {', '.join(FIELD_NAMES)}."
    hint = f'{known} To search for the text itself put it in quotes: "{name}: …"'
    return QueryError(f"unknown field {name!r}", at, end, hint=hint)


def _instead_of_address(query: str, at: int, host_at: int) -> str:
    """`at`: where the address begins; `host_at`: where its host does."""
    address = chunk_at(query, host_at)
    host, _, path = address.partition("/")
    if not host or len(address) > 80:
        return "to search in an article's address write url:word or domain:example.org"
    if query.endswith("domain:", 0, at) or not path:
        return (
            f"write domain:{host}"
            if query.endswith(":", 0, at)
            else f'write domain:{host}, or "{address}" for the text'
        )
    return f'write url:"{address}"' if query.endswith("url:", 0, at) else f'write domain:{host} or url:"{address}"'


def list_at(at: int, chunk: str) -> Lexeme:
    found = _LIST.match(chunk)
    name = found[1].rstrip(".-") if found else ""
    rest, end = chunk[1 + len(name) :], at + len(chunk)
    if not name:
        hint = "a list is written @name; text that begins with @ goes in quotes"
        raise QueryError("an @ must stand before the name of a list", at, hint=hint)
    if rest.startswith("^"):
        return Lexeme(Kind.LIST, at, end, name, weight=weight_of(rest[1:], end - len(rest) + 1))
    if rest.startswith("~"):
        hint = "write ~ after each item of the list that needs it"
        raise QueryError("~ does not go with a list", end - len(rest), end, hint=hint)
    if rest:
        hint = f'a list is written @{name}; text that begins with @ goes in quotes: "{chunk}"'
        raise QueryError(f"unexpected character {rest[0]!r}", end - len(rest), hint=hint)
    return Lexeme(Kind.LIST, at, end, name)
