"""The real daemon on a hundred feeds from the wild, served on loopback, into which news is written while it runs."""

from __future__ import annotations

import html
import itertools
import os
import random
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.daemon import Daemon, Site, command_json
from tests.feedserver import FeedServer, Route
from tests.receivers import SmtpSink, WebhookReceiver

DATA = Path(os.environ.get("NEWS_MONITOR_TEST_DATA", Path(__file__).parents[3] / "shared" / "data")) / "feeds"
REAL = sorted((DATA / "real").glob("*.xml")) if DATA.is_dir() else []

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(not REAL, reason="the feed data is not on this machine (NEWS_MONITOR_TEST_DATA)"),
]

# No feed of these has such a word.
RULES = """
[[rule]]
name = "finds"
query = 'zorblaxité AND NOT rehearsal'
"""
# Title as text and body as HTML.
MATCHING = (
    ("Zorblaxité found", "<p>Nothing more is known.</p>"),
    ("A find in the hills", "<p>They call it <b>ZORBLAXITE</b>, she said.</p>"),
    ("Zorblaxite\u0301 again", ""),
    ("Named entity", "<p>A seam of zorblaxit&eacute; runs under the town.</p>"),
    ("Numbered entity", "<p>The zorblaxit&#233;&nbsp;mine is open &amp; busy.</p>"),
    ("Typographic quotes", "<p>“Zorblaxité”—or so they say.</p>"),
    ("Soft hyphen", "<p>So much zor&shy;blaxité.</p>"),
    ("Zorblaxité’s price doubles", "<ul><li>Buyers</li><li>Sellers</li></ul>"),
    ("Prices & <zorblaxité>", "<p>Less than before, 3 &lt; 4.</p>"),
)
SILENT = (
    ("Prezorblaxite and zorblaxiten", "<p>Words that only hold it.</p>"),
    ("Only a link", '<p>Read on <a href="https://example.com/zorblaxite">here</a>.</p>'),
    ("Rehearsal", "<p>A zorblaxité alarm was tested.</p>"),
    ("Comment", "<p>Nothing here.<!-- zorblaxité --></p>"),
    ("Script", "<p>Nothing there.</p><script>zorblaxité()</script><style>.zorblaxité{}</style>"),
)
FIRST_ENTRY = re.compile(r"<(item|entry)[\s>]")
LINK = re.compile(r"https://example\.org/story-\d+")


class News:
    """Writes entries into the feeds of some servers, each as its feed's format has them."""

    def __init__(self, servers: Sequence[FeedServer]) -> None:
        self.expected: dict[str, str] = {}
        """Link of each matching entry → the feed that it is in."""
        self._spare = itertools.cycle(servers)
        self._servers: dict[str, FeedServer] = {}
        self._bodies: dict[str, str] = {}
        self._written = 0

    def serve(self, path: Path) -> str:
        """Put a feed up as it is; its URL."""
        self._servers[path.stem] = next(self._spare)
        body = path.read_bytes()
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError:
            text = ""
        if FIRST_ENTRY.search(text):
            self._bodies[path.stem] = text
        return self._put(path.stem, body)

    @property
    def feeds(self) -> list[str]:
        """Those that can be written to."""
        return list(self._bodies)

    def publish(self, feed: str, title: str, body: str, *, matching: bool) -> None:
        """Put an entry before the first one of `feed`, each time about something else: a story is told once."""
        self._written += 1
        dice = random.Random(self._written)
        title = f"{title}: {_words(dice, 3)}"
        body = f"{body}<p>{_words(dice, 12)}.</p>"
        link = f"https://example.org/story-{self._written}"
        text = self._bodies[feed]
        place = FIRST_ENTRY.search(text)
        assert place is not None
        write = rss_item if place[1] == "item" else atom_entry
        entry = write(link, title, body, cdata=self._written % 2 == 0)
        self._bodies[feed] = text[: place.start()] + entry + text[place.start() :]
        if matching:
            self.expected[link] = feed
        self._put(feed, self._bodies[feed].encode())

    def wait_for_polls(self, count: int) -> None:
        """Wait until each feed was asked for `count` times more."""
        before = {feed: len(server.requests(f"/{feed}")) for feed, server in self._servers.items()}
        for feed, server in self._servers.items():
            server.wait_for_requests(before[feed] + count, f"/{feed}", timeout=180)

    def _put(self, feed: str, body: bytes) -> str:
        return self._servers[feed].put(f"/{feed}", Route(body=body, content_type="application/xml", compress=True))


def _words(dice: random.Random, count: int) -> str:
    """Words that no two entries share, or nearly."""
    syllables = [first + second for first in "bdfgklmnprst" for second in "aeiou"]
    return " ".join("".join(dice.choices(syllables, k=4)) for _ in range(count)).capitalize()


def rss_item(link: str, title: str, body: str, *, cdata: bool) -> str:
    head = f"<item><title>{html.escape(title)}</title><link>{link}</link><guid>{link}</guid>"
    if cdata:
        namespace = "http://purl.org/rss/1.0/modules/content/"
        return f'{head}<c:encoded xmlns:c="{namespace}"><![CDATA[{body}]]></c:encoded></item>\n'
    return f"{head}<description>{html.escape(body)}</description></item>\n"


def atom_entry(link: str, title: str, body: str, *, cdata: bool) -> str:
    head = (
        f'<entry><title type="html">{html.escape(html.escape(title))}</title><link href="{link}"/><id>{link}</id>'
        f"<updated>2026-11-20T09:00:00Z</updated>"
    )
    if cdata:
        return f'{head}<content type="html"><![CDATA[{body}]]></content></entry>\n'
    return f'{head}<summary type="html">{html.escape(body)}</summary></entry>\n'


def links(messages: list[Any]) -> Counter[str]:
    """The link of our making in each message."""
    return Counter(link for message in messages for link in set(LINK.findall(str(message))))


def test_each_match_in_a_hundred_real_feeds_arrives_once(tmp_path: Path) -> None:
    """Every new entry that the rule means arrives once by mail, webhook and Slack; no other does, and no feed fails."""
    site = Site(folder=tmp_path, rules=RULES, more={"delivery": {"burst": 10_000}})
    site.polling["heed_hints"] = False  # many of them ask to be left alone for an hour
    with ExitStack() as stack:
        # To the daemon a port is a host, and it asks a host for one feed at a time.
        news = News([stack.enter_context(FeedServer()) for _ in range(4)])
        hook, slack = stack.enter_context(WebhookReceiver()), stack.enter_context(WebhookReceiver())
        smtp = stack.enter_context(SmtpSink())
        for path in REAL:
            site.add_feed(path.stem, news.serve(path))
        site.channels = {
            "hook": {"type": "webhook", "url": hook.url()},
            "slack": {"type": "slack", "webhook_url": slack.url(), "rate": 1000},
            "desk": {
                "type": "email",
                "host": "127.0.0.1",
                "port": smtp.port,
                "security": "none",
                "from": "monitor@example.org",
                "to": ["desk@example.org"],
            },
        }
        site.write()
        assert len(news.feeds) > 90
        with Daemon(site) as daemon:
            news.wait_for_polls(2)  # a feed is asked again only after its first poll is in the store
            for number, feed in enumerate(news.feeds):
                news.publish(feed, *MATCHING[number % len(MATCHING)], matching=True)
                news.publish(feed, *SILENT[number % len(SILENT)], matching=False)
            hook.wait_for(len(news.expected), timeout=180)
            for number, feed in enumerate(news.feeds[::4]):
                news.publish(feed, *MATCHING[number % len(MATCHING)], matching=True)
            for receiver in (hook, slack, smtp):
                receiver.wait_for(len(news.expected), timeout=180)
            news.wait_for_polls(2)  # now nothing more may come
            assert command_json("feeds", "list", "--failing", cwd=site.folder) == []
        once = dict.fromkeys(news.expected, 1)
        assert links([request.json() for request in hook.requests]) == once
        assert links([request.json() for request in slack.requests]) == once
        assert links([mail.message.get_body(("plain",)) for mail in smtp.mails]) == once
        assert [len(hook.requests), len(slack.requests), len(smtp.mails)] == [len(once)] * 3
        for data in (request.json()["data"] for request in hook.requests):
            assert data["feed"] == news.expected[data["link"]]
        assert not re.search("Traceback|level=(warning|error|critical)", daemon.text())
