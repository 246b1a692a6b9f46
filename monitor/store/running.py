"""Whether a daemon works on a store, for the commands beside it."""

from __future__ import annotations

import fcntl
from pathlib import Path

from monitor.store.open import describe_url


def running_daemon(url: str) -> int | None:
    """The process that holds the SQLite store at `url` as its daemon; None: nobody does, or it is a server."""
    if not url.startswith("sqlite"):
        return None
    try:
        with Path(f"{describe_url(url)}.lock").open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                written = lock.read(32).decode("ascii", "replace").strip()
                return int(written) if written.isdigit() else None
    except OSError:
        return None
    return None
