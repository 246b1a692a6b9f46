"""Made-up rules over `news`: as trees for those who have no parser, and as query text for us."""

from __future__ import annotations

import random
import re
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Literal

from benchmarks.news import FORMS

if TYPE_CHECKING:
    from benchmarks.news import News, Topic

RuleTree = tuple[Any, ...]
"""("w", word) ("ph", (word, …)) ("pre", beginning) ("cs", Word) ("re", pattern) ("near", a, b, distance)
("and", [a, …]) ("or", [a, …]) ("not", a) ("f", "title", a) ("src", source) ("cnt", a, count)
"""

Kind = Literal["broad", "selective"]

# How many terms a rule has (1 to 6), and how often.
_TERMS = {"broad": (12, 30, 25, 17, 10, 6), "selective": (3, 37, 25, 19, 10, 6)}


class RuleMaker:
    """Draws rules of one kind: broad ones take any word of a topic, selective ones names, phrases and rarer words."""

    def __init__(self, news: News, *, kind: Kind, seed: int) -> None:
        self._news = news
        self._selective = kind == "selective"
        self._terms = _TERMS[kind]
        self._dice = random.Random(seed)
        self._popularity = list(accumulate(rank**-0.35 for rank in range(1, len(news.topics) + 1)))

    def rules(self, count: int) -> list[RuleTree]:
        """The next `count`."""
        return [self._rule() for _ in range(count)]

    def _rule(self) -> RuleTree:
        dice = self._dice
        topic = dice.choices(self._news.topics, cum_weights=self._popularity)[0]
        leaves = [self._leaf(topic) for _ in range(dice.choices((1, 2, 3, 4, 5, 6), self._terms)[0])]
        return self._with_extra(self._combined(leaves), leaves[0], topic)

    def _combined(self, leaves: list[RuleTree]) -> RuleTree:
        drawn, count = self._dice.random(), len(leaves)
        if count == 1:
            return leaves[0]
        if count == 2:
            return ("and" if drawn < (0.97 if self._selective else 0.75) else "or", leaves)
        if count == 3 and drawn >= 0.6:
            return ("and" if drawn < (0.98 if self._selective else 0.85) else "or", leaves)
        if count == 3 or drawn >= 0.6:
            return ("and", [leaves[0], ("or", leaves[1:])])
        return ("and", [("or", leaves[: count // 2]), ("or", leaves[count // 2 :])])

    def _with_extra(self, node: RuleTree, leaf: RuleTree, topic: Topic) -> RuleTree:
        """8 % get a NEAR, 12 % a NOT, 8 % a title:, 4 % a source, 1 % a count, 1 % a regular expression."""
        dice, drawn = self._dice, self._dice.random()
        if drawn < 0.08:
            common, name = ("w", dice.choice(topic.words[:20])), ("w", dice.choice(topic.names).lower())
            return ("and", [node, ("near", common, name, 10)])
        if drawn < 0.20:
            used = set(re.findall(r"\w+", str(node)))
            return ("and", [node, ("not", ("w", dice.choice([word for word in topic.words if word not in used])))])
        if drawn < 0.28:
            title = ("f", "title", leaf)
            return title if node is leaf else ("and", [title, node])
        if drawn < 0.32:
            return ("and", [node, ("src", dice.choice(("reuters", "bbc", "ap")))])
        if drawn < 0.33:
            return ("and", [node, ("cnt", leaf, 2)])
        if drawn < 0.34:
            return ("and", [node, ("re", rf"\b{re.escape(dice.choice(topic.words)[:4])}\w*\s+\d{{2,4}}\b")])
        return node

    def _leaf(self, topic: Topic) -> RuleTree:
        dice = self._dice
        if self._selective and dice.random() < 0.35:
            return ("w", max(dice.sample(topic.words, 3), key=self._news.ranks.__getitem__))
        drawn = dice.random()
        if 0.42 <= drawn < 0.62:
            return ("w", dice.choice(topic.names).lower())
        if 0.62 <= drawn < 0.72:
            return ("ph", tuple(dice.choice(topic.entities).lower().split()))
        if 0.72 <= drawn < 0.82:
            first, plus, second = dice.choice(topic.phrases).partition("+")
            return ("or", [("ph", (form, second)) for form in FORMS[first]]) if plus else ("ph", tuple(first.split()))
        if 0.82 <= drawn < 0.92:
            word = dice.choice([word for word in topic.words if len(word) >= 6] or topic.words)
            return ("pre", word[: max(5, len(word) - 3)])
        return ("cs", dice.choice(topic.names)) if 0.92 <= drawn < 0.96 else ("w", dice.choice(topic.words))


def query(node: RuleTree, *, inside: bool = False) -> str:  # noqa: PLR0911 -- one a kind
    """A rule as an analyst would write it; `inside` another, in parentheses where that needs them."""
    match node:
        case ("w", word):
            return word if re.fullmatch("[a-z]{2,}", word) and word not in ("and", "or", "not") else f'"{word}"'
        case ("ph", words):
            return f'"{" ".join(words)}"'
        case ("pre", beginning):
            return f"{beginning}*"
        case ("cs", word):
            return f"={word}"
        case ("re", pattern):
            return f"/{pattern}/i"
        case ("near", left, right, distance):
            return f"({query(left)} NEAR/{distance} {query(right)})"
        case ("f", name, part):
            return f"{name}:{query(part, inside=True)}"
        case ("src", source):
            return f"feed:{source}"
        case ("cnt", part, count):
            return f"ATLEAST/{count} {query(part, inside=True)}"
        case ("not", part):
            return f"NOT {query(part, inside=True)}"
        case ("and" | "or" as operator, parts):
            text = f" {operator.upper()} ".join(query(part, inside=True) for part in parts).replace(
                " AND NOT ", " NOT "
            )
            return f"({text})" if inside else text
        case _:
            raise ValueError(f"no rule: {node!r}")


def rule_file(rules: list[RuleTree], first: int) -> str:
    """The rules as a TOML file; the first one is called "r" and `first`."""
    return "".join(
        f"[[rule]]\nname = 'r{number}'\nquery = '''{query(rule)}'''\n\n" for number, rule in enumerate(rules, first)
    )
