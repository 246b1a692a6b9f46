"""What a WebSub subscriber says to a hub, and what a hub's answers mean (W3C WebSub, sections 5 to 8). Pure."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urljoin, urlsplit

from monitor.fetch.base import Answer
from monitor.model import SubscriptionState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from monitor.model import FeedHints, Fetched, FetchFailed, Subscription

LEASE: Final = timedelta(days=10)
"""What is asked for; the hub has the last word."""
DENIED_FOR: Final = timedelta(days=7)
"""How long a hub that said no is left alone."""

_FIRST_WAIT: Final = timedelta(hours=1)
_LONGEST_WAIT: Final = timedelta(hours=24)
_SHORTEST_RENEWAL: Final = timedelta(minutes=5)
_LONGEST_RENEWAL: Final = timedelta(days=30)
_LONGEST_LEASE: Final = timedelta(days=366)
_REPEATED: Final = timedelta(minutes=10)
_MAX_URL: Final = 2048  # characters
_REASON: Final = 200  # characters of a hub's own words
# The strongest that every hub's library has comes first; where a hub gives several, this one is held to.
_DIGESTS: Final = ("sha256", "sha512", "sha384", "sha1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The hub took the request; it has yet to verify it (section 5.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """The hub said no, for the `reason`."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """The hub could not be asked, or has a problem of its own: to be tried again.

    Attributes:
        reached: Whether it answered at all.
    """

    reason: str
    reached: bool = True


HubAnswer = Accepted | Denied | Unanswered


def linked(links: str, url: str) -> tuple[str, str]:
    """The hub and the topic (rel="self") of an answer's Link headers, absolute; "" for what they do not name.

    Args:
        links: The headers' values, joined by commas (RFC 8288 section 3).
        url: Where the answer came from.
    """
    found: dict[str, str] = {}
    for target, parameters in _LINK.findall(links):
        if _ANCHOR.search(parameters) is not None:  # it is about something else than this answer
            continue
        quoted, bare = next(iter(_REL.findall(parameters)), ("", ""))
        for relation in (quoted or bare).lower().split():
            found.setdefault(relation, target)
    return _absolute(found.get("hub", ""), url), _absolute(found.get("self", ""), url)


_LINK: Final = re.compile(r"<([^<>]*)>([^<]*)")
_REL: Final = re.compile(r""";\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))""", re.IGNORECASE)
_ANCHOR: Final = re.compile(r";\s*anchor\s*=", re.IGNORECASE)


def _absolute(target: str, url: str) -> str:
    try:
        return urljoin(url, target.strip()) if target else ""
    except ValueError:
        return ""


def discovered(hints: FeedHints, fetched: Fetched) -> FeedHints:
    """What the document and the headers of its answer say together; the headers go before (section 4)."""
    if not fetched.hub and not fetched.topic:
        return hints
    return replace(hints, hub=fetched.hub or hints.hub, topic=fetched.topic or hints.topic)


def hub_and_topic(hints: FeedHints, url: str) -> tuple[str, str] | None:
    """The hub of a feed and what is to be subscribed to at it; None where the document names no usable hub.

    The topic is the document's own `rel="self"`, else the feed's `url`: section 4 wants that link, and many lack it.
    """
    topic = hints.topic if _is_web(hints.topic) else url
    return (hints.hub, topic) if _is_web(hints.hub) and _is_web(topic) else None


def is_secure(hub: str) -> bool:
    """Whether a secret may be given to this hub: only over https (section 5.1)."""
    return urlsplit(hub).scheme == "https"


def request_fields(
    subscription: Subscription, mode: Literal["subscribe", "unsubscribe"]
) -> tuple[tuple[str, str], ...]:
    """The form that is posted to the hub (section 5.1)."""
    fields = [("hub.callback", subscription.address), ("hub.mode", mode), ("hub.topic", subscription.topic)]
    if mode == "subscribe":
        fields.append(("hub.lease_seconds", str(int(LEASE.total_seconds()))))
        if subscription.secret:
            fields.append(("hub.secret", subscription.secret))
    return tuple(fields)


def read_answer(answer: Answer | FetchFailed) -> HubAnswer:
    """What the hub's answer to such a form means: 2xx is yes (it ought to be 202), 4xx is no (section 5.1.2)."""
    if not isinstance(answer, Answer):
        return Unanswered(reason=answer.detail, reached=False)
    try:
        named = f"{answer.status} {HTTPStatus(answer.status).phrase}"
    except ValueError:
        named = str(answer.status)
    match answer.status:
        case status if 200 <= status < 300:
            return Accepted()
        case 408 | 425 | 429:
            return Unanswered(reason=f"the hub is busy ({named})")
        case status if 400 <= status < 500:
            said = one_line(answer.body.decode("utf-8", "replace"))
            return Denied(reason=f"the hub refused ({named})" + (f": {said}" if said else ""))
        case _:
            return Unanswered(reason=f"the hub answered {named}")


def retry_after(attempts: int) -> timedelta:
    """How long to wait for the hub after so many requests (≥ 1) that came to nothing: an hour, doubled up to a day."""
    return min(_FIRST_WAIT * (1 << min(attempts - 1, 10)), _LONGEST_WAIT)


def granted_lease(seconds: str) -> timedelta:
    """`hub.lease_seconds` as the hub gave it; a day where it is no number, for then nobody knows."""
    if not (seconds.isascii() and seconds.isdigit()):
        return timedelta(days=1)
    return min(timedelta(seconds=int(seconds[:10])), _LONGEST_LEASE)


def renewal(lease: timedelta) -> timedelta:
    """How long after its begin a lease is renewed: at 80 % of it, but neither every moment nor years later."""
    return min(max(0.8 * lease, _SHORTEST_RENEWAL), _LONGEST_RENEWAL)


def is_expected(subscription: Subscription, *, mode: str, topic: str, now: datetime) -> bool:
    """Whether this is what the hub was asked for, and it has not been confirmed yet (section 5.3.1).

    A hub that lost our answer asks again; within ten minutes that is still the same question.
    """
    if topic != subscription.topic or subscription.requested_at is None:
        return False
    match mode, subscription.state:
        case "unsubscribe", SubscriptionState.UNSUBSCRIBING:
            return True
        case "subscribe", SubscriptionState.PENDING | SubscriptionState.ACTIVE:
            verified_at = subscription.verified_at
            return verified_at is None or subscription.requested_at > verified_at or now - verified_at <= _REPEATED
        case _:
            return False


def is_signed(body: bytes, signatures: Sequence[str], secret: str) -> bool:
    """Whether `body` is signed with `secret`.

    Args:
        signatures: The values of the X-Hub-Signature headers, each "method=hex" (section 7.1).
    """
    given: dict[str, str] = {}
    for signature in ",".join(signatures).split(","):
        method, _, digest = signature.strip().partition("=")
        given.setdefault(method.lower(), digest.strip().lower())
    best = next((name for name in _DIGESTS if name in given), None)
    if best is None:
        return False
    right = hmac.new(secret.encode(), body, best).hexdigest()
    return hmac.compare_digest(right.encode(), given[best].encode("utf-8", "replace"))


def one_line(text: str) -> str:
    """What a hub says, as one printable line of bounded length."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text[: 4 * _REASON]).split())
    return line if len(line) <= _REASON else line[: _REASON - 1] + "…"


def _is_web(url: str) -> bool:
    """Whether it is an http or https URL that may be handed on: of bounded length, without a login."""
    if not url.isprintable() or " " in url or len(url) > _MAX_URL:
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
