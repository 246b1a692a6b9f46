"""The stories of the last days, and to which of them a new entry belongs.

An entry is compared with a handful of others: those that share its rarest words, of which each word names the latest
thirty-two, and those that share marks of its text. So what an entry costs does not depend on how many there are.

Everything here follows from the members that are in the index, in their order, and from the stories they were given: an
index that was filled again by `add` decides like one that was never stopped. `evidence.py` has the measure.
"""

from __future__ import annotations

from array import array
from collections import Counter
from heapq import nlargest
from itertools import islice, takewhile
from math import log
from sys import intern
from typing import TYPE_CHECKING

from monitor.model import Placement
from monitor.stories.clues import Clues
from monitor.stories.evidence import (
    JOIN,
    from_text,
    from_words,
    is_long,
    is_longer_form,
    numbers_differ,
    rarity,
    same_text,
    staleness,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, timedelta

_RAREST = 8  # words of a title by which others are looked for
_LATEST = 32  # others that one word or mark names
_COMPARED = 16  # others that are looked at, the most alike
_STEM = 5  # letters: "hacked" and "hackers" are one word, in all languages that inflect at the end


class StoryIndex:
    """Entries that may get company, for as long as the window. Not safe for threads."""

    def __init__(self, window: timedelta) -> None:
        """`window`: how long after its last report a story takes up another one."""
        self._window = window.total_seconds()
        self._members: dict[int, _Member] = {}
        self._stories: dict[str, _Story] = {}
        self._words: dict[str, _Postings] = {}
        self._marks: dict[int, _Postings] = {}
        self._order = 0

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, member: int) -> bool:
        return member in self._members

    def members_of(self, story: str) -> tuple[int, ...]:
        """The members of a story; none for one that is not known."""
        return tuple(self._stories[story].members) if story in self._stories else ()

    def place(self, member: int, clues: Clues, *, at: datetime, begin: str) -> Placement:
        """Find the story of an entry and add the entry to it.

        Args:
            member: The caller's number for the entry; not in the index so far.
            clues: What `clues_of` made of it.
            at: When it arrived; not before others that are in the index, by more than clocks differ.
            begin: The name of the story that it begins, if it begins one.
        """
        placement = self._decide(clues, at.timestamp(), begin)
        self.add(member, clues, at=at, story=placement.story)
        return placement

    def add(self, member: int, clues: Clues, *, at: datetime, story: str) -> None:
        """Take up an entry whose story is known.

        Raises:
            ValueError: The number is in the index already.
        """
        if member in self._members:
            msg = f"member {member} is in the index already"
            raise ValueError(msg)
        self._order += 1
        words = tuple(intern(stem) for stem in dict.fromkeys(map(_stem, clues.words)))
        self._members[member] = _Member(clues, words, at.timestamp(), self._order)
        for stem in words:
            self._words.setdefault(stem, _Postings()).add(self._order, member)
        for mark in clues.marks:
            self._marks.setdefault(mark, _Postings()).add(self._order, member)
        self._enter(member, story)

    def move(self, member: int, story: str) -> None:
        """Put a member into another story, or into a new one.

        Raises:
            KeyError: It is not in the index.
        """
        self._leave(member)
        self._enter(member, story)

    def drop(self, member: int) -> None:
        """Take a member out, as if it had never been there. One that is not there is nothing."""
        if member not in self._members:
            return
        self._leave(member)
        gone = self._members.pop(member)
        for stem in gone.words:
            self._words[stem].remove(gone.order)
            if not self._words[stem].count:
                del self._words[stem]
        for mark in gone.clues.marks:
            self._marks[mark].remove(gone.order)
            if not self._marks[mark].count:
                del self._marks[mark]

    def forget(self, before: datetime) -> None:
        """Drop the members that arrived before that moment; costs no more than there are of them."""
        moment = before.timestamp()
        # They are in the order in which they came, save by as much as clocks differ.
        for member in [number for number, _ in takewhile(lambda each: each[1].at < moment, self._members.items())]:
            self.drop(member)

    # ------------------------------------------------------------------------------------------------------- stories

    def _enter(self, member: int, name: str) -> None:
        one = self._members[member]
        one.story = name = intern(name)
        story = self._stories.setdefault(name, _Story())
        story.members[member] = one.order
        for stem in one.words:
            if not story.words[stem]:
                self._words[stem].stories += 1
            story.words[stem] += 1

    def _leave(self, member: int) -> None:
        one = self._members[member]
        story = self._stories[one.story]
        del story.members[member]
        for stem in one.words:
            story.words[stem] -= 1
            if not story.words[stem]:
                del story.words[stem]
                self._words[stem].stories -= 1
        if not story.members:
            del self._stories[one.story]

    # ------------------------------------------------------------------------------------------------------- deciding

    def _decide(self, clues: Clues, now: float, begin: str) -> Placement:
        stems = {_stem(word): word for word in reversed(clues.words)}
        known = {stem: self._known(stem) for stem in dict.fromkeys(map(_stem, clues.words))}
        best = Placement(story=begin, begins=True)
        most = 0.0
        for name, nearest in self._candidates(clues, known).items():
            one, story = self._members[nearest], self._stories[name]
            silent = now - max(self._members[member].at for member in _latest(story))
            if silent > self._window or numbers_differ(clues.words, one.clues.words):
                continue
            text = same_text(clues.shingles, one.clues.shingles) if clues.shingles and one.clues.shingles else 0.0
            if clues.outlet and clues.outlet == one.clues.outlet:
                if not (is_long(clues.shingles, one.clues.shingles) and text >= 0.9):
                    text = 0.0
                alone = all(self._members[member].clues.outlet == clues.outlet for member in _latest(story))
                if alone and not text and not is_longer_form(clues.words, one.clues.words, _stem):
                    continue
            words = from_words(known, len(self._stories), story.words, len(story.members))
            evidence = max(words - staleness(silent), 0.0) + from_text(text)
            if evidence > most:
                most = evidence
                joins = evidence >= JOIN
                best = Placement(
                    story=name if joins else begin,
                    begins=not joins,
                    score=round(evidence / (evidence + JOIN), 3),
                    like=nearest,
                    reasons=_reasons(stems, known, story, text),
                )
        return best

    def _known(self, stem: str) -> int:
        """In how many stories it stands."""
        postings = self._words.get(stem)
        return postings.stories if postings else 0

    def _candidates(self, clues: Clues, known: dict[str, int]) -> dict[str, int]:
        """Stories that may be it, each with its member that is most like the entry."""
        likeness: dict[int, float] = {}
        for stem in sorted(filter(known.get, known), key=known.__getitem__)[:_RAREST]:
            weight = -log(rarity(stem, known[stem], len(self._stories)))
            for member in self._words[stem].latest(self._members):
                likeness[member] = likeness.get(member, 0.0) + weight
        alike = nlargest(_COMPARED, likeness, key=likeness.__getitem__)
        copies: Counter[int] = Counter()
        for mark in clues.marks:
            if mark in self._marks:
                copies.update(self._marks[mark].latest(self._members))
        found: dict[str, int] = {}
        for member in [*(member for member, _ in copies.most_common(4)), *alike]:
            found.setdefault(self._members[member].story, member)
        return found


class _Member:
    __slots__ = ("at", "clues", "order", "story", "words")

    def __init__(self, clues: Clues, words: tuple[str, ...], at: float, order: int) -> None:
        self.clues = clues
        self.words = words
        self.at = at
        self.order = order
        self.story = ""


class _Story:
    __slots__ = ("members", "words")

    def __init__(self) -> None:
        self.members: dict[int, int] = {}
        self.words: Counter[str] = Counter()


class _Postings:
    """The members that have a word or a mark, in order, and the number of their stories."""

    __slots__ = ("numbers", "orders", "stories")

    def __init__(self) -> None:
        self.orders = array("Q")
        self.numbers = array("q")
        self.stories = 0

    @property
    def count(self) -> int:
        return len(self.orders)

    def add(self, order: int, member: int) -> None:
        self.orders.append(order)
        self.numbers.append(member)

    def remove(self, order: int) -> None:
        at = self.orders.index(order)
        del self.orders[at], self.numbers[at]

    def latest(self, members: dict[int, _Member]) -> Iterator[int]:
        return (member for member in self.numbers[-_LATEST:][::-1] if member in members)


def _latest(story: _Story) -> Iterator[int]:
    return islice(sorted(story.members, key=story.members.__getitem__, reverse=True), _LATEST)


def _stem(word: str) -> str:
    return word if any(map(str.isdigit, word)) else word[:_STEM]


def _reasons(stems: dict[str, str], known: dict[str, int], story: _Story, text: float) -> tuple[str, ...]:
    shared = sorted(filter(story.words.get, known), key=lambda stem: rarity(stem, known[stem], 1))
    numbers = [stems[stem] for stem in shared if any(map(str.isdigit, stem))]
    words = [stems[stem] for stem in shared if stems[stem] not in numbers]
    reasons = []
    if text:
        reasons.append(f"text {text:.0%} the same".replace("%", " %"))
    if words:
        reasons.append(f"same words: {', '.join(words[:6])}")
    if numbers:
        reasons.append(f"same numbers: {', '.join(numbers[:4])}")
    return tuple(reasons)
