"""What the poll service asks of a fetcher."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from monitor.model import NO_OPTIONS

if TYPE_CHECKING:
    from monitor.model import Feed, FeedOptions, FetchResult


class Fetcher(Protocol):
    """Gets one feed's bytes."""

    async def fetch(self, feed: Feed, options: FeedOptions = NO_OPTIONS) -> FetchResult:
        """One conditional GET with its redirects, within one deadline for the whole of it.

        Never raises for what a server or the network does: that is `FetchFailed`.
        """

    async def close(self) -> None:
        """Close connections; safe to call twice."""
