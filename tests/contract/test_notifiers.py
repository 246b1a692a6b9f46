"""What `monitor.notify.base` promises, held against every network channel with a real server on loopback."""

from __future__ import annotations

import base64
import logging
import re
import shutil
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import format_datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from pydantic import ValidationError
from standardwebhooks.webhooks import Webhook

from monitor.alerts import render
from monitor.model import Alert, ChannelBroken, Excerpt, Refused, Sent, Severity, TryLater
from monitor.notify import blocks, email, mail
from monitor.notify.base import Surroundings, Wording
from monitor.notify.http import parse_retry_after
from monitor.notify.registry import CHANNEL_TYPES, open_channel
from monitor.notify.webhook import WebhookNotifier, WebhookOptions, signature_headers
from tests.alerts import NOW, hostile_alerts, hostile_messages, make_alert, make_message, passage
from tests.contract.channels import (
    HTTP_CHANNELS,
    NEXT_SIGNING,
    PASSWORD,
    SECRET_PATH,
    SIGNING,
    TOKEN,
    FixedClock,
    HttpChannel,
    email_options,
    opened,
    send,
    slack_options,
    webhook_options,
)
from tests.receivers import Reply, SmtpSink, WebhookReceiver, black_hole, closed_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pydantic import BaseModel

    from monitor.model import Message, SendResult

SHORT = timedelta(milliseconds=300)


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    """An HTTP receiver that says "ok"."""
    with WebhookReceiver() as server:
        yield server


@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    """An SMTP server without TLS or login."""
    with SmtpSink() as server:
        yield server


# HTTP: what all of these have in common


@HTTP_CHANNELS
async def test_an_accepted_message_is_sent(channel: HttpChannel, receiver: WebhookReceiver) -> None:
    """The receiver's yes ends in Sent, after one request."""
    receiver.default = channel.accepted
    assert isinstance(await send(channel.options(receiver.url())), Sent)
    assert len(receiver.requests) == 1


@HTTP_CHANNELS
@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (429, TryLater),
        (408, TryLater),
        (500, TryLater),
        (503, TryLater),
        (302, ChannelBroken),
        (401, ChannelBroken),
        (403, ChannelBroken),
        (404, ChannelBroken),
        (410, ChannelBroken),
        (400, Refused),
        (413, Refused),
        (422, Refused),
    ],
)
async def test_each_status_has_its_outcome(
    channel: HttpChannel, status: int, outcome: type[SendResult], receiver: WebhookReceiver
) -> None:
    """Trouble that passes is tried again, a bad message is refused, and a wrong address or token is the channel's."""
    receiver.default = Reply(status, body="because", headers={"Location": "http://127.0.0.1:1/elsewhere"})
    result = await send(channel.options(receiver.url()))
    assert isinstance(result, outcome)
    assert str(status) in result.detail
    assert "because" in result.detail


@HTTP_CHANNELS
@pytest.mark.parametrize("value", ["120", format_datetime(NOW + timedelta(seconds=120), usegmt=True)])
async def test_retry_after_is_read_in_both_forms(channel: HttpChannel, value: str, receiver: WebhookReceiver) -> None:
    """Seconds and a date mean the same wait (Retry-After, RFC 9110 §10.2.3)."""
    receiver.default = Reply(429, headers={"Retry-After": value})
    notifier = open_channel(channel.options(receiver.url()), Surroundings(clock=FixedClock()))
    result = await notifier.send(make_message())
    await notifier.close()
    assert isinstance(result, TryLater)
    assert result.retry_after == timedelta(seconds=120)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("0", timedelta(0)),
        ("9" * 5000, timedelta(days=366)),
        ("Tue, 24 Nov 2026 09:00:00 GMT", timedelta(0)),
        ("Tue, 24 Nov 2026 10:21:00 -0000", timedelta(minutes=1)),
        ("Tue, 24 Nov 2026 10:21:00", timedelta(minutes=1)),
        ("Tue, 24 Nov 99999 10:21:00 GMT", None),
    ],
)
def test_a_retry_after_that_makes_no_sense_does_no_harm(value: str | None, wait: timedelta | None) -> None:
    """What can't be read is as if it were not there; a time that has passed is now."""
    assert parse_retry_after(value, now=NOW) == wait


@HTTP_CHANNELS
async def test_a_receiver_that_hangs_is_given_up(channel: HttpChannel, receiver: WebhookReceiver) -> None:
    """No answer within the deadline is TryLater, and the message says how long was waited."""
    receiver.default = Reply(hang=True)
    result = await send(channel.options(receiver.url(), timeout=SHORT))
    assert isinstance(result, TryLater)
    assert "0.3 s" in result.detail


@HTTP_CHANNELS
async def test_nobody_listening_is_tried_later(channel: HttpChannel) -> None:
    """A refused connection says so in the system's words."""
    result = await send(channel.options(f"http://127.0.0.1:{closed_port()}/{TOKEN}"))
    assert isinstance(result, TryLater)
    assert "onnect" in result.detail
    assert TOKEN not in result.detail


async def test_a_name_that_does_not_resolve_is_tried_later() -> None:
    """DNS trouble passes."""
    assert isinstance(await send(webhook_options("http://no-such-host.invalid/")), TryLater)


@HTTP_CHANNELS
async def test_an_inner_address_is_dialled_only_by_the_user_s_wish(
    channel: HttpChannel, receiver: WebhookReceiver
) -> None:
    """A name that leads to this machine is the channel's trouble, and the detail says what to do about it."""
    result = await send(channel.options(f"https://127.1:{receiver.port}/{TOKEN}"))
    assert isinstance(result, ChannelBroken)
    assert "127.1 is at 127.0.0.1" in result.detail
    assert "allow" in result.detail
    assert not receiver.requests


@HTTP_CHANNELS
async def test_a_redirect_is_never_followed(channel: HttpChannel, receiver: WebhookReceiver) -> None:
    """A redirect could carry the message and its headers anywhere."""
    with WebhookReceiver() as elsewhere:
        receiver.default = Reply(307, headers={"Location": elsewhere.url()})
        result = await send(channel.options(receiver.url()))
        assert not elsewhere.requests
    assert isinstance(result, ChannelBroken)
    assert "redirects are not followed" in result.detail


@HTTP_CHANNELS
async def test_an_endless_answer_is_not_read(channel: HttpChannel, receiver: WebhookReceiver) -> None:
    """A receiver that talks too much costs neither memory nor a long line in the store."""
    receiver.default = Reply(500, body="x" * 5_000_000)
    result = await send(channel.options(receiver.url()))
    assert isinstance(result, TryLater)
    assert len(result.detail) <= 300


@HTTP_CHANNELS
@pytest.mark.parametrize("status", [200, 403, 500])
async def test_secrets_are_told_to_nobody(
    channel: HttpChannel, status: int, receiver: WebhookReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither repr, nor the detail of an answer that repeats them, nor a log at DEBUG holds URL, secret or headers."""
    caplog.set_level(logging.DEBUG)
    url = receiver.url(SECRET_PATH)
    repeated = f"no {url} {' '.join(channel.secrets)} Bearer {PASSWORD}"
    receiver.default = Reply(status, body=(channel.accepted.body if status == 200 else "") or repeated)
    chosen = channel.options(url)
    async with opened(chosen) as notifier:
        result = await notifier.send(make_message())
        told = [repr(chosen), str(chosen), repr(notifier), repr(result), caplog.text, chosen.model_dump_json()]
    assert isinstance(result, Sent) == (status == 200)
    for secret in channel.secrets:
        assert not [text for text in told if secret in text]


# Webhook


async def test_webhook_signature_is_accepted_by_the_reference_library(receiver: WebhookReceiver) -> None:
    """The public Standard Webhooks library takes the request, with either secret while they rotate."""
    options = webhook_options(receiver.url(), secret=NEXT_SIGNING, previous_secret=SIGNING)
    assert isinstance(await send(options), Sent)
    request = receiver.requests[0]
    for secret in (SIGNING, NEXT_SIGNING):
        data = Webhook(secret).verify(request.body, dict(request.headers))
        assert data["data"]["title"]["text"] == "Assad would step down, officials say"
    assert request.headers["webhook-signature"].count("v1,") == 2
    assert request.headers["content-type"] == "application/json"
    assert request.headers["authorization"] == f"Bearer {PASSWORD}"


def test_webhook_signature_matches_the_published_vector() -> None:
    """The example of the Standard Webhooks specification gives its signature."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signature_headers([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_webhook_says_the_same_on_every_attempt(receiver: WebhookReceiver) -> None:
    """Id and body stay, so a receiver can drop a copy; the timestamp is the attempt's."""
    options = WebhookOptions.model_validate({"type": "webhook", "url": receiver.url()})
    notifier = WebhookNotifier(options, Surroundings(clock=FixedClock()))
    for _attempt in range(2):
        await notifier.send(make_message())
    await notifier.close()
    first, second = receiver.requests
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == make_message().id
    assert first.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert "webhook-signature" not in first.headers
    assert first.json()["type"] == "alert"
    assert first.json()["timestamp"] == "2026-11-24T10:17:00Z"


async def test_webhook_takes_any_2xx_as_sent(receiver: WebhookReceiver) -> None:
    """202 and 204 are as good as 200."""
    receiver.script.extend([Reply(202, body=""), Reply(204, body="")])
    async with opened(webhook_options(receiver.url())) as notifier:
        assert isinstance(await notifier.send(make_message()), Sent)
        assert isinstance(await notifier.send(make_message()), Sent)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"secret": "abc"}, 'must start with "whsec_"'),
        ({"secret": "whsec_!!!"}, "must be base64"),
        ({"secret": "whsec_c2hvcnQ="}, "this one holds 5"),
        ({"secret": None, "previous_secret": SIGNING}, "previous_secret needs secret"),
        ({"url": "ftp://a.example"}, "must be an absolute http or https URL"),
        ({"url": "hooks.example.org"}, "must be an absolute http or https URL"),
        ({"headers": {"Host": "x"}}, "Host is set by news-monitor itself"),
        ({"headers": {"X-A": "a\r\nX-B: b"}}, "must be printable ASCII on one line"),
        ({"headers": {"X A": "a"}}, "is not a header name"),
        ({"timeout": timedelta(0)}, "greater than 0"),
    ],
)
def test_wrong_webhook_options_are_explained(wrong: dict[str, Any], message: str) -> None:
    """A mistake in the channel's table is told when the configuration is read, not at the first alert."""
    with pytest.raises(ValidationError, match=message):
        webhook_options(**{"url": "https://a.example", **wrong})


# Slack


def texts_of(payload: dict[str, Any]) -> list[str]:
    """Every string of the payload's blocks that is shown."""
    found: list[str] = []
    stack: list[Any] = [payload["blocks"]]
    while stack:
        match stack.pop():
            case dict() as item:
                if isinstance(item.get("text"), str):
                    found.append(item["text"])
                stack += item.values()
            case list() as items:
                stack += items
            case _:
                pass
    return found


async def test_every_channel_tells_the_time_of_its_readers(receiver: WebhookReceiver, sink: SmtpSink) -> None:
    """`timezone` is the readers' own."""
    await send(slack_options(receiver.url(), timezone="Europe/Berlin"))
    assert "24 Nov 2026, 11:15 CET" in receiver.requests[0].body.decode()
    await send(email_options(sink.port, timezone="Asia/Tokyo"))
    for kind in ("plain", "html"):
        part = sink.mails[0].message.get_body((kind,))
        assert part is not None
        assert "24 Nov 2026, 19:15 JST" in part.get_content()


@pytest.mark.parametrize(
    "options", [lambda **more: slack_options("https://a.example", **more), partial(email_options, 25)]
)
def test_a_time_zone_that_there_is_not_is_explained(options: Callable[..., BaseModel]) -> None:
    """A typing error gets the name that was meant."""
    with pytest.raises(ValidationError, match=r"no time zone 'Europe/Lodnon'; did you mean .Europe/London"):
        options(timezone="Europe/Lodnon")


async def test_slack_message_reads_as_an_editor_expects(receiver: WebhookReceiver) -> None:
    """Linked headline, quoted excerpt with the hit in bold, then feed, time and rule; nothing unfurls."""
    await send(slack_options(receiver.url()), make_alert(severity=Severity.HIGH))
    payload = receiver.requests[0].json()
    headline, quote = payload["blocks"][0]["elements"]
    assert headline["elements"] == [
        {"type": "text", "text": "HIGH  ", "style": {"bold": True}},
        {
            "type": "link",
            "url": "https://news.example.org/a?x=1&y=2",
            "text": "Assad would step down, officials say",
            "style": {"bold": True},
        },
    ]
    assert quote["type"] == "rich_text_quote"
    assert [part["text"] for part in quote["elements"] if part.get("style") == {"bold": True}] == ["step down"]
    context = payload["blocks"][1]["elements"][0]
    assert context["type"] == "plain_text"
    assert context["text"] == "BBC News · 24 Nov 2026, 10:15 UTC · Rule: Assad leaves power · Ada Reporter"
    assert payload["text"] == "[HIGH] Assad would step down, officials say"
    assert payload["unfurl_links"] is payload["unfurl_media"] is False


@given(hostile_alerts())
def test_no_feed_can_mention_or_link_in_slack(alert: Alert) -> None:
    """Words of a feed are in objects that Slack does not read as markup, or escaped; the only link is the entry's."""
    payload = blocks.payload(make_message(alert))
    kinds: set[str] = set()
    stack: list[Any] = [payload["blocks"]]
    while stack:
        match stack.pop():
            case dict() as item:
                kinds.add(item["type"]) if "type" in item else None
                assert item.get("url", "https://").startswith(("http://", "https://"))
                stack += item.values()
            case list() as items:
                stack += items
            case _:
                pass
    plain = {"rich_text", "rich_text_section", "rich_text_quote", "text", "link", "context", "plain_text"}
    assert kinds <= plain
    for text in (payload["text"], blocks.plain_payload(make_message(alert))["text"]):
        assert "<" not in text
        assert ">" not in text
    assert blocks.plain_payload(make_message(alert))["mrkdwn"] is False


def test_slack_limits_hold_for_endless_text() -> None:
    """A feed that sends a book makes a message that Slack takes, cut between words."""
    book = "word " * 20_000
    alert = make_alert(
        title=Excerpt(text=book), excerpts=(passage(book, "word"),) * 5, feed_title=book, author=book, rule_title=book
    )
    payload = blocks.payload(make_message(alert))
    assert sum(len(text) for text in texts_of(payload)) < 13_000
    assert max(len(text) for text in texts_of(payload)) <= 3000
    assert all(text.endswith(("word…", "word ", "word", "\n\n")) or "·" in text for text in texts_of(payload))


@given(hostile_messages(most=30))
def test_a_slack_message_of_several_is_taken_whatever_is_in_it(message: Message) -> None:
    """It stays within every limit that Slack has, and only articles are links."""
    payload = blocks.payload(message)
    texts = texts_of(payload)
    assert len(payload["blocks"]) <= 50
    assert sum(map(len, texts)) <= 13_000
    assert max(map(len, texts)) <= 3000
    for block in payload["blocks"]:
        assert block["type"] in {"header", "context", "divider", "rich_text"}
        assert block["type"] != "header" or 0 < len(block["text"]["text"]) <= 150
    assert not set("<>") & set(payload["text"])


@pytest.mark.parametrize(("count", "words"), [(2, 5), (12, 40), (26, 40), (200, 40), (200, 400)])
def test_slack_tells_or_counts_every_alert(count: int, words: int) -> None:
    """What does not fit in full is a headline, and what does not fit as a headline is counted."""
    text = "A sentence of six words here. " * (words // 6 + 1)
    alerts = [
        make_alert(title=Excerpt(text=f"Headline {n}. {'word ' * 30}"), excerpts=(Excerpt(text=text),), story=f"{n}",
                   rule=f"rule-{n % 4}", rule_title=f"Rule {n % 4}", link=f"https://news.example.org/{'x' * words}/{n}")
        for n in range(count)
    ]  # fmt: skip
    payload = blocks.payload(make_message(*alerts, kind="digest"))
    shown = "\n".join(texts_of(payload))
    told = sum(f"Headline {n}." in shown for n in range(count))
    left = re.search(r"… and (\d+) more, which", shown)
    assert told + (int(left[1]) if left else 0) == count
    assert told >= min(count, 10)
    assert len(payload["blocks"]) <= 50
    assert not re.search(r"A sentence of six words…|A sentence…", shown)


async def test_slack_gets_plain_text_when_it_refuses_the_blocks(receiver: WebhookReceiver) -> None:
    """invalid_blocks must not cost the alert: it goes out once more at once, without blocks."""
    receiver.script.append(Reply(400, body="invalid_blocks"))
    assert isinstance(await send(slack_options(receiver.url())), Sent)
    first, second = (request.json() for request in receiver.requests)
    assert "blocks" in first
    assert "blocks" not in second
    assert "https://news.example.org/a?x=1&amp;y=2" in second["text"]


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, "no_service"), (410, "channel_is_archived"), (403, "action_prohibited"), (400, "no_team"), (200, "<html>")],
)
async def test_slack_errors_that_every_message_would_get_are_the_channel_s(
    status: int, body: str, receiver: WebhookReceiver
) -> None:
    """A revoked webhook, or a page that is no webhook, keeps the messages for when it is mended."""
    receiver.default = Reply(status, body=body)
    assert isinstance(await send(slack_options(receiver.url())), ChannelBroken)
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("url", ["http://hooks.slack.com/services/x", "hooks.slack.com", "https://", "not a url"])
def test_a_slack_url_must_be_https(url: str) -> None:
    """A webhook URL is a secret and must not travel in the clear; the message says where to find the right one."""
    with pytest.raises(ValidationError, match="webhook URL that Slack shows"):
        slack_options(url)


# E-mail


async def test_mail_arrives_complete(sink: SmtpSink) -> None:
    """Both recipients get text and HTML, and the headers that keep robots from answering."""
    result = await send(email_options(sink.port))
    assert isinstance(result, Sent)
    assert "4711" in result.detail
    [mail] = sink.mails
    assert (mail.sender, mail.recipients) == ("news@example.org", ("a@example.org", "b@example.org"))
    message = mail.message
    assert message["Subject"] == "Assad would step down, officials say"
    assert message["From"] == "News <news@example.org>"
    assert message["Message-ID"] == f"<{make_message().id}@example.org>"
    assert message["Date"].datetime == datetime(2026, 11, 24, 10, 17, tzinfo=UTC)
    assert message["List-Id"] == "<assad.news-monitor.example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert "*step down*" in plain.get_content()
    assert html is not None
    assert "<mark" in html.get_content()


async def test_the_same_delivery_is_the_same_mail(sink: SmtpSink) -> None:
    """A second attempt has the same Message-ID and Date, so a mailbox shows one mail."""
    async with opened(email_options(sink.port)) as notifier:
        for _attempt in range(2):
            await notifier.send(make_message())
    first, second = (mail.message for mail in sink.mails)
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Date"] == second["Date"]


async def test_a_burst_uses_one_connection_and_a_lost_one_is_made_again(sink: SmtpSink) -> None:
    """Ten alerts log in once; a connection that the server closed in between costs nothing."""
    async with opened(email_options(sink.port)) as notifier:
        for _ in range(10):
            assert isinstance(await notifier.send(make_message()), Sent)
        assert sink.connections == 1
        sink.drop_connections()
        assert isinstance(await notifier.send(make_message()), Sent)
    assert sink.connections == 2
    assert len(sink.mails) == 11


async def test_a_refused_recipient_does_not_stop_the_others(sink: SmtpSink) -> None:
    """Who was taken gets the mail once, and the result names who was not."""
    sink.refuse = {"b@example.org": "550 5.1.1 no such user"}
    result = await send(email_options(sink.port))
    assert isinstance(result, Sent)
    assert "refused b@example.org: 550 5.1.1 no such user" in result.warning
    assert sink.mails[0].recipients == ("a@example.org",)


async def test_a_busy_recipient_gets_the_mail_later_and_the_others_no_copy(sink: SmtpSink) -> None:
    """A 4xx for one of several passes: only that one is tried again, with the same mail."""
    sink.refuse = {"b@example.org": "451 4.7.1 greylisted", "c@example.org": "550 5.1.1 no such user"}
    options = email_options(sink.port, to=[f"{name}@example.org" for name in "abc"])
    async with opened(options) as notifier:
        first = await notifier.send(make_message())
        assert isinstance(first, TryLater)
        assert "refused b@example.org: 451 4.7.1 greylisted; the others have it" in first.detail
        del sink.refuse["b@example.org"]
        second = await notifier.send(make_message())
    assert isinstance(second, Sent)
    assert "c@example.org" in second.warning
    assert "b@example.org" not in second.warning
    assert [mail.recipients for mail in sink.mails] == [("a@example.org",), ("b@example.org",)]
    assert len({mail.message["Message-ID"] for mail in sink.mails}) == 1


async def test_a_recipient_who_is_always_busy_does_not_hold_up_the_channel(sink: SmtpSink) -> None:
    """After three tries the mail counts as sent, with a warning; the others had it after the first."""
    sink.refuse = {"b@example.org": "452 4.2.2 mailbox full"}
    async with opened(email_options(sink.port)) as notifier:
        results = [await notifier.send(make_message()) for _ in range(3)]
    assert [type(result) for result in results] == [TryLater, TryLater, Sent]
    assert isinstance(results[-1], Sent)
    assert "refused b@example.org: 452 4.2.2 mailbox full" in results[-1].warning
    assert len(sink.mails) == 1


def test_a_mail_has_no_more_recipients_than_every_server_takes() -> None:
    """RFC 5321 §4.5.3.1.8 makes servers take a hundred."""
    with pytest.raises(ValidationError, match="at most 100 items"):
        email_options(25, to=[f"reader-{n}@example.org" for n in range(101)])


@pytest.mark.parametrize(
    ("one", "other", "outcome"),
    [
        ("550 5.1.1 no such user", "550 5.1.1 no such user", ChannelBroken),
        ("550 5.1.1 no such user", "451 4.3.0 busy", TryLater),
        ("530 5.7.0 log in first", "550 5.1.1 no such user", ChannelBroken),
    ],
)
async def test_all_recipients_refused(sink: SmtpSink, one: str, other: str, outcome: type[SendResult]) -> None:
    """The mail waits until the addresses or the login are mended; one that is only busy is tried again."""
    sink.refuse = {"a@example.org": one, "b@example.org": other}
    result = await send(email_options(sink.port))
    assert isinstance(result, outcome)
    assert one in result.detail
    assert not sink.mails


@pytest.mark.parametrize(
    ("reply", "outcome"), [("554 5.7.1 spam", Refused), ("452 4.3.1 full", TryLater), ("421 4.3.2 bye", TryLater)]
)
async def test_an_answer_after_the_text(sink: SmtpSink, reply: str, outcome: type[SendResult]) -> None:
    """A 5xx at the end of DATA is about this message, a 4xx passes."""
    sink.data_reply = reply
    result = await send(email_options(sink.port))
    assert isinstance(result, outcome)
    assert reply in result.detail


async def test_a_mail_server_that_hangs_is_given_up(sink: SmtpSink) -> None:
    """Silence after the text is TryLater, and so is silence from the start."""
    sink.hang = True
    assert isinstance(await send(email_options(sink.port, timeout=SHORT)), TryLater)
    with black_hole() as port:
        assert isinstance(await send(email_options(port, timeout=SHORT)), TryLater)


async def test_no_mail_server_is_tried_later() -> None:
    """A refused connection says so in the system's words."""
    result = await send(email_options(closed_port()))
    assert isinstance(result, TryLater)
    assert "onnect" in result.detail


async def test_a_wrong_password_is_the_channel_s(caplog: pytest.LogCaptureFixture) -> None:
    """535 keeps the mails until someone mends the account; the password is in no detail, repr or log."""
    caplog.set_level(logging.DEBUG)
    with SmtpSink(account=("news", "right")) as sink:
        options = email_options(sink.port, username="news", password=PASSWORD)
        result = await send(options)
    assert isinstance(result, ChannelBroken)
    assert "535" in result.detail
    for text in (result.detail, repr(options), caplog.text, options.model_dump_json()):
        assert PASSWORD not in text
        assert base64.b64encode(f"\0news\0{PASSWORD}".encode()).decode() not in text


async def test_a_server_without_starttls_is_the_channel_s(sink: SmtpSink) -> None:
    """TLS is insisted on: nothing is sent in the clear, and the message says which options to look at."""
    result = await send(email_options(sink.port, security="starttls"))
    assert isinstance(result, ChannelBroken)
    assert "STARTTLS" in result.detail
    assert "security" in result.detail
    assert not sink.mails


async def test_tls_to_a_server_that_speaks_none_is_the_channel_s(sink: SmtpSink) -> None:
    """security = "tls" on a plain port is a wrong setting, not bad weather."""
    result = await send(email_options(sink.port, security="tls"))
    assert isinstance(result, ChannelBroken)
    assert "TLS" in result.detail


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A self-signed certificate for 127.0.0.1: its file, and a server's context with it."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "36500", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return cert, context


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_mail_over_tls(security: str, certificate: tuple[Path, ssl.SSLContext]) -> None:
    """With the authority's file the mail goes out encrypted and logged in; without it the server is not trusted."""
    cert, context = certificate
    with SmtpSink(tls=context, implicit_tls=security == "tls", account=("news", PASSWORD)) as sink:
        account = {"security": security, "username": "news", "password": PASSWORD}
        assert isinstance(await send(email_options(sink.port, ca_file=cert, **account)), Sent)
        result = await send(email_options(sink.port, **account))
        assert len(sink.mails) == 1
    assert isinstance(result, ChannelBroken)
    assert "certificate is not trusted" in result.detail


@given(hostile_alerts())
def test_mail_reads_in_the_mailbox_as_it_was_written(alert: Alert) -> None:
    """Encoding and folding change neither the subject nor the text, in any script."""
    mailbox = email.mailbox("news@example.org")
    raw = mail.compose(make_message(alert), sender=mailbox, to=[mailbox]).as_bytes()
    message = message_from_bytes(raw, policy=policy.default)
    plain = message.get_body(("plain",))
    assert plain is not None
    assert plain.get_content().replace("\r\n", "\n") == render.plain(alert)
    assert str(make_header(decode_header(message_from_bytes(raw)["Subject"]))) == render.subject(alert)


@given(hostile_alerts())
def test_no_title_injects_a_header_or_spoils_the_mail(alert: Alert) -> None:
    """Whatever the words are, a mail is made, it has just its own headers, and lines that every server takes."""
    sender, to = email.mailbox("news@example.org"), [email.mailbox("a@example.org")]
    raw = mail.compose(make_message(alert), sender=sender, to=to).as_bytes()
    names = [line.partition(b":")[0] for line in raw.split(b"\r\n\r\n")[0].split(b"\r\n") if line[:1] not in b" \t"]
    assert sorted(names) == sorted(
        [
            *(b"From", b"To", b"Subject", b"Date", b"Message-ID", b"List-Id", b"Auto-Submitted"),
            *(b"X-Auto-Response-Suppress", b"MIME-Version", b"Content-Type"),
        ]
    )
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"to": []}, "at least 1 item"),
        ({"to": ["desk"]}, "is not an address such as"),
        ({"to": ["a@b@c"]}, "is not an address"),
        ({"to": ["a@example..org"]}, "is not a domain"),
        ({"to": ["a@bücher.example"]}, "a@bücher.example.*xn--bcher-kva.example"),
        ({"to": ["jürgen@example.org"]}, "letters outside ASCII before the @"),
        ({"from": "News\r\nBcc: x@example.org <a@example.org>"}, "must be on one line|is not an address"),
        ({"username": "news"}, "password is missing"),
        ({"password": PASSWORD}, "username is missing"),
        ({"host": "mail.example.org", "username": "u", "password": PASSWORD}, "password in the clear"),
        ({"ca_file": "/no/such/file.pem"}, "Path does not point to a file"),
        ({"ca_file": __file__}, "no certificate in PEM form"),
        ({"port": 70000}, "less than or equal to 65535"),
        ({"topic": "x"}, "Extra inputs are not permitted"),
    ],
)
def test_wrong_email_options_are_explained(wrong: dict[str, Any], message: str) -> None:
    """A mistake in the channel's table is told when the configuration is read, and never shows the password."""
    with pytest.raises(ValidationError, match=message) as caught:
        email_options(25, **wrong)
    assert PASSWORD not in str([{**error, "input": None} for error in caught.value.errors()])


# Templates

FAILING = "{% if count == 2 %}{{ alerts[5].headline }}{% else %}{{ count }} of ours: {{ subject }}{% endif %}"
"""What only a message of two finds out."""


async def test_a_mail_can_be_in_the_user_s_own_words(sink: SmtpSink) -> None:
    """Subject, text and HTML; the subject stays one harmless line, and words of a feed stay words."""
    own = {
        "subject": "Desk:\n{{ alert.headline }}",
        "body": "{{ alert.time }}",
        "html_body": "<b>{{ alert.headline }}</b>",
    }
    options = email_options(sink.port, timezone="Europe/Berlin", **own)
    result = await send(options, make_alert(title=Excerpt(text="A <script> & co")))
    assert isinstance(result, Sent)
    assert not result.warning
    message = sink.mails[0].message
    assert message["Subject"] == "Desk: A <script> & co"
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert plain.get_content().strip() == "24 Nov 2026, 11:15 CET"
    assert html is not None
    assert html.get_content().strip() == "<b>A &lt;script&gt; &amp; co</b>"


@given(hostile_messages(most=3))
def test_no_feed_injects_anything_through_a_template(message: Message) -> None:
    """A subject and a text of the user's own make a mail for every message, with no header more."""
    own = Wording(subject=("text", "{{ alert.headline }}"), body=("text", "{{ alert.text }}"))
    sender, to = email.mailbox("news@example.org"), [email.mailbox("a@example.org")]
    made = mail.compose(message, sender=sender, to=to, words=own.words(message))
    usual = mail.compose(message, sender=sender, to=to)
    assert set(made) - {"Content-Transfer-Encoding"} <= set(usual)
    assert made.as_bytes().isascii()


async def test_a_text_of_one_s_own_is_a_mail_without_html(sink: SmtpSink) -> None:
    """A reader's program would show the HTML part, which would not be what was written."""
    await send(email_options(sink.port, body="{{ subject }}"))
    assert [part.get_content_type() for part in sink.mails[0].message.walk()] == ["text/plain"]


async def test_slack_and_webhook_take_one_s_own_words(receiver: WebhookReceiver) -> None:
    """In Slack they are plain text, escaped; a webhook gets exactly the JSON that was written, signed."""
    alert = make_alert(title=Excerpt(text='<!channel> & "co"'))
    await send(slack_options(receiver.url(), body="*{{ alert.headline }}*"), alert)
    payload = receiver.requests[0].json()
    assert payload["text"] == '*&lt;!channel&gt; &amp; "co"*'
    assert payload["mrkdwn"] is payload["link_names"] is False
    assert "blocks" not in payload
    await send(webhook_options(receiver.url(), body='{"text":{{ alert.headline|tojson }}}'), alert)
    request = receiver.requests[1]
    assert Webhook(SIGNING).verify(request.body, dict(request.headers)) == {"text": '<!channel> & "co"'}


@pytest.mark.parametrize("kind", ["email", "slack", "webhook"])
async def test_a_template_that_fails_never_costs_the_alert(
    kind: str, receiver: WebhookReceiver, sink: SmtpSink
) -> None:
    """The message goes out in the usual form, with a warning that says which template, where and why."""
    options = {
        "email": email_options(sink.port, body=FAILING, subject=FAILING),
        "slack": slack_options(receiver.url(), body=FAILING),
        "webhook": webhook_options(receiver.url(), body=f'{{"text": "{FAILING}"}}'.replace("subject", "kind")),
    }[kind]
    async with opened(options) as notifier:
        result = await notifier.send(make_message(make_alert(), make_alert(story="other")))
        good = await notifier.send(make_message())
    assert isinstance(result, Sent)
    assert "the template body failed, so the usual form was sent: line 1: there is no item 5" in result.warning
    assert isinstance(good, Sent)
    assert not good.warning
    if kind == "email":
        first, second = (each.message for each in sink.mails)
        assert first["Subject"] == "2 alerts: Assad leaves power"
        assert first.get_body(("html",)) is not None
        assert second["Subject"] == "1 of ours: Assad would step down, officials say"
    else:
        assert "step down" in receiver.requests[0].body.decode()
        assert "1 of ours" in receiver.requests[1].body.decode()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (partial(email_options, 25, subject="{{ titel }}"), "subject\n.*line 1: there is no 'titel'"),
        (partial(email_options, 25, html_body="{{ alert.hmtl }}"), "html_body\n.*did you mean .html"),
        (partial(slack_options, "https://a.example", body="{{ text.upper() }}"), "calls are not available"),
        (partial(webhook_options, "https://a.example", body="{{ text }}"), "does not come to JSON"),
    ],
)
def test_a_wrong_template_is_told_when_the_configuration_is_read(
    options: Callable[[], BaseModel], message: str
) -> None:
    """Not at three in the morning."""
    with pytest.raises(ValidationError, match=message):
        options()


# All kinds


@pytest.mark.parametrize("name", CHANNEL_TYPES)
def test_every_option_is_described(name: str) -> None:
    """The configuration reference is made from these descriptions, so none may be missing."""
    kind = CHANNEL_TYPES[name]
    assert kind.summary
    for key, field in kind.options.model_fields.items():
        assert field.description, f"{name}.{key}"
    assert kind.options.model_fields["type"].default == name
