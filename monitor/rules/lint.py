"""What a rule need not say, or says in vain. Only what is certain is told."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from monitor.rules.cover import covers, pattern_takes, skeleton
from monitor.rules.syntax import render
from monitor.rules.tokens import fold
from monitor.rules.tree import (
    DEFAULT_FIELDS,
    LABEL_FIELDS,
    And,
    AtLeast,
    Exact,
    First,
    Forms,
    InField,
    Listed,
    Near,
    Not,
    Or,
    Plain,
    Regex,
    Term,
    Wildcard,
    Within,
)
from monitor.rules.walk import parts_of, walk

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from monitor.errors import Fault
    from monitor.rules.cover import Fields
    from monitor.rules.rule import Rule
    from monitor.rules.tree import Node, TokenTest
    from monitor.tomlfile import KeyPath

_SAMPLES = ("Rain fell over the hills until noon", "Der Zug kam um 8 Uhr an", "Talks on Gaza stall, UN says")
_SHOWN = 60
# Above this size of an And or Or, only parts that share a word are compared.
_FEW = 12
_MAX_COMPARISONS = 50_000


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a node that is allowed and looks wrong."""

    node: Node
    message: str
    hint: str


def findings(tree: Node, *, language: str = "") -> list[Finding]:
    """All there is to say about one query; `language`: the one that its rule asks for, or ""."""
    if _is_everywhere(tree):
        hint = "add a word that tells what the rule is about"
        return [Finding(tree, "this rule matches nearly every English text", hint)]
    if _is_plain(tree):
        return []
    found = list(_findings(tree, DEFAULT_FIELDS, _Seen(language)))
    if not found and not _has_key(tree):
        message = "no word has to be there, so the regular expression is tried on every article"
        node = next(each for each in walk(tree) if isinstance(each, Regex))
        found.append(Finding(node, message, "add a word that must be there, or letters that the expression needs"))
    return found


def owner_of(node: Node, roots: Mapping[KeyPath, Node]) -> KeyPath | None:
    """The key under which a node was written; for one made of several, that of the first."""
    owners = {id(each): key for key, root in roots.items() for each in walk(root)}
    return next((owners[id(each)] for each in walk(node) if id(each) in owners), None)


def duplicates(rules: Iterable[Rule]) -> tuple[Fault, ...]:
    """A warning for each enabled rule that does what one before it does."""
    alike: dict[Hashable, list[Rule]] = defaultdict(list)
    for rule in rules:
        if rule.enabled:
            scope = (rule.feeds, rule.channels, rule.language, rule.max_age, rule.expires, rule.trigger)
            alike[scope, _first_words(rule.tree)].append(rule)
    faults = []
    for group in alike.values():
        firsts: dict[Hashable, Rule] = {}
        for rule in group if len(group) > 1 else ():
            first = firsts.setdefault(skeleton(rule.tree), rule)
            if first is not rule:
                message = f"{first.name!r} ({first.file}:{first.line}) looks for the same in the same feeds"
                faults.append(rule.fault("name", message=message, hint="remove one of the two", warning=True))
    return tuple(faults)


def _first_words(node: Node) -> Hashable:
    """What is the same in trees that are, and quickly found."""
    while (parts := parts_of(node)) and not isinstance(node, Listed):
        node = parts[0]
    return node.tests if isinstance(node, Term) else type(node).__name__


def expired(rules: Iterable[Rule], *, now: datetime) -> tuple[Fault, ...]:
    """A warning for each enabled rule whose time is over."""
    return tuple(
        rule.fault(
            "expires",
            message=f"this rule expired at {rule.expires:%Y-%m-%d %H:%M} UTC, and matches no more",
            hint="give it another day, or remove it",
            warning=True,
        )
        for rule in rules
        if rule.enabled and rule.expires is not None and rule.expires <= now
    )


_EVERYWHERE = frozenset({"the", "a", "of", "to", "and", "in", "for", "is", "on"})


def _is_everywhere(node: Node) -> bool:
    """Whether nothing is asked for but one or two of the words without which there is hardly a text."""
    match node:
        case Term(tests=(Plain(term=word),)):
            return word in _EVERYWHERE
        case And():
            return all(map(_is_everywhere, node.parts))
        case Or():
            return any(map(_is_everywhere, node.parts))
        case InField(name="content" | "summary" | "page"):
            return _is_everywhere(node.part)
        case _:
            return False


def _is_plain(tree: Node) -> bool:
    """Whether no word comes twice and there is nothing but words, so that nothing can be said: most rules by far."""
    words: set[str] = set()
    patterns: list[str] = []
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, Term):
            for test in node.tests:
                match test:
                    case Plain(term=word) if word not in words:
                        words.add(word)
                    case Wildcard():
                        patterns.append(test.pattern)
                    case Forms() | Exact() if words.isdisjoint(found := _words(test)):
                        words.update(found)
                    case _:
                        return False
        elif isinstance(node, Regex | Listed | First | AtLeast) or (
            isinstance(node, InField) and node.name in LABEL_FIELDS
        ):
            return False
        else:
            pending += parts_of(node)
    return len(patterns) < 2 and not any(pattern_takes(pattern, word) for pattern in patterns for word in words)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What holds around a node: the rule's language, and whether the rule can match only where the node holds."""

    language: str
    needed: bool = True


def _findings(node: Node, fields: Fields, seen: _Seen) -> Iterator[Finding]:
    within = seen if seen.needed and isinstance(node, And | InField) else _Seen(seen.language, needed=False)
    match node:
        case Term() | Listed():
            pass
        case Regex():
            yield from _broad(node)
        case InField():
            yield from _findings(node.part, (node.name,), seen)
        case Not() | AtLeast() | Within():
            yield from _findings(node.part, fields, within)
        case First():
            yield from _too_long(node, seen)
            yield from _findings(node.part, fields, within)
        case Near():
            yield from _findings(node.left, fields, within)
            yield from _findings(node.right, fields, within)
        case And():
            parts = tuple(_flat(node))
            never = list(_contradictions(parts, fields, seen))
            yield from never
            if not never:
                yield from _useless_in_and(parts, fields)
            for part in parts:
                yield from _findings(part, fields, within)
        case Or():
            yield from _useless_in_or(node.parts, fields)
            for part in node.parts:
                yield from _findings(part, fields, within)


def _flat(node: And) -> Iterator[Node]:
    for part in node.parts:
        if isinstance(part, And):
            yield from _flat(part)
        else:
            yield part


# ----------------------------------------------------------------------------------------------------- never, always


def _contradictions(parts: Sequence[Node], fields: Fields, seen: _Seen) -> Iterator[Finding]:
    what = "this rule can never match" if seen.needed else "this part can never match"
    wanted = [part for part in parts if not isinstance(part, Not)]
    for part in parts:
        if not isinstance(part, Not):
            continue
        # Of NOT (a OR b) the one that does it.
        excluded = part.part.parts if isinstance(part.part, Or) else (part.part,)
        pairs = ((each, victim) for each in (*excluded, part.part) for victim in wanted if covers(each, victim, fields))
        for each, victim in islice(pairs, 1):
            message = f"{what}: NOT {_in_group(each)} takes away all that {_in_group(victim)} finds"
            yield Finding(each, message, "make the exclusion narrower, or remove it")
    for name in ("lang", "domain"):
        yield from _labels_apart(parts, name, what, seen.language if name == "lang" else "")


def _labels_apart(parts: Sequence[Node], name: str, what: str, given: str) -> Iterator[Finding]:
    """An article has one language, and one address."""
    first: Node | None = None
    value = given
    for part in parts:
        if not (isinstance(part, InField) and part.name == name and isinstance(part.part, Term)):
            continue
        other = part.part.text.casefold()
        if "*" in other:
            continue
        if value and not _agree(name, value, other):
            source = _shown(first) if first else f'language = "{given}"'
            yield Finding(part, f"{what}: no article is both {source} and {_shown(part)}", "join the two with OR")
        first, value = part, other


def _agree(name: str, one: str, other: str) -> bool:
    if name == "lang":
        return one.startswith(other) or other.startswith(one)
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")


def _too_long(node: First, seen: _Seen) -> Iterator[Finding]:
    least = _least_words(node.part)
    if least > node.count:
        what = "this rule can never match" if seen.needed else "this part can never match"
        message = f"{what}: {_in_group(node.part)} takes {least} words, and only the first {node.count} are looked at"
        yield Finding(node, message, f"write FIRST/{least} or more")


def _least_words(node: Node) -> int:
    """How many words there must be at least for a node to hold."""
    match node:
        case Term():
            return len(node.tests)
        case Regex():
            return 1
        case And():
            return max(map(_least_words, node.parts))
        case Or():
            return min(map(_least_words, node.parts))
        case Not():
            return 0
        case Near():
            return _least_words(node.left) + _least_words(node.right)
        case Within() | First() | AtLeast() | InField() | Listed():
            return _least_words(node.part)  # ATLEAST counts over several fields, each with its own first words


def _broad(node: Regex) -> Iterator[Finding]:
    try:
        everywhere = not node.literal and all(node.compiled.search(text, timeout=0.05) for text in _SAMPLES)
    except TimeoutError:
        return
    if everywhere:
        yield Finding(node, "this regular expression matches nearly every text", "make it more exact")


def _has_key(node: Node) -> bool:
    """Whether a rule can be left out for an article without looking at more than its words or its labels."""
    match node:
        case Term():
            return True
        case Regex():
            return bool(node.literal)
        case Not():
            return False
        case Or():
            return all(map(_has_key, node.parts))
        case And():
            return any(map(_has_key, node.parts))
        case Near():
            return _has_key(node.left) or _has_key(node.right)
        case Within() | First() | AtLeast() | InField():
            return _has_key(node.part)
        case Listed():  # a list without a word would be a strange one, and to look through it costs time
            return True


# ----------------------------------------------------------------------------------------------------------- useless


def _useless_in_or(parts: Sequence[Node], fields: Fields) -> Iterator[Finding]:
    told: set[int] = set()
    # Of two that cover each other the later one is the one too many.
    for whole, part in sorted(_covering(parts, fields), key=lambda pair: pair[0] > pair[1]):
        if part not in told and whole not in told and not _weighted(parts[part]):
            told.add(part)
            yield _useless(parts[part], parts[whole], f"{_in_group(parts[whole])} finds it already")


def _useless_in_and(parts: Sequence[Node], fields: Fields) -> Iterator[Finding]:
    told: set[int] = set()
    for whole, part in sorted(_covering(parts, fields), key=lambda pair: pair[0] < pair[1]):
        if part not in told and whole not in told and not _weighted(parts[whole]):
            told.add(whole)
            yield _useless(parts[whole], parts[part], f"it holds wherever {_in_group(parts[part])} does")


def _useless(node: Node, other: Node, why: str) -> Finding:
    shown = _in_group(node)
    if shown == _in_group(other):
        return Finding(node, f"{shown} stands here twice", "leave out one of the two")
    return Finding(node, f"{shown} adds nothing: {why}", f"leave out {shown}")


def _weighted(node: Node) -> bool:
    """Whether the node chooses what an excerpt shows, so that it is not there for nothing."""
    return any(isinstance(each, Term | Regex) and each.weight != 1 for each in walk(node))


def _covering(parts: Sequence[Node], fields: Fields) -> list[tuple[int, int]]:
    """Pairs of numbers (i, j) where part i covers part j."""
    numbers = range(len(parts))
    if len(parts) <= _FEW:
        return [(i, j) for j in numbers for i in numbers if i != j and covers(parts[i], parts[j], fields)]
    index = _Index(parts)
    return [
        (i, j) for j in numbers for i in index.candidates(parts[j]) if i != j and covers(parts[i], parts[j], fields)
    ]


class _Index:
    """Parts by the words that they can cover, for long lists."""

    def __init__(self, parts: Sequence[Node]) -> None:
        self._by_word: dict[str, list[int]] = defaultdict(list)
        self._loose: list[int] = []  # may cover anything
        for number, part in enumerate(parts):
            if isinstance(part, Term) and not isinstance(part.tests[0], Wildcard):
                for word in _words(part.tests[0]):
                    self._by_word[word].append(number)
            else:
                self._loose.append(number)
        if len(self._loose) * len(parts) > _MAX_COMPARISONS:
            self._loose = []

    def candidates(self, part: Node) -> Iterator[int]:
        words = {word for leaf in walk(part) if isinstance(leaf, Term) for test in leaf.tests for word in _words(test)}
        numbers = {number for word in words for number in self._by_word.get(word, ())}
        yield from sorted(numbers.union(self._loose))


def _words(test: TokenTest) -> tuple[str, ...]:
    match test:
        case Plain():
            return (test.term,)
        case Forms():
            return test.words
        case Exact():
            return (fold(test.text),)
        case Wildcard():
            return ()


def _in_group(node: Node) -> str:
    return f"({_shown(node)})" if isinstance(node, And | Or) else _shown(node)


def _shown(node: Node) -> str:
    text = render(node)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
