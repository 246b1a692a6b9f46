"""What the head of an answer says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.fetch.answers import explain_status, fresh_for, header_fields, in_utf8, is_feed_delta, validator

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
DATE = "Wed, 25 Nov 2026 12:00:00 GMT"
IN_AN_HOUR = "Wed, 25 Nov 2026 13:00:00 GMT"


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({}, None),
        ({"cache-control": "public"}, None),
        ({"cache-control": "max-age=600"}, 600),
        ({"cache-control": "public, MAX-AGE=600, must-revalidate"}, 600),
        ({"cache-control": 'max-age="600"'}, 600),
        ({"cache-control": "max-age=600, max-age=60"}, 600),
        ({"cache-control": "s-maxage=9, max-age=600"}, 600),
        ({"cache-control": "max-age=600", "age": "100"}, 500),
        ({"cache-control": "max-age=600", "age": "1000"}, 0),
        ({"cache-control": "max-age=600", "age": "-5"}, 600),
        ({"cache-control": "max-age=600", "age": "old"}, 600),
        ({"cache-control": "max-age=600", "expires": IN_AN_HOUR, "date": DATE}, 600),
        ({"cache-control": "max-age=0"}, 0),
        ({"cache-control": "max-age=-1"}, 0),
        ({"cache-control": "max-age=soon"}, 0),
        ({"cache-control": "max-age="}, 0),
        ({"cache-control": "max-age=99999999999999999999"}, 365 * 86400),
        ({"cache-control": "no-store, max-age=600"}, 0),
        ({"cache-control": "no-cache"}, 0),
        ({"expires": IN_AN_HOUR, "date": DATE}, 3600),
        ({"expires": IN_AN_HOUR}, 3600),
        ({"expires": IN_AN_HOUR, "date": "Wed, 25 Nov 2026 12:30:00 GMT"}, 1800),
        ({"expires": IN_AN_HOUR, "date": DATE, "age": "600"}, 3000),
        ({"expires": IN_AN_HOUR, "date": "yesterday"}, 3600),
        ({"expires": DATE, "date": IN_AN_HOUR}, 0),
        ({"expires": "0"}, 0),
        ({"expires": "-1"}, 0),
        ({"expires": "Wed, 25 Nov 9999 13:00:00 GMT", "date": DATE}, 365 * 86400),
        ({"expires": "Wed, 99 Nov 2026 13:00:00 GMT"}, 0),
    ],
)
def test_how_long_an_answer_is_fresh(fields: dict[str, str], seconds: int | None) -> None:
    """RFC 9111 section 4.2, and servers that have not read it."""
    assert fresh_for(fields, NOW) == (None if seconds is None else timedelta(seconds=seconds))


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("cache-control", "age", "expires", "date"), st.text())))
def test_no_header_breaks_the_reading(fields: dict[str, str]) -> None:
    """Whatever stands there, the span is between nothing and a year."""
    found = fresh_for(fields, NOW)
    assert found is None or timedelta(0) <= found <= timedelta(days=365)


def test_fields_that_come_twice() -> None:
    """Lists are joined; of what can be said once only the first counts."""
    raw = [
        (b"Cache-Control", b"public"),
        (b"ETag", b""),
        (b"etag", b'"1"'),
        (b"ETAG", b'"2"'),
        (b"cache-control", b"max-age=1"),
    ]
    assert header_fields(raw) == {"cache-control": "public, max-age=1", "etag": '"1"'}


@pytest.mark.parametrize("value", ['"a"', 'W/"\xfc"', "no quotes, an old date"])
def test_validators_are_kept_as_they_came(value: str) -> None:
    """They go back byte for byte, so nothing is mended."""
    assert validator({"etag": value}, "etag") == value


@pytest.mark.parametrize("value", [None, "", "x" * 2_001, "a\x01b", "a\r\nHost: evil"])
def test_validators_that_cannot_be_sent_back_are_none(value: str | None) -> None:
    """Control characters would be another header."""
    assert validator({} if value is None else {"etag": value}, "etag") is None


def test_letters_in_a_location() -> None:
    """Servers write UTF-8; what is none stays Latin-1."""
    assert in_utf8("/caf\xc3\xa9") == "/café"
    assert in_utf8("/caf\xe9") == "/café"


@pytest.mark.parametrize(
    ("im", "is_delta"),
    [("feed", True), ("Feed", True), ("feed;q=1", True), ("", False), ("vcdiff", False), ("feed, gzip", False)],
)
def test_what_is_a_delta_of_a_feed(im: str, is_delta: bool) -> None:
    """One more manipulation, and the body is something else."""
    assert is_feed_delta({"im": im}) is is_delta
    assert not is_feed_delta({})


@pytest.mark.parametrize(
    ("status", "fields", "parts"),
    [
        (401, {}, ["401 Unauthorized", "username and password", "token"]),
        (402, {}, ["402 Payment Required", "login or token"]),
        (403, {}, ["403 Forbidden", "user_agent", "token"]),
        (403, {"server": "cloudflare"}, ["refused by Cloudflare", "user_agent", "ask the publisher"]),
        (403, {"cf-mitigated": "challenge", "server": "cloudflare"}, ["Cloudflare asks for a proof that a person"]),
        (405, {"x-amzn-waf-action": "captcha"}, ["AWS WAF", "a person is there"]),
        (403, {"x-datadome": "protected"}, ["DataDome"]),
        (404, {}, ["404 Not Found", "check the feed's url"]),
        (406, {}, ["Accept", "headers"]),
        (407, {}, ["proxy wants a login"]),
        (410, {}, ["remove the feed"]),
        (429, {}, ["asked too often (429 Too Many Requests); it wants to be left alone for 2 minutes"]),
        (451, {}, ["legal reasons", "proxy"]),
        (503, {}, ["the server has a problem (503 Service Unavailable); it wants to be left alone for 2 minutes"]),
        (522, {}, ["Cloudflare cannot reach the site behind it (522)"]),
        (302, {}, ["302 Found", "without saying where"]),
        (226, {}, ["not asked for"]),
        (299, {}, ["answered 299"]),
        (799, {}, ["799"]),
    ],
)
def test_an_answer_without_a_feed_is_told_with_a_way_out(status: int, fields: dict[str, str], parts: list[str]) -> None:
    """One line that says what to do."""
    line = explain_status(status, fields, retry_after=timedelta(minutes=2))
    assert all(part in line for part in parts), line
    assert line.isprintable()
