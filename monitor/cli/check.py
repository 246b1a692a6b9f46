"""`news-monitor check`: everything that would stop or surprise the daemon, before it runs."""

from __future__ import annotations

import typer

from monitor.app import Loaded, load
from monitor.cli.common import ConfigOption, ExitStatus, JsonOption, complain, print_json, say, stored_feeds
from monitor.config import find_config
from monitor.errors import ConfigError, Fault


def check(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Tell everything that is wrong in configuration, channels and rules.

    Each fault comes with its place and a way out. Exit status 78 if there is one.
    """
    loaded: Loaded | None = None
    faults: tuple[Fault, ...]
    try:
        loaded = load(find_config(config), added_feeds=stored_feeds)
        faults = loaded.warnings
    except ConfigError as error:
        faults = error.faults
    if json:
        print_json({"ok": loaded is not None, "faults": faults})
    else:
        for fault in faults:
            complain(str(fault))
        if loaded is not None:
            say(_summary(loaded))
        elif len(faults) > 1:
            complain(f"{len(faults)} faults")
    if loaded is None:
        raise typer.Exit(ExitStatus.CONFIG)


def _summary(loaded: Loaded) -> str:
    disabled = len(loaded.rules) - len(loaded.live_rules)
    rules = f"{len(loaded.rules)} rules" + (f" ({disabled} disabled)" if disabled else "")
    feeds, channels = len(loaded.config.settings.feeds), ", ".join(loaded.channels) or "none"
    return f"ok: {feeds} feeds, {rules}, channels: {channels}"
