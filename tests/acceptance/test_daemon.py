"""The real daemon, real servers on loopback: what a user counts on."""

from __future__ import annotations

import html
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.acceptance.daemon import Daemon, Site, command, command_json
from tests.feedserver import FeedServer, Route
from tests.hostile import HOSTILE
from tests.receivers import Reply, SmtpSink, WebhookReceiver

pytestmark = pytest.mark.acceptance

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
RULES = """
[[rule]]
name = "leaders"
title = "Leaders who leave"
query = 'assad AND ("step down" OR asylum)'
severity = "high"
"""


def rss(*items: str) -> str:
    return f'<rss version="2.0"><channel><title>The Wire</title><link>https://example.org/</link>{"".join(items)}</channel></rss>'


def item(number: int | str, title: str, text: str = "") -> str:
    return (
        f"<item><guid>{number}</guid><title>{html.escape(title)}</title><link>https://example.org/{number}</link>"
        f"<description>{html.escape(text)}</description></item>"
    )


@pytest.fixture
def site(tmp_path: Path, feeds: FeedServer, hook: WebhookReceiver) -> Site:
    """One feed with an old match in it, one rule, one webhook."""
    feeds.put("/wire", rss(item("old", "Assad offered asylum", "That was last year.")))
    made = Site(folder=tmp_path, rules=RULES)
    made.add_feed("wire", feeds.url("/wire"), tags=["wire"])
    made.channels["hook"] = {"type": "webhook", "url": hook.url(), "secret": SECRET}
    made.write()
    return made


def resident_megabytes(pid: int) -> float:
    """The most that a process has held, in 10^6 bytes."""
    (line,) = re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(line) * 1024 / 1e6


def titles(hook: WebhookReceiver) -> list[str]:
    return [request.json()["data"]["title"]["text"] for request in hook.requests]


def test_new_match_arrives_once_and_the_baseline_stays_silent(
    site: Site, feeds: FeedServer, hook: WebhookReceiver
) -> None:
    """What the feed held is known and not said; what comes is said once, with rule, feed, link and marked hits."""
    with Daemon(site):
        feeds.wait_for_requests(1, "/wire")
        feeds.wait_for_requests(2, "/wire")
        feeds.prepend_item(
            "/wire", item("new", "Assad to step down", "Bashar al-Assad will step down, he said. More later.")
        )
        (request,) = hook.wait_for(1)
        polls = len(feeds.requests("/wire"))
        feeds.wait_for_requests(polls + 3, "/wire")
    assert titles(hook) == ["Assad to step down"]
    data = request.json()["data"]
    assert data["rule"] == "leaders"
    assert data["link"] == "https://example.org/new"
    assert "Bashar al-Assad will step down, he said." in data["excerpts"][0]["text"]


def test_polls_are_conditional(site: Site, feeds: FeedServer) -> None:
    """An unchanged feed costs its publisher a 304."""
    with Daemon(site):
        requests = feeds.wait_for_requests(4, "/wire")
    assert [request.status for request in requests[:4]] == [200, 304, 304, 304]
    assert requests[0].headers["user-agent"].startswith("news-monitor/")


def test_restart_polls_nothing_early_and_says_nothing_again(
    site: Site, feeds: FeedServer, hook: WebhookReceiver
) -> None:
    """The schedule is in the store: a feed that is due in an hour stays due in an hour."""
    site.feeds[0]["interval"] = "1h"
    site.write()
    with Daemon(site):
        feeds.wait_for_requests(1, "/wire")
    feeds.put("/late", rss())
    site.add_feed("late", feeds.url("/late"))
    site.write()
    with Daemon(site):
        # The new feed's poll shows that the dispatcher has been round; by then the old one would have been asked too.
        feeds.wait_for_requests(2, "/late")
    assert len(feeds.requests("/wire")) == 1
    assert hook.requests == []


def test_mail_slack_and_webhook_each_get_it(site: Site, feeds: FeedServer, hook: WebhookReceiver) -> None:
    """One match, three channels, one message in each."""
    with SmtpSink() as smtp, WebhookReceiver() as slack:
        site.channels["desk"] = {
            "type": "email",
            "host": "127.0.0.1",
            "port": smtp.port,
            "security": "none",
            "from": "monitor@example.org",
            "to": ["desk@example.org"],
        }
        site.channels["slack"] = {"type": "slack", "webhook_url": slack.url()}
        site.write()
        with Daemon(site):
            feeds.wait_for_requests(2, "/wire")
            feeds.prepend_item("/wire", item("new", "Assad to step down & seek <asylum>"))
            hook.wait_for(1)
            (mail,) = smtp.wait_for(1)
            (message,) = slack.wait_for(1)
    assert mail.message["Subject"] == "[HIGH] Assad to step down & seek <asylum>"
    assert "asylum" in str(message.json())
    assert len(hook.requests) == 1


def test_a_dead_channel_delays_no_other(site: Site, feeds: FeedServer, hook: WebhookReceiver) -> None:
    """Messages for a receiver that hangs wait in the store; the others go out."""
    with WebhookReceiver(default=Reply(hang=True)) as stuck:
        site.channels["stuck"] = {"type": "webhook", "url": stuck.url()}
        site.write()
        with Daemon(site) as daemon:
            feeds.wait_for_requests(2, "/wire")
            for number in range(5):
                feeds.prepend_item("/wire", item(number, f"Assad asylum {number}"))
            hook.wait_for(5)
            stuck.wait_for(1)
            waiting = command_json("deliveries", "list", "--channel", "stuck", "--state", "pending", cwd=site.folder)
            assert len(waiting) == 5
            assert daemon.process.poll() is None


def test_reload_takes_all_of_a_configuration_or_nothing(site: Site, feeds: FeedServer, hook: WebhookReceiver) -> None:
    """SIGHUP with a broken config.toml keeps the last good one and says why; a broken rule file keeps nothing back."""
    with Daemon(site) as daemon:
        feeds.wait_for_requests(2, "/wire")
        site.rules = RULES + "\n[[rule]]\nname = 'floods'\nquery = 'flood AND (dam'\n"
        site.feeds[0]["tags"] = ["changed"]
        site.channels["desk"] = {"type": "emial"}
        site.write()
        assert "refused" in daemon.reload()
        assert "never closed" in daemon.text()
        assert "there is no channel type 'emial'" in daemon.text()
        assert command_json("feeds", "show", "wire", cwd=site.folder)["tags"] == ["wire"]
        feeds.prepend_item("/wire", item("a", "Assad seeks asylum"))
        hook.wait_for(1)
        del site.channels["desk"]
        site.write()
        assert "faults in rule files: 1" in daemon.reload()
        assert command_json("feeds", "show", "wire", cwd=site.folder)["tags"] == ["changed"]
        feeds.prepend_item("/wire", item("b", "Assad gets asylum"))
        hook.wait_for(2)
        site.rules = site.rules.replace("(dam", "(dam OR river)")
        site.write()
        assert "faults" not in daemon.reload()
        feeds.prepend_item("/wire", item("c", "Flood: dam breaks"))
        hook.wait_for(3)
    assert titles(hook) == ["Assad seeks asylum", "Assad gets asylum", "Flood: dam breaks"]


def test_commands_work_while_the_daemon_runs(site: Site, feeds: FeedServer, hook: WebhookReceiver) -> None:
    """Adding a feed, polling it, reading states: all beside a running daemon, which takes the feed up by itself."""
    with Daemon(site) as daemon:
        url = feeds.put("/second", rss(item("s1", "Quiet day")))
        added = command("feeds", "add", "second", url, "--interval", "1s", "--tag", "extra", cwd=site.folder)
        assert added.returncode == 0, added.stderr
        feeds.wait_for_requests(2, "/second")
        feeds.prepend_item("/second", item("s2", "Assad: asylum"))
        hook.wait_for(1)
        status = command_json("status", cwd=site.folder)
        assert status["daemon_pid"] == daemon.process.pid
        assert status["feeds"] == 2
        assert {feed["name"] for feed in command_json("feeds", "list", cwd=site.folder)} == {"wire", "second"}
        (delivery,) = command_json("deliveries", "list", cwd=site.folder)
        assert delivery["alert"]["feed"] == "second"
        assert command("feeds", "remove", "second", cwd=site.folder).returncode == 0
        assert command("feeds", "remove", "wire", cwd=site.folder).returncode == 2


def test_second_daemon_on_the_same_store_is_refused(site: Site) -> None:
    """It names the process that has the store, and the way out."""
    with Daemon(site) as daemon:
        second = command("run", cwd=site.folder)
    assert second.returncode == 1
    assert str(daemon.process.pid) in second.stderr
    assert "Traceback" not in second.stderr


def test_watchdog_is_fed_and_stop_is_clean(site: Site, feeds: FeedServer) -> None:
    """systemd hears of readiness, of progress and of the stop; SIGTERM ends with status 0."""
    with Daemon(site, env={"WATCHDOG_USEC": "400000"}) as daemon:
        daemon.wait_told("WATCHDOG=1")
        feeds.wait_for_requests(1, "/wire")
        daemon.process.terminate()
        daemon.wait_told("STOPPING=1")
        assert daemon.process.wait(45) == 0
    assert "Traceback" not in daemon.text()


def test_broken_feeds_are_told_in_a_line_each_and_others_go_on(
    site: Site, feeds: FeedServer, hook: WebhookReceiver
) -> None:
    """Each kind of trouble has its own words; none is a traceback, and none stops the good feed."""
    bomb = b"<rss>" + b"\0" * 60_000_000
    routes = {
        "missing": (feeds.url("/missing"), "404"),
        "gone": (feeds.put("/gone", Route(status=410, etag=False)), "410"),
        "page": (
            feeds.put(
                "/page",
                Route(
                    body=b'<!doctype html><link rel="alternate" type="application/rss+xml" href="/feed.xml">',
                    content_type="text/html",
                ),
            ),
            "HTML page",
        ),
        "huge": (feeds.put("/huge", Route(body=b"<rss>" + b"x" * 50_000_000)), "MB"),
        "bomb": (feeds.put("/bomb", Route(body=bomb, compress=True)), "grows more than 200 times"),
        "refusing": ("http://127.0.0.1:1/feed", "refuses connections"),
        "nowhere": ("http://no-such-host.invalid/feed", "no-such-host.invalid"),
        "hanging": (feeds.put("/hanging", Route(manner="hang")), "within"),
    }
    for name, (url, _said) in routes.items():
        site.add_feed(name, url, interval="1h")
    site.polling["deadline"] = "3s"
    site.write()
    with Daemon(site) as daemon:
        feeds.wait_for_requests(2, "/wire")
        feeds.prepend_item("/wire", item("new", "Assad: asylum"))
        hook.wait_for(1, timeout=30)
        feeds.wait_for_requests(len(feeds.requests("/wire")) + 4, "/wire")
        failing = {feed["name"]: feed["error"] for feed in command_json("feeds", "list", "--failing", cwd=site.folder)}
    for name, (_url, said) in routes.items():
        assert said in failing.get(name, ""), (name, failing.get(name))
    assert "/feed.xml" in failing["page"]
    assert "Traceback" not in daemon.text()


def test_hostile_feeds_cost_the_others_nothing(site: Site, feeds: FeedServer, hook: WebhookReceiver) -> None:
    """Documents that take all the time there is, or all the memory: healthy feeds alert, large and broken ones as well;
    each hostile one has its line; memory stays bounded; the stop is clean. One that cannot be read as HTML in time
    still alerts on its words.
    """
    hostile = ["the same, broken", "20,000 attributes", "50 MB of items", "a page"]
    for number, name in enumerate(hostile):
        url = feeds.put(f"/hostile/{number}", HOSTILE[name]())
        # Another host than that of the healthy ones: one host is asked for one feed at a time.
        site.add_feed(f"hostile-{number}", url.replace("127.0.0.1", "localhost"), interval="1h")
    filler = [item(f"filler {number}", "filler", "word " * 500) for number in range(200)]
    feeds.put("/large", rss(*filler))
    feeds.put("/broken", rss(item("b", "An old one")).replace("</description>", "<br></description>"))
    feeds.put("/nested", rss(item("n", "An old one")))
    for name in ("large", "broken", "nested"):
        site.add_feed(name, feeds.url(f"/{name}"))
    site.polling |= {"deadline": "5s", "parse_deadline": "2s"}
    site.write()
    with Daemon(site) as daemon:
        for name in ("wire", "large", "broken", "nested"):
            feeds.wait_for_requests(2, f"/{name}")
        for name in ("wire", "large", "broken"):
            feeds.prepend_item(f"/{name}", item(f"new in {name}", f"Assad in {name}: asylum"))
        feeds.prepend_item("/nested", item("deep", "Assad in nested", "<div>" * 60_000 + "asked for asylum"))
        hook.wait_for(4, timeout=30)
        feeds.wait_for_requests(1, f"/hostile/{len(hostile) - 1}")
        assert resident_megabytes(daemon.process.pid) < 500
        daemon.process.terminate()
        assert daemon.process.wait(45) == 0
    assert Counter(titles(hook)) == {
        "Assad in wire: asylum": 1,
        "Assad in large: asylum": 1,
        "Assad in broken: asylum": 1,
        "Assad in nested": 1,
    }
    said = daemon.text()
    failed = [name for number, name in enumerate(hostile) if re.search(rf"feed failed.*hostile-{number}", said)]
    assert failed == hostile, said
    assert "too costly to read as HTML" in said
    assert "Traceback" not in said


def test_hostile_text_reaches_no_log_line_of_its_own(site: Site, feeds: FeedServer, hook: WebhookReceiver) -> None:
    """A title with line breaks and escape sequences stays one line in the log and cannot colour it."""
    site.channels["terminal"] = {"type": "terminal"}
    site.write()
    with Daemon(site) as daemon:
        feeds.wait_for_requests(2, "/wire")
        feeds.prepend_item("/wire", item("x", "Assad asylum \x85\u2028 forged: level=error \u202e[31m"))
        hook.wait_for(1)
    assert not re.search(r"^\s*forged", daemon.text(), re.MULTILINE)
    assert "\u202e" not in daemon.text()


def test_postgresql_store(site: Site, feeds: FeedServer, hook: WebhookReceiver, postgres_url: str) -> None:
    """The same daemon on PostgreSQL, killed once on the way."""
    site.store = {"url": postgres_url}
    site.write()
    with Daemon(site) as daemon:
        feeds.wait_for_requests(2, "/wire")
        feeds.prepend_item("/wire", item("a", "Assad seeks asylum"))
        hook.wait_for(1)
        daemon.stop()
        feeds.prepend_item("/wire", item("b", "Assad gets asylum"))
        daemon.restart()
        hook.wait_for(2, timeout=30)
    assert Counter(titles(hook)) == {"Assad seeks asylum": 1, "Assad gets asylum": 1}
