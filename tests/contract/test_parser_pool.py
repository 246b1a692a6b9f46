"""`ParserPool` with real worker processes: hostile documents die alone, and nothing outlives the daemon."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
import sys
import threading
import zlib
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from monitor.model import Cleaned, Document, Entry, PageText, ParseFailed, ParseResult
from monitor.parse.pool import ParserPool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds the workers in /proc")

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def rss(item: str) -> bytes:
    return f"<rss version='2.0'><channel><title>T</title><item>{item}</item></channel></rss>".encode()


GOOD = rss("<title>fine</title>")
# feedparser's pattern for e-mail addresses is quadratic: minutes for this.
# It is asked for what is not well-formed.
ENDLESS = rss(f"<author>{'a' * 400_000}@</author><p>")


@contextmanager
def parser_pool(
    *,
    workers: int = 2,
    seconds: float = 20,
    memory_bytes: int = 1_000_000_000,
    idle: timedelta = timedelta(minutes=5),
) -> Iterator[ParserPool]:
    pool = ParserPool(workers=workers, deadline=timedelta(seconds=seconds), memory_bytes=memory_bytes, idle=idle)
    try:
        yield pool
    finally:
        pool.close()


async def parse(pool: ParserPool, body: bytes) -> ParseResult:
    """From a feed of its own."""
    return await pool.parse(body, content_type=None, url=f"https://example.org/{zlib.crc32(body)}")


async def clean(pool: ParserPool, document: Document) -> tuple[Entry, ...]:
    cleaned = await pool.clean(document.items, now=NOW)
    assert isinstance(cleaned, Cleaned), cleaned
    return cleaned.entries


def family(pid: int) -> dict[int, int]:
    """Every living descendant of a process, with its parent."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if state != "Z":
                parents[int(entry.name)] = int(parent)
    found: dict[int, int] = {}
    waiting = [pid]
    while waiting:
        current = waiting.pop()
        children = [child for child, parent in parents.items() if parent == current]
        found.update((child, current) for child in children)
        waiting.extend(children)
    return found


def workers_of(pid: int) -> set[int]:
    """The grandchildren: the daemon's child is the server that forks them."""
    return {child for child, parent in family(pid).items() if parent != pid}


async def test_documents_come_back() -> None:
    """A feed is a Document, something else a ParseFailed, as without the pool."""
    with parser_pool() as pool:
        found = await parse(pool, GOOD)
        assert isinstance(found, Document)
        (entry,) = await clean(pool, found)
        assert entry.title == "fine"
        assert isinstance(await parse(pool, b"hello"), ParseFailed)


async def test_pages_are_read_by_the_same_workers() -> None:
    """Feeds and pages share them, one of each at least; a page that takes too long dies alone."""
    pytest.importorskip("trafilatura")
    with parser_pool(workers=1) as pool:
        words = "The minister said on Monday that she would step down after the talks had come to nothing."
        page = f"<html><body><article><p>{words}</p></article></body></html>".encode()
        assert await pool.read_page(page, content_type="text/html") == PageText(text=words)
        assert isinstance(await parse(pool, GOOD), Document)
    with parser_pool(workers=1, seconds=1.5) as pool:
        nested = b"<div>" * 200_000 + b"<p>x"
        found = await pool.read_page(nested * 4, content_type="text/html")
        assert isinstance(found, ParseFailed)
        assert isinstance(await parse(pool, GOOD), Document)


async def test_nothing_starts_before_the_first_document() -> None:
    """A command that never parses pays for no worker."""
    before = family(os.getpid())
    with parser_pool():
        assert set(family(os.getpid())) <= set(before)


async def test_hostile_document_is_killed_while_others_parse() -> None:
    """It gets its deadline and a clear line; the other worker serves everybody else in the meantime."""
    with parser_pool(seconds=4) as pool:
        hostile = asyncio.create_task(parse(pool, ENDLESS))
        for _ in range(20):
            assert isinstance(await parse(pool, GOOD), Document)
        assert not hostile.done()
        found = await hostile
        assert isinstance(found, ParseFailed)
        assert "more than 4 s" in found.detail
        assert isinstance(await parse(pool, GOOD), Document)


async def test_more_hostile_documents_than_workers() -> None:
    """When every worker is held, each is replaced in turn and the rest of the queue is served."""
    with parser_pool(workers=1, seconds=0.5) as pool:
        results = await asyncio.gather(*(parse(pool, body) for body in (ENDLESS, ENDLESS, GOOD)))
        assert [type(result) for result in results] == [ParseFailed, ParseFailed, Document]


async def test_deep_nesting_costs_its_own_worker_only() -> None:
    """100,000 open blocks make the HTML parser slow; that ends at the deadline as well."""
    with parser_pool(workers=1, seconds=0.5) as pool:
        nested = await parse(pool, rss(f"<guid>1</guid><description><![CDATA[{'<div>' * 100_000}]]></description>"))
        assert isinstance(nested, Document)
        cleaned = await pool.clean(nested.items, now=NOW)
        assert isinstance(cleaned, Cleaned)
        assert cleaned.rough == 1
        assert isinstance(await parse(pool, GOOD), Document)


async def test_a_text_that_takes_too_long_keeps_its_words_and_costs_no_other_entry() -> None:
    """Its tags are cut out without an HTML parser; the entries beside it are read as ever, and stay in order."""
    texts = [
        "<p>before &amp; <b>a</b>fter</p>",
        f"<p>Assad</p>{'<div>' * 60_000}asked for as<i>y</i>lum",
        "<p>next</p>",
    ]
    items = "".join(
        f"<item><guid>{n}</guid><title>{n}</title><description><![CDATA[{text}]]></description></item>"
        for n, text in enumerate(texts)
    )
    with parser_pool(seconds=1) as pool:
        document = await parse(pool, f"<rss version='2.0'><channel><title>T</title>{items}</channel></rss>".encode())
        assert isinstance(document, Document)
        cleaned = await pool.clean(document.items, now=NOW)
        assert isinstance(cleaned, Cleaned)
        assert cleaned.rough == 1
        assert [(entry.title, entry.summary) for entry in cleaned.entries] == [
            ("0", "before & after"),
            ("1", "Assad\nasked for asylum"),
            ("2", "next"),
        ]


async def test_what_is_only_large_never_waits_for_what_takes_long() -> None:
    """Large feeds go through, and broken ones, while documents that use up their deadline stand in line."""
    large = rss(f"<title>fine</title><description>{'word ' * 100_000}</description>")
    with parser_pool(seconds=20) as pool:
        hostile = [asyncio.create_task(parse(pool, ENDLESS)) for _ in range(3)]
        await asyncio.to_thread(_wait_until_one_burns, os.getpid())
        for _ in range(5):
            assert isinstance(await parse(pool, large), Document)
            assert isinstance(await parse(pool, rss("<title>broken</title><p>")), Document)
        assert not any(task.done() for task in hostile)
        for task in hostile:
            task.cancel()


async def test_who_waits_too_long_is_told_so() -> None:
    """A line of documents that take long ends, instead of growing for ever; the shortest of it goes first."""
    with parser_pool(workers=1, seconds=0.5) as pool:
        results = await asyncio.gather(*(parse(pool, body) for body in (*[ENDLESS] * 6, GOOD)))
        assert isinstance(results[-1], Document)
        reasons = [result.detail for result in results if isinstance(result, ParseFailed)]
        assert any("more than 0.5 s" in reason for reason in reasons)
        assert any("kept the parser busy" in reason for reason in reasons)


async def test_workers_stand_back_for_the_daemon() -> None:
    """They run at a lower priority than this process, those that may take long at the lowest."""
    own = os.getpriority(os.PRIO_PROCESS, 0)
    with parser_pool() as pool:
        hostile = asyncio.create_task(parse(pool, ENDLESS))
        await asyncio.to_thread(_wait_until, lambda: len(workers_of(os.getpid())) == 2)
        assert isinstance(await parse(pool, GOOD), Document)
        lower = sorted(os.getpriority(os.PRIO_PROCESS, worker) - own for worker in workers_of(os.getpid()))
        assert lower == [5, 10]
        hostile.cancel()


async def test_idle_workers_end_and_come_back() -> None:
    """Their memory is free again when nothing has needed them for a while."""
    with parser_pool(idle=timedelta(milliseconds=100)) as pool:
        assert isinstance(await parse(pool, GOOD), Document)
        await asyncio.to_thread(_wait_until, lambda: not workers_of(os.getpid()))
        assert isinstance(await parse(pool, GOOD), Document)


async def test_too_much_memory_is_a_failure_of_that_document() -> None:
    """A worker that hits its limit is replaced; the reason is named."""
    with parser_pool(workers=1, memory_bytes=250_000_000) as pool:
        found = await parse(pool, rss(f"<title>{'word ' * 4_000_000}</title><p>"))
        assert isinstance(found, ParseFailed)
        assert "memory" in found.detail
        assert isinstance(await parse(pool, GOOD), Document)


async def test_killed_worker_is_replaced() -> None:
    """The kernel's out-of-memory killer takes a busy worker: that document fails, the next does not."""
    with parser_pool(workers=1) as pool:
        await parse(pool, GOOD)
        busy = asyncio.create_task(parse(pool, ENDLESS))
        await asyncio.to_thread(_wait_until_one_burns, os.getpid())
        for worker in workers_of(os.getpid()):
            os.kill(worker, signal.SIGKILL)
        found = await busy
        assert isinstance(found, ParseFailed)
        assert "crash" in found.detail
        assert isinstance(await parse(pool, GOOD), Document)


async def test_killed_idle_workers_are_replaced() -> None:
    """Workers killed while they wait cost no document at all."""
    with parser_pool() as pool:
        await parse(pool, GOOD)
        for worker in workers_of(os.getpid()):
            os.kill(worker, signal.SIGKILL)
        results = await asyncio.gather(*(parse(pool, GOOD) for _ in range(6)))
        assert all(isinstance(result, Document) for result in results)


async def test_closing_answers_those_who_wait() -> None:
    """A stop in the middle of a document leaves nobody waiting for ever and no worker alive; twice is fine."""
    with parser_pool(workers=1) as pool:
        waiting = [asyncio.create_task(parse(pool, ENDLESS)) for _ in range(3)]
        await asyncio.to_thread(_wait_until_one_burns, os.getpid())
        pool.close()
        results = await asyncio.gather(*waiting)
        assert all(isinstance(result, ParseFailed) for result in results)
        assert not workers_of(os.getpid())
        pool.close()
        assert isinstance(await parse(pool, GOOD), ParseFailed)


async def test_a_stop_takes_no_text_from_an_entry() -> None:
    """Entries whose texts were being read are not given without them: the feed is read again after the start."""
    text = f"<guid>1</guid><description><![CDATA[{'<div>' * 80_000}]]></description>"
    with parser_pool() as pool:
        document = await parse(pool, rss(text))
        assert isinstance(document, Document)
        cleaning = asyncio.create_task(pool.clean(document.items, now=NOW))
        await asyncio.to_thread(_wait_until_one_burns, os.getpid())
        pool.close()
        assert isinstance(await cleaning, ParseFailed)


async def test_a_cancelled_caller_frees_its_worker() -> None:
    """A poll that is given up does not leave a worker burning until the deadline."""
    with parser_pool(workers=1) as pool:
        hostile = asyncio.create_task(parse(pool, ENDLESS))
        await asyncio.to_thread(_wait_until_one_burns, os.getpid())
        hostile.cancel()
        assert isinstance(await parse(pool, GOOD), Document)


DAEMON = """
import asyncio, sys
from datetime import timedelta
from monitor.parse.pool import ParserPool

async def main():
    pool = ParserPool(workers=2, deadline=timedelta(seconds=600))
    options = dict(content_type=None, url="https://example.org/")
    await pool.parse(b"<rss version='2.0'/>", **options)
    asyncio.ensure_future(pool.parse(sys.stdin.buffer.read(), **options))
    print("busy", flush=True)
    await asyncio.Event().wait()

print("main module runs", flush=True)
if __name__ == "__main__":
    asyncio.run(main())
"""


@contextmanager
def daemon(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of its own group whose pool has one idle worker and one that is busy for long."""
    script = tmp_path / "daemon.py"
    script.write_text(DAEMON)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, str(script)]
    pipe, null = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=null, env=environment, start_new_session=True
    ) as process:
        assert process.stdin is not None
        try:
            process.stdin.write(ENDLESS)
            process.stdin.close()
            yield process
        finally:
            process.kill()


async def test_no_worker_outlives_a_killed_daemon(tmp_path: Path) -> None:
    """kill -9 of the daemon ends idle and busy workers, and the server that forked them, by themselves."""
    with daemon(tmp_path) as process:
        _wait_until(lambda: len(workers_of(process.pid)) == 2)
        _wait_until_one_burns(process.pid)
        family_before = family(process.pid)
        process.kill()
        process.wait()
        _wait_until(lambda: not any(_alive(pid) for pid in family_before))


def test_workers_do_not_run_the_main_module(tmp_path: Path) -> None:
    """The daemon's main module is executed once, not again in every worker; Ctrl-C does not reach them."""
    with daemon(tmp_path) as process:
        _wait_until(lambda: len(workers_of(process.pid)) == 2)
        _wait_until_one_burns(process.pid)
        workers = workers_of(process.pid)
        for worker in workers:
            os.kill(worker, signal.SIGINT)
        assert process.stdout is not None
        assert [process.stdout.readline(), process.stdout.readline()] == [b"main module runs\n", b"busy\n"]
        assert workers_of(process.pid) == workers


def test_limits_are_the_workers_own() -> None:
    """The parent's limits stay as they were."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    with parser_pool(memory_bytes=500_000_000) as pool:
        asyncio.run(parse(pool, GOOD))
    assert resource.getrlimit(resource.RLIMIT_AS) == before


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _wait_until_one_burns(pid: int) -> None:
    """Until a worker has used a tenth of a second of CPU more than it had: it is inside the hostile document."""
    start = {worker: _ticks(worker) for worker in workers_of(pid)}
    _wait_until(lambda: any(_ticks(worker) - start.setdefault(worker, 0) > 10 for worker in workers_of(pid)))


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


def _wait_until(holds: Callable[[], bool]) -> None:
    """Other processes give no event to wait for; looks again until it holds, AssertionError after 30 s."""
    tick = threading.Event()
    for _ in range(1_500):
        if holds():
            return
        tick.wait(0.02)
    raise AssertionError("did not come true within 30 s")
