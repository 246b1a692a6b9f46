"""What texts have in common, whatever they look like."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.wording import letters, likeness


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Assad’s “new” home – in\u00a0Moscow…", "assadsnewhomeinmoscow"),
        ("STRASSE / Straße", "strassestrasse"),
        ("Top 10: a_b", "top10ab"),
        ("हिन्दी समाचार।", "हिन्दीसमाचार"),
        ("東京で、地震。", "東京で地震"),
        ("🚨🚨", ""),
    ],
)
def test_letters(text: str, found: str) -> None:
    """Letters, the marks that belong to them, and digits; no case."""
    assert letters(text) == found


@given(st.text(st.characters(exclude_categories=["Cn", "Co", "Cs"])))
def test_letters_are_letters(text: str) -> None:
    """The quick way for texts of the usual characters gives what the other one does."""
    expected = "".join(char for char in text.casefold() if unicodedata.category(char)[0] in "LMN")
    assert letters(text) == expected


def test_likeness() -> None:
    """Of the shorter text, what is in the longer one; nothing is like nothing."""
    text = letters("Three quarters of the pilots backed a walkout over night shifts.")
    assert likeness(text, text) == 1
    assert likeness(text, letters("They said: ") + text + letters("More to come.")) == 1
    assert 0.5 < likeness(text, text.replace("night", "day")) < 1
    assert likeness(text, letters("Lithium was found under an old tin mine in Cornwall.")) < 0.1
    assert likeness("", "") == likeness("", text) == 0
