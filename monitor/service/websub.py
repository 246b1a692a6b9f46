"""WebSub (W3C): hubs tell of news, so that a feed is polled the moment it has some, and else seldom.

Everything is in the store: any daemon may ask a hub, any may be called by it. What a hub says is never read as news: a
ping makes the feed due, and the poll goes the way of all polls, with their limits and their memory.

    a poll ─▶ hints ─▶ wanted ─▶ pending (asked) ─▶ active (verified by the hub) ─▶ renewed at 80 % of the lease
                                                          └─ a ping ─▶ the feed is due
"""

from __future__ import annotations

import asyncio
import re
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal, assert_never

from monitor.errors import StoreError
from monitor.fetch.hub import (
    DENIED_FOR,
    Accepted,
    Denied,
    Unanswered,
    granted_lease,
    hub_and_topic,
    is_expected,
    is_secure,
    is_signed,
    one_line,
    read_answer,
    renewal,
    request_fields,
    retry_after,
)
from monitor.model import Subscription, SubscriptionState
from monitor.service.events import FeedPolled, Pushed, PushIgnored, SubscriptionChanged, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from datetime import datetime, timedelta

    from monitor.clock import Clock
    from monitor.fetch.base import Web
    from monitor.model import Feed, FeedId, FeedOptions
    from monitor.service.events import ChangeKind, Event, Observer
    from monitor.service.threads import StoreThreads
    from monitor.store.base import PushStore

BATCH: Final = 50
_TOKEN: Final = re.compile(r"[\w-]{20,64}", re.ASCII)
_SECRET_BYTES: Final = 24  # 192 bits; as text 32 characters, of the 200 bytes that are allowed
_GOODBYES: Final = 5


class Ping(StrEnum):
    """What became of a hub's word: the feed is due; its signature was wrong; no active subscription has the token; the
    subscription is over, and the hub may forget it.
    """

    TAKEN = "taken"
    IGNORED = "ignored"
    UNKNOWN = "unknown"
    OVER = "over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a hub asks or tells with a GET (sections 5.2 and 5.3): its `hub.` parameters, "" where there are none."""

    mode: str
    topic: str
    challenge: str = ""
    lease_seconds: str = ""
    reason: str = ""


class WebSub:
    """Subscribes feeds at their hubs, and hears what these say.

    Args:
        web: For requests to hubs.
        options: Of the feeds of the configuration, by name; another mapping after a reload.
        default_options: Of the other feeds.
        callback: Where hubs find this program, without a slash at its end.
    """

    def __init__(
        self,
        *,
        store: PushStore,
        web: Callable[[], Web],
        options: Callable[[], Mapping[str, FeedOptions]],
        default_options: Callable[[], FeedOptions],
        callback: str,
        threads: StoreThreads,
        clock: Clock,
        observer: Observer,
    ) -> None:
        self._store = store
        self._web = web
        self._options = options
        self._default_options = default_options
        self._callback = callback
        self._threads = threads
        self._clock = clock
        self._observer = observer
        self._aligned: Mapping[str, FeedOptions] | None = None
        self._ignored: dict[str, int] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[object]] = set()

    # ---------------------------------------------------------------------------------------------- what is subscribed

    async def tick(self) -> None:
        """Ask hubs for what is due; after a start and a reload, first see what is wanted."""
        await self._guarded(self._tick())

    async def _tick(self) -> None:
        options = self._options()
        if options is not self._aligned:
            await self._align(options)
            self._aligned = options
        await self._ask_hubs()

    async def forget(self) -> bool:
        """Drop all subscriptions: no hub can reach us, to tell of news or to make sure that we want no more. False:
        not now.
        """
        return await self._guarded(self._forget())

    async def _forget(self) -> None:
        await self._threads.write(self._store.forget_subscriptions, now=self._clock.now())

    def note(self, event: Event) -> None:
        """Look at a feed that was polled: whether its document names a hub, and whether that hub does its work."""
        if isinstance(event, FeedPolled) and event.kind != "lost":
            options = self._options().get(event.feed.name)
            if options is not None and options.websub:
                self._spawn(self._after_poll(event, options))

    async def close(self) -> None:
        """Leave off; what was to be asked is asked after the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _align(self, options: Mapping[str, FeedOptions]) -> None:
        """Subscribe what is wanted, and end what is not."""
        names = [name for name, each in options.items() if each.websub]
        feeds = await self._threads.read(self._store.feeds, names=names)
        known: dict[FeedId, list[Subscription]] = {}
        for one in await self._threads.read(self._store.subscriptions):
            known.setdefault(one.feed_id, []).append(one)
        for feed in feeds:
            of_feed = known.pop(feed.id, [])
            await self._repeat_ping(feed, of_feed, floor=options[feed.name].min_interval)
            await self._align_feed(feed, of_feed)
        for one in (one for rest in known.values() for one in rest):
            if one.state is not SubscriptionState.UNSUBSCRIBING:
                await self._threads.write(self._store.unsubscribe, one.token, now=self._clock.now())

    async def _align_feed(self, feed: Feed, known: Sequence[Subscription]) -> bool:
        """Make the feed's subscription what its document says; whether a hub is to be asked for it."""
        now = self._clock.now()
        found = hub_and_topic(feed.hints, feed.address)
        current = next((one for one in known if one.state is not SubscriptionState.UNSUBSCRIBING), None)
        if found is None:
            return current is not None and await self._threads.write(self._store.unsubscribe, current.token, now=now)
        hub, topic = found
        if current is not None and (current.hub, current.topic, current.callback) == (hub, topic, self._callback):
            return False
        wanted = Subscription(
            token=secrets.token_urlsafe(_SECRET_BYTES),
            feed_id=feed.id,
            feed=feed.name,
            hub=hub,
            topic=topic,
            callback=self._callback,
            secret=secrets.token_urlsafe(_SECRET_BYTES) if is_secure(hub) else "",
            renew_at=now,
        )
        return await self._threads.write(self._store.subscribe, wanted)

    async def _after_poll(self, event: FeedPolled, options: FeedOptions) -> None:
        for feed in await self._threads.read(self._store.feeds, names=[event.feed.name]):
            known = await self._threads.read(self._store.subscriptions, feed_ids=[feed.id])
            if not await self._repeat_ping(feed, known, floor=options.min_interval) and _has_missed(event, feed, known):
                await self._threads.write(self._store.stop_trusting, feed.id, now=self._clock.now())
            if await self._align_feed(feed, known):
                await self._ask_hubs()

    async def _repeat_ping(self, feed: Feed, known: Sequence[Subscription], *, floor: timedelta) -> bool:
        """A ping that came while its feed was being polled may be about what that poll did not see any more."""
        active = next((one for one in known if one.state is SubscriptionState.ACTIVE), None)
        if active is None or active.pinged_at is None or feed.polled_at is None or active.pinged_at <= feed.polled_at:
            return False
        await self._threads.write(self._store.push, active.token, now=self._clock.now(), floor=floor)
        return True

    # ------------------------------------------------------------------------------------------------- asking the hubs

    async def _ask_hubs(self) -> None:
        """One request at a time to each hub, all hubs beside each other."""
        claimed = await self._threads.write(
            self._store.claim_subscriptions, now=self._clock.now(), limit=BATCH, wait=retry_after
        )
        by_hub: dict[str, list[Subscription]] = {}
        for one in claimed:
            by_hub.setdefault(one.hub, []).append(one)
        await asyncio.gather(*(self._ask(hub, of_hub) for hub, of_hub in by_hub.items()))

    async def _ask(self, hub: str, subscriptions: Sequence[Subscription]) -> None:
        async with self._turns.setdefault(hub, asyncio.Lock()):
            silence = ""
            for one in subscriptions:
                if one.state is SubscriptionState.UNSUBSCRIBING and one.attempts > _GOODBYES:
                    await self._end(one, "the hub was told several times and never answered")
                    continue
                # A hub that is down is asked once a round, and not for each of its feeds.
                silence = silence or await self._ask_for(one)
                if silence:
                    await self._settle(one, "unanswered", silence)

    async def _ask_for(self, one: Subscription) -> str:
        """One request; why the hub cannot be reached, or ""."""
        leaves = one.state is SubscriptionState.UNSUBSCRIBING
        fields = request_fields(one, "unsubscribe" if leaves else "subscribe")
        answer = read_answer(await self._web().post_form(one.hub, fields))
        match answer:
            case Accepted():
                now = self._clock.now()
                await self._threads.write(self._store.settle_subscription, one, error="", now=now)
            case Denied() if leaves:
                await self._end(one, "the hub knows nothing of it")
            case Denied(reason=reason):
                await self._settle(one, "denied", reason)
            case Unanswered(reached=True, reason=reason):
                await self._settle(one, "unanswered", reason)
            case Unanswered(reason=reason):
                return reason
            case _:
                assert_never(answer)
        return ""

    async def _settle(self, one: Subscription, kind: Literal["denied", "unanswered"], reason: str) -> None:
        now = self._clock.now()
        until = now + DENIED_FOR if kind == "denied" else one.renew_at
        denied_until = until if kind == "denied" else None
        settled = await self._threads.write(
            self._store.settle_subscription, one, error=reason, denied_until=denied_until, now=now
        )
        if settled:
            self._tell(one, kind, detail=reason, until=until)

    async def _end(self, one: Subscription, why: str) -> None:
        if await self._threads.write(self._store.end_subscription, one.token, now=self._clock.now()):
            self._tell(one, "ended", detail=why)

    # ----------------------------------------------------------------------------------------------- what the hubs say

    async def find(self, token: str) -> Subscription | None:
        """The subscription that a hub means by the address that it calls, or None.

        Raises:
            StoreError: Nobody knows just now.
        """
        if not _TOKEN.fullmatch(token):
            return None
        return await self._threads.read(self._store.subscription, token)

    async def answer(self, one: Subscription, question: Question) -> str | None:
        """What to answer to a hub that verifies or denies a subscription: its challenge, "" or, as None, 404.

        Written before it is answered: a hub that hears yes may ping at once.
        """
        now = self._clock.now()
        if question.mode == "denied" and question.topic == one.topic:
            reason = one_line(f"the hub refused: {question.reason}" if question.reason else "the hub refused")
            until = now + DENIED_FOR
            denied = await self._threads.write(
                self._store.deny_subscription, one.token, reason=reason, until=until, now=now
            )
            if denied:
                self._tell(one, "denied", detail=reason, until=until)
            return "" if denied else None
        if not question.challenge or not is_expected(one, mode=question.mode, topic=question.topic, now=now):
            return None
        if question.mode == "unsubscribe":
            await self._end(one, "as wished")
            return question.challenge
        return question.challenge if await self._confirm(one, granted_lease(question.lease_seconds)) else None

    async def _confirm(self, one: Subscription, lease: timedelta) -> bool:
        now = self._clock.now()
        confirmed = await self._threads.write(
            self._store.confirm_subscription,
            one.token,
            now=now,
            lease_ends_at=now + lease,
            renew_at=now + renewal(lease),
        )
        if confirmed:
            kind: ChangeKind = "renewed" if one.state is SubscriptionState.ACTIVE else "subscribed"
            self._tell(one, kind, until=now + lease)
        return confirmed

    async def ping(self, one: Subscription, body: bytes, signatures: Sequence[str]) -> Ping:
        """A hub tells of news; its `body` is looked at for nothing but its signature.

        Args:
            signatures: The values of its X-Hub-Signature headers.
        """
        match one.state:
            case SubscriptionState.ACTIVE:
                pass
            case SubscriptionState.WANTED | SubscriptionState.PENDING:
                return Ping.UNKNOWN
            case SubscriptionState.DENIED | SubscriptionState.UNSUBSCRIBING:
                return Ping.OVER
            case _:
                assert_never(one.state)
        if one.secret and not is_signed(body, signatures, one.secret):
            count = self._ignored[one.token] = self._ignored.get(one.token, 0) + 1
            why = "its signature is wrong" if signatures else "it is not signed"
            self._observer(PushIgnored(feed=one.feed, why=why, count=count))
            return Ping.IGNORED
        floor = self._options().get(one.feed, self._default_options()).min_interval
        due_at = await self._threads.write(self._store.push, one.token, now=self._clock.now(), floor=floor)
        if due_at is None:
            return Ping.OVER
        self._observer(Pushed(feed=one.feed, due_at=due_at))
        return Ping.TAKEN

    # --------------------------------------------------------------------------------------------------- small things

    def _tell(self, one: Subscription, kind: ChangeKind, *, detail: str = "", until: datetime | None = None) -> None:
        if kind != "renewed":
            self._ignored.pop(one.token, None)
        self._observer(SubscriptionChanged(feed=one.feed, hub=one.hub, kind=kind, detail=detail, until=until))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task: asyncio.Task[object] = asyncio.create_task(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Coroutine[None, None, None]) -> bool:
        try:
            await work
        except StoreError as error:
            self._observer(Trouble(what=f"subscriptions at hubs have to wait: {error}"))
            return False
        return True


def _has_missed(event: FeedPolled, feed: Feed, known: Sequence[Subscription]) -> bool:
    """Whether the poll found news since the last good one, of which its hub told nothing."""
    before = event.feed.ok_at
    if feed.push_until is None or before is None or not event.fresh or event.baseline:
        return False
    return all(one.pinged_at is None or one.pinged_at <= before for one in known)
