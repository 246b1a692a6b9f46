"""What services ask of a parser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from monitor.model import Cleaned, Item, PageText, ParseFailed, ParseResult


class Parser(Protocol):
    """Turns a feed's bytes into items, and items into entries. Neither holds the event loop for long."""

    async def parse(self, body: bytes, *, content_type: str | None, url: str) -> ParseResult:
        """Parse within a deadline.

        Never raises for what is in `body`: a document that is no feed, takes too long or too much memory is
        `ParseFailed`. `url` resolves relative links.
        """

    async def clean(self, items: Sequence[Item], *, now: datetime) -> Cleaned | ParseFailed:
        """The entries that `items` become, in the same order; `now` bounds the dates.

        Within a deadline as well. A text that takes too long or too much memory costs the other entries nothing, and
        its own entry its markup at most. `ParseFailed` only where the workers are gone.
        """

    def close(self) -> None:
        """Stop the workers; safe to call twice."""


class PageReader(Protocol):
    """Finds the text of the article on a web page."""

    async def read_page(self, body: bytes, *, content_type: str | None) -> PageText | ParseFailed:
        """Read within a deadline, off the event loop; like `Parser.parse` it never raises for what is in `body`."""


class Workers(Parser, PageReader, Protocol):
    """Does both."""
