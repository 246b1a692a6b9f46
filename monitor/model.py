"""Every domain type, in the order in which an entry meets them. Read this file first.

All are frozen: a step of the flow takes some of them and returns others. Times end in `_at` and are aware UTC; spans
are `timedelta`. Outcomes are closed unions (`Fetched | NotModified | FetchFailed`), taken apart with `match`.

    claim  ─▶ HostClaim{Feed…}
    fetch  ─▶ Fetched | NotModified | FetchFailed
    parse  ─▶ Document{Item…} | ParseFailed
    clean  ─▶ Entry…
    match  ─▶ Match…
    plan   ─▶ PollOutcome{FeedUpdate, Entry…, Match…, Alert…, NewDelivery…}
    send   Message{Alert…} ─▶ Sent | TryLater | Refused | ChannelBroken
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, Literal, NewType

FeedId = NewType("FeedId", int)
HostId = NewType("HostId", int)
AlertId = NewType("AlertId", str)
DeliveryId = NewType("DeliveryId", str)
MessageId = NewType("MessageId", str)

FeedOrigin = Literal["config", "added"]

NEVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""When a feed that is gone for good is polled next."""


# ---------------------------------------------------------------------------------------------------------------- feeds


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSpec:
    """A feed as the user names it, in config.toml or with `feeds add`.

    Attributes:
        name: Unique; what rules, alerts and commands call it.
        url: http, https, or "sample:" for the bundled feed.
        tags: Lower-case labels that rules may name instead of feeds.
        interval: The wait between two polls when all goes well, > 0.
        origin: "config" feeds follow the file; "added" ones live in the store until they are removed by command.
    """

    name: str
    url: str
    tags: tuple[str, ...] = ()
    interval: timedelta
    origin: FeedOrigin = "config"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedHints:
    """What a document says about how it wants to be read.

    Attributes:
        ttl: RSS 2.0 `ttl`.
        period: The RDF Site Summary 1.0 Syndication module's updatePeriod divided by its updateFrequency.
        skip_hours: RSS 2.0 `skipHours`: 0 to 23, GMT.
        skip_days: RSS 2.0 `skipDays`: 0 is Monday.
        hub: Its WebSub hub (`rel="hub"`), absolute; "" where it names none.
        topic: Its own URL (`rel="self"`), absolute; "" where it names none.
    """

    ttl: timedelta | None = None
    period: timedelta | None = None
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[int, ...] = ()
    hub: str = ""
    topic: str = ""


NO_HINTS: Final = FeedHints()
"""Of a document that says nothing."""


IdKind = Literal["", "shared", "links", "titles"]
"""What tells a feed's entries apart. "": their ids (guid, else link); "shared": id, link and title together, because
different entries have the same id; "links" or "titles" (with the outlet), because the ids change at each poll.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What polls have learnt of a feed.

    Attributes:
        rhythm: The usual time between two new entries; None: not known yet.
        longest: The longest of late; what came long ago counts less and less.
        counted: How many entries went into these, at most 100.
        size: Entries in its last whole document.
        new_at: When the last new entry came, by its own date where the feed was read for the first time.
        stale_at: Since when it has been unusually silent; None: it is not.
        gap_at: When a poll last shared no entry with the one before; None: never, or long ago.
        haste: How often its interval is halved since, 0 to 5.
        moving_to: Where permanent redirects lead; "" where there are none.
        moving_since: The first poll that was led there.
        moving_polls: How many polls in a row were.
        ids: What tells its entries apart (see `IdKind`).
        shared_links: Addresses that several of its entries had at once, as `canonical_link` has them; at most three.
        reissues: How many documents in a row had new ids for most of the entries that were known.
        collisions: How many new articles came under the id of a stored one.
        marked: Whether all its stored entries can be found by their marks.
    """

    rhythm: timedelta | None = None
    longest: timedelta | None = None
    counted: int = 0
    size: int = 0
    new_at: datetime | None = None
    stale_at: datetime | None = None
    gap_at: datetime | None = None
    haste: int = 0
    moving_to: str = ""
    moving_since: datetime | None = None
    moving_polls: int = 0
    ids: IdKind = ""
    shared_links: tuple[str, ...] = ()
    reissues: int = 0
    collisions: int = 0
    marked: bool = False


NO_HABITS: Final = Habits()
"""Of a feed that was not polled yet."""


FeedEventKind = Literal["failing", "recovered", "gone", "moved", "gap", "stale", "speaks", "reissued", "ids"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEvent:
    """A turn in a feed's life; `detail` tells it in a line."""

    at: datetime
    kind: FeedEventKind
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A feed as the store knows it: what the user said, and what the polls have learnt.

    Attributes:
        host: The unit of politeness: host name, with the port where it is not the scheme's own.
        title: The feed's own title, from its last good document; "" before that.
        etag: The last `ETag`, byte for byte as the server sent it, or None.
        last_modified: The last `Last-Modified`, byte for byte, or None.
        body_hash: SHA-256 (hex) of the last body that was parsed and stored, or None.
        added_at: When the store first heard of it.
        baseline_at: When its first good document was stored silently; None: that is still to come.
        next_poll_at: Not to be polled before.
        polled_at: The last attempt, good or bad; None: never.
        ok_at: The last good attempt (a 304 is one); None: never.
        failures: Failed attempts since `ok_at`.
        status: The last HTTP status, or None where it came to none.
        error: Why the last attempt failed, in a line; "" when it was good.
        moved_url: Where it is polled since permanent redirects were confirmed, which may be `url` again; "": at `url`.
        hints: What its last good document says about how it wants to be read.
        habits: What polls have learnt of it.
        fresh_for: How long its last answer was said to stay fresh; None: it did not say.
        request_key: What else the validators depend on: those sent with another key are not to be used.
        full_at: When it was last asked without validators, or gave a whole body; None: never.
        not_before: The feed or its host asked for silence till then (Retry-After), even from a person; None: neither.
        gone_at: When it said that it is gone for good (410); None: it did not.
        reason: Why `next_poll_at` is when it is, in a line; "" where that was not noted.
        push_until: Until when its hub tells of news; None: it does not, or has not shown yet that it does.
    """

    id: FeedId
    host_id: HostId
    host: str
    name: str
    url: str
    tags: tuple[str, ...]
    interval: timedelta
    origin: FeedOrigin
    title: str
    etag: str | None
    last_modified: str | None
    body_hash: str | None
    added_at: datetime
    baseline_at: datetime | None
    next_poll_at: datetime
    polled_at: datetime | None
    ok_at: datetime | None
    failures: int
    status: int | None
    error: str
    moved_url: str = ""
    hints: FeedHints = NO_HINTS
    habits: Habits = NO_HABITS
    fresh_for: timedelta | None = None
    request_key: str = ""
    full_at: datetime | None = None
    not_before: datetime | None = None
    gone_at: datetime | None = None
    reason: str = ""
    push_until: datetime | None = None

    @property
    def address(self) -> str:
        """Where it is polled."""
        return self.moved_url or self.url


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedOptions:
    """How one feed is asked, beyond its URL and interval. From config.toml, never stored: it holds secrets.

    Attributes:
        min_interval: Not polled more often than this, whatever its rhythm.
        max_interval: Not polled less often than this because it is quiet; ≥ `min_interval`.
        user_agent: "": the service's own.
        headers: Sent besides our own, which they replace.
        username: With `password`, HTTP Basic (RFC 7617).
        token: Sent as "Authorization: Bearer …" (RFC 6750).
        proxy: URL of the proxy that this feed is asked through, with its login if it has one; "": none.
        http2: Whether HTTP/2 may be spoken.
        websub: Whether to subscribe at the hub that the feed names.
        full_text: Whether the pages that its entries link to are read as well.
        max_unvalidated: Like `max_interval`, for one that never answers 304 and so costs a whole body each time.
        heed_hints: Whether the wishes of its document (`ttl`, updatePeriod, skipHours, skipDays) are heeded.
    """

    min_interval: timedelta = timedelta(minutes=5)
    max_interval: timedelta = timedelta(hours=1)
    max_unvalidated: timedelta = timedelta(hours=24)
    heed_hints: bool = True
    user_agent: str = ""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    username: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    proxy: str = field(default="", repr=False)
    http2: bool = False
    websub: bool = False
    full_text: bool = False


NO_OPTIONS: Final = FeedOptions()
"""Of a feed about which nothing was said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to poll one host and to commit what was found, until `until`.

    Attributes:
        token: Unique to this claim. A commit whose token is no longer the host's changes nothing.
    """

    host_id: HostId
    token: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HostClaim:
    """A host, leased, with the feeds on it that are to be polled one after the other; never empty."""

    lease: Lease
    host: str
    feeds: tuple[Feed, ...]


class SubscriptionState(StrEnum):
    """Life of a subscription at a hub. WANTED and DENIED: the hub has, or wants, nothing of it."""

    WANTED = "wanted"
    PENDING = "pending"
    ACTIVE = "active"
    DENIED = "denied"
    UNSUBSCRIBING = "unsubscribing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A feed's subscription at its hub (W3C WebSub, section 5).

    Attributes:
        token: The last part of the address that the hub calls: random, and as secret as a password.
        feed: The feed's name.
        hub: Its hub's URL.
        topic: The URL that is subscribed to.
        callback: What comes before the token in the address that the hub calls, without a slash at its end.
        secret: What the hub signs with; "": nothing, because the hub speaks plain http.
        requested_at: When the hub was last asked; None: never.
        verified_at: When the hub last made sure that it was us who asked; None: never.
        lease_ends_at: Until when the hub keeps it; None like `verified_at`.
        renew_at: When the hub is asked next.
        pinged_at: When the hub last told of news; None: never.
        attempts: Requests since the last one that came to something.
        error: Why the last request came to nothing, in a line; "" where it did not.
    """

    token: str = field(repr=False)
    feed_id: FeedId
    feed: str
    hub: str
    topic: str
    callback: str
    secret: str = field(default="", repr=False)
    state: SubscriptionState = SubscriptionState.WANTED
    requested_at: datetime | None = None
    verified_at: datetime | None = None
    lease_ends_at: datetime | None = None
    renew_at: datetime
    pinged_at: datetime | None = None
    attempts: int = 0
    error: str = ""

    @property
    def address(self) -> str:
        """What the hub calls (`hub.callback`)."""
        return f"{self.callback}/{self.token}"


# ---------------------------------------------------------------------------------------------------------------- fetch


class FetchProblem(StrEnum):
    """Why a fetch came to nothing; `FetchFailed.detail` tells it in words. REFUSED: we do not dial that address."""

    DNS = "dns"
    REFUSED = "refused"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    HTTP = "http"
    REDIRECT = "redirect"
    TOO_LARGE = "too_large"
    PROTOCOL = "protocol"
    PARSE = "parse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A body came back.

    Attributes:
        url: Where it came from after redirects.
        body: Decoded from its Content-Encoding, not from its charset.
        content_type: The header as sent, or None.
        etag: Validators as sent, to be stored only together with the entries of this body.
        last_modified: Like `etag`.
        fresh_for: How long the answer stays fresh from now on, by Cache-Control and Age, else by Expires and Date
            (RFC 9111 section 4.2); None where it says nothing, 0 where it is stale already.
        moved_to: Where permanent redirects alone (301, 308) led from the feed's URL; "" where there were none.
        partial: Whether `body` holds only what is new (RFC 3229, 226 IM Used).
        hub: Where the answer's Link headers name a WebSub hub, its URL; "": they do not.
        topic: Like `hub`, the URL that the feed has by its own word (rel="self").
    """

    url: str
    status: int
    body: bytes
    content_type: str | None
    etag: str | None
    last_modified: str | None
    fresh_for: timedelta | None = None
    moved_to: str = ""
    partial: bool = False
    hub: str = ""
    topic: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotModified:
    """304: nothing new. A validator is None where the answer did not repeat it (keep the old one).

    Attributes:
        fresh_for: As in `Fetched`; None where the answer did not say (keep the old one, RFC 9111 section 4.3.4).
        moved_to: As in `Fetched`.
    """

    etag: str | None
    last_modified: str | None
    fresh_for: timedelta | None = None
    moved_to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchFailed:
    """No body.

    Attributes:
        detail: One line for a person: what happened and, where there is one, the way out.
        status: The HTTP status, where it came to one.
        retry_after: The server's own wish, from now; None where it has none.
    """

    problem: FetchProblem
    detail: str
    status: int | None = None
    retry_after: timedelta | None = None


FetchResult = Fetched | NotModified | FetchFailed


# ---------------------------------------------------------------------------------------------------------------- parse


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One item of a feed, as plain text.

    All texts are NFC, without markup, entities or control characters; "\\n" ends a paragraph or another block.
    Offsets in `Hit` and `Excerpt` count characters of exactly these strings.

    Attributes:
        key: Identity within its feed: 32 hex digits made from guid, else link, else title and text; `Habits.ids` tells
            of feeds whose keys are made otherwise. Decides newness, with `stories.identity` where it is a new one.
        guid: As the feed gives it, or "".
        link: Absolute http(s) URL of the article, or "".
        title: One line.
        summary: The short text, or "".
        content: The long text where the feed has one besides the summary, or "".
        author: Names as given, or "".
        categories: As given, in order.
        language: Lower-case BCP 47 tag of the entry or its feed, or "".
        published_at: None where missing or absurd; never decides newness.
        updated_at: Like `published_at`.
        content_hash: 32 hex digits over title, summary, content and the link's canonical form; another value means the
            entry was edited.
        page: The main text of the page that `link` leads to, or "" where it was not read. Part of neither hash.
        source: The outlet that an aggregator has it from (RSS and Atom `source`), by name; "" where none is named.
        source_url: Where that outlet is, as the feed says (RSS), not checked in any way; "" where it does not say, and
            of an entry that is stored.
        source_hash: 32 hex digits over the item as the feed has it, before cleaning; "" where it is not known. The same
            value means that nothing in it changed, not even markup.
    """

    key: str
    guid: str = ""
    link: str = ""
    title: str = ""
    summary: str = ""
    content: str = ""
    author: str = ""
    categories: tuple[str, ...] = ()
    language: str = ""
    published_at: datetime | None = None
    updated_at: datetime | None = None
    content_hash: str = ""
    page: str = ""
    source: str = ""
    source_url: str = field(default="", compare=False)
    source_hash: str = ""
    marks: tuple[int, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawText:
    """A text as a feed has it, and what the feed says it is.

    Attributes:
        kind: "html"; "plain": "<" is a character; "claimed": said to be plain, which is often not true.
    """

    value: str
    kind: Literal["html", "plain", "claimed"] = "html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item of a document before cleaning: identity is settled, the texts are hostile still.

    Attributes:
        key: As in `Entry`.
        source_hash: As in `Entry`; never empty.
        guid: As in `Entry`.
        link: As in `Entry`.
        texts: Every description, summary and content, in document order.
        authors: Names, in order.
        language: As in `Entry`.
        published: Where the date may stand, the best first; the first that is a date counts.
        updated: A date, or "".
        source: The name of the outlet that an aggregator has it from, or "".
        source_url: As in `Entry`.
        steady: Whether another link means that the item was edited; False in feeds whose links change at each poll.
    """

    key: str
    source_hash: str
    guid: str = ""
    link: str = ""
    title: RawText
    texts: tuple[RawText, ...] = ()
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    language: str = ""
    published: tuple[str, ...] = ()
    updated: str = ""
    source: str = ""
    source_url: str = ""
    steady: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A feed's document: its own title, link and language, and its items in document order, no key twice.

    Attributes:
        cut: Whether its end is missing: these are the items before the cut.
    """

    title: str
    link: str
    language: str
    items: tuple[Item, ...]
    hints: FeedHints = field(default_factory=FeedHints)
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ParseFailed:
    """The bytes are no feed; `detail` says in a line what they are instead, and the way out where there is one."""

    detail: str


ParseResult = Document | ParseFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """What items have become.

    Attributes:
        entries: One for each item, in the same order.
        rough: How many of them have a text that took too long to be read as HTML: its tags are just cut out, or, where
            even that took too long, it is missing.
    """

    entries: tuple[Entry, ...]
    rough: int = 0


# ---------------------------------------------------------------------------------------------------------------- rules


class Severity(StrEnum):
    """How much a rule's alerts matter, least first."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    CRITICAL = "critical"


OnEdit = Literal["nothing", "reply"]
"""What a rule does when an entry that it has spoken of is edited; "reply": it tells the difference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """When the matches of a rule make an alert; without any of this the first match of each story does.

    Attributes:
        min_outlets: A story is told once so many independent outlets have a match about it, ≥ 1.
        within: The time within which they must come together, > 0.
        escalate_at: Once so many outlets have a story that was told, it is told once more, as more severe; 0: never.
        count: It is told once so many matches, of whatever stories, come within `window`; 0: they are not counted.
        window: > 0 where there is a `count`.
        absent_for: It is told that there was no match for so long, and of matches nothing; None: it is not.
    """

    min_outlets: int = 1
    within: timedelta = timedelta(hours=24)
    escalate_at: int = 0
    count: int = 0
    window: timedelta = timedelta(0)
    absent_for: timedelta | None = None

    @property
    def counts(self) -> bool:
        """Whether matches are counted, whatever stories they are about."""
        return self.count > 0 or self.absent_for is not None

    @property
    def calm(self) -> int:
        """A spike is over when `window` holds fewer matches than this: half the count.

        Two thresholds, as in a Schmitt trigger: with one, a rate that stays at the count would alert at nearly every
        match.
        """
        return (self.count + 1) // 2


EACH_STORY: Final = Trigger()
"""Of a rule that says nothing about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a live rule says about its alerts.

    Attributes:
        channels: As in `Match`, like `file`.
    """

    channels: tuple[str, ...] = ()
    file: str = ""
    trigger: Trigger = EACH_STORY


TextField = Literal["title", "summary", "content", "page", "author"]


@dataclass(frozen=True, slots=True, order=True)
class Hit:
    """Where a term of the query stands: characters [start, end) of that field of the entry.

    Attributes:
        weight: How much it counts when an excerpt is chosen; 1 unless the query says "term^2".
    """

    field: TextField
    start: int
    end: int
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Passage:
    """Characters [start, end) of a field: whole sentences, without the blanks around them."""

    field: TextField
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A rule holds for an entry.

    Attributes:
        rule: The rule's name.
        title: The rule's title, for people.
        channels: The channels it names; empty: what the routes say.
        file: The path of the rule's file, as faults show it.
        hits: In order, not overlapping; may be empty (a rule on the feed or the URL alone).
        focus: The shortest run of sentences of one field that satisfies the query by itself (what it excludes aside);
            None where no single field does, or where there is no hit.
        trigger: When the rule's matches make an alert.
    """

    rule: str
    title: str
    severity: Severity
    channels: tuple[str, ...]
    entry: Entry
    hits: tuple[Hit, ...]
    focus: Passage | None = None
    file: str = ""
    trigger: Trigger = EACH_STORY


# -------------------------------------------------------------------------------------------------------------- stories


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """Who tells a story.

    Attributes:
        id: The same for all feeds and sites of one owner, as far as their names show it: "bbc" for bbc.co.uk and
            bbc.com.
        name: For people: "BBC News".
    """

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Which story a new entry tells, and why; written with the entry.

    Attributes:
        entry_key: The entry's key in the feed that was polled.
        member: The entry's number among all that were placed: 63 bits made of feed and key, known before it is stored.
        story: 32 hex digits; made from the entry that began the story.
        at: When it was decided; no two decisions of a process share it.
        score: How near it is to what the story has, 0 to 1; 0 where it begins the story.
        reasons: Why it was taken to tell the story, in words; empty likewise.
        like: The member that it resembles most; None likewise.
        clues: What is kept of it for comparing; b"": nothing is compared with it.
        baseline: It was there when its feed was first polled, and is recorded silently.
    """

    entry_key: str
    member: int
    story: str
    outlet: Outlet
    at: datetime
    score: float = 0.0
    reasons: tuple[str, ...] = ()
    like: int | None = None
    clues: bytes = b""
    baseline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """An entry's part in a story, for the planner.

    Attributes:
        story: The story's id.
        at: When it was placed; of an entry that was placed before, when this is asked.
        is_new: The entry joins the story now.
    """

    story: str
    outlet: Outlet
    at: datetime
    is_new: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMember:
    """What was decided of an entry, as every process takes it up; `number` rises in the order of the commits."""

    number: int
    member: int
    story: str
    at: datetime
    clues: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A person's word about stories: `member`, or all of `story` where that is None, tells the story `into`.

    Attributes:
        number: Rises in the order in which they were given.
    """

    number: int
    story: str
    into: str
    member: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryNews:
    """What has been written about stories since a number of each kind.

    Attributes:
        number: The last of the members' numbers.
        members: (number, member) of those with which entries are compared.
    """

    number: int
    members: tuple[tuple[int, int], ...] = ()
    corrections: tuple[Correction, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryMatch:
    """A rule that matched an entry of a story.

    Attributes:
        outlet: The id of the entry's outlet.
        at: When the entry came.
        baseline: As in `Placed`.
    """

    outlet: str
    at: datetime
    baseline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidTo:
    """Where an alert went: a channel, by a route (its name).

    Attributes:
        due_at: While it waits, not before then; None: it does not wait any more.
    """

    channel: str
    route: str
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """What a rule has said of a story.

    Attributes:
        alert: The first word.
        told: Ids of the outlets that it has named: of the alert's own entry, and of what followed.
        said: Ids of all its alerts on the story, replies included.
        to: Where the alert went and was not dropped or refused.
        written: The alert is in the store; False: it is planned, and may still come to nothing.
    """

    alert: Alert
    told: frozenset[str]
    said: frozenset[AlertId] = frozenset()
    to: tuple[SaidTo, ...] = ()
    written: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryView:
    """A story as it stands: all its members so far, what is decided and not written yet included.

    Attributes:
        outlets: Names of its outlets by their ids, in the order in which they came.
        matches: By the name of the rule, in the order in which the entries came.
        spoken: By the name of the rule; a rule that is not there has said nothing of the story.
    """

    id: str
    outlets: Mapping[str, str] = field(default_factory=dict)
    matches: Mapping[str, tuple[StoryMatch, ...]] = field(default_factory=dict)
    spoken: Mapping[str, Spoken] = field(default_factory=dict)


# ----------------------------------------------------------------------------------------------------------------- plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """A passage of whole sentences that holds hits.

    Attributes:
        text: One paragraph; "…" at an end that is not a sentence's own.
        marks: [start, end) of the hits in `text`, in order, not overlapping.
    """

    text: str
    marks: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What is said about one rule and one story, once, or as a reply to that. Rendering needs nothing else.

    Attributes:
        id: Made from the rule and the story (UUID 5), so the same thing said again is the same row.
        rule: The rule's name.
        rule_title: The rule's title, for people.
        feed: The feed's name.
        feed_title: The feed's own title, or its name.
        title: The entry's title with its marks; its text is "" for an entry without a title.
        excerpts: Passages of summary, content or page, in text order; may be empty (the hit is in the title).
        link: The article, or "".
        story: What the article tells, 32 hex digits; alerts that share it are about one story. "" for "ops".
        kind: "news"; "update": what came later about a story that has been told; "ops": the service's own word about
            itself, whose `feed` may be "".
        note: One sentence, plain text, on why it is said now or what is new: "Also in Reuters."; "" where there is
            nothing to add.
        outlets: How many outlets had told the story by then, this one's included; 0 where that is not known.
        also_in: Of an update that says no more than that another outlet has the story: its name; else "".
        about: Of such an update the headline of the alert that it follows; else "".
    """

    id: AlertId
    rule: str
    rule_title: str
    severity: Severity
    feed: str
    feed_title: str
    title: Excerpt
    excerpts: tuple[Excerpt, ...]
    link: str
    author: str
    published_at: datetime | None
    seen_at: datetime
    story: str = ""
    kind: Literal["news", "update", "ops"] = "news"
    note: str = ""
    outlets: int = 0
    also_in: str = ""
    about: str = ""


class HoldKind(StrEnum):
    """Why a delivery waits though nothing is wrong."""

    GROUP = "group"
    DIGEST = "digest"
    QUIET = "quiet"
    SILENCE = "silence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """How a delivery goes out.

    Attributes:
        route: The name of the route that took it; "": none did.
        group: Deliveries of a channel that share it go out as one message, when they are due together.
        hold: Why it waits; None: it does not.
        reason: The same in words, for people: "quiet hours until 07:00 Europe/London"; "" where it does not wait.
    """

    route: str = ""
    group: str = ""
    hold: HoldKind | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """An alert to be sent to one channel; `id` (UUID 5 of alert and channel) is its identity towards the receiver for
    ever.
    """

    id: DeliveryId
    alert_id: AlertId
    channel: str
    due_at: datetime
    placing: Placing = field(default_factory=Placing)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownEntry:
    """What the store already has of an entry.

    Attributes:
        content_hash: Of the stored version.
        alerted: Names of the rules that have an alert for it.
        matched: Names of the rules that matched it, baseline included.
        source_hash: Of the stored version; "" where it is not known.
        story: The story that it was placed in; "": it came before there were stories.
        id: The store's own number, rising with time.
    """

    content_hash: str
    alerted: frozenset[str]
    matched: frozenset[str]
    source_hash: str = ""
    story: str = ""
    id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kin:
    """A stored entry that may be one of a document's, under another key.

    Attributes:
        id: The store's own number, rising with time.
        marks: Those of the marks asked for that it has, or had in an earlier version.
    """

    id: int
    entry: Entry
    seen_at: datetime
    marks: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rekeyed:
    """A stored entry that has another id now.

    Attributes:
        key: The one that it is stored under.
        entry: As it is now, with its new key.
    """

    key: str
    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedUpdate:
    """The feed's new state after a poll; fields as in `Feed`, but that None leaves the last three as they are.

    Attributes:
        host_not_before: The whole host asked for silence till then; None: it did not.
    """

    feed_id: FeedId
    title: str
    etag: str | None
    last_modified: str | None
    body_hash: str | None
    baseline_at: datetime | None
    next_poll_at: datetime
    polled_at: datetime
    ok_at: datetime | None
    failures: int
    status: int | None
    error: str
    fresh_for: timedelta | None = None
    request_key: str = ""
    full_at: datetime | None = None
    not_before: datetime | None = None
    host_not_before: datetime | None = None
    gone_at: datetime | None = None
    reason: str = ""
    moved_url: str | None = None
    hints: FeedHints | None = None
    habits: Habits | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedMatch:
    """A match to be stored.

    Attributes:
        alert_id: None when it is recorded and not said (the baseline).
        counts_at: When its entry appeared, where its rule counts matches and this is one that counts; else None.
    """

    match: Match
    alert_id: AlertId | None
    counts_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedMatch:
    """A match of a rule that counts them.

    Attributes:
        feed_id: With `entry_key`, which entry it is of.
        counts_at: When that appeared, as far as polls can tell.
        matched_at: When it was stored; of one that is planned, when that was.
        alert_id: Of the spike that it began or was part of; None: there was none.
        feed: The feed's name.
        title: The entry's.
        written: It is in the store, and so is its alert; False: it is planned, and may still come to nothing.
    """

    feed_id: FeedId
    entry_key: str
    counts_at: datetime
    matched_at: datetime
    alert_id: AlertId | None
    feed: str
    title: str
    written: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedPage:
    """The page of a new entry, to be read; `url` is what the entry links to."""

    entry_key: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PollOutcome:
    """All that one poll changes, committed in one transaction or not at all.

    Attributes:
        lease: What gives the right to commit it.
        releases: True on the last feed of a claim: the host is free again after the commit.
        entries: New or edited ones only.
        matches: Of `entries`.
        touched: Entries in which nothing changed but their markup: their source hash is kept, no more.
        events: Turns in the feed's life.
        pages: Of `entries`; one that was wanted before stays as it is.
        placed: Which stories those of `entries` tell that had none; one that has one keeps it.
        origins: Keys of the entries that alerts are about, where no match says it.
        rekeyed: Stored entries that have another id now. They are written under it first of all.
        marked: Stored entries that could not be found by their marks so far, with these.
    """

    lease: Lease
    releases: bool
    update: FeedUpdate
    entries: tuple[Entry, ...] = ()
    matches: tuple[PlannedMatch, ...] = ()
    alerts: tuple[Alert, ...] = ()
    deliveries: tuple[NewDelivery, ...] = ()
    touched: tuple[Entry, ...] = ()
    events: tuple[FeedEvent, ...] = ()
    pages: tuple[WantedPage, ...] = ()
    placed: tuple[Placed, ...] = ()
    origins: Mapping[AlertId, str] = field(default_factory=dict)
    rekeyed: tuple[Rekeyed, ...] = ()
    marked: tuple[Entry, ...] = ()


# ---------------------------------------------------------------------------------------------------------------- pages


class PageState(StrEnum):
    """Life of a page: wanted until it is read (done) or given up (failed). Rows are kept."""

    WANTED = "wanted"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageClaim:
    """A page to be read, leased for one attempt.

    Attributes:
        entry_id: The store's number of the entry.
        entry: As stored.
        feed: The entry's; it may have been removed since.
        host: The unit of politeness, as in `Feed`.
        attempts: Attempts made so far, this one not counted.
        wanted_at: When the entry came.
        token: Fences the outcome like `Lease.token`.
    """

    entry_id: int
    entry: Entry
    feed: Feed
    url: str
    host: str
    attempts: int
    wanted_at: datetime
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageText:
    """The main text of a page, cleaned as an entry's is."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOutcome:
    """All that one attempt at a page changes, committed in one transaction or not at all.

    Attributes:
        entry_id: As in the claim, like `token`.
        feed_id: The entry's.
        state: DONE, FAILED, or WANTED to try again at `due_at`.
        error: Why it was not read, in a line; "" where it was.
        attempted: False when nothing was asked (a clean stop, a feed that wants no pages any more).
        host_until: No page of `host` is asked for before; None: no such wish.
        page: The text; "" where there is none.
        matches: Of the entry with its page.
        placed: The entry's story, where it had none.
    """

    entry_id: int
    feed_id: FeedId
    token: str
    state: PageState
    due_at: datetime
    error: str = ""
    attempted: bool = True
    host: str = ""
    host_until: datetime | None = None
    page: str = ""
    matches: tuple[PlannedMatch, ...] = ()
    alerts: tuple[Alert, ...] = ()
    deliveries: tuple[NewDelivery, ...] = ()
    placed: tuple[Placed, ...] = ()


# -------------------------------------------------------------------------------------------------------------- deliver


class DeliveryState(StrEnum):
    """Life of a delivery: pending until it is sent, refused for good (dead), or dropped by hand. Rows are kept."""

    PENDING = "pending"
    SENT = "sent"
    DEAD = "dead"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A row of the outbox with its alert.

    Attributes:
        attempts: Sends tried so far, this one not counted.
        due_at: Pending: not to be sent before (while claimed: when the claim lapses).
        error: Why the last attempt failed, in a line, secrets taken out; "" where none did.
        message_id: The message that it is or was part of; None until it was claimed for the first time.
    """

    id: DeliveryId
    alert: Alert
    channel: str
    state: DeliveryState
    attempts: int
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None
    error: str
    placing: Placing = field(default_factory=Placing)
    message_id: MessageId | None = None


MessageKind = Literal["alert", "group", "digest", "held"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What one send carries.

    Attributes:
        id: Its identity towards the receiver, the same at each attempt: the delivery's own where it carries one.
        kind: "alert": a single one; "group": several that came together; "digest": what a schedule collected; "held":
            what waited for the end of quiet hours or a silence.
        alerts: In the order in which they are told; never empty.
        reason: What the deliveries waited for, in words; "" where they did not.
        created_at: When the first of its deliveries was made.
        thread: What the receiver gave for the first message about this story (`Sent.ref`), or "".
    """

    id: MessageId
    kind: MessageKind
    alerts: tuple[Alert, ...]
    reason: str = ""
    created_at: datetime
    thread: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageClaim:
    """Pending deliveries that go out as one message, leased for one attempt.

    Attributes:
        deliveries: Of `message.alerts`, in that order.
        token: Fences the settlement like `Lease.token`.
    """

    message: Message
    deliveries: tuple[Delivery, ...]
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A pending delivery that may go out now, or with others that do; as in `Delivery`."""

    id: DeliveryId
    placing: Placing
    created_at: datetime
    due_at: datetime
    message_id: MessageId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """A group that was part of a message which went out a short while ago."""

    message_id: MessageId
    route: str
    group: str
    sent_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Deliveries that go out as one message now, in this order."""

    message_id: MessageId
    kind: MessageKind
    deliveries: tuple[DeliveryId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Postponed:
    """A delivery that waits until `due_at`, and why, in words."""

    delivery: DeliveryId
    due_at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is made of the deliveries that are due on a channel; those that are in neither stay as they are."""

    batches: tuple[Batch, ...] = ()
    postponed: tuple[Postponed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The receiver has it.

    Attributes:
        detail: What it answered, in a line.
        warning: What someone should look at all the same, such as one recipient of several refused; "": nothing.
        ref: What the receiver calls the message, for replies to it; "" where it has no such thing.
    """

    detail: str = ""
    warning: str = ""
    ref: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TryLater:
    """Not now: no connection, 429, 5xx, SMTP 4xx. `retry_after`: the receiver's own wish."""

    detail: str
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """This message will never be taken; others may be."""

    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelBroken:
    """No message will be taken until someone mends the channel's settings (401, 404, 535 …)."""

    detail: str


SendResult = Sent | TryLater | Refused | ChannelBroken


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What became of one claimed delivery.

    Attributes:
        state: SENT, DEAD, or PENDING to try again at `due_at`.
        attempted: False when nothing was sent (a clean stop): the attempt does not count.
        alone: The next attempt is a message of its own: the one with others was refused.
    """

    delivery_id: DeliveryId
    token: str
    state: DeliveryState
    due_at: datetime
    error: str = ""
    attempted: bool = True
    alone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A time in which what matches is held, by a person's wish. Every matcher that is given must fit.

    Attributes:
        id: The store's number.
        rule: A name or a glob over names of rules; "": any.
        feed: A name, a glob over names, or "tag:" and a tag; "": any.
        text: Letters that must stand in title or excerpts, whatever their case; "": any.
        author: Who wished it.
        ends_at: When what was held comes out, as one message; an early end is written here.
    """

    id: int
    rule: str = ""
    feed: str = ""
    text: str = ""
    starts_at: datetime
    ends_at: datetime
    author: str
    comment: str = ""
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPause:
    """A channel that takes no message until its settings are mended; one is tried now and then."""

    channel: str
    since: datetime
    reason: str
    next_try_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where an entry belongs among the stories of the last days, and why.

    Attributes:
        story: The story's name; the one that the caller offered where the entry begins one.
        begins: The entry is the first of its story, because nothing was like it enough.
        score: How sure it is, from 0 to 1; from one half on an entry joins. Where it begins a story: how near it came
            to the story that was most like it.
        like: The member that the entry resembles most, in that story, by the caller's number; None: nothing is like it.
        reasons: What they have in common, in words for people; where it begins a story, what was too little.
    """

    story: str
    begins: bool
    score: float = 0.0
    like: int | None = None
    reasons: tuple[str, ...] = ()


# -------------------------------------------------------------------------------------------------------------- reports


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelCounts:
    """One channel's part of the outbox.

    Attributes:
        oldest_pending_at: `created_at` of the oldest pending delivery, or None.
        sent_at: The last success, or None.
        error: Of the pending delivery that was tried last, or "".
        held: Pending ones that wait by a route's or a person's wish, and have not been tried.
        pause: Why it is paused, or None.
    """

    channel: str
    pending: int = 0
    sent: int = 0
    dead: int = 0
    dropped: int = 0
    oldest_pending_at: datetime | None = None
    sent_at: datetime | None = None
    error: str = ""
    held: int = 0
    pause: ChannelPause | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStatus:
    """The store in numbers, for `status`.

    Attributes:
        feeds: Active feeds.
        failing: Active feeds that fail, or are gone for good.
        silent: Those that answer, but have been unusually silent for long.
        waiting: Active feeds that have no baseline yet.
        due: Active feeds whose `next_poll_at` has passed.
        pushed: Active feeds whose hub tells of news.
    """

    feeds: int
    failing: int
    silent: int
    waiting: int
    due: int
    entries: int
    matches: int
    alerts: int
    polled_at: datetime | None
    channels: tuple[ChannelCounts, ...] = field(default=())
    pushed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedMatch:
    """A stored match as a report shows it; `alert_id` is None for one of the baseline."""

    rule: str
    feed: str
    title: str
    link: str
    published_at: datetime | None
    seen_at: datetime
    alert_id: AlertId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEntry:
    """An entry as the store has it, and where it came from.

    Attributes:
        id: The store's own number, rising with time.
        feed: The feed's name.
        feed_tags: The feed's tags as they are now.
    """

    id: int
    feed: str
    feed_tags: tuple[str, ...]
    entry: Entry
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPage:
    """What became of the page of an entry.

    Attributes:
        attempts: Made so far.
        due_at: WANTED: not before.
        done_at: When it was read or given up; None: neither yet.
        error: Why the last attempt failed; "" where none did.
    """

    url: str
    state: PageState
    attempts: int
    wanted_at: datetime
    due_at: datetime
    done_at: datetime | None
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageCounts:
    """The pages of a feed in numbers.

    Attributes:
        error: Of the page that was given up last; "" where none was.
        failed_at: When that was; None likewise.
    """

    wanted: int = 0
    done: int = 0
    failed: int = 0
    error: str = ""
    failed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryMatch:
    """A stored match of one entry, and what came of it.

    Attributes:
        alert_id: None: recorded and not said.
        alert_entry_id: The entry for which the alert was made: another one, where the story was known already. None
            where there is no alert.
        deliveries: Of the alert, by channel.
        counts_at: As in `PlannedMatch`.
    """

    rule: str
    matched_at: datetime
    alert_id: AlertId | None
    alert_entry_id: int | None
    deliveries: tuple[Delivery, ...] = ()
    counts_at: datetime | None = None


StoryOrder = Literal["recent", "outlets"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedStory:
    """A story in a list.

    Attributes:
        title: Of the entry that came first.
        first_at: When that one came.
        last_at: When the last one came.
        entries: How many tell it.
        outlets: Names, in the order in which they came.
        rules: Names of the rules that have alerted on it, in order.
    """

    id: str
    title: str
    first_at: datetime
    last_at: datetime
    entries: int
    outlets: tuple[str, ...]
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedMember:
    """An entry of a story, and why it is one.

    Attributes:
        feed: The feed's name.
        outlet: The outlet's name.
        at: When it was placed.
        score: As in `Placed`, like `reasons` and `baseline`.
        like: The number of the entry that it resembles most; None where it began the story, or where that one is in the
            story no more.
        rules: Names of the rules that matched it, in order.
    """

    entry_id: int
    story: str
    feed: str
    title: str
    link: str
    outlet: str
    published_at: datetime | None
    at: datetime
    score: float
    reasons: tuple[str, ...]
    like: int | None
    baseline: bool
    rules: tuple[str, ...]
