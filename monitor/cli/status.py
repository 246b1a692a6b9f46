"""`news-monitor status`: how things are, in a screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from monitor.app import Loaded
from monitor.cli.common import (
    ConfigOption,
    JsonOption,
    ago,
    due,
    loaded_with_store,
    next_poll,
    plural,
    print_json,
    row,
    say,
    show,
    table,
)
from monitor.clock import SystemClock
from monitor.fetch.habits import silence
from monitor.model import ChannelCounts, Feed
from monitor.store.base import RuleFile
from monitor.store.open import describe_url
from monitor.store.running import running_daemon

_FAILING_SHOWN = 10


def status(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Show how things are, in a screen.

    Whether the daemon runs, what it watches and found, what waits to be sent, and what is wrong.
    """
    now = SystemClock().now()
    with loaded_with_store(config) as (loaded, store):
        counts = store.status(now=now)
        failing = store.feeds(failing=True)
        files = [file for file in store.rule_files() if Path(file.path).is_relative_to(loaded.book.folder)]
    daemon = running_daemon(loaded.config.store_url)
    url = describe_url(loaded.config.store_url)
    sqlite = loaded.config.store_url.startswith("sqlite")
    if daemon is None and sqlite:
        files = _as_it_is(loaded, files)
    rules = sum(file.rules for file in files)
    if json:
        print_json(asdict(counts) | {"daemon_pid": daemon, "store": url, "rules": rules, **_rule_facts(files)})
        return
    made = table("", "")
    made.show_header = False
    row(
        made,
        "daemon",
        f"runs (process {daemon})" if daemon else "does not run" if sqlite else "not known",
    )
    row(made, "store", url)
    broken, stopped = _broken(files), _stopped(files)
    wrong = (f", {plural(len(broken), 'broken file')}" if broken else "") + (
        f", {len(stopped)} stopped" if stopped else ""
    )
    row(made, "rules", f"{rules} live{wrong}")
    pushed = f", {counts.pushed} whose hub tells of news" if counts.pushed else ""
    row(
        made,
        "feeds",
        f"{counts.feeds}: {counts.failing} failing, {counts.silent} unusually silent, "
        f"{counts.waiting} without a baseline, {counts.due} due{pushed}",
    )
    row(made, "last poll", ago(counts.polled_at, now))
    row(made, "entries", f"{counts.entries} seen, {counts.matches} matches, {counts.alerts} alerts")
    show(made)
    if counts.channels:
        say("")
        _show_channels(counts.channels, loaded, now)
    _show_rules(broken, stopped, now)
    if failing:
        _show_failing(failing, now)


def _show_channels(channels: Sequence[ChannelCounts], loaded: Loaded, now: datetime) -> None:
    made = table("channel", "pending", "held", "sent", "dead", "dropped", "oldest pending", "last sent", "")
    for item in channels:
        unknown = "" if item.channel in loaded.channels else "not in config.toml"
        paused = f"paused {ago(item.pause.since, now)}: {item.pause.reason}" if item.pause else ""
        oldest = ago(item.oldest_pending_at, now) if item.oldest_pending_at else ""
        counted = (item.pending - item.held, item.held, item.sent, item.dead, item.dropped)
        row(made, item.channel, *counted, oldest, ago(item.sent_at, now), paused or item.error or unknown)
    show(made)


def _show_failing(failing: Sequence[Feed], now: datetime) -> None:
    failing = sorted(failing, key=lambda feed: (not feed.error, feed.name))
    say("\nfeeds that fail, or are unusually silent")
    made = table("name", "last good", "next", "why")
    for feed in failing[:_FAILING_SHOWN]:
        row(made, feed.name, ago(feed.ok_at, now), due(next_poll(feed), now), _why(feed, now))
    show(made)
    if len(failing) > _FAILING_SHOWN:
        say(f"… and {len(failing) - _FAILING_SHOWN} more: news-monitor feeds list --failing")


def _why(feed: Feed, now: datetime) -> str:
    return feed.error or f"silent: {silence(feed.habits, now=now)}"


def _as_it_is(loaded: Loaded, files: Sequence[RuleFile]) -> list[RuleFile]:
    """The rule files as a daemon would find them now; since when they are broken, the last one may have noted."""
    since = {file.path: file.broken_at for file in files}
    faults: dict[str, list[str]] = {path: [] for path in loaded.book.files}
    for fault in loaded.faults:
        faults.setdefault(fault.source, []).append(str(fault))
    found = []
    for path, told in faults.items():
        state = loaded.book.files.get(path)
        found.append(
            RuleFile(
                path=path,
                text=state.good.text if state is not None and state.good is not None else "",
                rules=sum(rule.enabled for rule in state.rules) if state is not None else 0,
                faults=tuple(told),
                broken_at=since.get(path) if told else None,
            )
        )
    return found


def _broken(files: Sequence[RuleFile]) -> list[RuleFile]:
    return [file for file in files if file.faults]


def _stopped(files: Sequence[RuleFile]) -> list[tuple[str, datetime, str]]:
    """Name, since when, and file of each rule that is too slow."""
    return [(name, at, file.path) for file in files for name, at in file.stopped.items()]


def _rule_facts(files: Sequence[RuleFile]) -> dict[str, object]:
    broken = [
        {
            "file": file.path,
            "since": file.broken_at,
            "last_good": bool(file.text),
            "rules": file.rules,
            "faults": file.faults,
        }
        for file in _broken(files)
    ]
    stopped = [{"rule": name, "since": at, "file": path} for name, at, path in _stopped(files)]
    return {"broken_rule_files": broken, "stopped_rules": stopped}


def _show_rules(broken: Sequence[RuleFile], stopped: Sequence[tuple[str, datetime, str]], now: datetime) -> None:
    if broken:
        say("\nbroken rule files")
    for file in broken:
        used = "its last good version" if file.text else "those of its rules that are right"
        used = f"{used} ({plural(file.rules, 'rule')})" if file.rules else "nothing of it"
        if not file.path.endswith(".toml"):
            used = "what was in this folder"
        since = f", broken {ago(file.broken_at, now)}" if file.broken_at else ""
        say(f"{file.path}{since}; in use: {used}")
        for fault in file.faults:
            say("\n".join(f"  {line}" for line in fault.splitlines()))
    if stopped:
        say("\nstopped rules: their regular expressions are too slow; they start again when their file changes")
        made = table("name", "since", "file")
        for name, at, path in stopped:
            row(made, name, ago(at, now), path)
        show(made)
