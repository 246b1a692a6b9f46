"""The JSON Schema of rule files, for editors: what they complete, explain and mark before `check` is run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from monitor.model import Severity
from monitor.rules.keys import (
    ARTICLE_KEYS,
    DEFAULTS_KEYS,
    DURATION,
    FILE_KEYS,
    LANGUAGE,
    LINK,
    MAX_LINE,
    MAX_NUMBER,
    RULE_KEYS,
    TEST_KEYS,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.rules.keys import Key, Kind

Schema = dict[str, Any]

# The newest draft that the TOML extensions of editors know well.
_DRAFT = "http://json-schema.org/draft-07/schema#"
_NOT_BLANK: Schema = {"type": "string", "pattern": r"\S"}
_LINE: Schema = {"type": "string", "maxLength": MAX_LINE, "pattern": r"^[^\r\n]*$"}


def rules_schema() -> Schema:
    """All of docs/rules.schema.json. A file that it refuses has a fault; one that it takes may still have some."""
    return {
        "$schema": _DRAFT,
        "title": "Rules of news-monitor",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "rule": {"description": FILE_KEYS["rule"], "type": "array", "items": {"$ref": "#/definitions/rule"}},
            "defaults": _table(DEFAULTS_KEYS, description=FILE_KEYS["defaults"]),
            "lists": {
                "description": FILE_KEYS["lists"],
                "type": "object",
                "propertyNames": {"pattern": _LIST_NAME},
                "additionalProperties": _listed(_NOT_BLANK),
            },
        },
        "definitions": {
            "rule": {
                **_table(RULE_KEYS),
                "required": ["name"],
                "dependencies": {"count": ["window"], "window": ["count"]},
                "anyOf": [{"required": [key.name]} for key in RULE_KEYS if _is_positive(key)],
            },
            "test": {**_table(TEST_KEYS), "anyOf": [{"required": [name]} for name in ARTICLE_KEYS]},
        },
    }


def _is_positive(key: Key) -> bool:
    return key.kind == "query" or (key.kind == "items" and key.name != "none")


def _table(keys: Sequence[Key], *, description: str = "") -> Schema:
    properties = {key.name: _property(key) for key in keys}
    told = {"description": description} if description else {}
    return {**told, "type": "object", "additionalProperties": False, "properties": properties}


def _property(key: Key) -> Schema:
    examples = [list(example) if isinstance(example, tuple) else example for example in key.examples]
    return {"description": key.meaning, **_KINDS[key.kind], **({"examples": examples} if examples else {})}


def _listed(items: Schema) -> Schema:
    return {"type": "array", "minItems": 1, "items": items}


# As `RULE_NAME` and `LIST_NAME`, but letters are what is none of the usual signs: in the regular expressions of a JSON
# Schema only ASCII has classes.
_SIGNS = r"\s!-,/:-@\[-\^`{-~"
_RULE_NAME = rf"^[^{_SIGNS}._-](?:[^\t\n!-,/:-@\[-\^`{{-~]{{0,62}}[^{_SIGNS}])?$"
_LIST_NAME = rf"^[^{_SIGNS}.-](?:[^{_SIGNS}]{{0,62}}[^{_SIGNS}.-])?$"

_KINDS: dict[Kind, Schema] = {
    "name": {"type": "string", "pattern": _RULE_NAME},
    "line": _LINE,
    "text": {"type": "string"},
    "query": _NOT_BLANK,
    "items": _listed(_NOT_BLANK),
    "names": _listed(_NOT_BLANK),
    "lines": _listed(_NOT_BLANK),
    "severity": {"type": "string", "enum": [severity.value for severity in Severity], "default": "normal"},
    "edit": {"type": "string", "enum": ["nothing", "reply"], "default": "nothing"},
    "flag": {"type": "boolean", "default": True},
    # A date without quotes: extensions look at it as at a text.
    "date": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d.*(?:[Zz]|[+-]\d\d:\d\d))?$"},
    "duration": {"type": "string", "pattern": f"^{DURATION}$"},
    "number": {"type": "integer", "minimum": 2, "maximum": MAX_NUMBER},
    "language": {"type": "string", "pattern": f"^{LANGUAGE}$"},
    "links": _listed({"type": "string", "format": "uri", "pattern": f"^{LINK}$"}),
    "tests": {"type": "array", "items": {"$ref": "#/definitions/test"}},
}
