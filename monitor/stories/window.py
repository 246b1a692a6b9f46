"""The members of the last days, and what is found of them by word and by mark. Knows nothing of what is alike.

A member has a slot: a number that rises with every one. All that is kept of it stands in columns, in the order of the
slots, because a million objects would cost a kilobyte each and the garbage collector its time. What leaves the window
leaves at the front; the columns are cut when half of them is gone.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from itertools import islice, takewhile
from math import log
from sys import intern
from typing import TYPE_CHECKING, Any

from monitor.stories.clues import stem
from monitor.stories.postings import Hashes, Postings, Trail

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, MutableSequence, Sequence

    from monitor.stories.clues import Clues

_LATEST = 16  # members that a word, a mark or a story names
_FOLLOWED = 256  # links of a chain; a million members have five in each, unless somebody makes up texts for it
_FIRST_GISTS = 100  # that are taken to have gone before, so that a word is not common because it was in the first one
_MIN_CUT = 1_000  # slots; fewer are not worth it


class Window:
    """Members with their stories, in the order in which they came."""

    def __init__(self) -> None:
        self._slots: dict[int, int] = {}  # by member
        self._first = 0  # the slot that stands first in the columns
        self._front = 0  # the first slot that may still be filled
        self._members = array("q")
        self._at = array("d")
        self._stories_of: list[str] = []
        self._outlets: list[str] = []
        self._words_of: list[tuple[str, ...] | None] = []  # None: the slot is empty
        self._gists = Hashes("H")
        self._shingles = Hashes("I")
        self._late: list[int] = []  # slots of members that are older than one before them
        self._words: dict[str, Postings] = {}
        self._marks = Trail()
        self._stories: dict[str, array[int]] = {}
        self._over: set[str] = set()
        self._counts: dict[str, dict[str, int]] = {}  # of stories with two members or more
        self._gist_counts = array("I", bytes(4 << 16))
        self._gists_counted = 0

    def __len__(self) -> int:
        return len(self._slots)

    def __contains__(self, member: int) -> bool:
        return member in self._slots

    # -------------------------------------------------------------------------------------------------------- reading

    @property
    def stories(self) -> int:
        """How many there are."""
        return len(self._stories)

    def member(self, slot: int) -> int:
        """Its number."""
        return self._members[slot - self._first]

    def at(self, slot: int) -> float:
        """When it came, in seconds since 1970."""
        return self._at[slot - self._first]

    def story(self, slot: int) -> str:
        """The name of its story."""
        return self._stories_of[slot - self._first]

    def outlet(self, slot: int) -> str:
        """Who published it; or ""."""
        return self._outlets[slot - self._first]

    def stems(self, slot: int) -> tuple[str, ...]:
        """Of its title."""
        return self._words_of[slot - self._first] or ()

    def gist(self, slot: int) -> Sequence[int]:
        """As in `Clues`."""
        return self._gists[slot - self._first]

    def shingles(self, slot: int) -> Sequence[int]:
        """As in `Clues`."""
        return self._shingles[slot - self._first]

    def has_story(self, name: str) -> bool:
        """Whether a member tells it."""
        return name in self._stories

    def is_over(self, name: str) -> bool:
        """Whether the report that began it has left the window, or it was said to be over."""
        return name in self._over

    def reports(self, name: str) -> Sequence[int]:
        """The slots of a story, in order."""
        return self._stories[name]

    def latest(self, name: str) -> Sequence[int]:
        """The last of them."""
        return self._stories[name][-_LATEST:]

    def counts(self, name: str) -> Mapping[str, int]:
        """How many reports of a story have which words."""
        return self._counts.get(name) or dict.fromkeys(self.stems(self._stories[name][0]), 1)

    def known(self, word: str) -> int:
        """In how many stories a word stands."""
        postings = self._words.get(word)
        return postings.stories if postings else 0

    def with_word(self, word: str) -> Iterable[int]:
        """The latest slots that have a word, the last one first."""
        postings = self._words.get(word)
        if postings is None:
            return ()
        return takewhile(self._front.__le__, postings.slots[: -_LATEST - 1 : -1])

    def with_mark(self, mark: int) -> Iterable[int]:
        """The latest slots that have a mark, the last one first."""
        links = (link for link in self._marks.links(mark, self._front) if self._is_filled(link[0]))
        return islice((slot for slot, found in islice(links, _FOLLOWED) if found == mark), _LATEST)

    def gist_weights(self, numbers: Sequence[int]) -> list[float]:
        """How rare the words of a gist are among gists, in nats."""
        counts, most = self._gist_counts, log(self._gists_counted + _FIRST_GISTS)
        return [most - log(counts[number] + 0.5) for number in numbers]

    # -------------------------------------------------------------------------------------------------------- changing

    def add(self, member: int, clues: Clues, *, at: float, story: str) -> None:
        """Put it last. It must not be there."""
        slot = self._first + len(self._members)
        stems = tuple(map(intern, dict.fromkeys(map(stem, clues.words))))
        if self._at and at < self._at[-1]:
            self._late.append(slot)
        self._slots[member] = slot
        self._members.append(member)
        self._at.append(at)
        self._stories_of.append("")
        self._outlets.append(intern(clues.outlet))
        self._words_of.append(stems)
        self._gists.append(clues.gist)
        self._shingles.append(clues.shingles)
        for word in stems:
            self._words.setdefault(word, Postings()).slots.append(slot)
        self._marks.add(slot, clues.marks)
        self._count_gist(clues.gist, 1)
        self._enter(slot, story)

    def move(self, member: int, story: str) -> None:
        """Into another story. It must be there."""
        slot = self._slots[member]
        if self.story(slot) != story:
            self._leave(slot)
            self._enter(slot, story)

    def end(self, name: str) -> None:
        """Say that a story is over; one without members is nothing."""
        if name in self._stories:
            self._over.add(name)

    def drop(self, member: int) -> None:
        """Take it out. It must be there."""
        slot = self._slots[member]
        for word in self.stems(slot):
            slots = self._words[word].slots
            del slots[bisect_left(slots, slot)]
        self._remove(slot)
        self._advance()

    def forget(self, before: float) -> None:
        """Take out what came before that moment."""
        for slot in [slot for slot in self._late if self._is_filled(slot) and self.at(slot) < before]:
            self._end_of(slot)
            self.drop(self.member(slot))
        while self._front < self._first + len(self._members) and self.at(self._front) < before:
            self._end_of(self._front)
            self._remove(self._front)
            self._advance()

    def _end_of(self, slot: int) -> None:
        """A story that this slot began is over when it leaves."""
        if self._stories[self.story(slot)][0] == slot:
            self._over.add(self.story(slot))

    def _remove(self, slot: int) -> None:
        index = slot - self._first
        self._leave(slot)
        for word in self.stems(slot):
            postings = self._words[word]
            postings.cut(slot + 1 if slot == self._front else self._front)
            if not postings.slots:
                del self._words[word]
        self._count_gist(self._gists[index], -1)
        del self._slots[self._members[index]]
        self._words_of[index] = None
        self._gists.clear(index)
        self._shingles.clear(index)

    def _advance(self) -> None:
        """Skip empty slots at the front, and cut the columns there now and then."""
        end = self._first + len(self._members)
        while self._front < end and not self._is_filled(self._front):
            self._front += 1
        gone = self._front - self._first
        if gone > max(_MIN_CUT, len(self._members) // 2):
            columns: tuple[MutableSequence[Any], ...] = (
                self._members,
                self._at,
                self._stories_of,
                self._outlets,
                self._words_of,
                self._gists.packed,
                self._shingles.packed,
            )
            for column in columns:
                del column[:gone]
            self._first = self._front
            self._late = [slot for slot in self._late if slot >= self._front]
            self._marks.cut(self._front)

    def _is_filled(self, slot: int) -> bool:
        return self._words_of[slot - self._first] is not None

    def _count_gist(self, gist: Sequence[int], step: int) -> None:
        if gist:
            self._gists_counted += step
            for number in gist:
                self._gist_counts[number] += step

    def _enter(self, slot: int, name: str) -> None:
        name = self._stories_of[slot - self._first] = intern(name)
        slots = self._stories.get(name)
        if slots is None:
            self._stories[name] = array("Q", (slot,))
            for word in self.stems(slot):
                self._words[word].stories += 1
            return
        counts = self._counts.get(name)
        if counts is None:
            counts = self._counts[name] = dict.fromkeys(self.stems(slots[0]), 1)
        insort(slots, slot)
        for word in self.stems(slot):
            before = counts.get(word, 0)
            counts[word] = before + 1
            self._words[word].stories += not before

    def _leave(self, slot: int) -> None:
        name = self.story(slot)
        slots = self._stories[name]
        counts = self._counts.get(name, {})
        for word in self.stems(slot):
            left = counts.get(word, 1) - 1
            if left:
                counts[word] = left
            else:
                counts.pop(word, None)
                self._words[word].stories -= 1
        del slots[bisect_left(slots, slot)]
        if len(slots) < 2:
            self._counts.pop(name, None)
        if not slots:
            del self._stories[name]
            self._over.discard(name)
