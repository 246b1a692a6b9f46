"""Two documents of a feed, one after the other, and which entries of the second are taken for which of the first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from monitor.model import Habits, Kin, KnownEntry
from monitor.parse.clean import clean_item
from monitor.parse.items import variant_key
from monitor.parse.marks import key_mark
from monitor.stories.kinship import Family, family_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.model import Item

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def meet(before: Sequence[Item], after: Sequence[Item], *, habits: Habits | None = None) -> Family:
    """All that the first document holds is stored, and found by its marks."""
    entries = [clean_item(item, now=NOW) for item in before]
    kin = [
        Kin(id=number, entry=entry, seen_at=NOW - timedelta(days=1), marks=frozenset(entry.marks))
        for number, entry in enumerate(entries, 1)
    ]
    known = {
        each.entry.key: KnownEntry(
            content_hash=each.entry.content_hash, alerted=frozenset(), matched=frozenset(), id=each.id
        )
        for each in kin
    }
    by_key = {item.key: item for item in after}
    found = [clean_item(item, now=NOW) for item in by_key.values()]
    return family_of(
        [each for each in found if each.key not in known or known[each.key].content_hash != each.content_hash],
        items=tuple(by_key.values()),
        known={key: each for key, each in known.items() if key in by_key},
        kin=kin,
        key_marks={entry.key: key_mark(entry.key) for entry in found},
        variant_of=lambda key: variant_key(by_key[key]),
        habits=habits or Habits(),
        since=min((each.seen_at for each in kin if each.entry.key in by_key), default=None),
    )
