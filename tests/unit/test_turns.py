"""Turns at hosts: one at a time, a pause between two, and nobody else held up."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from monitor.service import turns as module
from monitor.service.turns import Turns
from tests.fakes import FakeClock

SECOND = timedelta(seconds=1)


async def test_one_at_a_time_in_the_order_of_asking() -> None:
    """A second turn at a host begins when the first has ended and the pause is over; another host waits for neither."""
    clock = FakeClock()
    turns = Turns(clock)
    told: list[tuple[str, float]] = []
    gate = asyncio.Event()

    async def ask(name: str, host: str) -> None:
        async with turns.turn(host, delay=SECOND):
            told.append((name, clock.monotonic()))
            await gate.wait()

    tasks = [asyncio.create_task(ask(name, host)) for name, host in (("a", "one"), ("b", "one"), ("c", "two"))]
    while len(told) < 2:
        await asyncio.get_running_loop().run_in_executor(None, int)
    assert told == [("a", 0.0), ("c", 0.0)]
    assert turns.busy == {"one", "two"}
    gate.set()
    await asyncio.gather(*tasks)
    assert told[2] == ("b", 1.0)
    assert turns.busy == frozenset()


async def test_the_pause_counts_from_the_end_of_a_turn() -> None:
    """Also from one that failed; who comes late enough does not wait."""
    clock = FakeClock()
    turns = Turns(clock)

    async def fail() -> None:
        async with turns.turn("one", delay=SECOND):
            clock.advance(5 * SECOND)
            raise OSError("broken")

    with pytest.raises(OSError, match="broken"):
        await fail()
    async with turns.turn("one", delay=SECOND):
        assert clock.monotonic() == 6.0
    clock.advance(10 * SECOND)
    async with turns.turn("one", delay=SECOND):
        assert clock.monotonic() == 16.0


async def test_one_who_gives_up_waiting_leaves_nothing_behind() -> None:
    """A cancelled wait frees the place for the next."""
    turns = Turns(FakeClock())
    entered = asyncio.Event()

    async def ask() -> None:
        async with turns.turn("one", delay=SECOND):
            entered.set()

    async with turns.turn("one", delay=SECOND):
        waiting = asyncio.create_task(ask())
        await asyncio.get_running_loop().run_in_executor(None, int)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert not entered.is_set()
    await ask()
    assert turns.busy == frozenset()


async def test_hosts_are_forgotten_and_never_one_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long life with many hosts does not fill the memory."""
    monkeypatch.setattr(module, "_HOSTS_REMEMBERED", 3)
    turns = Turns(FakeClock())
    async with turns.turn("held", delay=SECOND):
        for number in range(20):
            async with turns.turn(f"h{number}", delay=SECOND):
                pass
        assert set(turns._hosts) == {"held", "h18", "h19"}
