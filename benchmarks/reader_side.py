"""`reader` (github.com/lemon24/reader) as a contestant. Runs in a virtual environment of its own, without our code."""

from __future__ import annotations

import json
import os
import sys
from time import perf_counter

from reader import make_reader


def _cpu() -> float:
    """Of this process and of those it waited for."""
    return sum(os.times()[:4])


def _main() -> None:
    given = json.loads(sys.stdin.readline())
    reader = make_reader(given["database"])
    for url in given["urls"]:
        reader.add_feed(url)
    print("{}", flush=True)
    for _ in sys.stdin:
        before = reader.get_entry_counts().total
        cpu, started = _cpu(), perf_counter()
        reader.update_feeds(scheduled=False, workers=given["workers"])
        seconds, used = perf_counter() - started, _cpu() - cpu
        entries = reader.get_entry_counts().total - before
        print(json.dumps({"seconds": seconds, "cpu": used, "entries": entries}), flush=True)
    reader.close()


if __name__ == "__main__":
    _main()
