"""What polls learn of a feed, as JSON documents. What is not known is left out, so most of them are short."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from monitor.model import FeedHints, Habits


def hints_document(hints: FeedHints) -> dict[str, Any]:
    """For `feeds.hints`."""
    return _document(
        ttl=_seconds(hints.ttl),
        period=_seconds(hints.period),
        skip_hours=list(hints.skip_hours),
        skip_days=list(hints.skip_days),
        hub=hints.hub,
        topic=hints.topic,
    )


def hints_from(document: dict[str, Any]) -> FeedHints:
    get = document.get
    return FeedHints(
        ttl=_span(get("ttl")),
        period=_span(get("period")),
        skip_hours=tuple(get("skip_hours", ())),
        skip_days=tuple(get("skip_days", ())),
        hub=get("hub", ""),
        topic=get("topic", ""),
    )


def habits_document(habits: Habits) -> dict[str, Any]:
    """For `feeds.habits`."""
    return _document(
        rhythm=_seconds(habits.rhythm),
        longest=_seconds(habits.longest),
        counted=habits.counted,
        size=habits.size,
        new_at=_iso(habits.new_at),
        stale_at=_iso(habits.stale_at),
        gap_at=_iso(habits.gap_at),
        haste=habits.haste,
        moving_to=habits.moving_to,
        moving_since=_iso(habits.moving_since),
        moving_polls=habits.moving_polls,
        ids=habits.ids,
        shared_links=list(habits.shared_links),
        reissues=habits.reissues,
        collisions=habits.collisions,
        marked=habits.marked,
    )


def habits_from(document: dict[str, Any]) -> Habits:
    get = document.get
    return Habits(
        rhythm=_span(get("rhythm")),
        longest=_span(get("longest")),
        counted=get("counted", 0),
        size=get("size", 0),
        new_at=_time(get("new_at")),
        stale_at=_time(get("stale_at")),
        gap_at=_time(get("gap_at")),
        haste=get("haste", 0),
        moving_to=get("moving_to", ""),
        moving_since=_time(get("moving_since")),
        moving_polls=get("moving_polls", 0),
        ids=get("ids", ""),
        shared_links=tuple(get("shared_links", ())),
        reissues=get("reissues", 0),
        collisions=get("collisions", 0),
        marked=get("marked", False),
    )


def _document(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()


def _span(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
