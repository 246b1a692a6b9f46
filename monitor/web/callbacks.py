"""The addresses that hubs call (W3C WebSub, sections 5.3 and 7): HTTP to `WebSub` and back.

Nothing else is there. No body is kept, none is answered but a hub's own challenge, as text that no browser takes for a
page.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, assert_never
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from monitor.errors import StoreError
from monitor.service.websub import Ping, Question

if TYPE_CHECKING:
    from monitor.service.websub import WebSub

MAX_BODY: Final = 1_000_000  # bytes
BODY_SECONDS: Final = 20.0
_RETRY: Final = {"Retry-After": "60"}


def callback_app(websub: WebSub, public_url: str) -> Starlette:
    """An application that serves the callbacks below the path of `public_url`, and 404 for all else."""
    path = urlsplit(public_url).path.rstrip("/")
    callbacks = _Callbacks(websub)
    app = Starlette(routes=[Route(f"{path}/{{token}}", callbacks.serve, methods=["GET", "POST"])])
    app.router.redirect_slashes = False
    return app


class _Callbacks:
    def __init__(self, websub: WebSub) -> None:
        self._websub = websub

    async def serve(self, request: Request) -> Response:
        try:
            match request.method:
                case "GET":
                    return await self._verify(request)
                case "POST":
                    return await self._ping(request)
                case _:  # HEAD comes with GET, and must not confirm anything
                    return PlainTextResponse("only GET and POST", 405, {"Allow": "GET, POST"})
        except StoreError:
            return PlainTextResponse("try again later", 503, _RETRY)

    async def _verify(self, request: Request) -> Response:
        one = await self._websub.find(request.path_params["token"])
        query = request.query_params
        question = Question(
            mode=query.get("hub.mode", ""),
            topic=query.get("hub.topic", ""),
            challenge=query.get("hub.challenge", ""),
            lease_seconds=query.get("hub.lease_seconds", ""),
            reason=query.get("hub.reason", ""),
        )
        answer = await self._websub.answer(one, question) if one is not None else None
        return PlainTextResponse(answer) if answer is not None else _not_found()

    async def _ping(self, request: Request) -> Response:
        one = await self._websub.find(request.path_params["token"])
        if one is None:
            return _gone()
        body = await _body(request)
        if isinstance(body, Response):
            return body
        result = await self._websub.ping(one, body, request.headers.getlist("x-hub-signature"))
        match result:
            case Ping.TAKEN | Ping.IGNORED:
                # One who guesses signatures learns nothing (section 8.2).
                return Response(status_code=202)
            case Ping.UNKNOWN:
                return _not_found()
            case Ping.OVER:
                return _gone()
            case _:
                assert_never(result)


def _not_found() -> Response:
    return PlainTextResponse("not found", 404)


def _gone() -> Response:
    """A hub that still calls an address of a subscription that has ended may forget it (section 7)."""
    return PlainTextResponse("gone", 410)


async def _body(request: Request) -> bytes | Response:
    """The body, or the answer to one that is too long or does not come to an end."""
    too_large = PlainTextResponse("too large", 413)
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length[:20]) > MAX_BODY:
        return too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY:
                    return too_large
    except TimeoutError:
        return PlainTextResponse("too slow", 408)
    except ClientDisconnect:
        return Response(status_code=400)
    return bytes(body)
