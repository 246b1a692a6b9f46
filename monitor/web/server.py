"""An HTTP server in the daemon's own event loop."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import uvicorn

from monitor.errors import ListenError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp

# For answers to programs that are none of a browser's business.
_HEADERS: Final = (
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
    # Whoever has his answer goes: the rest of a body that is not wanted would else be read to its end, if it has one.
    ("Connection", "close"),
)
_CONNECTIONS: Final = 100
_GRACE: Final = 3  # seconds for answers that are on their way at a stop
_BACKLOG: Final = 128


class WebServer:
    """Serves on `address`, from `start` to `stop`.

    Args:
        address: Host and port. The port is taken at once, so that a daemon that cannot have it does not begin.

    Raises:
        ListenError: Somebody else has it, or it cannot be had; says which, and the way out.
    """

    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = _bind(*address)
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self, app: ASGIApp) -> None:
        """Begin to answer with `app`; call from the running loop."""
        # Plain HTTP/1.1 by h11: nothing here needs more, and what is not loaded has no faults. No log of its own:
        # what matters is an event of the service.
        config = uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            headers=list(_HEADERS),
            limit_concurrency=_CONNECTIONS,
            timeout_graceful_shutdown=_GRACE,
        )
        self._server = _Server(config)
        self._task = asyncio.create_task(self._server.serve([self._socket]), name="web")

    async def stop(self) -> None:
        """Answer what has been asked, within seconds, and nothing more."""
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            await asyncio.gather(self._task, return_exceptions=True)
        self._socket.close()


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the daemon's."""
        yield


def _bind(host: str, port: int) -> socket.socket:
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ListenError(f"cannot listen on {where} (web.listen): {error.strerror or error}") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise ListenError(f"cannot listen on {where} (web.listen): {_why(error)}") from None
    listener.setblocking(False)
    return listener


def _why(error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return "another program does already; end it, or name another port"
        case errno.EADDRNOTAVAIL:
            return "this machine has no such address; 127.0.0.1 is right behind a reverse proxy on it"
        case errno.EACCES:
            return "ports below 1024 are not for this user; name another, and have a reverse proxy in front"
        case number:
            return os.strerror(number) if number is not None else str(error)
