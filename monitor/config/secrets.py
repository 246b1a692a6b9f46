"""Secrets from systemd credentials and from files."""

from __future__ import annotations

import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Union, get_origin

from pydantic import BaseModel, SecretStr

from monitor.config.faults import place_fault
from monitor.config.introspect import mentions, submodel
from monitor.errors import Fault
from monitor.tomlfile import TomlFile


def with_secrets(
    model: type[BaseModel],
    raw: Mapping[str, Any],
    *,
    key: tuple[str | int, ...],
    file: TomlFile,
    credentials: Path | None,
    name: tuple[str, ...] | None = None,
) -> tuple[dict[str, Any], list[Fault]]:
    """`raw` with the secrets of `model` filled in from credentials and `_file` keys; those keys are taken out.

    Args:
        name: What credentials are named by: the key path, with the name of a table of a list instead of its number.
    """
    name = tuple(str(part) for part in key) if name is None else name
    values, faults = dict(raw), list[Fault]()
    for field_name, field in model.model_fields.items():
        option = field.alias or field_name
        inner, origin = submodel(field.annotation), get_origin(field.annotation)
        if inner is not None and origin in (None, Union, types.UnionType):
            if isinstance(values.get(option, {}), Mapping):
                filled, inner_faults = with_secrets(
                    inner, values.get(option, {}), key=(*key, option), file=file, credentials=credentials
                )
                faults += inner_faults
                if filled or option in values:
                    values[option] = filled
        elif inner is not None and origin is tuple and isinstance(values.get(option), list):
            tables = list(values[option])
            for index, table in enumerate(tables):
                if isinstance(table, Mapping):
                    tables[index], inner_faults = with_secrets(
                        inner, table, key=(*key, option, index), file=file, credentials=credentials,
                        name=(*name, option, str(table.get("name", index))),
                    )  # fmt: skip
                    faults += inner_faults
            values[option] = tables
        elif inner is None and mentions(field.annotation, SecretStr):
            faults += _fill(values, option, key=key, name=name, file=file, credentials=credentials)
    return values, faults


def _fill(
    values: dict[str, Any],
    option: str,
    *,
    key: tuple[str | int, ...],
    name: tuple[str, ...],
    file: TomlFile,
    credentials: Path | None,
) -> list[Fault]:
    """Put one secret into `values`, if it comes from elsewhere."""
    path, place = _secret_path(values, option, name, credentials, Path(file.path).parent)
    if path is None:
        return []
    faults = []
    if option in values and place != option:
        faults.append(
            place_fault(file, (*key, option), message=f"stands beside {option}_file", hint="keep one of them")
        )
    values.pop(f"{option}_file", None)
    try:
        values[option] = path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        faults.append(place_fault(file, (*key, place), message=f"cannot read {path}: {reason}"))
    return faults


def _secret_path(
    values: Mapping[str, Any], option: str, name: tuple[str, ...], credentials: Path | None, folder: Path
) -> tuple[Path | None, str]:
    """Where the secret stands, and under which key; `folder`: what a path in the file counts from."""
    if credentials is not None and (path := credentials / ".".join((*name, option))).is_file():
        return path, option
    given = values.get(f"{option}_file")
    return (folder / given, f"{option}_file") if isinstance(given, str) else (None, option)
