"""The contract of `monitor/store/base.py`: silences, paused channels, and what they do to deliveries."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.model import Choice, HoldKind, Placing, Postponed, Silence
from tests.contract.samples import HOUR, MINUTE, NOW, alert, delivery, entry, send_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.model import Due, Recent
    from monitor.store.base import Store


def silence(**changes: object) -> Silence:
    values: dict[str, object] = {"rule": "assad", "starts_at": NOW, "ends_at": NOW + HOUR, **changes}
    return Silence(id=0, author="ann", comment="why", created_at=NOW, **values)  # type: ignore[arg-type]  # mixed


def test_silences_are_listed_until_they_end(store: Store) -> None:
    """The one that ends first comes first; those that are over only on demand."""
    long = store.add_silence(silence(ends_at=NOW + 2 * HOUR, feed="tag:world", text="x"))
    short = store.add_silence(silence())
    assert store.silences(now=NOW) == (short, long)
    assert store.silences(now=NOW + HOUR) == (long,)
    assert store.silences(now=NOW + 9 * HOUR) == ()
    assert store.silences(now=NOW + 9 * HOUR, ended=True) == (short, long)


def test_ending_a_silence_lets_out_what_it_held(store: Store) -> None:
    """At once, and nothing that another one holds; a silence that is over cannot be ended."""
    made = store.add_silence(silence())
    said = alert(entry("x")), alert(entry("y"))
    for one, number in zip(said, (made.id, made.id + 1), strict=True):
        placing = Placing(group=f"silence {number}", hold=HoldKind.SILENCE, reason="silence")
        held = replace(delivery(one, due_at=NOW + HOUR), placing=placing)
        store.add_alerts([one], [held], now=NOW)
    assert send_all(store, now=NOW + MINUTE) == ()
    assert store.end_silence(made.id, now=NOW + MINUTE)
    (claimed,) = send_all(store, now=NOW + MINUTE)
    assert claimed.deliveries[0].alert == said[0]
    assert not store.end_silence(made.id, now=NOW + MINUTE)
    assert not store.end_silence(999, now=NOW)


def test_what_is_held_is_counted_and_listed(store: Store) -> None:
    """With the reason; what has been tried is no longer held."""
    placing = Placing(route="night", group="quiet 1", hold=HoldKind.QUIET, reason="quiet hours until 07:00")
    one, other = alert(entry("x")), alert(entry("y"))
    store.add_alerts([one], [replace(delivery(one, due_at=NOW + HOUR), placing=placing)], now=NOW)
    store.add_alerts([other], [delivery(other)], now=NOW)
    (held,) = store.deliveries(held=True)
    assert (held.alert, held.placing) == (one, placing)
    (counts,) = store.status(now=NOW).channels
    assert (counts.pending, counts.held) == (2, 1)
    send_all(store, now=NOW + HOUR)
    assert store.deliveries(held=True) == ()


def test_what_is_postponed_waits_with_its_reason(store: Store) -> None:
    """The sender's choice to put something off is written, and leaves it unclaimed."""
    one = alert(entry("x"))
    store.add_alerts([one], [delivery(one)], now=NOW)

    def later(due: Sequence[Due], recent: Sequence[Recent]) -> Choice:
        assert recent == []
        return Choice(postponed=tuple(Postponed(delivery=d.id, due_at=NOW + MINUTE, reason="busy") for d in due))

    claims = store.claim_messages("terminal", now=NOW, limit=9, lease=MINUTE, choose=later, horizon=HOUR)
    assert claims == ()
    (held,) = store.deliveries(held=True)
    assert (held.due_at, held.placing.hold, held.placing.reason) == (NOW + MINUTE, HoldKind.GROUP, "busy")
    assert len(send_all(store, now=NOW + MINUTE)) == 1


def test_an_alert_without_an_entry_is_said_once(store: Store) -> None:
    """The service's own alerts have an id of their meaning: written again they change nothing."""
    one = alert(entry("x"))
    for _ in range(2):
        store.add_alerts([one], [delivery(one)], now=NOW)
    assert len(send_all(store)) == 1
    assert store.deliveries()[0].alert == one
