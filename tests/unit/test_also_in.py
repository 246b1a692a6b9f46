"""What follows an alert, in words: one heading with the outlets, and each report by its headline, on every channel."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from monitor.alerts import compact, several
from monitor.alerts.facts import facts
from monitor.alerts.html import html
from monitor.model import Alert, AlertId, Message
from monitor.notify import blocks, discord, ntfy, teams, telegram, terminal
from tests.alerts import make_alert, make_message, passage

if TYPE_CHECKING:
    from collections.abc import Callable

OUTLETS = ("Reuters", "NPR", "The National")


def also_in(outlet: str, rule: str = "assad", *, outlets: int = 2) -> Alert:
    return make_alert(
        id=AlertId(f"{rule} {outlet}"),
        rule=rule,
        rule_title=f"Title of {rule}",
        feed_title="All news",
        title=passage(f"Assad flees, says {outlet}"),
        excerpts=(),
        link=f"https://example.org/{outlet.replace(' ', '-')}",
        author="",
        story="a" * 32,
        kind="update",
        note=f"Also in {outlet}.",
        outlets=outlets,
        also_in=outlet,
        about="Assad has left Damascus",
    )


def message(*alerts: Alert) -> Message:
    return replace(make_message(*alerts), reason="other reports of the story, until Tue 24 Nov 10:35:00 UTC")


THREE = message(*(also_in(outlet, outlets=number) for number, outlet in enumerate(OUTLETS, 3)))
HEADING = "Also in: Reuters, NPR, The National (5 outlets in all): Assad has left Damascus"


def shown(told: Message) -> str:
    # On a terminal a headline is a link.
    console = Console(file=StringIO(), width=200, force_terminal=True)
    console.print(terminal.layout(told))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


CHANNELS: dict[str, Callable[[Message], str]] = {
    "mail": several.plain,
    "html": html,
    "terminal": shown,
    "slack": lambda told: json.dumps(blocks.payload(told), ensure_ascii=False),
    "discord": lambda told: json.dumps(discord.payload(told), ensure_ascii=False),
    "discord, plain": lambda told: json.dumps(discord.plain_payload(told), ensure_ascii=False),
    "telegram": lambda told: json.dumps(telegram.payload(told), ensure_ascii=False),
    "teams": lambda told: json.dumps(teams.payload(told), ensure_ascii=False),
    "ntfy": lambda told: json.dumps(ntfy.payload(told), ensure_ascii=False),
}


@pytest.mark.parametrize("channel", CHANNELS)
def test_each_channel_names_the_outlets_and_links_their_reports(channel: str) -> None:
    """Under one heading; the reports in order, with nothing said twice and no word of how long they waited."""
    told = CHANNELS[channel](THREE).replace("\\\\", "")
    assert HEADING.replace("(", "").replace(")", "") in told.replace("(", "").replace(")", "")
    for outlet in OUTLETS:
        assert f"Assad flees, says {outlet}" in told
        assert f"https://example.org/{outlet.replace(' ', '-')}" in told
    assert "Also in Reuters." not in told
    assert "more" not in told.replace("news-monitor", "")
    assert "10:35" not in told


@pytest.mark.parametrize("channel", CHANNELS)
def test_one_outlet_alone_is_told_the_same_way(channel: str) -> None:
    """Heading, headline and link."""
    told = CHANNELS[channel](message(also_in("NPR"))).replace("\\\\", "")
    assert "Also in: NPR" in told
    assert "Assad flees, says NPR" in told
    assert "https://example.org/NPR" in told


def test_the_subject_is_the_heading() -> None:
    """On one line; of many outlets the first are named."""
    assert several.subject(THREE) == HEADING
    many = message(*(also_in(f"Outlet {number}", outlets=number + 1) for number in range(1, 13)))
    names = ", ".join(f"Outlet {number}" for number in range(1, 9))
    assert several.subject(many) == f"Also in: {names}, 4 more (13 outlets in all): Assad has left Damascus"
    assert facts(THREE)["heading"] == HEADING


def test_rules_that_spoke_of_one_story_name_an_outlet_once() -> None:
    """In one message there is one line an outlet, though each rule has its own alert."""
    told = several.plain(message(also_in("NPR"), also_in("NPR", "damascus")))
    assert told.count("Assad flees, says NPR") == 1
    assert told.startswith("Also in: NPR (2 outlets in all)")


def test_among_other_alerts_a_follower_says_what_it_is() -> None:
    """In a digest it is an alert like others, with its note."""
    told = several.plain(make_message(make_alert(), also_in("NPR")))
    assert "Also in NPR." in told
    assert "2 alerts" in told
    assert compact.source(also_in("NPR")).startswith("(NPR, ")


def test_two_stories_are_no_list_of_outlets() -> None:
    """What follows two alerts is told with both rules' names."""
    other = replace(also_in("NPR", "floods"), story="b" * 32)
    assert several.heading(make_message(also_in("Reuters"), other)).startswith("2 alerts: ")
