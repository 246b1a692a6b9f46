"""The cookbook's rules and the examples of the language reference do what they say."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from monitor import tomlfile
from monitor.errors import QueryError
from monitor.model import Entry
from monitor.rules.engine import find
from monitor.rules.load import load_rules
from monitor.rules.syntax import parse, render
from monitor.rules.tree import Node
from monitor.service.trial import failures

REPOSITORY = Path(__file__).parents[1]
REFERENCE = (REPOSITORY / "docs" / "queries.md").read_text(encoding="utf-8")


# ------------------------------------------------------------------------------------------ docs/queries.md: its tables


def rows(*header: str) -> list[list[str]]:
    """The rows of every table whose first columns are called so, as Markdown."""
    found, inside = [], False
    for line in REFERENCE.splitlines():
        if not line.startswith("|"):
            inside = False
            continue
        cells = [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if tuple(cells[: len(header)]) == header:
            inside = True
        elif inside and not set(line) <= set("|- "):
            found.append(cells)
    return found


def spans(cell: str) -> list[str]:
    """What a cell has in `code`."""
    return re.findall(r"`([^`]+)`", cell)


class Example(NamedTuple):
    """An article as a cell tells it: **headline** text ¶ text `field = value`."""

    entry: Entry
    feed: str
    tags: tuple[str, ...]


def example(cell: str) -> Example:
    """Read a cell."""
    fields = dict(span.split(" = ", 1) for span in spans(cell))
    text = re.sub(r"`[^`]+`", "", cell).strip()
    headline = re.match(r"\*\*(.+?)\*\*\s*", text)
    body = text[headline.end() :] if headline else text
    entry = Entry(
        key="1",
        title=headline[1] if headline else "",
        content=body.replace(" ¶ ", "\n"),
        summary=fields.get("summary", ""),
        page=fields.get("page", ""),
        author=fields.get("author", ""),
        link=fields.get("link", ""),
        language=fields.get("language", "").lower(),
        categories=tuple(filter(None, fields.get("categories", "").split("; "))),
    )
    return Example(entry, fields.get("feed", ""), tuple(filter(None, fields.get("tags", "").split("; "))))


@cache
def trees() -> dict[str, Node]:
    """The queries of the tables, read as those of a rule file that has the lists of the reference."""
    lists = next(block for block in re.findall(r"```toml\n(.*?)```", REFERENCE, re.DOTALL) if "[lists]" in block)
    queries = list(dict.fromkeys(query for row in rows("Query", "Finds") for query in spans(row[0])))
    rules = [f'[[rule]]\nname = "q{number}"\nquery = {json.dumps(query)}' for number, query in enumerate(queries)]
    loaded, faults = load_rules([tomlfile.parse("\n".join([lists, *rules]), path="docs/queries.md")])
    assert [fault for fault in faults if not fault.warning] == []
    return dict(zip(queries, (rule.tree for rule in loaded), strict=True))


@pytest.mark.parametrize("row", rows("Query", "Finds", "Does not find"), ids=lambda row: row[0])
def test_examples_of_the_reference(row: list[str]) -> None:
    """Each query finds what stands beside it, and does not find what stands in the last column."""
    for query in spans(row[0]):
        for cell, finds in ((row[1], True), (row[2], False)):
            for text in cell.split("<br>"):
                entry, feed, tags = example(text)
                found = find(trees()[query], entry, feed_name=feed, feed_tags=tags)
                assert (found is not None) is finds, f"{query}  in  {text}"


@pytest.mark.parametrize("row", rows("Query", "What is said"), ids=lambda row: row[0])
def test_errors_of_the_reference(row: list[str]) -> None:
    """What the reference calls wrong is refused with these words, and what it says to write instead is right."""
    with pytest.raises(QueryError) as error:
        parse(spans(row[0])[0])
    assert row[1] in error.value.message
    for query in spans(row[2]):
        parse(query)


PRODUCTS = rows("to say", "here")


@pytest.mark.parametrize("row", PRODUCTS, ids=lambda row: row[0])
def test_table_of_other_products(row: list[str]) -> None:
    """✓ is the same query, ≠ is read, ✗ is refused with the way out."""
    ours = parse(spans(row[1])[0])
    for cell in row[2:]:
        for item in filter(None, cell.split("<br>")):
            query = spans(item)[0]
            match item[0]:
                case "✓":
                    assert render(parse(query).tree) == render(ours.tree), query
                case "≠":
                    parse(query)
                case sign:
                    assert sign == "✗", item
                    with pytest.raises(QueryError) as error:
                        parse(query)
                    assert error.value.hint, query


def test_reference_has_the_tables() -> None:
    """The tables above were found at all, and the longer examples are right."""
    assert len(rows("Query", "Finds", "Does not find")) > 80
    assert len(rows("Query", "What is said")) > 10
    assert len(PRODUCTS) > 15
    blocks = re.findall(r"```query\n(.*?)```", REFERENCE, re.DOTALL)
    assert blocks
    for query in blocks:
        parse(query)


# ------------------------------------------------------------------------------------------------ rules/examples/*.toml

FILES = sorted((REPOSITORY / "rules" / "examples").glob("*.toml"))
SHIPPED = sorted((REPOSITORY / "rules").glob("*.toml"))


@pytest.mark.parametrize("path", [*FILES, *SHIPPED], ids=lambda path: path.stem)
def test_rules_to_copy_are_right(path: Path) -> None:
    """Each file stands alone, without a fault or a warning; its rules say what they are for, and their tests hold."""
    rules, faults = load_rules([tomlfile.read(path)])
    assert faults == ()
    assert rules
    for rule in rules:
        assert failures(rule, feeds={}) == ()
        assert any(test.match for test in rule.tests), rule.name
        assert not all(test.match for test in rule.tests), rule.name


def test_cookbook_is_rich() -> None:
    """Twenty rules and more, each with its thinking and three tests at least."""
    rules, _ = load_rules([tomlfile.read(path) for path in FILES])
    assert len(rules) >= 20
    for rule in rules:
        assert len(rule.description) > 80, rule.name
        assert len(rule.tests) >= 3, rule.name


def test_all_files_can_be_taken_over_together() -> None:
    """No name of a rule or list is used twice, over the cookbook and the shipped rules."""
    _, faults = load_rules([tomlfile.read(path) for path in [*SHIPPED, *FILES]])
    assert faults == ()


def test_rules_of_the_documents_are_right() -> None:
    """The rules in docs/rules.md can be copied, their tests hold, and lists are the query that is told."""
    text = (REPOSITORY / "docs" / "rules.md").read_text(encoding="utf-8")
    blocks = [block for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL) if "[[rule]]" in block]
    rules, faults = load_rules([tomlfile.parse(block, path="docs/rules.md") for block in blocks])
    assert faults == ()
    assert [failure for rule in rules for failure in failures(rule)] == []
    listed = next(rule for rule in rules if rule.name == "floods-valencia")
    assert f"is the query `{listed.query}`" in " ".join(text.split())
