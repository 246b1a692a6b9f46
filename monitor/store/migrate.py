"""Bringing a database to the schema of this program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import inspect, text

from monitor.errors import StoreError
from monitor.store import dialect
from monitor.store.tables import store_info

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from monitor.store.engine import Database

# Known here as well as in the scripts, so that opening an up-to-date store need not import Alembic (about 0.15 s, half
# as long as a whole short command takes); a test compares the two.
HEAD: Final = "0009"
SCRIPTS: Final = Path(__file__).with_name("migrations")


def bring_up_to_date(
    database: Database, *, now: datetime, migrate: bool, head: str = HEAD, scripts: Path = SCRIPTS
) -> None:
    """See that the schema is the one of this program, and make it so where `migrate` allows.

    An older SQLite file is first copied to `<db>.before-<its revision>`. All steps are one transaction: they are done,
    or nothing is.

    Raises:
        StoreError: The database is newer than this program, or older and `migrate` is False.
    """
    with database.write() as connection:
        found = current_revision(connection)
    if found == head:
        return
    if found is not None:
        _refuse_newer(found, scripts)
    if not migrate:
        raise StoreError(
            "The store has not been set up yet; start the daemon, or run any command that writes."
            if found is None
            else f"The store has the older schema {found}; start this version's daemon once to upgrade it to {head}."
        )
    if found is not None:
        database.backup(found)
    with database.write() as connection:
        dialect.lock_migration(connection)
        # Another process may have done it between the two transactions.
        if current_revision(connection) != head:
            _upgrade(connection, scripts)
            row = dialect.insert(connection, store_info).values(id=1, created_at=now, pings=0)
            connection.execute(row.on_conflict_do_nothing())


def current_revision(connection: Connection) -> str | None:
    """The schema's revision; None for an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _refuse_newer(found: str, scripts: Path) -> None:
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - see HEAD

    known = {script.revision for script in ScriptDirectory(str(scripts)).walk_revisions()}
    if found not in known:
        raise StoreError(
            f"The store was made by a newer news-monitor (schema {found}, this one knows {HEAD}). "
            "Install that version again, or point this one at another store with store.url or state_dir."
        )


def _upgrade(connection: Connection, scripts: Path) -> None:
    from alembic import command  # noqa: PLC0415 - see HEAD
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
