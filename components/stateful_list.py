"""A list with its four faces: loading, empty, in error, or filled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.language import _, explain
from components.empty_state import empty_state, error_state, waiting_lines


class Table(Protocol):
    """What a list holds, and whether there is anything in it."""

    @property
    def rows(self) -> Sequence[object]:
        """What stands in it."""


Held = TypeVar("Held", bound=Table)


class StatefulList(ui.element):
    """Holds a table; shows it, or what there is to say instead. Every face takes the same room: nothing jumps."""

    def __init__(self, *, icon: str, empty: str, empty_words: str) -> None:
        super().__init__("div")
        self.classes("list-faces").style("--rows: 0")
        self._draw_empty: Callable[[], object] | None = partial(empty_state, icon, empty, empty_words)
        with self:
            self._loading = waiting_lines()
            self._empty = ui.element("div")
            self._error = ui.element("div")
            self._filled = ui.element("div").classes("grid-holder")
        self._faces = (self._loading, self._empty, self._error, self._filled)
        self.loading()

    def hold(self, make: Callable[[], Held]) -> Held:
        """Draw the table inside."""
        with self._filled:
            return make()

    def loading(self) -> None:
        """Nothing is known yet."""
        self._face(self._loading)

    def show(self, table: Table) -> None:
        """The table, or the empty face when it holds nothing."""
        self.style(f"--rows: {len(table.rows)}")
        if table.rows:
            self._face(self._filled)
        else:
            self.nothing()

    def nothing(self) -> None:
        """There is nothing to list."""
        if self._draw_empty is not None:
            with self._empty:
                self._draw_empty()
            self._draw_empty = None
        self._face(self._empty)

    def failed(self, error: AristobotError, again: Callable[[], Any]) -> None:
        """The list could not be read."""
        self._error.clear()
        with self._error:
            error_state(_("This list could not be read"), explain(error), again)
        self._face(self._error)

    def _face(self, wanted: ui.element) -> None:
        for face in self._faces:
            face.set_visibility(face is wanted)
