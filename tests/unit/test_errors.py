"""How a fault is told."""

from __future__ import annotations

import pytest

from monitor.errors import Fault


def told(text: str, start: int, end: int) -> tuple[str, str]:
    """The shown line and the carets for characters [start, end) of it, without the blanks at the left."""
    fault = Fault(source="x", line=1, column=start + 1, end_column=end + 1, message="m", text=text)
    _, line, carets = str(fault).split("\n")
    return line[4:], carets[4:]


@pytest.mark.parametrize(
    ("text", "under", "carets"),
    [
        ("q = 'assad ('", "(", " " * 11 + "^"),
        ("q = '习近平 ('", "(", " " * 12 + "^"),
        ("q = '习近平 ('", "近平", " " * 7 + "^^^^"),
        ("q = 'e\u0301te\u0301 ('", "(", " " * 9 + "^"),
    ],
)
def test_carets_stand_under_the_fault(text: str, under: str, carets: str) -> None:
    """As a terminal shows it: Chinese characters are two columns wide, marks on a letter none."""
    start = text.index(under)
    assert told(text, start, start + len(under)) == (text, carets)


@pytest.mark.parametrize("place", [0, 40, 500, 985, 999])
def test_of_a_long_line_the_part_with_the_fault_is_shown(place: int) -> None:
    """A query of 20,000 characters does not fill the screen, and the carets are under the right place."""
    text = "".join(f"w{number:02} " for number in range(100, 300))[: place + 1].ljust(1000, ".")
    text = text[:place] + "(" + text[place + 1 :]
    line, carets = told(text, place, place + 1)
    assert len(line) < 170
    assert line[len(carets) - 1] == "("
    assert carets.strip() == "^"
    assert line.startswith("…") == (place > 60)
