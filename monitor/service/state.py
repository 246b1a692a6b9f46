"""What a feed's row is after a poll, and the turns in its life that came with it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from monitor.durations import in_words
from monitor.fetch import schedule
from monitor.fetch.habits import after_redirects, is_stale, silence, usual
from monitor.model import FeedEvent, FeedUpdate, Fetched, FetchFailed, NotModified
from monitor.urls import without_login

if TYPE_CHECKING:
    from datetime import datetime

    from monitor.model import Feed, FeedHints, FeedOptions, Habits

# Failed polls after which a feed that has moved is looked for at its old address.
_BACK: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How a feed was asked.

    Attributes:
        options: As they were at that time.
        key: What its validators depend on besides the URL.
        conditional: Whether they were sent.
        offline: Whether this machine seems to reach nobody.
        now: When.
    """

    options: FeedOptions
    key: str
    conditional: bool
    offline: bool = False
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """What a document taught; each None where there was no new one.

    Attributes:
        missed: Whether entries may have been missed before it.
        cut: Whether its end was missing. Then its validators are not kept, for they stand for the whole of it, which
            the server would never send again.
        turns: What there is to tell of its ids.
    """

    title: str | None = None
    body_hash: str | None = None
    hints: FeedHints | None = None
    habits: Habits | None = None
    missed: bool = False
    cut: bool = False
    turns: tuple[FeedEvent, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The new row, and the turns."""

    update: FeedUpdate
    events: tuple[FeedEvent, ...] = field(default=())


NOTHING: Final = Learnt()


def after_success(feed: Feed, asked: Asked, result: Fetched | NotModified, learnt: Learnt = NOTHING) -> State:
    """After a 304, a body that is known, or a document."""
    now = asked.now
    habits, moved_url = after_redirects(feed, learnt.habits or feed.habits, result.moved_to, now=now)
    if habits.stale_at is None and is_stale(habits, now=now):
        habits = replace(habits, stale_at=now)
    etag, last_modified, fresh_for = result.etag, result.last_modified, result.fresh_for
    status = 304
    full_at: datetime | None = feed.full_at or now
    if isinstance(result, NotModified):
        # RFC 9111 section 4.3.4: what a 304 does not repeat stays as it was.
        etag, last_modified = etag or feed.etag, last_modified or feed.last_modified
        fresh_for = feed.fresh_for if fresh_for is None else fresh_for
    else:
        status, full_at = result.status, feed.full_at if result.partial else now
    if learnt.cut:
        etag, last_modified = feed.etag, feed.last_modified
    plan = schedule.after_success(
        feed,
        asked.options,
        habits=habits,
        hints=learnt.hints or feed.hints,
        fresh_for=fresh_for,
        validated=bool(etag or last_modified),
        pushed=feed.push_until is not None and feed.push_until > now,
        now=now,
    )
    update = FeedUpdate(
        feed_id=feed.id,
        title=learnt.title or feed.title,
        etag=etag,
        last_modified=last_modified,
        body_hash=learnt.body_hash or feed.body_hash,
        baseline_at=feed.baseline_at if learnt.habits is None else feed.baseline_at or now,
        next_poll_at=plan.at,
        polled_at=now,
        ok_at=now,
        failures=0,
        status=status,
        error="",
        fresh_for=fresh_for,
        request_key=asked.key,
        full_at=full_at if asked.conditional else now,
        reason=plan.reason,
        moved_url=moved_url,
        hints=learnt.hints if learnt.hints not in (None, feed.hints) else None,
        habits=habits if habits != feed.habits else None,
    )
    if habits is feed.habits and not feed.failures and feed.gone_at is None and moved_url is None:
        return State(update=update)
    turns = _turns(feed, habits, moved_url, missed=learnt.missed, now=now)
    return State(update=update, events=(*turns, *learnt.turns))


def _turns(feed: Feed, habits: Habits, moved_url: str | None, *, missed: bool, now: datetime) -> list[FeedEvent]:
    found = list[FeedEvent]()
    if feed.failures or feed.gone_at is not None:
        times = f"{feed.failures} failed polls" if feed.failures != 1 else "1 failed poll"
        found.append(FeedEvent(at=now, kind="recovered", detail=f"works again after {times}"))
    if moved_url is not None:
        old, new = without_login(feed.address), without_login(moved_url)
        detail = f"has moved for good, from {old} to {new}, and is polled there from now on"
        found.append(FeedEvent(at=now, kind="moved", detail=detail))
    if missed:
        more = "; it is asked more often" if habits.haste > feed.habits.haste else ""
        detail = f"no entry was known at this poll ({_pace(habits)}): some may have been missed{more}"
        found.append(FeedEvent(at=now, kind="gap", detail=detail))
    told_silent = feed.habits.stale_at is not None and feed.habits.stale_at != feed.baseline_at
    if told_silent and habits.stale_at is None:
        quiet = in_words(now - feed.habits.new_at) if feed.habits.new_at is not None else "a long time"
        found.append(FeedEvent(at=now, kind="speaks", detail=f"has new entries again, after {quiet}"))
    # A feed that was silent already when it was added is listed as such, and nobody is called.
    if feed.habits.stale_at is None and habits.stale_at is not None and feed.baseline_at is not None:
        found.append(FeedEvent(at=now, kind="stale", detail=f"is unusually silent: {silence(habits, now=now)}"))
    return found


def _pace(habits: Habits) -> str:
    usually = f"usually {usual(habits.rhythm)}, " if habits.rhythm is not None else ""
    return f"{usually}{habits.size} in the document"


def after_failure(feed: Feed, asked: Asked, failure: FetchFailed) -> State:
    """Validators and body hash stay as they were: they stand for the entries that are stored."""
    now = asked.now
    offline = asked.offline and failure.problem in schedule.NETWORK
    plan = schedule.after_failure(feed, asked.options, failure, offline=offline, now=now)
    is_gone = failure.status == 410
    failures = feed.failures + (0 if offline else 1)
    moved_back = feed.address != feed.url and failures >= _BACK and not is_gone
    update = FeedUpdate(
        feed_id=feed.id,
        title=feed.title,
        etag=feed.etag,
        last_modified=feed.last_modified,
        body_hash=feed.body_hash,
        baseline_at=feed.baseline_at,
        next_poll_at=plan.at,
        polled_at=now,
        ok_at=feed.ok_at,
        failures=failures,
        status=failure.status,
        error=failure.detail,
        fresh_for=feed.fresh_for,
        request_key=feed.request_key,
        full_at=feed.full_at if asked.conditional or not (feed.etag or feed.last_modified) else now,
        not_before=plan.not_before,
        host_not_before=plan.host_not_before,
        gone_at=(feed.gone_at or now) if is_gone else None,
        reason=plan.reason,
        moved_url=feed.url if moved_back else None,
    )
    events = list[FeedEvent]()
    if is_gone and feed.gone_at is None:
        detail = f"{failure.detail}; it is not polled any more, but by `poll`"
        events.append(FeedEvent(at=now, kind="gone", detail=detail))
    elif not offline and not is_gone and (not feed.failures or failure.status != feed.status):
        events.append(FeedEvent(at=now, kind="failing", detail=failure.detail))
    if moved_back:
        new, old = without_login(feed.address), without_login(feed.url)
        detail = f"does not answer at {new} any more, and is polled at {old} again"
        events.append(FeedEvent(at=now, kind="moved", detail=detail))
    return State(update=update, events=tuple(events))
