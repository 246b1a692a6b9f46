"""What happened, for whoever watches: the log, the first-start view, the demo. Observers must be quick and never
raise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from monitor.errors import Fault
from monitor.model import Alert, ChannelPause, Entry, Feed, FeedEvent, Message, SendResult

PollKind = Literal["new", "same", "not_modified", "failed", "lost", "waits"]
PageKind = Literal["read", "later", "failed", "lost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPolled:
    """A poll was committed, or lost.

    Attributes:
        feed: As it was before the poll.
        kind: "new": a body was read; "same": a body known already; "not_modified": 304; "failed"; "lost": the lease
            was; "waits": the publisher is spared it, `detail` says why.
        baseline: This poll made the feed's silent baseline.
        entries: In the document.
        fresh: New or edited among them.
        rough: Those of which a text was too costly to be read as HTML, so that its words count and its markup does not.
        matches: Of fresh entries, baseline included.
        alerts: What is going to be said (an alert that another feed raised already is counted, and not sent again).
        slow_rules: Rules whose regular expression took too long on an entry, and so were not tested on it.
        events: Turns in its life.
        detail: Why it failed, in a line; "" otherwise.
        next_poll_at: When it is polled next.
        seconds: How long fetching, reading and matching took.
    """

    feed: Feed
    kind: PollKind
    baseline: bool = False
    entries: int = 0
    fresh: int = 0
    rough: int = 0
    matches: int = 0
    alerts: tuple[Alert, ...] = ()
    slow_rules: tuple[str, ...] = ()
    events: tuple[FeedEvent, ...] = ()
    detail: str = ""
    next_poll_at: datetime
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRead:
    """An attempt to read the page of an entry ended.

    Attributes:
        entry: As the feed gave it.
        kind: "read"; "later": it is tried again at `retry_at`; "failed": it is not; "lost": the lease was.
        characters: Of the page's text.
        matches: Of the entry with its page, those that were there before included.
        alerts: What the page has brought.
        slow_rules: As in `FeedPolled`.
        detail: Why it was not read, in a line; "" otherwise.
        is_news: It is the first time in this process that a page of this host fails for this reason.
        seconds: How long it took, with the wait for its turn.
    """

    feed: Feed
    entry: Entry
    url: str
    kind: PageKind
    characters: int = 0
    matches: int = 0
    alerts: tuple[Alert, ...] = ()
    slow_rules: tuple[str, ...] = ()
    detail: str = ""
    is_news: bool = False
    retry_at: datetime | None = None
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySettled:
    """One attempt to send ended.

    Attributes:
        attempts: How many there were for this message, this one included.
        retry_at: When the next one is due, for a result that asks for one.
        at: When it ended.
    """

    channel: str
    message: Message
    result: SendResult
    attempts: int
    retry_at: datetime | None
    at: datetime
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPaused:
    """A channel was found broken: it keeps its messages, and takes none until it is mended."""

    pause: ChannelPause


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelResumed:
    """A channel that was paused `since` then has taken a message again."""

    channel: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something the service itself could not do; `what` is a sentence."""

    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesReloaded:
    """Other rules are live than before.

    Attributes:
        added: How many live rules are new; `changed`, `removed` likewise.
        live: How many there are now.
    """

    added: int
    changed: int
    removed: int
    live: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFileBroken:
    """A rule file, or the folder of them, has faults that it did not have before. Said once for each fault.

    Attributes:
        path: The file or folder.
        faults: The new ones, in file order.
        last_good: Whether its last good version goes on in its place; else those of its rules that are right do.
        rules: How many of its rules are live, whichever version they are from.
        since: When it broke.
    """

    path: str
    faults: tuple[Fault, ...]
    last_good: bool
    rules: int
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFileRecovered:
    """A rule file that was broken `since` then is used as it is again, or has gone."""

    path: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFileSuspicious:
    """A rule file that was read anew has something in it that is allowed and looks wrong."""

    path: str
    warnings: tuple[Fault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleStopped:
    """A rule is not tested any more, until its file changes or the daemon starts again: its regular expressions are too
    slow.
    """

    rule: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSilent:
    """Nothing has matched a rule for silence since a moment, and it is told."""

    rule: str
    since: datetime


ChangeKind = Literal["subscribed", "renewed", "denied", "unanswered", "ended"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionChanged:
    """What became of a feed's subscription at its hub.

    Attributes:
        kind: "subscribed", "renewed": verified by the hub; "denied": it said no; "unanswered": it could not be asked;
            "ended": it is forgotten.
        detail: Why, in a line, for the last three.
        until: The end of the lease; for one that came to nothing, when the hub is asked again.
    """

    feed: str
    hub: str
    kind: ChangeKind
    detail: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """A hub told of news; the feed is polled at `due_at`."""

    feed: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PushIgnored:
    """Somebody who is not the hub, or has the wrong secret, told of news; the `count`-th time since the start."""

    feed: str
    why: str
    count: int


Event = (
    FeedPolled
    | PageRead
    | DeliverySettled
    | ChannelPaused
    | ChannelResumed
    | Trouble
    | RulesReloaded
    | RuleFileBroken
    | RuleFileRecovered
    | RuleFileSuspicious
    | RuleStopped
    | RuleSilent
    | SubscriptionChanged
    | Pushed
    | PushIgnored
)
Observer = Callable[[Event], None]
