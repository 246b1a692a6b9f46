"""URLs that lead to one page are one address, and those that do not stay apart."""

from __future__ import annotations

import pytest

from monitor.urls import canonical_link

ARTICLE = "https://example.org/news/storm"


@pytest.mark.parametrize(
    "other",
    [
        "http://www.example.org/news/storm/",
        "HTTPS://Example.ORG:443/news/./storm#comments",
        "https://example.org/news/storm?utm_source=rss&utm_medium=feed",
        "https://example.org/news/storm?at_medium=RSS&at_campaign=KARANGA&ns_mchannel=rss",
        "https://example.org/news/storm?fbclid=a&gclid=b&msclkid=c&CMP=d&xtor=RSS-1&ocid=e",
        "https://example.org/news/storm?source=rss&partner=feedburner&rss=1&track=rss",
        "https://example.org/news/storm;jsessionid=4F2?PHPSESSID=9",
        "https://m.example.org/news/storm",
        "https://mobile.example.org/news/storm",
        "https://amp.example.org/news/storm",
        "https://www.example.org/amp/news/storm",
        "https://www.example.org/news/storm/amp/",
        "https://www.example.org/news/storm?amp=1",
        "https://www.example.org/news/storm.amp",
        "https://www.google.com/amp/s/www.example.org/news/storm",
        "https://www-example-org.cdn.ampproject.org/c/s/www.example.org/news/storm",
    ],
)
def test_every_way_to_link_to_a_page_is_one_address(other: str) -> None:
    """Trackers, schemes, mirrors for phones: the reader sees the same article."""
    assert canonical_link(other) == canonical_link(ARTICLE) == "//example.org/news/storm"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.org/?p=1", "https://example.org/?p=2"),
        ("https://example.org/a", "https://example.org/a/b"),
        ("https://example.org/view?cid=1", "https://example.org/view?cid=2"),
        ("https://example.org/a?source=home", "https://example.org/a?source=work"),
        ("https://news.example.org/a", "https://example.org/a"),
        ("https://example.org:8080/a", "https://example.org/a"),
        ("https://example.org/Story", "https://example.org/story"),
        ("https://m.org/a", "https://org/a"),
        ("https://example.org/amp", "https://example.org/"),
    ],
)
def test_other_pages_are_other_addresses(one: str, other: str) -> None:
    """What looks like a tracker and is an article's number must not join two articles."""
    assert canonical_link(one) != canonical_link(other)


def test_spellings_of_one_url_are_one() -> None:
    """Escapes, IDNA and the order of parameters."""
    assert canonical_link("https://bücher.example/ü?b=2&a=1") == canonical_link(
        "http://xn--bcher-kva.example/%c3%bc?a=1&b=2"
    )
    assert canonical_link("https://en.m.wikipedia.org/wiki/X") == canonical_link("https://en.wikipedia.org/wiki/X")


@pytest.mark.parametrize("text", ["http://[::1/x", "http://example.org:port/", "no url", ""])
def test_what_is_no_url_comes_back(text: str) -> None:
    """A feed may put anything there."""
    assert canonical_link(text) == text
