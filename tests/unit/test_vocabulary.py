"""A text's code says of each word which terms it is, however the words are told from each other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitor.rules.tokens import FIRST_UNSPACED, scan, tokenize
from monitor.rules.tree import Exact, Forms, Plain, TokenTest, Wildcard
from monitor.rules.vocabulary import BREAK, STOP, Vocabulary
from tests.reference import satisfies

# Letters of several scripts, spaced and unspaced, and every sign that may belong to a word.
SIGNS = "中国一ガが々〇กั์ကАжéıİŉ½aAbBcl13ل\u0301\u3099\u00ad\u200d .,#@$€%+'’ʼ。，、「」!?…-"
TERMS: tuple[TokenTest, ...] = (
    *(Plain(term) for term in ("中", "国", "a", "b", "1", "1.3", "c++", "#a", "l", "3%", "ก", "e", "ж")),
    *(Exact(text) for text in ("A", "Bc", "中", "é")),
    Forms("ab", ("ab", "abc")),
    *(Wildcard(pattern) for pattern in ("a*", "ab*", "*b", "*ab", "a?c", "*bb*", "a*b", "中*")),
)


@given(st.text(SIGNS, max_size=40))
def test_each_word_has_the_terms_that_it_satisfies(text: str) -> None:
    """Quick ways for bare words, unspaced scripts and wildcards give what the grammar and each test alone give."""
    vocabulary = Vocabulary()
    for test in TERMS:
        vocabulary.number(test)
    code = "".join(vocabulary.encode([text])).replace(STOP, "")
    read = [{TERMS[number] for number in vocabulary.terms[char]} for char in code if char != BREAK]
    assert read == [{test for test in TERMS if satisfies(test, token)} for token in scan(text)]


def test_one_word_needs_no_grammar() -> None:
    """What `tokenize` takes for one word, so does the grammar, for every letter before the unspaced scripts."""
    for char in map(chr, range(ord(FIRST_UNSPACED))):
        for text in (char, f"a{char}", f"{char}b", f"l{char}bc", f"({char}a,"):
            assert tokenize(text) == scan(text)
