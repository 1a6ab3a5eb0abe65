"""What stands in the place of a list's lines: on its way, nothing, or a fault. Never what was true of another choice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.language import _, explain
from components.empty_state import empty_state, error_state, waiting_lines

One = TypeVar("One")


async def attempt(reading: Awaitable[list[One]]) -> tuple[list[One], AristobotError | None]:
    """What was read, or why it could not be."""
    try:
        return await reading, None
    except AristobotError as error:
        return [], error


class Instead(ui.element):
    """Waiting at first. A face that stands already is not drawn again: nothing travels to the browser for it."""

    def __init__(self, *, icon: str, empty: str, empty_words: str) -> None:
        super().__init__("div")
        self._empty = partial(empty_state, icon, empty, empty_words)
        self._face: Callable[[], object] | None = None
        self.waiting()

    def waiting(self) -> None:
        """It is being read."""
        self._draw(waiting_lines)

    def of(self, found: Sequence[object], fault: AristobotError | None, again: Callable[[], Any]) -> None:
        """This was read: stand aside for lines, say that there are none, or why they could not be read."""
        if fault is not None:
            self._draw(partial(error_state, _("This list could not be read"), explain(fault), again))
        else:
            self._draw(None if found else self._empty)

    def _draw(self, face: Callable[[], object] | None) -> None:
        if face is self._face:
            return
        self._face = face
        self.clear()
        self.set_visibility(face is not None)
        if face is not None:
            with self:
                face()
