"""Which entries of a document are stored already, under another id; and which have the id of another one. Pure.

Three witnesses speak for two entries of a feed being one: the id (guid), the address (canonical link) and the words.
Two of the three must agree. So an entry may change its guid, its link or its text; a link or a guid that several
entries of the document share, or are known to share, is no witness. Without a guid of its own (a guid that is the link
is none) an address that is one article's, and not a page of many, is enough.

Words alone count where they are long enough to be one article's, and the stored entry is missing though older ones are
there, or has the same date. Less is enough where the feed has given new ids to nearly all that it holds. In doubt an
entry is new: a second alert is better than none, and entries that say the same become one story all the same.

Dates alone never decide; two entries of one document are never the same.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import time
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeVar

from monitor.urls import canonical_link
from monitor.wording import letters, likeness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from monitor.model import Entry, Habits, IdKind, Item, Kin, KnownEntry

T = TypeVar("T")

_ALIKE: Final = 0.6  # likeness of titles or texts of which one was made from the other
_TELLING: Final = 80  # letters of title and text that two entries do not share by chance
_LONG: Final = 150  # letters of a text that make up for another title
_READ: Final = 4_000  # characters of a text
_SHORT: Final = 40  # letters of a text that tells nothing by itself ("Comments")
_NEARLY_ALL: Final = 0.8
_MOST: Final = 0.5
_FEWEST: Final = 3  # entries of a document that can be re-issued
_HABIT: Final = 3  # documents in a row with new ids make a habit of it
_COLLISIONS: Final = 2  # other articles under the id of a stored one, before ids are no ids
_STRONG: Final = 2  # of what `_weigh` gives
# A part of an address that belongs to one article: a long number, an id with digits in it, or a title.
_ARTICLE: Final = re.compile(r"\d{5}|=\w*\d\d|(?=[^/]*\d)\w{8,}|[^\W_]+(?:[-_][^\W_]+){3}|(?:%[0-9A-F]{2}){9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """How the entries of a document belong to what is stored.

    Attributes:
        entries: As given; one with the id of another has a key of its own.
        stored: The stored version of those that are known, by the key in `entries`: under this or another key.
        renamed: The keys in `entries` of those that were stored under another one.
        habits: What the feed's ids are like.
        reissued: How many entries have new ids, where nearly all have; 0: it is as ever.
    """

    entries: tuple[Entry, ...]
    stored: Mapping[str, Kin] = field(default_factory=dict)
    renamed: frozenset[str] = frozenset()
    habits: Habits
    reissued: int = 0


def family_of(
    entries: Sequence[Entry],
    *,
    items: Sequence[Item],
    known: Mapping[str, KnownEntry],
    kin: Sequence[Kin],
    key_marks: Mapping[str, int],
    variant_of: Callable[[str], str],
    habits: Habits,
    since: datetime | None = None,
) -> Family:
    """Find the stored entries that `entries` are.

    Args:
        entries: New or changed ones of the document, by their keys.
        items: The whole document.
        known: Those whose keys are stored.
        kin: Stored entries that share a mark with one of `entries`, and the stored versions of changed ones.
        key_marks: What an entry that had a key once is marked with, by key.
        variant_of: The key of an entry that shares its id with others, by the key that it has.
        since: When the first of the stored entries that are still in the document was seen; None: none is.
    """
    habits = _seen_sharing(habits, items)
    by_key = {each.entry.key: each for each in kin}
    apart: dict[str, Entry] = {}
    stored: dict[str, Kin] = {}
    for entry in entries:
        before = by_key.get(entry.key) if entry.key in known else None
        if before is None or known[entry.key].content_hash == entry.content_hash:
            continue
        if _is_another(_sheet(entry), _sheet(before.entry)) and (variant := variant_of(entry.key)) != entry.key:
            apart[entry.key] = replace(entry, key=variant)
        else:
            stored[entry.key] = before
    settled = tuple(apart.get(entry.key, entry) for entry in entries)
    present = {each.id for key, each in known.items() if key not in apart}
    unknown = [entry for entry in settled if entry.key not in known]
    if not kin:
        return Family(entries=settled, habits=_after(habits, (), has_new_ids=False, is_usual=_is_usual(unknown, items)))
    context = _context(unknown, items, habits, since=since)
    marks = {entry.key: {*entry.marks, key_marks.get(entry.key, 0)} for entry in unknown}
    pairs = _pairs(unknown, [each for each in kin if each.id not in present], marks, context)
    is_reissue = _is_reissue(pairs, unknown=len(unknown), items=len(items))
    taken = {pair.new.key: pair.kin for pair in pairs if is_reissue or pair.weight >= _STRONG}
    has_new_ids = is_reissue and sum(not pair.keeps_guid for pair in pairs) >= _MOST * len(pairs)
    is_told = has_new_ids and not (habits.ids or habits.reissues or all(pair.keeps_place for pair in pairs))
    collisions = sum(entry.key not in taken for entry in apart.values())
    return Family(
        entries=settled,
        stored=stored | taken,
        renamed=frozenset(key for key, each in taken.items() if each.entry.key != key),
        habits=_after(
            habits, pairs, has_new_ids=has_new_ids, is_usual=_is_usual(unknown, items), collisions=collisions
        ),
        reissued=len(taken) if is_told else 0,
    )


# ----------------------------------------------------------------------------------------------------------- witnesses


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sheet:
    """What of an entry is weighed; texts as letters.

    Attributes:
        guid: "" where it is no more than the link.
        link: Canonical.
    """

    entry: Entry
    guid: str
    link: str
    title: str
    body: str
    source: str


class _Words(Enum):
    """What the words say: all the same; one made from the other; the same text under another title; the same title
    over another text; something else.
    """

    SAME = "same"
    LIKE = "like"
    TEXT = "text"
    TITLE = "title"
    OTHER = "other"


def _sheet(entry: Entry) -> _Sheet:
    link = canonical_link(entry.link) if entry.link else ""
    is_link = "://" in entry.guid and canonical_link(entry.guid) == link
    return _Sheet(
        entry=entry,
        guid="" if is_link else entry.guid,
        link=link,
        title=letters(entry.title),
        body=_body(entry),
        source=letters(entry.source),
    )


def _body(entry: Entry) -> str:
    return letters(max(entry.summary, entry.content, key=len)[:_READ])


def _words(one: _Sheet, other: _Sheet) -> _Words:
    if one.source and other.source and one.source != other.source:
        return _Words.OTHER
    has_title = one.title == other.title
    if one.body == other.body:
        if has_title:
            return _Words.SAME if one.title or one.body else _Words.OTHER
        if len(one.body) >= _SHORT:
            return _Words.TEXT if len(one.body) >= _LONG else _Words.LIKE
    elif min(len(one.body), len(other.body)) >= _SHORT and likeness(one.body, other.body) >= _ALIKE:
        return _Words.LIKE
    if has_title and one.title:
        return _Words.TITLE if one.body and other.body else _Words.LIKE
    return _Words.LIKE if likeness(one.title, other.title) >= _ALIKE else _Words.OTHER


def _is_another(new: _Sheet, old: _Sheet) -> bool:
    """Whether what has the key of a stored entry is another article: its words are others, and so is its address, or
    the address is that of a page of many.
    """
    is_elsewhere = new.link and old.link if new.link != old.link else not new.guid and not _is_articles(new.link)
    return bool(is_elsewhere) and _words(new, old) is _Words.OTHER


def _is_articles(link: str) -> bool:
    """Whether an address looks like that of one article."""
    return _ARTICLE.search(link.removeprefix("//").partition("/")[2]) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Context:
    """What is no witness in this document, because several entries have it.

    Attributes:
        since: As in `family_of`.
    """

    guids: frozenset[str]
    links: frozenset[str]
    bodies: frozenset[str]
    dates: frozenset[datetime]
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """An entry and the stored one that it may be.

    Attributes:
        weight: What `_weigh` says, > 0.
    """

    new: Entry
    kin: Kin
    weight: int
    keeps_link: bool
    keeps_guid: bool

    @property
    def keeps_place(self) -> bool:
        """Whether only another way to link to the same page makes its id another one."""
        return self.keeps_link and not self.new.guid and not self.kin.entry.guid


def _context(unknown: Sequence[Entry], items: Sequence[Item], habits: Habits, *, since: datetime | None) -> _Context:
    return _Context(
        guids=_repeated(item.guid for item in items if item.guid),
        links=frozenset({canonical_link(link) for link in _repeated(map(_page_of, items))} | {*habits.shared_links}),
        bodies=_repeated(map(_body, unknown)),
        dates=_repeated(entry.published_at for entry in unknown if entry.published_at is not None),
        since=since,
    )


def _pairs(
    unknown: Sequence[Entry], kin: Sequence[Kin], marks: Mapping[str, set[int]], context: _Context
) -> list[_Pair]:
    """At most one for each entry and each stored one, the weightiest first."""
    by_mark: dict[int, list[Kin]] = {}
    for each in kin:
        for mark in each.marks:
            by_mark.setdefault(mark, []).append(each)
    sheets = {each.id: _sheet(each.entry) for each in kin}
    found = list[_Pair]()
    for entry in unknown:
        near = {each.id: each for mark in marks[entry.key] for each in by_mark.get(mark, ())}
        if near:
            new, own = _sheet(entry), marks[entry.key] - {*entry.marks}
            found += (
                _pair(new, sheets[each.id], each, had_key=bool(each.marks & own), context=context)
                for each in near.values()
            )
    found = [pair for pair in found if pair.weight]
    found.sort(key=lambda pair: (-pair.weight, -pair.kin.id))
    return _each_once(found)


def _pair(new: _Sheet, old: _Sheet, kin: Kin, *, had_key: bool, context: _Context) -> _Pair:
    has_guid = bool(new.guid) and new.guid == old.guid and new.entry.guid not in context.guids
    keeps_link = bool(new.link) and new.link == old.link and new.link not in context.links
    return _Pair(
        new=new.entry,
        kin=kin,
        weight=_weigh(new, old, kin, keeps_guid=had_key or has_guid, keeps_link=keeps_link, context=context),
        keeps_link=keeps_link,
        keeps_guid=bool(new.entry.guid) and new.entry.guid == old.entry.guid,
    )


def _each_once(pairs: Sequence[_Pair]) -> list[_Pair]:
    chosen, new, old = list[_Pair](), set[str](), set[int]()
    for pair in pairs:
        if pair.new.key not in new and pair.kin.id not in old:
            chosen.append(pair)
            new.add(pair.new.key)
            old.add(pair.kin.id)
    return chosen


def _weigh(new: _Sheet, old: _Sheet, kin: Kin, *, keeps_guid: bool, keeps_link: bool, context: _Context) -> int:
    """How much speaks for an entry being a stored one: 0 nothing, 1 too little by itself, from 2 on enough."""
    words = _words(new, old)
    if words is _Words.SAME and (keeps_guid or keeps_link or _same_ids(new.entry, old.entry)):
        return 4
    if keeps_guid:
        return 3 if keeps_link or words is not _Words.OTHER else 0
    if keeps_link:
        if _is_articles(new.link):
            no_guids = not new.guid and not old.guid
            return 2 if no_guids or words is not _Words.OTHER else 0
        return 2 if words is _Words.TEXT else 0
    return _weigh_words(new, old, kin, words, context)


def _same_ids(new: Entry, old: Entry) -> bool:
    return new.guid == old.guid and (bool(new.guid) or new.link == old.link)


def _weigh_words(new: _Sheet, old: _Sheet, kin: Kin, words: _Words, context: _Context) -> int:
    """Where neither guid nor link speaks."""
    has_date = _has_date_of(new.entry, old.entry, context)
    is_replaced = has_date or (context.since is not None and kin.seen_at >= context.since)
    match words:
        case _Words.SAME if len(new.title) + len(new.body) >= _TELLING:
            return 3 if is_replaced else 1
        case _Words.TEXT if new.body not in context.bodies:
            return 2 if is_replaced else 1
        case _Words.SAME:
            return 2 if has_date else 0
        case _Words.TITLE:
            return int(has_date)
        case _Words.LIKE if new.title and new.title == old.title:
            return int(has_date)
        case _:
            return 0


def _has_date_of(new: Entry, old: Entry, context: _Context) -> bool:
    """Whether both have one date, with a time of day, that others in the document do not have."""
    at = new.published_at
    return at is not None and at == old.published_at and at.time() != time.min and at not in context.dates


# -------------------------------------------------------------------------------------------------------------- habits


def _is_reissue(pairs: Sequence[_Pair], *, unknown: int, items: int) -> bool:
    """Whether nearly all of the document has new ids, and most of that is known by what it says."""
    return unknown >= max(_FEWEST, _NEARLY_ALL * items) and len(pairs) >= _MOST * unknown


def _seen_sharing(habits: Habits, items: Sequence[Item]) -> Habits:
    """With what the document shows of ids that are shared."""
    pages = Counter(filter(None, map(_page_of, items)))
    often = [canonical_link(page) for page, times in pages.most_common(3) if times >= max(2, len(items) / 2)]
    links = tuple(dict.fromkeys((*often, *habits.shared_links)))[:3]
    is_shared = bool(_repeated(item.guid or item.link for item in items if item.guid or item.link))
    ids: IdKind = "shared" if is_shared and not habits.ids else habits.ids
    return habits if (links, ids) == (habits.shared_links, habits.ids) else replace(habits, shared_links=links, ids=ids)


def _page_of(item: Item) -> str:
    return item.link.partition("#")[0]


def _is_usual(unknown: Sequence[Entry], items: Sequence[Item]) -> bool:
    return len(unknown) < _NEARLY_ALL * len(items)


def _after(habits: Habits, pairs: Sequence[_Pair], *, has_new_ids: bool, is_usual: bool, collisions: int = 0) -> Habits:
    """Ids that were new three times in a row are no ids, nor are those that two other articles had as well."""
    if habits.ids:
        return habits
    if habits.collisions + collisions >= _COLLISIONS:
        return replace(habits, ids="shared", collisions=0)
    if collisions:
        habits = replace(habits, collisions=habits.collisions + collisions)
    if not has_new_ids:
        return replace(habits, reissues=0) if is_usual and habits.reissues else habits
    if habits.reissues + 1 < _HABIT:
        return replace(habits, reissues=habits.reissues + 1)
    keep_links = sum(pair.keeps_link for pair in pairs) >= 0.9 * len(pairs)
    return replace(habits, reissues=0, ids="links" if keep_links else "titles")


def _repeated(values: Iterable[T]) -> frozenset[T]:
    return frozenset(value for value, times in Counter(values).items() if times > 1)
