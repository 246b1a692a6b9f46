"""Messages of several alerts: what comes first, what is told in full, and that nothing is left unsaid."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings

from monitor.alerts import several
from monitor.alerts.batch import choose
from monitor.alerts.html import html
from monitor.alerts.ops import ops_alert
from monitor.alerts.routing import UNROUTED, place
from monitor.alerts.schedule import parse_digest, parse_quiet
from monitor.model import (
    Alert,
    AlertId,
    DeliveryId,
    Due,
    Excerpt,
    Message,
    MessageId,
    Placing,
    Recent,
    Severity,
    Silence,
)
from tests.alerts import NOW, hostile_messages, make_alert, make_message

LONDON = ZoneInfo("Europe/London")


def numbered(count: int, *, rules: int = 3) -> list[Alert]:
    """Different alerts of so many rules in turn, the last of them severe."""
    return [
        make_alert(
            id=AlertId(f"{number}"),
            rule=f"rule-{number % rules}",
            rule_title=f"Rule {number % rules}",
            severity=Severity.HIGH if number % rules == rules - 1 else Severity.NORMAL,
            title=Excerpt(text=f"Headline {number}."),
            link=f"https://news.example.org/{number}",
            story=f"{number}",
        )
        for number in range(count)
    ]


def digest(*alerts: Alert) -> Message:
    return make_message(*alerts, kind="digest", reason="digest of Tue 24 Nov 07:30 Europe/London")


class _Page(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]

    def handle_data(self, data: str) -> None:
        self.text += data


PLAIN = """\
Digest of 4 alerts: Assad leaves power (3), Flood (1)

Collected for the digest of Tue 24 Nov 07:30 Europe/London.

Assad leaves power (3)
   1. Headline 1
   2. Headline 3
   3. Headline 2
Flood (1)
   4. Water

------------------------------------------------------------
Assad leaves power

1. [HIGH] Headline 1

BBC News · 24 Nov 2026, 10:15 GMT · Ada Reporter
https://news.example.org/a?x=1&y=2

2. [HIGH] Headline 3

BBC News · 24 Nov 2026, 10:15 GMT · Ada Reporter
https://news.example.org/a?x=1&y=2

3. [HIGH] Headline 2

BBC News · 24 Nov 2026, 10:15 GMT · Ada Reporter
https://news.example.org/a?x=1&y=2

------------------------------------------------------------
Flood

4. Water

BBC News · 24 Nov 2026, 10:15 GMT · Ada Reporter
https://news.example.org/a?x=1&y=2
"""


def test_a_digest_has_contents_and_is_told_by_rule_and_story_in_the_reader_s_own_time() -> None:
    """The most severe rule comes first, and what is about one story stands together."""
    severe = [
        make_alert(title=Excerpt(text=f"Headline {n}"), excerpts=(), severity=Severity.HIGH, story=story)
        for n, story in ((1, "coup"), (2, "exile"), (3, "coup"))
    ]
    flood = make_alert(rule="flood", rule_title="Flood", title=Excerpt(text="Water"), excerpts=(), story="flood")
    assert several.plain(digest(flood, *severe), LONDON) == PLAIN


@pytest.mark.parametrize(
    ("kind", "count", "heading"),
    [
        ("group", 2, "2 alerts: Rule 0 (1), Rule 1 (1)"),
        ("digest", 3, "Digest of 3 alerts: Rule 2 (1), Rule 0 (1), Rule 1 (1)"),
        ("held", 40, "40 alerts that waited: Rule 4 (8), Rule 0 (8), Rule 1 (8), 2 more rules"),
    ],
)
def test_a_heading_counts(kind: str, count: int, heading: str) -> None:
    """One line says what it is, how many, and of which rules most."""
    message = make_message(*numbered(count, rules=5 if count > 3 else 3), kind=kind)
    assert several.heading(message) == heading
    assert several.subject(message) == (f"[HIGH] {heading}" if count > 2 else heading)


def test_notices_are_counted_as_notices() -> None:
    """Several words of the service about itself are not "alerts"."""
    notices = [ops_alert("feed", name, title=f"The feed {name} is failing", now=NOW) for name in ("a", "b")]
    message = make_message(*notices)
    assert several.subject(message) == "[HIGH] 2 service notices"
    assert "this is not news" in _Page(html(message)).text


# Why it waited


def waiting(*, digest: str = "", quiet: str = "", silence: bool = False, wait: int = 0) -> str:
    """The reason that routing gives."""
    route = replace(
        UNROUTED,
        digest=parse_digest(digest) if digest else None,
        quiet=(parse_quiet(quiet),) if quiet else (),
        group_wait=timedelta(seconds=wait),
        zone=LONDON,
    )
    held = Silence(
        id=3,
        rule="",
        feed="",
        text="",
        author="ann",
        comment="drill",
        created_at=NOW,
        starts_at=NOW,
        ends_at=NOW + timedelta(hours=1),
    )
    return place(make_alert(), route, held if silence else None, now=NOW)[0].reason


def postponed(*, groups: int) -> str:
    """The reason that the pace gives: a group that spoke just now, or a burst."""
    route = replace(UNROUTED, burst=3, group_interval=timedelta(minutes=1))
    sent = [Recent(message_id=MessageId(f"{n}"), route="", group=f"{n}", sent_at=NOW) for n in range(groups)]
    due = Due(id=DeliveryId("d"), placing=Placing(group="0" if groups == 1 else "new"), created_at=NOW, due_at=NOW,
              message_id=None)  # fmt: skip
    return choose([due], sent, route=lambda _name: route, now=NOW).postponed[0].reason


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        (waiting(digest="daily 12:00"), "Collected for the digest of Tue 24 Nov 12:00 Europe/London."),
        (waiting(quiet="09:00-11:00"), "Held back during quiet hours, until Tue 24 Nov 11:00 Europe/London."),
        (waiting(silence=True), "Held back by silence 3 by ann: drill, until Tue 24 Nov 11:20 Europe/London."),
        (waiting(wait=30), "Collected until Tue 24 Nov 10:20:30 Europe/London, to come as one message."),
        (postponed(groups=1), "Held back for a moment, because its group had spoken just before."),
        (
            postponed(groups=3),
            "Held back for a moment and sent together, because more than 3 messages came within 60 s.",
        ),
        ("something else", "Held back: something else."),
        ("", ""),
    ],
)
def test_why_it_waited_is_a_sentence(reason: str, sentence: str) -> None:
    """Each reason that routing and pace give is told to the reader, in every form of the message."""
    message = make_message(reason=reason)
    assert several.reason(message) == sentence
    assert sentence in several.plain(message)
    assert sentence in _Page(html(message)).text
    assert sentence in _Page(html(make_message(*numbered(5), reason=reason))).text


# Many


@pytest.mark.parametrize("count", [1, 2, 3, 4, 25, 26, 200])
def test_every_alert_of_a_message_is_in_it(count: int) -> None:
    """In full or by its headline, with its link, once."""
    message = make_message(*numbered(count), kind="digest" if count > 1 else "alert")
    for text in (several.plain(message), html(message)):
        for number in range(count):
            assert f"Headline {number}." in text
            assert re.search(rf"https://news\.example\.org/{number}\b", text)
    full, brief = several.parts(message)
    assert len(full) == (count if count <= 25 else 10)
    assert len(full) + len(brief) == count


@pytest.mark.parametrize("count", [4, 12, 40])
def test_contents_lead_to_what_they_name(count: int) -> None:
    """Each entry of the table of contents has its place in the mail."""
    page = _Page(html(digest(*numbered(count))))
    inside = [link.removeprefix("#") for link in page.links if link.startswith("#")]
    assert len(inside) == (count if count <= 25 else 11)
    assert set(inside) == set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_a_mail_of_two_hundred_alerts_is_shown_whole() -> None:
    """Gmail cuts a mail at 102 kB."""
    alerts = [
        replace(
            alert,
            title=Excerpt(text=f"Number {number}: the parliament of Marenia withdraws its confidence in the president"),
            link=f"https://news.example.org/world/2026/11/24/parliament-withdraws-confidence-{number}",
        )
        for number, alert in enumerate(numbered(200))
    ]
    assert len(html(make_message(*alerts, kind="held")).encode()) < 102_000


@settings(max_examples=50)
@given(hostile_messages())
def test_no_feed_can_put_a_tag_or_a_link_into_a_mail_of_several(message: Message) -> None:
    """Tags are those of the form, links lead to http(s) or into the mail."""
    page, model = _Page(html(message)), _Page(html(digest(*numbered(26))))
    assert page.tags <= model.tags | {"mark", "h1"}
    assert all(link.startswith(("http://", "https://", "#")) for link in page.links)
    assert 0 < len(several.subject(message)) <= 200
    for line in several.plain(message).split("\n"):
        assert (
            line == ""
            or line.isprintable()
            or not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202e\ud800-\udfff]", line)
        )
