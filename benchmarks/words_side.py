"""Word frequencies from `wordfreq`, as JSON: {language: [[word…], [frequency…]]}. Runs in `.venv-bench`."""

from __future__ import annotations

import json
import re

from wordfreq import get_frequency_dict

_ENGLISH_WORDS = 50_000
_OTHER_WORDS = 8_000


def _main() -> None:
    english = get_frequency_dict("en", wordlist="large")
    plain = (
        word for word in sorted(english, key=lambda word: -english[word]) if re.fullmatch("[a-z]+('[a-z]+)?", word)
    )
    chosen = [word for word, _ in zip(plain, range(_ENGLISH_WORDS), strict=False)]
    words = {"en": [chosen, [english[word] for word in chosen]]}
    for language in ("fr", "es", "de", "tr", "ru", "ar", "zh", "ja"):
        frequencies = get_frequency_dict(language)
        chosen = sorted(frequencies, key=lambda word: -frequencies[word])[:_OTHER_WORDS]
        words[language] = [chosen, [frequencies[word] for word in chosen]]
    print(json.dumps(words))


if __name__ == "__main__":
    _main()
