"""Entry and hits ▸ the sentence or two that an alert shows, with the hits marked.

Sentences are found around the hits only, so the cost goes with what was found and not with the length of the article.
They never reach over a line end: that is where a paragraph or another block ends. Nothing is ever cut but at a blank,
or between two characters of a script that has none.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import regex
import sentencex

from monitor.model import Excerpt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from monitor.model import Entry, Hit

Span = tuple[int, int]

# At least so many characters to either side of a hit are searched for sentence ends.
_WINDOW = 600
# Of one text; more would not be shown, and an article may have thousands of hits.
_MAX_PASSAGES = 60
_MAX_PASSAGES_PER_TERM = 8
# A passage at a text's beginning is worth this many times one far down, other things being equal.
_LEAD = 1.3
# What a term that another passage already shows adds, against one that is new.
_SEEN_TERM = 0.2


@dataclass(frozen=True, slots=True)
class _Passage:
    """[start, end) of a text, with the hits inside it."""

    text: str
    start: int
    end: int
    hits: tuple[Span, ...]

    def extended(self, end: int, hit: Span) -> _Passage:
        return _Passage(self.text, self.start, max(end, self.end), (*self.hits, hit))

    def terms(self) -> Counter[str]:
        return Counter(_term(self.text, hit) for hit in self.hits)


def mark_title(entry: Entry, hits: Sequence[Hit]) -> Excerpt:
    """The whole title, its hits marked; "" for an entry without a title."""
    title = entry.title
    spans = [(hit.start, hit.end) for hit in hits if hit.field == "title"]
    return _excerpt(_Passage(title, 0, len(title), tuple(_clean(spans, title))), 0, len(title))


def excerpts(entry: Entry, hits: Sequence[Hit], *, limit: int = 2, max_chars: int = 320) -> tuple[Excerpt, ...]:
    """At most `limit` passages of summary and content, in text order, each of at most `max_chars` characters.

    Those with the most different terms are taken, earlier ones first. The same sentence in summary and content is shown
    once. Without a hit in either (it is in the title, or the author's name) the first sentence or two of the summary
    are given, without marks, so that the reader has something to judge by. Where a single word is longer than
    `max_chars`, the passage is up to twice as long before the word is cut.
    """
    found = [
        passage
        for text, spans in _texts_with_hits(entry, hits)
        for passage in _passages(text, spans, entry.language, max_chars)
    ]
    chosen = _best(_without_repeats(found), limit)
    if not chosen:
        chosen = list(_context(entry, max_chars))[: min(limit, 1)]
    return tuple(_cut(passage, max_chars) for passage in chosen)


def _texts_with_hits(entry: Entry, hits: Iterable[Hit]) -> Iterator[tuple[str, list[Span]]]:
    hits = list(hits)
    yield entry.summary, _clean([(h.start, h.end) for h in hits if h.field == "summary"], entry.summary)
    yield entry.content, _clean([(h.start, h.end) for h in hits if h.field == "content"], entry.content)


def _clean(spans: Iterable[Span], text: str) -> list[Span]:
    """In order, apart from each other, and without blanks at their ends (a user's pattern may match some)."""
    result: list[Span] = []
    for start, end in sorted(spans):
        left, right = _trimmed(text, start, end)
        if left == right:
            continue
        if result and left < result[-1][1]:
            result[-1] = (result[-1][0], max(right, result[-1][1]))
        else:
            result.append((left, right))
    return result


def _term(text: str, span: Span) -> str:
    """What makes two hits the same one: roughly how the rules fold words."""
    return text[slice(*span)].casefold().replace("’", "'").removesuffix("'s")


def _trimmed(text: str, start: int, end: int) -> Span:
    piece = text[start:end]
    left = start + len(piece) - len(piece.lstrip())
    return left, max(left, start + len(piece.rstrip()))


def _passages(text: str, spans: Sequence[Span], language: str, max_chars: int) -> list[_Passage]:
    """The sentences that hold hits; neighbours are one passage as long as both fit."""
    passages: list[_Passage] = []
    shown: Counter[str] = Counter()
    window = max(_WINDOW, 2 * max_chars)
    for span in spans:
        last = passages[-1] if passages else None
        if last is not None and span[1] <= last.end:
            passages[-1] = last.extended(last.end, span)
            continue
        term = _term(text, span)
        if shown[term] == _MAX_PASSAGES_PER_TERM or len(passages) == _MAX_PASSAGES:
            continue
        shown[term] += 1
        start, end = _sentences_around(text, span, language, window)
        if last is not None and _belong_together(last, start, end, max_chars):
            passages[-1] = last.extended(end, span)
        else:
            passages.append(_Passage(text, start, end, (span,)))
    return passages


def _belong_together(last: _Passage, start: int, end: int, max_chars: int) -> bool:
    """Two parts of one endless sentence, or two sentences side by side that are short enough."""
    if start < last.end:
        return True
    between = last.text[last.end : start]
    return not between.strip() and "\n" not in between and end - last.start <= max_chars


def _sentences_around(text: str, span: Span, language: str, window: int) -> Span:
    """The sentence that holds the span, or all that it reaches into; blanks at the ends left out.

    At most `window` characters to either side are looked at.
    """
    begin = max(text.rfind("\n", 0, span[0]) + 1, _blank_before(text, span[0] - window))
    stop = text.find("\n", span[1])
    stop = min(len(text) if stop < 0 else stop, _blank_after(text, span[1] + window))
    start, end = begin, stop
    for sentence_start, sentence_end in _sentences(text[begin:stop], language):
        if begin + sentence_start <= span[0]:
            start = begin + sentence_start
        if begin + sentence_end >= span[1]:
            end = begin + sentence_end
            break
    return _trimmed(text, start, end)


def _sentences(text: str, language: str) -> Iterator[Span]:
    for boundary in sentencex.get_sentence_boundaries(language.partition("-")[0] or "en", text):
        yield boundary["start_index"], boundary["end_index"]


def _blank_before(text: str, at: int) -> int:
    """The end of the last blank before `at`, or `at` where there is none near (a script without blanks)."""
    if at <= 0:
        return 0
    found = text.rfind(" ", max(0, at - _WINDOW), at) + 1
    return found or at


def _blank_after(text: str, at: int) -> int:
    if at >= len(text):
        return len(text)
    found = text.find(" ", at, at + _WINDOW)
    return at if found < 0 else found


def _without_repeats(passages: list[_Passage]) -> list[_Passage]:
    """Leave out a passage whose words stand in another one: a summary is often the beginning of the content."""
    shown = [" ".join(passage.text[passage.start : passage.end].casefold().split()) for passage in passages]
    cores = [words.rstrip(" .…") for words in shown]
    return [
        passage
        for number, passage in enumerate(passages)
        if not any(
            cores[number] in words and (len(cores[number]) < len(cores[other]) or other < number)
            for other, words in enumerate(shown)
            if other != number
        )
    ]


def _best(passages: list[_Passage], limit: int) -> list[_Passage]:
    """Greedily those that show the most that is not yet shown; in text order."""
    left = list(enumerate(passages))
    chosen: list[tuple[int, _Passage]] = []
    seen: set[str] = set()
    while left and len(chosen) < limit:
        best = max(left, key=lambda item: _worth(item[1], seen))
        left.remove(best)
        chosen.append(best)
        seen |= best[1].terms().keys()
    return [passage for _, passage in sorted(chosen, key=lambda item: item[0])]


def _worth(passage: _Passage, seen: set[str]) -> float:
    terms = passage.terms()
    different = sum(_SEEN_TERM if term in seen else 1.0 for term in terms)
    repeated = 0.1 * min(3, terms.total() - len(terms))
    return (different + repeated) * (1 + (_LEAD - 1) / (1 + passage.start / 500))


def _context(entry: Entry, max_chars: int) -> Iterator[_Passage]:
    """The first sentence or two of the summary, or of the content where there is none that says more than the title."""
    title = entry.title.strip().casefold()
    for text in (entry.summary, entry.content):
        lines = (line for line in text.split("\n") if line.strip() and line.strip().casefold() != title)
        line = next(lines, "").strip()
        if not line:
            continue
        head = line[: _blank_after(line, 2 * _WINDOW)]
        ends = [end for _, end in _sentences(head, entry.language)][:2]
        fitting = [end for end in ends if len(head[:end].rstrip()) <= max_chars]
        end = fitting[-1] if fitting else ends[0] if ends else len(head)
        yield _Passage(line, 0, len(line[:end].rstrip()), ())


# What is never cut: a run without blanks, except that scripts written without blanks may be cut between characters.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_UNIT = regex.compile(rf"[{_UNSPACED}]\p{{M}}*|[^\s{_UNSPACED}]+", regex.VERSION1)


def _cut(passage: _Passage, max_chars: int) -> Excerpt:
    """The passage, or where it is too long the part of it that shows the most hits."""
    if passage.end - passage.start <= max_chars:
        return _excerpt(passage, passage.start, passage.end)
    budget = max_chars - 2  # an … at either end
    units = [found.span() for found in _UNIT.finditer(passage.text, passage.start, passage.end)]
    first, last = _core(passage, units, budget)
    first, last = _widened(units, first, last, budget)
    start, end = units[first][0], units[last][1]
    if end - start > 2 * max_chars:  # one endless word
        start = max(start, passage.hits[0][0] - max_chars // 2) if passage.hits else start
        end = min(end, start + budget)
    return _excerpt(passage, start, end)


def _core(passage: _Passage, units: Sequence[Span], budget: int) -> Span:
    """First and last unit of the stretch within `budget` that shows the most different hits; of one hit at least."""
    starts = [start for start, _ in units]
    hits = [
        (bisect_right(starts, start) - 1, bisect_left(starts, end) - 1, _term(passage.text, (start, end)))
        for start, end in passage.hits
    ]
    best, most = (0, 0), 0
    for number, (first, last, term) in enumerate(hits):
        begin = units[first][0]
        inside = [hit for hit in hits[number : number + 50] if units[hit[1]][1] - begin <= budget]
        different = len({hit[2] for hit in inside} | {term})
        if different > most:
            best, most = (first, max((hit[1] for hit in inside), default=last)), different
    first, last = best
    while last > first and units[last][1] - units[first][0] > budget:
        last -= 1
    return first, last


def _widened(units: Sequence[Span], first: int, last: int, budget: int) -> Span:
    """As many units around as fit, on both sides alike."""
    grew = True
    while grew:
        grew = False
        if last + 1 < len(units) and units[last + 1][1] - units[first][0] <= budget:
            last, grew = last + 1, True
        if first > 0 and units[last][1] - units[first - 1][0] <= budget:
            first, grew = first - 1, True
    return first, last


def _excerpt(passage: _Passage, start: int, end: int) -> Excerpt:
    """Text [start, end) on one line, with … where a sentence goes on, and the hits at their new places."""
    before = "…" if start > passage.start else ""
    after = "…" if end < passage.end else ""
    hits = [(max(one, start), min(other, end)) for one, other in passage.hits if one < end and other > start]
    edges = sorted({start, end, *(edge for hit in hits for edge in hit)})
    pieces, places, length = [before], {start: len(before)}, len(before)
    for left, right in pairwise(edges):
        piece = _one_line(passage.text[left:right])
        pieces.append(piece)
        length += len(piece)
        places[right] = length
    text = "".join([*pieces, after])
    lead = len(text) - len(text.lstrip())
    return Excerpt(text=text.strip(), marks=tuple((places[one] - lead, places[other] - lead) for one, other in hits))


_BLANKS = regex.compile(r"\s+")


def _one_line(text: str) -> str:
    return str(_BLANKS.sub(" ", text))
