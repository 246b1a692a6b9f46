"""What the demo talks to, all on loopback: a feed server, a webhook receiver and a mail server that print what
arrives.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session

HOST = "127.0.0.1"
Printer = Callable[[str, str], None]
"""Takes what arrived ("e-mail", "webhook") and a text about it."""


@contextmanager
def web_server(*, feed: Callable[[str], bytes], secret: bytes, arrived: Printer) -> Iterator[str]:
    """Serve `/NAME.xml` from `feed`, with validators, and take webhooks at `/hook`; gives the base URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = feed(self.path.strip("/").removesuffix(".xml"))
            etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
            unchanged = self.headers.get("If-None-Match") == etag
            self.send_response(304 if unchanged else 200)
            self.send_header("ETag", etag)
            self.send_header("Content-Type", "application/rss+xml; charset=utf-8")
            self.send_header("Content-Length", "0" if unchanged else str(len(body)))
            self.end_headers()
            if not unchanged:
                self.wfile.write(body)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            arrived("webhook", _webhook_text(body, dict(self.headers.items()), secret))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- http.server's name
            """The daemon's own log tells of each poll."""

    server = ThreadingHTTPServer((HOST, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, name="demo-web", daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _webhook_text(body: bytes, headers: dict[str, str], secret: bytes) -> str:
    names = {name.lower(): value for name, value in headers.items()}
    signed = ".".join((names.get("webhook-id", ""), names.get("webhook-timestamp", ""), "")).encode() + body
    right = "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    verdict = "signature good" if right in names.get("webhook-signature", "").split() else "SIGNATURE WRONG"
    data = json.loads(body)
    lines = [f"{data['type']}, {len(body)} bytes of JSON, id {names.get('webhook-id', '')[:8]}…, {verdict}"]
    return "\n".join([*lines, json.dumps(data["data"].get("title"), ensure_ascii=False)])


class _Sink:
    def __init__(self, arrived: Printer) -> None:
        self._arrived = arrived

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802 -- aiosmtpd's
        content = envelope.content or b""
        message = message_from_bytes(content if isinstance(content, bytes) else content.encode(), policy=policy.default)
        text = message.get_body(("plain",))
        body = text.get_content().strip() if text is not None else ""
        head = f"From: {message['From']}\nTo: {message['To']}\nSubject: {message['Subject']}"
        self._arrived("e-mail", f"{head}\n\n{body}")
        return "250 taken"


@contextmanager
def mail_server(*, arrived: Printer) -> Iterator[int]:
    """Take every mail; gives the port."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    controller = Controller(_Sink(arrived), hostname=HOST, port=port)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()
