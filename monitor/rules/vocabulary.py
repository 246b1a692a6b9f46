"""Text ▸ code: a string in which each character stands for one word, and says which terms of the rules that word is.

All words that are no term of any rule are one and the same character, and words that are the same terms share theirs;
so a phrase is a search for a short string in a longer one, a position is an index, and the terms of an article are the
set of its characters. News repeats its words: each piece between two blanks is tokenised, folded and compared with all
terms once per rule set, not once per article, and wildcards and word forms cost no more than plain words.
"""

from __future__ import annotations

import fnmatch
import re
from collections import defaultdict
from functools import lru_cache
from sys import intern
from threading import Lock
from typing import TYPE_CHECKING

import regex

from monitor.rules.tokens import FIRST_UNSPACED, LETTER_APOSTROPHE, UNSPACED, tokenize
from monitor.rules.tree import MAX_DISTANCE, Exact, Forms, Plain, Wildcard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from monitor.rules.tokens import Token
    from monitor.rules.tree import TokenTest

OTHER = "\x00"  # a word that is no term
BREAK = "\n"  # the end of a block
STOP = "\x03"  # a sentence may end here; not a position
FIELD_END = "\x04"
# Nothing reaches over it.
FIELD_BORDER = BREAK * MAX_DISTANCE + FIELD_END
_FIRST_CLASS = 16
_SURROGATES = range(0xD800, 0xE000)

# As pieces of a text, which has no control characters of its own.
_BREAK_PIECE, _STOP_PIECE, _BORDER_PIECE = "\x02", "\x03", "\x04"
_BORDER = f" {_BORDER_PIECE} "
_CONTROLS = str.maketrans(dict.fromkeys((_BREAK_PIECE, _STOP_PIECE, _BORDER_PIECE), " "))

_MAX_MEMO_ENTRIES = 250_000
_MAX_MEMO_NAMES = 10_000
_MAX_MEMO_PIECE = 48  # longer ones are addresses and unspaced scripts, which do not come again

_SIGNS = {_BREAK_PIECE: BREAK, _STOP_PIECE: STOP, _BORDER_PIECE: FIELD_BORDER}


class _Codes(dict[str, str]):
    """Piece of a simplified text ▸ its code. A full memo starts afresh; the common words are soon back."""

    def __init__(self, read: Callable[[str], str]) -> None:
        super().__init__(_SIGNS)
        self._read = read

    def __missing__(self, piece: str) -> str:
        bare = piece.rstrip(".,'")
        if bare is piece or not bare:
            code = self._read(piece)
        else:
            code = self[bare] + STOP if "." in piece[len(bare) :] else self[bare]
        if len(piece) <= _MAX_MEMO_PIECE:
            if len(self) >= _MAX_MEMO_ENTRIES:
                self.clear()
                self.update(_SIGNS)
            code = self[piece] = intern(code)
        return code


class _TermsOfCode(dict[str, tuple[int, ...]]):
    """Code ▸ the numbers of its terms. A character never changes its meaning."""

    def __init__(self, of_char: dict[str, tuple[int, ...]]) -> None:
        super().__init__()
        self._of_char = of_char

    def __missing__(self, code: str) -> tuple[int, ...]:
        bare = code.rstrip(STOP)
        if len(bare) == 1:  # nearly always
            terms = self._of_char[bare]
        else:
            terms = tuple({term for char in bare for term in self._of_char[char]})
        if len(code) <= _MAX_MEMO_PIECE:
            if len(self) >= _MAX_MEMO_ENTRIES:
                self.clear()
            self[code] = terms
        return terms


# None of these is part of a token where it stands, except that ’ is ' inside a word.
_TYPOGRAPHIC = (
    ("’", "'"),
    ("“", " "),
    ("”", " "),
    ("‘", " "),
    ("—", " "),
    ("–", " "),
    ("\u00a0", " "),
    ("…", _STOP_PIECE),
)
_APART = {**dict.fromkeys('"()-/:;<>=*[]{}|_&~^`\\', " "), **dict.fromkeys("?!", _STOP_PIECE)}
_APART_TABLE = str.maketrans(_APART)


def simplified(text: str) -> str:
    """A text with the same words in fewer different pieces; block ends and stops are pieces of their own."""
    # Replacing single characters is quick, and `translate` is for ASCII; what needs two to be told is left to the memo.
    if not text.isascii():
        for old, new in _TYPOGRAPHIC:
            text = text.replace(old, new)
    if text.isascii():
        text = text.translate(_APART_TABLE)
    else:
        for old, new in _APART.items():
            text = text.replace(old, new)
    return text.replace(_STOP_PIECE, f" {_STOP_PIECE} ").replace("\n", f" {_BREAK_PIECE} ")


# Every character at which a sentence may end, and more; what really is an end `monitor.sentences` says.
_TERMINATOR = regex.compile(r"[\p{Sentence_Terminal}…]")


class Vocabulary:
    """The terms that the rules ask for, numbered. Complete before the first text is encoded; threads may share it.

    Attributes:
        chars: For each term, the characters of codes that stand for it, among those used so far.
        terms: For each character used so far, the numbers of the terms that it is.
    """

    def __init__(self) -> None:
        self.chars: list[tuple[str, ...]] = []
        self.terms: dict[str, tuple[int, ...]] = {OTHER: (), BREAK: (), FIELD_END: (), STOP: ()}
        self._numbers: dict[TokenTest, int] = {}
        self._by_form: dict[str, tuple[int, ...]] = {}
        self._by_exact: dict[str, tuple[int, ...]] = {}
        self._wildcards = Wildcards()
        self._classes: dict[tuple[int, ...], str] = {(): OTHER}
        self._next_class = _FIRST_CLASS
        self._lock = Lock()
        self._codes = _Codes(self._read)
        self._terms_of_code = _TermsOfCode(self.terms)
        self._terms_of_name: dict[str, frozenset[int]] = {}

    def number(self, test: TokenTest) -> int:
        number = self._numbers.get(test)
        if number is None:
            number = self._numbers[test] = len(self.chars)
            self.chars.append(())
            match test:
                case Plain():
                    self._add(self._by_form, test.term, number)
                case Forms():
                    for word in test.words:
                        self._add(self._by_form, word, number)
                case Exact():
                    self._add(self._by_exact, test.text, number)
                case Wildcard():
                    self._wildcards.add(test.pattern, number)
        return number

    def complete(self) -> tuple[TokenTest, ...]:
        """The terms by their numbers. There will be no more, so how they are found is forgotten."""
        tests = tuple(self._numbers)
        del self._numbers
        return tests

    def encode(self, texts: Iterable[str]) -> list[str]:
        """The words, block ends and stops of the texts, a character each, in pieces; `FIELD_BORDER` between two texts.

        Pieces that are the same are one object.
        """
        text = simplified(_BORDER.join(map(_without_controls, texts)))
        if not self._by_exact and text.isascii():
            text = text.lower()  # fewer different pieces
        return list(map(self._codes.__getitem__, text.split()))

    def terms_in(self, codes: Iterable[str]) -> set[int]:
        """The numbers of the terms that pieces of code stand for."""
        return set().union(*map(self._terms_of_code.__getitem__, codes))

    def terms_of_name(self, name: str) -> frozenset[int]:
        """The numbers of the terms in a feed's name; there are few names, and many articles of each."""
        terms = self._terms_of_name.get(name)
        if terms is None:
            if len(self._terms_of_name) >= _MAX_MEMO_NAMES:
                self._terms_of_name.clear()
            terms = self._terms_of_name[name] = frozenset(self.terms_in(set(self.encode([name]))))
        return terms

    def spans(self, piece: str) -> tuple[tuple[int, int], ...]:
        """[start, end) of each token of a piece between blanks of a text as it stands."""
        return _spans(piece)

    @staticmethod
    def _add(table: dict[str, tuple[int, ...]], key: str, number: int) -> None:
        table[key] = (*table.get(key, ()), number)

    def _read(self, piece: str) -> str:
        word = piece.removesuffix("'s")
        if word.isalnum() and word.isascii():  # one bare word is by far the most common, and needs no grammar
            folded = word.lower()
            terms = self._by_form.get(folded, ())
            if self._by_exact:
                terms += self._by_exact.get(word, ())
            terms += self._wildcards.matching(folded)
            return self._char(terms) if terms else OTHER
        units = _units(piece)
        if len(units) > 1:
            return "".join(map(self._codes.__getitem__, units))
        codes: list[str] = []
        end = 0
        for token in tokenize(piece):
            if token.start > end and _TERMINATOR.search(piece, end, token.start):
                codes.append(STOP)
            codes.append(self._char(self._terms_of(token)))
            end = token.end
        if end < len(piece) and _TERMINATOR.search(piece, end):
            codes.append(STOP)
        return "".join(codes)

    def _terms_of(self, token: Token) -> tuple[int, ...]:
        terms = self._by_form.get(token.folded, ())
        if token.signed:
            terms += self._by_form.get(token.signed, ())
        if self._by_exact:
            terms += self._by_exact.get(token.exact, ())
            if token.signed:
                terms += self._by_exact.get(token.signed_exact, ())
        return terms + self._wildcards.matching(token.folded)

    def _char(self, terms: tuple[int, ...]) -> str:
        char = self._classes.get(terms)
        return self._new_char(terms) if char is None else char

    def _new_char(self, terms: tuple[int, ...]) -> str:
        with self._lock:
            if terms not in self._classes:
                char = chr(self._next_class)
                self._next_class += 1
                if self._next_class == _SURROGATES.start:
                    self._next_class = _SURROGATES.stop
                self.terms[char] = terms
                for term in terms:
                    self.chars[term] = (*self.chars[term], char)
                self._classes[terms] = char
            return self._classes[terms]


def _without_controls(text: str) -> str:
    if _BREAK_PIECE in text or _STOP_PIECE in text or _BORDER_PIECE in text:
        return text.translate(_CONTROLS)
    return text


# What can be read by itself where words are not divided by blanks: each unspaced character, and what stands between two
# of them. If that has a sign, which belongs to a word or does not depending on its neighbours, those go with it.
_UNSPACED_CHAR = rf"[{UNSPACED}]\p{{M}}*"
_SPACED = rf"[^{UNSPACED}]"
_SIGN = "[#@.$€£+%'’＇]"
_UNIT = regex.compile(
    rf"(?:{_UNSPACED_CHAR})?{_SPACED}*{_SIGN}{_SPACED}*(?:{_UNSPACED_CHAR}{_SPACED}+)*(?:{_UNSPACED_CHAR})?"
    rf"|{_UNSPACED_CHAR}|{_SPACED}+",
    regex.VERSION1,
)


def _units(piece: str) -> list[str]:
    """The piece, or, where it has unspaced characters, parts of it that are read alike by themselves."""
    if piece.isascii() or max(piece) < FIRST_UNSPACED or LETTER_APOSTROPHE in piece:
        return [piece]
    units: list[str] = _UNIT.findall(piece)
    return units


@lru_cache(maxsize=20_000)
def _spans(piece: str) -> tuple[tuple[int, int], ...]:
    return tuple((token.start, token.end) for token in tokenize(piece))


class Wildcards:
    """Patterns over words; which of them a word is takes a few look-ups, however many there are.

    "pre*" and "*fix" are kept by their letters; others under three neighbouring letters that a word must have (or two,
    or one, where the pattern has no more).
    """

    def __init__(self) -> None:
        self._prefixes = _Affixes(lambda word, length: word[:length])
        self._suffixes = _Affixes(lambda word, length: word[-length:])
        self._grams: dict[int, dict[_Gram, list[tuple[Callable[[str], object], int]]]] = {}

    def add(self, pattern: str, number: int) -> None:
        literal = pattern.strip("*")
        if pattern == f"{literal}*" and not _WILD.search(literal):
            self._prefixes.add(literal, number)
        elif pattern == f"*{literal}" and not _WILD.search(literal):
            self._suffixes.add(literal, number)
        else:
            gram = tuple(max(_WILD.split(pattern), key=len)[:3])
            self._grams.setdefault(len(gram), defaultdict(list))[gram].append((_test(pattern, literal), number))

    def matching(self, word: str) -> tuple[int, ...]:
        """The numbers of the patterns that the whole word is."""
        found: tuple[int, ...] = ()
        prefixes, suffixes = self._prefixes, self._suffixes
        # Most words are none of them, which these look-ups tell.
        if word[: prefixes.shortest] in prefixes.cut:
            found += prefixes.matching(word)
        if word[-suffixes.shortest :] in suffixes.cut:
            found += suffixes.matching(word)
        for length, table in self._grams.items():
            if not table.keys().isdisjoint(_grams(word, length)):
                for gram in table.keys() & _grams(word, length):
                    found += tuple(number for test, number in table[gram] if test(word))
        return found


class _Affixes:
    """Beginnings, or ends, of words.

    Attributes:
        shortest: How many letters the shortest has.
        cut: All of them, cut to that.
    """

    def __init__(self, cut: Callable[[str, int], str]) -> None:
        self.shortest = 1
        self.cut: set[str] = set()
        self._of = cut
        self._numbers: dict[str, tuple[int, ...]] = {}
        self._lengths: list[int] = []

    def add(self, literal: str, number: int) -> None:
        self._numbers[literal] = (*self._numbers.get(literal, ()), number)
        if len(literal) not in self._lengths:
            self._lengths = sorted([*self._lengths, len(literal)])
        if self.shortest != self._lengths[0]:
            self.shortest = self._lengths[0]
            self.cut = {self._of(known, self.shortest) for known in self._numbers}
        self.cut.add(self._of(literal, self.shortest))

    def matching(self, word: str) -> tuple[int, ...]:
        """The numbers of those that the word has."""
        found: tuple[int, ...] = ()
        for length in self._lengths:
            if length > len(word):
                break
            found += self._numbers.get(self._of(word, length), ())
        return found


_WILD = re.compile(r"[*?]")
_Gram = tuple[str, ...]


def _grams(word: str, length: int) -> Iterable[_Gram]:
    """The stretches of so many letters."""
    if length == 3:
        return zip(word, word[1:], word[2:], strict=False)
    return zip(*(word[at:] for at in range(length)), strict=False)


def _test(pattern: str, literal: str) -> Callable[[str], object]:
    """What tells whether a word is the pattern; `literal` is the pattern without stars around it."""
    if pattern == f"*{literal}*" and not _WILD.search(literal):
        return lambda word: literal in word
    return compiled_wildcard(pattern).match


def compiled_wildcard(pattern: str) -> re.Pattern[str]:
    """A regular expression that matches what the wildcard does; it never backtracks over a star (`fnmatch`)."""
    return re.compile(fnmatch.translate(re.sub(r"\*+", "*", pattern).replace("[", "[[]")))
