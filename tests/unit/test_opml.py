"""Lists of feeds: what other programs write is read, what this one writes loses nothing, and traps are refused."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import UsageError
from monitor.model import FeedSpec
from monitor.parse.opml import OpmlFeed, feed_name, read_opml, write_opml

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def opml(body: str) -> bytes:
    return f'<?xml version="1.0"?><opml version="2.0"><head/><body>{body}</body></opml>'.encode()


def urls(feeds: tuple[OpmlFeed, ...]) -> list[str]:
    return [feed.url for feed in feeds]


def test_a_usual_export_is_read() -> None:
    """Folders and categories become tags, outside in, each once; title, URL and site are kept."""
    feeds = read_opml(
        opml(
            '<outline text="News" title="News"><outline text="World &amp; Europe">'
            '<outline type="rss" text="BBC" title="BBC News" xmlUrl="https://bbc.example.com/rss?a=1&amp;b=2" '
            'htmlUrl="https://bbc.example.com/" category="/Politics/Europe,news"/>'
            '</outline></outline><outline type="rss" text="Loose" xmlUrl="https://loose.example.com/atom"/>'
        )
    )
    assert feeds == (
        OpmlFeed(
            title="BBC News",
            url="https://bbc.example.com/rss?a=1&b=2",
            site_url="https://bbc.example.com/",
            tags=("news", "world europe", "politics", "europe"),
        ),
        OpmlFeed(title="Loose", url="https://loose.example.com/atom"),
    )


@pytest.mark.parametrize(
    ("outline", "expected"),
    [
        ('<outline title="T" xmlUrl="https://a.example/f"/>', OpmlFeed(title="T", url="https://a.example/f")),
        ('<outline text="T" title="" xmlurl="https://a.example/f"/>', OpmlFeed(title="T", url="https://a.example/f")),
        ('<outline text="T" type="rss" url="https://a.example/f"/>', OpmlFeed(title="T", url="https://a.example/f")),
        ('<outline xmlUrl=" https://a.example/f\n"/>', OpmlFeed(title="", url="https://a.example/f")),
        (
            '<outline text="a\n b\t\x85c" xmlUrl="feed://a.example/f"/>',
            OpmlFeed(title="a b c", url="http://a.example/f"),
        ),
        ('<outline text="T" xmlUrl="feed:https://a.example/f"/>', OpmlFeed(title="T", url="https://a.example/f")),
        ('<OUTLINE text="T" xmlUrl="https://a.example/f"/>', OpmlFeed(title="T", url="https://a.example/f")),
    ],
)
def test_quirks_of_other_programs_are_understood(outline: str, expected: OpmlFeed) -> None:
    """text for title, url for xmlUrl, other cases, missing types, the feed: scheme."""
    assert read_opml(opml(outline)) == (expected,)


def test_what_is_no_feed_is_left_out() -> None:
    """Folders, links and inclusions are not polled."""
    body = (
        '<outline text="empty folder"/><outline type="link" text="x" url="https://a.example/"/>'
        '<outline type="include" url="https://a.example/other.opml"/><outline text="f" url="https://a.example/"><outline/></outline>'
    )
    assert read_opml(opml(body)) == ()


def test_the_same_url_twice_is_one_feed_with_all_tags() -> None:
    """A feed in two folders is how other readers put two tags on it."""
    feeds = read_opml(
        opml(
            '<outline text="world"><outline xmlUrl="https://a.example/f"/></outline>'
            '<outline text="b"><outline text="second" xmlUrl="https://a.example/b"/></outline>'
            '<outline text="europe"><outline text="A" htmlUrl="https://a.example/" xmlUrl="https://a.example/f"/></outline>'
        )
    )
    assert feeds == (
        OpmlFeed(title="A", url="https://a.example/f", site_url="https://a.example/", tags=("world", "europe")),
        OpmlFeed(title="second", url="https://a.example/b", tags=("b",)),
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_encodings_and_marks(encoding: str) -> None:
    """The declared encoding holds, a byte order mark does no harm."""
    declared = encoding.removesuffix("-sig")
    text = f'<?xml version="1.0" encoding="{declared}"?>\n<opml><body><outline text="Zürich" xmlUrl="https://a.example/é"/></body></opml>'
    data = text.encode(encoding)
    assert read_opml(data) == (OpmlFeed(title="Zürich", url="https://a.example/é"),)


def test_blank_lines_before_the_declaration_are_forgiven() -> None:
    """Exports made with templates begin with them."""
    assert urls(read_opml(b"\r\n  " + opml('<outline xmlUrl="https://a.example/f"/>'))) == ["https://a.example/f"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b'{"feeds": []}', "not OPML: the file does not begin with XML"),
        (b"https://a.example/f\n", "not OPML: the file does not begin with XML"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not OPML: the file does not begin with XML"),
        (b"<!DOCTYPE html><html><p>x<br></html>", "not OPML: this is a web page"),
        (b"<html><body/></html>", "not OPML: this is a web page"),
        (b"<rss version='2.0'><channel/></rss>", "not OPML: this is a feed itself"),
        (b"<feed xmlns='http://www.w3.org/2005/Atom'/>", "not OPML: this is a feed itself"),
        (b"<plist/>", "not OPML: the outermost element is <plist>"),
        (b"<opml><body>\n<outline text='a & b'/></body></opml>", r"line 2, column \d+: .*an & must be written &amp;"),
        (b"<opml>\n<body>\n<outline text='&nbsp;'/></body></opml>", r"line 3, .*an & must be written &amp;"),
        (b"<opml>\n<body>\n<outline text='a'>\n</body></opml>", r"line 4, column \d+: not well-formed XML: "),
        (b"<opml><body><outline xmlUrl='https://a.ex", r"line 1, column \d+: not well-formed XML: "),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_explained(data: bytes, message: str) -> None:
    """One line with the place and, where there is one, the way out."""
    with pytest.raises(UsageError, match=message) as caught:
        read_opml(data)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused(encoding: str) -> None:
    """Neither a billion laughs nor a local file comes out of a list of feeds."""
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    for declarations in (f'<!ENTITY l0 "ha">{laughs}', '<!ENTITY l9 SYSTEM "file:///etc/passwd">'):
        text = (
            f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE opml [{declarations}]>'
            '<opml><body><outline text="&l9;" xmlUrl="https://a.example/"/></body></opml>'
        )
        with pytest.raises(UsageError, match="declares XML entities"):
            read_opml(text.encode(encoding))


def test_a_plain_doctype_is_no_reason_to_refuse() -> None:
    """Some programs name a DTD; it is not fetched."""
    data = b'<!DOCTYPE opml SYSTEM "http://127.0.0.1:9/opml.dtd"><opml><body><outline xmlUrl="https://a.example/f"/></body></opml>'
    assert urls(read_opml(data)) == ["https://a.example/f"]


@pytest.mark.parametrize("depth", [100, 100_000])
def test_deep_nesting_is_refused(depth: int) -> None:
    """However deep, it is a message and not a crash."""
    body = '<outline text="a">' * depth + '<outline xmlUrl="https://a.example/f"/>' + "</outline>" * depth
    with pytest.raises(UsageError, match=r"line 1.*(nested|depth)"):
        read_opml(opml(body))


# What config.toml accepts.
words = st.from_regex(r"\w[\w .-]{0,30}", fullmatch=True).filter(lambda text: text == text.strip())
tags = words.map(str.lower).filter(
    lambda tag: unicodedata.category(tag[0])[0] in "LN" and all(char.isalnum() or char in "_ .-" for char in tag)
)
addresses = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=40).map(
    lambda path: f"https://a.example/{path}"
)
specs = st.lists(
    st.builds(
        FeedSpec,
        name=words,
        url=addresses,
        tags=st.lists(tags, max_size=4, unique=True).map(tuple),
        interval=st.timedeltas(timedelta(microseconds=1), timedelta(days=3650)),
    ),
    unique_by=(lambda spec: spec.name, lambda spec: spec.url),
    max_size=8,
)


@given(specs)
def test_a_round_trip_loses_nothing(feeds: list[FeedSpec]) -> None:
    """Names, URLs, tags in order and intervals come back as they were."""
    back = read_opml(write_opml(feeds, title="My <feeds> & more", now=NOW))
    assert {feed.url: (feed.name, feed.title, feed.tags, feed.interval) for feed in back} == {
        feed.url: (feed.name, " ".join(feed.name.split()), feed.tags, feed.interval) for feed in feeds
    }


def test_what_is_written_looks_like_opml() -> None:
    """Other readers find version, date, folders by first tag, type, text and xmlUrl."""
    minute = timedelta(minutes=1)
    text = write_opml(
        [
            FeedSpec(name="wire", url="https://a.example/1", tags=("world", "wire"), interval=minute),
            FeedSpec(name="odds", url="https://a.example/2?a&b", interval=minute),
            FeedSpec(name="bbc", url="https://a.example/3", tags=("world",), interval=minute * 1.5),
        ],
        title="news-monitor",
        now=NOW,
    ).decode()
    assert [line.strip() for line in text.splitlines()] == [
        "<?xml version='1.0' encoding='utf-8'?>",
        '<opml xmlns:nm="urn:news-monitor:opml" version="2.0">',
        "<head>",
        "<title>news-monitor</title>",
        "<dateCreated>Mon, 23 Nov 2026 12:00:00 GMT</dateCreated>",
        "</head>",
        "<body>",
        '<outline text="world" title="world">',
        (
            '<outline type="rss" text="wire" title="wire" xmlUrl="https://a.example/1"'
            ' category="world,wire" nm:name="wire" nm:interval="60"/>'
        ),
        (
            '<outline type="rss" text="bbc" title="bbc" xmlUrl="https://a.example/3"'
            ' category="world" nm:name="bbc" nm:interval="90"/>'
        ),
        "</outline>",
        (
            '<outline type="rss" text="odds" title="odds" xmlUrl="https://a.example/2?a&amp;b"'
            ' nm:name="odds" nm:interval="60"/>'
        ),
        "</body>",
        "</opml>",
    ]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("BBC News - World", "bbc-news-world"),
        ("Süddeutsche Zeitung: Straße & Łódź", "suddeutsche-zeitung-strasse-lodz"),
        ("Российская газета", "российская-газета"),
        ("産経ニュース", "産経ニュース"),
        ("https://www.example.com/news/world.rss", "example-com-news-world"),
        ("https://feeds.example.co.uk/?feed=rss2", "feeds-example-co-uk-feed-rss2"),
        ("…", "feed"),
        ("", "feed"),
        ("http://[broken", "http-broken"),
        ("word " * 40, "word-word-word-word-word-word-word-word-word-word-word-word-word"),
    ],
)
def test_names_are_made_of_titles_and_urls(text: str, name: str) -> None:
    """A name can be typed and tells which feed it is."""
    assert feed_name(text, set()) == name


@given(text=st.text(), others=st.lists(st.text()))
def test_names_are_always_fit_and_unused(text: str, others: list[str]) -> None:
    """Whatever the title, config.toml accepts the name and no other feed has it."""
    taken = {feed_name(other, set()) for other in others} | {feed_name(text, set())}
    name = feed_name(text, taken)
    assert name not in taken
    assert len(name) <= 64
    assert all(char.isalnum() or char == "-" for char in name)
    assert name[0] != "-"


def test_a_thousand_feeds_of_one_title_get_names_in_order() -> None:
    """Numbers begin at 2 and go on, quickly."""
    taken: set[str] = set()
    for _ in range(1_000):
        taken.add(feed_name("News", taken))
    assert taken == {"news"} | {f"news-{number}" for number in range(2, 1_001)}
