"""A WebSub hub on loopback: it takes subscriptions, makes sure of them, and tells of news, well or badly."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Literal, Self
from urllib.parse import parse_qs, urlencode

import httpx

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from types import TracebackType

Manner = Literal["before", "after", "deny", "silent"]


class Hub:
    """Runs until the `with` block ends. May be called from any thread.

    Attributes:
        manner: When a request is verified: "before" it is answered, "after" that, or not at all ("silent"); "deny": the
            callback is told that the subscription is denied.
        status: What a request is answered with; 4xx and 5xx are verified never. 0: it hangs up.
        moved_to: Another hub's URL, which 307 leads to.
        lease: `hub.lease_seconds`, whatever was asked for.
        requests: The forms that came, in order.
        verified: What callbacks answered to a verification: status and body.
        subscribers: Callback and topic, and the secret of each.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.manner: Manner = "before"
        self.status = 202
        self.moved_to = ""
        self.lease = 864_000
        self.requests: list[dict[str, str]] = []
        self.verified: list[tuple[int, str]] = []
        self.subscribers: dict[tuple[str, str], str] = {}
        self._changed = threading.Condition()
        self._client = httpx.Client(trust_env=False, timeout=20, verify=False)  # http only, and a TLS context is slow
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._scheme = "http"
        if tls is not None:
            self._scheme = "https"
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._server.daemon_threads = False  # so that closing waits for them
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._client.close()

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}/hub"

    @property
    def modes(self) -> list[str]:
        """Of the requests that came."""
        return [form["hub.mode"] for form in list(self.requests)]

    def wait_until(self, what: Callable[[], bool], *, timeout: float = 30) -> None:
        """Return as soon as `what()` holds; AssertionError where it does not come to that."""
        with self._changed:
            assert self._changed.wait_for(what, timeout), (self.requests, self.verified, self.subscribers)

    def verify(self, form: dict[str, str], **changes: str) -> tuple[int, str]:
        """Ask the callback of a request whether it means it; `changes` are parameters without their "hub."."""
        challenge = secrets.token_urlsafe(12)
        asked = {"hub.mode": form["hub.mode"], "hub.topic": form["hub.topic"], "hub.challenge": challenge}
        if form["hub.mode"] == "subscribe":
            asked["hub.lease_seconds"] = str(self.lease)
        asked |= {f"hub.{name}": value for name, value in changes.items()}
        response = self._client.get(form["hub.callback"], params=asked)
        answer = response.status_code, response.text
        with self._changed:
            self.verified.append(answer)
            if answer == (200, challenge):
                key = form["hub.callback"], form["hub.topic"]
                if form["hub.mode"] == "subscribe":
                    self.subscribers[key] = form.get("hub.secret", "")
                else:
                    self.subscribers.pop(key, None)
            self._changed.notify_all()
        return answer

    def publish(
        self, body: bytes = b"<rss/>", *, method: str = "sha256", secret: str | None = None, signed: bool = True
    ) -> list[int]:
        """Tell all subscribers of news; what each answered. `secret`: instead of the right one."""
        answers = []
        for (callback, _topic), own in list(self.subscribers.items()):
            headers = {"Content-Type": "application/rss+xml"}
            key = own if secret is None else secret
            if signed and key:
                digest = hmac.new(key.encode(), body, getattr(hashlib, method)).hexdigest()
                headers["X-Hub-Signature"] = f"{method}={digest}"
            answers.append(self._client.post(callback, content=body, headers=headers).status_code)
        return answers

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                text = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
                form = {name: values[0] for name, values in parse_qs(text, strict_parsing=True).items()}
                assert self.headers.get_content_type() == "application/x-www-form-urlencoded", urlencode(form)
                with hub._changed:
                    hub.requests.append(form)
                    hub._changed.notify_all()
                if not hub.status:
                    return
                taken = hub.status < 300
                if taken and hub.manner == "before":
                    hub.verify(form)
                self.send_response(hub.status)
                if hub.moved_to:
                    self.send_header("Location", hub.moved_to)
                self.send_header("Content-Length", "0")
                self.end_headers()
                self.wfile.flush()
                if taken and hub.manner == "after":
                    hub.verify(form)
                if taken and hub.manner == "deny":
                    hub.verify(form, mode="denied", reason="not this\nfeed")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
                pass

        return Handler
