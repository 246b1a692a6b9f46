"""Made-up news with the statistics of real news, and made-up rules for it. The same words and seed give the same.

Words follow the unigram frequencies of `wordfreq`, or, where that cannot be installed, of made-up words under Zipf's
law. Each article has a topic, whose words, names, entities and phrases come in bursts. There are typographic quotes,
possessives, accents, abbreviations, numbers and hyphens; three in a hundred are in Turkish, Russian, Arabic, Chinese
or Japanese. Lengths are log-normal with a mean of about 3,200 characters.
"""

from __future__ import annotations

import json
import random
import subprocess
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from benchmarks.process import REPOSITORY
from benchmarks.venv import PYTHON, install

Article = dict[str, str]
"""Keys: title, summary, content, source, lang."""

SOURCES = ("reuters", "bbc", "guardian", "aljazeera", "ap", "nyt", "dw", "france24")
FORMS = {
    "step": ("step", "steps", "stepped", "stepping"),
    "stand": ("stand", "stands", "stood", "standing"),
    "resign": ("resign", "resigns", "resigned", "resigning"),
    "flee": ("flee", "flees", "fled", "fleeing"),
}
_PARTICLES = ("down", "up", "out", "off", "over", "back", "away")
_ABBREVIATIONS = ("U.S.", "Mr.", "Sen.", "Gov.", "Dr.", "U.N.", "St.", "Jan.")
_NUMBERS = ("2024", "2025", "7", "12", "30", "150", "1.5", "3,000", "20%")
_QUOTES = (("“", "”"), ('"', '"'), ("‘", "’"))
_UNSPACED = ("zh", "ja")
# Words of these ranks carry a topic.
_FIRST_RANK, _LAST_RANK = 300, 40_000
_TOPICS = 3_000
_MAX_WORDS = 1_250
_REQUIREMENT = "wordfreq==3.1.1"

_ALPHABETS = {
    "en": ("bcdfghjklmnprstvw", "aeiou"),
    "fr": ("bcdfghjlmnprstv", "aeéèiouâ"),
    "es": ("bcdfghjlmnñprstv", "aeiouáéíó"),
    "de": ("bcdfghklmnprstwz", "aeiouäöü"),
    "tr": ("bcçdfgğhklmnprsşt", "aeıioöuü"),
    "ru": ("бвгджзклмнпрстфхцчш", "аеиоуыюя"),
    "ar": ("بتثجحخدرزسشصضطعغفقكلمن", "اوي"),
    "zh": ("中国人民政府新闻经济公司市场", "大小上下年月日"),
    "ja": ("カサタナハマラ日本東京新聞政府", "のにはをがで"),
}


@dataclass(frozen=True, slots=True)
class Words:
    """A language's words, commonest first, and their frequencies."""

    words: list[str]
    frequencies: list[float]

    def cumulative(self) -> list[float]:
        return list(accumulate(self.frequencies))


def vocabulary() -> tuple[dict[str, Words], str]:
    """Words by language, and why they are made up, or ""."""
    missing = install([_REQUIREMENT], modules=["wordfreq"])
    if missing:
        return {language: _made_up(language) for language in _ALPHABETS}, missing
    command = [PYTHON, REPOSITORY / "benchmarks" / "words_side.py"]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return {language: Words(*lists) for language, lists in found.items()}, ""


def _made_up(language: str) -> Words:
    """Zipf's law with Mandelbrot's correction; the rarer a word, the longer."""
    dice = random.Random(language)
    consonants, vowels = _ALPHABETS[language]
    words: dict[str, None] = {}
    wanted = 50_000 if language == "en" else 8_000
    while len(words) < wanted:
        syllables = 1 + len(words).bit_length() // 6 + dice.randrange(2)
        words["".join(dice.choice(consonants) + dice.choice(vowels) for _ in range(syllables))] = None
    return Words(list(words), [1 / (rank + 2.7) ** 1.05 for rank in range(wanted)])


@dataclass(frozen=True, slots=True)
class Topic:
    """What its articles come back to.

    Attributes:
        phrases: Of two words; "step+down" stands for any form of "step", and "down".
    """

    words: tuple[str, ...]
    names: tuple[str, ...]
    entities: tuple[str, ...]
    phrases: tuple[str, ...]


class News:
    """A world of topics, and the articles about them."""

    def __init__(self, words: dict[str, Words], *, seed: int = 7) -> None:
        self._dice = random.Random(seed)
        self._words = words
        self._english = words["en"].words
        self._cumulative = {language: one.cumulative() for language, one in words.items()}
        self.ranks = {word: rank for rank, word in enumerate(self._english)}
        self._foreign = [word for language in ("fr", "es", "de") for word in words[language].words[200:3000]]
        names = self._names()
        content = self._english[_FIRST_RANK:_LAST_RANK]
        # The root flattens the frequencies, so that words of middle rank are most of a topic's.
        weights = list(accumulate(one**0.6 for one in words["en"].frequencies[_FIRST_RANK:_LAST_RANK]))
        self.topics = [self._topic(names, content, weights) for _ in range(_TOPICS)]
        self._popularity = list(accumulate(rank**-0.7 for rank in range(1, _TOPICS + 1)))

    def articles(self, count: int) -> list[Article]:
        """The next `count`; no two are alike."""
        return [self._article() for _ in range(count)]

    def _names(self) -> list[str]:
        """18,000 capitalised words that are no word of the language."""
        consonants, vowels = "bcdfghjklmnprstvwz", "aeiou"
        names: dict[str, None] = {}
        while len(names) < 18_000:
            syllables = (
                self._dice.choice(consonants) + self._dice.choice(vowels) for _ in range(self._dice.choice((2, 2, 3)))
            )
            name = "".join(syllables) + self._dice.choice("klmnrst")
            if name not in self.ranks:
                names[name.capitalize()] = None
        return list(names)

    def _topic(self, names: list[str], content: list[str], weights: list[float]) -> Topic:
        dice = self._dice
        words: dict[str, None] = {}
        while len(words) < 60:
            words[dice.choices(content, cum_weights=weights)[0]] = None
        chosen = tuple(words)
        verb = f"{dice.choice(tuple(FORMS))}+{dice.choice(_PARTICLES)}"
        return Topic(
            words=chosen,
            names=tuple(dice.choices(names, k=8)),
            entities=tuple(" ".join(dice.choices(names, k=2)) for _ in range(4)),
            phrases=(*(" ".join(dice.choices(chosen[:20], k=2)) for _ in range(6)), verb),
        )

    def _article(self) -> Article:
        dice = self._dice
        source = dice.choice(SOURCES)
        if dice.random() < 0.03:
            return self._in_other_script(dice.choice(("tr", "ru", "ar", "zh", "ja"))) | {"source": source}
        topic = dice.choices(self.topics, cum_weights=self._popularity)[0]
        body = self._sentences(topic, self._length())
        return {
            "title": self._sentence(topic, dice.randint(6, 13)).rstrip(".?"),
            "summary": " ".join(self._sentences(topic, dice.randint(15, 50))),
            "content": "\n\n".join(" ".join(body[at : at + 3]) for at in range(0, len(body), 3)),
            "source": source,
            "lang": "en",
        }

    def _length(self) -> int:
        return int(min(_MAX_WORDS, self._dice.lognormvariate(5.83, 0.85)))

    def _sentences(self, topic: Topic, words: int) -> list[str]:
        sentences = []
        while words > 0:
            length = min(max(6, int(self._dice.gauss(20, 7))), 40)
            sentences.append(self._sentence(topic, length))
            words -= length
        return sentences

    def _sentence(self, topic: Topic, length: int) -> str:
        dice = self._dice
        words = dice.choices(self._english, cum_weights=self._cumulative["en"], k=length)
        shown = [self._punctuated(self._replaced(word, topic), words[number - 1]) for number, word in enumerate(words)]
        if dice.random() < 0.15:
            before, after = dice.choice(_QUOTES)
            first = dice.randrange(max(1, length - 4))
            shown[first] = before + shown[first]
            shown[-1] += after
        sentence = " ".join(shown)
        return sentence[:1].upper() + sentence[1:] + dice.choice("....?.")

    def _replaced(self, word: str, topic: Topic) -> str:
        """The word, or one time in four something of the topic."""
        dice = self._dice
        drawn = dice.random()
        if drawn < 0.16:
            return dice.choice(topic.words[:20] if dice.random() < 0.6 else topic.words)
        if drawn < 0.225:
            return dice.choice(topic.names if drawn < 0.21 else topic.entities)
        if drawn < 0.245:
            first, plus, second = dice.choice(topic.phrases).partition("+")
            return f"{dice.choice(FORMS[first])} {second}" if plus else first
        if drawn < 0.262:
            return dice.choice(_NUMBERS if drawn < 0.255 else _ABBREVIATIONS)
        return dice.choice(self._foreign) if drawn < 0.267 else word

    def _punctuated(self, word: str, other: str) -> str:
        dice = self._dice
        if "'" in word and dice.random() < 0.7:
            word = word.replace("'", "’")
        if word[:1].isupper() and dice.random() < 0.15:
            word += dice.choice(("’s", "'s"))
        drawn = dice.random()
        if drawn < 0.07:
            return word + ","
        if drawn < 0.081:
            return word + " –"
        return f"{word}-{other}" if drawn < 0.09 else word

    def _in_other_script(self, language: str) -> Article:
        length = int(min(_MAX_WORDS, self._dice.lognormvariate(5.5, 0.8)))
        title, summary, content = (self._other_sentences(language, words) for words in (8, 30, length))
        return {"title": title.rstrip(".。"), "summary": summary, "content": content, "lang": language}

    def _other_sentences(self, language: str, words: int) -> str:
        between, stop = ("", "。") if language in _UNSPACED else (" ", ".")
        sentences = []
        while words > 0:
            length = min(words, self._dice.randint(8, 20))
            drawn = self._dice.choices(self._words[language].words, cum_weights=self._cumulative[language], k=length)
            sentences.append(between.join(drawn) + stop)
            words -= length
        return " ".join(sentences)
