"""Where the sentences of a text begin and end; the one answer to that question, for rules and for excerpts alike.

sentencex finds the ends. It knows the abbreviations and full stops of many languages, and nothing of the rest of a
newspaper: what it gets wrong is put right here, with tables of what was measured to be wrong and no more.

- Quotes and brackets are taken out before it looks. It takes all between a pair for one sentence, however long.
- An end that is none is dropped: before a small letter ("Yahoo! shares"), after a title or another abbreviation that it
  does not know ("Amb. Ford"), after the number of a list's item, inside an address or a name ("ASP.NET").
- An end that it does not see because a word looks like an abbreviation is added ("It is not for me. Damascus …").

In doubt there is no end: a phrase that is not found is worse than one that reaches over a full stop. So there is none
in "at 5 a.m. Tuesday", in "the U.S. President", in "“Will he go?” Assad was asked", nor at an ellipsis.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any, NamedTuple

import regex
import sentencex

if TYPE_CHECKING:
    from collections.abc import Iterable

Span = tuple[int, int]

_TERMINATOR = regex.compile(r"[\p{Sentence_Terminal}…;]")  # ";" ends a question in Greek
_MANY = 4_000
"""Characters that sentencex gets at once: some of its searches take time with the square of the length."""
_NEAR = 200
"""Characters before and after an end that the repairs look at."""
_ASCII_ENDS = ".!?…"


def sentences(text: str, language: str) -> list[Span]:
    """[start, end) of every sentence, in order.

    None begins or ends with a blank or reaches over "\\n"; every character that is no blank is in one of them.

    Args:
        language: A BCP 47 tag; an unknown one, or "", is taken for English, which knows the full stops of all scripts.
    """
    tag = language.partition("-")[0].lower() or "en"
    found: list[Span] = []
    start = 0
    for line in text.split("\n"):
        if line and not line.isspace():
            found += _of_line(line, start, tag)
        start += len(line) + 1
    return found


def _of_line(line: str, offset: int, tag: str) -> list[Span]:
    cuts = _cuts(line, tag) if _TERMINATOR.search(line) else []
    found = []
    for start, end in zip([0, *cuts], [*cuts, len(line)], strict=True):
        piece = line[start:end]
        left = start + len(piece) - len(piece.lstrip())
        right = start + len(piece.rstrip())
        if left < right:
            found.append((offset + left, offset + right))
    return found


class _Line(NamedTuple):
    """A line as it is, and with blanks for what sentencex trips over."""

    text: str
    bare: str
    tag: str


def _cuts(text: str, tag: str) -> list[int]:
    """Where the sentences but the last end, in order."""
    line = _Line(text, _bare(text), tag)
    cuts: list[int] = []
    start = 0
    for end in _ends(line.bare, tag):
        cut = _past_closing(text, end)
        if cut > start and not _goes_on(line, start, end, cut):
            cuts.append(cut)
            start = cut
    return cuts


# -------------------------------------------------------------------------------------------------- what sentencex sees


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_APOSTROPHES = "'’‘"


def _is_hidden(char: str) -> bool:
    return char.isspace() or char in "\"'„‚" or unicodedata.category(char) in {"Ps", "Pe", "Pi", "Pf"}


# Other blanks than " " make it panic before "A."; quotes and brackets hide the ends inside them; a lone surrogate can
# not be handed to it.
_HIDDEN = re.compile(
    "["
    + re.escape("".join(char for char in map(chr, range(0x10000)) if char != " " and _is_hidden(char)))
    + "\u200b\u200e\u200f\u2060\ufeff\ud800-\udfff]"
)
# Words that it takes for abbreviations wherever they stand, and so never for the end of a sentence.
_WORDS = _words("arc art con etc ext fed I'll id ID ill ing me may May miss no ok Ok OK res they're we're you're")
_LONGEST = max(map(len, _WORDS)) + 2


def _bare(line: str) -> str:
    """The line in as many characters, with nothing in it that sentencex trips over."""
    return _HIDDEN.sub(_blank, line)


def _blank(found: re.Match[str]) -> str:
    at, line = found.start(), found.string
    inside = found[0] in _APOSTROPHES and line[at - 1 : at].isalnum() and line[at + 1 : at + 2].isalnum()
    return found[0] if inside else " "


def _ends(bare: str, tag: str) -> list[int]:
    """Offsets after the terminators (a full stop, a question mark …) at which a sentence may end, in order."""
    ends: set[int] = set()
    start = 0
    while start < len(bare):
        stop = _blank_at(bare, start + _MANY)
        for boundary in _boundaries(bare[start:stop], tag):
            end = start + boundary["end_index"]
            while end > start and bare[end - 1] == " ":
                end -= 1
            if end > start and (bare[end - 1] in _ASCII_ENDS or _TERMINATOR.match(bare, end - 1)):
                ends.add(end)
        start = stop
    _add_missed(bare, ends)
    return sorted(ends)


def _add_missed(bare: str, ends: set[int]) -> None:
    """Add the ends that sentencex does not see."""
    end = bare.find(". ") + 1
    while end:
        if end not in ends:
            word = bare[max(0, end - _LONGEST) : end - 1].rpartition(" ")[2]
            if word.replace("’", "'") in _WORDS and bare[end : end + _NEAR].lstrip()[:1].isupper():
                ends.add(end)
        end = bare.find(". ", end) + 1


def _boundaries(bare: str, tag: str) -> Iterable[Any]:
    try:
        found: Iterable[Any] = sentencex.get_sentence_boundaries(tag, bare)
    except BaseException as error:
        # A panic of its Rust code is no Exception. No bare text is known to cause one; if one does, the daemon goes on.
        if type(error).__name__ != "PanicException":
            raise
        return ()
    return found


def _blank_at(bare: str, at: int) -> int:
    """The first blank from there on, or the end; where none is near (Chinese has none) the place itself."""
    if at >= len(bare):
        return len(bare)
    found = bare.find(" ", at, at + _MANY)
    return at if found < 0 else found


# -------------------------------------------------------------------------------------------------------------- repairs

# What belongs to the sentence before: closing marks, and the number of a note. A mark that can also open closes only
# where no word follows it at once.
_CLOSING = regex.compile(r"(?:[\p{Pe}\p{Pf}]|[\p{Pi}\"'](?![\w\p{Ps}])|\[\d{1,3}\]|\s+»(?=\s|$))*", regex.VERSION1)
_NEXT_WORD = re.compile(r"[\W_]*(\w+)")

_CASELESS_SCRIPT = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}]")

# Before a name, which begins with a capital letter.
_TITLES = _words(
    "Adm Ald Amb Asst Atty Br Capt Cdr Chas Chmn Cllr Cmdr Col Comdr Commr Cpl Dr Drs E.g Ft Gen Gens Geo Gov Govs Hon "
    "Hons I.e Insp Jas Jos Lieut Lt Maj Messrs Mgr Mr Mrs Ms Mx Pres Prof Profs Pte Rep Reps Rev Revs Sen Sens Sgt "
    "Sgts Spc Ste Supt Supts Thos Treas Wm"
)
_TITLES_OF = {
    "de": _words("Frau Dipl Hl"),
    "es": _words("D Dña Cnel Tte Pte Mons"),
    "fr": _words("M MM Mme Mmes Mlle Mlles Me Mgr Dr Pr St Ste"),
    "it": _words("S"),
    "nl": _words("mevr"),
    "pl": _words("dr inż gen św im płk"),
    "pt": _words("D Profa Cel Av R"),
    "ru": _words("им ген св"),
    "tr": _words("Av Sn Hz"),
}
# Before a number.
_COUNTED = _words(
    "approx Approx avg ca ch Ch chap Chap est Est max Max nr Nr par Par pág pts Pts Rte tel Tel vol Vol vols Vols "
    "Abs Bd Kl Mon Tue Tues Wed Thu Thur Thurs Fri Sat Sun n n° nº рис"
)
# What is between two blanks and holds one of these is an address: a full stop inside it ends nothing.
_ADDRESS = regex.compile(r"://|www\.|[@/\\=#]", regex.IGNORECASE)
_DOMAINS = _words("com org net edu gov info html tv io co")
_RUN_ON = regex.compile(r"(?<=\p{Ll}{2}[.!?…]*)[.!?…][\p{Pe}\p{Pf}\"']*+[\p{Ps}\p{Pi}\"']?(\p{Lu}\p{Ll}+)(?!\w)")
_SAID = regex.compile(r"\s+(?:[\w.'’-]+,?\s+){1,4}?(?:said|says|asked|asks|told|wrote|replied|added)\b")


def _past_closing(text: str, end: int) -> int:
    if end == len(text) or (text[end] == " " and not text.startswith("»", end + 1)):  # nearly always
        return end
    found = _CLOSING.match(text, end)
    return int(found.end()) if found else end


def _goes_on(line: _Line, start: int, end: int, cut: int) -> bool:
    """Whether the sentence that begins at `start` goes on at `cut`, though there is a terminator before `end`."""
    mark = line.text[end - 1]
    if mark not in _ASCII_ENDS:
        return cut > end and line.text.startswith("と", cut)  # 「…。」と言った: "…", he said
    found = _NEXT_WORD.match(line.text, cut, cut + _NEAR)
    if found is None:
        return False
    word = found[1]
    if word[0].islower() and word.islower():  # "iPhone" may begin a sentence
        return True
    if not line.text[cut].isspace():
        return not _is_run_on(line, end, word)
    if cut == end and (mark == "…" or line.text.endswith("...", 0, end)):
        return True
    if mark == "." and _is_abbreviation(line, start, end, word):
        return True
    return mark in "!?" and cut > end and _SAID.match(line.text, cut) is not None


def _is_run_on(line: _Line, end: int, word: str) -> bool:
    """Whether a blank is missing after the full stop ("He left.She stayed"); else it is in a name or an address."""
    if _CASELESS_SCRIPT.match(word):
        return True
    begin, stop = max(0, end - _NEAR), end + _NEAR
    last = line.bare.find(" ", end, stop)
    if _ADDRESS.search(line.bare, max(begin, line.bare.rfind(" ", begin, end) + 1), stop if last < 0 else last):
        return False
    found = _RUN_ON.match(line.text, end - 1)
    return found is not None and found[1].lower() not in _DOMAINS


def _is_abbreviation(line: _Line, start: int, end: int, word: str) -> bool:
    """Whether the full stop before `end` belongs to the word before it; `word` is the next one."""
    bare = line.bare
    last = bare[bare.rfind(" ", max(start, end - _NEAR), end - 1) + 1 : end - 1].lstrip("-–—")
    if last.isdigit():  # the number of a list's item
        return len(last) <= 2 and not bare[start : end - 1 - len(last)].strip()
    if word[0].isdigit() and last in _COUNTED:
        return True
    return last in _TITLES or last in _TITLES_OF.get(line.tag, ())
