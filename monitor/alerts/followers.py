"""What follows an alert: other outlets that report the story. Pure.

Each outlet is named once to those that the alert went to, by the way that it went. What comes within `followers_wait`
is one message, in the alert's thread where the channel has threads. A route may leave it to the digest, or to nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.alerts.excerpt import mark_title
from monitor.alerts.ids import made_id, new_delivery
from monitor.alerts.render import headline, joined
from monitor.alerts.routing import place_follower
from monitor.model import Alert, AlertId

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from monitor.alerts.routing import Routing
    from monitor.model import Entry, Feed, Hit, NewDelivery, SaidTo, Silence, Telling


def follower(
    entry: Entry,
    telling: Telling,
    first: Alert,
    *,
    hits: Sequence[Hit],
    feed: Feed,
    feed_title: str,
    outlets: int,
    now: datetime,
) -> Alert:
    """The reply to `first` that names the entry's outlet.

    Args:
        hits: Of the rule in the entry; empty where it does not match.
        outlets: How many tell the story, this one included.
    """
    return Alert(
        id=AlertId(made_id("also", first.rule, telling.story, telling.outlet.id)),
        rule=first.rule,
        rule_title=first.rule_title,
        severity=first.severity,
        feed=feed.name,
        feed_title=feed_title or feed.name,
        title=mark_title(entry, hits),
        excerpts=(),
        link=entry.link,
        author=entry.author,
        published_at=entry.published_at,
        seen_at=now,
        story=telling.story,
        kind="update",
        note=f"Also in {telling.outlet.name.removesuffix('.')}.",
        outlets=outlets,
        also_in=telling.outlet.name,
        about=joined(headline(first)),
    )


def replies(
    alert: Alert, to: Sequence[SaidTo], *, routing: Routing, silence: Silence | None, now: datetime
) -> Iterator[NewDelivery]:
    """The reply on its way to where the first word went, and never before it."""
    for each in to:
        if routing.channels and each.channel not in routing.channels:
            continue
        placed = place_follower(alert, routing.route(each.route), silence, now=now)
        if placed is not None:
            placing, due_at = placed
            yield new_delivery(alert, each.channel, due_at=max(due_at, each.due_at or due_at), placing=placing)
