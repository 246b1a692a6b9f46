"""`news-monitor run`: the daemon."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from monitor import __version__, log
from monitor.app import Channel, Daemon, Loaded, load, open_notifier
from monitor.cli.common import ConfigOption, complain, out, stored_feeds
from monitor.cli.live import FirstStart, log_event
from monitor.cli.streams import live_stream
from monitor.clock import SystemClock
from monitor.config import Config, find_config
from monitor.notify.base import Notifier
from monitor.notify.terminal import TerminalNotifier, TerminalOptions
from monitor.store.base import Store
from monitor.store.open import describe_url


def run(
    config: ConfigOption = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help='Log every poll and delivery, as log.level = "debug" does.')
    ] = False,
) -> None:
    """Watch the feeds until SIGTERM or Ctrl-C.

    Changed rule files are taken over within a second; SIGHUP reads the configuration again as well. A rule file that is
    broken stays at its last good version, and the others go on.
    """
    path = find_config(config)
    configure_log(load(path, added_feeds=stored_feeds).config, verbose=verbose)
    first = FirstStart(out(), SystemClock())
    daemon = Daemon(path, observers=(log_event, first.observe), open_notifier=open_beside_bar)

    def started(store: Store, loaded: Loaded) -> None:
        for warning in loaded.warnings:
            complain(str(warning))
        announce(path, store, loaded)
        first.begin(store)

    try:
        asyncio.run(daemon.run(started))
    finally:
        first.close()


def open_beside_bar(channel: Channel) -> Notifier:
    """A notifier; panels on a terminal go through the stream that a progress bar may hold, so that they stand above
    it.
    """
    if isinstance(channel.options, TerminalOptions) and sys.stdout.isatty():
        return TerminalNotifier(channel.options, console=Console(file=live_stream("stdout"), highlight=False))
    return open_notifier(channel)


def configure_log(config: Config, *, verbose: bool) -> None:
    """Log as configured, to standard error."""
    level = "debug" if verbose else config.settings.log.level
    log.configure(level=level, format=config.settings.log.format, stream=live_stream("stderr"))


def announce(path: Path, store: Store, loaded: Loaded) -> None:
    """The first line of a run: what is watched, with what, and where it is kept."""
    logger = log.get_logger("monitor")
    logger.info(
        "watching",
        version=__version__,
        feeds=store.count_feeds(),
        rules=len(loaded.live_rules),
        channels=",".join(loaded.channels) or "none",
        config=str(path),
        store=describe_url(loaded.config.store_url),
    )
    if not loaded.channels:
        logger.warning("no channels: alerts are stored and sent nowhere; add a [channels.NAME] table")
    if not loaded.live_rules:
        logger.error(
            "no rules: nothing will match until there are some; a rule file is taken over as soon as it is there",
            folder=str(loaded.config.rules_folder),
        )
