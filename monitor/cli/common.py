"""What the commands share: the --config and --json options, opening the configured store, and how things are
printed.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitor import app
from monitor.clock import SystemClock
from monitor.config import Config, find_config, load_config
from monitor.errors import ConfigError, UsageError
from monitor.model import NEVER, Feed
from monitor.store.base import Store
from monitor.store.running import running_daemon
from monitor.tomlfile import did_you_mean


class ExitStatus(IntEnum):
    """What the shell sees; 78 is EX_CONFIG of sysexits.h, on which systemd is told not to restart."""

    OK = 0
    FAILED = 1
    USAGE = 2
    CONFIG = 78


ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar="NEWS_MONITOR_CONFIG",
        metavar="FILE",
        help="The configuration; else ./config.toml, else /etc/news-monitor/config.toml.",
        show_default=False,
        show_envvar=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of text for people.")]


def out() -> Console:
    """Standard output. Made on each call, because a test or a live view may have replaced sys.stdout."""
    return Console(file=sys.stdout, highlight=False, soft_wrap=False)


def say(text: str) -> None:
    """Print a line as it is, without rich's markup, which a feed's name may look like."""
    out().print(Text(text), soft_wrap=True)


def complain(text: str) -> None:
    """Print a line to standard error."""
    Console(file=sys.stderr, highlight=False).print(Text(text), soft_wrap=True)


def print_json(data: object) -> None:
    """Print `data` as JSON: dataclasses as objects, times as ISO 8601 in UTC, spans as seconds."""
    sys.stdout.write(json.dumps(_plain(data), ensure_ascii=False, indent=2) + "\n")


def _plain(value: object) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Sequence | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def table(*headings: str) -> Table:
    """A plain table; add rows with `row`."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        made.add_column(heading, overflow="fold")
    return made


def row(into: Table, *cells: object) -> None:
    """Add a row; text is shown as it is."""
    into.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in cells))


def show(made: Table) -> None:
    """Print a table: fitted to a terminal, never cut or folded in a pipe."""
    console = out()
    if not console.is_terminal:
        console = Console(file=sys.stdout, highlight=False, width=10_000)
    console.print(made)


def plural(count: int, one: str, many: str = "") -> str:
    """ "1 feed", "3 feeds"."""
    return f"{count} {one if count == 1 else many or f'{one}s'}"


_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def ago(at: datetime | None, now: datetime) -> str:
    """How long ago or ahead, in one unit: "12 s ago", "in 9 min", "never"."""
    if at is None:
        return "never"
    seconds = (now - at).total_seconds()
    size, unit = next((size, unit) for size, unit in _UNITS if abs(seconds) >= 2 * size or size == 1)
    count = round(abs(seconds) / size)
    return f"in {count} {unit}" if seconds < 0 else f"{count} {unit} ago"


def due(at: datetime, now: datetime) -> str:
    """When something is to happen: "in 9 min", "now" where its time has come, "never"."""
    if at >= NEVER:
        return "never"
    return ago(at, now) if at > now else "now"


def next_poll(feed: Feed) -> datetime:
    """When a feed may be polled next, its host's own wish included."""
    return feed.next_poll_at if feed.not_before is None else max(feed.next_poll_at, feed.not_before)


def config_of(path: Path | None) -> Config:
    """The configuration, checked, without its rules and channels."""
    return load_config(find_config(path))


@contextmanager
def store_of(config: Config) -> Iterator[Store]:
    """The store, beside which a daemon may be running.

    Without a daemon the feeds of config.toml are brought into it; a daemon does that itself, when it is told to reload.
    """
    with app.opened_store(config) as store:
        if running_daemon(config.store_url) is None:
            store.sync_feeds(config.feed_specs(), now=SystemClock().now())
        yield store


@contextmanager
def loaded_with_store(path: Path | None) -> Iterator[tuple[app.Loaded, Store]]:
    """Everything loaded, and the store open.

    Broken rule files are used in the versions that the daemon uses; they are in `Loaded.faults`.
    """
    config = config_of(path)
    with store_of(config) as store:
        loaded = app.load(
            Path(config.file.path), added_feeds=lambda _config: app.added_feeds(store), kept=app.kept_versions(store)
        )
        yield loaded, store


def stored_feeds(config: Config) -> dict[str, tuple[str, ...]]:
    """Feeds that rules may name because they were added by command; none where there is no store yet.

    Raises:
        StoreError: It cannot be opened. That is no fault of the configuration: a database may not be up yet.
    """
    if config.store_url.startswith("sqlite") and not config.store_file_exists:
        return {}
    with app.opened_store(config) as store:
        return app.added_feeds(store)


def pick_feeds(store: Store, names: Sequence[str]) -> tuple[Feed, ...]:
    """The feeds of these names, or all.

    Raises:
        UsageError: One of them does not exist.
    """
    feeds = {feed.name: feed for feed in store.feeds()}
    for name in names:
        if name not in feeds:
            raise UsageError(_unknown("feed", name, feeds))
    return tuple(feeds[name] for name in dict.fromkeys(names)) if names else tuple(feeds.values())


def pick_channel(loaded_or_config: app.Loaded, name: str) -> app.Channel:
    """The channel of this name.

    Raises:
        UsageError: There is none.
    """
    channel = loaded_or_config.channels.get(name)
    if channel is None:
        raise UsageError(_unknown("channel", name, loaded_or_config.channels))
    return channel


def _unknown(kind: str, name: str, known: Mapping[str, object]) -> str:
    hint = did_you_mean(name, known) or (f"there are: {', '.join(sorted(known))}" if known else f"there are no {kind}s")
    return f"there is no {kind} {name!r}; {hint}"


def print_faults(error: ConfigError) -> None:
    """Every fault to standard error, with their number when there are many."""
    for fault in error.faults:
        complain(str(fault))
    if len(error.faults) > 1:
        complain(f"{len(error.faults)} faults")
