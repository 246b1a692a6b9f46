"""Real receivers on loopback, each in a thread of its own: an HTTP and an SMTP server that do as they are told."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from monitor.clock import SystemClock

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping
    from email.message import EmailMessage
    from types import TracebackType
    from typing import Self

    from aiosmtpd.smtp import Envelope, Session


def machine_time() -> float:
    """Unix seconds."""
    return SystemClock().now().timestamp()


def closed_port() -> int:
    """A port of 127.0.0.1 on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return cast("int", probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of a `WebhookReceiver`; `hang` never answers."""

    status: int = 200
    body: str = "ok"
    headers: Mapping[str, str] = field(default_factory=dict)
    hang: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """What was received, and how it was answered (0: not at all); header names in lower case, `at` in unix seconds."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    status: int = 0
    at: float = 0.0
    answer: str = ""

    def json(self) -> Any:
        return json.loads(self.body)


class WebhookReceiver:
    """Records POSTs and answers them: with the scripted replies first, in order, then always with `default`.

    The default, 200 and "ok", is what Slack's incoming webhooks say.
    """

    def __init__(self, *replies: Reply, default: Reply | None = None, now: Callable[[], float] = machine_time) -> None:
        self._now = now
        self.script = deque(replies)
        self.default = default or Reply()
        self.requests: list[Request] = []
        self._arrived = threading.Condition()
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = False  # so that closing waits for them
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def port(self) -> int:
        return self._server.server_port

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def wait_for(self, count: int, *, timeout: float = 10) -> list[Request]:
        """The requests, as soon as there are `count` of them; AssertionError after `timeout` seconds."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.requests) >= count, timeout), self.requests
            return list(self.requests)

    def await_taken(self, count: int, *, timeout: float = 30) -> None:
        """Return when so many requests were answered with 2xx, or `timeout` seconds are over."""
        with self._arrived:
            self._arrived.wait_for(lambda: sum(200 <= each.status < 300 for each in self.requests) >= count, timeout)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver._answer(self, Request(self.path, headers, body))

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
                pass

        return Handler

    def _answer(self, handler: BaseHTTPRequestHandler, request: Request) -> None:
        with self._arrived:
            reply = self.script.popleft() if self.script else self.default
            status = 0 if reply.hang else reply.status
            self.requests.append(replace(request, status=status, at=self._now(), answer=reply.body))
            self._arrived.notify_all()
        if reply.hang:
            self._closing.wait()
            return
        handler.send_response(reply.status)
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        with suppress(ConnectionError):  # a client need not hear a long answer to its end
            handler.end_headers()
            handler.wfile.write(reply.body.encode())


@dataclass(frozen=True, slots=True)
class Mail:
    """What a `SmtpSink` accepted."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    at: float = 0.0

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=policy.default)


class SmtpSink:
    """An SMTP server that keeps what it accepts.

    Args:
        tls: With it, STARTTLS is offered and required, or spoken from the first byte where `implicit_tls`.
        account: (user, password) that a client must log in with; without it no login is needed.
    """

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        account: tuple[str, str] | None = None,
        now: Callable[[], float] = machine_time,
    ) -> None:
        self._now = now
        self.mails: list[Mail] = []
        self.connections = 0
        self.refuse: dict[str, str] = {}
        """Recipient → reply at RCPT, such as "550 5.1.1 no such user"."""
        self.data_reply = "250 2.0.0 taken as 4711"
        """Reply at the end of DATA; the mail is kept only when it begins with 250."""
        self.hang = False
        self._tls = tls
        self._implicit = implicit_tls
        self._account = account
        self._open: list[SMTP] = []
        self._arrived = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.port = 0

    def wait_for(self, count: int, *, timeout: float = 10) -> list[Mail]:
        """The mails, as soon as there are `count` of them; AssertionError after `timeout` seconds."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.mails) >= count, timeout), self.mails
            return list(self.mails)

    def await_taken(self, count: int, *, timeout: float = 30) -> None:
        """Return when there are so many mails, or `timeout` seconds are over."""
        with self._arrived:
            self._arrived.wait_for(lambda: len(self.mails) >= count, timeout)

    def drop_connections(self) -> None:
        """Close every connection from this side, as a server does with idle ones."""
        closed = threading.Event()

        def close() -> None:
            for protocol in self._open:
                if protocol.transport is not None:
                    protocol.transport.close()
            closed.set()

        self._loop.call_soon_threadsafe(close)
        closed.wait()

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def handle_MAIL(  # noqa: N802 - aiosmtpd calls it so
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._account is not None and not session.authenticated:
            return "530 5.7.0 log in first"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it so
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd
        if self.hang:
            await asyncio.Event().wait()
        if self.data_reply.startswith("250"):
            content = envelope.content
            assert isinstance(content, bytes)
            with self._arrived:
                self.mails.append(Mail(envelope.mail_from or "", tuple(envelope.rcpt_tos), content, self._now()))
                self._arrived.notify_all()
        return self.data_reply

    def _authenticate(self, _server: SMTP, _session: Session, _envelope: Envelope, _kind: str, data: Any) -> AuthResult:
        assert self._account is not None
        user, password = self._account
        right = isinstance(data, LoginPassword) and data == LoginPassword(user.encode(), password.encode())
        return AuthResult(success=right, handled=False)

    def _protocol(self) -> SMTP:
        self.connections += 1
        protocol = SMTP(
            self,
            hostname="sink.example",
            loop=self._loop,
            tls_context=None if self._implicit else self._tls,
            require_starttls=self._tls is not None and not self._implicit,
            authenticator=self._authenticate if self._account else None,
            auth_require_tls=self._tls is not None and not self._implicit,
        )
        self._open.append(protocol)
        return protocol

    def _run(self) -> None:
        context = self._tls if self._implicit else None
        server = self._loop.run_until_complete(
            self._loop.create_server(self._protocol, host="127.0.0.1", port=0, ssl=context)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _end(self) -> None:
        for protocol in self._open:
            if protocol.transport is not None:
                protocol.transport.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


@contextmanager
def black_hole() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield cast("int", listener.getsockname()[1])
