"""The configuration reference, made from the models that read the configuration, so that it cannot be wrong."""

from __future__ import annotations

import types
from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ByteSize, SecretStr
from pydantic.fields import FieldInfo

from monitor.cli.common import say
from monitor.config import Settings, format_duration, is_from_file, is_secret
from monitor.notify.registry import CHANNEL_TYPES

_INTRODUCTION = """\
# Configuration

`config.toml` is read from `--config FILE` (or `$NEWS_MONITOR_CONFIG`), else `./config.toml`, else
`/etc/news-monitor/config.toml`. `news-monitor check` tells every fault in it at once; `news-monitor config show`
prints what is in force, secrets hidden. After a change: `systemctl reload news-monitor`, or send the daemon SIGHUP. A
reload takes all of the change or, if there is any fault, nothing of it.

**From the environment.** Every key is also a variable: `NEWS_MONITOR_` and the key path in capitals, joined by two
underscores: `NEWS_MONITOR_POLLING__INTERVAL=5m`, `NEWS_MONITOR_CHANNELS__DESK__PORT=587`. Lists are JSON, or
separated by commas in a channel's options. The environment goes before the file.

**Secrets** (marked *secret* below) can also come from a file, named by the same key with `_file` behind it
(`password_file = "/run/secrets/smtp"`), or from a systemd credential named like the key path
(`LoadCredential=channels.desk.password:/etc/news-monitor/credentials/desk-password`). They are never printed or logged.

**Templates** (marked *template*) put a message into words of your own: docs/channels.md, "Templates". They too can come
from a file: `body_file = "templates/desk.txt"`.

**Durations** are a number and a unit, `s` `m` `h` `d` `w`: `"30s"`, `"1h30m"`. **Sizes**: `"500 kB"`, `"10 MB"`.
**Paths** count from the folder of config.toml.

This page is printed by `news-monitor config reference`.
"""


def print_reference() -> None:
    """Print the configuration reference (Markdown): every key with its type, default and meaning."""
    say(reference().rstrip())


def reference() -> str:
    """All of docs/configuration.md."""
    top = {name: field for name, field in Settings.model_fields.items() if _table_of(field) is None}
    parts = [_INTRODUCTION, "## Top level\n", _table(Settings, top)]
    for name, field in Settings.model_fields.items():
        model = _table_of(field)
        if model is not None:
            heading = f"## `[[{name}]]`" if get_origin(field.annotation) is tuple else f"## `[{name}]`"
            parts += [f"{heading}\n", f"{(model.__doc__ or '').strip()}\n", _table(model, model.model_fields)]
    parts.append("## `[channels.NAME]`\n\nWhere alerts go. `type` chooses the kind; the other keys are its options.\n")
    for kind in CHANNEL_TYPES.values():
        parts += [f'### `type = "{kind.name}"`\n', f"{kind.summary}\n", _table(kind.options, kind.options.model_fields)]
    return "\n".join(parts)


def _table_of(field: FieldInfo) -> type[BaseModel] | None:
    for annotation in (field.annotation, *get_args(field.annotation)):
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return annotation
    return None


def _table(model: type[BaseModel], fields: Mapping[str, FieldInfo]) -> str:
    lines = ["| key | type | default | |", "|---|---|---|---|"]
    for name, field in fields.items():
        key = field.alias or name
        kind = _kind(field.annotation)
        kind += ", *secret*" if is_secret(model, name) else ", *template*" if is_from_file(model, name) else ""
        meaning = (field.description or "").replace("|", "\\|")
        lines.append(f"| `{key}` | {kind} | {_default(field)} | {meaning} |")
    return "\n".join(lines) + "\n"


_KINDS: dict[object, str] = {
    str: "text",
    SecretStr: "text",
    int: "whole number",
    bool: "true or false",
    timedelta: "duration",
    ByteSize: "size",
    Path: "path",
    float: "number",
}


def _kind(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(_kind(part) for part in arguments if part is not type(None))
    if origin in (tuple, list):
        return f"list of {_kind(arguments[0])}"
    if origin is dict:
        return "table"
    if origin is not None and arguments:
        return _kind(arguments[0])
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " or ".join(f"`{value}`" for value in annotation)
    return _KINDS.get(annotation, "text")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=False)
    match value:
        case None | () | "" | {}:
            return ""
        case timedelta():
            return f"`{format_duration(value)}`"
        case ByteSize():
            return "`" + value.human_readable(decimal=True, separator=" ").replace(".0 ", " ") + "`"
        case bool():
            return f"`{str(value).lower()}`"
        case _:
            return f"`{value}`" if isinstance(value, str | int | float | Path) else ""
