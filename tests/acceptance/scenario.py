"""Scenarios in the style of Alertmanager's acceptance tests: what is published when, and what has to arrive when.

    timeline.push_at("22:10", "Assad fled")
    timeline.want_between("07:00", "07:02", quiet, "Assad fled")

The daemon is the real process, the receivers are real servers; only its clock is set forward from one moment to the
next. A message that was not wanted, or outside of its window, fails the scenario like one that is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from tests.acceptance.daemon import Daemon, Site
from tests.feedserver import FeedServer
from tests.receivers import SmtpSink, WebhookReceiver, machine_time

# The daemon has lived through a moment when it has polled so often since.
_POLLS = 3


class Receiver(Protocol):
    """Where messages arrive; each as its time, and the headlines that it holds."""

    name: str

    def messages(self) -> list[tuple[datetime, tuple[str, ...]]]: ...

    def wait_for(self, count: int) -> None: ...


@dataclass
class Hook:
    """A webhook channel; only what it took counts."""

    name: str
    server: WebhookReceiver

    def messages(self) -> list[tuple[datetime, tuple[str, ...]]]:
        taken = [request for request in list(self.server.requests) if 200 <= request.status < 300]
        return [(datetime.fromtimestamp(each.at, UTC), headlines(each.json())) for each in taken]

    def wait_for(self, count: int) -> None:
        self.server.await_taken(count)


@dataclass
class SlackBot:
    """A Slack channel with a bot's token, whose answers are 200 whether they mean yes or no."""

    name: str
    server: WebhookReceiver

    def messages(self) -> list[tuple[datetime, tuple[str, ...]]]:
        taken = [request for request in list(self.server.requests) if '"ok": true' in request.answer]
        return [(datetime.fromtimestamp(each.at, UTC), (each.json()["text"],)) for each in taken]

    def wait_for(self, count: int) -> None:
        self.server.await_taken(count + len(self.server.requests) - len(self.messages()))


@dataclass
class Mailbox:
    """An e-mail channel."""

    name: str
    server: SmtpSink

    def messages(self) -> list[tuple[datetime, tuple[str, ...]]]:
        return [(datetime.fromtimestamp(mail.at, UTC), (mail.message["Subject"],)) for mail in list(self.server.mails)]

    def wait_for(self, count: int) -> None:
        self.server.await_taken(count)


def headlines(body: dict[str, Any]) -> tuple[str, ...]:
    """Of each alert that a webhook was sent."""
    alerts = body["data"]["alerts"] if body["type"] == "alerts" else [body["data"]]
    return tuple(alert["title"]["text"] for alert in alerts)


@dataclass
class _Want:
    after: datetime
    before: datetime
    receiver: Receiver
    headlines: tuple[str, ...]

    def __str__(self) -> str:
        window = f"{self.after:%d %b %H:%M:%S} to {self.before:%H:%M:%S}"
        return f"{self.receiver.name}: {', '.join(self.headlines)}, {window} UTC"


@dataclass
class Timeline:
    """One scenario. Moments are "HH:MM[:SS]" or "DD HH:MM[:SS]" of the month of `start`, in `zone`.

    Attributes:
        receivers: Nothing may arrive at any of them but what is wanted there.
    """

    site: Site
    feeds: FeedServer
    start: datetime
    zone: ZoneInfo
    receivers: list[Receiver] = field(default_factory=list)
    wants: list[_Want] = field(default_factory=list)
    _actions: list[tuple[datetime, Callable[[Daemon], None]]] = field(default_factory=list)
    _pushed: int = 0

    @property
    def offset_file(self) -> Path:
        return self.site.folder / "clock-ahead"

    def now(self) -> float:
        """The daemon's time, in unix seconds."""
        ahead = float(self.offset_file.read_text()) if self.offset_file.exists() else 0.0
        return machine_time() + ahead

    def moment(self, text: str) -> datetime:
        day, _, clock = text.rpartition(" ")
        parts = [int(part) for part in clock.split(":")]
        local = self.start.astimezone(self.zone)
        local = local.replace(day=int(day or local.day), hour=parts[0], minute=parts[1], second=(*parts, 0)[2])
        return local.replace(fold=0).astimezone(UTC)

    def push_at(self, when: str, *titles: str) -> None:
        """Publish items with these titles, in one version of the feed."""
        self.do_at(when, lambda _daemon: self._publish(titles))

    def do_at(self, when: str, action: Callable[[Daemon], None]) -> None:
        """Do something else at a moment."""
        self._actions.append((self.moment(when), action))

    def want_between(self, after: str, before: str, receiver: Receiver, *titles: str) -> None:
        """One message with these headlines, in any order."""
        self.wants.append(_Want(self.moment(after), self.moment(before), receiver, titles))

    def run(self) -> str:
        """Play it; what the daemon printed. Fails on a missing, late, early or unwanted message."""
        self._set(self.start)
        with Daemon(self.site, program=("tests.acceptance.shifted", str(self.offset_file))) as daemon:
            self._live()
            for moment, action in sorted(self._moments(), key=lambda each: each[0]):
                self._set(moment)
                if action is not None:
                    action(daemon)
                self._live()
                for receiver in self.receivers:
                    receiver.wait_for(sum(want.receiver is receiver and want.after <= moment for want in self.wants))
            self._live()
        self._judge()
        return daemon.text()

    def _moments(self) -> list[tuple[datetime, Callable[[Daemon], None] | None]]:
        edges = {edge for want in self.wants for edge in (want.after, want.before)}
        return [*self._actions, *((edge, None) for edge in edges)]

    def _set(self, moment: datetime) -> None:
        """Set the clock forward to a moment, unless it is later already."""
        if not self.offset_file.exists() or self.now() < moment.timestamp():
            new = self.offset_file.with_suffix(".new")
            new.write_text(repr(moment.timestamp() - machine_time()))
            new.replace(self.offset_file)

    def _live(self) -> None:
        self.feeds.wait_for_requests(len(self.feeds.requests("/wire")) + _POLLS, "/wire", timeout=60)

    def _publish(self, titles: tuple[str, ...]) -> None:
        items = ""
        for title in titles:
            self._pushed += 1
            link = f"https://news.example/{self._pushed}"
            items += f"<item><guid>{self._pushed}</guid><title>{title}</title><link>{link}</link></item>"
        self.feeds.prepend_item("/wire", items)

    def _judge(self) -> None:
        open_wants = list(self.wants)
        problems = []
        for receiver in self.receivers:
            for at, titles in receiver.messages():
                fitting = [want for want in open_wants if want.receiver is receiver and _fits(want, at, titles)]
                if fitting:
                    open_wants.remove(fitting[0])
                else:
                    problems.append(f"unwanted: {receiver.name} at {at:%d %b %H:%M:%S} UTC: {', '.join(titles)}")
        problems += [f"missing: {want}" for want in open_wants]
        assert not problems, "\n".join(problems)


def _fits(want: _Want, at: datetime, titles: tuple[str, ...]) -> bool:
    return sorted(want.headlines) == sorted(titles) and want.after <= at <= want.before
