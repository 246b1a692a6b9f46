"""Each part, made from the configuration."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from monitor import __version__
from monitor.app.load import Channel
from monitor.clock import Clock, SystemClock
from monitor.config import Config, PollingSettings
from monitor.fetch.http import FetchLimits, HttpFetcher
from monitor.fetch.routing import RoutingFetcher
from monitor.fetch.sample import SampleFetcher
from monitor.netguard import Guard
from monitor.notify.base import Surroundings
from monitor.notify.registry import CHANNEL_TYPES, open_channel
from monitor.parse.pool import ParserPool
from monitor.parse.swift import SwiftParser
from monitor.service.deliver import Outlet
from monitor.service.dispatch import DispatchLimits
from monitor.service.poll import Runtime
from monitor.store.open import open_store

if TYPE_CHECKING:
    from monitor.app.load import Loaded
    from monitor.fetch.base import Fetcher
    from monitor.notify.base import Notifier
    from monitor.rules.engine import RuleSet
    from monitor.store.base import Store


def user_agent(polling: PollingSettings) -> str:
    """What publishers see."""
    contact = f"; contact: {polling.contact}" if polling.contact else ""
    return polling.user_agent or f"news-monitor/{__version__} (RSS monitor{contact})"


def open_fetcher(config: Config | None, clock: Clock) -> RoutingFetcher[HttpFetcher]:
    """A fetcher with the configured limits, or the defaults; its `web` is for everything that is no feed."""
    polling = config.settings.polling if config is not None else PollingSettings()
    limits = FetchLimits(
        deadline=polling.deadline,
        max_compressed_bytes=int(polling.max_download),
        max_decoded_bytes=int(polling.max_body),
    )
    http = HttpFetcher(
        user_agent=user_agent(polling),
        limits=limits,
        concurrency=polling.concurrency,
        clock=clock,
        guard=Guard.allowing(polling.allow),
        proxy=polling.proxy.get_secret_value() if polling.proxy is not None else "",
        proxy_from_env=polling.proxy_from_env,
    )
    return RoutingFetcher(http=http, sample=SampleFetcher(clock))


def runtime_of(loaded: Loaded, rules: RuleSet, fetcher: Fetcher) -> Runtime:
    """What a reload replaces, with these rules and this fetcher."""
    return Runtime(
        rules=rules,
        routing=loaded.routing,
        fetcher=fetcher,
        ops=loaded.ops,
        options=loaded.config.feed_options(),
        default_options=loaded.config.default_options,
        story_window=loaded.config.settings.stories.window,
    )


def open_parser(config: Config) -> SwiftParser:
    """What reads documents: in this process where that is quick, else in worker processes."""
    polling = config.settings.polling
    return SwiftParser(pool=ParserPool(workers=polling.parsers, deadline=polling.parse_deadline), clock=SystemClock())


def open_notifier(channel: Channel) -> Notifier:
    """A channel, ready to send."""
    return open_channel(channel.options, Surroundings(guard=channel.guard))


def outlet(channel: Channel, notifier: Notifier) -> Outlet:
    """A channel with its rate."""
    own = getattr(channel.options, "rate", None)
    return Outlet(notifier=notifier, rate=own if own is not None else CHANNEL_TYPES[channel.type].rate)


@contextmanager
def opened_store(config: Config, *, clock: Clock | None = None, exclusive: bool = False) -> Iterator[Store]:
    """The configured store, for as long as the block lasts."""
    store = open_store(config.store_url, now=(clock or SystemClock()).now(), exclusive=exclusive)
    try:
        yield store
    finally:
        store.close()


def dispatch_limits(config: Config) -> DispatchLimits:
    """How much is polled at once, from the settings."""
    polling = config.settings.polling
    return DispatchLimits(
        concurrency=polling.concurrency,
        host_delay=polling.host_delay,
        # Parsing and cleaning, each of which may wait for a worker before.
        feed_seconds=(polling.deadline + 4 * polling.parse_deadline).total_seconds(),
    )
