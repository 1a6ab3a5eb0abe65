"""A list with its four faces: loading, empty, in error, or filled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.language import _, explain
from components.empty_state import empty_state, error_state
from components.live_grid import LiveGrid


class StatefulList(ui.element):
    """Holds a grid; shows it, or what there is to say instead. Every face takes the same room: nothing jumps."""

    def __init__(self, *, icon: str, empty: str, empty_words: str) -> None:
        super().__init__("div")
        self.classes("list-faces").style("--rows: 0")
        with self:
            with ui.element("div").classes("skeletons") as self._loading:
                for _number in range(6):
                    ui.skeleton(height="22px", animation="pulse")
            self._empty = empty_state(icon, empty, empty_words)
            self._error = ui.element("div")
            self._filled = ui.element("div").classes("grid-holder")
        self._faces = (self._loading, self._empty, self._error, self._filled)
        self.loading()

    def hold(self, make: Callable[[], LiveGrid]) -> LiveGrid:
        """Draw the grid inside."""
        with self._filled:
            return make()

    def loading(self) -> None:
        """Nothing is known yet."""
        self._face(self._loading)

    def show(self, grid: LiveGrid) -> None:
        """The grid, or the empty face when it holds nothing."""
        self.style(f"--rows: {len(grid.rows)}")
        self._face(self._filled if grid.rows else self._empty)

    def failed(self, error: AristobotError, again: Callable[[], Any]) -> None:
        """The list could not be read."""
        self._error.clear()
        with self._error:
            error_state(_("This list could not be read"), explain(error), again)
        self._face(self._error)

    def _face(self, wanted: ui.element) -> None:
        for face in self._faces:
            face.set_visibility(face is wanted)
