"""`Counts`: matches of rules that count them, and since when rules for silence have been live."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, select, true

from monitor.store import dialect, rows
from monitor.store.tables import COUNTS, entries, feeds, matches, watched_rules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from monitor.model import CountedMatch
    from monitor.store.engine import Database


class CountsPart:
    """Implements `monitor.store.base.Counts`."""

    _database: Database

    def counted_matches(
        self, rule: str, *, limit: int, after: datetime | None = None, until: datetime | None = None
    ) -> Sequence[CountedMatch]:
        found = (
            select(
                matches.c.counts_at,
                matches.c.matched_at,
                matches.c.alert_id,
                entries.c.feed_id,
                entries.c.key,
                entries.c.title,
                feeds.c.name.label("feed"),
            )
            .select_from(matches.join(entries).join(feeds))
            .where(
                COUNTS,
                matches.c.rule == rule,
                matches.c.counts_at > after if after is not None else true(),
                matches.c.counts_at <= until if until is not None else true(),
            )
            .order_by(matches.c.counts_at.desc(), matches.c.entry_id.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            return tuple(rows.counted_match_from_row(row) for row in connection.execute(found))

    def watch_rules(self, marks: Mapping[str, str], *, now: datetime) -> Mapping[str, datetime]:
        with self._database.write() as connection:
            found = {row.rule: row for row in connection.execute(select(watched_rules))}
            gone = sorted(found.keys() - marks.keys())
            if gone:
                left = delete(watched_rules).where(watched_rules.c.rule == bindparam("b_rule"))
                connection.execute(left, [{"b_rule": rule} for rule in gone])
            new = sorted(rule for rule, mark in marks.items() if rule not in found or found[rule].mark != mark)
            if new:
                insert = dialect.insert(connection, watched_rules)
                again = {"mark": insert.excluded.mark, "since": insert.excluded.since}
                values = [{"rule": rule, "mark": marks[rule], "since": now} for rule in new]
                connection.execute(insert.on_conflict_do_update(index_elements=["rule"], set_=again), values)
        return {rule: now if rule in new else found[rule].since for rule in marks}
