"""When two entries say the same thing.

So far a story is one text at one address: the same link, title and text in two feeds of a publisher, or again under a
new guid, is the same story. Anything less alike is kept apart, because a lost alert is worse than a second one:
"Tornado warning" with one link for all warnings is a new story each time its text is new.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from monitor.urls import canonical_link

if TYPE_CHECKING:
    from monitor.model import Entry


def story_key(entry: Entry, *, feed: str) -> str:
    """32 hex digits that two entries share when they say the same thing at the same address.

    An entry without a link is never the same as one of another feed: its words alone prove too little.
    """
    place = canonical_link(entry.link) if entry.link else f"{feed}\0{entry.key}"
    texts = (" ".join(text.casefold().split()) for text in (entry.title, entry.summary, entry.content))
    return hashlib.sha256("\0".join((place, *texts)).encode()).hexdigest()[:32]
