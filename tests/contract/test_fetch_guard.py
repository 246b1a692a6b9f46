"""Feeds, pages and hubs lead nowhere inside: redirects, names and addresses in any notation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitor.model import FeedOptions, Fetched, FetchProblem
from tests.feedserver import FeedServer, Route
from tests.fetching import BODY, feed, fetcher, names, ok, raw_server, redirect, refusal
from tests.receivers import Reply, WebhookReceiver, closed_port

if TYPE_CHECKING:
    from collections.abc import Iterator

OURS = names(feeds_example="127.0.0.1")
ALLOW = ("feeds.example",)

INSIDE = [
    *("127.0.0.1", "127.1", "127.0.1", "0x7f.1", "0x7f000001", "0X7F.0.0.1", "2130706433", "017700000001", "0177.1"),
    *("127.0.0.1.", "0", "0.0.0.0", "127.255.255.254", "localhost", "LOCALHOST"),
    *("[::1]", "[::]", "[::ffff:7f00:1]", "[::ffff:127.0.0.1]", "[::7f00:1]", "[0:0:0:0:0:0:0:1]"),
    *("[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2001::1]", "[fec0::1]", "[fe80::1]"),
    *("[fd00:ec2::254]", "[ff02::1]", "[2001:db8::1]"),
    *("10.0.0.1", "172.16.5.4", "192.168.1.1", "0xc0a80101", "100.64.0.1", "192.0.0.192", "198.18.0.1", "224.0.0.1"),
    *("240.0.0.1", "255.255.255.255", "169.254.169.254", "0xa9fea9fe", "2852039166", "[::ffff:a9fe:a9fe]"),
]


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as running:
        running.put("/secret", b"keys")
        yield running


@pytest.mark.parametrize("how", [FeedOptions(), FeedOptions(http2=True)], ids=["http1", "http2"])
@pytest.mark.parametrize("host", INSIDE)
async def test_no_redirect_leads_inside(server: FeedServer, host: str, how: FeedOptions) -> None:
    """Whatever the notation: the address is refused before anything is dialled, and the way out is told."""
    server.redirect("/feed", f"http://{host}:{server.port}/secret")
    async with fetcher(allow=ALLOW, resolver=OURS) as running:
        found = refusal(await running.fetch(feed(f"http://feeds.example:{server.port}/feed"), how))
    assert found.problem is FetchProblem.REFUSED, found
    assert "not a public address" in found.detail
    assert "polling.allow" in found.detail
    assert [request.path for request in server.requests()] == ["/feed"]


DISGUISES = [
    "１２７.0.0.1",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "127.0.0.1%00.example",
    "0177.0.0.1",
    "localhost.",
    "[::1%25lo]",
]


@pytest.mark.parametrize("host", DISGUISES)
async def test_disguises_lead_nowhere(host: str) -> None:
    """Digits that are none in ASCII, and escapes: no such host is asked."""
    answer = redirect(f"http://{host.encode().decode('latin-1')}/")
    async with raw_server(answer) as server, fetcher(allow=ALLOW, resolver=OURS) as running:
        found = refusal(await running.fetch(feed(server.url(host="feeds.example"))))
    assert found.problem in (FetchProblem.REFUSED, FetchProblem.REDIRECT, FetchProblem.DNS, FetchProblem.PROTOCOL)
    assert len(server.heads) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_an_address_that_the_user_wrote_is_asked_and_its_redirects_to_itself_followed(
    server: FeedServer, host: str
) -> None:
    """A feed at home needs no entry."""
    server.put("/feed", BODY)
    server.redirect("/start", "/feed")
    async with fetcher() as running:
        result = await running.fetch(feed(f"http://{host}:{server.port}/start"))
    assert isinstance(result, Fetched)


@pytest.mark.parametrize(
    ("first", "second"), [("127.0.0.1", "127.0.0.2"), ("127.0.0.1", "localhost"), ("localhost", "127.0.0.1")]
)
async def test_that_trust_is_for_this_host_alone(server: FeedServer, first: str, second: str) -> None:
    """Not for another address of the same machine, and not the other way round."""
    server.redirect("/feed", f"http://{second}:{server.port}/secret")
    async with fetcher() as running:
        found = refusal(await running.fetch(feed(f"http://{first}:{server.port}/feed")))
    assert found.problem is FetchProblem.REFUSED
    assert len(server.requests()) == 1


async def test_that_trust_does_not_pass_to_the_next_feed(server: FeedServer) -> None:
    """A name that was looked up for a feed that may is not one for a feed that may not."""
    server.redirect("/feed", f"http://localhost:{server.port}/secret")
    async with fetcher(allow=ALLOW, resolver=OURS) as running:
        assert isinstance(await running.fetch(feed(f"http://localhost:{server.port}/secret")), Fetched)
        found = refusal(await running.fetch(feed(f"http://feeds.example:{server.port}/feed")))
    assert found.problem is FetchProblem.REFUSED


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]"])
async def test_link_local_is_nobody_s_choice(host: str) -> None:
    """A cloud's metadata is there: it takes an entry in polling.allow, even in a feed's own URL."""
    async with fetcher() as running:
        found = refusal(await running.fetch(feed(f"http://{host}/latest/meta-data/")))
    assert found.problem is FetchProblem.REFUSED


async def test_a_name_that_is_outside_and_inside_is_refused() -> None:
    """Such a name is no accident."""
    async with fetcher(resolver=names(evil_example="8.8.8.8 10.0.0.5")) as running:
        found = refusal(await running.fetch(feed("http://evil.example/")))
    assert found.problem is FetchProblem.REFUSED
    assert found.detail.startswith("evil.example is at 10.0.0.5, which is not a public address")


async def test_a_name_that_moves_inside_is_refused_when_it_has_moved() -> None:
    """What was looked up is what is dialled; each look-up is checked anew."""
    asked: list[str] = []

    async def rebinding(host: str, _port: int) -> tuple[str, ...]:
        asked.append(host)
        return ("127.0.0.1",) if len(asked) == 1 else ("127.0.0.9",)

    async with fetcher(allow=("127.0.0.1",), resolver=rebinding) as running:  # as if that were a public address
        url = f"http://rebind.example:{closed_port()}/"
        assert refusal(await running.fetch(feed(url))).problem is FetchProblem.CONNECT
        assert refusal(await running.fetch(feed(url))).problem is FetchProblem.REFUSED
    assert asked == ["rebind.example", "rebind.example"]  # the address that was dead was forgotten


async def test_addresses_that_work_are_remembered(server: FeedServer) -> None:
    """Two feeds of a host are one look-up."""
    asked: list[str] = []

    async def counting(host: str, _port: int) -> tuple[str, ...]:
        asked.append(host)
        return ("127.0.0.1",)

    url = server.put("/feed", BODY).replace("127.0.0.1", "feeds.example")
    async with fetcher(allow=ALLOW, resolver=counting) as running:
        for _ in range(3):
            assert isinstance(await running.fetch(feed(url)), Fetched)
    assert asked == ["feeds.example"]


async def test_an_allowed_name_opens_neither_its_address_nor_other_names(server: FeedServer) -> None:
    """An entry is for one name, also after it has been asked."""
    url = server.put("/feed", BODY).replace("127.0.0.1", "feeds.example")
    other = server.redirect("/other", f"http://127.0.0.1:{server.port}/secret").replace("127.0.0.1", "feeds.example")
    third = server.redirect("/third", f"http://third.example:{server.port}/secret").replace(
        "127.0.0.1", "feeds.example"
    )
    async with fetcher(allow=ALLOW, resolver=names(feeds_example="127.0.0.1", third_example="127.0.0.1")) as running:
        assert isinstance(await running.fetch(feed(url)), Fetched)
        for trick in (other, third):
            assert refusal(await running.fetch(feed(trick))).problem is FetchProblem.REFUSED


async def test_networks_are_allowed_under_any_name(server: FeedServer) -> None:
    """A CIDR entry is for every name and for redirects too."""
    server.put("/feed", BODY)
    url = server.redirect("/start", f"http://127.0.0.2:{server.port}/feed").replace("127.0.0.1", "home.example")
    async with fetcher(allow=("127.0.0.0/8",), resolver=names(home_example="127.0.0.1")) as running:
        found = refusal(await running.fetch(feed(url)))  # nobody listens there: it was dialled
    assert found.problem is FetchProblem.CONNECT


async def test_pages_and_hubs_are_others_choice(server: FeedServer) -> None:
    """An address in their URLs is not trusted; one in polling.allow is asked."""
    page = server.put("/page", b"<p>text</p>")
    with WebhookReceiver(default=Reply(202, body="queued")) as hub:
        async with fetcher() as running:
            for result in (await running.get(page), await running.post_form(hub.url(), [("hub.mode", "subscribe")])):
                assert refusal(result).problem is FetchProblem.REFUSED
        assert not server.requests()
        assert not hub.requests
        async with fetcher(allow=("127.0.0.1",)) as running:
            found = await running.get(page, accept="text/html")
            assert isinstance(found, Fetched)
            assert found.body == b"<p>text</p>"
            answer = await running.post_form(
                hub.url(), [("hub.mode", "subscribe"), ("hub.topic", "https://x.example/ä b")]
            )
    assert (answer.status, getattr(answer, "body", b"")) == (202, b"queued")
    assert server.requests()[0].headers["accept"] == "text/html"
    (asked,) = hub.requests
    assert asked.body == b"hub.mode=subscribe&hub.topic=https%3A%2F%2Fx.example%2F%C3%A4+b"
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert asked.headers["user-agent"] == "news-monitor/test"


@pytest.mark.parametrize("compress", [True, False])
async def test_pages_can_be_held_to_less_than_feeds(server: FeedServer, compress: bool) -> None:
    """What is larger than asked for is given up, packed or not."""
    page = server.put("/page", Route(body=b"x" * 1001, content_type="text/html", compress=compress))
    async with fetcher(allow=("127.0.0.1",)) as running:
        assert isinstance(await running.get(page, max_bytes=1001), Fetched)
        assert refusal(await running.get(page, max_bytes=1000)).problem is FetchProblem.TOO_LARGE


async def test_a_proxy_gets_no_inner_address() -> None:
    """The proxy dials, but an address in a redirect is not even asked of it."""
    async with raw_server(redirect("http://169.254.169.254/")) as proxy, fetcher(proxy=proxy.url("")) as running:
        found = refusal(await running.fetch(feed("http://feeds.example/feed")))
    assert found.problem is FetchProblem.REFUSED
    assert len(proxy.heads) == 1
    assert proxy.heads[0].startswith(b"GET http://feeds.example/feed HTTP/1.1\r\n")


async def test_bytes_that_aiohttp_cannot_send_are_guarded_too() -> None:
    """A validator that is no UTF-8 goes out over the other stack of connections, byte for byte."""
    async with raw_server(ok()) as server:
        odd = feed(server.url(host="feeds.example"), etag='"\xfc"')
        async with fetcher(allow=ALLOW, resolver=OURS) as running:
            assert isinstance(await running.fetch(odd), Fetched)
        async with fetcher(resolver=OURS) as running:
            assert refusal(await running.fetch(odd)).problem is FetchProblem.REFUSED
    (head,) = server.heads
    assert b'If-None-Match: "\xfc"\r\n' in head
