"""`RuleFiles`: what outlives the daemon of the rule files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, select

from monitor.store import dialect, rows
from monitor.store.tables import rule_files

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from monitor.store.base import RuleFile
    from monitor.store.engine import Database

_KEPT = ("text", "lists", "rules", "faults", "broken_at", "stopped")


class RuleFilesPart:
    """Implements `monitor.store.base.RuleFiles`."""

    _database: Database

    def rule_files(self) -> Sequence[RuleFile]:
        with self._database.read() as connection:
            found = connection.execute(select(rule_files).order_by(rule_files.c.path))
            return tuple(rows.rule_file_from_row(row) for row in found)

    def keep_rule_files(self, files: Sequence[RuleFile], *, gone: Collection[str] = ()) -> None:
        with self._database.write() as connection:
            if gone:
                left = delete(rule_files).where(rule_files.c.path == bindparam("b_path"))
                connection.execute(left, [{"b_path": path} for path in sorted(gone)])
            if files:
                insert = dialect.insert(connection, rule_files)
                again = {name: insert.excluded[name] for name in _KEPT}
                values = [rows.rule_file_values(file) for file in sorted(files, key=lambda file: file.path)]
                connection.execute(insert.on_conflict_do_update(index_elements=["path"], set_=again), values)
