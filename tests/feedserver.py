"""A web server on loopback whose answers a test sets and changes while it runs, and which remembers its requests."""

from __future__ import annotations

import gzip
import hashlib
import threading
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

Manner = Literal["plain", "drip", "hang", "endless", "cut", "rude"]

_CHUNK = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One answer.

    Attributes:
        headers: Sent beside Content-Type, Content-Length, Content-Encoding and ETag; an entry here replaces those.
        compress: Gzip `body` for clients that accept it.
        etag: True: made from the body; a text: sent as it is; False: none. If-None-Match with it is answered by 304.
        manner: "plain"; "drip": a byte of the body every `gap` seconds; "hang": nothing at all; "endless": `body` again
            and again; "cut": half of the body, though Content-Length promises all; "rude": bytes that are no HTTP.
        gap: Seconds between two bytes of a "drip".
    """

    body: bytes = b""
    status: int = 200
    content_type: str = "application/rss+xml; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    compress: bool = False
    etag: bool | str = True
    last_modified: str | None = None
    manner: Manner = "plain"
    gap: float = 0.05

    @property
    def validator(self) -> str | None:
        """The ETag, quotes included."""
        if isinstance(self.etag, str):
            return self.etag
        return f'"{hashlib.sha256(self.body).hexdigest()[:16]}"' if self.etag else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a client asked. `headers` has lower-case names; `status` is what it was answered (0: nothing)."""

    path: str
    headers: Mapping[str, str]
    status: int


class FeedServer:
    """Serves routes until the `with` block ends; paths without one are 404.

    Everything may be called from any thread. `port` may be given to come back where another server was before.
    """

    def __init__(self, *, port: int = 0) -> None:
        self._routes: dict[str, Route] = {}
        self._requests: list[Request] = []
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._httpd = _Server(("127.0.0.1", port), _Handler)
        self._httpd.owner = self
        self._thread = threading.Thread(target=self._httpd.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._httpd.shutdown()
        self._httpd.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._httpd.server_address[1])

    def url(self, path: str) -> str:
        """The full URL of a path."""
        return f"http://127.0.0.1:{self.port}{path}"

    def put(self, path: str, route: Route | bytes | str) -> str:
        """Set or replace what `path` answers; its URL."""
        if isinstance(route, str):
            route = route.encode()
        with self._changed:
            self._routes[path] = route if isinstance(route, Route) else Route(body=route)
        return self.url(path)

    def redirect(self, path: str, location: str, *, status: int = 302) -> str:
        """Make `path` point somewhere else."""
        return self.put(path, Route(status=status, headers={"Location": location}, etag=False))

    def remove(self, path: str) -> None:
        """From now on 404."""
        with self._changed:
            self._routes.pop(path, None)

    def prepend_item(self, path: str, item: str) -> None:
        """Publish: put an RSS `<item>` (or Atom `<entry>`) before the first of the feed at `path`."""
        with self._changed:
            route = self._routes[path]
            text = route.body.decode("utf-8")
            places = [at for mark in ("<item", "<entry", "</channel>", "</feed>") if (at := text.find(mark)) >= 0]
            at = min(places)
            self._routes[path] = replace(route, body=(text[:at] + item + text[at:]).encode())

    def requests(self, path: str | None = None) -> list[Request]:
        """What was asked so far, in order; `path` keeps only those for it."""
        with self._changed:
            return [request for request in self._requests if path in (None, request.path)]

    def wait_for_requests(self, count: int, path: str | None = None, *, timeout: float = 30) -> list[Request]:
        """Wait until at least that many were answered; AssertionError when they do not come."""
        with self._changed:
            done = self._changed.wait_for(
                lambda: sum(path in (None, request.path) for request in self._requests) >= count, timeout
            )
        found = self.requests(path)
        assert done, f"{len(found)} of {count} requests for {path or 'anything'} came within {timeout} s"
        return found

    def _route(self, path: str) -> Route:
        with self._changed:
            return self._routes.get(path, Route(status=404, body=b"not here", content_type="text/plain", etag=False))

    def _note(self, request: Request) -> None:
        with self._changed:
            self._requests.append(request)
            self._changed.notify_all()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = True
    allow_reuse_address = True
    request_queue_size = 512
    owner: FeedServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.close_connection = True
        route = self.server.owner._route(self.path)
        status = self._status(route)
        request = Request(
            path=self.path, headers={name.lower(): value for name, value in self.headers.items()}, status=status
        )
        self.server.owner._note(request)
        stopping = self.server.owner._stopping
        match route.manner:
            case "hang":
                stopping.wait()
            case "rude":
                self.wfile.write(b"\x16\x03\x01 hello, this is not HTTP\r\n\r\n")
            case _:
                self._answer(route, status)

    def _status(self, route: Route) -> int:
        if route.status != 200 or route.manner in ("hang", "rude"):
            return route.status if route.manner not in ("hang", "rude") else 0
        known = self.headers.get("If-None-Match")
        if known is not None:
            return 304 if known == route.validator else 200
        since = self.headers.get("If-Modified-Since")
        return 304 if since is not None and since == route.last_modified else 200

    def _answer(self, route: Route, status: int) -> None:
        compressed = route.compress and "gzip" in self.headers.get("Accept-Encoding", "")
        body = b"" if status == 304 else gzip.compress(route.body) if compressed else route.body
        headers = {"Content-Type": route.content_type, "Connection": "close"}
        if route.manner != "endless" and status != 304:
            headers["Content-Length"] = str(len(body))
        if compressed and status != 304:
            headers["Content-Encoding"] = "gzip"
        if route.validator and status in (200, 304):
            headers["ETag"] = route.validator
        if route.last_modified and status in (200, 304):
            headers["Last-Modified"] = route.last_modified
        self.send_response(status)
        for name, value in {**headers, **route.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self._send(route, body)

    def _send(self, route: Route, body: bytes) -> None:
        stopping = self.server.owner._stopping
        match route.manner:
            case "drip":
                for at in range(len(body)):
                    if stopping.wait(route.gap):
                        return
                    self.wfile.write(body[at : at + 1])
                    self.wfile.flush()
            case "endless":
                while not stopping.is_set():
                    self.wfile.write(body or bytes(_CHUNK))
            case "cut":
                self.wfile.write(body[: len(body) // 2])
            case _:
                self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name
        """Tests read `requests`."""
