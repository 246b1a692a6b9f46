"""`Stories`: what processes take up of each other's placings, how stories stand, and people's corrections."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, case, desc, func, insert, select, tuple_, update

from monitor.model import (
    AlertId,
    Correction,
    DeliveryState,
    ListedStory,
    SaidTo,
    Spoken,
    StoryMatch,
    StoryNews,
    StoryView,
)
from monitor.store import dialect, rows
from monitor.store.tables import (
    ROW_ID,
    UtcTime,
    alerts,
    deliveries,
    entries,
    feeds,
    matches,
    story_corrections,
    story_members,
    threads,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from monitor.model import ListedMember, StoredMember, StoryOrder
    from monitor.store.engine import Database

_TAKEN_UP: Final = (
    story_members.c.number,
    story_members.c.member,
    story_members.c.story,
    story_members.c.at,
    story_members.c.clues,
)
_HAS_CLUES: Final = func.length(story_members.c.clues) > 0
# Asked at every placing, so made once.
_NEWS: Final = (
    select(story_members.c.number, story_members.c.member, _HAS_CLUES.label("counts"))
    .where(story_members.c.number > bindparam("b_member", type_=ROW_ID))
    .order_by(story_members.c.number)
)
_CORRECTIONS: Final = (
    select(
        story_corrections.c.id,
        story_corrections.c.story,
        story_corrections.c.into_story,
        story_corrections.c.entry_id,
        story_members.c.member,
    )
    .outerjoin(story_members, story_members.c.entry_id == story_corrections.c.entry_id)
    .where(story_corrections.c.id > bindparam("b_correction", type_=ROW_ID))
    .order_by(story_corrections.c.id)
)
_OUTLETS: Final = dialect.for_each(
    lambda name: (
        select(
            story_members.c.story,
            story_members.c.outlet,
            func.min(story_members.c.outlet_name),
            func.min(story_members.c.at).label("first_at"),
        )
        .where(dialect.is_listed(name, story_members.c.story, "b_stories"))
        .group_by(story_members.c.story, story_members.c.outlet)
        .order_by("first_at", story_members.c.outlet)
    )
)
_MATCHES: Final = dialect.for_each(
    lambda name: (
        select(
            story_members.c.story,
            matches.c.rule,
            story_members.c.outlet,
            func.coalesce(matches.c.counts_at, story_members.c.at).label("matched_at"),
            story_members.c.baseline,
        )
        .join(matches, matches.c.entry_id == story_members.c.entry_id)
        .where(dialect.is_listed(name, story_members.c.story, "b_stories"))
        .order_by(story_members.c.at, story_members.c.number)
    )
)
_ALERTS: Final = dialect.for_each(
    lambda name: (
        select(alerts.c.id, alerts.c.story, alerts.c.rule, alerts.c.kind, alerts.c.document, story_members.c.outlet)
        .outerjoin(story_members, story_members.c.entry_id == alerts.c.entry_id)
        .where(dialect.is_listed(name, alerts.c.story, "b_stories"))
        .order_by(alerts.c.created_at, alerts.c.id)
    )
)
_GIVEN_UP: Final = (DeliveryState.DEAD.value, DeliveryState.DROPPED.value)
_SENT_TO: Final = dialect.for_each(
    lambda name: (
        select(
            deliveries.c.alert_id,
            deliveries.c.channel,
            deliveries.c.route,
            case((deliveries.c.state == DeliveryState.PENDING.value, deliveries.c.due_at)).label("due_at"),
        )
        .where(dialect.is_listed(name, deliveries.c.alert_id, "b_alerts"), deliveries.c.state.not_in(_GIVEN_UP))
        .order_by(deliveries.c.channel)
    )
)


class StoriesPart:
    """Implements `monitor.store.base.Stories`."""

    _database: Database

    def story_window(
        self, *, since: datetime, after: tuple[datetime, int] | None, limit: int
    ) -> Sequence[StoredMember]:
        found = select(*_TAKEN_UP).where(story_members.c.at >= since, _HAS_CLUES)
        if after is not None:
            at, number = after
            place = tuple_(story_members.c.at, story_members.c.number)
            found = found.where(
                story_members.c.at >= at, place > tuple_(bindparam("b_at", at, UtcTime), bindparam("b_number", number))
            )
        found = found.order_by(story_members.c.at, story_members.c.number).limit(limit)
        with self._database.read() as connection:
            return tuple(rows.stored_member_from_row(row) for row in connection.execute(found))

    def stories_over(self, *, before: datetime) -> Sequence[str]:
        earlier = story_members.alias()
        began = select(earlier.c.entry_id).where(
            earlier.c.story == story_members.c.story, earlier.c.at < before, func.length(earlier.c.clues) > 0
        )
        found = select(story_members.c.story).where(story_members.c.at >= before, _HAS_CLUES, began.exists())
        with self._database.read() as connection:
            return tuple(sorted(set(connection.execute(found).scalars())))

    def story_news(self, *, member: int, correction: int) -> StoryNews:
        with self._database.read() as connection:
            told = connection.execute(_NEWS, {"b_member": member}).all()
            corrected = connection.execute(_CORRECTIONS, {"b_correction": correction}).all()
        return StoryNews(
            number=told[-1].number if told else member,
            members=tuple((row.number, row.member) for row in told if row.counts),
            corrections=tuple(
                Correction(
                    number=row.id,
                    story=row.story,
                    into=row.into_story,
                    member=row.member if row.entry_id is not None else None,
                )
                for row in corrected
            ),
        )

    def story_numbers(self) -> tuple[int, int]:
        last = select(
            select(func.coalesce(func.max(story_members.c.number), 0)).scalar_subquery(),
            select(func.coalesce(func.max(story_corrections.c.id), 0)).scalar_subquery(),
        )
        with self._database.read() as connection:
            member, correction = connection.execute(last).one()
        return member, correction

    def story_members(self, numbers: Collection[int]) -> Sequence[StoredMember]:
        found: list[StoredMember] = []
        with self._database.read() as connection:
            for part in dialect.chunks(sorted(numbers)):
                these = select(*_TAKEN_UP).where(story_members.c.number.in_(part)).order_by(story_members.c.number)
                found += [rows.stored_member_from_row(row) for row in connection.execute(these)]
        return tuple(found)

    def story_views(self, stories: Collection[str]) -> Mapping[str, StoryView]:
        if not stories:
            return {}
        with self._database.read() as connection:
            return _views(connection, sorted(stories))

    # ------------------------------------------------------------------------------------------------------- reports

    def list_stories(
        self, *, since: datetime, least: int, rule: str | None, order: StoryOrder, limit: int
    ) -> Sequence[ListedStory]:
        first, last = func.min(story_members.c.at).label("first_at"), func.max(story_members.c.at).label("last_at")
        told_by = func.count(story_members.c.outlet.distinct())
        recent = select(story_members.c.story).where(story_members.c.at >= since)
        if rule is not None:
            recent = select(alerts.c.story).where(alerts.c.rule == rule, alerts.c.story.in_(recent))
        found = (
            select(story_members.c.story, func.count().label("members"), first, last)
            .where(story_members.c.story.in_(recent))
            .group_by(story_members.c.story)
            .having(told_by >= least)
            .order_by(*([desc(told_by)] if order == "outlets" else []), desc(last), story_members.c.story)
            .limit(limit)
        )
        with self._database.read() as connection:
            rows_found = connection.execute(found).all()
            return tuple(_listed(connection, row) for row in rows_found)

    def stories_called(self, prefix: str, *, limit: int) -> Sequence[str]:
        # Ids are hexadecimal digits; "~" sorts after all of them.
        found = (
            select(story_members.c.story)
            .distinct()
            .where(story_members.c.story >= prefix, story_members.c.story < f"{prefix}~")
            .order_by(story_members.c.story)
            .limit(limit)
        )
        # One that went into another is found as that.
        gone = story_corrections.c
        went = (
            select(gone.into_story)
            .join(story_members, story_members.c.story == gone.into_story)
            .where(gone.story >= prefix, gone.story < f"{prefix}~", gone.entry_id.is_(None))
            .distinct()
            .limit(limit)
        )
        with self._database.read() as connection:
            return tuple(connection.execute(found).scalars()) or tuple(connection.execute(went).scalars())

    def story(self, story: str) -> tuple[ListedStory, Sequence[ListedMember]] | None:
        span = select(
            func.count().label("members"),
            func.min(story_members.c.at).label("first_at"),
            func.max(story_members.c.at).label("last_at"),
            story_members.c.story,
        )
        one = span.where(story_members.c.story == story).group_by(story_members.c.story)
        with self._database.read() as connection:
            found = connection.execute(one).first()
            return None if found is None else (_listed(connection, found), _members(connection, story))

    def story_of(self, entry_id: int) -> str | None:
        found = select(story_members.c.story).where(story_members.c.entry_id == entry_id)
        with self._database.read() as connection:
            return connection.execute(found).scalar()

    # --------------------------------------------------------------------------------------------------- corrections

    def merge_stories(self, into: str, others: Sequence[str], *, now: datetime) -> int:
        with self._database.write() as connection:
            dialect.lock_stories(connection)
            return sum(_move_all(connection, each, into, now) for each in others if each != into)

    def split_story(self, story: str, entry_ids: Collection[int], *, now: datetime) -> str:
        ids = sorted(entry_ids)
        with self._database.write() as connection:
            dialect.lock_stories(connection)
            apart = _new_story("apart", story, now.isoformat(), *ids)
            _correct(connection, now, [(story, apart, each) for each in ids])
            for part in dialect.chunks(ids):
                these = story_members.c.entry_id.in_(part)
                connection.execute(
                    update(story_members).where(these, story_members.c.story == story).values(story=apart)
                )
                goes = alerts.c.entry_id.in_(part) & (alerts.c.story == story) & (alerts.c.kind == "news")
                gone = connection.execute(update(alerts).where(goes).values(story=apart)).rowcount
                if gone:
                    _copy_threads(connection, story, apart)
                    # The alert's id is made of the story's: with the same one the rest could never alert again.
                    _move_all(connection, story, _new_story("rest", story, now.isoformat(), *ids), now)
        return apart


def _views(connection: Connection, stories: Sequence[str]) -> dict[str, StoryView]:
    name, given = dialect.of(connection), {"b_stories": dialect.listed(connection, stories)}
    outlets: dict[str, dict[str, str]] = {story: {} for story in stories}
    matched: dict[str, dict[str, list[StoryMatch]]] = {story: {} for story in stories}
    for story, outlet, outlet_name, _ in connection.execute(_OUTLETS[name], given):
        outlets[story][outlet] = outlet_name
    for story, rule, outlet, at, baseline in connection.execute(_MATCHES[name], given):
        matched[story].setdefault(rule, []).append(StoryMatch(outlet=outlet, at=at, baseline=baseline))
    spoken = _spoken(connection, name, connection.execute(_ALERTS[name], given).all())
    return {
        story: StoryView(
            id=story,
            outlets=outlets[story],
            matches={rule: tuple(each) for rule, each in matched[story].items()},
            spoken=spoken.get(story, {}),
        )
        for story in stories
    }


def _spoken(connection: Connection, name: str, found: Sequence[rows.AnyRow]) -> dict[str, dict[str, Spoken]]:
    """By story and rule: the first news, and all outlets that it and what followed have named."""
    first: dict[tuple[str, str], rows.AnyRow] = {}
    told: dict[tuple[str, str], set[str]] = {}
    said: dict[tuple[str, str], set[AlertId]] = {}
    for row in found:
        said.setdefault((row.story, row.rule), set()).add(AlertId(row.id))
        if row.kind == "news":
            first.setdefault((row.story, row.rule), row)
        if row.outlet is not None:
            told.setdefault((row.story, row.rule), set()).add(row.outlet)
    to = _sent_to(connection, name, [row.id for row in first.values()])
    spoken: dict[str, dict[str, Spoken]] = {}
    for (story, rule), row in first.items():
        spoken.setdefault(story, {})[rule] = Spoken(
            alert=rows.alert_from_document(row.document),
            told=frozenset(told.get((story, rule), ())),
            said=frozenset(said[story, rule]),
            to=tuple(to.get(row.id, ())),
        )
    return spoken


def _sent_to(connection: Connection, name: str, ids: Sequence[AlertId]) -> dict[AlertId, list[SaidTo]]:
    to: dict[AlertId, list[SaidTo]] = {}
    if ids:
        for row in connection.execute(_SENT_TO[name], {"b_alerts": dialect.listed(connection, ids)}):
            to.setdefault(row.alert_id, []).append(SaidTo(channel=row.channel, route=row.route, due_at=row.due_at))
    return to


def _listed(connection: Connection, row: rows.AnyRow) -> ListedStory:
    """From the story's id, and its numbers."""
    title = (
        select(entries.c.title)
        .join(story_members, story_members.c.entry_id == entries.c.id)
        .where(story_members.c.story == row.story)
        .order_by(story_members.c.at, story_members.c.number)
        .limit(1)
    )
    of_rules = select(alerts.c.rule).distinct().where(alerts.c.story == row.story).order_by(alerts.c.rule)
    given = {"b_stories": dialect.listed(connection, [row.story])}
    told_by = connection.execute(_OUTLETS[dialect.of(connection)], given).all()
    return ListedStory(
        id=row.story,
        title=connection.execute(title).scalar() or "",
        first_at=row.first_at,
        last_at=row.last_at,
        entries=row.members,
        outlets=tuple(each[2] for each in told_by),
        rules=tuple(connection.execute(of_rules).scalars()),
    )


def _members(connection: Connection, story: str) -> tuple[ListedMember, ...]:
    found = (
        select(story_members, entries.c.title, entries.c.link, entries.c.published_at, feeds.c.name.label("feed"))
        .select_from(story_members.join(entries).join(feeds))
        .where(story_members.c.story == story)
        .order_by(story_members.c.at, story_members.c.number)
    )
    matched = (
        select(matches.c.entry_id, matches.c.rule)
        .join(story_members, story_members.c.entry_id == matches.c.entry_id)
        .where(story_members.c.story == story)
        .order_by(matches.c.rule)
    )
    rules: dict[int, list[str]] = {}
    for entry_id, rule in connection.execute(matched):
        rules.setdefault(entry_id, []).append(rule)
    members = connection.execute(found).all()
    ids = {row.member: row.entry_id for row in members}
    return tuple(
        rows.listed_member_from_row(row, like=ids.get(row.like_member), rules=rules.get(row.entry_id, ()))
        for row in members
    )


def _move_all(connection: Connection, story: str, into: str, now: datetime) -> int:
    """Everything of one story becomes the other's: members, what was said, and the threads; how many members."""
    # What was merged into it before goes along.
    before = (
        select(story_corrections.c.story)
        .distinct()
        .where(story_corrections.c.into_story == story, story_corrections.c.entry_id.is_(None))
    )
    earlier = sorted(set(connection.execute(before).scalars()) - {story, into})
    _correct(connection, now, [(each, into, None) for each in (*earlier, story)])
    _copy_threads(connection, story, into)
    connection.execute(update(alerts).where(alerts.c.story == story).values(story=into))
    return connection.execute(update(story_members).where(story_members.c.story == story).values(story=into)).rowcount


def _correct(connection: Connection, now: datetime, moves: Iterable[tuple[str, str, int | None]]) -> None:
    values = [{"at": now, "story": story, "into_story": into, "entry_id": each} for story, into, each in moves]
    connection.execute(insert(story_corrections), values)


def _copy_threads(connection: Connection, story: str, into: str) -> None:
    """Replies go on where the story's first message is."""
    known = connection.execute(select(threads).where(threads.c.story == story)).all()
    values = [{"channel": row.channel, "story": into, "ref": row.ref, "created_at": row.created_at} for row in known]
    if values:
        connection.execute(dialect.insert(connection, threads).on_conflict_do_nothing(), values)


def _new_story(*parts: Any) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:32]
