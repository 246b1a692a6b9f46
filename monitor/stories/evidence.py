"""What speaks for two entries being about one event, in nats (natural logarithms of odds). Pure.

**Words**: how much more likely a title's words are in a report of the story than in one of something else. The story
has each of its words in a certain share of its reports; elsewhere, a word stands in a certain share of all *stories*,
not of all reports: a name that two hundred reports of one affair repeat is still rare, and "live" or "weather" is not.

    Σ over the title's words  log( (1 - trust) + trust · share in the story / share of the other stories )

A word that the story lacks costs little, for a new report has new things to say; `trust` rises with the number of
reports from which the shares are known. This is a unigram language model with Jelinek-Mercer smoothing (Zhai and
Lafferty, "A study of smoothing methods for language models", 2004), as odds against the background. The more stories
there are, the more of them share two words by chance: that is taken off.

**Gist**: where both have a text, the words that both texts share, weighed by their rarity. Reports of one event share a
third or more; texts that have two words of their titles in common by chance share little else.

**Text**: how much of the shorter beginning stands in the longer one's, in runs of four words: copies.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

from monitor.stories.clues import has_digit

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

JOIN = 4.75  # nats; with less an entry begins a story of its own
_TRUST = 0.3  # in a story of very many reports
_HALF_TRUST = 6  # reports with which it is half as much
_UNSEEN = 400  # stories that are taken to have gone before the first, so that not everything looks rare at the start
_GUESS = (4.0, 4.0, 4.0, 4.0, 2.0)  # of them, those that have a word of so few letters
_RARE = 1.0  # and of more
_CHANCE = 2.0  # times the logarithm of the number of stories; 1, were words independent of each other
_HALF_LIFE = 8 * 3600.0  # seconds in which the odds for one more report of a silent story halve

_FEW = 4  # words of a gist, which say nothing
_ENOUGH = 15  # words, below which a gist speaks only against
_USUAL = 0.35  # share of their gists that texts of one event have in common at least, as a rule
_GIST = 30.0  # nats for all of it

_TEXT = 12.0  # nats for a text that is all the same; two fifths of one are just enough to join
_MIN_SHARED = 3  # runs of words; fewer are a common phrase
_TELLING = 4  # words of a title; an outlet gives shorter ones ("Tornado warning") to one thing after another
_LONG = 30  # runs of words that an outlet's standing phrases do not fill


def rarity(word: str, others: int, stories: int) -> float:
    """The share of stories in which a word stands, if `others` than the one asked about have it: smoothed, in (0, 1].

    What is short is common, in every language (Zipf's law of abbreviation): that is all that is known at the start.
    """
    letters = len(word)
    guess = _GUESS[letters] if letters < len(_GUESS) else _RARE
    return min(1.0, (others + guess) / (stories + _UNSEEN))


def from_words(shares: Mapping[str, float], stories: int, counts: Mapping[str, int], reports: int) -> float:
    """Evidence of a title's words for a story.

    Args:
        shares: The `rarity` of each of the words.
        stories: How many there are.
        counts: How many reports of the story have which words.
        reports: How many it has.
    """
    trust = _TRUST * reports / (reports + _HALF_TRUST)
    new = 1 - trust
    found = len(shares) * log(new) - _CHANCE * log(1 + stories / _UNSEEN)
    for word, share in shares.items():
        count = counts.get(word)
        if count:
            found += log(1 + trust * count / (reports * share * new))
    return found


def staleness(silent: float) -> float:
    """What it costs a story that nothing was heard of it for so many seconds: coverage fades."""
    return 0.6931 * max(0.0, silent) / _HALF_LIFE


def from_gist(ours: Mapping[int, float], theirs: Sequence[int], weights: Sequence[float]) -> float:
    """Evidence, for or against, of the words of two texts; of a text and a short one only against.

    Args:
        ours: With the weight of each: the rarer it is, the more.
        theirs: Likewise.
        weights: Of theirs.
    """
    length = min(len(ours), len(theirs))
    if length < _FEW:
        return 0.0
    shared = sum(ours[word] for word in theirs if word in ours)
    found = _GIST * (shared / min(sum(ours.values()), sum(weights)) - _USUAL)
    return found if length >= _ENOUGH else min(found, 0.0)


def same_text(ours: frozenset[int], theirs: Sequence[int]) -> float:
    """Share of the shorter text's runs of words that stand in the other too; 0 where too few do."""
    shared = len(ours.intersection(theirs))
    return shared / min(len(ours), len(theirs)) if shared >= _MIN_SHARED else 0.0


def from_text(share: float) -> float:
    """Evidence of `same_text`."""
    return _TEXT * share


def is_long(ours: Collection[int], theirs: Collection[int]) -> bool:
    """Whether both texts are longer than what an outlet puts before every article."""
    return min(len(ours), len(theirs)) >= _LONG


def no_number_shared(ours: Iterable[str], theirs: Iterable[str]) -> bool:
    """Whether both titles have numbers, and none in common."""
    mine, other = set(filter(has_digit, ours)), set(filter(has_digit, theirs))
    return bool(mine) and bool(other) and not mine & other


def only_numbers_differ(ours: Iterable[str], theirs: Iterable[str]) -> bool:
    """Whether two titles are alike but for their numbers: "Tornado warning 12" and "Tornado warning 13".

    A toll that rises does so in titles that differ in other words as well.
    """
    words = {word for word in set(ours) ^ set(theirs) if not has_digit(word)}
    return len(words) <= 1 and no_number_shared(ours, theirs)


def is_longer_form(ours: Iterable[str], theirs: Iterable[str]) -> bool:
    """Whether one title has all words of the other: an outlet's own update of it, and not its next "Weather for …"."""
    mine, other = set(ours), set(theirs)
    return len(mine & other) >= _TELLING and (mine <= other or other <= mine)
