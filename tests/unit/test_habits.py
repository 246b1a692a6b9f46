"""What polls teach of a feed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.fetch.habits import Sight, after_document, after_redirects, is_stale, silence, turnover, usual
from monitor.model import NO_HABITS, Habits
from tests.unit.test_schedule_polls import DAY, FEED, HOUR, MINUTE, NOW, SECOND

KNOWN = Habits(rhythm=8 * HOUR, longest=DAY, counted=20, size=10, new_at=NOW)


def learn(habits: Habits, *news: tuple[timedelta, int], size: int = 10) -> Habits:
    """What is known after documents, each some time after the first moment and with so many new entries."""
    for after, new in news:
        habits, _missed = after_document(habits, Sight(size=size, new=new), now=NOW + after)
    return habits


def test_the_first_document_tells_the_rhythm_by_its_dates() -> None:
    """Ten entries, one every three hours, the last of them yesterday."""
    dates = [NOW - DAY - number * 3 * HOUR for number in range(10)]
    sight = Sight(size=10, new=10, dates=dates, first=True)
    habits, missed = after_document(NO_HABITS, sight, now=NOW)
    assert not missed
    assert (habits.rhythm, habits.longest, habits.new_at) == (3 * HOUR, 3 * HOUR, NOW - DAY)


def test_few_dates_or_none_tell_no_rhythm() -> None:
    """Three dates are no habit; dates to come do not count at all."""
    dates = [NOW + DAY, NOW - HOUR, NOW - 2 * HOUR, NOW - 3 * HOUR]
    for given_dates, new_at in ((dates, NOW - HOUR), ([], NOW)):
        habits, _missed = after_document(NO_HABITS, Sight(size=4, new=4, dates=given_dates, first=True), now=NOW)
        assert (habits.rhythm, habits.new_at) == (None, new_at)


def test_the_rhythm_follows_what_comes() -> None:
    """A feed of three a day that begins to say something every hour is known as hourly after a day or two."""
    habits = learn(KNOWN, *((hour * HOUR, 1) for hour in range(1, 49)))
    assert habits.rhythm is not None
    assert HOUR <= habits.rhythm < 1.1 * HOUR
    assert habits.new_at == NOW + 48 * HOUR


def test_several_at_once_are_several() -> None:
    """Six new ones after six hours are one an hour, not one in six."""
    habits = learn(replace(KNOWN, rhythm=None), (6 * HOUR, 6))
    assert habits.rhythm == HOUR


def test_a_busy_feed_whose_entries_are_all_new_may_have_lost_some() -> None:
    """No entry known of a feed with several a day; more haste after a second time, less after a week."""
    habits, missed = after_document(KNOWN, Sight(size=10, new=10), now=NOW + HOUR)
    assert missed
    assert (habits.haste, habits.gap_at) == (1, NOW + HOUR)
    assert learn(habits, (2 * HOUR, 10)).haste == 2
    later = learn(habits, (6 * DAY, 1))
    assert later.haste == 1
    calm = learn(habits, (9 * DAY, 1))
    assert (calm.haste, calm.gap_at) == (0, None)


def test_what_was_missed_while_the_service_was_stopped_is_no_reason_for_haste() -> None:
    """It is known that something may be missing; the interval was not to blame."""
    habits, missed = after_document(KNOWN, Sight(size=10, new=10, late=True), now=NOW + 3 * DAY)
    assert missed
    assert (habits.gap_at, habits.haste) == (NOW + 3 * DAY, 0)


def test_a_feed_that_changes_its_ids_has_lost_nothing() -> None:
    """Entries of before the last poll were in it then; if all are later, some may have come and gone."""
    later, earlier = NOW - 10 * MINUTE, NOW - 2 * HOUR
    for dates, missed in (([later, later], True), ([later, earlier], False), ([], True)):
        sight = Sight(size=10, new=10, dates=dates, since=NOW - HOUR)
        assert after_document(KNOWN, sight, now=NOW)[1] is missed


@pytest.mark.parametrize(
    ("habits", "sight"),
    [
        (KNOWN, Sight(size=10, new=9)),
        (replace(KNOWN, rhythm=2 * DAY), Sight(size=10, new=10)),
        (replace(KNOWN, rhythm=None), Sight(size=10, new=10)),
        (KNOWN, Sight(size=2, new=2)),
        (replace(KNOWN, size=1), Sight(size=10, new=10)),
        (KNOWN, Sight(size=10, new=10, partial=True)),
        (KNOWN, Sight(size=10, new=10, first=True)),
        (KNOWN, Sight(size=0, new=0)),
    ],
)
def test_what_is_no_gap(habits: Habits, sight: Sight) -> None:
    """One shared entry, a slow feed, an unknown one, a short document, a delta, a first reading, an empty one."""
    assert not after_document(habits, sight, now=NOW + HOUR)[1]


def test_a_part_of_a_document_does_not_make_it_smaller() -> None:
    """RFC 3229: 226 brings the new entries alone."""
    assert after_document(KNOWN, Sight(size=1, new=1, partial=True), now=NOW + HOUR)[0].size == KNOWN.size


@pytest.mark.parametrize(
    ("habits", "silent", "stale"),
    [
        (KNOWN, 79 * HOUR, False),
        (KNOWN, 81 * HOUR, True),
        (replace(KNOWN, longest=3 * DAY), 5 * DAY, False),
        (replace(KNOWN, longest=3 * DAY), 6 * DAY + SECOND, True),
        (replace(KNOWN, rhythm=MINUTE, longest=HOUR), 23 * HOUR, False),
        (replace(KNOWN, rhythm=MINUTE, longest=HOUR), 25 * HOUR, True),
        (replace(KNOWN, counted=4), 99 * DAY, False),
        (NO_HABITS, 99 * DAY, False),
    ],
)
def test_a_silence_is_unusual_when_it_is_far_longer_than_any_before(
    habits: Habits, silent: timedelta, stale: bool
) -> None:
    """Ten times the rhythm and twice the longest silence of late, which spares a weekend; a day at least."""
    assert is_stale(habits, now=NOW + silent) is stale


def test_a_silence_is_told_as_people_tell_it() -> None:
    """What is usual, and how long there was none."""
    assert silence(KNOWN, now=NOW + 4 * DAY) == "usually 3 a day, none for 4 days"


@pytest.mark.parametrize(
    ("rhythm", "words"),
    [
        (SECOND, "999 an hour"),
        (4 * MINUTE, "15 an hour"),
        (HOUR, "1 an hour"),
        (5 * HOUR, "5 a day"),
        (2 * DAY, "4 a week"),
        (20 * DAY, "2 a month"),
        (60 * DAY, "less than one a month"),
    ],
)
def test_rhythms_in_words(rhythm: timedelta, words: str) -> None:
    """By the shortest time that holds at least one."""
    assert usual(rhythm) == words


def test_turnover_needs_a_rhythm_that_can_be_trusted() -> None:
    """Size times rhythm, from five entries on."""
    assert turnover(KNOWN) == 80 * HOUR
    assert turnover(replace(KNOWN, counted=4)) is None
    assert turnover(NO_HABITS) is None


NEW = "https://new.example/feed.xml"


def follow(*polls: tuple[timedelta, str], address: str = FEED.url) -> tuple[Habits, list[str]]:
    """What is known after answers that were led somewhere, and where the feed is taken to have moved."""
    habits, moves = NO_HABITS, list[str]()
    for after, target in polls:
        habits, moved = after_redirects(replace(FEED, url=address), habits, target, now=NOW + after)
        moves += [moved] if moved else []
    return habits, moves


@pytest.mark.parametrize(
    ("polls", "moves"),
    [
        ([(timedelta(0), NEW), (HOUR, NEW), (DAY, NEW)], [NEW]),
        ([(timedelta(0), NEW), (HOUR, NEW), (2 * HOUR, NEW)], []),
        ([(timedelta(0), NEW), (3 * DAY, NEW)], []),
        ([(timedelta(0), NEW), (DAY, ""), (2 * DAY, NEW), (2 * DAY + HOUR, NEW)], []),
        ([(timedelta(0), NEW), (DAY, "https://else.example/"), (2 * DAY, NEW)], []),
        ([(timedelta(0), "")], []),
    ],
)
def test_a_move_is_believed_after_three_polls_over_a_day(polls: list[tuple[timedelta, str]], moves: list[str]) -> None:
    """P9: always to the same place; one answer without a redirect begins it anew."""
    assert follow(*polls)[1] == moves


def test_a_move_to_https_on_the_same_host_is_believed_at_once() -> None:
    """P9: an upgrade cannot be a captive portal or a mistake of an hour."""
    old = "http://example.org/feed.xml"
    assert follow((timedelta(0), "https://example.org/feed.xml"), address=old)[1] == ["https://example.org/feed.xml"]
    assert follow((timedelta(0), "https://www.example.org/feed.xml"), address=old)[1] == []


def test_a_feed_that_has_moved_may_move_on() -> None:
    """What counts is where it is polled now."""
    moved = replace(FEED, moved_url=NEW)
    assert after_redirects(moved, NO_HABITS, NEW, now=NOW) == (NO_HABITS, None)
    habits, target = after_redirects(moved, NO_HABITS, "https://third.example/", now=NOW)
    assert (habits.moving_to, target) == ("https://third.example/", None)


@given(
    st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 2000), st.integers(0, 2000), st.booleans()), max_size=30)
)
def test_no_history_makes_nonsense(polls: list[tuple[int, int, int, bool]]) -> None:
    """Rhythm and silence stay spans of time, haste stays small, whatever comes in whatever order."""
    habits, now = NO_HABITS, NOW
    for seconds, size, new, partial in polls:
        now += timedelta(seconds=seconds)
        habits, _missed = after_document(habits, Sight(size=size, new=min(new, size), partial=partial), now=now)
        assert habits.rhythm is None or habits.rhythm >= timedelta(0)
        assert 0 <= habits.haste <= 5
        assert habits.counted <= 100
        assert habits.new_at is None or habits.new_at <= now
        assert isinstance(silence(habits, now=now), str)
        assert isinstance(is_stale(habits, now=datetime.max.replace(tzinfo=now.tzinfo)), bool)
