"""Every key of config.toml but the channels' own options: names, defaults, limits, and what each is for.

The configuration reference (docs/configuration.md) is made from these descriptions.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ByteSize, ConfigDict, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from monitor.config.durations import Duration

ENV_PREFIX = "NEWS_MONITOR_"
ENV_DELIMITER = "__"


class _Table(BaseModel):
    """A table of config.toml: no unknown keys, no changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StoreSettings(_Table):
    """Where entries, alerts and the schedule are kept."""

    url: SecretStr | None = Field(
        default=None,
        description="`sqlite:///path/to/file.db`, or `postgresql://user:password@host/database` (needs the `postgres` "
        "extra). Default: the SQLite file `news-monitor.db` in `state_dir`. A secret, because it may hold a password.",
    )


class PollingSettings(_Table):
    """How feeds are fetched."""

    interval: Duration = Field(
        default=timedelta(minutes=10),
        gt=timedelta(0),
        description="Wait between two polls of a feed that has no `interval` of its own.",
    )
    min_interval: Duration = Field(
        default=timedelta(minutes=1),
        gt=timedelta(0),
        description="No feed may be polled more often than this; a shorter `interval` is refused. "
        "Publishers block impatient clients.",
    )
    concurrency: int = Field(
        default=32,
        ge=1,
        le=1000,
        description="Fetches in flight at once, over all hosts; one host never gets more than one.",
    )
    host_delay: Duration = Field(
        default=timedelta(seconds=1), ge=timedelta(0), description="Pause between two requests to the same host."
    )
    deadline: Duration = Field(
        default=timedelta(seconds=30),
        gt=timedelta(0),
        description="The longest a fetch may take: connecting, redirects and body together.",
    )
    max_download: ByteSize = Field(
        default=ByteSize(10_000_000), gt=0, description="Largest body taken over the network, before decompression."
    )
    max_body: ByteSize = Field(default=ByteSize(20_000_000), gt=0, description="Largest body after decompression.")
    user_agent: str = Field(
        default="",
        max_length=200,
        description="Sent with every request instead of `news-monitor/VERSION`; name a page or an "
        "address where you can be reached.",
    )
    parsers: int = Field(default=2, ge=1, le=64, description="Worker processes that read documents.")
    parse_deadline: Duration = Field(
        default=timedelta(seconds=10),
        gt=timedelta(0),
        description="A document that takes longer to read is given up, and its worker replaced.",
    )

    @field_validator("user_agent")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if not value.isprintable() or not value.isascii():
            raise ValueError("must be printable ASCII on one line; it is sent as an HTTP header")
        return value


class LogSettings(_Table):
    """What the daemon says of itself (standard error; the journal under systemd)."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least important level that is shown."
    )
    format: Literal["auto", "console", "logfmt", "json"] = Field(
        default="auto", description="`auto` is `console` on a terminal and `logfmt` elsewhere."
    )


_NAME = re.compile(r"[\w][\w .-]*", re.UNICODE)


def is_feed_name(text: str) -> bool:
    """Whether a feed may be called so."""
    return len(text) <= 64 and _NAME.fullmatch(text) is not None


class FeedSettings(_Table):
    """A feed to watch."""

    name: str = Field(min_length=1, max_length=64, description="Unique; what rules, alerts and commands call it.")
    url: str = Field(max_length=2048, description="`http://` or `https://`, or `sample:` for the bundled feed.")
    tags: tuple[str, ...] = Field(
        default=(), description='Labels that rules may name instead of feeds: `tags = ["world"]`.'
    )
    interval: Duration | None = Field(default=None, description="Wait between two polls; default `polling.interval`.")

    @field_validator("name")
    @classmethod
    def _plain_name(cls, value: str) -> str:
        if not _NAME.fullmatch(value):
            raise ValueError(
                "use letters, digits, spaces, dots, dashes and underscores, and start with a letter or digit"
            )
        return value

    @field_validator("url")
    @classmethod
    def _fetchable(cls, value: str) -> str:
        check_feed_url(value)
        return value

    @field_validator("tags")
    @classmethod
    def _plain_tags(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for tag in value:
            if not _NAME.fullmatch(tag):
                raise ValueError(f"{tag!r} is no tag; use letters, digits, spaces, dots, dashes and underscores")
        return tuple(dict.fromkeys(tag.lower() for tag in value))


def check_feed_url(url: str) -> None:
    """Refuse a URL that can never be polled.

    Raises:
        ValueError: What is wrong with it.
    """
    if url.startswith("sample:"):
        return
    if not url.isprintable() or " " in url:
        raise ValueError("a URL has no spaces or control characters")
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"{url!r} is no URL: {error}") from None
    if parts.scheme not in {"http", "https"}:
        raise ValueError(f"{url!r} must start with http:// or https://")
    if not host:
        raise ValueError(f"{url!r} names no host")


class Settings(BaseSettings):
    """All of config.toml. Paths are absolute once loaded; in the file they count from the folder it is in."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix=ENV_PREFIX,
        env_nested_delimiter=ENV_DELIMITER,
        hide_input_in_errors=True,
    )

    rules: Path = Field(default=Path("rules"), description="Folder of the rule files (`*.toml`, subfolders included).")
    state_dir: Path | None = Field(
        default=None,
        description="Folder of the SQLite store. Default: systemd's `$STATE_DIRECTORY`; else `/var/lib/news-monitor` "
        "for a configuration in `/etc/news-monitor`; else `state` beside config.toml.",
    )
    store: StoreSettings = Field(default_factory=StoreSettings)
    polling: PollingSettings = Field(default_factory=PollingSettings)
    log: LogSettings = Field(default_factory=LogSettings)
    feeds: tuple[FeedSettings, ...] = Field(default=(), description="One `[[feeds]]` table for each feed.")
    channels: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="One `[channels.NAME]` table for each place that alerts go to; see the channels' own options.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 -- the signature is pydantic-settings'
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment goes before the file, which arrives as keyword arguments."""
        return env_settings, init_settings
