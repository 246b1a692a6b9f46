"""The service's own alerts: what its operators have to know, said once. Pure.

Their ids are made from what they are about and since when, so that a spell of trouble is one alert and its end another.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from monitor.alerts.ids import made_id, new_delivery
from monitor.model import Alert, AlertId, Excerpt, Severity
from monitor.urls import without_login

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from monitor.model import ChannelPause, Feed, FeedEvent, FeedEventKind, FeedUpdate, NewDelivery

RULE = "news-monitor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ops:
    """Whom to tell, and when a feed is worth it.

    Attributes:
        channels: Empty: nobody.
        others: Channels for the news, one of which is used where all of `channels` are out of order.
        feed_failures: In a row, ≥ 1.
    """

    channels: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    feed_failures: int = 5

    def deliveries(self, alert: Alert, *, now: datetime, without: Collection[str] = ()) -> tuple[NewDelivery, ...]:
        """To every channel that works."""
        names = [name for name in self.channels if name not in without]
        if self.channels and not names:
            names = [name for name in self.others if name not in without][:1]
        return tuple(new_delivery(alert, name, due_at=now) for name in names)


def ops_alert(
    *about: str, title: str, text: Sequence[str] = (), severity: Severity = Severity.HIGH, feed: str = "", now: datetime
) -> Alert:
    """An alert about the service itself; `about` makes its id."""
    return Alert(
        id=AlertId(made_id("ops", *about)),
        rule=RULE,
        rule_title="news-monitor",
        severity=severity,
        feed=feed,
        feed_title=feed or "news-monitor",
        title=Excerpt(text=title),
        excerpts=tuple(Excerpt(text=line) for line in text if line),
        link="",
        author="",
        published_at=None,
        seen_at=now,
        kind="ops",
    )


def about_feed(feed: Feed, update: FeedUpdate, events: Sequence[FeedEvent], ops: Ops) -> tuple[Alert, ...]:
    """What is to be told after a poll: that the feed has failed too often in a row, or works again after that; that it
    is gone or has moved, is unusually silent or speaks again, or that entries may have been missed.

    Args:
        feed: As it was before the poll.
        update: As it is after it.
        events: The turns that the poll brought.
    """
    alerts = [_about_turn(feed, event) for event in events if event.kind in _TOLD]
    if update.failures == ops.feed_failures and feed.failures < update.failures and update.gone_at is None:
        alerts.append(_about_failing(feed, update))
    if update.failures == 0 and (feed.failures >= ops.feed_failures or feed.gone_at is not None):
        alerts.append(_about_recovery(feed, update))
    return tuple(alerts)


_TOLD: Final[Mapping[FeedEventKind, tuple[str, Severity]]] = {
    "gone": ("The feed {} is gone", Severity.HIGH),
    "moved": ("The feed {} has moved", Severity.NORMAL),
    "gap": ("Entries of the feed {} may have been missed", Severity.NORMAL),
    "stale": ("The feed {} is unusually silent", Severity.NORMAL),
    "speaks": ("The feed {} has news again", Severity.NORMAL),
    "reissued": ("The feed {} has new ids for its old entries", Severity.NORMAL),
}


def _about_turn(feed: Feed, event: FeedEvent) -> Alert:
    title, severity = _TOLD[event.kind]
    # Of entries that are missed again and again it is enough to hear once a day.
    when = event.at.date() if event.kind == "gap" else event.at
    return ops_alert(
        f"feed-{event.kind}",
        feed.name,
        when.isoformat(),
        title=title.format(feed.name),
        text=(f"It {event.detail}." if event.kind != "gone" else f"{event.detail}.", _way_out(feed, event.kind)),
        severity=severity,
        feed=feed.name,
        now=event.at,
    )


def _way_out(feed: Feed, kind: FeedEventKind) -> str:
    shown = without_login(feed.url)
    named = f"its url in config.toml ({shown})" if feed.origin == "config" else f"its url ({shown})"
    match kind:
        case "gone":
            where = (
                "take it out of config.toml" if feed.origin == "config" else f"news-monitor feeds remove {feed.name}"
            )
            return f"If that is so: {where}. {shown}"
        case "moved":
            return f"Nothing is lost; change {named} when there is time."
        case "gap":
            return "A shorter interval for this feed helps, if it happens again."
        case "stale":
            return f"It answers as it should, but without anything new: has the publisher put up another feed? {shown}"
        case "reissued":
            return "Nothing is said again; what is new among them is alerted as ever."
        case _:
            return ""


def _about_failing(feed: Feed, update: FeedUpdate) -> Alert:
    return ops_alert(
        "feed-failing",
        feed.name,
        _since(feed),
        title=f"The feed {feed.name} is failing",
        text=(
            update.error,
            f"It has failed {update.failures} times in a row, {_last(feed)}. {without_login(feed.url)}",
        ),
        feed=feed.name,
        now=update.polled_at,
    )


def _about_recovery(feed: Feed, update: FeedUpdate) -> Alert:
    return ops_alert(
        "feed-recovered",
        feed.name,
        _since(feed),
        title=f"The feed {feed.name} works again",
        text=(f"It had failed {feed.failures} times in a row, {_last(feed)}.",),
        severity=Severity.NORMAL,
        feed=feed.name,
        now=update.polled_at,
    )


def _since(feed: Feed) -> str:
    return (feed.ok_at or feed.added_at).isoformat()


def _last(feed: Feed) -> str:
    return f"and worked last at {feed.ok_at:%d %b %H:%M} UTC" if feed.ok_at else "and never worked"


def about_pause(pause: ChannelPause, *, now: datetime) -> Alert:
    """That a channel is broken."""
    return ops_alert(
        "channel-broken",
        pause.channel,
        pause.since.isoformat(),
        title=f"The channel {pause.channel} is broken",
        text=(
            pause.reason,
            "Its messages are kept, and go out when it works again.",
            f"Mend its settings and reload, or run: news-monitor channels resume {pause.channel}",
        ),
        now=now,
    )
