"""When a delivery comes back, and what an attempt makes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.retry import SCHEDULE, next_attempt, next_look, settle
from monitor.model import ChannelBroken, DeliveryState, MessageClaim, Refused, SendResult, Sent, Settlement, TryLater
from tests.alerts import NOW, make_delivery, make_message

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def _claim(attempts: int = 0) -> MessageClaim:
    return MessageClaim(message=make_message(), deliveries=(make_delivery(attempts=attempts),), token="t1")


def _settled(result: SendResult, attempts: int = 0) -> Settlement:
    (settlement,) = settle(_claim(attempts), result, now=NOW)
    return settlement


@pytest.mark.parametrize(
    ("attempts", "wait"),
    [
        (1, timedelta(seconds=5)),
        (2, 5 * MINUTE),
        (3, 30 * MINUTE),
        (4, 2 * HOUR),
        (5, 5 * HOUR),
        (6, 10 * HOUR),
        (7, 14 * HOUR),
        (8, 20 * HOUR),
        (9, DAY),
        (10, DAY),
        (400, DAY),
    ],
)
def test_waits_grow_as_standard_webhooks_says(attempts: int, wait: timedelta) -> None:
    """Each failed attempt is followed by its step of the schedule, give or take 20 %, and the last step repeats."""
    due = [next_attempt(attempts, now=NOW, retry_after=None, seed=f"delivery-{n}") - NOW for n in range(200)]
    assert min(due) >= wait * 0.8
    assert max(due) <= wait * 1.2
    assert max(due) - min(due) > wait * 0.3


def test_the_schedule_is_the_published_one() -> None:
    """The waits before the ten attempts add up to the 75 h 35 min of Standard Webhooks, and 5 s."""
    assert sum(SCHEDULE, timedelta()) == timedelta(hours=75, minutes=35, seconds=5)


@given(attempts=st.integers(0, 50), seed=st.text(st.characters(codec="utf-8")))
def test_the_same_attempt_of_the_same_delivery_is_always_due_at_the_same_time(attempts: int, seed: str) -> None:
    """Jitter comes from the delivery's id, so a test or a second look at the same row gives the same answer."""
    first = next_attempt(attempts, now=NOW, retry_after=None, seed=seed)
    assert first == next_attempt(attempts, now=NOW, retry_after=None, seed=seed)
    assert first >= NOW


@pytest.mark.parametrize(
    ("retry_after", "at_least", "at_most"),
    [
        (timedelta(0), timedelta(seconds=4), timedelta(seconds=6)),
        (10 * MINUTE, 10 * MINUTE, 10 * MINUTE),
        (30 * DAY, DAY, DAY),
    ],
    ids=["sooner than the schedule", "later than the schedule", "capped at a day"],
)
def test_the_later_of_schedule_and_retry_after_counts(
    retry_after: timedelta, at_least: timedelta, at_most: timedelta
) -> None:
    """A receiver may ask for more patience, up to a day, and never for less."""
    wait = next_attempt(1, now=NOW, retry_after=retry_after, seed="d") - NOW
    assert at_least <= wait <= at_most


@pytest.mark.parametrize(
    ("result", "state", "error"),
    [
        (Sent(detail="ok"), DeliveryState.SENT, ""),
        (Refused(detail="400 invalid_payload"), DeliveryState.DEAD, "400 invalid_payload"),
        (TryLater(detail="503"), DeliveryState.PENDING, "503"),
        (ChannelBroken(detail="401"), DeliveryState.PENDING, "401"),
    ],
)
def test_each_outcome_has_its_state(result: SendResult, state: DeliveryState, error: str) -> None:
    """Sent ends well, refused ends as dead with the reason, and the other two stay pending."""
    settlement = _settled(result)
    assert (settlement.state, settlement.error) == (state, error)
    assert (settlement.delivery_id, settlement.token) == (make_delivery().id, "t1")


@given(attempts=st.integers(0, 10_000))
def test_trying_later_never_kills_a_delivery(attempts: int) -> None:
    """However often it failed, it stays pending and is tried again within a day and a bit."""
    settlement = _settled(TryLater(detail="timeout"), attempts)
    assert settlement.state is DeliveryState.PENDING
    assert NOW < settlement.due_at <= NOW + DAY * 1.2


def test_retry_after_reaches_the_settlement() -> None:
    """A 429 with Retry-After: 3600 on the first attempt is tried again after that hour, not after 5 s."""
    result = TryLater(detail="429", retry_after=HOUR)
    assert _settled(result).due_at == NOW + HOUR


def test_a_broken_channel_is_looked_at_after_five_minutes_and_then_hourly() -> None:
    """Its messages are kept, due as before; a mended channel is found without a command."""
    assert _settled(ChannelBroken(detail="404 no_service")).due_at == NOW
    assert 4 * MINUTE <= next_look(1, now=NOW, seed="desk") - NOW <= 6 * MINUTE
    assert 48 * MINUTE <= next_look(7, now=NOW, seed="desk") - NOW <= 72 * MINUTE


def test_what_is_refused_together_is_tried_apart() -> None:
    """One alert that a receiver does not like must not cost the others of its message."""
    claim = replace(_claim(), deliveries=(make_delivery(), make_delivery(id="other")))
    settlements = settle(claim, Refused(detail="400"), now=NOW)
    assert [(each.state, each.due_at, each.alone) for each in settlements] == [(DeliveryState.PENDING, NOW, True)] * 2
