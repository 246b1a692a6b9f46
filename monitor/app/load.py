"""Configuration, channels and rules together: read, checked against each other, every fault at once.

A fault in the configuration or its channels stops; a fault in the rules costs the file it stands in, and no other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from monitor import systemd
from monitor.alerts.named import Named
from monitor.alerts.ops import Ops
from monitor.app.routes import read_routing, strays
from monitor.config import Config, Settings, key_path, load_config, place_fault, read_options
from monitor.errors import ConfigError, Fault
from monitor.netguard import Guard
from monitor.notify.registry import CHANNEL_TYPES
from monitor.parse import page
from monitor.rules.book import Book, load_folder, read_book
from monitor.rules.references import References
from monitor.rules.versions import Kept
from monitor.service.trial import failures
from monitor.tomlfile import did_you_mean, read

if TYPE_CHECKING:
    from pydantic import BaseModel

    from monitor.alerts.routing import Routing
    from monitor.rules.rule import Rule
    from monitor.rules.versions import Check, Trial
    from monitor.store.base import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel as configured, checked.

    Attributes:
        guard: What it may dial; here, so that a reload opens it anew when that changes.
    """

    name: str
    type: str
    options: BaseModel
    guard: Guard = field(default_factory=Guard)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Configuration and channels, which fit together, and the rules as far as they fit to them.

    Attributes:
        added_feeds: Names and tags of the feeds that are not in the configuration, as the rules were checked with them.
    """

    config: Config
    channels: Mapping[str, Channel]
    routing: Routing
    added_feeds: Mapping[str, tuple[str, ...]]
    book: Book

    @property
    def ops(self) -> Ops:
        """Whom to tell of the service's own troubles."""
        given = self.config.settings.ops
        return Ops(channels=given.channels, others=self.routing.everyone, feed_failures=given.feed_failures)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Those in use, enabled or not."""
        return self.book.rules

    @property
    def live_rules(self) -> tuple[Rule, ...]:
        return self.book.live_rules

    @property
    def feeds(self) -> Mapping[str, tuple[str, ...]]:
        """Names and tags of all feeds."""
        return _feeds(self.config, self.added_feeds)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Every error in the rule files; what has one is not used, or in its last good version."""
        return self.book.faults

    @property
    def warnings(self) -> tuple[Fault, ...]:
        named = Named(rules={rule.name: rule.file for rule in self.rules}, feeds=self.feeds)
        return (*self.config.warnings, *strays(self.config, named), *self.book.warnings)


AddedFeeds = Callable[[Config], Mapping[str, tuple[str, ...]]]


def load(
    path: Path,
    *,
    added_feeds: AddedFeeds | None = None,
    kept: Mapping[str, Kept] | None = None,
    before: Loaded | None = None,
) -> Loaded:
    """Read config.toml and everything it names.

    Faults of the rules stop nothing; they are in `Loaded.faults`.

    Args:
        added_feeds: Gives the names and tags of feeds that the store has besides those of the file, for rules that
            name them.
        kept: Good versions of rule files from an earlier run, for files that are broken now.
        before: What is live: its rule files are not read again unless they changed, and stay at their good versions.

    Raises:
        ConfigError: With every fault in the configuration and its channels, and then in the rules as well; or there is
            no folder of rules; or a rule that is live in `before` would name a feed or channel that has gone.
    """
    try:
        config = load_config(path)
    except ConfigError as error:
        raise ConfigError([*error.faults, *_further_faults(path)]) from None
    channels, faults = _load_channels(config)
    routing, faults_of_routes = read_routing(config)
    faults += [*faults_of_routes, *_unreadable_pages(config)]
    added = added_feeds(config) if added_feeds is not None else {}
    check = _check(config, added)
    old = before.book if before is not None else None
    book = read_book(config.rules_folder, old, kept=kept, check=check, trial=_trial(config, added))
    if faults:
        raise ConfigError([*faults, *book.faults])
    if not book.files and book.scan.faults:
        raise ConfigError(book.faults)
    if before is not None and (orphaned := check(_fitting(book.live_rules, _check(before.config, added)))):
        raise ConfigError(orphaned)
    return Loaded(config=config, channels=channels, routing=routing, added_feeds=added, book=book)


def reload_rules(before: Loaded, *, added_feeds: AddedFeeds) -> Loaded:
    """The same configuration with its rule files read again; never raises for what stands in them."""
    loaded = _reread(before)
    if loaded.faults and (added := added_feeds(before.config)) != before.added_feeds:
        loaded = _reread(replace(loaded, added_feeds=added))
    return loaded


def _reread(before: Loaded) -> Loaded:
    check = _check(before.config, before.added_feeds)
    trial = _trial(before.config, before.added_feeds)
    return replace(before, book=read_book(before.book.folder, before.book, check=check, trial=trial))


def kept_versions(store: Store) -> dict[str, Kept]:
    """The last good versions of the rule files, by path."""
    return {file.path: Kept(text=file.text, lists=file.lists) for file in store.rule_files() if file.text}


def _check(config: Config, added: Mapping[str, tuple[str, ...]]) -> Check:
    settings = config.settings
    references = References(
        feeds=_feeds(config, added), channels=tuple(settings.channels), story_window=settings.stories.window
    )
    return lambda rules: [fault for rule in rules for fault in references.faults(rule)]


def _trial(config: Config, added: Mapping[str, tuple[str, ...]]) -> Trial:
    return partial(failures, feeds=_feeds(config, added))


def _feeds(config: Config, added: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {**added, **{feed.name: feed.tags for feed in config.settings.feeds}}


def _fitting(rules: Sequence[Rule], check: Check) -> Sequence[Rule]:
    return [rule for rule in rules if not check([rule])]


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
    guard = Guard.allowing(config.settings.delivery.allow)
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
            channels[name] = Channel(name=name, type=known.name, options=options, guard=guard)
    return channels, faults


def _unreadable_pages(config: Config) -> list[Fault]:
    """A feed whose pages are wanted while what reads them is not installed."""
    wanting = [number for number, feed in enumerate(config.settings.feeds) if feed.full_text]
    if not wanting or page.available():
        return []
    key = ("feeds", wanting[0], "full_text")
    message = "pages can only be read with the extra `fulltext`, which is not installed"
    return [place_fault(config.file, key, message=message, hint=page.INSTALL)]


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
    return store.feed_tags(origin="added")
