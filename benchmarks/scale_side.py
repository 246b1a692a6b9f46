"""The daemon's own machinery at its own pace over a prepared store: how late its polls are, and what each costs."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from time import monotonic, process_time
from typing import Any, TextIO

from benchmarks.daemon_side import Machinery
from benchmarks.prepared import postpone
from benchmarks.process import memory
from monitor.app.daemon import POLL_TICK
from monitor.service.events import Event, FeedPolled

_WARM_UP = 5.0  # seconds; for the backlog of starting


async def _main(lines: TextIO) -> None:
    given = json.loads(lines.readline())
    late: list[float] = []
    kinds: dict[str, int] = {}

    def observe(event: Event) -> None:
        kind = event.kind if isinstance(event, FeedPolled) else "trouble"
        kinds[kind] = kinds.get(kind, 0) + 1
        if isinstance(event, FeedPolled):
            done = machinery.clock.now() - event.feed.next_poll_at
            late.append(done.total_seconds() - event.seconds)

    machinery = Machinery(given, observer=observe)
    stopped = monotonic()
    print("{}", flush=True)
    while line := await asyncio.to_thread(lines.readline):
        seconds: float = json.loads(line)["seconds"]
        # While others had their rounds, nothing was polled here.
        postpone(Path(given["database"]), monotonic() - stopped)
        await _run(machinery, _WARM_UP)
        late.clear()
        kinds.clear()
        before = process_time()
        await _run(machinery, seconds)
        used = process_time() - before
        stopped = monotonic()
        answer: dict[str, Any] = {
            "late": sorted(late),
            "kinds": dict(kinds),
            "own_cpu": used,
            "rss": memory(os.getpid()).main_rss,
        }
        print(json.dumps(answer), flush=True)
    await machinery.close()


async def _run(machinery: Machinery, seconds: float) -> None:
    """Tick as the scheduler does."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds
    tick = POLL_TICK.total_seconds()
    next_tick = loop.time()
    never = asyncio.Event()
    while loop.time() < ends:
        await machinery.tick()
        next_tick = max(next_tick + tick, loop.time())
        with suppress(TimeoutError):
            await asyncio.wait_for(never.wait(), max(next_tick - loop.time(), 0.001))


if __name__ == "__main__":
    asyncio.run(_main(sys.stdin))
