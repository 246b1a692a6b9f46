"""The terminal channel: a panel for a person, a line for a journal, and no way to hold up the rest."""

from __future__ import annotations

import io
import os
import re
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from rich.console import Console

from monitor.model import Alert, ChannelBroken, Excerpt, Sent, Severity, TryLater
from monitor.notify.terminal import TerminalNotifier, TerminalOptions, layout, panel
from tests.alerts import hostile_alerts, make_alert, make_message, passage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

PIPE_SIZE = 1 << 20


def _console(*, terminal: bool) -> Console:
    return Console(
        file=io.StringIO(),
        force_terminal=terminal,
        width=80,
        color_system="standard" if terminal else None,
        _environ={},
    )


async def _shown(console: Console, style: Literal["auto", "panel", "line"] = "auto") -> str:
    notifier = TerminalNotifier(TerminalOptions(style=style), console=console)
    assert await notifier.send(make_message(make_alert(severity=Severity.HIGH))) == Sent()
    await notifier.close()
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


async def test_a_person_gets_a_panel() -> None:
    """On a terminal: severity and rule on the frame, headline, source, excerpt with hits in colour, a link to click."""
    shown = await _shown(_console(terminal=True))
    assert shown.count("\n") > 6
    assert "\x1b]8;" in shown
    plain = re.sub(r"\x1b\[[0-9;]*m|\x1b\]8;[^\x1b]*\x1b\\", "", shown)
    for words in (
        "HIGH",
        "Assad leaves power",
        "Assad would step down",
        "BBC News",
        "24 Nov 2026, 10:15 UTC",
        "https://",
    ):
        assert words in plain


def test_many_alerts_are_panels_and_then_a_list() -> None:
    """A heading counts them; of thirty the first ten have a panel, and none is left out."""
    alerts = [make_alert(title=Excerpt(text=f"Headline {n}."), story=f"{n}") for n in range(30)]
    console = _console(terminal=False)
    console.print(layout(make_message(*alerts, reason="quiet hours until 07:00 UTC"), ZoneInfo("Europe/Berlin")))
    file = console.file
    assert isinstance(file, io.StringIO)
    told = file.getvalue()
    assert told.startswith("30 alerts: Assad leaves power")
    assert "Held back during quiet hours, until 07:00 UTC." in told
    assert told.count("╭") == 10
    assert all(f"Headline {n}." in told for n in range(30))
    assert told.count("11:15 CET") == 30


async def test_a_journal_gets_one_line() -> None:
    """Without a terminal an alert is one line without any escape, however long it is."""
    shown = await _shown(_console(terminal=False))
    assert shown.startswith("[high] Assad leaves power | Assad would *step down*")
    assert shown.count("\n") == 1
    assert "\x1b" not in shown


async def test_a_template_takes_the_place_of_panel_and_line() -> None:
    """The user's own words, for a terminal as for a journal."""
    console = _console(terminal=True)
    options = TerminalOptions(body="{{ count }} {{ alert.headline }} {{ alert.time }}", timezone="Europe/Berlin")
    notifier = TerminalNotifier(options, console=console)
    assert await notifier.send(make_message()) == Sent()
    await notifier.close()
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == "1 Assad would step down, officials say 24 Nov 2026, 11:15 CET\n"


async def test_the_style_can_be_chosen() -> None:
    """`style` has the last word over what the output looks like."""
    assert "╭" in await _shown(_console(terminal=False), "panel")
    assert "╭" not in await _shown(_console(terminal=True), "line")


@given(hostile_alerts())
def test_no_feed_can_speak_to_the_terminal(alert: Alert) -> None:
    """No escape of a feed has an effect: without colours there is no control character at all."""
    console = Console(file=io.StringIO(), force_terminal=False, width=60, color_system=None, _environ={})
    with console.capture() as captured:
        console.print(panel(alert))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2066]", captured.get())


async def test_what_looks_like_markup_is_shown_as_it_is() -> None:
    """Square brackets and emoji codes are words of the feed, not instructions."""
    alert = make_alert(title=passage("[red]rich[/red] :smile:", "rich"), excerpts=(), feed_title="[b]Feed[/b]")
    console = _console(terminal=False)
    notifier = TerminalNotifier(TerminalOptions(style="panel"), console=console)
    await notifier.send(make_message(alert))
    await notifier.close()
    assert isinstance(console.file, io.StringIO)
    assert "[red]rich[/red] :smile:" in console.file.getvalue()
    assert "[b]Feed[/b]" in console.file.getvalue()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe's read end and write end."""
    read, write = os.pipe()
    yield read, write
    for end in (read, write):
        try:
            os.close(end)
        except OSError:
            continue


async def test_a_closed_pipe_is_the_channel_s(pipe: tuple[int, int]) -> None:
    """`news-monitor run | head` ends the reader, not the alerts: they stay pending."""
    read, write = pipe
    os.close(read)
    with os.fdopen(os.dup(write), "w") as file:
        notifier = TerminalNotifier(TerminalOptions(), console=Console(file=file))
        result = await notifier.send(make_message())
        await notifier.close()
    assert result == ChannelBroken(detail="standard output: Broken pipe")


async def test_a_closed_file_is_the_channel_s(pipe: tuple[int, int]) -> None:
    """An output that was closed under the program is told apart from a full disk."""
    with os.fdopen(os.dup(pipe[1]), "w") as file:
        console = Console(file=file, force_terminal=False)
    notifier = TerminalNotifier(TerminalOptions(style="line"), console=console)
    result = await notifier.send(make_message())
    await notifier.close()
    assert isinstance(result, ChannelBroken)


async def test_a_full_disk_is_tried_later() -> None:
    """No space left is nothing a setting can mend."""
    with open("/dev/full", "w") as file:  # noqa: ASYNC230, PTH123 - a device, opened before anything runs
        notifier = TerminalNotifier(TerminalOptions(), console=Console(file=file))
        result = await notifier.send(make_message())
        await notifier.close()
    assert result == TryLater(detail="standard output: No space left on device")


async def test_a_stopped_reader_delays_and_is_not_told_twice(pipe: tuple[int, int]) -> None:
    """A write that is stuck is put off in time; when it gets through, the next attempt does not repeat it."""
    read, write = pipe
    os.set_blocking(write, False)
    filled = 0
    while True:
        try:
            filled += os.write(write, b"x" * 4096)
        except BlockingIOError:
            break
    os.set_blocking(write, True)
    with os.fdopen(os.dup(write), "w") as file:
        notifier = TerminalNotifier(TerminalOptions(), console=Console(file=file), deadline=0.1)
        first = await notifier.send(make_message())
        assert first == TryLater(detail="the terminal took no output for 0.1 s")
        while filled > 0:
            filled -= len(os.read(read, PIPE_SIZE))
        assert await notifier.send(make_message()) == Sent()
        await notifier.close()
    os.close(write)
    shown = b""
    while chunk := os.read(read, PIPE_SIZE):
        shown += chunk
    assert shown.count(b"Assad leaves power") == 1


def test_arabic_does_not_turn_the_frame_around() -> None:
    """Each line of a passage that runs from right to left is isolated from the panel's frame beside it."""
    text = "قال الأسد إنه باق في دمشق ولن يغادر البلاد مهما حدث في الأيام المقبلة، كما أفادت وكالة الأنباء الرسمية."
    console = _console(terminal=False)
    console.print(panel(make_alert(title=passage(text, "الأسد"), excerpts=(passage(text, "دمشق"),))))
    file = console.file
    assert isinstance(file, io.StringIO)
    lines = [line for line in file.getvalue().split("\n") if re.search("[\u0600-\u06ff]", line)]
    assert len(lines) >= 4
    assert all(re.fullmatch("│ +\u2068[^\u2068\u2069]+\u2069 *│", line) for line in lines)
