"""`Holds`: silences and paused channels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, true, update

from monitor.model import HoldKind
from monitor.store import dialect, rows
from monitor.store.tables import IS_PENDING, channel_pauses, deliveries, silences

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from monitor.model import ChannelPause, Silence
    from monitor.store.engine import Database


class HoldsPart:
    """Implements `monitor.store.base.Holds`."""

    _database: Database

    def add_silence(self, silence: Silence) -> Silence:
        with self._database.write() as connection:
            new = insert(silences).values(rows.silence_values(silence)).returning(silences.c.id)
            return replace(silence, id=connection.execute(new).scalar_one())

    def silences(self, *, now: datetime, ended: bool = False) -> Sequence[Silence]:
        found = select(silences).where(true() if ended else silences.c.ends_at > now)
        with self._database.read() as connection:
            ordered = connection.execute(found.order_by(silences.c.ends_at, silences.c.id))
            return tuple(rows.silence_from_row(row) for row in ordered)

    def end_silence(self, silence_id: int, *, now: datetime) -> bool:
        one = update(silences).where(silences.c.id == silence_id, silences.c.ends_at > now).values(ends_at=now)
        held = (
            update(deliveries)
            .where(IS_PENDING, deliveries.c.hold == HoldKind.SILENCE.value, deliveries.c.due_at > now)
            .where(deliveries.c.group_key == f"silence {silence_id}", deliveries.c.lease_token.is_(None))
            .values(due_at=now)
        )
        with self._database.write() as connection:
            ended = connection.execute(one).rowcount == 1
            if ended:
                connection.execute(held)
        return ended

    def pause_channel(self, pause: ChannelPause) -> bool:
        values = {
            "channel": pause.channel,
            "since": pause.since,
            "reason": pause.reason,
            "next_try_at": pause.next_try_at,
        }
        with self._database.write() as connection:
            known = select(channel_pauses.c.channel).where(channel_pauses.c.channel == pause.channel)
            is_new = connection.execute(known).first() is None
            new = dialect.insert(connection, channel_pauses)
            again = {"reason": new.excluded.reason, "next_try_at": new.excluded.next_try_at}
            connection.execute(new.on_conflict_do_update(index_elements=["channel"], set_=again), [values])
        return is_new

    def resume_channel(self, channel: str, *, now: datetime) -> bool:
        tried = (
            update(deliveries)
            .where(IS_PENDING, deliveries.c.channel == channel, deliveries.c.due_at > now)
            .where(deliveries.c.message_id.is_not(None), deliveries.c.lease_token.is_(None))
            .values(due_at=now)
        )
        with self._database.write() as connection:
            resumed = (
                connection.execute(delete(channel_pauses).where(channel_pauses.c.channel == channel)).rowcount == 1
            )
            if resumed:
                connection.execute(tried)
        return resumed

    def paused_channels(self) -> Mapping[str, ChannelPause]:
        with self._database.read() as connection:
            return {row.channel: rows.pause_from_row(row) for row in connection.execute(select(channel_pauses))}
