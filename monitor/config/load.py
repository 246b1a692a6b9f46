"""Reading config.toml with its environment and credentials; every fault found is reported at once."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_settings import SettingsError

from monitor import systemd
from monitor.config.faults import ENVIRONMENT, fault_of, key_path, place_fault
from monitor.config.introspect import field_of, mentions
from monitor.config.secrets import with_secrets
from monitor.config.settings import ENV_DELIMITER, ENV_PREFIX, FeedSettings, Settings
from monitor.config.texts import with_texts
from monitor.durations import format_duration, parse_duration
from monitor.errors import ConfigError, Fault
from monitor.model import FeedOptions, FeedSpec
from monitor.tomlfile import TomlFile, did_you_mean, read

# Read by the command line, not a key of the file.
ENV_RESERVED = frozenset({"NEWS_MONITOR_CONFIG"})
SEARCH_PATH = (Path("config.toml"), Path("/etc/news-monitor/config.toml"))

_SECRET_HEADER = re.compile("auth|cookie|key|secret|token", re.IGNORECASE)

ModelT = TypeVar("ModelT", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Settings with what is needed to explain them.

    Attributes:
        file: config.toml as it was read.
        credentials: `$CREDENTIALS_DIRECTORY`, or None.
        warnings: What looks wrong and stops nothing.
    """

    settings: Settings
    file: TomlFile
    credentials: Path | None
    warnings: tuple[Fault, ...] = ()

    @property
    def folder(self) -> Path:
        """The folder that relative paths count from."""
        return Path(self.file.path).resolve().parent

    @property
    def rules_folder(self) -> Path:
        return self.folder / self.settings.rules

    @property
    def store_url(self) -> str:
        """The store's URL with its password, if it has one: not to be printed."""
        if self.settings.store.url is not None:
            url = self.settings.store.url.get_secret_value()
            relative = re.fullmatch(r"sqlite:///([^/].*)", url)
            return f"sqlite:///{self.folder / relative[1]}" if relative else url
        return f"sqlite:///{self.state_dir / 'news-monitor.db'}"

    @property
    def store_file_exists(self) -> bool:
        """Whether the SQLite file of `store_url` is there yet; True for a server."""
        name = self.store_url.removeprefix("sqlite:///")
        return name == self.store_url or Path(name.split("?")[0]).exists()

    @property
    def state_dir(self) -> Path:
        if self.settings.state_dir is not None:
            return self.folder / self.settings.state_dir
        if state := systemd.state_dir():
            return state
        return Path("/var/lib/news-monitor") if self.folder == Path("/etc/news-monitor") else self.folder / "state"

    def feed_specs(self) -> tuple[FeedSpec, ...]:
        """The feeds of the file, each with its interval."""
        return tuple(
            FeedSpec(
                name=feed.name, url=feed.url, tags=feed.tags, interval=feed.interval or self.settings.polling.interval
            )
            for feed in self.settings.feeds
        )

    def feed_options(self) -> Mapping[str, FeedOptions]:
        """How the feeds of the file are asked, by name."""
        return {feed.name: self._options(feed) for feed in self.settings.feeds}

    def options_of(self, name: str) -> FeedOptions:
        """How the feed of this name is asked, in the file or not."""
        return self.feed_options().get(name, self.default_options)

    @property
    def default_options(self) -> FeedOptions:
        """How feeds are asked that are not in the file."""
        polling = self.settings.polling
        max_interval = max(polling.max_interval, polling.min_interval)
        return FeedOptions(
            min_interval=polling.min_interval,
            max_interval=max_interval,
            max_unvalidated=max(max_interval, timedelta(days=1)),
            heed_hints=polling.heed_hints,
        )

    def _options(self, feed: FeedSettings) -> FeedOptions:
        default = self.default_options
        interval = feed.interval or self.settings.polling.interval
        return FeedOptions(
            min_interval=feed.min_interval or default.min_interval,
            max_interval=feed.max_interval or max(default.max_interval, interval),
            max_unvalidated=feed.max_interval or max(default.max_unvalidated, interval),
            heed_hints=default.heed_hints if feed.heed_hints is None else feed.heed_hints,
            user_agent=feed.user_agent,
            headers=tuple((name, value.get_secret_value()) for name, value in feed.headers.items()),
            username=feed.username,
            password=_revealed(feed.password),
            token=_revealed(feed.token),
            proxy=_revealed(feed.proxy),
            http2=feed.http2,
            full_text=feed.full_text,
            websub=feed.websub,
        )


def _revealed(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret is not None else ""


def find_config(given: Path | None) -> Path:
    """The file to read: `given`, else the first of `SEARCH_PATH` that exists.

    Raises:
        ConfigError: There is none; the message says how to make one.
    """
    if given is not None:
        if given.is_dir():
            given = given / "config.toml"
        if not given.exists():
            raise ConfigError([Fault(source=str(given), message="there is no such file", hint=_INIT_HINT)])
        return given
    for path in SEARCH_PATH:
        if path.exists():
            return path
    places = ", ".join(str(path) for path in SEARCH_PATH)
    raise ConfigError([Fault(source="config.toml", message=f"not found (looked for {places})", hint=_INIT_HINT)])


_INIT_HINT = "`news-monitor init` writes a config.toml and rules to start from; --config FILE names another one"


def load_config(path: Path) -> Config:
    """Read and check config.toml; options of channels stay raw until `read_options`.

    Raises:
        ConfigError: With every fault there is.
    """
    file = read(path)
    credentials = systemd.credentials_dir()
    faults = _unknown_variables()
    raw, secret_faults = with_secrets(Settings, file.data, key=(), file=file, credentials=credentials)
    faults += secret_faults
    settings: Settings | None = None
    try:
        settings = Settings(**raw)
    except ValidationError as error:
        faults += [fault_of(detail, Settings, (), file, file.data) for detail in error.errors()]
    except SettingsError as error:
        faults.append(
            Fault(source=ENVIRONMENT, message=f"{error}", hint="lists and tables in a variable are written as JSON")
        )
    if settings is not None:
        faults += _feed_faults(settings, file)
    if faults or settings is None:
        raise ConfigError(_in_order(faults))
    return Config(settings=settings, file=file, credentials=credentials, warnings=tuple(_mode_warnings(path, file)))


def read_options(model: type[ModelT], raw: Mapping[str, Any], *, key: Sequence[str], config: Config) -> ModelT:
    """Check a table of the file against `model`, with secrets from files and credentials, durations and comma lists.

    Args:
        model: A pydantic model that forbids extra keys.
        raw: The table, environment variables already in it.
        key: Its key path, such as ("channels", "desk").
        config: What `load_config` gave.

    Raises:
        ConfigError: With every fault in this table.
    """
    path = tuple(key)
    filled, faults = with_secrets(model, raw, key=path, file=config.file, credentials=config.credentials)
    filled, texts, faults_of_texts = with_texts(model, filled, key=path, file=config.file, folder=config.folder)
    faults += faults_of_texts
    converted: dict[str, Any] = {}
    for name, value in filled.items():
        try:
            converted[name] = _convert(model, name, value, folder=config.folder)
        except ValueError as error:
            faults.append(place_fault(config.file, (*key, name), message=str(error)))
    try:
        options = model(**converted)
    except ValidationError as error:
        details = [_at_its_file(detail, texts) for detail in error.errors()]
        faults += [fault_of(detail, model, path, config.file, converted) for detail in details]
    else:
        if not faults:
            return options
    raise ConfigError(_in_order(faults))


def _at_its_file(detail: Any, texts: Mapping[str, Path]) -> Any:
    """What is wrong with a text from a file is blamed on the key that names the file, and on the file."""
    name, *rest = detail["loc"] or ("",)
    if name not in texts:
        return detail
    message = detail["msg"].removeprefix("Value error, ")
    return {**detail, "loc": (f"{name}_file", *rest), "msg": f"{texts[name]}: {message}"}


def _convert(model: type[BaseModel], name: str, value: Any, *, folder: Path) -> Any:
    """What a string may stand for in a channel's options: a duration, a path that counts from `folder`, or a list given
    by the environment.
    """
    field = model.model_fields.get(name) or field_of(model, name)
    if field is None or not isinstance(value, str):
        return value
    if mentions(field.annotation, timedelta):
        return parse_duration(value)
    if mentions(field.annotation, Path):
        return folder / value
    if get_origin(field.annotation) in (tuple, list, frozenset, dict):
        if value.lstrip().startswith(("[", "{")):
            return json.loads(value)
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _unknown_variables() -> list[Fault]:
    """Variables with our prefix whose first part is no key: a typing error that pydantic-settings would pass over."""
    known = set(Settings.model_fields)
    faults = []
    for variable in sorted(os.environ):
        if not variable.startswith(ENV_PREFIX) or variable in ENV_RESERVED:
            continue
        path = variable.removeprefix(ENV_PREFIX).lower().split(ENV_DELIMITER)
        if path[0] not in known:
            hint = did_you_mean(path[0], known) or "it is NEWS_MONITOR_ and the key path, joined by two underscores"
            faults.append(Fault(source=ENVIRONMENT, where=variable, message="unknown key", hint=hint))
    return faults


def _feed_faults(settings: Settings, file: TomlFile) -> list[Fault]:
    faults: list[Fault] = []
    names: dict[str, int] = {}
    urls: dict[str, int] = {}
    for index, feed in enumerate(settings.feeds):
        if (first := names.setdefault(feed.name, index)) != index:
            message = f"{feed.name!r} is the name of feeds[{first}] already"
            faults.append(
                place_fault(file, ("feeds", index, "name"), message=message, hint="every feed has a name of its own")
            )
        if (first := urls.setdefault(feed.url, index)) != index:
            message = f"feeds[{first}] ({settings.feeds[first].name}) has this URL already"
            faults.append(place_fault(file, ("feeds", index, "url"), message=message, hint="remove one of the two"))
        faults += _interval_faults(settings, index, feed, file)
    if settings.polling.interval < settings.polling.min_interval:
        faults.append(place_fault(file, ("polling", "interval"), message="is shorter than polling.min_interval"))
    return faults + _websub_faults(settings, file)


def _websub_faults(settings: Settings, file: TomlFile) -> list[Fault]:
    """No hub can call a daemon that does not listen, or whose address nobody knows."""
    given = {f"web.{name}": getattr(settings.web, name) for name in ("listen", "public_url")}
    missing = [name for name, value in given.items() if not value]
    keys: list[tuple[str | int, ...]] = [
        ("feeds", index, "websub") for index, feed in enumerate(settings.feeds) if feed.websub
    ]
    if len(missing) == 1:
        keys.append(("web", "listen" if settings.web.listen else "public_url"))
    hint = "hubs call this program: docs/websub.md says how to make it reachable"
    return [place_fault(file, key, message=f"needs {' and '.join(missing)}", hint=hint) for key in keys if missing]


def _interval_faults(settings: Settings, index: int, feed: FeedSettings, file: TomlFile) -> list[Fault]:
    """No interval of a feed below the floor, and none of them longer than the one that should be."""
    floor = settings.polling.min_interval
    found = list[tuple[str, str, str]]()
    if not feed.url.startswith("sample:"):
        for key in ("interval", "min_interval", "max_interval"):
            span: timedelta | None = getattr(feed, key)
            if span is not None and span < floor:
                message = f"{format_duration(span)} is shorter than polling.min_interval ({format_duration(floor)})"
                found.append((key, message, "publishers block impatient clients"))
    interval = feed.interval or settings.polling.interval
    if feed.max_interval is not None and feed.max_interval < interval:
        message = f"{format_duration(feed.max_interval)} is shorter than its interval ({format_duration(interval)})"
        found.append(("max_interval", message, "give it a shorter interval as well"))
    return [place_fault(file, ("feeds", index, key), message=message, hint=hint) for key, message, hint in found]


def _mode_warnings(path: Path, file: TomlFile) -> list[Fault]:
    """A file that others may read should not hold secrets."""
    if path.stat().st_mode & 0o004 == 0:
        return []
    tables: list[tuple[tuple[str | int, ...], Any]] = [
        *((("channels", name), table) for name, table in file.data.get("channels", {}).items()),
        *((("feeds", index), table) for index, table in enumerate(file.data.get("feeds", []))),
        (("polling",), file.data.get("polling")),
    ]
    found = [
        (*key, name)
        for key, table in tables
        if isinstance(table, dict)
        for name, value in table.items()
        if _looks_secret(name, value)
    ]
    hint = "move it to a file or credential (NAME_file = …), or `chmod o-r` this file"
    return [
        Fault(source=file.path, line=place.line if (place := file.locate(*key)) else None, where=key_path(key),
              message="a secret in a file that everyone may read", hint=hint, warning=True)
        for key in found
    ]  # fmt: skip


def _looks_secret(name: str, value: object) -> bool:
    """Whether a key of a channel, of a feed or of polling holds a secret: by its name, or a login in its URL."""
    if name in {"url", "proxy"}:
        return isinstance(value, str) and "@" in value.partition("://")[2].partition("/")[0]
    if name == "headers":
        return isinstance(value, dict) and any(_SECRET_HEADER.search(header) for header in value)
    return name in {"password", "secret", "previous_secret", "webhook_url", "token"}


def _in_order(faults: Sequence[Fault]) -> list[Fault]:
    return sorted(faults, key=lambda fault: (fault.source == ENVIRONMENT, fault.source, fault.line or 0))
