"""`news-monitor run`: build, run, reload, drain."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from monitor import systemd
from monitor.app.build import (
    dispatch_limits,
    open_fetcher,
    open_notifier,
    open_parser,
    opened_store,
    outlet,
    runtime_of,
)
from monitor.app.load import Channel, Loaded, added_feeds, kept_versions, load, reload_rules
from monitor.app.rules import RuleKeeper, RuleWatch, giving_way, settle_garbage
from monitor.app.web import Hubs, open_server
from monitor.clock import Clock, SystemClock
from monitor.config import load_config
from monitor.errors import ConfigError, Fault, StoreError
from monitor.log import get_logger
from monitor.rules.engine import RuleSet
from monitor.rules.versions import Changes, changes
from monitor.service.absences import Absences
from monitor.service.commit import Committer
from monitor.service.deliver import Outlet, Sender
from monitor.service.dispatch import Dispatcher
from monitor.service.events import Event, FeedPolled, Observer, PageRead, Trouble
from monitor.service.health import Heartbeats
from monitor.service.ops import OpsDesk
from monitor.service.pages import Pages
from monitor.service.poll import FeedPoller, Runtime
from monitor.service.slow import SlowRules
from monitor.service.threads import StoreThreads
from monitor.service.turns import Turns

if TYPE_CHECKING:
    from monitor.fetch.base import Web
    from monitor.notify.base import Notifier
    from monitor.parse.base import Workers
    from monitor.store.base import FeedsChanged, Store

log = get_logger("monitor")

POLL_TICK = timedelta(milliseconds=500)
PAGE_TICK = timedelta(milliseconds=500)
DELIVER_TICK = timedelta(milliseconds=500)
HUB_TICK = timedelta(seconds=5)
ABSENCE_TICK = timedelta(seconds=5)
# systemd kills after 45 s (TimeoutStopSec): polls, then sends, then the last commit have to fit in.
POLL_GRACE = timedelta(seconds=15)
SEND_GRACE = timedelta(seconds=20)
# Without a limit of its own, asyncio's resolver threads are six on a small machine, and slow DNS starves every fetch.
RESOLVER_THREADS = 32


@dataclass(frozen=True, slots=True)
class _Live:
    """All that a reload replaces, swapped as one reference; `web` is the fetcher of `runtime`, for pages."""

    loaded: Loaded
    runtime: Runtime
    outlets: Mapping[str, Outlet]
    web: Web


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What a reload makes off the loop."""

    loaded: Loaded
    rules: RuleSet
    changes: Changes


class Daemon:
    """`news-monitor run`: polls, matches and delivers until it is told to stop.

    Args:
        path: config.toml.
        observers: Told of every event, in order, on the event loop.
        open_notifier: Replaces how channels are opened; the demo gives the terminal channel its own console.
        clock: The machine's, by default.
    """

    def __init__(
        self,
        path: Path,
        *,
        observers: tuple[Observer, ...] = (),
        open_notifier: Callable[[Channel], Notifier] = open_notifier,
        clock: Clock | None = None,
    ) -> None:
        self._path = path
        self._observers = observers
        self._open_notifier = open_notifier
        self._clock: Clock = clock or SystemClock()
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._reload_lock = asyncio.Lock()

    def stop(self) -> None:
        """Ask for a clean stop."""
        self._stop.set()

    async def run(self, started: Callable[[Store, Loaded], None] | None = None) -> None:
        """Run until `stop`, SIGTERM or SIGINT.

        Args:
            started: Called once, when everything is built and before the first poll.

        Raises:
            ConfigError: The configuration or the rules have faults; nothing was started.
            StoreError: The store cannot be opened or is in use.
        """
        config = load_config(self._path)
        with opened_store(config, clock=self._clock, exclusive=True) as store:
            loaded = load(self._path, added_feeds=lambda _config: added_feeds(store), kept=kept_versions(store))
            self._require_feeds(store, loaded)
            if config.store_url.startswith("sqlite"):
                store.break_leases(now=self._clock.now())
            await self._serve(store, loaded, started)

    def _require_feeds(self, store: Store, loaded: Loaded) -> None:
        store.sync_feeds(loaded.config.feed_specs(), now=self._clock.now())
        if not store.count_feeds():
            hint = "add [[feeds]] tables to the file, or run `news-monitor feeds add NAME URL`"
            raise ConfigError([Fault(source=loaded.config.file.path, message="there are no feeds to watch", hint=hint)])

    async def _serve(self, store: Store, loaded: Loaded, started: Callable[[Store, Loaded], None] | None) -> None:
        server = open_server(loaded.config)
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(RESOLVER_THREADS, thread_name_prefix="resolve"))
        threads = StoreThreads()
        parser = open_parser(loaded.config)
        heartbeats = Heartbeats(
            {part: timedelta(seconds=40) for part in ("loop", "dispatcher", "writer", "sender")}, clock=self._clock
        )
        committer = Committer(store=store, threads=threads, clock=self._clock)
        self._compose(store, loaded, threads, parser=parser, committer=committer, heartbeats=heartbeats)
        self._hubs = Hubs(
            server,
            store=store,
            web=lambda: self._live.web,
            runtime=lambda: self._live.runtime,
            public_url=loaded.config.settings.web.public_url,
            threads=threads,
            clock=self._clock,
            observer=self._observe,
        )
        scheduler = self._scheduler(store, threads, heartbeats)
        self._handle_signals(store, threads)
        if started is not None:
            started(store, loaded)
        self._keeper.tell(None, loaded.book)
        watch = RuleWatch(
            book=lambda: self._live.loaded.book, reload=lambda: self._reload_rules(store), clock=self._clock
        )
        watching = asyncio.create_task(watch.run())
        self._spawn(self._keeper.remember(loaded.book))
        settle_garbage()
        committer.start()
        scheduler.start()
        self._hubs.start()
        self._spawn(self._hubs.tick())
        self._spawn(self._absences.tick())
        systemd.ready(self._summary())
        try:
            await self._stop.wait()
        finally:
            systemd.stopping()
            log.info("stopping", polls_in_flight=self._dispatcher.in_flight)
            scheduler.shutdown(wait=False)
            watching.cancel()
            await self._hubs.stop()
            await asyncio.gather(self._dispatcher.drain(grace=POLL_GRACE), self._pages.drain(grace=POLL_GRACE))
            await committer.close()
            await self._sender.drain(grace=SEND_GRACE)
            await self._close_live(self._live)
            parser.close()
            threads.close()
            self._release_signals()

    def _compose(
        self,
        store: Store,
        loaded: Loaded,
        threads: StoreThreads,
        *,
        parser: Workers,
        committer: Committer,
        heartbeats: Heartbeats,
    ) -> None:
        """Make the parts that live as long as the daemon does, and what a reload replaces."""
        fetcher = open_fetcher(loaded.config, self._clock)
        self._live = _Live(
            loaded,
            runtime_of(loaded, RuleSet.build(loaded.live_rules), fetcher),
            {name: self._outlet(channel) for name, channel in loaded.channels.items()},
            fetcher.web,
        )
        self._slow = SlowRules()
        self._keeper = RuleKeeper(
            store=store, folder=loaded.book.folder, threads=threads, clock=self._clock, observer=self._observe
        )
        poller = FeedPoller(
            runtime=lambda: self._live.runtime,
            parser=parser,
            store=store,
            threads=threads,
            clock=self._clock,
            slow=self._slow,
        )
        turns = Turns(self._clock)
        self._dispatcher = Dispatcher(
            store=store,
            poller=poller,
            committer=committer,
            threads=threads,
            clock=self._clock,
            turns=turns,
            limits=lambda: dispatch_limits(self._live.loaded.config),
            observer=self._observe,
            heartbeats=heartbeats,
        )
        self._pages = Pages(
            store=store,
            runtime=lambda: self._live.runtime,
            web=lambda: self._live.web,
            reader=parser,
            poller=poller,
            turns=turns,
            threads=threads,
            clock=self._clock,
            limits=lambda: dispatch_limits(self._live.loaded.config),
            observer=self._observe,
        )
        self._absences = Absences(
            store=store,
            runtime=lambda: self._live.runtime,
            threads=threads,
            clock=self._clock,
            observer=self._observe,
        )
        self._sender = Sender(
            store=store,
            outlets=lambda: self._live.outlets,
            routing=lambda: self._live.loaded.routing,
            threads=threads,
            clock=self._clock,
            observer=self._observe,
            heartbeats=heartbeats,
        )
        self._desk = OpsDesk(
            ops=lambda: self._live.loaded.ops,
            is_broken=self._keeper.is_broken,
            outlets=lambda: self._live.outlets,
            store=store,
            threads=threads,
            clock=self._clock,
            observer=self._observe,
        )

    # ------------------------------------------------------------------------------------------------- scheduled jobs

    def _scheduler(self, store: Store, threads: StoreThreads, heartbeats: Heartbeats) -> AsyncIOScheduler:
        """A handful of coarse jobs; when a feed is due is the store's business (measured: one job a feed loses
        runs).
        """
        scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )

        async def beat() -> None:
            heartbeats.beat("loop")
            try:
                await threads.write(store.ping)
                self._desk.store_works()
            except StoreError as error:
                self._observe(Trouble(what=f"the store cannot be written: {error}"))
                await self._desk.store_failed(error)
            # A full disk is no reason to be killed by the watchdog: the writer answers, if only with an error.
            heartbeats.beat("writer")

        async def watchdog() -> None:
            if late := heartbeats.late():
                parts = ", ".join(f"{part} ({seconds:.0f} s)" for part, seconds in late.items())
                self._observe(Trouble(what=f"no progress, so the watchdog is not fed: {parts}"))
            else:
                systemd.watchdog()

        scheduler.add_job(_job(self._dispatcher.tick), "interval", seconds=POLL_TICK.total_seconds(), id="poll")
        scheduler.add_job(_job(self._pages.tick), "interval", seconds=PAGE_TICK.total_seconds(), id="pages")
        scheduler.add_job(_job(self._sender.tick), "interval", seconds=DELIVER_TICK.total_seconds(), id="deliver")
        scheduler.add_job(_job(self._hubs.tick), "interval", seconds=HUB_TICK.total_seconds(), id="hubs")
        scheduler.add_job(_job(self._absences.tick), "interval", seconds=ABSENCE_TICK.total_seconds(), id="absences")
        scheduler.add_job(_job(beat), "interval", seconds=10, id="beat")
        scheduler.add_job(settle_garbage, "interval", days=1, id="garbage")
        if (interval := systemd.watchdog_interval()) is not None:
            scheduler.add_job(_job(watchdog), "interval", seconds=interval.total_seconds(), id="watchdog")
        return scheduler

    # ------------------------------------------------------------------------------------------------ reload and stop

    def _handle_signals(self, store: Store, threads: StoreThreads) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(signal.SIGHUP, lambda: self._spawn(self.reload(store, threads)))

    def _release_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(number)

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def reload(self, store: Store, threads: StoreThreads) -> bool:
        """Read everything again and swap it in whole; with a fault of the configuration, keep what was and say what is
        wrong.
        """
        async with self._reload_lock:
            systemd.reloading(monotonic_us=time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000, text="reloading")
            old = self._live

            def prepare() -> _Prepared:
                loaded = load(self._path, added_feeds=lambda _config: added_feeds(store), before=old.loaded)
                return _prepared(loaded, old)

            try:
                with giving_way():
                    new = await asyncio.to_thread(prepare)
                specs = new.loaded.config.feed_specs()
                feeds = await threads.write(store.sync_feeds, specs, now=self._clock.now())
            except (ConfigError, StoreError) as error:
                for line in str(error).splitlines():
                    log.error("reload refused", fault=line)  # noqa: TRY400 -- the fault is the user's; a traceback explains nothing
                systemd.ready(f"reload refused, still on the last good configuration: {str(error).splitlines()[0]}")
                return False
            self._swap(self._next(new), new.changes)
            _log_reload(old.loaded, new.loaded, feeds)
            for channel in new.loaded.channels:
                await self._sender.resume(channel)
            await self._keeper.remember(new.loaded.book)
            systemd.ready(self._summary())
        self._spawn(self._retire(old))
        return True

    async def _reload_rules(self, store: Store) -> None:
        """Read the rule files again and swap in what has changed; nothing in them can make this fail."""
        async with self._reload_lock:
            old = self._live

            def prepare() -> _Prepared:
                loaded = reload_rules(old.loaded, added_feeds=lambda _config: added_feeds(store))
                return _prepared(loaded, old)

            try:
                with giving_way():
                    new = await asyncio.to_thread(prepare)
            except StoreError as error:
                self._observe(Trouble(what=f"the rules were not reloaded: {error}"))
                return
            except Exception as error:  # noqa: BLE001 -- a bug that one rule brings to light must not stop the others
                what = f"{type(error).__name__}: {error}"
                self._observe(Trouble(what=f"the rules were not reloaded: internal error, please report it: {what}"))
                return
            runtime = replace(self._live.runtime, rules=new.rules)
            self._swap(replace(self._live, loaded=new.loaded, runtime=runtime), new.changes)
            systemd.status(self._summary())
            await self._keeper.remember(new.loaded.book)

    def _swap(self, live: _Live, changed: Changes) -> None:
        """Make `live` what counts; polls in flight end with the rules with which they began."""
        old, self._live = self._live, live
        kept = {id(rule) for rule in live.runtime.rules.rules}
        self._slow.forgive(rule.name for rule in old.runtime.rules.rules if id(rule) not in kept)
        self._keeper.tell(old.loaded.book, live.loaded.book, changed)
        self._rest_slow_rules()

    def _rest_slow_rules(self) -> None:
        live = self._live
        found = {rule.name: rule for rule in live.runtime.rules.rules if rule.name in self._slow.resting}
        # A poll that began before a reload may have counted a rule that has gone since.
        self._slow.forgive(self._slow.resting - found.keys())
        rules = live.runtime.rules.without(self._slow.resting)
        self._live = replace(live, runtime=replace(live.runtime, rules=rules))
        self._keeper.stop(found)

    def _next(self, new: _Prepared) -> _Live:
        """What is unchanged is carried over, so that a reload drops no connection for nothing."""
        old, loaded = self._live, new.loaded
        same_limits = loaded.config.settings.polling == old.loaded.config.settings.polling
        opened = None if same_limits else open_fetcher(loaded.config, self._clock)
        fetcher, web = (opened, opened.web) if opened is not None else (old.runtime.fetcher, old.web)
        outlets = {
            name: old.outlets[name] if old.loaded.channels.get(name) == channel else self._outlet(channel)
            for name, channel in loaded.channels.items()
        }
        return _Live(loaded, runtime_of(loaded, new.rules, fetcher), outlets, web)

    def _outlet(self, channel: Channel) -> Outlet:
        return outlet(channel, self._open_notifier(channel))

    async def _retire(self, old: _Live) -> None:
        """Close what the new state does not use, once nothing in flight does either."""
        for name, each in old.outlets.items():
            if self._live.outlets.get(name) is not each:
                await self._sender.idle(name)
                await each.notifier.close()
        if self._live.runtime.fetcher is not old.runtime.fetcher:
            await self._clock.sleep(old.loaded.config.settings.polling.deadline.total_seconds())
            await old.runtime.fetcher.close()

    async def _close_live(self, live: _Live) -> None:
        for task in list(self._tasks):
            task.cancel()
        await live.runtime.fetcher.close()
        for each in live.outlets.values():
            await each.notifier.close()

    # ------------------------------------------------------------------------------------------------------- small
    # things

    def _summary(self) -> str:
        loaded = self._live.loaded
        broken = f" (faults in rule files: {len(loaded.faults)})" if loaded.faults else ""
        return f"{len(loaded.live_rules)} rules{broken}, {len(loaded.channels)} channels, watching"

    def _observe(self, event: Event) -> None:
        if isinstance(event, FeedPolled | PageRead) and not self._slow.resting <= self._keeper.stopped:
            self._rest_slow_rules()
            self._spawn(self._keeper.remember(self._live.loaded.book))
        self._hubs.note(event)
        if self._desk.alert_of(event) is not None:
            self._spawn(self._desk.tell(event))
        for observer in self._observers:
            observer(event)


def _job(work: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """A stop cancels a job that runs, which APScheduler would log as an error, with a traceback."""

    async def run() -> None:
        with suppress(asyncio.CancelledError):
            await work()

    return run


def _prepared(loaded: Loaded, old: _Live) -> _Prepared:
    """Compile the rules of `loaded`, unless they are just the old ones."""
    live, before = loaded.live_rules, old.runtime.rules
    if len(live) == len(before.rules) and all(one is other for one, other in zip(live, before.rules, strict=True)):
        return _Prepared(loaded, before, Changes(added=0, changed=0, removed=0))
    return _Prepared(loaded, RuleSet.build(live, before.frequencies), changes(before.rules, live))


def _log_reload(old: Loaded, new: Loaded, feeds: FeedsChanged) -> None:
    log.info(
        "reloaded",
        rules=len(new.live_rules),
        feeds=f"+{feeds.added} -{feeds.removed} changed {feeds.changed}",
        channels=len(new.channels),
    )
    if old.config.store_url != new.config.store_url:
        log.warning("store.url changed; that takes a restart")
    if old.config.settings.polling.parsers != new.config.settings.polling.parsers:
        log.warning("polling.parsers changed; that takes a restart")
    if old.config.settings.stories != new.config.settings.stories:
        log.warning("stories changed; that takes a restart")
    if old.config.settings.web != new.config.settings.web:
        log.warning("web changed; that takes a restart")
    if old.config.settings.log != new.config.settings.log:
        log.warning("log changed; that takes a restart")
