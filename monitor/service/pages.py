"""The pages that entries link to: read them one after the other a host, and match their entries again.

`tick` is called by the scheduler and returns at once; each claimed page is a task. An entry never waits for its page:
it was matched by what its feed gave when it came. What the page adds is written in one transaction with the page's end,
so a process that is killed reads it again and says nothing twice.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING, Any, assert_never

from monitor.errors import StoreError
from monitor.fetch.pages import ACCEPT, GIVE_UP_AFTER, MAX_BYTES, explain_failure, host_rest, next_try, options_for
from monitor.fetch.schedule import NETWORK
from monitor.model import Fetched, FetchFailed, PageOutcome, PageState, PageText, ParseFailed
from monitor.parse.page import beyond, no_page
from monitor.service.events import PageRead, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime, timedelta

    from monitor.clock import Clock
    from monitor.fetch.base import Web
    from monitor.model import PageClaim
    from monitor.parse.base import PageReader
    from monitor.service.dispatch import DispatchLimits
    from monitor.service.events import Observer, PageKind
    from monitor.service.poll import FeedPoller, Runtime
    from monitor.service.threads import StoreThreads
    from monitor.service.turns import Turns
    from monitor.store.base import PageStore

# Of the fetches in flight pages may have one in so many, or servers that never answer would keep feeds waiting.
_SHARE = 4
_HOSTS_REMEMBERED = 10_000


class Pages:
    """Keeps some pages in flight, of each host one at most.

    Args:
        runtime: The rules and the feeds' options as they are now.
        web: What asks for pages.
        poller: Matches an entry with its page, as it matched it without.
        turns: Shared with the polls.
        limits: The dispatcher's; pages share its pauses and have a part of its places.
    """

    def __init__(
        self,
        *,
        store: PageStore,
        runtime: Callable[[], Runtime],
        web: Callable[[], Web],
        reader: PageReader,
        poller: FeedPoller,
        turns: Turns,
        threads: StoreThreads,
        clock: Clock,
        limits: Callable[[], DispatchLimits],
        observer: Observer,
    ) -> None:
        self._store = store
        self._runtime = runtime
        self._web = web
        self._reader = reader
        self._poller = poller
        self._turns = turns
        self._threads = threads
        self._clock = clock
        self._limits = limits
        self._observer = observer
        self._running: dict[asyncio.Task[None], PageClaim] = {}
        self._troubles = _Troubles()
        self._stopping = False
        self._claiming = False

    @property
    def in_flight(self) -> int:
        """Pages being read now."""
        return len(self._running)

    async def tick(self) -> None:
        """Claim as many pages as there is room for and start on them."""
        limits = self._limits()
        room = self._room(limits)
        if not room:
            return
        self._claiming = True
        try:
            claims = await self._threads.write(
                self._store.claim_pages,
                now=self._clock.now(),
                limit=room,
                lease=limits.lease,
                busy=self._turns.busy,
            )
        except StoreError as error:
            self._observer(Trouble(what=f"cannot look for pages that are to be read: {error}"))
            return
        finally:
            self._claiming = False
        if self._stopping:
            await self._give_back(claims)
            return
        for claim in claims:
            task = asyncio.create_task(self._attend(claim, limits), name=f"page {claim.url}")
            self._running[task] = claim
            task.add_done_callback(self._running.pop)

    def _room(self, limits: DispatchLimits) -> int:
        """How many pages may be claimed now; none while another claim is on its way, or the daemon stops."""
        most = max(1, limits.concurrency // _SHARE)
        return 0 if self._stopping or self._claiming else max(0, most - len(self._running))

    async def drain(self, *, grace: timedelta) -> None:
        """Start nothing more; let pages in flight finish for `grace`, then give them up and back."""
        self._stopping = True
        if not self._running:
            return
        _done, left = await asyncio.wait(self._running, timeout=grace.total_seconds())
        back = [self._running[task] for task in left]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._give_back(back)

    async def _give_back(self, claims: Sequence[PageClaim]) -> None:
        """Let others have them at once; nothing was asked."""
        now = self._clock.now()
        back = [_outcome(claim, PageState.WANTED, now, attempted=False) for claim in claims]
        await self._threads.write(self._store.commit_pages, back, now=now)

    async def _attend(self, claim: PageClaim, limits: DispatchLimits) -> None:
        started = self._clock.monotonic()
        slow: tuple[str, ...] = ()
        try:
            outcome, slow = await self._attempt(claim, limits)
        except StoreError as error:
            self._observer(Trouble(what=f"{claim.feed.name}: {error}"))
            return
        except Exception as error:  # noqa: BLE001 -- a bug met in one page must not silence the others
            why = f"internal error, please report it: {type(error).__name__}: {error}"
            outcome = _outcome(claim, PageState.FAILED, self._clock.now(), error=why)
        written = False
        try:
            (written,) = await self._threads.write(self._store.commit_pages, [outcome], now=self._clock.now())
        except Exception as error:  # noqa: BLE001 -- a lost connection or a bug: the lease lapses and the page is read again
            what = f"{claim.feed.name}: what a page said could not be stored; reading it again: {error}"
            self._observer(Trouble(what=what))
            return
        finally:
            self._poller.settle(claim.feed, [claim.entry], outcome.placed, written=written)
        self._observer(
            PageRead(
                feed=claim.feed,
                entry=claim.entry,
                url=claim.url,
                kind=_kind(outcome) if written else "lost",
                characters=len(outcome.page),
                matches=len(outcome.matches),
                alerts=outcome.alerts if written else (),
                slow_rules=slow,
                detail=outcome.error,
                is_news=self._troubles.is_news(claim.host, outcome.error),
                retry_at=outcome.due_at if outcome.state is PageState.WANTED else None,
                seconds=self._clock.monotonic() - started,
            )
        )

    async def _attempt(self, claim: PageClaim, limits: DispatchLimits) -> tuple[PageOutcome, tuple[str, ...]]:
        options = self._runtime().options_of(claim.feed)
        now = self._clock.now()
        if not options.full_text:
            why = "full_text is off for this feed"
            return _outcome(claim, PageState.FAILED, now, error=why, attempted=False), ()
        if now - claim.wanted_at > GIVE_UP_AFTER:
            return _outcome(claim, PageState.FAILED, now, error="it waited for more than a day", attempted=False), ()
        own = options_for(claim.url, feed_url=claim.feed.address, options=options)
        async with self._turns.turn(claim.host, delay=limits.host_delay):
            result = await self._web().get(claim.url, options=own, accept=ACCEPT, max_bytes=MAX_BYTES)
        match result:
            case FetchFailed():
                return self._failed(claim, result), ()
            case Fetched():
                self._troubles.end(claim.host)
                return await self._take(claim, result)
            case _:
                assert_never(result)

    async def _take(self, claim: PageClaim, fetched: Fetched) -> tuple[PageOutcome, tuple[str, ...]]:
        """Find the text and what rules make of it."""
        why = no_page(fetched.content_type)
        if not why:
            read = await self._reader.read_page(fetched.body, content_type=fetched.content_type)
            match read:
                case ParseFailed():
                    why = read.detail
                case PageText():
                    text = beyond(read.text, claim.entry)
                    why = "" if text else "the page has less text than the feed gave; it may be behind a paywall"
                    if text:
                        return await self._match(claim, text)
                case _:
                    assert_never(read)
        return _outcome(claim, PageState.FAILED, self._clock.now(), error=why), ()

    async def _match(self, claim: PageClaim, text: str) -> tuple[PageOutcome, tuple[str, ...]]:
        paged = replace(claim.entry, page=text)
        found = await self._poller.plan_page(claim.feed, paged, seen_at=claim.wanted_at)
        outcome = replace(
            _outcome(claim, PageState.DONE, self._clock.now()),
            page=text,
            matches=found.plan.matches,
            alerts=found.plan.alerts,
            deliveries=found.plan.deliveries,
            placed=found.placed,
        )
        return outcome, found.slow_rules

    def _failed(self, claim: PageClaim, failure: FetchFailed) -> PageOutcome:
        now = self._clock.now()
        # While nobody can be reached, it is not the page's fault: the attempt does not count.
        counts = failure.problem not in NETWORK or not self._poller.offline
        at = next_try(failure, attempts=claim.attempts + 1 if counts else 1, wanted_at=claim.wanted_at, now=now)
        why = explain_failure(failure)
        rest = host_rest(failure, failures=self._troubles.count(claim.host))
        if not rest:
            self._troubles.end(claim.host)
        state = PageState.WANTED if at else PageState.FAILED
        outcome = _outcome(claim, state, at or now, error=why, attempted=counts)
        return replace(outcome, host=claim.host, host_until=now + rest if rest else None)


class _Troubles:
    """Of each host, how often in a row it could not be asked, and what has been told of it."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, int] = OrderedDict()
        self._told: OrderedDict[tuple[str, str], None] = OrderedDict()

    def count(self, host: str) -> int:
        """One more failure; how many that makes."""
        self._failures[host] = count = self._failures.pop(host, 0) + 1
        _trim(self._failures)
        return count

    def end(self, host: str) -> None:
        """It has answered."""
        self._failures.pop(host, None)

    def is_news(self, host: str, why: str) -> bool:
        """Whether this is the first page of the host that fails for this reason."""
        if not why or (host, why) in self._told:
            return False
        self._told[host, why] = None
        _trim(self._told)
        return True


def _trim(known: OrderedDict[Any, Any]) -> None:
    while len(known) > _HOSTS_REMEMBERED:
        known.popitem(last=False)


def _outcome(
    claim: PageClaim, state: PageState, at: datetime, *, error: str = "", attempted: bool = True
) -> PageOutcome:
    return PageOutcome(
        entry_id=claim.entry_id,
        feed_id=claim.feed.id,
        token=claim.token,
        state=state,
        due_at=at,
        error=error,
        attempted=attempted,
    )


def _kind(outcome: PageOutcome) -> PageKind:
    match outcome.state:
        case PageState.DONE:
            return "read"
        case PageState.FAILED:
            return "failed"
        case PageState.WANTED:
            return "later"
