"""Which kinds of channel there are. A new kind is one module and one line here."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from monitor.notify.apprise import AppriseNotifier, AppriseOptions
from monitor.notify.base import Surroundings
from monitor.notify.discord import DiscordNotifier, DiscordOptions
from monitor.notify.email import EmailNotifier, EmailOptions
from monitor.notify.ntfy import NtfyNotifier, NtfyOptions
from monitor.notify.slack import SlackNotifier, SlackOptions
from monitor.notify.slack_bot import SlackBotNotifier
from monitor.notify.teams import TeamsNotifier, TeamsOptions
from monitor.notify.telegram import TelegramNotifier, TelegramOptions
from monitor.notify.terminal import TerminalNotifier, TerminalOptions
from monitor.notify.webhook import WebhookNotifier, WebhookOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import BaseModel

    from monitor.notify.base import Notifier


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelType:
    """A kind of channel.

    Attributes:
        name: What `type` says in the configuration.
        options: The table's other keys.
        open: Makes a notifier of an instance of `options`; does no I/O towards the receiver.
        summary: A sentence for the documentation.
        rate: Messages a second that the receiver is known to take; None: no limit is known.
    """

    name: str
    options: type[BaseModel]
    open: Callable[[Any, Surroundings], Notifier]  # Any: each kind takes its own options, and a mapping can't say so
    summary: str
    rate: float | None = None


def _by_name(*types: ChannelType) -> Mapping[str, ChannelType]:
    return MappingProxyType({kind.name: kind for kind in types})


CHANNEL_TYPES: Mapping[str, ChannelType] = _by_name(
    ChannelType(
        name="terminal",
        options=TerminalOptions,
        open=lambda options, _around: TerminalNotifier(options),
        summary="A panel on your terminal, or one line in the journal.",
    ),
    ChannelType(
        name="email",
        options=EmailOptions,
        open=lambda options, _around: EmailNotifier(options),
        summary="A mail, HTML and plain text, through your SMTP server.",
    ),
    ChannelType(
        name="slack",
        options=SlackOptions,
        open=lambda options, around: (SlackBotNotifier if options.token else SlackNotifier)(options, around),
        summary="A message in a Slack channel, through an incoming webhook or as a bot.",
        rate=1.0,  # api.slack.com/apis/rate-limits: one a second and channel, short bursts beyond
    ),
    ChannelType(
        name="discord",
        options=DiscordOptions,
        open=DiscordNotifier,
        summary="A message in a Discord channel, through a webhook.",
        rate=0.5,  # 30 a minute and channel
    ),
    ChannelType(
        name="telegram",
        options=TelegramOptions,
        open=TelegramNotifier,
        summary="A message in a Telegram chat, group or channel, from a bot.",
        rate=0.33,  # core.telegram.org/bots/faq: 20 a minute to a group, one a second to a chat
    ),
    ChannelType(
        name="ntfy",
        options=NtfyOptions,
        open=NtfyNotifier,
        summary="A push message on phones and in browsers, through ntfy.sh or a server of your own.",
        rate=1.0,  # docs.ntfy.sh/publish/#limitations: sixty at once, then one in five seconds
    ),
    ChannelType(
        name="teams",
        options=TeamsOptions,
        open=TeamsNotifier,
        summary="A card in a Microsoft Teams channel or chat, through a workflow.",
        rate=2.0,  # learn.microsoft.com/microsoftteams, "Rate limiting for connectors": throttled from four a second
    ),
    ChannelType(
        name="webhook",
        options=WebhookOptions,
        open=WebhookNotifier,
        summary="A signed JSON document, POSTed to a URL of yours.",
    ),
    ChannelType(
        name="apprise",
        options=AppriseOptions,
        open=lambda options, _around: AppriseNotifier(options),
        summary="Any service that Apprise knows; needs the extra `apprise`.",
    ),
)


def open_channel(options: BaseModel, around: Surroundings | None = None) -> Notifier:
    """A notifier for validated options of one of `CHANNEL_TYPES`."""
    for kind in CHANNEL_TYPES.values():
        if isinstance(options, kind.options):
            return kind.open(options, around or Surroundings())
    raise TypeError(f"{type(options).__name__} are the options of no channel type")
