"""The loop of every contestant of `matching`: build once, then answer for blocks of articles. Standard library only, as
some contestants run where ours is not installed.

Times are CPU time of the whole process: what else runs on the machine, and a thread of a library, change nothing.
What was built is kept out of the garbage collector's sight, as the daemon does it; collecting what an engine makes for
each article counts.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import sys
from pathlib import Path
from time import process_time_ns
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from benchmarks.news import Article

_T = TypeVar("_T")

_LIBC = ctypes.CDLL(None)
_PAGE = os.sysconf("SC_PAGE_SIZE")
# Excerpts are timed for so many matches of an article; with 100,000 rules it has hundreds.
_MAX_EXCERPTS = 3


class Side(Protocol):
    """One engine. The methods are called in this order; only `decide`, `show` and `excerpt` often."""

    def load(self, folder: Path) -> None:
        """Read and parse the rules: `folder/rules.json` has them as trees, `folder/rules/*.toml` as queries."""

    def build(self, articles: Sequence[Article]) -> None:
        """Make what decides from what was loaded; `articles` are there for those that learn from some."""

    def prepare(self, article: Article) -> Any:
        """The article as the engine takes it, made before anything is timed."""

    def decide(self, article: Any) -> Iterable[int]:
        """The numbers of the rules that match."""

    def show(self, article: Any) -> Sequence[Any]:
        """The matches with their places in the text."""

    def excerpt(self, match: Any) -> None:
        """What an alert of one match shows."""


def serve(side: Side) -> None:
    """Answer the questions of standard input until it ends.

    The first has `folder`, with the rules and `articles.json`, and `warm`: how many articles, from the first on, are
    decided before any is timed.
    """
    given = json.loads(sys.stdin.readline())
    folder = Path(given["folder"])
    raw: list[Article] = json.loads((folder / "articles.json").read_text(encoding="utf-8"))
    articles = [side.prepare(article) for article in raw]
    figures = _built(side, folder, raw)
    for article in articles[: given["warm"]]:
        side.decide(article)
    figures["memo_bytes"] = _resident() - figures["built_bytes"]
    print("{}", flush=True)
    for line in sys.stdin:
        question = json.loads(line)
        block = articles[question.get("first", 0) : question.get("end", 0)]
        answer = {"figures": lambda _: figures, "decide": _decide, "show": _show}[question["do"]]
        print(json.dumps(answer(_Block(side, block))), flush=True)


class _Block:
    def __init__(self, side: Side, articles: Sequence[Any]) -> None:
        self.side = side
        self.articles = articles


def _built(side: Side, folder: Path, raw: Sequence[Article]) -> dict[str, Any]:
    start = _resident()
    begun = process_time_ns()
    side.load(folder)
    loaded = process_time_ns()
    middle = _resident()
    resumed = process_time_ns()
    side.build(raw)
    built = process_time_ns()
    end = _resident()
    gc.freeze()
    return {
        "load_seconds": (loaded - begun) / 1e9,
        "build_seconds": (built - resumed) / 1e9,
        "rule_bytes": end - start,
        "index_bytes": end - middle,
        "built_bytes": end,
    }


def _resident() -> int:
    """Without what the C library holds in reserve after a table has grown; the next one that grows gets it."""
    gc.collect()
    if hasattr(_LIBC, "malloc_trim"):
        _LIBC.malloc_trim(0)
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE


def _decide(block: _Block) -> dict[str, Any]:
    micros, found = [], []
    for article in block.articles:
        taken, numbers = _timed(block.side.decide, article)
        micros.append(taken)
        found.append(sorted(numbers))
    return {"micros": micros, "found": found}


def _show(block: _Block) -> dict[str, Any]:
    """`micros` is for articles never seen before. What showing adds to deciding is told from `again_micros` and
    `decide_micros`, both of which find the article's words in the memos.
    """
    answer: dict[str, Any] = {"micros": [], "decide_micros": [], "again_micros": [], "excerpt_micros": [], "matches": 0}
    for article in block.articles:
        answer["micros"].append(_timed(block.side.show, article)[0])
        answer["decide_micros"].append(_timed(block.side.decide, article)[0])
        taken, found = _timed(block.side.show, article)
        answer["again_micros"].append(taken)
        answer["matches"] += len(found)
        answer["excerpt_micros"] += [_timed(block.side.excerpt, match)[0] for match in found[:_MAX_EXCERPTS]]
    return answer


def _timed(function: Callable[[Any], _T], argument: Any) -> tuple[float, _T]:
    """Microseconds, and what it gave."""
    begun = process_time_ns()
    given = function(argument)
    return (process_time_ns() - begun) / 1e3, given
