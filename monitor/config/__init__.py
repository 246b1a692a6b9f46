"""config.toml, environment and credentials ▸ frozen `Settings`; every fault found is reported at once.

A value comes from the first of these that has it:

1. the environment: `NEWS_MONITOR_` and the key path in capitals, joined by two underscores
   (`NEWS_MONITOR_POLLING__INTERVAL=5m`, `NEWS_MONITOR_CHANNELS__DESK__PORT=587`); lists as JSON or separated by commas;
2. for a secret, the file `$CREDENTIALS_DIRECTORY/<key path>` that systemd's LoadCredential= makes
(`channels.desk.password`);
3. for a secret, the file named by the same key with `_file` behind it (`password_file = "/run/secrets/smtp"`);
4. for a template, the file named in the same way, beside config.toml;
5. config.toml.

Options of a channel are models of `monitor.notify`, above this module; they go through `read_options`, so they follow
the same rules and give the same messages.
"""

from monitor.config.faults import key_path, place_fault
from monitor.config.introspect import is_from_file, is_secret
from monitor.config.load import Config, find_config, load_config, read_options
from monitor.config.settings import FeedSettings, PaceSettings, PollingSettings, Settings, is_feed_name
from monitor.config.web import check_feed_url, listen_address
from monitor.durations import format_duration, parse_duration

__all__ = [
    "Config",
    "FeedSettings",
    "PaceSettings",
    "PollingSettings",
    "Settings",
    "check_feed_url",
    "find_config",
    "format_duration",
    "is_feed_name",
    "is_from_file",
    "is_secret",
    "key_path",
    "listen_address",
    "load_config",
    "parse_duration",
    "place_fault",
    "read_options",
]
