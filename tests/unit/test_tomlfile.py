"""TOML files with places."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import ConfigError
from monitor.tomlfile import Place, TomlFile, did_you_mean, parse, read

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = """\
# a comment with [brackets] and "quotes"
top = 1
site.name = "x"   # dotted
"quoted key" . 'other.key' = true

[channels.desk]
type = "email"
to = [
  "a@example.org", # one
  'b@example.org',
  [1, 2],
]
text = '''
[not.a.header]
key = 1
'''

[[feeds]]
name = "one"
[feeds.auth]
user = "u"

[[feeds]]
name = "two"
headers = { Accept = "a, b }", "X-Y" = [1, {deep = 2}] }
\turl = "https://example.org/"
"""


def pointed(place: Place | None) -> str:
    """What a caret would stand under."""
    assert place is not None
    return place.text[place.column - 1 : place.end_column - 1]


@pytest.mark.parametrize(
    ("keys", "line", "under"),
    [
        (("top",), 2, "top"),
        (("site",), 3, "site"),
        (("site", "name"), 3, "name"),
        (("quoted key", "other.key"), 4, "'other.key'"),
        (("channels",), 6, "[channels.desk]"),
        (("channels", "desk"), 6, "[channels.desk]"),
        (("channels", "desk", "type"), 7, "type"),
        (("channels", "desk", "to", 1), 10, "'b@example.org'"),
        (("channels", "desk", "to", 2, 1), 11, "2"),
        (("channels", "desk", "text"), 13, "text"),
        (("feeds", 0), 18, "[[feeds]]"),
        (("feeds", 0, "auth", "user"), 21, "user"),
        (("feeds", 1), 23, "[[feeds]]"),
        (("feeds", 1, "name"), 24, "name"),
        (("feeds", 1, "headers", "Accept"), 25, "Accept"),
        (("feeds", 1, "headers", "X-Y", 1, "deep"), 25, "deep"),
        (("feeds", 1, "url"), 26, "url"),
    ],
)
def test_each_key_is_found_where_it_stands(keys: tuple[str | int, ...], line: int, under: str) -> None:
    """A key path leads to its line and to the characters of the key, whatever way it was written."""
    place = parse(SOURCE, path="x.toml").locate(*keys)
    assert place is not None
    assert (place.line, pointed(place)) == (line, under)


def test_what_is_not_there_has_no_place() -> None:
    """A missing key, a missing element and a number asked for as a string give None."""
    file = parse(SOURCE, path="x.toml")
    assert file.locate("feeds", 2) is None
    assert file.locate("channels", "desk", "port") is None
    assert file.locate_in_string("top") is None


@pytest.mark.parametrize(
    "literal",
    [
        "'assad AND (asylum'",
        '"assad AND (asylum"',
        "'''\nassad AND (asylum'''",
        '"""assad\\t\\u0041ND (asylum"""',
        '"\\"x\\" (asylum"',
        '"""one \\\n   two (asylum"""',
        '"""Ä\n\n (asylum"""',
    ],
)
def test_an_offset_in_a_string_leads_to_its_character(literal: str) -> None:
    """The place of the parenthesis in the value is the place of the parenthesis in the file, escapes or not."""
    file = parse(f"[[rule]]\n  query = {literal}\n", path="x.toml")
    offset = file.data["rule"][0]["query"].index("(")
    place = file.locate_in_string("rule", 0, "query", start=offset)
    assert pointed(place) == "("
    assert pointed(file.locate_in_string("rule", 0, "query", start=offset, end=offset + 7)) == "(asylum"


def test_the_end_of_a_string_is_its_closing_quote() -> None:
    """An offset at or after the string's end points at the closing quote, not outside the file."""
    file = parse("q = 'ab'", path="x.toml")
    assert pointed(file.locate_in_string("q", start=2)) == "'"
    assert pointed(file.locate_in_string("q", start=9, end=20)) == "'"


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=30))
def test_every_character_of_a_basic_string_is_located(value: str) -> None:
    """Each character of an escaped string is mapped to the text that stands for it."""
    escaped = "".join(f"\\U{ord(c):08X}" if i % 2 or c in '"\\' else c for i, c in enumerate(value))
    file = parse(f'k = "{escaped}"', path="x.toml")
    assert file.data["k"] == value
    for offset, character in enumerate(value):
        shown = pointed(file.locate_in_string("k", start=offset)).replace("\t", " ")
        assert tomllib.loads(f'k = "{shown}"')["k"].strip() == character.strip()


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a = hello", (1, 5), "quotes"),
        ("a = 1\na = 2", (2, 6), "above"),
        ('a = "foo\nb = 1', (1, 9), "closing quote"),
        ("a = 'it's'", (1, 9), "after the value"),
        ('a = "\\d"', (1, 8), "single quotes"),
        ("a = [1, 2\nb = 3", (2, 1), "list is not closed"),
        ("[[rule]\nx = 1", (1, 7), "header"),
        ("key", (1, 4), 'key = "value"'),
        ('a = """foo\nbar', (2, 4), "never closed"),
    ],
)
def test_a_syntax_error_has_place_line_and_a_way_out(text: str, place: tuple[int, int], words: str) -> None:
    """A syntax error tells line and column, shows the line, and says in words what to do."""
    with pytest.raises(ConfigError) as caught:
        parse(text, path="config.toml")
    (fault,) = caught.value.faults
    assert (fault.line, fault.column) == place
    assert fault.text == text.split("\n")[place[0] - 1]
    assert words in str(fault)


@pytest.mark.parametrize("text", ["a = " + "[" * 100_000, "a = " + "9" * 5000])
def test_absurd_files_are_told_not_crashed_on(text: str) -> None:
    """A hundred thousand brackets and a number of 5,000 digits are faults of the file like any other."""
    with pytest.raises(ConfigError, match=r"^x\.toml"):
        parse(text, path="x.toml")


def test_deep_but_valid_nesting_has_places() -> None:
    """A value that tomllib can just read is still located."""
    assert parse("a = " + "[" * 200 + "]" * 200, path="x.toml").locate("a") is not None


def test_files_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    """A missing file, a folder and a file in another encoding are each named, with the line where one is known."""
    (tmp_path / "latin1.toml").write_bytes("a = 1\nname = 'José'\n".encode("latin-1"))
    (tmp_path / "utf16.toml").write_bytes("a = 1".encode("utf-16"))
    (tmp_path / "image.toml").write_bytes(b"\x89PNG\0\0\0")
    cases = {
        "none.toml": "no such file",
        ".": "folder",
        "latin1.toml": "latin1.toml:2:12: not UTF-8",
        "utf16.toml": "UTF-16",
        "image.toml": "no text at all",
    }
    for name, words in cases.items():
        with pytest.raises(ConfigError, match=words):
            read(tmp_path / name)


def test_what_would_act_on_a_terminal_is_not_shown() -> None:
    """A file from elsewhere cannot clear the screen, or turn text around, by being wrong."""
    with pytest.raises(ConfigError) as caught:
        parse("a = '\x1b[2J\u202e'", path="x")
    assert "a = '\ufffd[2J\ufffd'" in str(caught.value)


def test_typographic_quotes_are_told() -> None:
    """What a word processor makes of quotes is named as what it is."""
    with pytest.raises(ConfigError, match="write straight ones"):
        parse("name = “x”", path="x")


def test_a_byte_order_mark_and_windows_line_ends_are_accepted(tmp_path: Path) -> None:
    """A file saved by Windows Notepad reads as any other, and its places are right."""
    (tmp_path / "bom.toml").write_bytes(b"\xef\xbb\xbfa = 1\r\nb = 'x'\r\n")
    file = read(tmp_path / "bom.toml")
    assert file.data == {"a": 1, "b": "x"}
    place = file.locate("b")
    assert place is not None
    assert (place.line, place.column, place.text) == (2, 1, "b = 'x'")


def test_did_you_mean_finds_the_near_and_not_the_far() -> None:
    """A slip of the pen is recognised in any case; a word that is like none of them is not forced on one."""
    assert did_you_mean("Titel", ["title", "summary"]) == 'did you mean "title"?'
    assert did_you_mean("zzz", ["title"]) == ""
    assert did_you_mean("x", []) == ""


def test_a_file_is_a_plain_value() -> None:
    """Two files of the same text are equal, so a reload can tell that nothing changed."""
    assert parse("a = 1", path="x") == TomlFile("x", "a = 1", {"a": 1})


TABLES = """\
[defaults]
a = 1

[[rule]]
name = "one"
text = '''
{inside}
'''
[[rule.tests]]
title = "t"

  [[ rule ]]
name = "two"
list = ["x", "y"]
[lists]
l = ["m"]
{header}
name = "three"
"""


@pytest.mark.parametrize("inside", ["nothing", "[[rule]]", "[[rule]]\nname = 'x'", '"[[rule]]"'])
@pytest.mark.parametrize("header", ["[[rule]]", '[["rule"]]', "[[ 'rule' ]]", "[rule2]"])
def test_places_are_the_same_whether_all_of_a_file_is_looked_at_or_one_table(inside: str, header: str) -> None:
    """Also where a string looks like a header, or a header is quoted."""
    file = parse(TABLES.format(inside=inside, header=header), path="x.toml")
    light = file.only_places("rule")
    assert light.data == {}
    paths: list[tuple[str | int, ...]] = [
        ("rule", 0),
        ("rule", 0, "name"),
        ("rule", 0, "tests", 0, "title"),
        ("rule", 1),
        ("rule", 1, "list", 1),
        ("rule", 2),
        ("rule", 2, "name"),
        ("rule", 3),
        ("rule", 0, "nothing"),
        ("rule",),
        ("defaults", "a"),
        ("lists", "l", 0),
    ]
    assert [light.locate(*path) for path in paths] == [file.locate(*path) for path in paths]
    assert [light.locate_in_string(*path, start=1) for path in paths] == [
        file.locate_in_string(*path, start=1) for path in paths
    ]
    lines = [file.locate("rule", number) for number in range(len(file.data["rule"]))]
    assert light.lines("rule") in ([], [place.line for place in lines if place is not None])
