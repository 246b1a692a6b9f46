"""Subscriptions from the first poll to the last goodbye: the service over a real store, a real hub that calls back."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from monitor.errors import ListenError, StoreError
from monitor.fetch.http import FetchLimits, HttpFetcher
from monitor.model import FeedHints, FeedOptions, Subscription, SubscriptionState
from monitor.netguard import Guard
from monitor.service.events import FeedPolled, Pushed, PushIgnored, SubscriptionChanged, Trouble
from monitor.service.threads import StoreThreads
from monitor.service.websub import WebSub
from monitor.web.callbacks import MAX_BODY, callback_app
from monitor.web.server import WebServer
from tests.contract.samples import HOUR, INTERVAL, MINUTE, NOW, claim, names, outcome, spec, update
from tests.fakes import FakeClock
from tests.hub import Hub
from tests.receivers import closed_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from monitor.model import Feed
    from monitor.service.events import Event
    from monitor.store.base import Store

DAY = timedelta(days=1)
FLOOR = 5 * MINUTE
WANTED: Mapping[str, FeedOptions] = {"wire": FeedOptions(websub=True, min_interval=FLOOR)}


class Bench:
    """A daemon's part in it, with one feed, "wire", whose document names the hub."""

    def __init__(self, store: Store, threads: StoreThreads, hub: Hub, *, path: str = "/websub") -> None:
        self.store = store
        self.threads = threads
        self.hub = hub
        self.path = path
        self.clock = FakeClock(NOW)
        self.options = WANTED
        self.events: list[Event] = []
        self.fetcher = HttpFetcher(
            user_agent="test", limits=FetchLimits(), concurrency=8, guard=Guard.allowing(["127.0.0.1"])
        )
        self.port = closed_port()
        self.websub = self.service()
        self.server = WebServer(("127.0.0.1", self.port))
        self.server.start(callback_app(self.websub, self.public_url))
        store.sync_feeds([spec("wire")], now=NOW)

    @property
    def public_url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.path}"

    def service(self) -> WebSub:
        """As after a restart."""
        return WebSub(
            store=self.store,
            web=lambda: self.fetcher,
            options=lambda: self.options,
            default_options=FeedOptions,
            callback=self.public_url,
            threads=self.threads,
            clock=self.clock,
            observer=self.events.append,
        )

    async def close(self) -> None:
        await self.server.stop()
        await self.websub.close()
        await self.fetcher.close()

    def feed(self) -> Feed:
        (feed,) = self.store.feeds(names=["wire"])
        return feed

    def one(self) -> Subscription:
        (one,) = self.store.subscriptions()
        return one

    @property
    def told(self) -> list[str]:
        """What became of subscriptions so far."""
        return [event.kind for event in self.events if isinstance(event, SubscriptionChanged)]

    async def poll(
        self, *, hub: str | None = None, fresh: int = 0, during: Callable[[], None] | None = None, wait: timedelta = DAY
    ) -> None:
        """A poll of the feed at the present moment, which finds `fresh` entries; the next is due after `wait`."""
        (held,) = self.store.claim_feeds(["wire"], now=self.clock.now(), lease=MINUTE)
        before, now = held.feeds[0], self.clock.now()
        if during is not None:
            during()
        hints = FeedHints(hub=self.hub.url if hub is None else hub, topic="https://wire.example/self")
        found = replace(update(before, polled_at=now, next_poll_at=now + wait), hints=hints)
        assert self.store.commit_polls([outcome(held.lease, found)], now=self.clock.now()) == (True,)
        self.websub.note(
            FeedPolled(feed=before, kind="new", fresh=fresh, baseline=False, next_poll_at=now + wait, seconds=0.1)
        )
        await asyncio.gather(*self.websub._tasks)

    async def publish(self, **how: object) -> list[int]:
        return await asyncio.to_thread(self.hub.publish, **how)  # type: ignore[arg-type]  # mixed

    async def until(self, what: Callable[[], bool]) -> None:
        await asyncio.to_thread(self.hub.wait_until, what)

    def due(self) -> bool:
        return names(claim(self.store, now=self.clock.now())) == [["wire"]]


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as running:
        yield running


@pytest.fixture
async def bench(store: Store, hub: Hub) -> AsyncIterator[Bench]:
    threads = StoreThreads()
    made = Bench(store, threads, hub)
    yield made
    await made.close()
    threads.close()


async def test_a_feed_that_names_a_hub_is_subscribed(bench: Bench) -> None:
    """Right after the poll that found the hub, by the URL that the document gives itself; the hub may verify before it
    has answered.
    """
    await bench.poll()
    (form,) = bench.hub.requests
    assert (form["hub.mode"], form["hub.topic"]) == ("subscribe", "https://wire.example/self")
    assert form["hub.callback"].startswith(bench.public_url + "/")
    assert len(form["hub.callback"].rpartition("/")[2]) >= 22  # 128 bits
    assert "hub.secret" not in form, "over plain http it would be no secret"
    one = bench.one()
    assert (one.state, one.verified_at, one.attempts) == (SubscriptionState.ACTIVE, NOW, 0)
    assert (one.lease_ends_at, one.renew_at) == (NOW + 10 * DAY, NOW + 8 * DAY)
    assert bench.told == ["subscribed"]
    await bench.poll()
    assert len(bench.hub.requests) == 1


async def test_a_hub_may_verify_later(bench: Bench) -> None:
    """Until then the subscription is pending, and a ping is not known."""
    bench.hub.manner = "silent"
    await bench.poll()
    assert bench.one().state is SubscriptionState.PENDING
    assert (await asyncio.to_thread(httpx.post, bench.one().address)).status_code == 404
    bench.clock.advance(30 * MINUTE)
    await asyncio.to_thread(bench.hub.verify, bench.hub.requests[0])
    assert bench.one().state is SubscriptionState.ACTIVE


@pytest.mark.parametrize(
    "changes",
    [{"mode": "unsubscribe"}, {"mode": "x"}, {"topic": "https://wire.example/other"}, {"challenge": ""}],
    ids=["mode", "no mode", "topic", "challenge"],
)
async def test_only_what_was_asked_for_is_confirmed(bench: Bench, changes: dict[str, str]) -> None:
    """Whoever knows the address cannot have another topic sent to it, nor end what is wanted."""
    bench.hub.manner = "silent"
    await bench.poll()
    assert (await asyncio.to_thread(bench.hub.verify, bench.hub.requests[0], **changes))[0] == 404
    assert bench.one().state is SubscriptionState.PENDING


async def test_nobody_confirms_later_what_is_settled(bench: Bench) -> None:
    """A hub that lost the answer may ask once more within minutes; an hour later nothing is open any more."""
    await bench.poll()
    form = bench.hub.requests[0]
    assert (await asyncio.to_thread(bench.hub.verify, form))[0] == 200
    bench.clock.advance(HOUR)
    assert (await asyncio.to_thread(bench.hub.verify, form))[0] == 404


async def test_a_ping_makes_the_feed_due_within_its_limits(bench: Bench) -> None:
    """At once where the last poll is long ago; a flood of them makes one poll in each shortest interval."""
    await bench.poll()
    bench.clock.advance(HOUR)
    assert not bench.due()
    assert await bench.publish() == [202]
    assert bench.due()
    bench.store.break_leases(now=bench.clock.now())
    await bench.poll()
    for _ in range(20):
        assert await bench.publish() == [202]
    assert not bench.due()
    bench.clock.advance(FLOOR)
    assert bench.due()
    assert {type(event) for event in bench.events} == {SubscriptionChanged, Pushed}


async def test_a_ping_during_a_poll_is_not_lost(bench: Bench) -> None:
    """What the poll read may be older than the news; the feed is polled again when it may be."""
    await bench.poll()
    bench.clock.advance(HOUR)

    def ping() -> None:
        bench.clock.advance(timedelta(seconds=2))
        bench.store.push(bench.one().token, now=bench.clock.now(), floor=FLOOR)

    await bench.poll(during=ping)
    assert bench.feed().next_poll_at == NOW + HOUR + FLOOR
    bench.clock.advance(FLOOR)
    await bench.poll()
    assert bench.feed().next_poll_at == bench.clock.now() + DAY


async def test_a_ping_outlives_the_daemon(bench: Bench) -> None:
    """One that came during a poll is remembered by the next start, should this one have died right after."""
    await bench.poll()
    bench.clock.advance(HOUR)
    (held,) = bench.store.claim_feeds(["wire"], now=bench.clock.now(), lease=MINUTE)
    polled_at = bench.clock.now()
    bench.clock.advance(timedelta(seconds=2))
    await bench.publish()
    found = update(held.feeds[0], polled_at=polled_at, next_poll_at=polled_at + DAY)
    bench.store.commit_polls([outcome(held.lease, replace(found, hints=bench.feed().hints))], now=bench.clock.now())
    await bench.service().tick()
    assert bench.feed().next_poll_at == polled_at + FLOOR


SECRET = "of our own"


def with_secret(bench: Bench) -> None:
    """The hub here speaks plain http, so it was given no secret; one that speaks https has one."""
    one = bench.one()
    bench.store.end_subscription(one.token, now=NOW)
    bench.store.subscribe(replace(one, secret=SECRET, state=SubscriptionState.ACTIVE))


async def test_a_hub_over_https_gets_a_secret(bench: Bench) -> None:
    """It is not reached here, but what it would have been sent is kept."""
    await bench.poll(hub="https://127.0.0.1:1/hub")
    assert len(bench.one().secret) >= 32
    assert bench.one().secret not in repr(bench.one())
    assert bench.told == ["unanswered"]


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
async def test_signed_pings_count(bench: Bench, method: str) -> None:
    """By every method of the standard."""
    await bench.poll()
    with_secret(bench)
    bench.clock.advance(HOUR)
    assert await bench.publish(method=method, secret=SECRET) == [202]
    assert bench.due()


@pytest.mark.parametrize(
    "how",
    [{"secret": "guessed"}, {"signed": False}, {"secret": SECRET, "method": "md5"}],
    ids=["wrong", "none", "weak"],
)
async def test_wrong_signatures_do_nothing(bench: Bench, how: dict[str, object]) -> None:
    """Whoever sends them is told what a hub is told, and learns nothing; the log counts them."""
    await bench.poll()
    with_secret(bench)
    bench.clock.advance(HOUR)
    for _ in range(3):
        assert await bench.publish(**how) == [202]
    assert not bench.due()
    assert bench.one().pinged_at is None
    assert [event.count for event in bench.events if isinstance(event, PushIgnored)] == [1, 2, 3]


async def test_a_lease_is_renewed_before_it_ends(bench: Bench) -> None:
    """At 80 % of it, however short, under the same address; pings count all the while."""
    bench.hub.lease = 3600
    await bench.poll()
    bench.clock.advance(47 * MINUTE)
    await bench.websub.tick()
    assert len(bench.hub.requests) == 1
    bench.clock.advance(MINUTE)
    bench.hub.manner = "silent"
    await bench.websub.tick()
    assert bench.hub.requests[1] == bench.hub.requests[0]
    assert bench.one().state is SubscriptionState.ACTIVE
    assert await bench.publish() == [202]
    await asyncio.to_thread(bench.hub.verify, bench.hub.requests[1])
    assert bench.one().lease_ends_at == NOW + 48 * MINUTE + HOUR
    assert bench.feed().push_until == bench.one().lease_ends_at
    assert bench.told == ["subscribed", "renewed"]


async def test_a_lease_that_ran_out_is_asked_for_anew(bench: Bench) -> None:
    """The daemon was down for two weeks."""
    await bench.poll()
    bench.clock.advance(14 * DAY)
    await bench.service().tick()
    assert bench.one().state is SubscriptionState.ACTIVE
    assert bench.told == ["subscribed", "subscribed"]
    assert bench.one().lease_ends_at == NOW + 24 * DAY


async def test_a_hub_in_trouble_is_asked_ever_more_seldom(bench: Bench) -> None:
    """After one hour, two more, four more; it is subscribed as soon as the hub is well again."""
    bench.hub.status = 503
    await bench.poll()
    for hours in (1, 2, 4):
        bench.clock.advance(hours * HOUR - MINUTE)
        await bench.websub.tick()
        before = len(bench.hub.requests)
        bench.clock.advance(MINUTE)
        await bench.websub.tick()
        assert len(bench.hub.requests) == before + 1
    assert bench.one().error == "the hub answered 503 Service Unavailable"
    bench.hub.status = 202
    bench.clock.advance(8 * HOUR)
    await bench.websub.tick()
    assert (bench.one().state, bench.one().error) == (SubscriptionState.ACTIVE, "")
    assert bench.told == [*["unanswered"] * 4, "subscribed"]


async def test_a_hub_that_is_down_is_asked_once_for_all_its_feeds(bench: Bench) -> None:
    """Else each of a thousand would wait for a time-out."""
    feeds = [spec(f"wire{number}") for number in range(5)]
    bench.store.sync_feeds(feeds, now=NOW)
    for feed in bench.store.feeds():
        hub, callback = bench.hub.url, bench.public_url
        bench.store.subscribe(
            Subscription(
                token=feed.name,
                feed_id=feed.id,
                feed=feed.name,
                hub=hub,
                topic=feed.url,
                callback=callback,
                renew_at=NOW,
            )
        )
    bench.hub.status, bench.options = 0, {feed.name: FeedOptions(websub=True) for feed in feeds}
    await bench.websub._ask_hubs()
    assert len(bench.hub.requests) == 1
    assert len({one.error for one in bench.store.subscriptions()} - {""}) == 1
    assert bench.told == ["unanswered"] * 5


async def test_a_hub_may_send_its_askers_elsewhere(bench: Bench) -> None:
    """307 keeps the request what it is."""
    with Hub() as other:
        bench.hub.status, bench.hub.moved_to = 307, other.url
        await bench.poll()
        assert other.requests == bench.hub.requests
    assert (bench.one().state, bench.one().hub) == (SubscriptionState.ACTIVE, bench.hub.url)


async def test_a_hub_that_says_no_is_left_alone_for_a_week(bench: Bench) -> None:
    """In its answer, or by a call; with its reason, on one line."""
    bench.hub.status = 403
    await bench.poll()
    assert (bench.one().state, bench.one().error) == (SubscriptionState.DENIED, "the hub refused (403 Forbidden)")
    bench.hub.status, bench.hub.manner = 202, "deny"
    bench.clock.advance(7 * DAY - MINUTE)
    await bench.websub.tick()
    assert len(bench.hub.requests) == 1
    bench.clock.advance(MINUTE)
    await bench.websub.tick()
    await bench.until(lambda: bool(bench.hub.verified))
    assert (bench.one().state, bench.one().error) == (SubscriptionState.DENIED, "the hub refused: not this feed")
    assert bench.hub.verified == [(200, "")]
    assert bench.told == ["denied", "denied"]
    assert (await asyncio.to_thread(httpx.post, bench.one().address)).status_code == 410


async def test_a_hub_may_end_what_it_had_granted(bench: Bench) -> None:
    """The feed is polled as without a hub then."""
    await bench.poll()
    await bench.publish()
    assert bench.feed().push_until is not None
    form = bench.hub.requests[0]
    assert (await asyncio.to_thread(bench.hub.verify, form, mode="denied", topic="https://x.example/"))[0] == 404
    assert (await asyncio.to_thread(bench.hub.verify, form, mode="denied"))[0] == 200
    assert (bench.feed().push_until, bench.feed().next_poll_at) == (None, NOW + FLOOR)


async def test_an_option_taken_away_unsubscribes(bench: Bench) -> None:
    """The hub is told, verifies it, and its address is gone."""
    await bench.poll()
    address = bench.one().address
    bench.options = {"wire": FeedOptions()}
    await bench.websub.tick()
    await bench.until(lambda: len(bench.hub.requests) == 2)
    assert bench.hub.modes == ["subscribe", "unsubscribe"]
    assert bench.store.subscriptions() == ()
    assert bench.hub.subscribers == {}
    assert bench.told == ["subscribed", "ended"]
    assert (await asyncio.to_thread(httpx.post, address)).status_code == 410
    await bench.poll()
    assert len(bench.hub.requests) == 2


async def test_a_removed_feed_unsubscribes_after_a_restart_too(bench: Bench) -> None:
    """The goodbye is in the store until the hub has taken it."""
    await bench.poll()
    bench.store.sync_feeds([], now=NOW)
    bench.options = {}
    bench.hub.status = 503
    await bench.websub.tick()
    assert bench.one().state is SubscriptionState.UNSUBSCRIBING
    bench.hub.status = 202
    bench.clock.advance(HOUR)
    await bench.service().tick()
    assert bench.hub.modes == ["subscribe", "unsubscribe", "unsubscribe"]
    await bench.until(lambda: bench.hub.subscribers == {})
    assert bench.store.subscriptions() == ()


@pytest.mark.parametrize("status", [404, 503])
async def test_a_goodbye_ends_even_where_no_hub_hears_it(bench: Bench, status: int) -> None:
    """At once where the hub knows nothing of it, after some tries where it does not answer."""
    await bench.poll()
    bench.options, bench.hub.status = {}, status
    for _ in range(8):
        await bench.websub.tick()
        bench.clock.advance(DAY)
    assert bench.store.subscriptions() == ()
    assert bench.hub.modes.count("unsubscribe") == (1 if status == 404 else 5)


async def test_another_hub_is_subscribed_and_the_old_one_left(bench: Bench) -> None:
    """Each under an address of its own; a document that names none any more ends it."""
    await bench.poll()
    old = bench.one()
    with Hub() as other:
        await bench.poll(hub=other.url)
        assert bench.hub.modes == ["subscribe", "unsubscribe"]
        assert (bench.one().hub, bench.one().state) == (other.url, SubscriptionState.ACTIVE)
        assert bench.one().token != old.token
        await bench.poll(hub="")
        assert bench.store.subscriptions() == () or bench.one().state is SubscriptionState.UNSUBSCRIBING
        await bench.websub.tick()
        assert other.modes == ["subscribe", "unsubscribe"]
    assert bench.store.subscriptions() == ()


async def test_another_public_address_is_told_to_the_hub(bench: Bench) -> None:
    """After a restart with another web.public_url everything is subscribed anew, without waiting for a poll."""
    await bench.poll()
    old = bench.one()
    bench.path = "/elsewhere"
    server = WebServer(("127.0.0.1", port := closed_port()))
    bench.port = port
    service = bench.service()
    server.start(callback_app(service, bench.public_url))
    await service.tick()
    await server.stop()
    active = [one for one in bench.store.subscriptions() if one.state is SubscriptionState.ACTIVE]
    assert [one.callback for one in active] == [bench.public_url]
    assert old.callback != bench.public_url


async def test_news_that_no_ping_told_of_end_the_trust(bench: Bench) -> None:
    """A hub that is asleep must not make alerts a day late; the first ping after that counts again."""
    await bench.poll()
    bench.clock.advance(HOUR)
    await bench.publish()
    await bench.poll(fresh=1)
    assert bench.feed().push_until is not None
    bench.clock.advance(DAY)
    await bench.poll(fresh=1)
    assert bench.feed().push_until is None
    assert bench.feed().next_poll_at == bench.clock.now() + INTERVAL
    bench.clock.advance(FLOOR)
    await bench.publish()
    assert bench.feed().push_until is not None


async def test_any_daemon_on_the_store_may_be_called(bench: Bench, open_again: Callable[[], Store]) -> None:
    """The hub verifies at one, pings another: all that counts is in the store."""
    threads = StoreThreads()
    other = Bench(open_again(), threads, bench.hub)
    bench.hub.manner = "silent"
    await bench.poll()
    (form,) = bench.hub.requests
    form["hub.callback"] = form["hub.callback"].replace(bench.public_url, other.public_url)
    assert (await asyncio.to_thread(bench.hub.verify, form))[0] == 200
    assert bench.one().state is SubscriptionState.ACTIVE
    bench.clock.advance(HOUR)
    other.clock.advance(HOUR)
    assert await other.publish() == [202]
    assert bench.due()
    await other.close()
    threads.close()


async def test_nothing_else_is_served(bench: Bench) -> None:
    """No page, no list, no other path, no other method; and nothing in an answer that a browser would act on."""
    await bench.poll()
    address = bench.one().address
    async with httpx.AsyncClient(trust_env=False) as client:
        for path in (
            "/",
            "/websub",
            "/websub/",
            "/websub/nobody",
            address.removeprefix(f"http://127.0.0.1:{bench.port}/websub"),
        ):
            assert (await client.get(f"http://127.0.0.1:{bench.port}{path}")).status_code == 404, path
        assert (await client.get(address)).status_code == 404
        assert (await client.head(address)).status_code == 405
        assert (await client.put(address)).status_code == 405
        for token in ("x" * 32, "nobody", "%00" * 30):
            assert (await client.post(f"{bench.public_url}/{token}")).status_code == 410
        question = {"hub.mode": "subscribe", "hub.topic": bench.one().topic, "hub.challenge": "<script>x</script>"}
        answer = await client.get(address, params=question)
    assert answer.text == question["hub.challenge"]
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "server" not in answer.headers


async def test_a_head_confirms_nothing(bench: Bench) -> None:
    """Programs that look at links ask like that."""
    bench.hub.manner = "silent"
    await bench.poll()
    question = {"hub.mode": "subscribe", "hub.topic": bench.one().topic, "hub.challenge": "x"}
    await asyncio.to_thread(httpx.head, bench.one().address, params=question)
    assert bench.one().state is SubscriptionState.PENDING


async def test_bodies_are_bounded(bench: Bench) -> None:
    """By what they say of their length, and by what comes: one without an end is cut off."""
    await bench.poll()
    address = bench.one().address

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536

    async def answer(content: bytes | AsyncIterator[bytes]) -> int:
        async with httpx.AsyncClient(trust_env=False) as client:
            try:
                return (await client.post(address, content=content)).status_code
            except httpx.NetworkError:
                return 413  # hung up on while still talking

    assert await answer(b"x" * MAX_BODY) == 202
    assert await answer(b"x" * (MAX_BODY + 1)) == 413
    assert await answer(endless()) == 413
    assert bench.one().pinged_at == NOW


async def test_a_store_that_is_away_is_told_as_such(bench: Bench) -> None:
    """A hub tries again later, rather than forget the subscription."""
    await bench.poll()
    address = bench.one().address
    bench.store.close()
    response = await asyncio.to_thread(httpx.post, address)
    assert (response.status_code, response.headers["retry-after"]) == (503, "60")
    bench.clock.advance(DAY)
    await bench.websub.tick()
    assert [type(event) for event in bench.events][-1] is Trouble
    with pytest.raises(StoreError):
        bench.store.feeds()


async def test_an_address_that_is_taken_is_told() -> None:
    """With the address and a way out, before anything is begun."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError, match=rf"127\.0\.0\.1:{port} .*another program"):
            WebServer(("127.0.0.1", port))
    with pytest.raises(ListenError, match=r"192\.0\.2\.1:8099 .*no such address"):
        WebServer(("192.0.2.1", 8099))
    with pytest.raises(ListenError, match=r"no-such-host\.invalid"):
        WebServer(("no-such-host.invalid", 8099))
