"""WebSub in the daemon: the service, the server that hubs call, and the clock of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.config import listen_address
from monitor.service.websub import WebSub

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.clock import Clock
    from monitor.config import Config
    from monitor.fetch.base import Web
    from monitor.service.events import Event, Observer
    from monitor.service.poll import Runtime
    from monitor.service.threads import StoreThreads
    from monitor.store.base import PushStore
    from monitor.web.server import WebServer


def open_server(config: Config) -> WebServer | None:
    """The server that is configured, its port taken; None: nothing is to be served.

    Raises:
        ListenError: It cannot have its address.
    """
    if not config.settings.web.listen:
        return None
    # Not loaded where nobody listens.
    from monitor.web.server import WebServer  # noqa: PLC0415

    return WebServer(listen_address(config.settings.web.listen))


class Hubs:
    """Subscriptions at hubs, for as long as the daemon runs. Without a `server` there are none.

    Args:
        web: For requests to hubs.
        public_url: `web.public_url`.
    """

    def __init__(
        self,
        server: WebServer | None,
        *,
        store: PushStore,
        web: Callable[[], Web],
        runtime: Callable[[], Runtime],
        public_url: str,
        threads: StoreThreads,
        clock: Clock,
        observer: Observer,
    ) -> None:
        self._server = server
        self._forgotten = False
        self._public_url = public_url
        self._websub = WebSub(
            store=store,
            web=web,
            options=lambda: runtime().options,
            default_options=lambda: runtime().default_options,
            callback=public_url,
            threads=threads,
            clock=clock,
            observer=observer,
        )

    def start(self) -> None:
        """Begin to listen; call from the running loop."""
        if self._server is not None:
            from monitor.web.callbacks import callback_app  # noqa: PLC0415 - as in `open_server`

            self._server.start(callback_app(self._websub, self._public_url))

    async def tick(self) -> None:
        """Ask hubs for what is due; forget what nobody listens for any more."""
        if self._server is not None:
            await self._websub.tick()
        elif not self._forgotten:
            self._forgotten = await self._websub.forget()

    def note(self, event: Event) -> None:
        """See what a poll says of hubs."""
        if self._server is not None:
            self._websub.note(event)

    async def stop(self) -> None:
        """Listen no more, and leave off."""
        if self._server is not None:
            await self._server.stop()
            await self._websub.close()
