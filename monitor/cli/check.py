"""`news-monitor check`: everything that would stop or surprise the daemon, before it runs."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from monitor import tomlfile
from monitor.app import Loaded, load
from monitor.cli.common import (
    ConfigOption,
    ExitStatus,
    JsonOption,
    complain,
    plural,
    print_json,
    say,
    stored_feeds,
)
from monitor.clock import SystemClock
from monitor.config import Config, find_config, load_config
from monitor.errors import ConfigError, Fault, StoreError
from monitor.rules.book import scan_folder
from monitor.rules.lint import expired
from monitor.rules.load import load_rules
from monitor.rules.references import check_references, doubtful_labels
from monitor.rules.rule import Rule
from monitor.service.trial import failures
from monitor.tomlfile import TomlFile


class Format(StrEnum):
    """How faults are printed."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checked:
    """What was found; `summary`: what was looked at."""

    faults: tuple[Fault, ...]
    summary: str

    @property
    def errors(self) -> int:
        return sum(not fault.warning for fault in self.faults)


def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", help="Rule files or folders of them; none: everything.", show_default=False),
    ] = None,
    config: ConfigOption = None,
    format: Annotated[  # noqa: A002 -- its name on the command line
        Format, typer.Option("--format", help="github: annotations of a workflow.")
    ] = Format.TEXT,
    json: JsonOption = False,
) -> None:
    """Tell everything that is wrong in configuration, channels and rules, and run the tests of the rules.

    Each fault comes with its place and a way out. Exit status 78 if there is one. With FILE only these rule files are
    looked at; that needs no configuration.
    """
    gc.disable()  # many objects are made and the process ends: looking for garbage takes a third of the time
    checked = _check_files(files, config) if files else _check_all(config)
    match Format.JSON if json else format:
        case Format.JSON:
            print_json({"ok": not checked.errors, "faults": checked.faults})
        case Format.GITHUB:
            for fault in checked.faults:
                say(annotation(fault))
            say(_verdict(checked))
        case Format.TEXT:
            for fault in checked.faults:
                complain(str(replace(fault, source=_near(fault.source))))
            (complain if checked.errors else say)(_verdict(checked))
    if checked.errors:
        raise typer.Exit(ExitStatus.CONFIG)


def annotation(fault: Fault) -> str:
    """A fault as a workflow command of GitHub Actions, which shows it beside the line it is about."""
    properties = {
        "file": _near(fault.source),
        "line": fault.line,
        "col": fault.column,
        "endColumn": fault.end_column,
        "title": fault.where,
    }
    given = ",".join(f"{name}={_escaped(str(value), ':,')}" for name, value in properties.items() if value)
    message = f"{fault.message}\n{fault.hint}" if fault.hint else fault.message
    return f"::{'warning' if fault.warning else 'error'} {given}::{_escaped(message)}"


def _near(source: str) -> str:
    """A path as one would write it from here."""
    path, here = Path(source), Path.cwd()
    return str(path.relative_to(here)) if path.is_absolute() and path.is_relative_to(here) else source


def _escaped(text: str, signs: str = "") -> str:
    for sign in f"%\r\n{signs}":
        text = text.replace(sign, f"%{ord(sign):02X}")
    return text


def _verdict(checked: _Checked) -> str:
    warnings = len(checked.faults) - checked.errors
    told = [plural(checked.errors, "fault")] if checked.errors else ["ok"]
    if warnings:
        told.append(plural(warnings, "warning"))
    return f"{', '.join(told)}: {checked.summary}"


# ----------------------------------------------------------------------------------------------------------- everything


def _check_all(config: Path | None) -> _Checked:
    try:
        loaded = load(find_config(config), added_feeds=stored_feeds)
    except ConfigError as error:
        return _Checked(faults=error.faults, summary="the configuration cannot be used as it is")
    late = expired(loaded.rules, now=SystemClock().now())
    doubtful = doubtful_labels(loaded.rules, feeds=loaded.feeds)
    return _Checked(faults=(*loaded.faults, *loaded.warnings, *doubtful, *late), summary=_all_of(loaded))


def _all_of(loaded: Loaded) -> str:
    feeds = plural(len(loaded.config.settings.feeds), "feed")
    return f"{feeds}, {_count(loaded.rules)}, channels: {', '.join(loaded.channels) or 'none'}"


def _count(rules: Sequence[Rule]) -> str:
    disabled = sum(not rule.enabled for rule in rules)
    tests = sum(len(rule.tests) for rule in rules)
    counted = plural(len(rules), "rule") + (f" ({disabled} disabled)" if disabled else "")
    return f"{counted} with {plural(tests, 'test')}" if tests else counted


# ----------------------------------------------------------------------------------------------------- some rule files


def _check_files(given: Sequence[Path], config_path: Path | None) -> _Checked:
    faults: list[Fault] = []
    paths = list(_rule_files(given))
    files = list(_read(paths, faults))
    config = _config(config_path, faults)
    others = _other_files(config, paths) if config is not None else ()
    rules, found = _load(files, others)
    faults += found
    feeds = _feeds(config, faults) if config is not None else None
    if config is not None and feeds is not None:
        settings = config.settings
        channels, window = tuple(settings.channels), settings.stories.window
        faults += check_references(rules, feeds=feeds, channels=channels, story_window=window)
        faults += doubtful_labels(rules, feeds=feeds)
    faults += [fault for rule in rules for fault in failures(rule, feeds=feeds)]
    faults += expired(rules, now=SystemClock().now())
    summary = f"{_count(rules)} in {plural(len(paths), 'file')}"
    if feeds is None:
        summary += "; feeds and channels that they name were not checked"
    return _Checked(faults=tuple(faults), summary=summary)


def _rule_files(given: Iterable[Path]) -> Iterator[Path]:
    for path in given:
        if path.is_dir():
            yield from map(Path, scan_folder(path).stamps)
        else:
            yield path


def _read(paths: Iterable[Path], faults: list[Fault]) -> Iterator[TomlFile]:
    for path in paths:
        try:
            yield tomlfile.read(path)
        except ConfigError as error:
            faults += error.faults


def _config(path: Path | None, faults: list[Fault]) -> Config | None:
    """The configuration, if there is a good one; it is asked for nothing but lists, feeds and channels."""
    try:
        found = find_config(path)
    except ConfigError:
        if path is not None:
            raise
        return None
    try:
        return load_config(found)
    except ConfigError:
        message = "it has faults of its own: the feeds, channels and shared lists that rules name were not checked"
        hint = "`news-monitor check` without files tells them"
        faults.append(Fault(source=str(found), message=message, hint=hint, warning=True))
        return None


def _other_files(config: Config, given: Sequence[Path]) -> tuple[TomlFile, ...]:
    """The active rule files besides those that were given, for their lists; what is wrong in them is not asked."""
    own = {path.resolve() for path in given}
    paths = (Path(path) for path in scan_folder(config.rules_folder).stamps)
    return tuple(_read((path for path in paths if path.resolve() not in own), []))


def _load(files: Sequence[TomlFile], others: Sequence[TomlFile]) -> tuple[tuple[Rule, ...], tuple[Fault, ...]]:
    borrowed = [TomlFile(file.path, file.text, {"lists": file.data.get("lists", {})}) for file in others]
    rules, faults = load_rules([*files, *borrowed])
    own = {file.path for file in files}
    return rules, tuple(fault for fault in faults if fault.source in own)


def _feeds(config: Config, faults: list[Fault]) -> Mapping[str, tuple[str, ...]] | None:
    feeds = {feed.name: feed.tags for feed in config.settings.feeds}
    try:
        return {**stored_feeds(config), **feeds}
    except StoreError as error:
        message = f"the feeds and channels that rules name were not checked: {error}"
        faults.append(Fault(source=config.file.path, message=message, warning=True))
        return None
