"""A feed's bytes to entries: formats, identity, links, dates, charsets, and what is no feed at all."""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model import Entry, FeedHints, Item, ParseFailed
from monitor.parse.document import parse_document, parse_entries

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
URL = "https://example.org/news/feed.xml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A document with its entries, all cleaned."""

    title: str
    link: str
    language: str
    hints: FeedHints
    items: tuple[Item, ...]
    entries: tuple[Entry, ...]


def parse(body: str | bytes, *, content_type: str | None = "application/rss+xml", url: str = URL) -> Read:
    data = body.encode() if isinstance(body, str) else body
    result = parse_entries(data, content_type=content_type, url=url, now=NOW)
    assert not isinstance(result, ParseFailed), result
    document, entries = result
    return Read(
        title=document.title,
        link=document.link,
        language=document.language,
        hints=document.hints,
        items=document.items,
        entries=entries,
    )


def refusal(body: str | bytes, *, content_type: str | None = None) -> str:
    data = body.encode() if isinstance(body, str) else body
    result = parse_document(data, content_type=content_type, url=URL)
    assert isinstance(result, ParseFailed), result
    assert "\n" not in result.detail
    return result.detail


def rss(*items: str, channel: str = "") -> str:
    inner = "".join(f"<item>{item}</item>" for item in items)
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<channel><title>Example</title><link>https://example.org/</link>{channel}{inner}</channel></rss>"
    )


def atom(*entries: str, head: str = "") -> str:
    inner = "".join(f"<entry>{entry}</entry>" for entry in entries)
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>Example</title>{head}{inner}</feed>'


def only(document: Read) -> Entry:
    (entry,) = document.entries
    return entry


def test_rss_item_with_everything() -> None:
    """Each field of an RSS 2.0 item arrives as plain text, dates as UTC."""
    document = parse(
        rss(
            """<title>Assad &amp;amp; the &lt;b&gt;opposition&lt;/b&gt;</title>
            <link>https://example.org/1</link><guid isPermaLink="false">id-1</guid>
            <description>&lt;p&gt;Short.&lt;/p&gt;</description>
            <content:encoded><![CDATA[<p>Long text.</p><p>Second paragraph.</p>]]></content:encoded>
            <dc:creator>Ann Author</dc:creator>
            <category>Syria</category><category>Syria</category><category>War</category>
            <pubDate>Mon, 23 Nov 2026 11:00:00 +0100</pubDate>""",
            channel="<language>en_GB</language>",
        )
    )
    entry = only(document)
    assert (document.title, document.link, document.language) == ("Example", "https://example.org/", "en-gb")
    assert entry.title == "Assad & the opposition"
    assert (entry.summary, entry.content) == ("Short.", "Long text.\nSecond paragraph.")
    assert (entry.guid, entry.link, entry.author) == ("id-1", "https://example.org/1", "Ann Author")
    assert (entry.categories, entry.language) == (("Syria", "War"), "en-gb")
    assert entry.published_at == datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert len(entry.key) == len(entry.content_hash) == 32


def test_atom_entry_with_everything() -> None:
    """The alternate link wins over others, relative links are resolved, the feed's author stands in for the entry's."""
    entry = only(
        parse(
            atom(
                """<id>tag:example.org,2026:1</id><title type="html">Fish &amp;amp; chips</title>
                <link rel="edit" href="/edit/1"/><link rel="alternate" href="/articles/1"/>
                <summary>Plain &lt;video> text</summary>
                <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>One paragraph</p>
                <p>and two <b>bo</b>ld</p></div></content>
                <published>2026-11-20T10:00:00+01:00</published><updated>2026-11-21T10:00:00Z</updated>
                <category term="eu" label="European Union"/>""",
                head="<author><name>Bob</name></author>",
            )
        )
    )
    assert (entry.title, entry.link) == ("Fish & chips", "https://example.org/articles/1")
    assert (entry.summary, entry.content) == ("Plain <video> text", "One paragraph\nand two bold")
    assert (entry.author, entry.categories) == ("Bob", ("European Union",))
    assert entry.published_at == datetime(2026, 11, 20, 9, tzinfo=UTC)
    assert entry.updated_at == datetime(2026, 11, 21, 10, tzinfo=UTC)


def test_json_feed() -> None:
    """JSON Feed 1.1, and what readers must bear: a number as id, 1.0's author, fields of a wrong type."""
    body = json.dumps(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "title": "Example",
            "home_page_url": "https://example.org/",
            "language": "de",
            "items": [
                {"id": 7, "url": "/7", "title": "Sieben", "content_html": "<p>a</p><p>b</p>", "author": {"name": "A"}},
                {
                    "id": "8",
                    "content_text": "text",
                    "title": ["no"],
                    "date_published": "2026-11-20T10:00:00Z",
                    "tags": ["x"],
                },
                "not an item",
            ],
        }
    )
    first, second = parse(body, content_type="application/feed+json").entries
    assert (first.guid, first.link, first.title) == ("7", "https://example.org/7", "Sieben")
    assert (first.summary, first.author, first.language) == ("a\nb", "A", "de")
    assert (second.title, second.summary, second.categories) == ("", "text", ("x",))
    assert second.published_at == datetime(2026, 11, 20, 10, tzinfo=UTC)


@pytest.mark.parametrize("version", ["0.91", "0.92", "2.0"])
def test_old_rss(version: str) -> None:
    """Every RSS of the 0.9 family gives its items."""
    item = "<item><title>A</title><link>http://x.org/a</link></item>"
    assert (
        only(parse(f'<rss version="{version}"><channel><title>T</title>{item}</channel></rss>')).link
        == "http://x.org/a"
    )


def test_rdf() -> None:
    """RSS 1.0: items beside the channel, identity by rdf:about, dc:date as the date."""
    body = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
        xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="http://x.org/"><title>T</title></channel>
        <item rdf:about="http://x.org/a"><title>A</title><link>http://x.org/a</link><dc:date>2026-11-20</dc:date></item>
        </rdf:RDF>"""
    entry = only(parse(body))
    assert (entry.guid, entry.title) == ("http://x.org/a", "A")
    assert entry.published_at == datetime(2026, 11, 20, tzinfo=UTC)


def test_key_survives_an_edit_and_a_move_of_the_feed() -> None:
    """The guid alone is identity: a new title or feed URL makes no new entry; the hash tells the edit."""
    before = only(parse(rss("<guid>/a</guid><title>Old</title>")))
    after = only(parse(rss("<guid>/a</guid><title>New</title>"), url="https://elsewhere.example/feed"))
    assert before.key == after.key
    assert before.content_hash != after.content_hash


def test_key_without_guid_is_the_link_then_the_text() -> None:
    """No guid: the link decides; no link either: title and text do."""
    link = "<link>https://example.org/1</link>"
    assert only(parse(rss(link + "<title>a</title>"))).key == only(parse(rss(link + "<title>b</title>"))).key
    a, b = parse(rss("<title>a</title>", "<title>b</title>")).entries
    assert a.key != b.key


def test_same_guid_for_different_articles() -> None:
    """A feed whose guid is a constant still gives every article, and real repetitions once."""
    items = [f"<guid>same</guid><title>{t}</title><link>https://example.org/{t}</link>" for t in ("a", "b", "a")]
    assert [entry.title for entry in parse(rss(*items)).entries] == ["a", "b"]


@pytest.mark.parametrize(
    ("item", "link"),
    [
        ("<link>/a b</link>", "https://example.org/a%20b"),
        ("<link>//other.example/x</link>", "https://other.example/x"),
        ("<link>example.org/x</link>", "https://example.org/x"),
        ("<guid>https://example.org/g</guid>", "https://example.org/g"),
        ("<guid>12345</guid>", ""),
        ("<link>javascript:alert(1)</link>", ""),
        ("<link>file:///etc/passwd</link>", ""),
        ("<link>https://exa\u202emple.org/x</link>", "https://example.org/x"),
        (f"<link>https://example.org/{'x' * 3000}</link>", ""),
        ("<link>http://[bad</link>", ""),
    ],
)
def test_links_are_absolute_http_or_nothing(item: str, link: str) -> None:
    """Relative links are resolved, forgotten schemes added; scripts, files and monsters are dropped."""
    assert only(parse(rss(item))).link == link


def test_one_text_is_the_summary_and_two_are_summary_and_content() -> None:
    """The longer of two texts is the content, in whichever order and element they stand; equal ones are one."""
    short, long = "<description>short</description>", "<content:encoded>much longer text</content:encoded>"
    for item in (short + long, long + short):
        entry = only(parse(rss(item)))
        assert (entry.summary, entry.content) == ("short", "much longer text")
    entry = only(parse(rss(long)))
    assert (entry.summary, entry.content) == ("much longer text", "")
    entry = only(parse(rss("<description>same</description><content:encoded>&lt;p>same&lt;/p></content:encoded>")))
    assert (entry.summary, entry.content) == ("same", "")


def test_the_caption_of_a_picture_does_not_take_the_place_of_the_description() -> None:
    """Of several descriptions, feedparser's `summary_detail` is the last one that stands deeper in the item."""
    media = 'xmlns:media="http://search.yahoo.com/mrss/"'
    captions = "".join(
        f"<media:content {media}><media:description>Caption {number}</media:description></media:content>"
        for number in range(3)
    )
    entry = only(parse(rss(f"<description>What it is about</description>{captions}")))
    assert "What it is about" in (entry.summary, entry.content)


def test_limits() -> None:
    """Endless titles, guids, texts and feeds are cut; what is cut off a guid still tells guids apart."""
    giant = "word " * 300_000
    a, b = parse(
        rss(
            f"<guid>{'g' * 5000}a</guid><title>{giant}</title><description>{giant}</description>",
            f"<guid>{'g' * 5000}b</guid>",
        )
    ).entries
    assert len(a.title) <= 1_000
    assert len(a.summary) <= 100_000
    assert len(a.guid) <= 2_048
    assert a.guid != b.guid
    assert len(parse(rss(*(f"<guid>{n}</guid>" for n in range(2_100)))).entries) == 2_000


@pytest.mark.parametrize(
    ("declared", "header", "codec"),
    [
        ("utf-8", None, "utf-8"),
        ("iso-8859-1", None, "utf-8"),
        ("utf-8", None, "cp1252"),
        ("us-ascii", "text/xml", "utf-8"),
        ("", "text/xml", "utf-8"),
        ("", "text/xml; charset=windows-1252", "cp1252"),
        ("", "application/xml", "cp1252"),
        ("utf-8", "text/xml; charset=utf-8", "cp1252"),
        ("utf-16", None, "utf-16"),
        ("", None, "utf-16-le"),
        ("nonsense", "text/xml; charset=rot13", "utf-8"),
    ],
)
def test_charsets_that_lie(declared: str, header: str | None, codec: str) -> None:
    """The bytes decide: UTF-8 is UTF-8 whatever the labels say, and other text is read as what it can be."""
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else '<?xml version="1.0"?>'
    body = f'{declaration}<rss version="2.0"><channel><item><title>Café – “naïve”</title></item></channel></rss>'
    assert only(parse(body.encode(codec), content_type=header)).title == "Café – “naïve”"


@pytest.mark.parametrize(
    ("codec", "text"),
    [("cp1251", "Привет мир"), ("koi8-r", "Ёжик"), ("shift_jis", "速報です"), ("gb2312", "新闻"), ("euc-kr", "뉴스"),
     ("big5", "新聞"), ("iso-2022-jp", "速報です"), ("iso-8859-2", "Wałęsa"), ("cp1256", "خبر")],
)  # fmt: skip
@pytest.mark.parametrize("by_header", [False, True])
def test_old_charsets(codec: str, text: str, by_header: bool) -> None:
    """Declared in the document or by HTTP alone, the charset is believed."""
    declaration = "" if by_header else f'<?xml version="1.0" encoding="{codec}"?>'
    body = f'{declaration}<rss version="2.0"><channel><item><title>{text}</title></item></channel></rss>'.encode(codec)
    assert only(parse(body, content_type=f"text/xml; charset={codec}" if by_header else None)).title == text


@pytest.mark.parametrize("dash", ["&#150;", "&#x96;", "&#X096;", "&#0150;", "\x96"])
def test_a_control_that_stands_for_a_windows_character(dash: str) -> None:
    """As browsers do; a number that is no reference is text."""
    body = rss(f"<title>left {dash} right #150;</title>").encode()
    assert only(parse(body)).title == "left – right #150;"


def test_one_bad_byte_does_not_garble_the_rest() -> None:
    """UTF-8 with a stray windows-1252 byte stays UTF-8, and the byte is read as what it was."""
    body = rss("<title>Привет, Ёжик – QUOTE</title>").encode().replace(b"QUOTE", b"\x93")
    assert only(parse(body)).title == "Привет, Ёжик – “"


@pytest.mark.parametrize(
    ("item", "title"),
    [
        ("<title>a\x00b\x1f</title>", "ab"),
        ("<title>a &#99999999999; &#x110000; &#xD800; &#0; b</title>", "a b"),
        ("<title>AT&T &eacute; &undefined; x</title>", "AT&T é &undefined; x"),
        ("<title>one</title><p>", "one"),
    ],
)
def test_broken_xml_is_read_as_far_as_it_goes(item: str, title: str) -> None:
    """Control characters, impossible references, bare ampersands and missing end tags lose nothing else."""
    assert parse(rss(item)).entries[0].title == title


def test_truncated_document_gives_the_entries_before_the_cut() -> None:
    """A connection that broke in the middle of an item costs that item at most."""
    whole = rss("<title>one</title><guid>1</guid>", "<title>two</title><guid>2</guid>", "<title>three</title>")
    cut = whole[: whole.index("three") + 2]
    assert [entry.title for entry in parse(cut).entries][:2] == ["one", "two"]


def test_feed_without_entries_is_a_feed() -> None:
    """An empty feed is no error."""
    assert parse(rss()).entries == ()
    assert parse(atom()).title == "Example"


def test_html_page_names_its_feeds() -> None:
    """The usual mistake, the site's address instead of the feed's, is answered with the feed's."""
    page = """<!DOCTYPE html><html><head><title>x</title>
        <link rel="stylesheet" href="/a.css"><link rel="alternate" hreflang="de" href="/de">
        <LINK REL='alternate' TYPE='application/rss+xml' HREF='/rss?a=1&amp;b=2'>
        <link rel="alternate" type="application/atom+xml" href="https://feeds.example/atom">
        </head><body><p>hello</p></body></html>"""
    detail = refusal(page, content_type="text/html")
    assert "HTML page, not a feed" in detail
    assert detail.endswith("https://example.org/rss?a=1&b=2, https://feeds.example/atom")
    assert "it names none" in refusal("<html><body>hi</body></html>")


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        (b'{"hello": 1}', "not a JSON Feed"),
        (b'{"version": "https://jsonfeed.org/version/1.1"', "broken JSON"),
        (b"[" * 100_000, "broken JSON"),
        (b"<?xml version='1.0'?><!-- c --><note>x</note>", "its root element is <note>"),
        (b"<opml version='2.0'><body/></opml>", "feeds import"),
        (b"<urlset xmlns='x'></urlset>", "sitemap"),
        (b"hello", "neither XML nor JSON"),
        (bytes(range(256)) * 20, "neither XML nor JSON"),
        (b"/etc/passwd", "neither XML nor JSON"),
        (b"http://127.0.0.1:9/feed.xml", "neither XML nor JSON"),
    ],
)
def test_what_is_no_feed_is_named(body: bytes, part: str) -> None:
    """Each says in a line what it is instead; a body that looks like a path or URL is not opened."""
    assert part in refusal(body)


def test_hostile_entities_and_comments_are_harmless() -> None:
    """Billion laughs, a file as an entity and 40,000 comment starts cost nothing and show nothing."""
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    laughs = f'<!DOCTYPE x [<!ENTITY l0 "lol">{levels}<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    entry = only(parse(laughs + '<rss version="2.0"><channel><item><title>&l9;&f;</title></item></channel></rss>'))
    assert len(entry.title) < 1_000
    assert "root:" not in entry.title
    assert only(parse(rss(f"<title>t</title><description><![CDATA[{'<!--' * 40_000}]]></description>"))).title == "t"
    assert parse(rss("<x>" * 20_000 + "</x>" * 20_000)).title == "Example"


@given(st.binary(max_size=300) | st.text(max_size=300).map(rss).map(str.encode))
def test_any_bytes_give_a_result_that_can_cross_a_process_border(body: bytes) -> None:
    """Whatever arrives, nothing is raised, and the result survives pickling unchanged."""
    result = parse_entries(body, content_type=None, url=URL, now=NOW)
    assert pickle.loads(pickle.dumps(result)) == result


def test_what_a_feed_asks_of_its_readers() -> None:
    """ttl, the syndication module, hours and days to skip, hub and own URL; nonsense counts as nothing."""
    channel = """<ttl>90</ttl><sy:updatePeriod xmlns:sy="http://purl.org/rss/1.0/modules/syndication/">daily</sy:updatePeriod>
        <sy:updateFrequency xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"> 4 </sy:updateFrequency>
        <skipHours><hour>0</hour><hour>24</hour><hour>7</hour><hour>25</hour><hour>x</hour></skipHours>
        <skipDays><day>Sunday</day><day>monday</day><day>Someday</day></skipDays>
        <atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="self" href="/feed"/>
        <atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="hub" href="https://hub.example/"/>"""
    assert parse(rss(channel=channel)).hints == FeedHints(
        ttl=timedelta(minutes=90),
        period=timedelta(hours=6),
        skip_hours=(0, 7),
        skip_days=(0, 6),
        hub="https://hub.example/",
        topic="https://example.org/feed",
    )
    assert parse(rss(channel="<ttl>0</ttl>")).hints == FeedHints()
    assert parse(rss(channel="<ttl>99999999</ttl>")).hints.ttl == timedelta(days=31)
    hubs = [{"type": "rssCloud", "url": "https://a.example/"}, {"type": "WebSub", "url": "https://b.example/"}]
    feed = {"version": "https://jsonfeed.org/version/1.1", "items": [], "hubs": hubs, "feed_url": URL}
    assert parse(json.dumps(feed)).hints == FeedHints(hub="https://b.example/", topic=URL)


@pytest.mark.parametrize("broken", ["", "<p>"])
def test_the_outlet_of_an_aggregated_item(broken: str) -> None:
    """RSS and Atom name it in `source`; feedparser, which has what is not well-formed, finds it as well."""
    item = '<guid>1</guid><title>a</title><source url="https://www.reuters.com">Reuters &amp; Co</source>'
    assert (
        parse(rss(item) if not broken else rss(item, "<title>b</title>" + broken)).entries[0].source == "Reuters & Co"
    )
    entry = "<id>1</id><title>a</title><source><id>x</id><title>BBC News</title><updated>2026</updated></source>"
    assert only(parse(atom(entry))).source == "BBC News"


def test_the_source_hash_tells_what_stands_in_the_feed() -> None:
    """It changes with markup alone, which the content hash does not, and with nothing outside the item."""
    plain, marked = (only(parse(rss(f"<guid>1</guid><description>{text}</description>"))) for text in ("a", "&lt;b>a"))
    assert plain.content_hash == marked.content_hash
    assert plain.source_hash != marked.source_hash
    again = parse(rss("<guid>1</guid><description>a</description>", "<guid>2</guid>", channel="<ttl>5</ttl>"))
    assert again.items[0].source_hash == plain.source_hash
