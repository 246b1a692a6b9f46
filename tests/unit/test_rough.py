"""What is left of an item that no HTML parser reads in time."""

from __future__ import annotations

from datetime import UTC, datetime

from monitor.model import Item, RawText
from monitor.parse.clean import clean_item
from monitor.parse.rough import size_of, without_markup, without_texts

NOW = datetime(2026, 11, 23, tzinfo=UTC)
ITEM = Item(
    key="k",
    source_hash="h",
    link="https://example.org/1",
    title=RawText(value="Talks <b>fail</b> &amp; end"),
    texts=(
        RawText(value="<p>The mini<i>ster</i> said</p><p title='a>b'>a &lt; b<!-- no word -->"),
        RawText(value="2 < 3", kind="plain"),
    ),
    published=("Mon, 23 Nov 2026 10:00:00 GMT",),
)


def test_words_stay_and_tags_go() -> None:
    """Inline tags part no word, others part paragraphs; references are resolved; a plain text is left as it is."""
    entry = clean_item(without_markup(ITEM), now=NOW)
    assert entry.title == "Talks fail & end"
    assert entry.content == "The minister said\nb'>a < b"
    assert entry.summary == "2 < 3"
    assert (entry.key, entry.source_hash, entry.link) == ("k", "h", "https://example.org/1")


def test_title_link_and_date_stay_without_the_texts() -> None:
    """A title is cut, a date that is none by its length goes."""
    long = Item(
        key="k",
        source_hash="h",
        link=ITEM.link,
        title=RawText(value="word " * 10_000),
        texts=ITEM.texts,
        published=("1" * 100_000, *ITEM.published),
    )
    entry = clean_item(without_texts(long), now=NOW)
    assert len(entry.title) <= 1_000
    assert (entry.summary, entry.content) == ("", "")
    assert entry.published_at == datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert (entry.link, entry.source_hash) == (ITEM.link, "h")


def test_size_counts_title_and_texts() -> None:
    assert size_of(Item(key="k", source_hash="h", title=RawText(value="ab"), texts=(RawText(value="cde"),))) == 5
