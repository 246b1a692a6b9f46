"""Rules whose regular expressions are too slow: after a few time-outs they rest, so that they delay nothing more."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

LIMIT: Final = 3


class SlowRules:
    """Counts the time-outs of each rule.

    Attributes:
        resting: Names of the rules that had `LIMIT` of them.
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self.resting: frozenset[str] = frozenset()

    def count(self, names: Iterable[str]) -> None:
        """Each of these rules took too long on an entry."""
        self._counts.update(names)
        self.resting = frozenset(name for name, count in self._counts.items() if count >= LIMIT)

    def forgive(self, names: Iterable[str]) -> None:
        """These rules are not what they were."""
        for name in names:
            del self._counts[name]
        self.count(())
