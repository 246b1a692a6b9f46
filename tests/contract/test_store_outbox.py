"""The contract of `monitor/store/base.py`: deliveries, and the reports."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from monitor.alerts.batch import message_id
from monitor.model import Batch, ChannelCounts, Choice, DeliveryId, DeliveryState, Settlement
from tests.contract.samples import (
    HOUR,
    MINUTE,
    NOW,
    alert,
    claim,
    delivery,
    entry,
    failed,
    outcome,
    say,
    send_all,
    spec,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.model import Delivery, Due, MessageClaim, Recent
    from monitor.store.base import Store


def settlement(
    of: MessageClaim, state: DeliveryState = DeliveryState.SENT, *, error: str = "", attempted: bool = True
) -> Settlement:
    return Settlement(
        delivery_id=of.deliveries[0].id,
        token=of.token,
        state=state,
        due_at=NOW + HOUR,
        error=error,
        attempted=attempted,
    )


def the_one(store: Store) -> Delivery:
    (found,) = store.deliveries()
    return found


def keys(claims: object) -> list[str]:
    assert isinstance(claims, tuple)
    return [each.deliveries[0].alert.link.rsplit("/", 1)[1] for each in claims]


def test_deliveries_are_claimed_by_channel_longest_due_first(store: Store) -> None:
    """Each channel has its own line, and nothing is claimed before its time."""
    store.sync_feeds([spec("a")], now=NOW)
    (one,) = claim(store)
    said = {key: alert(entry(key)) for key in ("x", "y", "z")}
    due = (
        delivery(said["x"], due_at=NOW),
        delivery(said["y"], due_at=NOW - MINUTE),
        delivery(said["z"], due_at=NOW + HOUR),
    )
    other = delivery(said["x"], "slack")
    found = replace(outcome(one.lease, one.feeds[0]), alerts=tuple(said.values()), deliveries=(*due, other))
    store.commit_polls([found], now=NOW)
    assert keys(send_all(store, "terminal", now=NOW, limit=1, lease=MINUTE)) == ["y"]
    assert keys(send_all(store, "terminal", now=NOW, limit=5, lease=MINUTE)) == ["x"]
    assert keys(send_all(store, "slack", now=NOW, limit=5, lease=MINUTE)) == ["x"]
    assert send_all(store, "unknown", now=NOW, limit=5, lease=MINUTE) == ()


def test_a_claimed_delivery_is_given_to_nobody_until_the_lease_ends(store: Store) -> None:
    """A sender that died loses it at the end of its lease; it is sent late, not lost."""
    (said,) = say(store, "x")
    (first,) = send_all(store)
    assert first.deliveries[0].alert == said
    assert (first.deliveries[0].state, first.deliveries[0].attempts, first.deliveries[0].error) == (
        DeliveryState.PENDING,
        0,
        "",
    )
    assert (first.deliveries[0].created_at, first.deliveries[0].due_at, first.deliveries[0].sent_at) == (
        NOW,
        NOW + MINUTE,
        None,
    )
    assert send_all(store, now=NOW + MINUTE / 2) == ()
    (second,) = send_all(store, now=NOW + MINUTE)
    assert second.deliveries[0].id == first.deliveries[0].id
    assert store.settle([settlement(first), settlement(second)], now=NOW + MINUTE) == (False, True)


def test_threads_never_share_a_delivery(store: Store) -> None:
    """Two senders of one channel get each delivery once between them."""
    say(store, *(f"k{number}" for number in range(100)))
    start = Barrier(2)

    def send() -> list[str]:
        start.wait()
        mine: list[str] = []
        while batch := send_all(store, "terminal", now=NOW, limit=7, lease=MINUTE):
            mine += [each.deliveries[0].id for each in batch]
        return mine

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.submit(send), pool.submit(send)
        everything = first.result() + second.result()
    everything += [each.deliveries[0].id for each in send_all(store)]
    assert len(everything) == len(set(everything)) == 100


def test_two_senders_never_make_two_messages_of_one_group(store: Store) -> None:
    """Whoever claims first gets all of it; the id of a message stands for one content."""
    say(store, *(f"k{number}" for number in range(200)))
    start = Barrier(2)

    def together(due: Sequence[Due], recent: Sequence[Recent]) -> Choice:
        del recent
        members = tuple(each.id for each in due)
        return (
            Choice()
            if not members
            else Choice(batches=(Batch(message_id=message_id(members), kind="group", deliveries=members),))
        )

    def send() -> list[int]:
        start.wait()
        claims = store.claim_messages("terminal", now=NOW, limit=9, lease=MINUTE, choose=together, horizon=MINUTE)
        return [len(each.deliveries) for each in claims]

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.submit(send), pool.submit(send)
        assert first.result() + second.result() == [200]


def test_sent_is_sent_for_good(store: Store) -> None:
    """The time and the attempt are noted; nobody gets it again, not even by `retry`."""
    say(store, "x")
    (one,) = send_all(store)
    assert store.settle([settlement(one)], now=NOW + MINUTE) == (True,)
    sent = the_one(store)
    assert (sent.state, sent.attempts, sent.sent_at) == (DeliveryState.SENT, 1, NOW + MINUTE)
    assert send_all(store, now=NOW + 24 * HOUR) == ()
    assert store.retry_deliveries(ids=[sent.id], channel=None, now=NOW) == 0
    assert store.drop_deliveries(ids=[sent.id], channel=None, now=NOW) == 0
    assert store.settle([settlement(one, DeliveryState.DEAD)], now=NOW) == (False,)
    assert the_one(store) == sent


def test_try_later_comes_back_at_its_time(store: Store) -> None:
    """The attempt counts, the reason is kept, and the delivery is due when it was said to be."""
    say(store, "x")
    (one,) = send_all(store)
    assert store.settle([settlement(one, DeliveryState.PENDING, error="HTTP 503")], now=NOW) == (True,)
    waiting = the_one(store)
    assert (waiting.attempts, waiting.due_at, waiting.error) == (1, NOW + HOUR, "HTTP 503")
    assert send_all(store, now=NOW + HOUR - MINUTE) == ()
    (again,) = send_all(store, now=NOW + HOUR)
    assert (again.deliveries[0].attempts, again.deliveries[0].error) == (1, "HTTP 503")


def test_a_clean_stop_does_not_count_as_an_attempt(store: Store) -> None:
    """What was claimed and not sent goes back as it was."""
    say(store, "x")
    (one,) = send_all(store)
    store.settle([settlement(one, DeliveryState.PENDING, attempted=False)], now=NOW)
    assert the_one(store).attempts == 0
    assert store.status(now=NOW).channels[0].error == ""


def test_a_refused_delivery_is_dead_and_kept(store: Store) -> None:
    """It is not tried again by itself; `retry` brings it back."""
    say(store, "x")
    (one,) = send_all(store)
    store.settle([settlement(one, DeliveryState.DEAD, error="550 no such user")], now=NOW)
    dead = the_one(store)
    assert (dead.state, dead.error, dead.attempts) == (DeliveryState.DEAD, "550 no such user", 1)
    assert send_all(store, now=NOW + 24 * HOUR) == ()
    assert store.retry_deliveries(ids=None, channel="terminal", now=NOW + HOUR) == 1
    (again,) = send_all(store, now=NOW + HOUR)
    assert again.deliveries[0].id == dead.id


def test_settlements_of_a_batch_count_in_their_order(store: Store) -> None:
    """The first one ends the lease, so a second one of the same delivery comes too late; no settlements, no answers."""
    say(store, "x", "y")
    first, second = send_all(store)
    answers = store.settle(
        [settlement(first), settlement(first, DeliveryState.DEAD), settlement(second, DeliveryState.DEAD)], now=NOW
    )
    assert answers == (True, False, True)
    assert {each.id: each.state for each in store.deliveries()} == {
        first.deliveries[0].id: DeliveryState.SENT,
        second.deliveries[0].id: DeliveryState.DEAD,
    }
    assert store.settle([], now=NOW) == ()


def test_retry_makes_due_what_waits(store: Store) -> None:
    """By channel: the pending and the dead; by id: a dropped one too; never one that is being sent."""
    say(store, "x", "y", "z", channels=["terminal", "slack"])
    waiting, dead, sending = send_all(store)
    store.settle([settlement(waiting, DeliveryState.PENDING), settlement(dead, DeliveryState.DEAD)], now=NOW)
    assert store.retry_deliveries(ids=None, channel="terminal", now=NOW) == 2
    assert {each.deliveries[0].id for each in send_all(store)} == {waiting.deliveries[0].id, dead.deliveries[0].id}
    assert store.settle([settlement(sending)], now=NOW) == (True,)
    (dropped, *_rest) = store.deliveries(channel="slack")
    assert store.drop_deliveries(ids=[dropped.id], channel=None, now=NOW) == 1
    assert store.retry_deliveries(ids=None, channel="slack", now=NOW) == 2
    assert store.retry_deliveries(ids=[dropped.id], channel=None, now=NOW) == 1
    assert store.retry_deliveries(ids=[], channel=None, now=NOW) == 0


def test_drop_keeps_the_row_and_says_so(store: Store) -> None:
    """A dropped delivery is not sent, not even by a sender that holds it, and stays in the list."""
    say(store, "x", "y", channels=["terminal", "slack"])
    first, second = send_all(store)
    store.settle([settlement(first)], now=NOW)
    assert store.drop_deliveries(ids=None, channel="terminal", now=NOW) == 1
    assert store.settle([settlement(second)], now=NOW) == (False,)
    (dropped,) = store.deliveries(states=[DeliveryState.DROPPED])
    assert dropped.id == second.deliveries[0].id
    assert send_all(store, now=NOW + 24 * HOUR) == ()
    assert store.drop_deliveries(ids=None, channel="terminal", now=NOW) == 0
    assert len(send_all(store, "slack")) == 2


def test_nothing_is_changed_without_saying_which(store: Store) -> None:
    """Neither ids nor channel is a mistake of the caller, not "all of them"."""
    say(store, "x")
    with pytest.raises(ValueError, match="neither"):
        store.drop_deliveries(ids=None, channel=None, now=NOW)
    assert len(send_all(store)) == 1


def test_deliveries_newest_first(store: Store) -> None:
    """The list can be cut by state, channel and length."""
    say(store, "old", now=NOW - HOUR)
    say(store, "new", channels=["terminal", "slack"])
    assert [each.alert.link.rsplit("/", 1)[1] for each in store.deliveries()] == ["new", "new", "old"]
    assert [each.channel for each in store.deliveries(channel="slack")] == ["slack"]
    assert [each.created_at for each in store.deliveries(limit=1)] == [NOW]
    assert store.deliveries(states=[DeliveryState.SENT, DeliveryState.DEAD]) == ()
    assert len(store.deliveries(states=[DeliveryState.PENDING])) == 3


def test_a_delivery_by_the_start_of_its_id(store: Store) -> None:
    """Four characters that fit one delivery are enough; none, several, or odd characters find nothing."""
    say(store, *(f"k{number}" for number in range(40)))
    one = store.deliveries()[0]
    assert store.delivery(one.id) == one
    assert store.delivery(one.id[:12]) == one
    assert store.delivery(one.id[:3]) is None
    for odd in ("zzzz", "%%%%", "____", "\x00\x00\x00\x00", "ééééé", "\udcff\udcff\udcff\udcff", f"{one.id}0"):
        assert store.delivery(odd) is None


def test_an_ambiguous_prefix_finds_nothing(store: Store) -> None:
    """Two deliveries with one beginning: the caller has to say more."""
    (said,) = say(store, "x")
    (held,) = store.claim_feeds(["outbox"], now=NOW, lease=MINUTE)
    twins = tuple(replace(delivery(said, f"c{end}"), id=DeliveryId(f"abcdef0{end}")) for end in "12")
    store.commit_polls([replace(outcome(held.lease, held.feeds[0]), deliveries=twins)], now=NOW)
    assert store.delivery("abcdef") is None
    found = store.delivery("abcdef01")
    assert found is not None
    assert found.channel == "c1"


def test_status_counts_everything(store: Store) -> None:
    """The numbers of `status`, feed by feed and channel by channel."""
    empty = store.status(now=NOW)
    assert (empty.feeds, empty.entries, empty.polled_at, empty.channels) == (0, 0, None, ())
    store.sync_feeds([spec(name) for name in ("bad", "gone", "good", "new")], now=NOW)
    store.sync_feeds([spec(name) for name in ("bad", "good", "new")], now=NOW)
    by_name = {one.feeds[0].name: one for one in claim(store)}
    good, bad = by_name["good"], by_name["bad"]
    store.commit_polls(
        [
            outcome(
                good.lease, good.feeds[0], entries=[entry("x"), entry("y")], rules=["r"], channels=["terminal", "slack"]
            ),
            outcome(bad.lease, failed(bad.feeds[0], polled_at=NOW + MINUTE)),
        ],
        now=NOW,
    )
    first, second = send_all(store)
    store.settle([settlement(first), settlement(second, DeliveryState.PENDING, error="later")], now=NOW + MINUTE)
    store.settle([settlement(each, DeliveryState.DEAD) for each in send_all(store, "slack")[:1]], now=NOW)
    store.drop_deliveries(ids=None, channel="slack", now=NOW)
    status = store.status(now=NOW)
    assert (status.feeds, status.failing, status.silent, status.waiting, status.due) == (3, 1, 0, 1, 1)
    assert (status.entries, status.matches, status.alerts, status.polled_at) == (2, 2, 2, NOW + MINUTE)
    assert status.channels == (
        ChannelCounts(channel="slack", dropped=2),
        ChannelCounts(
            channel="terminal", pending=1, sent=1, oldest_pending_at=NOW, sent_at=NOW + MINUTE, error="later"
        ),
    )


def test_status_tells_the_latest_error_of_a_channel(store: Store) -> None:
    """Of several waiting deliveries the one that was tried last says what is wrong now."""
    say(store, "x", "y")
    first, second = send_all(store)
    store.settle([settlement(second, DeliveryState.PENDING, error="today")], now=NOW + HOUR)
    store.settle([settlement(first, DeliveryState.PENDING, error="yesterday")], now=NOW - HOUR)
    assert store.status(now=NOW).channels[0].error == "today"


def test_recent_matches_newest_published_first(store: Store) -> None:
    """Those of the baseline and those that were said are two lists; entries without a date come last."""
    store.sync_feeds([spec("a")], now=NOW)
    (one,) = claim(store)
    entries = [entry("undated"), entry("old", published_at=NOW - HOUR), entry("new", published_at=NOW)]
    silent = outcome(one.lease, one.feeds[0], releases=False, entries=entries, rules=["r"], baseline=True)
    loud = outcome(one.lease, one.feeds[0], entries=[entry("loud")], rules=["r"])
    store.commit_polls([silent, loud], now=NOW)
    titles = [each.title for each in store.recent_matches(baseline=True, limit=10)]
    assert titles == ["Title of new", "Title of old", "Title of undated"]
    assert [each.title for each in store.recent_matches(baseline=True, limit=1)] == ["Title of new"]
    assert [each.title for each in store.recent_matches(baseline=False, limit=10)] == ["Title of loud"]
