"""How near a term came to being found: another form, another spelling, its words apart."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.rules.forms import forms
from monitor.rules.leaves import View
from monitor.rules.render import render
from monitor.rules.tokens import fold
from monitor.rules.tree import Exact, Forms, Plain, Regex, Term, Wildcard

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.rules.article import Article, Stream
    from monitor.rules.evaluate import Compiler

_MIN_BEGINNING = 4
# A stretch of more characters is shown by its ends.
_MAX_QUOTE = 160


def relaxed(term: Term) -> Iterator[tuple[Term, str]]:
    """Terms that find more, nearest first, each with what is to be said if it finds something.

    The first "{}" stands for what it found; "" is for terms that are needed, and say nothing by themselves.
    """
    size = len(term.tests)
    if size > 1 and term.slop is None and len(term.crosses) < size - 1:
        yield replace(term, crosses=frozenset(range(1, size))), "{} is there, but a sentence ends in it"
    exact = [test for test in term.tests if isinstance(test, Exact)]
    if exact:
        plain = tuple(Plain(fold(test.text)) if isinstance(test, Exact) else test for test in term.tests)
        yield replace(term, tests=plain), "only {} is there, which is spelled in another way"
        return
    if any(isinstance(test, Plain) for test in term.tests):
        tests = tuple(Forms(test.term, forms(test.term)) if isinstance(test, Plain) else test for test in term.tests)
        if any(isinstance(test, Forms) and len(test.words) > 1 for test in tests):
            yield replace(term, tests=tests), f"{{}} is there, which {render(replace(term, tests=tests))} finds"
    first = term.tests[0]
    if size == 1 and isinstance(first, Plain) and first.term.isalpha() and len(first.term) >= _MIN_BEGINNING:
        longer = replace(term, text=f"{term.text}*", tests=(Wildcard(f"{first.term}*"),))
        yield longer, f"{{}} is there, which {render(longer)} finds"
    for test in term.tests if size > 1 else ():
        yield replace(term, tests=(test,), crosses=frozenset(), slop=None), ""


class Nearby:
    """Looks around in one article."""

    def __init__(self, article: Article, compiler: Compiler) -> None:
        self._article = article
        self._compiler = compiler

    def note(self, node: Term | Regex, view: View) -> str:
        """What to say of a term that was not found in what is looked at; "": nothing like it is there."""
        if isinstance(node, Regex):
            return ""
        for other, note in relaxed(node):
            if note and (found := self._stretches(other, view)):
                return note.replace("{}", self.quote(view.stream, *found[0]), 1)
        return self._words(node, view) if len(node.tests) > 1 else ""

    def _stretches(self, term: Term, view: View) -> list[tuple[int, int]]:
        stretches = self._compiler.part(term).stretches(self._article, view)  # type: ignore[union-attr]  # a term has them
        return [(stretch.start, stretch.end) for stretch in stretches]

    def _words(self, term: Term, view: View) -> str:
        """Of a phrase: which of its words are missing, or how far apart they are."""
        alone = [replace(term, tests=(test,), crosses=frozenset(), slop=None) for test in term.tests]
        places = [[start for start, _ in self._stretches(word, view)] for word in alone]
        missing = [_shown(test) for test, found in zip(term.tests, places, strict=True) if not found]
        if len(missing) == len(places):
            return ""
        if missing:
            return f"no {' and no '.join(dict.fromkeys(missing))}"
        start, end = _narrowest(places)
        if view.stream.field(start) != view.stream.field(end - 1):
            return "its words stand in different fields"
        return f"its words are there, but apart: {self.quote(view.stream, start, end)}"

    @staticmethod
    def quote(stream: Stream, start: int, end: int) -> str:
        """The text of the words [start, end), which hold no end of a field, in quotation marks."""
        while end - start > 1 and not stream.code[end - 1 : end].strip():
            end -= 1
        place = stream.place(start, end)
        text = " ".join(dict(stream.texts())[place.field][place.start : place.end].split())
        if len(text) > _MAX_QUOTE:
            half = _MAX_QUOTE // 2
            text = f"{text[:half].rsplit(' ', 1)[0]} … {text[-half:].split(' ', 1)[-1]}"
        return f"“{text}”"


def _shown(test: Plain | Exact | Forms | Wildcard) -> str:
    match test:
        case Plain():
            return f"“{test.term}”"
        case Exact():
            return f"“{test.text}”"
        case Wildcard():
            return test.pattern
        case Forms():
            return f"“{test.base}”" if len(test.words) == 1 else f"form of “{test.base}”"


def _narrowest(places: list[list[int]]) -> tuple[int, int]:
    """The shortest [start, end) that holds a place of each list, all of them rising and not empty."""
    at = [0] * len(places)
    best: tuple[int, int] | None = None
    while True:
        current = [of_word[number] for of_word, number in zip(places, at, strict=True)]
        start, end = min(current), max(current) + 1
        if best is None or end - start < best[1] - best[0]:
            best = start, end
        lowest = current.index(start)
        at[lowest] += 1
        if at[lowest] == len(places[lowest]):
            return best
