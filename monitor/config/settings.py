"""Every key of config.toml but the channels' own options: names, defaults, limits, and what each is for.

The configuration reference (docs/configuration.md) is made from these descriptions.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ByteSize, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from monitor.config.durations import Duration
from monitor.config.web import (
    check_feed_url,
    check_header,
    check_header_value,
    check_proxy,
    check_public_url,
    is_token,
    listen_address,
)
from monitor.netguard import Guard

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
        default=timedelta(minutes=5),
        gt=timedelta(0),
        description="No feed may be polled more often than this, by `news-monitor poll` neither; a shorter `interval` "
        "is refused. Publishers block impatient clients.",
    )
    max_interval: Duration = Field(
        default=timedelta(hours=1),
        gt=timedelta(0),
        description="A feed that is quiet for long is polled less and less often, down to this (down to a day, if its "
        "server sends no validators, so that each poll costs it the whole feed); a longer `interval` goes before. "
        "Hosts of your own network are always polled at their `interval`.",
    )
    heed_hints: bool = Field(
        default=True,
        description="Whether a feed's own wishes (`ttl`, `sy:updatePeriod`, `skipHours`, `skipDays`) make its polls "
        "rarer. What its server says with Cache-Control, Expires and Retry-After always does.",
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
        description="Sent with every request instead of `news-monitor/VERSION (RSS monitor; contact: …)`.",
    )
    contact: str = Field(
        default="",
        max_length=120,
        description="Your mail address or web page, told to publishers in the user agent: they can write before they "
        "block. Default: none is told.",
    )
    allow: tuple[str, ...] = Field(
        default=(),
        description="Hosts and networks of your own that may be dialled although their addresses are not public: "
        '`["feeds.internal", "10.0.0.0/8"]`. An address, or `localhost`, in a feed\'s own URL needs no entry, save a '
        "link-local one.",
    )
    proxy: SecretStr | None = Field(
        default=None,
        description="`http://` or `https://` URL of a proxy for all feeds, with its login if it has one. The proxy "
        "looks names up and dials: `allow` then counts only for addresses in URLs.",
    )
    proxy_from_env: bool = Field(
        default=False,
        description="Whether `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` count, where no `proxy` is set.",
    )
    parsers: int = Field(
        default=2,
        ge=1,
        le=64,
        description="Worker processes for documents that are large or broken. With two or more, half of them are for "
        "what takes longer than a second, so that no other document waits behind it.",
    )
    parse_deadline: Duration = Field(
        default=timedelta(seconds=10),
        gt=timedelta(0),
        description="A document that takes longer to read is given up, and its worker replaced; the text of an entry "
        "that takes too long is read without its markup.",
    )

    @field_validator("user_agent")
    @classmethod
    def _one_line(cls, value: str) -> str:
        return check_header_value(value)

    @field_validator("contact")
    @classmethod
    def _reachable(cls, value: str) -> str:
        check_header_value(value)
        if value and (not ("@" in value or "://" in value) or any(char in value for char in '()\\ "')):
            raise ValueError("must be a mail address or a URL, such as desk@example.org or https://example.org/bot")
        return value

    @field_validator("allow")
    @classmethod
    def _hosts_or_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        Guard.allowing(value)
        return value

    @field_validator("proxy")
    @classmethod
    def _http_proxy(cls, value: SecretStr | None) -> SecretStr | None:
        return check_proxy(value)


class WebSettings(_Table):
    """What the daemon serves over HTTP: the addresses that hubs call (docs/websub.md)."""

    listen: str = Field(
        default="",
        description='Host and port to listen on, such as `"127.0.0.1:8099"`; default: none. A reverse proxy that '
        "speaks HTTPS belongs in front of it.",
    )
    public_url: str = Field(
        default="",
        max_length=1024,
        description='The address by which hubs reach it, such as `"https://alerts.example.org/websub"`: the path is '
        "served as it stands here, with a random name for each feed below it.",
    )

    @field_validator("listen")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        if value:
            listen_address(value)
        return value

    @field_validator("public_url")
    @classmethod
    def _plain_url(cls, value: str) -> str:
        if value:
            check_public_url(value)
        return value.rstrip("/")


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
    min_interval: Duration | None = Field(
        default=None,
        gt=timedelta(0),
        description="It may be polled this often when it is so busy that entries would be missed otherwise; "
        "default `polling.min_interval`.",
    )
    max_interval: Duration | None = Field(
        default=None,
        gt=timedelta(0),
        description="It is polled at least this often however quiet it is; default `polling.max_interval`.",
    )
    heed_hints: bool | None = Field(
        default=None,
        description="`false` for one whose document says `hourly` only because its software does; default "
        "`polling.heed_hints`.",
    )
    user_agent: str = Field(
        default="", max_length=200, description="Sent instead of the service's own, for a site that blocks it."
    )
    headers: dict[str, SecretStr] = Field(
        default_factory=dict,
        description='Sent with every request to the feed\'s own site: `{ X-Api-Key = "…" }`. Not sent to another site '
        "that it redirects to.",
    )
    username: str = Field(default="", description="With `password`: HTTP Basic, sent to the feed's own site only.")
    password: SecretStr | None = Field(default=None, description="See `username`.")
    token: SecretStr | None = Field(
        default=None, description="Sent as `Authorization: Bearer …`, to the feed's own site only."
    )
    proxy: SecretStr | None = Field(default=None, description="A proxy for this feed; default `polling.proxy`.")
    http2: bool = Field(
        default=False, description="Whether HTTP/2 may be spoken, for a site that refuses older clients."
    )
    full_text: bool = Field(
        default=False,
        description="`true`: the pages that new entries link to are read too, and searched like the feed's own text "
        "(needs the `fulltext` extra).",
    )
    websub: bool = Field(
        default=False,
        description="Whether to subscribe at the hub that the feed names (WebSub), so that it is polled the moment it "
        "has news; needs `web.listen` and `web.public_url`. docs/websub.md",
    )

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

    @field_validator("user_agent")
    @classmethod
    def _one_line(cls, value: str) -> str:
        return check_header_value(value)

    @field_validator("headers")
    @classmethod
    def _sendable(cls, value: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, text in value.items():
            check_header(name, text.get_secret_value())
        if len({name.lower() for name in value}) < len(value):
            raise ValueError("the same header twice: upper and lower case make no difference")
        return value

    @field_validator("token")
    @classmethod
    def _bearer(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not is_token(value.get_secret_value()):
            raise ValueError("must be letters, digits and -._~+/ only (RFC 6750), without the word Bearer")
        return value

    @field_validator("proxy")
    @classmethod
    def _http_proxy(cls, value: SecretStr | None) -> SecretStr | None:
        return check_proxy(value)

    @model_validator(mode="after")
    def _one_login(self) -> Self:
        if self.username and self.password is None:
            raise ValueError("username without password: set password or password_file")
        if self.password is not None and not self.username:
            raise ValueError("password without username: set username")
        if ":" in self.username or not self.username.isprintable():
            raise ValueError("username has a colon or control character, which HTTP Basic cannot send (RFC 7617)")
        logins = {
            "username": bool(self.username),
            "token": self.token is not None,
            "a header Authorization": any(name.lower() == "authorization" for name in self.headers),
            "a login in the url": "@" in urlsplit(self.url).netloc,
        }
        given = [name for name, there in logins.items() if there]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are several logins: keep one of them")
        return self


class PaceSettings(_Table):
    """When a route speaks."""

    group_by: Literal["alert", "story", "rule", "feed", "route"] | None = Field(
        default=None,
        description="What alerts share that come as one message. `alert` (the default): each is its own; `route`: all.",
    )
    group_wait: Duration | None = Field(
        default=None,
        ge=timedelta(0),
        le=timedelta(days=1),
        description="How long the first alert of a group waits for others. Default: `0s`, at once.",
    )
    group_interval: Duration | None = Field(
        default=None,
        ge=timedelta(0),
        le=timedelta(days=7),
        description="The least time between two messages of a group, and the time that `burst` is about. "
        "Default: `1m`.",
    )
    burst: int | None = Field(
        default=None,
        ge=1,
        le=10_000,
        description="So many messages within `group_interval` go to a channel one by one; what is over that comes as "
        "one message that lists and counts. Default: 5.",
    )
    digest: str | None = Field(
        default=None,
        description='Collect, and send one message at these times: `"weekdays 07:30"`, `"daily 08:00,18:00"`, '
        '`"mon,thu 09:00"`, or five cron fields.',
    )
    quiet: tuple[str, ...] | None = Field(
        default=None,
        description='Hours in which nothing is sent; what comes then is one message at their end: `["22:00-07:00", '
        '"sat,sun 00:00-24:00"]`.',
    )
    breaks_through: Literal["low", "normal", "high", "critical", "none"] | None = Field(
        default=None,
        description="From this severity on an alert waits for neither digest nor quiet hours. Default: `critical`.",
    )
    followers: Literal["thread", "digest", "none"] | None = Field(
        default=None,
        description="What becomes of other outlets' reports of a story that you were told of. `thread` (the default): "
        "they come together as one reply, after `followers_wait`; `digest`: with the route's digest, or daily at "
        "08:00; `none`: they are recorded only.",
    )
    followers_wait: Duration | None = Field(
        default=None,
        ge=timedelta(0),
        le=timedelta(days=1),
        description="How long the first of them waits for others. Default: `15m`.",
    )
    timezone: str | None = Field(
        default=None, description='Of digest and quiet hours: `"Europe/London"`. Default: `UTC`.'
    )


class DeliverySettings(PaceSettings):
    """How alerts are sent that no route takes, the defaults for the routes, and what channels may dial."""

    allow: tuple[str, ...] = Field(
        default=(),
        description="Hosts and networks of your own that channels may dial although their addresses are not public: "
        '`["hooks.internal", "10.0.0.0/8"]`. An address, or `localhost`, in a channel\'s own URL needs no entry.',
    )

    @field_validator("allow")
    @classmethod
    def _hosts_or_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        Guard.allowing(value)
        return value


class RouteSettings(PaceSettings):
    """Where some alerts go, and when. The first route that fits takes an alert; a condition that is not there fits all.

    Keys that are not there are as in `[delivery]`.
    """

    name: str = Field(min_length=1, max_length=64, description="Unique; what `deliveries list` calls it.")
    rules: tuple[str, ...] = Field(default=(), description='Names of rules, or patterns over them: `["leaders-*"]`.')
    files: tuple[str, ...] = Field(default=(), description='Rule files, or patterns over them: `["security.toml"]`.')
    feeds: tuple[str, ...] = Field(default=(), description='Names of feeds, patterns, or tags: `["bbc-*", "tag:uk"]`.')
    severity: Literal["low", "normal", "high", "critical"] | None = Field(
        default=None, description="Only alerts of this severity or above."
    )
    channels: tuple[str, ...] = Field(
        default=(),
        description="Where its alerts go. Default: all channels but those of `[ops]`. A rule's own go before.",
    )
    proceed: bool = Field(default=False, description="`true`: routes further down are asked as well.")


class StoriesSettings(_Table):
    """How reports of several feeds are taken to tell one story (docs/stories.md)."""

    window: Duration = Field(
        default=timedelta(hours=72),
        ge=timedelta(hours=1),
        le=timedelta(days=14),
        description="For how long after the report that began it a story takes up others; what comes later begins a "
        "new one, and alerts again. A change counts from the next start on.",
    )


class OpsSettings(_Table):
    """The service's own alerts: a feed that fails, a rule file or channel that is broken. Never mixed with the news."""

    channels: tuple[str, ...] = Field(
        default=(), description="Where they go; without any they are in the log and in `status` only."
    )
    feed_failures: int = Field(
        default=5, ge=1, le=1000, description="A feed is reported when it has failed so often in a row."
    )


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
    web: WebSettings = Field(default_factory=WebSettings)
    feeds: tuple[FeedSettings, ...] = Field(default=(), description="One `[[feeds]]` table for each feed.")
    delivery: DeliverySettings = Field(default_factory=DeliverySettings)
    routes: tuple[RouteSettings, ...] = Field(
        default=(), description="One `[[routes]]` table for each route, in order."
    )
    stories: StoriesSettings = Field(default_factory=StoriesSettings)
    ops: OpsSettings = Field(default_factory=OpsSettings)
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
