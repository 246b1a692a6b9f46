"""The rules of a running daemon: noticing that their files change, and what is told and remembered of it."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from watchfiles import awatch

from monitor.errors import StoreError
from monitor.log import get_logger
from monitor.rules.book import Book, is_rule_path, scan_folder
from monitor.service.events import (
    RuleFileBroken,
    RuleFileRecovered,
    RuleFileSuspicious,
    RulesReloaded,
    RuleStopped,
    Trouble,
)
from monitor.store.base import RuleFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from monitor.clock import Clock
    from monitor.errors import Fault
    from monitor.rules.book import Scan
    from monitor.rules.rule import Rule
    from monitor.rules.versions import Changes
    from monitor.service.events import Observer
    from monitor.service.threads import StoreThreads
    from monitor.store.base import RuleFiles

log = get_logger("monitor")

# The folder is looked at this often whether the system tells of a change or not: on a network disk it does not.
LOOK_SECONDS: Final = 1.0
# A look may take this part of the time at most; a folder of many thousand files is looked at less often.
LOOK_SHARE: Final = 0.02
# Files are read when nothing has changed for this long: whoever writes them may not be done.
QUIET_SECONDS: Final = 0.15
QUIET_LOOKS: Final = 20
# While something is broken it is looked at anew this often: a feed that a rule names may have been added since.
RETRY_SECONDS: Final = 30.0
# Reading and building run in a thread, and the loop must get the interpreter's lock from it. At the usual 5 ms it waits
# that long at each turn: 34 ms at the 99th percentile, measured while 1,000 rules are built without end; so, 6 to 11.
SWITCH_SECONDS: Final = 0.0005


@contextmanager
def giving_way() -> Iterator[None]:
    """Let the threads of this process take quick turns while one of them makes many objects that are to stay.

    The garbage collector stops the whole process while it looks through them, so it does not: see `settle_garbage`.
    """
    usual = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
        sys.setswitchinterval(usual)


def settle_garbage() -> None:
    """Look through everything once, and from then on through nothing that is there now.

    That takes 0.1 s, which without it would come up every few seconds. What was kept out of sight since the last time
    and has become garbage is found, so this is to be called now and then.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    # A poll makes some thousand objects, and nearly all of them go by themselves when it is over. At Python's usual
    # 700 the search for the others takes a sixth of the daemon's time.
    gc.set_threshold(20_000, 20, 50)


class RuleWatch:
    """Calls `reload` soon after the rule files have changed.

    The system's notices only say when to look; whether something changed is told by the files' times and sizes. So a
    notice too many or too few does no harm, and it works where there are none.

    Args:
        book: The one that is live.
        reload: Makes another one live, if the files want it; must not raise.
    """

    def __init__(self, *, book: Callable[[], Book], reload: Callable[[], Awaitable[None]], clock: Clock) -> None:
        self._book = book
        self._reload = reload
        self._clock = clock
        self._next_look = 0.0
        self._next_retry = clock.monotonic() + RETRY_SECONDS
        self._tried: Scan | None = None

    async def run(self) -> None:
        """Until it is cancelled."""
        told = False
        while True:
            folder = self._book().folder
            try:
                await self._follow(folder)
            except FileNotFoundError:  # for the time being
                pass
            except (OSError, RuntimeError) as error:
                if not told:
                    log.warning("no notice of changed rule files; they are looked at every second", why=str(error))
                told = True
            await self._clock.sleep(LOOK_SECONDS)
            await self._look()

    async def _follow(self, folder: Path) -> None:
        """Look at each notice and each second, until the folder is another one."""
        identity = _identity(folder)
        noticing = awatch(
            folder,
            watch_filter=lambda _kind, path: _concerns_rules(folder, Path(path)),
            step=50,
            debounce=200,
            rust_timeout=int(LOOK_SECONDS * 1000),
            yield_on_timeout=True,
            ignore_permission_denied=True,
        )
        async with aclosing(noticing) as notices:
            async for changed in notices:
                await self._look(noticed=bool(changed))
                if self._book().folder != folder or _identity(folder) != identity:
                    return

    async def _look(self, *, noticed: bool = False) -> None:
        started = self._clock.monotonic()
        if started < self._next_look and not noticed:
            return
        book = self._book()
        scan = await asyncio.to_thread(scan_folder, book.folder)
        self._next_look = started + (self._clock.monotonic() - started) / LOOK_SHARE
        if scan not in (book.scan, self._tried):
            self._tried = await self._quiet(book.folder, scan)
        elif started < self._next_retry or (scan == book.scan and not book.faults):
            return
        await self._reload()
        self._next_retry = self._clock.monotonic() + RETRY_SECONDS

    async def _quiet(self, folder: Path, scan: Scan) -> Scan:
        """Wait until two looks show the same; what they show."""
        for _ in range(QUIET_LOOKS):
            await self._clock.sleep(QUIET_SECONDS)
            before, scan = scan, await asyncio.to_thread(scan_folder, folder)
            if scan == before:
                break
        return scan


def _concerns_rules(folder: Path, path: Path) -> bool:
    return path.is_relative_to(folder) and is_rule_path(path.relative_to(folder))


def _identity(folder: Path) -> tuple[int, int]:
    about = folder.stat()
    return about.st_dev, about.st_ino


class RuleKeeper:
    """Says what a change of the rules came to, each thing once, and remembers it in the store.

    Args:
        folder: Of the rule files. The store may remember those of others' folders as well.
    """

    def __init__(
        self, *, store: RuleFiles, folder: Path, threads: StoreThreads, clock: Clock, observer: Observer
    ) -> None:
        self._store = store
        self._threads = threads
        self._clock = clock
        self._observer = observer
        self._written = {file.path: file for file in store.rule_files() if Path(file.path).is_relative_to(folder)}
        self._since = {path: file.broken_at for path, file in self._written.items() if file.broken_at is not None}
        self._stopped: dict[str, tuple[Rule, datetime]] = {}

    def tell(self, before: Book | None, after: Book, changed: Changes | None = None) -> None:
        """Say what is different; None: everything that is wrong.

        Args:
            changed: Between the live rules of both. To compare thousands takes long, so it is done elsewhere.
        """
        old, new = _faults(before), _faults(after)
        for path, faults in new.items():
            if fresh := tuple(fault for fault in faults if fault not in old.get(path, ())):
                self._since.setdefault(path, self._clock.now())
                self._observer(_broken(after, path, fresh, self._since[path]))
        for path in self._since.keys() - new.keys():
            self._observer(RuleFileRecovered(path=path, since=self._since.pop(path)))
        if before is None:
            return
        for path, state in after.files.items():
            known = before.files.get(path)
            if fresh := tuple(w for w in state.warnings if known is None or w not in known.warnings):
                self._observer(RuleFileSuspicious(path=path, warnings=fresh))
        if changed:
            live = len(after.live_rules)
            counts = {"added": changed.added, "changed": changed.changed, "removed": changed.removed}
            self._observer(RulesReloaded(**counts, live=live))

    def is_broken(self, path: str) -> bool:
        """Whether the file or folder at a path was found broken last time."""
        return path in self._since

    @property
    def stopped(self) -> frozenset[str]:
        """The rules that are said to rest because they are too slow."""
        return frozenset(self._stopped)

    def stop(self, rules: Mapping[str, Rule]) -> None:
        """Say that these rules, by name, rest; others do not, or not any more."""
        now = self._clock.now()
        for name in sorted(rules.keys() - self._stopped.keys()):
            self._observer(RuleStopped(rule=name, path=rules[name].file))
        self._stopped = {name: self._stopped.get(name, (rule, now)) for name, rule in rules.items()}

    async def remember(self, book: Book) -> None:
        """Write what is different from the last time; what cannot be written is tried again with the next change."""
        files = {file.path: file for file in self._files(book)}
        wanted = [file for path, file in files.items() if self._written.get(path) != file]
        gone = self._written.keys() - files.keys()
        if not wanted and not gone:
            return
        try:
            await self._threads.write(self._store.keep_rule_files, wanted, gone=gone)
        except StoreError as error:
            self._observer(Trouble(what=f"the last good rule files cannot be stored: {error}"))
        else:
            self._written = files

    def _files(self, book: Book) -> Iterator[RuleFile]:
        faults = _faults(book)
        for path in {**book.files, **faults}:
            file = RuleFile(
                path=_storable(path),
                faults=tuple(_storable(str(fault)) for fault in faults.get(path, ())),
                broken_at=self._since.get(path),
            )
            state = book.files.get(path)
            if state is None:
                yield file
                continue
            yield replace(
                file,
                text=state.good.text if state.good is not None else "",
                lists=state.good.borrowed if state.good is not None else {},
                rules=sum(rule.enabled for rule in state.rules),
                stopped={name: at for name, (rule, at) in self._stopped.items() if rule.file == path},
            )


def _faults(book: Book | None) -> dict[str, tuple[Fault, ...]]:
    """By file or folder."""
    if book is None:
        return {}
    of_folders = book.scan.faults
    faults: dict[str, tuple[Fault, ...]] = {path: (fault,) for path, fault in of_folders.items()}
    for path, state in book.files.items():
        # What keeps all files of a folder from being read is said once, of the folder.
        if own := tuple(fault for fault in state.faults if fault not in of_folders.values()):
            faults[path] = own
    return faults


def _broken(book: Book, path: str, faults: tuple[Fault, ...], since: datetime) -> RuleFileBroken:
    state = book.files.get(path)
    return RuleFileBroken(
        path=path,
        faults=faults,
        last_good=state is None or state.good is not None,
        rules=sum(rule.enabled for rule in state.rules) if state is not None else _live_under(path, book),
        since=since,
    )


def _live_under(folder: str, book: Book) -> int:
    """How many rules a folder that cannot be looked into keeps."""
    return sum(Path(rule.file).is_relative_to(folder) for rule in book.live_rules)


def _storable(text: str) -> str:
    """Without what a database refuses: a file's name may be no UTF-8, and a broken file may hold anything."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
