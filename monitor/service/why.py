"""Why a stored entry did or did not alert: rule by rule, from the rule's scope to the last delivery.

A step for each hop, in the order of the flow: the rule looks at such entries (`outside`), its query holds (`verdict`),
the match was recorded and said (`recorded`), or waits for others (`_unfinished`), and the alert was delivered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from monitor.alerts.outlets import corroborating
from monitor.durations import format_duration, in_words
from monitor.errors import QueryError
from monitor.model import EACH_STORY
from monitor.rules.engine import find
from monitor.rules.explain import explain
from monitor.rules.language import is_kind_of, language_of
from monitor.rules.tree import Not, Or
from monitor.urls import canonical_link

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from monitor.model import EntryMatch, Feed, StoredEntry, Trigger
    from monitor.rules.explain import Verdict
    from monitor.rules.rule import Rule
    from monitor.store.base import CountedStories, Reports

_MAX_ENTRIES = 500
# Of more rules only those that matched are explained part by part: it takes a few milliseconds each.
_MAX_EXPLAINED = 500
_ESCAPED = re.compile(r"(?:%[0-9A-F]{2})+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """What one rule has to do with one entry.

    Attributes:
        rule: None: there is no rule of this name any more.
        outside: Why the rule does not look at the entry at all; "" where it does.
        verdict: On the rule's query; None without a rule, and where there are too many rules to explain all.
        matches: The rule, as it is now, matches the entry, as it is now.
        recorded: What was stored when the entry came; None: nothing.
        silent: Why a recorded match was not said; "" where it was, or there is none.
        changed: What was recorded is not what the rule says now.
    """

    name: str
    rule: Rule | None
    outside: str
    verdict: Verdict | None
    matches: bool
    recorded: EntryMatch | None
    silent: str
    changed: bool


def stored_entries(store: Reports, wanted: str) -> Sequence[StoredEntry]:
    """The entries of this number or address, the last stored first; addresses are compared as by `canonical_link`:
    tracking parameters, "www.", mobile and AMP pages, http or https and a final slash make no difference.
    """
    if wanted.isdecimal() and wanted.isascii():
        found = store.entry(int(wanted)) if len(wanted) < 19 else None
        return () if found is None else (found,)
    link = canonical_link(wanted)
    # What every spelling of the address has in common: the longest part of its path without an escaped character.
    path = link.removeprefix("//").partition("?")[0].partition("/")[2]
    part = max(_ESCAPED.split(path), key=len)
    near = store.entries_linking(part or link.removeprefix("//"), limit=_MAX_ENTRIES)
    return tuple(each for each in near if canonical_link(each.entry.link) == link)


def reasons(
    stored: StoredEntry,
    rules: Iterable[Rule],
    recorded: Sequence[EntryMatch],
    *,
    feed: Feed | None,
    stopped: Mapping[str, datetime],
    counts: Mapping[str, int] | None = None,
) -> list[Reason]:
    """One for each rule, and for each recorded match whose rule is gone; those that matched come first.

    Args:
        feed: The entry's, where it is still there.
        stopped: Rules that rest because they are too slow, and since when.
        counts: See `counts_of`.
    """
    by_rule = {match.rule: match for match in recorded}
    asked = tuple(rules)
    about = _About(feed, stopped, counts or {}, everything=len(asked) <= _MAX_EXPLAINED)
    found = [_reason(rule, stored, by_rule.pop(rule.name, None), about) for rule in asked]
    found += [
        Reason(
            name=match.rule,
            rule=None,
            outside="there is no rule of this name any more",
            verdict=None,
            matches=False,
            recorded=match,
            silent=_silent(match, stored, feed),
            changed=False,
        )
        for match in by_rule.values()
    ]
    return sorted(found, key=_rank)


@dataclass(frozen=True, slots=True)
class _About:
    """What the reasons depend on besides rule and entry, as in `reasons`; `everything`: verdicts for all rules."""

    feed: Feed | None
    stopped: Mapping[str, datetime]
    counts: Mapping[str, int]
    everything: bool


def _reason(rule: Rule, stored: StoredEntry, recorded: EntryMatch | None, about: _About) -> Reason:
    outside = _outside(rule, stored, about.stopped)
    matches = not outside and _holds(rule, stored)
    verdict = None
    if about.everything or matches or recorded is not None:
        verdict = explain(rule.tree, stored.entry, feed_name=stored.feed, feed_tags=stored.feed_tags)
    return Reason(
        name=rule.name,
        rule=rule,
        outside=outside,
        verdict=verdict,
        matches=matches,
        recorded=recorded,
        silent=_why_silent(rule, recorded, stored, about) if recorded is not None else "",
        changed=matches != (recorded is not None),
    )


def _holds(rule: Rule, stored: StoredEntry) -> bool:
    try:
        return find(rule.tree, stored.entry, feed_name=stored.feed, feed_tags=stored.feed_tags) is not None
    except QueryError:  # too slow; the verdict says so
        return False


def _outside(rule: Rule, stored: StoredEntry, stopped: Mapping[str, datetime]) -> str:
    """Why a rule did not look at the entry when it came."""
    entry = stored.entry
    if not rule.enabled:
        return "it is switched off (enabled = false)"
    if rule.name in stopped:
        return f"it is stopped since {stopped[rule.name]:%d %b %H:%M} UTC: its regular expression is too slow"
    if rule.expires is not None and stored.seen_at >= rule.expires:
        return f"it expired at {rule.expires:%Y-%m-%d %H:%M} UTC, before the entry was seen"
    if rule.max_age is not None and entry.published_at is not None:
        age = stored.seen_at - entry.published_at
        if age > rule.max_age:
            limit = format_duration(rule.max_age)
            return f"the entry was {_days(age.total_seconds())} old when it was seen, and max_age is {limit}"
    if not rule.covers(stored.feed, stored.feed_tags):
        return f"it does not look at the feed {stored.feed} (feeds = {', '.join(rule.feeds)})"
    if rule.language and not is_kind_of(language := language_of(entry), rule.language):
        own = f"in {language!r}" if language else "in a language that is not known"
        return f"it looks at articles in {rule.language!r} only, and this one is {own}"
    return ""


def _days(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"


def counts_of(
    store: CountedStories, stored: StoredEntry, rules: Iterable[Rule], recorded: Iterable[EntryMatch]
) -> dict[str, int]:
    """Of the recorded matches that did not speak by themselves, by rule, what there was with them: how many matches in
    the rule's window, or how many outlets with one about the story within its time.
    """
    triggers = {rule.name: rule.trigger for rule in rules}
    found = {}
    for match in recorded:
        trigger = triggers.get(match.rule, EACH_STORY)
        if trigger.count and match.counts_at is not None:
            until, after = match.counts_at, match.counts_at - trigger.window
            there = store.counted_matches(match.rule, limit=trigger.count, after=after, until=until)
            found[match.rule] = len(there)
        elif trigger.min_outlets > 1:
            found[match.rule] = _outlets_of(store, stored, match, trigger)
    return found


def _outlets_of(store: CountedStories, stored: StoredEntry, match: EntryMatch, trigger: Trigger) -> int:
    story = store.story_of(stored.id)
    if story is None or match.counts_at is None:
        return 0
    view = store.story_views([story])[story]
    # As it was then: what appeared later does not count.
    earlier = tuple(each for each in view.matches.get(match.rule, ()) if each.at <= match.counts_at)
    return len(corroborating(replace(view, matches={match.rule: earlier}), match.rule, trigger, at=match.counts_at))


def _why_silent(rule: Rule, recorded: EntryMatch, stored: StoredEntry, about: _About) -> str:
    return _unfinished(rule, recorded, stored, about.counts) or _silent(recorded, stored, about.feed)


def _unfinished(rule: Rule, recorded: EntryMatch, stored: StoredEntry, counts: Mapping[str, int]) -> str:
    """Why a match of a rule that wants more than one, or none, was not said by itself; "" where that is not why."""
    trigger = rule.trigger
    if 0 < counts.get(rule.name, 0) < trigger.min_outlets and recorded.alert_id is None:
        outlets = f"{counts[rule.name]} of {trigger.min_outlets} outlets"
        return f"{outlets} within {in_words(trigger.within)} had told the story then"
    if recorded.counts_at is None:
        return ""
    if trigger.absent_for is not None:
        return "the rule tells of silence (absent_for), and not of its matches"
    if trigger.count and recorded.alert_id is not None and recorded.alert_entry_id not in {None, stored.id}:
        return f"it is part of a spike that was told already, for entry {recorded.alert_entry_id}"
    if trigger.count and recorded.alert_id is None:
        number = min(counts.get(rule.name, 1), trigger.count - 1)
        return f"{number} of {trigger.count} matches within {in_words(trigger.window)} so far"
    return ""


def _silent(recorded: EntryMatch, stored: StoredEntry, feed: Feed | None) -> str:
    if recorded.alert_id is not None:
        if recorded.alert_entry_id not in {None, stored.id}:
            return f"the same story was said already, for entry {recorded.alert_entry_id}"
        return ""
    if feed is not None and feed.baseline_at is not None and stored.seen_at <= feed.baseline_at:
        return "the entry was there when the feed was added, and what a feed held then is recorded silently"
    if stored.entry.page:
        return "it had matched already when its page was read, or the rule is newer than the entry"
    return "an earlier version of the entry had matched already"


def _rank(reason: Reason) -> tuple[bool, bool, float, str]:
    nearness = _nearness(reason.verdict) if reason.verdict is not None else 0.0
    return reason.recorded is None and not reason.matches, bool(reason.outside), -nearness, reason.name


def _nearness(verdict: Verdict) -> float:
    """How much of what a query wants to be there is there, 0 to 1."""
    if isinstance(verdict.node, Not):
        return 0.0
    held, wanted = _counts(verdict)
    return held / wanted if wanted else 0.0


def _counts(verdict: Verdict) -> tuple[int, int]:
    if isinstance(verdict.node, Not):
        return 0, 0
    if not verdict.parts:
        return int(verdict.held), 1
    each: Collection[tuple[int, int]] = [_counts(part) for part in verdict.parts]
    return sum(held for held, _ in each), sum(wanted for _, wanted in each)


def first_missing(verdict: Verdict) -> Verdict:
    """The first of the query's outermost conditions that is to blame, for a line about it; of choices all are."""
    missing = next((part for part in verdict.parts if not part.held), None)
    return verdict if missing is None or verdict.held or isinstance(verdict.node, Or) else missing
