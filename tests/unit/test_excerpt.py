"""The sentences that an alert shows."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.excerpt import excerpts, mark_title
from monitor.model import Entry, Excerpt, Hit, TextField


def bracketed(excerpt: Excerpt) -> str:
    """The text with its marks in brackets."""
    text = excerpt.text
    for start, end in reversed(excerpt.marks):
        text = f"{text[:start]}[{text[start:end]}]{text[end:]}"
    return text


def hits_of(pattern: str, field: TextField, text: str) -> list[Hit]:
    """A hit for each match of the pattern."""
    return [Hit(field, *found.span()) for found in re.finditer(pattern, text, re.IGNORECASE)]


def of_content(text: str, pattern: str, *, limit: int = 2, max_chars: int = 320, language: str = "en") -> list[str]:
    """The excerpts of an entry that has only content."""
    entry = Entry(key="k", content=text, language=language)
    found = excerpts(entry, hits_of(pattern, "content", text), limit=limit, max_chars=max_chars)
    return [bracketed(excerpt) for excerpt in found]


STORY = (
    "President Bashar al-Assad’s government said on Tuesday it would not step down. The weather was fine.\n"
    "Analysts disagree. “He won’t step\u00a0down quietly,” said Dr. A. Khan of the U.S. Institute. "
    "Moscow offered asylum to Assad and his family, sources told Reuters on Jan. 5. Nobody was surprised.\n"
    "Assad trained as an eye doctor."
)


def test_the_sentences_with_most_of_the_query_are_shown_in_text_order() -> None:
    """Whole sentences around the hits, cut neither at "Dr." nor at "U.S."; those with more of the terms win."""
    assert of_content(STORY, "assad’s|assad|step.down|asylum") == [
        "President Bashar al-[Assad’s] government said on Tuesday it would not [step down].",
        (
            "“He won’t [step down] quietly,” said Dr. A. Khan of the U.S. Institute. "
            "Moscow offered [asylum] to [Assad] and his family, sources told Reuters on Jan. 5."
        ),
    ]


def test_a_passage_with_a_new_term_wins_over_one_more_of_the_same() -> None:
    """After two passages on Assad the one with asylum is the better second."""
    text = "Assad spoke.\nAssad spoke again, said Assad.\nThe word of the day was asylum."
    assert of_content(text, "assad|asylum") == [
        "[Assad] spoke again, said [Assad].",
        "The word of the day was [asylum].",
    ]


def test_no_more_than_asked_for() -> None:
    """`limit` bounds the passages; 0 gives none."""
    assert len(of_content("Assad.\n\nAssad!\n\nAssad?", "assad", limit=1)) == 1
    assert of_content("Assad.", "assad", limit=0) == []


def test_a_line_end_is_a_sentence_end() -> None:
    """The block before and the block after are not drawn in."""
    assert of_content("Read more\nAssad has left\nShare this", "assad") == ["[Assad] has left"]


@pytest.mark.parametrize(
    ("summary", "content"),
    [
        ("Assad has left Damascus.", "Assad has left Damascus. It rained."),
        ("Assad has left Damascus with…", "Assad has left Damascus with his family. It rained."),
        ("ASSAD has  left Damascus.", "Assad has left Damascus."),
    ],
)
def test_a_sentence_in_summary_and_content_is_shown_once(summary: str, content: str) -> None:
    """The repeated sentence comes once, the fuller one where one is cut short."""
    hits = hits_of("assad", "summary", summary) + hits_of("assad", "content", content)
    found = excerpts(Entry(key="k", summary=summary, content=content), hits)
    assert len(found) == 1
    assert "…" not in found[0].text


def test_a_hit_in_the_title_gets_the_beginning_of_the_summary() -> None:
    """Without a hit in the text its first two sentences are given, unmarked; one that repeats the title is not."""
    entry = Entry(key="k", title="Assad leaves", summary="He is gone. Nobody knows where. It rained.")
    assert excerpts(entry, [Hit("title", 0, 5)]) == (Excerpt(text="He is gone. Nobody knows where."),)
    entry = Entry(key="k", title="Assad leaves", summary="Assad leaves", content="He is gone.")
    assert excerpts(entry, [Hit("title", 0, 5)]) == (Excerpt(text="He is gone."),)
    assert excerpts(Entry(key="k", title="Assad leaves"), [Hit("title", 0, 5)]) == ()


def test_the_title_is_marked_whole() -> None:
    """The title keeps its length and its marks; an entry without one has an empty one."""
    entry = Entry(key="k", title="Assad’s  last days", summary="Assad")
    assert bracketed(mark_title(entry, [Hit("title", 0, 7), Hit("summary", 0, 5)])) == "[Assad’s] last days"
    assert mark_title(Entry(key="k"), []) == Excerpt(text="")


def test_a_long_sentence_is_cut_at_words_around_its_hits() -> None:
    """Cut ends have an ellipsis, the cut is at a blank, and an address stays whole."""
    words = " ".join(f"word{number}" for number in range(60))
    text = f"{words} see https://example.org/{'path/' * 12} where Assad is {words}."
    (shown,) = of_content(text, "assad", max_chars=160)
    assert shown.startswith("…")
    assert shown.endswith("…")
    assert "https://example.org/" + "path/" * 12 in shown
    assert set(shown.strip("…").split()) <= {*text.split(), "[Assad]"}
    assert len(shown) <= 162


def test_the_cut_keeps_as_many_different_hits_as_it_can() -> None:
    """Of a long sentence the stretch with two terms is shown rather than the first one with one."""
    filler = "and so on " * 30
    (shown,) = of_content(f"Assad {filler} Assad got asylum {filler}.", "assad|asylum", max_chars=100)
    assert "[Assad] got [asylum]" in shown


@pytest.mark.parametrize(
    ("language", "text", "pattern", "expected"),
    [
        ("zh", "北京说。他不会辞职。天气很好。", "辞职", "他不会[辞职]。"),
        ("ar", "قال الأسد إنه باق. الطقس جميل.", "الأسد", "قال [الأسد] إنه باق."),
        ("hi", "मौसम अच्छा है। असद ने इस्तीफा दिया। बारिश हुई।", "असद", "[असद] ने इस्तीफा दिया।"),
        ("de", "Am 5. Januar trat Assad zurück. Es regnete.", "assad", "Am 5. Januar trat [Assad] zurück."),
        ("", "One. Assad left. Two.", "assad", "[Assad] left."),
        ("x-unknown", "One. Assad left. Two.", "assad", "[Assad] left."),
    ],
)
def test_sentences_of_other_languages(language: str, text: str, pattern: str, expected: str) -> None:
    """Other full stops, dates and an unknown language are no hindrance."""
    assert of_content(text, pattern, language=language) == [expected]


def test_text_without_blanks_is_cut_between_characters() -> None:
    """An endless Chinese sentence is shortened around the hit, and marks stay right."""
    (shown,) = of_content("大" * 5000 + "辞职" + "小" * 5000, "辞职", max_chars=40, language="zh")
    assert re.fullmatch("…大+\\[辞职\\]小+…", shown)
    assert len(shown) <= 42


def test_one_endless_word_is_cut_at_last() -> None:
    """A hostile word of 100,000 characters does not become an excerpt of that size."""
    text = "x" * 100_000
    (found,) = excerpts(Entry(key="k", content=text), [Hit("content", 50_000, 50_010)])
    assert len(found.text) <= 2 * 320
    assert [end - start for start, end in found.marks] == [10]


def test_thousands_of_hits_give_two_passages() -> None:
    """A word that stands in every sentence of a long text is shown twice, not searched for ever."""
    assert len(of_content("The end of the day. \n" * 5000, "the")) <= 2


sentences = st.lists(
    st.sampled_from(
        [
            "Assad",
            "asylum",
            "Dr.",
            "U.S.",
            "step",
            "down.",
            "said,",
            "“No!”",
            "5.",
            "\n",
            "  ",
            "辞职。",
            "नमस्ते",
            "e\u0301",
            "😀",
            "https://example.org/a-very/long/path?with=query",
            "And",
            "x" * 40,
            "؟",
            "\t",
        ]
    ),
    max_size=80,
).map(" ".join)
PATTERN = r"assad|asylum|step\s+down|辞职|e\u0301|long/path"


@given(sentences, sentences, st.sampled_from(["en", "zh", "", "ar"]), st.integers(60, 400))
def test_marks_are_right_and_no_word_is_cut(summary: str, content: str, language: str, max_chars: int) -> None:
    """Whatever the text: few and short passages; marks in order, on text that was hit; every word a whole word."""
    entry = Entry(key="k", title=summary[:50], summary=summary, content=content, language=language)
    hits = hits_of(PATTERN, "summary", summary) + hits_of(PATTERN, "content", content)
    found = excerpts(entry, hits, max_chars=max_chars)
    assert len(found) <= 2
    assert bool(found) >= bool(hits)
    whole = set(f"{summary} {content}".split())
    for excerpt in found:
        assert 0 < len(excerpt.text) <= max_chars
        assert excerpt.text == excerpt.text.strip()
        assert "\n" not in excerpt.text
        assert set(excerpt.text.removeprefix("…").removesuffix("…").split()) <= whole
        assert bool(excerpt.marks) == bool(hits)
        end = 0
        for mark in excerpt.marks:
            assert end <= mark[0] < mark[1] <= len(excerpt.text)
            assert re.fullmatch(PATTERN, excerpt.text[slice(*mark)], re.IGNORECASE)
            end = mark[1]


@given(st.text(max_size=200), st.lists(st.tuples(st.integers(0, 200), st.integers(1, 60)), max_size=6))
def test_any_text_and_any_spans_are_survived(text: str, spans: list[tuple[int, int]]) -> None:
    """Spans of a user's pattern may begin and end anywhere; the marked text is the hit's, blanks aside."""
    hits = [Hit("content", start, min(len(text), start + size)) for start, size in spans if start < len(text)]
    for excerpt in excerpts(Entry(key="k", content=text), hits, max_chars=80):
        for start, end in excerpt.marks:
            assert excerpt.text[start:end].strip()
            assert "".join(excerpt.text[start:end].split()) in "".join(text.split())
