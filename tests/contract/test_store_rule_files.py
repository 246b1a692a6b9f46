"""The contract of `monitor/store/base.py`: what is remembered of rule files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.store.base import RuleFile
from tests.contract.samples import MINUTE, NOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.store.base import Store

GOOD = RuleFile(
    path="/etc/rules/a.toml", text='[[rule]]\n# „naïve" 辞职\n', lists={"leaders": ("assad", '"kim jong un"')}, rules=2
)
BROKEN = RuleFile(
    path="/etc/rules/b.toml",
    faults=("/etc/rules/b.toml:3:1: this is not a TOML value\n    hint: …",),
    broken_at=NOW,
    stopped={"slow one": NOW + MINUTE},
)


def test_rule_files_are_remembered_whole(store: Store, open_again: Callable[[], Store]) -> None:
    """Text, lists, faults and times come back as they were, also after another opening."""
    store.keep_rule_files([BROKEN, GOOD])
    assert store.rule_files() == (GOOD, BROKEN)
    assert open_again().rule_files() == (GOOD, BROKEN)


def test_writing_a_rule_file_again_replaces_it_and_leaves_others(store: Store) -> None:
    """Only what is given changes; what has gone is forgotten, and forgetting it twice is harmless."""
    store.keep_rule_files([GOOD, BROKEN])
    mended = RuleFile(path=BROKEN.path, text="[[rule]]", rules=1)
    store.keep_rule_files([mended])
    assert store.rule_files() == (GOOD, mended)
    store.keep_rule_files([], gone=[GOOD.path])
    store.keep_rule_files([], gone=[GOOD.path, "/etc/rules/never.toml"])
    assert store.rule_files() == (mended,)
    store.keep_rule_files([])
    assert store.rule_files() == (mended,)
