"""Ctrl-K: every page, symbol and action from the keyboard, found by a few letters, the last used first."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from nicegui import events, ui

from aristobot.errors import AristobotError
from aristobot.language import _
from components.confirm import complain
from components.palette_commands import Command, commands_of, looked_up
from components.palette_order import ordered
from components.shortcuts import Shortcuts, show_shortcuts
from components.viewer import Viewer

if TYPE_CHECKING:
    from services.app import App

MOST = 30
LONGEST = 80


class Palette(ui.element, component="palette.js"):
    """The field and its list; one per page visit, mounted in the frame."""

    def __init__(self, app: App, viewer: Viewer) -> None:
        super().__init__()
        self._app = app
        self._viewer = viewer
        self.found: list[Command] = []
        self._offered: dict[str, Command] = {}
        self._asked = 0
        self._props["owner"] = viewer.id.hex
        self._props["words"] = {
            "ask": _("Page, symbol or action"),
            "found": _("Found"),
            "nothing": _("Nothing found"),
            "pick": _("choose"),
            "go": _("open"),
            "close": _("close"),
            "enter": _("Enter"),
            "escape": _("Esc"),
        }
        self.on("ask", self._ask)
        self.on("choose", self._choose)

    def toggle(self) -> None:
        """Open it, or close it."""
        self.run_method("toggle")

    async def _ask(self, event: events.GenericEventArguments) -> None:
        self._asked += 1
        turn = self._asked
        text, recent = str(event.args.get("text", ""))[:LONGEST], [str(one) for one in event.args.get("recent", [])]
        try:
            known = await commands_of(self._app, self._viewer, text)
            symbols = await looked_up(self._app, self._viewer, text, recent)
        except AristobotError as error:
            complain(error)
            return
        if turn != self._asked:  # more letters came meanwhile: theirs is the answer, whichever was read sooner
            return
        before, self.found = self.found, ordered([*known, *symbols], text, recent)[:MOST]
        self._offered = {one.id: one for one in (*before, *self.found)}  # a click may still mean what was listed before
        self.run_method("show", event.args.get("text", ""), [_shown(one) for one in self.found])

    async def _choose(self, event: events.GenericEventArguments) -> None:
        chosen = self._offered.get(str(event.args.get("id")))
        if chosen is None:
            return
        pending = chosen.do()
        if inspect.isawaitable(pending):
            await pending


def _shown(command: Command) -> dict[str, Any]:
    return {"id": command.id, "icon": command.icon, "label": command.label, "kind": command.kind}


def keyboard(app: App, viewer: Viewer) -> Palette:
    """Mount what the keyboard can do on every page: the palette, and `?` for the list of keys."""
    Shortcuts({"?": (_("Show the keys"), show_shortcuts)})
    return Palette(app, viewer)
