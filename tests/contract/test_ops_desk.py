"""What of the daemon's events becomes an alert for the operators, over a real store."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from monitor.alerts.ops import Ops
from monitor.errors import StoreError
from monitor.model import ChannelPause
from monitor.service.deliver import Outlet
from monitor.service.events import ChannelPaused, RuleFileBroken, RuleFileRecovered, RulesReloaded
from monitor.service.ops import OpsDesk
from monitor.service.threads import StoreThreads
from tests.contract.samples import NOW
from tests.fakes import FakeClock, ScriptedNotifier

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.store.base import Store

BROKEN = RuleFileBroken(path="rules/a.toml", faults=(), last_good=True, rules=3, since=NOW)
MENDED = RuleFileRecovered(path="rules/a.toml", since=NOW)


class Desk:
    """An ops desk with the channels "pager" and "mail", over `store`."""

    def __init__(self, store: Store, threads: StoreThreads) -> None:
        self.store = store
        self.broken = {BROKEN.path}
        self.pager, self.mail = ScriptedNotifier(), ScriptedNotifier()
        self.ops = Ops(channels=("pager", "mail"), others=("desk",))
        self.desk = OpsDesk(
            ops=lambda: self.ops,
            is_broken=lambda path: path in self.broken,
            outlets=lambda: {"pager": Outlet(notifier=self.pager), "mail": Outlet(notifier=self.mail)},
            store=store,
            threads=threads,
            clock=FakeClock(NOW),
            observer=lambda event: None,  # noqa: ARG005 -- nobody watches
        )

    def told(self) -> list[tuple[str, str]]:
        found = self.store.deliveries()
        return sorted((delivery.channel, delivery.alert.title.text) for delivery in found)


@pytest.fixture
def desk(store: Store) -> Iterator[Desk]:
    threads = StoreThreads()
    yield Desk(store, threads)
    threads.close()


async def test_a_broken_file_is_told_once_and_mended_once(desk: Desk) -> None:
    """Both to every channel for operators; the same trouble told again is the same alert."""
    await desk.desk.tell(BROKEN)
    await desk.desk.tell(BROKEN)
    await desk.desk.tell(MENDED)
    broken, mended = "The rule file rules/a.toml is broken", "The rule file rules/a.toml is in use again"
    assert desk.told() == [("mail", broken), ("mail", mended), ("pager", broken), ("pager", mended)]


async def test_a_slow_save_is_no_trouble(desk: Desk) -> None:
    """A file that is whole again after some seconds is told to nobody."""
    desk.broken.clear()
    await desk.desk.tell(BROKEN)
    await desk.desk.tell(MENDED)
    assert desk.told() == []


async def test_a_broken_channel_is_told_through_another(desk: Desk) -> None:
    """Not through itself, nor through one that is paused as well."""
    pause = ChannelPause(channel="pager", since=NOW, reason="410 Gone", next_try_at=NOW + timedelta(minutes=5))
    desk.store.pause_channel(pause)
    await desk.desk.tell(ChannelPaused(pause=pause))
    assert desk.told() == [("mail", "The channel pager is broken")]


async def test_without_ops_channels_nobody_is_told(desk: Desk) -> None:
    """And what is no trouble is no alert."""
    await desk.desk.tell(RulesReloaded(added=1, changed=0, removed=0, live=1))
    desk.ops = Ops()
    await desk.desk.tell(BROKEN)
    assert desk.told() == []


async def test_a_full_disk_is_told_directly_and_once(desk: Desk) -> None:
    """The store cannot take that alert, so it is sent; again only after writing has worked in between."""
    for _ in range(2):
        await desk.desk.store_failed(StoreError("disk full"))
    assert [message.alerts[0].title.text for message in desk.pager.sent] == ["The store cannot be written"]
    desk.desk.store_works()
    await desk.desk.store_failed(StoreError("disk full"))
    assert len(desk.pager.sent) == len(desk.mail.sent) == 2
