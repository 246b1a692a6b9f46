"""What the operators are told of the service itself, and by which channel."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.alerts.ops import Ops, about_feed, about_pause
from monitor.model import Alert, ChannelPause, Feed, FeedEvent, FeedEventKind, FeedId, FeedUpdate
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


def told(before: Feed, after: FeedUpdate, *events: FeedEvent) -> str | None:
    alerts = about_feed(before, after, events, OPS)
    assert len(alerts) < 2
    return alerts[0].title.text if alerts else None


def test_a_failing_feed_is_told_once_and_its_recovery_once() -> None:
    """At the third failure in a row, with the reason; then silence until it works again."""
    failing = [replace(feed(), failures=count, ok_at=NOW - HOUR) for count in range(6)]
    said = [told(failing[count], update(count + 1)) for count in range(5)]
    assert said == [None, None, "The feed wire is failing", None, None]
    assert told(failing[5], update(0)) == "The feed wire works again"
    assert told(failing[2], update(0)) is None
    (alert,) = about_feed(failing[2], update(3), (), OPS)
    assert "403 Forbidden" in alert.excerpts[0].text
    assert alert.kind == "ops"


def test_two_spells_of_trouble_are_two_alerts() -> None:
    """The same spell, told again, is the same alert; one after a recovery is another."""
    first, second = (replace(feed(), failures=2, ok_at=NOW - hours * HOUR) for hours in (1, 2))
    ids = {alert.id for one in (first, first, second) for alert in about_feed(one, update(3), (), OPS)}
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("kind", "detail", "title", "way_out"),
    [
        ("gone", "gone for good (410 Gone)", "The feed wire is gone", "take it out of config.toml"),
        ("moved", "has moved for good", "The feed wire has moved", "change its url in config.toml"),
        ("gap", "no entry was known", "Entries of the feed wire may have been missed", "shorter interval"),
        ("stale", "is unusually silent", "The feed wire is unusually silent", "another feed?"),
        ("speaks", "has new entries again", "The feed wire has news again", ""),
    ],
)
def test_a_turn_in_a_feeds_life_is_told_with_the_way_out(
    kind: FeedEventKind, detail: str, title: str, way_out: str
) -> None:
    """Gone, moved, entries missed, silent, speaking again: each in words that a person can act on."""
    event = FeedEvent(at=NOW, kind=kind, detail=detail)
    (alert,) = about_feed(feed(), update(0), (event,), OPS)
    text = " ".join(excerpt.text for excerpt in alert.excerpts)
    assert alert.title.text == title
    assert detail in text
    assert way_out in text


def test_a_login_in_a_feeds_url_is_told_to_nobody() -> None:
    """What goes to channels leaves it out."""
    secret = replace(feed(), failures=2, url="https://me:secret@example.org/feed")
    kinds: tuple[FeedEventKind, ...] = ("gone", "moved", "stale")
    turns = [FeedEvent(at=NOW, kind=kind, detail="x") for kind in kinds]
    alerts = about_feed(secret, update(3), turns, OPS)
    assert len(alerts) == 4
    assert "secret" not in str(alerts)


def test_missed_entries_are_told_once_a_day() -> None:
    """A feed that is too fast for its interval makes one alert a day, not one at each poll."""
    turns = [FeedEvent(at=NOW + hours * HOUR, kind="gap", detail="x") for hours in (0, 1, 24)]
    ids = {alert.id for turn in turns for alert in about_feed(feed(), update(0), (turn,), OPS)}
    assert len(ids) == 2


def test_a_feed_that_is_gone_is_not_told_as_failing_too() -> None:
    """One word is enough; and when it is there again, that is told even after a single failure."""
    gone = FeedEvent(at=NOW, kind="gone", detail="gone for good")
    after = replace(update(3), gone_at=NOW)
    assert told(replace(feed(), failures=2), after, gone) == "The feed wire is gone"
    assert told(replace(feed(), failures=1, gone_at=NOW), update(0)) == "The feed wire works again"


def pause() -> Alert:
    return about_pause(ChannelPause(channel="pager", since=NOW, reason="410 gone", next_try_at=NOW), now=NOW)


def test_a_broken_channel_is_told_through_the_others() -> None:
    """The one that is broken is left out; where all for operators are, one for the news has to do."""
    assert [each.channel for each in OPS.deliveries(pause(), now=NOW)] == ["pager", "ops-mail"]
    assert [each.channel for each in OPS.deliveries(pause(), now=NOW, without={"pager"})] == ["ops-mail"]
    both = {"pager", "ops-mail", "desk"}
    assert [each.channel for each in OPS.deliveries(pause(), now=NOW, without=both)] == ["chat"]
    assert Ops(others=("desk",)).deliveries(pause(), now=NOW) == ()
