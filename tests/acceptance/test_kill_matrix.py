"""`kill -9` at every place between a poll and a settlement, for every kind of channel: nothing lost, and no copy but
of the message that was on its way.

NEWS_MONITOR_KILLS (as for test_kill) at 100 or more takes every kind through every place; less, a part of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tests.acceptance.daemon import Daemon, Site
from tests.acceptance.killed import POINTS
from tests.contract.channels import HTTP_KINDS
from tests.feedserver import FeedServer
from tests.receivers import SmtpSink, WebhookReceiver

RULE = "[[rule]]\nname = 'assad'\nquery = 'assad'\n"
FEED = '<rss version="2.0"><channel><title>The Wire</title></channel></rss>'
ITEM = "<item><guid>1</guid><title>Assad fled</title><link>https://news.example/1</link></item>"
# The receiver has it, and nobody has noted that: the one place where a copy cannot be avoided.
COPIED = {"send-after", "settle-before"}

Count = Callable[[], int]
Opened = tuple[dict[str, Any], Count]
Open = Callable[[ExitStack, Path], Opened]


def http(kind: str) -> Open:
    """A kind of channel that speaks HTTP; its copies are told by their bodies, those of a webhook by their ids."""

    def opened(stack: ExitStack, folder: Path) -> Opened:
        del folder
        channel = HTTP_KINDS[kind]
        server = stack.enter_context(WebhookReceiver(default=channel.accepted))
        written = channel.options(server.url()).model_dump(exclude_unset=True)
        return revealed(written), lambda: _same([each.body.decode() for each in server.requests])

    return opened


def apprise(stack: ExitStack, folder: Path) -> Opened:
    del folder
    pytest.importorskip("apprise")
    server = stack.enter_context(WebhookReceiver())
    url = server.url().replace("http://", "json://")
    return {"type": "apprise", "url": url}, lambda: _same([each.body.decode() for each in server.requests])


def revealed(value: Any) -> Any:
    """Options as a configuration has them, secrets included."""
    match value:
        case SecretStr():
            return value.get_secret_value()
        case dict():
            return {name: revealed(inner) for name, inner in value.items()}
        case _:
            return value


def email(stack: ExitStack, folder: Path) -> Opened:
    del folder
    sink = stack.enter_context(SmtpSink())
    options = {"type": "email", "host": "127.0.0.1", "port": sink.port, "security": "none"}
    options |= {"from": "news@example.org", "to": ["desk@example.org"]}
    return options, lambda: _same([str(mail.message["Message-ID"]) for mail in sink.mails])


def terminal(stack: ExitStack, folder: Path) -> Opened:
    del stack
    return {"type": "terminal"}, lambda: (folder / "daemon.log").read_text().count("[normal] assad | *Assad* fled")


def _same(ids: list[str]) -> int:
    """How many there are; each copy has to carry the same identity."""
    assert len(set(ids)) <= 1, ids
    return len(ids)


KINDS: dict[str, Open] = {**{kind: http(kind) for kind in HTTP_KINDS}, "email": email, "terminal": terminal}
KINDS["apprise"] = apprise
EVERYTHING = int(os.environ.get("NEWS_MONITOR_KILLS", "0")) >= 100
CASES = [
    (kind, point) for kind in KINDS for point in POINTS if EVERYTHING or kind == "webhook" or point == "send-after"
]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.mark.parametrize(("kind", "point"), CASES)
def test_a_kill_loses_nothing(tmp_path: Path, stack: ExitStack, kind: str, point: str) -> None:
    """After a restart the alert is there: once, or twice where the first copy was on its way."""
    feeds = stack.enter_context(FeedServer())
    feeds.put("/wire", FEED)
    site = Site(folder=tmp_path, rules=RULE)
    site.add_feed("wire", feeds.url("/wire"))
    site.polling |= {"min_interval": "0.2s", "interval": "0.2s"}
    site.channels["desk"], received = KINDS[kind](stack, tmp_path)
    site.write()
    with Daemon(site, program=("tests.acceptance.killed", point)) as daemon:
        feeds.wait_for_requests(2, "/wire")
        feeds.prepend_item("/wire", ITEM)
        assert daemon.process.wait(30) == -9, daemon.text()
    expected = 2 if point in COPIED else 1
    with Daemon(site) as daemon:
        # It has polled and looked at its outbox several times; nothing more may come.
        feeds.wait_for_requests(len(feeds.requests("/wire")) + 5, "/wire")
        assert received() == expected, daemon.text()
