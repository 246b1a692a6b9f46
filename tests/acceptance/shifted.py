"""`news-monitor run` by a clock that a test sets forward while it runs: everything else of it is as ever.

    python -m tests.acceptance.shifted OFFSET_FILE      in a folder with config.toml

The file holds the seconds by which the clock is ahead.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime, timedelta
from pathlib import Path

from monitor.app import Daemon
from monitor.cli.live import log_event
from monitor.cli.run import configure_log
from monitor.clock import SystemClock
from monitor.config import load_config


class ShiftedClock(SystemClock):
    """The machine's clock, set forward or back."""

    def __init__(self, offset: Path) -> None:
        self._offset = offset
        self._at_start = self._ahead()

    def _ahead(self) -> float:
        return float(self._offset.read_text() or 0)

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self._ahead())

    def monotonic(self) -> float:
        return super().monotonic() + self._ahead() - self._at_start


def main() -> None:
    path = Path("config.toml").resolve()
    configure_log(load_config(path), verbose=True)
    asyncio.run(Daemon(path, observers=(log_event,), clock=ShiftedClock(Path(sys.argv[1]))).run())


if __name__ == "__main__":
    main()
