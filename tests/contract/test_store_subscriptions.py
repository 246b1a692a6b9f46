"""The contract of `monitor/store/base.py`: subscriptions at hubs, and what a hub's word does to the schedule."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from monitor.model import Subscription, SubscriptionState
from tests.contract.samples import HOUR, INTERVAL, MINUTE, NOW, claim, failed, names, outcome, spec, update

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from monitor.model import Feed
    from monitor.store.base import Store

DAY = timedelta(days=1)
LEASE = 10 * DAY


def the_feed(store: Store) -> Feed:
    (feed,) = store.feeds(names=["wire"])
    return feed


def a_feed(store: Store) -> Feed:
    """The feed "wire", polled at NOW, next due a day later: its hub is trusted to tell of news."""
    store.sync_feeds([spec("wire")], now=NOW)
    (held,) = claim(store)
    (feed,) = held.feeds
    store.commit_polls([outcome(held.lease, update(feed, next_poll_at=NOW + DAY))], now=NOW)
    return the_feed(store)


def wanted(feed: Feed, token: str = "t1", **changes: object) -> Subscription:
    values: dict[str, object] = {"hub": "https://hub.example/", "topic": feed.url, "callback": "https://me.example/w"}
    values |= {"secret": "s3cret", "renew_at": NOW} | changes
    return Subscription(token=token, feed_id=feed.id, feed=feed.name, **values)  # type: ignore[arg-type]  # mixed


def ask(store: Store, *, now: datetime = NOW, limit: int = 10) -> Sequence[Subscription]:
    return store.claim_subscriptions(now=now, limit=limit, wait=lambda attempts: attempts * HOUR)


def active(store: Store, *, now: datetime = NOW, lease: timedelta = LEASE) -> Subscription:
    """An active subscription of the feed "wire", polled at NOW."""
    store.subscribe(wanted(a_feed(store)))
    ask(store, now=now)
    assert store.confirm_subscription("t1", now=now, lease_ends_at=now + lease, renew_at=now + 0.8 * lease)
    return the_one(store)


def the_one(store: Store) -> Subscription:
    (found,) = store.subscriptions()
    return found


def test_what_is_wanted_is_kept_whole(store: Store) -> None:
    """And found by its token and its feed."""
    one = wanted(a_feed(store))
    assert store.subscribe(one)
    assert store.subscription("t1") == one
    assert store.subscription("t2") is None
    assert store.subscriptions() == store.subscriptions(feed_ids=[one.feed_id]) == (one,)
    assert store.subscriptions(feed_ids=[]) == ()


def test_the_same_is_not_wanted_twice(store: Store) -> None:
    """One with another token is no other subscription."""
    feed = a_feed(store)
    assert store.subscribe(wanted(feed))
    assert not store.subscribe(wanted(feed, "t2"))
    assert the_one(store).token == "t1"


def test_a_claim_counts_and_keeps_others_away(store: Store, open_again: Callable[[], Store]) -> None:
    """Before the hub is asked it is written that it is; a claimer that dies asks again when the wait is over."""
    store.subscribe(wanted(a_feed(store)))
    (asked,) = ask(store)
    assert (asked.state, asked.requested_at, asked.attempts) == (SubscriptionState.PENDING, NOW, 1)
    assert the_one(store) == asked
    assert ask(open_again(), now=NOW + 59 * MINUTE) == ()
    (again,) = ask(store, now=NOW + HOUR)
    assert (again.attempts, again.renew_at) == (2, NOW + 3 * HOUR)


def test_the_hub_verifies_before_its_answer_is_read(store: Store) -> None:
    """The answer then changes nothing, be it yes or no."""
    store.subscribe(wanted(a_feed(store)))
    (asked,) = ask(store)
    assert store.confirm_subscription("t1", now=NOW, lease_ends_at=NOW + LEASE, renew_at=NOW + 8 * DAY)
    assert not store.settle_subscription(asked, error="late", now=NOW)
    assert not store.settle_subscription(asked, error="no", denied_until=NOW + DAY, now=NOW)
    found = the_one(store)
    assert (found.state, found.error, found.attempts) == (SubscriptionState.ACTIVE, "", 0)
    assert (found.verified_at, found.lease_ends_at, found.renew_at) == (NOW, NOW + LEASE, NOW + 8 * DAY)


def test_an_answer_is_written(store: Store) -> None:
    """Trouble is kept in words, and gone after a yes; a no is final for a while."""
    store.subscribe(wanted(a_feed(store)))
    (asked,) = ask(store)
    assert store.settle_subscription(asked, error="503", now=NOW)
    assert (the_one(store).state, the_one(store).error) == (SubscriptionState.PENDING, "503")
    (asked,) = ask(store, now=NOW + HOUR)
    assert store.settle_subscription(asked, error="", now=NOW + HOUR)
    assert the_one(store).error == ""
    (asked,) = ask(store, now=NOW + 3 * HOUR)
    assert store.settle_subscription(asked, error="403", denied_until=NOW + 7 * DAY, now=NOW + 3 * HOUR)
    assert (the_one(store).state, the_one(store).error) == (SubscriptionState.DENIED, "403")
    assert ask(store, now=NOW + 6 * DAY) == ()
    assert [each.state for each in ask(store, now=NOW + 7 * DAY)] == [SubscriptionState.PENDING]


def test_a_renewal_leaves_an_active_one_active(store: Store) -> None:
    """So that pings count while the hub verifies anew; one whose lease has ended is pending again."""
    active(store)
    (asked,) = ask(store, now=NOW + 8 * DAY)
    assert asked.state is SubscriptionState.ACTIVE
    assert store.push("t1", now=NOW + 8 * DAY, floor=MINUTE) is not None
    (asked,) = ask(store, now=NOW + 11 * DAY)
    assert asked.state is SubscriptionState.PENDING
    assert store.push("t1", now=NOW + 11 * DAY, floor=MINUTE) is None


def test_a_lease_that_ends_unrenewed_ends_the_trust(store: Store) -> None:
    """At its very end, however long the hub was to be left alone after a renewal that failed."""
    active(store, lease=HOUR)
    store.push("t1", now=NOW, floor=DAY)
    (asked,) = ask(store, now=NOW + 50 * MINUTE)
    assert store.settle_subscription(asked, error="503", now=NOW + 50 * MINUTE)
    assert the_one(store).renew_at == NOW + HOUR
    assert the_feed(store).push_until is not None
    (asked,) = ask(store, now=NOW + HOUR)
    assert (asked.state, asked.renew_at) == (SubscriptionState.PENDING, NOW + 3 * HOUR)
    assert (the_feed(store).push_until, the_feed(store).next_poll_at) == (None, NOW + HOUR)


def test_a_ping_makes_the_feed_due(store: Store) -> None:
    """Now, where the last poll was long enough ago, and its host with it."""
    active(store)
    assert claim(store, now=NOW + HOUR) == ()
    assert store.push("t1", now=NOW + HOUR, floor=MINUTE) == NOW + HOUR
    assert the_one(store).pinged_at == NOW + HOUR
    assert the_feed(store).reason == "its hub told of news (WebSub)"
    assert names(claim(store, now=NOW + HOUR)) == [["wire"]]


def test_pings_cannot_hurry_a_feed(store: Store) -> None:
    """Any number of them make one poll in each shortest interval, and none makes a poll later than it was."""
    active(store)
    for seconds in range(5):
        due = store.push("t1", now=NOW + timedelta(seconds=seconds), floor=5 * MINUTE)
        assert due == NOW + 5 * MINUTE
    assert claim(store, now=NOW + 4 * MINUTE) == ()
    (held,) = claim(store, now=NOW + 5 * MINUTE)
    polled = update(held.feeds[0], polled_at=NOW + 5 * MINUTE, next_poll_at=NOW + 6 * MINUTE)
    store.commit_polls([outcome(held.lease, polled)], now=NOW + 5 * MINUTE)
    assert store.push("t1", now=NOW + 5 * MINUTE, floor=HOUR) == NOW + 6 * MINUTE


def test_a_server_in_trouble_is_left_alone(store: Store) -> None:
    """Retry-After and back-off go before a hub's word; after trouble on the way to it they do not."""
    active(store)
    store.push("t1", now=NOW + HOUR, floor=MINUTE)
    (held,) = claim(store, now=NOW + HOUR)
    down = replace(failed(held.feeds[0], polled_at=NOW + HOUR), next_poll_at=NOW + 5 * HOUR)
    store.commit_polls([outcome(held.lease, down)], now=NOW + HOUR)
    assert store.push("t1", now=NOW + 2 * HOUR, floor=MINUTE) == NOW + 5 * HOUR
    (held,) = claim(store, now=NOW + 5 * HOUR)
    lost = replace(failed(held.feeds[0], polled_at=NOW + 5 * HOUR), status=None, next_poll_at=NOW + 9 * HOUR)
    store.commit_polls([outcome(held.lease, lost)], now=NOW + 5 * HOUR)
    assert store.push("t1", now=NOW + 6 * HOUR, floor=MINUTE) == NOW + 6 * HOUR
    (held,) = claim(store, now=NOW + 6 * HOUR)
    good = update(held.feeds[0], polled_at=NOW + 6 * HOUR, next_poll_at=NOW + 9 * HOUR)
    store.commit_polls([outcome(held.lease, replace(good, not_before=NOW + 8 * HOUR))], now=NOW + 6 * HOUR)
    assert store.push("t1", now=NOW + 7 * HOUR, floor=MINUTE) == NOW + 8 * HOUR


def test_a_host_that_is_being_polled_stays_with_its_worker(store: Store) -> None:
    """Two workers never ask one host at once; the ping counts when the host is free again."""
    active(store)
    (held,) = store.claim_feeds(["wire"], now=NOW + HOUR, lease=MINUTE)
    store.push("t1", now=NOW + HOUR, floor=MINUTE)
    assert claim(store, now=NOW + HOUR) == ()
    store.release([held.lease], now=NOW + HOUR)
    assert names(claim(store, now=NOW + HOUR)) == [["wire"]]


def test_only_an_active_subscription_pings(store: Store) -> None:
    """Nobody else's token does anything, nor does one of a feed that was removed."""
    store.subscribe(wanted(a_feed(store)))
    assert store.push("t1", now=NOW + HOUR, floor=MINUTE) is None
    assert store.push("t2", now=NOW + HOUR, floor=MINUTE) is None
    ask(store)
    store.confirm_subscription("t1", now=NOW, lease_ends_at=NOW + LEASE, renew_at=NOW + DAY)
    store.sync_feeds([], now=NOW)
    assert store.push("t1", now=NOW + HOUR, floor=MINUTE) is None


def test_a_hub_is_trusted_from_its_first_word_on(store: Store) -> None:
    """A subscription alone shows nothing: there are hubs that no publisher tells of news."""
    active(store)
    assert the_feed(store).push_until is None
    store.push("t1", now=NOW + HOUR, floor=MINUTE)
    assert the_feed(store).push_until == NOW + LEASE
    assert store.status(now=NOW + HOUR).pushed == 1
    ask(store, now=NOW + 8 * DAY)
    store.confirm_subscription("t1", now=NOW + 8 * DAY, lease_ends_at=NOW + 18 * DAY, renew_at=NOW + 16 * DAY)
    assert the_feed(store).push_until == NOW + 18 * DAY
    assert store.status(now=NOW + 18 * DAY).pushed == 0


def test_a_hub_that_missed_news_is_not_trusted(store: Store) -> None:
    """The feed is due as without a hub, until the hub tells of something again."""
    one = active(store)
    store.push("t1", now=NOW + HOUR, floor=MINUTE)
    (held,) = claim(store, now=NOW + HOUR)
    polled = update(held.feeds[0], polled_at=NOW + HOUR, next_poll_at=NOW + 2 * DAY)
    store.commit_polls([outcome(held.lease, polled)], now=NOW + HOUR)
    store.stop_trusting(one.feed_id, now=NOW + HOUR)
    assert (the_feed(store).push_until, the_feed(store).next_poll_at) == (None, NOW + HOUR + INTERVAL)
    assert names(claim(store, now=NOW + HOUR + INTERVAL)) == [["wire"]]
    store.push("t1", now=NOW + 2 * HOUR, floor=MINUTE)
    assert the_feed(store).push_until == NOW + LEASE


def test_a_subscription_that_ends_leaves_the_feed_as_without_a_hub(store: Store) -> None:
    """Denied, given up or forgotten: what would have been polled in a day is polled after its interval."""
    ways: list[Callable[[], object]] = [
        lambda: store.deny_subscription("t1", reason="no", until=NOW + LEASE, now=NOW + HOUR),
        lambda: store.unsubscribe("t1", now=NOW + HOUR),
        lambda: store.end_subscription("t1", now=NOW + HOUR),
        lambda: store.forget_subscriptions(now=NOW + HOUR),
    ]
    for way in ways:
        active(store)
        store.push("t1", now=NOW + HOUR, floor=2 * DAY)
        assert the_feed(store).push_until is not None
        assert way()
        assert (the_feed(store).push_until, the_feed(store).next_poll_at) == (None, NOW + HOUR)
        store.forget_subscriptions(now=NOW)
        store.sync_feeds([], now=NOW)


def test_the_end_is_told_to_a_hub_that_has_it(store: Store) -> None:
    """Until it verifies that; one that never verified has nothing to be told."""
    one = active(store)
    assert store.unsubscribe("t1", now=NOW + HOUR)
    assert not store.unsubscribe("t1", now=NOW + HOUR)
    (asked,) = ask(store, now=NOW + HOUR)
    assert (asked.state, asked.token, asked.attempts) == (SubscriptionState.UNSUBSCRIBING, "t1", 1)
    assert not store.confirm_subscription("t1", now=NOW, lease_ends_at=NOW + LEASE, renew_at=NOW + DAY)
    assert store.push("t1", now=NOW + HOUR, floor=MINUTE) is None
    assert store.end_subscription("t1", now=NOW + HOUR)
    assert not store.end_subscription("t1", now=NOW + HOUR)
    store.subscribe(replace(one, state=SubscriptionState.WANTED, lease_ends_at=None))
    assert store.unsubscribe("t1", now=NOW)
    assert store.subscriptions() == ()


def test_another_hub_takes_the_place_of_the_old_one(store: Store) -> None:
    """Both have their own token, so each hub's words are told apart; the old one is told."""
    active(store)
    feed = the_feed(store)
    assert store.subscribe(wanted(feed, "t2", hub="https://other.example/", renew_at=NOW + HOUR))
    assert [(each.token, each.state) for each in ask(store, now=NOW + HOUR)] == [
        ("t1", SubscriptionState.UNSUBSCRIBING),
        ("t2", SubscriptionState.PENDING),
    ]
    assert store.subscribe(wanted(feed, "t3", callback="https://you.example/w"))
    assert {each.token for each in store.subscriptions()} == {"t1", "t3"}


def test_a_moved_feed_begins_without_trust(store: Store) -> None:
    """The hub speaks for the old URL."""
    active(store)
    store.push("t1", now=NOW + HOUR, floor=MINUTE)
    store.sync_feeds([spec("wire", "https://wire.example/other")], now=NOW + HOUR)
    assert the_feed(store).push_until is None
