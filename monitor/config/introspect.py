"""Questions about pydantic models: what is a secret, which keys there are at a place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel, SecretStr


def is_secret(model: type[BaseModel], name: str) -> bool:
    """Whether this field of a model is kept out of everything that is printed."""
    field = model.model_fields.get(name) or field_of(model, name)
    return field is not None and mentions(field.annotation, SecretStr)


def is_from_file(model: type[BaseModel], name: str) -> bool:
    """Whether this text may also come from a file that is named by the key with `_file` behind it; not for secrets."""
    field = model.model_fields.get(name)
    extra = field.json_schema_extra if field is not None else None
    return isinstance(extra, dict) and extra.get("from_file") is True


def field_of(model: type[BaseModel], name: str) -> Any:
    return next((field for field in model.model_fields.values() if field.alias == name), None)


def mentions(annotation: object, wanted: type) -> bool:
    if annotation is wanted:
        return True
    return any(mentions(argument, wanted) for argument in get_args(annotation))


def submodel(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for argument in get_args(annotation) if (found := submodel(argument))), None)


def model_at(model: type[BaseModel], location: Sequence[str | int]) -> type[BaseModel] | None:
    current: type[BaseModel] | None = model
    for part in location:
        if isinstance(part, int):
            continue
        field = current.model_fields.get(part) if current else None
        current = submodel(field.annotation) if field else None
    return current


def keys_at(model: type[BaseModel], location: Sequence[str | int]) -> set[str]:
    found = model_at(model, location)
    if found is None:
        return set()
    keys = {field.alias or name for name, field in found.model_fields.items()}
    return keys | {f"{name}_file" for name in keys if is_secret(found, name) or is_from_file(found, name)}


def description(model: type[BaseModel], location: Sequence[str | int]) -> str:
    owner = model_at(model, location[:-1])
    if owner is None or not location:
        return ""
    field = owner.model_fields.get(str(location[-1])) or field_of(owner, str(location[-1]))
    return (field.description or "").replace("`", "") if field else ""
