"""What a channel must do. `tests/contract/test_notifiers.py` holds each of them to it against a real local server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pydantic import BaseModel, ConfigDict, Field

from monitor.clock import Clock, SystemClock
from monitor.netguard import Guard

if TYPE_CHECKING:
    from monitor.model import Message, SendResult


class ChannelOptions(BaseModel):
    """What every kind of channel has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rate: float | None = Field(
        None,
        ge=0.1,
        le=1000,
        description="Messages a second at most. Without it what the receiver is known to take, or as fast as it goes.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a channel needs besides its own options.

    Attributes:
        clock: For times that a receiver is told, or tells.
        guard: What may be dialled besides public addresses, by the user's wish.
    """

    clock: Clock = field(default_factory=SystemClock)
    guard: Guard = field(default_factory=Guard)


class Notifier(Protocol):
    """A channel, open and ready to send."""

    async def send(self, message: Message) -> SendResult:
        """Try once to hand over `message`, within the channel's own deadline.

        Never raises for what a receiver or the network does: that is what `SendResult` is for. `detail` holds no
        secret (no URL with a token, no password). The same message sent again carries the same identity (webhook id,
        Message-ID).
        """

    async def close(self) -> None:
        """Release connections; safe to call twice."""
