"""The folder of rule files. The only part of the rules that reads files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor import tomlfile
from monitor.errors import ConfigError, Fault
from monitor.rules.load import load_rules

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.rules.load import Rule

_EXAMPLES = "examples"


def load_folder(path: Path) -> tuple[tuple[Rule, ...], tuple[Fault, ...]]:
    """The rules of every *.toml in `path` and its subfolders, in order of their paths, and every fault in them.

    Hidden files and folders are left out, and so are folders called "examples". A file that cannot be read at all gives
    a fault and leaves the others alone: whether rules are used while others have faults is for the caller to say.
    """
    if not path.is_dir():
        what = "this is a file, not a folder" if path.exists() else "there is no such folder"
        hint = "`news-monitor init` writes one with rules to start from"
        return (), (Fault(source=str(path), message=f"{what}; rule files are expected in it", hint=hint),)
    files: list[tomlfile.TomlFile] = []
    faults: list[Fault] = []
    for file in rule_files(path):
        try:
            files.append(tomlfile.read(file))
        except ConfigError as error:
            faults += error.faults
    rules, found = load_rules(files)
    return rules, (*faults, *found)


def rule_files(path: Path) -> list[Path]:
    """The files that `load_folder` reads, in its order."""
    return sorted(file for file in path.rglob("*.toml") if _is_active(file.relative_to(path)) and not file.is_dir())


def _is_active(relative: Path) -> bool:
    return not any(part.startswith(".") for part in relative.parts) and _EXAMPLES not in relative.parts[:-1]
