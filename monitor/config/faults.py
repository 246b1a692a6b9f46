"""What pydantic found wrong, told in the terms of the file: where it stands, what is wrong, what would be right."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from monitor.config.introspect import description, is_secret, keys_at, model_at
from monitor.config.settings import ENV_DELIMITER, ENV_PREFIX
from monitor.errors import Fault
from monitor.tomlfile import TomlFile, did_you_mean

ENVIRONMENT = "environment"


def place_fault(file: TomlFile, key: Sequence[str | int], *, message: str, hint: str = "") -> Fault:
    """A fault at a key of the file; one that only the environment has is blamed on the environment."""
    variable = ENV_PREFIX + ENV_DELIMITER.join(str(part) for part in key).upper()
    if variable in os.environ:
        return Fault(source=ENVIRONMENT, where=variable, message=message, hint=hint)
    for length in range(len(key), 0, -1):
        place = file.locate(*key[:length])
        if place is not None:
            return Fault(source=file.path, line=place.line, where=key_path(key), message=message, hint=hint)
    return Fault(source=file.path, where=key_path(key), message=message, hint=hint)


def key_path(key: Sequence[str | int]) -> str:
    """("feeds", 2, "url") ▸ "feeds[2].url"."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def fault_of(
    detail: Any, model: type[BaseModel], key: tuple[str, ...], file: TomlFile, raw: Mapping[str, Any]
) -> Fault:
    location = tuple(part for part in detail["loc"] if part != "[key]")
    place = (*key, *location)
    if detail["type"] == "extra_forbidden":
        name = str(location[-1])
        known = keys_at(model, location[:-1])
        hint = did_you_mean(name, known) or ("known keys: " + ", ".join(sorted(known)))
        return place_fault(file, place, message="unknown key", hint=hint)
    if detail["type"] == "missing":
        return place_fault(file, place, message="is missing", hint=description(model, location))
    if detail["type"] in _LISTS and isinstance(detail["input"], Mapping) and model_at(model, location) is not None:
        brackets = f"[[{key_path(place)}]]"
        return place_fault(file, place, message="must be a list of tables", hint=f"write {brackets}, with two brackets")
    message = _MESSAGES.get(detail["type"], "").format(**detail.get("ctx", {}))
    if not message:
        message = detail["msg"].removeprefix("Value error, ")
        message = message if message[:2].isupper() else message[:1].lower() + message[1:]
    shown = _shown_value(model, location, raw)
    return place_fault(file, place, message=message, hint="" if not shown or shown in message else f"it is {shown}")


_LISTS = ("tuple_type", "list_type")

# pydantic speaks of Python's types; the file is TOML.
_MESSAGES = {
    "tuple_type": 'must be a list, such as ["one", "two"]',
    "list_type": 'must be a list, such as ["one", "two"]',
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "string_type": "must be text in quotes",
    "path_type": "must be a path in quotes",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "literal_error": "must be {expected}",
    "byte_size": 'must be a size, such as "10 MB"',
    "byte_size_unit": 'must be a size, such as "10 MB"',
}


def _shown_value(model: type[BaseModel], location: tuple[str | int, ...], raw: Mapping[str, Any]) -> str:
    """The value that was refused, unless it is a secret or too long to be of help."""
    owner, value = model_at(model, location[:-1]), _value_at(raw, location)
    if owner is None or not location or is_secret(owner, str(location[-1])) or value is None:
        return ""
    if isinstance(value, Mapping):
        return ""  # there may be secrets in it
    text = repr(value)
    return text if len(text) <= 80 else ""


def _value_at(raw: Any, location: tuple[str | int, ...]) -> Any:
    for part in location:
        try:
            raw = raw[part]
        except (KeyError, IndexError, TypeError):
            return None
    return raw
