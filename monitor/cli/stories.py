"""`news-monitor stories`: which reports tell one story, why, and a person's word about it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import typer
from rich.text import Text

from monitor.cli.common import (
    ConfigOption,
    JsonOption,
    ago,
    config_of,
    out,
    plural,
    print_json,
    row,
    say,
    show,
    store_of,
    table,
)
from monitor.clock import SystemClock
from monitor.config import parse_duration
from monitor.errors import UsageError
from monitor.model import ListedMember, ListedStory
from monitor.service.why import stored_entries
from monitor.store.base import Store

app = typer.Typer(no_args_is_help=True, help="List and show stories; put reports together or apart.")

SHOWN = 8  # characters of an id, in lists
_SHORTEST = 4
_ID = re.compile(rf"[0-9a-f]{{{_SHORTEST},32}}")

StoryArgument = Annotated[
    str, typer.Argument(metavar="STORY", help="Its id or the beginning of it, or the address or number of a report.")
]


class Order(StrEnum):
    """Which stories come first."""

    RECENT = "recent"
    OUTLETS = "outlets"


@app.command("list")
def list_stories(
    since: Annotated[str, typer.Option(help='Reported within this time, such as "12h".')] = "3d",
    min_outlets: Annotated[int, typer.Option(min=1, help="Told by at least so many outlets.")] = 2,
    rule: Annotated[str | None, typer.Option(help="Only those that this rule alerted on.", show_default=False)] = None,
    order: Annotated[Order, typer.Option(help="Reported last, or by most outlets, first.")] = Order.RECENT,
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 50,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """List stories that several outlets tell, with the rules that alerted on them."""
    now = SystemClock().now()
    with store_of(config_of(config)) as store:
        found = store.list_stories(
            since=now - _span(since),
            least=min_outlets,
            rule=rule,
            order="outlets" if order is Order.OUTLETS else "recent",
            limit=limit,
        )
    if json:
        print_json(found)
        return
    made = table("id", "last", "outlets", "reports", "alerted", "first headline")
    for each in found:
        alerted = ", ".join(each.rules) or "-"
        row(made, each.id[:SHOWN], ago(each.last_at, now), len(each.outlets), each.entries, alerted, each.title)
    show(made)
    if not found:
        by = f" by {min_outlets} outlets or more; --min-outlets 1 shows all" if min_outlets > 1 else ""
        say(f"no stories reported within {since}{by}")


def _span(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"--since: {error}") from None


@app.command("show")
def show_story(story: StoryArgument, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Show a story: each report with its outlet and time, and why it is one of the story.

    The score says how near a report was to what the story had when it came, 0 to 1; from 0.5 on it joined.
    """
    with store_of(config_of(config)) as store:
        told, members = _story(store, _pick(store, story))
    if json:
        print_json({"story": told, "members": members})
        return
    out().print(Text(told.title or told.id, style="bold"), soft_wrap=True)
    say(f"story {told.id}")
    say(f"{plural(told.entries, 'report')} of {plural(len(told.outlets), 'outlet')}: {', '.join(told.outlets)}")
    say(f"alerted: {', '.join(told.rules) or 'no rule'}")
    titles = {member.entry_id: member.title for member in members}
    for member in members:
        say("")
        _print_member(member, titles)


def _print_member(member: ListedMember, titles: dict[int, str]) -> None:
    head = Text(f"{member.at:%d %b %H:%M} UTC  ", style="dim")
    head.append(member.outlet, style="bold").append(f"  {member.title or member.link}")
    out().print(head, soft_wrap=True)
    if member.link:
        out().print(Text(f"  {member.link}", style="blue"), soft_wrap=True)
    say(f"  entry {member.entry_id} of {member.feed}{', there when the feed was added' if member.baseline else ''}")
    say(f"  {_why(member, titles)}")
    if member.rules:
        say(f"  matches: {', '.join(member.rules)}")


def _why(member: ListedMember, titles: dict[int, str]) -> str:
    if not member.reasons:
        return "began a story: nothing was like it"
    reasons = "; ".join(member.reasons)
    if member.like is None:
        return f"scored {member.score:.2f} ({reasons}) with a report that is not in this story"
    return f"like entry {member.like}, “{titles[member.like]}”, scored {member.score:.2f}: {reasons}"


@app.command("split")
def split(
    story: StoryArgument,
    entries: Annotated[
        list[str], typer.Argument(metavar="ENTRY…", help="Addresses or numbers of the reports to take away.")
    ],
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Take reports out of a story into one of their own.

    A running daemon obeys from the next entry on. An alert stays with the report that it was about.
    """
    with store_of(config_of(config)) as store:
        told, members = _story(store, _pick(store, story))
        ids = [each for wanted in entries for each in _entries(store, wanted, told, members)]
        if len(set(ids)) == len(members):
            raise UsageError("that is all of the story; name the reports that do not belong to the others")
        apart = store.split_story(told.id, ids, now=SystemClock().now())
    if json:
        print_json({"story": apart, "entries": len(set(ids))})
    else:
        say(f"story {apart[:SHOWN]}: {plural(len(set(ids)), 'report')} taken out of {told.id[:SHOWN]}")


@app.command("merge")
def merge(
    story: StoryArgument,
    others: Annotated[list[str], typer.Argument(metavar="STORY…", help="Those that become part of the first.")],
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Make several stories one; what was said of any of them counts as said.

    A running daemon obeys from the next entry on.
    """
    with store_of(config_of(config)) as store:
        into = _pick(store, story)
        rest = list(dict.fromkeys(_pick(store, each) for each in others))
        if into in rest:
            raise UsageError(f"{others[rest.index(into)]!r} is the story {into[:SHOWN]} itself; name another one")
        moved = store.merge_stories(into, rest, now=SystemClock().now())
    if json:
        print_json({"story": into, "entries": moved})
    else:
        say(f"story {into[:SHOWN]}: {plural(moved, 'report')} of {plural(len(rest), 'story', 'stories')} added")


# ------------------------------------------------------------------------------------------------------- what is meant


def _pick(store: Store, wanted: str) -> str:
    """The id of the story that is meant."""
    called = store.stories_called(wanted, limit=2) if _ID.fullmatch(wanted) else ()
    # No entry's number begins with 0, but a story's id may.
    numbered = () if wanted.startswith("0") else stored_entries(store, wanted)
    of_entries = {found for each in numbered if (found := store.story_of(each.id)) is not None}
    if len({*called, *of_entries}) > 1:
        raise UsageError(
            f"{wanted!r} may be several stories; write more of the id (`stories list --json` has it whole)"
        )
    for found in (*called, *of_entries):
        return found
    hint = "write the address or number of a report, or four characters or more of an id that `stories list` shows"
    raise UsageError(f"there is no story {wanted!r}; {hint}")


def _story(store: Store, story: str) -> tuple[ListedStory, Sequence[ListedMember]]:
    found = store.story(story)
    if found is None:  # merged into another one this very moment
        raise UsageError(f"there is no story {story!r} any more; `news-monitor stories list` shows what there is")
    return found


def _entries(store: Store, wanted: str, told: ListedStory, members: Sequence[ListedMember]) -> list[int]:
    """The numbers of the story's entries that are meant: an address may be that of several."""
    found = stored_entries(store, wanted)
    if not found:
        raise UsageError(f"no stored entry has the address or number {wanted!r}; `stories show` lists the reports")
    ids = {member.entry_id for member in members}
    meant = [each.id for each in found if each.id in ids]
    if not meant:
        other = store.story_of(found[0].id)
        where = f"it tells the story {other[:SHOWN]}" if other else "it tells no story"
        raise UsageError(f"{wanted!r} is no report of the story {told.id[:SHOWN]}: {where}")
    return meant
