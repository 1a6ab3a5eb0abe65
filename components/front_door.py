"""The one port of the screen: alerts and the API pass beside NiceGUI, pages through it; opened and closed here."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import socket
from collections.abc import AsyncIterator, Callable

import uvicorn
from fastapi import FastAPI
from nicegui import ui

from aristobot import __version__
from components import shell
from components.crossing import Crossing
from components.desktop import DesktopScreen
from components.entrance import Entrance
from components.hardening import host_name, names_at_home
from components.listening import ScreenProtocol, Server, bind, shown_host, unusable
from services.app import App
from services.listener import PatientProtocol

#: Seconds that open sockets may take to say goodbye when the house is closed.
LAST_WORDS = 1
#: A browser that loses its socket for less than this finds its page as it left it.
RECONNECT_SECONDS = 30.0


def serve(app: App) -> int:
    """Serve until somebody stops it; exit code 0. Raises what hindered the start (a ConfigurationError for a taken port)."""
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_House(app).live())
    return 0


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Uvicorn's choice of event loop. Without a word about logs it would put handlers of its own beside ours."""
    return uvicorn.Config("", loop="auto", log_config=None).get_loop_factory()


class _House:
    """One run of everything, from the bound port to the last goodbye."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._settings = app.settings
        self._desktop = DesktopScreen(app.settings)
        self._webhooks = ""
        self._starting: asyncio.Task[None] | None = None
        self._server: Server | None = None
        self._url = ""

    async def live(self) -> None:
        """Start, serve, stop in order."""
        bound = bind(self._settings.host, self._settings.port)
        self._webhooks = self._bind_ingress()
        port = bound.getsockname()[1]
        self._url = f"http://{shown_host(self._settings.host)}:{port}"
        front = self._front(port)
        gc.freeze()  # NiceGUI looks for its server through all that is not frozen: let that be little
        config = uvicorn.Config(
            front,
            http=PatientProtocol if self._settings.trusted_proxies else ScreenProtocol,
            ws="wsproto",
            log_config=None,
            log_level="error",  # uvicorn warns of each request that is none: strangers could fill the logs
            access_log=False,
            server_header=False,
            proxy_headers=bool(self._settings.trusted_proxies),
            forwarded_allow_ips=list(self._settings.trusted_proxies),
            timeout_graceful_shutdown=LAST_WORDS,
        )
        self._server = Server(config)
        await self._server.serve(sockets=[bound])
        if self._starting is not None and self._starting.done() and not self._starting.cancelled():
            self._starting.result()

    def _front(self, port: int) -> Crossing:
        web = FastAPI(title="Aristobot", docs_url=None, redoc_url=None, openapi_url=None, lifespan=self._open)
        entrance = Entrance(self._app.clock, self._app.accounts.sign_in, f"aristobot_{port}")
        public = host_name(self._settings.webhook_public_url.partition("://")[2])
        shell.mount(self._app, entrance, hosts=names_at_home(socket.gethostname()) | {self._settings.host, public} - {""})
        ui.run_with(
            web,
            title="Aristobot",
            favicon="◆",
            dark=True,
            language="fr",
            binding_refresh_interval=None,
            reconnect_timeout=RECONNECT_SECONDS,
            show_welcome_message=False,
            tailwind=False,  # a style sheet of our own says it all, and nothing has to be worked out in the browser
            gzip_middleware_factory=None,  # the shelf packs
        )
        return Crossing(web, self._app)

    @contextlib.asynccontextmanager
    async def _open(self, _: FastAPI) -> AsyncIterator[None]:
        """The services start while the first page is already being served, and stop after the last."""
        self._starting = asyncio.create_task(self._start(), name="start")
        try:
            yield
        finally:
            self._starting.cancel()
            await asyncio.wait({self._starting})
            await self._desktop.close()
            await self._app.stop()
            # Python 3.11: `wait_for` in NiceGUI's outbox loses a cancellation that meets a just-set event.
            await self._app.clock.sleep(0.05)

    async def _start(self) -> None:
        try:
            await self._app.start()
        except BaseException:
            if self._server is not None:
                self._server.should_exit = True
            raise
        self._settle()
        self._announce()
        self._desktop.show(self._url)

    @staticmethod
    def _settle() -> None:
        """What was loaded stays for good: let the collector never look at it again."""
        gc.freeze()
        gc.enable()

    def _announce(self) -> None:
        ready = {
            "event": "ready",
            "ui": self._url,
            "webhooks": self._webhooks,
            "pid": os.getpid(),
            "version": __version__,
        }
        print(json.dumps(ready, separators=(",", ":")), flush=True)

    def _bind_ingress(self) -> str:
        host, port = self._settings.webhook_host, self._settings.webhook_port
        try:
            return self._app.receiver.bind()
        except OSError as error:
            raise unusable("webhook_port", f"{host}:{port}", error) from None
