"""The rule engine as a contestant of `matching`, with the settings that the daemon gives it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from benchmarks.matching_side import serve
from monitor.alerts.excerpt import excerpts
from monitor.model import Entry
from monitor.rules.book import load_folder
from monitor.rules.engine import RuleSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from benchmarks.news import Article
    from monitor.model import Match
    from monitor.rules.rule import Rule

_NOW = datetime(2026, 1, 1, tzinfo=UTC)


class _Ours:
    def __init__(self) -> None:
        self._loaded: tuple[Rule, ...] = ()
        self._rules = RuleSet.build(())

    def load(self, folder: Path) -> None:
        self._loaded, faults = load_folder(folder / "rules")
        if refused := [str(fault) for fault in faults if not fault.warning]:
            raise SystemExit(f"{len(refused)} rules were refused, such as:\n{refused[0]}")

    def build(self, articles: Sequence[Article]) -> None:
        del articles
        self._rules = RuleSet.build(self._loaded)

    def prepare(self, article: Article) -> tuple[Entry, str]:
        entry = Entry(
            key="",
            title=article["title"],
            summary=article["summary"],
            content=article["content"],
            language=article["lang"],
        )
        return entry, article["source"]

    def decide(self, article: tuple[Entry, str]) -> Iterable[int]:
        entry, feed = article
        return self._rules.matching(entry, feed_name=feed, feed_tags=(), now=_NOW)

    def show(self, article: tuple[Entry, str]) -> Sequence[Match]:
        entry, feed = article
        return self._rules.match(entry, feed_name=feed, feed_tags=(), now=_NOW)

    def excerpt(self, match: Any) -> None:
        excerpts(match.entry, match.hits)


if __name__ == "__main__":
    serve(_Ours())
