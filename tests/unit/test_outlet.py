"""Who tells a story: one outlet an owner, by a name that people know."""

from __future__ import annotations

import pytest

from monitor.model import Entry
from monitor.stories.outlet import outlet_of


def told(
    link: str,
    *,
    source: str = "",
    source_url: str = "",
    feed: str = "https://news.example.com/rss",
    title: str = "",
) -> tuple[str, str]:
    entry = Entry(key="k", link=link, source=source, source_url=source_url)
    outlet = outlet_of(entry, feed_url=feed, feed_title=title)
    return outlet.id, outlet.name


@pytest.mark.parametrize(
    ("link", "feed", "title", "outlet"),
    [
        ("www.bbc.co.uk/news/1", "feeds.bbci.co.uk/news", "BBC News - World", ("bbc", "BBC News")),
        ("bbc.com/news/1", "bbc.com/rss", "World | BBC News", ("bbc", "BBC News")),
        ("www.theguardian.com/x", "www.theguardian.com/rss", "World | The Guardian", ("guardian", "The Guardian")),
        ("www.npr.org/x", "feeds.npr.org/1/rss.xml", "NPR Topics: News", ("npr", "NPR Topics")),
        ("techcrunch.com/x", "feeds.feedburner.com/tc", "TechCrunch » Startups", ("techcrunch", "TechCrunch")),
        ("www.nytimes.com/x", "rss.nytimes.com/x", "NYT > World News", ("nytimes", "NYT > World News")),
        ("one.github.io/x", "one.github.io/feed", "One's notes", ("one", "One's notes")),
        ("10.0.0.7/x", "10.0.0.7/feed", "", ("10.0.0.7", "10.0.0.7")),
        ("", "www.aljazeera.com/xml/rss/all.xml", "Al Jazeera", ("aljazeera", "Al Jazeera")),
        ("[broken/x", "www.npr.org/rss", "NPR", ("npr", "NPR")),
    ],
)
def test_an_outlet_is_the_owner_of_the_site(link: str, feed: str, title: str, outlet: tuple[str, str]) -> None:
    """Whatever its feeds and country domains are called; its name is the part of the feed's title that names it."""
    assert told(link and f"https://{link}", feed=f"https://{feed}", title=title) == outlet


def test_an_aggregator_s_entry_is_the_source_s() -> None:
    """With one link for all, Google News names whom it has the entry from; that may be an address."""
    google = {
        "link": "https://news.google.com/rss/articles/1",
        "feed": "https://news.google.com/rss",
        "title": "Top stories",
    }
    assert told(**google, source="Reuters") == ("reuters", "Reuters")
    assert told(**google, source="The Guardian")[0] == "guardian"
    assert told(**google, source="BBC News", source_url="https://www.bbc.co.uk") == ("bbc", "BBC News")
    assert told(**google, source="www.cnn.com") == ("cnn", "www.cnn.com")
    assert told(**google) == ("google", "Top stories")


def test_an_aggregator_that_links_elsewhere_is_not_the_outlet() -> None:
    """The site that the link leads to is; its name is the source's, where there is one."""
    planet = {"link": "https://www.reuters.com/x", "feed": "https://planet.example.org/rss", "title": "Planet"}
    assert told(**planet) == ("reuters", "reuters.com")
    assert told(**planet, source="Reuters World") == ("reuters", "Reuters World")


def test_a_feed_that_names_itself_as_the_source_is_itself() -> None:
    """Some write their own title into every item."""
    own = {"link": "https://www.nytimes.com/x", "feed": "https://rss.nytimes.com/x", "title": "NYT > World"}
    assert told(**own, source="NYT > World")[0] == "nytimes"
