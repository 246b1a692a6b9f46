"""`news-monitor why`: why a stored entry did or did not alert."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

import typer
from rich.text import Text

from monitor.app import Loaded
from monitor.cli.common import (
    ConfigOption,
    JsonOption,
    ago,
    complain,
    due,
    loaded_with_store,
    out,
    plural,
    print_json,
    say,
)
from monitor.cli.explained import explained, verdict_facts
from monitor.clock import SystemClock
from monitor.errors import UsageError
from monitor.model import (
    Delivery,
    DeliveryState,
    Feed,
    ListedMember,
    ListedStory,
    PageState,
    StoredEntry,
    StoredPage,
)
from monitor.rules.rule import Rule
from monitor.rules.syntax import render
from monitor.rules.tree import Node, Not
from monitor.service.why import Reason, counts_of, first_missing, reasons, stored_entries
from monitor.store.base import Store
from monitor.tomlfile import did_you_mean

# Rules that do not match have a line each, so many of them.
_SHOWN = 10


def why(
    entry: Annotated[
        str, typer.Argument(metavar="ENTRY", help="The article's address, or the number of a stored entry.")
    ],
    rule: Annotated[
        str | None, typer.Argument(metavar="RULE", help="Only this rule, in full.", show_default=False)
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Tell why a stored entry did or did not alert.

    Shows for each rule which parts of its query hold, at which words, and which do not and how near they come; then
    what was recorded and what became of each delivery. Rules are taken as they are now, entries as stored last.
    """
    with loaded_with_store(config) as (loaded, store):
        found = stored_entries(store, entry)
        if not found:
            raise UsageError(_unknown(entry, store))
        rules = _pick(loaded, rule)
        stopped = {name: at for file in store.rule_files() for name, at in file.stopped.items()}
        feeds = {feed.name: feed for feed in store.feeds()}
        told = [
            (
                stored,
                store.page_of(stored.id),
                _story_of(store, stored),
                _reasons(store, stored, rules, feeds, stopped, only=rule),
            )
            for stored in found
        ]
        if loaded.faults:
            complain(f"{plural(len(loaded.faults), 'fault')} in the rule files; `news-monitor check` tells more")
    if json:
        print_json({"entries": [_facts(*each) for each in told]})
        return
    for number, (stored, page, story, reasons_of) in enumerate(told):
        if number:
            say("")
        _print_entry(stored, page)
        if story is not None:
            say(_story(stored, *story))
        _print(reasons_of, full=rule is not None)


_Story = tuple[ListedStory, Sequence[ListedMember]]


def _story_of(store: Store, stored: StoredEntry) -> _Story | None:
    """The story that an entry tells; None where it came before there were stories."""
    story = store.story_of(stored.id)
    return store.story(story) if story is not None else None


def _story(stored: StoredEntry, told: ListedStory, members: Sequence[ListedMember]) -> str:
    """Which story an entry tells, and why, in a line."""
    if told.entries == 1:
        return f"tells a story of its own ({told.id[:8]})"
    outlets = plural(len(told.outlets), "outlet")
    others = f"{plural(told.entries - 1, 'other report')}, of {outlets} in all; `stories show {told.id[:8]}` has them"
    own = next((member for member in members if member.entry_id == stored.id), None)
    if own is None or own.like is None:
        return f"tells the story {told.id[:8]} with {others}"
    return f"tells the story {told.id[:8]}, like entry {own.like} ({'; '.join(own.reasons)}), with {others}"


def _pick(loaded: Loaded, name: str | None) -> Sequence[Rule]:
    if name is None:
        return loaded.rules
    rules = {rule.name: rule for rule in loaded.rules}
    if name not in rules:
        hint = did_you_mean(name, rules) or "`news-monitor rules list` shows them"
        raise UsageError(f"there is no rule {name!r}; {hint}")
    return (rules[name],)


def _unknown(wanted: str, store: Store) -> str:
    if wanted.isdecimal():
        return f"no entry with the number {wanted} is stored"
    if "://" not in wanted:
        return f"{wanted!r} is neither the number of an entry nor an address; an address begins with https://"
    waiting = [feed.name for feed in store.feeds() if feed.ok_at is None]
    hint = "its feed never listed it at a poll, or lists it under another address"
    if waiting:
        hint += f"; not read yet: {', '.join(waiting[:5])}{' …' if len(waiting) > 5 else ''}"
    return f"no stored entry has the address {wanted}: {hint}"


def _reasons(
    store: Store,
    stored: StoredEntry,
    rules: Sequence[Rule],
    feeds: Mapping[str, Feed],
    stopped: Mapping[str, datetime],
    *,
    only: str | None,
) -> list[Reason]:
    recorded = [match for match in store.matches_of(stored.id) if only in {None, match.rule}]
    counts = counts_of(store, stored, rules, recorded)
    return reasons(stored, rules, recorded, feed=feeds.get(stored.feed), stopped=stopped, counts=counts)


# ----------------------------------------------------------------------------------------------------------- for people


def _print(found: Sequence[Reason], *, full: bool) -> None:
    others: list[Reason] = []
    for reason in found:
        if full or reason.matches or reason.recorded is not None:
            say("")
            _print_reason(reason)
        else:
            others.append(reason)
    if not others:
        return
    say("")
    for reason in others[:_SHOWN]:
        _print_line(reason)
    if len(others) > _SHOWN:
        say(f"… and {plural(len(others) - _SHOWN, 'other rule')} that do not match; name one to see why")


def _print_entry(stored: StoredEntry, page: StoredPage | None) -> None:
    entry = stored.entry
    out().print(Text(entry.title or entry.link or entry.key, style="bold"), soft_wrap=True)
    if entry.link:
        out().print(Text(entry.link, style="blue"), soft_wrap=True)
    published = f", published {entry.published_at:%d %b %Y %H:%M} UTC" if entry.published_at else ""
    say(f"entry {stored.id} of {stored.feed}, seen {stored.seen_at:%d %b %Y %H:%M} UTC{published}")
    if page is not None:
        say(_page(page, len(entry.page)))


def _page(page: StoredPage, characters: int) -> str:
    """What became of the page, in a line."""
    now = SystemClock().now()
    tries = plural(page.attempts, "try", "tries")
    match page.state:
        case PageState.DONE:
            return f"its page was read {_second(page.done_at)}: {plural(characters, 'character')}"
        case PageState.FAILED:
            return f"its page was not read: {page.error} ({tries}, given up {_second(page.done_at)})"
        case PageState.WANTED:
            why = f", after: {page.error}" if page.error else ""
            return f"its page waits since {ago(page.wanted_at, now)}, {tries}, next {due(page.due_at, now)}{why}"


def _second(at: datetime | None) -> str:
    return f"{at:%d %b %Y %H:%M:%S} UTC" if at is not None else ""


def _print_reason(reason: Reason) -> None:
    head = Text(reason.name, style="bold")
    head.append(f"  {_headline(reason)}", style="green" if reason.matches else "red")
    out().print(head, soft_wrap=True)
    if reason.verdict is not None:
        for line in explained(reason.verdict, 1):
            out().print(line, soft_wrap=True)
    for told in _aftermath(reason):
        say(f"  {told}")


def _headline(reason: Reason) -> str:
    if reason.outside:
        return f"is not for this entry: {reason.outside}" if reason.rule is not None else reason.outside
    return "matches" if reason.matches else "does not match"


def _print_line(reason: Reason) -> None:
    line = Text()
    line.append("✗ ", style="red").append(reason.name)
    if reason.outside:
        line.append(f"  {reason.outside}", style="dim")
    elif reason.verdict is not None:
        missing = first_missing(reason.verdict)
        note = f": {missing.note}" if missing.note else ""
        line.append(f"  {_blamed(missing.node)}{note}", style="dim")
    out().print(line, soft_wrap=True)


def _blamed(node: Node) -> str:
    text = render(node)
    short = text if len(text) <= 80 else f"{text[:79]}…"
    return short if isinstance(node, Not) else f"no {short}"


def _aftermath(reason: Reason) -> list[str]:
    """What was recorded, said and sent."""
    recorded = reason.recorded
    if recorded is None:
        return [_never_recorded()] if reason.matches else []
    told = []
    if reason.changed:
        told.append("it matched when it came: the rule or the entry has changed since")
    when = f"{recorded.matched_at:%d %b %Y %H:%M:%S} UTC"
    if recorded.alert_id is None:
        return [*told, f"recorded {when}, and not said: {reason.silent}"]
    told.append(f"said {when}" if not reason.silent else f"not said again: {reason.silent}")
    now = SystemClock().now()
    told += [f"  {_delivery(delivery, now)}" for delivery in recorded.deliveries]
    return told if recorded.deliveries else [*told, "  to no channel: there was none"]


def _never_recorded() -> str:
    return "not recorded when the entry came: the rule is newer than the entry, or one of them has changed since"


def _delivery(delivery: Delivery, now: datetime) -> str:
    error = f": {delivery.error}" if delivery.error and delivery.state is not DeliveryState.SENT else ""
    return f"{delivery.channel}  {_state(delivery, now)}{error}  ({delivery.id[:8]})"


def _state(delivery: Delivery, now: datetime) -> str:
    tries = plural(delivery.attempts, "try", "tries")
    match delivery.state:
        case DeliveryState.SENT:
            return f"sent {delivery.sent_at:%d %b %Y %H:%M:%S} UTC" if delivery.sent_at else "sent"
        case DeliveryState.PENDING if delivery.message_id is None and delivery.placing.hold is not None:
            return f"held: {delivery.placing.reason}"
        case DeliveryState.PENDING:
            return f"waits since {ago(delivery.created_at, now)}, {tries}, next {due(delivery.due_at, now)}"
        case DeliveryState.DEAD:
            return f"refused for good after {tries}"
        case DeliveryState.DROPPED:
            return "dropped by hand"


# --------------------------------------------------------------------------------------------------------- for programs


def _facts(
    stored: StoredEntry, page: StoredPage | None, story: _Story | None, found: Sequence[Reason]
) -> dict[str, object]:
    entry = stored.entry
    return {
        "id": stored.id,
        "feed": stored.feed,
        "title": entry.title,
        "link": entry.link,
        "published_at": entry.published_at,
        "seen_at": stored.seen_at,
        "page": _page_facts(page, len(entry.page)) if page is not None else None,
        "story": story[0] if story is not None else None,
        "rules": [_reason_facts(reason) for reason in found],
    }


def _page_facts(page: StoredPage, characters: int) -> dict[str, object]:
    return {
        "url": page.url,
        "state": page.state,
        "attempts": page.attempts,
        "due_at": page.due_at if page.state is PageState.WANTED else None,
        "done_at": page.done_at,
        "error": page.error,
        "characters": characters,
    }


def _reason_facts(reason: Reason) -> dict[str, object]:
    recorded = reason.recorded
    return {
        "rule": reason.name,
        "matches": reason.matches,
        "outside": reason.outside,
        "query": verdict_facts(reason.verdict) if reason.verdict is not None else None,
        "matched_at": recorded.matched_at if recorded is not None else None,
        "alert_id": recorded.alert_id if recorded is not None else None,
        "silent": reason.silent,
        "changed": reason.changed,
        "deliveries": [
            {
                "id": delivery.id,
                "channel": delivery.channel,
                "state": delivery.state,
                "attempts": delivery.attempts,
                "due_at": delivery.due_at,
                "sent_at": delivery.sent_at,
                "error": delivery.error,
            }
            for delivery in (recorded.deliveries if recorded is not None else ())
        ],
    }
