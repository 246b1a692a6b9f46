"""Parsing, cleaning and the reading of pages in worker processes that can be killed.

Feedparser needs minutes for some documents of a few hundred kilobytes, and so does nh3 for some texts, in code that no
thread can interrupt. So every job has a deadline, after which its worker is killed and replaced; the other workers go
on meanwhile.
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
from datetime import timedelta
from functools import partial
from multiprocessing.context import ForkServerContext, ForkServerProcess
from types import ModuleType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from pebble import ProcessExpired, ProcessPool

from monitor.model import ParseFailed
from monitor.parse.clean import clean_item
from monitor.parse.document import parse_document
from monitor.parse.page import read_page

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future
    from datetime import datetime
    from multiprocessing.process import BaseProcess

    from monitor.model import Entry, Item, PageText, ParseResult

_P = ParamSpec("_P")
_T = TypeVar("_T")

_MAX_TASKS = 500  # jobs; then a worker is replaced, so nothing that leaks grows for ever
_OUT_OF_MEMORY = 71  # exit status of a worker
_GRACE = 5  # seconds of CPU above the deadline, for a worker whose parent cannot kill it


class ParserPool:
    """A `Parser` over `workers` processes, started with the first document.

    Workers are forked from a server process that has the parser loaded already, so they start in milliseconds and share
    its memory; they inherit no socket, no signal handler and no thread of this process.

    Args:
        workers: Jobs done at once.
        deadline: Wall time for one job, from the moment a worker takes it.
        memory_bytes: Address space of one worker.
    """

    def __init__(
        self, *, workers: int, deadline: timedelta = timedelta(seconds=10), memory_bytes: int = 1_000_000_000
    ) -> None:
        self._workers = workers
        self._deadline = deadline
        self._memory_bytes = memory_bytes
        self._running: _Running | None = None
        self._closed = False

    async def parse(self, body: bytes, *, content_type: str | None, url: str) -> ParseResult:
        """See `Parser.parse`; a caller that is cancelled kills the worker."""
        return await self._do(parse_document, body, content_type=content_type, url=url)

    async def clean(self, items: Sequence[Item], *, now: datetime) -> tuple[Entry, ...] | ParseFailed:
        """See `Parser.clean`; as with `parse`."""
        return await self._do(_clean, tuple(items), now=now)

    async def read_page(self, body: bytes, *, content_type: str | None) -> PageText | ParseFailed:
        """See `PageReader.read_page`; as with `parse`."""
        return await self._do(read_page, body, content_type=content_type)

    async def _do(self, job: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T | ParseFailed:
        for _ in range(2):
            if self._closed:
                return ParseFailed(detail="the parser is stopped")
            running = self._running = self._running or self._start()
            try:
                return await self._run(running, partial(job, *args, **kwargs))
            except BrokenProcessPool:
                # An idle worker was killed from outside, which ends a pool for all. The document had no part in it.
                if self._running is running:
                    self._running = None
                    await asyncio.to_thread(running.stop)
        return ParseFailed(detail="the parser's processes were killed from outside; it is tried again")

    def close(self) -> None:
        """See `Parser.close`; documents still in work become `ParseFailed`."""
        self._closed = True
        running, self._running = self._running, None
        if running is not None:
            running.stop()

    async def _run(self, running: _Running, job: Callable[[], _T]) -> _T | ParseFailed:
        seconds = self._deadline.total_seconds()
        future = running.schedule(job, seconds)
        try:
            return await asyncio.wrap_future(future)
        except TimeoutError:
            return ParseFailed(detail=f"the document took more than {seconds:g} s to read; it may be hostile or broken")
        except ProcessExpired as crash:
            return ParseFailed(detail=_explain_exit(crash.exitcode))
        except Exception as error:
            if running.stopped:  # pebble answers a document that was on its way with whatever its closed pipe raised
                raise BrokenProcessPool("stopped") from error
            raise

    def _start(self) -> _Running:
        multiprocessing.set_forkserver_preload(["monitor.parse.pool"])
        return _Running(
            ProcessPool(
                max_workers=self._workers,
                max_tasks=_MAX_TASKS,
                initializer=_start_worker,
                initargs=(self._memory_bytes,),
                context=_Context(),
            )
        )


class _Running:
    """A pool with what it owes."""

    def __init__(self, pool: ProcessPool) -> None:
        self._pool: Any = pool  # its stop() has no annotations
        self._pending: set[Future[Any]] = set()
        self.stopped = False

    def schedule(self, job: Callable[[], _T], seconds: float) -> Future[_T | ParseFailed]:
        try:
            future: Future[_T | ParseFailed] = self._pool.schedule(
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


def _start_worker(memory_bytes: int) -> None:
    """First thing in a worker: limits, signals, and two ways to end when the daemon is gone."""
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


def _clean(items: tuple[Item, ...], *, now: datetime) -> tuple[Entry, ...]:
    return tuple(clean_item(item, now=now) for item in items)


def _work(*, cpu_seconds: int, job: Callable[[], _T]) -> _T | ParseFailed:
    """In a worker: one job."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(used.ru_utime + used.ru_stime)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (spent + cpu_seconds, hard))
    try:
        return job()
    except RecursionError:
        return ParseFailed(detail="the document is nested too deeply")
    except MemoryError:
        os._exit(_OUT_OF_MEMORY)  # nothing in this process can be trusted to have its memory back


def _explain_exit(status: int) -> str:
    if status == _OUT_OF_MEMORY:
        return "the document needs too much memory to read; it may be hostile or broken"
    if status == -signal.SIGXCPU:
        return "the document took too long to read; it may be hostile or broken"
    return f"the document made the parser crash ({status}); it may be hostile or broken"
