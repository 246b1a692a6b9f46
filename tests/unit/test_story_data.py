"""Stories in real headlines and real feeds. Skipped where the data is not there."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitor.stories.clues import Clues, clues_of
from monitor.stories.index import StoryIndex
from tests.copies import (
    HEADLINES,
    WINDOW,
    b_cubed,
    clustered,
    headlines,
    joined_copies,
    joins_across_feeds,
    real_entries,
)

needs_headlines = pytest.mark.skipif(
    not HEADLINES.is_file(), reason="the headlines are not on this machine (NEWS_MONITOR_TEST_DATA)"
)
needs_feeds = pytest.mark.skipif(
    not real_entries(), reason="the feed data is not on this machine (NEWS_MONITOR_TEST_DATA)"
)


@needs_headlines
def test_headlines_of_one_event_come_together_and_hardly_any_others() -> None:
    """From the words of the title alone."""
    lines = headlines()
    precision, recall = b_cubed(clustered(lines), [line.story for line in lines])
    assert precision >= 0.95
    assert recall >= 0.55


@needs_headlines
def test_a_restart_in_the_middle_changes_no_story() -> None:
    """An index that is filled from what was stored goes on as the old one does, forgetting on the way."""
    lines = headlines()
    old, new = StoryIndex(WINDOW), StoryIndex(WINDOW)
    for number, line in enumerate(lines):
        clues = clues_of(line.entry)
        old.forget(line.at - timedelta(hours=9))
        found = old.place(number, clues, at=line.at, begin=f"story {number}")
        if number < 2_000:
            new.add(number, Clues.unpack(clues.pack()), at=line.at, story=found.story)
        else:
            new.forget(line.at - timedelta(hours=9))
            assert new.place(number, clues, at=line.at, begin=f"story {number}") == found
    assert len(old) == len(new) < 2_000


@needs_feeds
def test_copies_join_what_they_were_copied_from() -> None:
    """However they were cut, titled, wrapped and signed."""
    for kind, share in joined_copies(every=4).items():
        assert share >= 0.99, kind


@needs_feeds
def test_unrelated_entries_stay_apart() -> None:
    """Of a hundred feeds on all kinds of things, one entry in a thousand may be wrong; the same events are found."""
    joins = joins_across_feeds()
    assert len(joins.wrong) <= joins.entries / 1_000, joins.wrong
    assert len(joins.right) >= 20
