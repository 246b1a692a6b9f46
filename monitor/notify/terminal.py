"""`type = "terminal"`: a panel where someone is watching, one line where a journal is."""

from __future__ import annotations

import asyncio
import errno
import io
import os
import queue
import threading
from concurrent.futures import Future
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Any, Literal, cast

from pydantic import Field
from rich.box import HEAVY, ROUNDED
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.panel import Panel
from rich.style import Style
from rich.text import Text

from monitor.alerts import render, several
from monitor.alerts.safe import isolated, runs, safe_link, shorten
from monitor.model import ChannelBroken, Sent, Severity, TryLater
from monitor.notify.base import FROM_FILE, ReaderOptions, TextTemplate, Wording

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.alerts.safe import Run
    from monitor.model import Alert, Message, MessageId, SendResult

DEADLINE = 10.0
"""Seconds a write may take before the delivery is put off: a stopped pager, Ctrl-S."""

_GONE = {errno.EPIPE, errno.EBADF, errno.EIO}

_COLOURS = {Severity.LOW: "bright_black", Severity.NORMAL: "cyan", Severity.HIGH: "yellow", Severity.CRITICAL: "red"}
_HIT = "not bold black on yellow"  # many terminals show bold black as grey


class TerminalOptions(ReaderOptions):
    """Shows each alert on the program's standard output: on your terminal, or under systemd in the journal."""

    type: Literal["terminal"] = Field("terminal", description='"terminal".')
    style: Literal["auto", "panel", "line"] = Field(
        "auto",
        description='"panel": a framed block with colours; "line": one plain line; "auto": a panel on a terminal, '
        "a line anywhere else.",
    )
    body: TextTemplate | None = Field(
        None, json_schema_extra=FROM_FILE, description="A template for the message, in place of panels and lines."
    )


class TerminalNotifier:
    """Writes to the console's file from a thread of its own, so that a terminal that takes nothing holds up nobody."""

    def __init__(self, options: TerminalOptions, *, console: Console | None = None, deadline: float = DEADLINE) -> None:
        self._deadline = deadline
        self._console = console or Console()
        self._panel = options.style == "panel" or (options.style == "auto" and self._console.is_terminal)
        self._zone = options.zone
        self._wording = Wording(options.zone, body=("text", options.body))
        self._writer = _Writer(self._console)

    async def send(self, message: Message) -> SendResult:
        words = self._wording.words(message)
        body = words.say("body")
        shown = self._render(message) if body is None else self._encoded(f"{body.rstrip()}\n")
        write = self._writer.write(message.id, shown)
        try:
            async with asyncio.timeout(self._deadline):
                await asyncio.wrap_future(write)
        except TimeoutError:
            self._writer.put_off(message.id, write)
            return TryLater(detail=f"the terminal took no output for {self._deadline:g} s")
        except OSError as error:
            said = f"standard output: {error.strerror or 'cannot be written to'}"
            return ChannelBroken(detail=said) if error.errno in _GONE else TryLater(detail=said)
        return words.warned(Sent())

    async def close(self) -> None:
        self._writer.stop()

    def _encoded(self, text: str) -> bytes:
        return text.encode(self._console.encoding, "replace")

    def _render(self, message: Message) -> bytes:
        """The bytes for the console's file, made without touching it."""
        if not self._panel:
            lines = (render.log_line(alert, self._zone) for alert in several.in_order(message))
            return self._encoded("".join(f"{line}\n" for line in lines))
        raw = io.BytesIO()
        file = io.TextIOWrapper(raw, self._console.encoding, "replace", newline="")
        twin = Console(
            file=file,
            force_terminal=self._console.is_terminal,
            color_system=cast("Any", self._console.color_system),  # rich gives it as str and takes it as Literal
            no_color=self._console.no_color,
            width=self._console.width,
        )
        twin.print(layout(message, self._zone))
        file.flush()
        return raw.getvalue()


def layout(message: Message, zone: tzinfo = UTC) -> Group:
    """A panel for each alert told in full, under a heading where there are several; the others by their headlines."""
    full, brief = several.parts(message)
    head: list[RenderableType] = []
    if not several.is_alone(message):
        head.append(_Isolated(Text(several.heading(message), style="bold")))
    if waited := several.reason(message):
        head.append(Text(waited, style="bright_black"))
    rest: list[RenderableType] = []
    for section in several.sections(message, brief):
        count = f", {len(section.items)} more" if full else f" ({len(section.items)})"
        counted = f"{isolated(section.title)}{count}"
        rest.append(Padding(Text(counted, style=f"bold {_COLOURS[section.severity]}"), (1, 0, 0, 1)))
        rest += [Padding(_Isolated(_listed(alert, zone)), (0, 0, 0, 3)) for _number, alert in section.items]
    return Group(*head, *(panel(alert, zone) for alert in full), *rest)


def panel(alert: Alert, zone: tzinfo = UTC) -> Panel:
    """The alert as a framed block; built from `Text` only, so nothing in it is read as rich markup."""
    lines: list[RenderableType] = [
        _Isolated(_marked(render.headline(alert), "bold")),
        Text(" · ".join(map(isolated, render.facts(alert, zone))), style="bright_black"),
    ]
    if note := render.note(alert):
        lines.append(Padding(_Isolated(Text(note, style="italic")), (1, 0, 0, 0)))
    passages = [Padding(_Isolated(_marked(runs(excerpt), "")), (1, 0, 0, 0)) for excerpt in alert.excerpts]
    link = safe_link(alert.link)
    ends = [Padding(Text(link, style=Style(color="blue", link=link), overflow="fold"), (1, 0, 0, 0))] if link else []
    colour = _COLOURS[alert.severity]
    title = Text(isolated(shorten(render.topic(alert), 100)), style=f"bold {colour}")
    if label := render.severity_label(alert):
        title = Text.assemble((f" {label} ", f"bold reverse {colour}"), " ", title)
    frame = HEAVY if alert.kind == "ops" else ROUNDED
    return Panel(
        Group(*lines, *passages, *ends), title=title, title_align="left", border_style=colour, padding=(0, 1), box=frame
    )


def _listed(alert: Alert, zone: tzinfo) -> Text:
    headline = shorten(render.joined(render.headline(alert)), 160)
    link = safe_link(alert.link)
    facts = ", ".join(isolated(shorten(fact, 60)) for fact in render.facts(alert, zone)[:2])
    return Text.assemble((isolated(headline), Style(link=link or None)), "  ", (facts, "bright_black"))


def _marked(pieces: Iterable[Run], style: str) -> Text:
    text = Text(style=style)
    for piece, marked in pieces:
        text.append(piece, style=_HIT if marked else None)
    return text


class _Isolated:
    """A text whose every line is isolated by itself: each shares its line with the panel's frame."""

    def __init__(self, text: Text) -> None:
        self._text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = self._text.wrap(console, options.max_width)
        yield Text("\n").join(_isolated(line) for line in lines)


def _isolated(line: Text) -> Text:
    return line if isolated(line.plain) == line.plain else Text.assemble("\u2068", line, "\u2069")


class _Writer:
    """A daemon thread that writes one text after the other; it may be stuck in a write when the program ends."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._jobs: queue.SimpleQueue[tuple[bytes, Future[None]] | None] = queue.SimpleQueue()
        self._late: dict[MessageId, Future[None]] = {}
        self._thread: threading.Thread | None = None

    def write(self, message_id: MessageId, text: bytes) -> Future[None]:
        """Have `text` written. A write of this message that is still stuck is not begun a second time."""
        late = self._late.pop(message_id, None)
        return late if late is not None else self._put(text)

    def put_off(self, message_id: MessageId, write: Future[None]) -> None:
        """Nobody waits for this write any more; if it has begun, the next attempt picks it up where it is."""
        if not write.cancel():
            self._late[message_id] = write

    def stop(self) -> None:
        """Let the thread end after what is queued; does not wait for it."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread = None

    def _put(self, text: bytes) -> Future[None]:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="terminal", daemon=True)
            self._thread.start()
        done: Future[None] = Future()
        self._jobs.put((text, done))
        return done

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            text, done = job
            if not done.set_running_or_notify_cancel():
                continue
            try:
                _write_all(self._console, text)
            except OSError as error:
                done.set_exception(error)
            else:
                done.set_result(None)


def _write_all(console: Console, text: bytes) -> None:
    """Past the file's buffer where there is a descriptor: a stuck write must not hold the lock of `sys.stdout`."""
    try:
        descriptor = console.file.fileno()
    except io.UnsupportedOperation:
        console.file.write(text.decode(console.encoding))
        console.file.flush()
        return
    except ValueError as error:  # the file object is closed
        raise OSError(errno.EBADF, "is closed") from error
    while text:
        text = text[os.write(descriptor, text) :]
