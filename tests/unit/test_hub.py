"""What is said to a hub, and what its answers mean."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.fetch.base import Answer
from monitor.fetch.hub import (
    Accepted,
    Denied,
    HubAnswer,
    Unanswered,
    discovered,
    granted_lease,
    hub_and_topic,
    is_expected,
    is_signed,
    linked,
    read_answer,
    renewal,
    request_fields,
    retry_after,
)
from monitor.model import FeedHints, FeedId, Fetched, FetchFailed, FetchProblem, Subscription, SubscriptionState

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
URL = "https://news.example/feed"
PENDING = Subscription(
    token="t0ken",
    feed_id=FeedId(1),
    feed="wire",
    hub="https://hub.example/",
    topic=URL,
    callback="https://me.example/websub",
    secret="s3cret",
    state=SubscriptionState.PENDING,
    requested_at=NOW,
    renew_at=NOW + HOUR,
)
ACTIVE = replace(PENDING, state=SubscriptionState.ACTIVE, verified_at=NOW)


@pytest.mark.parametrize(
    ("hub", "topic", "found"),
    [
        ("https://hub.example/", "https://news.example/self", ("https://hub.example/", "https://news.example/self")),
        ("https://hub.example/", "", ("https://hub.example/", URL)),
        ("https://hub.example/", "urn:feed", ("https://hub.example/", URL)),
        ("", "https://news.example/self", None),
        ("ftp://hub.example/", "", None),
        ("https://me:pass@hub.example/", "", None),
        ("https://hub.example/\r\nX: y", "", None),
        ("https://[hub/", "", None),
        ("https://hub.example/" + "x" * 3000, "", None),
    ],
)
def test_which_hub_and_topic(hub: str, topic: str, found: tuple[str, str] | None) -> None:
    """A feed without a rel="self" is subscribed to by its own URL; a hub that is no plain web address is none."""
    assert hub_and_topic(FeedHints(hub=hub, topic=topic), URL) == found


@pytest.mark.parametrize(
    ("links", "found"),
    [
        (
            '<https://hub.example/>; rel="hub", <https://a.example/f>; rel="self"',
            ("https://hub.example/", "https://a.example/f"),
        ),
        ("<https://hub.example/>;rel=hub", ("https://hub.example/", "")),
        ('</feed?a=1,2>; REL="Self alternate"; title="x; y, z"', ("", "https://news.example/feed?a=1,2")),
        ('<https://one.example/>; rel="hub", <https://two.example/>; rel="hub"', ("https://one.example/", "")),
        ('<https://x.example/>; rel="hub"; anchor="https://y.example/"', ("", "")),
        ('<https://x.example/>; rel="hubcap"', ("", "")),
        ("<https://x.example/>, <>; rel=hub", ("", "")),
        ("<http://[/>; rel=hub", ("", "")),
        ("<" * 5000 + ">" + "; rel" * 5000, ("", "")),
        ("", ("", "")),
    ],
)
def test_link_headers(links: str, found: tuple[str, str]) -> None:
    """RFC 8288 as servers write it: any number of relations, quotes or none, relative addresses."""
    assert linked(links, URL) == found


def test_headers_go_before_the_document() -> None:
    """As the standard has it; what they do not say, the document says."""
    hints = FeedHints(hub="https://d.example/", topic="https://d.example/self", ttl=HOUR)
    answer = Fetched(url=URL, status=200, body=b"", content_type=None, etag=None, last_modified=None)
    assert discovered(hints, answer) == hints
    both = replace(answer, hub="https://h.example/", topic="https://h.example/self")
    assert discovered(hints, both) == FeedHints(hub=both.hub, topic=both.topic, ttl=HOUR)
    assert discovered(hints, replace(both, topic="")) == replace(hints, hub=both.hub)


def test_the_requests() -> None:
    """The secret goes along when there is one, and never with the end of a subscription."""
    assert request_fields(PENDING, "subscribe") == (
        ("hub.callback", "https://me.example/websub/t0ken"),
        ("hub.mode", "subscribe"),
        ("hub.topic", URL),
        ("hub.lease_seconds", "864000"),
        ("hub.secret", "s3cret"),
    )
    assert "hub.secret" not in dict(request_fields(replace(PENDING, secret=""), "subscribe"))
    assert [name for name, _ in request_fields(PENDING, "unsubscribe")] == ["hub.callback", "hub.mode", "hub.topic"]


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (Answer(status=202, body=b""), Accepted()),
        (Answer(status=204, body=b""), Accepted()),
        (
            Answer(status=403, body=b"not\nyour \x1b[31mtopic"),
            Denied(reason="the hub refused (403 Forbidden): not your [31mtopic"),
        ),
        (Answer(status=404, body=b""), Denied(reason="the hub refused (404 Not Found)")),
        (Answer(status=429, body=b""), Unanswered(reason="the hub is busy (429 Too Many Requests)")),
        (Answer(status=503, body=b"x"), Unanswered(reason="the hub answered 503 Service Unavailable")),
        (Answer(status=302, body=b""), Unanswered(reason="the hub answered 302 Found")),
        (Answer(status=799, body=b""), Unanswered(reason="the hub answered 799")),
        (
            FetchFailed(problem=FetchProblem.DNS, detail="cannot find it"),
            Unanswered(reason="cannot find it", reached=False),
        ),
    ],
)
def test_what_an_answer_means(answer: Answer | FetchFailed, meaning: HubAnswer) -> None:
    """Yes, no with the hub's own words on one harmless line, or later."""
    assert read_answer(answer) == meaning


def test_a_hub_is_asked_again_ever_more_seldom() -> None:
    """From an hour to a day."""
    assert [retry_after(attempts) / HOUR for attempts in (1, 2, 3, 5, 6, 99)] == [1, 2, 4, 16, 24, 24]


@pytest.mark.parametrize(
    ("seconds", "lease", "renewed_after"),
    [
        ("3600", HOUR, 48 * MINUTE),
        ("864000", timedelta(days=10), timedelta(days=8)),
        ("1", timedelta(seconds=1), 5 * MINUTE),
        ("0", timedelta(0), 5 * MINUTE),
        ("99999999999999", timedelta(days=366), timedelta(days=30)),
        ("", timedelta(days=1), timedelta(hours=19.2)),
        ("-5", timedelta(days=1), timedelta(hours=19.2)),
        ("١٢", timedelta(days=1), timedelta(hours=19.2)),
    ],
)
def test_leases(seconds: str, lease: timedelta, renewed_after: timedelta) -> None:
    """Renewed at 80 %; nonsense is a day, and neither a second nor a century is taken literally."""
    assert granted_lease(seconds) == lease
    assert renewal(lease) == renewed_after


@pytest.mark.parametrize(
    ("subscription", "mode", "topic", "expected"),
    [
        (PENDING, "subscribe", URL, True),
        (PENDING, "subscribe", URL + "/", False),
        (PENDING, "unsubscribe", URL, False),
        (PENDING, "", URL, False),
        (replace(PENDING, state=SubscriptionState.WANTED, requested_at=None), "subscribe", URL, False),
        (replace(PENDING, state=SubscriptionState.DENIED), "subscribe", URL, False),
        (replace(PENDING, state=SubscriptionState.UNSUBSCRIBING), "unsubscribe", URL, True),
        (replace(PENDING, state=SubscriptionState.UNSUBSCRIBING), "subscribe", URL, False),
        (replace(PENDING, state=SubscriptionState.UNSUBSCRIBING, requested_at=None), "unsubscribe", URL, False),
        (ACTIVE, "unsubscribe", URL, False),
        (ACTIVE, "subscribe", URL, True),
        (replace(ACTIVE, verified_at=NOW - HOUR, requested_at=NOW - 2 * HOUR), "subscribe", URL, False),
        (replace(ACTIVE, verified_at=NOW - HOUR), "subscribe", URL, True),
    ],
)
def test_what_is_confirmed(subscription: Subscription, mode: str, topic: str, expected: bool) -> None:
    """Only what was asked for and is not settled; the same question within minutes is a hub that lost the answer."""
    assert is_expected(subscription, mode=mode, topic=topic, now=NOW) is expected


def signature(method: str, body: bytes = b"news", secret: str = "s3cret") -> str:
    return f"{method}={hmac.new(secret.encode(), body, getattr(hashlib, method)).hexdigest()}"


@pytest.mark.parametrize(
    ("signatures", "right"),
    [
        ([signature("sha1")], True),
        ([signature("sha256")], True),
        ([signature("sha384")], True),
        ([signature("sha512")], True),
        ([signature("sha256").upper()], True),
        ([signature("sha1"), signature("sha256")], True),
        ([signature("sha1") + ", " + signature("sha256")], True),
        # The best one counts: a right one that is weak does not make up for it.
        ([signature("sha1"), signature("sha256", secret="wrong")], False),
        ([signature("sha256", body=b"other")], False),
        ([signature("md5")], False),
        (["sha256="], False),
        (["sha256=ü\u0000"], False),
        ([""], False),
        ([], False),
    ],
)
def test_signatures(signatures: list[str], right: bool) -> None:
    """Every method of the standard; the strongest that is given is held to."""
    assert is_signed(b"news", signatures, "s3cret") is right
