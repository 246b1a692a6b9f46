"""Delivery as a user meets it: the real daemon, real receivers, and a clock that is set forward."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.acceptance.daemon import Daemon, Site, command
from tests.acceptance.scenario import Hook, Mailbox, SlackBot, Timeline
from tests.feedserver import FeedServer
from tests.receivers import Reply, SmtpSink, WebhookReceiver, closed_port

RULES = """
[[rule]]
name = "assad"
query = 'assad NOT urgent'

[[rule]]
name = "urgent"
severity = "critical"
query = 'assad urgent'
"""
FEED = '<rss version="2.0"><channel><title>The Wire</title></channel></rss>'
LONDON = ZoneInfo("Europe/London")


class Stage:
    """A site with a feed, to which receivers are added."""

    def __init__(self, folder: Path, stack: ExitStack, start: datetime) -> None:
        self._stack = stack
        self.feeds = stack.enter_context(FeedServer())
        self.feeds.put("/wire", FEED)
        self.site = Site(folder=folder, rules=RULES)
        self.site.add_feed("wire", self.feeds.url("/wire"))
        self.site.polling |= {"min_interval": "0.2s", "interval": "0.2s"}
        self.timeline = Timeline(self.site, self.feeds, start, LONDON)

    def hook(self, name: str, *replies: Reply, default: Reply | None = None, **options: Any) -> Hook:
        """A webhook channel."""
        receiver = WebhookReceiver(*replies, default=default, now=self.timeline.now)
        server = self._stack.enter_context(receiver)
        self.site.channels[name] = {"type": "webhook", "url": server.url(), **options}
        made = Hook(name, server)
        self.timeline.receivers.append(made)
        return made

    def mailbox(self, name: str, **options: Any) -> Mailbox:
        """An e-mail channel."""
        server = self._stack.enter_context(SmtpSink(now=self.timeline.now))
        self.site.channels[name] = {
            "type": "email",
            "host": "127.0.0.1",
            "port": server.port,
            "security": "none",
            "from": "news@example.org",
            "to": ["a@example.org", "b@example.org"],
            **options,
        }
        made = Mailbox(name, server)
        self.timeline.receivers.append(made)
        return made

    def slack_bot(self, name: str, *replies: Reply) -> SlackBot:
        """A Slack channel with a bot's token."""
        receiver = WebhookReceiver(*replies, default=Reply(200, '{"ok": true, "ts": "1.2"}'), now=self.timeline.now)
        server = self._stack.enter_context(receiver)
        options = {"token": "xoxb-1-2", "channel": "#news", "api_url": server.url("/")}
        self.site.channels[name] = {"type": "slack", **options}
        made = SlackBot(name, server)
        self.timeline.receivers.append(made)
        return made

    def play(self, **more: Any) -> str:
        """Write the configuration and run the timeline."""
        self.site.more = more
        self.site.write()
        return self.timeline.run()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def test_every_outcome_of_a_send(tmp_path: Path, stack: ExitStack) -> None:
    """Retry-After, hang, refused, 200 that means no, TLS failure, partial recipients, broken and resumed, nobody there:
    each channel by itself.
    """
    stage = Stage(tmp_path, stack, datetime(2027, 6, 1, 9, 0, tzinfo=UTC))
    timeline = stage.timeline
    fine = stage.hook("fine")
    busy = stage.hook("busy", Reply(429, headers={"Retry-After": "600"}))
    hangs = stage.hook("hangs", Reply(hang=True), timeout="1s")
    stage.hook("refuses", default=Reply(400, "no"))
    gone = stage.hook("gone", default=Reply(404, "no such hook"))
    ops = stage.hook("ops")
    bot = stage.slack_bot("bot", Reply(200, '{"ok": false, "error": "internal_error"}'))
    partly = stage.mailbox("partly")
    partly.server.refuse = {"b@example.org": "550 5.1.1 no such user"}
    stage.mailbox("no-tls", security="starttls")
    stage.site.channels["dead"] = {"type": "webhook", "url": f"http://127.0.0.1:{closed_port()}/"}

    timeline.push_at("10:00:10", "Assad fled")
    timeline.want_between("10:00:10", "10:00:40", fine, "Assad fled")
    timeline.want_between("10:00:10", "10:00:40", partly, "Assad fled")
    timeline.want_between("10:00:10", "10:00:40", ops, "The channel gone is broken")
    timeline.want_between("10:00:10", "10:00:40", ops, "The channel no-tls is broken")
    timeline.want_between("10:00:14", "10:01:30", hangs, "Assad fled")
    timeline.want_between("10:00:14", "10:01:30", bot, "Assad fled")
    timeline.want_between("10:10:10", "10:14:00", busy, "Assad fled")

    def mend(_daemon: Daemon) -> None:
        gone.server.default = Reply(200)
        assert "resumed" in command("channels", "resume", "gone", cwd=tmp_path).stdout

    timeline.do_at("10:20", mend)
    timeline.want_between("10:20", "10:21", gone, "Assad fled")
    printed = stage.play(ops={"channels": ["ops"]})
    assert partly.server.mails[0].recipients == ("a@example.org",)
    states = {
        name: command("deliveries", "list", "--channel", name, "--json", cwd=tmp_path).stdout
        for name in ("refuses", "no-tls", "dead")
    }
    assert '"state": "dead"' in states["refuses"]
    assert '"state": "pending"' in states["no-tls"]
    assert '"state": "pending"' in states["dead"]
    assert "published" in printed or "seen=" in printed


def test_nights_and_digests_across_a_change_of_the_clocks(tmp_path: Path, stack: ExitStack) -> None:
    """Quiet hours and digests end at their local times, what is critical breaks through, and what was held is one
    message.
    """
    stage = Stage(tmp_path, stack, datetime(2026, 3, 28, 21, 50, tzinfo=UTC))
    timeline = stage.timeline
    quiet, digest, loud = stage.hook("quiet"), stage.hook("digest"), stage.hook("loud")
    timeline.push_at("28 22:10", "Assad one")
    timeline.push_at("28 23:30", "Assad two")
    timeline.push_at("29 00:30", "Assad urgent")
    for moment, title in (("28 22:10", "Assad one"), ("28 23:30", "Assad two"), ("29 00:30", "Assad urgent")):
        timeline.want_between(moment, f"{moment}:40", loud, title)
    timeline.want_between("29 00:30", "29 00:30:40", quiet, "Assad urgent")
    timeline.want_between("29 00:30", "29 00:30:40", digest, "Assad urgent")
    timeline.want_between("29 07:00", "29 07:01", quiet, "Assad one", "Assad two")
    timeline.want_between("29 07:30", "29 07:31", digest, "Assad one", "Assad two")
    stage.play(
        delivery={"timezone": "Europe/London"},
        routes=[
            {"name": "night", "channels": ["quiet"], "quiet": ["22:00-07:00"], "proceed": True},
            {"name": "morning", "channels": ["digest"], "digest": "daily 07:30", "proceed": True},
            {"name": "rest", "channels": ["loud"]},
        ],
    )


def test_bursts_groups_and_silences(tmp_path: Path, stack: ExitStack) -> None:
    """Forty hits are one message; a group waits for its others; a silence holds and lets out, by itself or by hand."""
    stage = Stage(tmp_path, stack, datetime(2027, 6, 1, 9, 0, tzinfo=UTC))
    timeline = stage.timeline
    burst, group = stage.hook("burst"), stage.hook("group")
    forty = [f"Assad {number}" for number in range(40)]
    timeline.push_at("10:01", *forty)
    timeline.want_between("10:01", "10:01:40", burst, *forty)
    timeline.want_between("10:01:58", "10:03", group, *forty)
    timeline.push_at("10:20", "Assad first")
    timeline.push_at("10:20:30", "Assad second")
    timeline.want_between("10:20", "10:20:29", burst, "Assad first")
    timeline.want_between("10:20:30", "10:21", burst, "Assad second")
    timeline.want_between("10:21", "10:22", group, "Assad first", "Assad second")

    def silence(*arguments: str) -> None:
        done = command("silences", "add", "--text", "quiet", *arguments, cwd=tmp_path)
        assert done.returncode == 0, done.stderr

    # The command's own clock is the machine's, so both ends are given.
    timeline.do_at("11:00", lambda _: silence("--start", "2027-06-01T10:00Z", "--until", "2027-06-01T11:00Z"))
    timeline.push_at("11:10", "Assad quiet one", "Assad loud")
    timeline.push_at("11:30", "Assad quiet two")
    timeline.want_between("11:10", "11:10:50", burst, "Assad loud")
    timeline.want_between("11:11", "11:12", group, "Assad loud")
    timeline.want_between("12:00", "12:01", burst, "Assad quiet one", "Assad quiet two")
    timeline.want_between("12:00", "12:01", group, "Assad quiet one", "Assad quiet two")
    stage.play(
        routes=[
            {"name": "group", "channels": ["group"], "group_by": "rule", "group_wait": "60s", "proceed": True},
            {"name": "rest", "channels": ["burst"]},
        ]
    )


def test_what_is_held_survives_a_reload_and_a_kill(tmp_path: Path, stack: ExitStack) -> None:
    """A changed route and a kill -9 in between: it comes out at the time that was promised, once."""
    stage = Stage(tmp_path, stack, datetime(2027, 6, 1, 19, 0, tzinfo=UTC))
    timeline = stage.timeline
    quiet = stage.hook("quiet")
    timeline.push_at("22:10", "Assad one")

    def reload(daemon: Daemon) -> None:
        stage.site.more["routes"] = [{"name": "night", "channels": ["quiet"], "quiet": ["21:00-06:00"]}]
        stage.site.write()
        daemon.reload()

    def kill(daemon: Daemon) -> None:
        daemon.kill()
        daemon.restart()

    timeline.do_at("22:30", reload)
    timeline.do_at("22:40", kill)
    timeline.push_at("22:50", "Assad two")
    timeline.want_between("2 06:00", "2 06:01", quiet, "Assad two")
    timeline.want_between("2 07:00", "2 07:01", quiet, "Assad one")
    stage.play(
        delivery={"timezone": "Europe/London"},
        routes=[{"name": "night", "channels": ["quiet"], "quiet": ["22:00-07:00"]}],
    )
