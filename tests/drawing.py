"""Rules and articles drawn by chance, from few words at a time, so that what a query asks for is often there or nearly.

Everything comes from one `random.Random`: a seeded one repeats a run, and hypothesis's own shrinks what it finds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from monitor.model import Entry, Severity
from monitor.rules.rule import Rule
from monitor.rules.syntax import parse
from monitor.rules.tree import Node

FEED, TAGS = "bbc-world", ("world", "top")


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Spellings that have to do with each other: in queries, in texts, and as a wildcard or a pattern."""

    asked: tuple[str, ...]
    written: tuple[str, ...]
    wild: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()


FAMILIES = (
    Family(
        asked=("ab", "ab", "ab's"),
        written=("ab", "Ab", "AB", "ab’s", "@ab", "abcd"),
        wild=("ab*",),
        patterns=("/^ab/",),
    ),
    Family(asked=("cd", "#cd"), written=("cd", "Cd", "#cd", "CD", "cd#"), patterns=("/cd$/m", r"/\bcd\b/")),
    Family(
        asked=("step", "steps"),
        written=("step", "steps", "Stepped", "stepping", "stepfather"),
        wild=("st?p", "ste*", "*step*", "*ing"),
        patterns=("/step(?:s|ped)/i", "/stepped/i"),
    ),
    Family(asked=("ef", "gh"), written=("ef", "gh", "ef gh", "efgh"), patterns=(r"/ef.{0,9}gh/s", r"/f\s+g/")),
    Family(asked=("é", "résumé"), written=("é", "É", "e", "résumé", "Resume", "re\u0301sume\u0301"), wild=("r?sum*",)),
    Family(asked=("C++", "c"), written=("C++", "C", "c#"), patterns=(r"/C\+/",)),
    Family(asked=(".NET", "net"), written=(".NET", "net", ".net", "ab.net"), wild=("ne*",)),
    Family(asked=("a-b", "b", "a"), written=("a-b", "a b", "b a", "B"), patterns=("/a.b/",)),
    Family(asked=("U.S.", "us"), written=("U.S.", "U.S", "US", "us"), patterns=(r"/U\.S\./",)),
    Family(
        asked=("3.5", "3.5%", "1,000"),
        written=("3.5", "3.5%", "3,5", "1,000", "1000", "$1,000"),
        patterns=(r"/\d[.,]\d+/",),
    ),
    Family(asked=("AT&T", "t"), written=("AT&T", "AT", "T", "at & t")),
    Family(asked=("l'ab", "don't"), written=("l’ab", "L'AB", "lab", "don’t", "dont", "Don't"), wild=("don*",)),
    Family(
        asked=("straße", "istanbul"),
        written=("straße", "STRASSE", "İstanbul", "ıstanbul"),
        wild=("str*sse", "istanb?l"),
    ),
    Family(asked=("东京", "京"), written=("东京", "东", "京东京"), patterns=("/东/",)),
    Family(asked=("الأسد", "асад"), written=("الأسد", "والأسد", "الأَسَد", "Асад", "асадом"), wild=("*الأسد", "асад*")),
    Family(asked=("ลา", "a@cd.org"), written=("ลา", "ลาออก", "า", "a@cd.org", "www.cd.org")),
)
PATTERNS = ("/— /", r"/[.!?]\s[A-Z]/", r"/\w+, \w+/", "/[;—]/")
JOINTS = (*(" ",) * 8, ", ", ". ", ". ", "! ", "? ", " — ", "-", "… ", ' "', '" ', " (", ") ", "。", "\n", "\n", "\n\n")
LABELS = (
    "tag:world",
    "tag:wor*",
    "tag:sport",
    "domain:bbc.co.uk",
    "domain:org",
    "domain:*.uk",
    "lang:en",
    "lang:en-gb",
)
META = ("feed:world", "source:bbc", "feed:dw", "url:news", "url:/ab-?cd/", "url:cd")
FEEDS: tuple[tuple[str, ...], ...] = ((), (), (), (), (FEED,), ("dw",), ("tag:world",), ("bbc-*",), ("dw", "top"))


def rule_of(
    tree: Node,
    *,
    name: str = "r",
    query: str = "",
    feeds: tuple[str, ...] = (),
    enabled: bool = True,
) -> Rule:
    """A rule with that query and little else."""
    return Rule(
        name=name,
        title=name,
        description="",
        query=query,
        tree=tree,
        feeds=feeds,
        channels=(),
        severity=Severity.NORMAL,
        enabled=enabled,
        file="drawn.toml",
        line=1,
    )


class Drawing:
    """Rules and articles of the same few words."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._families = [random.choice(FAMILIES) for _ in range(random.randint(1, 4))]
        self._lists: dict[str, Node] = {}
        self._lists["words"] = parse(f"({self.term()} OR {self.term()})").tree
        self._lists["close"] = parse(f"@words OR ({self._word()} NEAR/3 {self._word()})", self._lists).tree
        self._lists["both"] = parse(f"{self.term()} -{self.term()}").tree

    def _one(self, *of: str) -> str:
        return self._random.choice(of)

    # ------------------------------------------------------------------------------------------------------- articles

    def entry(self) -> Entry:
        """An article of a few short fields, each of them sometimes empty."""
        return Entry(
            key="k",
            title=self._line(6),
            summary=self._text(12),
            content=self._text(30),
            page=self._text(30) if self._random.random() < 0.4 else "",
            author=self._line(3),
            categories=tuple(self._line(3) for _ in range(self._random.randint(0, 3))),
            link=self._one("", "https://www.BBC.co.uk/news/ab-cd", "http://example.org/step?ab=cd", "http://["),
            language=self._one("en", "en", "en-gb", "de", "ar", "zh"),
        )

    def _line(self, most: int) -> str:
        return self._text(most).replace("\n", " ")

    def _text(self, most: int) -> str:
        """Words and what is between them; a capital letter makes a point the end of a sentence."""
        text = ""
        for _ in range(self._random.randint(0, most)):
            word = self._random.choice(self._family().written)
            text += word[0].upper() + word[1:] if text.endswith((". ", "! ", "? ")) else word
            text += self._random.choice(JOINTS)
        return text.strip()

    def _family(self) -> Family:
        """One of this drawing's few, seldom another."""
        return self._random.choice(FAMILIES if self._random.random() < 0.1 else self._families)

    # ---------------------------------------------------------------------------------------------------------- rules

    def rules(self, count: int) -> list[Rule]:
        """Rules of any kind of query; some for other feeds, some switched off."""
        queries = [parse(self.query(), self._lists) for _ in range(count)]
        return [
            rule_of(
                query.tree,
                name=f"r{number}",
                query=query.text,
                feeds=self._random.choice(FEEDS),
                enabled=self._random.random() < 0.95,
            )
            for number, query in enumerate(queries)
        ]

    def query(self) -> str:
        """A query that the parser takes."""
        return self._any(self._random.randint(0, 3), self._scoped)

    def _any(self, depth: int, leaf: Callable[[int], str]) -> str:
        """A combination of what `leaf` draws, always with something positive in it."""
        if depth == 0 or self._random.random() < 0.4:
            return leaf(depth)
        parts = [self._any(depth - 1, leaf) for _ in range(self._random.randint(2, 3))]
        match self._random.randint(0, 3):
            case 0:
                return f"({' '.join(parts)})"
            case 1:
                return f"({parts[0]} NOT {parts[1]})"
            case _:
                return f"({' OR '.join(parts)})"

    def _scoped(self, depth: int) -> str:
        """Something with or without a field."""
        match self._random.randint(0, 15):
            case 0:
                return self._one(*LABELS)
            case 1:
                return self._one(*META)
            case 2:
                return f"category:({self._any(min(depth, 1), self._unit)})"
            case 3 | 4 | 5:
                field = self._one("title", "summary", "content", "page", "author")
                return f"{field}:({self._any(min(depth, 1), self._unit)})"
            case _:
                return self._unit(depth)

    def _unit(self, depth: int) -> str:
        """Something without a field."""
        match self._random.randint(0, 15):
            case 0 | 1:
                return f"SENTENCE({self._any(max(depth, 1), self._positional)})"
            case 2 | 3:
                unit = self._one("SENTENCE", "PARAGRAPH", "PARAGRAPH")
                return f"{unit}({self._any(depth - 1, self._unit)})" if depth else f"{unit}({self.term()})"
            case 4 | 5:
                inner = self._any(depth - 1, self._unit) if depth else self.term()
                return f"FIRST/{self._random.randint(1, 9)}({inner})"
            case 6 | 7:
                return f"ATLEAST/{self._random.randint(2, 4)} ({self._positional(depth)})"
            case 8:
                return self._one("@words", "@close", "@both")
            case _:
                return self._positional(depth)

    def _positional(self, depth: int) -> str:
        """Something that finds stretches of words."""
        if self._random.random() < 0.4:
            return self.term()
        sides = [self._positional(depth - 1) if depth > 0 else self.term() for _ in range(2)]
        match self._random.randint(0, 5):
            case 0:
                return f"({' OR '.join(sides)})"
            case 1:
                return self._one("@words", "@close")
            case _:
                operator = self._one("NEAR", "NEAR", "BEFORE", "AFTER")
                return f"({sides[0]} {operator}/{self._random.randint(1, 5)} {sides[1]})"

    def term(self) -> str:
        """A word, a phrase or a pattern, sometimes with a weight."""
        match self._random.randint(0, 11):
            case 0:
                drawn = f'"{self._phrase()}"'
            case 1 | 2:
                drawn = f'"{self._phrase()}"~{self._random.randint(1, 4)}'
            case 3:
                drawn = self._one("step~", "ab~", "cd~", f'"step {self._word()}"~', f'"{self._word()} cd"~')
            case 4:
                drawn = f'="{self._random.choice(self._family().written)}"'
            case 5:
                drawn = f'="{self._phrase()}"'
            case 6:
                drawn = self._one(*(self._family().wild or ("*step*",)))
            case 7:
                drawn = f'"{self._word()} {self._one(*(self._family().wild or ("ste*",)))}"'
            case 8:
                drawn = self._one(*self._family().patterns, *PATTERNS)
            case _:
                drawn = self._word()
        return drawn + self._one("", "", "", "", "^2", "^0.5")

    def _word(self) -> str:
        return self._random.choice(self._family().asked)

    def _phrase(self) -> str:
        """Words that a text may have side by side; sometimes over the end of a sentence."""
        words = [self._word() for _ in range(self._random.randint(2, 3))]
        return self._one(" ", " ", ". ", "? ").join(words)
