"""Which words `word~` stands for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.rules.forms import forms
from monitor.rules.tokens import fold


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("step", "step steps stepped stepping"),
        ("resign", "resign resigns resigned resigning"),
        ("try", "try tries tried trying"),
        ("play", "play plays played playing"),
        ("die", "die dies died dying"),
        ("make", "make makes made making"),
        ("flee", "flee flees fled fleeing"),
        ("stand", "stand stands stood standing"),
        ("seek", "seek seeks sought seeking"),
        ("overthrow", "overthrow overthrows overthrew overthrown overthrowing"),
        ("burn", "burn burns burned burnt burning"),
        ("be", "be am is are was were been being"),
        ("go", "go goes went gone going"),
        ("have", "have has had having"),
        ("visit", "visit visits visited visiting"),
        ("admit", "admit admits admitted admitting"),
        ("travel", "travel travels traveled travelled traveling travelling"),
        ("control", "control controls controlled controlling"),
        ("quit", "quit quits quitted quitting"),
        ("panic", "panic panics panicked panicking"),
        ("mix", "mix mixes mixed mixing"),
        ("kill", "kill kills killed killing"),
        ("veto", "veto vetoes vetoed vetoing"),
        ("sanction", "sanction sanctions sanctioned sanctioning"),
        ("arm", "arm arms armed arming"),
        ("crisis", "crisis crises"),
        ("leaf", "leaf leaves"),
        ("man", "man men"),
        ("spokeswoman", "spokeswoman spokeswomen"),
        ("resignation", "resignation resignations"),
        ("business", "business businesses"),
        ("unit", "unit units"),
        ("hundred", "hundred hundreds"),
        ("meeting", "meeting meetings"),
        ("stood", "stood stand stands standing"),
        ("stepped", "stepped step steps stepping"),
        ("fled", "fled flee flees fleeing"),
        ("women", "women woman"),
        ("resignations", "resignations resignation"),
        ("policemen", "policemen policeman"),
        ("was", "was be am is are were been being"),
        ("bombing", "bombing bomb bombs bombed bombings"),
        ("found", "found founds founded founding"),
    ],
)
def test_the_forms_of_a_word(word: str, expected: str) -> None:
    """All of them and no other: this is what `rules check` shows, and what finds an article."""
    assert sorted(forms(word)) == sorted(expected.split())


@pytest.mark.parametrize(
    ("word", "contained"),
    [
        ("focus", "focuses focused focusing focussed"),
        ("church", "churches"),
        ("monarch", "monarchs"),
        ("baby", "babies"),
        ("potato", "potatoes"),
        ("volcano", "volcanos volcanoes"),
        ("photo", "photos"),
        ("army", "armies"),
        ("quiz", "quizzes quizzed"),
        ("age", "aging ageing aged"),
        ("agree", "agreed agreeing"),
        ("singe", "singeing"),
        ("pursue", "pursued pursuing"),
        ("dismantle", "dismantled dismantling"),
        ("person", "persons people"),
        ("chief", "chiefs"),
        ("german", "germans"),
        ("threatened", "threaten threatens threatening"),
        ("accused", "accuse accuses accusing"),
        ("controlled", "control controls"),
        ("policies", "policy"),
        ("viruses", "virus"),
        ("attacks", "attack attacked attacking"),
    ],
)
def test_forms_that_follow_the_rules_of_spelling(word: str, contained: str) -> None:
    """Letters are doubled, dropped and changed as English has it."""
    assert set(contained.split()) <= set(forms(word))


@pytest.mark.parametrize(
    "word",
    [
        *("united", "arms", "news", "series", "texas", "hamas", "does not", "leaves"),
        *("down", "the", "from", "ai", "f16", "won't", "c++", "1990s", "putschist's", "müde", "отставка", "辞"),
    ],
)
def test_words_that_have_themselves_alone(word: str) -> None:
    """Where forms would be those of another word, or of no English one."""
    assert forms(word) == (word,)


@pytest.mark.parametrize(
    ("word", "other"),
    [
        *(("arm", "army"), ("army", "arms"), ("unit", "united"), ("resign", "resignation"), ("steep", "steeper")),
        *(("report", "reporter"), ("import", "importance"), ("even", "evening"), ("president", "presidency")),
        *(("bear", "born"), ("capital", "capitalism"), ("found", "find"), ("hoped", "hop"), ("hopped", "hope")),
    ],
)
def test_other_words_are_left_out(word: str, other: str) -> None:
    """A derived word, or one that only looks alike, would find what nobody asked for."""
    assert other not in forms(word)


_COMMON_VERBS = """
    accept accuse add agree allow announce approve arrest ask attack avoid ban begin believe block bomb break bring
    build buy call cancel capture catch change choose claim close collapse come confirm continue control cut decide
    declare defeat defend demand deny destroy die discuss draw drive drop elect end enter escape expect explode
    expel fail fall fight fire flee fly force free freeze get give go grow halt happen hear help hide hit hold hope
    include increase injure invade investigate issue join jump keep kidnap kill know launch lead leave lie lose make
    meet move murder need negotiate offer open order overthrow panic pass pay plan plead pledge prepare protest
    prove push quit raise reach reject release resign retire return reveal rise rule run say seek seize sell send
    shoot shut sign speak spread stand start step stop strike submit succeed sue support surrender swear take talk
    teach tell threaten throw topple travel try urge use veto visit vote vow want warn welcome win withdraw wound
    write
""".split()  # noqa: SIM905 - a list of them would be a page long


@pytest.mark.parametrize("verb", _COMMON_VERBS)
def test_any_form_of_a_common_verb_gives_the_verb(verb: str) -> None:
    """Whoever writes "resigned~" finds "resigns"; but nothing is claimed of a form that is a word of its own."""
    own_words = {
        "fell",
        "found",
        "bit",
        "rose",
        "saw",
        "lay",
        "wound",
        "meeting",
        "building",
        "leaves",
        "bound",
        "beginning",
    }
    for form in forms(verb):
        assert form in own_words or verb in forms(form)


@given(st.one_of(st.text("abdegilnopstuy", min_size=1, max_size=10), st.text(max_size=8)))
def test_a_word_is_its_own_first_form(text: str) -> None:
    """Whatever is asked for: the word itself is found, every form is as texts are folded, and none comes twice."""
    word = fold(text)
    found = forms(word)
    assert found[0] == word
    assert len(set(found)) == len(found)
    assert all(fold(form) == form for form in found[1:])
