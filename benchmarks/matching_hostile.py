"""One rule with a regular expression that backtracks without end, among 1,000 others: what it does to the article that
sets it off, and to the rest.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from time import process_time_ns
from typing import TYPE_CHECKING

from benchmarks.news import News, vocabulary
from benchmarks.news_rules import RuleMaker, rule_file
from benchmarks.report import Report
from monitor.model import Entry
from monitor.rules.book import load_folder
from monitor.rules.engine import RuleSet

if TYPE_CHECKING:
    from benchmarks.news import Article

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_RULES = 1_000
_NAME = "hostile"
_PATTERN = "(a|aa)+$"
_TEXT = f" {'a' * 5_000}!"


def run(*, quick: bool) -> Report:
    """Each article is matched by both rule sets, one after the other; CPU time, which is what `regex` limits."""
    count, hostile = (200, 10) if quick else (2_000, 100)
    news = News(vocabulary()[0])
    rules = RuleMaker(news, kind="selective", seed=1).rules(_RULES)
    without = _built(rule_file(rules, 0))
    with_it = _built(rule_file(rules, 0) + f"[[rule]]\nname = '{_NAME}'\nquery = '/{_PATTERN}/'\n")
    entries = [_entry(article) for article in news.articles(2 * count + hostile)]
    _times(entries[:count], without, with_it)
    usual = _times(entries[count : 2 * count], without, with_it)
    worst = _times([_poisoned(entry) for entry in entries[2 * count :]], without, with_it)
    delay = median(one - other for other, one in worst)
    rows = (("ordinary articles", *_row(usual)), ("hostile articles", *_row(worst)))
    slower = median(one for _, one in usual) / median(one for one, _ in usual)
    return Report(
        title=f"matching_hostile: {_RULES:,} rules without and with /{_PATTERN}/, {count:,} + {hostile} articles",
        columns=("milliseconds", "without: p50", "p99", "max", "with: p50", "p99", "max"),
        rows=rows,
        summary=f"a hostile article takes {delay:.0f} ms longer, the others {slower:.2f} times as long as without it",
        figures={"delay_ms": delay, "ordinary_ratio": slower, "ordinary_ms": usual, "hostile_ms": worst},
    )


def _built(rules: str) -> RuleSet:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "rules.toml").write_text(rules, encoding="utf-8")
        loaded, faults = load_folder(Path(folder))
    if refused := [str(fault) for fault in faults if not fault.warning]:
        raise RuntimeError(f"{len(refused)} rules were refused, such as:\n{refused[0]}")
    return RuleSet.build(loaded)


def _entry(article: Article) -> Entry:
    return Entry(
        key="",
        title=article["title"],
        summary=article["summary"],
        content=article["content"],
        language=article["lang"],
    )


def _poisoned(entry: Entry) -> Entry:
    return replace(entry, summary=entry.summary + _TEXT, content=entry.content + _TEXT)


def _times(entries: list[Entry], without: RuleSet, with_it: RuleSet) -> list[tuple[float, float]]:
    """Milliseconds of each, by the two sets."""
    found = []
    for number, entry in enumerate(entries):
        if number % 2:
            second = _time(entry, with_it)
            found.append((_time(entry, without), second))
        else:
            found.append((_time(entry, without), _time(entry, with_it)))
    return found


def _time(entry: Entry, rules: RuleSet) -> float:
    begun = process_time_ns()
    rules.match(entry, feed_name="reuters", feed_tags=(), now=_NOW, timeouts=[])
    return (process_time_ns() - begun) / 1e6


def _row(times: list[tuple[float, float]]) -> tuple[str, ...]:
    row: list[str] = []
    for side in (0, 1):
        one = [pair[side] for pair in times]
        row += [f"{median(one):.2f}", f"{quantiles(one, n=100, method='inclusive')[98]:.2f}", f"{max(one):.2f}"]
    return tuple(row)
