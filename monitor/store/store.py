"""The store, whole: the parts of the contract over one open database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import update

from monitor.errors import StoreError
from monitor.store.counts import CountsPart
from monitor.store.feeds import FeedRegistryPart
from monitor.store.holds import HoldsPart
from monitor.store.outbox import OutboxPart
from monitor.store.pages import PagesPart
from monitor.store.queue import FeedQueuePart
from monitor.store.reports import ReportsPart
from monitor.store.rulefiles import RuleFilesPart
from monitor.store.stories import StoriesPart
from monitor.store.subscriptions import SubscriptionsPart
from monitor.store.tables import store_info

if TYPE_CHECKING:
    from monitor.store.engine import Database


class SqlStore(
    FeedRegistryPart,
    FeedQueuePart,
    PagesPart,
    StoriesPart,
    OutboxPart,
    HoldsPart,
    CountsPart,
    RuleFilesPart,
    SubscriptionsPart,
    ReportsPart,
):
    """Implements `monitor.store.base.Store` for SQLite and PostgreSQL; `monitor.store.open.open_store` makes one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ping(self) -> None:
        # A number that goes up: an UPDATE that changes nothing is not written, and would not notice a full disk.
        with self._database.write() as connection:
            counted = connection.execute(update(store_info).values(pings=store_info.c.pings + 1)).rowcount
        if counted != 1:
            raise StoreError("The store has lost its own row in store_info; restore a backup.")

    def close(self) -> None:
        self._database.close()
