"""What happened, for whoever watches: the log, the first-start view, the demo. Observers must be quick and never
raise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from monitor.model import Alert, Delivery, Feed, SendResult

PollKind = Literal["new", "same", "not_modified", "failed", "lost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPolled:
    """A poll was committed, or lost.

    Attributes:
        feed: As it was before the poll.
        kind: "new": a body was read; "same": a body known already; "not_modified": 304; "failed"; "lost": the lease
            was.
        baseline: This poll made the feed's silent baseline.
        entries: In the document.
        fresh: New or edited among them.
        matches: Of fresh entries, baseline included.
        alerts: What is going to be said (an alert that another feed raised already is counted, and not sent again).
        slow_rules: Rules whose regular expression took too long on an entry, and so were not tested on it.
        detail: Why it failed, in a line; "" otherwise.
        next_poll_at: When it is polled next.
        seconds: How long fetching, reading and matching took.
    """

    feed: Feed
    kind: PollKind
    baseline: bool = False
    entries: int = 0
    fresh: int = 0
    matches: int = 0
    alerts: tuple[Alert, ...] = ()
    slow_rules: tuple[str, ...] = ()
    detail: str = ""
    next_poll_at: datetime
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySettled:
    """One attempt to send ended. `retry_at`: when the next one is due, for a result that asks for one."""

    delivery: Delivery
    result: SendResult
    retry_at: datetime | None
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something the service itself could not do; `what` is a sentence."""

    what: str


Event = FeedPolled | DeliverySettled | Trouble
Observer = Callable[[Event], None]
