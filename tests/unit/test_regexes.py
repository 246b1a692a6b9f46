"""Which regular expressions are taken, and what can be said of a text before one is searched in it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
import regex
from hypothesis import assume, given
from hypothesis import strategies as st

from monitor.errors import QueryError
from monitor.rules.regexes import compiled, literal_of
from monitor.rules.tokens import tokenize


@pytest.mark.parametrize(
    ("pattern", "flags", "text", "found"),
    [
        (r"assad\w+", "", "the assadists", "assadists"),
        (r"ASSAD", "i", "the Assad family", "Assad"),
        (r"^exit", "m", "no\nexit", "exit"),
        (r"a.b", "s", "a\nb", "a\nb"),
        (r"(?i)нато", "", "НАТО", "НАТО"),
    ],
)
def test_a_pattern_finds_with_its_flags(pattern: str, flags: str, text: str, found: str) -> None:
    """The flags i, m and s do what they do elsewhere."""
    assert compiled(pattern, flags, start=0, end=1).search(text)[0] == found


@pytest.mark.parametrize(
    ("pattern", "pointed", "message"),
    [
        ("a(b", "(", "this ( is never closed"),
        ("*a", "*", "nothing to repeat"),
        ("[a", "[", "bad regular expression: this [ is never closed"),
        ("a*", "/a*/i", "matches the empty text"),
        (r"\b", r"/\b/i", "matches the empty text"),
        ("(?<=a)", "/(?<=a)/i", "matches the empty text"),
        ("(a{1000}){1000}", "/(a{1000}){1000}/i", "too large"),
        ("a" * 501, "/" + "a" * 501 + "/i", "longer than 500"),
    ],
)
def test_a_refusal_points_into_the_query(pattern: str, pointed: str, message: str) -> None:
    """What is wrong is shown where it stands in the query, not in the pattern alone."""
    query = f"assad /{pattern}/i"
    with pytest.raises(QueryError, match=regex.escape(message)) as caught:
        compiled(pattern, "i", start=6, end=len(query))
    assert query[caught.value.start : caught.value.end] == pointed


@pytest.mark.parametrize(
    ("pattern", "literal"),
    [
        ("assad", "assad"),
        ("Assad's regime", "regime"),
        (r"\bCVE-2024-\d{4,7}\b", "2024"),
        ("sanctions?", "sanction"),
        ("sanctions+", "sanction"),
        ("sanctions*?abc", "sanction"),
        ("sanctions{0,2}", "sanction"),
        ("(?:step(?:s|ped))down", "step"),
        ("(resign)ed", "resign"),
        ("(?P<who>assad) left", "assad"),
        ("(?i:Assad)", "assad"),
        ("(?i)Assad", "assad"),
        ("(?<!pro)assad", "assad"),
        ("(?=minister)m", ""),
        ("[^a]minister", "minister"),
        (r"[a\]b]minister", "minister"),
        (r"\p{Lu}assad", "assad"),
        ("assad|putin", ""),
        ("(assad|putin) resigns", "resigns"),
        ("(?:assad)?", ""),
        ("(?:assad){0,2}x", ""),
        ("(?x) as sad", ""),
        ("assad(?x) left", ""),
        ("(?:assad){e<=1}", ""),
        ("assad{e<=1}", ""),
        ("assad(?#who)*", ""),
        (r"assad\K left", ""),
        ("[]abc]", ""),
        ("[^]abc]", ""),
        ("[[:alpha:]abc]", ""),
        (r"(abc)\1", ""),
        (r"\x41bcd", ""),
        ("(?|abc|def)", ""),
        ("ab cd", ""),
        ("Штаб", ""),
        ("straße", "stra"),
    ],
)
def test_the_literal_of_a_pattern(pattern: str, literal: str) -> None:
    """The longest run that no way through the pattern leaves out."""
    regex.compile(pattern)  # the library takes it
    assert literal_of(pattern, "") == literal


def test_a_flag_that_is_not_known_leaves_no_literal() -> None:
    """With another flag, blanks might mean nothing in the pattern."""
    assert literal_of("as sad regime", "x") == ""


# A pattern, and a text that it should match.
Pair = tuple[str, str]
_LOOKALIKES = {"s": "ſ", "k": "\u212a", "i": "İ"}


@st.composite
def _word(draw: st.DrawFn) -> Pair:
    word = draw(st.text("abKsi1", min_size=1, max_size=5))
    variants = [draw(st.sampled_from([c, c.upper(), _LOOKALIKES.get(c.lower(), c)])) for c in word]
    return word, "".join(variants)


_OTHER: st.SearchStrategy[Pair] = st.sampled_from(
    [
        *(("[a-f]", "c"), (r"[^\]]", "x"), ("[]ab]", "]"), ("[^]ab]", "x"), (r"\s", "\n"), (r"\w", "é"), (r"\b", "")),
        *((".", "\u0301"), (".", "\u200d"), (".", "ﬁ"), ("'", "'"), ("’", "’"), ("'s", "'s"), ("-", "-"), (r"\.", ".")),
        *(
            ("(?=a)", ""),
            ("(?<!b)", ""),
            ("中", "中"),
            ("é", "é"),
            ("ı", "ı"),
            (r"\pL", "b"),
            (r"\x61", "a"),
            ("{", "{"),
        ),
        *(("(?:abs){e}", "abx"), ("(?#x)", ""), (r"\K", ""), ("(?i)", ""), ("(?i:aB)", "Ab")),
    ]
)


def _larger(inner: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    groups = st.sampled_from(["(?:{})", "({})", "(?>{})", "(?i:{})"])
    repeats = st.sampled_from(
        [("?", 0), ("?", 1), ("*", 0), ("*?", 2), ("+", 2), ("{2}", 2), ("{0,1}", 0), ("{,2}", 0)]
    )

    def repeated(pair: Pair, group: str, repeat: tuple[str, int]) -> Pair:
        return group.format(pair[0]) + repeat[0], pair[1] * repeat[1]

    return st.one_of(
        st.lists(inner, min_size=2, max_size=4).map(lambda p: ("".join(a for a, _ in p), "".join(b for _, b in p))),
        st.builds(lambda a, b, group: (group.format(f"{a[0]}|{b[0]}"), a[1]), inner, inner, groups),
        st.builds(lambda a, b: (f"{a[0]}|{b[0]}", b[1]), inner, inner),
        st.builds(lambda a, repeat: (a[0] + repeat[0], a[1] + a[1][-1:] * max(0, repeat[1] - 1)), inner, repeats),
        st.builds(repeated, inner, groups, repeats),
    )


_PAIRS = st.recursive(st.one_of(_word(), _word(), _OTHER), _larger, max_leaves=8)
_AROUND = st.text("ab ıſ'’s.,1\u0301\u0306\u200d\u00ad中ﬁ\n", max_size=4)


def _check_literal(pattern: str, flags: str, text: str) -> bool:
    """Whether the pattern was found; its literal must then be in a token that the match touches."""
    try:
        searcher: Any = compiled(pattern, flags, start=0, end=len(pattern) + 2)
    except QueryError:
        return False
    literal = literal_of(pattern, flags)
    matches = []
    with suppress(TimeoutError):
        matches = [match.span() for match in searcher.finditer(text, timeout=0.2)]
    for start, end in matches:
        touched = [token.folded for token in tokenize(text) if token.start < end and start < token.end]
        assert not literal or any(literal in folded for folded in touched), (pattern, literal, text[start:end])
    return bool(matches)


@given(_PAIRS, _AROUND, _AROUND, st.sampled_from(["", "i", "i", "is"]))
def test_every_match_holds_the_literal_in_one_folded_token(pair: Pair, before: str, after: str, flags: str) -> None:
    """So a text without it can be passed over, whatever the case and the accents are."""
    assume(_check_literal(pair[0], flags, before + pair[1] + after))


@given(
    st.text(r"abs1[](){}|*+?\^$.:<=!-#Pi,", max_size=25), st.sampled_from(["", "i"]), st.text("abs1-# ", max_size=25)
)
def test_any_text_is_taken_or_refused_as_a_pattern(pattern: str, flags: str, text: str) -> None:
    """Whatever stands between the slashes gives a pattern or a `QueryError`, and its literal is never wrong."""
    literal = literal_of(pattern, flags)
    assert literal == "" or literal in pattern.lower()
    _check_literal(pattern, flags, text)


def test_all_that_ascii_letters_match_in_any_case_folds_to_them() -> None:
    """The literal relies on the library and on `tokens.fold` agreeing about every letter there is."""
    everything = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
    found = {
        (char, match[0])
        for char in "abcdefghijklmnopqrstuvwxyz0123456789"
        for match in regex.finditer(char, everything, regex.IGNORECASE)
    }
    assert len(found) > 26 * 2 + 10  # there are some outside ASCII
    for char, same in found:
        assert [token.folded for token in tokenize(f"x{same}y")] == [f"x{char}y"]
