"""HTTP clients beside each other: what a poll that is answered 304 costs, and what many slow hosts and names do."""

from __future__ import annotations

import importlib.util
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from benchmarks.clients_side import CLIENTS
from benchmarks.farm import Farm
from benchmarks.process import Contestant
from benchmarks.report import Report, middle

if TYPE_CHECKING:
    from collections.abc import Mapping

_BASE = "httpx"
_OURS = "HttpFetcher"
_NEEDS = {"httpx over httpx-aiohttp": "httpx_aiohttp"}


def run(*, quick: bool) -> Report:
    """Alternate rounds of every client that is installed, for three kinds of polls."""
    feeds, rounds = (200, 3) if quick else (1_000, 5)
    names = [name for name in CLIENTS if importlib.util.find_spec(_NEEDS.get(name, "httpx"))]
    with ExitStack() as stack:
        near = stack.enter_context(Farm(feeds=max(feeds, 3_000), entries=1, paragraphs=0))
        far = stack.enter_context(Farm(feeds=feeds, entries=1, paragraphs=0, latency_ms=100))
        sides = {
            name: stack.enter_context(Contestant([sys.executable, "-m", "benchmarks.clients_side"], {"client": name}))
            for name in names
        }
        plain = {"port": near.port, "feeds": feeds, "first": 0, "names": False, "concurrency": 64}
        slow = plain | {"port": far.port, "concurrency": 1_000}
        named = plain | {"names": True, "concurrency": 256}
        done = {
            "plain": _alternate(sides, [plain] * (rounds + 1)),
            "slow": _alternate(sides, [slow] * (rounds // 2 + 1)),
            # Names of its own for each round: no cache helps.
            "named": _alternate(sides, [named | {"first": turn * feeds} for turn in range(rounds // 2 + 1)]),
        }
    return _report(done, feeds, rounds)


def _alternate(sides: Mapping[str, Contestant], questions: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Each question to every client in turn; the first is for warming up and does not count."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in sides}
    for turn, question in enumerate(questions):
        for name, side in sides.items():
            answer = side.ask(question)
            if answer["good"] != question["feeds"]:
                raise RuntimeError(f"{name}: {answer['good']} of {question['feeds']} answers were a 304")
            if turn:
                found[name].append(answer)
    return found


def _report(done: dict[str, dict[str, list[dict[str, Any]]]], feeds: int, rounds: int) -> Report:
    figures = {
        name: {
            "cpu_us_per_poll": middle(done["plain"][name], "own_cpu") / feeds * 1e6,
            "polls_per_second": feeds / middle(done["plain"][name], "seconds"),
            "polls_per_second_100_ms": feeds / middle(done["slow"][name], "seconds"),
            "polls_per_second_30_ms_names": feeds / middle(done["named"][name], "seconds"),
        }
        for name in done["plain"]
    }
    base = figures[_BASE]["cpu_us_per_poll"]
    for figure in figures.values():
        figure["cpu_ratio"] = figure["cpu_us_per_poll"] / base
    ours = figures[_OURS]
    return Report(
        title=f"clients: {feeds} feeds on as many hosts, 304, new connections, median of {rounds} alternating rounds",
        columns=("", "CPU µs/poll", "× httpx", "polls/s", "100 ms, 1,000 in flight", "30 ms names"),
        rows=tuple(_row(name, figure) for name, figure in figures.items()),
        summary=f"a 304 costs the fetcher {ours['cpu_ratio']:.2f} times the CPU of a bare httpx loop, with guard and "
        f"caps; with slow names it gets {_times(figures, 'polls_per_second_30_ms_names')} times as far",
        figures=figures,
    )


def _times(figures: Mapping[str, Mapping[str, float]], figure: str) -> str:
    return f"{figures[_OURS][figure] / figures[_BASE][figure]:.1f}"


def _row(name: str, figure: Mapping[str, float]) -> tuple[str, ...]:
    return (
        name,
        f"{figure['cpu_us_per_poll']:,.0f}",
        f"{figure['cpu_ratio']:.2f}",
        f"{figure['polls_per_second']:,.0f}",
        f"{figure['polls_per_second_100_ms']:,.0f}",
        f"{figure['polls_per_second_30_ms_names']:,.0f}",
    )
