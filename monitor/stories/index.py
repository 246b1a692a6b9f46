"""To which story of the last days a new entry belongs.

An entry is compared with a handful of others: those that share its rarest words, of which each word names the latest
sixteen, and those that share marks of its text. So what an entry costs does not depend on how many there are.
`evidence.py` has the measure, `window.py` what is remembered.

Everything follows from the members that are in the index, in their order, and from the stories they were given: an
index that was filled again by `add` decides like one that was never stopped.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from heapq import nlargest
from math import log
from operator import itemgetter
from typing import TYPE_CHECKING

from monitor.model import Placement
from monitor.stories import evidence
from monitor.stories.clues import has_digit, stem
from monitor.stories.window import Window

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from monitor.stories.clues import Clues

_RAREST = 6  # words of a title by which others are looked for
_COMPARED = 8  # others that are looked at, the most alike
_COPIES = 4  # and those that share most marks of the text
_SAME = 0.9  # of a long text, with which an outlet's second article is the first under another title
_COPY = 0.5  # of a text, from which on it counts for more than any title
_AHEAD = 6.0  # nats that a gist makes up for at most


class StoryIndex:
    """Entries that may get company, for as long as the window. Not safe for threads."""

    def __init__(self, window: timedelta) -> None:
        """`window`: how long after the report that began it a story takes up others."""
        self._window = window
        self._members = Window()

    def __len__(self) -> int:
        """Members that are in it."""
        return len(self._members)

    def __contains__(self, member: int) -> bool:
        return member in self._members

    def members_of(self, story: str) -> tuple[int, ...]:
        """The members of a story, in order; none for one that is not known."""
        members = self._members
        return tuple(map(members.member, members.reports(story))) if members.has_story(story) else ()

    def place(self, member: int, clues: Clues, *, at: datetime, begin: str) -> Placement:
        """Find the story of an entry and add the entry to it.

        Args:
            member: The caller's number for the entry, in 63 bits; not in the index so far.
            clues: What `clues_of` made of it.
            at: When it arrived.
            begin: The name of the story that it begins, if it begins one. An entry that would begin a story which is
                there already belongs to it: the caller knows that they are one.
        """
        self.forget(at - self._window)
        if self._members.has_story(begin):
            like = self._members.member(self._members.reports(begin)[0])
            found = Placement(story=begin, begins=False, score=1.0, like=like, reasons=("same text, same address",))
        else:
            found = self._decide(clues, at.timestamp(), begin)
        self.add(member, clues, at=at, story=found.story)
        return found

    def add(self, member: int, clues: Clues, *, at: datetime, story: str) -> None:
        """Take up an entry whose story is known.

        Raises:
            ValueError: The number is in the index already.
        """
        if member in self._members:
            msg = f"member {member} is in the index already"
            raise ValueError(msg)
        self._members.add(member, clues, at=at.timestamp(), story=story)

    def move(self, member: int, story: str) -> None:
        """Put a member into another story, or into a new one.

        Raises:
            KeyError: It is not in the index.
        """
        self._members.move(member, story)

    def merge(self, story: str, into: str) -> None:
        """Put all members of a story into another; where it takes up no more, neither does that."""
        over = self._members.is_over(story)
        for member in self.members_of(story):
            self._members.move(member, into)
        if over:
            self._members.end(into)

    def end(self, story: str) -> None:
        """A story that takes up no more: the report that began it came before the window. Unknown ones are nothing."""
        self._members.end(story)

    def drop(self, member: int) -> None:
        """Take a member out, as if it had never been there. One that is not there is nothing."""
        if member in self._members:
            self._members.drop(member)

    def forget(self, before: datetime) -> None:
        """Drop the members that arrived before that moment, and end the stories that they began; costs what is
        dropped, and no more.
        """
        self._members.forget(before.timestamp())

    # -------------------------------------------------------------------------------------------------------- deciding

    def _decide(self, clues: Clues, now: float, begin: str) -> Placement:
        entry = self._entry(clues, now)
        best: _Likeness | None = None
        for name, (nearest, marked) in self._candidates(entry).items():
            found = self._compare(entry, name, nearest, marked=marked)
            if found is not None and (best is None or found.rank > best.rank):
                best = found
        if best is None or best.evidence <= 0:
            return Placement(story=begin, begins=True)
        joins = best.evidence >= evidence.JOIN
        return Placement(
            story=best.story if joins else begin,
            begins=not joins,
            score=round(best.evidence / (best.evidence + evidence.JOIN), 3),
            like=self._members.member(best.nearest),
            reasons=self._reasons(entry, best),
        )

    def _entry(self, clues: Clues, now: float) -> _Entry:
        members = self._members
        known = {word: members.known(word) for word in dict.fromkeys(map(stem, clues.words))}
        return _Entry(
            clues=clues,
            now=now,
            shares={word: evidence.rarity(word, max(count - 1, 0), members.stories) for word, count in known.items()},
            known=[word for word, count in sorted(known.items(), key=itemgetter(1)) if count],
            shingles=frozenset(clues.shingles),
            gist=dict(zip(clues.gist, members.gist_weights(clues.gist), strict=True)),
        )

    def _candidates(self, entry: _Entry) -> dict[str, tuple[int, bool]]:
        """Stories that may be it, each with its slot that is most like the entry, and whether that has its marks."""
        members = self._members
        likeness: dict[int, float] = {}
        for word in entry.known[:_RAREST]:
            weight = -log(entry.shares[word])
            for slot in members.with_word(word):
                likeness[slot] = likeness.get(slot, 0.0) + weight
        copies = Counter(slot for mark in entry.clues.marks for slot in members.with_mark(mark))
        found: dict[str, tuple[int, bool]] = {}
        for slot in nlargest(_COPIES, copies, key=copies.__getitem__):
            found.setdefault(members.story(slot), (slot, True))
        for slot in nlargest(_COMPARED, likeness, key=likeness.__getitem__):
            found.setdefault(members.story(slot), (slot, False))
        return found

    def _compare(self, entry: _Entry, story: str, nearest: int, *, marked: bool) -> _Likeness | None:
        """What speaks for an entry being of a story; None: too little, or what nothing can outweigh speaks against."""
        members, clues = self._members, entry.clues
        reports = members.reports(story)
        silent = entry.now - members.at(reports[-1])
        words = evidence.from_words(entry.shares, members.stories, members.counts(story), len(reports))
        words -= evidence.staleness(silent)
        if members.is_over(story) or not (marked or words > evidence.JOIN - _AHEAD):
            return None
        stems, shingles = members.stems(nearest), members.shingles(nearest)
        if evidence.only_numbers_differ(entry.shares, stems) and self._is_numbered(story, stems):
            return None
        text = evidence.same_text(entry.shingles, shingles)
        is_own = bool(clues.outlet) and clues.outlet == members.outlet(nearest)
        if is_own:
            # What an outlet says in all its articles proves nothing, and neither do the titles of its series.
            series = evidence.no_number_shared(entry.shares, stems)
            if text < _SAME or series or not evidence.is_long(clues.shingles, shingles):
                text = 0.0
            if not text and not evidence.is_longer_form(entry.shares, stems) and self._is_alone(story, clues.outlet):
                return None
        found = max(words, 0.0) + evidence.from_text(text)
        if clues.shingles or shingles:
            gist = members.gist(nearest)
            more = evidence.from_gist(entry.gist, gist, members.gist_weights(gist))
            found += min(more, 0.0) if is_own and not text else more
        return _Likeness(story=story, nearest=nearest, evidence=found, text=text)

    def _is_numbered(self, story: str, stems: Sequence[str]) -> bool:
        """Whether the numbers of one report stand in most, as a label does; a count is another in each report."""
        counts, reports = self._members.counts(story), len(self._members.reports(story))
        return any(2 * counts[word] > reports for word in stems if has_digit(word))

    def _is_alone(self, story: str, outlet: str) -> bool:
        """Whether nobody else has reported it lately."""
        return all(self._members.outlet(slot) == outlet for slot in self._members.latest(story))

    def _reasons(self, entry: _Entry, best: _Likeness) -> tuple[str, ...]:
        """In words, the rarest shared ones first."""
        counts = self._members.counts(best.story)
        written = {stem(word): word for word in reversed(entry.clues.words)}
        shared = [written[word] for word in sorted(entry.shares, key=entry.shares.__getitem__) if word in counts]
        words = [word for word in shared if not has_digit(word)]
        numbers = [word for word in shared if has_digit(word)]
        reasons = []
        if best.text:
            reasons.append(f"text {100 * best.text:.0f} % the same")
        if words:
            reasons.append(f"same words: {', '.join(words[:6])}")
        if numbers:
            reasons.append(f"same numbers: {', '.join(numbers[:4])}")
        return tuple(reasons)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """An entry that is being placed.

    Attributes:
        shares: The rarity of each of its stems, in the title's order.
        known: Those that stand in some story, the rarest first.
        shingles: Of its clues.
        gist: The weights of the words of its text.
    """

    clues: Clues
    now: float
    shares: Mapping[str, float]
    known: Sequence[str]
    shingles: frozenset[int]
    gist: Mapping[int, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Likeness:
    """How like an entry is to a story, and to which of its slots most; `text`: the share of text that is the same."""

    story: str
    nearest: int
    evidence: float
    text: float

    @property
    def rank(self) -> tuple[bool, float]:
        """A copy of one article under the title of another is a copy."""
        return self.text >= _COPY, self.evidence
