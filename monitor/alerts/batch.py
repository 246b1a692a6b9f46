"""Which deliveries of a channel go out now, and which of them together. Pure.

- What was tried before goes again as it went: the same deliveries under the same id.
- Deliveries of one group are one message. The first one that is due takes those with it that still wait for it.
- A group speaks once in `group_interval`. A route gives a channel `burst` messages in that time, then one with all that
  came in the meantime; and where more than that come at once, they are one message from the start.
- What a digest, quiet hours or a silence held comes out as one message for each moment, whatever the pace.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

from monitor.alerts.ids import made_id
from monitor.model import Batch, Choice, HoldKind, MessageId, Postponed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from monitor.alerts.routing import Route
    from monitor.model import DeliveryId, Due, MessageKind, Recent

MAX_IN_MESSAGE = 200
"""Alerts; more are several messages."""

_KINDS: dict[HoldKind | None, MessageKind] = {
    HoldKind.DIGEST: "digest",
    HoldKind.QUIET: "held",
    HoldKind.SILENCE: "held",
}


def choose(due: Sequence[Due], recent: Iterable[Recent], *, route: Callable[[str], Route], now: datetime) -> Choice:
    """Make messages of the deliveries of one channel.

    Args:
        due: Pending, in the order in which they are due; those that wait for their group may be due later.
        recent: Messages that went out within the longest `group_interval`.
        route: The route of a name.
    """
    again = [each for each in due if each.message_id is not None and each.due_at <= now]
    batches = list(_tried(again))
    postponed: list[Postponed] = []
    sent = list(recent)
    for name, deliveries in _by_route(each for each in due if each.message_id is None).items():
        of_route = [each for each in sent if each.route == name]
        made, later = _of_route(deliveries, of_route, route(name), now)
        batches += made
        postponed += later
    order = {each.id: number for number, each in enumerate(due)}
    batches.sort(key=lambda batch: min(order[each] for each in batch.deliveries))
    return Choice(batches=tuple(batches), postponed=tuple(postponed))


def _by_route(deliveries: Iterable[Due]) -> dict[str, list[Due]]:
    found: dict[str, list[Due]] = defaultdict(list)
    for each in deliveries:
        found[each.placing.route].append(each)
    return found


def _tried(again: Iterable[Due]) -> Iterable[Batch]:
    messages: dict[MessageId, list[Due]] = defaultdict(list)
    for each in again:
        if each.message_id is not None:
            messages[each.message_id].append(each)
    for message_id, members in messages.items():
        ordered = sorted(members, key=lambda each: (each.created_at, each.id))
        yield Batch(message_id=message_id, kind=_kind(ordered), deliveries=tuple(each.id for each in ordered))


def _of_route(
    deliveries: Sequence[Due], sent: Sequence[Recent], route: Route, now: datetime
) -> tuple[list[Batch], list[Postponed]]:
    groups: dict[str, list[Due]] = defaultdict(list)
    for each in deliveries:
        groups[each.placing.group or each.id].append(each)
    ready = {key: members for key, members in groups.items() if any(each.due_at <= now for each in members)}
    free = [key for key, members in ready.items() if members[0].placing.hold in _KINDS]
    batches = [batch for key in free for batch in _batches(ready.pop(key))]
    postponed: list[Postponed] = []
    for key in list(ready):
        wait = _until_group_may(key, sent, route, now)
        if wait is not None:
            postponed += _postponed(ready.pop(key), wait, "its group spoke just now", now)
    room = route.burst - len({each.message_id for each in sent})
    if len(ready) <= room:
        return [*batches, *(batch for members in ready.values() for batch in _batches(members))], postponed
    together = sorted((each for members in ready.values() for each in members), key=lambda each: each.created_at)
    if room > 0:
        return [*batches, *_batches(together)], postponed
    until = max(min(each.sent_at for each in sent) + route.group_interval, now + timedelta(seconds=1))
    reason = f"more than {route.burst} messages came within {route.group_interval.total_seconds():g} s"
    return batches, [*postponed, *_postponed(together, until, reason, now)]


def _until_group_may(key: str, sent: Sequence[Recent], route: Route, now: datetime) -> datetime | None:
    """When a group may speak again; None: now."""
    last = max((each.sent_at for each in sent if each.group == key), default=None)
    if last is None or last + route.group_interval <= now:
        return None
    return last + route.group_interval


def _postponed(members: Iterable[Due], until: datetime, reason: str, now: datetime) -> list[Postponed]:
    return [Postponed(delivery=each.id, due_at=until, reason=reason) for each in members if each.due_at <= now]


def _batches(members: Sequence[Due]) -> Iterable[Batch]:
    """One message, or several where it would be too long."""
    for start in range(0, len(members), MAX_IN_MESSAGE):
        part = members[start : start + MAX_IN_MESSAGE]
        ids = tuple(each.id for each in part)
        yield Batch(message_id=message_id(ids), kind=_kind(part), deliveries=ids)


def _kind(members: Sequence[Due]) -> MessageKind:
    return _KINDS.get(members[0].placing.hold, "group" if len(members) > 1 else "alert")


def message_id(deliveries: Sequence[DeliveryId]) -> MessageId:
    """The delivery's own id where it is alone; else one made of all of them (UUID 5)."""
    if len(deliveries) == 1:
        return MessageId(deliveries[0])
    return MessageId(made_id("message", *sorted(deliveries)))
