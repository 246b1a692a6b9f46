"""Query text ▸ lexemes: where each piece begins and ends, and every fault that one piece alone can have.

What other products write and this language does not is told by `monitor.rules.dialects`; what a word or phrase asks for
is found out later, by `monitor.rules.terms`, because it depends on the field.
"""

from __future__ import annotations

import re
from sys import intern

from monitor.errors import QueryError
from monitor.rules.dialects import refuse_other_word, truncation
from monitor.rules.lexemes import (
    FIELD,
    LOWER_OPERATORS,
    OPERATORS,
    QUOTES,
    RESERVED,
    Kind,
    Lexeme,
    chunk_at,
    number_of,
    one_line,
    weight_of,
)
from monitor.rules.operators import field_at, list_at, operator_at
from monitor.rules.tree import FIELD_NAMES

# Most of most queries: plain words, words with a * at the end and plain phrases, which need no further look.
_PLAIN = re.compile(
    r"""
    \s*(?:
        (?P<word>[^\W\d_]+\*?) (?P<word_forms>~)? (?=[\s)]|\Z)
      | (?P<open>\()
      | (?P<close>\)) (?![~^])
      | "(?P<phrase>[^\W_]+(?:\ [^\W_]+)*)" (?P<phrase_forms>~)? (?=[\s)]|\Z)
      | (?P<field>[a-z]+): (?=[^\s)])
      | (?P<minus>-) (?=[^\W\d_]|["(])
    )
    """,
    re.VERBOSE,
)
_SPACE = re.compile(r"(?:\s+|(?<!\S)#(?:[^\S\n][^\n]*)?(?=\n|\Z)|<<<.*?>>>)+", re.DOTALL)
_PHRASE = re.compile(rf"[{QUOTES}]([^{QUOTES}]*)[{QUOTES}]")
# A slash in a [character class] does not end the pattern; where that cannot be read, the class is what is broken.
_REGEX = (
    re.compile(r"/((?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.){0,500}\])*)/(\w*)"),
    re.compile(r"/((?:[^/\\\n]|\\.)*)/(\w*)"),
)


def lex(query: str) -> list[Lexeme]:
    """The lexemes of `query`; the last is its END.

    Raises:
        QueryError: a piece is broken, or is an operator that does not exist.
    """
    lexemes: list[Lexeme] = []
    opened: list[int] = []  # numbers of those parentheses that are not closed yet
    at = 0
    while at < len(query):
        found = _PLAIN.match(query, at)
        lexeme = (_plain(found) if found else None) or _lexeme(query, at)
        if lexeme.kind is Kind.OPEN:
            opened.append(len(lexemes))
        elif lexeme.kind is Kind.CLOSE and opened:
            number = opened.pop()
            if lexeme.weight != 1.0:
                lexemes[number] = lexemes[number]._replace(weight=lexeme.weight)
        lexemes.append(lexeme)
        at = lexeme.end
    if not lexemes or lexemes[-1].kind is not Kind.END:
        lexemes.append(Lexeme(Kind.END, at, at))
    return lexemes


_BRACKETS = {"open": Kind.OPEN, "close": Kind.CLOSE, "minus": Kind.NOT}


def _plain(found: re.Match[str]) -> Lexeme | None:
    """None where it needs a further look after all."""
    group, end = found.lastgroup or "", found.end()
    if group == "word":
        return _plain_word(found["word"], found.start("word"), end, forms=False)
    if group in _BRACKETS:
        return Lexeme(_BRACKETS[group], end - 1, end)
    if group == "field":
        name = found["field"]
        return Lexeme(Kind.FIELD, found.start("field"), end, name) if name in FIELD_NAMES else None
    if group == "word_forms":
        return _plain_word(found["word"], found.start("word"), end, forms=True)
    start = found.start("phrase")
    return Lexeme(Kind.PHRASE, start - 1, end, found["phrase"], start, forms=group == "phrase_forms")


def _plain_word(word: str, start: int, end: int, *, forms: bool) -> Lexeme | None:
    if not word.islower() or word in LOWER_OPERATORS:
        if word in OPERATORS and not forms:
            return Lexeme(OPERATORS[word], start, end)
        if word in RESERVED or word.lower() in LOWER_OPERATORS:
            return None
    return Lexeme(Kind.WORD, start, end, intern(word), start, forms=forms)


def _lexeme(query: str, at: int) -> Lexeme:
    space = _SPACE.match(query, at)
    if space:
        at = space.end()
    match query[at : at + 1]:
        case "":
            return Lexeme(Kind.END, at, at)
        case "(":
            return Lexeme(Kind.OPEN, at, at + 1)
        case ")":
            return _close(query, at)
        case "/":
            return _regex(query, at)
        case mark if mark in QUOTES:
            return _phrase(query, at, exact=False)
        case first:
            return _signed(query, at, first)


def _signed(query: str, at: int, first: str) -> Lexeme:
    """What begins with no bracket, quotation mark or slash."""
    if query.startswith("<<<", at):
        raise QueryError("this comment is never closed", at, at + 3, hint="add >>> at its end")
    chunk = chunk_at(query, at) or first
    if first == "-":
        return _minus(query, at, chunk)
    if first == "=":
        return _exact(query, at, chunk)
    if first == "@" and len(chunk) > 1:
        return list_at(at, chunk)
    if chunk in OPERATORS:
        return Lexeme(OPERATORS[chunk], at, at + len(chunk))
    return operator_at(query, at, chunk) or field_at(query, at) or _word(query, at, chunk)


# ------------------------------------------------------------------------------------------------- brackets and quotes


def _close(query: str, at: int) -> Lexeme:
    """A closing parenthesis with its weight; a "~" after it is kept for the parser, which knows the group."""
    end = at + 1
    found = re.compile(r"~+\d*").match(query, end)
    if found:
        return Lexeme(Kind.CLOSE, at, found.end(), found[0])
    if query.startswith("^", end):
        tail = chunk_at(query, end)
        return Lexeme(Kind.CLOSE, at, end + len(tail), weight=weight_of(tail[1:], end + 1))
    return Lexeme(Kind.CLOSE, at, end)


def _phrase(query: str, at: int, *, exact: bool) -> Lexeme:
    """`at` is that of the opening quotation mark."""
    found = _PHRASE.match(query, at)
    if found is None:
        hint = 'add a closing " at the end of the phrase'
        raise QueryError("this quotation mark is never closed", at, len(query), hint=hint)
    text, end = found[1], found.end()
    if not text.strip():
        raise QueryError("empty phrase", at, end, hint="write the words between the quotes, or leave the quotes out")
    start = at - 1 if exact else at
    inside = re.search(r"\w~(?=\s|\Z)", text)
    if inside:
        place = found.start(1) + inside.start() + 1
        hint = f'write it after the quotes: "{one_line(text.replace("~", ""))}"~'
        raise QueryError("~ has no meaning inside quotes", place, hint=hint)
    lexeme = Lexeme(Kind.PHRASE, start, end, text, found.start(1), exact)
    if end < len(query) and query[end] in "~^*":
        return _with_suffix(query, lexeme)
    return lexeme


_SUFFIX = re.compile(r"(?:~(\d*))?(?:\^(.*))?", re.DOTALL)


def _with_suffix(query: str, phrase: Lexeme) -> Lexeme:
    end = phrase.end
    tail = chunk_at(query, end)
    quoted = f'"{one_line(phrase.value)}"'
    found = _SUFFIX.fullmatch(tail)
    if found is None:
        if tail.startswith("*"):
            raise QueryError("a * stands inside the quotes", end, hint=f'write {quoted[:-1]}*"')
        message = f"{tail!r} after a phrase cannot be read"
        hint = f"{quoted}~ finds every form of its words, {quoted}~5 up to 5 other words among them; not both"
        raise QueryError(message, end, end + len(tail), hint=hint)
    slop = number_of(found[1]) if found[1] else None
    if slop is not None and slop > 100:
        message = f"at most 100 other words may stand among those of a phrase, not {found[1][:20]}"
        raise QueryError(message, end, found.end(1) + end, hint=f"write {quoted}~100")
    weight = 1.0 if found[2] is None else weight_of(found[2], end + found.start(2))
    forms = found[1] == ""
    if phrase.exact and (forms or slop is not None):
        raise _exact_and(quoted, "~", end)
    return phrase._replace(end=end + len(tail), forms=forms, slop=slop, weight=weight)


def _regex(query: str, at: int) -> Lexeme:
    found = _REGEX[0].match(query, at) or _REGEX[1].match(query, at)
    if found is None:
        distance = re.compile(r"/(?:(\d+)|s|(p))(?=\s)").match(query, at)
        if distance:
            ours = f"NEAR/{distance[1]}" if distance[1] else "SAME" if distance[2] else "w/s"
            message = f"{distance[0]} is not an operator here, and as a regular expression it is never closed"
            raise QueryError(message, at, distance.end(), hint=f"write {ours}")
        hint = r'close it with / on the same line (\/ is a slash inside); a path goes in quotes: "/a/b"'
        raise QueryError("this regular expression is never closed", at, len(query), hint=hint)
    pattern, flags, end = found[1], found[2], found.end()
    if not pattern:
        raise QueryError("empty regular expression", at, end, hint=r"write a pattern between the slashes: /CVE-\d+/")
    wrong = next((offset for offset, flag in enumerate(flags) if flag not in "ims"), None)
    if wrong is not None:
        place = found.start(2) + wrong
        hint = 'there are i (any case), m and s; a path goes in quotes: "/a/b"'
        raise QueryError(f"a regular expression has no flag {flags[wrong]!r}", place, hint=hint)
    weight = 1.0
    if query.startswith("^", end):
        tail = chunk_at(query, end)
        weight = weight_of(tail[1:], end + 1)
        end += len(tail)
    elif query.startswith(("~", "*"), end):
        hint = "write every form into the pattern: /(step|steps)/"
        raise QueryError(f"{query[end]} does not go with a regular expression", end, hint=hint)
    if end < len(query) and not query[end].isspace() and query[end] != ")" and not query.startswith("<<<", end):
        raise QueryError("a space is expected after a regular expression", end, hint=r"write \/ for a slash inside it")
    return Lexeme(Kind.REGEX, at, end, pattern, weight=weight, flags=flags)


def _minus(query: str, at: int, chunk: str) -> Lexeme:
    after = query[at + 1 : at + 2]
    if not after or after.isspace() or after in "-)":
        hint = 'to exclude a word write -word or NOT word; a dash between words needs quotes: "a - b"'
        raise QueryError("this dash excludes nothing", at, at + len(chunk), hint=hint)
    return Lexeme(Kind.NOT, at, at + 1)


# --------------------------------------------------------------------------------------------------------------- words


def _exact(query: str, at: int, chunk: str) -> Lexeme:
    after = query[at + 1 : at + 2]
    if after and after in QUOTES:
        return _phrase(query, at + 1, exact=True)
    field = FIELD.match(query, at + 1)
    if field and field[1].lower() in FIELD_NAMES:
        hint = f"write {field[0]}={chunk_at(query, field.end()) or 'Word'}"
        raise QueryError("= stands before the word, after the field", at, field.end(), hint=hint)
    if len(chunk) == 1 or after in "/@=-":
        hint = '=ICE finds ICE and not ice; it goes before each word or phrase by itself: (=ICE OR ="White House")'
        raise QueryError("= must stand before a word or a phrase", at, hint=hint)
    word = _word(query, at + 1, chunk[1:])
    if word.forms:
        raise _exact_and(word.value, "~", word.body + len(word.value))
    return word._replace(start=at, exact=True)


def _exact_and(shown: str, sign: str, place: int) -> QueryError:
    hint = f"write ={shown} for this spelling alone, or {shown}~ for all forms of it in any case"
    return QueryError(f"= and {sign} do not go together", place, hint=hint)


def _word(query: str, at: int, chunk: str) -> Lexeme:
    _refuse_operator(at, chunk)
    _refuse_sign(query, at, chunk)
    refuse_other_word(query, at, chunk)
    core, caret, weight = chunk.partition("^")
    number = weight_of(weight, at + len(core) + 1) if caret else 1.0
    found = re.search(r"~+\d*\Z", core)
    word = core[: found.start()] if found else core
    if not word:
        sign = core[:1] or "^"
        hint = f"{sign} follows its word without a space: word{sign}" + ("" if core else "2")
        raise QueryError(f"nothing stands before this {sign}", at, at + len(chunk), hint=hint)
    if found and found[0] != "~":
        place = at + found.start()
        hint = f'{word}~ finds every form of the word; a number goes with a phrase: "a b"~5'
        raise QueryError(f"{found[0][:20]!r} after a word cannot be read", place, at + len(core), hint=hint)
    return Lexeme(Kind.WORD, at, at + len(chunk), word, at, forms=bool(found), weight=number)


def _refuse_operator(at: int, chunk: str) -> None:
    end = at + len(chunk)
    if chunk.upper() in OPERATORS:
        hint = f'write {chunk.upper()} for the operator, or "{chunk}" in quotes to search for the word'
        raise QueryError(f"{chunk!r} is not an operator in lower case", at, end, hint=hint)
    double = re.search(r"&&|\|\|?|^&", chunk)
    if double:
        word = "AND" if "&" in double[0] else "OR"
        place = at + double.start()
        raise QueryError(f"unknown operator {double[0]!r}", place, at + double.end(), hint=f"use {word}")


def _refuse_sign(query: str, at: int, chunk: str) -> None:
    """Refuse a word that begins, or ends, with a sign which means something in other languages."""
    end = at + len(chunk)
    wide = re.search("[（）]", chunk)
    if wide:
        ours = "(" if wide[0] == "（" else ")"
        raise QueryError(f"{wide[0]} is a full-width parenthesis", at + wide.start(), hint=f"write {ours}")
    match chunk[0]:
        case ":" if len(chunk) > 1:
            field = re.compile(r"(\w+)\s+\Z").search(query, 0, at)
            name = field[1].lower() if field and field[1].lower() in FIELD_NAMES else "title"
            hint = f"write the field, the colon and the term without a space: {name}:{chunk.strip(':') or 'word'}"
            raise QueryError("no field stands before this ':'", at, hint=hint)
        case ">" if chunk.startswith(">>>"):
            raise QueryError("no comment ends here", at, at + 3, hint="add <<< where it begins, or leave out the >>>")
        case "\\":
            hint = rf"a regular expression goes between slashes: /{chunk}/"
            raise QueryError("a backslash has no meaning here", at, hint=hint)
        case "!":
            raise QueryError("unknown operator '!'", at, hint="use NOT, or a - before the word")
        case "+":
            raise QueryError("unknown operator '+'", at, hint="leave it out: words side by side must all be there")
        case "~":
            hint = f"write {chunk.strip('~')}~ for every form of the word" if chunk.strip("~") else "leave it out"
            raise QueryError("~ stands after a word, not before it", at, hint=hint)
        case "'" | "‘" | "’" | "‚" | "`":
            quoted = re.compile(r"['‘’‚`]([^'‘’‚`()\n\"]{1,80})['‘’`]").match(query, at)
            hint = f'use double quotes: "{quoted[1] if quoted else "step down"}"'
            raise QueryError("single quotes do not make a phrase", at, hint=hint)
        case "–" | "—" | "−":
            raise QueryError("this dash has no meaning here", at, hint="to exclude a word write -word or NOT word")
        case _:
            pass
    shortened = truncation(chunk)
    if shortened:
        hint = f'write {shortened} for every word that begins so; a name with its sign goes in quotes: "{chunk}"'
        raise QueryError("a word is cut short with *", at + len(shortened) - 1, end, hint=hint)
