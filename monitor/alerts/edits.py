"""What a publisher changed in an entry, in words, and the reply that tells it. Pure.

Dates, times, counters, markup, case, punctuation and blanks are cosmetic: where nothing else changed there is no edit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import regex

from monitor.alerts.ids import made_id
from monitor.alerts.plan import alert_of, deliveries_of
from monitor.model import AlertId
from monitor.sentences import sentences
from monitor.wording import letters, likeness

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from monitor.alerts.routing import Routing
    from monitor.model import Alert, Entry, Feed, Match, NewDelivery, Silence

_ALIKE: Final = 0.5  # likeness of two sentences of which one was made from the other
_QUOTED: Final = 200  # characters of a text that is quoted
# A line of so few words that has a number is a counter or a stamp: "23 comments", "vor 3 Stunden", "5 min read".
_FEW_WORDS: Final = 5
# Dates are known by their year or their form, times by their colon or "h": in any language, without names of months.
_DATE: Final = regex.compile(
    r"\d{4}-\d\d?-\d\d?(?:[T ]\d\d:\d\d\S*)?|\d{4}\s*年\s*\d+\s*月\s*\d+\s*日|\d{1,2}[./]\d{1,2}[./](?:\d{4}|\d\d)|"
    r"\d{1,2}(?:st|nd|rd|th|er|\.|º)?\s(?:de\s)?\p{L}{3,}\.?,?\s(?:de\s)?(?:19|20)\d\d|\p{L}{3,}\.?\s\d{1,2}(?:st|nd|rd|th)?,?\s(?:19|20)\d\d|"
    r"\b(?:[01]?\d|2[0-4])[:h][0-5]\d(?::\d\d)?(?:\s?[ap]\.?m\b\.?)?(?:\s(?:[A-Z]{3,4}|Uhr|heures)\b)?|\d{1,2}\s?[ap]\.?m\b\.?",
    regex.IGNORECASE,
)
_WORD: Final = regex.compile(r"[\p{L}\p{M}\p{N}]+")
_NUMBER: Final = regex.compile(r"\p{N}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """An entry that was edited, and a rule that has spoken of it.

    Attributes:
        match: Of the entry as it is now; without hits where the rule does not hold for it any more.
        story: Of the alert that is replied to.
        before: The entry as it was.
    """

    match: Match
    story: str
    before: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An update, and the key of the entry that it is about."""

    alert: Alert
    key: str


def edit_replies(
    edits: Sequence[Edit], *, feed: Feed, routing: Routing, silences: Sequence[Silence], now: datetime
) -> tuple[tuple[Reply, ...], tuple[NewDelivery, ...]]:
    """One reply for each edit that is none of looks only, on its way to where the rule's alerts go.

    The same version of an entry is told once.
    """
    replies: list[Reply] = []
    deliveries: list[NewDelivery] = []
    for edit in edits:
        match, entry = edit.match, edit.match.entry
        note = difference(edit.before, entry)
        if note:
            alert_id = AlertId(made_id("edit", match.rule, edit.story, entry.content_hash))
            alert = alert_of(alert_id, match, story=edit.story, feed=feed, feed_title=feed.title, now=now)
            alert = replace(alert, kind="update", note=note)
            replies.append(Reply(alert=alert, key=entry.key))
            deliveries += deliveries_of(alert, match, feed=feed, routing=routing, silences=silences, now=now)
    return tuple(replies), tuple(deliveries)


def difference(before: Entry, after: Entry) -> str:
    """What was changed, in a line: the headline, and the first sentence that is new, another one, or gone. "" where
    nothing but looks changed.
    """
    parts = list[str]()
    if after.title and _bare(before.title) != _bare(after.title):
        parts.append(f"headline changed: {_quoted(before.title)} → {_quoted(after.title)}" if before.title else "")
    parts.append(_text_difference(before, after))
    told = "; ".join(filter(None, parts))
    return told[:1].upper() + told[1:]


def _text_difference(before: Entry, after: Entry) -> str:
    old, new = _sentences(before), _sentences(after)
    gone = [sentence for gist, sentence in old.items() if gist not in new]
    come = [sentence for gist, sentence in new.items() if gist not in old]
    if not new or not old:
        # The feed gives the text, or gives it no more: that is no news about the article.
        return ""
    for sentence in come:
        former = max(gone, key=lambda each: likeness(letters(each), letters(sentence)), default="")
        if former and likeness(letters(former), letters(sentence)) >= _ALIKE:
            return f"text changed: {_quoted(former)} → {_quoted(sentence)}{_more(len(come) - 1)}"
    if come:
        return f"added: {_quoted(come[0])}{_more(len(come) - 1)}"
    return f"taken out: {_quoted(gone[0])}{_more(len(gone) - 1)}" if gone else ""


def _more(count: int) -> str:
    return "" if count < 1 else " and one more sentence" if count == 1 else f" and {count} more sentences"


def _sentences(entry: Entry) -> dict[str, str]:
    """The sentences of an entry's longest text, by what of them is not cosmetic; those of which all is, left out."""
    text = max(entry.summary, entry.content, key=len)
    found: dict[str, str] = {}
    # Dates first, for the full stops in them end no sentence.
    undated = _DATE.sub(lambda date: "0" * len(date.group()), text)
    for start, end in sentences(undated, entry.language):
        sentence = text[start:end]
        if gist := _gist(sentence):
            found.setdefault(gist, sentence)
    return found


def _gist(sentence: str) -> str:
    if len(_WORD.findall(sentence)) <= _FEW_WORDS and _NUMBER.search(sentence):
        return ""
    return _bare(sentence)


def _bare(text: str) -> str:
    return letters(_DATE.sub(" ", text))


def _quoted(text: str) -> str:
    text = " ".join(text.split())
    if len(text) > _QUOTED:
        text = text[:_QUOTED].rsplit(" ", 1)[0] + "…"
    return f"“{text}”"
