"""Other processes on the same store, for the store's tests."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import make_url

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]

HOLD_OPEN = """
import sys
from datetime import datetime, UTC
store = open_store(sys.argv[1], now=datetime(2026, 11, 23, tzinfo=UTC), exclusive=True)
print("open", flush=True)
sys.stdin.read()
store.close()
"""


@contextmanager
def process(script: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Another Python process with our modules; killed at the end if it still lives."""
    command = [sys.executable, "-c", f"from monitor.store.open import open_store\n{script}", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        try:
            yield child
        finally:
            if child.poll() is None:
                child.kill()


def path_of(url: str) -> Path:
    return Path(make_url(url).database or "")
