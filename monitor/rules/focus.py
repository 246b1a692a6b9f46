"""The passage that an editor would quote: the shortest run of sentences that satisfies a query by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.model import Passage
from monitor.rules.evaluate import view_of
from monitor.rules.leaves import Mark, SlowRegexError
from monitor.rules.tree import And, AtLeast, First, InField, Listed, Near, Not, Or, Regex, Term, Within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.model import TextField
    from monitor.rules.article import Article, Span
    from monitor.rules.evaluate import Part
    from monitor.rules.leaves import Chars
    from monitor.rules.tree import Node

_FIELDS: tuple[TextField, ...] = ("summary", "content", "page")
# Of one field; who wants more than the first of so many has a query for everything.
_MAX_SENTENCES = 200


def asked_of_text(node: Node) -> Node | None:
    """What a query asks of the running text alone, without its exclusions; None where that is nothing.

    Like a query, the result is looked for in title, summary, content and page; what is asked of other fields, or of the
    title alone, has been settled before.
    """
    match node:
        case Term() | Regex() | Near() | Within() | First() | AtLeast():
            return node
        case Not():
            return None
        case Listed():
            return asked_of_text(node.part)
        case InField():
            return node if node.name in _FIELDS else None
        case And():
            kept = tuple(part for part in map(asked_of_text, node.parts) if part is not None)
            return And(parts=kept, start=node.start, end=node.end) if len(kept) > 1 else kept[0] if kept else None
        case Or():
            sides = tuple(map(asked_of_text, node.parts))
            if any(side is None for side in sides):
                return None
            return Or(parts=tuple(side for side in sides if side is not None), start=node.start, end=node.end)


def focus(part: Part, article: Article) -> Passage | None:
    """The run of sentences of the summary, the content or the page with the fewest sentences on which `part` holds.

    Of several the first; None where `part` does not hold for any one field.
    """
    runs = [run for name in _FIELDS if name in article.main.bounds for run in _runs(part, article, name)]
    if not runs:
        return None
    _, (start, end), name = min(runs, key=lambda run: run[0])
    place = article.main.passage(start, end)
    return Passage(name, place.start, place.end)


def _runs(part: Part, article: Article, name: TextField) -> Iterator[tuple[int, Span, TextField]]:
    """For each sentence with a hit the shortest run from it on that is enough: its number of sentences, its words."""
    stream, everything = article.main, view_of(article)
    bounds = stream.bounds[name]
    in_field = everything.clipped((bounds,))
    try:
        if not part.holds(article, in_field):
            return
        places = sorted({_position(mark, article) for mark in part.hits(article, in_field)})
        sentences = list(dict.fromkeys(stream.sentence_at(place) for place in places))[:_MAX_SENTENCES]
        last = 0
        for number, (start, _) in enumerate(sentences):
            last = max(last, number)
            while last < len(sentences) and not part.holds(article, everything.clipped(((start, sentences[last][1]),))):
                last += 1
            if last == len(sentences):
                return
            yield last - number, (start, sentences[last][1]), name
    except SlowRegexError:
        return


def _position(mark: Mark | Chars, article: Article) -> int:
    return mark.start if isinstance(mark, Mark) else article.main.words(mark.field, mark.start, mark.end)[0]
