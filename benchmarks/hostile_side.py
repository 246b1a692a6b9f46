"""The daemon's machinery over healthy feeds and, in one of two such processes, hostile ones; and how late its loop
is.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import sqlite3
import sys
from contextlib import suppress
from time import monotonic, process_time
from typing import Any, TextIO

from benchmarks.daemon_side import INTERVAL, Machinery, farm_feeds
from benchmarks.hostile_farm import hostile_names, hostile_url
from benchmarks.process import cpu_seconds
from monitor.app.daemon import POLL_TICK
from monitor.model import FeedSpec
from monitor.service.events import Event, FeedPolled

_BEAT = 0.005  # seconds between two looks at the loop


class _Rounds:
    """Each polls every feed once; what is measured ends with the last healthy one."""

    def __init__(self, given: dict[str, Any]) -> None:
        self._database: str = given["database"]
        self._healthy: int = given["feeds"]
        names = hostile_names() if given["hostile_port"] else []
        self._hostile = len(names)
        specs = farm_feeds(given["port"], self._healthy) + [
            FeedSpec(name=f"hostile {name}", url=hostile_url(given["hostile_port"], number), interval=INTERVAL)
            for number, name in enumerate(names)
        ]
        self.machinery = Machinery(given, observer=self._observe, specs=specs)
        self._done = asyncio.Event()
        self._kinds: dict[str, int] = {}
        self._waits = {"feed": 0, "hostile": 0}
        self._seed = 0

    def _observe(self, event: Event) -> None:
        if isinstance(event, FeedPolled):
            whose, _, _rest = event.feed.name.partition(" ")
            self._waits[whose] -= 1
            if whose == "feed":
                self._kinds[event.kind] = self._kinds.get(event.kind, 0) + 1
            self._done.set()

    async def round(self) -> dict[str, Any]:
        self._make_due()
        self._kinds = {}
        self._waits = {"feed": self._healthy, "hostile": self._hostile}
        late: list[tuple[float, float]] = []
        beat = asyncio.create_task(_beat(late))
        cpu, own_cpu, started = cpu_seconds(os.getpid()), process_time(), monotonic()
        await self._run("feed")
        answer = {
            "seconds": monotonic() - started,
            "own_cpu": process_time() - own_cpu,
            "cpu": cpu_seconds(os.getpid()) - cpu,
            "kinds": dict(self._kinds),
            "hostile_left": self._waits["hostile"],
        }
        beat.cancel()
        await self._run("hostile")
        return {**answer, "late": late, "drained": monotonic() - started}

    async def _run(self, whose: str) -> None:
        """Tick as the scheduler does, until all feeds of a kind are settled."""
        while self._waits[whose] > 0:
            self._done.clear()
            await self.machinery.tick()
            ends = monotonic() + POLL_TICK.total_seconds()
            while self._waits[whose] > 0 and (left := ends - monotonic()) > 0:
                self._done.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._done.wait(), left)

    def _make_due(self) -> None:
        """All at once, in an order that mixes both kinds and is another one each time."""
        self._seed += 1
        dice = random.Random(self._seed)
        now = int(self.machinery.clock.now().timestamp() * 1e6)
        with sqlite3.connect(self._database) as connection:
            ids = [row[0] for row in connection.execute("SELECT id FROM feeds ORDER BY id")]
            connection.executemany(
                "UPDATE feeds SET next_poll_at = ? WHERE id = ?", [(now - dice.randrange(10**7), each) for each in ids]
            )
            connection.execute(
                "UPDATE hosts SET due_at = (SELECT min(next_poll_at) FROM feeds WHERE host_id = hosts.id)"
            )
        connection.close()


async def _beat(late: list[tuple[float, float]]) -> None:
    """How late a task wakes, and how much of that this process computed; the rest it waited for a core."""
    while True:
        wanted, used = monotonic() + _BEAT, process_time()
        await asyncio.sleep(_BEAT)
        wall = max(monotonic() - wanted, 0.0)
        late.append((wall, min(wall, process_time() - used)))


async def _main(lines: TextIO) -> None:
    rounds = _Rounds(json.loads(lines.readline()))
    # As the daemon does when it has its rules.
    gc.collect()
    gc.freeze()
    print("{}", flush=True)
    while await asyncio.to_thread(lines.readline):
        print(json.dumps(await rounds.round()), flush=True)
    await rounds.machinery.close()


if __name__ == "__main__":
    asyncio.run(_main(sys.stdin))
