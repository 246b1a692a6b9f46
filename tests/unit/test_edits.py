"""What counts as an edit, and how it is told."""

from __future__ import annotations

import pytest

from monitor.alerts.edits import difference
from monitor.model import Entry

TEXT = "Assad fled Damascus on Sunday. Twelve people died in the city. Rebels took the airport."


def entry(title: str = "Assad flees", text: str = TEXT, language: str = "en") -> Entry:
    return Entry(key="k", title=title, summary=text, language=language)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (entry(), entry("ASSAD  FLEES!")),
        (entry(), entry(text=TEXT.replace(". ", ".\n"))),
        (entry("“Assad flees”"), entry('"Assad flees"')),
        (entry(text=TEXT + "\n23 comments"), entry(text=TEXT + "\n1,024 comments")),
        (entry(text=TEXT + "\nvor 3 Stunden"), entry(text=TEXT + "\nvor 4 Stunden")),
        (entry(text=TEXT), entry(text=TEXT + "\n5 min read")),
        (entry(text="Updated 14:05 GMT. " + TEXT), entry(text="Updated 16:40 GMT. " + TEXT)),
        (
            entry(text="Last updated at 2:05 p.m. on November 25, 2026, by our staff. " + TEXT),
            entry(text="Last updated at 11:15 a.m. on November 26, 2026, by our staff. " + TEXT),
        ),
        (
            entry(text="Zuletzt geändert von der Redaktion am 25. November 2026 um 14:05 Uhr. " + TEXT),
            entry(text="Zuletzt geändert von der Redaktion am 26. Dezember 2026 um 9:30 Uhr. " + TEXT),
        ),
        (
            entry(text="记者在大马士革报道，更新于2026年11月25日。"),
            entry(text="记者在大马士革报道，更新于2026年11月26日。"),
        ),
        (entry(), entry(text="")),
        (entry(text=""), entry()),
        (entry(title=""), entry()),
    ],
)
def test_looks_are_no_edit(before: Entry, after: Entry) -> None:
    """Dates, times, counters, typography; nor is a text that the feed did not give before."""
    assert difference(before, after) == ""


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (entry("Assad said to flee"), "Headline changed: “Assad flees” → “Assad said to flee”"),
        (
            entry(text=TEXT.replace("Twelve people", "Twenty people")),
            "Text changed: “Twelve people died in the city.” → “Twenty people died in the city.”",
        ),
        (entry(text=TEXT + " Moscow said nothing."), "Added: “Moscow said nothing.”"),
        (
            entry(text=TEXT + " Moscow said nothing. Tehran called for calm. So did Ankara."),
            "Added: “Moscow said nothing.” and 2 more sentences",
        ),
        (entry(text=TEXT.removesuffix(" Rebels took the airport.")), "Taken out: “Rebels took the airport.”"),
        (
            entry("Assad is gone", TEXT + " Moscow said nothing."),
            "Headline changed: “Assad flees” → “Assad is gone”; added: “Moscow said nothing.”",
        ),
    ],
)
def test_an_edit_in_words(after: Entry, told: str) -> None:
    """The headline first, then the first sentence that is new, another one, or gone."""
    assert difference(entry(), after) == told


def test_numbers_in_a_sentence_count() -> None:
    """A death toll is no counter."""
    before, after = (entry(text=f"At least {dead} people died in the storm.") for dead in (12, 20))
    assert "12 people" in difference(before, after)


def test_a_long_sentence_is_cut_between_words() -> None:
    """The note is one short line in every channel."""
    note = difference(entry(), entry(text=TEXT + " " + "Very " * 100 + "long."))
    assert len(note) < 230
    assert note.endswith("Very…”")
