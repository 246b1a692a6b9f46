"""What a benchmark came to: a table, one line that sums it up, and the figures for machines."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Attributes:
    title: What was measured, with the sizes.
    columns: Heads of the table; the first one names the rows.
    rows: Texts, as many in each as there are columns.
    summary: The line with the ratio, or why there is none.
    figures: The same as numbers, for --json.
    """

    title: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    summary: str
    figures: dict[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        """For a person."""
        lines = [self.columns, *self.rows] if self.columns else []
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.columns))]
        shown = [
            "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip() for line in lines
        ]
        return "\n".join([self.title, *(f"  {line}" for line in shown), f"  => {self.summary}"])


def middle(rounds: Iterable[Mapping[str, Any]], figure: str) -> float:
    """The median of one figure over the rounds."""
    return median(float(done[figure]) for done in rounds)
