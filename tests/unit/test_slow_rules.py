"""Rules whose regular expressions time out."""

from __future__ import annotations

from monitor.service.slow import LIMIT, SlowRules


def test_a_rule_rests_at_its_third_time_out() -> None:
    """Not before, and nobody else does; further time-outs change nothing."""
    slow = SlowRules()
    for _ in range(LIMIT - 1):
        slow.count(["slow"])
    slow.count(["other"])
    assert slow.resting == frozenset()
    slow.count(["slow", "slow"])
    assert slow.resting == {"slow"}


def test_a_rule_that_was_edited_begins_anew() -> None:
    """It counts from nought; one that has never timed out may be forgiven as well."""
    slow = SlowRules()
    slow.count(["slow"] * LIMIT + ["other"] * LIMIT)
    slow.forgive(["slow", "never"])
    assert slow.resting == {"other"}
    slow.count(["slow"])
    assert slow.resting == {"other"}
