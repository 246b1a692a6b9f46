"""The service's own alerts: what its operators have to know, said once. Pure.

Their ids are made from what they are about and since when, so that a spell of trouble is one alert and its end another.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from monitor.alerts.ids import made_id
from monitor.alerts.plan import new_delivery
from monitor.model import Alert, AlertId, Excerpt, Severity

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from monitor.model import ChannelPause, Feed, FeedUpdate, NewDelivery

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


def about_feed(feed: Feed, update: FeedUpdate, ops: Ops) -> Alert | None:
    """That a feed has just failed too often in a row, or works again after that; None: neither.

    Args:
        feed: As it was before the poll.
        update: As it is after it.
    """
    since = feed.ok_at or feed.added_at
    if update.failures == ops.feed_failures:
        return ops_alert(
            "feed-failing",
            feed.name,
            since.isoformat(),
            title=f"The feed {feed.name} is failing",
            text=(update.error, f"It has failed {update.failures} times in a row, {_last(feed)}. {feed.url}"),
            feed=feed.name,
            now=update.polled_at,
        )
    if feed.failures >= ops.feed_failures and update.failures == 0:
        return ops_alert(
            "feed-recovered",
            feed.name,
            since.isoformat(),
            title=f"The feed {feed.name} works again",
            text=(f"It had failed {feed.failures} times in a row, {_last(feed)}.",),
            severity=Severity.NORMAL,
            feed=feed.name,
            now=update.polled_at,
        )
    return None


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
