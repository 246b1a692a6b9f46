"""The folder of rule files over time: what is used while people edit it, break it and mend it."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from monitor.errors import Fault
from monitor.rules.book import Book, read_book, scan_folder, unchecked, untried
from monitor.rules.rule import Rule
from monitor.rules.versions import Changes, Check, Kept, Trial, changes

BROKEN = "[[rule]]\nname = 'broken'\nquery = 'assad AND ('\n"


class Folder:
    """A folder of rule files and the book that a daemon has of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.check: Check = unchecked
        self.trial: Trial = untried
        self.book: Book | None = None
        path.mkdir(exist_ok=True)

    def write(self, **texts: str) -> None:
        """Files by name without ".toml"; "__" stands for a subfolder."""
        for name, text in texts.items():
            file = self.path / f"{name.replace('__', '/')}.toml"
            file.parent.mkdir(exist_ok=True, parents=True)
            file.write_text(text)

    def read(self, kept: dict[str, Kept] | None = None) -> Book:
        self.book = read_book(self.path, self.book, kept=kept, check=self.check, trial=self.trial)
        return self.book

    def kept(self) -> dict[str, Kept]:
        """What a daemon would remember of it."""
        assert self.book is not None
        good = {path: state.good for path, state in self.book.files.items()}
        return {path: Kept(text=each.text, lists=each.borrowed) for path, each in good.items() if each is not None}

    def restart(self) -> None:
        self.book = None


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "rules")


def rule(name: str, query: str = "assad", more: str = "") -> str:
    return f"[[rule]]\nname = '{name}'\nquery = '{query}'\n{more}\n"


def queries(book: Book) -> dict[str, str]:
    return {each.name: each.query for each in book.rules}


def told(book: Book) -> list[tuple[str, str]]:
    return [(Path(fault.source).name, fault.message) for fault in book.faults]


def test_only_what_changed_is_read_again(folder: Folder) -> None:
    """The rules of an unchanged file are the very same objects; so are those of a file that was only touched."""
    folder.write(a=rule("one"), b=rule("two"))
    first = folder.read()
    folder.write(a=rule("one", "asylum"))
    os.utime(folder.path / "b.toml", ns=(1, 1))
    second = folder.read()
    assert second.scan != first.scan
    assert queries(second) == {"one": "asylum", "two": "assad"}
    assert second.rules[1] is first.rules[1]
    assert changes(first.live_rules, second.live_rules) == Changes(added=0, changed=1, removed=0)


def test_a_broken_file_stays_at_its_last_good_version_whole(folder: Folder) -> None:
    """A fault in one rule keeps the other edits of that file back too; other files change as they like."""
    folder.write(a=rule("one") + rule("two"), b=rule("three"))
    folder.read()
    folder.write(a=rule("one", "edited") + BROKEN, b=rule("three", "edited"))
    book = folder.read()
    assert queries(book) == {"one": "assad", "two": "assad", "three": "edited"}
    assert [name for name, _ in told(book)] == ["a.toml"]
    folder.write(a=rule("one", "edited"))
    book = folder.read()
    assert queries(book) == {"one": "edited", "three": "edited"}
    assert book.faults == ()


@pytest.mark.parametrize("text", ["[[rule]\nname", "[[rule]]\nname = 'one'\nquery = 'ass", "\xff\xfe"])
def test_a_half_written_file_takes_nothing_away(folder: Folder, text: str) -> None:
    """What is no TOML or no text, as a file is while it is being written, leaves its rules as they were."""
    folder.write(a=rule("one"))
    folder.read()
    (folder.path / "a.toml").write_bytes(text.encode("latin-1"))
    book = folder.read()
    assert queries(book) == {"one": "assad"}
    assert len(book.faults) == 1


def test_a_file_that_was_never_good_gives_its_good_rules(folder: Folder) -> None:
    """At the first look there is no better version: what is right in a file runs, what is not is told."""
    folder.write(a=rule("one") + BROKEN, b="[[rule]")
    book = folder.read()
    assert queries(book) == {"one": "assad"}
    assert [name for name, _ in told(book)] == ["a.toml", "b.toml"]


def test_a_deleted_file_takes_its_rules_with_it(folder: Folder) -> None:
    """Even where it was broken; and a rule of another file may have its name from then on."""
    folder.write(a=rule("one"), b=rule("two"))
    folder.read()
    folder.write(a=BROKEN)
    folder.read()
    (folder.path / "a.toml").unlink()
    folder.write(b=rule("one", "asylum"))
    book = folder.read()
    assert queries(book) == {"one": "asylum"}
    assert book.faults == ()


@pytest.mark.parametrize(("source", "target"), [("a", "b"), ("b", "a")])
def test_a_rule_moved_between_files_is_never_lost(folder: Folder, source: str, target: str) -> None:
    """Saved first where it comes to: the old place keeps it until it gives it up, then the new one has it."""
    folder.write(**{source: rule("moved") + rule("stays"), target: rule("other")})
    first = folder.read()
    folder.write(**{target: rule("other") + rule("moved") + rule("new")})
    between = folder.read()
    assert queries(between).keys() == {"moved", "stays", "other"}
    assert [name for name, _ in told(between)] == [f"{target}.toml"]
    assert f"in {folder.path / source}.toml:1" in between.faults[0].message
    assert (between.faults[0].line, between.faults[0].text) == (6, "name = 'moved'")
    folder.write(**{source: rule("stays")})
    after = folder.read()
    assert queries(after).keys() == {"moved", "stays", "other", "new"}
    assert after.faults == ()
    assert changes(first.live_rules, after.live_rules) == Changes(added=1, changed=0, removed=0)


def test_a_rule_moved_out_of_a_broken_file_waits(folder: Folder) -> None:
    """The broken file's last good version still has the rule; the move is done once the file is mended."""
    folder.write(a=rule("moved"), b=rule("other"))
    folder.read()
    folder.write(a=BROKEN, b=rule("other", "edited") + rule("moved"))
    book = folder.read()
    assert queries(book) == {"moved": "assad", "other": "assad"}
    assert [name for name, _ in told(book)] == ["a.toml", "b.toml"]
    folder.write(a="")
    book = folder.read()
    assert queries(book) == {"moved": "assad", "other": "edited"}
    assert book.faults == ()


def test_of_two_new_rules_with_one_name_the_first_counts(folder: Folder) -> None:
    """By the order of the paths; the second is told with the place of the first."""
    folder.write(a=rule("one"), b=rule("one", "asylum") + rule("two"))
    book = folder.read()
    assert queries(book) == {"one": "assad", "two": "assad"}
    assert told(book) == [("b.toml", f"there is already a rule of this name, in {folder.path / 'a.toml'}:1")]


def test_a_changed_list_reaches_the_rules_that_use_it(folder: Folder) -> None:
    """Also through a list of another file; files that do not use it are not read again."""
    folder.write(
        a="[lists]\nleaders = ['assad']\n",
        b="[lists]\npeople = ['@leaders', 'putin']\n",
        c=rule("uses", "@people"),
        d=rule("other"),
    )
    first = folder.read()
    assert first.faults == ()
    folder.write(a="[lists]\nleaders = ['assad', 'maduro']\n")
    second = folder.read()
    assert second.rules[0].tree != first.rules[0].tree
    assert second.rules[1] is first.rules[1]
    assert changes(first.live_rules, second.live_rules) == Changes(added=0, changed=1, removed=0)


def test_rules_outlive_a_list_that_was_taken_away(folder: Folder) -> None:
    """The file that names the list is broken by the edit of another, and stays whole with the list it had."""
    folder.write(a="[lists]\nleaders = ['assad', 'putin']\n", b=rule("uses", "@leaders") + rule("other"))
    first = folder.read()
    folder.write(a="[lists]\nleader = ['assad', 'putin']\n")
    second = folder.read()
    assert second.rules == first.rules
    ((name, message),) = told(second)
    assert name == "b.toml"
    assert "leaders" in message
    assert "leader" in second.faults[0].hint
    folder.write(a="[lists]\nleaders = ['maduro']\n")
    assert folder.read().faults == ()


def test_a_broken_file_keeps_its_lists_too(folder: Folder) -> None:
    """A new word in a list waits with the rest of its file, for every rule that uses it."""
    folder.write(a="[lists]\nleaders = ['assad']\n", b=rule("uses", "@leaders"))
    first = folder.read()
    folder.write(a="[lists]\nleaders = ['assad', 'putin']\n" + BROKEN, b=rule("uses", "@leaders AND asylum"))
    second = folder.read()
    folder.write(a="[lists]\nleaders = ['assad', 'putin']\n", b=rule("uses", "@leaders"))
    third = folder.read()
    assert queries(second) == {"uses": "@leaders AND asylum"}
    assert "putin" not in repr(second.rules)
    assert "putin" in repr(third.rules)
    assert third.rules != first.rules


def test_the_last_good_version_outlives_a_restart(folder: Folder) -> None:
    """A file that is broken at the start runs in the version that was remembered, with the lists that it used."""
    folder.write(a="[lists]\nleaders = ['assad', 'putin']\n", b=rule("uses", "@leaders"), c=rule("gone"))
    before = folder.read()
    kept = folder.kept()
    folder.write(a="[lists]\nother = ['assad']\n", b=rule("uses", "@leaders AND ("))
    (folder.path / "c.toml").unlink()
    folder.restart()
    book = folder.read(kept)
    assert [each.tree for each in book.rules] == [each.tree for each in before.rules if each.name == "uses"]
    assert [name for name, _ in told(book)] == ["b.toml"]
    assert folder.kept()[str(folder.path / "b.toml")] == kept[str(folder.path / "b.toml")]


def test_a_remembered_rule_without_its_channel_is_left_out(folder: Folder) -> None:
    """The configuration may have changed since: an alert must not be made for a channel that has gone."""
    folder.write(a=rule("one", more="channels = ['desk']") + rule("two"))
    folder.read()
    kept = folder.kept()
    folder.write(a=BROKEN)
    folder.restart()
    folder.check = no_channel("desk")
    assert queries(folder.read(kept)).keys() == {"two"}


def no_channel(name: str) -> Check:
    def check(rules: Sequence[Rule]) -> list[Fault]:
        return [
            each.fault("channels", message=f"there is no channel {name!r}") for each in rules if name in each.channels
        ]

    return check


def test_an_edit_that_names_an_unknown_channel_is_not_taken(folder: Folder) -> None:
    """It is a fault of the file like any other; when the channel is there, the file is good without being touched."""
    folder.write(a=rule("one"))
    folder.read()
    folder.write(a=rule("one", "edited", "channels = ['desk']") + rule("two"))
    folder.check = no_channel("desk")
    book = folder.read()
    assert queries(book) == {"one": "assad"}
    assert told(book) == [("a.toml", "there is no channel 'desk'")]
    folder.check = unchecked
    assert queries(folder.read()) == {"one": "edited", "two": "assad"}


def test_a_rule_whose_test_fails_is_not_used(folder: Folder) -> None:
    """At the first look the rules beside it are; later the whole file stays as it was. Tests run once for each text."""
    tried: list[str] = []

    def trial(each: Rule) -> list[Fault]:
        tried.append(each.query)
        return [] if each.query == "assad" else [each.fault("tests", message="test 1 fails")]

    folder.trial = trial
    test = "[[rule.tests]]\ntitle = 'Assad leaves'"
    folder.write(a=rule("one", "asylum", test) + rule("two"))
    assert queries(folder.read()).keys() == {"two"}
    folder.write(a=rule("one", "assad", test) + rule("two"))
    assert queries(folder.read()).keys() == {"one", "two"}
    folder.write(a=rule("one", "putin", test))
    book = folder.read()
    assert queries(book) == {"one": "assad", "two": "assad"}
    assert told(book) == [("a.toml", "test 1 fails")]
    folder.read()
    assert tried == ["asylum", "assad", "putin"]


def test_a_folder_that_vanishes_changes_nothing(folder: Folder, tmp_path: Path) -> None:
    """A disk that is not mounted, or a folder that is being replaced, is no edit; it is told, and ends by itself."""
    folder.write(a=rule("one"))
    first = folder.read()
    folder.path.rename(tmp_path / "elsewhere")
    gone = folder.read()
    assert gone.rules == first.rules
    assert "there is no such folder" in gone.faults[0].message
    folder.write(b=rule("two"))
    assert queries(folder.read()).keys() == {"two"}


def test_a_folder_that_is_not_there_yet_runs_what_is_remembered(folder: Folder, tmp_path: Path) -> None:
    """After a reboot the disk may come later than the daemon."""
    folder.write(a=rule("one"), b=rule("two"))
    folder.read()
    kept = folder.kept()
    folder.path.rename(tmp_path / "elsewhere")
    folder.restart()
    assert queries(folder.read(kept)).keys() == {"one", "two"}
    (tmp_path / "elsewhere").rename(folder.path)
    book = folder.read()
    assert queries(book).keys() == {"one", "two"}
    assert book.faults == ()


def test_a_subfolder_that_cannot_be_read_keeps_its_rules(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong mode is told as what it is, and is no deletion of all that is inside."""
    folder.write(a=rule("one"), inner__b=rule("two"))
    folder.read()
    look_into = os.scandir

    def refuse(path: str) -> object:
        if Path(path).name == "inner":
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return look_into(path)

    monkeypatch.setattr(os, "scandir", refuse)
    book = folder.read()
    monkeypatch.undo()
    assert queries(book).keys() == {"one", "two"}
    assert "cannot be looked into: Permission denied" in book.faults[0].message
    assert folder.read().faults == ()


def test_what_editors_leave_behind_is_no_rule_file(folder: Folder) -> None:
    """Hidden files, backups and examples do not count, not even for whether something has changed."""
    folder.write(a=rule("one"))
    first = scan_folder(folder.path)
    folder.write(**{".a": rule("two"), ".git__x": rule("two"), "examples__x": rule("two")})
    for name in ("a.toml~", "a.toml.swp", "#a.toml#", "notes.txt"):
        (folder.path / name).write_text(rule("two"))
    assert scan_folder(folder.path) == first


@pytest.mark.parametrize("keeps_time", [False, True])
def test_a_file_replaced_by_one_of_the_same_size_and_time_is_seen(folder: Folder, keeps_time: bool) -> None:
    """rsync and editors write beside the file and rename; the times may even be the old ones."""
    folder.write(a=rule("one", "assad"))
    folder.read()
    times = (folder.path / "a.toml").stat()
    folder.write(new=rule("one", "putin"))
    if keeps_time:
        os.utime(folder.path / "new.toml", ns=(times.st_atime_ns, times.st_mtime_ns))
    (folder.path / "new.toml").rename(folder.path / "a.toml")
    assert queries(folder.read()) == {"one": "putin"}


def test_disabling_a_rule_removes_a_live_one(folder: Folder) -> None:
    """What is counted is what is live."""
    folder.write(a=rule("one") + rule("two"))
    first = folder.read()
    folder.write(a=rule("one") + rule("two", more="enabled = false") + rule("three"))
    second = folder.read()
    assert changes(first.live_rules, second.live_rules) == Changes(added=1, changed=0, removed=1)
    assert not changes(second.live_rules, second.live_rules)
