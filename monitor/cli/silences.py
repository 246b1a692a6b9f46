"""`news-monitor silences`: hold what matches for a while; it comes out as one message when the silence ends."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer

from monitor.alerts.named import Named
from monitor.cli.common import (
    ConfigOption,
    JsonOption,
    complain,
    config_of,
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
from monitor.model import Silence
from monitor.rules.book import load_folder

app = typer.Typer(no_args_is_help=True, help="Hold alerts for a while: what a silence held comes out when it ends.")

RuleOption = Annotated[
    str, typer.Option("--rule", help='A rule\'s name, or a pattern: "leaders-*".', show_default=False)
]
FeedOption = Annotated[
    str, typer.Option("--feed", help='A feed\'s name, a pattern, or "tag:" and a tag.', show_default=False)
]
TextOption = Annotated[
    str, typer.Option("--text", help="Letters that the headline or an excerpt must have.", show_default=False)
]


@app.command("add")
def add(
    rule: RuleOption = "",
    feed: FeedOption = "",
    text: TextOption = "",
    span: Annotated[str | None, typer.Option("--for", help='How long: "2h".', show_default=False)] = None,
    until: Annotated[
        str | None, typer.Option("--until", help='Its end, local time or with an offset: "2026-12-01 08:00".')
    ] = None,
    start: Annotated[
        str | None, typer.Option("--start", help="Its begin, like --until. Default: now.", show_default=False)
    ] = None,
    author: Annotated[str | None, typer.Option("--author", help="Default: who you are here.")] = None,
    comment: Annotated[str, typer.Option("--comment", help="Why.", show_default=False)] = "",
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Hold alerts that fit every option given, from now on or --start.

    Nothing is lost: `deliveries list --held` shows them, and they come out as one message when the silence ends.
    """
    now = SystemClock().now()
    begins = _moment("--start", start) if start else now
    silence = Silence(
        id=0,
        rule=rule,
        feed=feed,
        text=text,
        starts_at=begins,
        ends_at=_end(span, until, begins),
        author=author if author is not None else _me(),
        comment=comment,
        created_at=now,
    )
    _check(silence, now)
    configured = config_of(config)
    with store_of(configured) as store:
        made = store.add_silence(silence)
        feeds = store.feed_tags()
    feeds |= {each.name: each.tags for each in configured.settings.feeds}  # before the first run the store has none
    rules, _faults = load_folder(configured.rules_folder)
    named = Named(rules={each.name: each.file for each in rules}, feeds=feeds)
    for told in (rule and named.missing_rule(rule), feed and named.missing_feed(feed)):
        if told:
            complain(f"warning: it holds nothing now: {told[0]}; {told[1]}")
    if json:
        print_json(made)
    else:
        say(f"silence {made.id}: {_what(made)} until {_shown(made.ends_at)}")


def _check(silence: Silence, now: datetime) -> None:
    if not (silence.rule or silence.feed or silence.text):
        raise UsageError('say what is to be held: --rule, --feed or --text; for everything write --rule "*"')
    if silence.ends_at <= max(now, silence.starts_at):
        raise UsageError("the end of the silence is before its begin")


def _end(span: str | None, until: str | None, begins: datetime) -> datetime:
    if (span is None) == (until is None):
        raise UsageError('say how long: either --for "2h" or --until "2026-12-01 08:00"')
    if until is not None:
        return _moment("--until", until)
    try:
        return begins + parse_duration(span or "")
    except ValueError as error:
        raise UsageError(f"--for: {error}") from None


def _moment(option: str, text: str) -> datetime:
    """Local time where no offset is given."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(
            f'{option}: {text!r} is no time; write "2026-12-01 08:00" or "2026-12-01T08:00+01:00"'
        ) from None


def _me() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


@app.command("list")
def list_silences(
    ended: Annotated[bool, typer.Option("--all", help="Those that are over as well.")] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """List the silences, the one that ends first at the top."""
    now = SystemClock().now()
    with store_of(config_of(config)) as store:
        found = store.silences(now=now, ended=ended)
    if json:
        print_json(found)
        return
    made = table("id", "state", "holds", "from", "to", "author", "comment")
    for each in found:
        state = "over" if each.ends_at <= now else "to come" if each.starts_at > now else "active"
        row(made, each.id, state, _what(each), _shown(each.starts_at), _shown(each.ends_at), each.author, each.comment)
    show(made)
    if not found:
        say("no silences")


@app.command("expire")
def expire(
    silence_id: Annotated[int, typer.Argument(metavar="ID", help="As `silences list` shows it.")],
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """End a silence now; what it held goes out."""
    with store_of(config_of(config)) as store:
        done = store.end_silence(silence_id, now=SystemClock().now())
    if not done:
        raise UsageError(f"there is no silence {silence_id} that is not over; `news-monitor silences list` shows them")
    if json:
        print_json({"id": silence_id, "ended": True})
    else:
        say(f"silence {silence_id} ended")


def _what(silence: Silence) -> str:
    parts = (("rule", silence.rule), ("feed", silence.feed), ("text", silence.text))
    return ", ".join(f"{name} {value}" for name, value in parts if value)


def _shown(at: datetime) -> str:
    return f"{at.astimezone():%d %b %Y %H:%M %Z}"
