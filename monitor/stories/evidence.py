"""What speaks for two texts being about one event, in nats (natural logarithms of odds). Pure.

Words: how much more likely the title's words are in a report of the story than in one of anything else. The story says
each of its words in a certain share of its reports; elsewhere, a word turns up in a certain share of all *stories*, not
of all reports: a name that two hundred reports of one affair repeat is still rare, and "live" or "weather" is not.

    evidence = Σ over the title's words  log( (1 - trust) + trust · share in the story / share of all stories )

A word that the story lacks costs little, for a new report has new things to say; `trust` rises with the number of
reports from which the shares are known. This is a unigram language model with Jelinek-Mercer smoothing (Zhai and
Lafferty, 2004), and its odds against the background.

Text: how much of the shorter one's beginning stands in the longer one's, in runs of four words.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

JOIN = 6.0  # nats; with less an entry begins a story of its own
_TRUST = 0.3  # in a story of very many reports
_HALF_TRUST = 6  # reports with which it is half as much
_UNSEEN = 400  # stories that are taken to have gone before the first, so that not everything looks rare at the start
_GUESS = (8.0, 8.0, 8.0, 8.0, 2.0)  # of them, those that have a word of so few letters
_RARE = 0.5  # and of more
_TEXT = 12.0  # nats for a text that is all the same; half of one is just enough to join
_MIN_SHARED = 3  # runs of words; fewer are a common phrase
_HALF_LIFE = 8 * 3600.0  # seconds in which the odds for one more report of a silent story halve
_TELLING = 4  # words of a title; an outlet gives shorter ones ("Tornado warning") to one thing after another
_LONG = 30  # runs of words that an outlet's standing phrases do not fill


def rarity(word: str, others: int, stories: int) -> float:
    """The share of stories in which a word stands, if `others` than the one asked about have it: smoothed, in (0, 1].

    What is short is common, in every language (Zipf's law of abbreviation): that is all that is known at the start.
    """
    letters = len(word)
    guess = _GUESS[letters] if letters < len(_GUESS) else _RARE
    return min(1.0, (others + guess) / (stories + _UNSEEN))


def from_words(known: Mapping[str, int], stories: int, counts: Mapping[str, int], reports: int) -> float:
    """Evidence of a title's words for a story.

    Args:
        known: In how many stories each of the words stands, this one included.
        stories: How many there are.
        counts: How many reports of the story have which words.
        reports: How many it has.
    """
    trust = _TRUST * reports / (reports + _HALF_TRUST)
    new = log(1 - trust)
    return sum(
        log(1 - trust + trust * counts[word] / reports / rarity(word, others - 1, stories)) if word in counts else new
        for word, others in known.items()
    )


def staleness(silent: float) -> float:
    """What it costs a story that nothing was heard of it for so many seconds: coverage fades."""
    return 0.6931 * max(0.0, silent) / _HALF_LIFE


def same_text(ours: Collection[int], theirs: Collection[int]) -> float:
    """Share of the shorter text's runs of words that stand in the other too; 0 where too few do."""
    shared = len(set(ours).intersection(theirs))
    return shared / min(len(ours), len(theirs)) if shared >= _MIN_SHARED else 0.0


def from_text(share: float) -> float:
    """Evidence of `same_text`."""
    return _TEXT * share


def is_long(ours: Sequence[int], theirs: Sequence[int]) -> bool:
    """Whether both texts are longer than what an outlet puts before every article."""
    return min(len(ours), len(theirs)) >= _LONG


def numbers_differ(ours: Sequence[str], theirs: Sequence[str]) -> bool:
    """Whether two titles are alike but for their numbers: "Tornado warning 12" and "Tornado warning 13".

    A toll that rises does so in titles that differ in other words as well.
    """
    mine, other = set(filter(_has_digit, ours)), set(filter(_has_digit, theirs))
    if not mine or not other or mine & other:
        return False
    return len((set(ours) - mine) ^ (set(theirs) - other)) <= 1


def is_longer_form(ours: Collection[str], theirs: Collection[str], same: Callable[[str], str]) -> bool:
    """Whether one title has all words of the other: an outlet's own update of it, and not its next "Weather for …"."""
    mine, other = set(map(same, ours)), set(map(same, theirs))
    return len(mine & other) >= _TELLING and (mine <= other or other <= mine)


def _has_digit(word: str) -> bool:
    return any(map(str.isdigit, word))
