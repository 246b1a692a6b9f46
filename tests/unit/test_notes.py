"""The note of an alert stands in what every channel sends."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from monitor.alerts import compact, render, several
from monitor.alerts.html import html
from monitor.notify import blocks, discord, ntfy, teams, telegram
from monitor.notify.terminal import layout
from tests.alerts import make_alert, make_message

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.model import Message

NOTE = "Also in Reuters and NPR"


def _terminal(message: Message) -> str:
    file = io.StringIO()
    Console(file=file, width=120).print(layout(message))
    return file.getvalue()


FORMS: dict[str, Callable[[Message], str]] = {
    "terminal": _terminal,
    "mail": several.plain,
    "html": html,
    "slack": lambda message: json.dumps(blocks.payload(message)),
    "slack text": lambda message: json.dumps(blocks.plain_payload(message)),
    "discord": lambda message: json.dumps(discord.payload(message)),
    "discord text": lambda message: json.dumps(discord.plain_payload(message)),
    "telegram": lambda message: json.dumps(telegram.payload(message)),
    "teams": lambda message: json.dumps(teams.payload(message)),
    "ntfy": lambda message: json.dumps(ntfy.payload(message)),
    "apprise": lambda message: compact.body(message, limit=4000, size=len),
    "journal": lambda message: render.log_line(message.alerts[0]),
    "webhook": lambda message: json.dumps(render.document(message.alerts[0])),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_channel_tells_the_note(form: str) -> None:
    """Whoever has only this channel learns what is new, from a single alert and from one of several."""
    update = make_alert(kind="update", note=NOTE)
    assert NOTE in FORMS[form](make_message(update))
    assert NOTE in FORMS[form](make_message(update, make_alert(rule="other")))
