"""`news-monitor poll`: the daemon's steps once, for the feeds that a person names."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from monitor.app.build import dispatch_limits, open_fetcher, open_notifier, open_parser, outlet, runtime_of
from monitor.app.load import Loaded
from monitor.clock import Clock, SystemClock
from monitor.rules.engine import RuleSet
from monitor.service.deliver import Sender
from monitor.service.events import Event, FeedPolled, Observer
from monitor.service.health import Heartbeats
from monitor.service.once import OneOff
from monitor.service.poll import FeedPoller
from monitor.service.threads import StoreThreads

if TYPE_CHECKING:
    from monitor.model import Feed
    from monitor.store.base import Store


async def poll_once(
    loaded: Loaded,
    store: Store,
    feeds: tuple[Feed, ...],
    *,
    backfill: timedelta | None,
    dry_run: bool,
    observer: Observer,
) -> int:
    """`news-monitor poll`: poll these feeds now, commit, and send what is due; beside a running daemon or without one.

    Returns:
        How many of the feeds could not be polled: failed, or being polled by someone else just now.
    """
    clock = SystemClock()
    threads, parser = StoreThreads(), open_parser(loaded.config)
    fetcher = open_fetcher(loaded.config, clock)
    runtime = runtime_of(loaded, RuleSet.build(loaded.live_rules), fetcher)
    poller = FeedPoller(runtime=lambda: runtime, parser=parser, store=store, threads=threads, clock=clock)
    reports: list[FeedPolled] = []

    def note(event: Event) -> None:
        if isinstance(event, FeedPolled):
            reports.append(event)
        observer(event)

    one_off = OneOff(
        store=store,
        poller=poller,
        threads=threads,
        clock=clock,
        limits=dispatch_limits(loaded.config),
        options_of=runtime.options_of,
        observer=note,
    )
    try:
        if dry_run:
            await one_off.rehearse(feeds, backfill=backfill)
        else:
            await one_off.poll(feeds, backfill=backfill)
            await _send_due(loaded, store, threads, clock, observer)
    finally:
        await fetcher.close()
        parser.close()
        threads.close()
    return sum(1 for report in reports if report.kind in {"failed", "lost"})


async def _send_due(loaded: Loaded, store: Store, threads: StoreThreads, clock: Clock, observer: Observer) -> None:
    outlets = {name: outlet(channel, open_notifier(channel)) for name, channel in loaded.channels.items()}
    sender = Sender(
        store=store,
        outlets=lambda: outlets,
        routing=lambda: loaded.routing,
        threads=threads,
        clock=clock,
        observer=observer,
        heartbeats=Heartbeats({}, clock=clock),
    )
    try:
        await sender.flush()
    finally:
        for each in outlets.values():
            await each.notifier.close()
