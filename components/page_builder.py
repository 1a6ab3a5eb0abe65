"""Draws one page inside the frame, so that its fault stays its own."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from loguru import logger
from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.language import _, explain
from components.empty_state import error_state, waiting_lines
from components.live import Live
from components.menu import Page
from components.notice import notice
from components.viewer import Viewer, viewing
from components.words import Words

if TYPE_CHECKING:
    from services.app import App


#: Seconds after which a page that is still being read says so.
MOMENT = 0.3


class PageBuilder:
    """Its signature is what NiceGUI may fill in from the address."""

    def __init__(self, app: App, viewer: Viewer, one: Page) -> None:
        self._app, self._viewer, self._page = app, viewer, one
        self.__signature__ = inspect.Signature(one.parameters)

    async def __call__(self, **given: Any) -> None:
        """Draw it; its fault stays inside it."""
        one = self._page
        with viewing(self._viewer), ui.element("div").classes("page") as area:
            ui.page_title(f"{one.title if one.fault else _(one.title)} – Aristobot")
            if one.fault:
                _show_fault(one)
                return
            try:
                drawn = one.build(self._app, self._viewer, Live(self._app.bus, self._viewer), **given)
                if inspect.isawaitable(drawn):
                    with _waiting(area):
                        await drawn
            except AristobotError as error:
                logger.warning("The page {} could not be drawn: {}", one.route, error)
                self._instead(area, explain(error))
            except Exception:  # the menu and the other pages go on
                logger.exception("The page {} could not be drawn", one.route)
                self._instead(area, _("The log has the details."))

    @staticmethod
    def _instead(area: ui.element, why: str) -> None:
        if not area.is_deleted:
            area.clear()
            with area:
                error_state(_("This page could not be drawn"), why, ui.navigate.reload)


@contextmanager
def _waiting(area: ui.element) -> Iterator[None]:
    """Show that the rest of a page is on its way, where that takes longer than a moment."""
    drawn: list[ui.element] = []

    def draw() -> None:
        if not area.is_deleted:
            with area:
                drawn.append(waiting_lines("page-waiting"))

    timer = asyncio.get_running_loop().call_later(MOMENT, draw)
    try:
        yield
    finally:
        timer.cancel()
        for one in drawn:
            if not one.is_deleted:
                one.delete()


def _show_fault(one: Page) -> None:
    with ui.element("section").classes("panel"), ui.element("div").classes("panel-body"):
        notice(_("The page “{name}” could not be loaded. The other pages are not affected.", name=one.title), "bad")
        Words("pre", one.fault, "code mono")
