"""Rule files: what becomes a rule, and how every fault is told at once with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.errors import Fault
from monitor.model import Severity
from monitor.rules.book import load_folder
from monitor.rules.load import Rule, check_references, load_rules
from monitor.tomlfile import parse

SHIPPED = Path(__file__).parents[2] / "rules"


def load(*texts: str) -> tuple[tuple[Rule, ...], tuple[Fault, ...]]:
    """The rules and faults of files called 1.toml, 2.toml …"""
    return load_rules([parse(text, path=f"{number}.toml") for number, text in enumerate(texts, start=1)])


def only_rule(text: str) -> Rule:
    """The one rule of a file without faults."""
    rules, faults = load(text)
    assert faults == ()
    (rule,) = rules
    return rule


def test_a_rule_with_every_key() -> None:
    """Each key of a rule ends up where it belongs."""
    rule = only_rule("""
[[rule]]
name = "assad-leaves"
title = "Assad leaves"
description = "why"
query = 'assad AND asylum'
feeds = ["bbc-world", "tag:politics"]
channels = ["desk"]
severity = "high"
enabled = false
""")
    assert (rule.name, rule.title, rule.description) == ("assad-leaves", "Assad leaves", "why")
    assert (rule.feeds, rule.channels) == (("bbc-world", "tag:politics"), ("desk",))
    assert (rule.severity, rule.enabled) == (Severity.HIGH, False)
    assert (rule.file, rule.line) == ("1.toml", 2)


def test_a_rule_needs_only_a_name_and_a_query() -> None:
    """Everything else has a default: all feeds, all channels, normal, on, and the name for a title."""
    rule = only_rule("[[rule]]\nname = 'Ünrest 2.0'\nquery = 'unrest'")
    assert (rule.title, rule.feeds, rule.channels) == ("Ünrest 2.0", (), ())
    assert (rule.severity, rule.enabled) == (Severity.NORMAL, True)
    assert rule.covers("anything", ())


@pytest.mark.parametrize(
    ("line", "column", "under", "words", "table"),
    [
        (1, 1, "[[rule]]", "no name", "query = 'a1'"),
        (1, 1, "[[rule]]", "no query", "name = 'x'"),
        (3, 1, "name", "cannot be a rule's name", "query = 'a1'\nname = 'a/b'"),
        (3, 1, "name", "cannot be a rule's name", "query = 'a1'\nname = ' '"),
        (3, 1, "name", "a string is expected", "query = 'a1'\nname = 7"),
        (4, 1, "qeury", 'did you mean "query"?', "name = 'x'\nquery = 'a1'\nqeury = 'b1'"),
        (4, 1, "severity", 'did you mean "critical"?', "name = 'x'\nquery = 'a1'\nseverity = 'crtical'"),
        (4, 1, "severity", "low, normal, high, critical", "name = 'x'\nquery = 'a1'\nseverity = 3"),
        (4, 1, "enabled", "without quotes", "name = 'x'\nquery = 'a1'\nenabled = 'yes'"),
        (4, 1, "feeds", "a list is expected", "name = 'x'\nquery = 'a1'\nfeeds = 'bbc'"),
        (4, 1, "channels", "leave the key out", "name = 'x'\nquery = 'a1'\nchannels = []"),
        (4, 18, "7", "a name is expected", "name = 'x'\nquery = 'a1'\nfeeds = [ 'bbc', 7 ]"),
        (4, 1, "title", "one line", "name = 'x'\nquery = 'a1'\ntitle = \"a\\nb\""),
        (3, 1, "query", "single quotes", "name = 'x'\nquery = ['a1']"),
        (3, 20, "(", "never closed", "name = 'x'\nquery = 'assad AND (a1 OR b1'"),
        (5, 5, "titel", 'did you mean "title"?', "name = 'x'\nquery = '''\nassad\nAND titel:b1'''"),
        (3, 10, "'", "is empty", "name = 'x'\nquery = ''"),
        (3, 25, "OR", "a1 AND (b1 OR assad)", 'name = "x"\nquery = "a1 \\u0041ND b1 OR assad"'),
    ],
)
def test_a_fault_has_its_place(line: int, column: int, under: str, words: str, table: str) -> None:
    """A fault of a rule points at the key, the item or the very word of the query, and tells the way out."""
    rules, faults = load(f"[[rule]]\n{table}\n")
    assert rules == ()
    fault = faults[0]
    assert fault.end_column is not None
    assert (fault.line, fault.column, fault.text[column - 1 : fault.end_column - 1]) == (line, column, under)
    assert words in str(fault)


def test_all_faults_come_at_once_and_good_rules_stay() -> None:
    """Three broken rules in two files are three faults; the good ones between them are there."""
    rules, faults = load(
        "[[rule]]\nname = 'a'\nquery = '('\n[[rule]]\nname = 'b'\nquery = 'ok'",
        "[[rule]]\nquery = 'ok'\n[[rule]]\nname = 'c'\nquery = 'ok'\n[[rule]]\nname = 'd'\nquery = 'a1 OR'",
    )
    assert [rule.name for rule in rules] == ["b", "c"]
    assert [(fault.source, fault.line) for fault in faults] == [("1.toml", 3), ("2.toml", 1), ("2.toml", 8)]


def test_the_same_name_twice_is_told_with_both_places() -> None:
    """The second rule of a name is the fault, and says where the first one is."""
    _, (fault,) = load("[[rule]]\nname = 'a'\nquery = 'one'", "\n\n[[rule]]\nname = 'a'\nquery = 'two'")
    assert (fault.source, fault.line) == ("2.toml", 4)
    assert "1.toml:1" in fault.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rules = []", 'did you mean "rule"?'),
        ("[rule]\nname = 'a'", "two pairs of brackets"),
        ("rule = 1", "two pairs of brackets"),
        ("[lists]\na = ['b']", "[[rule]] tables only"),
    ],
)
def test_what_is_no_rule_is_told(text: str, words: str) -> None:
    """Another key at the top of a rule file, or [rule] for [[rule]], is not passed over."""
    rules, (fault,) = load(text)
    assert rules == ()
    assert words in str(fault)


def test_a_suspicious_query_is_a_rule_and_a_warning() -> None:
    """ADN is searched as a word, and the file's author hears of it."""
    (rule,), (fault,) = load("[[rule]]\nname = 'a'\nquery = 'assad ADN asylum'")
    assert rule.name == "a"
    assert fault.warning
    assert "did you mean AND?" in str(fault)


@pytest.mark.parametrize(
    ("item", "covered"),
    [
        ("bbc-world", True),
        ("bbc", False),
        ("bbc-*", True),
        ("*-politics", False),
        ("tag:world", True),
        ("world", True),
        ("tag:bbc-world", False),
        ("tag:*", False),
    ],
)
def test_a_rule_names_feeds_by_name_tag_or_pattern(item: str, covered: bool) -> None:
    """A name, a tag with or without "tag:", and a glob over names each cover what they say, and nothing else."""
    rule = only_rule(f"[[rule]]\nname = 'a'\nquery = 'q1'\nfeeds = ['{item}']")
    assert rule.covers("bbc-world", ("world", "uk")) is covered


def test_unknown_feeds_tags_and_channels_are_told() -> None:
    """Each name that leads nowhere is a fault at its own place in the list; disabled rules may name what they like."""
    text = """[[rule]]
name = 'a'
query = 'q1'
feeds = ["bbc-wrld", "tag:wrld", "cnn-*", "bbc-*", "world"]
channels = ["dsk", "desk"]
"""
    rules, _ = load(text, text.replace("'a'", "'b'") + "enabled = false")
    faults = check_references(rules, feeds={"bbc-world": ("world",), "dw": ()}, channels=["desk", "slack"])
    assert [(fault.source, fault.line, fault.column) for fault in faults] == [
        ("1.toml", 4, 10),
        ("1.toml", 4, 22),
        ("1.toml", 4, 34),
        ("1.toml", 5, 13),
    ]
    assert [fault.hint for fault in faults] == [
        'did you mean "bbc-world"?',
        'did you mean "world"?',
        "the feeds are bbc-world, dw",
        'did you mean "desk"?',
    ]


def test_a_folder_is_read_with_its_subfolders(tmp_path: Path) -> None:
    """Files come in order of path; hidden ones, other kinds and examples are not read; a broken one is a fault."""
    rule = "[[rule]]\nname = '{}'\nquery = 'q1'"
    for name in ("b.toml", "a/z.toml", "examples/x.toml", "a/examples/x.toml", ".hid.toml", ".git/x.toml", "x.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(rule.format(name.replace("/", "-")))
    (tmp_path / "c.toml").write_text("[[rule]")
    rules, faults = load_folder(tmp_path)
    assert [rule.name for rule in rules] == ["a-z.toml", "b.toml"]
    assert [fault.source for fault in faults] == [str(tmp_path / "c.toml")]


@pytest.mark.parametrize("name", ["missing", "file"])
def test_a_folder_that_is_none_is_a_fault(tmp_path: Path, name: str) -> None:
    """A missing folder, or a file in its place, is told with a way out."""
    (tmp_path / "file").touch()
    rules, (fault,) = load_folder(tmp_path / name)
    assert rules == ()
    assert "init" in fault.hint


def test_the_shipped_rules_are_sound() -> None:
    """The rules at the top of the repository load without a fault or a warning, and no name is tied to a feed."""
    rules, faults = load_folder(SHIPPED)
    assert faults == ()
    assert "assad-leaves" in {rule.name for rule in rules}
    assert len({rule.file for rule in rules}) >= 3
    assert check_references(rules, feeds={}, channels=()) == ()
