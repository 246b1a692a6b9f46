"""The real daemon reads the pages that entries link to: what it finds there, what it costs, what goes wrong."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.daemon import Daemon, Site, command
from tests.feedserver import FeedServer, Route
from tests.receivers import WebhookReceiver

pytest.importorskip("trafilatura")
pytestmark = pytest.mark.acceptance

ASSAD = "Two officials in the capital said on Tuesday that Assad would step down before the end of the month."
RAIN = "It rained on the capital for the third day in a row, and the markets stayed closed until the evening."
RULES = """
[[rule]]
name = "leaders"
query = 'assad AND "step down"'
"""


def page(*paragraphs: str) -> Route:
    """A web page with an article, and with what stands around articles."""
    text = "".join(f"<p>{html.escape(paragraph)}</p>" for paragraph in paragraphs)
    document = f"<html><body><nav><a href='/'>Home</a></nav><article><h1>News</h1>{text}</article></body></html>"
    return Route(body=document.encode(), content_type="text/html; charset=utf-8", etag=False)


def item(title: str, link: str, text: str = "") -> str:
    told = f"<description>{html.escape(text)}</description>"
    return f"<item><guid isPermaLink='false'>{link}</guid><title>{title}</title><link>{link}</link>{told}</item>"


@pytest.fixture
def pages() -> Iterator[FeedServer]:
    with FeedServer() as server:
        yield server


@pytest.fixture
def site(tmp_path: Path, feeds: FeedServer, hook: WebhookReceiver) -> Site:
    """A feed that wants pages; this machine may be asked for them."""
    feeds.put("/wire", "<rss version='2.0'><channel><title>The Wire</title></channel></rss>")
    made = Site(folder=tmp_path, rules=RULES)
    made.add_feed("wire", feeds.url("/wire"), full_text=True)
    made.polling["allow"] = ["127.0.0.1"]
    made.polling["deadline"] = "2s"
    made.channels["hook"] = {"type": "webhook", "url": hook.url()}
    made.write()
    return made


def said(hook: WebhookReceiver) -> list[str]:
    """The headlines that arrived, in any order."""
    found = []
    for request in list(hook.requests):
        data = request.json()["data"]
        found += [alert["title"]["text"] for alert in data.get("alerts", [data])]
    return sorted(found)


def wait_until_tried(site: Site, daemon: Daemon, feeds: FeedServer, link: str) -> dict[str, Any]:
    """What `why` tells of a page when it was attended to; what is waited for meanwhile are polls of the feed."""
    for _ in range(60):
        done = command("why", link, "--json", cwd=site.folder)
        if done.returncode == 0:  # else its entry is not stored yet
            (entry,) = json.loads(done.stdout)["entries"]
            found: dict[str, Any] = entry["page"]
            if found["state"] != "wanted" or found["attempts"]:
                return found
        feeds.wait_for_requests(len(feeds.requests("/wire")) + 1, "/wire")
    raise AssertionError(f"nobody tried to read {link}:\n{daemon.text()}")


def test_a_word_on_the_linked_page_alerts(
    site: Site, feeds: FeedServer, pages: FeedServer, hook: WebhookReceiver
) -> None:
    """The feed says nothing; the alert quotes the page, comes once, and `why` knows where it is from."""
    link = pages.url("/1")
    pages.put("/1", page(RAIN, ASSAD))
    pages.redirect("/moved", "/1")
    with Daemon(site):
        feeds.wait_for_requests(2, "/wire")
        feeds.prepend_item("/wire", item("Cabinet meets", pages.url("/moved"), "The weekly meeting."))
        (request,) = hook.wait_for(1, timeout=60)
        feeds.wait_for_requests(len(feeds.requests("/wire")) + 3, "/wire")
        told = command("why", pages.url("/moved"), cwd=site.folder).stdout
        shown = command("feeds", "show", "wire", cwd=site.folder).stdout
    data = request.json()["data"]
    assert [excerpt["text"] for excerpt in data["excerpts"]] == [ASSAD]
    assert data["title"]["text"] == "Cabinet meets"
    assert said(hook) == ["Cabinet meets"]
    assert [each.path for each in pages.requests()] == ["/moved", "/1"]
    assert pages.requests()[0].headers["user-agent"].startswith("news-monitor/")
    assert "its page was read" in told
    assert "page “Assad”" in told
    assert "1 read, 0 waiting, 0 not read" in shown
    assert link not in told


def test_bad_pages_hold_up_nothing_and_are_explained(site: Site, feeds: FeedServer, hook: WebhookReceiver) -> None:
    """One that hangs, one that is gone, one too large, one that is a film; each a site of its own."""
    answers = {
        "Hangs": (Route(manner="hang"), "did not finish its answer within 2 s"),
        "Gone": (Route(status=404, content_type="text/html"), "HTTP 404 Not Found"),
        "Large": (page("x" * 6_000_000), "larger than 5 MB"),
        "Film": (Route(body=b"\x00\x01" * 1000, content_type="video/mp4"), "video/mp4, not HTML"),
        "Empty": (
            Route(body=b"<html><body><img src=x></body></html>", content_type="text/html"),
            "no text of an article",
        ),
    }
    servers = {title: FeedServer() for title in answers}
    for title, (route, _) in answers.items():
        servers[title].__enter__()
        servers[title].put(f"/{title}", route)
    try:
        with Daemon(site) as daemon:
            feeds.wait_for_requests(2, "/wire")
            feeds.prepend_item("/wire", "".join(item(title, servers[title].url(f"/{title}")) for title in answers))
            for title, server in servers.items():
                server.wait_for_requests(1, f"/{title}")
            # While one of them hangs, what feeds say is said.
            feeds.prepend_item("/wire", item("Assad to step down", "https://news.invalid/x"))
            hook.wait_for(1, timeout=60)
            told = {title: wait_until_tried(site, daemon, feeds, servers[title].url(f"/{title}")) for title in answers}
            log = daemon.text()
    finally:
        for server in servers.values():
            server.__exit__(None, None, None)
    for title, (_, why) in answers.items():
        assert why in told[title]["error"], title
    assert [title for title in answers if told[title]["state"] == "wanted"] == ["Hangs"]
    assert said(hook) == ["Assad to step down"]
    assert log.count("page not read") >= len(answers)


def test_a_kill_between_poll_and_page_loses_nothing(
    site: Site, feeds: FeedServer, pages: FeedServer, hook: WebhookReceiver
) -> None:
    """The page that was on its way is read after the restart, and said once."""
    site.polling["deadline"] = "60s"
    site.write()
    link = pages.put("/1", Route(manner="hang"))
    with Daemon(site) as daemon:
        feeds.wait_for_requests(2, "/wire")
        feeds.prepend_item("/wire", item("Cabinet meets", link))
        pages.wait_for_requests(1, "/1")
        daemon.kill()
        pages.put("/1", page(RAIN, ASSAD))
        daemon.restart()
        hook.wait_for(1, timeout=60)
        feeds.wait_for_requests(len(feeds.requests("/wire")) + 3, "/wire")
    assert said(hook) == ["Cabinet meets"]
    assert len(pages.requests("/1")) == 2


def test_each_page_is_asked_for_once(site: Site, feeds: FeedServer, pages: FeedServer, hook: WebhookReceiver) -> None:
    """Whatever it answers, and however often its entry comes."""
    site.polling["host_delay"] = "0.1s"
    site.write()
    links = [pages.put(f"/{number}", page(RAIN, f"{ASSAD} For the {number}th time.")) for number in range(5)]
    pages.put("/4", Route(status=404))
    with Daemon(site):
        feeds.wait_for_requests(2, "/wire")
        feeds.prepend_item("/wire", "".join(item(f"News {number}", link) for number, link in enumerate(links)))
        pages.wait_for_requests(5)
        feeds.prepend_item("/wire", item("News 0", links[0], "Edited."))
        feeds.wait_for_requests(len(feeds.requests("/wire")) + 3, "/wire")
        hook.await_taken(4)
    assert sorted(request.path for request in pages.requests()) == [f"/{number}" for number in range(5)]


def test_a_feed_cannot_lead_into_the_house(site: Site, feeds: FeedServer, pages: FeedServer) -> None:
    """Addresses come from outside: neither this machine nor a cloud's own data is asked unless the user allows it."""
    del site.polling["allow"]
    site.write()
    links = [
        pages.put("/admin", page(ASSAD)),
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "http://127.1/",
    ]
    with Daemon(site) as daemon:
        feeds.wait_for_requests(2, "/wire")
        feeds.prepend_item("/wire", "".join(item(f"News {number}", link) for number, link in enumerate(links)))
        told = [wait_until_tried(site, daemon, feeds, link) for link in links]
    assert [each["state"] for each in told] == ["failed"] * len(links)
    assert all("polling.allow" in each["error"] for each in told), told
    assert pages.requests() == []
