"""The loop that one writes around httpx, as a contestant: one client, a semaphore, nothing is kept of an answer."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from time import perf_counter, process_time
from typing import Any, TextIO

import httpx

from benchmarks.farm import etag, feed_url


async def _round(client: httpx.AsyncClient, given: dict[str, Any]) -> dict[str, Any]:
    slots = asyncio.Semaphore(given["concurrency"])
    statuses: Counter[int] = Counter()

    async def poll(index: int) -> None:
        async with slots:
            response = await client.get(feed_url(given["port"], index), headers={"If-None-Match": etag(index)})
            statuses[response.status_code] += 1

    cpu, started = process_time(), perf_counter()
    await asyncio.gather(*(poll(index) for index in range(given["feeds"])))
    kinds = {"not_modified": statuses[httpx.codes.NOT_MODIFIED]}
    return {"seconds": perf_counter() - started, "own_cpu": process_time() - cpu, "kinds": kinds}


async def _main(lines: TextIO) -> None:
    given = json.loads(lines.readline())
    # As quick as httpx gets on many hosts: no search for a connection to use again, no look at the environment.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(limits=limits, trust_env=False) as client:
        print("{}", flush=True)
        while await asyncio.to_thread(lines.readline):
            print(json.dumps(await _round(client, given)), flush=True)


if __name__ == "__main__":
    asyncio.run(_main(sys.stdin))
