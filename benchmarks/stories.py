"""How well headlines of one event come together, ours and the usual measures; copies; what is joined and should not be.

All methods read the headlines one after the other and decide for good. A baseline joins the nearest headline before
(or the nearest centroid) if that is near enough; where "enough" lies is chosen for each of them as for ours.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from functools import partial
from math import log, sqrt
from statistics import mean
from typing import TYPE_CHECKING, Any
from zlib import crc32

from benchmarks.report import Report
from monitor.stories import evidence
from tests.copies import (
    HEADLINES,
    b_cubed,
    clustered,
    headlines,
    joined_copies,
    joins_across_feeds,
    pairwise,
    real_entries,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tests.copies import Headline

    # Headlines in order of time ▸ by threshold, the name of each one's story.
    Method = Callable[[Sequence[Headline]], Mapping[float, Sequence[str]]]

_PRECISION = 0.95
_PERMUTATIONS = 64
_BITS = 64
_WORD = re.compile(r"\w+")


def run(*, quick: bool) -> Report:
    """Every method on all headlines, and on halves of the stories, where one half chooses and the other is measured."""
    figures: dict[str, Any] = {"headlines": {}}
    lines = headlines()
    splits = 1 if quick else 4
    for name, method in _METHODS.items() if lines else ():
        figures["headlines"][name] = _measure(method, lines, splits)
    if real_entries():
        figures["copies"] = joined_copies(every=8 if quick else 1)
        joins = joins_across_feeds()
        figures["across feeds"] = {"entries": joins.entries, "right": joins.right, "wrong": joins.wrong}
    return _report(figures, len(lines), splits)


def _measure(method: Method, lines: Sequence[Headline], splits: int) -> dict[str, float]:
    found, true = method(lines), [line.story for line in lines]
    threshold = _choose({at: b_cubed(stories, true) for at, stories in found.items()})
    precision, recall = b_cubed(found[threshold], true)
    pair_precision, pair_recall = pairwise(found[threshold], true)
    halves = [_measure_halves(method, lines, seed) for seed in range(splits)]
    others = [pair for each in halves for pair in each]
    return {
        "threshold": threshold,
        "precision": precision,
        "recall": recall,
        "pair_precision": pair_precision,
        "pair_recall": pair_recall,
        "split_precision": mean(precision for precision, _ in others),
        "split_recall": mean(recall for _, recall in others),
    }


def _measure_halves(method: Method, lines: Sequence[Headline], seed: int) -> Iterator[tuple[float, float]]:
    """Half of the stories chooses the threshold, the other half is measured; then the other way round."""
    stories = sorted({line.story for line in lines})
    random.Random(seed).shuffle(stories)
    chosen = set(stories[::2])
    curves = []
    for half in (True, False):
        part = [line for line in lines if (line.story in chosen) is half]
        true = [line.story for line in part]
        curves.append({at: b_cubed(found, true) for at, found in method(part).items()})
    yield curves[1][_choose(curves[0])]
    yield curves[0][_choose(curves[1])]


def _choose(curve: Mapping[float, tuple[float, float]]) -> float:
    """The threshold with the most recall among those that are precise enough; else the most precise one."""
    enough = [at for at, (precision, _) in curve.items() if precision >= _PRECISION]
    return max(enough, key=lambda at: curve[at][1]) if enough else max(curve, key=lambda at: curve[at][0])


# ----------------------------------------------------------------------------------------------------------------- ours


def _ours(lines: Sequence[Headline]) -> dict[float, list[str]]:
    """With other thresholds than its own, to see how its own was chosen."""
    own = evidence.JOIN
    found = {}
    try:
        for at in (3.5, 4.0, 4.5, own, 5.0, 5.5, 6.0):
            evidence.JOIN = at
            found[at] = clustered(lines)
    finally:
        evidence.JOIN = own
    return found


def _ours_as_it_is(lines: Sequence[Headline]) -> dict[float, list[str]]:
    return {evidence.JOIN: clustered(lines)}


# ------------------------------------------------------------------------------------------------------------ baselines


def _tokens(line: Headline) -> list[str]:
    return list(dict.fromkeys(_WORD.findall(line.entry.title.casefold())))


def _exact(lines: Sequence[Headline]) -> dict[float, list[str]]:
    return {1.0: [line.entry.title.casefold() for line in lines]}


def _nearest(
    near: Callable[[Sequence[Headline]], Sequence[tuple[int, float]]],
    thresholds: Sequence[float],
    lines: Sequence[Headline],
) -> dict[float, list[str]]:
    """Each joins the story of the nearest one before it; `near` gives that and how near it is."""
    nearest = near(lines)
    found: dict[float, list[str]] = {}
    for at in thresholds:
        stories: list[str] = []
        for number, (other, likeness) in enumerate(nearest):
            stories.append(stories[other] if likeness >= at else str(number))
        found[at] = stories
    return found


def _jaccard(lines: Sequence[Headline]) -> list[tuple[int, float]]:
    having: dict[str, list[int]] = defaultdict(list)
    sizes: list[int] = []
    nearest: list[tuple[int, float]] = []
    for number, line in enumerate(lines):
        words = _tokens(line)
        shared = Counter(other for word in words for other in having[word])
        nearest.append(_best({other: n / (len(words) + sizes[other] - n) for other, n in shared.items()}))
        sizes.append(len(words))
        for word in words:
            having[word].append(number)
    return nearest


def _minhash(lines: Sequence[Headline]) -> list[tuple[int, float]]:
    """Of title words, with 64 permutations (Broder, 1997); all pairs that share a minimum."""
    drawn = random.Random(0)
    prime = (1 << 61) - 1
    permutations = [(drawn.randrange(1, prime), drawn.randrange(prime)) for _ in range(_PERMUTATIONS)]
    having: dict[tuple[int, int], list[int]] = defaultdict(list)
    nearest: list[tuple[int, float]] = []
    for number, line in enumerate(lines):
        hashes = [crc32(word.encode()) for word in _tokens(line)] or [0]
        minima = [(n, min((a * each + b) % prime for each in hashes)) for n, (a, b) in enumerate(permutations)]
        shared = Counter(other for minimum in minima for other in having[minimum])
        nearest.append(_best({other: n / _PERMUTATIONS for other, n in shared.items()}))
        for minimum in minima:
            having[minimum].append(number)
    return nearest


def _simhash(lines: Sequence[Headline]) -> list[tuple[int, float]]:
    """Of title words, 64 bits (Charikar, 2002); nearness is the share of bits that agree."""
    prints: list[int] = []
    nearest: list[tuple[int, float]] = []
    for line in lines:
        weights = [0] * _BITS
        for word in _tokens(line):
            number = crc32(word.encode()) | crc32(word[::-1].encode() + b"-") << 32
            for bit in range(_BITS):
                weights[bit] += 1 if number >> bit & 1 else -1
        own = sum(1 << bit for bit, weight in enumerate(weights) if weight > 0)
        if prints:
            distance, other = min(((own ^ each).bit_count(), other) for other, each in enumerate(prints))
            nearest.append((other, 1 - distance / _BITS))
        else:
            nearest.append((0, -1.0))
        prints.append(own)
    return nearest


def _vectors(lines: Sequence[Headline]) -> Iterator[dict[str, float]]:
    """TF-IDF of title words, of length 1; frequencies are those of the headlines so far."""
    frequencies: Counter[str] = Counter()
    for number, line in enumerate(lines):
        words = _tokens(line)
        frequencies.update(words)
        weights = {word: log((number + 2) / frequencies[word]) for word in words}
        length = sqrt(sum(weight * weight for weight in weights.values())) or 1.0
        yield {word: weight / length for word, weight in weights.items()}


def _tfidf(lines: Sequence[Headline]) -> list[tuple[int, float]]:
    having: dict[str, list[tuple[int, float]]] = defaultdict(list)
    nearest: list[tuple[int, float]] = []
    for number, vector in enumerate(_vectors(lines)):
        likeness: dict[int, float] = defaultdict(float)
        for word, weight in vector.items():
            for other, theirs in having[word]:
                likeness[other] += weight * theirs
            having[word].append((number, weight))
        nearest.append(_best(likeness))
    return nearest


def _tfidf_centroid(lines: Sequence[Headline]) -> dict[float, list[str]]:
    vectors = list(_vectors(lines))
    return {at: _by_centroid(vectors, at) for at in (0.15, 0.2, 0.25, 0.3, 0.4)}


def _by_centroid(vectors: Sequence[Mapping[str, float]], threshold: float) -> list[str]:
    sums: list[dict[str, float]] = []
    squares: list[float] = []
    having: dict[str, set[int]] = defaultdict(set)
    stories: list[str] = []
    for vector in vectors:
        likeness: dict[int, float] = defaultdict(float)
        for word, weight in vector.items():
            for story in having[word]:
                likeness[story] += weight * sums[story][word] / sqrt(squares[story])
        best, near = _best(likeness)
        if near < threshold:
            best = len(sums)
            sums.append({})
            squares.append(0.0)
        for word, weight in vector.items():
            before = sums[best].get(word, 0.0)
            sums[best][word] = before + weight
            squares[best] += (before + weight) ** 2 - before**2
            having[word].add(best)
        stories.append(str(best))
    return stories


def _best(likeness: Mapping[int, float]) -> tuple[int, float]:
    return max(likeness.items(), key=lambda pair: (pair[1], -pair[0])) if likeness else (0, -1.0)


_METHODS: dict[str, Method] = {
    "exact title": _exact,
    "Jaccard of title words": partial(_nearest, _jaccard, (0.2, 0.25, 0.3, 0.35, 0.4, 0.5)),
    "MinHash, 64": partial(_nearest, _minhash, (0.2, 0.25, 0.3, 0.35, 0.4, 0.5)),
    "SimHash, 64 bits": partial(_nearest, _simhash, (0.75, 0.8, 0.85, 0.9, 0.95)),
    "TF-IDF, nearest": partial(_nearest, _tfidf, (0.3, 0.35, 0.4, 0.45, 0.5, 0.6)),
    "TF-IDF, centroid": _tfidf_centroid,
    "ours": _ours,
    "ours, as it is": _ours_as_it_is,
}


# --------------------------------------------------------------------------------------------------------------- report


def _report(figures: dict[str, Any], lines: int, splits: int) -> Report:
    rows = [_row(name, figure) for name, figure in figures["headlines"].items()]
    for kind, share in figures.get("copies", {}).items():
        rows.append((f"copies: {kind}", "", f"{100 * share:.2f} %", *[""] * 5))
    joins = figures.get("across feeds")
    if joins:
        wrong = len(joins["wrong"])
        rows.append(("joins across feeds: right, wrong", "", f"{len(joins['right'])}, {wrong}", *[""] * 5))
        rows += [(f"  {one[:50]} + {other[:50]}", *[""] * 7) for one, other in joins["wrong"]]
    if figures["headlines"]:
        ours = figures["headlines"]["ours, as it is"]
        best = max(
            (
                each
                for name, each in figures["headlines"].items()
                if "ours" not in name and each["precision"] >= _PRECISION
            ),
            key=lambda each: each["recall"],
        )
        summary = (
            f"B-cubed recall {ours['recall']:.3f} at precision {ours['precision']:.3f}, "
            f"{ours['recall'] / best['recall']:.1f} times that of the best baseline that is as precise"
        )
    else:
        summary = f"no headlines: {HEADLINES} is not there (NEWS_MONITOR_TEST_DATA)"
    if joins:
        summary += f"; {1000 * len(joins['wrong']) / joins['entries']:.1f} of 1,000 unrelated entries are joined"
    return Report(
        title=f"stories: {lines} headlines; thresholds by precision ≥ {_PRECISION}; {2 * splits} halves of the stories",
        columns=(
            "",
            "threshold",
            "B³ P",
            "R",
            "F1",
            "pairs P",
            "pairs R",
            "other half: P / R",
        ),
        rows=tuple(rows),
        summary=summary,
        figures=figures,
    )


def _row(name: str, figure: Mapping[str, float]) -> tuple[str, ...]:
    precision, recall = figure["precision"], figure["recall"]
    return (
        name,
        f"{figure['threshold']:g}",
        f"{precision:.3f}",
        f"{recall:.3f}",
        f"{2 * precision * recall / (precision + recall):.3f}",
        f"{figure['pair_precision']:.3f}",
        f"{figure['pair_recall']:.3f}",
        f"{figure['split_precision']:.3f} / {figure['split_recall']:.3f}",
    )
