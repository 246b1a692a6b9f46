"""What counts as a word, and when two words are the same."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.rules.tokens import fold, scan, tokenize
from monitor.rules.vocabulary import simplified


def words(text: str) -> list[str]:
    """The folded forms, in order."""
    return [token.folded for token in tokenize(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("new translations for NSL", ["new", "translations", "for", "nsl"]),
        ("step-down “transformer”", ["step", "down", "transformer"]),
        ("President Assad’s army won't", ["president", "assad", "army", "won't"]),
        ("U.S. and AT&T", ["u", "s", "and", "at", "t"]),
        ("$1,000 or 3.5m, 50%", ["1,000", "or", "3.5m", "50"]),
        ("CVE-2024-1234", ["cve", "2024", "1234"]),
        ("bob@example.org snake_case", ["bob", "example", "org", "snake", "case"]),
        ("l'armée, dell’Aquila, y'all, O'Brien", ["l", "armee", "dell", "aquila", "y'all", "o'brien"]),
        ("他不会辞职。東京で", ["他", "不", "会", "辞", "职", "東", "京", "で"]),
        ("ลาออกแล้ว", ["ล", "า", "อ", "อ", "ก", "แ", "ล้", "ว"]),
        ("قال الأَسَد", ["قال", "الاسد"]),
        ("한국어 हिन्दी", ["한국어", "हिन्दी"]),
        ("ta\u00adble a\u200bb", ["table", "a", "b"]),
        ("— … • 🚀 _ '", []),
    ],
)
def test_a_text_is_cut_into_words(text: str, expected: list[str]) -> None:
    """Punctuation, hyphens, apostrophes, figures and unspaced scripts each come apart as documented."""
    assert words(text) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Beyoncé", "beyonce"),
        ("Beyoncé", "Beyonce\u0301"),
        ("película", "PELICULA"),
        ("İSTANBUL", "istanbul"),
        ("ıspanak", "ispanak"),
        ("straße", "STRASSE"),
        ("Ｔｏｋｙｏ", "tokyo"),
        ("ﬁnance", "finance"),
        ("Ёлка", "елка"),
        ("Øresund", "oresund"),
        ("Wałęsa", "walesa"),
        ("Assad’s", "assad"),
        ("won’t", "won't"),
        ("الأَسَد", "الاسد"),
        ("שָׁלוֹם", "שלום"),
    ],
)
def test_forms_of_one_word_are_equal(one: str, other: str) -> None:
    """Case, accents, compatibility forms, quotes, vowel signs and a possessive make no difference."""
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"), [("мой", "мои"), ("が", "か"), ("की", "कि"), ("won't", "won"), ("step", "steps"), ("ปี", "ปา")]
)
def test_different_words_stay_different(one: str, other: str) -> None:
    """What looks like an accent and is a letter of its own is not folded away."""
    assert fold(one) != fold(other)


def test_signs_make_a_second_form() -> None:
    """A word with a sign answers to both: "C++" is also "c", "#syria" also "syria"."""
    pairs = [(token.folded, token.signed) for token in tokenize("C++, #Syria .NET 50% example.net end.Next")]
    assert pairs[:4] == [("c", "c++"), ("syria", "#syria"), ("net", ".net"), ("50", "50%")]
    assert [signed for _, signed in pairs[4:]] == [""] * 4


news_like = st.text(alphabet=st.sampled_from("aZé1 ’'s.,-#+%$(\"“！国語กา\u0301\n"), max_size=30)


@given(st.one_of(st.text(max_size=30), news_like))
def test_offsets_point_at_the_word_in_the_text_itself(text: str) -> None:
    """Every token folds to what stands at its offsets; tokens do not overlap, are not empty and hold no blank."""
    end = 0
    for token in tokenize(text):
        piece = text[token.start : token.end]
        assert end <= token.start < token.end
        assert not any(character.isspace() for character in piece)
        assert token.folded in {found.folded for found in scan(piece)}
        end = token.end


@given(news_like)
def test_cutting_at_blanks_changes_nothing(text: str) -> None:
    """The tokens of a text are those of its pieces between blanks; the memo of pieces relies on it."""
    assert words(text) == [word for piece in text.split() for word in words(piece)]


@given(st.text(alphabet=st.sampled_from("aB1('\".,;!?#+%$-lds"), max_size=10))
def test_the_short_cut_for_plain_words_gives_the_same(text: str) -> None:
    """`tokenize` with its short cut and the grammar alone agree."""
    assert tokenize(text) == scan(text)


punctuation = st.text(alphabet=st.sampled_from("aS1.,#+$-\"'()“”‘’—–… \n"), max_size=20)


@given(punctuation)
def test_a_simplified_text_has_the_same_words(text: str) -> None:
    """What is taken out to make pieces alike is never part of a word, nor of what tells one word from another."""
    assert [token[2:] for token in tokenize(simplified(text))] == [token[2:] for token in tokenize(text)]


@given(news_like)
def test_both_unicode_forms_give_the_same_words(text: str) -> None:
    """Composed and decomposed text have the same words."""
    assert words(unicodedata.normalize("NFC", text)) == words(unicodedata.normalize("NFD", text))
