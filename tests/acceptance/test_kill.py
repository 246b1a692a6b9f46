"""The daemon is killed with SIGKILL again and again while news keeps coming; nothing is lost, and little said twice.

NEWS_MONITOR_KILLS sets how often (25), NEWS_MONITOR_SEED repeats the choices of a run that failed.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import select
import signal
import sqlite3
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from subprocess import Popen
from typing import Literal

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from standardwebhooks import Webhook

from tests.acceptance.daemon import Daemon, Site
from tests.feedserver import FeedServer
from tests.feedserver import Request as FeedRequest
from tests.receivers import Mail, Request, SmtpSink, WebhookReceiver

pytestmark = pytest.mark.acceptance

KILLS = int(os.environ.get("NEWS_MONITOR_KILLS", "25"))
SEED = int(os.environ.get("NEWS_MONITOR_SEED") or random.SystemRandom().randrange(1_000_000))
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
RULES = """
[[rule]]
name = "leaders"
query = 'assad AND ("step down" OR asylum)'
"""
CHANNELS = ("hook", "desk", "slack")
SERVERS, FEEDS_EACH = 2, 3  # a server is a host of its own to the daemon, so two are polled at once
WINDOW = 40  # entries that a feed keeps
LINK = re.compile(r"https://example\.org/[a-z0-9-]+")

Message = tuple[str, str]
"""A channel and the link of an entry: what has to arrive once."""
Moment = Literal["starting", "asked", "received", "answered"]
"""Just started; a feed was asked for; a message is with its receiver, who has not answered; and now has."""


class Trap:
    """Kills a process when something has happened a number of times."""

    def __init__(self) -> None:
        self.sprung = threading.Event()
        self._lock = threading.Lock()
        self._process: Popen[bytes] | None = None
        self._moment: Moment | None = None
        self._left = 0
        self._at_once = False

    def arm(self, process: Popen[bytes], moment: Moment, *, count: int, at_once: bool) -> None:
        """Wait for `moment` to come for the `count`-th time; `at_once` kills in the middle of it."""
        with self._lock:
            self.sprung.clear()
            self._process, self._moment, self._left, self._at_once = process, moment, count, at_once

    def disarm(self) -> None:
        with self._lock:
            self._moment = None

    def happened(self, moment: Moment) -> None:
        """Called by the servers, in the thread that has the daemon waiting."""
        with self._lock:
            if moment != self._moment:
                return
            self._left -= 1
            if self._left > 0:
                return
            self._moment = None
            if self._at_once and self._process is not None:
                self._process.kill()
                self._process.wait(10)
            self.sprung.set()


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A message that arrived.

    Attributes:
        run: Which start of the daemon sent it; the address it was sent to or from says so.
        mark: What a receiver recognises a copy by.
    """

    channel: str
    link: str
    run: int
    mark: str

    @property
    def message(self) -> Message:
        return self.channel, self.link


class Ledger:
    """Everything that arrived, in order."""

    def __init__(self) -> None:
        self._receipts: list[Receipt] = []
        self._arrived: set[Message] = set()
        self._changed = threading.Condition()

    def note(self, receipt: Receipt) -> None:
        with self._changed:
            self._receipts.append(receipt)
            self._arrived.add(receipt.message)
            self._changed.notify_all()

    def receipts(self) -> list[Receipt]:
        with self._changed:
            return list(self._receipts)

    def has_everywhere(self, link: str) -> bool:
        with self._changed:
            return all((channel, link) in self._arrived for channel in CHANNELS)

    def wait_for(self, wanted: Collection[Message], *, quiet: float) -> set[Message]:
        """Wait until all of `wanted` has arrived; what is missing when nothing new came for `quiet` seconds."""
        with self._changed:
            while missing := set(wanted) - self._arrived:
                had = len(self._arrived)
                if not self._changed.wait_for(partial(self._has_more_than, had), quiet):
                    return missing
        return set()

    def _has_more_than(self, count: int) -> bool:
        return len(self._arrived) > count


class TrappedFeeds(FeedServer):
    """Springs the trap before it answers."""

    def __init__(self, trap: Trap) -> None:
        super().__init__()
        self._trap = trap

    def _note(self, request: FeedRequest) -> None:
        super()._note(request)
        self._trap.happened("asked")


class TrappedWebhook(WebhookReceiver):
    """Notes each message that came whole, and springs the trap before and after its answer.

    With `secret` a message whose signature is not right is as good as lost.
    """

    def __init__(self, channel: str, ledger: Ledger, trap: Trap, *, secret: str | None = None) -> None:
        super().__init__()
        self._signed = Webhook(secret) if secret is not None else None
        self._channel = channel
        self._ledger = ledger
        self._trap = trap

    def _answer(self, handler: BaseHTTPRequestHandler, request: Request) -> None:
        if len(request.body) != int(request.headers["content-length"]):
            return  # the sender died while it was writing
        if self._signed is not None:
            self._signed.verify(request.body, dict(request.headers))
        text = str(request.json())
        (link,) = set(LINK.findall(text))
        mark = request.headers.get("webhook-id") or text  # Slack has nothing but the message itself
        run = int(request.path.rpartition("/")[2])
        self._ledger.note(Receipt(channel=self._channel, link=link, run=run, mark=mark))
        self._trap.happened("received")
        super()._answer(handler, request)
        self._trap.happened("answered")


class TrappedSmtp(SmtpSink):
    """The same for mail."""

    def __init__(self, ledger: Ledger, trap: Trap) -> None:
        super().__init__()
        self._ledger = ledger
        self._trap = trap

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd
        reply = await super().handle_DATA(server, session, envelope)
        mail: Mail = self.mails[-1]
        body = mail.message.get_body(("plain",))
        assert body is not None
        (link,) = set(LINK.findall(body.get_content()))
        run = int(mail.sender.partition("@")[0].removeprefix("run-"))
        self._ledger.note(Receipt(channel="desk", link=link, run=run, mark=mail.message["Message-ID"]))
        self._trap.happened("received")
        asyncio.get_running_loop().call_soon(self._trap.happened, "answered")
        return reply


class Publisher:
    """A newsroom that never sleeps: new entries in all feeds, most of them matching, some in two feeds at once."""

    def __init__(self, servers: Sequence[FeedServer], *, done_with: Callable[[str], bool], seed: int) -> None:
        self.expected: set[str] = set()
        """Links of the entries that match the rule."""
        self.entries = 0
        self._places = [(server, f"/{number}") for server in servers for number in range(FEEDS_EACH)]
        self._items: dict[int, list[tuple[str, str]]] = {}
        self._done_with = done_with
        self._random = random.Random(seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        for place in range(len(self._places)):
            self._items[place] = [entry(f"old-{place}", matching=True), entry(f"past-{place}", matching=False)]
            self._serve(place)

    def urls(self) -> list[str]:
        return [server.url(path) for server, path in self._places]

    @contextmanager
    def publishing(self) -> Iterator[None]:
        """Publish for as long as the block lasts."""
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._random.uniform(0.05, 0.35)):
            self.entries += 1
            matching = self._random.random() < 0.7
            new = entry(f"new-{self.entries}", matching=matching)
            if matching:
                self.expected.add(new[0])
            for place in self._random.sample(range(len(self._places)), self._random.choice((1, 1, 1, 2))):
                self._items[place] = [new, *self._trimmed(place)]
                self._serve(place)

    def _trimmed(self, place: int) -> list[tuple[str, str]]:
        """An entry leaves its feed only when it has done its work, as a feed's window cannot cover any outage."""
        items = self._items[place]
        old = [(link, text) for link, text in items[WINDOW:] if link in self.expected and not self._done_with(link)]
        return items[:WINDOW] + old

    def _serve(self, place: int) -> None:
        server, path = self._places[place]
        items = "".join(text for _link, text in self._items[place])
        # What is not well-formed is read by a worker process, for some of them to be there when the daemon is killed.
        broken = "<description>a <b>bold word</description>" if place % 2 else ""
        server.put(path, f'<rss version="2.0"><channel><title>Feed {place}</title>{broken}{items}</channel></rss>')


def entry(name: str, *, matching: bool) -> tuple[str, str]:
    """An entry's link, and the `<item>`."""
    link = f"https://example.org/{name}"
    text = "Assad was offered asylum." if matching else "Assad was offered tea."
    title = f"Talks, day {name}"
    return link, (
        f"<item><guid>{name}</guid><title>{title}</title><link>{link}</link><description>{text}</description></item>"
    )


class Victim(Daemon):
    """A daemon that is started without waiting for it."""

    def begin(self) -> None:
        self._notify.setblocking(False)
        try:
            while True:
                self._notify.recv(4096)  # what the one before had to say
        except BlockingIOError:
            self.process = self._start()


@dataclass(kw_only=True)
class Ordeal:
    """One run of the harness.

    Attributes:
        pending: For each kill, what was not yet recorded as sent when the store was read after it.
        moments: How often the daemon was killed when.
        orphans: Process ids of what a killed daemon left running, at first.
    """

    site: Site
    servers: Sequence[FeedServer]
    hook: WebhookReceiver
    slack: WebhookReceiver
    smtp: SmtpSink
    trap: Trap
    ledger: Ledger
    publisher: Publisher
    random: random.Random
    pending: list[set[Message]] = field(default_factory=list)
    moments: Counter[str] = field(default_factory=Counter)
    orphans: set[int] = field(default_factory=set)

    def configure(self) -> None:
        """Write the configuration in which every message tells the run that it comes from."""
        run = len(self.pending)
        self.site.channels["hook"] = {"type": "webhook", "url": self.hook.url(f"/{run}"), "secret": SECRET}
        self.site.channels["slack"] = {"type": "slack", "webhook_url": self.slack.url(f"/{run}"), "rate": 1000}
        self.site.channels["desk"] = {
            "type": "email",
            "host": "127.0.0.1",
            "port": self.smtp.port,
            "security": "none",
            "from": f"run-{run}@example.org",
            "to": ["desk@example.org"],
        }
        self.site.write()

    def restart(self, daemon: Victim) -> None:
        """Look at what the kill left, and start again."""
        self.orphans |= processes_in(self.site.folder)
        self.pending.append(read_store(self.site.database()))
        self.configure()
        daemon.begin()

    def wait_for_polls(self, count: int) -> None:
        """Wait until every feed was asked `count` times more."""
        paths = [f"/{number}" for number in range(FEEDS_EACH)]
        before = {(server, path): len(server.requests(path)) for server in self.servers for path in paths}
        for (server, path), had in before.items():
            server.wait_for_requests(had + count, path, timeout=120)

    def kill_in_baseline(self, daemon: Victim) -> None:
        """Kill it while it takes the baselines, and wait until the next one has taken them all."""
        self.trap.arm(daemon.process, "asked", count=self.random.randint(1, SERVERS * FEEDS_EACH), at_once=False)
        self._wait_for_trap(daemon)
        daemon.kill()
        self.moments["baseline"] += 1
        self.restart(daemon)
        self.wait_for_polls(2)  # a feed is asked again only after its first poll is in the store

    def kill(self, daemon: Victim) -> None:
        """Kill it at a moment of chance."""
        moment: Moment = self.random.choice(("starting", "asked", "received", "received", "answered", "answered"))
        self.moments[moment] += 1
        if moment == "starting":
            pause(self.random.uniform(0.0, 2.5))
        else:
            at_once = self.random.random() < 0.5
            count = self.random.randint(1, 10 if moment == "asked" else 50)
            self.trap.arm(daemon.process, moment, count=count, at_once=at_once)
            self._wait_for_trap(daemon)
            if not at_once:
                pause(self.random.uniform(0.0, 0.1))
        self.trap.disarm()
        daemon.kill()

    def _wait_for_trap(self, daemon: Victim) -> None:
        for _ in range(60):
            if self.trap.sprung.wait(1):
                return
            assert daemon.process.poll() in (None, -signal.SIGKILL), f"ended by itself:\n{daemon.text()[-5000:]}"
        raise AssertionError(f"no such moment in a minute:\n{daemon.text()[-5000:]}")


def pause(seconds: float) -> None:
    threading.Event().wait(seconds)


def read_store(path: Path) -> set[Message]:
    """The deliveries that are pending in the file as it lies there; asserts that it is sound."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        rows = connection.execute(
            "SELECT channel, json_extract(document, '$.link') FROM deliveries JOIN alerts ON alerts.id = alert_id"
            " WHERE state = 'pending'"
        )
        return {(channel, link) for channel, link in rows}


def delivery_states(path: Path) -> Mapping[str, int]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return dict(connection.execute("SELECT state, count(*) FROM deliveries GROUP BY state"))


def processes_in(folder: Path) -> set[int]:
    """Processes that were started in `folder`: the daemon, and those that it started."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == folder:
                found.add(int(process.name))
        except OSError:
            continue  # gone, or another user's
    return found


def wait_until_gone(process: int, *, timeout: float) -> bool:
    try:
        descriptor = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], timeout)[0])
    finally:
        os.close(descriptor)


def copies(receipts: Sequence[Receipt], pending: Sequence[Collection[Message]]) -> list[Receipt]:
    """The receipts after which the same message came again; asserts that a kill between send and record explains each.

    That is so when the run that sent it first was killed while the store still had it as not sent. A channel sends one
    message at a time, so a kill explains one copy on each channel and no more.
    """
    grouped: dict[Message, list[Receipt]] = defaultdict(list)
    for receipt in receipts:
        grouped[receipt.message].append(receipt)
    repeated = []
    for message, received in grouped.items():
        assert len({receipt.mark for receipt in received}) == 1, received
        assert len({receipt.run for receipt in received}) == len(received), f"twice in one run: {received}"
        for receipt in sorted(received, key=lambda receipt: receipt.run)[:-1]:
            assert message in pending[receipt.run], f"recorded as sent, and sent again: {received}"
            repeated.append(receipt)
    each = Counter((receipt.run, receipt.channel) for receipt in repeated)
    assert all(count == 1 for count in each.values()), each
    return repeated


@pytest.fixture
def ordeal(tmp_path: Path) -> Iterator[Ordeal]:
    trap, ledger = Trap(), Ledger()
    with ExitStack() as stack:
        servers = [stack.enter_context(TrappedFeeds(trap)) for _ in range(SERVERS)]
        publisher = Publisher(servers, done_with=ledger.has_everywhere, seed=SEED)
        site = Site(folder=tmp_path, rules=RULES, more={"delivery": {"burst": 10_000}})
        for number, url in enumerate(publisher.urls()):
            site.add_feed(f"feed-{number}", url)
        made = Ordeal(
            site=site,
            servers=servers,
            hook=stack.enter_context(TrappedWebhook("hook", ledger, trap, secret=SECRET)),
            slack=stack.enter_context(TrappedWebhook("slack", ledger, trap)),
            smtp=stack.enter_context(TrappedSmtp(ledger, trap)),
            trap=trap,
            ledger=ledger,
            publisher=publisher,
            random=random.Random(SEED),
        )
        made.configure()
        yield made


def test_killed_again_and_again_it_loses_nothing(ordeal: Ordeal) -> None:
    """Every matching entry arrives on every channel, and each copy is of a message that was on its way at a kill."""
    print(f"NEWS_MONITOR_SEED={SEED}")
    ledger, publisher = ordeal.ledger, ordeal.publisher
    with Victim(ordeal.site) as daemon:
        ordeal.kill_in_baseline(daemon)
        with publisher.publishing():
            while len(ordeal.pending) < KILLS:
                ordeal.kill(daemon)
                ordeal.restart(daemon)
        wanted = {(channel, link) for channel in CHANNELS for link in publisher.expected}
        missing = ledger.wait_for(wanted, quiet=60)
        assert not missing, (len(missing), sorted(missing)[:10], daemon.text()[-5000:])
        ordeal.wait_for_polls(2)  # now nothing more may come
        assert daemon.stop() == 0, daemon.text()[-5000:]
    receipts = ledger.receipts()
    repeated = copies(receipts, ordeal.pending)
    print(
        f"{len(ordeal.pending)} kills ({', '.join(f'{count} {moment}' for moment, count in ordeal.moments.items())}), "
        f"{publisher.entries} entries published, {len(wanted)} messages expected, {len(receipts)} received, "
        f"{len(repeated)} copies"
    )
    assert {receipt.message for receipt in receipts} == wanted
    assert len(receipts) == len(wanted) + len(repeated)
    assert read_store(ordeal.site.database()) == set()
    assert delivery_states(ordeal.site.database()) == {"sent": len(wanted)}
    assert ordeal.orphans, "no kill met a worker process; this test looks for them in the wrong place"
    left = processes_in(ordeal.site.folder) | ordeal.orphans
    assert [process for process in left if not wait_until_gone(process, timeout=10)] == []
    assert "Traceback" not in daemon.text()
