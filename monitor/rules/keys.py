"""The keys of a rule file. What reads them (`monitor.rules.load`) and the JSON Schema of editors are made from this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "name",  # of a rule
    "line",  # text without a line end
    "text",
    "query",
    "items",  # terms of a query, a list
    "names",  # a list
    "lines",  # a list
    "severity",
    "edit",
    "flag",  # true or false
    "date",
    "duration",
    "number",  # a whole one, from 2 to `MAX_NUMBER`
    "language",
    "links",  # a list
    "tests",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key of a table.

    Attributes:
        meaning: A sentence or two for the person who writes the file.
        examples: Values, as TOML would give them.
        shared: Whether [defaults] may give it for all rules of the file.
    """

    name: str
    kind: Kind
    meaning: str
    examples: tuple[str | tuple[str, ...], ...] = ()
    shared: bool = False


RULE_KEYS = (
    Key(
        name="name",
        kind="name",
        meaning="The rule's key: unique over all files, remembered with alerts. Letters, digits, space, . _ and -.",
        examples=("assad-leaves",),
    ),
    Key(name="title", kind="line", meaning="For people, at the head of an alert. By default the name."),
    Key(name="description", kind="text", meaning="What the rule is for."),
    Key(
        name="query",
        kind="query",
        meaning="What an article must hold. In 'single quotes', so that the double quotes of a phrase need no care. "
        "Together with any, all and none, each of them must hold.",
        examples=('assad AND ("step down"~ OR asylum)', "@leaders NEAR/10 (asylum OR exile)"),
    ),
    Key(
        name="any",
        kind="items",
        meaning="At least one of these must be there. Several bare words are a phrase; anything else is a query.",
        examples=(("flood~", "flash flooding", "dam burst"),),
    ),
    Key(name="all", kind="items", meaning="Each of these must be there.", examples=(("valencia",),)),
    Key(name="none", kind="items", meaning="None of these may be there.", examples=(("opinion", "title:quiz"),)),
    Key(
        name="feeds",
        kind="names",
        meaning='Where to look: names of feeds, "tag:…", or patterns over names ("bbc-*"). By default everywhere.',
        examples=(("bbc-world", "tag:politics", "reuters-*"),),
        shared=True,
    ),
    Key(
        name="channels",
        kind="names",
        meaning="Where alerts go: channels of config.toml. By default all of them.",
        examples=(("desk",),),
        shared=True,
    ),
    Key(name="severity", kind="severity", meaning='How much it matters. By default "normal".', shared=True),
    Key(name="enabled", kind="flag", meaning="false: the rule is read and checked, and never matches.", shared=True),
    Key(
        name="expires",
        kind="date",
        meaning="The last day on which the rule matches (to its end, UTC), or a time with its offset.",
        examples=("2027-03-31", "2027-03-31T18:00:00+01:00"),
        shared=True,
    ),
    Key(
        name="max_age",
        kind="duration",
        meaning="Articles published longer ago than this are left out; those without a date are taken.",
        examples=("2d",),
        shared=True,
    ),
    Key(
        name="language",
        kind="language",
        meaning="Only articles in this language: as their feed says, else as it looks. A BCP 47 tag.",
        examples=("en", "pt-br"),
        shared=True,
    ),
    Key(
        name="owner",
        kind="line",
        meaning="Whom to ask about the rule.",
        examples=("Foreign desk, desk@example.org",),
        shared=True,
    ),
    Key(
        name="references",
        kind="links",
        meaning="Addresses with more about what is looked for.",
        examples=(("https://example.org/handbook#exits",),),
        shared=True,
    ),
    Key(
        name="on_edit",
        kind="edit",
        meaning='What to do when an article that was alerted is edited: "nothing", or "reply" with the difference. '
        'By default "nothing".',
        examples=("reply",),
        shared=True,
    ),
    Key(
        name="min_outlets",
        kind="number",
        meaning="A story is told once articles of so many independent outlets match. By default one is enough.",
        shared=True,
    ),
    Key(
        name="within",
        kind="duration",
        meaning='The time within which min_outlets must come together. By default "24h".',
        examples=("30m",),
        shared=True,
    ),
    Key(
        name="escalate_at",
        kind="number",
        meaning="A story that was told is told once more, one severity higher, when so many outlets have it.",
        shared=True,
    ),
    Key(
        name="count",
        kind="number",
        meaning="Not each match is told, but once so many come within window; again only after it has calmed down.",
    ),
    Key(
        name="window",
        kind="duration",
        meaning="The time within which count matches must come.",
        examples=("1h",),
    ),
    Key(
        name="absent_for",
        kind="duration",
        meaning="No match is told, but that there was none for so long; again only after there has been one.",
        examples=("24h",),
    ),
    Key(
        name="tests",
        kind="tests",
        meaning="Articles that must match, or must not. A rule that fails a test of its own is not used.",
    ),
)

TEST_KEYS = (
    Key(name="title", kind="line", meaning="The article's title."),
    Key(
        name="text",
        kind="text",
        meaning="The article's text. A line end is a space; an empty line ends a paragraph.",
    ),
    Key(name="summary", kind="text", meaning="The article's short text, where the rule tells it from the long one."),
    Key(
        name="page",
        kind="text",
        meaning="The text of the page that the article links to, where the feed has full_text.",
    ),
    Key(
        name="feed",
        kind="line",
        meaning='The feed it is from, by its name, or "tag:" and a tag; where the rule names feeds.',
        examples=("bbc-world", "tag:politics"),
    ),
    Key(name="author", kind="line", meaning="The article's author."),
    Key(name="url", kind="line", meaning="The article's address.", examples=("https://example.org/news/1",)),
    Key(name="language", kind="language", meaning="The article's language.", examples=("en",)),
    Key(name="category", kind="line", meaning="The article's category, where there is one."),
    Key(name="categories", kind="lines", meaning="The article's categories."),
    Key(name="match", kind="flag", meaning="Whether the rule is to match. By default true."),
    Key(
        name="excerpt",
        kind="text",
        meaning="Text that must be in an excerpt of the alert, or in its title.",
        examples=("said he would step down",),
    ),
)

DEFAULTS_KEYS = tuple(key for key in RULE_KEYS if key.shared)
# A test is an article; one of these must be there.
ARTICLE_KEYS = ("title", "text", "summary", "page", "author", "url", "category", "categories")

RULE_NAME = r"[^\W_](?:[\w. -]{0,62}[\w.-])?"
LIST_NAME = r"\w(?:[\w.-]{0,62}\w)?"
LANGUAGE = r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*"
LINK = r"https?://[^\s/]+\S*"
DURATION = r"(?:\d+(?:\.\d+)?[smhdw])+"
MAX_LINE = 200
MAX_NUMBER = 10_000

FILE_KEYS = {
    "rule": "What is looked for: one [[rule]] table each.",
    "defaults": "Values for the rules of this file that do not have the key themselves.",
    "lists": 'Lists of terms that queries of all files name as @name: leaders = ["assad", "kim jong un"].',
}
