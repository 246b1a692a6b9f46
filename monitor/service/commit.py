"""Group commit: the outcomes of many polls in one transaction.

A commit costs a sync of the disk, whatever is in it (measured on SQLite with `synchronous=FULL`: 3,400 polls/s one by
one,
24,000/s in batches of 500), so outcomes that arrive while one runs, or within 50 ms of each other, share the next.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.clock import Clock
    from monitor.model import PollOutcome
    from monitor.service.threads import StoreThreads
    from monitor.store.base import FeedQueue

FLUSH_SECONDS = 0.05
FLUSH_OUTCOMES = 500


@dataclass(frozen=True, slots=True)
class _Waiting:
    outcome: PollOutcome
    written: asyncio.Future[bool]


class Committer:
    """Collects outcomes and commits them in batches."""

    def __init__(self, *, store: FeedQueue, threads: StoreThreads, clock: Clock) -> None:
        self._store = store
        self._threads = threads
        self._clock = clock
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Outcomes that no transaction has taken up yet."""
        return self._queue.qsize()

    def start(self) -> None:
        """Begin to take batches; call from the running loop."""
        self._task = asyncio.create_task(self._run(), name="committer")

    async def commit(self, outcome: PollOutcome) -> bool:
        """Wait until `outcome` is durable; False: its lease was lost and nothing was written.

        Raises:
            StoreError: The transaction failed; nothing of it was written, and the lease will lapse.
        """
        waiting = _Waiting(outcome, asyncio.get_running_loop().create_future())
        self._queue.put_nowait(waiting)
        return await waiting.written

    async def close(self) -> None:
        """Commit what is waiting, then stop."""
        if self._task is not None:
            await self._queue.join()
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        while True:
            batch = [await self._queue.get()]
            if self._queue.empty():
                await self._clock.sleep(FLUSH_SECONDS)
            while len(batch) < FLUSH_OUTCOMES and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            await self._commit(batch)
            for _ in batch:
                self._queue.task_done()

    async def _commit(self, batch: list[_Waiting]) -> None:
        outcomes = [waiting.outcome for waiting in batch]
        try:
            written = await self._threads.write(self._store.commit_polls, outcomes, now=self._clock.now())
        except Exception as error:  # noqa: BLE001 -- whatever it is, those who wait hear of it, and the next batch runs
            if len(batch) > 1:
                # One outcome that the database will not take must not cost the others their poll.
                for waiting in batch:
                    await self._commit([waiting])
            elif not batch[0].written.done():
                batch[0].written.set_exception(error)
            return
        for waiting, done in zip(batch, written, strict=True):
            if not waiting.written.done():
                waiting.written.set_result(done)
