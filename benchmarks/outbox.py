"""A live channel with 1,000 alerts, beside a dead one that has 10,000 waiting and beside none."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING

from benchmarks.process import REPOSITORY, environment, memory
from benchmarks.report import Report, middle
from monitor.alerts.ids import new_delivery
from monitor.alerts.ops import ops_alert
from monitor.alerts.routing import UNROUTED, Routing
from monitor.clock import SystemClock
from monitor.notify.registry import open_channel
from monitor.notify.webhook import WebhookOptions
from monitor.service.deliver import Outlet, Sender
from monitor.service.health import Heartbeats
from monitor.service.threads import StoreThreads
from monitor.store.open import open_store

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.service.events import Event
    from monitor.store.base import Store

_CLOSED_PORT = 1


def run(*, quick: bool) -> Report:
    """Alternate rounds with and without the dead channel; each on a fresh store."""
    live, dead, rounds = (200, 1_000, 1) if quick else (1_000, 10_000, 3)
    command = [sys.executable, "-m", "benchmarks.receiver_side"]
    with subprocess.Popen(
        command, cwd=REPOSITORY, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as receiver:
        assert receiver.stdout is not None
        assert receiver.stdin is not None
        port = int(receiver.stdout.readline())
        alone, beside = list[dict[str, float]](), list[dict[str, float]]()
        for _ in range(rounds):
            alone.append(_round(port, live=live, dead=0))
            beside.append(_round(port, live=live, dead=dead))
        receiver.stdin.close()
    return _report(alone, beside, live, dead)


def _round(port: int, *, live: int, dead: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{Path(folder) / 'store.db'}", now=SystemClock().now())
        _fill(store, "live", live)
        _fill(store, "dead", dead)
        try:
            return asyncio.run(_send(store, port, live, with_dead=dead > 0))
        finally:
            store.close()


def _fill(store: Store, channel: str, count: int) -> None:
    now = SystemClock().now()
    text = "Two officials said on Monday that the president had agreed to step down and to leave the country. " * 4
    for start in range(0, count, 500):
        numbers = range(start, min(count, start + 500))
        alerts = [ops_alert(channel, str(number), title=f"Alert {number}", text=(text,), now=now) for number in numbers]
        store.add_alerts(alerts, [new_delivery(each, channel, due_at=now) for each in alerts], now=now)


async def _send(store: Store, port: int, live: int, *, with_dead: bool) -> dict[str, float]:
    """Until the live channel has nothing left."""
    ports = {"live": port, **({"dead": _CLOSED_PORT} if with_dead else {})}
    outlets = {
        name: Outlet(notifier=open_channel(WebhookOptions.model_validate({"url": f"http://127.0.0.1:{number}/"})))
        for name, number in ports.items()
    }
    clock, threads, finished = SystemClock(), StoreThreads(), asyncio.Event()
    sent = 0

    def count(event: Event) -> None:
        nonlocal sent
        sent += getattr(event, "channel", "") == "live"
        if sent == live:
            finished.set()

    sender = Sender(
        store=store,
        outlets=lambda: outlets,
        routing=lambda: Routing(default=replace(UNROUTED, burst=10_000)),
        threads=threads,
        clock=clock,
        observer=count,
        heartbeats=Heartbeats({}, clock=clock),
    )
    before = memory(os.getpid()).main_rss
    wall, cpu = perf_counter(), process_time()
    await sender.tick()
    await finished.wait()
    wall, cpu = perf_counter() - wall, process_time() - cpu
    await sender.drain(grace=timedelta(seconds=30))
    for outlet in outlets.values():
        await outlet.notifier.close()
    threads.close()
    return {
        "per_second": live / wall,
        "cpu_us": 1e6 * cpu / live,
        "grown_mb": (memory(os.getpid()).main_rss - before) / 1e6,
    }


def _report(alone: list[dict[str, float]], beside: list[dict[str, float]], live: int, dead: int) -> Report:
    ratio = middle(beside, "per_second") / middle(alone, "per_second")

    def row(name: str, rounds: Iterable[dict[str, float]]) -> tuple[str, ...]:
        done = list(rounds)
        return (
            name,
            *(f"{middle(done, key):,.0f}" for key in ("per_second", "cpu_us")),
            f"{middle(done, 'grown_mb'):.1f}",
        )

    return Report(
        title=f"outbox: {live:,} alerts for a live channel, {dead:,} for a dead one, {len(alone)} rounds",
        columns=("", "messages/s", "CPU µs/message", "MB grown"),
        rows=(row("alone", alone), row("beside the dead one", beside)),
        summary=f"beside a dead channel a live one sends {ratio:.2f} times as fast as alone",
        figures={"ratio": ratio, "alone": alone, "beside": beside},
    )
