"""The real daemon while people edit its rule files: what is live, what is said, what outlives a restart."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from monitor.clock import SystemClock
from tests.acceptance.daemon import Daemon, Site, command, command_json
from tests.acceptance.test_daemon import item, rss, titles
from tests.feedserver import FeedServer
from tests.receivers import WebhookReceiver

pytestmark = pytest.mark.acceptance

LEADERS = "[[rule]]\nname = 'leaders'\nquery = 'assad AND asylum'\n"
FLOODS = "[[rule]]\nname = 'floods'\nquery = 'flood AND dam'\n"
BROKEN = "[[rule]]\nname = 'quakes'\nquery = 'earthquake AND (town'\n"
WAIT_SECONDS = 60


@pytest.fixture
def feeds() -> Iterator[FeedServer]:
    with FeedServer() as server:
        server.put("/wire", rss())
        yield server


@pytest.fixture
def site(tmp_path: Path, feeds: FeedServer, hook: WebhookReceiver) -> Site:
    """A site whose daemon says what it does with its rules as JSON lines; the rule `leaders` is in rules/test.toml."""
    made = Site(folder=tmp_path, rules=LEADERS, more={"delivery": {"burst": 10_000}})
    made.add_feed("wire", feeds.url("/wire"), tags=["wire"])
    made.channels["hook"] = {"type": "webhook", "url": hook.url()}
    made.write()
    return made


class Desk:
    """Somebody who edits rules beside a daemon and sees what arrives."""

    def __init__(self, site: Site, feeds: FeedServer, hook: WebhookReceiver, daemon: Daemon) -> None:
        self.rules = site.folder / "rules"
        self.daemon = daemon
        self._site = site
        self._feeds = feeds
        self._hook = hook
        self._numbers = count()
        self._feeds.wait_for_requests(2, "/wire")  # its baseline is made

    def publish(self, *headlines: str) -> None:
        for headline in headlines:
            self._feeds.prepend_item("/wire", item(next(self._numbers), headline))

    def polled(self) -> None:
        """What has been published so far was looked at."""
        done = len(self._feeds.requests("/wire"))
        self._feeds.wait_for_requests(done + 2, "/wire")

    async def said(self, what: str, times: int = 1) -> str:
        """Wait until the log has it so many times; all of the log."""
        clock = SystemClock()
        ends = clock.monotonic() + WAIT_SECONDS
        while self.daemon.text().count(what) < times:
            assert clock.monotonic() < ends, f"never said {what!r} {times} times:\n{self.daemon.text()}"
            await clock.sleep(0.02)
        return self.daemon.text()

    def status(self) -> Any:
        return command_json("status", cwd=self._site.folder)


@pytest.fixture
def desk(site: Site, feeds: FeedServer, hook: WebhookReceiver) -> Iterator[Desk]:
    with Daemon(site) as daemon:
        yield Desk(site, feeds, hook, daemon)


def rename_over(path: Path, text: str) -> None:
    """As vim, rsync and configuration management save."""
    beside = path.with_name(f".{path.name}.tmp")
    beside.write_text(text)
    beside.rename(path)


def write_in_place(path: Path, text: str) -> None:
    """As nano and shells save: emptied, then filled."""
    path.write_text(text)


@pytest.mark.parametrize("save", [rename_over, write_in_place])
async def test_a_saved_rule_is_live_without_a_restart(
    desk: Desk, hook: WebhookReceiver, save: Callable[[Path, str], None]
) -> None:
    """However the editor saves; what changed is said in one line, and each headline is matched once."""
    desk.publish("Assad gets asylum", "Flood: dam breaks")
    hook.wait_for(1)
    desk.polled()
    save(desk.rules / "test.toml", LEADERS.replace("AND asylum", "AND exile") + FLOODS)
    await desk.said("rules reloaded: +1 rules, 1 changed, 0 removed")
    desk.publish("Assad gets asylum again", "Assad in exile", "Second flood: dam gone")
    hook.wait_for(3)
    desk.polled()
    assert sorted(titles(hook)) == ["Assad gets asylum", "Assad in exile", "Second flood: dam gone"]


async def test_new_subfolder_and_deleted_file(desk: Desk, hook: WebhookReceiver) -> None:
    """A folder that is made later is followed too; a deleted file takes its rules away; the last may go."""
    (desk.rules / "weather" / "europe").mkdir(parents=True)
    (desk.rules / "weather" / "europe" / "floods.toml").write_text(FLOODS)
    await desk.said("rules reloaded: +1 rules, 0 changed, 0 removed")
    write_in_place(desk.rules / "weather" / "europe" / "floods.toml", FLOODS.replace("dam", "dyke"))
    await desk.said("rules reloaded: +0 rules, 1 changed, 0 removed")
    desk.publish("Flood: dam breaks", "Flood: dyke breaks")
    hook.wait_for(1)
    shutil.rmtree(desk.rules / "weather")
    await desk.said("rules reloaded: +0 rules, 0 changed, 1 removed")
    (desk.rules / "test.toml").unlink()
    await desk.said("rules reloaded: +0 rules, 0 changed, 1 removed", times=2)
    desk.publish("Flood: dyke breaks again", "Assad gets asylum")
    desk.polled()
    (desk.rules / "test.toml").write_text(LEADERS)
    await desk.said("rules reloaded: +1 rules", times=2)
    desk.publish("Assad: asylum in Moscow")
    hook.wait_for(2)
    assert titles(hook) == ["Flood: dyke breaks", "Assad: asylum in Moscow"]


async def test_a_broken_file_keeps_alerting_and_says_so_once(desk: Desk, hook: WebhookReceiver) -> None:
    """The old version goes on, other files go their way, `status` names the fault; mended, the new version is live."""
    test, floods = desk.rules / "test.toml", desk.rules / "floods.toml"
    rename_over(test, LEADERS.replace("asylum", "exile") + BROKEN)
    await desk.said("rule file broken")
    floods.write_text(FLOODS)
    await desk.said("rules reloaded: +1 rules, 0 changed, 0 removed")
    write_in_place(test, test.read_text())  # saved again as it is
    floods.write_text(FLOODS.replace("dam", "dyke"))
    await desk.said("rules reloaded: +0 rules, 1 changed, 0 removed")
    desk.publish("Assad gets asylum", "Flood: dyke breaks")
    hook.wait_for(2)
    status = desk.status()
    (broken,) = status["broken_rule_files"]
    assert broken["file"] == str(test)
    assert broken["since"]
    assert broken["last_good"]
    assert f"{test}:6:" in broken["faults"][0]
    assert "never closed" in broken["faults"][0]
    assert status["rules"] == 2
    shown = command("status", cwd=desk.rules.parent).stdout
    assert "1 broken file" in shown
    assert "never closed" in shown
    rename_over(test, LEADERS.replace("asylum", "exile"))
    text = await desk.said("rule file mended")
    assert text.count("rule file broken") == 1
    desk.publish("Assad gets asylum at last", "Assad in exile")
    hook.wait_for(3)
    assert sorted(titles(hook)) == ["Assad gets asylum", "Assad in exile", "Flood: dyke breaks"]
    assert desk.status()["broken_rule_files"] == []


def test_a_broken_file_does_not_keep_the_daemon_from_starting(
    site: Site, feeds: FeedServer, hook: WebhookReceiver
) -> None:
    """All that is right runs, all that is wrong is said as an error; `check` stays strict."""
    site.rules = LEADERS + BROKEN
    site.write()
    (site.folder / "rules" / "other.toml").write_text("[[rule]\n")
    assert command("check", cwd=site.folder).returncode == 78
    with Daemon(site) as daemon:
        desk = Desk(site, feeds, hook, daemon)
        assert daemon.text().count("rule file broken") == 2
        desk.publish("Assad gets asylum", "Earthquake in town")
        hook.wait_for(1)
        desk.polled()
    assert titles(hook) == ["Assad gets asylum"]


async def test_without_any_rule_it_starts_and_waits_for_one(
    site: Site, feeds: FeedServer, hook: WebhookReceiver
) -> None:
    """The feeds are followed meanwhile, so what was published before the first rule is not new when it comes."""
    site.rules = BROKEN
    site.write()
    with Daemon(site) as daemon:
        desk = Desk(site, feeds, hook, daemon)
        assert "no rules" in daemon.text()
        desk.publish("Earthquake in old town")
        desk.polled()
        rename_over(desk.rules / "test.toml", BROKEN.replace("(town", "town"))
        await desk.said("rules reloaded: +1 rules")
        desk.publish("Earthquake in new town")
        hook.wait_for(1)
    assert titles(hook) == ["Earthquake in new town"]


async def test_a_restart_with_a_broken_file_uses_its_last_good_version(
    site: Site, feeds: FeedServer, hook: WebhookReceiver
) -> None:
    """A reboot after a bad edit, even through kill -9, loses no rule; since when it is broken is not forgotten."""
    with Daemon(site) as daemon:
        desk = Desk(site, feeds, hook, daemon)
        rename_over(desk.rules / "test.toml", LEADERS + BROKEN)
        await desk.said("rule file broken")
        since = desk.status()["broken_rule_files"][0]["since"]
        write_in_place(desk.rules / "test.toml", "[[rule]\n")
        await desk.said("rule file broken", times=2)
        daemon.kill()
        daemon.restart()
        assert "its last good version (1 rule)" in await desk.said("rule file broken", times=3)
        desk.publish("Assad gets asylum")
        hook.wait_for(1)
        assert desk.status()["broken_rule_files"][0]["since"] == since


async def test_a_rule_is_live_only_with_its_tests(desk: Desk, hook: WebhookReceiver) -> None:
    """A failing test is a fault like any other: the file stays as it was until rule and test agree."""
    tested = FLOODS + "[[rule.tests]]\ntitle = 'Flood: dyke breaks'\n"
    (desk.rules / "floods.toml").write_text(FLOODS)
    await desk.said("rules reloaded: +1 rules")
    rename_over(desk.rules / "floods.toml", tested)
    assert "it should match" in await desk.said("rule file broken")
    desk.publish("Flood: dam breaks")
    hook.wait_for(1)
    rename_over(desk.rules / "floods.toml", tested.replace("AND dam", "AND dyke"))
    await desk.said("rule file mended")
    desk.publish("Flood: dyke breaks")
    hook.wait_for(2)


async def test_rules_may_name_a_feed_once_it_is_added(desk: Desk, feeds: FeedServer, hook: WebhookReceiver) -> None:
    """An edit that names a feed nobody has heard of is not taken; SIGHUP after `feeds add` takes it."""
    (desk.rules / "late.toml").write_text(FLOODS + "feeds = ['late']\n")
    assert "'late'" in await desk.said("rule file broken")
    added = command("feeds", "add", "late", feeds.put("/late", rss()), "--interval", "1s", cwd=desk.rules.parent)
    assert added.returncode == 0, added.stderr
    assert "refused" not in desk.daemon.reload()
    await desk.said("rule file mended")
    feeds.wait_for_requests(2, "/late")
    feeds.prepend_item("/late", item("l1", "Flood: dam breaks"))
    hook.wait_for(1)


async def test_a_configuration_that_orphans_a_rule_is_refused(desk: Desk, site: Site, hook: WebhookReceiver) -> None:
    """A live rule never loses its channel: the reload is refused with the rule's name, until both fit."""
    (desk.rules / "floods.toml").write_text(FLOODS + "channels = ['hook']\n")
    await desk.said("rules reloaded: +1 rules")
    site.channels = {"other": site.channels["hook"]}
    site.write()
    assert "refused" in desk.daemon.reload()
    assert "rule 'floods'" in desk.daemon.text()
    desk.publish("Flood: dam breaks")
    hook.wait_for(1)
    rename_over(desk.rules / "floods.toml", FLOODS + "channels = ['other']\n")
    assert "'other'" in await desk.said("rule file broken")
    assert "refused" not in desk.daemon.reload()
    desk.publish("Flood: second dam breaks")
    hook.wait_for(2)
    assert desk.status()["broken_rule_files"] == []


async def test_a_rules_folder_that_is_replaced_or_missing(desk: Desk, hook: WebhookReceiver) -> None:
    """While it is away the rules go on; what comes in its place is taken, and followed from then on."""
    desk.rules.rename(desk.rules.with_name("old"))
    said = await desk.said("there is no such folder")
    assert 'used="its last good version (1 rule)"' in said
    desk.publish("Assad gets asylum")
    hook.wait_for(1)
    desk.rules.mkdir()
    (desk.rules / "new.toml").write_text(FLOODS)
    await desk.said("rules reloaded: +1 rules, 0 changed, 1 removed")
    (desk.rules / "test.toml").write_text(LEADERS)
    await desk.said("rules reloaded: +1 rules, 0 changed, 0 removed")
    (desk.rules / "gone.toml").symlink_to("/nowhere/gone.toml")
    said = await desk.said("a link that cannot be followed to /nowhere/gone.toml")
    assert 'used="nothing of it"' in said
    assert "nothing of it" in command("status", cwd=desk.rules.parent).stdout


async def test_a_rule_with_a_hostile_expression_is_stopped(desk: Desk, hook: WebhookReceiver) -> None:
    """After three time-outs it rests, said once and named in `status`; the others match on, and an edit starts it."""
    slow = desk.rules / "slow.toml"
    slow.write_text("[[rule]]\nname = 'slow'\nquery = '/(a|a|aa)+$/'\n" + FLOODS)
    await desk.said("rules reloaded: +2 rules")
    for number in range(5):
        desk.publish(f"Flood {number}: dam {'a' * 60}!")
    hook.wait_for(5)
    desk.polled()
    assert (await desk.said("rule stopped")).count("rule stopped") == 1
    (stopped,) = desk.status()["stopped_rules"]
    assert (stopped["rule"], stopped["file"]) == ("slow", str(slow))
    assert "stopped rules" in command("status", cwd=desk.rules.parent).stdout
    rename_over(slow, "[[rule]]\nname = 'slow'\nquery = '/a{60}/'\n" + FLOODS)
    await desk.said("rules reloaded: +0 rules, 1 changed, 0 removed")
    desk.publish(f"No water, but {'a' * 60}")
    hook.wait_for(6)
    assert desk.status()["stopped_rules"] == []
