"""The frame around every page: menu, status bar, the page inside; one socket for the whole visit."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from loguru import logger
from nicegui import Client, ui
from nicegui import app as web
from nicegui.page_arguments import RouteMatch

from aristobot import __version__
from aristobot.events import SessionEnded
from aristobot.language import _, use_language
from components import theme
from components.empty_state import error_state
from components.entrance import HOME, Entrance
from components.guard import Guard, close_pages, viewer_of, watch_events
from components.hardening import Hardening
from components.live import Live
from components.menu import Page, doors, page, pages
from components.notice import notice
from components.patience import Patience
from components.status_bar import status_bar
from components.viewer import Viewer, viewing
from components.words import Words, labelled

if TYPE_CHECKING:
    from services.app import App

__all__ = ["mount", "page"]

CLOSE_MENU = "() => document.body.classList.remove('nav-open')"


class _Stage(ui.sub_pages):
    """The page inside the frame. Going from one to another sends no HTTP request, so the session is checked here."""

    def __init__(self, app: App, viewer: Viewer, routes: dict[str, Callable[..., Any]]) -> None:
        self._app = app
        self._viewer = viewer
        super().__init__(routes)

    def _render_page(self, match: RouteMatch) -> bool:
        if not self._app.accounts.sessions.alive(self._viewer.session_id):
            self.client.open("/login")
            return True
        return super()._render_page(match)

    def _render_404(self) -> None:
        error_state(_("There is no such page"), _("Choose one from the menu."))


def mount(app: App, entrance: Entrance, *, hosts: Collection[str] = ()) -> None:
    """Give NiceGUI everything: looks, fence, ways in, pages. Once per process, and once per test."""
    theme.setup()
    sessions = app.accounts.sessions
    web.add_middleware(Guard, sessions=sessions, cookie=entrance.cookie, patience=Patience(app.clock))
    web.add_middleware(Hardening, hosts=hosts, proxies=app.settings.trusted_proxies)
    web.include_router(entrance.routes())
    watch_events(sessions, app.settings.language)
    app.bus.listen(SessionEnded, do=close_pages)
    web.config.socket_io_js_transports = ["websocket", "polling"]

    def shell(client: Client) -> None:
        viewer = viewer_of(client)
        if viewer is not None:
            with viewing(viewer):
                _draw(app, viewer)

    for route in ("/", *(one.route for one in pages())):
        ui.page(route, title="Aristobot")(shell)
    for route, build in doors().items():
        ui.page(route, title="Aristobot")(_door(app, entrance, build))


def _door(app: App, entrance: Entrance, build: Callable[..., Any]) -> Callable[..., Any]:
    """A page for people who have not logged in, in the language of the house."""

    async def door(**given: Any) -> Any:
        with use_language(app.settings.language):
            return await build(app, entrance, **given)

    door.__signature__ = inspect.Signature(list(inspect.signature(build).parameters.values())[2:])  # type: ignore[attr-defined]
    return door


def _draw(app: App, viewer: Viewer) -> None:
    if viewer.login.language == "en":
        ui.run_javascript("Quasar.lang.set(Quasar.lang.enUS); document.documentElement.lang = 'en'")
    entries: dict[str, ui.element] = {}
    with ui.element("div").classes("shell"):
        _menu(entries)
        with ui.element("div").classes("stage"):
            status_bar(app, viewer)
            with ui.element("main").classes("content") as content:
                routes = {one.route: _builder(app, viewer, one) for one in pages()}
                _Stage(app, viewer, {**routes, "/": routes[HOME]}).classes("w-full")
        ui.element("div").classes("nav-shade").on("click", js_handler=CLOSE_MENU)
    ui.skip_link(_("Skip to the page"), target=content)
    router = ui.context.client.sub_pages_router
    router.on_path_changed(lambda path: _mark(entries, path))
    _mark(entries, router.current_path)


def _menu(entries: dict[str, ui.element]) -> None:
    with labelled(ui.element("nav").classes("rail"), _("Menu")):
        with ui.element("a").classes("brand").props(f"href={HOME}").on("click", js_handler=CLOSE_MENU):
            Words("span", "A", "brand-mark").props("aria-hidden=true")
            Words("span", "Aristobot", "brand-words")
        for one in pages():
            title = one.title if one.fault else _(one.title)
            with labelled(ui.element("a").classes("nav-item").props(f'href="{one.route}"'), title) as entry:
                ui.icon(one.icon).props("aria-hidden=true")
                Words("span", title, "nav-words")
            entry.on("click", js_handler=CLOSE_MENU)
            if one.fault:
                entry.classes("broken")
            entries[one.route] = entry
        Words("div", f"Aristobot {__version__}", "rail-foot")


def _mark(entries: dict[str, ui.element], path: str) -> None:
    """Show in the menu where we are."""
    here = path.partition("?")[0].rstrip("/") or HOME
    for route, entry in entries.items():
        if route == here:
            entry.props("aria-current=page")
        else:
            entry.props(remove="aria-current")


def _builder(app: App, viewer: Viewer, one: Page) -> Callable[..., Any]:
    async def build(**given: Any) -> None:
        with viewing(viewer), ui.element("div").classes("page") as area:
            ui.page_title(f"{one.title if one.fault else _(one.title)} – Aristobot")
            if one.fault:
                _show_fault(one)
                return
            live = Live(app.bus, viewer)
            try:
                drawn = one.build(app, viewer, live, **given)
                if inspect.isawaitable(drawn):
                    await drawn
            except Exception:  # a page's fault stays inside the page
                logger.exception("The page {} could not be drawn", one.route)
                if not area.is_deleted:
                    area.clear()
                    with area:
                        error_state(_("This page could not be drawn"), _("The log has the details."), ui.navigate.reload)

    build.__signature__ = inspect.Signature(one.parameters)  # type: ignore[attr-defined] # how NiceGUI learns the parameters
    return build


def _show_fault(one: Page) -> None:
    with ui.element("section").classes("panel"), ui.element("div").classes("panel-body"):
        notice(_("The page “{name}” could not be loaded. The other pages are not affected.", name=one.title), "bad")
        Words("pre", one.fault, "code mono")
