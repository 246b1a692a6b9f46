"""Where sentences end: what a phrase may not cross and an excerpt is made of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sentences import _boundaries, sentences


def split(text: str, language: str = "en") -> list[str]:
    """The sentences as texts."""
    return [text[start:end] for start, end in sentences(text, language)]


@pytest.mark.parametrize(
    "text",
    [
        "The U.S. President and Mr. Assad met on Jan. 5 at No. 10 Downing Street.",
        "Gen. Smith flew from St. Petersburg with J. K. Rowling, Lt. Col. Will Jones and Atty. Gen. Holder.",
        "At 5 a.m. Tuesday he paid $3.5 million, e.g. this one, to Amb. Ford of Washington, D.C. for approx. 500 guns.",
        "Yahoo! shares rose and Jeopardy! host Alex Trebek … well... did nothing.",
        "“Will he go?” she asked, and “No!” he cried.",
        "“Will you step down?” President Assad was asked.",
        "See https://example.org/A.B.C?Q=1!X or www.Example.Com/Path.Html, mail John.Smith@Example.Org about ASP.NET.",
        "The “Dr. No” film (D-N.Y.) of Sept. 11 has vol. 5, ch. 4 and pp. 7.",
        "1. First item",
        "He said that the U.N. Security Council v. Smith et al. matters",
    ],
)
def test_what_is_no_end_of_a_sentence(text: str) -> None:
    """Titles, initials, dates, numbers, addresses, names with a "!" and words after a quoted question go on."""
    assert split(text) == [text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is one step. Down the road he went.", ["It is one step.", "Down the road he went."]),
        ("“He fled.” She stayed.", ["“He fled.”", "She stayed."]),
        ('He said: "He fled." She stayed.', ['He said: "He fled."', "She stayed."]),
        ("Is it the end? Yes! It’s over.", ["Is it the end?", "Yes!", "It’s over."]),
        ("“I will stay. The people want it,” he said.", ["“I will stay.", "The people want it,” he said."]),
        ("(He left.) She stayed.[2] They slept.", ["(He left.)", "She stayed.[2]", "They slept."]),
        ("He left at 5 p.m. The guards slept.", ["He left at 5 p.m.", "The guards slept."]),
        ("He works for the U.S. He lives there.", ["He works for the U.S.", "He lives there."]),
        ("She would not say no. Damascus fell.", ["She would not say no.", "Damascus fell."]),
        ("It is not for me. Assad said so.", ["It is not for me.", "Assad said so."]),
        ("He stepped down.The crowd cheered.", ["He stepped down.", "The crowd cheered."]),
        ("1. He left. 2. She stayed.", ["1. He left.", "2. She stayed."]),
        ("Apple fell. iPhone sales rose.", ["Apple fell.", "iPhone sales rose."]),
        ("He waited… Then he left. He did... Nothing.", ["He waited… Then he left.", "He did... Nothing."]),
    ],
)
def test_what_is_an_end_of_a_sentence(text: str, expected: list[str]) -> None:
    """Full stops inside quotes and brackets count, closing marks belong to the sentence before."""
    assert split(text) == expected


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("", "他来了。他走了！为什么？好。", ["他来了。", "他走了！", "为什么？", "好。"]),
        ("", "她说：“走。”他走了。", ["她说：“走。”", "他走了。"]),
        ("ja", "「行く。」と言った。次。", ["「行く。」と言った。", "次。"]),
        ("", "هل رحل الأسد؟ نعم. لا أحد يعرف۔ انتهى", ["هل رحل الأسد؟", "نعم.", "لا أحد يعرف۔", "انتهى"]),
        ("", "असद ने इस्तीफा दिया। बारिश हुई।", ["असद ने इस्तीफा दिया।", "बारिश हुई।"]),
        ("", "เขาไป เขามา", ["เขาไป เขามา"]),
        (
            "de-AT",
            "Am 5. Januar trat Dr. Assad zurück. Es regnete.",
            ["Am 5. Januar trat Dr. Assad zurück.", "Es regnete."],
        ),
        ("fr", "M. Dupont dit : « Oui. » Il part.", ["M. Dupont dit : « Oui. »", "Il part."]),
        ("el", "Τι είναι; Τίποτα.", ["Τι είναι;", "Τίποτα."]),
        ("ru", "Писал А. С. Пушкин. Он ушёл.", ["Писал А. С. Пушкин.", "Он ушёл."]),
        ("x-unknown", "He left. She stayed.", ["He left.", "She stayed."]),
    ],
)
def test_other_languages(language: str, text: str, expected: list[str]) -> None:
    """The full stops of other scripts end sentences whatever the language is said to be; an unknown one is English."""
    assert split(text, language) == expected


def test_a_line_is_at_least_one_sentence() -> None:
    """No sentence reaches over a line end; blanks and empty lines are in none."""
    assert split("Read more\n \n  Assad has left \nDamascus. Share this\n") == [
        "Read more",
        "Assad has left",
        "Damascus.",
        "Share this",
    ]
    assert sentences(" \n\t\u00a0", "en") == []


@pytest.mark.parametrize("piece", ["“", "a.B", "ab.Bb", "(a. ", "Mr. ", ". »", "?” A", "。", ".\n", "/a.Bb", "E.g. A "])
def test_a_hostile_text_takes_no_ages(piece: str) -> None:
    """Quotes that never close and words that never end: 100,000 characters are read once, not over and over."""
    text = piece * (100_000 // len(piece))
    assert "".join("".join(split(text)).split()) == "".join(text.split())


def test_a_blank_that_the_library_stumbles_over() -> None:
    """A no-break space before an initial makes the library panic; bare text does not, and a panic is no end."""
    assert split("He met\u00a0.A. Khan\u2028A. left.") == ["He met\u00a0.A. Khan\u2028A. left."]
    assert list(_boundaries("\u200d,…\u00a0(\u200d\u2028U.S\u00a0.م’\u3000[\u0085A", "en")) == []


SIGNS = ".!?…“”\"'()5。؟م»«éA@』 \n\u00a0\u2028\u200b\t\u0301😀"
PIECES = st.lists(st.sampled_from([*SIGNS, "Mr", "U.S.", "no", "He", "[1]", "http://", "\ud800"]), max_size=60).map(
    "".join
)


@given(PIECES | st.text(max_size=80), st.sampled_from(["en", "", "de", "fr", "ar", "zh", "el", "zz"]))
def test_every_character_is_in_one_sentence(text: str, language: str) -> None:
    """In order, apart from each other, without blanks at their ends, and nothing but blanks between them."""
    at = 0
    for start, end in sentences(text, language):
        assert at <= start < end
        assert not text[at:start].strip()
        assert text[start:end] == text[start:end].strip()
        assert "\n" not in text[start:end]
        at = end
    assert not text[at:].strip()
