"""What the poll service asks of a parser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from monitor.model import ParseResult


class Parser(Protocol):
    """Turns a feed's bytes into a document."""

    async def parse(self, body: bytes, *, content_type: str | None, url: str, now: datetime) -> ParseResult:
        """Parse within a deadline, off the event loop.

        Never raises for what is in `body`: a document that is no feed, takes too long or too much memory is
        `ParseFailed`. `url` resolves relative links; `now` bounds the dates.
        """

    def close(self) -> None:
        """Stop the workers; safe to call twice."""
