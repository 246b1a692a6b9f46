"""What services ask of a fetcher, and of the web besides feeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from monitor.model import NO_OPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.model import Feed, FeedOptions, Fetched, FetchFailed, FetchResult


class Fetcher(Protocol):
    """Gets one feed's bytes."""

    async def fetch(self, feed: Feed, options: FeedOptions = NO_OPTIONS) -> FetchResult:
        """One conditional GET with its redirects, within one deadline for the whole of it.

        Never raises for what a server or the network does: that is `FetchFailed`.
        """

    async def close(self) -> None:
        """Close connections; safe to call twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back from a POST, whatever its status; `body` is decoded from its Content-Encoding."""

    status: int
    body: bytes


class Web(Protocol):
    """Requests to URLs that come from outside: pages that entries link to, hubs that feeds name.

    They share a fetcher's places, deadline, caps and name. No address is dialled that is not public or in
    `polling.allow`, an address in the URL itself no more than any other. Nothing raises for what a server or the
    network does.
    """

    async def get(
        self, url: str, *, options: FeedOptions = NO_OPTIONS, accept: str = "", max_bytes: int | None = None
    ) -> Fetched | FetchFailed:
        """One GET, with its redirects; a status that brings no document is `FetchFailed`.

        Args:
            options: Its login and headers go to the origin of `url`: give them only where that is the feed's own.
            accept: The Accept header; "": as for a feed.
            max_bytes: The largest body that is taken, as it comes and decoded; None: as for a feed.
        """

    async def post_form(self, url: str, fields: Iterable[tuple[str, str]]) -> Answer | FetchFailed:
        """One POST of a form (application/x-www-form-urlencoded, UTF-8).

        307 and 308 are followed, for they keep it a POST (RFC 9110 section 15.4.8); never from https to http.
        """
