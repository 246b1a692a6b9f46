"""Rule files: what becomes a rule, and how every fault is told at once with its place."""

from __future__ import annotations

import json
import os
import tomllib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from monitor.errors import Fault
from monitor.model import Severity
from monitor.rules.book import load_folder, read_book
from monitor.rules.keys import RULE_KEYS, TEST_KEYS
from monitor.rules.load import load_rules
from monitor.rules.references import check_references, doubtful_labels
from monitor.rules.rule import Rule
from monitor.rules.schema import rules_schema
from monitor.rules.syntax import parse as parse_query
from monitor.rules.syntax import render
from monitor.tomlfile import parse

REPOSITORY = Path(__file__).parents[2]
SHIPPED = REPOSITORY / "rules"
RULE_FILES = sorted(SHIPPED.rglob("*.toml"))


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
expires = 2027-03-31
max_age = "1d12h"
language = "pt-BR"
owner = "desk@example.org"
references = ["https://example.org/handbook#exits"]

[[rule.tests]]
title = "Assad asks for  asylum"
text = '''
Assad has asked for
asylum.

It was granted.'''
summary = "short"
feed = "tag:politics"
author = "A. Writer"
url = "https://example.org/1"
language = "pt"
category = "world"
categories = ["syria", "asylum"]
excerpt = "asylum"
""")
    assert (rule.name, rule.title, rule.description) == ("assad-leaves", "Assad leaves", "why")
    assert (rule.feeds, rule.channels) == (("bbc-world", "tag:politics"), ("desk",))
    assert (rule.severity, rule.enabled) == (Severity.HIGH, False)
    assert (rule.file, rule.line) == ("1.toml", 2)
    assert (rule.expires, rule.max_age) == (datetime(2027, 4, 1, tzinfo=UTC), timedelta(hours=36))
    assert (rule.language, rule.owner) == ("pt-br", "desk@example.org")
    assert rule.references == ("https://example.org/handbook#exits",)
    (test,) = rule.tests
    entry = test.entry
    assert (entry.title, entry.summary) == ("Assad asks for asylum", "short")
    assert entry.content == "Assad has asked for asylum.\nIt was granted."
    assert (entry.author, entry.link, entry.language) == ("A. Writer", "https://example.org/1", "pt")
    assert entry.categories == ("world", "syria", "asylum")
    assert (test.feed, test.match, test.excerpt) == ("tag:politics", True, "asylum")


def test_a_rule_needs_only_a_name_and_a_query() -> None:
    """Everything else has a default: all feeds, all channels, normal, on, and the name for a title."""
    rule = only_rule("[[rule]]\nname = 'Ünrest 2.0'\nquery = 'unrest'")
    assert (rule.title, rule.feeds, rule.channels) == ("Ünrest 2.0", (), ())
    assert (rule.severity, rule.enabled) == (Severity.NORMAL, True)
    assert (rule.expires, rule.max_age, rule.language, rule.owner) == (None, None, "", "")
    assert rule.covers("anything", ())


def test_a_time_of_expiry_counts_with_its_offset() -> None:
    """18:00 at +01:00 is 17:00 UTC."""
    rule = only_rule("[[rule]]\nname = 'x'\nquery = 'q1'\nexpires = 2027-03-31T18:00:00+01:00")
    assert rule.expires == datetime(2027, 3, 31, 17, tzinfo=UTC)


def pointed(fault: Fault) -> str:
    """What the caret stands under."""
    assert fault.column is not None
    assert fault.end_column is not None
    return fault.text[fault.column - 1 : fault.end_column - 1]


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
        (4, 18, "7", "text in quotes is expected", "name = 'x'\nquery = 'a1'\nfeeds = [ 'bbc', 7 ]"),
        (4, 1, "expires", "without quotes", "name = 'x'\nquery = 'a1'\nexpires = '2027-03-31'"),
        (4, 1, "expires", "no offset", "name = 'x'\nquery = 'a1'\nexpires = 2027-03-31T18:00:00"),
        (4, 1, "expires", "too far away", "name = 'x'\nquery = 'a1'\nexpires = 9999-12-31"),
        (4, 1, "max_age", 'write a number and a unit: "30s"', "name = 'x'\nquery = 'a1'\nmax_age = 7"),
        (4, 1, "max_age", "no time at all", "name = 'x'\nquery = 'a1'\nmax_age = '0s'"),
        (4, 1, "language", "BCP 47", "name = 'x'\nquery = 'a1'\nlanguage = 'english!'"),
        (4, 15, "'ftp://x'", "https://", "name = 'x'\nquery = 'a1'\nreferences = ['ftp://x']"),
        (3, 1, "none", "looks for nothing", "name = 'x'\nnone = ['a1']"),
        (3, 1, "any", "the list is empty", "name = 'x'\nany = []"),
        (3, 1, "any", "a list is expected", "name = 'x'\nany = 'a1'"),
        (4, 9, "(", "never closed", "name = 'x'\nall = ['a1',\n       '(b1']"),
        (3, 23, "titel", 'did you mean "title"?', "name = 'x'\nany = [ 'a1', 'a1 AND titel:b1' ]"),
        (4, 1, "tests", "two pairs of brackets", "name = 'x'\nquery = 'a1'\ntests = true"),
        (5, 1, "titel", 'did you mean "title"?', "name = 'x'\nquery = 'a1'\n[[rule.tests]]\ntitel = 'a1'"),
        (4, 1, "[[rule.tests]]", "no article", "name = 'x'\nquery = 'a1'\n[[rule.tests]]\nmatch = true"),
        (6, 1, "match", "without quotes", "name = 'x'\nquery = 'a1'\n[[rule.tests]]\ntext = 'a1'\nmatch = 'no'"),
        (
            7,
            1,
            "excerpt",
            "must not match has no excerpt",
            "name = 'x'\nquery = 'a1'\n[[rule.tests]]\ntext = 'b1'\nmatch = false\nexcerpt = 'b1'",
        ),
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
    assert (fault.line, fault.column, pointed(fault)) == (line, column, under)
    assert words in str(fault)


def test_all_faults_come_at_once_and_good_rules_stay() -> None:
    """Three broken rules in two files are three faults; the good ones between them are there."""
    rules, faults = load(
        "[[rule]]\nname = 'a'\nquery = '('\n[[rule]]\nname = 'b'\nquery = 'fine'",
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
        ("desk = ['b']", "[[rule]] tables, [defaults] and [lists]"),
        ("defaults = 3", "[defaults] on a line of its own"),
        ("lists = 3", "[lists] on a line of its own"),
        ("[defaults]\nname = 'x'", "unknown key 'name'"),
        ("[lists]\na = []", "would find nothing"),
        ("[lists]\n'a b' = ['x1']", "cannot be a list's name"),
    ],
)
def test_what_is_no_rule_is_told(text: str, words: str) -> None:
    """Another key at the top of a rule file, or [rule] for [[rule]], is not passed over."""
    rules, (fault,) = load(text)
    assert rules == ()
    assert words in str(fault)


# any, all, none


@pytest.mark.parametrize(
    ("keys", "query"),
    [
        (
            """any = ["flood~", "high water", "dam NEAR/3 burst"]\nall = ["peru"]\nnone = ["opinion", "title:quiz"]""",
            '(flood~ OR "high water" OR (dam NEAR/3 burst)) AND peru NOT (opinion OR title:quiz)',
        ),
        ("query = 'a1 OR b1'\nany = ['c1']\nnone = ['d1']", "(a1 OR b1) AND c1 NOT d1"),
        ("all = ['a1', 'b1 OR c1']", "a1 AND (b1 OR c1)"),
        ("any = ['a1']", "a1"),
        ("query = 'a1'\nnone = ['b1 c1']", 'a1 NOT "b1 c1"'),
    ],
)
def test_lists_are_another_way_to_write_a_query(keys: str, query: str) -> None:
    """Query, any, all and none together are one query, which is what the rule shows."""
    rule = only_rule(f"[[rule]]\nname = 'x'\n{keys}")
    assert rule.query == render(rule.tree) == render(parse_query(query).tree)


def test_a_remark_points_into_the_item() -> None:
    """ADN in the second item of a list is told there."""
    _, (fault,) = load("[[rule]]\nname = 'x'\nany = ['a1', 'b1 ADN \"c1\"']")
    assert (fault.warning, fault.line, fault.column) == (True, 3, 18)


# values for a whole file


def test_defaults_are_for_the_rules_of_their_file_that_do_not_say_otherwise() -> None:
    """A rule's own value goes before; another file has defaults of its own."""
    defaults = "[defaults]\nowner = 'desk'\nseverity = 'low'\nchannels = ['c1']\nmax_age = '2d'\nenabled = false\n"
    own = "[[rule]]\nname = 'b'\nquery = 'q2'\nseverity = 'high'\nenabled = true\nchannels = ['c2']\n"
    rules, _ = load(defaults + "[[rule]]\nname = 'a'\nquery = 'q1'\n" + own, "[[rule]]\nname = 'c'\nquery = 'q3'")
    facts = [(rule.owner, rule.severity, rule.channels, rule.max_age, rule.enabled) for rule in rules]
    assert facts == [
        ("desk", Severity.LOW, ("c1",), timedelta(days=2), False),
        ("desk", Severity.HIGH, ("c2",), timedelta(days=2), True),
        ("", Severity.NORMAL, (), None, True),
    ]


def test_a_bad_default_is_told_once_and_costs_those_who_take_it() -> None:
    """The rule with a severity of its own is there; the other would be something that nobody wrote."""
    text = "[defaults]\nseverity = 'hgih'\n[[rule]]\nname = 'a'\nquery = 'q1'\n"
    (rule,), (fault,) = load(text + "[[rule]]\nname = 'b'\nquery = 'q2'\nseverity = 'low'")
    assert rule.name == "b"
    assert (fault.line, fault.hint) == (2, 'did you mean "high"?')


@pytest.mark.parametrize("table", ["[defaults]\nchanels = ['desk']", "[default]\nchannels = ['desk']"])
def test_a_misspelt_default_costs_the_file(table: str) -> None:
    """Rules that would alert everyone because of it are not used."""
    rules, (fault,) = load(f"{table}\n[[rule]]\nname = 'a'\nquery = 'q1'")
    assert rules == ()
    assert "did you mean" in fault.hint


# shared lists


def test_lists_are_shared_by_all_files_and_may_be_nested() -> None:
    """A list of one file, in a list of another, in a query of a third."""
    rules, faults = load(
        "[[rule]]\nname = 'x'\nquery = '@leaders AND asylum'",
        "[lists]\nleaders = ['assad', 'kim jong un', '@exiles']",
        "[lists]\nexiles = ['prigozhin', '\"the shah\"~']",
    )
    assert faults == ()
    assert rules[0].query == "@leaders AND asylum"
    places = {(node.start, node.end) for node in (rules[0].tree,)}
    assert places == {(0, 19)}


@pytest.mark.parametrize(
    ("lists", "line", "under", "words"),
    [
        ("a1 = ['@a1']", 2, "@a1", "a1 → a1"),
        ("a1 = ['x1', '@b1']\nb1 = ['(@c1 OR y1)']\nc1 = ['z1', '@a1']", 2, "@b1", "a1 → b1 → c1 → a1"),
        ("a1 = ['x1', 'y1 AND (z1']", 2, "(", "never closed"),
        ("a1 = ['x1', '@rivls']\nrivals = ['z1']", 2, "@rivls", "did you mean @rivals"),
    ],
)
def test_a_fault_of_a_list_is_told_in_its_item(lists: str, line: int, under: str, words: str) -> None:
    """In the item, with the circle written out where there is one; a rule that uses the list says where to look."""
    text = f"[lists]\n{lists}\n[[rule]]\nname = 'x'\nquery = 'q1 OR @a1'\n[[rule]]\nname = 'y'\nquery = 'q2'"
    rules, faults = load(text)
    assert [rule.name for rule in rules] == ["y"]
    of_list, of_rule = faults
    assert (of_list.line, pointed(of_list)) == (line, under)
    assert words in str(of_list)
    assert (pointed(of_rule), of_rule.hint) == ("@a1", "mend it in 1.toml:2")


def test_the_same_list_twice_is_told_with_both_places() -> None:
    """The second one is the fault, and says where the first is."""
    _, (fault,) = load("[lists]\na1 = ['x1']", "[lists]\n\na1 = ['y1']")
    assert (fault.source, fault.line) == ("2.toml", 3)
    assert "1.toml:2" in fault.message


def test_lists_that_multiply_are_refused() -> None:
    """Ten lists of ten references each would be ten thousand million terms."""
    lists = "\n".join(f"l{n} = [{', '.join([repr(f'@l{n + 1}')] * 10)}]" for n in range(10))
    rules, faults = load(f"[lists]\n{lists}\nl10 = ['x1']\n[[rule]]\nname = 'x'\nquery = '@l0'")
    assert rules == ()
    assert any("terms, more than" in fault.message for fault in faults)


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


def test_labels_of_a_query_that_no_feed_has_are_told() -> None:
    """A slip in tag: or feed: makes a rule that never matches; it is told with what was probably meant."""
    text = """[[rule]]
name = 'a'
query = 'q1 (tag:wrld OR tag:world OR feed:bcc OR feed:bbc* OR feed:"bbc world")'
[[rule]]
name = 'b'
feeds = ["dw"]
query = 'q1 -tag:world'
"""
    rules, _ = load(text)
    faults = doubtful_labels(rules, feeds={"bbc-world": ("world",), "dw": ()})
    assert [(fault.line, fault.column, fault.hint) for fault in faults] == [
        (3, 14, 'did you mean "world"?'),
        (3, 39, 'did you mean "bbc"?'),
        (7, 14, "there are none"),
    ]
    assert all(fault.warning for fault in faults)


@pytest.mark.parametrize("name", ["pipe.toml", "loop/x.toml"])
def test_a_folder_with_something_odd_in_it_is_read(tmp_path: Path, name: str) -> None:
    """A pipe, which would be waited for for ever, and a link to what is around it are left out."""
    (tmp_path / "a.toml").write_text("[[rule]]\nname = 'a'\nquery = 'q1'")
    if name == "pipe.toml":
        os.mkfifo(tmp_path / name)
    else:
        (tmp_path / "loop").symlink_to(tmp_path.parent)
    rules, faults = load_folder(tmp_path)
    assert ([rule.name for rule in rules], faults) == (["a"], ())


def test_links_are_followed(tmp_path: Path) -> None:
    """Rule files and folders of a shared disk may be linked; while it is away, their rules stay."""
    disk, folder = tmp_path / "disk", tmp_path / "rules"
    (disk / "desk").mkdir(parents=True)
    folder.mkdir()
    (disk / "a.toml").write_text("[[rule]]\nname = 'a'\nquery = 'q1'")
    (disk / "desk" / "b.toml").write_text("[[rule]]\nname = 'b'\nquery = 'q2'")
    (folder / "a.toml").symlink_to(disk / "a.toml")
    (folder / "desk").symlink_to(disk / "desk")
    book = read_book(folder)
    assert [rule.name for rule in book.rules] == ["a", "b"]
    assert book.faults == ()
    disk.rename(tmp_path / "away")
    away = read_book(folder, book)
    assert [rule.name for rule in away.rules] == ["a", "b"]
    assert {fault.source for fault in away.faults} == {str(folder / "a.toml"), str(folder / "desk")}
    (tmp_path / "away").rename(disk)
    assert read_book(folder, away).faults == ()


def test_a_folder_is_read_with_its_subfolders(tmp_path: Path) -> None:
    """Files come in order of path; hidden ones, other kinds and examples are not read; a broken one is a fault."""
    rule = "[[rule]]\nname = '{0}'\nquery = '{0}'"
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


# the schema


def as_json(data: Any) -> Any:
    """Dates as the extensions of editors look at them: as texts."""
    return json.loads(json.dumps(data, default=lambda value: value.isoformat()))


def test_the_published_schema_is_current() -> None:
    """docs/rules.schema.json is what the keys say, and is a schema; `make docs` renews it."""
    published = json.loads((REPOSITORY / "docs" / "rules.schema.json").read_text(encoding="utf-8"))
    assert published == rules_schema()
    jsonschema.Draft7Validator.check_schema(published)


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.stem)
def test_the_schema_takes_the_shipped_rules(path: Path) -> None:
    """The rules and the cookbook show no mark in an editor."""
    jsonschema.validate(as_json(tomllib.loads(path.read_text(encoding="utf-8"))), rules_schema())


GOOD = {
    "name": "ünrest 2.0-b_c",
    "title": "T",
    "description": "a\nb",
    "query": "a1",
    "any": ["b1"],
    "all": ["c1"],
    "none": ["d1"],
    "feeds": ["tag:x"],
    "channels": ["desk"],
    "severity": "high",
    "enabled": False,
    "expires": date(2027, 3, 31),
    "max_age": "1h30m",
    "language": "pt-BR",
    "owner": "me",
    "min_outlets": 3,
    "within": "30m",
    "escalate_at": 10,
    "references": ["https://example.org/a"],
    "on_edit": "reply",
    "tests": [{"title": "a1"}],
}
GOOD_TEST = {
    "title": "T",
    "text": "a1",
    "summary": "s",
    "page": "p",
    "feed": "f",
    "author": "A",
    "url": "https://x.org",
    "language": "en",
    "category": "c",
    "categories": ["c", "d"],
    "match": True,
    "excerpt": "a1",
}
BAD: list[dict[str, Any]] = [
    *({key: value} for key in ("title", "query", "severity", "language", "owner") for value in (7, ["x"])),
    *({key: value} for key in ("any", "feeds", "channels", "references") for value in ([], "x", [7], [" "])),
    {"name": "a/b"},
    {"name": "-a"},
    {"name": ""},
    {"title": "a\nb"},
    {"query": " "},
    {"severity": "urgent"},
    {"enabled": "yes"},
    {"on_edit": "shout"},
    {"on_edit": True},
    {"max_age": "soon"},
    {"max_age": 7},
    *({key: value} for key in ("min_outlets", "escalate_at") for value in (1, -3, 2.5, "3", True, 10_001, [3])),
    {"within": "soon"},
    {"count": 20},
    {"window": "1h"},
    {"absent_for": 24},
    {"language": "e n"},
    {"references": ["ftp://x"]},
    {"tests": "x"},
    {"tests": [{}]},
    {"tests": [{"titel": "x"}]},
    {"tests": [{"title": "x", "match": "yes"}]},
    {"quary": "x"},
]


def takes(rule: dict[str, Any]) -> tuple[bool, bool]:
    """Whether the schema takes a rule, and whether the reader does."""
    file = parse("", path="x.toml")
    _, faults = load_rules([type(file)(file.path, file.text, {"rule": [rule]})])
    schema = jsonschema.Draft7Validator(rules_schema()).is_valid(as_json({"rule": [rule]}))
    return schema, not any(not fault.warning for fault in faults)


def test_schema_and_reader_take_the_same_keys() -> None:
    """Rules and a test that have every key there is are taken by both."""
    plain = {
        key: value for key, value in GOOD.items() if key not in {"min_outlets", "within", "escalate_at", "on_edit"}
    }
    others: list[dict[str, Any]] = [{"count": 20, "window": "1h"}, {"absent_for": "24h"}]
    assert {*GOOD, *others[0], *others[1]} == {key.name for key in RULE_KEYS}
    assert [takes({**plain, **other}) for other in others] == [(True, True), (True, True)]
    assert set(GOOD_TEST) == {key.name for key in TEST_KEYS}
    assert takes({**GOOD, "tests": [GOOD_TEST]}) == (True, True)


@pytest.mark.parametrize("change", BAD, ids=str)
def test_schema_and_reader_refuse_the_same_values(change: dict[str, Any]) -> None:
    """What an editor marks is a fault, and what it could mark is marked."""
    assert takes({**GOOD, **change}) == (False, False)


@pytest.mark.parametrize("missing", [("name",), ("query", "any", "all")])
def test_schema_and_reader_ask_for_the_same_keys(missing: tuple[str, ...]) -> None:
    """A name, and something to look for."""
    assert takes({key: value for key, value in GOOD.items() if key not in missing}) == (False, False)
