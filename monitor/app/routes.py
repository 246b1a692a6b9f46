"""[delivery], [[routes]] and [ops] ▸ the routing, checked against the channels, and against the rules and feeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from monitor.alerts.routing import UNROUTED, Route, Routing
from monitor.alerts.schedule import parse_digest, parse_quiet, parse_zone
from monitor.config import Config, key_path
from monitor.errors import Fault
from monitor.model import Severity
from monitor.tomlfile import did_you_mean

if TYPE_CHECKING:
    from monitor.alerts.named import Named
    from monitor.config import PaceSettings

T = TypeVar("T")
Key = tuple[str | int, ...]


def read_routing(config: Config) -> tuple[Routing, list[Fault]]:
    """The routing, and everything that is wrong with it."""
    return _Reader(config).routing()


def strays(config: Config, named: Named) -> Iterator[Fault]:
    """A warning for each rule, rule file, feed or tag that a route names and that there is none of."""
    for number, route in enumerate(config.settings.routes):
        for key, items, missing in (
            ("rules", route.rules, named.missing_rule),
            ("files", route.files, named.missing_file),
            ("feeds", route.feeds, named.missing_feed),
        ):
            for index, item in enumerate(items):
                if told := missing(item):
                    message, hint = told
                    yield _fault(config, ("routes", number, key, index), message, hint, warning=True)


def _fault(config: Config, key: Key, message: str, hint: str, *, warning: bool = False) -> Fault:
    place = next((found for end in range(len(key), 0, -1) if (found := config.file.locate(*key[:end]))), None)
    return config.file.fault_at(place, message=message, where=key_path(key), hint=hint, warning=warning)


class _Reader:
    def __init__(self, config: Config) -> None:
        self._config = config
        self._settings = config.settings
        self._faults: list[Fault] = []

    def routing(self) -> tuple[Routing, list[Fault]]:
        channels = tuple(self._settings.channels)
        ops = self._settings.ops.channels
        self._check_channels(("ops", "channels"), ops)
        everyone = tuple(name for name in channels if name not in ops) or channels
        default = self._route(("delivery",), self._settings.delivery, UNROUTED)
        routes = [self._named(number, default) for number in range(len(self._settings.routes))]
        routing = Routing(routes=tuple(routes), everyone=everyone, default=default, channels=frozenset(channels))
        return routing, self._faults

    def _named(self, number: int, default: Route) -> Route:
        given, key = self._settings.routes[number], ("routes", number)
        names = [route.name for route in self._settings.routes]
        if names.index(given.name) != number:
            self._report((*key, "name"), f"there is already a route {given.name!r}", "names of routes are unique")
        self._check_channels((*key, "channels"), given.channels)
        paced = self._route(key, given, default)
        return Route(
            name=given.name,
            rules=given.rules,
            files=given.files,
            feeds=given.feeds,
            severity=Severity(given.severity) if given.severity else None,
            channels=given.channels,
            proceeds=given.proceed,
            **{name: getattr(paced, name) for name in _PACE},
        )

    def _route(self, key: Key, given: PaceSettings, default: Route) -> Route:
        """`default` with the pace that is given."""
        values: dict[str, Any] = {name: getattr(default, name) for name in _PACE}
        values |= {name: value for name in _PLAIN if (value := getattr(given, name)) is not None}
        if given.digest is not None:
            values["digest"] = self._read(parse_digest, given.digest, (*key, "digest"))
        if given.quiet is not None:
            spans = [self._read(parse_quiet, each, (*key, "quiet", n)) for n, each in enumerate(given.quiet)]
            values["quiet"] = tuple(span for span in spans if span is not None)
        if given.breaks_through is not None:
            values["breaks_through"] = None if given.breaks_through == "none" else Severity(given.breaks_through)
        if given.timezone is not None:
            values["zone"] = self._read(parse_zone, given.timezone, (*key, "timezone")) or default.zone
        return Route(name="", **values)

    def _read(self, read: Callable[[str], T], text: str, key: Key) -> T | None:
        try:
            return read(text)
        except ValueError as error:
            message, _, hint = str(error).partition("; ")
            self._report(key, message, hint)
            return None

    def _check_channels(self, key: Key, names: Sequence[str]) -> None:
        known = self._settings.channels
        for number, name in enumerate(names):
            if name not in known:
                hint = did_you_mean(name, known) or (f"there are: {', '.join(known)}" if known else "there are none")
                self._report((*key, number), f"there is no channel {name!r}", hint)

    def _report(self, key: Key, message: str, hint: str) -> None:
        self._faults.append(_fault(self._config, key, message, hint))


_PLAIN = ("group_by", "group_wait", "group_interval", "burst", "followers", "followers_wait")
_PACE = (*_PLAIN, "digest", "quiet", "breaks_through", "zone")
