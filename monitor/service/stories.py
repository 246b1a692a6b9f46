"""The stories of the last days, as this process knows them: which one an entry tells, and how it stands.

There is one book in a process. It reads the window from the store when it is first asked, and before each placing what
other processes have written since: members, and what people have corrected. Entries are placed in one order, which
their times keep, so that a process that starts again decides as this one would have.

What polls have planned and not written yet is held here, so that two of them that meet on a story know of each other.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from monitor.model import Placed, SaidTo, Spoken, StoryMatch, StoryView, Telling
from monitor.stories.clues import Clues, clues_of
from monitor.stories.identity import story_key
from monitor.stories.index import StoryIndex
from monitor.stories.outlet import outlet_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from monitor.alerts.plan import Plan
    from monitor.clock import Clock
    from monitor.model import Alert, Correction, Entry, Feed, FeedId, KnownEntry, NewDelivery, StoredMember
    from monitor.service.threads import StoreThreads
    from monitor.store.base import Stories

WINDOW = timedelta(hours=72)
_SLICE_SECONDS = 0.005
_PAGE = 5_000  # members read at once
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The stories of a poll's entries.

    Attributes:
        tellings: By the key of the entry, in the order in which they were placed.
        placed: Those that had no story.
        views: How those stories stand of which something may be said.
    """

    tellings: Mapping[str, Telling] = field(default_factory=dict)
    placed: tuple[Placed, ...] = ()
    views: Mapping[str, StoryView] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """What is planned of an entry and not written: its part in the story, the rules that match, each with the time at
    which the match counts, and what they say.
    """

    telling: Telling
    rules: tuple[tuple[str, datetime], ...]
    said: tuple[tuple[Alert, tuple[SaidTo, ...]], ...]


class StoryBook:
    """Places entries, one poll after the other.

    Args:
        window: For how long a story takes up reports; asked when the book is opened.
    """

    def __init__(
        self, *, store: Stories, threads: StoreThreads, clock: Clock, window: Callable[[], timedelta] = lambda: WINDOW
    ) -> None:
        self._store = store
        self._threads = threads
        self._clock = clock
        self._window_of = window
        self._window = window()
        self._turn = asyncio.Lock()
        self._index: StoryIndex | None = None
        self._number = 0
        self._correction = 0
        self._into: dict[str, str] = {}
        self._last: datetime | None = None
        self._held: dict[str, dict[tuple[FeedId, str], _Held]] = {}
        self._story_of: dict[tuple[FeedId, str], str] = {}
        # Members that are placed and not written, and up to which number others' had been taken up then.
        self._unwritten: dict[int, int] = {}

    @asynccontextmanager
    async def placing(
        self,
        entries: Sequence[Entry],
        *,
        feed: Feed,
        known: Mapping[str, KnownEntry],
        matched: Collection[str],
        silent: Callable[[Entry], bool],
    ) -> AsyncIterator[Standing]:
        """The stories of these entries; nobody else is told of any before the block ends, so that it may plan.

        Args:
            entries: Of one feed. One that has a story keeps it; one of which nothing is said and that is older than the
                window has none, until it is edited.
            feed: With its title as it is now.
            matched: The keys of the entries that rules match.
            silent: Whether nothing is said of an entry.
        """
        if not entries:
            yield Standing()
            return
        async with self._turn:
            placed: dict[str, Placed] = {}
            try:
                asked = await self._place_new(entries, feed, known, silent, placed)
                tellings = {
                    entry.key: self._telling(entry, placed.get(entry.key), feed, known)
                    for entry in entries
                    if entry.key in placed or entry.key in matched
                }
                asked |= {tellings[entry.key].story for entry in entries if entry.key in matched and not silent(entry)}
                yield Standing(tellings=tellings, placed=tuple(placed.values()), views=await self._views(asked))
            except BaseException:
                self.settle(feed.id, (), placed.values(), written=False)
                raise

    def hold(self, feed_id: FeedId, standing: Standing, planned: Plan) -> None:
        """Count what is planned, until it is settled; within the block of `placing`."""
        silent = {each.entry_key for each in standing.placed if each.baseline}
        rules: dict[str, list[tuple[str, datetime]]] = defaultdict(list)
        for each in planned.matches:
            key = each.match.entry.key
            rules[key].append((each.match.rule, each.counts_at or standing.tellings[key].at))
        said: dict[str, list[Alert]] = defaultdict(list)
        for alert in planned.alerts:
            said[planned.origins.get(alert.id, "")].append(alert)
        for key, telling in standing.tellings.items():
            if key not in silent:
                held = _Held(
                    telling=telling,
                    rules=tuple(rules[key]),
                    said=tuple((alert, _sent_to(alert, planned.deliveries)) for alert in said[key]),
                )
                self._held.setdefault(telling.story, {})[feed_id, key] = held
                self._story_of[feed_id, key] = telling.story

    def settle(self, feed_id: FeedId, keys: Iterable[str], placed: Iterable[Placed], *, written: bool) -> None:
        """What was planned of these entries is in the store, or never will be."""
        for key in keys:
            story = self._story_of.pop((feed_id, key), None)
            if story is not None:
                self._held[story].pop((feed_id, key), None)
                if not self._held[story]:
                    del self._held[story]
        for each in placed:
            number = self._unwritten.pop(each.member, self._number)
            if not written and self._index is not None:
                self._index.drop(each.member)
                # Another process may have written it meanwhile, and it was passed over because it was here.
                self._number = min(self._number, number)

    # ------------------------------------------------------------------------------------------------------- placing

    async def _place_new(
        self,
        entries: Sequence[Entry],
        feed: Feed,
        known: Mapping[str, KnownEntry],
        silent: Callable[[Entry], bool],
        placed: dict[str, Placed],
    ) -> set[str]:
        """Add to `placed` what has no story, by key; the stories of which something may be said that were there."""
        index = await self._caught_up()
        before = self._clock.now() - self._window
        slices = _Slices(self._clock)
        asked: set[str] = set()
        for entry in entries:
            if (entry.key in known and known[entry.key].story) or (silent(entry) and _is_old(entry, before)):
                continue
            placed[entry.key], joins = self._place(index, entry, feed, baseline=silent(entry))
            if joins and not silent(entry):
                asked.add(placed[entry.key].story)
            await slices.turn()
        return asked

    def _place(self, index: StoryIndex, entry: Entry, feed: Feed, *, baseline: bool) -> tuple[Placed, bool]:
        """Where an entry belongs, and whether others were there before it."""
        begin = story_key(entry, feed=feed.name)
        begin = self._into.get(begin, begin)
        now = self._clock.now()
        at = self._last = now if self._last is None else max(now, self._last + _TICK)
        outlet = outlet_of(entry, feed_url=feed.address, feed_title=feed.title)
        made = Placed(
            entry_key=entry.key,
            member=member_number(feed.id, entry.key),
            story=begin,
            outlet=outlet,
            at=at,
            baseline=baseline,
        )
        if _is_old(entry, at - self._window):
            return made, False
        clues = clues_of(entry, outlet=outlet.id)
        # One that a poll placed and could not write.
        index.drop(made.member)
        self._unwritten[made.member] = self._number
        found = index.place(made.member, clues, at=at, begin=begin)
        made = replace(
            made, story=found.story, score=found.score, reasons=found.reasons, like=found.like, clues=clues.pack()
        )
        return made, not found.begins

    def _telling(self, entry: Entry, placed: Placed | None, feed: Feed, known: Mapping[str, KnownEntry]) -> Telling:
        if placed is not None:
            is_new = entry.key not in known
            return Telling(story=placed.story, outlet=placed.outlet, at=placed.at, is_new=is_new)
        story = known[entry.key].story if entry.key in known else ""
        outlet = outlet_of(entry, feed_url=feed.address, feed_title=feed.title)
        return Telling(
            story=story or story_key(entry, feed=feed.name), outlet=outlet, at=self._clock.now(), is_new=False
        )

    # ------------------------------------------------------------------------------------------------------- taking up

    async def _caught_up(self) -> StoryIndex:
        """The index with all that has been written so far."""
        if self._index is None:
            self._index = await self._threads.read(self._read_window)
        index = self._index
        news = await self._threads.read(self._store.story_news, member=self._number, correction=self._correction)
        missing = [number for number, member in news.members if member not in index]
        if missing:
            slices = _Slices(self._clock)
            for one in await self._threads.read(self._store.story_members, missing):
                _take_up(index, one)
                await slices.turn()
        self._number = news.number
        for correction in news.corrections:
            self._obey(index, correction)
        return index

    def _read_window(self) -> StoryIndex:
        """Blocks, for about 45 seconds with a million members."""
        self._window = self._window_of()
        index = StoryIndex(self._window)
        self._number, self._correction = self._store.story_numbers()
        since, after = self._clock.now() - self._window, None
        while page := self._store.story_window(since=since, after=after, limit=_PAGE):
            for one in page:
                _take_up(index, one)
            after = (page[-1].at, page[-1].number)
        for story in self._store.stories_over(before=since):
            index.end(story)
        # All that was ever merged: what an entry begins may have gone into another story.
        corrections = self._store.story_news(member=self._number, correction=0).corrections
        self._into = {each.story: each.into for each in corrections if each.member is None}
        return index

    def _obey(self, index: StoryIndex, correction: Correction) -> None:
        self._correction = correction.number
        if correction.member is not None:
            if correction.member in index:
                index.move(correction.member, correction.into)
            return
        self._into[correction.story] = correction.into
        index.merge(correction.story, correction.into)
        held = self._held.pop(correction.story, {})
        if held:
            self._held.setdefault(correction.into, {}).update(held)
            self._story_of |= dict.fromkeys(held, correction.into)

    async def _views(self, stories: Collection[str]) -> dict[str, StoryView]:
        if not stories:
            return {}
        # Before the store is asked: what is written meanwhile is in both then, and not in neither.
        held = {story: tuple(self._held.get(story, {}).values()) for story in stories}
        found = await self._threads.read(self._store.story_views, stories)
        return {story: _with_held(view, held[story]) for story, view in found.items()}


class _Slices:
    """Gives the loop back every few milliseconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ends = clock.monotonic() + _SLICE_SECONDS

    async def turn(self) -> None:
        """One more step is done."""
        if self._clock.monotonic() > self._ends:
            await self._clock.sleep(0)
            self._ends = self._clock.monotonic() + _SLICE_SECONDS


def member_number(feed_id: FeedId, key: str) -> int:
    """The number of an entry among all that are placed: 63 bits, the same in every process (see `Placed`)."""
    return int.from_bytes(sha256(f"{feed_id}\0{key}".encode()).digest()[:8]) >> 1


def _take_up(index: StoryIndex, one: StoredMember) -> None:
    try:
        clues = Clues.unpack(one.clues)
    except ValueError:  # of another version of this program: nothing is compared with it, for as long as the window
        return
    if one.member not in index:
        index.add(one.member, clues, at=one.at, story=one.story)


def _is_old(entry: Entry, before: datetime) -> bool:
    """Whether its own dates say that it was news before the window began."""
    dates = [date for date in (entry.published_at, entry.updated_at) if date is not None]
    return bool(dates) and max(dates) < before


def _sent_to(alert: Alert, deliveries: Sequence[NewDelivery]) -> tuple[SaidTo, ...]:
    return tuple(
        SaidTo(channel=each.channel, route=each.placing.route, due_at=each.due_at)
        for each in deliveries
        if each.alert_id == alert.id
    )


def _with_held(view: StoryView, held: Sequence[_Held]) -> StoryView:
    """A story as the store has it, with what is planned of it."""
    outlets, spoken = dict(view.outlets), dict(view.spoken)
    matches = {rule: list(each) for rule, each in view.matches.items()}
    for one in held:
        outlet = one.telling.outlet
        outlets.setdefault(outlet.id, outlet.name)
        for rule, at in one.rules:
            match = StoryMatch(outlet=outlet.id, at=at)
            there = matches.setdefault(rule, [])
            if match not in there:
                there.append(match)
        for alert, to in one.said:
            before = spoken.get(alert.rule)
            if before is not None:
                spoken[alert.rule] = replace(before, told=before.told | {outlet.id}, said=before.said | {alert.id})
            elif alert.kind == "news" and alert.story == view.id:
                spoken[alert.rule] = Spoken(
                    alert=alert, told=frozenset({outlet.id}), said=frozenset({alert.id}), to=to, written=False
                )
    ordered = {rule: tuple(sorted(each, key=lambda one: one.at)) for rule, each in matches.items()}
    return StoryView(id=view.id, outlets=outlets, matches=ordered, spoken=spoken)
