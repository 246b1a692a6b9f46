"""`news-monitor feeds`: which feeds there are, and how they are doing.

Feeds of config.toml are changed there. Feeds that are added or imported here live in the store: a running daemon
takes them up by itself, and a list of 100,000 does not make the file unreadable.
"""

from __future__ import annotations

import calendar
import sys
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from monitor.app import load
from monitor.cli.common import (
    ConfigOption,
    JsonOption,
    ago,
    config_of,
    due,
    next_poll,
    pick_feeds,
    print_json,
    row,
    say,
    show,
    store_of,
    table,
)
from monitor.clock import SystemClock
from monitor.config import Config, FeedSettings, check_feed_url, format_duration, is_feed_name, parse_duration
from monitor.durations import in_words
from monitor.errors import ConfigError, MonitorError, UsageError
from monitor.fetch.habits import identity, silence, usual
from monitor.model import Feed, FeedSpec, PageCounts, Subscription
from monitor.parse.opml import OpmlFeed, feed_name, read_opml, write_opml
from monitor.store.base import Store
from monitor.urls import without_login

app = typer.Typer(no_args_is_help=True, help="List, add, remove, import and export feeds.")

_HISTORY = 20  # turns of a feed that are shown

TagsOption = Annotated[
    list[str] | None, typer.Option("--tag", "-t", help="A label for rules; may be repeated.", show_default=False)
]
IntervalOption = Annotated[
    str | None,
    typer.Option(help='Wait between two polls, such as "15m"; default polling.interval.', show_default=False),
]


@app.command("list")
def list_feeds(
    failing: Annotated[
        bool, typer.Option("--failing", help="Only feeds that fail, are gone, or are unusually silent.")
    ] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """List the feeds that are watched."""
    now = SystemClock().now()
    with store_of(config_of(config)) as store:
        feeds = store.feeds(failing=failing)
    if json:
        print_json(feeds)
        return
    made = table("name", "tags", "last poll", "next", "state")
    for feed in feeds:
        row(
            made, feed.name, " ".join(feed.tags), ago(feed.polled_at, now), due(next_poll(feed), now), _state(feed, now)
        )
    show(made)
    if not feeds:
        say(
            "no feeds are failing"
            if failing
            else "no feeds; add [[feeds]] to config.toml or run `news-monitor feeds add`"
        )


def _state(feed: Feed, now: datetime) -> Text:
    if feed.error:
        times = f" ({feed.failures} times)" if feed.failures > 1 and feed.gone_at is None else ""
        return Text(feed.error + times, style="red")
    if feed.habits.stale_at is not None:
        return Text(f"silent: {silence(feed.habits, now=now)}", style="yellow")
    return Text("ok" if feed.ok_at else "not polled yet", style="green" if feed.ok_at else "")


@app.command("show")
def show_feed(name: str, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Show all that is known of one feed."""
    now, settings = SystemClock().now(), config_of(config)
    with store_of(settings) as store:
        (feed,) = pick_feeds(store, [name])
        events = store.feed_events(feed.id, limit=_HISTORY)
        pages = store.page_counts(feed.id)
        subscriptions = store.subscriptions(feed_ids=[feed.id])
    if json:
        more = {"history": events, "pages": pages, "websub": [_public(one) for one in subscriptions]}
        print_json(asdict(feed) | more)
        return
    made = table("", "")
    made.show_header = False
    facts = {
        "name": feed.name,
        "title": feed.title or "not known yet",
        "url": without_login(feed.url),
        "polled at": without_login(feed.address) if feed.address != feed.url else "",
        "tags": ", ".join(feed.tags) or "none",
        "from": "config.toml" if feed.origin == "config" else "feeds add",
        "interval": format_duration(feed.interval),
        "state": _state(feed, now),
        "HTTP status": feed.status or "none",
        "last poll": ago(feed.polled_at, now),
        "last good poll": ago(feed.ok_at, now),
        "next poll": f"{due(next_poll(feed), now)}{f': {feed.reason}' if feed.reason else ''}",
        "rhythm": _rhythm(feed, now),
        "it asks for": _wishes(feed),
        "ids": identity(feed.habits),
        "hub": "\n".join(_hub(one, now) for one in subscriptions) or _no_hub(feed, settings),
        "baseline": ago(feed.baseline_at, now) if feed.baseline_at else "not made yet: its first entries stay silent",
        "ETag": feed.etag or "none",
        "Last-Modified": feed.last_modified or "none",
        "pages": _pages(pages, wanted=settings.options_of(feed.name).full_text, now=now),
    }
    for label, value in facts.items():
        if value:
            row(made, label, value)
    show(made)
    if events:
        say("")
        history = table("when", "what", "")
        for event in events:
            row(history, f"{event.at:%d %b %H:%M}", event.kind, event.detail)
        show(history)


def _rhythm(feed: Feed, now: datetime) -> str:
    habits = feed.habits
    if habits.rhythm is None or habits.new_at is None:
        return "not known yet"
    missed = f"; entries may have been missed {ago(habits.gap_at, now)}" if habits.gap_at is not None else ""
    return f"usually {usual(habits.rhythm)}, the last one {ago(habits.new_at, now)}{missed}"


def _hub(one: Subscription, now: datetime) -> str:
    """A subscription in a line, without the address that the hub calls: who knows that may call it too."""
    facts = [one.state.value]
    if one.lease_ends_at is not None:
        facts.append(f"lease until {one.lease_ends_at:%d %b %H:%M} UTC")
    facts.append(f"last ping {ago(one.pinged_at, now)}")
    if one.error:
        facts.append(f"{one.error}; asked again {due(one.renew_at, now)}")
    return f"{one.hub}: {', '.join(facts)}"


def _no_hub(feed: Feed, config: Config) -> str:
    """Why there is no subscription; "" where nobody expects one."""
    wanted = config.feed_options().get(feed.name, config.default_options).websub
    if feed.hints.hub:
        return f"{feed.hints.hub}: {'not asked yet; the daemon does that' if wanted else 'not used (websub = false)'}"
    return "websub is on, but the feed names no hub" if wanted and feed.ok_at is not None else ""


def _public(one: Subscription) -> dict[str, object]:
    """All of a subscription but what only the hub and we may know."""
    return {name: value for name, value in asdict(one).items() if name not in ("token", "secret", "feed_id")}


def _wishes(feed: Feed) -> str:
    """What its server and document say about how it wants to be read; "" where they say nothing."""
    hints = feed.hints
    hours = ", ".join(map(str, hints.skip_hours))
    days = ", ".join(calendar.day_abbr[day] for day in hints.skip_days)
    wishes = (
        f"{in_words(feed.fresh_for)} (Cache-Control or Expires)" if feed.fresh_for else "",
        f"{in_words(hints.ttl)} (ttl)" if hints.ttl is not None else "",
        f"{in_words(hints.period)} (updatePeriod)" if hints.period is not None else "",
        f"not in the hours {hours} GMT" if hours else "",
        f"not on {days}" if days else "",
        f"news by the hub {hints.hub}" if hints.hub else "",
    )
    return ", ".join(wish for wish in wishes if wish)


def _pages(pages: PageCounts, *, wanted: bool, now: datetime) -> str:
    """How the pages of its entries do, and why the last one was given up."""
    if not wanted and pages == PageCounts():
        return "not read (full_text is off)"
    told = f"{pages.done} read, {pages.wanted} waiting, {pages.failed} not read"
    return f"{told}; the last {ago(pages.failed_at, now)}: {pages.error}" if pages.failed else told


@app.command("add")
def add(
    name: str,
    url: str,
    tag: TagsOption = None,
    interval: IntervalOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Watch a feed, from the next tick of a running daemon on. Its present entries are a silent baseline."""
    settings = config_of(config)
    spec = _spec(settings, name=name, url=url, tags=tuple(tag or ()), interval=interval)
    with store_of(settings) as store:
        for feed in store.feeds():
            if feed.name == name or feed.url == url:
                where = (
                    "config.toml has it"
                    if feed.origin == "config"
                    else f"`news-monitor feeds remove {feed.name}` frees it"
                )
                raise UsageError(
                    f"there is a feed {feed.name!r} with this {'name' if feed.name == name else 'URL'}; {where}"
                )
        changed = store.add_feeds([spec], now=SystemClock().now())
    if json:
        print_json(changed)
    else:
        say(f"added {name}: polled every {format_duration(spec.interval)}; what it holds now stays silent")


def _spec(config: Config, *, name: str, url: str, tags: tuple[str, ...], interval: str | None) -> FeedSpec:
    """A feed from the command line, held to the same rules as one of config.toml."""
    polling = config.settings.polling
    try:
        checked = FeedSettings.model_validate({"name": name, "url": url, "tags": tags})
        span = parse_duration(interval) if interval is not None else polling.interval
    except ValueError as error:
        errors = getattr(error, "errors", None)
        reasons = (
            "; ".join(f"{item['loc'][0]}: {item['msg'].removeprefix('Value error, ')}" for item in errors())
            if errors
            else str(error)
        )
        raise UsageError(reasons) from None
    if span < polling.min_interval and not url.startswith("sample:"):
        raise UsageError(
            f"--interval {interval} is shorter than polling.min_interval ({format_duration(polling.min_interval)})"
        )
    return FeedSpec(name=checked.name, url=checked.url, tags=checked.tags, interval=span, origin="added")


@app.command("remove")
def remove(
    name: str,
    force: Annotated[bool, typer.Option("--force", help="Even if a rule names it.")] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Stop watching a feed that was added by command; its entries are kept."""
    settings = config_of(config)
    with store_of(settings) as store:
        (feed,) = pick_feeds(store, [name])
        if feed.origin == "config":
            place = settings.file.locate("feeds", [spec.name for spec in settings.settings.feeds].index(name))
            raise UsageError(
                f"{name!r} is named in {settings.file.path}{f':{place.line}' if place else ''}; delete its lines there"
            )
        if not force:
            _refuse_if_named(settings, store, name)
        store.remove_feed(name, now=SystemClock().now())
    if json:
        print_json({"removed": name})
    else:
        say(f"removed {name}")


def _refuse_if_named(config: Config, store: Store, name: str) -> None:
    """A rule that names a feed which does not exist is a fault, and would stop the next start of the daemon."""
    left = store.feed_tags(origin="added")
    left.pop(name, None)
    try:
        load(Path(config.file.path), added_feeds=lambda _config: left)
    except ConfigError as error:
        first = str(error.faults[0])
        raise UsageError(f"without it the rules do not hold (change them first, or use --force):\n{first}") from None


@app.command("import")
def import_feeds(
    file: Annotated[Path, typer.Argument(help="An OPML file, or - for standard input.")],
    tag: TagsOption = None,
    interval: IntervalOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Add all feeds of an OPML file; its folders become tags. Feeds that are there already are left alone."""
    settings = config_of(config)
    outlines = read_opml(_read(file))
    with store_of(settings) as store:
        specs, refused = _specs(settings, outlines, store, tags=tuple(tag or ()), interval=interval)
        progress = Progress(
            TextColumn("importing"), BarColumn(), MofNCompleteColumn(), console=Console(file=sys.stderr), transient=True
        )
        with progress:
            bar = progress.add_task("", total=len(specs))
            changed = store.add_feeds(
                specs, now=SystemClock().now(), progress=lambda done: progress.update(bar, completed=done)
            )
    if json:
        print_json({"added": changed.added, "changed": changed.changed, "same": changed.same, "refused": refused})
        return
    for url, reason in refused.items():
        say(f"left out {url}: {reason}")
    say(
        f"{changed.added} feeds added, {changed.changed} changed, {changed.same} there already, {len(refused)} left out"
    )


def _read(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from None


def _specs(
    config: Config, outlines: tuple[OpmlFeed, ...], store: Store, *, tags: tuple[str, ...], interval: str | None
) -> tuple[list[FeedSpec], dict[str, str]]:
    """Specs for outlines, with names that nobody has; and the URLs that cannot be polled, with the reason."""
    existing = {feed.url: feed.name for feed in store.feeds()}
    taken, specs, refused = set(existing.values()), list[FeedSpec](), dict[str, str]()
    default = config.settings.polling.interval
    for outline in outlines:
        try:
            check_feed_url(outline.url)
        except ValueError as error:
            refused[outline.url] = str(error)
            continue
        name = existing.get(outline.url) or _name(outline, taken)
        taken.add(name)
        span = parse_duration(interval) if interval is not None else outline.interval or default
        specs.append(
            FeedSpec(
                name=name,
                url=outline.url,
                tags=tuple(dict.fromkeys((*outline.tags, *tags))),
                interval=max(span, config.settings.polling.min_interval, timedelta(seconds=1)),
                origin="added",
            )
        )
    return specs, refused


def _name(outline: OpmlFeed, taken: set[str]) -> str:
    """The name that an export of ours gave it, else one made from its title or URL; nobody else's in any case."""
    if outline.name and outline.name not in taken and is_feed_name(outline.name):
        return outline.name
    return feed_name(outline.title or outline.url, taken)


@app.command("export")
def export(
    file: Annotated[
        Path | None, typer.Argument(help="Where to write; default standard output.", show_default=False)
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Write all feeds as OPML 2.0."""
    with store_of(config_of(config)) as store:
        specs = [
            FeedSpec(name=feed.name, url=feed.url, tags=feed.tags, interval=feed.interval, origin=feed.origin)
            for feed in store.feeds()
        ]
    data = write_opml(specs, title="news-monitor feeds", now=SystemClock().now())
    if file is None:
        sys.stdout.buffer.write(data)
        return
    try:
        file.write_bytes(data)
    except OSError as error:
        raise MonitorError(f"cannot write {file}: {error.strerror}") from None
    say(f"wrote {len(specs)} feeds to {file}")
