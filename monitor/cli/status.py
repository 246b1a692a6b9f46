"""`news-monitor status`: how things are, in a screen."""

from __future__ import annotations

from dataclasses import asdict

from monitor.cli.common import ConfigOption, JsonOption, ago, due, loaded_with_store, print_json, row, say, show, table
from monitor.clock import SystemClock
from monitor.store.open import describe_url
from monitor.store.running import running_daemon

_FAILING_SHOWN = 10


def status(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Show how things are, in a screen.

    Whether the daemon runs, what it watches and found, what waits to be sent, and what is wrong.
    """
    now = SystemClock().now()
    with loaded_with_store(config) as (loaded, store):
        counts = store.status(now=now)
        failing = store.feeds(failing=True)
    daemon = running_daemon(loaded.config.store_url)
    url = describe_url(loaded.config.store_url)
    if json:
        print_json(asdict(counts) | {"daemon_pid": daemon, "store": url, "rules": len(loaded.live_rules)})
        return
    sqlite = loaded.config.store_url.startswith("sqlite")
    made = table("", "")
    made.show_header = False
    row(
        made,
        "daemon",
        f"runs (process {daemon})" if daemon else "does not run" if sqlite else "not known",
    )
    row(made, "store", url)
    row(made, "rules", f"{len(loaded.live_rules)} live")
    row(
        made,
        "feeds",
        f"{counts.feeds}: {counts.failing} failing, {counts.waiting} without a baseline, {counts.due} due",
    )
    row(made, "last poll", ago(counts.polled_at, now))
    row(made, "entries", f"{counts.entries} seen, {counts.matches} matches, {counts.alerts} alerts")
    show(made)
    if counts.channels:
        say("")
        made = table("channel", "pending", "sent", "dead", "dropped", "oldest pending", "last sent", "")
        for item in counts.channels:
            unknown = "" if item.channel in loaded.channels else "not in config.toml"
            oldest = ago(item.oldest_pending_at, now) if item.oldest_pending_at else ""
            cells = (
                item.pending,
                item.sent,
                item.dead,
                item.dropped,
                oldest,
                ago(item.sent_at, now),
                item.error or unknown,
            )
            row(made, item.channel, *cells)
        show(made)
    if failing:
        say("\nfailing feeds")
        made = table("name", "last good", "next", "why")
        for feed in failing[:_FAILING_SHOWN]:
            row(made, feed.name, ago(feed.ok_at, now), due(feed.next_poll_at, now), feed.error)
        show(made)
        if len(failing) > _FAILING_SHOWN:
            say(f"… and {len(failing) - _FAILING_SHOWN} more: news-monitor feeds list --failing")
