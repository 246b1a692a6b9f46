"""Answers over several hosts, by respx: where a feed has moved, how long it is fresh, and parts of feeds."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
import respx

from monitor.fetch.http import FetchLimits, HttpFetcher
from monitor.model import NO_OPTIONS, FeedOptions, Fetched, FetchFailed, FetchProblem, NotModified
from tests.fakes import FakeClock
from tests.fetching import BODY, NOW, feed

if TYPE_CHECKING:
    from monitor.model import FetchResult

START = "https://a.example/feed"


async def fetched(
    answers: dict[str, httpx.Response], *, url: str = START, etag: str | None = None, options: FeedOptions = NO_OPTIONS
) -> FetchResult:
    """What a fetch of `url` comes to, on a web of these answers."""
    web = respx.MockRouter(assert_all_called=False)
    for address, answer in answers.items():
        web.get(address).mock(return_value=answer)
    fetcher = HttpFetcher(
        user_agent="news-monitor/test",
        limits=FetchLimits(),
        concurrency=1,
        clock=FakeClock(NOW),
        transport=httpx.MockTransport(web.async_handler),
    )
    result = await fetcher.fetch(feed(url, etag=etag), options)
    await fetcher.close()
    return result


def to(location: str, status: int) -> httpx.Response:
    return httpx.Response(status, headers={"Location": location})


@pytest.mark.parametrize(
    ("statuses", "moved_to"),
    [
        ((301,), "https://h1.example/"),
        ((308,), "https://h1.example/"),
        ((302,), ""),
        ((303,), ""),
        ((307,), ""),
        ((301, 308), "https://h2.example/"),
        ((301, 302), "https://h1.example/"),
        ((301, 302, 301), "https://h1.example/"),
        ((302, 301), ""),
    ],
)
@pytest.mark.parametrize("last", [200, 304])
async def test_only_what_is_permanent_from_the_start_moves_a_feed(
    statuses: tuple[int, ...], moved_to: str, last: int
) -> None:
    """A temporary hop ends it: what comes behind may be another place tomorrow."""
    hosts = [START, *(f"https://h{number}.example/" for number in range(1, len(statuses) + 1))]
    answers = {here: to(there, status) for here, there, status in zip(hosts, hosts[1:], statuses, strict=False)}
    answers[hosts[-1]] = httpx.Response(last, content=BODY if last == 200 else b"")
    result = await fetched(answers, etag='"1"')
    assert isinstance(result, Fetched | NotModified)
    assert result.moved_to == moved_to


@pytest.mark.parametrize(
    ("target", "moved_to"),
    [("https://a.example/new", "https://u:p%40w@a.example/new"), ("https://b.example/new", "https://b.example/new")],
)
async def test_a_login_moves_within_its_site_only(target: str, moved_to: str) -> None:
    """The new address of a feed with a login in its URL works as the old one did."""
    answers = {"https://a.example/feed": to(target, 301), target: httpx.Response(200, content=BODY)}
    result = await fetched(answers, url="https://u:p%40w@a.example/feed")
    assert isinstance(result, Fetched)
    assert (result.moved_to, result.url) == (moved_to, target)


async def test_freshness_comes_with_both_kinds_of_success() -> None:
    """A 304 updates what was said before (RFC 9111 section 4.3.4), or says nothing."""
    headers = {"Cache-Control": "max-age=900", "Age": "300", "ETag": '"2"'}
    whole = await fetched({START: httpx.Response(200, headers=headers, content=BODY)})
    same = await fetched({START: httpx.Response(304, headers=headers)}, etag='"1"')
    silent = await fetched({START: httpx.Response(304)}, etag='"1"')
    assert isinstance(whole, Fetched)
    assert whole.fresh_for == timedelta(minutes=10)
    assert same == NotModified(etag='"2"', last_modified=None, fresh_for=timedelta(minutes=10))
    assert silent == NotModified(etag=None, last_modified=None)


async def test_a_part_of_a_feed_is_marked_as_one() -> None:
    """226 with IM: feed, to a request that knew something (RFC 3229)."""
    part = httpx.Response(226, headers={"IM": "feed", "ETag": '"2"'}, content=BODY)
    result = await fetched({START: part}, etag='"1"')
    assert isinstance(result, Fetched)
    assert result.partial
    assert result.body == BODY
    whole = await fetched({START: httpx.Response(200, content=BODY)}, etag='"1"')
    assert isinstance(whole, Fetched)
    assert not whole.partial


@pytest.mark.parametrize(("headers", "etag"), [({"IM": "feed"}, None), ({"IM": "vcdiff"}, '"1"'), ({}, '"1"')])
async def test_a_part_that_cannot_be_understood_is_a_failure(headers: dict[str, str], etag: str | None) -> None:
    """Taken for the whole it would look as if entries had gone, or be no feed at all."""
    result = await fetched({START: httpx.Response(226, headers=headers, content=BODY)}, etag=etag)
    assert isinstance(result, FetchFailed)
    assert (result.problem, result.status) == (FetchProblem.HTTP, 226)


@pytest.mark.parametrize("status", [302, 403, 429, 503])
async def test_a_wish_to_be_left_alone_comes_with_any_failure(status: int) -> None:
    """Retry-After is not only for 503 (RFC 9110 section 10.2.3)."""
    result = await fetched({START: httpx.Response(status, headers={"Retry-After": "120"})})
    assert isinstance(result, FetchFailed)
    assert (result.status, result.retry_after) == (status, timedelta(minutes=2))


async def test_letters_in_a_redirect_are_utf_8() -> None:
    """Location should be ASCII; servers that put letters there mean UTF-8."""
    there = httpx.Response(200, content=BODY)
    moved = httpx.Response(301, headers=[(b"Location", "/caf\xe9".encode())])
    result = await fetched({START: moved, "https://a.example/caf%C3%A9": there})
    assert isinstance(result, Fetched)
    assert result.moved_to == "https://a.example/caf%C3%A9"


@pytest.mark.parametrize(
    ("error", "problem", "part"),
    [
        (httpx.ConnectError("x"), FetchProblem.CONNECT, "cannot connect to a.example"),
        (httpx.ReadError("x"), FetchProblem.CONNECT, "the connection to a.example broke"),
        (httpx.ProxyError("407 wanted"), FetchProblem.CONNECT, "the proxy does not let us through to a.example: 407"),
        (httpx.RemoteProtocolError("x\x1b[1m\ny"), FetchProblem.PROTOCOL, "a.example does not speak HTTP"),
        (httpx.LocalProtocolError("x"), FetchProblem.PROTOCOL, "the request to a.example failed"),
        (httpx.DecodingError("x"), FetchProblem.PROTOCOL, "the request to a.example failed"),
        (ConnectionResetError(104, "x"), FetchProblem.CONNECT, "the connection to a.example broke"),
    ],
)
async def test_whatever_a_transport_raises_is_a_line(error: Exception, problem: FetchProblem, part: str) -> None:
    """Also what no server on loopback can bring about."""
    web = respx.MockRouter()
    web.get(START).mock(side_effect=error)
    fetcher = HttpFetcher(
        user_agent="x", limits=FetchLimits(), concurrency=1, transport=httpx.MockTransport(web.async_handler)
    )
    result = await fetcher.fetch(feed(START))
    assert isinstance(result, FetchFailed)
    assert (result.problem, result.detail.isprintable()) == (problem, True)
    assert part in result.detail
