"""What a store promises, in prose. `tests/contract/test_store.py` holds SQLite and PostgreSQL to every sentence of it.

**Calls** block and may be made from any thread; each is one transaction or one read, never more, and nothing outside
the database happens inside one. On SQLite all writes of all processes go through one gate (a file lock around
`BEGIN IMMEDIATE` … `COMMIT` and every checkpoint), so a command line beside the daemon never meets "database is
locked" and the WAL-reset bug of SQLite < 3.51.3 has nothing to bite on. On PostgreSQL any number of daemons may share
a store.

**Hosts are claimed, not feeds.** A claim gives its holder one host, and some feeds on it, until the lease ends. While
a lease lives nobody else is given that host. The claim moves the host's `due_at` to the end of the lease, so a holder
that dies gives it back by doing nothing.

**Commits are fenced.** `commit_polls` writes an outcome only while the host still carries the outcome's lease token. An
outcome that comes too late changes nothing at all, neither entries nor alerts nor validators, and is reported as
refused.

**All of a poll or none of it.** Feed state, validators, entries, matches, alerts and deliveries of an outcome become
visible together. A batch is one transaction: it becomes durable as a whole (SQLite: WAL with `synchronous=FULL`).

**Said once.** `Alert.id` and `NewDelivery.id` are made from what they mean, so an alert or a delivery that exists
already is left as it is, sent or not. So are a match's alert, and the moment at which it counts.

**Deliveries are claimed with a lease as well**, those that make one message together. A claimed delivery is given to
nobody else until the lease ends; it is settled by its token, and a settlement that comes too late changes nothing. The
id of the message is written with the claim: what is tried again goes out as it went, under the same id. Nothing ever
removes a delivery that was not sent, save `drop_deliveries`, which keeps the row and says so in its state.

**Pages are claimed one a host.** The pages that new entries link to are rows that a poll writes with its entries. While
one of a host is leased, no other of that host is given to anybody; what an attempt found is committed by its token.

**Placings are numbered.** What polls decide about stories becomes visible in the order of its numbers (on PostgreSQL a
lock at the end of the transaction sees to it), so a process that asks for all since a number misses nothing.

**Order.** Claims come in the order in which they are due, the longest waiting first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime, timedelta

    from monitor.model import (
        Alert,
        AlertId,
        ChannelPause,
        Choice,
        CountedMatch,
        Delivery,
        DeliveryId,
        DeliveryState,
        Due,
        EntryMatch,
        Feed,
        FeedEvent,
        FeedId,
        FeedOrigin,
        FeedSpec,
        HostClaim,
        Kin,
        KnownEntry,
        Lease,
        ListedMember,
        ListedStory,
        MessageClaim,
        NewDelivery,
        PageClaim,
        PageCounts,
        PageOutcome,
        PollOutcome,
        Recent,
        RecordedMatch,
        Settlement,
        Silence,
        StoredEntry,
        StoredMember,
        StoredPage,
        StoreStatus,
        StoryNews,
        StoryOrder,
        StoryView,
        Subscription,
    )

    Choose = Callable[[Sequence[Due], Sequence[Recent]], Choice]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedsChanged:
    """How many feeds a call added, changed (URL, tags or interval), removed, and left as they were."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    same: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFile:
    """What is remembered of a rule file.

    Attributes:
        path: As the daemon names it; a folder that cannot be looked into has a row of its own.
        text: Its last good version; "": there never was one.
        lists: The lists of other files that this version used, by name, as written there.
        rules: How many of its rules are live.
        faults: What is wrong with the file as it is now, each in the form of `errors.Fault`; empty: nothing.
        broken_at: Since when; None where nothing is wrong.
        stopped: Rules of it that are not tested any more because their regular expressions are too slow, and since
            when.
    """

    path: str
    text: str = ""
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rules: int = 0
    faults: tuple[str, ...] = ()
    broken_at: datetime | None = None
    stopped: Mapping[str, datetime] = field(default_factory=dict)


class FeedRegistry(Protocol):
    """Which feeds there are."""

    def sync_feeds(self, specs: Sequence[FeedSpec], *, now: datetime) -> FeedsChanged:
        """Make the active feeds of origin "config" exactly `specs`; feeds of origin "added" stay as they are.

        A feed is recognised by its name, else by its URL (a renamed feed keeps its entries). One that has gone from the
        file becomes inactive and keeps its rows; one that comes back is polled as a new one, so it gets a silent
        baseline again. A changed URL drops the validators and the body hash and makes the feed due. A changed
        interval moves `next_poll_at` only earlier, to at most `polled_at` + interval. New feeds are due at once.
        """

    def add_feeds(
        self, specs: Sequence[FeedSpec], *, now: datetime, progress: Callable[[int], None] | None = None
    ) -> FeedsChanged:
        """Add or update feeds of origin "added", in batches; `progress` is called with the number done so far.

        A spec whose name or URL an active feed of origin "config" has already is counted as `same` and left out.
        """

    def remove_feed(self, name: str, *, now: datetime) -> bool:
        """Make a feed of origin "added" inactive; False where there is no such active feed."""

    def count_feeds(self) -> int:
        """How many active feeds there are."""

    def feed_tags(self, *, origin: FeedOrigin | None = None) -> dict[str, tuple[str, ...]]:
        """The tags of each active feed, of one origin or any, by its name; of many feeds far cheaper than `feeds`."""

    def feeds(self, *, names: Collection[str] | None = None, failing: bool = False) -> Sequence[Feed]:
        """Active feeds by name, all or those of `names`; `failing` keeps those that fail, are gone for good, or are
        unusually silent.
        """

    def feed_events(self, feed_id: FeedId, *, limit: int) -> Sequence[FeedEvent]:
        """Turns in a feed's life, newest first; the last 200 are kept."""


class FeedQueue(Protocol):
    """Hops 1 and 6."""

    def claim_hosts(self, *, now: datetime, limit: int, feeds_per_host: int, lease: timedelta) -> Sequence[HostClaim]:
        """Lease hosts that have a feed due, and the feeds on them that are due, longest waiting first.

        Args:
            now: Aware UTC.
            limit: At most this many hosts, ≥ 1.
            feeds_per_host: At most this many feeds of each, ≥ 1.
            lease: How long the claim holds.

        Returns:
            0 to `limit` claims, no host twice. Empty: nothing is due.

        Raises:
            StoreError: The database could not be reached; nothing was claimed.
        """

    def claim_feeds(self, names: Collection[str], *, now: datetime, lease: timedelta) -> Sequence[HostClaim]:
        """Lease the hosts of these active feeds, due or not, with just these feeds.

        A host on which another lease is alive is left out; ask again later.
        """

    def release(self, leases: Sequence[Lease], *, now: datetime) -> None:
        """Give hosts back unpolled: what is due on them may be claimed again at once. Leases already lost are
        ignored.
        """

    def break_leases(self, *, now: datetime) -> int:
        """End every lease on hosts, pages and deliveries; how many there were.

        Only for a caller that knows that no other process works on this store (a daemon that has just taken its lock).
        """

    def known_entries(self, feed_id: FeedId, keys: Collection[str]) -> Mapping[str, KnownEntry]:
        """Those of `keys` that the feed has had already, with what was made of them."""

    def kin(self, feed_id: FeedId, *, marks: Collection[int], keys: Collection[str] = ()) -> Sequence[Kin]:
        """The feed's entries that have one of these marks, the newest four of each, and those of `keys`; none twice."""

    def newest_entries(self, feed_id: FeedId, *, limit: int) -> Sequence[Kin]:
        """The feed's entries that came last, newest first, whether they can be found by marks or not."""

    def commit_polls(self, outcomes: Sequence[PollOutcome], *, now: datetime) -> Sequence[bool]:
        """Write outcomes in one transaction; for each, in order, whether it was written (False: its lease was lost).

        A host that asked for silence (`host_not_before`) is not due before, whatever becomes due on it, and a feed that
        has moved (`moved_url`) belongs to its new host from now on.

        What is `rekeyed` gets its new key first, with matches, alerts, page and story. An entry with a known key is
        updated in place. A match that exists keeps its alert; one without gets the new one; an entry that has a story
        keeps it. After an outcome with `releases` the host is due when the next of its feeds is, and free.
        """


class Outbox(Protocol):
    """Hop 7."""

    def claim_messages(
        self, channel: str, *, now: datetime, limit: int, lease: timedelta, choose: Choose, horizon: timedelta
    ) -> Sequence[MessageClaim]:
        """Lease pending deliveries of one channel that are due, as messages, longest due first, 0 to `limit` of them.

        Args:
            choose: Makes messages of what is due, and postpones what is to wait; see `monitor.alerts.batch`.
            horizon: It is also given deliveries that wait for their group and are due within this time, and what was
                sent within it.
        """

    def settle(self, settlements: Sequence[Settlement], *, now: datetime) -> Sequence[bool]:
        """Record what became of claimed deliveries; for each, in order, False where its lease was lost."""

    def add_alerts(self, new_alerts: Sequence[Alert], new_deliveries: Sequence[NewDelivery], *, now: datetime) -> None:
        """Write alerts that come from no poll, with their deliveries; what exists already is left as it is."""

    def has_alert(self, alert_id: AlertId) -> bool:
        """Whether there is an alert of this id."""

    def keep_thread(self, channel: str, story: str, ref: str, *, now: datetime) -> None:
        """Remember what a receiver calls its first message about a story; a later one changes nothing."""

    def deliveries(
        self,
        *,
        states: Collection[DeliveryState] = (),
        channel: str | None = None,
        held: bool = False,
        limit: int = 100,
    ) -> Sequence[Delivery]:
        """Newest first; no states: all of them. `held`: only pending ones that wait by somebody's wish, untried."""

    def delivery(self, prefix: str) -> Delivery | None:
        """The one whose id starts with `prefix` (≥ 4 characters); None where there is none or more than one."""

    def retry_deliveries(self, *, ids: Collection[DeliveryId] | None, channel: str | None, now: datetime) -> int:
        """Make deliveries pending and due now: those of `ids` that are not sent, or all pending and dead ones of
        `channel`.
        """

    def drop_deliveries(self, *, ids: Collection[DeliveryId] | None, channel: str | None, now: datetime) -> int:
        """Mark unsent deliveries as dropped: those of `ids`, or all of `channel`."""


class Holds(Protocol):
    """What keeps deliveries from going out: silences, and channels that are paused."""

    def add_silence(self, silence: Silence) -> Silence:
        """Write a new one, its `id` aside, which is given."""

    def silences(self, *, now: datetime, ended: bool = False) -> Sequence[Silence]:
        """Those that are not over, or with `ended` all of them; the one that ends first comes first."""

    def end_silence(self, silence_id: int, *, now: datetime) -> bool:
        """End one now and let out what it held; False where there is none that is not over."""

    def pause_channel(self, pause: ChannelPause) -> bool:
        """Note that a channel is paused, or when it is tried next; whether it was not paused before."""

    def resume_channel(self, channel: str, *, now: datetime) -> bool:
        """It takes messages again, and what waits is due now; False where it was not paused."""

    def paused_channels(self) -> Mapping[str, ChannelPause]:
        """By the name of the channel."""


class Counts(Protocol):
    """What rules need that look at more than one match, or at none."""

    def counted_matches(
        self, rule: str, *, limit: int, after: datetime | None = None, until: datetime | None = None
    ) -> Sequence[CountedMatch]:
        """The matches of a rule that count (`PlannedMatch.counts_at`), the one that appeared last first.

        Args:
            limit: At most so many, ≥ 1.
            after: Only those that appeared later.
            until: Only those that appeared then or earlier.
        """

    def watch_rules(self, marks: Mapping[str, str], *, now: datetime) -> Mapping[str, datetime]:
        """Note that just these rules for silence are live, by name; since when each has been, as it is.

        Args:
            marks: What tells one version of a rule from another; where it is new, the rule is live since `now`.
        """


class Pages(Protocol):
    """The pages that entries link to."""

    def claim_pages(
        self, *, now: datetime, limit: int, lease: timedelta, busy: Collection[str] = ()
    ) -> Sequence[PageClaim]:
        """Lease pages that are due, of each host the one that has waited longest; 0 to `limit` of them.

        Args:
            busy: Hosts that are not to be asked now.
        """

    def commit_pages(self, outcomes: Sequence[PageOutcome], *, now: datetime) -> Sequence[bool]:
        """Write outcomes in one transaction; for each, in order, whether it was written (False: its lease was lost).

        A match that exists keeps its alert; one without gets the new one.
        """

    def page_of(self, entry_id: int) -> StoredPage | None:
        """What became of the page of this entry; None: none was ever wanted."""

    def page_counts(self, feed_id: FeedId) -> PageCounts:
        """The pages of a feed's entries."""


class Stories(Protocol):
    """Which stories entries tell. What is placed is written with the entries, by `commit_polls` and `commit_pages`."""

    def story_window(
        self, *, since: datetime, after: tuple[datetime, int] | None, limit: int
    ) -> Sequence[StoredMember]:
        """What was placed at `since` or later and entries are compared with, in the order in which it was decided: at
        most `limit`, and none when there is no more. `after`: `at` and `number` of the last one so far; None to begin.
        """

    def stories_over(self, *, before: datetime) -> Sequence[str]:
        """Stories with members that entries are compared with from before that moment and from after it, in order."""

    def story_numbers(self) -> tuple[int, int]:
        """The number of the last member that was written, and of the last correction; 0 where there is none."""

    def story_news(self, *, member: int, correction: int) -> StoryNews:
        """What has been written since these numbers, by any process. Nothing is ever seen out of its order."""

    def story_members(self, numbers: Collection[int]) -> Sequence[StoredMember]:
        """Those of these numbers, in order."""

    def story_views(self, stories: Collection[str]) -> Mapping[str, StoryView]:
        """How each of these stories stands; one that is not known stands empty."""

    def merge_stories(self, into: str, others: Sequence[str], *, now: datetime) -> int:
        """Make stories one: all that tells `others` tells `into`, and what was said of any was said of it; how many
        entries that are. What polls still write of the others goes there too.
        """

    def split_story(self, story: str, entry_ids: Collection[int], *, now: datetime) -> str:
        """Take entries of a story away, into a new one, whose id is given. What was said goes with the entry that it
        was said of (what followed it stays); where that leaves the story, the rest gets a new id, so that it can be
        said.
        """

    def list_stories(
        self, *, since: datetime, least: int, rule: str | None, order: StoryOrder, limit: int
    ) -> Sequence[ListedStory]:
        """Stories that something was added to at `since` or later.

        Args:
            least: Told by at least so many outlets.
            rule: On which this rule alerted; None: whatever was said of them.
            order: The one that grew last comes first, or the one with the most outlets.
        """

    def stories_called(self, prefix: str, *, limit: int) -> Sequence[str]:
        """Ids that begin so, in order; where none does, what those that began so went into."""

    def story(self, story: str) -> tuple[ListedStory, Sequence[ListedMember]] | None:
        """A story with its members in the order in which they came; None where nothing tells it."""

    def story_of(self, entry_id: int) -> str | None:
        """The story that an entry tells; None: it has none, or there is no such entry."""


class PollStore(FeedQueue, Stories, Holds, Counts, Protocol):
    """What polling needs."""


class PageStore(Pages, FeedQueue, Stories, Holds, Protocol):
    """What reading pages needs."""


class DeliveryStore(Outbox, Holds, Protocol):
    """What sending needs."""


class CountedStories(Counts, Stories, Protocol):
    """What telling of matches that wait for others needs."""


class AbsenceStore(Counts, FeedRegistry, Outbox, Holds, Protocol):
    """What telling of silence needs."""


class RuleFiles(Protocol):
    """What outlives the daemon of the rule files."""

    def rule_files(self) -> Sequence[RuleFile]:
        """In order of their paths."""

    def keep_rule_files(self, files: Sequence[RuleFile], *, gone: Collection[str] = ()) -> None:
        """Write these, new or not, and forget those of the paths in `gone`; others stay as they are."""


class Subscriptions(Protocol):
    """What is subscribed to at hubs (WebSub), and what their word does to the schedule.

    A hub's word makes a feed due earlier, never later, and never before it may be polled again. `Feed.push_until` is
    the end of the lease from the first word of the hub on; it is None again as soon as the subscription is gone, and
    the feed then is due as if it had never had a hub.
    """

    def subscribe(self, wanted: Subscription) -> bool:
        """Write that a feed is to be subscribed; False where it is already, to this topic, hub and callback.

        Another subscription of the feed is given up, as by `unsubscribe`.
        """

    def unsubscribe(self, token: str, *, now: datetime) -> bool:
        """Have the hub told that it is not wanted any more; forgotten at once where the hub has nothing of it. False
        where it is not there or is being given up already.
        """

    def end_subscription(self, token: str, *, now: datetime) -> bool:
        """Forget one, whatever its state; False where it is not there."""

    def forget_subscriptions(self, *, now: datetime) -> int:
        """Forget all, without a word to the hubs; how many there were."""

    def subscription(self, token: str) -> Subscription | None:
        """The one of this token, or None."""

    def subscriptions(self, *, feed_ids: Collection[FeedId] | None = None) -> Sequence[Subscription]:
        """By the name of the feed, all or those of `feed_ids`; those of feeds that have become inactive as well."""

    def claim_subscriptions(
        self, *, now: datetime, limit: int, wait: Callable[[int], timedelta]
    ) -> Sequence[Subscription]:
        """What hubs are to be asked for now, longest due first, 0 to `limit`, as they are after the claim.

        The claim counts as an attempt and makes each due again `wait(attempts)` from now: so nobody else asks
        meanwhile, and a caller that dies asks again by doing nothing. What is not active is pending from here on, for
        a hub may verify before its answer is read.
        """

    def settle_subscription(
        self, asked: Subscription, *, error: str, denied_until: datetime | None = None, now: datetime
    ) -> bool:
        """Write what the hub answered to what was claimed; False where that was overtaken by its verification.

        Args:
            error: Why it came to nothing; "": the hub took it.
            denied_until: The hub said no, and is not asked again before.
        """

    def confirm_subscription(self, token: str, *, now: datetime, lease_ends_at: datetime, renew_at: datetime) -> bool:
        """The hub has verified it: active, until the lease ends. False where it is neither pending nor active."""

    def deny_subscription(self, token: str, *, reason: str, until: datetime, now: datetime) -> bool:
        """The hub says no, and is not asked again before `until`; False where there is none of this token."""

    def push(self, token: str, *, now: datetime, floor: timedelta) -> datetime | None:
        """The hub tells of news: make the feed due, at least `floor` after its last poll; when it is due then.

        A feed whose server answered the last poll with an error stays due when it was. None: no active subscription
        has this token.
        """

    def stop_trusting(self, feed_id: FeedId, *, now: datetime) -> None:
        """The hub did not tell of news that there was: poll as without one, until it tells of some again."""


class Reports(Protocol):
    """What the commands read."""

    def status(self, *, now: datetime) -> StoreStatus:
        """Counts of everything; every channel that has or had deliveries is in it."""

    def recent_matches(self, *, baseline: bool, limit: int) -> Sequence[RecordedMatch]:
        """Newest published first; `baseline` picks those that were recorded and not said, else those that were."""

    def recent_entries(self, *, since: datetime, before: int | None, limit: int) -> Sequence[StoredEntry]:
        """Entries that were first seen at `since` or later, the last stored first: at most `limit`, and none when there
        are no more. `before`: the id of the last one so far; None to begin.
        """

    def entry(self, entry_id: int) -> StoredEntry | None:
        """The entry of this id, or None."""

    def entries_linking(self, part: str, *, limit: int) -> Sequence[StoredEntry]:
        """Entries whose link has this text in it, the last stored first: at most `limit`. Reads all links."""

    def matches_of(self, entry_id: int) -> Sequence[EntryMatch]:
        """What rules have made of an entry, by the name of the rule; empty for an unknown id."""


class PushStore(FeedRegistry, Subscriptions, Protocol):
    """What hubs' words need."""


class Store(FeedRegistry, PollStore, PageStore, DeliveryStore, RuleFiles, Subscriptions, Reports, Protocol):
    """All of the above, open."""

    def ping(self) -> None:
        """Do the smallest write there is; raises StoreError where writing is not possible."""

    def close(self) -> None:
        """Release connections; on SQLite, checkpoint first."""
