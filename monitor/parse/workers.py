"""Worker processes that can be killed: one job each at a time, with a deadline after which its worker is replaced.

Feedparser needs minutes for some documents of a few hundred kilobytes, and so does nh3 for some texts, in code that no
thread can interrupt. The other workers go on while one is killed.
"""

from __future__ import annotations

import asyncio
import fcntl
import multiprocessing
import os
import resource
import signal
import sys
import threading
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from multiprocessing.context import ForkServerContext, ForkServerProcess
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from pebble import ProcessExpired, ProcessPool

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future
    from datetime import timedelta
    from multiprocessing.process import BaseProcess

_T = TypeVar("_T")

_MAX_TASKS = 500  # jobs; then a worker is replaced, so nothing that leaks grows for ever
_OUT_OF_MEMORY = 71  # exit status of a worker
_GRACE = 5  # seconds of CPU above the deadline, for a worker whose parent cannot kill it


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A job came to nothing; `detail` says why in a line.

    Attributes:
        late: It took its whole time; with more of it, it might have come to something.
        stopped: The workers are gone, whatever the job was.
    """

    detail: str
    late: bool = False
    stopped: bool = False


class WorkerPool:
    """Up to `workers` processes, started with the first job, ended when there was none for a while.

    Workers are forked from a server process that has `preload` loaded already, so they start in milliseconds and share
    its memory; they inherit no socket, no signal handler and no thread of this process.

    Args:
        workers: Jobs done at once.
        memory_bytes: Address space of one worker.
        niceness: Added to this process's own: how far workers stand back where the CPU is short.
        preload: Modules.
        idle: So long without a job, and the workers end: they hold some 30 MB each.
    """

    def __init__(
        self, *, workers: int, memory_bytes: int, niceness: int, preload: Sequence[str], idle: timedelta
    ) -> None:
        self._workers = workers
        self._started_with = (memory_bytes, niceness)
        self._preload = list(preload)
        self._places = _Places(workers)
        self._running: _Running | None = None
        self._idle_seconds = idle.total_seconds()
        self._idle: asyncio.TimerHandle | None = None
        self._stopping: set[asyncio.Future[None]] = set()
        self._closed = False

    async def do(self, job: Callable[[], _T], *, seconds: float, size: int, patience: float | None) -> _T | Ended:
        """Run a job in a worker; a caller that is cancelled kills the worker.

        Args:
            job: Pickled, as its result is.
            seconds: Wall time, from the moment a worker takes it.
            size: Among those that wait, the smallest goes first; of equal ones, who came first.
            patience: How many seconds it waits for a worker at most; None: as long as it takes.
        """
        try:
            await self._places.take(size, patience)
        except TimeoutError:
            return Ended(detail="documents that take long have kept the parser busy; it is tried again later")
        try:
            self._cancel_idle()
            return await self._do(job, seconds)
        finally:
            self._places.give_back()
            if self._places.all_free and not self._closed:
                self._idle = asyncio.get_running_loop().call_later(self._idle_seconds, self._rest)

    def close(self) -> None:
        """Kill the workers; jobs still in work become `Ended`. Safe to call twice."""
        self._closed = True
        self._cancel_idle()
        running, self._running = self._running, None
        if running is not None:
            running.stop()

    async def _do(self, job: Callable[[], _T], seconds: float) -> _T | Ended:
        for _ in range(2):
            if self._closed:
                return Ended(detail="the parser is stopped", stopped=True)
            running = self._running = self._running or self._start()
            try:
                return await _run(running, job, seconds)
            except BrokenProcessPool:
                # An idle worker was killed from outside, which ends a pool for all. The document had no part in it.
                if self._running is running:
                    self._running = None
                    await asyncio.to_thread(running.stop)
        return Ended(detail="the parser's processes were killed from outside; it is tried again", stopped=True)

    def _start(self) -> _Running:
        multiprocessing.set_forkserver_preload(self._preload)
        return _Running(
            ProcessPool(
                max_workers=self._workers,
                max_tasks=_MAX_TASKS,
                initializer=_start_worker,
                initargs=self._started_with,
                context=_Context(),
            )
        )

    def _rest(self) -> None:
        """End the workers; the next job starts others."""
        running, self._running = self._running, None
        if running is not None:
            stopping = asyncio.ensure_future(asyncio.to_thread(running.stop))
            self._stopping.add(stopping)
            stopping.add_done_callback(self._stopping.discard)

    def _cancel_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None


class _Places:
    """As many as there are workers; of those who wait, the smallest job is next."""

    def __init__(self, number: int) -> None:
        self._number = self._free = number
        self._order = count()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []

    @property
    def all_free(self) -> bool:
        return self._free == self._number

    async def take(self, size: int, patience: float | None) -> None:
        """Raises `TimeoutError` when none has become free in `patience` seconds."""
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (size, next(self._order), turn))
        try:
            async with asyncio.timeout(patience):
                await turn
        except BaseException:
            if not turn.cancel() and not turn.cancelled():
                self.give_back()  # it came in the same moment
            raise

    def give_back(self) -> None:
        while self._waiting:
            *_, turn = heappop(self._waiting)
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


async def _run(running: _Running, job: Callable[[], _T], seconds: float) -> _T | Ended:
    future = running.schedule(job, seconds)
    try:
        return await asyncio.wrap_future(future)
    except TimeoutError:
        detail = f"the document took more than {seconds:g} s to read; it may be hostile or broken"
        return Ended(detail=detail, late=True)
    except ProcessExpired as crash:
        return _explain_exit(crash.exitcode)
    except Exception as error:
        if running.stopped:  # pebble answers a document that was on its way with whatever its closed pipe raised
            raise BrokenProcessPool("stopped") from error
        raise


class _Running:
    """A pool with what it owes."""

    def __init__(self, pool: ProcessPool) -> None:
        self._pool: Any = pool  # its stop() has no annotations
        self._pending: set[Future[Any]] = set()
        self.stopped = False

    def schedule(self, job: Callable[[], _T], seconds: float) -> Future[_T | Ended]:
        try:
            future: Future[_T | Ended] = self._pool.schedule(
                _work, kwargs={"cpu_seconds": int(seconds) + _GRACE, "job": job}, timeout=seconds
            )
        except RuntimeError as error:  # pebble's word for a pool that broke while it was idle
            raise BrokenProcessPool from error
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        return future

    def stop(self) -> None:
        """Kill the workers. pebble forgets what was waiting then; whoever awaits it is told."""
        self.stopped = True
        self._pool.stop()
        self._pool.join()
        for future in tuple(self._pending):
            if not future.done():
                future.set_exception(BrokenProcessPool("stopped"))


class _Worker(ForkServerProcess):
    """A worker that does not import the program's main module, which would cost it the daemon's memory and start-up."""

    @staticmethod
    def _Popen(process_obj: Any) -> Any:  # noqa: N802 - multiprocessing's own hook
        with _main_lock:
            main = sys.modules["__main__"]
            sys.modules["__main__"] = ModuleType("__main__")
            try:
                return ForkServerProcess._Popen(process_obj)  # noqa: SLF001
            finally:
                sys.modules["__main__"] = main


class _Context(ForkServerContext):
    Process = _Worker


_main_lock = threading.Lock()


def _start_worker(memory_bytes: int, niceness: int) -> None:
    """First thing in a worker: limits, signals, and two ways to end when the daemon is gone."""
    os.nice(niceness)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Ctrl-C goes to the whole process group; the daemon decides what it means. pebble's SIGTERM handler would wait for
    # the C code it is meant to interrupt.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    if parent is not None:
        _signal_at_end_of(parent)
        threading.Thread(target=_die_with, args=(parent,), daemon=True).start()


def _signal_at_end_of(parent: BaseProcess) -> None:
    """Let the kernel end this process with SIGIO when the parent is gone: a thread gets no turn while C code runs.

    The parent's sentinel is a pipe to which nothing is written any more, so its only event is that end.
    """
    if sys.platform == "linux":
        signal.signal(signal.SIGIO, signal.SIG_DFL)
        sentinel = parent.sentinel
        fcntl.fcntl(sentinel, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(sentinel, fcntl.F_SETFL, fcntl.fcntl(sentinel, fcntl.F_GETFL) | os.O_ASYNC)


def _die_with(parent: BaseProcess) -> None:
    """For other systems, and for a parent that was gone before the signal was set."""
    parent.join()
    os._exit(0)


def _work(*, cpu_seconds: int, job: Callable[[], _T]) -> _T | Ended:
    """In a worker: one job."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(used.ru_utime + used.ru_stime)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (spent + cpu_seconds, hard))
    try:
        return job()
    except RecursionError:
        return Ended(detail="the document is nested too deeply")
    except MemoryError:
        os._exit(_OUT_OF_MEMORY)  # nothing in this process can be trusted to have its memory back


def _explain_exit(status: int) -> Ended:
    if status == _OUT_OF_MEMORY:
        return Ended(detail="the document needs too much memory to read; it may be hostile or broken")
    if status == -signal.SIGXCPU:
        return Ended(detail="the document took too long to read; it may be hostile or broken", late=True)
    return Ended(detail=f"the document made the parser crash ({status}); it may be hostile or broken")
