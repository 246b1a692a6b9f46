"""A month of polls, marked by what publishers ask of a feed reader.

The points P1 to P20 are those of feed readers' critics (rachelbythebay.com's feed reader score, earth.org.uk's RSS
efficiency, openrss.org's guide for developers, FeedPress) and of RFC 9110, 9111, 6585 and 3229. P19, WebSub, and the
deadline of P20 have tests of their own.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import httpx
import pytest

from monitor.model import NO_OPTIONS, FeedOptions
from monitor.service.events import FeedPolled
from tests.fakes import FakeClock
from tests.polite import DAY, HOUR, MINUTE, START, USER_AGENT, Asked, Client, Web, gaps, rss, spec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

Answer = tuple[int, "Mapping[str, str | bytes]", bytes]
END = START + 30 * DAY
SECOND = timedelta(seconds=1)
DOWN, UP = START + 12 * DAY, START + 14 * DAY  # the daemon is stopped in between
LIMITED = START + 11 * DAY + 20 * HOUR  # within the hours before that, so that a restart must remember it
CHANGED = START + 20 * DAY  # a feed's headers change


class Marks:
    """Points with what was found wrong about each."""

    def __init__(self) -> None:
        self.checks: defaultdict[str, int] = defaultdict(int)
        self.faults: defaultdict[str, list[str]] = defaultdict(list)

    def check(self, point: str, holds: object, what: str) -> None:
        self.checks[point] += 1
        if not holds:
            self.faults[point].append(what)


# ----------------------------------------------------------------------------------------------------------- publishers


def validated(asked: Asked, *, every: timedelta = 5 * HOUR, fields: Mapping[str, str] | None = None) -> Answer:
    """Both validators, odd to the byte; a new ETag each day also where nothing has changed, with the 304 as well."""
    body = rss(asked.at, every=every)
    version = int((asked.at - START) / every)
    etag = b'W/"v%d \xe9, day %d"' % (version, (asked.at - START).days)
    modified = f"v{version}, some time in Autumn"
    answer: dict[str, str | bytes] = {"ETag": etag, "Last-Modified": modified, "Set-Cookie": "id=1", **(fields or {})}
    known = asked.headers.get("if-modified-since") == modified.encode()
    return (304, answer, b"") if known else (200, answer, body)


def with_fields(**fields: str) -> Callable[[Asked], Answer]:
    """A feed that is known by its date, with headers on its 304s too."""
    return lambda asked: validated(asked, fields={name.replace("_", "-"): value for name, value in fields.items()})


def expiring(asked: Asked) -> Answer:
    """Fresh for three hours by Expires, whatever the time is."""
    fields = {"Date": format_datetime(asked.at), "Expires": format_datetime(asked.at + 3 * HOUR)}
    return validated(asked, fields=fields)


def saying(channel: str) -> Callable[[Asked], Answer]:
    """A feed whose document has a wish."""

    def answer(asked: Asked) -> Answer:
        fields = {"Last-Modified": f"{int((asked.at - START) / (5 * HOUR))}"}
        if asked.headers.get("if-modified-since") == fields["Last-Modified"].encode():
            return 304, fields, b""
        return 200, fields, rss(asked.at, every=5 * HOUR, channel=channel)

    return answer


def unvalidated(_asked: Asked) -> Answer:
    """No validators, and the same for ever."""
    return 200, {}, rss(START, every=DAY)


def stubborn(asked: Asked) -> Answer:
    """Says 304 for ever once it gave an ETag."""
    return (304, {}, b"") if asked.is_conditional else (200, {"ETag": '"x"'}, rss(asked.at, every=DAY))


def cut_once(asked: Asked) -> Answer:
    """On the second day a proxy cuts the answer, under an ETag of its own."""
    body = rss(asked.at, every=7 * HOUR)
    if DAY <= asked.at - START < DAY + 2 * HOUR:
        return 200, {"ETag": '"cut"'}, body[: len(body) // 2]
    return 200, {"ETag": f'"{int((asked.at - START) / (7 * HOUR))}"'}, body


def broken(asked: Asked) -> Answer:
    """Out of order from the 3rd to the 20th day."""
    return (500, {}, b"") if 3 * DAY <= asked.at - START < 20 * DAY else validated(asked)


def gone(asked: Asked) -> Answer:
    return (410, {}, b"") if asked.at >= START + 3 * DAY else validated(asked)


def limited(asked: Asked) -> Answer:
    """429 for eight hours, over the time in which the daemon is stopped for the first time."""
    if LIMITED <= asked.at < LIMITED + 2 * HOUR:
        return 429, {"Retry-After": "28800"}, b""
    return validated(asked)


def limited_without_a_word(asked: Asked) -> Answer:
    return (429, {}, b"") if 5 * DAY <= asked.at - START < 5 * DAY + 3 * HOUR else validated(asked)


def overloaded(asked: Asked) -> Answer:
    """503 with a date, for four hours."""
    if 6 * DAY <= asked.at - START < 6 * DAY + 4 * HOUR:
        return 503, {"Retry-After": format_datetime(START + 6 * DAY + 5 * HOUR, usegmt=False)}, b""
    return validated(asked)


def redirect(status: int, target: str) -> Callable[[Asked], Answer]:
    return lambda _asked: (status, {"Location": target}, b"")


def delta(asked: Asked) -> Answer:
    """RFC 3229: only what is new, to who asks for it."""
    number = int((asked.at - START) / (5 * HOUR))
    if asked.headers.get("if-none-match") == b'"%d"' % number:
        return 304, {}, b""
    fields = {"ETag": f'"{number}"'}
    if asked.headers.get("a-im") == b"feed" and asked.is_conditional:
        return 226, {**fields, "IM": "feed"}, rss(asked.at, every=5 * HOUR, size=1)
    return 200, fields, rss(asked.at, every=5 * HOUR)


SY = "<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>16</sy:updateFrequency>"
SKIP_HOURS = "".join(f"<hour>{hour}</hour>" for hour in range(4))
SKIP = f"<skipHours>{SKIP_HOURS}</skipHours><skipDays><day>Sunday</day></skipDays>"
PUBLISHERS: dict[str, Callable[[Asked], Answer]] = {
    "https://validated.example/feed": validated,
    "https://quick.example/feed": lambda asked: validated(asked, every=HOUR / 2),
    "https://fresh.example/feed": with_fields(Cache_Control="public, max-age=7800", Age="600"),
    "https://no-store.example/feed": with_fields(Cache_Control="no-store, max-age=0", Expires="0"),
    "https://expires.example/feed": expiring,
    "https://ttl.example/feed": saying("<ttl>120</ttl>"),
    "https://sy.example/feed": saying(SY),
    "https://skip.example/feed": saying(SKIP),
    "https://static.example/feed": unvalidated,
    "https://stubborn.example/feed": stubborn,
    "https://cut.example/feed": cut_once,
    "https://broken.example/feed": broken,
    "https://gone.example/feed": gone,
    "https://limited.example/a": limited,
    "https://limited.example/b": validated,
    "https://limited.example/c": validated,
    "https://silent-limit.example/feed": limited_without_a_word,
    "https://overloaded.example/a": overloaded,
    "https://overloaded.example/b": validated,
    "https://old.example/feed": redirect(301, "https://new.example/feed"),
    "https://new.example/feed": validated,
    "https://tomorrow.example/feed": redirect(302, "https://today.example/feed"),
    "https://today.example/feed": validated,
    "https://loop.example/feed": redirect(301, "https://loop.example/feed?again"),
    "https://downgrade.example/feed": redirect(301, "http://plain.example/feed"),
    "http://plain.example/feed": validated,
    "https://login.example/feed": redirect(302, "https://elsewhere.example/feed"),
    "https://elsewhere.example/feed": validated,
    "https://delta.example/feed": delta,
}
FOLLOWED = ("new", "today", "plain", "elsewhere")  # hosts that no feed names
FEEDS = [
    spec(url.removeprefix("https://").removesuffix("/feed").replace("/", "-"), url)
    for url in PUBLISHERS
    if httpx.URL(url).host.partition(".")[0] not in FOLLOWED
]


# ---------------------------------------------------------------------------------------------------------------- month


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> tuple[Web, Client, Marks]:
    import asyncio

    return asyncio.run(_month(tmp_path_factory.mktemp("polite")))


async def _month(folder: Path) -> tuple[Web, Client, Marks]:
    """Thirty days with a stop of two, a change of headers, and a person who is impatient."""
    clock = FakeClock(START)
    web, marks = Web(clock=clock, publishers=dict(PUBLISHERS)), Marks()
    client = Client(folder, web, options=lambda: _options(clock.now()))
    await client.start(FEEDS)
    await client.run(DOWN)
    before = len(web.on_host("limited.example"))
    await client.poll_now("limited.example-a", "limited.example-b")
    marks.check("P11", len(web.on_host("limited.example")) == before, "a person could poll a host in its silence")
    await client.stop()
    clock.advance(UP - clock.now())
    await client.start(FEEDS)
    await client.run(END)
    recent = clock.now() - client.feed("validated.example").polled_at  # type: ignore[operator] # it was polled
    if recent < 5 * MINUTE:
        clock.advance(5 * MINUTE)
    before = len(web.on_host("validated.example"))
    await client.poll_now("validated.example")
    await client.poll_now("validated.example")
    marks.check("P15", len(web.on_host("validated.example")) == before + 1, "poll now went below the floor")
    await client.stop()
    return web, client, marks


def _options(now: datetime) -> dict[str, FeedOptions]:
    found = {feed.name: NO_OPTIONS for feed in FEEDS}
    if now >= CHANGED:
        found["validated.example"] = replace(NO_OPTIONS, headers=(("X-Reader", "1"),))
    found["login.example"] = replace(NO_OPTIONS, username="me", password="secret")
    return found


# ---------------------------------------------------------------------------------------------------------------- marks


def test_the_month_gets_full_marks(month: tuple[Web, Client, Marks]) -> None:
    """Every point that applies, with what is wrong where something is."""
    web, client, marks = month
    for judge in (_validators, _pace, _wishes, _redirects, _failures, _politeness, _looks):
        judge(web, marks)
    kinds = {event.kind for event in client.events if isinstance(event, FeedPolled)}
    assert kinds >= {"new", "not_modified", "same", "failed", "waits"}
    print()
    for point in sorted(marks.checks, key=lambda name: int(name[1:])):
        wrong = marks.faults[point]
        print(f"{point:4} {marks.checks[point] - len(wrong)}/{marks.checks[point]}  {'; '.join(wrong)}")
    assert not {point: wrong for point, wrong in marks.faults.items() if wrong}
    assert len(marks.checks) >= 17


def _validators(web: Web, marks: Marks) -> None:
    """P1 to P4, P7, P18."""
    for host in ("validated", "quick", "fresh", "no-store", "expires"):
        asked = web.asked[f"https://{host}.example/feed"]
        for before, after in itertools.pairwise(asked):
            if not after.is_conditional:
                continue
            _status, fields, _body = PUBLISHERS[before.url](before)
            etag, modified = fields["ETag"], str(fields["Last-Modified"]).encode()
            marks.check("P1", after.headers.get("if-modified-since") == modified, f"{host}: another Last-Modified")
            marks.check("P2", after.headers.get("if-none-match") == etag, f"{host}: not the newest ETag, to the byte")
    asked = web.asked["https://validated.example/feed"]
    first_of_new = next(one for one in asked if one.at >= CHANGED)
    marks.check("P1", not first_of_new.is_conditional, "validators of other headers were sent")
    cut = web.asked["https://cut.example/feed"]
    marks.check("P3", all(one.headers.get("if-none-match") != b'"cut"' for one in cut), "kept a cut document's ETag")
    marks.check("P3", any(DAY <= one.at - START < DAY + 2 * HOUR for one in cut), "never met the cut document")
    for host in ("validated", "quick", "fresh", "no-store", "expires", "ttl", "sy", "skip", "stubborn", "delta"):
        whole = [one.at for one in web.asked[f"https://{host}.example/feed"] if not one.is_conditional]
        marks.check("P4", all(gap >= DAY for gap in gaps(whole)), f"{host}: two unconditional GETs within a day")
    whole = [one.at for one in web.asked["https://stubborn.example/feed"] if not one.is_conditional]
    marks.check("P4", all(gap <= 10 * DAY for gap in gaps([*whole, END])), "believed in 304 for ever")
    marks.check("P7", all(one.is_conditional for one in web.asked["https://no-store.example/feed"][1:6]), "no-store")
    deltas = web.asked["https://delta.example/feed"]
    marks.check("P18", all(one.headers.get("a-im") == b"feed" for one in deltas if one.is_conditional), "no A-IM")
    marks.check("P18", sum(one.status == 226 for one in deltas) > 50, "few deltas were asked for")


def _pace(web: Web, marks: Marks) -> None:
    """P5, P13, P14."""
    for feed in FEEDS:
        times = [at for at in web.at(feed.url) if at < END]  # then a person is impatient
        shortest = min(gaps(times), default=DAY)
        marks.check("P5", shortest >= feed.interval or len(times) < 2, f"{feed.name}: {shortest} between two polls")
    static = [at for at in web.at("https://static.example/feed") if at >= END - 7 * DAY]
    marks.check("P5", len(static) <= 9, f"a body that never changes was fetched {len(static)} times in the last week")
    quick = [gap for gap in gaps(web.at("https://quick.example/feed")) if gap < DAY]
    marks.check("P5", max(quick) <= 75 * MINUTE, f"a feed with news twice an hour had to wait {max(quick)}")
    marks.check("P13", all(not DOWN < at < UP for feed in FEEDS for at in web.at(feed.url)), "polled while stopped")
    after = sorted(at for feed in FEEDS for at in web.at(feed.url) if UP <= at < UP + 5 * MINUTE)
    marks.check("P13", len(after) <= len(FEEDS) + 4, "more than one poll of a feed after the stop")
    second = [web.at(feed.url)[1] for feed in FEEDS if len(web.at(feed.url)) > 1 and "limited" not in feed.url]
    marks.check("P14", len({at.replace(second=0, microsecond=0) for at in second}) > 8, "feeds stay in step")


def _wishes(web: Web, marks: Marks) -> None:
    """P6 and P8."""
    for host, wish in (("fresh", 2 * HOUR), ("expires", 3 * HOUR), ("ttl", 2 * HOUR), ("sy", 90 * MINUTE)):
        times = web.at(f"https://{host}.example/feed")
        shortest = min(gaps(times))
        marks.check("P6", shortest >= wish, f"{host}: {shortest} between two polls, {wish} asked for")
        marks.check("P6", len(times) > 28 * DAY / wish / 2, f"{host}: held back far longer than asked for")
    skip = web.at("https://skip.example/feed")[1:]  # the first answer tells of it
    skip = [at for at in skip if not UP <= at < UP + HOUR]
    marks.check(
        "P8",
        all(at.hour > 3 or (at.hour, at.minute) < (0, 10) for at in skip if at.weekday() != 6),
        "asked in an hour to skip",
    )
    sundays = [at for at in skip if at.weekday() == 6]
    marks.check("P8", len(sundays) <= 8, f"asked {len(sundays)} times on days to skip")
    marks.check("P8", max(gaps([at for at in skip if at < DOWN])) <= 28 * HOUR, "not asked for more than a day")


def _redirects(web: Web, marks: Marks) -> None:
    """P9."""
    old, new = web.at("https://old.example/feed"), web.at("https://new.example/feed")
    marks.check("P9", len(old) >= 3, "a move was believed too soon")
    marks.check("P9", old[-1] - old[0] >= DAY, "a move was believed within a day")
    marks.check("P9", old[-1] - old[0] < 2 * DAY, "a move was not believed")
    marks.check("P9", len(new) > 300, "not polled where it has moved")
    tomorrow, today = web.at("https://tomorrow.example/feed"), web.at("https://today.example/feed")
    marks.check("P9", len(tomorrow) == len(today), "a temporary redirect was kept")
    first = START + MINUTE * 5
    loop = [at for at in web.at("https://loop.example/feed?again") if at < first]
    marks.check("P9", len(loop) <= 5, f"followed a loop {len(loop)} times")
    marks.check("P9", not web.at("http://plain.example/feed"), "went from https to http")
    logins = web.asked["https://login.example/feed"]
    marks.check("P9", all("authorization" in one.headers for one in logins), "no login")
    leaked = [one for one in web.asked["https://elsewhere.example/feed"] if "authorization" in one.headers]
    marks.check("P9", not leaked, "a login went to another host")


def _failures(web: Web, marks: Marks) -> None:
    """P10 and P11."""
    marks.check("P10", all(at < START + 3 * DAY + 3 * HOUR for at in web.at("https://gone.example/feed")), "after 410")
    bad = [at for at in web.at("https://broken.example/feed") if 3 * DAY <= at - START < 20 * DAY]
    waits = [gap for gap in gaps(bad) if gap < DAY + 3 * HOUR]
    marks.check("P10", min(waits) >= HOUR, "back-off below an hour")
    marks.check("P10", all(b >= a * 0.9 for a, b in itertools.pairwise(waits)), "back-off does not grow")
    marks.check("P10", max(gaps([at for at in bad if at < DOWN])) <= DAY * 1.11, "back-off over a day")
    marks.check("P10", len([at for at in web.at("https://broken.example/feed") if at >= START + 21 * DAY]) > 50, "dead")
    told = next(one.at for one in web.asked["https://limited.example/a"] if one.status == 429)
    during = [one for one in web.on_host("limited.example") if told < one.at < told + 8 * HOUR]
    marks.check("P11", not during, f"{len(during)} requests in the silence of a 429")
    marks.check("P11", [at for at in web.at("https://limited.example/b") if at > UP], "the host was given up")
    told = next(one.at for one in web.asked["https://silent-limit.example/feed"] if one.status == 429)
    next_one = next(at for at in web.at("https://silent-limit.example/feed") if at > told)
    marks.check("P11", next_one - told >= HOUR, "a 429 without Retry-After")
    told = next(one.at for one in web.asked["https://overloaded.example/a"] if one.status == 503)
    until = START + 6 * DAY + 5 * HOUR
    marks.check("P11", not [at for at in web.at("https://overloaded.example/a") if told < at < until], "503")
    other = [at for at in web.at("https://overloaded.example/b") if told < at < until]
    marks.check("P11", other, "a 503 of one feed silenced the others of its host")


def _politeness(web: Web, marks: Marks) -> None:
    """P12 and P15."""
    marks.check("P12", web.most_at_once == 1, f"{web.most_at_once} requests at once to one host")
    for host in ("limited.example", "overloaded.example"):
        times = [asked.at for asked in web.on_host(host)]
        marks.check("P12", min(gaps(times)) >= SECOND, f"{host}: {min(gaps(times))} between two requests")
    for feed in FEEDS:
        marks.check(
            "P15", len([at for at in web.at(feed.url) if at < START + 55 * MINUTE]) == 1, f"{feed.name}: at first"
        )
    known = {*PUBLISHERS, "https://loop.example/feed?again"}
    strangers = {url for url, asked in web.asked.items() if asked and url not in known}
    marks.check("P15", not strangers, f"asked for {strangers}")
    methods = {asked.method for all_ in web.asked.values() for asked in all_}
    marks.check("P15", methods == {"GET"}, f"asked by {methods}")


def _looks(web: Web, marks: Marks) -> None:
    """P16, P17, P20."""
    every = [asked for all_ in web.asked.values() for asked in all_]
    marks.check("P16", all(one.headers["user-agent"] == USER_AGENT.encode() for one in every), "another user agent")
    codings = {one.headers["accept-encoding"] for one in every}
    marks.check("P17", len(codings) == 1, f"Accept-Encoding changes: {codings}")
    accepts = {one.headers["accept"] for one in every}
    marks.check("P17", all(b"application/atom+xml" in accept and b"*/*" in accept for accept in accepts), f"{accepts}")
    forbidden = {"cookie", "referer", "cache-control", "pragma", "x-requested-with", "from"}
    sent = {name for one in every for name in one.headers}
    marks.check("P17", not forbidden & sent, f"sent {forbidden & sent}")
