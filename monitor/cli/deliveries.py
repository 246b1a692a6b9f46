"""`news-monitor deliveries`: what became of every alert."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.text import Text

from monitor.cli.common import ConfigOption, JsonOption, ago, config_of, print_json, row, say, show, store_of, table
from monitor.clock import SystemClock
from monitor.errors import UsageError
from monitor.model import Delivery, DeliveryId, DeliveryState
from monitor.store.base import Store

app = typer.Typer(no_args_is_help=True, help="List deliveries, try them again, or give them up.")

IdsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="ID", help="Ids, or their first characters (≥ 4).", show_default=False),
]
ChannelOption = Annotated[str | None, typer.Option("--channel", help="All of this channel.", show_default=False)]
_STYLES = {DeliveryState.SENT: "green", DeliveryState.DEAD: "red", DeliveryState.DROPPED: "dim"}


@app.command("list")
def list_deliveries(
    state: Annotated[
        list[DeliveryState] | None, typer.Option(help="Only this state; may be repeated.", show_default=False)
    ] = None,
    channel: ChannelOption = None,
    held: Annotated[
        bool, typer.Option("--held", help="Only what waits by a route's or a silence's wish, and why.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most this many, newest first.")] = 50,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """List deliveries, newest first."""
    now = SystemClock().now()
    with store_of(config_of(config)) as store:
        found = store.deliveries(states=state or (), channel=channel, held=held, limit=limit)
    if json:
        print_json(found)
        return
    made = table("id", "state", "channel", "made", "tries", "rule", "headline", "")
    for delivery in found:
        row(
            made,
            delivery.id[:8],
            _state(delivery),
            delivery.channel,
            ago(delivery.created_at, now),
            delivery.attempts,
            delivery.alert.rule,
            delivery.alert.title.text,
            _why(delivery),
        )
    show(made)
    if not found:
        say("no deliveries")


def _state(delivery: Delivery) -> Text:
    if _is_held(delivery):
        return Text("held", style="cyan")
    return Text(delivery.state, style=_STYLES.get(delivery.state, ""))


def _why(delivery: Delivery) -> str:
    if delivery.state is DeliveryState.SENT:
        return ""
    return delivery.placing.reason if _is_held(delivery) else delivery.error


def _is_held(delivery: Delivery) -> bool:
    pending = delivery.state is DeliveryState.PENDING and delivery.message_id is None
    return pending and delivery.placing.hold is not None


@app.command("retry")
def retry(
    ids: IdsArgument = None, channel: ChannelOption = None, config: ConfigOption = None, json: JsonOption = False
) -> None:
    """Make deliveries due now: pending ones that wait, dead and dropped ones that should be tried after all."""
    with store_of(config_of(config)) as store:
        chosen = _chosen(store, ids, channel)
        count = store.retry_deliveries(ids=chosen, channel=channel, now=SystemClock().now())
    _told(count, "made due", json=json)


@app.command("drop")
def drop(
    ids: IdsArgument = None, channel: ChannelOption = None, config: ConfigOption = None, json: JsonOption = False
) -> None:
    """Give up unsent deliveries; their rows stay, marked as dropped."""
    with store_of(config_of(config)) as store:
        chosen = _chosen(store, ids, channel)
        count = store.drop_deliveries(ids=chosen, channel=channel, now=SystemClock().now())
    _told(count, "dropped", json=json)


def _chosen(store: Store, ids: Sequence[str] | None, channel: str | None) -> list[DeliveryId] | None:
    if bool(ids) == bool(channel):
        raise UsageError(
            "name deliveries by their ids, or a whole channel with --channel NAME (`deliveries list` shows them)"
        )
    return [_delivery(store, prefix).id for prefix in ids] if ids else None


def _delivery(store: Store, prefix: str) -> Delivery:
    found = store.delivery(prefix) if len(prefix) >= 4 else None
    if found is None:
        raise UsageError(f"{prefix!r} is not the beginning (4 characters or more) of just one delivery's id")
    return found


def _told(count: int, what: str, *, json: bool) -> None:
    if json:
        print_json({"count": count})
    else:
        say(f"{count} {'delivery' if count == 1 else 'deliveries'} {what}")
