"""When the matches of a rule make an alert: the keys for it, what does not go together, and what it means in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from monitor.durations import format_duration
from monitor.model import EACH_STORY, Trigger
from monitor.rules.keys import RULE_KEYS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from monitor.rules.section import Section

TRIGGER_KEYS: Final[tuple[str, ...]] = ("min_outlets", "within", "escalate_at", "count", "window", "absent_for")
_KINDS: Final = {key.name: key.kind for key in RULE_KEYS}


def read_trigger(section: Section, shared: Mapping[str, Any]) -> Trigger:
    """The trigger of the rule in `section`, and a fault for each key of it that makes no sense beside the others.

    Args:
        shared: The values, by key, of those that [defaults] may give; what is not given is empty.
    """
    found = dict(shared)
    for key in TRIGGER_KEYS:
        if key in section.table and key not in shared:
            found[key] = section.value(key, _KINDS[key])
    given = {key: value for key, value in found.items() if value}
    # A key with a fault of its own is there all the same.
    there = {*given, *(key for key in TRIGGER_KEYS if key in section.table)}
    if "min_outlets" not in there and "within" not in section.table:
        # A default that this rule has no use for is no mistake.
        there.discard("within")
        given.pop("within", None)
    # `on_edit` is no part of the trigger; as a default it is no mistake either.
    edit = {"on_edit": section.table["on_edit"]} if "on_edit" in section.table else {}
    for key, message, hint in _faults(there, given | edit):
        section.report(message, key, hint=hint)
    return Trigger(**given) if given and not section.broken else EACH_STORY


def _faults(there: set[str], given: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What does not go together: the key, what is wrong, and the way out."""
    if "count" in there and "window" not in there:
        yield "count", "count needs the time within which so many matches must come", 'add, say, window = "1h"'
    if "window" in there and "count" not in there:
        yield "window", "window is the time for count, which this rule does not have", "add, say, count = 20"
    if "within" in there and "min_outlets" not in there:
        hint = "add, say, min_outlets = 3, or leave within out"
        yield "within", "within is the time for min_outlets, which this rule does not have", hint
    for key in ("min_outlets", "escalate_at"):
        if key in there and "count" in there:
            message = f"count looks at the matches of all stories together, and {key} at each story by itself"
            yield "count", message, f"make two rules of it, one with count and one with {key}"
    for key in ("count", "min_outlets", "escalate_at"):
        if key in there and "absent_for" in there:
            message = f"with absent_for the rule tells of silence only, and {key} is about matches"
            yield "absent_for", message, f"make two rules of it, one with absent_for and one with {key}"
    for key in ("count", "absent_for"):
        if key in there and given.get("on_edit") == "reply":
            message = f"a reply to an edit goes below the alert of its story, and with {key} there is none"
            yield "on_edit", message, f"leave on_edit out, or make a rule without {key}"
    least, more = given.get("min_outlets", 1), given.get("escalate_at")
    if more is not None and more <= least:
        message = f"a story is told at {least} outlets already, so it would be told twice at once"
        yield "escalate_at", message, f"a number over min_outlets: {3 * least}, say"


def in_words(trigger: Trigger) -> str:
    """When the rule alerts, in a line for people."""
    if trigger.absent_for is not None:
        span = format_duration(trigger.absent_for)
        return f"when nothing has matched for {span}, and again only after something has; matches are recorded only"
    if trigger.count:
        span = format_duration(trigger.window)
        calm = f"fewer than {trigger.calm} have" if trigger.calm > 1 else "none has"
        return f"once {trigger.count} entries match within {span}, and again only after {calm} within {span}"
    when = "on the first match of each story"
    if trigger.min_outlets > 1:
        when = f"once matches of {trigger.min_outlets} outlets tell a story within {format_duration(trigger.within)}"
    if trigger.escalate_at:
        when += f", and once more, one severity higher, when {trigger.escalate_at} outlets have it"
    return when
