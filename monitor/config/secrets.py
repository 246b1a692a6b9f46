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
    model: type[BaseModel], raw: Mapping[str, Any], *, key: tuple[str, ...], file: TomlFile, credentials: Path | None
) -> tuple[dict[str, Any], list[Fault]]:
    """`raw` with the secrets of `model` filled in from credentials and `_file` keys; those keys are taken out."""
    values, faults = dict(raw), list[Fault]()
    for field_name, field in model.model_fields.items():
        name = field.alias or field_name
        inner = submodel(field.annotation)
        if inner is not None and get_origin(field.annotation) in (None, Union, types.UnionType):
            if isinstance(values.get(name, {}), Mapping):
                filled, inner_faults = with_secrets(
                    inner, values.get(name, {}), key=(*key, name), file=file, credentials=credentials
                )
                faults += inner_faults
                if filled or name in values:
                    values[name] = filled
            continue
        if not mentions(field.annotation, SecretStr):
            continue
        path, place = _secret_path(values, name, key, credentials, Path(file.path).parent)
        if path is None:
            continue
        if name in raw and place != name:
            faults.append(
                place_fault(file, (*key, name), message=f"stands beside {name}_file", hint="keep one of them")
            )
        values.pop(f"{name}_file", None)
        try:
            values[name] = path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            faults.append(place_fault(file, (*key, place), message=f"cannot read {path}: {reason}"))
    return values, faults


def _secret_path(
    values: Mapping[str, Any], name: str, key: tuple[str, ...], credentials: Path | None, folder: Path
) -> tuple[Path | None, str]:
    """Where the secret stands, and under which key; `folder`: what a path in the file counts from."""
    if credentials is not None and (path := credentials / ".".join((*key, name))).is_file():
        return path, name
    given = values.get(f"{name}_file")
    return (folder / given, f"{name}_file") if isinstance(given, str) else (None, name)
