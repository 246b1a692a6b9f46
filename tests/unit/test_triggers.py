"""When the matches of a rule make an alert: the keys, what does not go together, and how it is told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitor.errors import Fault
from monitor.model import EACH_STORY, Trigger
from monitor.rules.load import load_rules
from monitor.rules.references import check_references
from monitor.rules.rule import Rule
from monitor.rules.trigger import in_words
from monitor.tomlfile import parse

HALF_HOUR = timedelta(minutes=30)
SPIKE = Trigger(count=20, window=timedelta(hours=1))


def load(keys: str, *, defaults: str = "") -> tuple[tuple[Rule, ...], tuple[Fault, ...]]:
    """A rule with these keys from its fourth line on."""
    head = f"[defaults]\n{defaults}\n" if defaults else ""
    return load_rules([parse(f"{head}[[rule]]\nname = 'x'\nquery = 'flood'\n{keys}", path="x.toml")])


def trigger(keys: str, *, defaults: str = "") -> Trigger:
    """Of a rule without a fault."""
    (rule,), faults = load(keys, defaults=defaults)
    assert faults == ()
    return rule.trigger


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("", EACH_STORY),
        ("min_outlets = 3", Trigger(min_outlets=3, within=timedelta(hours=24))),
        ("min_outlets = 3\nwithin = '30m'", Trigger(min_outlets=3, within=HALF_HOUR)),
        ("escalate_at = 10", Trigger(escalate_at=10)),
        ("min_outlets = 3\nescalate_at = 10", Trigger(min_outlets=3, escalate_at=10)),
        ("count = 20\nwindow = '1h'", Trigger(count=20, window=timedelta(hours=1))),
        ("absent_for = '1d'", Trigger(absent_for=timedelta(days=1))),
    ],
)
def test_a_rule_says_when_it_alerts(keys: str, expected: Trigger) -> None:
    """Each key ends up where it belongs; without any, each story's first match alerts."""
    assert trigger(keys) == expected


def test_a_file_may_ask_for_outlets_in_all_its_rules() -> None:
    """[defaults] gives what a rule does not say itself; a time for outlets alone asks nothing of a rule without."""
    defaults = "min_outlets = 2\nwithin = '30m'\nescalate_at = 5"
    assert trigger("", defaults=defaults) == Trigger(min_outlets=2, within=HALF_HOUR, escalate_at=5)
    assert trigger("min_outlets = 3", defaults=defaults).min_outlets == 3
    assert trigger("", defaults="within = '30m'") == EACH_STORY


@pytest.mark.parametrize(
    ("keys", "line", "words", "hint"),
    [
        ("within = '30m'", 4, "the time for min_outlets", "min_outlets = 3"),
        ("count = 20", 4, "needs the time", 'window = "1h"'),
        ("window = '1h'", 4, "the time for count", "count = 20"),
        ("absent_for = '1h'\ncount = 20\nwindow = '1h'", 4, "of silence only", "two rules"),
        ("min_outlets = 3\nabsent_for = '1h'", 5, "of silence only", "two rules"),
        ("min_outlets = 3\ncount = 20\nwindow = '1h'", 5, "each story by itself", "two rules"),
        ("count = 20\nwindow = '1h'\non_edit = 'reply'", 6, "below the alert of its story", "leave on_edit out"),
        ("min_outlets = 3\nescalate_at = 3", 5, "told twice at once", "over min_outlets: 9"),
        ("min_outlets = 1", 4, "a whole number from 2 to 10000", "without quotes"),
        ("count = '20'\nwindow = '1h'", 4, "a whole number from 2 to 10000", "without quotes: count = 3"),
        ("absent_for = '0s'", 4, "no time at all", "30s"),
    ],
)
def test_what_makes_no_sense_is_told_at_its_place(keys: str, line: int, words: str, hint: str) -> None:
    """Keys that mean nothing together are one fault, at the line of one of them, with the way out."""
    rules, (fault,) = load(keys)
    assert rules == ()
    assert fault.line == line
    assert words in fault.message
    assert hint in fault.hint


def test_a_default_that_fits_no_rule_for_spikes_is_told() -> None:
    """A rule that counts, in a file whose rules all ask for outlets, is in the wrong file."""
    rules, (fault,) = load("count = 20\nwindow = '1h'", defaults="min_outlets = 2")
    assert rules == ()
    assert "each story by itself" in fault.message
    assert fault.text.startswith("count")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (EACH_STORY, "on the first match of each story"),
        (Trigger(escalate_at=10), "first match of each story, and once more, one severity higher, when 10 outlets"),
        (Trigger(min_outlets=3, within=HALF_HOUR), "once matches of 3 outlets tell a story within 30m"),
        (
            SPIKE,
            "20 entries match within 1h, and again only after fewer than 10 have",
        ),
        (Trigger(count=2, window=timedelta(hours=1)), "again only after none has within 1h"),
        (Trigger(absent_for=timedelta(days=1)), "when nothing has matched for 1d"),
    ],
)
def test_a_trigger_is_told_in_words(given: Trigger, told: str) -> None:
    """`rules explain` says in a sentence when a rule alerts."""
    assert told in in_words(given)


@pytest.mark.parametrize(("within", "window", "said"), [("4d", 72, 1), ("3d", 72, 0), ("24h", 12, 0), ("2d", 12, 1)])
def test_outlets_cannot_come_after_the_story_ended(within: str, window: int, said: int) -> None:
    """A time beyond the one for which stories take up reports is a fault at its key; the usual day never is."""
    rules, _ = load(f"min_outlets = 3\nwithin = '{within}'")
    faults = check_references(rules, feeds={}, channels=(), story_window=timedelta(hours=window))
    assert [(fault.line, fault.text[:6], "[stories]" in fault.hint) for fault in faults] == [(5, "within", True)] * said
