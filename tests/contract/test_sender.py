"""The sender over a real store: what is tried, in which order, and what is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from monitor.alerts.routing import UNROUTED, Routing
from monitor.model import ChannelBroken, DeliveryState, Refused, TryLater
from monitor.service.deliver import Outlet, Sender
from monitor.service.health import Heartbeats
from monitor.service.threads import StoreThreads
from tests.contract.samples import NOW, say
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
        self.routing = Routing(default=replace(UNROUTED, burst=1000))
        self.terminal, self.desk = ScriptedNotifier(), ScriptedNotifier()
        self.events: list[Event] = []
        self.sender = Sender(
            store=store,
            outlets=lambda: {"terminal": Outlet(notifier=self.terminal), "desk": Outlet(notifier=self.desk)},
            routing=lambda: self.routing,
            threads=threads,
            clock=self.clock,
            observer=self.events.append,
            heartbeats=Heartbeats({"sender": timedelta(seconds=40)}, clock=self.clock),
        )

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


async def test_a_bug_in_a_notifier_loses_nothing(bench: Bench) -> None:
    """An exception counts as "not now" and is shown as what it is."""
    bench.desk.script = [RuntimeError("secret in here")]
    say(bench.store, "a", channels=("desk",), now=bench.clock.now())
    await bench.sender.flush()
    (delivery,) = bench.store.deliveries(channel="desk")
    assert delivery.state is DeliveryState.PENDING
    assert "internal error" in delivery.error
    assert "secret" not in delivery.error
