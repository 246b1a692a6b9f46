"""Long texts, such as templates, from files of their own beside config.toml."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from monitor.config.faults import place_fault
from monitor.config.introspect import is_from_file
from monitor.errors import Fault
from monitor.tomlfile import TomlFile


def with_texts(
    model: type[BaseModel], raw: Mapping[str, Any], *, key: tuple[str, ...], file: TomlFile, folder: Path
) -> tuple[dict[str, Any], dict[str, Path], list[Fault]]:
    """`raw` with the texts that its `_file` keys name, the file of each by the option's name, and what is wrong."""
    values, paths, faults = dict(raw), dict[str, Path](), list[Fault]()
    for name in model.model_fields:
        given = raw.get(f"{name}_file")
        if not is_from_file(model, name) or not isinstance(given, str):
            continue
        values.pop(f"{name}_file")
        if name in raw:
            faults.append(
                place_fault(file, (*key, name), message=f"stands beside {name}_file", hint="keep one of them")
            )
            continue
        paths[name] = folder / given
        try:
            values[name] = paths[name].read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            faults.append(place_fault(file, (*key, f"{name}_file"), message=f"cannot read {paths[name]}: {reason}"))
    return values, paths, faults
