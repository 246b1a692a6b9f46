"""Hops 2 to 5 for one feed: fetch, parse, match, plan. What comes out is an outcome to commit, and a report to show.

The daemon's dispatcher, `news-monitor poll` and the dry run all go through `FeedPoller.poll`.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, assert_never

from monitor.alerts.ops import Ops, about_feed
from monitor.alerts.plan import Horizon, Plan, Situation, horizon, plan
from monitor.alerts.spikes import plan_counted
from monitor.fetch.habits import Sight, after_document
from monitor.fetch.hub import discovered
from monitor.fetch.policy import request_key
from monitor.fetch.schedule import may_be_conditional
from monitor.model import (
    NO_OPTIONS,
    Entry,
    Feed,
    FeedOptions,
    Fetched,
    FetchFailed,
    FetchProblem,
    Item,
    KnownEntry,
    Lease,
    Match,
    NotModified,
    ParseFailed,
    Placed,
    PollOutcome,
    WantedPage,
)
from monitor.parse.items import with_keys
from monitor.service.edits import edits_of, with_replies
from monitor.service.events import FeedPolled, PollKind
from monitor.service.identity import Identified, identify
from monitor.service.reach import Reach
from monitor.service.slow import SlowRules
from monitor.service.state import Asked, Learnt, State, after_failure, after_success
from monitor.service.stories import WINDOW, Standing, StoryBook
from monitor.service.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from monitor.alerts.routing import Routing
    from monitor.clock import Clock
    from monitor.fetch.base import Fetcher
    from monitor.parse.base import Parser
    from monitor.rules.engine import RuleSet
    from monitor.service.threads import StoreThreads
    from monitor.store.base import PollStore

# Matching gives the loop back this often, so that a first poll of a thousand entries delays no other feed.
_SLICE_SECONDS = 0.005
_MAX_DIGESTED = 1_000_000  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """What a reload replaces, as one value.

    Attributes:
        rules: The rule set that is live.
        routing: Which channels an alert goes to, and when.
        fetcher: With the current limits.
        ops: Whom to tell of feeds that fail.
        options: How feeds are asked, by name; `default_options` for the others.
        story_window: For how long a story takes up reports; a change counts from the next start on.
    """

    rules: RuleSet
    routing: Routing
    fetcher: Fetcher
    ops: Ops = field(default_factory=Ops)
    options: Mapping[str, FeedOptions] = field(default_factory=dict)
    default_options: FeedOptions = field(default_factory=FeedOptions)
    story_window: timedelta = WINDOW

    def options_of(self, feed: Feed) -> FeedOptions:
        return self.options.get(feed.name, self.default_options)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Findings:
    """What a poll came to, before it is put under a lease. `seen`, `fresh`, `rough` count entries of the document."""

    kind: PollKind
    state: State
    baseline: bool = False
    seen: int = 0
    fresh: int = 0
    rough: int = 0
    slow_rules: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()
    touched: tuple[Entry, ...] = ()
    plan: Plan = field(default_factory=Plan)
    pages: tuple[WantedPage, ...] = ()
    placed: tuple[Placed, ...] = ()
    identified: Identified | None = None

    def outcome(self, lease: Lease, *, releases: bool) -> PollOutcome:
        return PollOutcome(
            lease=lease,
            releases=releases,
            update=self.state.update,
            events=self.state.events,
            entries=self.entries,
            touched=self.touched,
            matches=self.plan.matches,
            alerts=self.plan.alerts,
            deliveries=self.plan.deliveries,
            pages=self.pages,
            placed=self.placed,
            origins=self.plan.origins,
            rekeyed=self.identified.rekeyed if self.identified is not None else (),
            marked=self.identified.marked if self.identified is not None else (),
        )

    def report(self, feed: Feed, seconds: float) -> FeedPolled:
        return FeedPolled(
            feed=feed,
            kind=self.kind,
            baseline=self.baseline,
            entries=self.seen,
            fresh=self.fresh,
            rough=self.rough,
            matches=len(self.plan.matches),
            alerts=self.plan.alerts,
            slow_rules=self.slow_rules,
            events=self.state.events,
            detail=self.state.update.error,
            next_poll_at=self.state.update.next_poll_at,
            seconds=seconds,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PagePlan:
    """What an entry's page came to; `placed`: its story, where it had none; `slow_rules`: that were too slow."""

    plan: Plan = field(default_factory=Plan)
    placed: tuple[Placed, ...] = ()
    slow_rules: tuple[str, ...] = ()


class FeedPoller:
    """Polls one feed and says what should be written of it; writes nothing itself."""

    def __init__(
        self,
        *,
        runtime: Callable[[], Runtime],
        parser: Parser,
        store: PollStore,
        threads: StoreThreads,
        clock: Clock,
        slow: SlowRules | None = None,
    ) -> None:
        self._runtime = runtime
        self._parser = parser
        self._store = store
        self._threads = threads
        self._clock = clock
        self._slow = slow or SlowRules()
        self._reach = Reach()
        self._matching = asyncio.Lock()
        self._tally = Tally(store=store, threads=threads)
        self._book = StoryBook(store=store, threads=threads, clock=clock, window=lambda: runtime().story_window)

    @property
    def offline(self) -> bool:
        """Whether this machine reaches nobody, as far as polls have shown."""
        return self._reach.offline

    async def poll(
        self, feed: Feed, *, lease: Lease, releases: bool, backfill: timedelta | None = None
    ) -> tuple[PollOutcome, FeedPolled]:
        """Poll `feed` once.

        Args:
            lease: What the outcome is to be committed under.
            releases: Whether the outcome gives the host back.
            backfill: Entries published this recently speak even in a baseline; None: the usual silence.
        """
        started, now = self._clock.monotonic(), self._clock.now()
        runtime = self._runtime()
        options = runtime.options_of(feed)
        key = request_key(feed, options)
        # A backfill needs the whole document, so it asks for it unconditionally.
        conditional = backfill is None and may_be_conditional(feed, key, now=now)
        result = await runtime.fetcher.fetch(_addressed(feed, conditional=conditional), options)
        self._reach.note(feed.host, result)
        asked = Asked(options=options, key=key, conditional=conditional, offline=self._reach.offline, now=now)
        match result:
            case NotModified():
                found = _Findings(kind="not_modified", state=after_success(feed, asked, result))
            case FetchFailed():
                found = _Findings(kind="failed", state=after_failure(feed, asked, result))
            case Fetched():
                found = await self._read(feed, asked, result, runtime, backfill=backfill)
            case _:
                assert_never(result)
        outcome = _with_ops(found.outcome(lease, releases=releases), feed, runtime.ops)
        return outcome, found.report(feed, self._clock.monotonic() - started)

    async def _read(
        self, feed: Feed, asked: Asked, fetched: Fetched, runtime: Runtime, *, backfill: timedelta | None
    ) -> _Findings:
        digest = await _digest(fetched.body)
        if digest == feed.body_hash and backfill is None:
            return _Findings(kind="same", state=after_success(feed, asked, fetched))
        document = await self._parser.parse(fetched.body, content_type=fetched.content_type, url=fetched.url)
        if isinstance(document, ParseFailed):
            return _unreadable(feed, asked, fetched, document)
        reach = horizon(feed, now=asked.now, backfill=backfill)
        items = with_keys(document.items, feed.habits.ids)
        known = await self._threads.read(self._store.known_entries, feed.id, [item.key for item in items])
        cleaned = await self._parser.clean(_to_clean(items, known, reach), now=asked.now)
        if isinstance(cleaned, ParseFailed):
            return _unreadable(feed, asked, fetched, cleaned)
        identified = await identify(
            cleaned.entries,
            items=items,
            known=known,
            feed=feed,
            silent=reach.baseline and reach.since is None,
            store=self._store,
            threads=self._threads,
            now=asked.now,
        )
        # A part of a feed is another one each time, so its hash would say nothing.
        learnt = Learnt(
            title=document.title,
            body_hash=None if fetched.partial or document.cut else digest,
            hints=discovered(document.hints, fetched),
            cut=document.cut,
            turns=identified.turns,
        )
        sight = Sight(
            size=len(items),
            new=identified.new,
            dates=[date for entry in cleaned.entries if (date := entry.published_at or entry.updated_at)],
            since=feed.ok_at,
            first=feed.baseline_at is None,
            partial=fetched.partial,
            late=feed.failures > 0 or asked.now - feed.next_poll_at > feed.interval,
        )
        habits, missed = after_document(identified.habits, sight, now=asked.now)
        state = after_success(feed, asked, fetched, replace(learnt, habits=habits, missed=missed))
        found = await self._take(feed, identified, state, runtime, seen=len(items), reach=reach)
        return replace(found, rough=cleaned.rough)

    async def _take(
        self,
        feed: Feed,
        identified: Identified,
        state: State,
        runtime: Runtime,
        *,
        seen: int,
        reach: Horizon,
    ) -> _Findings:
        now = state.update.polled_at
        entries, known = identified.entries, identified.known
        fresh = [entry for entry in entries if _is_fresh(entry, known)]
        again = [entry for entry in entries if reach.covers(entry) and not _is_fresh(entry, known)]
        # One poll at a time: ten that take slices in turn would hold the loop for ten of them.
        async with self._matching:
            matches, slow_rules = await self._match([*fresh, *again], feed, runtime.rules, now=now)
        # One that is matched again is written again as well, so that its match has a row to refer to.
        written = (*fresh, *again)
        titled = replace(feed, title=state.update.title)
        planned, standing = await self._plan(
            titled, written, matches, known, runtime, reach=reach, since=feed.ok_at, now=now
        )
        edits = edits_of(identified, matches, feed=titled, rules=runtime.rules, views=standing.views)
        if edits:
            silences = await self._threads.read(self._store.silences, now=now)
            planned = with_replies(planned, edits, feed=titled, routing=runtime.routing, silences=silences, now=now)
        keys = {entry.key for entry in written}
        return _Findings(
            kind="new",
            state=state,
            baseline=reach.baseline,
            seen=seen,
            fresh=len(fresh),
            slow_rules=slow_rules,
            entries=written,
            touched=tuple(entry for entry in entries if entry.key not in keys),
            plan=planned,
            pages=_pages(fresh, known) if runtime.options_of(feed).full_text and not reach.baseline else (),
            placed=standing.placed,
            identified=identified,
        )

    async def _plan(
        self,
        feed: Feed,
        entries: Sequence[Entry],
        matches: Sequence[Match],
        known: Mapping[str, KnownEntry],
        runtime: Runtime,
        *,
        reach: Horizon,
        since: datetime | None,
        now: datetime,
    ) -> tuple[Plan, Standing]:
        """Place the entries in their stories, and plan what is said; `since`: when new ones were not there yet."""
        async with self._book.placing(
            entries,
            feed=feed,
            known=known,
            matched={match.entry.key for match in matches},
            silent=reach.silences,
        ) as standing:
            # Read after the matching, so that a silence counts from the moment it is there.
            silences = await self._threads.read(self._store.silences, now=now) if matches or standing.views else ()
            situation = Situation(
                feed=feed,
                known=known,
                tellings=standing.tellings,
                views=standing.views,
                rules=runtime.rules.terms,
                routing=runtime.routing,
                silences=silences,
                horizon=reach,
                since=since,
                now=now,
            )
            told, counted = _by_trigger(matches)
            planned = plan(entries, told, situation)
            if counted:
                before = await self._tally.before(counted, now=now)
                planned = Plan.joined([planned, plan_counted(counted, situation, counted=before)])
                self._tally.hold(feed, planned.matches, now=now)
            self._book.hold(feed.id, standing, planned)
        return planned, standing

    def settle(self, feed: Feed, entries: Sequence[Entry], placed: Sequence[Placed], *, written: bool) -> None:
        """What was planned of these entries is in the store, or never will be.

        To be called for every outcome of `poll` and `plan_page`: until then they count as if they were written.
        """
        keys = [entry.key for entry in entries]
        self._book.settle(feed.id, keys, placed, written=written)
        self._tally.settle(feed.id, keys)

    async def plan_page(self, feed: Feed, entry: Entry, *, seen_at: datetime) -> PagePlan:
        """Match an entry that is stored, with its page, and plan what that brings.

        Only what the page brings is said: a rule that matched the entry before has spoken, and one that would match
        without the page has come, or changed, since then.

        Args:
            seen_at: When the entry came: the rules take it to be as old as it was then.
        """
        runtime, now = self._runtime(), self._clock.now()
        known = await self._threads.read(self._store.known_entries, feed.id, [entry.key])
        async with self._matching:
            matches, slow_rules = await self._match([entry], feed, runtime.rules, now=seen_at)
        if not matches:
            return PagePlan(slow_rules=slow_rules)
        without = runtime.rules.matching(replace(entry, page=""), feed_name=feed.name, feed_tags=feed.tags, now=seen_at)
        before = frozenset(runtime.rules.rules[number].name for number in without)
        known = {key: replace(each, matched=each.matched | before) for key, each in known.items()}
        planned, standing = await self._plan(
            feed, [entry], matches, known, runtime, reach=Horizon(baseline=False), since=seen_at, now=now
        )
        return PagePlan(plan=planned, placed=standing.placed, slow_rules=slow_rules)

    async def _match(
        self, entries: Sequence[Entry], feed: Feed, rules: RuleSet, *, now: datetime
    ) -> tuple[list[Match], tuple[str, ...]]:
        """The matches, and the rules that a slow regular expression kept from being tested."""
        matches, slow = list[Match](), list[str]()
        slice_ends = self._clock.monotonic() + _SLICE_SECONDS
        for entry in entries:
            before = len(slow)
            matches += rules.match(entry, feed_name=feed.name, feed_tags=feed.tags, now=now, timeouts=slow)
            if len(slow) > before:
                self._slow.count(slow[before:])
                rules = rules.without(self._slow.resting)
            if self._clock.monotonic() > slice_ends:
                await self._clock.sleep(0)
                slice_ends = self._clock.monotonic() + _SLICE_SECONDS
        return matches, tuple(dict.fromkeys(slow))


def _by_trigger(matches: Sequence[Match]) -> tuple[list[Match], list[Match]]:
    """Those of rules that tell stories, and those of rules that count or wait for silence."""
    told, counted = list[Match](), list[Match]()
    for match in matches:
        (counted if match.trigger.counts else told).append(match)
    return told, counted


async def _digest(body: bytes) -> str:
    """20 MB take some 20 ms, for which the loop does not wait."""
    if len(body) <= _MAX_DIGESTED:
        return hashlib.sha256(body).hexdigest()
    return (await asyncio.to_thread(hashlib.sha256, body)).hexdigest()


def _with_ops(outcome: PollOutcome, feed: Feed, ops: Ops) -> PollOutcome:
    """The outcome with what the operators are to be told of the feed."""
    alerts = about_feed(feed, outcome.update, outcome.events, ops) if ops.channels else ()
    if not alerts:
        return outcome
    now = outcome.update.polled_at
    deliveries = [delivery for alert in alerts for delivery in ops.deliveries(alert, now=now)]
    return replace(outcome, alerts=(*outcome.alerts, *alerts), deliveries=(*outcome.deliveries, *deliveries))


def crashed(
    feed: Feed, *, lease: Lease, releases: bool, error: Exception, now: datetime
) -> tuple[PollOutcome, FeedPolled]:
    """The outcome of a poll that ended in a bug of ours: a failure like any other, so that the feed is tried again
    later.
    """
    failure = FetchFailed(
        problem=FetchProblem.PARSE, detail=f"internal error, please report it: {type(error).__name__}: {error}"
    )
    asked = Asked(options=NO_OPTIONS, key=feed.request_key, conditional=True, now=now)
    found = _Findings(kind="failed", state=after_failure(feed, asked, failure))
    return found.outcome(lease, releases=releases), found.report(feed, 0.0)


def _to_clean(items: Sequence[Item], known: Mapping[str, KnownEntry], reach: Horizon) -> list[Item]:
    """The items that are not stored as they stand in the feed; all of them where a backfill asks for their dates."""
    if reach.since is not None:
        return list(items)
    return [item for item in items if item.key not in known or known[item.key].source_hash != item.source_hash]


def _is_fresh(entry: Entry, known: Mapping[str, KnownEntry]) -> bool:
    before = known.get(entry.key)
    return before is None or before.content_hash != entry.content_hash


def _addressed(feed: Feed, *, conditional: bool) -> Feed:
    """The feed as it is to be asked: where it has moved, and without validators that may not be used."""
    if not conditional and (feed.etag or feed.last_modified):
        feed = replace(feed, etag=None, last_modified=None)
    return feed if feed.address == feed.url else replace(feed, url=feed.address)


def _unreadable(feed: Feed, asked: Asked, fetched: Fetched, reason: ParseFailed) -> _Findings:
    failure = FetchFailed(problem=FetchProblem.PARSE, detail=reason.detail, status=fetched.status)
    return _Findings(kind="failed", state=after_failure(feed, asked, failure))


def _pages(fresh: Sequence[Entry], known: Mapping[str, KnownEntry]) -> tuple[WantedPage, ...]:
    """Of the entries that were never there before: a page is read once."""
    return tuple(
        WantedPage(entry_key=entry.key, url=entry.link) for entry in fresh if entry.link and entry.key not in known
    )
