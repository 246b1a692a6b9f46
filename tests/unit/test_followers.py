"""Who follows an alert, where its word goes, and when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from monitor.alerts.followers import replies
from monitor.alerts.plan import Horizon, Situation, plan
from monitor.alerts.routing import Route, Routing, place_follower
from monitor.alerts.schedule import parse_digest, parse_quiet
from monitor.model import (
    Alert,
    Entry,
    HoldKind,
    KnownEntry,
    Outlet,
    SaidTo,
    Severity,
    Silence,
    Spoken,
    StoryView,
    Telling,
    Terms,
)
from tests.alerts import make_alert
from tests.unit.test_plan import feed, match

if TYPE_CHECKING:
    from monitor.alerts.plan import Plan
    from monitor.model import Match

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
STORY = "a" * 32
FIRST = make_alert(rule="leaders", story=STORY, severity=Severity.CRITICAL)
REPLY = replace(FIRST, kind="update", also_in="NPR", note="Also in NPR.")
NPR = Outlet(id="npr", name="NPR")
BBC = Outlet(id="bbc", name="BBC")
LATER = Entry(key="later", title="Assad has left", link="https://npr.org/1")
QUARTER = timedelta(minutes=15)


def view(*, told: frozenset[str] = frozenset({"bbc"}), written: bool = True) -> StoryView:
    """A story of which the rule "leaders" has spoken, on the channel desk."""
    spoken = Spoken(alert=FIRST, told=told, to=(SaidTo(channel="desk", route=""),), written=written)
    return StoryView(id=STORY, outlets={"bbc": "BBC", "cnn": "CNN"}, spoken={"leaders": spoken})


def planned(
    *entries: tuple[Entry, Outlet],
    matches: tuple[Match, ...] = (),
    views: StoryView | None = None,
    known: dict[str, KnownEntry] | None = None,
    baseline: bool = False,
    rules: frozenset[str] = frozenset({"leaders"}),
) -> Plan:
    """Entries that all tell the story."""
    tellings = {
        entry.key: Telling(story=STORY, outlet=outlet, at=NOW, is_new=entry.key not in (known or {}))
        for entry, outlet in entries
    }
    return plan(
        [entry for entry, _ in entries],
        matches,
        Situation(
            feed=feed(),
            known=known or {},
            tellings=tellings,
            views={STORY: views if views is not None else view()},
            rules=dict.fromkeys(rules, Terms()),
            routing=Routing(everyone=("desk", "mail")),
            silences=(),
            horizon=Horizon(baseline=baseline),
            now=NOW,
        ),
    )


def notes(made: Plan) -> list[str]:
    return [alert.note for alert in made.alerts]


@pytest.mark.parametrize("matches", [(), (match(entry=LATER),)], ids=["no match", "a match"])
def test_another_outlet_is_named_whether_the_rule_matches_it_or_not(matches: tuple[Match, ...]) -> None:
    """On the alert's channels alone, with what it has in common with the alert, and how many tell it by now."""
    made = planned((LATER, NPR), matches=matches)
    (also,) = made.alerts
    assert (also.kind, also.note, also.also_in, also.outlets) == ("update", "Also in NPR.", "NPR", 3)
    assert (also.rule, also.severity, also.story, also.link) == ("leaders", Severity.CRITICAL, STORY, LATER.link)
    assert [each.channel for each in made.deliveries] == ["desk"]
    assert [each.alert_id for each in made.matches] == [FIRST.id for _ in matches]
    assert made.origins == {also.id: "later"}


def test_an_outlet_is_named_once() -> None:
    """Not the alert's own, not one that was named, and of two reports in one poll the first."""
    assert notes(planned((LATER, BBC))) == []
    assert notes(planned((LATER, NPR), views=view(told=frozenset({"bbc", "npr"})))) == []
    second = replace(LATER, key="second")
    assert notes(planned((LATER, NPR), (second, NPR))) == ["Also in NPR."]


def test_what_was_there_before_follows_nothing() -> None:
    """Neither a baseline, nor an entry that was edited."""
    assert notes(planned((LATER, NPR), baseline=True)) == []
    known = {"later": KnownEntry(content_hash="old", alerted=frozenset(), matched=frozenset(), story=STORY)}
    assert notes(planned((LATER, NPR), known=known)) == []


def test_nothing_follows_the_word_of_a_rule_that_is_no_more() -> None:
    """Who has taken a rule away wants to hear no more of it."""
    assert notes(planned((LATER, NPR), rules=frozenset({"other"}))) == []


def test_the_first_match_of_a_story_that_others_told_alerts() -> None:
    """A rule that has not spoken of it does, and those that come after follow it."""
    quiet = replace(view(), spoken={})
    after = replace(LATER, key="after")
    made = planned((LATER, NPR), (after, Outlet(id="itv", name="ITV")), matches=(match(entry=LATER),), views=quiet)
    assert [(alert.kind, alert.note, alert.outlets) for alert in made.alerts] == [
        ("news", "", 3),
        ("update", "Also in ITV.", 4),
    ]
    assert {each.channel for each in made.deliveries} == {"desk", "mail"}


def test_an_alert_that_is_not_written_yet_is_planned_once_more() -> None:
    """Under the same id, in case the other poll comes to nothing."""
    made = planned((LATER, NPR), matches=(match(entry=LATER),), views=view(written=False))
    assert (made.alerts[0].id, made.alerts[0].kind) == (FIRST.id, "news")
    assert made.matches[0].alert_id == FIRST.id


# ----------------------------------------------------------------------------------------------------- where and when


def placed(
    route: Route, silence: Silence | None = None, alert: Alert = REPLY
) -> tuple[HoldKind | None, str, datetime] | None:
    found = place_follower(alert, route, silence, now=NOW)
    return None if found is None else (found[0].hold, found[0].group, found[1])


def test_a_reply_waits_for_others_of_its_story() -> None:
    """As long as the route says, in a group of the story's own; with no wait it goes at once."""
    assert placed(Route(name="r")) == (HoldKind.GROUP, f"also {STORY}", NOW + QUARTER)
    hour = timedelta(hours=1)
    assert placed(Route(name="r", followers_wait=hour)) == (HoldKind.GROUP, f"also {STORY}", NOW + hour)
    assert placed(Route(name="r", followers_wait=timedelta(0))) == (HoldKind.GROUP, f"also {STORY}", NOW)


def test_a_reply_is_never_so_urgent() -> None:
    """Digest and quiet hours hold for it, however severe the alert was that broke through them."""
    digest = Route(name="r", digest=parse_digest("daily 18:00"))
    six = NOW.replace(hour=18)
    assert placed(digest) == (HoldKind.DIGEST, f"digest {six.isoformat()}", six)
    quiet = Route(name="r", quiet=(parse_quiet("11:00-13:00"),))
    one = NOW.replace(hour=13)
    assert placed(quiet) == (HoldKind.QUIET, f"quiet {one.isoformat()}", one)


def test_a_route_may_leave_replies_to_the_digest_or_out() -> None:
    """To its own digest, or to one in the morning where it has none."""
    assert placed(Route(name="r", followers="none")) is None
    eight = (NOW + timedelta(days=1)).replace(hour=8)
    assert placed(Route(name="r", followers="digest")) == (HoldKind.DIGEST, f"digest {eight.isoformat()}", eight)
    own = Route(name="r", followers="digest", digest=parse_digest("daily 18:00"))
    assert placed(own) == (HoldKind.DIGEST, f"digest {NOW.replace(hour=18).isoformat()}", NOW.replace(hour=18))


def test_a_silence_holds_replies() -> None:
    """Until its end, like alerts."""
    end = NOW + timedelta(hours=2)
    silence = Silence(id=3, rule="leaders", starts_at=NOW, ends_at=end, author="ann", created_at=NOW)
    assert placed(Route(name="r"), silence) == (HoldKind.SILENCE, "silence 3", end)


def test_a_reply_is_never_before_its_alert_and_goes_only_where_there_is_a_channel() -> None:
    """While the alert waits for its channel or a digest, so does what follows it."""
    later = NOW + timedelta(hours=5)
    to = (
        SaidTo(channel="desk", route="", due_at=later),
        SaidTo(channel="mail", route=""),
        SaidTo(channel="old", route=""),
    )
    routing = Routing(everyone=("desk", "mail"), channels=frozenset({"desk", "mail"}))
    found = replies(REPLY, to, routing=routing, silence=None, now=NOW)
    assert [(each.channel, each.due_at) for each in found] == [("desk", later), ("mail", NOW + QUARTER)]
