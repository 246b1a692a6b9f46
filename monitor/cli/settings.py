"""`news-monitor config`: what is in force."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import tomli_w
import typer
from pydantic import BaseModel, SecretStr

from monitor.app import load
from monitor.cli.common import ConfigOption, JsonOption, print_json, say
from monitor.cli.reference import print_reference
from monitor.config import find_config, format_duration
from monitor.store.open import describe_url

app = typer.Typer(no_args_is_help=True, help="Look at the configuration.")
app.command("reference")(print_reference)
_HIDDEN = "(hidden)"
_LOGIN = re.compile("//[^/?#]*@")


@app.command("show")
def show(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Print the configuration in force, from file, environment and credentials together; secrets are hidden."""
    loaded = load(find_config(config))
    settings = loaded.config.settings
    data: dict[str, Any] = {"rules": str(loaded.config.rules_folder), "state_dir": str(loaded.config.state_dir)}
    data["store"] = {"url": describe_url(loaded.config.store_url)}
    data["polling"] = _plain(settings.polling)
    data["log"] = _plain(settings.log)
    data["channels"] = {name: _plain(channel.options) for name, channel in loaded.channels.items()}
    data["feeds"] = [_plain(feed) | {"url": _LOGIN.sub(f"//{_HIDDEN}@", feed.url)} for feed in settings.feeds]
    if json:
        print_json(data | {"file": loaded.config.file.path})
        return
    say(f"# {loaded.config.file.path}")
    say(tomli_w.dumps(data).rstrip())


def _plain(model: BaseModel) -> dict[str, Any]:
    """A model as TOML values, by the names it has in the file; what is not set is left out."""
    values = {}
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if value is not None:
            values[field.alias or name] = _value(value)
    return values


def _value(value: object) -> Any:
    match value:
        case SecretStr():
            return _HIDDEN
        case timedelta():
            return format_duration(value)
        case Path():
            return str(value)
        case bool() | int() | float():
            return value
        case Mapping():
            return {str(key): _value(item) for key, item in value.items()}
        case tuple() | list():
            return [_value(item) for item in value]
        case _:
            return str(value)
