"""Which of many rules match an article, every article new: ours beside the study's prototype, `re` (one for each term,
and one for all), FTS5 with the rules as rows, and hyperscan.
"""

from __future__ import annotations

import json
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median, quantiles
from typing import TYPE_CHECKING, Any

from benchmarks.news import News, vocabulary
from benchmarks.news_rules import RuleMaker, rule_file
from benchmarks.process import REPOSITORY, Contestant
from benchmarks.report import Report
from benchmarks.venv import PYTHON, install

if TYPE_CHECKING:
    from benchmarks.news_rules import Kind

# Next to this repository where the study is; not part of it.
_PROTOTYPE = REPOSITORY.parent / "shared" / "research" / "lab" / "match"
_HYPERSCAN = "hyperscan==0.9.1"
_SEED = {"selective": 200, "broad": 100}
# Articles a round for those that are too slow for all of them, by the largest number of rules that this is for. With
# more rules they are left out: minutes for a round, or (hyperscan) for the build.
_RIVALS = {
    "naive": {10: 40, 100: 20, 1_000: 3},
    "alternation": {10: 40, 100: 40, 1_000: 20},
    "fts5": {10: 40, 100: 40, 1_000: 30, 10_000: 5},
    "hyperscan": {10: 40, 100: 40, 1_000: 40},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """Attributes:
    sets: The rule sets: kind, number of rules.
    warm: Articles that are decided before any is timed.
    rounds: Of `block` timed articles for each engine in turn.
    shown: Articles at most whose hits and excerpts are timed, after the rounds.
    """

    sets: tuple[tuple[Kind, int], ...]
    warm: int
    rounds: int
    block: int
    shown: int

    @property
    def articles(self) -> int:
        return self.warm + self.rounds * self.block + self.shown

    def shown_of(self, rules: int) -> int:
        """With many rules an article has many matches, and fewer articles are enough."""
        return min(self.shown, max(30, 1_000_000 // rules))


_FULL = _Plan(
    sets=(
        *(("selective", size) for size in (10, 100, 1_000, 10_000, 100_000)),
        ("broad", 10_000),
    ),
    warm=2_000,
    rounds=10,
    block=150,
    shown=400,
)
_QUICK = _Plan(sets=(("selective", 10), ("selective", 1_000)), warm=300, rounds=4, block=50, shown=50)

_LEARNING = ("ours", "prototype")
_RULES_PER_FILE = 1_000
# With fewer, the cost of one is not told.
_ENOUGH_MATCHES = 20


@dataclass(slots=True, kw_only=True)
class _Engine:
    """A contestant and what it has answered.

    Attributes:
        block: Articles a round.
        rounds: Microseconds for each article, by round.
        found: The numbers of the rules that matched, by article.
    """

    name: str
    process: Contestant
    block: int
    rounds: list[list[float]] = field(default_factory=list)
    found: dict[int, list[int]] = field(default_factory=dict)

    def decide(self, first: int, block: int) -> None:
        end = first + min(block, self.block)
        answer = self.process.ask({"do": "decide", "first": first, "end": end})
        self.rounds.append(answer["micros"])
        self.found.update(zip(range(first, end), answer["found"], strict=True))


def run(*, quick: bool) -> Report:
    """Each rule set in turn: build every engine in a process of its own, then blocks of articles, engine by engine."""
    plan = _QUICK if quick else _FULL
    words, made_up = vocabulary()
    news = News(words)
    articles = news.articles(plan.articles)
    characters = mean(len(article["title"] + article["summary"] + article["content"]) for article in articles)
    without = _missing()
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "articles.json").write_text(json.dumps(articles), encoding="utf-8")
        for kind, size in plan.sets:
            print(f"matching: {size:,} {kind} rules", file=sys.stderr)
            _write_rules(Path(folder), RuleMaker(news, kind=kind, seed=_SEED[kind] + size), size)
            figures[f"{kind} {size}"] = _measure(Path(folder), size, plan, without)
    timed = plan.rounds * plan.block
    return Report(
        title=f"matching: {timed:,} new articles of {characters:,.0f} characters in {plan.rounds} rounds",
        columns=_COLUMNS,
        rows=tuple(_row(rules, name, figure) for rules, engines in figures.items() for name, figure in engines.items()),
        summary="; ".join([_ratio(figures), *without.values(), *([f"made-up words: {made_up}"] if made_up else [])]),
        figures={**figures, "characters": characters, "skipped": without, "made_up_words": made_up},
    )


def _missing() -> dict[str, str]:
    """Contestants that cannot be had here, and why."""
    missing = {}
    if not (_PROTOTYPE / "percolator.py").exists():
        missing["prototype"] = "the study's prototype is not beside this repository"
    if failed := install([_HYPERSCAN], modules=["hyperscan"]):
        missing["hyperscan"] = f"hyperscan could not be installed ({failed})"
    return missing


def _write_rules(folder: Path, maker: RuleMaker, size: int) -> None:
    rules = maker.rules(size)
    (folder / "rules.json").write_text(json.dumps(rules), encoding="utf-8")
    files = folder / "rules"
    files.mkdir(exist_ok=True)
    for old in files.iterdir():
        old.unlink()
    for first in range(0, size, _RULES_PER_FILE):
        text = rule_file(rules[first : first + _RULES_PER_FILE], first)
        (files / f"{first:06}.toml").write_text(text, encoding="utf-8")


def _measure(folder: Path, size: int, plan: _Plan, without: dict[str, str]) -> dict[str, dict[str, float]]:
    """Figures by engine."""
    with ExitStack() as stack:
        engines = [
            _Engine(
                name=name,
                # The others keep nothing from one article to the next.
                process=stack.enter_context(
                    Contestant(command, {"folder": str(folder), "warm": plan.warm if name in _LEARNING else 0})
                ),
                block=block,
            )
            for name, command, block in _contestants(size, plan, without)
        ]
        for number in range(plan.rounds):
            first = plan.warm + number * plan.block
            for engine in engines if number % 2 else reversed(engines):
                engine.decide(first, plan.block)
        shown = {"do": "show", "first": plan.articles - plan.shown_of(size), "end": plan.articles}
        ours = engines[0].found
        return {
            engine.name: {
                **_speed(engine.rounds),
                **engine.process.ask({"do": "figures"}),
                **_agreement(ours, engine.found, size),
                **(_shown(engine, engine.process.ask(shown)) if engine.name in _LEARNING else {}),
            }
            for engine in engines
        }


def _contestants(size: int, plan: _Plan, without: dict[str, str]) -> list[tuple[str, list[str], int]]:
    """Name, command and articles a round."""
    folder = REPOSITORY / "benchmarks"
    found = [("ours", [sys.executable, "-m", "benchmarks.matching_ours"], plan.block)]
    if "prototype" not in without:
        command = [sys.executable, str(folder / "matching_prototype.py"), str(_PROTOTYPE)]
        found.append(("prototype", command, plan.block))
    for name, blocks in _RIVALS.items():
        if name not in without and size in blocks:
            python = PYTHON if name == "hyperscan" else sys.executable
            found.append((name, [str(python), str(folder / "matching_rivals.py"), name], blocks[size]))
    return found


def _speed(rounds: list[list[float]]) -> dict[str, float]:
    every = [micros for one in rounds for micros in one]
    percentiles = quantiles(every, n=100, method="inclusive")
    return {
        "micros": median(mean(one) for one in rounds),
        "p50_micros": percentiles[49],
        "p99_micros": percentiles[98],
        "max_micros": max(every),
    }


def _agreement(ours: dict[int, list[int]], theirs: dict[int, list[int]], size: int) -> dict[str, float]:
    """Matches of an article, and how many of a million pairs of article and rule are decided otherwise than by us."""
    differing = sum(len(set(numbers) ^ set(ours[article])) for article, numbers in theirs.items())
    return {
        "matches": mean(len(numbers) for numbers in theirs.values()),
        "differing": differing,
        "differing_per_million": 1e6 * differing / (len(theirs) * size),
        "differing_per_thousand_matches": 1e3 * differing / max(1, sum(len(ours[article]) for article in theirs)),
    }


def _shown(engine: _Engine, answer: dict[str, Any]) -> dict[str, float]:
    """`hit_micros`: for each match, what its places cost on top of deciding."""
    figures = {"shown_micros": mean(answer["micros"])}
    if answer["matches"] >= _ENOUGH_MATCHES:
        figures["hit_micros"] = (sum(answer["again_micros"]) - sum(answer["decide_micros"])) / answer["matches"]
        if engine.name == "ours":
            figures["excerpt_micros"] = mean(answer["excerpt_micros"])
            figures["excerpt_p99_micros"] = quantiles(answer["excerpt_micros"], n=100, method="inclusive")[98]
    return figures


_COLUMNS = (
    "rules, engine",
    "articles/s",
    "µs",
    "p50 µs",
    "p99 ms",
    "max ms",
    "with hits µs",
    "hits µs/match",
    "excerpts µs/match",
    "load s",
    "build s",
    "kB/rule",
    "of it index",
    "memo MB",
    "matches",
    "differing ‰",
)


def _row(rules: str, name: str, figure: dict[str, float]) -> tuple[str, ...]:
    kind, size = rules.split()
    many = int(size) >= 1_000  # with fewer, what is the same for any number is most of it
    shown = [f"{figure[key]:,.0f}" if key in figure else "" for key in ("shown_micros", "hit_micros", "excerpt_micros")]
    return (
        f"{int(size):,} {kind}, {name}",
        f"{1e6 / figure['micros']:,.0f}",
        f"{figure['micros']:,.0f}",
        f"{figure['p50_micros']:,.0f}",
        f"{figure['p99_micros'] / 1e3:.2f}",
        f"{figure['max_micros'] / 1e3:.1f}",
        *shown,
        f"{figure['load_seconds']:.2f}",
        f"{figure['build_seconds']:.2f}",
        *(f"{figure[key] / int(size) / 1e3:.1f}" if many else "" for key in ("rule_bytes", "index_bytes")),
        f"{figure['memo_bytes'] / 1e6:.0f}",
        f"{figure['matches']:.1f}",
        f"{figure['differing_per_thousand_matches']:.1f}",
    )


def _ratio(figures: dict[str, Any]) -> str:
    ratios = [
        f"{engines['prototype']['micros'] / engines['ours']['micros']:.2f} at {rules}"
        for rules, engines in figures.items()
        if "prototype" in engines
    ]
    return f"articles a second, in those of the prototype: {', '.join(ratios)}" if ratios else "no ratio"
