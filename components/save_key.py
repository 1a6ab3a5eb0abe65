"""Ctrl-S saves what the page is for, wherever the cursor is, instead of the browser's own page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui


class SaveKey(ui.element, component="save_key.js"):
    """Calls `save` for Ctrl-S, or Cmd-S."""

    def __init__(self, save: Callable[[], Awaitable[object]]) -> None:
        super().__init__()
        self.on("save", save)
