"""`python -m benchmarks [NAME…] [--quick] [--json]`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys

from benchmarks import (
    against_reader,
    clients,
    hostile,
    matching,
    matching_hostile,
    memory,
    not_modified,
    outbox,
    parsing,
    reload,
    scale,
    stories,
    stories_window,
)

_BENCHMARKS = {
    "not_modified": not_modified.run,
    "clients": clients.run,
    "against_reader": against_reader.run,
    "memory": memory.run,
    "scale": scale.run,
    "matching": matching.run,
    "matching_hostile": matching_hostile.run,
    "reload": reload.run,
    "outbox": outbox.run,
    "parsing": parsing.run,
    "hostile": hostile.run,
    "stories": stories.run,
    "stories_window": stories_window.run,
}


def main() -> None:
    """Run the named benchmarks, or all, and print what they came to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the daemon beside others.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(_BENCHMARKS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="smaller and shorter; for seeing that it works")
    parser.add_argument("--json", action="store_true", help="one object with all figures, instead of tables")
    given = parser.parse_args()
    if unknown := [name for name in given.names if name not in _BENCHMARKS]:
        parser.error(f"there is no benchmark {unknown[0]!r}; there are {', '.join(_BENCHMARKS)}")
    if sys.platform != "linux":
        parser.error("the benchmarks need Linux: all of 127.0.0.0/8 on loopback, and /proc")
    figures = {}
    for name in given.names or _BENCHMARKS:
        report = _BENCHMARKS[name](quick=given.quick)
        figures[name] = {"title": report.title, "summary": report.summary, **report.figures}
        if not given.json:
            print(report.text() + "\n", flush=True)
    if given.json:
        machine = {"cores": os.cpu_count(), "python": platform.python_version(), "kernel": platform.release()}
        print(json.dumps({"machine": machine, "quick": given.quick, "benchmarks": figures}, indent=2))


if __name__ == "__main__":
    main()
