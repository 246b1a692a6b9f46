"""Rules that change while articles come in: is one missed or matched twice, and how long does the loop stall?"""

from __future__ import annotations

import random
import socket
import sqlite3
import sys
import tempfile
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from benchmarks.process import Contestant
from benchmarks.report import Report

if TYPE_CHECKING:
    from collections.abc import Iterator

_FEEDS = 10
_ENTRIES = 3  # new ones at each poll
_CHARACTERS = 3_200  # of each
_COLUMNS = ("p50", "p99", "max", "own p99", "own max", "seconds")
_WORDS = """
    the of and to in a for on that with as by at from said after government officials minister report week year
    people city country market company million court police parliament election vote talks agreement crisis border
    region storm rain flood river power energy price oil bank rate growth trade union workers strike school hospital
""".split()  # noqa: SIM905 -- easier to read than a list


def run(*, quick: bool) -> Report:
    """Let the daemon's loop run alone for a while, then change all rules again and again."""
    rules, changes, alone = (200, 10, 5.0) if quick else (1_000, 100, 20.0)
    with tempfile.TemporaryDirectory() as name, _wire(rules) as port:
        folder = Path(name)
        _write_site(folder, port)
        given = {"config": str(folder / "config.toml"), "rules": rules, "changes": changes, "alone": alone}
        with Contestant([sys.executable, "-m", "benchmarks.reload_side"], given) as daemon:
            done = daemon.ask({})
        entries, missed, twice = _count_matches(folder / "state" / "news-monitor.db")
    return _report(done, rules, changes, entries=entries, missed=missed, twice=twice)


def _write_site(folder: Path, port: int) -> None:
    feeds = "".join(
        f'[[feeds]]\nname = "wire {number}"\nurl = "http://127.0.0.{number + 1}:{port}/"\n' for number in range(_FEEDS)
    )
    polling = '[polling]\nmin_interval = "1s"\ninterval = "1s"\nhost_delay = "0s"\n[log]\nlevel = "warning"\n'
    (folder / "config.toml").write_text(polling + feeds, encoding="utf-8")
    (folder / "rules").mkdir()


@contextmanager
def _wire(rules: int) -> Iterator[int]:
    """A server on loopback whose every answer is a feed of new entries; its port."""
    numbers, dice = count(), random.Random(7)

    class Wire(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = "".join(_entry(next(numbers), dice, rules) for _ in range(_ENTRIES))
            feed = f'<rss version="2.0"><channel><title>Wire</title>{body}</channel></rss>'.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(feed)))
            self.end_headers()
            self.wfile.write(feed)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def server_bind(self) -> None:
            # As in `farm`: every 127.x.y.z, and still reached from this machine only.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0")
            super().server_bind()

    with Server(("0.0.0.0", 0), Wire) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def _entry(number: int, dice: random.Random, rules: int) -> str:
    """An article with the word that every version of the watched rule asks for, and the topic of one other rule."""
    words = dice.choices(_WORDS, k=_CHARACTERS // 6)
    text = ". ".join(" ".join(words[start : start + 20]) for start in range(0, len(words), 20))
    title = f"Everyarticle {number} on topic{dice.randrange(rules)}"
    return f"<item><guid>{number}</guid><title>{title}</title><description>{text}</description></item>"


def _count_matches(database: Path) -> tuple[int, int, int]:
    """Entries, those without a match of the watched rule, and those with more than one: it has a new name each time."""
    matched = """
        SELECT count(matches.rule) AS found FROM entries
        LEFT JOIN matches ON matches.entry_id = entries.id AND matches.rule LIKE 'every %' GROUP BY entries.id
    """
    with closing(sqlite3.connect(database)) as connection:
        row = connection.execute(
            f"SELECT count(*), coalesce(sum(found = 0), 0), coalesce(sum(found > 1), 0) FROM ({matched})"
        ).fetchone()
    return int(row[0]), int(row[1]), int(row[2])


def _report(done: dict[str, Any], rules: int, changes: int, *, entries: int, missed: int, twice: int) -> Report:
    live = sorted(done["live_seconds"])
    middle, slowest = live[len(live) // 2], live[-1]
    verdict = f"{missed} of {entries:,} articles unmatched, {twice} matched twice"
    return Report(
        title=f"reload: {rules:,} rules all changed {changes} times, {_FEEDS * _ENTRIES} articles/s; ms that the "
        "loop is late",
        columns=("", *_COLUMNS),
        rows=tuple((name, *(f"{figures[each]:.1f}" for each in _COLUMNS)) for name, figures in done["lag"].items()),
        summary=f"{verdict}; own p99 {done['lag']['changing']['own p99']:.1f} ms; live {middle:.2f} s after saving "
        f"(slowest {slowest:.2f} s)",
        figures={**done, "entries": entries, "unmatched": missed, "matched_twice": twice},
    )
