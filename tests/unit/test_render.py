"""An alert in words, and what hostile words in it can not do."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import replace
from datetime import timedelta, timezone
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts import render
from monitor.alerts.html import html
from monitor.alerts.ops import ops_alert
from monitor.alerts.safe import clean_header, runs, safe_link, shorten, shorten_at_sentence, shorten_runs
from monitor.model import Alert, Excerpt, Severity
from tests.alerts import NOW, hostile_alerts, hostile_passages, hostile_text, make_alert, make_message, passage

PLAIN = """\
Assad would *step down*, officials say

Two officials said that Assad had agreed to *step down* & leave.

Rule: Assad leaves power (normal)
Feed: BBC News
By:   Ada Reporter
Time: 24 Nov 2026, 10:15 UTC
Link: https://news.example.org/a?x=1&y=2
"""


def test_plain_text_carries_headline_excerpt_rule_feed_time_and_link() -> None:
    """The text body is what a reader without HTML needs, and nothing else."""
    assert render.plain(make_alert()) == PLAIN


@pytest.mark.parametrize(
    ("severity", "subject"),
    [
        (Severity.LOW, "Assad would step down, officials say"),
        (Severity.NORMAL, "Assad would step down, officials say"),
        (Severity.HIGH, "[HIGH] Assad would step down, officials say"),
        (Severity.CRITICAL, "[CRITICAL] Assad would step down, officials say"),
    ],
)
def test_only_a_severity_that_matters_shows_in_the_subject(severity: Severity, subject: str) -> None:
    """HIGH and CRITICAL stand before the title; the rest would be noise in an inbox."""
    assert render.subject(make_alert(severity=severity)) == subject


def test_what_is_new_about_a_story_is_told_under_its_headline() -> None:
    """A reply says at once that it is one, and what it adds; where there is nothing to add, nothing is said."""
    alert = make_alert(kind="update", note="Also in Reuters.\n")
    assert render.subject(alert) == "Update: Assad would step down, officials say"
    assert render.plain(alert) == PLAIN.replace("say\n", "say\n\nAlso in Reuters.\n", 1)
    assert render.document(alert)["note"] == "Also in Reuters."
    assert render.document(make_alert())["note"] == ""


def test_an_entry_without_a_title_is_headed_by_its_first_words() -> None:
    """Micro-blog feeds have no titles; the subject is then the start of the excerpt, cut at a word."""
    text = "The president will step down on Friday, " + "and so on " * 20
    alert = make_alert(title=Excerpt(text=""), excerpts=(passage(text, "step down"),))
    subject = render.subject(alert)
    assert subject.startswith("The president will step down on Friday")
    assert subject.endswith("…")
    assert len(subject) <= 120


def test_an_entry_without_any_text_is_headed_by_its_rule() -> None:
    """A rule on the feed alone still makes a message with a subject."""
    for nothing in ("", " ", "\u200b\u202e"):
        alert = make_alert(title=Excerpt(text=nothing), excerpts=(Excerpt(text=nothing),))
        assert render.subject(alert) == "Assad leaves power"


def test_time_is_the_entry_s_own_else_when_it_was_seen() -> None:
    """The reader can tell a published time from our own, and gets it in the zone that was asked for."""
    berlin = timezone(timedelta(hours=1), "CET")
    assert render.when(make_alert()) == "24 Nov 2026, 10:15 UTC"
    assert render.when(make_alert(), berlin) == "24 Nov 2026, 11:15 CET"
    assert render.when(make_alert(published_at=None)) == "seen 24 Nov 2026, 10:17 UTC"


def test_document_is_the_versioned_json() -> None:
    """Programs get snake_case fields, ISO times with Z, and marks that fit the text."""
    document = render.document(make_alert())
    assert document == {
        "version": 1,
        "alert_id": "7d7f1b1e-58a5-5a35-9a0f-0d5f7b7f6a11",
        "kind": "news",
        "rule": "assad",
        "rule_title": "Assad leaves power",
        "severity": "normal",
        "feed": "bbc",
        "feed_title": "BBC News",
        "note": "",
        "title": {"text": "Assad would step down, officials say", "marks": [[12, 21]]},
        "excerpts": [
            {"text": "Two officials said that Assad had agreed to step down & leave.", "marks": [[44, 53]]},
        ],
        "link": "https://news.example.org/a?x=1&y=2",
        "author": "Ada Reporter",
        "published_at": "2026-11-24T10:15:00Z",
        "seen_at": "2026-11-24T10:17:00Z",
        "outlets": 0,
        "also_in": "",
        "about": "",
    }
    assert document["title"]["text"][12:21] == "step down"


def test_log_line_is_one_line_with_everything_in_it() -> None:
    """In the journal an alert is a single line that a grep finds by rule, word, feed or link."""
    assert render.log_line(make_alert(severity=Severity.HIGH)) == (
        "[high] Assad leaves power | Assad would *step down*, officials say"
        " | Two officials said that Assad had agreed to *step down* & leave."
        " | BBC News, 24 Nov 2026, 10:15 UTC | https://news.example.org/a?x=1&y=2"
    )


class _Page(HTMLParser):
    """Tags, link targets, marked words and visible text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: set[str] = set()
        self.marked: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links |= {value or "" for name, value in attrs if name in {"href", "src"}}
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        self.text += data
        if "mark" in self._open:
            self.marked.append(data)


def test_html_marks_the_hits_and_links_to_the_article() -> None:
    """The mail shows headline and excerpt with the hits marked, the facts, and one target for all links."""
    page = _Page(html(make_message(make_alert(severity=Severity.HIGH))))
    assert page.marked == ["step down", "step down"]
    assert page.links == {"https://news.example.org/a?x=1&y=2"}
    for words in ("HIGH", "agreed to step down & leave.", "BBC News", "24 Nov 2026, 10:15 UTC", "Assad leaves power"):
        assert words in page.text


@pytest.mark.parametrize(
    "link",
    ["", "javascript:alert(1)", "data:text/html,x", "ftp://a.example/", "//a.example", "http://", "https://[::1"],
)
def test_a_link_that_is_not_http_is_no_link(link: str) -> None:
    """Whatever a feed calls a link, only http and https are offered for a click."""
    alert = make_alert(link=link)
    assert _Page(html(make_message(alert))).links == set()
    assert render.document(alert)["link"] == ""
    assert "Link:" not in render.plain(alert)


def test_a_link_keeps_its_meaning_and_loses_what_no_url_may_hold() -> None:
    """Spaces, quotes, angle brackets and invisible characters are percent-encoded, the rest stays as it is."""
    assert safe_link(" https://a.example/x y\n<z>\u202e?q=ä ") == "https://a.example/x%20y%0A%3Cz%3E%E2%80%AE?q=ä"


@given(hostile_alerts())
def test_no_feed_can_put_a_tag_or_an_attribute_into_the_mail(alert: Alert) -> None:
    """The page has the tags and attributes of the template whatever the words are, and links only to http(s)."""
    page, model = _Page(html(make_message(alert))), _Page(html(make_message(make_alert(severity=Severity.HIGH))))
    assert page.tags <= model.tags
    assert page.attributes <= model.attributes
    assert all(link.startswith(("http://", "https://")) for link in page.links)


def _is_harmless(text: str) -> bool:
    return not any(unicodedata.category(char) in {"Cc", "Zl", "Zp", "Cs"} or char in "\u202e\u2066" for char in text)


@given(hostile_alerts())
def test_subject_and_log_line_are_one_harmless_line(alert: Alert) -> None:
    """No line end, no terminal escape, no text turned around, and never too long for a header."""
    assert _is_harmless(render.subject(alert))
    assert 0 < len(render.subject(alert)) <= 200
    assert _is_harmless(render.log_line(alert))


@given(hostile_alerts())
def test_plain_text_and_document_can_always_be_encoded(alert: Alert) -> None:
    """A lone surrogate or a NUL from a feed must not make a message that fails for ever."""
    assert _is_harmless(render.plain(alert).replace("\n", ""))
    json.dumps(render.document(alert), ensure_ascii=False).encode()
    html(make_message(alert)).encode()


@given(hostile_passages())
def test_cleaned_marks_still_stand_on_the_marked_words(excerpt: Excerpt) -> None:
    """Taking characters out of a text moves the marks with it."""
    pieces = runs(excerpt)
    document = render.document(make_alert(title=excerpt))["title"]
    assert document["text"] == "".join(text for text, _ in pieces)
    assert [document["text"][start:end] for start, end in document["marks"]] == [text for text, hit in pieces if hit]


@given(hostile_text(), st.integers(1, 300))
def test_a_shortened_text_fits_and_begins_like_the_whole(text: str, limit: int) -> None:
    """A cut never makes a text longer than allowed, and says that it is a cut."""
    short = shorten(text, limit)
    assert len(short) <= limit
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))


def test_a_cut_falls_between_words_and_never_inside_a_character() -> None:
    """A reader gets whole words, and an accent or a family emoji is not torn apart."""
    assert shorten("one two three four", 14) == "one two three…"
    assert shorten("one, two, three", 10) == "one, two…"
    assert shorten("x" * 9 + "e\u0301" + "y" * 9, 11) == "x" * 9 + "…"
    assert shorten("ab👩‍👩‍👧cd", 5) == "ab…"


@given(st.lists(st.tuples(hostile_text(), st.booleans())), st.integers(1, 200))
def test_shortened_runs_fit_together(pieces: list[tuple[str, bool]], limit: int) -> None:
    """Marked text is cut to the same limit as plain text."""
    short = "".join(text for text, _ in shorten_runs(pieces, limit))
    whole = "".join(text for text, _ in pieces)
    assert len(short) <= limit
    assert short == whole or short.endswith("…")


@given(hostile_text())
def test_a_header_value_is_one_line_of_single_spaces(text: str) -> None:
    """The one door to headers leaves nothing that ends a header or that the mail library refuses."""
    value = clean_header(text)
    assert _is_harmless(value)
    assert value == " ".join(value.split())
    assert len(value) <= 200


ARABIC = "قال الأسد إنه باق في Damascus (2026)."


def test_a_passage_from_right_to_left_does_not_turn_its_line_around() -> None:
    """In plain text it is isolated from what stands beside it, hits and all; Latin text gets nothing added."""
    alert = make_alert(
        title=passage(ARABIC, "الأسد"),
        excerpts=(passage(ARABIC, "Damascus"),),
        feed_title="الجزيرة",
        severity=Severity.HIGH,
    )
    isolated = ARABIC.replace("Damascus", "*Damascus*")
    assert f"\n\n\u2068{isolated}\u2069\n\n" in render.plain(alert)
    assert "Feed: \u2068الجزيرة\u2069\n" in render.plain(alert)
    assert f" | \u2068{isolated}\u2069 | \u2068الجزيرة\u2069, 24 Nov 2026" in render.log_line(alert)
    assert not set(render.subject(alert)) & {"\u2068", "\u2069"}
    assert not set(render.plain(make_alert()) + render.log_line(make_alert())) & {"\u2068", "\u2069"}
    assert html(make_message(alert)).count('dir="auto"') == 2


@given(hostile_alerts(), st.sampled_from(["\u202e", "\u2067", "\u2068", "\u2069", "\u202b"]))
def test_isolates_are_always_in_pairs(alert: Alert, control: str) -> None:
    """A feed that opens an isolate or an override and never closes it does not reach the end of its own text."""
    alert = replace(alert, title=Excerpt(text=f"{control}{alert.title.text} ما"), feed_title=f"ما{control}")
    for text in (render.plain(alert), render.log_line(alert)):
        for line in text.split("\n"):
            assert re.sub("[^\u2066-\u2069\u202a-\u202e]", "", line).replace("\u2068\u2069", "") == ""


def test_long_passages_are_cut_between_words_and_keep_their_marks() -> None:
    """A cut in the middle of a hit leaves its whole words marked, and half an address is never shown."""
    pieces = (("Assad may ", False), ("step down", True), (" on Friday", False))
    assert shorten_runs(pieces, 16) == (("Assad may ", False), ("step", True), ("…", False))
    assert shorten_runs(pieces, 21) == (("Assad may ", False), ("step down", True), ("…", False))
    assert shorten("see https://example.org/a-long/path here", 30) == "see…"
    assert shorten("🇸🇾🇸🇾🇸🇾", 4) == "🇸🇾…"


@given(st.lists(st.tuples(hostile_text(), st.booleans())), st.integers(1, 200))
def test_a_cut_at_a_sentence_fits_too(pieces: list[tuple[str, bool]], limit: int) -> None:
    """The limit holds whether a sentence ends in time or not."""
    short = "".join(text for text, _ in shorten_at_sentence(pieces, limit))
    whole = "".join(text for text, _ in pieces)
    assert len(short) <= limit
    assert short == whole or short.endswith("…")


def test_a_long_passage_is_cut_at_the_end_of_a_sentence() -> None:
    """A reader gets sentences; where that would be too little, words."""
    pieces = (("He would ", False), ("step down", True), (" on Friday. Elections follow within ninety days.", False))
    assert shorten_at_sentence(pieces, 50) == (
        ("He would ", False),
        ("step down", True),
        (" on Friday.", False),
        (" …", False),
    )
    assert shorten_at_sentence(pieces, 25)[-1] == (" on…", False)


NOTICE = """\
[HIGH] The feed bbc is failing

HTTP 503 Service Unavailable

It has failed 5 times in a row.

Service notice: news-monitor about itself, 24 Nov 2026, 10:20 UTC
"""


def test_what_the_service_says_of_itself_can_not_be_taken_for_news() -> None:
    """It has no feed and no "seen"; subject, text and page say whose word it is."""
    text = ("HTTP 503 Service Unavailable", "It has failed 5 times in a row.")
    alert = ops_alert("feed-failing", title="The feed bbc is failing", text=text, feed="bbc", now=NOW)
    assert render.plain(alert) == NOTICE
    assert render.subject(alert) == "[HIGH] news-monitor: The feed bbc is failing"
    assert render.log_line(alert).startswith("[high] Service notice | The feed bbc is failing | HTTP 503")
    page = _Page(html(make_message(alert)))
    assert "Sent by news-monitor about itself: this is not news." in page.text
    assert "Read at" not in page.text
    assert "seen" not in page.text
    assert render.document(alert)["kind"] == "ops"
