"""What of a channel goes out now, and what together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.batch import MAX_IN_MESSAGE, choose, message_id
from monitor.alerts.routing import Route
from monitor.model import Choice, DeliveryId, Due, HoldKind, MessageId, Placing, Recent

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
ROUTE = Route(name="", burst=3, group_interval=MINUTE)


def due(
    name: str,
    *,
    group: str = "",
    at: timedelta = timedelta(0),
    hold: HoldKind | None = None,
    message: str | None = None,
    route: str = "",
) -> Due:
    return Due(
        id=DeliveryId(name),
        placing=Placing(route=route, group=group or f"alert {name}", hold=hold),
        created_at=NOW,
        due_at=NOW + at,
        message_id=MessageId(message) if message else None,
    )


def recent(name: str, *, ago: timedelta, group: str = "") -> Recent:
    return Recent(message_id=MessageId(name), route="", group=group or f"alert {name}", sent_at=NOW - ago)


def chosen(*deliveries: Due, sent: tuple[Recent, ...] = (), route: Route = ROUTE) -> Choice:
    return choose(deliveries, sent, route=lambda name: route, now=NOW)  # noqa: ARG005 -- the same for each


def batches(choice: Choice) -> list[tuple[str, ...]]:
    return [batch.deliveries for batch in choice.batches]


def test_a_few_go_one_by_one() -> None:
    """Alerts that no group joins are messages of their own, under the delivery's own id."""
    choice = chosen(due("a"), due("b"))
    assert batches(choice) == [("a",), ("b",)]
    assert [(batch.message_id, batch.kind) for batch in choice.batches] == [("a", "alert"), ("b", "alert")]


def test_forty_at_once_are_one_message() -> None:
    """What is over the burst limit comes together, with an id that its members make."""
    names = [f"d{number:02}" for number in range(40)]
    (batch,) = chosen(*map(due, names)).batches
    assert batch.deliveries == tuple(names)
    assert batch.kind == "group"
    assert batch.message_id == message_id([DeliveryId(name) for name in reversed(names)])


def test_after_a_burst_the_rest_waits_and_comes_together() -> None:
    """With the room used up it is put off until the first of the messages is out of the interval; then it is one."""
    sent = tuple(recent(f"s{number}", ago=number * 10 * SECOND) for number in range(1, 4))
    choice = chosen(due("a"), due("b"), sent=sent)
    assert choice.batches == ()
    assert {(each.delivery, each.due_at) for each in choice.postponed} == {
        ("a", NOW + 30 * SECOND),
        ("b", NOW + 30 * SECOND),
    }
    assert "3 messages" in choice.postponed[0].reason
    assert batches(chosen(due("a"), due("b"), sent=sent[:2])) == [("a", "b")]


def test_a_group_waits_for_its_first_and_is_one_message() -> None:
    """The first that is due takes along those that still wait; groups that have none due wait on."""
    held = HoldKind.GROUP
    choice = chosen(
        due("a", group="g", hold=held),
        due("b", group="g", hold=held, at=20 * SECOND),
        due("c", group="h", hold=held, at=20 * SECOND),
    )
    assert batches(choice) == [("a", "b")]


def test_a_group_speaks_once_in_its_interval() -> None:
    """What comes later waits for the rest of the interval."""
    choice = chosen(due("a", group="g"), sent=(recent("m", ago=20 * SECOND, group="g"),))
    assert [(each.delivery, each.due_at) for each in choice.postponed] == [("a", NOW + 40 * SECOND)]
    assert batches(chosen(due("a", group="g"), sent=(recent("m", ago=MINUTE, group="g"),))) == [("a",)]


def test_what_was_held_comes_out_at_its_time_whatever_the_pace() -> None:
    """A digest and the end of quiet hours are messages of their own kind."""
    sent = tuple(recent(f"s{number}", ago=SECOND) for number in range(3))
    held = [due(name, group="digest 1", hold=HoldKind.DIGEST) for name in "abcde"]
    quiet = [due("q", group="quiet 1", hold=HoldKind.QUIET)]
    choice = chosen(*held, *quiet, sent=sent)
    assert [(batch.kind, len(batch.deliveries)) for batch in choice.batches] == [("digest", 5), ("held", 1)]


def test_what_was_tried_goes_again_as_it_went() -> None:
    """Members of one message stay together under its id, and new ones do not join them."""
    choice = chosen(due("a", message="m"), due("b", message="m"), due("c"))
    assert [(batch.message_id, batch.deliveries) for batch in choice.batches] == [("m", ("a", "b")), ("c", ("c",))]


def test_an_endless_message_is_cut_into_several() -> None:
    """No message has more alerts than a person would scroll through."""
    choice = chosen(*(due(f"{number:04}") for number in range(MAX_IN_MESSAGE * 2 + 1)))
    assert [len(batch.deliveries) for batch in choice.batches] == [MAX_IN_MESSAGE, MAX_IN_MESSAGE, 1]


DELIVERIES = st.lists(
    st.builds(
        due,
        st.uuids().map(str),
        group=st.sampled_from(["", "g", "h"]),
        at=st.sampled_from([-MINUTE, timedelta(0), 10 * SECOND]),
        hold=st.sampled_from([None, HoldKind.GROUP, HoldKind.DIGEST, HoldKind.QUIET]),
        message=st.sampled_from([None, None, "m", "n"]),
    ),
    max_size=30,
    unique_by=lambda each: each.id,
)
SENT = st.lists(
    st.builds(recent, st.sampled_from("xyz"), ago=st.sampled_from([SECOND, 30 * SECOND]), group=st.sampled_from("gh")),
    max_size=5,
)


@given(DELIVERIES, SENT, st.integers(1, 5))
def test_everything_that_is_due_is_sent_or_put_off_once(deliveries: list[Due], sent: list[Recent], burst: int) -> None:
    """Nothing is lost and nothing is in two messages; what is put off has a time ahead and a reason."""
    route = Route(name="", burst=burst, group_interval=MINUTE)
    choice = chosen(*deliveries, sent=tuple(sent), route=route)
    taken = [each for batch in choice.batches for each in batch.deliveries]
    put_off = [each.delivery for each in choice.postponed]
    assert len(taken) == len(set(taken))
    assert not set(taken) & set(put_off)
    assert {each.id for each in deliveries if each.due_at <= NOW} <= {*taken, *put_off}
    assert all(NOW < each.due_at <= NOW + 2 * MINUTE and each.reason for each in choice.postponed)
