"""`news-monitor try`: a grep for news. Needs no configuration and changes nothing."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import typer
from rich.style import Style
from rich.text import Text

from monitor.alerts.excerpt import excerpts, mark_title
from monitor.cli.common import ExitStatus, JsonOption, complain, out, print_json
from monitor.cli.explained import explained, verdict_facts
from monitor.cli.sources import read_sources
from monitor.errors import QueryError, UsageError, pointed_at
from monitor.model import Entry, Excerpt
from monitor.rules.engine import find
from monitor.rules.explain import Verdict, explain
from monitor.rules.syntax import parse
from monitor.rules.tree import Node

_MARK = Style(bold=True, reverse=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Match:
    """An entry in which the query holds."""

    source: str
    title: Excerpt
    excerpts: tuple[Excerpt, ...]
    link: str
    published_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Searched:
    """An entry that was looked at; `match`: None where the query does not hold."""

    source: str
    entry: Entry
    match: _Match | None


def try_query(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="A query as in a rule file.")],
    sources: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE", help="Feed URLs, feed files, pages, texts; - for standard input."),
    ],
    count: Annotated[bool, typer.Option("--count", help="Only print how many entries matched in each source.")] = False,
    with_reasons: Annotated[
        bool,
        typer.Option("--explain", help="Of each entry tell which parts of QUERY hold, and how near the others come."),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Search feeds and texts for QUERY: a grep for news.

    Prints the sentences that match, with the hits marked. Needs no configuration. Exit status as grep's: 0 matched, 1
    nothing, 2 a bad query or source.
    """
    tree = _read_query(query)
    looked_at, faults = asyncio.run(_search(tree, query, sources))
    matches = [each.match for each in looked_at if each.match is not None]
    searched = {source: sum(each.source == source for each in looked_at) for source in sources if source not in faults}
    if json:
        told = {"explained": [_explained_facts(tree, each) for each in looked_at]} if with_reasons else {}
        print_json({"matches": matches, "searched": searched, "faults": list(faults.values())} | told)
    elif count:
        for source in searched:
            out().print(Text(f"{source}: {sum(match.source == source for match in matches)}"), soft_wrap=True)
    else:
        for each in looked_at:
            _print(each, _verdict(tree, each) if with_reasons else None)
    for fault in faults.values():
        complain(f"error: {fault}")
    if faults:
        raise typer.Exit(ExitStatus.USAGE)
    if not matches:
        if not json and not count and sys.stderr.isatty():
            complain(f"nothing matched in {len(looked_at)} entries")
        raise typer.Exit(ExitStatus.FAILED)


def _read_query(query: str) -> Node:
    try:
        read = parse(query)
    except QueryError as error:
        raise UsageError(_told(query, error)) from None
    for remark in read.remarks:
        complain(f"warning: {remark.message}{f'; {remark.hint}' if remark.hint else ''}")
    return read.tree


def _told(query: str, error: QueryError) -> str:
    hint = f"\n    hint: {error.hint}" if error.hint else ""
    begin = query.rfind("\n", 0, error.start) + 1
    line = query[begin:].partition("\n")[0].replace("\t", " ")
    shown, carets = pointed_at(
        line, error.start - begin, min(error.end - begin, max(len(line), error.start - begin + 1))
    )
    return f"{error.message}\n    {shown}\n    {carets}{hint}"


async def _search(tree: Node, query: str, sources: Sequence[str]) -> tuple[list[_Searched], dict[str, str]]:
    """What was looked at, and of sources that could not be searched why."""
    looked_at, faults = list[_Searched](), dict[str, str]()
    async with aclosing(read_sources(sources)) as each_source:
        async for source, entries in each_source:
            if isinstance(entries, str):
                faults[source] = f"{source}: {entries}"
                continue
            try:
                looked_at += [_searched(tree, source, entry) for entry in entries]
            except QueryError as error:
                faults[source] = _told(query, error)
    return looked_at, faults


def _searched(tree: Node, source: str, entry: Entry) -> _Searched:
    found = find(tree, entry, feed_name=source)
    if found is None:
        return _Searched(source=source, entry=entry, match=None)
    match = _Match(
        source=source,
        title=mark_title(entry, found.hits),
        excerpts=excerpts(entry, found.hits, focus=found.focus, limit=2 if entry.link else 5),
        link=entry.link,
        published_at=entry.published_at,
    )
    return _Searched(source=source, entry=entry, match=match)


def _verdict(tree: Node, searched: _Searched) -> Verdict:
    return explain(tree, searched.entry, feed_name=searched.source)


def _explained_facts(tree: Node, searched: _Searched) -> dict[str, object]:
    return {
        "source": searched.source,
        "title": searched.entry.title,
        "link": searched.entry.link,
        "query": verdict_facts(_verdict(tree, searched)),
    }


def _print(searched: _Searched, verdict: Verdict | None) -> None:
    """A match; with a verdict also what does not match."""
    match, entry, console = searched.match, searched.entry, out()
    if match is None and verdict is None:
        return
    head = Text(searched.source, style="magenta")
    if entry.published_at is not None:
        head.append(f"  {entry.published_at:%d %b %Y %H:%M} UTC", style="dim")
    console.print(head, soft_wrap=True)
    title = match.title if match is not None else Excerpt(text=entry.title)
    if title.text:
        console.print(_marked(title, console.is_terminal, Style(bold=True)), soft_wrap=not console.is_terminal)
    for passage in match.excerpts if match is not None else ():
        console.print(_marked(passage, console.is_terminal, Style()), soft_wrap=not console.is_terminal)
    if entry.link:
        console.print(Text(entry.link, style="blue"), soft_wrap=True)
    for line in explained(verdict) if verdict is not None else ():
        console.print(line, soft_wrap=True)
    console.print()


def _marked(passage: Excerpt, coloured: bool, style: Style) -> Text:
    """Hits in reverse on a terminal, between asterisks in a pipe."""
    text, at = Text(style=style), 0
    for start, end in passage.marks:
        text.append(passage.text[at:start])
        hit = passage.text[start:end]
        text.append(hit if coloured else f"*{hit}*", style=_MARK if coloured else None)
        at = end
    text.append(passage.text[at:])
    return text
