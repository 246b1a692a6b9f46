"""How stories stand while a poll is planned: as they were found, and with what the poll itself has come to. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.model import SaidTo, Spoken, StoryMatch, StoryView

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from monitor.model import Alert, NewDelivery, Telling


class Told:
    """The stories of a poll's entries; what is planned is added, entry by entry."""

    def __init__(self, views: Mapping[str, StoryView]) -> None:
        self._views = dict(views)

    def view(self, story: str) -> StoryView:
        """How it stands now; one of which nothing was known stands empty."""
        return self._views.get(story) or StoryView(id=story)

    def join(self, telling: Telling, rules: Iterable[str], *, at: datetime, baseline: bool) -> None:
        """An entry that appeared at `at` joins its story, and these rules match it; of one that was in it before only
        the matches are new.
        """
        view = self.view(telling.story)
        outlet = telling.outlet
        match = StoryMatch(outlet=outlet.id, at=at, baseline=baseline)
        matches = {rule: (*view.matches.get(rule, ()), match) for rule in rules}
        self._views[telling.story] = replace(
            view,
            outlets=view.outlets if outlet.id in view.outlets else {**view.outlets, outlet.id: outlet.name},
            matches={**view.matches, **matches} if matches else view.matches,
        )

    def speak(self, alert: Alert, outlet: str, deliveries: Iterable[NewDelivery]) -> None:
        """The first word of a rule on a story."""
        to = tuple(SaidTo(channel=each.channel, route=each.placing.route, due_at=each.due_at) for each in deliveries)
        spoken = Spoken(alert=alert, told=frozenset({outlet}), said=frozenset({alert.id}), to=to)
        self._say(alert.story, alert.rule, spoken)

    def name(self, alert: Alert, outlet: str, *, story: str) -> None:
        """A rule that has spoken names one more outlet, in this reply."""
        spoken = self.view(story).spoken[alert.rule]
        named = replace(spoken, told=spoken.told | {outlet}, said=spoken.said | {alert.id})
        self._say(story, alert.rule, named)

    def _say(self, story: str, rule: str, spoken: Spoken) -> None:
        view = self.view(story)
        self._views[story] = replace(view, spoken={**view.spoken, rule: spoken})
