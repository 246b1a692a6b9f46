"""Stores to test: each test that takes `store` runs on a real SQLite file and on a real PostgreSQL server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitor.store.open import open_store
from tests.contract.samples import NOW
from tests.postgres import REASON, PostgresServer, find_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import URL

    from monitor.store.base import Store


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
    open_store(url.render_as_string(hide_password=False), now=NOW).close()
    return url


@pytest.fixture
def postgres_url(postgres_server: PostgresServer, postgres_template: URL) -> Iterator[str]:
    url = postgres_server.create_database(postgres_template.database)
    yield url.render_as_string(hide_password=False)
    postgres_server.drop_database(url)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/state/monitor.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    fixture = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    url: str = request.getfixturevalue(fixture)
    return url


@pytest.fixture
def open_again(store_url: str) -> Iterator[Callable[[], Store]]:
    """Opens the test's store once more, as another process would."""
    opened: list[Store] = []

    def open_one() -> Store:
        opened.append(open_store(store_url, now=NOW))
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def store(open_again: Callable[[], Store]) -> Store:
    return open_again()
