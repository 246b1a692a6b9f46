"""`news-monitor poll`: look now, once; beside a running daemon, or from cron instead of one."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer
from rich.text import Text

from monitor import log
from monitor.app import poll_once
from monitor.cli.common import (
    ConfigOption,
    ExitStatus,
    JsonOption,
    complain,
    loaded_with_store,
    pick_feeds,
    print_json,
    row,
    say,
    show,
    table,
)
from monitor.config import parse_duration
from monitor.errors import UsageError
from monitor.model import Sent
from monitor.service.events import DeliverySettled, Event, FeedPolled, Trouble


def poll(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="FEED", help="Names of feeds; none: all.", show_default=False)
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be stored and sent; change nothing.")
    ] = False,
    backfill: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help='Let entries published this recently alert as well, new feed or not: "24h".',
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Poll feeds now, due or not, and send what is due.

    Works beside a running daemon, or from cron instead of one. A feed is spared that asked to be left alone, or was
    polled within polling.min_interval; one that is gone is asked by its name only. Exit status 1 if a feed failed.
    """
    try:
        span = parse_duration(backfill) if backfill is not None else None
    except ValueError as error:
        raise UsageError(f"--backfill: {error}") from None
    events: list[Event] = []
    with loaded_with_store(config) as (loaded, store):
        log.configure(level="warning", format=loaded.config.settings.log.format, stream=sys.stderr)
        for fault in loaded.faults:
            complain(f"warning: {fault}")
        feeds = pick_feeds(store, names or ())
        if not names:
            feeds = tuple(feed for feed in feeds if feed.gone_at is None)
        if not feeds:
            raise UsageError(
                "there are no feeds; add [[feeds]] to config.toml or run `news-monitor feeds add NAME URL`"
            )
        failed = asyncio.run(poll_once(loaded, store, feeds, backfill=span, dry_run=dry_run, observer=events.append))
    polls = [event for event in events if isinstance(event, FeedPolled)]
    if json:
        print_json([_facts(event) for event in polls])
    else:
        _print(polls, dry_run=dry_run)
        for event in events:
            _print_other(event)
    if failed:
        raise typer.Exit(ExitStatus.FAILED)


def _facts(event: FeedPolled) -> dict[str, object]:
    return {
        "feed": event.feed.name,
        "result": event.kind,
        "baseline": event.baseline,
        "entries": event.entries,
        "new": event.fresh,
        "matches": event.matches,
        "alerts": event.alerts,
        "error": event.detail,
        "next_poll_at": event.next_poll_at,
        "seconds": round(event.seconds, 3),
    }


def _print(polls: list[FeedPolled], *, dry_run: bool) -> None:
    made = table("feed", "result", "entries", "new", "matches", "alerts", "")
    for event in sorted(polls, key=lambda event: event.feed.name):
        style = {"failed": "red", "lost": "red", "waits": "yellow"}.get(event.kind, "")
        result = Text(event.kind.replace("_", " "), style=style)
        note = event.detail or ("baseline: recorded, not sent" if event.baseline else "")
        row(made, event.feed.name, result, event.entries, event.fresh, event.matches, len(event.alerts), note)
    show(made)
    if dry_run:
        alerts = [alert for event in polls for alert in event.alerts]
        say(f"\ndry run: nothing was stored or sent; {len(alerts)} alerts would have been made")
        for alert in alerts:
            say(f"  {alert.rule} · {alert.feed} · {alert.title.text or alert.link}")


def _print_other(event: Event) -> None:
    if isinstance(event, Trouble):
        complain(f"error: {event.what}")
    elif isinstance(event, DeliverySettled) and not isinstance(event.result, Sent):
        complain(f"{event.channel}: {event.result.detail}")
