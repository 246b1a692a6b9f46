"""`news-monitor try`: a grep for news. Needs no configuration and changes nothing."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.style import Style
from rich.text import Text

from monitor import __version__
from monitor.alerts.excerpt import excerpts, mark_title
from monitor.cli.common import ExitStatus, JsonOption, complain, out, print_json
from monitor.clock import SystemClock
from monitor.config import check_feed_url
from monitor.errors import QueryError, UsageError
from monitor.fetch.http import FetchLimits, HttpFetcher
from monitor.fetch.routing import RoutingFetcher
from monitor.fetch.sample import SampleFetcher
from monitor.model import (
    Document,
    Entry,
    Excerpt,
    Feed,
    FeedId,
    Fetched,
    FetchFailed,
    HostId,
    NotModified,
    ParseFailed,
)
from monitor.parse.pool import ParserPool
from monitor.parse.text import plain_text
from monitor.rules.engine import find
from monitor.rules.syntax import parse
from monitor.rules.tree import Node

_STANDARD_INPUT = "-"
_MARK = Style(bold=True, reverse=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """An entry in which the query holds."""

    source: str
    title: Excerpt
    excerpts: tuple[Excerpt, ...]
    link: str
    published_at: datetime | None


def try_query(
    query: Annotated[str, typer.Argument(help="A query as in a rule file.")],
    sources: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE...", help="Feed URLs, feed files, texts; - for standard input."),
    ],
    count: Annotated[bool, typer.Option("--count", help="Only print how many entries matched in each source.")] = False,
    json: JsonOption = False,
) -> None:
    """Search feeds and texts for QUERY: a grep for news.

    Prints the sentences that match, with the hits marked. Needs no configuration. Exit status as grep's: 0 matched, 1
    nothing, 2 a bad query or source.
    """
    tree = _read_query(query)
    found, faults, searched = asyncio.run(_search(tree, query, sources))
    if json:
        print_json({"matches": found, "searched": searched, "faults": faults})
    elif count:
        for source in searched:
            out().print(Text(f"{source}: {sum(item.source == source for item in found)}"), soft_wrap=True)
    else:
        for item in found:
            _print(item)
    for fault in faults:
        complain(f"error: {fault}")
    if faults:
        raise typer.Exit(ExitStatus.USAGE)
    if not found:
        if not json and not count and sys.stderr.isatty():
            complain(f"nothing matched in {sum(searched.values())} entries")
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
    carets = " " * error.start + "^" * (error.end - error.start)
    return f"{error.message}\n    {query}\n    {carets}{hint}" if "\n" not in query else f"{error.message}{hint}"


async def _search(tree: Node, query: str, sources: Sequence[str]) -> tuple[list[_Found], list[str], dict[str, int]]:
    """What was found, what could not be read, and how many entries each readable source held."""
    clock = SystemClock()
    http = HttpFetcher(user_agent=f"news-monitor/{__version__}", limits=FetchLimits(), concurrency=8)
    fetcher = RoutingFetcher(http=http, sample=SampleFetcher(clock))
    parser = ParserPool(workers=1)
    found, faults, searched = list[_Found](), list[str](), dict[str, int]()
    try:
        for source in dict.fromkeys(sources):
            body = await _body(source, fetcher, clock.now())
            if isinstance(body, str):
                faults.append(f"{source}: {body}")
                continue
            entries = await _entries(body, source, parser, clock.now())
            if isinstance(entries, str):
                faults.append(f"{source}: {entries}")
                continue
            searched[source] = len(entries)
            try:
                found += _matching(tree, source, entries)
            except QueryError as error:
                faults.append(_told(query, error))
    finally:
        parser.close()
        await fetcher.close()
    return found, faults, searched


def _matching(tree: Node, source: str, entries: Sequence[Entry]) -> Iterator[_Found]:
    for entry in entries:
        found = find(tree, entry, feed_name=source)
        if found is not None:
            yield _Found(
                source=source,
                title=mark_title(entry, found.hits),
                excerpts=excerpts(entry, found.hits, focus=found.focus, limit=5 if not entry.title else 2),
                link=entry.link,
                published_at=entry.published_at,
            )


def _is_url(source: str) -> bool:
    return "://" in source or source.startswith("sample:")


async def _body(source: str, fetcher: RoutingFetcher, now: datetime) -> Fetched | str:
    """The bytes of a source, or why there are none."""
    if not _is_url(source):
        return _file_body(source)
    try:
        check_feed_url(source)
    except ValueError as error:
        return str(error)
    result = await fetcher.fetch(_feed(source, now))
    match result:
        case Fetched():
            return result
        case FetchFailed():
            return result.detail
        case NotModified():
            return "the server said that nothing is new, though it was not asked that"


def _file_body(source: str) -> Fetched | str:
    try:
        body = sys.stdin.buffer.read() if source == _STANDARD_INPUT else Path(source).read_bytes()
    except OSError as error:
        hint = "; a URL begins with https://" if "." in source and not Path(source).suffix else ""
        return f"cannot read it: {error.strerror}{hint}"
    return Fetched(url="", status=200, body=body, content_type=None, etag=None, last_modified=None)


async def _entries(fetched: Fetched, source: str, parser: ParserPool, now: datetime) -> Sequence[Entry] | str:
    """The entries of a feed; a text or a web page from a file is one entry."""
    if _is_url(source) or _looks_like_feed(fetched.body):
        parsed = await parser.parse(fetched.body, content_type=fetched.content_type, url=fetched.url, now=now)
        match parsed:
            case Document():
                return parsed.entries
            case ParseFailed():
                return parsed.detail
    try:
        text = fetched.body.decode("utf-8-sig")
    except UnicodeDecodeError:
        if b"\0" in fetched.body:
            return "it is neither a feed nor text"
        text = fetched.body.decode("cp1252", "replace")
    start = text.lstrip()[:1000].lower()
    content = plain_text(text) if start.startswith("<") and "<html" in start else text
    return [Entry(key="text", content=content)]


def _looks_like_feed(body: bytes) -> bool:
    start = body[:4096].lower().replace(b"\0", b"")
    named = any(mark in start for mark in (b"<rss", b"<feed", b"<rdf", b"jsonfeed.org"))
    return named or (b"<?xml" in start and b"<html" not in start)


def _feed(url: str, now: datetime) -> Feed:
    """A feed that nobody stores, just to fetch it once."""
    return Feed(
        id=FeedId(0),
        host_id=HostId(0),
        host="",
        name=url,
        url=url,
        tags=(),
        interval=timedelta(minutes=10),
        origin="added",
        title="",
        etag=None,
        last_modified=None,
        body_hash=None,
        # As if it had been added a while ago: the sample feed has published all it has by then.
        added_at=now - timedelta(hours=1),
        baseline_at=None,
        next_poll_at=now,
        polled_at=None,
        ok_at=None,
        failures=0,
        status=None,
        error="",
    )


def _print(item: _Found) -> None:
    console = out()
    head = Text(item.source, style="magenta")
    if item.published_at is not None:
        head.append(f"  {item.published_at:%d %b %Y %H:%M} UTC", style="dim")
    console.print(head, soft_wrap=True)
    if item.title.text:
        console.print(_marked(item.title, console.is_terminal, Style(bold=True)), soft_wrap=not console.is_terminal)
    for passage in item.excerpts:
        console.print(_marked(passage, console.is_terminal, Style()), soft_wrap=not console.is_terminal)
    if item.link:
        console.print(Text(item.link, style="blue"), soft_wrap=True)
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
