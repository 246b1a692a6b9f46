"""Alerts where there is little room."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts import compact
from monitor.alerts.safe import clean, shorten
from monitor.model import Alert
from tests.alerts import hostile_alerts, hostile_text, make_alert, make_message, passage


@pytest.mark.parametrize(
    "text",
    [
        *(
            "@bob",
            "<@123>",
            "<!here>@here",
            "http://evil.example/a",
            "HTTPS://1.2.3.4/",
            "evil.example",
            "www.evil.example",
        ),
        *("a@b.example", "#tag", "/start", "(t.me/x)", "$USD", "+12125550123", "1.2.3.4", "x.münchen"),
    ],
)
def test_nothing_in_inert_text_looks_like_a_link_or_a_mention(text: str) -> None:
    """What apps look for is broken up by a character that nobody sees."""
    inert = compact.inert(f"see {text} now")
    assert inert != f"see {text} now"
    assert inert.replace("\u2060", "") == f"see {text} now"
    assert not re.search(r"@\w|#\w|://\w|\w\.[^\W\d_]|\d\.\d+\.\d|(?<!\w)/\w|\+\d", inert)


@pytest.mark.parametrize("text", ["He said: no. Then 3.5 % and more…", "Mr. Smith and/or Ms. Doe", "“So what?” 24/7"])
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    """Sentences and numbers hold nothing to break up."""
    assert compact.inert(text) == text


@given(hostile_text(), st.integers(1, 200))
def test_a_cut_text_fits_by_the_receiver_s_own_measure(text: str, limit: int) -> None:
    """Bytes and UTF-16 units are not characters."""
    text = clean(text)
    for size in (compact.utf8, compact.utf16):
        assert size(compact.cut(text, limit, size)) <= max(limit, size(shorten(text, 1)) if text else 0)
    assert compact.cut(text, 10_000, compact.utf8) == text


@given(st.lists(hostile_alerts(), min_size=1, max_size=30), st.integers(2600, 5000))
def test_the_body_of_any_message_fits(alerts: list[Alert], limit: int) -> None:
    """Hostile or long, one alert or thirty: what is sent is within the limit."""
    text = compact.body(make_message(*alerts), limit=limit, size=compact.utf8)
    assert compact.utf8(text) <= limit


def test_many_alerts_are_told_by_their_headlines_before_any_is_left_out() -> None:
    """The first ones have their excerpts; each of the others a line, as long as there is room; the rest is counted."""
    alerts = [make_alert(title=passage(f"Headline number {n}")) for n in range(40)]
    text = compact.body(make_message(*alerts), limit=4000, size=compact.utf8)
    told = [n for n in range(40) if f"number {n} " in text or f"number {n}\n" in text]
    assert told == list(range(len(told)))
    assert 15 < len(told) < 40
    assert f"… and {40 - len(told)} more" in text
    assert 0 < text.count("Two officials said") <= 10
    few = compact.body(make_message(*alerts[:5]), limit=4000, size=compact.utf8)
    assert few.count("Two officials said") == 5
    assert "more" not in few


def test_a_long_excerpt_is_cut_at_a_word() -> None:
    """What follows it, source and link, is still there."""
    alert = make_alert(excerpts=(passage("word " * 2000),))
    text = compact.body(make_message(alert), limit=1000, size=compact.utf8)
    assert "word…\n\nBBC News" in text
    assert text.endswith("https://news.example.org/a?x=1&y=2")
    assert 900 < compact.utf8(text) <= 1000
