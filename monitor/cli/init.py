"""`news-monitor init`: a configuration and rules to start from."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.common import say
from monitor.cli.rules import schema_text
from monitor.errors import MonitorError, UsageError

SCHEMA_NAME = "rules.schema.json"
_SCHEMA_LINE = f"#:schema ./{SCHEMA_NAME}\n".encode()


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where to write; made when it does not exist.")
    ] = Path(),
) -> None:
    """Write a config.toml and rules/ to start from.

    Files that exist are never touched.
    """
    starter = starter_files()
    present = [name for name in (*starter, f"rules/{SCHEMA_NAME}") if (folder / name).exists()]
    if present:
        raise UsageError(f"{folder / present[0]} exists already; nothing was written. Name another folder")
    try:
        for name, source in starter.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            head = _SCHEMA_LINE if target.suffix == ".toml" and target.parent.name == "rules" else b""
            target.write_bytes(head + source.read_bytes())
            say(f"wrote {target}")
        # Editors find it by the first line of each rule file.
        schema = folder / "rules" / SCHEMA_NAME
        schema.write_text(schema_text() + "\n", encoding="utf-8")
        say(f"wrote {schema}")
    except OSError as error:
        raise MonitorError(f"cannot write {error.filename}: {error.strerror}") from None
    config = folder / "config.toml"
    option = "" if folder == Path() else f" --config {config}"
    say(f"\nnext: news-monitor check{option}\n      news-monitor run{option}")


def starter_files() -> dict[str, Traversable]:
    """The starter files by their path in the new folder: part of the wheel, or the repository's own in a checkout."""
    packaged = files("monitor") / "bundled" / "starter"
    root: Traversable = packaged if packaged.is_dir() else Path(__file__).parents[2]
    rules = [item for item in (root / "rules").iterdir() if item.name.endswith(".toml")]
    return {"config.toml": root / "config.toml"} | {
        f"rules/{item.name}": item for item in sorted(rules, key=lambda item: item.name)
    }
