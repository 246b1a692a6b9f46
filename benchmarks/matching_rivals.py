"""Other ways to decide the rules of `matching`, as contestants; named on the command line. No code of ours is used.

- `naive`: every rule, with one regular expression for each of its terms.
- `alternation`: one regular expression of all terms; the rules that could match are then decided from what it found.
- `fts5`: the rules are rows of a full-text index, each with the terms of which it needs one; an article's words are the
  query, and the rows that come back are decided from its words.
- `hyperscan`: all terms in one database of that library, then as with `alternation`.
"""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from collections import defaultdict
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from benchmarks.matching_prototype import as_tuples
from benchmarks.matching_side import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from benchmarks.news import Article
    from benchmarks.news_rules import RuleTree

_FIELDS = ("title", "summary", "content")


def _pattern(term: RuleTree) -> str:
    """A term as a regular expression."""
    kind, value = term
    text = r"\W+".join(map(re.escape, value)) if kind == "ph" else re.escape(value)
    return rf"\b{text}" if kind == "pre" else rf"\b{text}\b"


def _terms(node: RuleTree) -> Iterator[RuleTree]:
    """The terms of a rule, those that it excludes too."""
    match node:
        case ("and" | "or", parts):
            for part in parts:
                yield from _terms(part)
        case ("near", left, right, _):
            yield from (left, right)
        case ("not", part) | ("cnt", part, _) | ("f", _, part):
            yield from _terms(part)
        case ("w" | "ph" | "pre" | "cs", _):
            yield node
        case _:  # source and pattern
            return


def _key(node: RuleTree) -> tuple[RuleTree, ...]:
    """Terms of which an article must have one; empty where that cannot be said."""
    match node:
        case ("and", parts):
            keys = [key for part in parts if (key := _key(part))]
            return min(keys, key=lambda key: (len(key), -min(len(str(term[1])) for term in key)), default=())
        case ("or", parts):
            keys = [_key(part) for part in parts]
            return tuple(term for key in keys for term in key) if all(keys) else ()
        case ("near", left, _, _):
            return (left,)
        case ("cnt", part, _) | ("f", _, part):
            return _key(part)
        case ("w" | "ph" | "pre" | "cs", _):
            return (node,)
        case _:
            return ()


def _holds(  # noqa: PLR0911 -- one a kind
    node: RuleTree, article: Article, has: Callable[[RuleTree, bool], bool], title: bool = False
) -> bool:
    """Decide from `has(term, in the title)`: NEAR as AND, a count as once, for it does not know the places."""
    match node:
        case ("and", parts):
            return all(_holds(part, article, has, title) for part in parts)
        case ("or", parts):
            return any(_holds(part, article, has, title) for part in parts)
        case ("not", part):
            return not _holds(part, article, has, title)
        case ("near", left, right, _):
            return has(left, title) and has(right, title)
        case ("cnt", part, _):
            return _holds(part, article, has, title)
        case ("f", _, part):
            return _holds(part, article, has, title=True)
        case ("src", source):
            return bool(article["source"] == source)
        case ("re", pattern):
            return any(_compiled(pattern).search(article[field]) for field in _FIELDS)
        case _:
            return has(node, title)


@cache
def _compiled(pattern: str, flags: int = re.IGNORECASE) -> re.Pattern[str]:
    return re.compile(pattern, flags)


class _Rival:
    """What they have in common."""

    def __init__(self) -> None:
        self.trees: list[RuleTree] = []

    def load(self, folder: Path) -> None:
        self.trees = as_tuples(json.loads((folder / "rules.json").read_text(encoding="utf-8")))

    def prepare(self, article: Article) -> Article:
        return article

    def build(self, articles: Sequence[Article]) -> None:
        raise NotImplementedError

    def decide(self, article: Article) -> Iterable[int]:
        raise NotImplementedError

    def show(self, article: Article) -> Sequence[Any]:
        raise NotImplementedError

    def excerpt(self, match: Any) -> None:
        raise NotImplementedError


class _Naive(_Rival):
    def build(self, articles: Sequence[Article]) -> None:
        """Python compiles a pattern when it is first used; here all are."""
        del articles
        for tree in self.trees:
            for term in _terms(tree):
                self._search(term)

    def decide(self, article: Article) -> Iterable[int]:
        text = "\n".join(article[field] for field in _FIELDS)
        return [number for number, tree in enumerate(self.trees) if self._rule(tree, article, text)]

    def _search(self, term: RuleTree) -> re.Pattern[str]:
        return _compiled(_pattern(term), 0 if term[0] == "cs" else re.IGNORECASE)

    def _rule(self, node: RuleTree, article: Article, text: str) -> bool:
        match node:
            case ("and", parts):
                return all(self._rule(part, article, text) for part in parts)
            case ("or", parts):
                return any(self._rule(part, article, text) for part in parts)
            case ("not", part):
                return not self._rule(part, article, text)
            case ("f", _, part):
                return self._rule(part, article, article["title"])
            case ("near", left, right, distance):
                one, other, gap = _pattern(left), _pattern(right), rf"\W+(?:\w+\W+){{0,{distance - 1}}}?"
                return bool(_compiled(f"{one}{gap}{other}|{other}{gap}{one}").search(text))
            case ("cnt", part, count):
                return bool(sum(len(self._search(term).findall(text)) for term in _terms(part)) >= count)
            case ("src" | "re", _):
                return _holds(node, article, lambda *_: False)
            case _:
                return self._search(node).search(text) is not None


class _Scanner(_Rival):
    """All terms are found in one go over the text; rules are filed by a term that they need."""

    def build(self, articles: Sequence[Article]) -> None:
        del articles
        self._always = [number for number, tree in enumerate(self.trees) if not _key(tree)]
        self._filed: dict[RuleTree, list[int]] = defaultdict(list)
        for number, tree in enumerate(self.trees):
            for term in _key(tree):
                self._filed[term].append(number)
        self.compile(list(dict.fromkeys(term for tree in self.trees for term in _terms(tree))))

    def decide(self, article: Article) -> Iterable[int]:
        in_title = self.scan(article["title"])
        found = in_title | self.scan(article["summary"] + "\n" + article["content"])
        filed = {number for term in found for number in self._filed.get(term, ())}
        return [
            number
            for number in filed.union(self._always)
            if _holds(self.trees[number], article, lambda term, title: term in (in_title if title else found))
        ]

    def compile(self, terms: list[RuleTree]) -> None:
        raise NotImplementedError

    def scan(self, text: str) -> set[RuleTree]:
        raise NotImplementedError


class _Alternation(_Scanner):
    """`re` tries the branches in order at each place and goes on after the end of a match: of terms that overlap, it
    finds one. It has one setting for case.
    """

    def compile(self, terms: list[RuleTree]) -> None:
        self._named: dict[str, list[RuleTree]] = defaultdict(list)
        for term in terms:
            kind, value = term
            self._named[(" ".join(value) if kind == "ph" else value + "*" * (kind == "pre")).lower()].append(term)
        texts = sorted(self._named, key=len, reverse=True)
        branches = [re.escape(text[:-1]) + r"\w*" if text.endswith("*") else re.escape(text) for text in texts]
        self._pattern = re.compile(rf"\b(?:{'|'.join(branches)})\b")
        self._beginnings = sorted({len(text) - 1 for text in texts if text.endswith("*")})

    def scan(self, text: str) -> set[RuleTree]:
        found: set[RuleTree] = set()
        for word in set(self._pattern.findall(text.lower())):
            found.update(self._named.get(word, ()))
            for length in self._beginnings:
                found.update(self._named.get(f"{word[:length]}*", ()))
        return found


class _Hyperscan(_Scanner):
    """Bytes, with \\b and case of ASCII alone: the library refuses \\b together with Unicode."""

    def compile(self, terms: list[RuleTree]) -> None:
        hyperscan = import_module("hyperscan")
        self._terms = terms
        self._database = hyperscan.Database()
        once = hyperscan.HS_FLAG_SINGLEMATCH
        self._database.compile(
            expressions=[_pattern(term).replace(r"\W+", " ").encode() for term in terms],
            ids=list(range(len(terms))),
            flags=[once if term[0] == "cs" else once | hyperscan.HS_FLAG_CASELESS for term in terms],
        )

    def scan(self, text: str) -> set[RuleTree]:
        found: set[RuleTree] = set()

        def on_match(number: int, _start: int, _end: int, _flags: int, _context: object) -> None:
            found.add(self._terms[number])

        self._database.scan(text.encode(), match_event_handler=on_match)
        return found


class _Words:
    """An article for FTS5: its words in a row, and their set."""

    def __init__(self, article: Article) -> None:
        self._whole = self._canonical(" . ".join(article[field] for field in _FIELDS))
        self._title = self._canonical(article["title"])
        self.words = set(self._whole.split())
        self._in_title = set(self._title.split())

    @staticmethod
    def _canonical(text: str) -> str:
        return " " + " ".join(re.findall(r"\w+|[.]", text.lower())) + " "

    def has(self, term: RuleTree, title: bool) -> bool:
        kind, value = term
        if kind == "pre":
            return any(word.startswith(value) for word in (self._in_title if title else self.words))
        needle = " ".join(re.findall(r"\w+", " ".join(value) if kind == "ph" else value.lower()))
        return f" {needle} " in (self._title if title else self._whole)


class _Fts5(_Rival):
    """A beginning is filed as itself and "0", and asked for with every beginning of that length of every word."""

    def build(self, articles: Sequence[Article]) -> None:
        del articles
        self._database = sqlite3.connect(":memory:")
        self._database.execute("CREATE VIRTUAL TABLE rules USING fts5(terms, content='', detail='none')")
        keys = [_key(tree) for tree in self.trees]
        rows = [(number, " ".join(map(self._word, key))) for number, key in enumerate(keys) if key]
        self._database.executemany("INSERT INTO rules(rowid, terms) VALUES (?, ?)", rows)
        self._database.execute("INSERT INTO rules(rules) VALUES ('optimize')")
        self._always = [number for number, key in enumerate(keys) if not key]
        self._known = {word for _, terms in rows for word in terms.split()}
        self._beginnings = sorted({len(term[1]) for key in keys for term in key if term[0] == "pre"})

    @staticmethod
    def _word(term: RuleTree) -> str:
        """One token that an article with the term has."""
        kind, value = term
        if kind == "pre":
            return f"{value}0"
        words: list[str] = re.findall(r"\w+", " ".join(value) if kind == "ph" else value.lower())
        return max(words, key=len)

    def decide(self, article: Article) -> Iterable[int]:
        words = _Words(article)
        asked = words.words | {f"{word[:length]}0" for word in words.words for length in self._beginnings}
        terms = " OR ".join(f'"{word}"' for word in asked & self._known)
        rows = self._database.execute("SELECT rowid FROM rules WHERE rules MATCH ?", (terms,)) if terms else ()
        candidates = {*self._always, *(number for (number,) in rows)}
        return [number for number in candidates if _holds(self.trees[number], article, words.has)]


if __name__ == "__main__":
    serve({"naive": _Naive, "alternation": _Alternation, "fts5": _Fts5, "hyperscan": _Hyperscan}[sys.argv[1]]())
