"""Which rules reply to the edits of a poll, and with what."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.alerts.edits import Edit, edit_replies
from monitor.rules.engine import unmatched
from monitor.stories.identity import story_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from monitor.alerts.plan import Plan
    from monitor.alerts.routing import Routing
    from monitor.model import Feed, Match, Silence, StoryView
    from monitor.rules.engine import RuleSet
    from monitor.service.identity import Identified


def edits_of(
    identified: Identified,
    matches: Sequence[Match],
    *,
    feed: Feed,
    rules: RuleSet,
    views: Mapping[str, StoryView],
) -> tuple[Edit, ...]:
    """Entries that were edited, with each live rule that has alerted of them and wants to reply.

    Of a story that many outlets have, the edits of the one that the alert named are told, not those of the others.

    Args:
        matches: Of the document's entries as they are now. A rule that does not match any more replies as well.
        views: The stories of these entries, by id.
    """
    edited = [
        (entry, before, known)
        for entry in identified.entries
        if (before := identified.before.get(entry.key)) is not None
        and before.content_hash != entry.content_hash
        and (known := identified.known[entry.key]).alerted
    ]
    if not edited:
        return ()
    replying = {rule.name: rule for rule in rules.rules if rule.on_edit == "reply" and not rule.trigger.counts}
    found = {(match.entry.key, match.rule): match for match in matches}
    return tuple(
        Edit(
            match=found.get((entry.key, name)) or unmatched(replying[name], entry),
            story=known.story or story_key(before, feed=feed.name),
            before=before,
        )
        for entry, before, known in edited
        for name in sorted(known.alerted & replying.keys())
        if _is_of(feed, name, views.get(known.story))
    )


def _is_of(feed: Feed, rule: str, view: StoryView | None) -> bool:
    """Whether the rule's alert about a story was about an entry of this feed; of an older story nobody knows."""
    spoken = view.spoken.get(rule) if view is not None else None
    return spoken is None or spoken.alert.feed == feed.name


def with_replies(
    plan: Plan, edits: Sequence[Edit], *, feed: Feed, routing: Routing, silences: Sequence[Silence], now: datetime
) -> Plan:
    """The plan with what is said of the edits."""
    alerts, deliveries = edit_replies(edits, feed=feed, routing=routing, silences=silences, now=now)
    return replace(
        plan,
        alerts=(*plan.alerts, *(each.alert for each in alerts)),
        deliveries=(*plan.deliveries, *deliveries),
        origins={**plan.origins, **{each.alert.id: each.key for each in alerts}},
    )
