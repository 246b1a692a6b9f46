"""What a channel must do. `tests/contract/test_notifiers.py` holds each of them to it against a real local server."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Annotated, Protocol
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from monitor.alerts.facts import facts, template
from monitor.alerts.schedule import parse_zone
from monitor.alerts.template import TemplateError
from monitor.clock import Clock, SystemClock
from monitor.model import Sent
from monitor.netguard import Guard

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.config import JsonDict

    from monitor.alerts.template import Kind, Template
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


def _is_zone(name: str) -> str:
    parse_zone(name)
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


# ----------------------------------------------------------------------------------------------------------- templates

FROM_FILE: JsonDict = {"from_file": True}
"""In an option's `json_schema_extra`: its text may also come from a file, named by the key with `_file` behind it."""


def _tried(kind: Kind) -> AfterValidator:
    def tried(source: str) -> str:
        template(source, kind)
        return source

    return AfterValidator(tried)


TextTemplate = Annotated[str, _tried("text")]
HtmlTemplate = Annotated[str, _tried("html")]
JsonTemplate = Annotated[str, _tried("json")]
"""Options with a template of the user's own, compiled and tried on made-up messages when they are read."""


class Wording:
    """The templates of a channel, by the name of the option; a channel without any says everything its own way."""

    def __init__(self, zone: tzinfo = UTC, **sources: tuple[Kind, str | None]) -> None:
        self._zone = zone
        self._templates = {key: template(text, kind) for key, (kind, text) in sources.items() if text is not None}

    def words(self, message: Message) -> Words:
        """What they make of a message."""
        return Words(message, self._zone, self._templates)


class Words:
    """What the templates of a channel make of one message, and what went wrong with them."""

    def __init__(self, message: Message, zone: tzinfo, templates: Mapping[str, Template]) -> None:
        self._message = message
        self._zone = zone
        self._templates = templates
        self._faults: list[str] = []

    def say(self, key: str) -> str | None:
        """What the template comes to; None: there is none, or it failed, and the channel's own form is to be used."""
        own = self._templates.get(key)
        if own is None:
            return None
        try:
            return own.render(facts(self._message, self._zone, kind=own.kind))
        except TemplateError as error:
            self._faults.append(f"the template {key} failed, so the usual form was sent: {error}")
            return None

    def warned(self, result: SendResult) -> SendResult:
        """`result` with a warning for each template that failed."""
        if not isinstance(result, Sent) or not self._faults:
            return result
        return replace(result, warning="; ".join(filter(None, [result.warning, *self._faults])))


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
