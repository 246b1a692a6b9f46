"""news-monitor: watches news feeds and sends the sentences that matched your rules.

Read `monitor.model` first, then `monitor.service.poll` and `monitor.service.deliver`: the path of an entry from the
socket to the message.
"""

__version__ = "0.1.0"
