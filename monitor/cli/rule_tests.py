"""`news-monitor rules test`: what rules do to the articles in their files, and to those in the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated

import typer

from monitor.alerts.absence import absences_in
from monitor.alerts.excerpt import excerpts, mark_title
from monitor.alerts.outlets import corroborated
from monitor.alerts.spikes import spikes_in
from monitor.cli.common import (
    ConfigOption,
    ExitStatus,
    JsonOption,
    complain,
    config_of,
    plural,
    print_json,
    say,
    store_of,
    stored_feeds,
)
from monitor.clock import SystemClock
from monitor.config import Config, format_duration, parse_duration
from monitor.errors import Fault, UsageError
from monitor.model import Excerpt, Match, StoredEntry, Trigger
from monitor.rules.book import load_folder
from monitor.rules.engine import RuleSet
from monitor.rules.rule import Rule
from monitor.service.trial import failures, marked
from monitor.store.base import Store
from monitor.tomlfile import did_you_mean

_PAGE = 500
_EXAMPLES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Example:
    """An entry that a rule matches."""

    feed: str
    title: Excerpt
    excerpts: tuple[Excerpt, ...]
    link: str


@dataclass(slots=True, kw_only=True)
class _Result:
    """What became of one rule.

    Attributes:
        matches: Of stored entries.
        alerts: What the matches would have come to, where the rule does not just tell each story; else None.
    """

    rule: str
    tests: int
    failed: tuple[Fault, ...]
    matches: int = 0
    alerts: int | None = None
    examples: list[_Example] = field(default_factory=list)


def run_tests(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Names of rules; none: all.", show_default=False)
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help='Also run the rules over the stored entries of this time: "7d".',
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Run the tests in the rule files; with --since also try the rules on what the feeds have brought.

    Nobody is alerted and nothing is stored. Exit status 1 if a test failed.
    """
    span = _span(since)
    found = config_of(config)
    rules = _pick(found, names or ())
    feeds = {**stored_feeds(found), **{feed.name: feed.tags for feed in found.settings.feeds}}
    results = [_Result(rule=rule.name, tests=len(rule.tests), failed=failures(rule, feeds=feeds)) for rule in rules]
    entries: int | None = None
    if span is not None:
        with store_of(found) as store:
            now = SystemClock().now()
            entries = _try_stored(rules, results, store, since=now - span, now=now)
    if json:
        print_json({"entries": entries, "rules": results})
    else:
        for result in results:
            _print(result, entries)
        say(_summary(results, entries, span))
    if any(result.failed for result in results):
        raise typer.Exit(ExitStatus.FAILED)


def _span(since: str | None) -> timedelta | None:
    try:
        return None if since is None else parse_duration(since)
    except ValueError as error:
        raise UsageError(f"--since: {error}") from None


def _pick(config: Config, names: Sequence[str]) -> tuple[Rule, ...]:
    """The rules of these names, or all; what cannot be read is told."""
    rules, faults = load_folder(config.rules_folder)
    errors = sum(not fault.warning for fault in faults)
    if errors:
        complain(f"{plural(errors, 'fault')} in the rule files; `news-monitor check` tells more")
    known = {rule.name: rule for rule in rules}
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or "`news-monitor rules list` shows them"
            raise UsageError(f"there is no rule {name!r} without a fault; {hint}")
    return tuple(known[name] for name in dict.fromkeys(names)) if names else rules


def _try_stored(
    rules: Sequence[Rule], results: Sequence[_Result], store: Store, *, since: datetime, now: datetime
) -> int:
    """Count what each rule would have matched, as if it had been there then; how many entries there were."""
    by_name = {result.rule: result for result in results}
    ruleset = RuleSet.build(rules)
    baselines = {feed.name: feed.baseline_at for feed in store.feeds()}
    counting = {rule.name: rule.trigger for rule in rules if rule.trigger.counts or rule.trigger.min_outlets > 1}
    found: dict[str, list[StoredEntry]] = {name: [] for name in counting}
    count = 0
    for count, stored in enumerate(_entries(store, since), start=1):  # noqa: B007 -- the last number is the count
        for match in ruleset.match(stored.entry, feed_name=stored.feed, feed_tags=stored.feed_tags, now=stored.seen_at):
            result = by_name[match.rule]
            result.matches += 1
            if len(result.examples) < _EXAMPLES:
                result.examples.append(_example(stored, match))
            baseline_at = baselines.get(stored.feed)
            if match.rule in counting and (baseline_at is None or stored.seen_at > baseline_at):
                found[match.rule].append(stored)
    for name, trigger in counting.items():
        by_name[name].alerts = _alerts(trigger, found[name][::-1], store, since=since, now=now)
    return count


def _alerts(trigger: Trigger, matched: Sequence[StoredEntry], store: Store, *, since: datetime, now: datetime) -> int:
    """How many alerts matches of these entries, in the order in which they came, would have made."""
    times = sorted(stored.seen_at for stored in matched)
    if trigger.absent_for is not None:
        return absences_in(trigger.absent_for, times, start=since, end=now)
    if trigger.count:
        return spikes_in(trigger, times)
    ids = {stored.id for stored in matched}
    stories = {story for entry_id in ids if (story := store.story_of(entry_id)) is not None}
    told = [members for story in stories for _, members in [store.story(story) or (None, ())]]
    reports = [[(each.at, each.outlet) for each in members if each.entry_id in ids] for members in told]
    return sum(corroborated(trigger, sorted(each)) for each in reports)


def _entries(store: Store, since: datetime) -> Iterator[StoredEntry]:
    before: int | None = None
    while page := store.recent_entries(since=since, before=before, limit=_PAGE):
        yield from page
        before = page[-1].id


def _example(stored: StoredEntry, match: Match) -> _Example:
    return _Example(
        feed=stored.feed,
        title=mark_title(stored.entry, match.hits),
        excerpts=excerpts(stored.entry, match.hits, focus=match.focus, limit=1),
        link=stored.entry.link,
    )


def _print(result: _Result, entries: int | None) -> None:
    passed = result.tests - len(result.failed)
    told = f"{passed} of {plural(result.tests, 'test')} passed" if result.tests else "no tests"
    if entries is not None:
        told += f"; {result.matches:,} of {plural(entries, 'entry', 'entries')} match"
    if result.alerts is not None:
        told += f", which would have made {plural(result.alerts, 'alert')}"
    say(f"{result.rule}: {told}")
    for fault in result.failed:
        complain(str(fault))
    for example in result.examples:
        say(f"    {example.feed} · {marked(example.title) or example.link}")
        for excerpt in example.excerpts:
            say(f"        {marked(excerpt)}")
    if result.examples and result.matches > len(result.examples):
        say(f"    and {result.matches - len(result.examples):,} more")


def _summary(results: Sequence[_Result], entries: int | None, span: timedelta | None) -> str:
    failed = sum(len(result.failed) for result in results)
    tests = sum(result.tests for result in results)
    untested = sum(not result.tests for result in results)
    told = f"{plural(len(results), 'rule')}, {plural(tests, 'test')}, {failed or 'none'} failed"
    if untested:
        told += f"; {plural(untested, 'rule')} without a test"
    if entries is not None and span is not None:
        matches = sum(result.matches for result in results)
        told += f"; {plural(matches, 'match', 'matches')} in the last {format_duration(span)}"
    return told
