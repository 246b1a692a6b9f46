"""What a person sees while the daemon works: log lines for every event, and the view of the very first start."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, assert_never

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from monitor.cli.common import plural, row, table
from monitor.log import get_logger
from monitor.model import NEVER, ChannelBroken, Refused, Sent, TryLater
from monitor.service.events import (
    ChannelPaused,
    ChannelResumed,
    DeliverySettled,
    Event,
    FeedPolled,
    PageRead,
    Pushed,
    PushIgnored,
    RuleFileBroken,
    RuleFileRecovered,
    RuleFileSuspicious,
    RuleSilent,
    RulesReloaded,
    RuleStopped,
    SubscriptionChanged,
    Trouble,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from monitor.clock import Clock
    from monitor.errors import Fault
    from monitor.model import FeedEventKind
    from monitor.store.base import Store

log = get_logger("monitor")
_BASELINE_SHOWN = 8


def log_event(event: Event) -> None:
    """One log line for an event; what is routine is at level debug."""
    match event:
        case FeedPolled():
            _log_poll(event)
        case PageRead():
            _log_page(event)
        case DeliverySettled():
            _log_delivery(event)
        case ChannelPaused() | ChannelResumed():
            _log_channel(event)
        case Trouble():
            log.error(event.what)
        case RulesReloaded() | RuleFileBroken() | RuleFileRecovered() | RuleFileSuspicious() | RuleStopped():
            _log_rules(event)
        case RuleSilent():
            log.info("nothing has matched a rule for silence", rule=event.rule, since=_moment(event.since))
        case SubscriptionChanged() | Pushed() | PushIgnored():
            _log_hub(event)
        case _:
            assert_never(event)


def _log_hub(event: SubscriptionChanged | Pushed | PushIgnored) -> None:
    match event:
        case SubscriptionChanged(kind="denied" | "unanswered"):
            until = _moment(event.until) if event.until else ""
            log.warning("not subscribed at the hub", feed=event.feed, hub=event.hub, why=event.detail, retry=until)
        case SubscriptionChanged():
            what = f"hub subscription {event.kind}"
            facts = {"why": event.detail, "until": _moment(event.until) if event.until else ""}
            log.info(what, feed=event.feed, hub=event.hub, **_there(facts))
        case Pushed():
            log.debug("the hub tells of news", feed=event.feed, poll=_moment(event.due_at))
        case PushIgnored() if event.count & (event.count - 1) == 0:
            # The first, second, fourth, … time: whoever sends thousands must not fill the log.
            log.warning("a message to a hub's address was ignored", feed=event.feed, why=event.why, times=event.count)
        case PushIgnored():
            """Counted."""
        case _:
            assert_never(event)


def _log_rules(
    event: RulesReloaded | RuleFileBroken | RuleFileRecovered | RuleFileSuspicious | RuleStopped,
) -> None:
    match event:
        case RulesReloaded():
            what = f"rules reloaded: +{event.added} rules, {event.changed} changed, {event.removed} removed"
            log.info(what, live=event.live)
        case RuleFileBroken():
            used = "its last good version" if event.last_good else "its other rules"
            used = f"{used} ({plural(event.rules, 'rule')})" if event.rules else "nothing of it"
            for fault in event.faults:
                log.error("rule file broken", **_told(fault), used=used)
        case RuleFileRecovered():
            log.info("rule file mended", file=event.path, broken_since=f"{event.since:%d %b %H:%M:%S} UTC")
        case RuleFileSuspicious():
            for fault in event.warnings:
                log.warning("looks wrong in a rule file", **_told(fault))
        case RuleStopped():
            log.error(
                "rule stopped: its regular expression was too slow too often",
                rule=event.rule,
                file=event.path,
                hint="mend it; nested repeats such as (a+)+ are slow. It starts again when its file changes",
            )
        case _:
            assert_never(event)


def _told(fault: Fault) -> dict[str, str]:
    """A fault on one line: the place and the message, the way out, and the line that it is about."""
    about = {"fault": str(fault).splitlines()[0], "hint": fault.hint, "line": fault.text.strip()}
    return _there(about)


def _there(facts: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in facts.items() if text}


_TURNS: Final[Mapping[FeedEventKind, str]] = {
    "gone": "feed gone",
    "moved": "feed moved",
    "gap": "entries may have been missed",
    "stale": "feed unusually silent",
    "speaks": "feed has news again",
    "reissued": "feed has new ids for its old entries",
    "ids": "feed's ids do not tell its entries apart",
}


def _log_remarks(event: FeedPolled) -> None:
    """What a poll met on its way, whatever it came to; but failing and recovered, which every poll tells by itself."""
    name = event.feed.name
    for rule in event.slow_rules:
        log.warning("regular expression too slow; the rule was not tested on an entry", rule=rule, feed=name)
    if event.rough:
        log.warning("texts too costly to read as HTML; only their words count", feed=name, entries=event.rough)
    for turn in event.events:
        if turn.kind in _TURNS:
            say = log.info if turn.kind == "speaks" else log.warning
            say(_TURNS[turn.kind], feed=name, what=turn.detail)


def _log_poll(event: FeedPolled) -> None:
    name, took = event.feed.name, f"{event.seconds:.2f}s"
    _log_remarks(event)
    match event.kind:
        case "waits":
            log.info("not polled", feed=name, why=event.detail)
        case "failed":
            log.warning("feed failed", feed=name, why=event.detail, retry=_next(event.next_poll_at))
        case "lost":
            log.warning("poll lost", feed=name, why=event.detail or "someone else has claimed its host since")
        case "new" if event.baseline:
            log.info(
                "baseline", feed=name, entries=event.entries, matches=event.matches, alerts=len(event.alerts), took=took
            )
        case "new" if event.fresh or event.alerts:
            if event.feed.error:
                log.info("feed recovered", feed=name)
            log.info("polled", feed=name, new=event.fresh, matches=event.matches, alerts=len(event.alerts), took=took)
        case "new" | "same" | "not_modified":
            if event.feed.error:
                log.info("feed recovered", feed=name)
            log.debug("polled", feed=name, result=event.kind, took=took)
        case _:
            assert_never(event.kind)


def _log_page(event: PageRead) -> None:
    """Why pages of a host are not read is told once at a level that is seen; each by itself at debug."""
    about = {"feed": event.feed.name, "url": event.url}
    for rule in event.slow_rules:
        log.warning("regular expression too slow; the rule was not tested on a page", rule=rule, **about)
    match event.kind:
        case "read":
            tell = log.info if event.alerts else log.debug
            found = {"characters": event.characters, "matches": event.matches, "alerts": len(event.alerts)}
            tell("page read", **about, **found, took=f"{event.seconds:.2f}s")
        case "failed" | "later":
            retry = {"retry": _moment(event.retry_at)} if event.retry_at else {}
            tell = log.warning if event.is_news else log.debug
            tell("page not read", **about, why=event.detail, **retry)
        case "lost":
            log.warning("page lost", **about, why="someone else has claimed it since")
        case _:
            assert_never(event.kind)


def _log_delivery(event: DeliverySettled) -> None:
    first = event.message.alerts[0]
    count = len(event.message.alerts)
    facts: dict[str, object] = {"channel": event.channel, "id": str(event.message.id)[:8]}
    facts |= {"rule": first.rule, "feed": first.feed} if count == 1 else {"alerts": count}
    retry = _moment(event.retry_at) if event.retry_at else ""
    match event.result:
        case Sent():
            if event.result.warning:
                log.warning("sent, but not as it should be", **facts, why=event.result.warning)
            # Where nobody answers, on the terminal and in the journal itself, the alert is there to be seen.
            tell = log.info if event.result.detail else log.debug
            tell("sent", **facts, **_journey(event), attempt=event.attempts)
        case TryLater():
            log.warning("not sent yet", **facts, why=event.result.detail, retry=retry)
        case ChannelBroken():
            log.error("channel broken", **facts, why=event.result.detail)
        case Refused() if count > 1:
            log.warning("refused together, so each is tried by itself", **facts, why=event.result.detail)
        case Refused():
            log.error(
                "refused for good", **facts, why=event.result.detail, hint="news-monitor deliveries list --state dead"
            )
        case _:
            assert_never(event.result)


def _journey(event: DeliverySettled) -> dict[str, str]:
    """When it was published, seen, matched and sent; of several together those of the first."""
    first = event.message.alerts[0]
    published = {"published": _moment(first.published_at)} if first.published_at else {}
    matched = _moment(event.message.created_at)
    return {**published, "seen": _moment(first.seen_at), "matched": matched, "sent": _moment(event.at)}


def _next(at: datetime) -> str:
    return "never" if at >= NEVER else _moment(at)


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _log_channel(event: ChannelPaused | ChannelResumed) -> None:
    match event:
        case ChannelPaused(pause=pause):
            log.error(
                "channel paused; its messages are kept",
                channel=pause.channel,
                why=pause.reason,
                next_try=_moment(pause.next_try_at),
                hint=f"mend its settings and reload, or: news-monitor channels resume {pause.channel}",
            )
        case ChannelResumed():
            log.info("channel works again", channel=event.channel, broken_since=_moment(event.since))
        case _:
            assert_never(event)


class FirstStart:
    """The very first start: a progress bar over the feeds, then what the rules would have found in what was there
    already.
    """

    def __init__(self, console: Console, clock: Clock) -> None:
        self._console = console
        self._clock = clock
        self._store: Store | None = None
        self._waiting: set[str] = set()
        self._failed = 0
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console, transient=True
        )
        self._bar = self._progress.add_task("First look at the feeds")

    def begin(self, store: Store) -> None:
        """Show the bar, if nothing has ever been polled in this store."""
        if store.status(now=self._clock.now()).polled_at is not None:
            return
        self._store = store
        self._waiting = set(store.feed_tags())
        self._progress.update(self._bar, total=len(self._waiting))
        if self._console.is_terminal:
            self._progress.start()

    def observe(self, event: Event) -> None:
        """Move the bar; after the last feed, show the summary."""
        if self._store is None or not isinstance(event, FeedPolled) or event.feed.name not in self._waiting:
            return
        self._waiting.discard(event.feed.name)
        self._failed += event.kind == "failed"
        self._progress.advance(self._bar)
        if not self._waiting:
            self._end(self._store)

    def close(self) -> None:
        """Take the bar away, finished or not."""
        self._store = None
        # In a pipe there was no bar, and rich would end it with an empty line.
        if self._console.is_terminal:
            self._progress.stop()

    def _end(self, store: Store) -> None:
        self.close()
        counts = store.status(now=self._clock.now())
        found = store.recent_matches(baseline=True, limit=_BASELINE_SHOWN)
        reached = counts.feeds - self._failed
        if not self._console.is_terminal:
            for match in found:
                log.info("in the baseline, not sent", rule=match.rule, feed=match.feed, headline=match.title)
            log.info(
                "first look done", feeds=reached, failed=self._failed, entries=counts.entries, matches=counts.matches
            )
            return
        text = f"\nBaseline: {plural(counts.entries, 'entry', 'entries')} of {plural(reached, 'feed')} are known now"
        text += " and stay silent."
        if self._failed:
            text += f" {plural(self._failed, 'feed')} could not be read and will be tried again."
        self._console.print(Text(text, style="bold"), soft_wrap=True)
        if found:
            self._console.print(Text("What your rules would have found in them (not sent):"))
            made = table("rule", "feed", "published (UTC)", "headline")
            for match in found:
                published = f"{match.published_at:%d %b %H:%M}" if match.published_at else "no date"
                row(made, match.rule, match.feed, published, match.title)
            self._console.print(made)
        self._console.print(Text("From here on, new entries that match are sent. Ctrl-C stops.\n"))
