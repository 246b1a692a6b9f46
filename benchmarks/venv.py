"""The virtual environment of the contestants that are libraries of others; nothing of it is among our dependencies."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from benchmarks.process import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_VENV = REPOSITORY / ".venv-bench"
PYTHON = _VENV / "bin" / "python"


def install(requirements: Iterable[str], *, modules: Iterable[str]) -> str:
    """Make the environment and put `requirements` into it where one of `modules` is missing; why that failed, or ""."""
    wanted = tuple(requirements)
    try:
        if not PYTHON.exists():
            print(f"making {_VENV.name} (once)", file=sys.stderr)
            subprocess.run([sys.executable, "-m", "venv", _VENV], check=True, capture_output=True, text=True)
        there = subprocess.run([PYTHON, "-c", f"import {', '.join(modules)}"], check=False, capture_output=True)
        if there.returncode:
            print(f"installing {' and '.join(wanted)} in {_VENV.name} (once)", file=sys.stderr)
            pip: list[str | Path] = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, *wanted], check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        lines = (error.stderr or error.stdout or str(error)).strip().splitlines()
        return lines[-1] if lines else str(error)
    return ""
