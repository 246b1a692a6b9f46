"""A word or phrase of a query ▸ what each of its tokens is compared with.

`monitor.rules.tokens` decides what a token is, so that query and text are cut alike; a wildcard is hidden from it in a
letter.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from functools import lru_cache
from sys import intern
from typing import TYPE_CHECKING

import regex

from monitor.errors import QueryError
from monitor.rules.forms import forms as forms_of
from monitor.rules.keys import LANGUAGE
from monitor.rules.tokens import UNSPACED, scan
from monitor.rules.tree import Exact, Forms, Plain, Wildcard

if TYPE_CHECKING:
    from monitor.rules.tokens import Token
    from monitor.rules.tree import TokenTest

_NOWHERE: frozenset[int] = frozenset()
# Two letters of a script that nobody can read (Linear A) stand for * and ? while the text is cut.
_STAR, _ONE = "\U00010600", "\U00010601"
_HIDDEN = re.compile(f"[{_STAR}{_ONE}]")
_SHOWN = str.maketrans({_STAR: "*", _ONE: "?"})
# At the edge of a word a ? is punctuation.
_INNER_MARKS = regex.compile(r"(?<=[\w\p{M}*])\?+(?=[\w\p{M}*])")
_ENDS_UNSPACED = regex.compile(rf"[{UNSPACED}]\p{{M}}*\Z")
_BEGINS_UNSPACED = regex.compile(rf"[{UNSPACED}]")
_LANGUAGE = re.compile(LANGUAGE)
_SENTENCE_END = re.compile(r"[.!?…。！？｡؟۔।]")
# Inside a word these separate its tokens; anything else there is more likely a slip than meant.
_SEPARATORS = frozenset("-‐‑–./&'’_@:+#$€£%·")


def read_term(
    text: str, at: int, *, exact: bool = False, forms: bool = False, is_phrase: bool = False
) -> tuple[tuple[TokenTest, ...], frozenset[int]]:
    """The tests of a Term, and before which of them a sentence may end.

    Args:
        text: Without quotes and signs of operators.
        at: Its place in the query.

    Raises:
        QueryError: a wildcard that cannot be, a character that does not belong into a word, or no word at all.
    """
    if text.isascii():  # most terms are bare words or phrases of them, and need no grammar
        if text.isalnum():
            return (_plain(text, exact=exact, forms=forms),), _NOWHERE
        if is_phrase and text.replace(" ", "").isalnum():
            return tuple(_plain(word, exact=exact, forms=forms) for word in text.split()), _NOWHERE
        if len(text) > 2 and text[-1] == "*" and text[:-1].isalnum() and not exact and not forms:
            return (Wildcard(text.lower()),), _NOWHERE
    hidden = _hide(text) if "*" in text or "?" in text else text
    tokens = scan(hidden)
    if not is_phrase:
        _refuse_strays(text, at, tokens)
    if not tokens:
        if is_phrase:  # its quotes are pointed at too
            message, start, end = "this phrase has no letter or digit to search for", max(0, at - 1), at + len(text) + 1
        else:
            message, start, end = f"'{text[:40]}' has no letter or digit to search for", at, at + len(text)
        raise QueryError(message, start, end, hint=_instead_of_signs(text))
    if exact:
        _refuse_wildcards(text, hidden, at)
        hidden = unicodedata.normalize("NFC", text)
        tokens = scan(hidden)
        return tuple(Exact(token.signed_exact or token.exact) for token in tokens), _crosses(hidden, tokens)
    tests = tuple(_test(token, text, hidden, at, forms=forms) for token in tokens)
    if forms and not any(isinstance(test, Forms) for test in tests):
        message = "~ finds the forms of a word, and there is none here without a wildcard or sign"
        raise QueryError(message, at, at + len(text), hint=f"leave the ~ out: {text[:60]}")
    return tests, _crosses(hidden, tokens)


def _instead_of_signs(text: str) -> str:
    if set(text) <= set("?*"):
        return "write it after the beginning of a word, or inside one: sanction*, organi?ation"
    if text.isascii():
        return "leave it out"
    return r"leave it out; a sign by itself is found by a regular expression: /" + text[:20].replace("/", r"\/") + "/"


def read_label(text: str, at: int, *, field: str, is_phrase: bool) -> tuple[TokenTest, ...]:
    """The tests of a Term of a label field, where `text` as a whole is compared and "*" is any characters.

    Raises:
        QueryError: like `read_term`.
    """
    tokens = scan(text)
    _refuse_label(text, at, field)
    if not is_phrase:
        _refuse_strays(text, at, tokens, allowed="*")
    if not tokens:
        raise QueryError(f"{field}: needs a letter or digit, not only {text[:40]!r}", at, at + len(text))
    return tuple(Plain(token.signed or token.folded) for token in tokens)


def _refuse_label(text: str, at: int, field: str) -> None:
    """Refuse what no article can have as this label."""
    if field == "domain" and "/" in text:
        host = text[: text.index("/")]
        message = "domain: is compared with the host alone, which has no path"
        raise QueryError(
            message,
            at + len(host),
            at + len(text),
            hint=f"write domain:{host}; a word of the path is found by url:word",
        )
    if field == "lang" and "*" not in text and not _LANGUAGE.fullmatch(text):
        hint = "write its BCP 47 tag: lang:en, lang:de, lang:pt-br"
        raise QueryError(f"'{text[:40]}' is no language", at, at + len(text), hint=hint)


def _plain(word: str, *, exact: bool, forms: bool) -> TokenTest:
    if exact:
        return Exact(intern(word))
    # Rules of one desk have many words in common.
    folded = intern(word.lower())
    return _form(folded) if forms else Plain(folded)


@lru_cache(maxsize=10_000)
def _form(word: str) -> Forms:
    return Forms(word, forms_of(word))


def _hide(text: str) -> str:
    marked = _INNER_MARKS.sub(lambda found: _ONE * len(found[0]), text) if "?" in text else text
    return marked.replace("*", _STAR)


def _test(token: Token, text: str, hidden: str, at: int, *, forms: bool) -> TokenTest:
    if _HIDDEN.search(token.folded) and hidden is not text:
        return _wildcard(token, text, hidden, at)
    if forms and not token.signed:
        return _form(token.folded)
    return Plain(token.signed or token.folded)


def _wildcard(token: Token, text: str, hidden: str, at: int) -> Wildcard:
    pattern = re.sub(r"\*+", "*", token.folded.translate(_SHOWN))
    start, end = at + token.start, at + token.end
    shown = text[token.start : token.end]
    letters = sum(character not in "*?" for character in pattern)
    if letters == 0:
        raise _alone(token, text, hidden, at)
    if letters < 2:
        hint = "it needs at least two letters or digits: sanction* finds every word that begins with sanction"
        raise QueryError(f"the wildcard {shown!r} is too short", start, end, hint=hint)
    if token.signed:
        bare = shown.strip("#@.$€£+%")
        message = f"a wildcard is compared with letters and digits only, without the sign of {shown!r}"
        raise QueryError(message, start, end, hint=f"write {bare}")
    return Wildcard(pattern)


def _alone(token: Token, text: str, hidden: str, at: int) -> QueryError:
    start, end = at + token.start, at + token.end
    before, after = hidden[: token.start].translate(_SHOWN), hidden[token.end :].translate(_SHOWN)
    if _ENDS_UNSPACED.search(before, max(0, len(before) - 5)) or _BEGINS_UNSPACED.match(after):
        message = "a wildcard has no use in a script without spaces: its words are found inside longer text too"
        word, rest = before.strip("*? "), after.strip("*? ")
        if word and rest:
            return QueryError(message, start, end, hint=f"write {_quoted(word)} BEFORE/10 {_quoted(rest)}")
        return QueryError(message, start, end, hint=f"write {_quoted(word or rest)}")
    sign = text[token.start]
    if before.strip("*? ") and after.strip("*? ") and len(text) < 100:
        hint = f"for any word between others write {_quoted(before.strip())} BEFORE/2 {_quoted(after.strip())}"
    else:
        hint = "leave it out, or write it without a space after the beginning of a word: sanction*"
    return QueryError(f"{sign} alone stands for no word", start, end, hint=hint)


def _quoted(text: str) -> str:
    return text if text.isalnum() else f'"{text}"'


def _refuse_wildcards(text: str, hidden: str, at: int) -> None:
    found = _HIDDEN.search(hidden) if hidden is not text else None
    if found:
        sign = text[found.start()]
        hint = f"leave out the = to find the words in any case, or the {sign} to find just this spelling"
        raise QueryError(f"= and {sign} do not go together", at + found.start(), hint=hint)


def _refuse_strays(text: str, at: int, tokens: list[Token], *, allowed: str = "") -> None:
    covered = 0
    for token in tokens:
        if token.start > covered:
            _refuse_stray(text, at, covered, token.start, allowed)
        covered = token.end
    if tokens and covered < len(text):
        _refuse_stray(text, at, covered, len(text), allowed)


def _refuse_stray(text: str, at: int, start: int, end: int, allowed: str) -> None:
    """The characters between two tokens of a word, or after its last one."""
    for place in range(start, end):
        character = text[place]
        if character in _SEPARATORS or character in allowed:
            continue
        if character in ",;":
            hint = "words side by side must all be there; for any of them write a OR b"
        elif character == "?" and not allowed:
            word = text.strip("?")
            hint = f'write {word}* for any ending; where it is punctuation put the text in quotes: "{text[:60]}"'
            raise QueryError("? stands for one letter inside a word, not at its edge", at + place, hint=hint)
        else:
            hint = "put the text in double quotes if you want it literally"
        if character == "\\":
            hint = rf"a regular expression goes between slashes: /{text[:60]}/"
        shown = "'" + (character if character.isprintable() else f"U+{ord(character):04X}") + "'"
        raise QueryError(f"unexpected character {shown}", at + place, hint=hint)


def _crosses(text: str, tokens: list[Token]) -> frozenset[int]:
    if len(tokens) == 1 or not _SENTENCE_END.search(text):
        return _NOWHERE
    pairs = enumerate(itertools.pairwise(tokens), start=1)
    return frozenset(number for number, (one, next_) in pairs if _SENTENCE_END.search(text, one.end, next_.start))
