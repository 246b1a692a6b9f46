"""What a channel must do. `tests/contract/test_notifiers.py` holds each of them to it against a real local server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from monitor.model import Delivery, SendResult


class Notifier(Protocol):
    """A channel, open and ready to send."""

    async def send(self, delivery: Delivery) -> SendResult:
        """Try once to hand over `delivery`, within the channel's own deadline.

        Never raises for what a receiver or the network does: that is what `SendResult` is for. `detail` holds no
        secret (no URL with a token, no password). The same delivery sent again carries the same identity (webhook id,
        Message-ID).
        """

    async def close(self) -> None:
        """Release connections; safe to call twice."""
