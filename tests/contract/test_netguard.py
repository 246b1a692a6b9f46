"""Nothing but public addresses is dialled, whatever a name resolves to; with a real server on loopback."""

from __future__ import annotations

import ipaddress
import ssl
from typing import TYPE_CHECKING

import httpx
import pytest

from monitor.app import load, open_notifier
from monitor.config import Settings
from monitor.model import ChannelBroken, Sent
from monitor.netguard import AddressRefused, Guard, GuardedTransport, is_public, resolve
from tests.alerts import make_message
from tests.receivers import Reply, WebhookReceiver, closed_port

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.netguard import Resolver


async def answers(name: str, port: int, guard: Guard, *, resolver: Resolver = resolve) -> int:
    """The status of a POST to http://name:port/."""
    transport = GuardedTransport(guard, ssl_context=ssl.create_default_context(), resolver=resolver)
    async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
        return (await client.post(f"http://{name}:{port}/", content=b"x")).status_code


def resolving_to(*addresses: str) -> Resolver:
    """A name service in which every name has these addresses."""

    async def resolver(_host: str, _port: int) -> tuple[str, ...]:
        return addresses

    return resolver


@pytest.mark.parametrize(
    "text",
    [
        *("8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1", "192.0.1.1"),
        *("2606:4700:4700::1111", "2a00:1450:4001::1", "2001:4860:4860::8888", "64:ff9b::808:808"),
    ],
)
def test_addresses_of_the_internet_are_public(text: str) -> None:
    """The neighbours of every closed range are open."""
    assert is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "text",
    [
        *("0.0.0.0", "10.1.2.3", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1", "172.31.255.255"),
        *("192.168.1.1", "100.64.0.1", "100.127.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "198.18.0.1"),
        *("198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::7f00:1", "64:ff9b::7f00:1", "64:ff9b::a00:1"),
        *("64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "5f00::1", "fc00::1"),
        *("fd12:3456::1", "fe80::1", "fe80::1%lo", "fec0::1", "ff02::1"),
    ],
)
def test_addresses_that_lead_elsewhere_are_not(text: str) -> None:
    """Private, loopback, link-local, carrier, multicast, reserved, mapped, tunnelled and translated ones."""
    assert not is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("name", ["127.1", "0x7f.1", "2130706433", "0", "localhost", "127.0.0.1"])
async def test_no_spelling_of_loopback_gets_through(name: str) -> None:
    """What the system's resolver makes of a name counts, not how the name looks."""
    with WebhookReceiver() as receiver:
        with pytest.raises(AddressRefused, match="not a public address"):
            await answers(name, receiver.port, Guard())
        assert not receiver.requests


async def test_one_inner_address_among_public_ones_is_enough_to_refuse() -> None:
    """A name that is both outside and inside is a trick: nothing of it is dialled."""
    with pytest.raises(AddressRefused, match=r"evil\.example is at 10\.0\.0\.5"):
        await answers("evil.example", 80, Guard(), resolver=resolving_to("8.8.8.8", "10.0.0.5"))


@pytest.mark.parametrize("entry", ["hooks.internal", "HOOKS.internal.", "127.0.0.0/8", "127.0.0.1"])
async def test_allowed_hosts_and_networks_are_dialled(entry: str) -> None:
    """A user's own receiver is reached under its name, which is what it sees in Host."""
    with WebhookReceiver(default=Reply(204, body="")) as receiver:
        guard = Guard.allowing([entry])
        assert await answers("hooks.internal", receiver.port, guard, resolver=resolving_to("127.0.0.1")) == 204
        assert receiver.requests[0].headers["host"] == f"hooks.internal:{receiver.port}"


async def test_an_allowed_host_opens_no_other() -> None:
    """An entry is for one name or network."""
    guard = Guard.allowing(["hooks.internal", "10.0.0.0/8"])
    with pytest.raises(AddressRefused):
        await answers("other.internal", 80, guard, resolver=resolving_to("127.0.0.1"))


async def test_the_next_address_is_tried_when_one_is_dead() -> None:
    """A host with several addresses is reached through any of them."""
    with WebhookReceiver() as receiver:
        guard = Guard.allowing(["127.0.0.0/8", "::1"])
        resolver = resolving_to("::1", "127.0.0.1")  # nobody listens on the first
        assert await answers("two.internal", receiver.port, guard, resolver=resolver) == 200


async def test_trouble_on_the_way_is_httpx_s_own() -> None:
    """A client sees the exceptions that it knows."""
    guard = Guard.allowing(["127.0.0.1"])
    with pytest.raises(httpx.ConnectError):
        await answers("dead.internal", closed_port(), guard, resolver=resolving_to("127.0.0.1"))
    with pytest.raises(httpx.ConnectError):
        await answers("no-such-host.invalid", 80, guard)
    with pytest.raises(httpx.ConnectError, match="has no address"):
        await answers("empty.internal", 80, guard, resolver=resolving_to())


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "[::1]", "localhost", "LOCALHOST"])
def test_an_address_that_the_user_wrote_is_a_choice(host: str) -> None:
    """A literal address in a URL hides nothing."""
    guard = Guard().trusting(host)
    assert guard.permits(host, ipaddress.ip_address("::1" if ":" in host else "127.0.0.1"))
    assert not guard.permits(host if host.lower() != "localhost" else "x.example", ipaddress.ip_address("10.0.0.1"))


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "[fe80::1]", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::"]
)
def test_a_link_local_address_takes_an_entry(host: str) -> None:
    """A cloud's metadata is behind it: nobody writes that by choice without knowing of the list."""
    assert Guard().trusting(host) == Guard()
    assert Guard.allowing(["169.254.0.0/16"]).permits("x", ipaddress.ip_address("169.254.169.254"))


@pytest.mark.parametrize("host", ["hooks.internal", "127.1", "localhost.example.org"])
def test_a_name_that_the_user_wrote_is_none(host: str) -> None:
    """What a name stands for can change behind the user's back."""
    assert Guard().trusting(host) == Guard()


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("10.0.0.1/8", "host bits set"),
        ("10.0.0.0/99", "is no network"),
        ("hooks.internal:8080", "neither a host such as hooks.internal nor a network"),
        ("https://hooks.internal", "is no network"),
        ("10.0.0", "neither a host"),
        ("", "neither a host"),
        ("-x", "neither a host"),
    ],
)
def test_a_wrong_entry_is_told_when_the_configuration_is_read(entry: str, told: str) -> None:
    """A list that allows nothing by mistake would be found out at the first alert only."""
    with pytest.raises(ValueError, match=told):
        Settings.model_validate({"delivery": {"allow": [entry]}})


@pytest.mark.parametrize(("allow", "taken"), [('["127.0.0.0/8"]', True), ("[]", False)])
async def test_what_the_configuration_allows_is_what_a_channel_may_dial(
    allow: str, taken: bool, tmp_path: Path
) -> None:
    """`[delivery] allow` reaches the connection; a change of it makes another channel, so a reload opens it anew."""
    (tmp_path / "rules").mkdir()
    path = tmp_path / "config.toml"
    with WebhookReceiver() as receiver:
        channel = f'[channels.pipeline]\ntype = "webhook"\nurl = "http://127.1:{receiver.port}/"\n'
        path.write_text(f"[delivery]\nallow = {allow}\n{channel}", encoding="utf-8")
        opened = load(path).channels["pipeline"]
        notifier = open_notifier(opened)
        result = await notifier.send(make_message())
        await notifier.close()
    assert isinstance(result, Sent if taken else ChannelBroken)
    path.write_text(f'[delivery]\nallow = ["other.internal"]\n{channel}', encoding="utf-8")
    assert load(path).channels["pipeline"] != opened
