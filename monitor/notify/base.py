"""What a channel must do. `tests/contract/test_notifiers.py` holds each of them to it against a real local server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from monitor.tomlfile import did_you_mean

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


def _is_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = did_you_mean(name, available_timezones()) or 'a name is such as "Europe/London"'
        raise ValueError(f"there is no time zone {name!r}; {hint}") from None
    return name


class ReaderOptions(ChannelOptions):
    """What every channel has that people read."""

    timezone: Annotated[str, AfterValidator(_is_zone)] = Field(
        "UTC", description='Times are told in this zone, an IANA name. Example: "Europe/London".'
    )

    @property
    def zone(self) -> ZoneInfo:
        """The readers' own."""
        return ZoneInfo(self.timezone)


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
