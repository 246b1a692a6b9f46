"""The layers that ARCHITECTURE.md draws hold, and a breach is noticed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([program, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False)


def test_every_contract_is_kept() -> None:
    """The import contracts of pyproject.toml hold for the code as it is."""
    done = lint_imports(REPOSITORY)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("alerts/plan.py", "import httpx", "The core does no I/O"),
        ("rules/engine.py", "import monitor.clock", "The core does no I/O"),
        ("store/store.py", "import monitor.rules.engine", "Layers"),
        ("service/poll.py", "import monitor.store.open", "Services see ports"),
        ("notify/slack.py", "import monitor.notify.email", "Notifiers do not know each other"),
        ("stray.py", "", "Layers"),
    ],
)
def test_a_breach_is_noticed(tmp_path: Path, module: str, line: str, contract: str) -> None:
    """Each kind of forbidden import, and a module that no layer knows, breaks its contract."""
    shutil.copytree(REPOSITORY / "monitor", tmp_path / "monitor", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    path = tmp_path / "monitor" / module
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(f"{text}\n{line}\n", encoding="utf-8")
    done = lint_imports(tmp_path)
    assert done.returncode != 0
    assert any(contract in told and "BROKEN" in told for told in " ".join(done.stdout.split()).split("KEPT")), (
        done.stdout
    )
