"""Polls that are answered 304: what the daemon adds to its own HTTP client, and both beside a bare httpx loop."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.farm import Farm
from benchmarks.process import Contestant
from benchmarks.report import Report, middle

if TYPE_CHECKING:
    from collections.abc import Sequence

_CONCURRENCY = 64
_ROUNDS = 5
_DAEMON, _OWN, _HTTPX = "daemon", "loop over its client", "loop over httpx"


def run(*, quick: bool) -> Report:
    """Alternate rounds of the daemon's machinery, a bare loop over its client, and one over httpx, on one farm."""
    feeds, rounds = (400, 3) if quick else (2_000, _ROUNDS)
    with tempfile.TemporaryDirectory() as folder, Farm(feeds=feeds, entries=2, paragraphs=0) as farm:
        given = {
            "port": farm.port,
            "feeds": feeds,
            "concurrency": _CONCURRENCY,
            "database": str(Path(folder, "news.db")),
        }
        done: dict[str, list[dict[str, Any]]] = {_DAEMON: [], _OWN: [], _HTTPX: []}
        with (
            Contestant([sys.executable, "-m", "benchmarks.daemon_side"], given) as daemon,
            Contestant([sys.executable, "-m", "benchmarks.clients_side"], {"client": "HttpFetcher"}) as own,
            Contestant([sys.executable, "-m", "benchmarks.clients_side"], {"client": "httpx"}) as loop,
        ):
            question = given | {"first": 0, "names": False}
            daemon.ask({})  # learns the validators
            own.ask(question)
            loop.ask(question)
            for _ in range(rounds):
                done[_DAEMON].append(daemon.ask({}))
                done[_OWN].append(own.ask(question))
                done[_HTTPX].append(loop.ask(question))
    return _report(done, feeds)


def _report(done: dict[str, list[dict[str, Any]]], feeds: int) -> Report:
    for name, rounds in done.items():
        if any(one.get("kinds", {"not_modified": one.get("good")}) != {"not_modified": feeds} for one in rounds):
            raise RuntimeError(f"{name}: not every answer was a 304: {rounds}")
    figures = {
        name: {
            "polls_per_second": feeds / middle(rounds, "seconds"),
            "cpu_us_per_poll": middle(rounds, "own_cpu") / feeds * 1e6,
            "spread_cpu_us": [round(one["own_cpu"] / feeds * 1e6) for one in rounds],
        }
        for name, rounds in done.items()
    }
    ratio = _cpu(figures, _DAEMON) / _cpu(figures, _HTTPX)
    own_ratio = _cpu(figures, _DAEMON) / _cpu(figures, _OWN)
    return Report(
        title=f"not_modified: {feeds} feeds on as many hosts, 304, {_CONCURRENCY} in flight, "
        f"median of {len(done['daemon'])} alternating rounds",
        columns=("", "polls/s", "CPU µs/poll", "min–max"),
        rows=tuple(_row(name, figure) for name, figure in figures.items()),
        summary=f"a 304 costs the daemon {own_ratio:.2f} times the CPU of a bare loop over its own client, and "
        f"{ratio:.2f} times that of one over httpx; neither stores anything",
        figures={**figures, "cpu_ratio": ratio, "own_cpu_ratio": own_ratio},
    )


def _cpu(figures: dict[str, dict[str, Any]], name: str) -> float:
    return float(figures[name]["cpu_us_per_poll"])


def _row(name: str, figure: dict[str, Any]) -> tuple[str, ...]:
    spread: Sequence[int] = figure["spread_cpu_us"]
    return (
        name,
        f"{figure['polls_per_second']:,.0f}",
        f"{figure['cpu_us_per_poll']:,.0f}",
        f"{min(spread):,}–{max(spread):,}",
    )
