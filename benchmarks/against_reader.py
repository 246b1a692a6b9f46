"""Beside `reader` (github.com/lemon24/reader), a library that fetches, parses and stores feeds: first polls, polls
without news, polls with one new entry each, and many slow hosts. It matches no rules, so the daemon is measured without
any, and with the starter rules for comparison.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.farm import Farm, feed_body, feed_url
from benchmarks.process import REPOSITORY, Contestant
from benchmarks.report import Report, middle
from benchmarks.venv import PYTHON, install

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ENTRIES = 30
_PARAGRAPHS = 3
_LATENCY_MS = 100
# reader 3.26 brings a feedparser of its own that needs sgmllib3k and does not say so.
_REQUIREMENTS = ("reader==3.26", "sgmllib3k")
_OURS, _WITH_RULES, _THEIRS = "daemon", "daemon, 7 rules", "reader 3.26"
_WORKERS = 10
_SLOW_WORKERS = 30
_IN_FLIGHT = 64
_SLOW_IN_FLIGHT = 256

_PHASES = {
    "first": "first poll, 30 new entries",
    "not_modified": "304",
    "one_new": "one new entry",
    "slow": f"304, {_LATENCY_MS} ms latency",
}

Rounds = dict[str, dict[str, list[dict[str, Any]]]]  # by phase, then by contestant


def run(*, quick: bool) -> Report:
    """Alternate rounds on one farm; without `reader`, where it cannot be installed."""
    feeds, many, rounds = (60, 300, 2) if quick else (300, 1_500, 3)
    missing = install(_REQUIREMENTS, modules=("reader", "sgmllib"))
    names = [_OURS, _WITH_RULES] if missing else [_OURS, _WITH_RULES, _THEIRS]
    done: Rounds = {phase: {name: [] for name in names} for phase in _PHASES}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            with Farm(feeds=feeds, entries=_ENTRIES, paragraphs=_PARAGRAPHS) as farm:
                _near(done, names, farm, Path(folder, f"near-{number}"))
        # More of them, so that beginning and end count for little.
        with Farm(feeds=many, entries=2, paragraphs=0, latency_ms=_LATENCY_MS) as farm:
            _far(done, names, farm, Path(folder, "far"), rounds)
    return _report(done, missing, {phase: many if phase == "slow" else feeds for phase in _PHASES}, rounds)


def _near(done: Rounds, names: Sequence[str], farm: Farm, folder: Path) -> None:
    folder.mkdir()
    sides = {name: _side(name, farm, folder, slow=False) for name in names}
    try:
        for phase in ("first", "not_modified", "one_new"):
            if phase == "one_new":
                farm.publish()
            for name, side in sides.items():
                done[phase][name].append(side.ask({}))
    finally:
        for side in sides.values():
            side.__exit__()


def _far(done: Rounds, names: Sequence[str], farm: Farm, folder: Path, rounds: int) -> None:
    folder.mkdir()
    sides = {name: _side(name, farm, folder, slow=True) for name in names}
    try:
        for turn in range(rounds + 1):
            for name, side in sides.items():
                answer = side.ask({})
                if turn:  # the first learns the validators
                    done["slow"][name].append(answer)
    finally:
        for side in sides.values():
            side.__exit__()


def _side(name: str, farm: Farm, folder: Path, *, slow: bool) -> Contestant:
    if name != _THEIRS:
        given: Mapping[str, Any] = {
            "port": farm.port,
            "feeds": farm.feeds,
            "concurrency": _SLOW_IN_FLIGHT if slow else _IN_FLIGHT,
            "database": str(folder / f"{name}.db"),
            "rules": name == _WITH_RULES,
        }
        return Contestant([sys.executable, "-m", "benchmarks.daemon_side"], given)
    given = {
        "urls": [feed_url(farm.port, index) for index in range(farm.feeds)],
        "workers": _SLOW_WORKERS if slow else _WORKERS,
        "database": str(folder / "reader.db"),
    }
    return Contestant([PYTHON, REPOSITORY / "benchmarks" / "reader_side.py"], given)


def _report(done: Rounds, missing: str, feeds: Mapping[str, int], rounds: int) -> Report:
    expected = {"first": feeds["first"] * _ENTRIES, "not_modified": 0, "one_new": feeds["one_new"], "slow": 0}
    for phase, by_name in done.items():
        for name, answers in by_name.items():
            if any(answer["entries"] != expected[phase] for answer in answers):
                raise RuntimeError(f"{name}, {phase}: not {expected[phase]} new entries: {answers}")
    figures = {
        phase: {
            name: {
                "polls_per_second": feeds[phase] / middle(answers, "seconds"),
                "cpu_us_per_poll": middle(answers, "cpu") / feeds[phase] * 1e6,
            }
            for name, answers in by_name.items()
        }
        for phase, by_name in done.items()
    }
    size = len(feed_body(0, entries=_ENTRIES, paragraphs=_PARAGRAPHS)) / 1000
    return Report(
        title=f"against_reader: {feeds['first']} feeds of {_ENTRIES} entries, {size:.0f} KB, median of {rounds} rounds",
        columns=(
            "",
            "daemon polls/s",
            "CPU µs",
            "with rules",
            "CPU µs",
            "reader polls/s",
            "CPU µs",
            "CPU ratio",
            "speed ratio",
        ),
        rows=tuple(_row(phase, by_name) for phase, by_name in figures.items()),
        summary=f"no ratio: reader could not be installed ({missing})" if missing else _summary(figures),
        figures={**figures, "skipped": missing},
    )


def _ratios(by_name: Mapping[str, Mapping[str, float]]) -> tuple[float, float]:
    ours, theirs = by_name[_OURS], by_name[_THEIRS]
    return (
        theirs["cpu_us_per_poll"] / ours["cpu_us_per_poll"],
        ours["polls_per_second"] / theirs["polls_per_second"],
    )


def _row(phase: str, by_name: Mapping[str, Mapping[str, float]]) -> tuple[str, ...]:
    cells = [_PHASES[phase]]
    for name in (_OURS, _WITH_RULES, _THEIRS):
        figure = by_name.get(name)
        cells += [f"{figure['polls_per_second']:,.0f}", f"{figure['cpu_us_per_poll']:,.0f}"] if figure else ["", ""]
    cells += [f"{ratio:.1f}" for ratio in _ratios(by_name)] if _THEIRS in by_name else ["", ""]
    return tuple(cells)


def _summary(figures: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    cheaper = ", ".join(f"{_PHASES[phase]}: {_ratios(by_name)[0]:.1f}" for phase, by_name in figures.items())
    return f"reader's CPU a poll, in the daemon's: {cheaper}; with latency {_ratios(figures['slow'])[1]:.1f} × as fast"
