"""Which fetcher a feed is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from monitor.fetch.base import Fetcher
from monitor.fetch.sample import SCHEME
from monitor.model import NO_OPTIONS

if TYPE_CHECKING:
    from monitor.model import Feed, FeedOptions, FetchResult

HttpT = TypeVar("HttpT", bound=Fetcher)


class RoutingFetcher(Generic[HttpT]):
    """A `Fetcher` that leaves `sample:` to one and everything else to another.

    Attributes:
        web: The one for everything else, for requests besides those for feeds; closed with this fetcher.
    """

    def __init__(self, http: HttpT, sample: Fetcher) -> None:
        self.web = http
        self._sample = sample

    async def fetch(self, feed: Feed, options: FeedOptions = NO_OPTIONS) -> FetchResult:
        fetcher = self._sample if feed.url.startswith(SCHEME) else self.web
        return await fetcher.fetch(feed, options)

    async def close(self) -> None:
        """Close both, the second also where the first fails."""
        try:
            await self.web.close()
        finally:
            await self._sample.close()
