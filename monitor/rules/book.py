"""The folder of rule files. The only part of the rules that reads files."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, NamedTuple

from monitor import tomlfile
from monitor.errors import ConfigError, Fault
from monitor.rules.versions import Check, Content, FileState, Kept, Trial, settle

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from monitor.rules.rule import Rule

_EXAMPLES = "examples"


class Stamp(NamedTuple):
    """What changes when a file does. The inode and ctime tell a file of the same size and time that was moved here."""

    modified_ns: int
    changed_ns: int
    size: int
    inode: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What a look at the folder shows without reading its files; equal scans: nothing has changed.

    Attributes:
        stamps: By path, in order of the paths.
        faults: By the path of what could not be looked at: a folder, itself or one inside, or a link to nothing.
    """

    stamps: Mapping[str, Stamp]
    faults: Mapping[str, Fault] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """The folder as it was read, and what is used of it.

    Attributes:
        files: By path, in order.
        rules: All rules in use, enabled or not, in that order.
        faults: Every error in the files and folders.
        warnings: What looks wrong in the files that are used as they are or in part.
    """

    folder: Path
    scan: Scan
    files: Mapping[str, FileState]
    rules: tuple[Rule, ...]
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]

    @property
    def live_rules(self) -> tuple[Rule, ...]:
        """The enabled ones."""
        return tuple(rule for rule in self.rules if rule.enabled)


def unchecked(_rules: Sequence[Rule]) -> Sequence[Fault]:
    """For a book whose rules may name any feed and channel."""
    return ()


def untried(_rule: Rule) -> Sequence[Fault]:
    """For a book whose rules need not pass their tests."""
    return ()


def read_book(
    folder: Path,
    before: Book | None = None,
    *,
    kept: Mapping[str, Kept] | None = None,
    check: Check = unchecked,
    trial: Trial = untried,
) -> Book:
    """Read every *.toml in `folder` and its subfolders; see `scan_folder`.

    A file that has gone takes its rules with it. Files in a folder that cannot be looked into, or in a rules folder
    that is not there, stay as they were: an unmounted disk is no edit.

    Args:
        before: The last book of this folder; unchanged files are not read again, and broken ones stay at the version
            that it has.
        kept: Good versions by path from an earlier run, for files that `before` does not have.
        check: Gives a fault for each thing that a rule names and that does not exist.
        trial: Gives a fault for each test of a rule that fails.
    """
    if before is not None and before.folder != folder:
        before = None
    files = before.files if before is not None else {}
    scan = scan_folder(folder)
    known = {**(kept or {}), **files}
    contents = [
        *_found(scan, before),
        *(
            Content(path=path, fault=None if path in files else fault)
            for path in known
            if path not in scan.stamps and (fault := _hidden_by(path, scan)) is not None
        ),
    ]
    contents.sort(key=lambda content: Path(content.path))
    states = settle(contents, files, kept=kept or {}, check=check, trial=trial)
    found = [fault for state in states for fault in state.faults]
    return Book(
        folder=folder,
        scan=scan,
        files={state.path: state for state in states},
        rules=tuple(rule for state in states for rule in state.rules),
        faults=tuple(dict.fromkeys([*scan.faults.values(), *found])),
        warnings=tuple(fault for state in states for fault in state.warnings),
    )


def load_folder(path: Path) -> tuple[tuple[Rule, ...], tuple[Fault, ...]]:
    """The rules of a folder that can be read, whatever feeds and channels they name, and all faults and warnings."""
    book = read_book(path)
    return book.rules, (*book.faults, *book.warnings)


def scan_folder(folder: Path) -> Scan:
    """Look at the rule files of `folder` and its subfolders.

    Links are followed. Hidden files and folders are left out, and so are folders called "examples".
    """
    if not folder.is_dir():
        what = "this is a file, not a folder" if folder.exists() else "there is no such folder"
        hint = "`news-monitor init` writes one with rules to start from"
        fault = Fault(source=str(folder), message=f"{what}; rule files are expected in it", hint=hint)
        return Scan(stamps={}, faults={str(folder): fault})
    faults: dict[str, Fault] = {}
    stamps: dict[str, Stamp] = {}
    for path in _walk(folder, faults):
        try:
            about = path.stat()
        except OSError as error:
            if path.is_symlink():  # to something that is not there now: an unmounted disk is no edit
                message = f"a link that cannot be followed to {path.readlink()}: {error.strerror}"
                hint = "its rules stay as they were; mend the link, or remove it"
                faults[str(path)] = Fault(source=str(path), message=message, hint=hint)
            continue  # gone since
        if not S_ISREG(about.st_mode):  # to open a pipe would be to wait for its writer
            continue
        if path.suffix != ".toml":
            continue
        stamps[str(path)] = Stamp(about.st_mtime_ns, about.st_ctime_ns, about.st_size, about.st_ino)
    return Scan(stamps={path: stamps[path] for path in sorted(stamps, key=Path)}, faults=faults)


def is_rule_path(relative: Path) -> bool:
    """Whether a change of this path inside the rules folder may concern a rule file."""
    return not any(part.startswith(".") for part in relative.parts) and _EXAMPLES not in relative.parts


def _walk(folder: Path, faults: dict[str, Fault]) -> Iterator[Path]:
    def cannot(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):  # removed while it was looked at
            message = f"cannot be looked into: {error.strerror}"
            hint = "the rules in it stay as they were; check its owner and its mode"
            faults[str(error.filename)] = Fault(source=str(error.filename), message=message, hint=hint)

    root, seen = folder.resolve(), set[Path]()
    for parent, folders, files in os.walk(folder, onerror=cannot, followlinks=True):
        names = [name for name in folders if is_rule_path(Path(name))]
        folders[:] = [name for name in names if _is_to_be_walked(Path(parent, name), root, seen)]
        yield from (Path(parent, name) for name in files if _may_matter(Path(parent, name)))


def _may_matter(path: Path) -> bool:
    """A rule file, or a link to nothing that may have been one to a folder."""
    return is_rule_path(Path(path.name)) and (path.suffix == ".toml" or (not path.suffix and path.is_symlink()))


def _is_to_be_walked(folder: Path, root: Path, seen: set[Path]) -> bool:
    """Not twice where it is a link, and not through a link to what the rules folder is in: that has no end."""
    if not folder.is_symlink():
        return True
    target = folder.resolve()
    if target in seen or root.is_relative_to(target) or target.is_relative_to(root):
        return False
    seen.add(target)
    return True


def _found(scan: Scan, before: Book | None) -> Iterator[Content]:
    for path, stamp in scan.stamps.items():
        state = before.files.get(path) if before is not None else None
        if before is not None and state is not None and not state.unreadable and before.scan.stamps.get(path) == stamp:
            yield Content(path=path)
            continue
        try:
            yield Content(path=path, file=tomlfile.read(Path(path)))
        except ConfigError as error:
            if Path(path).exists():  # else it has gone since the scan
                yield Content(path=path, fault=error.faults[0])


def _hidden_by(path: str, scan: Scan) -> Fault | None:
    """The fault of the folder above it, for a file that may still be there."""
    return next((fault for folder, fault in scan.faults.items() if Path(path).is_relative_to(folder)), None)
