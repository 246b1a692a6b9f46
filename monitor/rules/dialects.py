"""Other products' spellings ▸ ours: Google, Factiva, Lexis, Westlaw, Brandwatch, Meltwater, Lucene, feed readers.

Only what this language does not read itself; each is refused with what to write instead. (NEAR/5, w/5, pre/5, adj5,
atleast5, w/s, w/p, SAME and <<<comments>>> are read as they are.)
"""

from __future__ import annotations

import re

from monitor.errors import QueryError
from monitor.rules.tree import FIELD_NAMES

# A field's name ▸ ours.
_FIELDS = {
    **dict.fromkeys(("site", "host"), "domain"),
    **dict.fromkeys(("intitle", "allintitle", "headline", "hl", "hlead", "hd"), "title"),
    **dict.fromkeys(("inurl", "allinurl", "link", "links"), "url"),
    **dict.fromkeys(("intext", "allintext", "inbody", "body", "text", "fulltext"), "content"),
    **dict.fromkeys(("by", "byline", "inauthor"), "author"),
    **dict.fromkeys(("language", "la"), "lang"),
    **dict.fromkeys(("publication", "publisher", "sourcename", "outlet", "f"), "feed"),
    **dict.fromkeys(("lead", "leadparagraph", "ingress"), "summary"),
    **dict.fromkeys(("topic", "subject", "section", "label"), "category"),
}
_DATES = frozenset({"before", "after", "daterange", "date", "pubdate", "newer_than", "older_than", "when"})

# Factiva's codes, which stand before an equals sign.
_CODES = {
    "hd": "title:{0}",
    "hl": "title:{0}",
    "hlp": "(title:{0} OR FIRST/50 {0})",
    "lp": "FIRST/50 {0}",
    "td": "content:{0}",
    "by": "author:{0}",
    "au": "author:{0}",
    "la": "lang:{0}",
    "sc": "feed:{0}",
    "sn": "feed:{0}",
    "pub": "feed:{0}",
    "ns": "category:{0}",
}
_CODE = re.compile(r"([A-Za-z]{2,3})=(.*)", re.DOTALL)

# Words directly before a parenthesis.
_FUNCTIONS = {
    **dict.fromkeys(("hlead",), "title:({0}) OR FIRST/50({0})"),
    **dict.fromkeys(("headline", "hl", "title"), "title:({0})"),
    **dict.fromkeys(("lead",), "FIRST/50({0})"),
    **dict.fromkeys(("body", "text"), "content:({0})"),
    **dict.fromkeys(("byline", "author"), "author:({0})"),
    **dict.fromkeys(("publication",), "feed:({0})"),
    **dict.fromkeys(("caps", "allcaps", "nocaps"), '="{0}" in just the case that is meant'),
    **dict.fromkeys(("singular", "plural"), '"{0}"'),
}
_ARGUMENT = re.compile(r"\s*\(([^()\n]{1,60})\)")
_AROUND = re.compile(r"AROUND(?:\s*\(\s*(\d{1,3})\s*\)|[/ ](\d{1,3}))?")
_WITHIN = re.compile(r"(?:WITHIN|within)[/~](\d{1,3})|(?:NEAR|near)[~-](\d{1,3})")
_AT_LEAST = re.compile(r"atl/?(\d{1,3})", re.IGNORECASE)
_BRACES = re.compile(r"\{([^{}\n]*)\}")
_TRUNCATED = re.compile(r"([^\W\d_]{2,}[\w-]*)!|([^\W\d_][\w-]*)\$|([a-z]{3,})\$\d{1,2}")


def other_field(name: str, value: str) -> str:
    """What to write for a field of another product, where `value` follows it; "" for a name not known there either."""
    name = name.lower()
    if name in {"near", "around"}:
        return f"write NEAR/{value[:3] if value[:3].isdecimal() else 10} between the two terms"
    if name in _DATES:
        return "a rule looks at new articles only; max_age in the rule says how old one may be"
    ours = _FIELDS.get(name)
    return f"write {ours}:{value if 0 < len(value) < 60 else '…'}" if ours else ""


def truncation(chunk: str) -> str:
    """The word with our wildcard where `chunk` ends in a sign that cuts it short ("sanction!", "sanction$3"), or ""."""
    found = _TRUNCATED.fullmatch(chunk)
    return f"{found[1] or found[2] or found[3]}*" if found else ""


def refuse_other_word(query: str, at: int, chunk: str) -> None:
    """Refuse a word that is an operator, code or function elsewhere.

    Raises:
        QueryError: with our spelling.
    """
    end = at + len(chunk)
    if chunk[0] == "{":
        _refuse_braces(query, at)
    code = _CODE.fullmatch(chunk)
    if code:
        ours = _CODES.get(code[1].lower())
        text = code[2] or next_phrase(query, end)
        hint = f"write {ours.format(text or '…')}" if ours else "such codes have no meaning here; look for the words"
        raise QueryError(f"{code[1]}= is written in another way here", at, at + len(code[1]) + 1, hint=hint)
    name, equals, value = chunk.partition("=")
    field = name.lower() if name.lower() in FIELD_NAMES else _FIELDS.get(name.lower())
    if equals and field:
        hint = f"write {field}:{value or next_phrase(query, end) or 'word'}"
        raise QueryError("a colon goes after a field, not =", at + len(name), hint=hint)
    around = _AROUND.match(query, at) if chunk.startswith("AROUND") and chunk[6:7] in {"", "/"} else None
    distance = around or _WITHIN.fullmatch(chunk)
    if distance:
        number = distance[1] or distance[2] or "5"
        raise QueryError(f"unknown operator {distance[0]!r}", at, at + len(distance[0]), hint=f"write NEAR/{number}")
    count = _AT_LEAST.fullmatch(chunk)
    if count:
        hint = f'write ATLEAST/{count[1]}, or "{chunk}" in quotes to search for the word'
        raise QueryError(f"unknown operator {chunk!r}", at, end, hint=hint)
    if query.startswith("(", end) and chunk.lower() in _FUNCTIONS:
        argument = _ARGUMENT.match(query, end)
        ours = _FUNCTIONS[chunk.lower()].format(argument[1] if argument else "…")
        hint = f'write {ours}; to search for the word put it in quotes: "{chunk}"'
        raise QueryError(f"{chunk}(…) is written in another way here", at, end, hint=hint)


def _refuse_braces(query: str, at: int) -> None:
    found = _BRACES.match(query, at)
    inner = found[1].strip() if found else ""
    if not inner:
        raise QueryError("unexpected character '{'", at, hint="put the text in double quotes if you want it literally")
    inner = inner.strip('"“”')
    ours = f"={inner}" if inner.isalnum() else f'="{inner}"'
    hint = f"write {ours} for just this case; for any of several words (a OR b)"
    raise QueryError("braces have no meaning here", at, found.end() if found else at + 1, hint=hint)


def next_phrase(query: str, at: int) -> str:
    """The phrase or the parentheses that begin at `at`, where they are short; else ""."""
    found = re.compile(r'"[^"\n]{1,60}"|\([^()\n]{1,60}\)').match(query, at)
    return found[0] if found else ""
