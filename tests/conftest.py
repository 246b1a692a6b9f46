"""Rules for all tests."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import settings
from sqlalchemy import URL

from monitor.config.settings import ENV_PREFIX
from monitor.store.open import open_store
from tests.postgres import REASON, PostgresServer, find_server

# No clock decides a test; and in CI the same examples are drawn each time.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "local")


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


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this shell says to a daemon, or to these tests, is no setting of the daemons in them."""
    for name in [name for name in os.environ if name.startswith(ENV_PREFIX)]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    with find_server() as server:
        if server is None:
            pytest.skip(REASON)
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> URL:
    """A database with our tables; a copy of it is made faster than a new one is migrated."""
    url = postgres_server.create_database()
    open_store(url.render_as_string(hide_password=False), now=datetime(2026, 1, 1, tzinfo=UTC)).close()
    return url


@pytest.fixture
def postgres_url(postgres_server: PostgresServer, postgres_template: URL) -> Iterator[str]:
    url = postgres_server.create_database(postgres_template.database)
    yield url.render_as_string(hide_password=False)
    postgres_server.drop_database(url)
