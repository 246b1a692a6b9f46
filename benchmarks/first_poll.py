"""The first poll of many feeds, every entry new: fetch, parse, sanitise, match, store. Beside `reader`, a library that
does the same without the matching, with the same parser underneath.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.farm import Farm, feed_body, feed_url
from benchmarks.process import REPOSITORY, Contestant
from benchmarks.report import Report, middle
from benchmarks.venv import PYTHON, install

_ENTRIES = 30
_PARAGRAPHS = 3
_ROUNDS = 3
# reader 3.26 brings a feedparser of its own that needs sgmllib3k and does not say so.
_REQUIREMENTS = ("reader==3.26", "sgmllib3k")


def run(*, quick: bool) -> Report:
    """Alternate first polls on fresh stores, on one farm; without `reader`, where it cannot be installed."""
    feeds = 60 if quick else 300
    missing = install(_REQUIREMENTS, modules=("reader", "sgmllib"))
    daemon: list[dict[str, Any]] = []
    reader: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder, Farm(feeds=feeds, entries=_ENTRIES, paragraphs=_PARAGRAPHS) as farm:
        for number in range(_ROUNDS):
            daemon.append(_daemon(farm, Path(folder, f"daemon-{number}.db")))
            if not missing:
                reader.append(_reader(farm, Path(folder, f"reader-{number}.db")))
    return _report(daemon, reader, missing, feeds)


def _daemon(farm: Farm, database: Path) -> dict[str, Any]:
    given = {"port": farm.port, "feeds": farm.feeds, "concurrency": 32, "database": str(database)}
    with Contestant([sys.executable, "-m", "benchmarks.daemon_side"], given) as contestant:
        return contestant.ask({})


def _reader(farm: Farm, database: Path) -> dict[str, Any]:
    urls = [feed_url(farm.port, index) for index in range(farm.feeds)]
    command = [PYTHON, REPOSITORY / "benchmarks" / "reader_side.py"]
    with Contestant(command, {"urls": urls, "workers": 10, "database": str(database)}) as contestant:
        return contestant.ask({})


def _report(daemon: list[dict[str, Any]], reader: list[dict[str, Any]], missing: str, feeds: int) -> Report:
    done = {"daemon": daemon, "reader 3.26": reader}
    for name, rounds in done.items():
        if any(one["entries"] != feeds * _ENTRIES for one in rounds):
            raise RuntimeError(f"{name} did not store all {feeds * _ENTRIES} entries: {rounds}")
    figures = {
        name: {
            "entries_per_second": feeds * _ENTRIES / middle(rounds, "seconds"),
            "feeds_per_second": feeds / middle(rounds, "seconds"),
            "cpu_ms_per_feed": middle(rounds, "cpu") / feeds * 1e3,
            "entries": feeds * _ENTRIES,
        }
        for name, rounds in done.items()
        if rounds
    }
    size = len(feed_body(0, entries=_ENTRIES, paragraphs=_PARAGRAPHS)) / 1000
    return Report(
        title=f"first_poll: {feeds} feeds of {_ENTRIES} new entries, {size:.0f} KB, median of {_ROUNDS} rounds",
        columns=("", "entries/s", "feeds/s", "CPU ms/feed", "entries stored"),
        rows=tuple(
            (
                name,
                f"{figure['entries_per_second']:,.0f}",
                f"{figure['feeds_per_second']:.1f}",
                f"{figure['cpu_ms_per_feed']:.1f}",
                f"{figure['entries']:,}",
            )
            for name, figure in figures.items()
        ),
        summary=f"no ratio: reader could not be installed ({missing})" if missing else _ratio(figures),
        figures={**figures, "skipped": missing},
    )


def _ratio(figures: dict[str, dict[str, float]]) -> str:
    ours, theirs = figures.values()
    faster = ours["entries_per_second"] / theirs["entries_per_second"]
    cheaper = ours["cpu_ms_per_feed"] / theirs["cpu_ms_per_feed"]
    return f"the daemon stores {faster:.2f} times the entries a second of reader, for {cheaper:.2f} times its CPU"
