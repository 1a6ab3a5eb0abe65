"""The one port of the screen: alerts and the API pass beside NiceGUI, pages through it; opened and closed here."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import webbrowser
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI
from nicegui import ui
from starlette.types import Receive, Scope, Send

from aristobot import __version__
from aristobot.clock import SystemClock
from aristobot.errors import ConfigurationError
from components import shell
from components.entrance import Entrance
from components.hardening import host_name
from services.api.application import ApiPaths, build
from services.app import App

if TYPE_CHECKING:
    from aristobot.settings import Settings

#: Seconds that open sockets may take to say goodbye when the house is closed.
LAST_WORDS = 1
#: A browser that loses its socket for less than this finds its page as it left it.
RECONNECT_SECONDS = 30.0
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def serve(settings: Settings) -> int:
    """Serve until somebody stops it; exit code 0. Raises what hindered the start (a ConfigurationError for a taken port)."""
    config = uvicorn.Config(_nothing, loop="auto")
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_House(App(settings, SystemClock())).live())
    return 0


class _House:
    """One run of everything, from the bound port to the last goodbye."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._settings = app.settings
        self._webhooks = ""
        self._starting: asyncio.Task[None] | None = None
        self._server: _Server | None = None
        self._url = ""

    async def live(self) -> None:
        """Start, serve, stop in order."""
        bound = self._bind()
        self._webhooks = self._bind_ingress()
        port = bound.getsockname()[1]
        self._url = f"http://{_shown_host(self._settings.host)}:{port}"
        front = self._front(port)
        config = uvicorn.Config(
            front,
            ws="wsproto",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=bool(self._settings.trusted_proxies),
            forwarded_allow_ips=list(self._settings.trusted_proxies),
            timeout_graceful_shutdown=LAST_WORDS,
        )
        self._server = _Server(config)
        await self._server.serve(sockets=[bound])
        if self._starting is not None and self._starting.done() and not self._starting.cancelled():
            self._starting.result()

    def _front(self, port: int) -> Callable[[Scope, Receive, Send], object]:
        web = FastAPI(title="Aristobot", docs_url=None, redoc_url=None, openapi_url=None, lifespan=self._open)
        entrance = Entrance(self._app.clock, self._app.accounts.sign_in, f"aristobot_{port}")
        public = host_name(self._settings.webhook_public_url.partition("://")[2])
        shell.mount(self._app, entrance, hosts={socket.gethostname(), self._settings.host, public} - {""})
        ui.run_with(
            web,
            title="Aristobot",
            favicon="◆",
            dark=True,
            language="fr",
            binding_refresh_interval=None,
            reconnect_timeout=RECONNECT_SECONDS,
            show_welcome_message=False,
        )
        return _Front(web, self._app)

    @contextlib.asynccontextmanager
    async def _open(self, _: FastAPI) -> AsyncIterator[None]:
        """The services start while the first page is already being served, and stop after the last."""
        self._starting = asyncio.create_task(self._start(), name="start")
        try:
            yield
        finally:
            self._starting.cancel()
            await asyncio.wait({self._starting})
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
        self._show()

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

    def _show(self) -> None:
        """Open the window or the browser, where there is a desktop."""
        if self._settings.native:
            storage = str(self._settings.data_dir / "window")
            subprocess.Popen([sys.executable, "-m", "aristobot.window", self._url, storage], stdout=subprocess.DEVNULL)
        elif not self._settings.headless and _has_desktop():
            asyncio.get_running_loop().run_in_executor(None, webbrowser.open, self._url)

    def _bind_ingress(self) -> str:
        host, port = self._settings.webhook_host, self._settings.webhook_port
        try:
            return self._app.receiver.bind()
        except OSError as error:
            raise _unusable("webhook_port", host, port, error) from None

    def _bind(self) -> socket.socket:
        host, port = self._settings.host.strip("[]"), self._settings.port
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol or socket.IPPROTO_TCP)
        try:
            if os.name == "posix":
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
        except OSError as error:
            bound.close()
            raise _unusable("port", host, port, error) from None
        bound.setblocking(False)
        return bound


class _Front:
    """Alerts go straight to the receiver, programs to the API, browsers to the web app. (By `app` NiceGUI finds its server.)"""

    def __init__(self, web: FastAPI, house: App) -> None:
        self.app = web
        self._receiver = house.receiver
        self._others = ApiPaths(web, build(house))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] == "http" and self._receiver.takes(scope["path"]):
            await self._receiver.asgi(scope, receive, send)
        else:
            await self._others(scope, receive, send)


class _Server(uvicorn.Server):
    """Uvicorn that stops at a signal, and lets us come to our own end afterwards."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Hear the signals while serving; do not raise them again."""
        previous = {one: signal.signal(one, self.handle_exit) for one in _STOP_SIGNALS}
        try:
            yield
        finally:
            for one, handler in previous.items():
                signal.signal(one, handler)


def _unusable(field: str, host: str, port: int, error: OSError) -> ConfigurationError:
    return ConfigurationError("port_unusable", field=field, value=f"{host}:{port}", detail=error.strerror or type(error).__name__)


def _shown_host(host: str) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host.strip("[]"), host.strip("[]"))  # noqa: S104 # compared, not bound
    return f"[{shown}]" if ":" in shown else shown


def _has_desktop() -> bool:
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """Stands where only the choice of the event loop is asked."""
