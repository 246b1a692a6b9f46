"""Healthy feeds polled flat out, alone and beside hostile ones: what these cost the others, and the loop."""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from benchmarks.hostile_farm import healthy_server, hostile_names, hostile_server
from benchmarks.process import Contestant, Peaks
from benchmarks.report import Report, middle

_CONCURRENCY = 32  # the default of polling.concurrency
_MEGABYTE = 1_000_000
_ALONE, _BESIDE = "alone", "beside hostile ones"


def run(*, quick: bool) -> Report:
    """Alternate rounds of two processes with the daemon's machinery, on one farm of healthy feeds."""
    feeds, rounds = (400, 2) if quick else (900, 3)
    done: dict[str, list[dict[str, Any]]] = {_ALONE: [], _BESIDE: []}
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        healthy, hostile = stack.enter_context(healthy_server(feeds)), stack.enter_context(hostile_server())
        contestants, peaks = {}, {}
        for name, port in ((_ALONE, 0), (_BESIDE, hostile.port)):
            given = {
                "port": healthy.port,
                "hostile_port": port,
                "feeds": feeds,
                "concurrency": _CONCURRENCY,
                "database": str(Path(folder, f"{name}.db")),
                # As short as it takes to end a benchmark in minutes; a healthy document has neither.
                "fetch_seconds": 5,
                "parse_seconds": 3,
            }
            contestants[name] = stack.enter_context(
                Contestant([sys.executable, "-m", "benchmarks.hostile_side"], given)
            )
            peaks[name] = stack.enter_context(Peaks(contestants[name].pid))
        for number in range(rounds + 1):
            # The other one first in every other round. The first round, of baselines, does not count.
            for name in sorted(contestants, reverse=bool(number % 2)):
                healthy.ask("publish")
                answer = contestants[name].ask({})
                if number:
                    done[name].append(answer)
    return _report(done, peaks, feeds)


def _report(done: dict[str, list[dict[str, Any]]], peaks: dict[str, Peaks], feeds: int) -> Report:
    for name, rounds in done.items():
        if any(sum(one["kinds"].values()) != feeds or "failed" in one["kinds"] for one in rounds):
            raise RuntimeError(f"{name}: healthy feeds failed: {[one['kinds'] for one in rounds]}")
    figures: dict[str, dict[str, Any]] = {
        name: {
            "feeds_per_second": feeds / middle(rounds, "seconds"),
            "spread": [round(feeds / one["seconds"]) for one in rounds],
            "own_cpu_ms_per_feed": middle(rounds, "own_cpu") / feeds * 1e3,
            "cpu_ms_per_feed": middle(rounds, "cpu") / feeds * 1e3,
            "late_ms": _late(rounds, 0),
            "own_late_ms": _late(rounds, 1),
            "main_peak": peaks[name].main,
            "worker_peak": peaks[name].child,
            "drained_s": middle(rounds, "drained"),
            "hostile_left": [one["hostile_left"] for one in rounds],
        }
        for name, rounds in done.items()
    }
    ratio = median(a["seconds"] / b["seconds"] for a, b in zip(done[_ALONE], done[_BESIDE], strict=True))
    return Report(
        title=f"hostile: {feeds} healthy feeds, {len(hostile_names())} hostile ones, {_CONCURRENCY} in flight, "
        f"{len(done[_ALONE])} alternating rounds",
        columns=(
            "",
            "feeds/s",
            "min–max",
            "CPU ms/feed: loop's process",
            "all",
            "late ms p50 / p99 / max",
            "own",
            "peak MB: main",
            "a worker",
        ),
        rows=tuple(_row(name, figure) for name, figure in figures.items()),
        summary=f"beside hostile ones healthy feeds come {ratio:.2f} times as fast as alone "
        f"(median of the rounds' ratios)",
        figures={**figures, "ratio": ratio},
    )


def _late(rounds: list[dict[str, Any]], which: int) -> dict[str, float]:
    late = [each[which] * 1e3 for one in rounds for each in one["late"]]
    return {"p50": median(late), "p99": quantiles(late, n=100)[98], "max": max(late)}


def _row(name: str, figure: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"healthy feeds, {name}",
        f"{figure['feeds_per_second']:.0f}",
        f"{min(figure['spread'])}–{max(figure['spread'])}",
        f"{figure['own_cpu_ms_per_feed']:.1f}",
        f"{figure['cpu_ms_per_feed']:.1f}",
        _three(figure["late_ms"]),
        _three(figure["own_late_ms"]),
        f"{figure['main_peak'] / _MEGABYTE:.0f}",
        f"{figure['worker_peak'] / _MEGABYTE:.0f}",
    )


def _three(late: dict[str, float]) -> str:
    return " / ".join(f"{late[name]:.1f}" for name in ("p50", "p99", "max"))
