"""What a query means, written as plainly as the docstrings of `monitor.rules.tree`: every term at every place.

No index, no memo, no shortcut. The engine is compared with this, so it takes from the product the tree, the tokens, the
sentences and nothing else. Where the tree's docstrings leave a choice, this is the one made:

- A token belongs to the sentence in which its first character stands.
- A pattern is searched in the whole field, also inside SENTENCE, PARAGRAPH and FIRST; there a match counts if all the
  tokens it overlaps are inside (and there is one).
- FIRST cuts each field after its first words and asks once for what is left of all fields together. SENTENCE and
  PARAGRAPH ask for each unit of each field. Inside one another, the inner one sees what the outer one leaves; FIRST
  counts from the beginning of the field all the same.
- ATLEAST counts in the title, and in the page or in what the feed gave of the text, whichever has more.
- =Exact without signs finds a word that has them ("=ICE" finds "#ICE"), like a plain word does.
- The categories are one field, each of them a block.
- A phrase with slop finds no stretch that has a shorter one inside.
- A term, also one with slop, is marked from its first token to its last; overlapping marks are one, of the greater
  weight.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import chain, groupby, pairwise
from typing import NamedTuple
from urllib.parse import urlsplit

from monitor.model import Entry, Hit
from monitor.rules.tokens import Token, scan
from monitor.rules.tree import (
    DEFAULT_FIELDS,
    LABEL_FIELDS,
    TEXT_FIELDS,
    And,
    AtLeast,
    Exact,
    FieldName,
    First,
    Forms,
    InField,
    Listed,
    Near,
    Node,
    Not,
    Or,
    Plain,
    Regex,
    Term,
    TokenTest,
    Wildcard,
    Within,
)
from monitor.sentences import sentences

LIMIT = 100_000  # characters of a field that are looked at


@dataclass(frozen=True, slots=True)
class Word:
    """A token in its field; `place` counts tokens and line ends, `block` line ends, `sentence` sentences before it."""

    token: Token
    place: int
    block: int
    sentence: int


@dataclass(frozen=True, slots=True)
class View:
    """A field, or the part of one that SENTENCE, PARAGRAPH or FIRST leaves to be seen."""

    field: FieldName
    text: str
    words: tuple[Word, ...]
    hidden: tuple[Word, ...] = ()
    is_part: bool = False


@dataclass(frozen=True, slots=True)
class Article:
    """An entry, read: what is in each text field, and the labels of each label field."""

    views: dict[FieldName, View]
    labels: dict[FieldName, list[str]]


class Mark(NamedTuple):
    """What a term found: characters [start, end) of a field."""

    field: FieldName
    start: int
    end: int
    weight: float


Marks = list[Mark] | None  # None: it does not hold


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a positional node found: the places of the first and the last word, and what is to be marked."""

    first: int
    last: int
    marks: frozenset[Mark]


def evaluate(tree: Node, article: Article) -> tuple[Hit, ...] | None:
    """The hits of a query, in reading order and not overlapping; None where it does not hold."""
    marks = found(tree, article, [article.views[name] for name in DEFAULT_FIELDS])
    return None if marks is None else merged(marks)


# ----------------------------------------------------------------------------------------------------------- articles


def read(entry: Entry, *, feed_name: str = "", feed_tags: tuple[str, ...] = ()) -> Article:
    """An entry cut into words."""
    texts: dict[FieldName, str] = {
        **{name: getattr(entry, name) for name in TEXT_FIELDS},
        "feed": feed_name,
        "category": "\n".join(entry.categories),
        "url": entry.link,
    }
    views = {name: view_of(name, text, entry.language) for name, text in texts.items()}
    return Article(views, {"tag": list(feed_tags), "domain": domains(entry.link), "lang": languages(entry.language)})


def view_of(field: FieldName, text: str, language: str) -> View:
    """A field with its words."""
    text = text[:LIMIT]
    ends = [end for _, end in sentences(text, language)]
    words = []
    for number, token in enumerate(scan(text)):
        lines = text.count("\n", 0, token.start)
        sentence = sum(end <= token.start for end in ends)
        words.append(Word(token, number + lines, lines, sentence))
    return View(field, text, tuple(words))


def domains(link: str) -> list[str]:
    """The host and every domain it belongs to."""
    try:
        parts = (urlsplit(link).hostname or "").split(".")
    except ValueError:
        return []
    return [".".join(parts[at:]) for at in range(len(parts)) if parts[at]]


def languages(tag: str) -> list[str]:
    """The language tag and every shorter one it begins with: "en-gb", "en"."""
    parts = tag.split("-")
    return ["-".join(parts[:count]) for count in range(1, len(parts) + 1) if tag]


# -------------------------------------------------------------------------------------------------------------- nodes


def found(node: Node, article: Article, views: list[View]) -> Marks:
    """The marks of all positive parts that hold in these views."""
    match node:
        case And():
            return both_or_none([found(part, article, views) for part in node.parts])
        case Or():
            return any_or_none([found(part, article, views) for part in node.parts])
        case Not():
            return [] if found(node.part, article, views) is None else None
        case Listed():
            return found(node.part, article, views)
        case InField() if node.name in LABEL_FIELDS:
            return [] if label_holds(node.part, article.labels[node.name]) else None
        case InField():
            return found(node.part, article, [article.views[node.name]])
        case _:
            return found_by_words(node, article, views)


def found_by_words(node: Within | First | AtLeast | Regex | Term | Near, article: Article, views: list[View]) -> Marks:
    """The same, of the nodes that look at words."""
    match node:
        case Within():
            return any_or_none([found(node.part, article, [unit]) for view in views for unit in units(node, view)])
        case First():
            return found(node.part, article, [lead(node, view) for view in views])
        case AtLeast():
            of_views = [stretches(node.part, view) for view in views]
            counts = {view.field: count_apart(of_view) for view, of_view in zip(views, of_views, strict=True)}
            page, title = counts.pop("page", 0), counts.pop("title", 0)
            return marks_of(of_views) if title + max(sum(counts.values()), page) >= node.count else None
        case Regex():
            return [mark for view in views for mark in regex_marks(node, view)] or None
        case Term() | Near():
            return marks_of([stretches(node, view) for view in views]) or None


def both_or_none(parts: list[Marks]) -> Marks:
    """What AND makes of its parts."""
    held = [marks for marks in parts if marks is not None]
    return list(chain.from_iterable(held)) if len(held) == len(parts) else None


def any_or_none(parts: list[Marks]) -> Marks:
    """What OR makes of its parts."""
    held = [marks for marks in parts if marks is not None]
    return list(chain.from_iterable(held)) if held else None


def marks_of(of_views: list[set[Stretch]]) -> list[Mark]:
    """All marks of all stretches."""
    return [mark for of_view in of_views for stretch in of_view for mark in stretch.marks]


def units(node: Within, view: View) -> list[View]:
    """The sentences or the paragraphs of what is seen."""
    groups = groupby(view.words, lambda word: word.sentence if node.unit == "sentence" else word.block)
    return [cut(view, tuple(words)) for _, words in groups]


def lead(node: First, view: View) -> View:
    """What is seen of the first words of the field."""
    return cut(view, tuple(word for word in view.words if word.place - word.block < node.count))


def cut(view: View, kept: tuple[Word, ...]) -> View:
    """What is left when only these words are seen."""
    hidden = tuple(word for word in view.words if word not in kept)
    return replace(view, words=kept, hidden=view.hidden + hidden, is_part=True)


def count_apart(of_view: set[Stretch]) -> int:
    """How many stretches share no word, taking each time the one that ends first."""
    count, taken = 0, -1
    for stretch in sorted(of_view, key=lambda stretch: stretch.last):
        if stretch.first > taken:
            count, taken = count + 1, stretch.last
    return count


def label_holds(node: Node, labels: list[str]) -> bool:
    """Whether a label field is what the query says."""
    match node:
        case And():
            return all(label_holds(part, labels) for part in node.parts)
        case Or():
            return any(label_holds(part, labels) for part in node.parts)
        case Not():
            return not label_holds(node.part, labels)
        case Listed():
            return label_holds(node.part, labels)
        case Term():
            pattern = ".*".join(map(re.escape, node.text.casefold().split("*")))
            return any(re.fullmatch(pattern, label.casefold(), re.DOTALL) for label in labels)
        case _:
            raise AssertionError(node)


# --------------------------------------------------------------------------------------------------------- stretches


def stretches(node: Node, view: View) -> set[Stretch]:
    """Every stretch that a positional node finds in a view."""
    match node:
        case Term(slop=None):
            return side_by_side(node, view)
        case Term():
            return scattered(node, view)
        case Regex():
            return regex_stretches(node, view)
        case Near():
            return pairs(node, stretches(node.left, view), stretches(node.right, view))
        case Or():
            return set().union(*(stretches(part, view) for part in node.parts))
        case Listed():
            return stretches(node.part, view)
        case _:
            raise AssertionError(node)


def side_by_side(term: Term, view: View) -> set[Stretch]:
    """A word or a phrase, tried at each word."""
    length = len(term.tests)
    tried = [view.words[at : at + length] for at in range(len(view.words) - length + 1)]
    return {stretch_of(term, view, words) for words in tried if is_phrase(term, words)}


def is_phrase(term: Term, words: tuple[Word, ...]) -> bool:
    """Whether these neighbours are the phrase, in one block, and in one sentence where it does not say otherwise."""
    fits = all(satisfies(test, word.token) for test, word in zip(term.tests, words, strict=True))
    steps = enumerate(pairwise(words), start=1)
    return fits and all(
        one.block == next_one.block and (one.sentence == next_one.sentence or at in term.crosses)
        for at, (one, next_one) in steps
    )


def scattered(term: Term, view: View) -> set[Stretch]:
    """A phrase with slop: every run of as many words as there may be, of which the shortest stay."""
    length = len(term.tests)
    lengths = range(length, length + (term.slop or 0) + 1)
    tried = [view.words[at : at + count] for at in range(len(view.words)) for count in lengths]
    fit = {stretch_of(term, view, words) for words in tried if is_in_one_block(words) and has_all(term.tests, words)}
    return {one for one in fit if not any(is_inside(other, one) for other in fit)}


def is_in_one_block(words: tuple[Word, ...]) -> bool:
    """Whether no line ends between them."""
    return len({word.block for word in words}) == 1


def has_all(tests: tuple[TokenTest, ...], words: tuple[Word, ...]) -> bool:
    """Whether each test can have a word of its own."""
    if not tests:
        return True
    left = [words[:at] + words[at + 1 :] for at, word in enumerate(words) if satisfies(tests[0], word.token)]
    return any(has_all(tests[1:], words) for words in left)


def is_inside(one: Stretch, other: Stretch) -> bool:
    """Whether one is a part of the other."""
    return one != other and other.first <= one.first and one.last <= other.last


def stretch_of(term: Term, view: View, words: tuple[Word, ...]) -> Stretch:
    """From the first of these words to the last."""
    mark = Mark(view.field, words[0].token.start, words[-1].token.end, term.weight)
    return Stretch(words[0].place, words[-1].place, frozenset([mark]))


def pairs(node: Near, left: set[Stretch], right: set[Stretch]) -> set[Stretch]:
    """Every stretch of the left with every one of the right that is near enough."""
    near = [(one, other) for one in left for other in right if 1 <= other.first - one.last <= node.distance]
    if not node.ordered:
        near += [(other, one) for one in left for other in right if 1 <= one.first - other.last <= node.distance]
    return {Stretch(before.first, after.last, before.marks | after.marks) for before, after in near}


def regex_marks(node: Regex, view: View) -> list[Mark]:
    """What a pattern finds in a field; in a part of one, what is inside."""
    if view.is_part:
        return marks_of([regex_stretches(node, view)])
    spans = [match.span() for match in node.compiled.finditer(view.text)]
    return [Mark(view.field, start, end, node.weight) for start, end in spans if start < end]


def regex_stretches(node: Regex, view: View) -> set[Stretch]:
    """The words that each match overlaps, where there are some and none is hidden."""
    result = set()
    for mark in regex_marks(node, replace(view, is_part=False)):
        places = [word.place for word in view.words if overlaps(mark, word)]
        if places and not any(overlaps(mark, word) for word in view.hidden):
            result.add(Stretch(min(places), max(places), frozenset([mark])))
    return result


def overlaps(mark: Mark, word: Word) -> bool:
    """Whether they have a character in common."""
    return mark.start < word.token.end and word.token.start < mark.end


# -------------------------------------------------------------------------------------------------------------- words


def satisfies(test: TokenTest, token: Token) -> bool:
    """Whether one word of the text is what one word of the query asks for."""
    match test:
        case Plain():
            return test.term in {token.folded, token.signed}
        case Exact():
            return test.text in {token.exact, token.signed_exact}
        case Forms():
            return token.folded in test.words
        case Wildcard():
            pattern = re.escape(test.pattern).replace(r"\*", ".*").replace(r"\?", ".")
            return re.fullmatch(pattern, token.folded, re.DOTALL) is not None


def merged(marks: list[Mark]) -> tuple[Hit, ...]:
    """Marks of text fields as hits: those that overlap are one, of the greater weight."""
    hits: list[Hit] = []
    for name in TEXT_FIELDS:
        for mark in sorted(mark for mark in marks if mark.field == name):
            if hits and hits[-1].field == name and mark.start < hits[-1].end:
                last = hits.pop()
                hits.append(Hit(name, last.start, max(last.end, mark.end), max(last.weight, mark.weight)))
            else:
                hits.append(Hit(name, mark.start, mark.end, mark.weight))
    return tuple(hits)
