"""Between cleaning and matching: which entries of a document are stored already under another id.

A poll without new or changed entries comes through at no cost, one with new ones asks the store once more.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from monitor.fetch.habits import identity
from monitor.model import Entry, FeedEvent, Habits, Kin, KnownEntry, Rekeyed
from monitor.parse.items import variant_key
from monitor.parse.marks import key_mark, marks
from monitor.stories.kinship import family_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from monitor.model import Feed, Item
    from monitor.service.threads import StoreThreads
    from monitor.store.base import PollStore

# Of a feed whose entries are older than their marks. Its document is among the newest, whatever it holds.
_UNMARKED: Final = 2_000
_COMPARED_HERE: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """The new and changed entries of a document, with the keys that they are to have.

    Attributes:
        known: Those that are stored, by key.
        before: The stored version of those that were changed, by key.
        rekeyed: Those that were stored under another key.
        marked: As in `PollOutcome`.
        habits: What the feed's ids are like now.
        turns: What there is to tell of that.
    """

    entries: tuple[Entry, ...]
    known: Mapping[str, KnownEntry]
    before: Mapping[str, Entry] = field(default_factory=dict)
    rekeyed: tuple[Rekeyed, ...] = ()
    marked: tuple[Entry, ...] = ()
    habits: Habits
    turns: tuple[FeedEvent, ...] = ()

    @property
    def new(self) -> int:
        """How many entries the feed never had before."""
        return sum(entry.key not in self.known for entry in self.entries)


async def identify(
    entries: Sequence[Entry],
    *,
    items: Sequence[Item],
    known: Mapping[str, KnownEntry],
    feed: Feed,
    silent: bool,
    store: PollStore,
    threads: StoreThreads,
    now: datetime,
) -> Identified:
    """Find out which of `entries` are stored entries of `feed`.

    Args:
        entries: Of the document, those that were cleaned.
        items: All of the document.
        known: Those whose keys are stored.
        silent: Whether nothing of the document will be said (a baseline): then a new key is a new entry.
    """
    unknown = [entry for entry in entries if entry.key not in known]
    changed = [
        entry.key for entry in entries if entry.key in known and entry.content_hash != known[entry.key].content_hash
    ]
    if not unknown and not changed:
        return Identified(entries=tuple(entries), known=known, habits=feed.habits)
    key_marks = {entry.key: key_mark(entry.key) for entry in unknown}
    wanted = {mark for entry in entries for mark in entry.marks}.union(key_marks.values())
    kin, marked = await _kin(feed, wanted, changed, silent=silent, store=store, threads=threads)
    since = await _since(feed, known, kin, store=store, threads=threads)
    by_key = {item.key: item for item in items}
    weigh = partial(
        family_of,
        entries,
        items=items,
        known=known,
        kin=kin,
        key_marks=key_marks,
        variant_of=lambda key: variant_key(by_key[key]),
        habits=replace(feed.habits, marked=True),
        since=since,
    )
    # To compare two texts may take a millisecond, and a feed that is issued anew has thousands.
    family = weigh() if len(kin) <= _COMPARED_HERE else await asyncio.to_thread(weigh)
    by_new_key = {entry.key: entry for entry in family.entries}
    renamed = {key: family.stored[key].entry.key for key in family.renamed}
    taken = [each.entry.key for key, each in family.stored.items() if key not in known]
    if taken:
        of_old = await threads.read(store.known_entries, feed.id, taken)
        of_new = {key: of_old[each.entry.key] for key, each in family.stored.items() if each.entry.key in of_old}
        known = {**known, **of_new}
    return Identified(
        entries=family.entries,
        known=known,
        before={key: each.entry for key, each in family.stored.items()},
        rekeyed=tuple(Rekeyed(key=old, entry=_with_old_key(by_new_key[key], old)) for key, old in renamed.items()),
        marked=marked,
        habits=family.habits,
        turns=tuple(_turns(feed.habits, family.habits, family.reissued, len(items), now)),
    )


async def _kin(
    feed: Feed,
    wanted: Collection[int],
    changed: Collection[str],
    *,
    silent: bool,
    store: PollStore,
    threads: StoreThreads,
) -> tuple[Sequence[Kin], tuple[Entry, ...]]:
    """Stored entries that may be some of the document's, and those that had no marks so far."""
    if silent:
        return (), ()
    if feed.habits.marked:
        return await threads.read(store.kin, feed.id, marks=wanted, keys=changed), ()
    newest = await threads.read(store.newest_entries, feed.id, limit=_UNMARKED)
    marked = await asyncio.to_thread(lambda: tuple(replace(each.entry, marks=_marks(each.entry)) for each in newest))
    found = [
        replace(each, entry=entry, marks=frozenset(entry.marks) & {*wanted})
        for each, entry in zip(newest, marked, strict=True)
    ]
    return found, marked


async def _since(
    feed: Feed, known: Mapping[str, KnownEntry], kin: Sequence[Kin], *, store: PollStore, threads: StoreThreads
) -> datetime | None:
    """When the first of the entries that are known and in the document was seen; asked only where it matters."""
    if not known or not any(each.marks for each in kin):
        return None
    oldest = min(known, key=lambda key: known[key].id)
    found = await threads.read(store.kin, feed.id, marks=(), keys=[oldest])
    return found[0].seen_at if found else None


def _marks(entry: Entry) -> tuple[int, ...]:
    return marks(link=entry.link, title=entry.title, texts=(entry.summary, entry.content), source=entry.source)


def _with_old_key(entry: Entry, old: str) -> Entry:
    return replace(entry, marks=(*entry.marks, key_mark(old)))


def _turns(before: Habits, after: Habits, reissued: int, size: int, now: datetime) -> list[FeedEvent]:
    found = list[FeedEvent]()
    if reissued:
        detail = f"has given new ids to {reissued} of the {size} entries in its document; they are taken for the same"
        found.append(FeedEvent(at=now, kind="reissued", detail=detail))
    if after.ids != before.ids:
        found.append(FeedEvent(at=now, kind="ids", detail=identity(after)))
    return found
