"""Rules that look at more than one match, or at none: the real daemon, and a clock that is set forward."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.acceptance.daemon import Daemon, Site, command, command_json
from tests.acceptance.scenario import Hook, Timeline
from tests.feedserver import FeedServer, Route
from tests.receivers import WebhookReceiver

pytestmark = pytest.mark.acceptance

EMPTY = '<rss version="2.0"><channel><title>The Wire</title></channel></rss>'
START = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Stage:
    """A site with one feed and one webhook, played from noon on."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.feeds = stack.enter_context(FeedServer())
        self.feeds.put("/wire", EMPTY)
        self.site = Site(folder=folder)
        self.site.add_feed("wire", self.feeds.url("/wire"))
        self.site.polling |= {"min_interval": "0.2s", "interval": "0.2s"}
        self.timeline = Timeline(self.site, self.feeds, START, ZoneInfo("UTC"))
        server = stack.enter_context(WebhookReceiver(now=self.timeline.now))
        self.hook = Hook("hook", server)
        self.site.channels["hook"] = {"type": "webhook", "url": server.url()}
        self.timeline.receivers.append(self.hook)

    def play(self, rules: str) -> list[str]:
        """The notes of what arrived, in order."""
        self.site.rules = rules
        self.site.write()
        self.timeline.run()
        return [request.json()["data"]["note"] for request in self.hook.server.requests]

    def settle(self, daemon: Daemon, *, polls: int = 12) -> None:
        """Let the daemon go on for over five seconds, in which it would say what it should not."""
        del daemon
        self.feeds.wait_for_requests(len(self.feeds.requests("/wire")) + polls, "/wire", timeout=60)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with ExitStack() as stack:
        yield Stage(tmp_path, stack)


def test_a_spike_is_one_message(stage: Stage) -> None:
    """The fourth match within an hour is told, what follows is not, and the next spike is, after a calm."""
    play = stage.timeline
    play.push_at("12:10", "Flood one")
    play.push_at("12:20", "Flood two", "Rain")
    play.push_at("12:30", "Flood three")
    play.push_at("12:40", "Flood four")
    play.want_between("12:40", "12:42", stage.hook, "Flood four")
    play.push_at("12:50", "Flood five", "Flood six")
    play.push_at("15:00", "Flood seven", "Flood eight", "Flood nine")
    play.push_at("15:10", "Flood ten")
    play.want_between("15:10", "15:12", stage.hook, "Flood ten")
    notes = stage.play("[[rule]]\nname = 'floods'\nquery = 'flood'\ncount = 4\nwindow = '1h'\n")
    assert notes == [
        "4 matches within 1 hour; the last: “Flood four”.",
        "4 matches within 1 hour; the last: “Flood ten”.",
    ]
    folder = stage.site.folder
    waiting = command("why", "https://news.example/1", "floods", cwd=folder).stdout
    assert "not said: 1 of 4 matches within 1 hour so far" in waiting
    within = command("why", "https://news.example/6", "floods", cwd=folder).stdout
    assert "not said again: it is part of a spike that was told already" in within
    tried = command_json("rules", "test", "--since", "10000d", cwd=folder)["rules"]
    assert [(rule["rule"], rule["matches"], rule["alerts"]) for rule in tried] == [("floods", 10, 2)]
    assert (
        "10 of 11 entries match, which would have made 2 alerts"
        in command("rules", "test", "--since", "10000d", cwd=folder).stdout
    )
    assert "alerts once 4 entries match within 1h" in command("rules", "explain", "floods", cwd=folder).stdout


def test_silence_is_one_message(stage: Stage) -> None:
    """A day without a match is told, once; after the next match a day has to pass again."""
    play = stage.timeline
    play.push_at("13:00", "Morning briefing")
    play.do_at("25 12:59", stage.settle)
    play.want_between("25 13:00", "25 13:02", stage.hook, "No match of briefing for 1 day")
    play.do_at("27 13:00", stage.settle)
    play.push_at("27 14:00", "Late briefing")
    play.do_at("28 13:59", stage.settle)
    play.want_between("28 14:00", "28 14:02", stage.hook, "No match of briefing for 1 day")
    notes = stage.play("[[rule]]\nname = 'briefing'\nquery = 'briefing'\nabsent_for = '24h'\n")
    assert notes[0] == "The last one came 24 Nov 2026, 13:00 UTC, from wire: “Morning briefing”."
    assert "Late briefing" in notes[1]
    told = command("why", "https://news.example/1", "briefing", cwd=stage.site.folder).stdout
    assert "not said: the rule tells of silence (absent_for), and not of its matches" in told


def test_feeds_that_are_down_are_no_silence(stage: Stage) -> None:
    """While the rule's only feed fails nothing is known of silence; what it brings when it answers again counts."""

    def answer(*items: str, status: int = 200) -> Callable[[Daemon], None]:
        body = EMPTY.replace("</channel>", "".join(items) + "</channel>")

        def put(_daemon: Daemon) -> None:
            stage.feeds.put("/other", Route(body=body.encode(), status=status))

        return put

    def read_again(daemon: Daemon) -> None:
        stage.feeds.wait_for_requests(len(stage.feeds.requests("/other")) + 1, "/other", timeout=60)
        stage.settle(daemon)

    play = stage.timeline
    stage.feeds.put("/other", EMPTY)
    stage.site.add_feed("other", stage.feeds.url("/other"))
    play.do_at("13:00", answer(status=503))
    play.do_at("26 12:00", stage.settle)
    play.do_at("26 13:00", answer("<item><guid>1</guid><title>Evening briefing</title></item>"))
    play.do_at("26 14:00", read_again)
    play.do_at("27 12:59", stage.settle)
    play.want_between("27 14:00", "27 14:02", stage.hook, "No match of briefing for 1 day")
    (note,) = stage.play("[[rule]]\nname = 'briefing'\nquery = 'briefing'\nfeeds = ['other']\nabsent_for = '24h'\n")
    assert "Evening briefing" in note


HEADLINES = {
    "reuters.com": "Assad flees Damascus as rebels enter capital",
    "bbc.co.uk": "Syria: Assad leaves as rebels take Damascus",
    "npr.org": "Rebels enter Damascus, Assad is gone",
    "thenational.ae": "Assad out as Damascus falls to rebels",
}
TEXT = (
    "President Bashar al-Assad left Damascus on a plane early on Sunday as rebel fighters entered the capital, two "
    "senior army officers said, ending five decades of his family's rule after an advance of less than two weeks."
)


def test_a_story_waits_for_outlets_and_grows(stage: Stage) -> None:
    """The third outlet makes the alert, the fourth makes it more severe; `why` and `rules test` tell the same."""
    play = stage.timeline
    for number, (site, title) in enumerate(HEADLINES.items()):
        path = f"/{site}"
        stage.feeds.put(path, EMPTY.replace("The Wire", site.partition(".")[0].upper()))
        stage.site.add_feed(site.partition(".")[0], stage.feeds.url(path))
        item = (
            f"<item><title>{title}</title><link>https://www.{site}/assad</link><description>{TEXT}</description></item>"
        )
        play.do_at(f"12:{10 + number}", partial(publish, stage, path, item))
    play.want_between("12:12", "12:13", stage.hook, HEADLINES["npr.org"])
    play.want_between("12:13", "12:15", stage.hook, HEADLINES["thenational.ae"])
    rule = "[[rule]]\nname = 'syria'\nquery = 'assad'\nmin_outlets = 3\nwithin = '30m'\nescalate_at = 4\n"
    reported, grown = stage.play(rule)
    assert reported == "Reported by 3 outlets within 30 minutes: REUTERS, BBC, NPR."
    assert grown == "Now in 4 outlets: REUTERS, BBC, NPR, THENATIONAL."
    last = stage.hook.server.requests[-1].json()["data"]
    assert (last["kind"], last["severity"]) == ("update", "high")
    folder = stage.site.folder
    early = command("why", "https://www.bbc.co.uk/assad", "syria", cwd=folder).stdout
    assert "not said: 2 of 3 outlets within 30 minutes had told the story then" in early
    (tried,) = command_json("rules", "test", "--since", "10000d", cwd=folder)["rules"]
    assert (tried["matches"], tried["alerts"]) == (4, 1)


def publish(stage: Stage, path: str, item: str, _daemon: Daemon) -> None:
    stage.feeds.prepend_item(path, item)
    stage.feeds.wait_for_requests(len(stage.feeds.requests(path)) + 2, path, timeout=60)
