"""`news-monitor channels`: where alerts go, and whether they get there."""

from __future__ import annotations

import asyncio
import uuid
from datetime import datetime
from typing import Annotated

import typer

from monitor.app import Channel, open_notifier
from monitor.cli.common import (
    ConfigOption,
    ExitStatus,
    JsonOption,
    ago,
    complain,
    loaded_with_store,
    pick_channel,
    print_json,
    row,
    say,
    show,
    table,
)
from monitor.clock import SystemClock
from monitor.model import (
    Alert,
    AlertId,
    ChannelCounts,
    Excerpt,
    Message,
    MessageId,
    SendResult,
    Sent,
    Severity,
)

app = typer.Typer(no_args_is_help=True, help="List channels and try them out.")


@app.command("list")
def list_channels(config: ConfigOption = None, json: JsonOption = False) -> None:
    """List the channels with what they sent and what still waits."""
    now = SystemClock().now()
    with loaded_with_store(config) as (loaded, store):
        counts = {item.channel: item for item in store.status(now=now).channels}
    if json:
        print_json(
            [
                {"name": channel.name, "type": channel.type, "deliveries": counts.get(channel.name)}
                for channel in loaded.channels.values()
            ]
        )
        return
    made = table("name", "type", "pending", "held", "sent", "dead", "last sent", "")
    for channel in loaded.channels.values():
        count = counts.get(channel.name, ChannelCounts(channel=channel.name))
        counted = (count.pending - count.held, count.held, count.sent, count.dead, ago(count.sent_at, now))
        paused = f"paused {ago(count.pause.since, now)}: {count.pause.reason}" if count.pause else ""
        row(made, channel.name, channel.type, *counted, paused)
    show(made)


@app.command("resume")
def resume(name: Annotated[str, typer.Argument(help="The channel's name.")], config: ConfigOption = None) -> None:
    """Let a paused channel take messages again; what it kept is due at once."""
    with loaded_with_store(config) as (loaded, store):
        pick_channel(loaded, name)
        resumed = store.resume_channel(name, now=SystemClock().now())
    say(f"{name}: resumed" if resumed else f"{name}: was not paused")


@app.command("test")
def try_channel(
    name: Annotated[str, typer.Argument(help="The channel's name in config.toml.")],
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Send a real message, marked as a test, and print what the other side said. Exit 1 if it did not take it."""
    with loaded_with_store(config) as (loaded, _store):
        channel = pick_channel(loaded, name)
    result = asyncio.run(_send(channel))
    ok = isinstance(result, Sent)
    warning = result.warning if isinstance(result, Sent) else ""
    if json:
        told = {"channel": name, "ok": ok, "result": type(result).__name__, "detail": result.detail}
        print_json({**told, "warning": warning})
    elif ok:
        say(f"{name}: sent. {result.detail}".rstrip())
        if warning:
            complain(f"{name}: {warning}")
    else:
        complain(f"{name}: {_verdict(result)}: {result.detail}")
    if not ok:
        raise typer.Exit(ExitStatus.FAILED)


async def _send(channel: Channel) -> SendResult:
    notifier = open_notifier(channel)
    try:
        return await notifier.send(_test_message(channel.name, SystemClock().now()))
    finally:
        await notifier.close()


def _verdict(result: SendResult) -> str:
    return {"TryLater": "not sent (an alert would be tried again)", "Refused": "refused"}.get(
        type(result).__name__, "the channel is broken (alerts would be kept until it is mended)"
    )


def _test_message(channel: str, now: datetime) -> Message:
    text = "A test of this channel. A real alert shows the sentences of the article that matched a rule, like this."
    start = text.index("sentences of the article")
    alert = Alert(
        id=AlertId(str(uuid.uuid4())),
        rule="channel-test",
        rule_title="Test message",
        severity=Severity.NORMAL,
        feed="news-monitor",
        feed_title="news-monitor",
        title=Excerpt(text=f"Test message for the channel {channel}"),
        excerpts=(Excerpt(text=text, marks=((start, start + len("sentences of the article")),)),),
        link="https://example.com/news-monitor-test",
        author="",
        published_at=now,
        seen_at=now,
    )
    return Message(id=MessageId(str(uuid.uuid4())), kind="alert", alerts=(alert,), created_at=now)
