"""Which URLs are asked, and where redirects may lead."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.fetch.target import next_hop, parse_target
from monitor.model import FetchFailed

HERE = httpx.URL("https://a.example/feeds/one?x=1")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://127.1/", "http://127.0.0.1/"),
        ("http://0x7f000001:81/a", "http://127.0.0.1:81/a"),
        ("http://2130706433", "http://127.0.0.1"),
        ("http://017700000001/", "http://127.0.0.1/"),
        ("http://127.0.0.1./", "http://127.0.0.1/"),
        ("http://a.example/x#y", "http://a.example/x"),
        ("http://1a.example/", "http://1a.example/"),
        ("http://cafe/", "http://cafe/"),
        ("http://1.2.3.4.example", "http://1.2.3.4.example"),
        ("https://m\xfcnchen.example/", "https://xn--mnchen-3ya.example/"),
    ],
)
def test_hosts_get_their_usual_form(text: str, shown: str) -> None:
    """What the system would make of a number is what the guard has to see."""
    assert str(parse_target(text)) == shown


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("two", "https://a.example/feeds/two"),
        ("/two", "https://a.example/two"),
        ("?x=2", "https://a.example/feeds/one?x=2"),
        ("//b.example/", "https://b.example/"),
        ("https://evil:word@b.example/#x", "https://b.example/"),
        ("HTTPS://B.example/", "https://b.example/"),
    ],
)
def test_redirects_count_from_where_they_stand(location: str, target: str) -> None:
    """RFC 3986; without the login that a server would have us use."""
    assert str(next_hop(HERE, location)) == target


URLISH = st.text() | st.builds(
    "{}://{}{}{}".format, st.sampled_from(["http", "https", "ftp"]), st.text(), st.text(), st.text()
)


@given(URLISH)
def test_no_text_breaks_the_reading_of_a_url(text: str) -> None:
    """A URL of http or https, or a failure in a printable line."""
    for found in (parse_target(text), next_hop(HERE, text), next_hop(httpx.URL("http://a.example"), text)):
        if isinstance(found, FetchFailed):
            assert found.detail.isprintable()
        else:
            assert found.scheme in ("http", "https")
            assert found.host
