"""What the operators are told of the service itself, and by which channel."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from monitor.alerts.ops import Ops, about_feed, about_pause
from monitor.model import Alert, ChannelPause, Feed, FeedId, FeedUpdate
from tests.alerts import NOW
from tests.unit.test_plan import feed

HOUR = timedelta(hours=1)
OPS = Ops(channels=("pager", "ops-mail"), others=("desk", "chat"), feed_failures=3)


def update(failures: int, *, error: str = "403 Forbidden") -> FeedUpdate:
    return FeedUpdate(
        feed_id=FeedId(1),
        title="",
        etag=None,
        last_modified=None,
        body_hash=None,
        baseline_at=NOW,
        next_poll_at=NOW,
        polled_at=NOW,
        ok_at=NOW - HOUR,
        failures=failures,
        status=403,
        error=error if failures else "",
    )


def told(before: Feed, after: FeedUpdate) -> str | None:
    alert = about_feed(before, after, OPS)
    return None if alert is None else alert.title.text


def test_a_failing_feed_is_told_once_and_its_recovery_once() -> None:
    """At the third failure in a row, with the reason; then silence until it works again."""
    failing = [replace(feed(), failures=count, ok_at=NOW - HOUR) for count in range(6)]
    said = [told(failing[count], update(count + 1)) for count in range(5)]
    assert said == [None, None, "The feed wire is failing", None, None]
    assert told(failing[5], update(0)) == "The feed wire works again"
    assert told(failing[2], update(0)) is None
    alert = about_feed(failing[2], update(3), OPS)
    assert alert is not None
    assert "403 Forbidden" in alert.excerpts[0].text
    assert alert.kind == "ops"


def test_two_spells_of_trouble_are_two_alerts() -> None:
    """The same spell, told again, is the same alert; one after a recovery is another."""
    first, second = (replace(feed(), failures=2, ok_at=NOW - hours * HOUR) for hours in (1, 2))
    ids = {alert.id for one in (first, first, second) if (alert := about_feed(one, update(3), OPS))}
    assert len(ids) == 2


def pause() -> Alert:
    return about_pause(ChannelPause(channel="pager", since=NOW, reason="410 gone", next_try_at=NOW), now=NOW)


def test_a_broken_channel_is_told_through_the_others() -> None:
    """The one that is broken is left out; where all for operators are, one for the news has to do."""
    assert [each.channel for each in OPS.deliveries(pause(), now=NOW)] == ["pager", "ops-mail"]
    assert [each.channel for each in OPS.deliveries(pause(), now=NOW, without={"pager"})] == ["ops-mail"]
    both = {"pager", "ops-mail", "desk"}
    assert [each.channel for each in OPS.deliveries(pause(), now=NOW, without=both)] == ["chat"]
    assert Ops(others=("desk",)).deliveries(pause(), now=NOW) == ()
