"""The foot of a list that is shown page by page: where one is, and the ways to what is newer and older."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import ui

from components.words import labelled


class Pager:
    """Two buttons and a line of text; the list says what may be pressed."""

    def __init__(self, newer: str, older: str, *, on_newer: Callable[[], Any], on_older: Callable[[], Any]) -> None:
        with ui.element("div").classes("panel-foot"):
            self._count = ui.label("")
            with ui.element("div").classes("line tight push"):
                self._newer = ui.button(icon="chevron_left", on_click=on_newer).props("flat round dense color=white")
                self._older = ui.button(icon="chevron_right", on_click=on_older).props("flat round dense color=white")
        labelled(self._newer, newer).mark("newer")
        labelled(self._older, older).mark("older")

    def tell(self, words: str, *, newer: bool, older: bool) -> None:
        """Write where one is; `newer` and `older` say whether there is anything that way."""
        self._count.set_text(words)
        self._newer.set_enabled(newer)
        self._older.set_enabled(older)
