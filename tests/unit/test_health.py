"""The watchdog is fed only while every part gets round."""

from __future__ import annotations

from datetime import timedelta

from monitor.service.health import Heartbeats
from tests.fakes import FakeClock


def test_a_part_that_stands_still_is_named() -> None:
    """One stuck part is enough, however lively the others are."""
    clock = FakeClock()
    beats = Heartbeats({"loop": timedelta(seconds=40), "writer": timedelta(seconds=40)}, clock=clock)
    assert beats.late() == {}
    clock.advance(timedelta(seconds=30))
    beats.beat("loop")
    clock.advance(timedelta(seconds=11))
    assert beats.late() == {"writer": 41.0}
    beats.beat("writer")
    assert beats.late() == {}
