"""Which fetcher a feed is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.fetch.sample import SCHEME
from monitor.model import NO_OPTIONS

if TYPE_CHECKING:
    from monitor.fetch.base import Fetcher
    from monitor.model import Feed, FeedOptions, FetchResult


class RoutingFetcher:
    """A `Fetcher` that leaves `sample:` to one and everything else to another."""

    def __init__(self, http: Fetcher, sample: Fetcher) -> None:
        self._http = http
        self._sample = sample

    async def fetch(self, feed: Feed, options: FeedOptions = NO_OPTIONS) -> FetchResult:
        fetcher = self._sample if feed.url.startswith(SCHEME) else self._http
        return await fetcher.fetch(feed, options)

    async def close(self) -> None:
        """Close both, the second also where the first fails."""
        try:
            await self._http.close()
        finally:
            await self._sample.close()
