"""The sentences that an alert shows."""

from __future__ import annotations

import re
from itertools import combinations_with_replacement

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.excerpt import excerpts, mark_title
from monitor.model import Entry, Excerpt, Hit, Passage, TextField
from monitor.sentences import sentences as split


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


@pytest.mark.parametrize(
    ("summary", "content", "page"),
    [
        ("Assad has left Damascus.", "", "Assad has left Damascus. It rained."),
        ("Assad has left…", "Assad has left Damascus with…", "It rained.\nAssad has left Damascus with his family."),
        ("Assad has left Damascus.", "Assad has left Damascus.", "It rained."),
        ("Assad has left Damascus.", "Assad has left Damascus.", "Assad has left Damascus."),
        ("", "", "Assad has left Damascus."),
    ],
)
@pytest.mark.parametrize("with_focus", [True, False])
def test_a_sentence_that_the_page_repeats_is_shown_once(
    summary: str, content: str, page: str, with_focus: bool
) -> None:
    """Of its copies in summary, content and page one is shown, and a whole one."""
    entry = Entry(key="k", summary=summary, content=content, page=page)
    texts: dict[TextField, str] = {"summary": summary, "content": content, "page": page}
    hits = [hit for name, text in texts.items() for hit in hits_of("assad", name, text)]
    first = hits[0].field
    focus = Passage(first, 0, len(texts[first])) if with_focus else None
    (found,) = excerpts(entry, hits, focus=focus)
    assert "Assad has left Damascus" in found.text
    assert "…" not in found.text


def test_passages_come_in_the_order_of_the_fields() -> None:
    """What the feed gave comes before what stands on the page."""
    entry = Entry(key="k", summary="Assad has left.", page="It rained. Moscow offered asylum.")
    hits = hits_of("assad", "summary", entry.summary) + hits_of("asylum", "page", entry.page)
    assert [one.text for one in excerpts(entry, hits)] == ["Assad has left.", "Moscow offered asylum."]


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


ARTICLE = (
    "Assad arrived at the palace shortly after nine, according to state television. Reporters were kept at the gates.\n"
    "Assad has ruled the country for two decades; Assad’s father ruled it for three. The Assads own much of it.\n"
    "Late on Tuesday two officials said that Assad would step down before the end of the month. They asked not to be "
    "named because the talks go on.\n"
    "Moscow has offered asylum to his family, a diplomat said. The Kremlin did not answer questions.\n"
    "The post Assad to step down appeared first on The Daily Courier."
)
QUERY = "assad’s|assad|step down|stand down|asylum"


def focus_on(text: str, words: str, field: TextField = "content") -> Passage:
    """The words' own place."""
    return Passage(field, text.index(words), text.index(words) + len(words))


def shown(entry: Entry, focus: Passage | None = None, pattern: str = QUERY, limit: int = 2) -> list[str]:
    """What an alert says of the entry besides its title."""
    fields: tuple[tuple[TextField, str], ...] = (
        ("title", entry.title),
        ("summary", entry.summary),
        ("content", entry.content),
    )
    hits = [hit for name, text in fields for hit in hits_of(pattern, name, text)]
    return [bracketed(excerpt) for excerpt in excerpts(entry, hits, focus=focus, limit=limit)]


SAYS_IT = "Late on Tuesday two officials said that [Assad] would [step down] before the end of the month."
OFFER = "Moscow has offered [asylum] to his family, a diplomat said."


@pytest.mark.parametrize("with_focus", [True, False])
def test_the_sentence_that_says_it_wins_over_the_first_mention(with_focus: bool) -> None:
    """Of an article full of the name, the sentence with name and deed is shown, and the one with the other deed."""
    focus = focus_on(ARTICLE, SAYS_IT.replace("[", "").replace("]", "")) if with_focus else None
    assert shown(Entry(key="k", title="Syria", content=ARTICLE), focus) == [SAYS_IT, OFFER]
    assert shown(Entry(key="k", title="Syria", content=ARTICLE), focus, limit=1) == [SAYS_IT]


def test_the_focus_wins_over_a_passage_with_more_words_of_the_query() -> None:
    """What satisfies the query by itself is shown, though another sentence holds more different words of it."""
    text = "Asylum law, which Assad signed, lets judges step down.\nNothing else.\nAssad, he says, will stand down."
    focus = focus_on(text, "Assad, he says, will stand down.")
    assert shown(Entry(key="k", content=text), focus, limit=1) == ["[Assad], he says, will [stand down]."]


def test_a_focus_that_is_too_long_is_no_focus() -> None:
    """Sentences far apart that satisfy the query only together are chosen one by one, like any others."""
    text = f"Assad spoke. {'Nobody was listening to it. ' * 20}He would not step down."
    assert shown(Entry(key="k", content=text), Passage("content", 0, len(text))) == [
        "[Assad] spoke.",
        "He would not [step down].",
    ]


def test_a_focus_and_its_neighbour_are_one_passage() -> None:
    """A sentence with hits right after the focus is read on with it, not as a second quotation."""
    text = "Assad will step down. He wants asylum. It rained."
    assert shown(Entry(key="k", content=text), focus_on(text, "Assad will step down.")) == [
        "[Assad] will [step down]. He wants [asylum]."
    ]


@pytest.mark.parametrize("tail", ["…", " […]", " [...]", "… Read more", "... Continue reading →", " … (more)"])
def test_a_summary_that_breaks_off_does_not_beat_the_full_sentence(tail: str) -> None:
    """The feed's teaser is the beginning of the content: the sentence is shown to its end, once."""
    summary = f"Late on Tuesday two officials said that Assad would step down before{tail}"
    entry = Entry(key="k", title="Syria", summary=summary, content=ARTICLE)
    focus = focus_on(summary, summary, "summary")
    assert shown(entry, focus) == [SAYS_IT, OFFER]
    assert shown(entry) == [SAYS_IT, OFFER]


def test_an_invitation_to_read_on_is_not_part_of_the_teaser() -> None:
    """Where the teaser is all there is, it ends where the feed broke off."""
    entry = Entry(key="k", summary="Two officials said that Assad would step down before… Read more »")
    assert shown(entry) == ["Two officials said that [Assad] would [step down] before…"]


@pytest.mark.parametrize(
    "boilerplate",
    [
        "The post Assad to step down appeared first on The Daily Courier.",
        "Read more: Assad to step down, asylum offered.",
        "This article about Assad and asylum was first published in March.",
        "Photo: Assad, who may step down.",
        "Subscribe to our Assad newsletter on asylum.",
    ],
)
def test_boilerplate_is_not_news(boilerplate: str) -> None:
    """It may hold every word of the query, and even be its shortest focus; it is shown where there is nothing else."""
    entry = Entry(key="k", title="Syria", content=f"{boilerplate}\nIt rained. Assad is said to go.")
    assert shown(entry, focus_on(entry.content, boilerplate)) == ["[Assad] is said to go."]
    assert len(shown(Entry(key="k", title="Syria", content=boilerplate))) == 1


def test_the_news_is_shown_where_only_boilerplate_repeats_the_title() -> None:
    """The headline is what matched; "The post … appeared first on …" below it would tell nothing new."""
    summary = "It rained. The Kremlin was silent.\nThe post Assad to step down appeared first on The Daily Courier."
    entry = Entry(key="k", title="Assad to step down", summary=summary)
    assert shown(entry) == ["It rained. The Kremlin was silent."]
    assert shown(entry, limit=0) == []
    without_news = Entry(key="k", title="Assad to step down", summary=summary.partition("\n")[2])
    assert len(shown(without_news)) == 1


def test_the_title_is_not_said_twice() -> None:
    """A text that begins with its title, as many do, is quoted from where it says more."""
    entry = Entry(
        key="k", title="Assad to step down", content="Assad to step down\nAssad told his party that he will go."
    )
    assert shown(entry, focus_on(entry.content, "Assad to step down")) == ["[Assad] told his party that he will go."]


def test_a_repeated_sentence_is_shown_once() -> None:
    """A pull quote or a caption says what the text says."""
    text = "“I will not step down.”\nAssad spoke for an hour. “I will not step down.” He left.\nAssad waved."
    assert sum("[step down]" in passage for passage in shown(Entry(key="k", content=text))) == 1


def test_a_weight_decides_what_is_shown() -> None:
    """With asylum^5 the sentence on asylum is worth more than the one with two plain words."""
    text = "Assad will step down.\nNothing here.\nHe wants asylum."
    start = text.index("asylum")
    hits = [*hits_of("assad|step down", "content", text), Hit("content", start, start + 6, 5.0)]
    (found,) = excerpts(Entry(key="k", content=text), hits, limit=1)
    assert bracketed(found) == "He wants [asylum]."


def test_an_earlier_hit_of_a_common_word_is_marked_too() -> None:
    """After eight sentences with the name, the ninth is shown for its other word, with both marked."""
    text = "Assad spoke.\n" * 9 + "Assad wants asylum."
    assert "[Assad] wants [asylum]." in of_content(text, "assad|asylum")


@pytest.mark.parametrize(
    "whole",
    [
        "👩‍👩‍👧‍👦" * 30,
        "e\u0301" * 90,
        "الْأَسَدُ" * 30,
        "https://example.org/" + "path/" * 30,
        "ada.reporter@" + "mail." * 30 + "example.org",
    ],
)
def test_a_long_excerpt_is_not_cut_inside_what_belongs_together(whole: str) -> None:
    """Emoji families, accents, vowel signs and addresses near the cut are there whole or not at all."""
    for before in range(60, 100):
        text = f"{'x' * before} Assad {whole} left for asylum with his family and all that he has got"
        (found,) = excerpts(Entry(key="k", content=text), hits_of("assad", "content", text), max_chars=100)
        assert set(found.text.replace("…", "").split()) <= set(text.split())


def test_one_endless_row_of_emoji_is_cut_between_two_of_them() -> None:
    """A hostile row is cut, but no family is torn apart."""
    text = "👩‍👩‍👧" * 2000
    (found,) = excerpts(Entry(key="k", content=text), [Hit("content", 5000, 5005)])
    assert set(found.text.strip("…").split("👩‍👩‍👧")) == {""}
    assert len(found.text) <= 2 * 320


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


def focuses(entry: Entry) -> st.SearchStrategy[Passage | None]:
    """Any run of whole sentences of the entry."""
    runs: list[Passage] = []
    fields: tuple[tuple[TextField, str], ...] = (("summary", entry.summary), ("content", entry.content))
    for field, text in fields:
        spans = split(text, entry.language)
        runs += [Passage(field, one[0], other[1]) for one, other in combinations_with_replacement(spans[:9], 2)]
    return st.sampled_from(runs) if runs else st.none()


@given(sentences, sentences, st.sampled_from(["en", "zh", "", "ar"]), st.integers(60, 400), st.data())
def test_marks_are_right_and_no_word_is_cut(
    summary: str, content: str, language: str, max_chars: int, data: st.DataObject
) -> None:
    """Whatever the text: few and short passages; marks in order, on text that was hit; every word a whole word."""
    entry = Entry(key="k", title=summary[:50], summary=summary, content=content, language=language)
    hits = hits_of(PATTERN, "summary", summary) + hits_of(PATTERN, "content", content)
    found = excerpts(entry, hits, focus=data.draw(st.none() | focuses(entry)), max_chars=max_chars)
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
