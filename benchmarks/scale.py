"""A hundred thousand feeds beside a thousand, with as many polls a second: lateness, cost of a poll, memory."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from statistics import median
from time import monotonic, sleep
from typing import Any

from benchmarks.farm import Farm
from benchmarks.prepared import prepare
from benchmarks.process import REPOSITORY, Contestant, Memory, cpu_seconds, environment, memory
from benchmarks.report import Report

_FEW = 1_000
_RATE = 111  # polls a second: 100,000 feeds, each every 15 minutes
_MEGABYTE = 1_000_000


def run(*, quick: bool) -> Report:
    """Alternate rounds of both sizes, then the real daemon with many."""
    many, seconds, rounds = (10_000, 10, 1) if quick else (100_000, 30, 3)
    with tempfile.TemporaryDirectory() as name, Farm(feeds=many, entries=1, paragraphs=0) as farm:
        folder = Path(name)
        done: dict[int, list[dict[str, Any]]] = {_FEW: [], many: []}
        sides: dict[int, Contestant] = {}
        for feeds in done:
            database = folder / f"{feeds}.db"
            prepare(database, port=farm.port, feeds=feeds, interval=timedelta(seconds=feeds / _RATE))
            given = {"port": farm.port, "feeds": 0, "concurrency": 32, "database": str(database)}
            sides[feeds] = Contestant([sys.executable, "-m", "benchmarks.scale_side"], given)
        try:
            for _ in range(rounds):
                for feeds, side in sides.items():
                    done[feeds].append(side.ask({"seconds": seconds}))
        finally:
            for side in sides.values():
                side.__exit__()
        held, polls_per_second, cpu = _daemon(folder / "site", farm, many, seconds=4 * seconds)
    return _report(done, held, polls_per_second, cpu, many)


def _daemon(folder: Path, farm: Farm, feeds: int, *, seconds: float) -> tuple[Memory, float, float]:
    """The real `run` with its rules, folder watch and parsers: most memory, polls a second, CPU seconds a poll."""
    (folder / "state").mkdir(parents=True)
    interval = feeds / _RATE
    prepare(folder / "state" / "news-monitor.db", port=farm.port, feeds=feeds, interval=timedelta(seconds=interval))
    (folder / "config.toml").write_text(
        f'rules = "{REPOSITORY / "rules"}"\n[polling]\nmin_interval = "1s"\ninterval = "{interval:.0f}s"\n',
        encoding="utf-8",
    )
    with (folder / "log").open("wb") as log:
        daemon = subprocess.Popen(
            [sys.executable, "-m", "monitor", "run"],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        sleep(10)
        polls, cpu, started = farm.counts()["not_modified"], cpu_seconds(daemon.pid), monotonic()
        samples: list[Memory] = []
        while monotonic() - started < seconds and daemon.poll() is None:
            sleep(2)
            samples.append(memory(daemon.pid))
        took = monotonic() - started
        polls, cpu = farm.counts()["not_modified"] - polls, cpu_seconds(daemon.pid) - cpu
    finally:
        daemon.terminate()
        daemon.wait(60)
    if not samples or not polls:
        raise RuntimeError(f"the daemon did not poll:\n{(folder / 'log').read_text(encoding='utf-8')}")
    return max(samples, key=lambda one: one.total_pss), polls / took, cpu / polls


def _report(
    done: dict[int, list[dict[str, Any]]], held: Memory, polls_per_second: float, cpu: float, many: int
) -> Report:
    figures: dict[str, Any] = {}
    rows = []
    for feeds, rounds in done.items():
        if any(set(one["kinds"]) != {"not_modified"} for one in rounds):
            raise RuntimeError(f"{feeds} feeds: not every answer was a 304: {[one['kinds'] for one in rounds]}")
        late = sorted(seconds for one in rounds for seconds in one["late"])
        costs = [one["own_cpu"] / len(one["late"]) * 1e6 for one in rounds]
        figure = {
            "polls": len(late),
            "late_p50_s": late[len(late) // 2],
            "late_p99_s": late[int(len(late) * 0.99)],
            "late_max_s": late[-1],
            "cpu_us_per_poll": median(costs),
            "rss": max(one["rss"] for one in rounds),
        }
        figures[str(feeds)] = figure
        rows.append(
            (
                f"{feeds:,} feeds",
                f"{figure['polls']:,}",
                f"{figure['late_p50_s']:.2f}",
                f"{figure['late_p99_s']:.2f}",
                f"{figure['late_max_s']:.2f}",
                f"{figure['cpu_us_per_poll']:,.0f}",
                f"{figure['rss'] / _MEGABYTE:.0f}",
            )
        )
    ratio = figures[str(many)]["cpu_us_per_poll"] / figures[str(_FEW)]["cpu_us_per_poll"]
    figures["daemon"] = {
        "main_rss": held.main_rss,
        "total_pss": held.total_pss,
        "processes": held.processes,
        "polls_per_second": polls_per_second,
        "cpu_us_per_poll": cpu * 1e6,
    }
    return Report(
        title=f"scale: {_RATE} polls/s, all 304, each on a host of its own",
        columns=("", "polls", "late p50 s", "p99", "max", "CPU µs/poll", "RSS MB"),
        rows=tuple(rows),
        summary=f"a poll costs {ratio:.2f} times as much with {many:,} feeds as with {_FEW:,}; the whole daemon with "
        f"{many:,}: {held.total_pss / _MEGABYTE:.0f} MB in {held.processes} processes, "
        f"{polls_per_second:.0f} polls/s at {cpu * 1e6:,.0f} µs",
        figures={**figures, "cpu_ratio": ratio},
    )
