"""Stories as a user meets them: six outlets, one alert, one reply; what commands tell of it, and people's word."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.daemon import Daemon, Site, command, command_json
from tests.acceptance.scenario import Hook, Timeline
from tests.feedserver import FeedServer
from tests.receivers import WebhookReceiver

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

pytestmark = pytest.mark.acceptance

RULES = "[[rule]]\nname = 'syria'\ntitle = 'Syria'\nquery = 'assad'\n"
TEXT = (
    "President Bashar al-Assad left Damascus on a plane early on Sunday as rebel fighters entered the capital, two "
    "senior army officers said, ending five decades of his family's rule after an advance of less than two weeks."
)
HEADLINES = {
    "reuters.com": "Syrian rebels enter Damascus, Assad flees",
    "bbc.co.uk": "Assad has left Damascus as rebels say capital is free",
    "npr.org": "Rebels in Syria say they have taken Damascus, Assad gone",
    "thenational.ae": "Assad flees Syria on plane, officers say",
    "aljazeera.com": "Damascus falls: what we know as Assad leaves",
    "theguardian.com": "End of Assad rule as rebels enter Syria's capital",
}
FIRST, *LATER = HEADLINES.values()


class Newsroom:
    """A site with a feed for each outlet, and one that has nothing to do with them, all served on loopback."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.feeds = stack.enter_context(FeedServer())
        self.site = Site(folder=folder, rules=RULES)
        self.site.polling |= {"min_interval": "0.2s", "interval": "0.2s"}
        for path in ("wire", *HEADLINES):
            title = path.partition(".")[0].upper()
            self.feeds.put(f"/{path}", f'<rss version="2.0"><channel><title>{title}</title></channel></rss>')
            self.site.add_feed(path, self.feeds.url(f"/{path}"))

    def publish(self, outlet: str, title: str, text: str = TEXT) -> None:
        """Put a report into the outlet's feed, and wait until it was polled."""
        slug = title.lower().replace(" ", "-").replace("'", "")
        link = f"https://www.{outlet}/{slug}"
        before = len(self.feeds.requests(f"/{outlet}"))
        self.feeds.prepend_item(
            f"/{outlet}",
            f"<item><guid>{slug}</guid><title>{title}</title><link>{link}</link><description>{text}</description></item>",
        )
        self.feeds.wait_for_requests(before + 3, f"/{outlet}", timeout=60)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


@pytest.fixture
def newsroom(tmp_path: Path, stack: ExitStack) -> Newsroom:
    return Newsroom(tmp_path, stack)


def test_six_outlets_are_one_alert_and_one_reply(newsroom: Newsroom, stack: ExitStack) -> None:
    """The first report alerts at once; five under other headlines come as one message after a quarter of an hour,
    though the daemon is killed in between; one that comes later is a reply of its own, and a second report of an outlet
    is nothing.
    """
    zone: ZoneInfo = UTC  # type: ignore[assignment] # all that is asked of it
    timeline = Timeline(newsroom.site, newsroom.feeds, datetime(2027, 6, 1, 9, 0, tzinfo=UTC), zone)
    receiver = stack.enter_context(WebhookReceiver(now=timeline.now))
    newsroom.site.channels["desk"] = {"type": "webhook", "url": receiver.url()}
    newsroom.site.write()
    desk = Hook("desk", receiver)
    timeline.receivers.append(desk)

    def reports(_daemon: Daemon) -> None:
        for outlet, title in list(HEADLINES.items())[1:]:
            newsroom.publish(outlet, title)

    def kill(daemon: Daemon) -> None:
        daemon.kill()
        daemon.restart()

    timeline.do_at("10:00", lambda _: newsroom.publish("reuters.com", FIRST))
    timeline.want_between("10:00", "10:01", desk, FIRST)
    timeline.do_at("10:02", reports)
    timeline.do_at("10:05", kill)
    timeline.want_between("10:17", "10:18", desk, *LATER)
    timeline.do_at("10:30", lambda _: newsroom.publish("bbc.co.uk", "Assad flees Damascus: BBC's live report"))
    timeline.do_at("10:31", lambda _: newsroom.publish("wire", FIRST + ", agency says"))
    timeline.want_between("10:46", "10:47", desk, FIRST + ", agency says")
    timeline.run()
    _, also, _ = (request.json()["data"] for request in receiver.requests)
    assert also["count"] == 5
    assert [each["also_in"] for each in also["alerts"]] == ["BBC", "NPR", "THENATIONAL", "ALJAZEERA", "THEGUARDIAN"]
    assert also["alerts"][-1]["outlets"] == 6


def test_stories_are_told_and_put_right_by_command(newsroom: Newsroom, tmp_path: Path, stack: ExitStack) -> None:
    """list, show, why, split and merge, beside the running daemon, which obeys."""
    receiver = stack.enter_context(WebhookReceiver())
    newsroom.site.channels["desk"] = {"type": "webhook", "url": receiver.url()}
    newsroom.site.more = {"delivery": {"followers_wait": "0s", "group_interval": "0s"}}
    newsroom.site.write()

    def run(*arguments: str) -> str:
        done = command("stories", *arguments, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    with Daemon(newsroom.site):
        for path in ("wire", *HEADLINES):
            newsroom.feeds.wait_for_requests(2, f"/{path}", timeout=60)
        newsroom.publish("reuters.com", FIRST)
        receiver.await_taken(1)
        newsroom.publish("bbc.co.uk", LATER[0])
        receiver.await_taken(2)
        newsroom.publish("aljazeera.com", "Floods in Valencia kill dozens", "Rivers rose by metres in an hour.")
        (story,) = command_json("stories", "list", cwd=tmp_path)
        assert (story["entries"], story["outlets"], story["rules"]) == (2, ["REUTERS", "BBC"], ["syria"])
        listed = run("list", "--order", "outlets")
        assert story["id"][:8] in listed
        assert "Floods" not in listed
        assert "Floods" in run("list", "--min-outlets", "1")

        link = command_json("stories", "show", story["id"][:6], cwd=tmp_path)["members"][1]["link"]
        shown = run("show", link)
        assert "2 reports of 2 outlets: REUTERS, BBC" in shown
        assert "text 100 % the same" in shown
        assert f"“{FIRST}”, scored" in shown
        why = command("why", link, cwd=tmp_path)
        assert f"tells the story {story['id'][:8]}" in why.stdout

        apart = command_json("stories", "split", story["id"][:8], link, cwd=tmp_path)["story"]
        assert command_json("stories", "list", cwd=tmp_path) == []
        newsroom.publish("npr.org", LATER[0] + ", more")
        assert [each["id"] for each in command_json("stories", "list", cwd=tmp_path)] == [apart]
        receiver.await_taken(3)
        assert receiver.requests[2].json()["data"]["kind"] == "news"

        assert "2 reports of 1 story added" in run("merge", story["id"], apart)
        (whole,) = command_json("stories", "list", cwd=tmp_path)
        assert (whole["id"], whole["entries"]) == (story["id"], 3)
        newsroom.publish("theguardian.com", LATER[0] + ", Guardian")
        receiver.await_taken(4)
        assert receiver.requests[3].json()["data"]["note"] == "Also in THEGUARDIAN."


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["show", "nothing"], "there is no story 'nothing'; write the address or number of a report"),
        (["show", "abcd"], "there is no story 'abcd'"),
        (["list", "--since", "soon"], "--since: "),
        (["split", "1", "1"], "that is all of the story"),
        (["split", "1", "2"], "'2' is no report of the story"),
        (["split", "1", "77"], "no stored entry has the address or number '77'"),
        (["merge", "1", "1"], "'1' is the story"),
    ],
)
def test_bad_words_about_stories_are_told(tmp_path: Path, stack: ExitStack, arguments: list[str], told: str) -> None:
    """With what would be right, and status 2."""
    newsroom = Newsroom(tmp_path, stack)
    newsroom.site.write()
    for title in ("Floods in Valencia", "Rates rise in Norway"):
        newsroom.feeds.prepend_item(
            "/wire", f"<item><title>{title}</title><link>https://x.example/{title[:5]}</link></item>"
        )
    assert command("poll", "wire", cwd=tmp_path).returncode == 0
    done = command("stories", *arguments, cwd=tmp_path)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert told in done.stderr
    assert json.loads(command("stories", "list", "--json", cwd=tmp_path).stdout) == []
