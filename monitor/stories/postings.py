"""Where a word or a mark stands, and what is kept of each member in few bytes. A million members are the measure."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class Postings:
    """The slots that have a word, and the number of their stories."""

    __slots__ = ("slots", "stories")

    def __init__(self) -> None:
        self.slots = array("Q")
        self.stories = 0

    def cut(self, front: int) -> None:
        """Take away what stands before `front`; half of them at once, for each time moves the rest."""
        if self.slots and (not self.stories or self.slots[len(self.slots) // 2] < front):
            del self.slots[: bisect_left(self.slots, front)]


class Hashes:
    """Numbers of each member, packed."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self.packed: list[bytes] = []

    def append(self, numbers: Sequence[int]) -> None:
        self.packed.append(array(self._kind, numbers).tobytes() if numbers else b"")

    def clear(self, index: int) -> None:
        self.packed[index] = b""

    def __getitem__(self, index: int) -> array[int]:
        return array(self._kind, self.packed[index])


class Trail:
    """Which slots have a mark: a table of chains, each link leading to the one before it."""

    _BITS = 20

    def __init__(self) -> None:
        self._last = array("Q", bytes(8 << self._BITS))  # by the mark's lower bits: the number of a link, from 1; or 0
        self._first = 1  # the number of the link that stands first
        self._marks = array("I")
        self._slots = array("Q")
        self._before = array("Q")

    def add(self, slot: int, marks: Iterable[int]) -> None:
        for mark in marks:
            bucket = mark & ((1 << self._BITS) - 1)
            self._before.append(self._last[bucket])
            self._last[bucket] = self._first + len(self._marks)
            self._marks.append(mark)
            self._slots.append(slot)

    def links(self, mark: int, front: int) -> Iterator[tuple[int, int]]:
        """(slot, mark) of a mark and of those that share its chain, not before slot `front`, the last one first."""
        link = self._last[mark & ((1 << self._BITS) - 1)] - self._first
        while link >= 0 and self._slots[link] >= front:
            yield self._slots[link], self._marks[link]
            link = self._before[link] - self._first

    def cut(self, front: int) -> None:
        """Take away the links of slots before `front`."""
        gone = bisect_left(self._slots, front)
        for column in (self._marks, self._slots, self._before):
            del column[:gone]
        self._first += gone
