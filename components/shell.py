"""The shell: gives NiceGUI the looks, the fence, the ways in and the pages. `page` puts a function on the menu."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from nicegui import Client, ui
from nicegui import app as web

from aristobot.events import SessionEnded
from components import parting, theme
from components.away import fault_page
from components.doorway import Door, Lost
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
    patience, language = Patience(app.clock), app.settings.language
    web.add_middleware(Guard, sessions=sessions, cookie=entrance.cookie, patience=patience, language=language)
    web.add_middleware(Shelf)
    web.add_middleware(Hardening, hosts=hosts)
    web.include_router(entrance.routes())
    watch_events(sessions, language)
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
    web.exception_handler(404)(Lost(shell))
    web.exception_handler(Exception)(lambda _request, _error: fault_page(language))
    for route, build in doors().items():
        ui.page(route, title="Aristobot")(Door(app, entrance, build))
