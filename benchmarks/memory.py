"""Memory of the real `news-monitor run` with many feeds in its store, while it polls them."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING

from benchmarks.farm import Farm, feed_url
from benchmarks.process import REPOSITORY, Memory, environment, memory
from benchmarks.report import Report
from monitor.clock import SystemClock
from monitor.model import FeedSpec
from monitor.store.open import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

_FEW = 10
_MEGABYTE = 1_000_000


def run(*, quick: bool) -> Report:
    """Sample the daemon with a few feeds and with many."""
    many, not_modified, longest = (1_000, 500, 120) if quick else (10_000, 5_000, 600)
    few, _ = _measure(_FEW, interval=timedelta(seconds=5), not_modified=20, longest=60)
    most, counts = _measure(many, interval=timedelta(seconds=many / 50), not_modified=not_modified, longest=longest)
    return _report(few, most, many, counts)


def _measure(
    feeds: int, *, interval: timedelta, not_modified: int, longest: float
) -> tuple[list[Memory], dict[str, int]]:
    """Let a daemon poll all feeds once and then some of them again (304); samples of its memory all the while."""
    with (
        tempfile.TemporaryDirectory() as name,
        Farm(feeds=feeds, entries=5, paragraphs=0) as farm,
    ):
        folder = Path(name)
        _write_site(folder, farm, interval)
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
            samples = list(_watch(daemon, farm, not_modified=not_modified, longest=longest))
        finally:
            daemon.terminate()
            daemon.wait(60)
        if not samples:
            raise RuntimeError(f"the daemon ended at once:\n{(folder / 'log').read_text(encoding='utf-8')}")
        return samples, farm.counts()


def _write_site(folder: Path, farm: Farm, interval: timedelta) -> None:
    seconds = interval.total_seconds()
    (folder / "config.toml").write_text(
        f'rules = "{REPOSITORY / "rules"}"\n[polling]\nmin_interval = "1s"\ninterval = "{seconds:.0f}s"\n',
        encoding="utf-8",
    )
    (folder / "state").mkdir()
    now = SystemClock().now()
    store = open_store(f"sqlite:///{folder / 'state' / 'news-monitor.db'}", now=now)
    specs = [
        FeedSpec(name=f"feed {index}", url=feed_url(farm.port, index), interval=interval, origin="added")
        for index in range(farm.feeds)
    ]
    store.add_feeds(specs, now=now)
    store.close()


def _watch(daemon: subprocess.Popen[bytes], farm: Farm, *, not_modified: int, longest: float) -> Iterator[Memory]:
    """Until every feed was served once and enough 304s were, or for `longest` seconds."""
    ends = monotonic() + longest
    while monotonic() < ends and daemon.poll() is None:
        sleep(2)
        counts = farm.counts()
        if counts["full"] >= farm.feeds:
            yield memory(daemon.pid)
        if counts["full"] >= farm.feeds and counts["not_modified"] >= not_modified:
            return


def _report(few: list[Memory], most: list[Memory], many: int, counts: dict[str, int]) -> Report:
    figures = {
        f"{count:,} feeds": {
            "last": asdict(samples[-1]),
            "peak_main_rss": max(sample.main_rss for sample in samples),
            "peak_total_pss": max(sample.total_pss for sample in samples),
        }
        for count, samples in ((_FEW, few), (many, most))
    }
    each = (most[-1].main_rss - few[-1].main_rss) / (many - _FEW) / 1000
    ratio = most[-1].main_rss / few[-1].main_rss
    return Report(
        title=f"memory: `news-monitor run`, after {counts['full']:,} first polls and {counts['not_modified']:,} 304s",
        columns=("", "main RSS MB", "peak", "all PSS MB", "peak", "processes"),
        rows=tuple(
            (
                f"{count:,} feeds",
                f"{samples[-1].main_rss / _MEGABYTE:.0f}",
                f"{max(sample.main_rss for sample in samples) / _MEGABYTE:.0f}",
                f"{samples[-1].total_pss / _MEGABYTE:.0f}",
                f"{max(sample.total_pss for sample in samples) / _MEGABYTE:.0f}",
                str(samples[-1].processes),
            )
            for count, samples in ((_FEW, few), (many, most))
        ),
        summary=f"{many:,} feeds make the main process {ratio:.2f} times as large as {_FEW} do: {each:.1f} KB a feed",
        figures={**figures, "main_rss_ratio": ratio, "kb_per_feed": each},
    )
