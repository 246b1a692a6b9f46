"""What publishers do to the ids of their entries, poll by poll, on the real daemon: nothing is said twice or lost.

Each scenario is the documents that a feed has one after the other, and the headlines of which an alert has to come, in
any order. The first document is the baseline.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from monitor.clock import SystemClock
from monitor.model import DeliveryState
from monitor.store.open import open_store
from tests.acceptance.daemon import Daemon, Site, command
from tests.feedserver import FeedServer
from tests.receivers import WebhookReceiver

pytestmark = pytest.mark.acceptance

RULE = """
[[rule]]
name = "all"
query = 'feed:wire'
"""
# Nine articles that have nothing in common but that they are news.
STORIES = (
    (
        "Harbour pilots in Rotterdam vote for a strike",
        "Three quarters of the pilots backed a walkout over night shifts.",
    ),
    ("Glacier lake above Huaraz is drained by half", "Siphons moved six million litres in a week, engineers reported."),
    ("Chess body bans engine talk in the hall", "Referees may now search spectators for earpieces during rounds."),
    ("Lithium found under an old tin mine in Cornwall", "Drill cores from Redruth held twice the expected grade."),
    ("Night trains return to the Pyrenees line", "Sleepers between Paris and Cerbère run daily from December on."),
    ("Museum gives bronzes back to Benin City", "Twenty-nine plaques were flown home after a decade of talks."),
    ("Beekeepers blame a mild autumn for losses", "Colonies kept brooding and ran out of stores before the frost."),
    ("Ferry company orders four electric catamarans", "The yard in Tasmania is to deliver the first in spring."),
    ("Court stops the sale of a lighthouse island", "Heirs had sold it twice, the judge in Trondheim found."),
)


@dataclass(frozen=True)
class Article:
    """An item of a feed; a guid or link of "" is left out."""

    title: str
    text: str
    guid: str
    link: str
    date: str = ""
    source: str = ""

    def xml(self) -> str:
        parts = {"title": self.title, "description": self.text, "link": self.link, "pubDate": self.date}
        tags = "".join(f"<{tag}>{html.escape(value)}</{tag}>" for tag, value in parts.items() if value)
        guid = f'<guid isPermaLink="false">{self.guid}</guid>' if self.guid else ""
        source = f'<source url="https://outlet.example/">{self.source}</source>' if self.source else ""
        return f"<item>{tags}{guid}{source}</item>"


def article(number: int, *, prefix: str = "a") -> Article:
    """The `number`th story, as it is at first."""
    title, text = STORIES[number]
    slug = title.lower().replace(" ", "-")
    return Article(
        title=title,
        text=text,
        guid=f"{prefix}-{number}",
        link=f"https://news.example/2026/11/{slug}",
        date=f"Mon, 23 Nov 2026 1{number}:17:0{number} GMT",
    )


A = [article(number) for number in range(len(STORIES))]


def titles(*numbers: int) -> list[str]:
    return [STORIES[number][0] for number in numbers]


@dataclass(frozen=True)
class Scenario:
    """The documents of a feed, and what is to be said of them.

    Attributes:
        articles: How many there are: so many entries are to be stored, for stories would hide a second copy.
        ids: What `feeds show` says of its ids, at the end.
        ops: Titles of what the operators are told.
    """

    documents: Sequence[Sequence[Article]]
    said: Sequence[str]
    articles: int = 4
    ids: str = ""
    ops: Sequence[str] = field(default_factory=tuple)


def google(number: int, poll: int) -> Article:
    """As Google News has it: guid and link are new at each poll, title, outlet and date stay."""
    opaque = f"CBMi{poll}x{number}q{poll * 7919 + number}"
    return replace(
        A[number],
        title=f"{A[number].title} - Outlet {number}",
        text=f'<a href="https://news.google.example/rss/articles/{opaque}">{A[number].title}</a> Outlet {number}',
        guid=opaque,
        link=f"https://news.google.example/rss/articles/{opaque}?oc=5",
        source=f"Outlet {number}",
    )


WARNINGS = [
    replace(
        A[0],
        title="Tornado warning",
        text=f"A tornado warning is in effect for {county} County until {until}. Take cover now.",
        guid=f"warning-{county}",
        link="https://weather.example/warnings",
    )
    for county, until in (("Cook", "5:30 PM"), ("Lake", "7:45 PM"), ("Will", "9:15 PM"))
]
SHARED = [replace(each, guid="", link="https://blog.example/feed") for each in A]
CONSTANT = [replace(each, guid="item", link=f"https://notices.example/{n}") for n, each in enumerate(A)]


def new_guid(each: Article) -> Article:
    return replace(each, guid=f"new-{each.guid}")


def new_link(each: Article) -> Article:
    return replace(each, link=each.link.replace("news.example/2026/11", "www.paper.example/world"))


def reissued(each: Article) -> Article:
    return new_link(replace(new_guid(each), text=f"<p>{each.text}</p>"))


SCENARIOS = {
    "a guid changes": Scenario(
        [A[1:4], A[:4], [new_guid(A[0]), *A[1:4]], [new_guid(new_guid(A[0])), *A[1:4]], A[:4]], titles(0)
    ),
    "a link changes, which is the guid": Scenario(
        [
            [replace(each, guid=each.link) for each in A[1:4]],
            [replace(each, guid=each.link) for each in A[:4]],
            [replace(each, guid=each.link) for each in (new_link(A[0]), *A[1:4])],
        ],
        titles(0),
    ),
    "a link changes": Scenario([A[1:4], A[:4], [new_link(A[0]), *A[1:4]]], titles(0)),
    "guid and link change": Scenario([A[1:4], A[:4], [new_link(new_guid(A[0])), *A[1:4]]], titles(0)),
    "guid and headline change": Scenario(
        [A[1:4], A[:4], [replace(new_guid(A[0]), title="Pilots at Rotterdam harbour to strike"), *A[1:4]]], titles(0)
    ),
    "the date is bumped": Scenario(
        [A[1:4], A[:4], *([replace(A[0], date=f"Tue, 24 Nov 2026 08:0{n}:00 GMT"), *A[1:4]] for n in range(3))],
        titles(0),
    ),
    "one link for all": Scenario(
        [SHARED[3:6], SHARED[2:6], SHARED[1:5], SHARED[:1], SHARED[:3]], titles(2, 1, 0), articles=6
    ),
    "one guid for all, one entry at a time": Scenario(
        [[CONSTANT[0]], [CONSTANT[1]], [CONSTANT[2]], [CONSTANT[3]], [CONSTANT[3]], [CONSTANT[1]]],
        titles(1, 2, 3),
        ids="different entries have the same id",
    ),
    "guids that collide": Scenario(
        [CONSTANT[4:6], CONSTANT[3:6], CONSTANT[2:5], CONSTANT[2:3], CONSTANT[1:4]],
        titles(3, 2, 1),
        articles=5,
        ids="different entries have the same id",
    ),
    "warnings under one headline and link": Scenario(
        [WARNINGS[:1], WARNINGS[:2], WARNINGS[1:2], WARNINGS[1:], WARNINGS], ["Tornado warning"] * 2, articles=3
    ),
    "emptied and refilled": Scenario([A[1:4], A[:4], [], A[:4], [], A[:3]], titles(0)),
    "tracking parameters": Scenario(
        [
            [replace(each, guid="", link=f"{each.link}?utm_source=rss&utm_content=v{n}&at_ptr={n}") for each in A[1:4]]
            if n == 0
            else [
                replace(each, guid="", link=f"{each.link}?utm_source=rss&utm_content=v{n}&at_ptr={n}") for each in A[:4]
            ]
            for n in range(4)
        ],
        titles(0),
    ),
    "mobile and AMP pages": Scenario(
        [
            [replace(each, guid="") for each in A[1:4]],
            [replace(each, guid="") for each in A[:4]],
            [replace(each, guid="", link=each.link.replace("//", "//m.")) for each in A[:4]],
            [replace(each, guid="", link=f"{each.link}/amp") for each in A[:4]],
        ],
        titles(0),
    ),
    "as Google News": Scenario(
        [
            [google(number, 0) for number in (4, 5, 6, 7)],
            *([google(number, poll) for number in (3, 4, 5, 6)] for poll in (1, 2, 3, 4)),
            [google(number, 5) for number in (2, 3, 4, 5)],
            [google(number, 6) for number in (1, 2, 3, 4)],
            [google(number, 7) for number in (1, 2, 3, 4)],
        ],
        [f"{STORIES[number][0]} - Outlet {number}" for number in (3, 2, 1)],
        articles=7,
        ids="entries are told apart by title and source",
        ops=["The feed wire has new ids for its old entries"],
    ),
    "new guids at each poll": Scenario(
        [
            [replace(each, guid=f"{poll}-{each.guid}") for each in A[start : start + 4]]
            for poll, start in enumerate((4, 3, 3, 3, 3, 2, 2, 1))
        ],
        titles(3, 2, 1),
        articles=7,
        ids="entries are told apart by link",
        ops=["The feed wire has new ids for its old entries"],
    ),
    "re-issued whole, with two that are new": Scenario(
        [A[2:], A[2:], [reissued(each) for each in A], [reissued(each) for each in A]],
        titles(0, 1),
        articles=9,
        ops=["The feed wire has new ids for its old entries"],
    ),
}


@pytest.fixture
def receivers() -> Iterator[tuple[WebhookReceiver, WebhookReceiver]]:
    with WebhookReceiver() as news, WebhookReceiver() as ops:
        yield news, ops


@pytest.fixture
def site(tmp_path: Path, feeds: FeedServer, receivers: tuple[WebhookReceiver, WebhookReceiver]) -> Site:
    news, ops = receivers
    made = Site(folder=tmp_path, rules=RULE)
    made.add_feed("wire", feeds.url("/wire"))
    made.polling |= {"min_interval": "0.2s", "interval": "0.2s"}
    made.channels["news"] = {"type": "webhook", "url": news.url()}
    made.channels["ops"] = {"type": "webhook", "url": ops.url()}
    made.more = {"routes": [{"name": "all", "channels": ["news"]}], "ops": {"channels": ["ops"]}}
    made.write()
    return made


def rss(document: Sequence[Article]) -> str:
    items = "".join(each.xml() for each in document)
    return f'<rss version="2.0"><channel><title>The Wire</title>{items}</channel></rss>'


def publish(feeds: FeedServer, document: Sequence[Article], *, path: str = "/wire") -> None:
    """Put up a document, and see it polled, committed, and answered 304 after that."""
    feeds.put(path, rss(document))
    feeds.wait_for_requests(len(feeds.requests(path)) + 3, path, timeout=60)


def headlines(receiver: WebhookReceiver) -> list[str]:
    bodies = [request.json() for request in receiver.requests]
    alerts = [
        each for body in bodies for each in (body["data"]["alerts"] if body["type"] == "alerts" else [body["data"]])
    ]
    return [alert["title"]["text"] for alert in alerts]


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_publishers_do_to_ids(
    name: str, site: Site, feeds: FeedServer, receivers: tuple[WebhookReceiver, WebhookReceiver]
) -> None:
    """Exactly the alerts that are wanted, and one word to the operators where ids changed all at once."""
    scenario = SCENARIOS[name]
    news, ops = receivers
    feeds.put("/wire", rss(scenario.documents[0]))
    with Daemon(site):
        for document in scenario.documents:
            publish(feeds, document)
    with closing(open_store(f"sqlite:///{site.database()}", now=SystemClock().now(), migrate=False)) as store:
        assert {each.state for each in store.deliveries()} <= {DeliveryState.SENT}
        assert store.status(now=SystemClock().now()).entries == scenario.articles
    assert sorted(headlines(news)) == sorted(scenario.said)
    told = [title for title in headlines(ops) if "ids" in title]
    assert told == [*scenario.ops]
    if scenario.ids:
        shown = command("feeds", "show", "wire", cwd=site.folder).stdout
        assert scenario.ids in " ".join(shown.split())


def test_a_feed_that_moves_to_another_url(
    site: Site, feeds: FeedServer, receivers: tuple[WebhookReceiver, WebhookReceiver]
) -> None:
    """The user changes its `url`: what the new address has under other ids is known, what is new there is said."""
    news, _ops = receivers
    feeds.put("/wire", rss(A[4:7]))
    with Daemon(site) as daemon:
        publish(feeds, A[4:7])
        publish(feeds, A[3:7])
        feeds.put("/moved", rss([reissued(each) for each in A[2:7]]))
        site.feeds[0]["url"] = feeds.url("/moved")
        site.write()
        daemon.reload()
        feeds.wait_for_requests(3, "/moved", timeout=60)
        publish(feeds, [reissued(each) for each in A[1:6]], path="/moved")
    assert headlines(news) == titles(3, 2, 1)


def test_an_edit_is_told_as_a_reply_where_a_rule_asks_for_it(
    site: Site, feeds: FeedServer, receivers: tuple[WebhookReceiver, WebhookReceiver]
) -> None:
    """The rule that has spoken replies once, one that matches only now alerts, and looks are no edit."""
    news, _ops = receivers
    site.rules = """
[[rule]]
name = "pilots"
query = 'pilots'
on_edit = "reply"

[[rule]]
name = "quiet"
query = 'rotterdam'

[[rule]]
name = "ferries"
query = 'ferries'
"""
    site.write()
    old = A[0]
    bumped = replace(old, date="Tue, 24 Nov 2026 08:00:00 GMT", text=f"<p>{old.text.upper()}</p><p>23 comments</p>")
    edited = replace(
        bumped, guid="another-id", title="Pilots in Rotterdam to strike", text=f"{old.text} Ferries are to be spared."
    )
    feeds.put("/wire", rss(A[1:4]))
    with Daemon(site):
        for first in (A[1], old, bumped, edited, edited, bumped, edited):
            publish(feeds, [first, *A[2:4]])
    data = [request.json()["data"] for request in news.requests]
    told = [(each["rule"], each["kind"], each["title"]["text"], each["note"]) for each in data]
    assert sorted(told[:2]) == [("pilots", "news", old.title, ""), ("quiet", "news", old.title, "")]
    change = f"Headline changed: “{old.title}” → “{edited.title}”; added: “Ferries are to be spared.”"
    back = f"Headline changed: “{edited.title}” → “{old.title}”; taken out: “Ferries are to be spared.”"
    assert sorted(told[2:4]) == [("ferries", "news", edited.title, ""), ("pilots", "update", edited.title, change)]
    assert told[4:] == [("pilots", "update", old.title, back)]
    with closing(open_store(f"sqlite:///{site.database()}", now=SystemClock().now(), migrate=False)) as store:
        alerts = [each.alert for each in reversed(store.deliveries()) if each.alert.rule == "pilots"]
    assert len(alerts) == 3
    assert len({each.story for each in alerts}) == 1
