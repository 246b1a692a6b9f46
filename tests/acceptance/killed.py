"""`news-monitor run` that kills itself, as `kill -9` does, at a chosen place.

    python -m tests.acceptance.killed POINT      in a folder with config.toml

POINT is one of `POINTS`: before or after a poll with an alert is committed, a message is sent or settled, and after it
is claimed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from monitor.app import Channel, Daemon, Loaded
from monitor.cli.live import log_event
from monitor.cli.run import configure_log, open_beside_bar
from monitor.config import load_config
from monitor.model import Message, SendResult
from monitor.notify.base import Notifier
from monitor.store.base import Store

POINTS = (
    *("commit-before", "commit-after", "claim-after"),
    *("send-before", "send-after", "settle-before", "settle-after"),
)
_CALLS = {"commit_polls": "commit", "claim_messages": "claim", "settle": "settle"}


def die_at(point: str) -> None:
    if point == sys.argv[1]:
        os.kill(os.getpid(), signal.SIGKILL)


class MortalStore:
    """A store whose calls can be the last."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._store, name)
        return _mortal(call, _CALLS[name]) if name in _CALLS else call


def _mortal(call: Callable[..., Any], what: str) -> Callable[..., Any]:
    def run(*arguments: Any, **named: Any) -> Any:
        # Only what is about an alert counts: most commits and claims are empty.
        counts = what != "commit" or any(outcome.alerts for outcome in arguments[0])
        if counts and what != "claim":
            die_at(f"{what}-before")
        result = call(*arguments, **named)
        if counts and (what != "claim" or result):
            die_at(f"{what}-after")
        return result

    return run


class MortalNotifier:
    """A channel whose sends can be the last."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier

    async def send(self, message: Message) -> SendResult:
        die_at("send-before")
        result = await self._notifier.send(message)
        die_at("send-after")
        return result

    async def close(self) -> None:
        await self._notifier.close()


class MortalDaemon(Daemon):
    """The daemon over a mortal store."""

    async def _serve(self, store: Store, loaded: Loaded, started: Any) -> None:
        await super()._serve(MortalStore(store), loaded, started)


def main() -> None:
    def opened(channel: Channel) -> Notifier:
        return MortalNotifier(open_beside_bar(channel))

    path = Path("config.toml").resolve()
    configure_log(load_config(path), verbose=True)
    asyncio.run(MortalDaemon(path, observers=(log_event,), open_notifier=opened).run())


if __name__ == "__main__":
    main()
