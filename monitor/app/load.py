"""Configuration, channels and rules together: read, checked against each other, every fault at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from monitor import systemd
from monitor.config import Config, Settings, key_path, load_config, read_options
from monitor.errors import ConfigError, Fault
from monitor.notify.registry import CHANNEL_TYPES
from monitor.rules.book import load_folder
from monitor.rules.load import check_references
from monitor.tomlfile import did_you_mean, read

if TYPE_CHECKING:
    from pydantic import BaseModel

    from monitor.rules.load import Rule
    from monitor.store.base import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel as configured, checked."""

    name: str
    type: str
    options: BaseModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Configuration, channels and rules that fit together."""

    config: Config
    channels: Mapping[str, Channel]
    rules: tuple[Rule, ...]
    warnings: tuple[Fault, ...]

    @property
    def live_rules(self) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.rules if rule.enabled)


def load(path: Path, *, added_feeds: Callable[[Config], Mapping[str, tuple[str, ...]]] | None = None) -> Loaded:
    """Read config.toml and everything it names.

    Args:
        added_feeds: Gives the names and tags of feeds that the store has besides those of the file, for rules that
            name them.

    Raises:
        ConfigError: With every fault in the configuration, its channels and the rules.
    """
    try:
        config = load_config(path)
    except ConfigError as error:
        raise ConfigError([*error.faults, *_further_faults(path)]) from None
    channels, faults = _load_channels(config)
    rules, rule_faults = load_folder(config.rules_folder)
    feeds = {feed.name: feed.tags for feed in config.settings.feeds}
    if added_feeds is not None:
        feeds = {**added_feeds(config), **feeds}
    findings = [*rule_faults, *check_references(rules, feeds=feeds, channels=tuple(config.settings.channels))]
    faults += [fault for fault in findings if not fault.warning]
    if faults:
        raise ConfigError(faults)
    warnings = (*config.warnings, *(fault for fault in findings if fault.warning))
    return Loaded(config=config, channels=channels, rules=rules, warnings=warnings)


def _further_faults(path: Path) -> list[Fault]:
    """What is wrong in the channels and rules of a configuration that has faults elsewhere; empty if it is no TOML."""
    try:
        file = read(path)
    except ConfigError:
        return []
    tables = file.data.get("channels", {})
    channels = (
        {name: table for name, table in tables.items() if isinstance(table, dict)} if isinstance(tables, dict) else {}
    )
    given = file.data.get("rules")
    rules = Path(given) if isinstance(given, str) else Path("rules")
    settings = Settings.model_construct(channels=channels, rules=rules)
    config = Config(settings=settings, file=file, credentials=systemd.credentials_dir())
    _channels, faults = _load_channels(config)
    if config.rules_folder.is_dir():
        faults += [fault for fault in load_folder(config.rules_folder)[1] if not fault.warning]
    return faults


def _load_channels(config: Config) -> tuple[dict[str, Channel], list[Fault]]:
    channels: dict[str, Channel] = {}
    faults: list[Fault] = []
    for name, table in config.settings.channels.items():
        kind = table.get("type")
        known = CHANNEL_TYPES.get(kind) if isinstance(kind, str) else None
        if known is None:
            faults.append(_unknown_type(config, name, kind))
            continue
        try:
            options = read_options(known.options, table, key=("channels", name), config=config)
        except ConfigError as error:
            faults += error.faults
        else:
            channels[name] = Channel(name=name, type=known.name, options=options)
    return channels, faults


def _unknown_type(config: Config, name: str, kind: object) -> Fault:
    key = ("channels", name, "type")
    place = config.file.locate(*key) or config.file.locate(*key[:2])
    known = "types: " + ", ".join(CHANNEL_TYPES)
    return Fault(
        source=config.file.path,
        line=place.line if place else None,
        where=key_path(key),
        message="is missing" if kind is None else f"there is no channel type {kind!r}",
        hint=(did_you_mean(kind, CHANNEL_TYPES) if isinstance(kind, str) else "") or known,
    )


def added_feeds(store: Store) -> dict[str, tuple[str, ...]]:
    """Names and tags of the feeds that were added by command."""
    return {feed.name: feed.tags for feed in store.feeds() if feed.origin == "added"}
