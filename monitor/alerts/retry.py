"""When a delivery is tried again, and what an attempt makes of it.

The waits are those of Standard Webhooks 1.0.0 ("Deliverability and reliability"): at once, 5 s, 5 min, 30 min, 2 h,
5 h, 10 h, 14 h, 20 h, 24 h, and from there every 24 h **without end**. "Try later" never kills a delivery: one ends
unsent only when its receiver refuses it for good (it is kept as dead and can be replayed) or when a person drops it.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

from monitor.model import ChannelBroken, DeliveryState, Refused, Sent, Settlement, TryLater

if TYPE_CHECKING:
    from datetime import datetime

    from monitor.model import MessageClaim, SendResult

SCHEDULE = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""The wait before each attempt, counted from the one before it; the last is repeated."""

RETRY_AFTER_CAP = timedelta(hours=24)
"""A receiver's own wish counts up to here; a larger one is more often a mistake than a plan."""

BROKEN_FIRST = timedelta(minutes=5)
BROKEN_AGAIN = timedelta(hours=1)
"""A broken channel waits for a person; looking in on it hourly finds it mended without a command."""

JITTER = 0.2


def next_attempt(attempts: int, *, now: datetime, retry_after: timedelta | None, seed: str) -> datetime:
    """When to try a delivery again after `attempts` sends that failed.

    Args:
        attempts: Sends tried so far, the one that has just failed included; ≥ 0.
        now: Aware UTC, the end of that send.
        retry_after: The receiver's wish from `now`; the later of it (up to 24 h) and the schedule counts.
        seed: The delivery's id: it spreads deliveries by ±20 %, always the same way for the same delivery and attempt.
    """
    wait = _spread(SCHEDULE[min(attempts, len(SCHEDULE) - 1)], seed=seed, attempts=attempts)
    if retry_after is not None:
        wait = max(wait, min(retry_after, RETRY_AFTER_CAP))
    return now + wait


def settle(claim: MessageClaim, result: SendResult, *, now: datetime) -> tuple[Settlement, ...]:
    """What `result` makes of each delivery of the message: sent, dead, or pending until the next attempt.

    Where a message of several is refused, it may be for one of them: each is tried by itself.
    """
    attempts = 1 + max(delivery.attempts for delivery in claim.deliveries)
    seed = claim.message.id
    match result:
        case Sent():
            return _settlements(claim, DeliveryState.SENT, now, "")
        case Refused(detail=detail) if len(claim.deliveries) > 1:
            return _settlements(claim, DeliveryState.PENDING, now, detail, alone=True)
        case Refused(detail=detail):
            return _settlements(claim, DeliveryState.DEAD, now, detail)
        case TryLater(detail=detail, retry_after=retry_after):
            due_at = next_attempt(attempts, now=now, retry_after=retry_after, seed=seed)
            return _settlements(claim, DeliveryState.PENDING, due_at, detail)
        case ChannelBroken(detail=detail):
            return _settlements(claim, DeliveryState.PENDING, now, detail)


def next_look(failures: int, *, now: datetime, seed: str) -> datetime:
    """When a paused channel is tried again with one message; `failures`: how often it was found broken, ≥ 1."""
    return now + _spread(BROKEN_FIRST if failures == 1 else BROKEN_AGAIN, seed=seed, attempts=failures)


def _settlements(
    claim: MessageClaim, state: DeliveryState, due_at: datetime, error: str, *, alone: bool = False
) -> tuple[Settlement, ...]:
    return tuple(
        Settlement(delivery_id=each.id, token=claim.token, state=state, due_at=due_at, error=error, alone=alone)
        for each in claim.deliveries
    )


def _spread(wait: timedelta, *, seed: str, attempts: int) -> timedelta:
    """`wait` ±20 %: many deliveries that failed in one moment must not come back in one moment."""
    digest = hashlib.sha256(f"{seed}/{attempts}".encode()).digest()
    share = int.from_bytes(digest[:8], "big") / 2**64
    return wait * (1 - JITTER + 2 * JITTER * share)
