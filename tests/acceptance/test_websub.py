"""The real daemon and a hub on loopback: alerts the moment that there is news, though polls are an hour apart."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.acceptance.daemon import Daemon, Site, command, command_json, environment
from tests.feedserver import FeedServer
from tests.hub import Hub
from tests.receivers import WebhookReceiver, closed_port
from tests.tls import make_certificate

pytestmark = pytest.mark.acceptance

RULES = "[[rule]]\nname = 'asylum'\nquery = 'asylum'\n"


def feed(*links: str) -> str:
    return (
        '<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>The Wire</title>'
        f"<link>https://example.org/</link>{''.join(links)}</channel></rss>"
    )


def item(number: int) -> str:
    return (
        f"<item><guid>{number}</guid><title>Asylum {number}</title><link>https://example.org/{number}</link>"
        "<description>He got asylum.</description></item>"
    )


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as running:
        yield running


@pytest.fixture
def site(tmp_path: Path, feeds: FeedServer, hook: WebhookReceiver, hub: Hub) -> Site:
    """A feed that names the hub and is polled hourly, and another one that shows that polling goes on."""
    links = f'<atom:link rel="hub" href="{hub.url}"/>', f'<atom:link rel="self" href="{feeds.url("/wire")}#self"/>'
    feeds.put("/wire", feed(*links))
    feeds.put("/beat", feed())
    made = Site(folder=tmp_path, rules=RULES)
    made.polling["allow"] = ["127.0.0.1"]
    made.add_feed("wire", feeds.url("/wire"), interval="1h", websub=True)
    made.add_feed("beat", feeds.url("/beat"), websub=True)
    made.channels["hook"] = {"type": "webhook", "url": hook.url()}
    port = closed_port()
    made.more["web"] = {"listen": f"127.0.0.1:{port}", "public_url": f"http://127.0.0.1:{port}/websub"}
    made.write()
    return made


def beats(feeds: FeedServer) -> None:
    """Polling has gone round some times since now."""
    feeds.wait_for_requests(len(feeds.requests("/beat")) + 3, "/beat")


def titles(hook: WebhookReceiver) -> list[str]:
    return [request.json()["data"]["title"]["text"] for request in hook.requests]


def test_an_alert_comes_with_the_ping(site: Site, feeds: FeedServer, hook: WebhookReceiver, hub: Hub) -> None:
    """Over a restart too, for the subscription is kept; and a feed that wants no hub any more is unsubscribed."""
    with Daemon(site) as daemon:
        hub.wait_until(lambda: len(hub.subscribers) == 1)
        feeds.prepend_item("/wire", item(1))
        beats(feeds)
        assert len(feeds.requests("/wire")) == 1
        assert hub.publish() == [202]
        hook.wait_for(1)

        shown = command_json("feeds", "show", "wire", cwd=site.folder)
        (one,) = shown["websub"]
        assert (one["hub"], one["state"], one["error"]) == (hub.url, "active", "")
        ((callback, topic),) = hub.subscribers
        assert topic == feeds.url("/wire#self")
        told = command("feeds", "show", "wire", cwd=site.folder).stdout
        assert f"{hub.url}: active, lease until" in told
        for text in (told, str(shown), daemon.text()):
            assert callback.rpartition("/")[2] not in text, "who knows the address may call it"
        assert "websub is on, but the feed names no hub" in command("feeds", "show", "beat", cwd=site.folder).stdout
        assert command_json("status", cwd=site.folder)["pushed"] == 1
        assert "1 whose hub tells of news" in command("status", cwd=site.folder).stdout

        assert daemon.stop() == 0
        daemon.restart()
        feeds.prepend_item("/wire", item(2))
        assert hub.publish() == [202]
        hook.wait_for(2)
        assert hub.modes == ["subscribe"]
        assert len(feeds.requests("/wire")) == 3

        del site.feeds[0]["websub"]
        site.write()
        daemon.reload()
        hub.wait_until(lambda: not hub.subscribers)
        assert hub.modes == ["subscribe", "unsubscribe"]
        assert httpx.post(callback).status_code == 410
        assert f"{hub.url}: not used (websub = false)" in command("feeds", "show", "wire", cwd=site.folder).stdout
    assert titles(hook) == ["Asylum 1", "Asylum 2"]
    assert "Traceback" not in daemon.text()


def test_a_stranger_hastens_nothing(site: Site, feeds: FeedServer, hook: WebhookReceiver, tmp_path: Path) -> None:
    """A hub over https is given a secret; one who knows the address alone is answered, and ignored."""
    certificate, tls = make_certificate(tmp_path)
    with Hub(tls=tls) as hub:
        feeds.put("/wire", feed(f'<atom:link rel="hub" href="{hub.url}"/>'))
        with Daemon(site, env={"SSL_CERT_FILE": str(certificate)}) as daemon:
            hub.wait_until(lambda: len(hub.subscribers) == 1)
            (secret,) = hub.subscribers.values()
            assert len(secret) >= 22  # 128 bits
            feeds.prepend_item("/wire", item(1))
            assert hub.publish(secret="guessed") == [202]
            assert hub.publish(signed=False) == [202]
            beats(feeds)
            assert len(feeds.requests("/wire")) == 1
            assert hub.publish() == [202]
            hook.wait_for(1)
        assert "a message to a hub's address was ignored" in daemon.text()
        assert secret not in daemon.text()


def test_a_hub_at_a_private_address_is_not_asked(site: Site, feeds: FeedServer, hub: Hub) -> None:
    """A feed cannot make the daemon talk to machines of its own network; why is told."""
    del site.polling["allow"]
    site.write()
    with Daemon(site) as daemon:
        beats(feeds)
        told = command("feeds", "show", "wire", cwd=site.folder).stdout
    assert "pending" in told
    assert "polling.allow" in told
    assert hub.requests == []
    assert "not subscribed at the hub" in daemon.text()


def test_an_address_that_is_taken_stops_the_start(site: Site) -> None:
    """In words, with the address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        site.more["web"]["listen"] = f"127.0.0.1:{taken.getsockname()[1]}"
        site.write()
        done = command("run", cwd=site.folder)
    assert done.returncode == 1
    assert f"cannot listen on {site.more['web']['listen']} (web.listen): another program does already" in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_of_it_is_loaded_where_nobody_listens() -> None:
    """Who does not want hubs does not pay for a web server."""
    script = "import sys, monitor.app.daemon; sys.exit(bool({'uvicorn', 'starlette'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", script], env=environment(), check=False).returncode == 0
