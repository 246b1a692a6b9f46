"""The shipped unit, judged by systemd itself."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[2] / "systemd" / "news-monitor.service"
MAX_EXPOSURE = 1.5

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"),
]


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
    )


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that exists here in the place of the installed one; `verify` asks for that."""
    text, replaced = re.subn(r"(?m)^ExecStart=\S+", f"ExecStart={sys.executable}", UNIT.read_text(encoding="utf-8"))
    assert replaced == 1
    copy = tmp_path / UNIT.name
    copy.write_text(text, encoding="utf-8")
    return copy


def test_systemd_has_no_complaint(unit: Path) -> None:
    """`systemd-analyze verify` finds no unknown option and no bad value."""
    result = analyze("verify", "--man=no", str(unit))
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


def test_exposure_stays_low(unit: Path) -> None:
    """`systemd-analyze security` rates the unit at 1.5 or better; who drops a hardening line learns it here."""
    result = analyze("security", "--offline=true", "--no-pager", f"--threshold={MAX_EXPOSURE * 10:.0f}", str(unit))
    assert result.returncode == 0, result.stdout + result.stderr
    overall = re.search(r"Overall exposure level for \S+: ([\d.]+)", result.stdout)
    assert overall is not None, result.stdout
    assert float(overall[1]) <= MAX_EXPOSURE


def test_examples_of_credentials_are_what_systemd_takes(unit: Path) -> None:
    """The commented lines work once their # is taken away."""
    text = re.sub(r"(?m)^#   (?=LoadCredential=|IPAddress)", "", unit.read_text(encoding="utf-8"))
    assert text.count("\nLoadCredential=") >= 1
    assert text.count("\nIPAddressDeny=") == 1
    # The examples stand in [Service] already.
    unit.write_text(text, encoding="utf-8")
    result = analyze("verify", "--man=no", str(unit))
    assert (result.returncode, result.stdout + result.stderr) == (0, "")
