"""Alerts where there is little room: what fits, by whatever measure a receiver has, and what is left out. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from monitor.alerts import render, several
from monitor.alerts.safe import clean_header, isolated, isolated_runs, runs, safe_link, shorten, shorten_runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from monitor.alerts.safe import Run
    from monitor.model import Alert, Message

    Size = Callable[[str], int]

T = TypeVar("T")

MOST_EXCERPT = 3000
"""Characters of an alert's excerpts, where a receiver would take more."""
EACH_EXCERPT = 300
"""The same, of each of several alerts."""


def utf16(text: str) -> int:
    """UTF-16 code units, in which Discord and Telegram count: an emoji is two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def utf8(text: str) -> int:
    """Bytes of UTF-8."""
    return len(text.encode("utf-8", "surrogatepass"))


def longest(make: Callable[[int], T], fits: Callable[[T], bool], most: int) -> T:
    """`make` of about the largest number up to `most` (≥ 1) whose result fits; of 1 where none does.

    `make` takes a limit in characters and cuts at a word, so what is escaped afterwards is never cut.
    """
    if fits(whole := make(most)):
        return whole
    best, low, high = make(1), 2, most - 1
    while low <= high:
        middle = (low + high) // 2
        tried = make(middle)
        if fits(tried):
            best, low = tried, middle + 1
        else:
            high = middle - 1
    return best


@dataclass(frozen=True, slots=True)
class Fitted(Generic[T]):
    """The alerts of a message, as far as there is room.

    Attributes:
        full: The first ones, told in full.
        brief: The next ones, by their headlines.
        omitted: How many are left out.
    """

    full: tuple[T, ...]
    brief: tuple[T, ...]
    omitted: int


def fitted(
    message: Message,
    *,
    full: Callable[[Alert], T],
    brief: Callable[[Alert], T],
    size: Callable[[T], int],
    room: int,
    most_full: int = several.FULL,
) -> Fitted[T]:
    """As many alerts as possible by their headlines, but half of `room` at least for the first ones in full."""
    alerts = several.shown(message)
    most_full = 0 if several.follows(message) else most_full
    lines = [brief(alert) for alert in alerts]
    waiting = sum(map(size, lines))
    told, used = list[T](), 0
    for alert, line in zip(alerts[:most_full], lines, strict=False):
        item = full(alert)
        waiting -= size(line)
        if used + size(item) + min(waiting, room // 2) > room:
            break
        told.append(item)
        used += size(item)
    listed = list[T]()
    for line in lines[len(told) :]:
        used += size(line)
        if used > room:
            break
        listed.append(line)
    return Fitted(tuple(told), tuple(listed), len(alerts) - len(told) - len(listed))


def passages(alert: Alert, limit: int) -> tuple[tuple[Run, ...], ...]:
    """The excerpts in at most `limit` characters together; what is over is cut at the end of a word."""
    found: list[tuple[Run, ...]] = []
    left = limit
    for excerpt in alert.excerpts:
        if left <= 0:
            break
        pieces = shorten_runs(runs(excerpt), left)
        left -= len(render.joined(pieces))
        if render.joined(pieces).strip():
            found.append(isolated_runs(pieces))
    return tuple(found)


def note(alert: Alert, limit: int) -> str:
    """The note on one line; mostly ""."""
    return isolated(clean_header(render.note(alert), limit))


def headline(alert: Alert, limit: int) -> str:
    """The headline on one line, the severity before it where it is high or critical."""
    label = render.severity_label(alert)
    title = isolated(clean_header(render.joined(render.headline(alert)), limit))
    return f"[{label}] {title}" if label else title


def facts(alert: Alert, *, limit: int = 100) -> str:
    """ "BBC News · 24 Nov 2026, 10:15 UTC · Rule: Assad leaves · Ada Reporter", each in at most `limit` characters."""
    told = list(render.facts(alert))
    is_ops = alert.kind == "ops"
    told.insert(0 if is_ops else 2, render.topic(alert) if is_ops else f"Rule: {render.topic(alert)}")
    return " · ".join(isolated(clean_header(fact, limit)) for fact in told)


def source(alert: Alert) -> str:
    """ "(BBC News, 24 Nov 2026, 10:15 UTC)", behind a headline."""
    return f"({', '.join(isolated(clean_header(fact, 60)) for fact in render.facts(alert)[:2])})"


def omission(count: int) -> str:
    """How many alerts a message has no room for, and where they are."""
    return f"… and {count} more, which news-monitor deliveries list shows."


# An invisible character that allows no line break: what is on both sides of it is no longer one address or name.
_JOINER = "\u2060"
_LIVE = re.compile(
    r"(?<=@)(?=\S)"  # names, mail addresses, "<@123>"
    r"|(?<=[#$+])(?=\w)"  # tags, phone numbers
    r"|(?<=(?<!\w)/)(?=\w)"  # commands
    r"|(?<=:)(?=//)"
    r"|(?<=\S\.)(?=[^\W\d_])"  # example.org
    r"|(?<=\d\.)(?=\d+\.\d)"  # 192.0.2.1
)


def inert(text: str) -> str:
    """`text` for an app that makes links and mentions of whatever looks like one; reads and wraps as before.

    For words of a feed: what is a link is for us to say.
    """
    return _LIVE.sub(_JOINER, text)


def inert_runs(pieces: Iterable[Run]) -> tuple[Run, ...]:
    """The pieces of one passage, `inert` as a whole: an "@" may stand in one and the name in the next."""
    pieces = tuple(pieces)
    places = {found.start() for found in _LIVE.finditer(render.joined(pieces))}
    made: list[Run] = []
    at = 0
    for text, hit in pieces:
        characters = (f"{_JOINER if at + n in places else ''}{character}" for n, character in enumerate(text))
        made.append(("".join(characters), hit))
        at += len(text)
    return tuple(made)


def body(message: Message, *, limit: int, size: Size, link: bool = True) -> str:
    """Plain text of all but the subject, inert but for the articles' links.

    Args:
        limit: The most, by `size`, which must not count less for a text than for its parts.
        link: Whether the link of a single alert is in it; False where a receiver takes it separately.
    """
    if several.is_alone(message):
        alert = message.alerts[0]
        return longest(lambda most: _full(alert, most, link=link), lambda text: size(text) <= limit, MOST_EXCERPT)
    before = [inert(waited)] if (waited := several.reason(message)) else []
    room = limit - sum(size(line) + 2 for line in (*before, omission(len(message.alerts))))
    told = fitted(
        message,
        full=lambda alert: f"{inert(headline(alert, 150))}\n{_full(alert, EACH_EXCERPT)}",
        brief=lambda alert: "\n".join([inert(f"{headline(alert, 100)} {source(alert)}"), *_links(alert)]),
        size=lambda text: size(text) + 2,
        room=room,
    )
    after = [omission(told.omitted)] if told.omitted else []
    return "\n\n".join([*before, *told.full, *told.brief, *after])


def _full(alert: Alert, most: int, *, link: bool = True) -> str:
    excerpts = [inert(told)] if (told := note(alert, most)) else []
    excerpts += [inert(render.joined(pieces)) for pieces in passages(alert, most)]
    last = "\n".join([inert(facts(alert)), *(_links(alert) if link else ())])
    return "\n\n".join([*excerpts, last])


def _links(alert: Alert) -> list[str]:
    link = safe_link(alert.link)
    return [link] if 0 < len(link) <= _MOST_LINK else []


_MOST_LINK = 500


def cut(text: str, limit: int, size: Size) -> str:
    """`shorten` by another measure than characters."""
    return longest(lambda most: shorten(text, most), lambda short: size(short) <= limit, max(1, min(len(text), limit)))
