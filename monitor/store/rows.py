"""Rows and JSON documents to the types of `monitor.model`, and back."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from monitor.errors import UsageError
from monitor.model import (
    NO_HABITS,
    NO_HINTS,
    Alert,
    AlertId,
    ChannelPause,
    CountedMatch,
    Delivery,
    DeliveryId,
    DeliveryState,
    Due,
    Entry,
    EntryMatch,
    Excerpt,
    Feed,
    FeedEvent,
    FeedId,
    HoldKind,
    HostId,
    Kin,
    ListedMember,
    PageState,
    Placing,
    RecordedMatch,
    Severity,
    Silence,
    StoredEntry,
    StoredMember,
    StoredPage,
    Subscription,
    SubscriptionState,
)
from monitor.store.base import RuleFile
from monitor.store.hosts import host_of
from monitor.store.learnt import habits_document, habits_from, hints_document, hints_from

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Row

    from monitor.model import (
        FeedUpdate,
        NewDelivery,
        PageOutcome,
        Placed,
        PlannedMatch,
        PollOutcome,
        Settlement,
        WantedPage,
    )

    AnyRow = Row[*tuple[Any, ...]]

Values = dict[str, Any]


def feed_from_row(row: AnyRow) -> Feed:
    """From a row of `feeds` with its host's name as `host`."""
    return Feed(
        id=FeedId(row.id),
        host_id=HostId(row.host_id),
        host=row.host,
        name=row.name,
        url=row.url,
        tags=tuple(row.tags),
        interval=row.interval,
        origin=row.origin,
        title=row.title,
        etag=row.etag,
        last_modified=row.last_modified,
        body_hash=row.body_hash,
        added_at=row.added_at,
        baseline_at=row.baseline_at,
        next_poll_at=row.next_poll_at,
        polled_at=row.polled_at,
        ok_at=row.ok_at,
        failures=row.failures,
        status=row.status,
        error=row.error,
        moved_url=row.moved_url,
        hints=NO_HINTS if row.hints is None else hints_from(row.hints),
        habits=NO_HABITS if row.habits is None else habits_from(row.habits),
        fresh_for=row.fresh_for,
        request_key=row.request_key,
        full_at=row.full_at,
        not_before=_later(row.not_before, row.host_not_before),
        gone_at=row.gone_at,
        reason=row.reason,
        push_until=row.push_until,
    )


def feed_event_from_row(row: AnyRow) -> FeedEvent:
    """From a row of `feed_events`."""
    return FeedEvent(at=row.at, kind=row.kind, detail=row.detail)


def _later(first: datetime | None, second: datetime | None) -> datetime | None:
    return first if second is None or (first is not None and first > second) else second


def feed_update_values(update: FeedUpdate) -> Values:
    """For an UPDATE of `feeds` whose id is bound as `b_id`."""
    return {
        "b_id": update.feed_id,
        "title": update.title,
        "etag": update.etag,
        "last_modified": update.last_modified,
        "body_hash": update.body_hash,
        "baseline_at": update.baseline_at,
        "next_poll_at": update.next_poll_at,
        "polled_at": update.polled_at,
        "ok_at": update.ok_at,
        "failures": update.failures,
        "status": update.status,
        "error": update.error,
        "fresh_for": update.fresh_for,
        "request_key": update.request_key,
        "full_at": update.full_at,
        "not_before": update.not_before,
        "gone_at": update.gone_at,
        "reason": update.reason,
    }


def feed_learnt_values(update: FeedUpdate) -> Values:
    """For an UPDATE of `feeds` whose id is bound as `b_id`, of what was learnt anew; the rest is left out."""
    values: Values = {"b_id": update.feed_id}
    if update.hints is not None:
        values["hints"] = hints_document(update.hints) or None
    if update.habits is not None:
        values["habits"] = habits_document(update.habits) or None
    if update.moved_url is not None:
        values["moved_url"] = update.moved_url
    return values


def entry_values(entry: Entry, outcome: PollOutcome) -> Values:
    """For an INSERT into `entries`."""
    return {
        "feed_id": outcome.update.feed_id,
        "key": entry.key,
        "guid": entry.guid,
        "link": entry.link,
        "title": entry.title,
        "summary": entry.summary,
        "content": entry.content,
        "author": entry.author,
        "categories": list(entry.categories),
        "language": entry.language,
        "published_at": entry.published_at,
        "updated_at": entry.updated_at,
        "seen_at": outcome.update.polled_at,
        "content_hash": entry.content_hash,
        "source": entry.source,
        "source_hash": entry.source_hash,
        "page": entry.page,
    }


def page_values(wanted: WantedPage, outcome: PollOutcome, now: datetime) -> Values:
    """For an INSERT into `pages` that finds its entry by `b_feed_id` and `b_key`.

    A link that names no host can never be read, and says so from the start.
    """
    host, state, error = "", PageState.WANTED, ""
    try:
        host = host_of(wanted.url)
    except UsageError:
        state, error = PageState.FAILED, "the entry's link names no host"
    return {
        "b_feed_id": outcome.update.feed_id,
        "b_key": wanted.entry_key,
        "feed_id": outcome.update.feed_id,
        "url": wanted.url,
        "host": host,
        "state": state.value,
        "attempts": 0,
        "wanted_at": now,
        "due_at": now,
        "done_at": now if error else None,
        "error": error,
    }


def page_outcome_values(outcome: PageOutcome, now: datetime) -> Values:
    """For the UPDATE of `pages` that ends an attempt."""
    return {
        "b_id": outcome.entry_id,
        "b_attempts": int(outcome.attempted),
        "state": outcome.state.value,
        "due_at": outcome.due_at,
        "done_at": None if outcome.state is PageState.WANTED else now,
        "error": outcome.error,
    }


def match_values(planned: PlannedMatch, feed_id: FeedId, now: datetime) -> Values:
    """For an INSERT into `matches` that finds its entry by `b_feed_id` and `b_key`."""
    match = planned.match
    return {
        "b_feed_id": feed_id,
        "b_key": match.entry.key,
        "rule": match.rule,
        "severity": match.severity.value,
        "hits": [[hit.field, hit.start, hit.end] for hit in match.hits],
        "matched_at": now,
        "alert_id": planned.alert_id,
        "counts_at": planned.counts_at,
    }


def counted_match_from_row(row: AnyRow) -> CountedMatch:
    """From a row of `matches` with its entry and the name of its feed."""
    return CountedMatch(
        feed_id=FeedId(row.feed_id),
        entry_key=row.key,
        counts_at=row.counts_at,
        matched_at=row.matched_at,
        alert_id=row.alert_id,
        feed=row.feed,
        title=row.title,
    )


def alert_values(alert: Alert, feed_id: FeedId, key: str | None, now: datetime) -> Values:
    """For an INSERT into `alerts` that finds its entry by `b_feed_id` and `b_key` (None: it has none)."""
    return {"b_feed_id": feed_id, "b_key": key, **alert_row(alert, now)}


def alert_row(alert: Alert, now: datetime) -> Values:
    """For an INSERT into `alerts` of one that no entry stands behind."""
    return {
        "id": alert.id,
        "rule": alert.rule,
        "severity": alert.severity.value,
        "seen_at": alert.seen_at,
        "document": alert_document(alert),
        "created_at": now,
        "story": alert.story,
        "kind": alert.kind,
    }


def member_values(placed: Placed, feed_id: FeedId, *, story: str, number: int) -> Values:
    """For an INSERT into `story_members` that finds its entry by `b_feed_id` and `b_key`."""
    return {
        "b_feed_id": feed_id,
        "b_key": placed.entry_key,
        "story": story,
        "number": number,
        "member": placed.member,
        "at": placed.at,
        "outlet": placed.outlet.id,
        "outlet_name": placed.outlet.name,
        "baseline": placed.baseline,
        "score": placed.score,
        "reasons": list(placed.reasons),
        "like_member": placed.like,
        "clues": placed.clues,
    }


def stored_member_from_row(row: AnyRow) -> StoredMember:
    """From a row of `story_members`."""
    return StoredMember(number=row.number, member=row.member, story=row.story, at=row.at, clues=bytes(row.clues))


def listed_member_from_row(row: AnyRow, *, like: int | None, rules: Iterable[str]) -> ListedMember:
    """From a row of `story_members` with its entry's title, link and time, and its feed's name as `feed`."""
    return ListedMember(
        entry_id=row.entry_id,
        story=row.story,
        feed=row.feed,
        title=row.title,
        link=row.link,
        outlet=row.outlet_name,
        published_at=row.published_at,
        at=row.at,
        score=row.score,
        reasons=tuple(row.reasons),
        like=like,
        baseline=row.baseline,
        rules=tuple(rules),
    )


def delivery_values(delivery: NewDelivery, now: datetime) -> Values:
    """For an INSERT into `deliveries`."""
    return {
        "id": delivery.id,
        "alert_id": delivery.alert_id,
        "channel": delivery.channel,
        "state": DeliveryState.PENDING.value,
        "attempts": 0,
        "created_at": now,
        "due_at": delivery.due_at,
        "error": "",
        "route": delivery.placing.route,
        "group_key": delivery.placing.group,
        "hold": delivery.placing.hold.value if delivery.placing.hold is not None else None,
        "reason": delivery.placing.reason,
    }


def settlement_values(settlement: Settlement, now: datetime) -> Values:
    """For the UPDATE of `deliveries` that `settle` runs."""
    sent = settlement.state is DeliveryState.SENT
    return {
        "b_id": settlement.delivery_id,
        "b_attempts": int(settlement.attempted),
        "b_sent_at": now if sent else None,
        "b_tried_at": now if settlement.attempted else None,
        "b_alone": settlement.alone,
        "state": settlement.state.value,
        "due_at": settlement.due_at,
        "error": settlement.error,
    }


def alert_document(alert: Alert) -> Values:
    """All of an alert as JSON; times as ISO 8601."""
    return {
        "id": alert.id,
        "rule": alert.rule,
        "rule_title": alert.rule_title,
        "severity": alert.severity.value,
        "feed": alert.feed,
        "feed_title": alert.feed_title,
        "title": _excerpt_document(alert.title),
        "excerpts": [_excerpt_document(excerpt) for excerpt in alert.excerpts],
        "link": alert.link,
        "author": alert.author,
        "published_at": alert.published_at.isoformat() if alert.published_at else None,
        "seen_at": alert.seen_at.isoformat(),
        "story": alert.story,
        "kind": alert.kind,
        "note": alert.note,
        "outlets": alert.outlets,
        "also_in": alert.also_in,
        "about": alert.about,
    }


def alert_from_document(document: Values) -> Alert:
    """The inverse of `alert_document`."""
    published_at = document["published_at"]
    return Alert(
        id=AlertId(document["id"]),
        rule=document["rule"],
        rule_title=document["rule_title"],
        severity=Severity(document["severity"]),
        feed=document["feed"],
        feed_title=document["feed_title"],
        title=_excerpt_from_document(document["title"]),
        excerpts=tuple(_excerpt_from_document(excerpt) for excerpt in document["excerpts"]),
        link=document["link"],
        author=document["author"],
        published_at=datetime.fromisoformat(published_at) if published_at else None,
        seen_at=datetime.fromisoformat(document["seen_at"]),
        # Alerts of earlier versions have none of them.
        story=document.get("story", ""),
        kind=document.get("kind", "news"),
        note=document.get("note", ""),
        outlets=document.get("outlets", 0),
        also_in=document.get("also_in", ""),
        about=document.get("about", ""),
    )


def _excerpt_document(excerpt: Excerpt) -> Values:
    return {"text": excerpt.text, "marks": [list(mark) for mark in excerpt.marks]}


def _excerpt_from_document(document: Values) -> Excerpt:
    return Excerpt(text=document["text"], marks=tuple((start, end) for start, end in document["marks"]))


def delivery_from_row(row: AnyRow, *, due_at: datetime | None = None) -> Delivery:
    """From a row of `deliveries` with its alert's `document`; `due_at`: where a claim has just moved it."""
    return Delivery(
        id=DeliveryId(row.id),
        alert=alert_from_document(row.document),
        channel=row.channel,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        created_at=row.created_at,
        due_at=due_at or row.due_at,
        sent_at=row.sent_at,
        error=row.error,
        placing=placing_from_row(row),
        message_id=row.message_id,
    )


def placing_from_row(row: AnyRow) -> Placing:
    """From a row of `deliveries`."""
    hold = HoldKind(row.hold) if row.hold is not None else None
    return Placing(route=row.route, group=row.group_key, hold=hold, reason=row.reason)


def due_from_row(row: AnyRow) -> Due:
    """From a row of `deliveries`."""
    return Due(
        id=DeliveryId(row.id),
        placing=placing_from_row(row),
        created_at=row.created_at,
        due_at=row.due_at,
        message_id=row.message_id,
    )


def silence_values(silence: Silence) -> Values:
    """For an INSERT into `silences`."""
    names = ("rule", "feed", "text", "starts_at", "ends_at", "author", "comment", "created_at")
    return {name: getattr(silence, name) for name in names}


def silence_from_row(row: AnyRow) -> Silence:
    """From a row of `silences`."""
    return Silence(
        id=row.id,
        rule=row.rule,
        feed=row.feed,
        text=row.text,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        author=row.author,
        comment=row.comment,
        created_at=row.created_at,
    )


def pause_from_row(row: AnyRow) -> ChannelPause:
    """From a row of `channel_pauses`."""
    return ChannelPause(channel=row.channel, since=row.since, reason=row.reason, next_try_at=row.next_try_at)


def subscription_values(subscription: Subscription) -> Values:
    """For an INSERT into `websub_subscriptions`."""
    return {name: getattr(subscription, name) for name in _SUBSCRIPTION} | {"state": subscription.state.value}


_SUBSCRIPTION = (
    *("token", "feed_id", "hub", "topic", "callback", "secret", "requested_at", "verified_at", "lease_ends_at"),
    *("renew_at", "pinged_at", "attempts", "error"),
)


def subscription_from_row(row: AnyRow) -> Subscription:
    """From a row of `websub_subscriptions` with its feed's name as `feed`."""
    values = {name: getattr(row, name) for name in _SUBSCRIPTION}
    return Subscription(feed=row.feed, state=SubscriptionState(row.state), **values)


def recorded_match_from_row(row: AnyRow) -> RecordedMatch:
    """From a row of `matches` with its entry and the name of its feed."""
    return RecordedMatch(
        rule=row.rule,
        feed=row.feed,
        title=row.title,
        link=row.link,
        published_at=row.published_at,
        seen_at=row.seen_at,
        alert_id=row.alert_id,
    )


def entry_match_from_row(row: AnyRow, deliveries: Iterable[Delivery]) -> EntryMatch:
    """From a row of `matches` with its alert's `entry_id` as `alert_entry_id`."""
    return EntryMatch(
        rule=row.rule,
        matched_at=row.matched_at,
        alert_id=row.alert_id,
        alert_entry_id=row.alert_entry_id,
        deliveries=tuple(deliveries),
        counts_at=row.counts_at,
    )


def rule_file_values(file: RuleFile) -> Values:
    """For an INSERT into `rule_files`."""
    return {
        "path": file.path,
        "text": file.text,
        "lists": {name: list(items) for name, items in file.lists.items()},
        "rules": file.rules,
        "faults": list(file.faults),
        "broken_at": file.broken_at,
        "stopped": {name: at.isoformat() for name, at in file.stopped.items()},
    }


def rule_file_from_row(row: AnyRow) -> RuleFile:
    """From a row of `rule_files`."""
    return RuleFile(
        path=row.path,
        text=row.text,
        lists={name: tuple(items) for name, items in row.lists.items()},
        rules=row.rules,
        faults=tuple(row.faults),
        broken_at=row.broken_at,
        stopped={name: datetime.fromisoformat(at) for name, at in row.stopped.items()},
    )


def stored_entry_from_row(row: AnyRow) -> StoredEntry:
    """From a row of `entries` with its feed's name and tags as `feed` and `feed_tags`."""
    return StoredEntry(
        id=row.id, feed=row.feed, feed_tags=tuple(row.feed_tags), entry=entry_from_row(row), seen_at=row.seen_at
    )


def entry_from_row(row: AnyRow) -> Entry:
    """From a row of `entries`."""
    return Entry(
        key=row.key,
        guid=row.guid,
        link=row.link,
        title=row.title,
        summary=row.summary,
        content=row.content,
        author=row.author,
        categories=tuple(row.categories),
        language=row.language,
        published_at=row.published_at,
        updated_at=row.updated_at,
        content_hash=row.content_hash,
        source=row.source,
        source_hash=row.source_hash,
        page=row.page,
    )


def kin_from_row(row: AnyRow, marks: Iterable[int] = ()) -> Kin:
    """From a row of `entries`; `marks`: those asked for that it has."""
    return Kin(id=row.id, entry=entry_from_row(row), seen_at=row.seen_at, marks=frozenset(marks))


def stored_page_from_row(row: AnyRow) -> StoredPage:
    """From a row of `pages`."""
    return StoredPage(
        url=row.url,
        state=PageState(row.state),
        attempts=row.attempts,
        wanted_at=row.wanted_at,
        due_at=row.due_at,
        done_at=row.done_at,
        error=row.error,
    )
