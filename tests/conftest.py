"""Rules for all tests."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,  # noqa: ARG001 -- the hook's signature
    call: pytest.CallInfo[Any],  # noqa: ARG001
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI everything a test needs can be installed, so a skipped test there is a missing install step."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report
