"""Entry and hits ▸ the sentence or two that an alert shows, with the hits marked.

First come the sentences that satisfy the query by themselves (`Match.focus`), then those that say most of what it asks
for. What tells a reader nothing is shown only where there is nothing else: a sentence that repeats the title, "The post
… appeared first on …", a summary that breaks off where the content goes on.

Sentences are found around the hits only, so the cost goes with what was found and not with the length of the article.
They never reach over a line end: that is where a paragraph or another block ends.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitor.alerts.cut import Mark, Stretch, cut, term_of, whole
from monitor.sentences import sentences

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from monitor.model import Entry, Excerpt, Hit, Passage, TextField

# In reading order; each may begin with what the one before it says.
_RUNNING: tuple[TextField, ...] = ("summary", "content", "page")
# A line of at most so many characters is taken apart whole; of a longer one what is around a hit, so many at least.
_LINE = 8_000
_WINDOW = 600
# Of one text; more would not be shown, and an article may have thousands of hits.
_MAX_SENTENCES = 60
_MAX_SENTENCES_PER_TERM = 8

# The worth of a passage, after Lucene's UnifiedHighlighter: BM25 with the passage as document. That scorer takes 87
# characters for the length of a usual passage; here length counts for less, and different terms for more.
_K1 = 1.2
_B = 0.3
_USUAL_LENGTH = 87
_EACH_NEW_TERM = 1.5
# What a term that another passage already shows adds, against one that is new.
_SEEN_TERM = 0.2
# A passage at a text's beginning is worth this many times one far down, other things being equal.
_LEAD = 1.3


def mark_title(entry: Entry, hits: Sequence[Hit]) -> Excerpt:
    """The whole title, its hits marked; "" for an entry without a title."""
    title = entry.title
    return whole(Stretch(title, 0, len(title), _marks(title, (hit for hit in hits if hit.field == "title"))))


def excerpts(
    entry: Entry, hits: Sequence[Hit], *, focus: Passage | None = None, limit: int = 2, max_chars: int = 320
) -> tuple[Excerpt, ...]:
    """At most `limit` passages of summary, content and page, in text order, each of at most `max_chars` characters.

    `focus` is one of them where it fits and tells something. The others are those with the most different terms and the
    greatest weight, earlier ones first. Passages side by side are one. The same sentence in two of them is
    shown once. Without a hit in any (it is in the title, or the author's name), or where the text only says the
    title's once more, the first sentence or two of the summary are given, without marks, so that the reader has
    something to judge by. Where a single word is longer than
    `max_chars`, the passage is up to twice as long before the word is cut.
    """
    texts = [
        _Text(text, _marks(text, (hit for hit in hits if hit.field == name)), entry.language)
        for name, text in zip(_RUNNING, _running(entry), strict=True)
    ]
    found = _without_repeats([sentence for text in texts for sentence in text.sentences_with_hits(max_chars)])
    telling = [sentence for sentence in found if not _says_nothing(sentence, entry.title)]
    if found and not telling and any(hit.field == "title" for hit in hits) and (context := _context(entry, max_chars)):
        return tuple(cut(stretch, max_chars) for stretch in context[: max(0, limit)])
    found = telling or found
    first = _first(focus, texts, found, max_chars)
    chosen = [first] if first else []
    chosen += _best(list(_joined(_without(first, found), max_chars)), limit - len(chosen), seen=chosen)
    if not chosen:
        chosen = _context(entry, max_chars)
    rank = [id(text.text) for text in texts]
    chosen.sort(key=lambda one: (rank.index(id(one.text)), one.start))
    return tuple(cut(stretch, max_chars) for stretch in _joined(chosen[: max(0, limit)], max_chars))


def _running(entry: Entry) -> tuple[str, str, str]:
    """The texts of `_RUNNING`."""
    return entry.summary, entry.content, entry.page


# --------------------------------------------------------------------------------------------------- sentences and hits


@dataclass(frozen=True, slots=True)
class _Text:
    """A field of the entry, with its hits and the sentences found so far."""

    text: str
    marks: tuple[Mark, ...]
    language: str
    _known: dict[tuple[int, int], list[tuple[int, int]]] = field(default_factory=dict)

    def stretch(self, start: int, end: int) -> Stretch:
        """What is between, with the hits in it; without a "Read more" at the end."""
        more = _MORE.search(self.text, max(start, end - 80), end)
        first = bisect_left(self.marks, start, key=lambda mark: mark.end - 1)
        last = bisect_left(self.marks, end, key=lambda mark: mark.start)
        marks = self.marks[first:last]
        if more and (not marks or marks[-1].end <= more.start()):
            end = more.start()
        return Stretch(self.text, start, end, marks)

    def sentences_with_hits(self, max_chars: int) -> list[Stretch]:
        """Every sentence that holds a hit, or all that one hit reaches into; of very many the first."""
        found: list[Stretch] = []
        shown: Counter[str] = Counter()
        reached = 0
        for mark in self.marks:
            if mark.end <= reached:
                continue
            if len(found) == _MAX_SENTENCES:
                break
            term = term_of(self.text, mark)
            if shown[term] == _MAX_SENTENCES_PER_TERM:
                continue
            shown[term] += 1
            start, end = self.around(mark.start, mark.end, max(_WINDOW, 2 * max_chars))
            if start < reached:  # parts of one endless sentence
                start = found.pop().start
            found.append(self.stretch(start, end))
            reached = end
        return found

    def around(self, start: int, end: int, window: int = _WINDOW) -> tuple[int, int]:
        """The sentence that holds [start, end), or all that it reaches into.

        Of a long line at most `window` characters to either side are looked at.
        """
        begin = self.text.rfind("\n", 0, start) + 1
        stop = self.text.find("\n", end)
        stop = len(self.text) if stop < 0 else stop
        if stop - begin > _LINE:
            begin = max(begin, _blank_before(self.text, start - window))
            stop = min(stop, _blank_after(self.text, end + window))
        if (begin, stop) not in self._known:
            self._known[begin, stop] = sentences(self.text[begin:stop], self.language)
        spans = self._known[begin, stop]
        first = max(0, bisect_left(spans, start - begin + 1, key=lambda span: span[0]) - 1)
        last = min(len(spans) - 1, bisect_left(spans, end - begin, key=lambda span: span[1]))
        return begin + spans[first][0], begin + spans[last][1]


def _marks(text: str, hits: Iterable[Hit]) -> tuple[Mark, ...]:
    """In order, apart from each other, and without blanks at their ends (a user's pattern may match some)."""
    result: list[Mark] = []
    for hit in sorted(hits, key=lambda hit: hit.start):
        piece = text[hit.start : hit.end]
        start = hit.start + len(piece) - len(piece.lstrip())
        end = hit.start + len(piece.rstrip())
        if start >= end:
            continue
        if result and start < result[-1].end:
            last = result.pop()
            result.append(Mark(last.start, max(end, last.end), max(hit.weight, last.weight)))
        else:
            result.append(Mark(start, end, hit.weight))
    return tuple(result)


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


# -------------------------------------------------------------------------------------------- what is not worth showing

_INVITATION = r"(?:continue reading|read (?:more|on|(?:the )?(?:full|rest|whole)\b[^.…]{0,40}))"
# At the end of a text that a feed has cut short.
_MORE = re.compile(rf"(?<=[.…\])])\s{{0,3}}(?:{_INVITATION}|\(more\))\W{{0,9}}\Z", re.IGNORECASE)
_BROKEN_OFF = " .…[]()"
_BOILERPLATE = re.compile(
    rf"""\W*(?:
      the\ post\b.*\bappeared\ first\ on\b
    | (?:this|the)\ (?:article|story|post|piece)\b.{{0,40}}\b(?:first|originally)\ (?:appeared|published)\b
    | {_INVITATION.replace(" ", "[ ]")}
    | (?:click|tap)\ here\b | subscribe\ (?:to|now|for)\b | sign\ up\ (?:to|for|here|now)\b | follow\ us\b
    | share\ this\b | get\ (?:the|our)\ (?:latest|daily)\b | related(?:\ (?:stories|articles|posts|news))?:
    | see\ also: | (?:photo|image|picture|video)s?(?:\ credits?)?: | advertisement\b | copyright\ (?:©|\(c\)|\d) | ©
    | .*\ball\ rights\ reserved\b
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_WORD = re.compile(r"\w+")


def _says_nothing(sentence: Stretch, title: str) -> bool:
    """Whether it is boilerplate, or says the title once more."""
    text = sentence.text[sentence.start : sentence.end]
    if _BOILERPLATE.match(text):
        return True
    if not title or len(text) > 2 * len(title):
        return False
    words, known = set(_WORD.findall(text.casefold())), set(_WORD.findall(title.casefold()))
    return len(words - known) <= 0.2 * len(words)


def _without_repeats(found: list[Stretch]) -> list[Stretch]:
    """Leave out a sentence whose words stand in another one; a summary is often the beginning of the content, and both
    are of the page.

    Of those that are the same that of the last field stays, where more of its neighbours are.
    """
    words = [_plain(one) for one in found]
    cores = [one.rstrip(_BROKEN_OFF) for one in words]

    def repeats(number: int, other: int) -> bool:
        if cores[number] not in words[other]:
            return False
        if len(cores[number]) != len(cores[other]):
            return True
        moved_on = found[other].text is not found[number].text
        return other > number if moved_on else other < number

    numbers = range(len(found))
    return [found[one] for one in numbers if not any(one != other and repeats(one, other) for other in numbers)]


def _plain(stretch: Stretch) -> str:
    return " ".join(stretch.text[stretch.start : stretch.end].casefold().split())


# ------------------------------------------------------------------------------------------------------------ selection


def _first(focus: Passage | None, texts: Sequence[_Text], found: Sequence[Stretch], max_chars: int) -> Stretch | None:
    """The focus, if it fits and holds a sentence worth showing; of its copies that of the last field."""
    if focus is None or focus.field not in _RUNNING:
        return None
    number = _RUNNING.index(focus.field)
    stretch = texts[number].stretch(focus.start, focus.end)
    core = stretch.text[stretch.start : stretch.end].rstrip(_BROKEN_OFF)
    for later in reversed(texts[number + 1 :]):
        at = later.text.find(core) if core else -1
        if at >= 0:
            stretch = later.stretch(*later.around(at, at + len(core)))
            break
    fits = stretch.end - stretch.start <= max_chars
    return stretch if fits and any(_overlap(one, stretch) for one in found) else None


def _overlap(one: Stretch, other: Stretch) -> bool:
    return one.text is other.text and one.start < other.end and other.start < one.end


def _without(first: Stretch | None, found: Sequence[Stretch]) -> list[Stretch]:
    if first is None:
        return list(found)
    words = _plain(first)
    return [one for one in found if not _overlap(one, first) and _plain(one).rstrip(_BROKEN_OFF) not in words]


def _joined(found: Iterable[Stretch], max_chars: int) -> Iterator[Stretch]:
    """Sentences side by side are one passage as long as both fit."""
    last: Stretch | None = None
    for one in found:
        if last is None:
            last = one
            continue
        between = one.text[last.end : one.start]
        side_by_side = one.text is last.text and last.end <= one.start and not between.strip() and "\n" not in between
        if side_by_side and one.end - last.start <= max_chars:
            last = Stretch(one.text, last.start, one.end, (*last.marks, *one.marks))
        else:
            yield last
            last = one
    if last is not None:
        yield last


def _best(passages: Sequence[Stretch], limit: int, *, seen: Sequence[Stretch]) -> list[Stretch]:
    """Greedily those that show the most that is not yet shown."""
    shown = {term for stretch in seen for term in stretch.terms()}
    left = [(passage, passage.terms()) for passage in passages]
    chosen: list[Stretch] = []
    while left and len(chosen) < limit:
        best = max(left, key=lambda item: _worth(item[0], item[1], shown))
        left.remove(best)
        chosen.append(best[0])
        shown |= best[1].keys()
    return chosen


def _worth(passage: Stretch, terms: dict[str, tuple[int, float]], shown: set[str]) -> float:
    length = 1 - _B + _B * (passage.end - passage.start) / _USUAL_LENGTH
    worth = sum(
        weight * count / (count + _K1 * length) * (_SEEN_TERM if term in shown else 1.0)
        for term, (count, weight) in terms.items()
    )
    new = len(terms.keys() - shown)
    return worth * _EACH_NEW_TERM ** min(new, 8) * (1 + (_LEAD - 1) / (1 + passage.start / 500))


def _context(entry: Entry, max_chars: int) -> list[Stretch]:
    """The first sentence or two of the summary, or of the next field where none of them says more than the title."""
    for text in _running(entry):
        of_text = _Text(text, (), entry.language)
        head = text[: _blank_after(text, 2 * _WINDOW + 2 * len(entry.title))]
        beginning = [of_text.stretch(*span) for span in sentences(head, entry.language)]
        telling = [sentence for sentence in beginning if not _says_nothing(sentence, entry.title)]
        if telling:
            return list(_joined(telling[:2], max_chars))[:1]
    return []
