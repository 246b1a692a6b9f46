"""The study's prototype as a contestant of `matching`: `percolator.py` from the folder given on the command line."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from benchmarks.matching_side import serve

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from benchmarks.news import Article

# Document frequencies are learnt from so many articles, as in the study.
_LEARNT = 1_000


class _Prototype:
    def __init__(self, code: Any) -> None:
        self._code = code
        self._trees: list[Any] = []
        self._engine: Any = None

    def load(self, folder: Path) -> None:
        self._trees = as_tuples(json.loads((folder / "rules.json").read_text(encoding="utf-8")))

    def build(self, articles: Sequence[Article]) -> None:
        frequencies = self._code.learn_df(articles[:_LEARNT])
        self._engine = self._code.Percolator(self._trees, frequencies, min(_LEARNT, len(articles)))

    def prepare(self, article: Article) -> Article:
        return article

    def decide(self, article: Article) -> Iterable[int]:
        numbers: Iterable[int] = self._engine.match(article)
        return numbers

    def show(self, article: Article) -> Sequence[Any]:
        found = self._engine.match(article)
        document = self._code.Doc(article)
        return [self._engine.spans(number, document) for number in found]

    def excerpt(self, match: Any) -> None:
        """It has none."""


def as_tuples(trees: list[Any]) -> list[Any]:
    """JSON's lists as the tuples that `news_rules` makes; lists of operands stay lists."""
    return [_node(tree) for tree in trees]


def _node(tree: list[Any]) -> tuple[Any, ...]:
    match tree:
        case ["and" | "or" as operator, parts]:
            return operator, [_node(part) for part in parts]
        case ["not", part]:
            return "not", _node(part)
        case ["near", left, right, distance]:
            return "near", _node(left), _node(right), distance
        case ["f", name, part]:
            return "f", name, _node(part)
        case ["cnt", part, count]:
            return "cnt", _node(part), count
        case ["ph", words]:
            return "ph", tuple(words)
        case _:
            return tuple(tree)


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    serve(_Prototype(import_module("percolator")))
