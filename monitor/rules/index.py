"""Which rules could hold for an article, from the words it has: a few set operations instead of every rule.

From each query come groups of terms; an article must have at least one term of every group for the rule to hold.
That is an over-approximation: a phrase needs each of its words, `a AND (b OR c)` needs {a} and {b, c}, and what cannot
be told from the words of the text needs nothing. A rule is filed under the terms of the group that looks rarest; the
other groups filter it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from monitor.rules.evaluate import AllOf, AnyOf, Label, NoneOf, Part, Pattern, Sequence, Term
from monitor.rules.tree import DEFAULT_FIELDS

if TYPE_CHECKING:
    from collections.abc import Sequence as SequenceOf
    from collections.abc import Set

Group = frozenset[int]

# Words that most articles have: a rule is not filed under them when it has another.
_COMMON = frozenset(
    re.findall(
        r"\w+",
        """
        a about after all also an and are as at back be because been before being but by can could day de did do
        down first for from get go government had has have he her his how i if in into is it its just la last le
        like made make many may minister more most mr new news no not now of off on one only or other out over
        part people police president report s said say says second set she should since so some state still such
        take than that the their them then there these they this those three time to told two u under until up us
        use was way we week well were what when where which while who why will with world would year years you
        """,
    )
)


class Candidate(NamedTuple):
    """A rule that has passed the index.

    Attributes:
        number: The rule's place in the list the index was built from.
        decided: True when passing means that it holds; else its query must still be evaluated.
    """

    number: int
    decided: bool


class _Filed(NamedTuple):
    candidate: Candidate
    needed: Group
    any_of: tuple[Group, ...]


class Index:
    """The rules, filed by the terms they need."""

    def __init__(self, parts: SequenceOf[Part], terms: SequenceOf[str]) -> None:
        """Args: `parts`, one per rule; `terms`, the vocabulary by number."""
        self._costs = [_cost(term) for term in terms]
        self._filed: dict[int, list[_Filed]] = {}
        self._always: list[Candidate] = []
        for number, part in enumerate(parts):
            self._file(number, part)
        self._keys = frozenset(self._filed)

    def candidates(self, present: Set[int]) -> list[Candidate]:
        """The rules that could hold for an article with these terms in title, summary or content; none is left out."""
        passed = set(self._always)
        for term in self._keys & present:
            for candidate, needed, any_of in self._filed[term]:
                if needed <= present and not any(group.isdisjoint(present) for group in any_of):
                    passed.add(candidate)
        return sorted(passed)

    def _file(self, number: int, part: Part) -> None:
        found, decided = self._required(part)
        groups = list(dict.fromkeys(found))
        candidate = Candidate(number, decided)
        if not groups:
            self._always.append(candidate)
            return
        key = min(groups, key=self._group_cost)
        others = [group for group in groups if group is not key]
        needed = frozenset().union(*(group for group in others if len(group) == 1))
        filed = _Filed(candidate, needed, tuple(group for group in others if len(group) > 1))
        for term in key:
            self._filed.setdefault(term, []).append(filed)

    def _required(self, part: Part) -> tuple[list[Group], bool]:
        """The groups, and whether an article that has a term of each of them is sure to satisfy the part."""
        match part:
            case Term() if set(part.fields) <= set(DEFAULT_FIELDS):
                return [frozenset({part.number})], part.fields == DEFAULT_FIELDS
            case Sequence() if set(part.fields) <= set(DEFAULT_FIELDS):
                return [frozenset({number}) for number in part.numbers], False
            case AllOf():
                each = [self._required(one) for one in part.parts]
                return [group for groups, _ in each for group in groups], all(decided for _, decided in each)
            case AnyOf():
                each = [self._required(one) for one in part.parts]
                if not all(groups for groups, _ in each):
                    return [], False
                cheapest = (min(groups, key=self._group_cost) for groups, _ in each)
                decided = all(decided and len(groups) == 1 for groups, decided in each)
                return [frozenset().union(*cheapest)], decided
            case Term() | Sequence() | NoneOf() | Label() | Pattern():
                return [], False

    def _group_cost(self, group: Group) -> float:
        return sum(self._costs[term] for term in group)


def _cost(term: str) -> float:
    """Roughly how many articles of a hundred have the word: long ones are rare, as are those that hold a figure."""
    if term in _COMMON:
        return 50.0
    return float(30 / (1 + len(term)) ** 1.5)
