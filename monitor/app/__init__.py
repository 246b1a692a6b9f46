"""The composition root: the one place that knows every part.

`load` reads configuration, channels and rules and reports every fault of all three at once; `build` makes the parts;
`daemon` is what `news-monitor run` runs, `rules` its part that follows the rule files; `once` is one round of it on
demand.
"""

from monitor.app.build import open_notifier, opened_store
from monitor.app.daemon import Daemon
from monitor.app.load import Channel, Loaded, added_feeds, kept_versions, load
from monitor.app.once import poll_once

__all__ = [
    "Channel",
    "Daemon",
    "Loaded",
    "added_feeds",
    "kept_versions",
    "load",
    "open_notifier",
    "opened_store",
    "poll_once",
]
