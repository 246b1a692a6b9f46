"""How one feed is asked: its own headers, login, proxy and HTTP version, and where none of that goes."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING

import h2.config
import h2.connection
import h2.events
import pytest

from monitor.model import NO_OPTIONS, FeedOptions, Fetched, FetchFailed, FetchProblem
from tests.fetching import BODY, feed, fetcher, names, ok, raw_server, redirect, refusal
from tests.tls import make_certificate, trusting

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.model import FetchResult

OPTIONS = FeedOptions(
    user_agent="Mozilla/5.0 (for this site)",
    headers=(("X-Api-Key", "k3y"), ("accept", "text/xml"), ("Accept-Language", "de")),
    username="desk",
    password="pässword:1",
)
HOME = names(a_example="127.0.0.1", b_example="127.0.0.1")
LOCAL = ("127.0.0.1",)


def lines(head: bytes) -> dict[str, str]:
    """The headers of a request as they were sent, by their names as they were sent."""
    return dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n")[1:] if line)


async def test_everything_that_is_set_is_sent_and_nothing_else() -> None:
    """The user's headers replace ours in any case; the login is UTF-8; the library adds nothing of its own."""
    async with raw_server(ok()) as server, fetcher() as running:
        assert isinstance(await running.fetch(feed(server.url(), etag='W/"x"'), OPTIONS), Fetched)
        assert isinstance(await running.fetch(feed(server.url())), Fetched)
    assert lines(server.heads[0]) == {
        "Host": f"127.0.0.1:{server.port}",
        "User-Agent": "Mozilla/5.0 (for this site)",
        "Accept-Encoding": "gzip, deflate, br",
        "If-None-Match": 'W/"x"',
        "A-IM": "feed",
        "X-Api-Key": "k3y",
        "accept": "text/xml",
        "Accept-Language": "de",
        "Authorization": "Basic " + base64.b64encode("desk:pässword:1".encode()).decode(),
        "Connection": "close",
    }
    plain = lines(server.heads[1])
    assert set(plain) == {"Host", "User-Agent", "Accept", "Accept-Encoding", "Connection"}
    assert plain["Accept"].startswith("application/atom+xml, application/rss+xml")


async def test_a_token_is_a_bearer() -> None:
    """RFC 6750."""
    async with raw_server(ok()) as server, fetcher() as running:
        await running.fetch(feed(server.url()), FeedOptions(token="abc.def"))
    assert lines(server.heads[0])["Authorization"] == "Bearer abc.def"


async def test_a_login_in_the_url_is_sent_and_never_shown() -> None:
    """user:password@ is HTTP Basic, with its escapes undone; neither result nor failure repeats it."""
    async with raw_server(ok()) as server, fetcher() as running:
        url = server.url().replace("://", "://desk%40paper:pass%3Aword@")
        result = await running.fetch(feed(url))
        assert isinstance(result, Fetched)
        assert result.url == server.url()
        lost = refusal(await running.fetch(feed("http://desk:pass%3Aword@no-such-host.invalid/")))
        broken = refusal(await running.fetch(feed("ftp://desk:password@x.example/")))
    wanted = base64.b64encode(b"desk@paper:pass:word").decode()
    assert lines(server.heads[0])["Authorization"] == f"Basic {wanted}"
    assert "pass" not in lost.detail + broken.detail


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_secret_follows_a_redirect_to_another_site(status: int) -> None:
    """Another host, and another port of the same host, get neither login nor headers; the same site does."""
    async with raw_server(ok()) as last, fetcher(allow=LOCAL, resolver=HOME) as running:

        async def first(head: bytes, _writer: asyncio.StreamWriter) -> bytes:
            return redirect("/two" if b"/one " in head else last.url("/three", host="b.example"), status)

        async with raw_server(first) as server:
            for url in (server.url("/one", host="a.example"), server.url("/one").replace("://", "://u:p@")):
                options = OPTIONS if "@" not in url else FeedOptions(headers=OPTIONS.headers)
                assert isinstance(await running.fetch(feed(url), options), Fetched)
            assert len(server.heads) == 4
            assert all("Authorization" in lines(head) and "X-Api-Key" in lines(head) for head in server.heads)
    for head in last.heads:
        assert not {"Authorization", "X-Api-Key", "Accept-Language", "Referer", "Cookie"} & set(lines(head))
    assert lines(last.heads[0])["User-Agent"] == "Mozilla/5.0 (for this site)"


async def test_a_login_that_a_redirect_brings_is_not_used() -> None:
    """It would be the server's choice whose name we speak in."""
    async with raw_server(ok()) as last, raw_server(redirect(last.url(host="evil:word@127.0.0.1"))) as server:
        result = await _one(server.url())
    assert isinstance(result, Fetched)
    assert "@" not in result.url
    assert "Authorization" not in lines(last.heads[0])


async def _one(url: str, options: FeedOptions = NO_OPTIONS, *, proxy: str = "") -> FetchResult:
    async with fetcher(proxy=proxy) as running:
        return await running.fetch(feed(url), options)


async def test_plain_http_goes_through_the_proxy() -> None:
    """The proxy gets the whole URL and its own login; a feed's proxy goes before the general one."""
    async with raw_server(ok()) as general, raw_server(ok()) as own:
        proxy = general.url("").replace("://", "://me:word@")
        assert isinstance(await _one("http://feeds.example/feed?x=1", proxy=proxy), Fetched)
        own_proxy = FeedOptions(proxy=own.url(""))
        assert isinstance(await _one("http://feeds.example/", own_proxy, proxy=proxy), Fetched)
    (head,) = general.heads
    assert head.startswith(b"GET http://feeds.example/feed?x=1 HTTP/1.1\r\n")
    assert lines(head)["Proxy-Authorization"] == "Basic " + base64.b64encode(b"me:word").decode()
    assert "Proxy-Authorization" not in lines(own.heads[0])


@pytest.mark.parametrize("http2", [False, True])
async def test_https_goes_through_the_proxy_in_a_tunnel(http2: bool) -> None:
    """CONNECT names the host and no secret of the feed; a refusal of the proxy's is told as its."""
    async with raw_server(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n") as proxy:
        options = FeedOptions(proxy=proxy.url(""), headers=(("X-Api-Key", "k3y"),), http2=http2)
        found = refusal(await _one("https://feeds.example/feed", options))
    assert found.problem is FetchProblem.CONNECT
    assert "the proxy does not let us through to feeds.example" in found.detail
    (head,) = proxy.heads
    assert head.startswith(b"CONNECT feeds.example:443 HTTP/1.1\r\n")
    assert b"k3y" not in head
    assert b"aiohttp" not in head


async def test_a_proxy_that_is_not_there() -> None:
    """The failure is not blamed on the feed's host alone."""
    for proxy, reason in (("http://127.0.0.1:1", "Connection refused"), ("http://none.invalid:1", "not known")):
        async with fetcher(proxy=proxy) as running:
            found = refusal(await running.fetch(feed("http://feeds.example/")))
        assert found.problem is FetchProblem.CONNECT
        assert "the proxy does not let us through to feeds.example" in found.detail
        assert reason in found.detail


async def test_proxies_of_the_environment_count_only_if_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that a shell happens to have must not turn the address guard off."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    async with raw_server(ok()) as proxy, raw_server(ok(b"direct")) as server:
        monkeypatch.setenv("http_proxy", proxy.url(""))
        monkeypatch.setenv("no_proxy", "direct.example")
        resolver = names(direct_example="127.0.0.1", feeds_example="127.0.0.1")
        for asked, bodies in ((False, [b"direct", b"direct"]), (True, [b"direct", BODY])):
            async with fetcher(allow=LOCAL, resolver=resolver, proxy_from_env=asked) as running:
                results = [
                    await running.fetch(feed(server.url(host=f"{name}.example"))) for name in ("direct", "feeds")
                ]
            assert [result.body for result in results if isinstance(result, Fetched)] == bodies


class _Http2(asyncio.Protocol):
    """Answers every request over HTTP/2 with BODY, and keeps the headers that came."""

    def __init__(self, seen: list[dict[str, str]]) -> None:
        self._seen = seen
        self._connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connection.initiate_connection()
        transport.write(self._connection.data_to_send())

    def data_received(self, data: bytes) -> None:
        for event in self._connection.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                self._seen.append({name.decode(): value.decode() for name, value in event.headers})
                stream = event.stream_id
                self._connection.send_headers(stream, [(":status", "200"), ("etag", '"2"')])
                self._connection.send_data(stream, BODY, end_stream=True)
        self._transport.write(self._connection.data_to_send())


async def test_http2_is_spoken_where_it_is_asked_for(tmp_path: Path) -> None:
    """By ALPN; a feed without the key, to the same server and in the same process, gets HTTP/1.1."""
    authority, context = make_certificate(tmp_path)
    context.set_alpn_protocols(["h2"])
    seen: list[dict[str, str]] = []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Http2(seen), "127.0.0.1", 0, ssl=context)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/feed"
    async with fetcher(tls=trusting(authority)) as running:
        result = await running.fetch(feed(url, etag='"1"'), FeedOptions(http2=True, token="t"))
        assert isinstance(result, Fetched), result
        assert isinstance(await running.fetch(feed(url)), FetchFailed)  # the server has h2 alone
    server.close()
    assert (result.body, result.etag) == (BODY, '"2"')
    (asked,) = seen
    assert asked[":path"] == "/feed"
    assert (asked["if-none-match"], asked["authorization"]) == ('"1"', "Bearer t")
    assert asked["user-agent"] == "news-monitor/test"
