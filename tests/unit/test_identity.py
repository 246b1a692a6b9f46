"""When two entries are one story."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.model import Entry
from monitor.stories.identity import story_key

ARTICLE = Entry(key="1", guid="g1", link="https://www.example.org/a/", title="Storm hits coast", summary="It rained.")


@pytest.mark.parametrize(
    "other",
    [
        replace(ARTICLE, key="2", guid="g2"),
        replace(ARTICLE, link="http://example.org/a?utm_source=rss&at_medium=x#top"),
        replace(ARTICLE, title="STORM  hits\ncoast"),
    ],
)
def test_same_text_at_the_same_address_is_one_story(other: Entry) -> None:
    """A new guid, tracking parameters, or another feed of the publisher make no new story."""
    assert story_key(other, feed="elsewhere") == story_key(ARTICLE, feed="here")


@pytest.mark.parametrize(
    "other",
    [
        replace(ARTICLE, summary="It rained again."),
        replace(ARTICLE, title="Storm leaves coast"),
        replace(ARTICLE, link="https://example.org/a?id=2"),
    ],
)
def test_anything_less_alike_is_kept_apart(other: Entry) -> None:
    """One link for all of a feed's warnings must not swallow the second warning."""
    assert story_key(other, feed="here") != story_key(ARTICLE, feed="here")


def test_entries_without_a_link_are_never_the_same_in_two_feeds() -> None:
    """Words alone prove too little."""
    bare = replace(ARTICLE, link="")
    assert story_key(bare, feed="a") != story_key(bare, feed="b")
    assert story_key(bare, feed="a") != story_key(replace(bare, key="2"), feed="a")
