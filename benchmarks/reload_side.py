"""The daemon itself, with somebody who saves other rules as soon as the last ones are live, and a meter on its loop."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from contextlib import suppress
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any, TextIO

from monitor import log
from monitor.app import Daemon
from monitor.service.events import Event, RulesReloaded

if TYPE_CHECKING:
    from monitor.app import Loaded
    from monitor.store.base import Store

_FILES = 10
_BEAT = 0.002


class _Meter:
    """How late the loop is each time something asks to be woken.

    "own" is what this process itself can be blamed for: at most the CPU time that it used meanwhile. The rest it
    waited for a core that others had.
    """

    def __init__(self) -> None:
        self._late: list[float] = []
        self._own: list[float] = []
        self._since = perf_counter()

    async def run(self) -> None:
        while True:
            before, used = perf_counter(), process_time()
            await asyncio.sleep(_BEAT)
            late = max(0.0, perf_counter() - before - _BEAT)
            self._late.append(late)
            self._own.append(min(late, process_time() - used))

    def read(self) -> dict[str, float]:
        """What it came to, in ms; it begins anew."""
        late, own, seconds = sorted(self._late), sorted(self._own), perf_counter() - self._since
        self._late, self._own, self._since = [], [], perf_counter()
        most = int(len(late) * 0.99)
        return {
            "p50": 1e3 * late[len(late) // 2],
            "p99": 1e3 * late[most],
            "max": 1e3 * late[-1],
            "own p99": 1e3 * own[most],
            "own max": 1e3 * own[-1],
            "seconds": seconds,
        }


class _Desk:
    """Saves every rule in a new version, file by file, as an editor does: beside it and renamed."""

    def __init__(self, folder: Path, rules: int) -> None:
        self._folder = folder
        self._each = rules // _FILES
        self._live = asyncio.Event()

    def observe(self, event: Event) -> None:
        """For the daemon; the file with the watched rule is written last."""
        if isinstance(event, RulesReloaded) and event.added:
            self._live.set()

    async def save(self, version: int) -> float:
        """Write, and wait until it is live; the seconds between."""
        self._live.clear()
        await asyncio.to_thread(self.write, version)
        saved = perf_counter()
        await self._live.wait()
        return perf_counter() - saved

    def write(self, version: int) -> None:
        """All files."""
        for number in range(_FILES):
            self._write(number, version)

    def _write(self, number: int, version: int) -> None:
        dice = random.Random(number)
        text = "".join(self._rule(number * self._each + each, version, dice) for each in range(self._each))
        if number == _FILES - 1:
            text += f"[[rule]]\nname = 'every {version}'\nquery = 'everyarticle'\n"
        beside = self._folder / f".{number}.tmp"
        beside.write_text(text, encoding="utf-8")
        beside.rename(self._folder / f"{number}.toml")

    def _rule(self, number: int, version: int, dice: random.Random) -> str:
        one, other = dice.choices(("government", "market", "storm", "election", "hospital"), k=2)
        query = f'topic{number} AND ({one} OR "{other} talks" OR edition{version})'
        return f"[[rule]]\nname = 'rule {number}'\nquery = '{query}'\n"


async def _measure(given: dict[str, Any], daemon: Daemon, desk: _Desk) -> dict[str, Any]:
    meter = _Meter()
    metering = asyncio.create_task(meter.run())
    await asyncio.sleep(5)  # the baselines of all feeds
    meter.read()
    await asyncio.sleep(given["alone"])
    lag = {"unchanged": meter.read()}
    live = [await desk.save(version) for version in range(1, given["changes"] + 1)]
    lag["changing"] = meter.read()
    metering.cancel()
    with suppress(asyncio.CancelledError):
        await metering
    daemon.stop()
    return {"lag": lag, "live_seconds": live}


async def _main(lines: TextIO) -> None:
    given = json.loads(lines.readline())
    log.configure(level="warning", format="logfmt", stream=sys.stderr)
    desk = _Desk(Path(given["config"]).parent / "rules", given["rules"])
    desk.write(0)
    daemon = Daemon(Path(given["config"]), observers=(desk.observe,))
    print("{}", flush=True)
    await asyncio.to_thread(lines.readline)
    measuring: list[asyncio.Task[dict[str, Any]]] = []

    def started(_store: Store, _loaded: Loaded) -> None:
        measuring.append(asyncio.create_task(_measure(given, daemon, desk)))

    await daemon.run(started)
    print(json.dumps(await measuring[0]), flush=True)


if __name__ == "__main__":
    asyncio.run(_main(sys.stdin))
