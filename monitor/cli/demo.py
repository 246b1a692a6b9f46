"""`news-monitor demo`: the whole daemon at work, without a network, on made-up news."""

from __future__ import annotations

import asyncio
import base64
import secrets
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import tomli_w
import typer
from rich.panel import Panel
from rich.text import Text

from monitor import log
from monitor.app import Daemon, Loaded
from monitor.cli.common import out
from monitor.cli.demo_servers import mail_server, web_server
from monitor.cli.init import starter_files
from monitor.cli.live import FirstStart, log_event
from monitor.cli.run import open_beside_bar
from monitor.cli.streams import live_stream
from monitor.clock import SystemClock
from monitor.config import parse_duration
from monitor.errors import UsageError
from monitor.fetch.sample import SAMPLE_NAMES, sample_feed
from monitor.store.base import Store


def demo(
    duration: Annotated[
        str | None,
        typer.Option(
            "--for", metavar="DURATION", help='Stop by itself after this long, such as "30s".', show_default=False
        ),
    ] = None,
) -> None:
    """Show it all at work on made-up news, without a network.

    Sample feeds on loopback publish entries as you watch; a mail server and a webhook receiver print what arrives.
    Writes nothing but a temporary folder.
    """
    try:
        span = parse_duration(duration) if duration is not None else None
    except ValueError as error:
        raise UsageError(f"--for: {error}") from None
    console, clock = out(), SystemClock()
    started_at = clock.now()

    def arrived(what: str, text: str) -> None:
        console.print(Panel(Text(text), title=f"arrived by {what}", title_align="left", border_style="green"))

    def feed(name: str) -> bytes:
        return sample_feed(started_at=started_at, now=clock.now(), name=name)

    secret = secrets.token_bytes(24)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="news-monitor-demo-")))
        base = stack.enter_context(web_server(feed=feed, secret=secret, arrived=arrived))
        port = stack.enter_context(mail_server(arrived=arrived))
        path = _write_config(folder, base=base, smtp_port=port, secret=secret)
        log.configure(level="debug", format="auto", stream=live_stream("stderr"))
        console.print(f"Feeds: {', '.join(f'{base}/{name}.xml' for name in SAMPLE_NAMES)}", soft_wrap=True)
        console.print(
            f"Mail server: 127.0.0.1:{port}   Webhook receiver: {base}/hook   Ctrl-C stops.\n", soft_wrap=True
        )
        first = FirstStart(console, clock)
        try:
            asyncio.run(_run(path, first, None if span is None else span.total_seconds()))
        finally:
            first.close()
    console.print("\nThat was the demo. Next: `news-monitor init`, or `news-monitor run` where there is a config.toml.")


async def _run(path: Path, first: FirstStart, seconds: float | None) -> None:
    daemon = Daemon(path, observers=(log_event, first.observe), open_notifier=open_beside_bar)

    def started(store: Store, _loaded: Loaded) -> None:
        first.begin(store)
        if seconds is not None:
            asyncio.get_running_loop().call_later(seconds, daemon.stop)

    await daemon.run(started)


def _write_config(folder: Path, *, base: str, smtp_port: int, secret: bytes) -> Path:
    """A configuration like the shipped one, but for loopback: short intervals, no delay between requests."""
    channels = {
        "terminal": {"type": "terminal"},
        "inbox": {
            "type": "email",
            "host": "127.0.0.1",
            "port": smtp_port,
            "security": "none",
            "from": "News monitor <monitor@example.com>",
            "to": ["desk@example.com"],
        },
        "hook": {
            "type": "webhook",
            "url": f"{base}/hook",
            "secret": "whsec_" + base64.b64encode(secret).decode(),
        },
    }
    feeds = [
        {"name": f"demo-{name}", "url": f"{base}/{name}.xml", "tags": ["sample", name], "interval": "2s"}
        for name in SAMPLE_NAMES
    ]
    polling = {"min_interval": "1s", "host_delay": "0s"}
    for name, source in starter_files().items():
        if name.startswith("rules/"):
            target = folder / name
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(source.read_bytes())
    path = folder / "config.toml"
    path.write_text(
        tomli_w.dumps({"rules": "rules", "polling": polling, "channels": channels, "feeds": feeds}), encoding="utf-8"
    )
    path.chmod(0o600)
    return path
