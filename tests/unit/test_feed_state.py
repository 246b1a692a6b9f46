"""What a feed's row is after a poll, and the turns in its life."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from monitor.model import (
    NEVER,
    NO_OPTIONS,
    Feed,
    FeedHints,
    Fetched,
    FetchFailed,
    FetchProblem,
    Habits,
    NotModified,
)
from monitor.service.state import NOTHING, Asked, Learnt, State, after_failure, after_success
from tests.unit.test_schedule_polls import DAY, FEED, HOUR, MINUTE, NOW

KNOWN = replace(
    FEED, etag='"1"', last_modified="Monday", body_hash="a", request_key="k", full_at=NOW - DAY, fresh_for=2 * HOUR
)
SAME = NotModified(etag=None, last_modified=None)
BODY = Fetched(
    url=FEED.url, status=200, body=b"", content_type=None, etag='"2"', last_modified=None, fresh_for=timedelta(0)
)
HABITS = Habits(rhythm=8 * HOUR, longest=DAY, counted=20, size=10, new_at=NOW)


def asked(*, key: str = "k", conditional: bool = True, offline: bool = False) -> Asked:
    return Asked(options=NO_OPTIONS, key=key, conditional=conditional, offline=offline, now=NOW)


def failed(
    feed: Feed,
    status: int | None = 500,
    problem: FetchProblem = FetchProblem.HTTP,
    *,
    conditional: bool = True,
    offline: bool = False,
) -> State:
    failure = FetchFailed(problem=problem, detail=f"told {status}", status=status)
    return after_failure(feed, asked(conditional=conditional, offline=offline), failure)


def turns(state: State) -> list[str]:
    return [event.kind for event in state.events]


def test_a_304_keeps_what_it_does_not_repeat() -> None:
    """RFC 9111 section 4.3.4: the ETag it brings is the newer one; freshness that it does not tell is as before."""
    update = after_success(KNOWN, asked(), SAME).update
    assert (update.etag, update.last_modified, update.fresh_for) == ('"1"', "Monday", 2 * HOUR)
    assert (update.body_hash, update.full_at, update.status) == ("a", NOW - DAY, 304)
    assert update.next_poll_at >= NOW + 2 * HOUR
    newer = after_success(KNOWN, asked(), replace(SAME, etag='W/"9"', fresh_for=timedelta(0))).update
    assert (newer.etag, newer.fresh_for) == ('W/"9"', timedelta(0))


def test_a_body_brings_its_own_validators_or_none() -> None:
    """Those of the last one are not for this one."""
    update = after_success(KNOWN, asked(key="new"), BODY, Learnt(body_hash="b", habits=HABITS)).update
    assert (update.etag, update.last_modified, update.body_hash) == ('"2"', None, "b")
    assert (update.request_key, update.full_at, update.fresh_for) == ("new", NOW, timedelta(0))


def test_a_document_that_was_cut_short_keeps_the_validators_of_the_last_whole_one() -> None:
    """P3: with its own, the server would answer 304 from now on, and the rest would never be seen."""
    update = after_success(KNOWN, asked(), BODY, Learnt(habits=HABITS, cut=True)).update
    assert (update.etag, update.last_modified, update.body_hash) == ('"1"', "Monday", "a")


def test_a_known_body_updates_validators_and_nothing_else() -> None:
    """P2: a server that makes a new ETag for the same bytes is asked with the new one."""
    update = after_success(KNOWN, asked(), BODY, NOTHING).update
    assert (update.etag, update.body_hash, update.habits, update.hints) == ('"2"', "a", None, None)


def test_a_feed_whose_hub_tells_of_news_is_polled_daily() -> None:
    """As long as the hub's lease lasts."""
    pushed = after_success(replace(KNOWN, push_until=NOW + DAY), asked(), SAME).update
    assert pushed.next_poll_at >= NOW + DAY
    assert "WebSub" in pushed.reason
    assert after_success(replace(KNOWN, push_until=NOW), asked(), SAME).update.next_poll_at < NOW + DAY


def test_the_first_document_makes_the_baseline() -> None:
    """And later ones leave its time alone; so does a 304."""
    fresh = replace(FEED, baseline_at=None)
    assert after_success(fresh, asked(), BODY, Learnt(habits=HABITS)).update.baseline_at == NOW
    assert after_success(fresh, asked(), SAME).update.baseline_at is None
    before = replace(FEED, baseline_at=NOW - DAY)
    assert after_success(before, asked(), BODY, Learnt(habits=HABITS)).update.baseline_at == NOW - DAY


def test_what_was_learnt_is_written_only_when_it_is_new() -> None:
    """A poll without news writes no JSON."""
    feed = replace(KNOWN, habits=HABITS, hints=FeedHints(ttl=HOUR))
    update = after_success(feed, asked(), BODY, Learnt(hints=FeedHints(ttl=HOUR), habits=HABITS)).update
    assert (update.hints, update.habits, update.moved_url) == (None, None, None)
    assert after_success(feed, asked(), BODY, Learnt(hints=FeedHints())).update.hints == FeedHints()


def test_a_failure_keeps_what_stands_for_stored_entries() -> None:
    """D1: validators and hash are those of the last good document."""
    update = failed(KNOWN).update
    assert (update.etag, update.last_modified, update.body_hash, update.request_key) == ('"1"', "Monday", "a", "k")
    assert (update.failures, update.ok_at, update.error) == (1, FEED.ok_at, "told 500")


def test_an_unconditional_request_counts_even_when_it_fails() -> None:
    """P4: or a feed in trouble would be asked for everything at every try."""
    assert failed(KNOWN, conditional=False).update.full_at == NOW
    assert failed(KNOWN).update.full_at == NOW - DAY


def test_a_spell_of_trouble_is_told_at_its_turns() -> None:
    """When it begins, when the answer is another one, when it ends; not at each poll."""
    first = failed(FEED)
    assert turns(first) == ["failing"]
    again = replace(FEED, failures=1, status=500, error="told 500")
    assert turns(failed(again)) == []
    assert turns(failed(again, 403)) == ["failing"]
    good = after_success(replace(again, failures=3), asked(), SAME)
    assert [event.detail for event in good.events] == ["works again after 3 failed polls"]
    assert (good.update.failures, good.update.error) == (0, "")


def test_this_machines_own_trouble_counts_against_no_feed() -> None:
    """Nobody reached: no failure more, no turn; an answer is one all the same."""
    away = failed(FEED, None, FetchProblem.DNS, offline=True)
    assert (away.update.failures, turns(away)) == (0, [])
    assert away.update.error == "told None"
    assert failed(FEED, 500, offline=True).update.failures == 1


def test_gone_is_told_once_and_may_come_back() -> None:
    """Never due again; a person may ask all the same, and if it answers it is a feed like any other."""
    gone = failed(FEED, 410)
    assert turns(gone) == ["gone"]
    assert (gone.update.gone_at, gone.update.next_poll_at) == (NOW, NEVER)
    before = replace(FEED, gone_at=NOW - DAY, failures=1, status=410)
    assert failed(before, 410).update.gone_at == NOW - DAY
    assert turns(failed(before, 410)) == []
    back = after_success(before, asked(), SAME)
    assert (turns(back), back.update.gone_at) == (["recovered"], None)


def test_a_move_is_told_and_can_be_taken_back() -> None:
    """To https at once; when the new address fails three times, the old one is tried again."""
    old = replace(FEED, url="http://example.org/feed.xml")
    moved = after_success(old, asked(), replace(SAME, moved_to="https://example.org/feed.xml"))
    assert turns(moved) == ["moved"]
    assert moved.update.moved_url == "https://example.org/feed.xml"
    there = replace(old, moved_url="https://example.org/feed.xml", failures=2, status=500)
    back = failed(there)
    assert (turns(back), back.update.moved_url) == (["moved"], old.url)
    assert failed(replace(there, moved_url=old.url)).update.moved_url is None


@pytest.mark.parametrize(
    ("silent", "stale_at", "expected"),
    [(3 * DAY, None, []), (4 * DAY, None, ["stale"]), (4 * DAY, NOW - HOUR, [])],
)
def test_an_unusual_silence_is_told_once(silent: timedelta, stale_at: datetime | None, expected: list[str]) -> None:
    """ "usually 3 a day, none for 4 days", at a 304 as well as at a document without news."""
    feed = replace(KNOWN, habits=replace(HABITS, new_at=NOW - silent, stale_at=stale_at))
    state = after_success(feed, asked(), SAME)
    assert turns(state) == expected
    if expected:
        assert state.events[0].detail == "is unusually silent: usually 3 a day, none for 4 days"
        assert state.update.habits is not None
        assert state.update.habits.stale_at == NOW


def test_a_feed_that_is_added_long_silent_calls_nobody() -> None:
    """It is listed as silent, but a list of a thousand old feeds is no thousand messages."""
    asleep = replace(HABITS, new_at=NOW - 300 * DAY)
    state = after_success(replace(FEED, baseline_at=None), asked(), BODY, Learnt(habits=asleep))
    assert turns(state) == []
    assert state.update.habits == replace(asleep, stale_at=NOW)
    since = replace(KNOWN, baseline_at=NOW - DAY, habits=replace(asleep, stale_at=NOW - DAY))
    assert turns(after_success(since, asked(), BODY, Learnt(habits=HABITS))) == []


def test_news_end_a_silence_and_missed_entries_are_told() -> None:
    """With how long it was, and what is usual."""
    silent = replace(KNOWN, habits=replace(HABITS, new_at=NOW - 5 * DAY, stale_at=NOW - DAY))
    spoke = after_success(silent, asked(), BODY, Learnt(habits=HABITS))
    assert [event.detail for event in spoke.events] == ["has new entries again, after 5 days"]
    hasty = replace(HABITS, haste=1, gap_at=NOW)
    missed = after_success(KNOWN, asked(), BODY, Learnt(habits=hasty, missed=True))
    assert turns(missed) == ["gap"]
    assert "usually 3 a day, 10 in the document" in missed.events[0].detail
    assert "asked more often" in missed.events[0].detail
    assert missed.update.next_poll_at < NOW + 6 * MINUTE
