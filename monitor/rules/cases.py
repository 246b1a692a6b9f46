"""[[rule.tests]]: the articles with which a rule is tried."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

from monitor.model import Entry
from monitor.rules.keys import ARTICLE_KEYS, TEST_KEYS
from monitor.rules.rule import RuleTest
from monitor.rules.section import Section

if TYPE_CHECKING:
    from monitor.errors import Fault
    from monitor.tomlfile import KeyPath, TomlFile

_NAMES = tuple(key.name for key in TEST_KEYS)
_PARAGRAPH_END = re.compile(r"\n[ \t]*\n\s*")


def read_tests(
    tables: Any, *, file: TomlFile, path: KeyPath, where: str, faults: list[Fault]
) -> tuple[RuleTest, ...] | None:
    """The tests of one rule; None where one of them has a fault. `path`: the rule's own."""
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        hint = "begin each test with a line [[rule.tests]], in two pairs of brackets"
        faults.append(file.fault(*path, "tests", message="tests are a list of tables", where=where, hint=hint))
        return None
    tests = [
        _test(Section(file, (*path, "tests", number), table, where=f"{where}: test {number + 1}", faults=faults))
        for number, table in enumerate(tables)
    ]
    return None if None in tests else tuple(test for test in tests if test is not None)


def _test(section: Section) -> RuleTest | None:
    section.check_keys(_NAMES)
    if not section.broken and not any(key in section.table for key in ARTICLE_KEYS):
        hint = 'for example: title = "Assad steps down"'
        section.report("this test has no article", hint=hint)
    category = section.line("category")
    test = RuleTest(
        entry=Entry(
            key="test",
            link=section.line("url"),
            title=_plain(section.line("title")),
            summary=_plain(section.text("summary")),
            content=_plain(section.text("text")),
            page=_plain(section.text("page")),
            author=_plain(section.line("author")),
            categories=((category,) if category else ()) + section.lines("categories"),
            language=section.language("language"),
        ),
        feed=section.line("feed"),
        match=section.flag("match"),
        excerpt=_plain(section.text("excerpt")),
    )
    if test.excerpt and not test.match:
        section.report("an article that must not match has no excerpt", "excerpt", hint="leave one of the two keys out")
    return None if section.broken else test


def _plain(text: str) -> str:
    """As a feed's text comes to the rules: one line a paragraph."""
    paragraphs = _PARAGRAPH_END.split(unicodedata.normalize("NFC", text).strip())
    return "\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
