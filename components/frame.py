"""The frame around every page: menu and status bar stay while the pages inside change; one socket for the whole visit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nicegui import ui
from nicegui.page_arguments import RouteMatch

from aristobot import __version__
from aristobot.errors import AristobotError
from aristobot.language import _
from components import ahead
from components.confirm import REMEMBER_FOCUS, complain
from components.empty_state import error_state
from components.entrance import HOME
from components.herald import Herald
from components.menu import pages
from components.page_builder import PageBuilder
from components.palette import keyboard
from components.restart_report import restart_notice
from components.status_bar import status_bar
from components.viewer import Viewer, viewing
from components.words import Words, labelled

if TYPE_CHECKING:
    from services.app import App

CLOSE_MENU = "() => document.body.classList.remove('nav-open')"


def draw_frame(app: App, viewer: Viewer) -> None:
    """Draw the whole page of one visit; what stands inside follows the address."""
    if viewer.login.language == "en":
        ui.run_javascript("Quasar.lang.set(Quasar.lang.enUS); document.documentElement.lang = 'en'")
    ui.run_javascript(REMEMBER_FOCUS)
    _leave_one_main()
    ahead.when_idle()
    ui.on_exception(lambda error: _stumbled(viewer, error))
    entries: dict[str, ui.element] = {}
    palette = keyboard(app, viewer)
    with ui.element("div").classes("shell"):
        _menu(entries, palette.toggle)
        with ui.element("div").classes("stage"):
            status_bar(app, viewer)
            with ui.element("main").classes("content").props("tabindex=-1") as content:
                restart_notice(app, viewer)
                routes: dict[str, Callable[..., Any]] = {one.route: PageBuilder(app, viewer, one) for one in pages()}
                _Stage(app, viewer, {**routes, "/": routes[HOME]}).classes("w-full")
        ui.element("div").classes("nav-shade").on("click", js_handler=CLOSE_MENU)
    ui.skip_link(_("Skip to the page"), target=content)
    herald = Herald()
    router = ui.context.client.sub_pages_router

    def arrived(path: str) -> None:
        _mark(entries, path)
        herald.arrived(_title_of(path))

    router.on_path_changed(arrived)
    _mark(entries, router.current_path)


def _stumbled(viewer: Viewer, error: Exception) -> None:
    """What nobody caught while a button was pressed: whoever pressed it hears that it came to nothing, and why."""
    with viewing(viewer):
        complain(error if isinstance(error, AristobotError) else _("That did not work. The log has the details."))


def _leave_one_main() -> None:
    """Quasar calls all of the page its main part, the menu too: only ours is."""
    around = ui.context.client.content.parent_slot
    if around is not None:
        around.parent.props("role=none")


def _menu(entries: dict[str, ui.element], on_search: Callable[[], None]) -> None:
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
        with ui.element("button").classes("nav-item nav-search").props(f'type=button title="{_("Search")}"') as search:
            ui.icon("search").props("aria-hidden=true")
            Words("span", _("Search"), "nav-words")
            Words("kbd", "Ctrl K", "nav-words")
        search.on("click", js_handler=CLOSE_MENU).on("click", on_search)
        Words("div", f"Aristobot {__version__}", "rail-foot")


def _route_of(path: str) -> str:
    return path.partition("?")[0].rstrip("/") or HOME


def _title_of(path: str) -> str:
    here = next((one for one in pages() if one.route == _route_of(path)), None)
    return "" if here is None else here.title if here.fault else _(here.title)


def _mark(entries: dict[str, ui.element], path: str) -> None:
    """Show in the menu where we are."""
    here = _route_of(path)
    for route, entry in entries.items():
        if route == here:
            entry.props("aria-current=page")
        else:
            entry.props(remove="aria-current")


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
        if match.remaining_path:  # "/" is the beginning of every address: what comes after it is no page of ours
            return False
        return super()._render_page(match)

    def _render_404(self) -> None:
        with ui.element("div").classes("page"):
            error_state(_("There is no such page"), _("Choose one from the menu."))
