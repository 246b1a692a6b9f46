"""When a feed is asked next, and why. Pure; `tests/unit/test_schedule_polls.py` has a table for each rule.

After success it is the latest of the feed's own pace and what the answer and the document wish; after a failure a
back-off, never before what the server asked for. Every reason is a line for a person.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from monitor.durations import in_words
from monitor.fetch.habits import turnover, usual
from monitor.fetch.policy import RETRY_AFTER_CAP
from monitor.model import NEVER, FetchFailed, FetchProblem
from monitor.netguard import is_public, literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.model import Feed, FeedHints, FeedOptions, Habits

_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)

NETWORK: Final = frozenset({FetchProblem.DNS, FetchProblem.CONNECT, FetchProblem.TLS, FetchProblem.TIMEOUT})
"""Failures in which no server said anything."""

WISH_CAP: Final = _DAY
"""No wish of an answer or a document holds a feed back for longer; but for Retry-After."""

VALIDATOR_AGE: Final = timedelta(days=8)
"""Some servers answer 304 for ever: after this time a feed is asked without validators once."""

_OFFLINE_WAIT: Final = 5 * _MINUTE
_PUSHED: Final = _DAY
_JITTER: Final = 0.1
_SPREAD: Final = 0.5  # of the wait after the first good poll, so that feeds added together part company
_MAX_DOUBLINGS: Final = 5  # 1 h ▸ 32 h, over the cap


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """The next poll.

    Attributes:
        at: When it is due.
        reason: Why then, in a line.
        not_before: The server asked for silence till then, also from a person; None: it did not.
        host_not_before: It meant all of the host.
    """

    at: datetime
    reason: str
    not_before: datetime | None = None
    host_not_before: datetime | None = None


def after_success(
    feed: Feed,
    options: FeedOptions,
    *,
    habits: Habits,
    hints: FeedHints,
    fresh_for: timedelta | None,
    validated: bool,
    pushed: bool = False,
    now: datetime,
) -> Next:
    """The next poll after one that went well.

    Args:
        feed: As it was before the poll.
        habits: As they are after it.
        fresh_for: How long the answer stays fresh (RFC 9111 section 4.2), from now.
        validated: Whether the server gives validators, so that a poll without news costs next to nothing.
        pushed: Whether a hub tells of news by itself (WebSub), so that polls are a fallback.
    """
    wait, reason = _own_pace(feed, options, habits, validated=validated, now=now)
    for wish, text in _wishes(hints if options.heed_hints else None, habits, fresh_for=fresh_for, pushed=pushed):
        if wish > wait:
            wait, reason = wish, text
    at = now + wait + wait * _jitter(feed, now, _JITTER if feed.ok_at is not None else _SPREAD)
    if options.heed_hints and (hints.skip_hours or hints.skip_days):
        allowed = _allowed(at, hints, latest=max(at, now + _DAY))
        if allowed > at:
            at, reason = allowed, "the feed names hours or days at which it is not to be asked (skipHours, skipDays)"
    return Next(at=at, reason=reason)


def _own_pace(
    feed: Feed, options: FeedOptions, habits: Habits, *, validated: bool, now: datetime
) -> tuple[timedelta, str]:
    """The interval, longer for a feed that is quiet, shorter for one from which entries would slip away."""
    wait, reason = feed.interval, "its interval"
    cap = max(feed.interval, options.max_interval if validated else options.max_unvalidated)
    quiet = _quiet(habits, now)
    if quiet > wait < cap and not is_own_host(feed.host):
        wait, reason = min(quiet, cap), _quiet_reason(habits, now)
    round_trip = turnover(habits)
    if round_trip is not None and round_trip / 2 < wait and habits.rhythm is not None:
        wait = max(round_trip / 2, min(options.min_interval, wait))
        if wait < feed.interval:
            reason = f"it is busy ({usual(habits.rhythm)}, and shows {habits.size} at a time)"
    if habits.haste:
        wait = max(min(wait, feed.interval) / 2**habits.haste, min(options.min_interval, feed.interval))
        reason = "entries may have been missed lately, so it is asked more often"
    return wait, reason


def _quiet(habits: Habits, now: datetime) -> timedelta:
    """An eighth of the usual time between entries, or a twenty-fourth of the present silence: a feed that has nothing
    new for a day is asked hourly.
    """
    by_rhythm = habits.rhythm / 8 if habits.rhythm is not None else timedelta(0)
    by_silence = (now - habits.new_at) / 24 if habits.new_at is not None else timedelta(0)
    return max(by_rhythm, by_silence)


def _quiet_reason(habits: Habits, now: datetime) -> str:
    if habits.new_at is not None and (habits.rhythm is None or now - habits.new_at > 3 * habits.rhythm):
        return f"it is quiet: nothing new for {in_words(now - habits.new_at)}"
    return f"it is quiet: {usual(habits.rhythm)}" if habits.rhythm is not None else "it is quiet"


def _wishes(
    hints: FeedHints | None, habits: Habits, *, fresh_for: timedelta | None, pushed: bool
) -> Iterator[tuple[timedelta, str]]:
    """What holds a feed back, each with its reason."""
    if fresh_for is not None:
        span = min(fresh_for, WISH_CAP)
        yield span, f"its answer stays fresh for {in_words(span)} (Cache-Control or Expires)"
    if pushed:
        yield _PUSHED, "a hub tells of news (WebSub); this is a poll in case it does not"
    if hints is None:
        return
    # A document that says "hourly" and turns over within the hour does not know itself.
    round_trip = turnover(habits)
    most = WISH_CAP if round_trip is None else min(WISH_CAP, round_trip / 2)
    if hints.ttl is not None:
        yield min(hints.ttl, most), f"the feed asks for {in_words(hints.ttl)} between two polls (ttl)"
    if hints.period is not None:
        yield min(hints.period, most), f"the feed says that it changes once in {in_words(hints.period)} (updatePeriod)"


def _allowed(at: datetime, hints: FeedHints, *, latest: datetime) -> datetime:
    """The first moment from `at` on that is in no skipped hour or day (RSS 2.0, both GMT), `latest` at most."""
    moment = at
    while moment < latest:
        if moment.hour not in hints.skip_hours and moment.weekday() not in hints.skip_days:
            return moment
        moment = moment.replace(minute=0, second=0, microsecond=0) + _HOUR
    return latest


def after_failure(
    feed: Feed, options: FeedOptions, failure: FetchFailed, *, offline: bool = False, now: datetime
) -> Next:
    """The next poll after one that failed.

    The back-off goes from 1 h to 24 h, for ever, but for the first time that no server answered, which is mostly a
    matter of moments; for a host of the user's own from the interval to 1 h. 410 ends the polling (RFC 9110 section
    15.5.11). Retry-After (section 10.2.3) is obeyed up to 7 days; with 429 (RFC 6585 section 4) it is about the whole
    host, unless that is a machine of the user's own; 429 and 503 without it mean an hour.

    Args:
        offline: Whether this machine seems to reach nobody, so that the feed is not to blame.
    """
    if failure.status == HTTPStatus.GONE:
        return Next(at=NEVER, reason="it says that it is gone for good (410)")
    if offline and failure.problem in NETWORK:
        wait = min(feed.interval, _OFFLINE_WAIT)
        return Next(
            at=now + wait + wait * _jitter(feed, now), reason="no host can be reached: is this machine offline?"
        )
    own = is_own_host(feed.host)
    silence = _asked_silence(failure)
    wait = max(_own_back_off(feed) if own else _back_off(feed, options, failure), silence or timedelta(0))
    times = feed.failures + 1
    reason = f"it failed {times} times in a row" if times > 1 else "it failed"
    not_before = None
    if silence is not None:
        not_before = now + silence
        if silence >= wait:
            reason = f"the server asked to be left alone for {in_words(silence)} ({failure.status})"
    about_host = failure.status == HTTPStatus.TOO_MANY_REQUESTS and not own
    return Next(
        at=now + wait + wait * _jitter(feed, now),
        reason=reason,
        not_before=not_before,
        host_not_before=not_before if about_host else None,
    )


def _asked_silence(failure: FetchFailed) -> timedelta | None:
    if failure.retry_after is not None:
        return min(failure.retry_after, RETRY_AFTER_CAP)
    told_to_wait = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
    return _HOUR if failure.status in told_to_wait else None


def _back_off(feed: Feed, options: FeedOptions, failure: FetchFailed) -> timedelta:
    least = max(feed.interval, min(options.min_interval, _HOUR))
    doublings = feed.failures
    is_first_word = failure.retry_after is not None and not feed.failures
    if is_first_word:
        return least  # the server said itself how long
    if failure.problem in NETWORK:
        if not feed.failures:
            return least
        doublings -= 1
    return max(least, min(_HOUR * (1 << min(doublings, _MAX_DOUBLINGS)), _DAY))


def _own_back_off(feed: Feed) -> timedelta:
    if feed.interval >= _HOUR:
        return feed.interval
    return min(feed.interval * (1 << min(feed.failures, 20)), _HOUR)


def is_own_host(host: str) -> bool:
    """Whether a host (with or without its port) is in the user's own network. Polls cost no publisher anything there,
    and one program's limit says nothing about the others behind the same address.
    """
    has_port = host.count(":") == 1 or (host.startswith("[") and not host.endswith("]"))
    name = host.rpartition(":")[0] if has_port else host
    address = literal(name)
    if address is not None:
        return not is_public(address)
    return "." not in name or name.endswith((".local", ".lan", ".internal", ".localhost", ".home.arpa"))


def may_be_conditional(feed: Feed, request_key: str, *, now: datetime) -> bool:
    """Whether the stored validators may be used (RFC 9110 section 13.1): they are for the same request, and the feed
    was read whole, or asked for it, within 8 days. So it is asked without them once in that time at most.
    """
    if feed.request_key != request_key:
        return False
    return feed.full_at is None or now - feed.full_at < VALIDATOR_AGE


def may_be_asked(feed: Feed, options: FeedOptions, *, now: datetime) -> str:
    """Why a person may not have a feed polled now, in a line; "": nothing is against it."""
    if feed.not_before is not None and now < feed.not_before:
        return f"{feed.host} asked to be left alone until {feed.not_before:%d %b %H:%M} UTC; it is polled then"
    if is_own_host(feed.host):
        return ""
    if feed.polled_at is not None and now - feed.polled_at < options.min_interval:
        ago = in_words(now - feed.polled_at)
        return f"it was polled {ago} ago; not again within {in_words(options.min_interval)} (polling.min_interval)"
    return ""


def _jitter(feed: Feed, now: datetime, part: float = _JITTER) -> float:
    """The part of a wait that is added to it: 0 to `part`. The same for the same feed and time."""
    spread = zlib.crc32(f"{feed.url} {now.timestamp()}".encode("utf-8", "surrogatepass")) / 2**32
    return spread * part
