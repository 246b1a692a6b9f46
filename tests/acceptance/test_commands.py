"""The commands as a user types them: what they print for good input, and for bad."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.daemon import REPOSITORY, Site, command, command_json, environment
from tests.feedserver import FeedServer
from tests.receivers import Reply, WebhookReceiver

pytestmark = pytest.mark.acceptance

RULE = "[[rule]]\nname = 'leaders'\nquery = 'assad AND asylum'\n"
FEED = (
    '<rss version="2.0"><channel><title>The Wire</title>'
    "<item><guid>1</guid><title>Assad asks for asylum</title><link>https://example.org/1</link>"
    "<description>He has asked. &lt;b&gt;Asylum&lt;/b&gt; is likely.</description></item>"
    "<item><guid>2</guid><title>Quiet day</title></item></channel></rss>"
)


@pytest.fixture
def feeds() -> Iterator[FeedServer]:
    with FeedServer() as server:
        server.put("/wire", FEED)
        yield server


@pytest.fixture
def site(tmp_path: Path, feeds: FeedServer) -> Site:
    made = Site(folder=tmp_path, rules=RULE)
    made.add_feed("wire", feeds.url("/wire"))
    made.write()
    return made


# bad input


BAD_CONFIGURATIONS = [
    ("[[feeds]\n", RULE, "config.toml:4:8"),
    ("[poling]\ninterval = '1m'\n", RULE, 'did you mean "polling"'),
    ("[channels.desk]\ntype = 'emial'\n", RULE, 'did you mean "email"'),
    ("[channels.desk]\ntype = 'webhook'\nurl = 'ftp://x'\n", RULE, "channels.desk.url"),
    ("[routes]\nname = 'night'\n", RULE, "write [[routes]]"),
    ("", None, "there is no such folder"),
]
BAD_RULES = [
    ("", RULE + "channels = ['dessk']\n", "dessk"),
    ("", RULE + "feeds = ['wier']\n", "wier"),
    ("", "[[rule]]\nname = 'x'\nquery = 'assad AND (asylum'\n", "test.toml:3"),
    ("", "[[rule]]\nname = 'x'\nqery = 'assad'\n", 'did you mean "query"'),
]


@pytest.mark.parametrize(
    ("verb", "config", "rules", "said"),
    [
        *(("check", *given) for given in [*BAD_CONFIGURATIONS, *BAD_RULES]),
        *(("run", *given) for given in BAD_CONFIGURATIONS),
    ],
)
def test_faults_stop_with_status_78_and_a_way_out(
    tmp_path: Path, verb: str, config: str, rules: str | None, said: str
) -> None:
    """check and run tell the same faults, with file and place; none is a traceback. Bad rules alone do not stop run."""
    (tmp_path / "config.toml").write_text("[[feeds]]\nname = 'wire'\nurl = 'http://127.0.0.1:1/'\n" + config)
    if rules is not None:
        (tmp_path / "rules").mkdir()
        (tmp_path / "rules" / "test.toml").write_text(rules)
    done = command(verb, cwd=tmp_path)
    assert done.returncode == 78, done.stdout
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_poll_uses_the_good_rules_and_warns_of_the_others(site: Site) -> None:
    """One colleague's typing error does not take the others' rules away, and nobody can miss it."""
    site.rules = RULE + "[[rule]]\nname = 'x'\nquery = 'assad AND ('\n"
    site.write()
    done = command("poll", "--dry-run", cwd=site.folder)
    assert done.returncode == 0, done.stderr
    assert "warning: " in done.stderr
    assert "test.toml:6" in done.stderr
    assert command_json("poll", "--dry-run", cwd=site.folder)[0]["matches"] == 1


def test_faults_of_configuration_channels_and_rules_come_together(site: Site) -> None:
    """One run of `check` tells them all."""
    site.polling["intervall"] = "5m"
    site.channels["desk"] = {"type": "webhook", "url": "ftp://x"}
    site.rules = "[[rule]]\nname = 'x'\nquery = 'assad AND ('\n"
    site.write()
    told = command_json("check", cwd=site.folder)
    places = " ".join(fault["where"] for fault in told["faults"])
    assert not told["ok"]
    assert "polling.intervall" in places
    assert "channels.desk.url" in places
    assert any(fault["source"].endswith("test.toml") for fault in told["faults"])


def test_no_feeds_says_how_to_get_some(site: Site) -> None:
    """A daemon with nothing to watch does not sit there in silence."""
    site.feeds.clear()
    site.write()
    done = command("run", cwd=site.folder)
    assert done.returncode == 78
    assert "no feeds" in done.stderr
    assert "feeds add" in done.stderr


def test_no_configuration_says_how_to_make_one(tmp_path: Path) -> None:
    """The first thing that a newcomer with pip sees."""
    done = command("run", cwd=tmp_path)
    assert done.returncode == 78
    assert "news-monitor init" in done.stderr


def test_state_folder_that_cannot_be_written(site: Site) -> None:
    """The path is named, whatever keeps it from being written."""
    (site.folder / "occupied").write_text("a file, not a folder")
    (site.folder / "config.toml").write_text(
        f"state_dir = 'occupied/state'\n{(site.folder / 'config.toml').read_text()}"
    )
    done = command("run", cwd=site.folder)
    assert done.returncode == 1
    assert "occupied" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("feeds", "show", "wier"), 2, 'did you mean "wire"'),
        (("poll", "wier"), 2, 'did you mean "wire"'),
        (("rules", "show", "leader"), 2, 'did you mean "leaders"'),
        (("channels", "test", "desk"), 2, "there is no channel"),
        (("deliveries", "retry"), 2, "--channel"),
        (("deliveries", "drop", "abc"), 2, "4 characters"),
        (("poll", "--backfill", "soon"), 2, "duration"),
        (("feeds", "add", "x", "ftp://x"), 2, "http"),
        (("feeds", "add", "x", "http://x/", "--interval", "1ms"), 2, "duration"),
        (("feeds", "import", "none.opml"), 2, "none.opml"),
        (("--config", "x"), 2, "No such option"),
    ],
)
def test_wrong_arguments(site: Site, arguments: tuple[str, ...], status: int, said: str) -> None:
    """Exit status 2 and a line that says what there is instead."""
    done = command(*arguments, cwd=site.folder)
    assert done.returncode == status, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


# good input


def test_poll_makes_a_baseline_and_backfill_speaks(site: Site) -> None:
    """`poll` from cron: first silence, then only what is new; a dry run shows and changes nothing."""
    with WebhookReceiver() as hook:
        site.channels["hook"] = {"type": "webhook", "url": hook.url()}
        site.write()
        dry = command_json("poll", "--dry-run", cwd=site.folder)
        assert [(poll["entries"], poll["matches"], poll["alerts"]) for poll in dry] == [(2, 1, [])]
        first = command_json("poll", cwd=site.folder)
        assert first[0]["baseline"]
        assert hook.requests == []
        again = command_json("poll", "wire", cwd=site.folder)
        assert again[0]["result"] == "not_modified"


def test_backfill_alerts_for_recent_entries(site: Site, feeds: FeedServer) -> None:
    """A new feed with --backfill says what was published in that time, and nothing older."""
    recent = FEED.replace("<guid>1</guid>", "<guid>1</guid><pubDate>Mon, 23 Nov 2026 10:00:00 GMT</pubDate>")
    feeds.put("/wire", recent)
    with WebhookReceiver() as hook:
        site.channels["hook"] = {"type": "webhook", "url": hook.url()}
        site.write()
        done = command("poll", "--backfill", "5000d", cwd=site.folder)
        assert done.returncode == 0, done.stderr
        assert [request.json()["data"]["title"]["text"] for request in hook.requests] == ["Assad asks for asylum"]
        assert command("poll", "--backfill", "5000d", cwd=site.folder).returncode == 0
        assert len(hook.requests) == 1


def test_poll_fails_when_a_feed_does(site: Site) -> None:
    """Exit status 1, and the reason in the table."""
    site.add_feed("gone", site.feeds[0]["url"].replace("/wire", "/nothing"))
    site.write()
    done = command("poll", cwd=site.folder)
    assert done.returncode == 1
    assert "404" in done.stdout


def test_try_is_a_grep_for_news(site: Site, feeds: FeedServer) -> None:
    """Feeds by URL and by file, texts and standard input; hits marked; exit status like grep."""
    (site.folder / "page.txt").write_text("The president fled. Assad got asylum in Moscow on Sunday. It rained.")
    (site.folder / "feed.xml").write_text(FEED)
    found = command("try", "assad AND asylum", feeds.url("/wire"), "page.txt", "feed.xml", cwd=site.folder)
    assert found.returncode == 0, found.stderr
    assert "*Assad* got *asylum* in Moscow on Sunday." in found.stdout
    assert found.stdout.count("*Assad* asks for *asylum*") == 2
    assert command("try", "moon", "page.txt", cwd=site.folder).returncode == 1
    page = "<!doctype html><html><head><title>Assad &amp; sons</title></head><body><nav>Asylum</nav><p>He fled.</p>"
    (site.folder / "page.html").write_text(page + "<footer>All about asylum</footer></body></html>")
    assert "*Assad* & sons\n*He* fled." in command("try", "title:assad he", "page.html", cwd=site.folder).stdout
    assert command("try", "asylum", "page.html", cwd=site.folder).returncode == 1
    assert command("try", "rained", "-", cwd=site.folder, stdin=b"It rained.").returncode == 0
    bad = command("try", "assad AND (", "page.txt", cwd=site.folder)
    assert bad.returncode == 2
    assert "^" in bad.stderr
    assert command("try", "assad", "nothing.xml", cwd=site.folder).returncode == 2


def test_try_explains_what_nearly_matched(site: Site) -> None:
    """With --explain each part of the query is told, also of texts that do not match."""
    (site.folder / "page.txt").write_text("Assad asks for asylum.")
    done = command("try", "--explain", "assad NEAR/2 (asylum OR exile)", "page.txt", cwd=site.folder)
    assert done.returncode == 1
    assert "at the nearest 3 words apart: “Assad asks for asylum”" in done.stdout
    assert "✗ exile" in done.stdout
    choices = (
        "(fled NEAR/3 exile) OR (a1 AND b1) OR H5N1 OR SENTENCE(exile asylum) OR title:exile OR (NOT assad AND x1)"
    )
    done = command("try", "--explain", choices, "page.txt", cwd=site.folder)
    assert "✗ none of the others: (fled NEAR/3 exile), (a1 AND b1), H5N1, title:exile\n" in done.stdout
    assert "✓ asylum   content" in done.stdout
    (told,) = command_json("try", "--explain", "assad asylum", "page.txt", cwd=site.folder)["explained"]
    assert [(part["part"], part["held"]) for part in told["query"]["parts"]] == [("assad", True), ("asylum", True)]


def test_rules_explain_shows_how_a_rule_is_understood(site: Site) -> None:
    """The query part by part, the forms of words, and what it is looked up by."""
    site.rules += """[[rule]]
name = "leaves"
query = 'assad AND ("step down"~ OR asylum)'

[[rule]]
name = "anything"
query = 'domain:example.org'
"""
    site.write()
    done = command("rules", "explain", "leaves", cwd=site.folder)
    assert done.returncode == 0, done.stderr
    assert '"step down"~   finds (step, steps, stepped, stepping) down' in done.stdout
    assert "looked up by: assad" in done.stdout
    assert "tested on every article" in command("rules", "explain", "anything", cwd=site.folder).stdout
    assert "did you mean" in command("rules", "explain", "leave", cwd=site.folder).stderr


def test_why_tells_what_became_of_an_entry(site: Site, feeds: FeedServer) -> None:
    """From the parts of the query to the delivery, and for a rule that did not match what is missing."""
    site.rules += """[[rule]]
name = "nearly"
query = 'assad AND exile'
[[rule]]
name = "neither"
query = 'exile OR refuge'
"""
    with WebhookReceiver() as hook:
        site.channels["hook"] = {"type": "webhook", "url": hook.url()}
        site.write()
        assert command("poll", cwd=site.folder).returncode == 0
        item = "<item><guid>3</guid><title>Assad gets asylum</title><link>https://example.org/n/3</link></item>"
        feeds.prepend_item("/wire", item)
        assert command("poll", cwd=site.folder).returncode == 0
    done = command("why", "http://www.example.org/n/3/?utm_source=x", cwd=site.folder)
    assert done.returncode == 0, done.stderr
    assert "✓ assad" in done.stdout
    assert "hook  sent" in done.stdout
    assert "✗ nearly  no exile" in done.stdout
    assert "✗ neither  no exile OR refuge" in done.stdout
    (entry,) = command_json("why", "https://example.org/n/3", cwd=site.folder)["entries"]
    states = {rule["rule"]: (rule["matches"], len(rule["deliveries"])) for rule in entry["rules"]}
    assert states["nearly"] == (False, 0)
    assert (True, 1) in states.values()
    (by_number,) = command_json("why", str(entry["id"]), "nearly", cwd=site.folder)["entries"]
    assert [rule["rule"] for rule in by_number["rules"]] == ["nearly"]
    baseline = command("why", "1", cwd=site.folder).stdout + command("why", "2", cwd=site.folder).stdout
    assert "recorded silently" in baseline
    for wanted, said in (("https://example.org/none", "no stored entry"), ("999", "number 999"), ("x", "https://")):
        unknown = command("why", wanted, cwd=site.folder)
        assert (unknown.returncode, said in unknown.stderr) == (2, True)


def test_channels_test_prints_the_answer(site: Site) -> None:
    """Status 0 when it was taken, 1 with the reason when not."""
    with WebhookReceiver(Reply(204), Reply(403, "who are you")) as hook:
        site.channels["hook"] = {"type": "webhook", "url": hook.url()}
        site.write()
        good = command("channels", "test", "hook", cwd=site.folder)
        assert (good.returncode, "sent" in good.stdout) == (0, True)
        bad = command("channels", "test", "hook", cwd=site.folder)
        assert bad.returncode == 1
        assert "403" in bad.stderr


def test_deliveries_can_be_retried_and_dropped(site: Site, feeds: FeedServer) -> None:
    """What a channel would not take is listed with the reason, and can be tried again or given up."""
    with WebhookReceiver(default=Reply(400, "no")) as hook:
        site.channels["hook"] = {"type": "webhook", "url": hook.url()}
        site.write()
        command("poll", cwd=site.folder)
        feeds.prepend_item("/wire", "<item><guid>3</guid><title>Assad gets asylum</title></item>")
        command("poll", cwd=site.folder)
        (dead,) = command_json("deliveries", "list", "--state", "dead", cwd=site.folder)
        assert "400" in dead["error"]
        hook.default = Reply(200)
        assert command("deliveries", "retry", dead["id"][:8], cwd=site.folder).returncode == 0
        command("poll", cwd=site.folder)
        (sent,) = command_json("deliveries", "list", cwd=site.folder)
        assert sent["state"] == "sent"
        assert hook.requests[0].headers["webhook-id"] == hook.requests[-1].headers["webhook-id"]


def test_opml_there_and_back(site: Site, tmp_path: Path) -> None:
    """Feeds exported from one site and imported into another are the same."""
    site.add_feed("second", "http://127.0.0.1:1/second", tags=["a", "b"], interval="30m")
    site.write()
    assert command("feeds", "export", "all.opml", cwd=site.folder).returncode == 0
    other = Site(folder=tmp_path / "other")
    other.folder.mkdir()
    other.write()
    done = command("feeds", "import", str(site.folder / "all.opml"), cwd=other.folder)
    assert "2 feeds added" in done.stdout, done.stderr

    def feeds_of(folder: Path) -> list[tuple[object, ...]]:
        listed = command_json("feeds", "list", cwd=folder)
        return [(feed["name"], feed["url"], feed["tags"], feed["interval"]) for feed in listed]

    assert feeds_of(other.folder) == feeds_of(site.folder)


def test_config_show_hides_secrets(site: Site) -> None:
    """Neither form prints a password."""
    site.channels["hook"] = {
        "type": "webhook",
        "url": "https://example.org/token-in-path",
        "secret": "whsec_" + "QUJD" * 8,
    }
    site.store = {"url": "postgresql://u:hunter2@127.0.0.1:1/x"}
    site.add_feed("paid", "https://u:hunter3@example.org/feed", headers={"X-Key": "hunter4"})
    site.write()
    for arguments in (("config", "show"), ("config", "show", "--json")):
        done = command(*arguments, cwd=site.folder)
        assert done.returncode == 0, done.stderr
        for secret in ("hunter2", "hunter3", "hunter4", "QUJD", "token-in-path"):
            assert secret not in done.stdout + done.stderr


def test_names_of_nothing_are_told(site: Site) -> None:
    """A route or silence that a slip of the pen keeps from everything is pointed at; patterns that fit are not."""
    conditions = {"rules": ["leadres", "lead*"], "files": ["tset.toml", "test.toml"], "feeds": ["wire", "tag:world"]}
    site.more = {"routes": [{"name": "night", "channels": ["hook"], **conditions}]}
    site.channels["hook"] = {"type": "terminal"}
    site.write()
    checked = command("check", cwd=site.folder)
    assert checked.returncode == 0
    assert "3 warnings" in checked.stdout
    for told in ('did you mean "leaders"', 'did you mean "test.toml"', "no feed has the tag 'world'"):
        assert told in checked.stderr
    wrong = command("silences", "add", "--rule", "leadres", "--feed", "wier", "--for", "1h", cwd=site.folder)
    assert (wrong.returncode, wrong.stderr.count("warning")) == (0, 2)
    assert 'did you mean "wire"' in wrong.stderr
    right = command("silences", "add", "--rule", "lead*", "--feed", "wire", "--for", "1h", cwd=site.folder)
    assert (right.returncode, right.stderr) == (0, "")


def test_init_writes_a_configuration_that_checks(tmp_path: Path) -> None:
    """The starter files are good as they are, and a second init touches nothing."""
    assert command("init", "site", cwd=tmp_path).returncode == 0
    checked = command("check", cwd=tmp_path / "site")
    assert (checked.returncode, checked.stderr) == (0, "")
    for rules in (tmp_path / "site" / "rules").glob("*.toml"):
        schema = rules.read_text(encoding="utf-8").partition("\n")[0].removeprefix("#:schema ")
        assert json.loads((rules.parent / schema).read_text(encoding="utf-8"))["title"] == "Rules of news-monitor"
    before = (tmp_path / "site" / "config.toml").read_bytes()
    assert command("init", "site", cwd=tmp_path).returncode == 2
    assert (tmp_path / "site" / "config.toml").read_bytes() == before


def test_demo_shows_mail_and_webhook_arrive(tmp_path: Path) -> None:
    """`demo` needs nothing, shows a signed webhook and a mail, and ends by itself."""
    done = command("demo", "--for", "12s", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "arrived by e-mail" in done.stdout
    assert "signature good" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_installed_wheel_is_complete(tmp_path: Path) -> None:
    """What pip installs has the starter files, migrations and the sample feed in it."""
    source = tmp_path / "source"
    shutil.copytree(
        REPOSITORY, source, ignore=shutil.ignore_patterns(".git", ".venv*", "state", "__pycache__", ".*_cache")
    )
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(tmp_path),
        str(source),
    ]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    env = environment(PYTHONPATH=str(tmp_path / "installed"))

    def news_monitor(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "monitor", *arguments], cwd=tmp_path, env=env, capture_output=True, check=True
        )

    news_monitor("init", "site")
    status = news_monitor("status", "--config", "site/config.toml", "--json")
    assert json.loads(status.stdout)["feeds"] >= 13
    news_monitor("poll", "sample", "--config", "site/config.toml")
