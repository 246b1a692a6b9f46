"""Which channels an alert goes to, and when: routes, digests, quiet hours, silences. Pure.

The first route that fits takes an alert, and so do those after it while they say `continue`. Channels that a rule names
go before those of the route. What no route takes goes at once to every channel that is not for the service's own word.

What waits is a row with a reason from the start, and has the moment at which it comes out:

    silence  its end, and if that is quiet, the end of the quiet hours
    digest   the next moment of the digest
    quiet    the end of the quiet hours
    group    `group_wait` from now; of what follows an alert, `followers_wait`

A severity of `breaks_through` or above waits for neither digest nor quiet hours; a silence holds everything.
What follows an alert goes where the alert went, and is never so urgent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from monitor.alerts.schedule import DAILY, Digest, Quiet, quiet_until
from monitor.model import HoldKind, Placing, Severity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from monitor.model import Alert, Silence

GroupBy = Literal["alert", "story", "rule", "feed", "route"]
Followers = Literal["thread", "digest", "none"]
_ORDER = tuple(Severity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where some alerts go, and how. An empty condition fits everything.

    Attributes:
        rules: Names or globs over names of rules.
        files: Globs over the paths of rule files, or over their names.
        feeds: Names, globs over names, or "tag:" and a tag.
        severity: The least; None: any.
        channels: Empty: all that are not for the service's own word.
        proceeds: Routes after this one are asked as well.
        group_by: What alerts must share to come as one message; "alert": nothing does.
        group_wait: How long the first of a group waits for others.
        group_interval: Between two messages of a group; and the time for which `burst` counts.
        burst: So many messages a channel gets from this route within `group_interval`; what is over that waits and
            comes as one message.
        breaks_through: From this severity on neither digest nor quiet hours count; None: for none.
        followers: What becomes of other outlets' reports of a story that was told. "thread": they are a reply, together
            after `followers_wait`; "digest": they wait for the route's digest, or the daily one; "none": nothing.
    """

    name: str
    rules: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()
    severity: Severity | None = None
    channels: tuple[str, ...] = ()
    proceeds: bool = False
    group_by: GroupBy = "alert"
    group_wait: timedelta = timedelta(0)
    group_interval: timedelta = timedelta(minutes=1)
    burst: int = 5
    digest: Digest | None = None
    quiet: tuple[Quiet, ...] = ()
    breaks_through: Severity | None = Severity.CRITICAL
    followers: Followers = "thread"
    followers_wait: timedelta = timedelta(minutes=15)
    zone: ZoneInfo = ZoneInfo("UTC")  # noqa: RUF009 -- a value that never changes

    def fits(self, subject: Subject) -> bool:
        """Whether it takes an alert."""
        return (
            (not self.rules or any(fnmatchcase(subject.rule, item) for item in self.rules))
            and (not self.files or any(is_file(subject.file, item) for item in self.files))
            and (not self.feeds or any(is_feed(item, subject.feed, subject.tags) for item in self.feeds))
            and (self.severity is None or _ORDER.index(subject.severity) >= _ORDER.index(self.severity))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What routes look at."""

    rule: str
    file: str
    severity: Severity
    feed: str
    tags: Collection[str]


def is_feed(item: str, feed: str, tags: Collection[str]) -> bool:
    """Whether a feed is meant by its name, a glob, or "tag:" and a tag."""
    return item[4:] in tags if item.startswith("tag:") else fnmatchcase(feed, item)


def is_file(path: str, item: str) -> bool:
    """Whether a rule file is meant by its path, its name, or a pattern over one of them."""
    return fnmatchcase(path, item) or fnmatchcase(path.rpartition("/")[2], item)


UNROUTED = Route(name="")
"""Takes what no other route does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """All routes, in order.

    Attributes:
        everyone: The channels for rules and routes that name none.
        default: What its conditions say does not matter: it takes what no route does.
        channels: All that there are; empty: not known.
    """

    routes: tuple[Route, ...] = ()
    everyone: tuple[str, ...] = ()
    default: Route = UNROUTED
    channels: frozenset[str] = frozenset()

    def targets(self, subject: Subject, own: Sequence[str]) -> Iterator[tuple[Route, str]]:
        """Each channel once, with the route that it is under; `own`: the channels that the rule names."""
        seen: set[str] = set()
        for route in self._taking(subject):
            for channel in own or route.channels or self.everyone:
                if channel not in seen:
                    seen.add(channel)
                    yield route, channel

    @property
    def horizon(self) -> timedelta:
        """The longest that a message of a route bears on the next one."""
        everyone = (*self.routes, self.default)
        return max(max(route.group_wait, route.group_interval, route.followers_wait) for route in everyone)

    def route(self, name: str) -> Route:
        """The route of this name; for one that is no more, the default."""
        return next((route for route in self.routes if route.name == name), self.default)

    def _taking(self, subject: Subject) -> Iterator[Route]:
        taken = False
        for route in self.routes:
            if route.fits(subject):
                taken = True
                yield route
                if not route.proceeds:
                    return
        if not taken:
            yield self.default


# ------------------------------------------------------------------------------------------------------------- placing


def silence_for(alert: Alert, tags: Collection[str], silences: Iterable[Silence], now: datetime) -> Silence | None:
    """The active silence that holds an alert longest, or None."""
    active = (each for each in silences if each.starts_at <= now < each.ends_at and _is_silenced(alert, tags, each))
    return max(active, key=lambda each: each.ends_at, default=None)


def _is_silenced(alert: Alert, tags: Collection[str], silence: Silence) -> bool:
    if silence.rule and not fnmatchcase(alert.rule, silence.rule):
        return False
    if silence.feed and not is_feed(silence.feed, alert.feed, tags):
        return False
    texts = " ".join([alert.title.text, *(excerpt.text for excerpt in alert.excerpts)])
    return not silence.text or silence.text.casefold() in texts.casefold()


def told(silence: Silence) -> str:
    """A silence in words: "silence 3 by ann: maintenance"."""
    by = f" by {silence.author}" if silence.author else ""
    comment = f": {silence.comment}" if silence.comment else ""
    return f"silence {silence.id}{by}{comment}"


def place(alert: Alert, route: Route, silence: Silence | None, *, now: datetime) -> tuple[Placing, datetime]:
    """How an alert goes out by a route, and not before when."""
    if silence is not None:
        end = quiet_until(route.quiet, silence.ends_at, route.zone) or silence.ends_at
        reason = f"{told(silence)}, until {_local(end, route.zone)}"
        return _held(route, HoldKind.SILENCE, reason, f"{silence.id}"), end
    breaks = route.breaks_through is not None and _ORDER.index(alert.severity) >= _ORDER.index(route.breaks_through)
    if route.digest is not None and not breaks and (due := route.digest.following(now, route.zone)) is not None:
        reason = f"digest of {_local(due, route.zone)}"
        return _held(route, HoldKind.DIGEST, reason, due.isoformat()), due
    if not breaks and (due := quiet_until(route.quiet, now, route.zone)) is not None:
        reason = f"quiet hours until {_local(due, route.zone)}"
        return _held(route, HoldKind.QUIET, reason, due.isoformat()), due
    group = _group(alert, route)
    if route.group_wait:
        reason = f"others of its group, until {_local(now + route.group_wait, route.zone, seconds=True)}"
        return Placing(route=route.name, group=group, hold=HoldKind.GROUP, reason=reason), now + route.group_wait
    return Placing(route=route.name, group=group), now


def place_follower(
    alert: Alert, route: Route, silence: Silence | None, *, now: datetime
) -> tuple[Placing, datetime] | None:
    """How the report of another outlet goes out by the route of the alert that it follows; None: it does not."""
    if route.followers == "none":
        return None
    digest = route.digest or (DAILY if route.followers == "digest" else None)
    waits, due_at = place(
        alert, replace(route, digest=digest, breaks_through=None, group_wait=timedelta(0)), silence, now=now
    )
    if waits.hold is not None:
        return waits, due_at
    until = now + route.followers_wait
    reason = f"other reports of the story, until {_local(until, route.zone, seconds=True)}"
    return Placing(route=route.name, group=f"also {alert.story}", hold=HoldKind.GROUP, reason=reason), until


def _held(route: Route, kind: HoldKind, reason: str, key: str) -> Placing:
    return Placing(route=route.name, group=f"{kind.value} {key}", hold=kind, reason=reason)


def _group(alert: Alert, route: Route) -> str:
    match route.group_by:
        case "alert":
            return f"alert {alert.id}"
        case "story":
            return f"story {alert.story or alert.id}"
        case "rule":
            return f"rule {alert.rule}"
        case "feed":
            return f"feed {alert.feed}"
        case "route":
            return "route"


def _local(at: datetime, zone: ZoneInfo, *, seconds: bool = False) -> str:
    local = at.astimezone(zone)
    return f"{local:%a %d %b %H:%M:%S} {zone.key}" if seconds else f"{local:%a %d %b %H:%M} {zone.key}"
