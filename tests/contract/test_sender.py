"""The sender over a real store: what is tried, in which order, and what is kept."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from monitor.alerts.routing import UNROUTED, Routing
from monitor.model import ChannelBroken, DeliveryState, Refused, Sent, TryLater
from monitor.service.deliver import Outlet, Sender
from monitor.service.health import Heartbeats
from monitor.service.threads import StoreThreads
from tests.contract.samples import NOW, alert, delivery, entry, say
from tests.fakes import FakeClock, ScriptedNotifier

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.service.events import Event
    from monitor.store.base import Store


class Bench:
    """A sender with two channels, "terminal" and "desk", over `store`."""

    def __init__(self, store: Store, threads: StoreThreads) -> None:
        self.store = store
        self.clock = FakeClock(NOW)
        self.rate: float | None = None
        self.routing = Routing(default=replace(UNROUTED, burst=1000))
        self.terminal, self.desk = ScriptedNotifier(), ScriptedNotifier()
        self.events: list[Event] = []
        self.sender = Sender(
            store=store,
            outlets=lambda: {
                "terminal": Outlet(notifier=self.terminal),
                "desk": Outlet(notifier=self.desk, rate=self.rate),
            },
            routing=lambda: self.routing,
            threads=threads,
            clock=self.clock,
            observer=self.events.append,
            heartbeats=Heartbeats({"sender": timedelta(seconds=40)}, clock=self.clock),
        )

    def outlets(self) -> dict[str, Outlet]:
        return {"terminal": Outlet(notifier=self.terminal), "desk": Outlet(notifier=self.desk, rate=self.rate)}

    def states(self, channel: str) -> list[DeliveryState]:
        return [delivery.state for delivery in reversed(self.store.deliveries(channel=channel))]


@pytest.fixture
def bench(store: Store) -> Iterator[Bench]:
    threads = StoreThreads()
    yield Bench(store, threads)
    threads.close()


async def test_everything_due_is_sent_once(bench: Bench) -> None:
    """More than one batch, on both channels, and nothing a second time."""
    say(bench.store, *(f"k{number:02}" for number in range(25)), channels=("terminal", "desk"), now=bench.clock.now())
    await bench.sender.flush()
    await bench.sender.flush()
    assert len(bench.terminal.sent) == len(bench.desk.sent) == 25
    assert set(bench.states("desk")) == {DeliveryState.SENT}


async def test_a_failing_channel_is_left_alone_for_a_while_and_keeps_its_messages(bench: Bench) -> None:
    """After a failure the rest of the batch is given back untried; the other channel goes on; later all arrive."""
    bench.desk.script = [TryLater(detail="no route"), TryLater(detail="no route")]
    say(bench.store, "a", "b", "c", channels=("terminal", "desk"), now=bench.clock.now())
    await bench.sender.flush()
    assert len(bench.terminal.sent) == 3
    assert len(bench.desk.sent) == 1
    assert set(bench.states("desk")) == {DeliveryState.PENDING}
    assert sorted(delivery.attempts for delivery in bench.store.deliveries(channel="desk")) == [0, 0, 1]
    for _ in range(4):
        bench.clock.advance(timedelta(minutes=6))
        await bench.sender.flush()
    assert set(bench.states("desk")) == {DeliveryState.SENT}


async def test_retry_after_is_obeyed(bench: Bench) -> None:
    """A receiver that asks for an hour gets an hour."""
    bench.desk.script = [TryLater(detail="429", retry_after=timedelta(hours=1))]
    say(bench.store, "a", channels=("desk",), now=bench.clock.now())
    await bench.sender.flush()
    bench.clock.advance(timedelta(minutes=59))
    await bench.sender.flush()
    assert len(bench.desk.sent) == 1
    bench.clock.advance(timedelta(minutes=30))
    await bench.sender.flush()
    assert len(bench.desk.sent) == 2


async def test_refused_is_dead_and_broken_is_kept(bench: Bench) -> None:
    """One message that is refused stops no other; a broken channel keeps all of them."""
    bench.desk.script = [Refused(detail="400"), ChannelBroken(detail="401")]
    say(bench.store, "a", "b", "c", channels=("desk",), now=bench.clock.now())
    await bench.sender.flush()
    assert sorted(bench.states("desk")) == [DeliveryState.DEAD, DeliveryState.PENDING, DeliveryState.PENDING]


async def test_a_broken_channel_pauses_and_is_tried_with_one_message(bench: Bench) -> None:
    """Nothing is sent for minutes, then one message; when that is taken, all the others follow at once."""
    bench.desk.script = [ChannelBroken(detail="401"), ChannelBroken(detail="401")]
    say(bench.store, "a", "b", "c", channels=("desk",), now=bench.clock.now())
    await bench.sender.flush()
    bench.clock.advance(timedelta(minutes=2))
    await bench.sender.flush()
    assert len(bench.desk.sent) == 1
    assert bench.store.paused_channels()["desk"].reason == "401"
    assert [type(event).__name__ for event in bench.events] == ["DeliverySettled", "ChannelPaused"]
    bench.clock.advance(timedelta(minutes=5))
    await bench.sender.flush()
    assert len(bench.desk.sent) == 2
    bench.clock.advance(timedelta(minutes=80))
    await bench.sender.flush()
    await bench.sender.flush()
    assert set(bench.states("desk")) == {DeliveryState.SENT}
    assert not bench.store.paused_channels()
    assert [type(event).__name__ for event in bench.events].count("ChannelPaused") == 1
    assert "ChannelResumed" in {type(event).__name__ for event in bench.events}


async def test_a_paused_channel_is_resumed_by_hand(bench: Bench) -> None:
    """Whoever has mended it need not wait; a command in another process is enough."""
    bench.desk.script = [ChannelBroken(detail="401")]
    say(bench.store, "a", "b", channels=("desk",), now=bench.clock.now())
    await bench.sender.flush()
    assert bench.store.resume_channel("desk", now=bench.clock.now())
    await bench.sender.flush()
    assert set(bench.states("desk")) == {DeliveryState.SENT}
    assert not bench.store.resume_channel("desk", now=bench.clock.now())


async def test_a_stop_waits_for_a_send_whose_channel_was_just_resumed(bench: Bench) -> None:
    """A reload while a paused channel is being tried forgets the pause, and not the message that is on its way."""
    bench.desk.script = [ChannelBroken(detail="401")]
    say(bench.store, "a", "b", channels=("desk",), now=bench.clock.now())
    await bench.sender.flush()
    bench.clock.advance(timedelta(minutes=6))
    bench.desk.gate = asyncio.Event()
    await bench.sender.tick()
    await bench.desk.entered.wait()
    await bench.sender.resume("desk")
    drained = asyncio.create_task(bench.sender.drain(grace=timedelta(minutes=1)))
    stopped, _running = await asyncio.wait([drained], timeout=0)
    assert not stopped
    bench.desk.gate.set()
    await drained
    assert sorted(bench.states("desk")) == [DeliveryState.PENDING, DeliveryState.SENT]


async def test_forty_alerts_are_one_message(bench: Bench) -> None:
    """Over the burst limit of their route they come together, and are all settled by it."""
    bench.routing = Routing()
    say(bench.store, *(f"k{number:02}" for number in range(40)), channels=("desk",), now=bench.clock.now())
    await bench.sender.flush()
    assert [len(message.alerts) for message in bench.desk.sent] == [40]
    assert set(bench.states("desk")) == {DeliveryState.SENT}


async def test_a_message_that_fails_comes_again_as_it_was(bench: Bench) -> None:
    """The same alerts under the same id, though others have come since."""
    bench.routing = Routing(default=replace(UNROUTED, burst=1))
    bench.desk.script = [TryLater(detail="503")]
    say(bench.store, "a", "b", "c", channels=("desk",), now=bench.clock.now())
    await bench.sender.flush()
    say(bench.store, "d", channels=("desk",), now=bench.clock.now())
    bench.clock.advance(timedelta(minutes=10))
    await bench.sender.flush()
    first, *others = bench.desk.sent
    again = next(message for message in others if message.id == first.id)
    assert again == first
    assert set(bench.states("desk")) == {DeliveryState.SENT}


async def test_one_bad_alert_does_not_cost_those_it_came_with(bench: Bench) -> None:
    """A message of three that is refused is sent as three; only the one that is refused again is dead."""
    bench.routing = Routing(default=replace(UNROUTED, burst=1))
    bench.desk.script = [Refused(detail="400 together"), Sent(), Refused(detail="400 alone")]
    say(bench.store, "a", "b", "c", channels=("desk",), now=bench.clock.now())
    await bench.sender.flush()
    await bench.sender.flush()
    assert sorted(bench.states("desk")) == [DeliveryState.DEAD, DeliveryState.SENT, DeliveryState.SENT]


async def test_a_channel_is_sent_no_more_than_it_takes(store: Store) -> None:
    """Twenty messages at two a second take ten seconds."""
    threads = StoreThreads()
    bench = Bench(store, threads)
    bench.rate = 2.0
    say(store, *(f"k{number:02}" for number in range(20)), channels=("desk",), now=bench.clock.now())
    await bench.sender.flush()
    assert len(bench.desk.sent) == 20
    assert timedelta(seconds=9) <= bench.clock.now() - NOW <= timedelta(seconds=11)
    threads.close()


async def test_later_messages_about_a_story_name_the_first(bench: Bench) -> None:
    """What a receiver called the first message is handed to the notifier with those that follow."""
    bench.desk.script = [Sent(ref="171.5")]
    first, second = (replace(alert(entry(key), rule=key), story="s" * 32) for key in "ab")
    now = bench.clock.now()
    for one in (first, second):
        bench.store.add_alerts([one], [delivery(one, "desk", due_at=now)], now=now)
        await bench.sender.flush()
    assert [message.thread for message in bench.desk.sent] == ["", "171.5"]


async def test_a_bug_in_a_notifier_loses_nothing(bench: Bench) -> None:
    """An exception counts as "not now" and is shown as what it is."""
    bench.desk.script = [RuntimeError("secret in here")]
    say(bench.store, "a", channels=("desk",), now=bench.clock.now())
    await bench.sender.flush()
    (delivery,) = bench.store.deliveries(channel="desk")
    assert delivery.state is DeliveryState.PENDING
    assert "internal error" in delivery.error
    assert "secret" not in delivery.error
