"""The shell: gives NiceGUI the looks, the fence, the ways in and the pages. `page` puts a function on the menu."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from fastapi import Request, Response
from fastapi.exception_handlers import http_exception_handler
from nicegui import Client, ui
from nicegui import app as web
from starlette.exceptions import HTTPException

from aristobot.events import SessionEnded
from aristobot.language import use_language
from components import parting, theme
from components.entrance import Entrance
from components.frame import draw_frame
from components.guard import Guard, close_pages, viewer_of, watch_events
from components.hardening import Hardening
from components.menu import doors, page, pages
from components.patience import Patience
from components.shelf import Shelf
from components.viewer import viewing

if TYPE_CHECKING:
    from services.app import App

__all__ = ["mount", "page"]


def mount(app: App, entrance: Entrance, *, hosts: Collection[str] = ()) -> None:
    """Give NiceGUI everything: looks, fence, ways in, pages. Once per process, and once per test."""
    theme.setup()
    sessions = app.accounts.sessions
    web.add_middleware(Guard, sessions=sessions, cookie=entrance.cookie, patience=Patience(app.clock))
    web.add_middleware(Shelf)
    web.add_middleware(Hardening, hosts=hosts, proxies=app.settings.trusted_proxies)
    web.include_router(entrance.routes())
    watch_events(sessions, app.settings.language)
    web.on_delete(parting.part_from)
    app.bus.listen(SessionEnded, do=close_pages)
    web.config.socket_io_js_transports = ["websocket", "polling"]

    def shell(client: Client) -> None:
        viewer = viewer_of(client)
        if viewer is not None:
            with viewing(viewer):
                draw_frame(app, viewer)

    for route in ("/", *(one.route for one in pages())):
        ui.page(route, title="Aristobot")(shell)
    web.exception_handler(404)(_Lost(shell))
    for route, build in doors().items():
        ui.page(route, title="Aristobot")(_Door(app, entrance, build))


class _Lost:
    """An address that leads nowhere: the frame with its menu, and words of ours instead of NiceGUI's English face."""

    def __init__(self, shell: Callable[[Client], None]) -> None:
        self._shell = shell

    async def __call__(self, request: Request, error: HTTPException) -> Response:
        """Draw it; what is not a page is answered as FastAPI does."""
        if request.scope.get("endpoint") not in (None, web):
            return await http_exception_handler(request, error)
        with Client(ui.page("", title="Aristobot"), request=request) as client:
            self._shell(client)
        return client.build_response(request, 404)


class _Door:
    """A page for people who have not logged in, in the language of the house."""

    def __init__(self, app: App, entrance: Entrance, build: Callable[..., Any]) -> None:
        self._app, self._entrance, self._build = app, entrance, build
        self.__signature__ = inspect.Signature(list(inspect.signature(build).parameters.values())[2:])

    async def __call__(self, **given: Any) -> Any:
        """Draw it."""
        with use_language(self._app.settings.language):
            return await self._build(self._app, self._entrance, **given)
