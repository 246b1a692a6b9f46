"""Which rules could hold for an article, from the words it has: a few set operations instead of every rule.

From each query come groups of terms; an article must have at least one term of every group for the rule to hold.
That is an over-approximation: a phrase needs each of its words, `a AND (b OR c)` needs {a} and {b, c}, and what cannot
be told from the words of the text needs nothing. A rule is filed under the terms of the group that the fewest articles
have, together with those of the next rarest; the other groups, and words that must not be there, filter it. What that
does not decide stays a residue, which is evaluated (cf. Lucene's monitor: term filter, then the query).
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from itertools import chain, compress
from typing import TYPE_CHECKING, NamedTuple

from monitor.rules.evaluate import AllOf, AnyOf, Close, InLead, InOne, InUnit, Label, NoneOf, Several
from monitor.rules.leaves import Pattern, Phrase, Scattered, Word
from monitor.rules.tree import Exact, Forms, Plain, Wildcard

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from monitor.rules.article import Article
    from monitor.rules.evaluate import Part
    from monitor.rules.tree import FieldName, TokenTest

# A term's number where it is looked for in title, summary, content and page; other numbers are a term in one field.
Key = int
Group = frozenset[Key]

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
# Articles a hundred, of those that have a word somewhere, in which it stands in this field.
_FIELD_SHARE = {"title": 0.1, "summary": 0.5, "content": 0.9, "page": 0.9}
_OTHER_FIELD_SHARE = 0.05
# A rule is filed with a second group of its terms if there are no more of them than this.
_MAX_SECOND = 4


class Frequencies:
    """How many articles of a hundred have a term: counted where articles have been seen, else guessed."""

    MIN_ARTICLES = 200

    def __init__(self) -> None:
        self.articles = 0
        self._counts: Counter[TokenTest] = Counter()

    def add(self, articles: int, counts: Mapping[TokenTest, int]) -> None:
        """Add so many articles, and how many of them have a term."""
        self.articles += articles
        self._counts.update(counts)

    def of(self, test: TokenTest) -> float:
        """Percent of articles."""
        guess = _guess(test)
        if self.articles < self.MIN_ARTICLES:
            return guess
        # A term that no article had may be new, or rare: the longer the count, the less the guess is worth.
        weight = self.MIN_ARTICLES / self.articles
        return (100 * self._counts[test] / self.articles + guess * weight) / (1 + weight)


def _guess(test: TokenTest) -> float:
    """Long words are rare, as are those that hold a figure; the few common ones are known."""
    match test:
        case Plain():
            return 50.0 if test.term in _COMMON else float(30 / (1 + len(test.term)) ** 1.5)
        case Exact():
            return 0.8 * _guess(Plain(test.text.casefold()))
        case Forms():
            return min(60.0, sum(_guess(Plain(word)) for word in test.words))
        case Wildcard():
            return 3 * _guess(Plain(re.sub(r"[*?]", "", test.pattern)))


class _Further(NamedTuple):
    """What else a rule needs: `needed` all there, one of each group there, none of `barred` there."""

    needed: tuple[Key, ...]
    any_of: tuple[tuple[Key, ...], ...]
    barred: tuple[Key, ...]

    def holds(self, present: set[Key]) -> bool:
        return (
            present.issuperset(self.needed)
            and present.isdisjoint(self.barred)
            and not any(map(present.isdisjoint, self.any_of))
        )


class Index:
    """The rules, filed by the terms they need.

    A rule has one entry for each key of the group that it is filed under, and each key of a second group: both must be
    there, and most often the second is not. With 100,000 rules an article comes past thousands of entries, so they are
    numbers in arrays, which takes no reference to follow for each.

    Attributes:
        residues: For each rule what is left to evaluate when it is among the candidates; None: nothing, it holds.
    """

    def __init__(self, parts: Sequence[Part], tests: Sequence[TokenTest], frequencies: Frequencies) -> None:
        """Args: `parts`, one per rule; `tests`, the vocabulary by number."""
        self._tests = tests
        self._costs = [frequencies.of(test) for test in tests]
        self._scoped: dict[FieldName, dict[int, Key]] = {}
        self._always: list[int] = []
        self._further: dict[int, _Further] = {}
        self.residues: list[Part | None] = []
        # By key: the other key that must be there (the same where nothing else is asked for here), a rule, and so on.
        filed: dict[Key, list[int]] = {}
        for number, part in enumerate(parts):
            self._file(number, part, filed)
        self._filed = {key: array("I", entries) for key, entries in filed.items()}
        del self._costs

    def candidates(self, article: Article) -> list[int]:
        """The rules that could hold for an article, rising; none is left out."""
        present = article.present
        if self._scoped:
            present = present | self._present_in_fields(article)
        entries = list(chain.from_iterable(map(self._filed.__getitem__, self._filed.keys() & present)))
        found = set(compress(entries[1::2], map(present.__contains__, entries[::2])))
        found.update(self._always)
        for rule in self._further.keys() & found:
            if not self._further[rule].holds(present):
                found.remove(rule)
        return sorted(found)

    def filed_under(self, rule: int) -> tuple[tuple[FieldName | None, TokenTest], ...]:
        """The terms of which one must be there for a rule to be tested, with their field; empty: it always is."""
        fields = {key: (name, number) for name, keys in self._scoped.items() for number, key in keys.items()}
        under = sorted(key for key, entries in self._filed.items() if rule in entries[1::2])
        places = (fields.get(key, (None, key)) for key in under)
        return tuple((name, self._tests[number]) for name, number in places)

    def _present_in_fields(self, article: Article) -> set[Key]:
        return {keys[term] for name, keys in self._scoped.items() for term in keys.keys() & article.present_in(name)}

    def _file(self, number: int, part: Part, filed: dict[Key, list[int]]) -> None:
        groups: dict[Group, None] = {}
        barred: set[Key] = set()
        left: list[Part] = []
        for conjunct in _conjuncts(part):
            if isinstance(conjunct, NoneOf) and (group := self._decided_group(conjunct.part)):
                barred |= group
                continue
            found, decided = self._required(conjunct, None)
            groups.update(dict.fromkeys(found))
            if not decided:
                left.append(conjunct)
        if not groups:
            self._always.append(number)
            self.residues.append(part)
            return
        self.residues.append(None if not left else left[0] if len(left) == 1 else AllOf(tuple(left)))
        first, *rest = sorted(groups, key=self._group_cost)
        second = next((group for group in rest if len(group) <= _MAX_SECOND), None)
        for key in first:
            entries = filed.setdefault(key, [])
            for other in second or (key,):
                entries += other, number
        self._ask_further(number, [group for group in rest if group is not second], barred)

    def _ask_further(self, number: int, groups: list[Group], barred: set[Key]) -> None:
        if groups or barred:
            needed = tuple(key for group in groups if len(group) == 1 for key in group)
            any_of = tuple(tuple(group) for group in groups if len(group) > 1)
            self._further[number] = _Further(needed, any_of, tuple(barred))

    def _decided_group(self, part: Part) -> Group | None:
        """The group that is all there is to a part: it holds where the article has one of these."""
        groups, decided = self._required(part, None)
        return groups[0] if decided and len(groups) == 1 else None

    def _required(self, part: Part, field: FieldName | None) -> tuple[list[Group], bool]:  # noqa: PLR0911 -- one a kind
        """The groups, and whether an article that has a term of each of them is sure to satisfy the part.

        Args:
            field: The one that is looked at; None: title, summary, content and page.
        """
        match part:
            case Word():
                return [frozenset({self._key(part.number, field)})], True
            case Phrase() | Scattered():
                return [frozenset({self._key(number, field)}) for number in part.numbers], False
            case Pattern():
                return ([frozenset({self._key(part.literal, field)})] if part.literal is not None else []), False
            case Close():
                return self._required(part.left, field)[0] + self._required(part.right, field)[0], False
            case Several() | InUnit() | InLead():
                return self._required(part.part, field)[0], False
            case InOne():
                return self._required(part.part, part.name)
            case AllOf():
                each = [self._required(one, field) for one in part.parts]
                return [group for groups, _ in each for group in groups], all(decided for _, decided in each)
            case AnyOf():
                each = [self._required(one, field) for one in part.parts]
                if not all(groups for groups, _ in each):
                    return [], False
                cheapest = (groups[0] if len(groups) == 1 else min(groups, key=self._group_cost) for groups, _ in each)
                decided = all(decided and len(groups) == 1 for groups, decided in each)
                return [frozenset().union(*cheapest)], decided
            case NoneOf() | Label():
                return [], False

    def _key(self, number: int, field: FieldName | None) -> Key:
        if field is None:
            return number
        keys = self._scoped.setdefault(field, {})
        key = keys.get(number)
        if key is None:
            share = _FIELD_SHARE.get(field, _OTHER_FIELD_SHARE)
            key = keys[number] = len(self._costs)
            self._costs.append(self._costs[number] * share)
        return key

    def _group_cost(self, group: Group) -> float:
        costs = self._costs
        return sum([costs[key] for key in group])


def _conjuncts(part: Part) -> Iterator[Part]:
    """What must all hold."""
    if isinstance(part, AllOf):
        for one in part.parts:
            yield from _conjuncts(one)
    elif isinstance(part, InOne) and isinstance(part.part, AllOf):
        for one in part.part.parts:
            yield from _conjuncts(InOne(one, part.name))
    else:
        yield part
