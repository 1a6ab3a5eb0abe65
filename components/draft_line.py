"""One line above the editor: what stands in it is a draft, of which version, and from when."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui

from aristobot.language import _
from aristobot.store.strategy_tables import StrategyRow, StrategyVersion
from components import formats
from components.words import Words


class DraftLine(ui.element):
    """Empty while there is nothing to say; `discard` is its button."""

    def __init__(self, discard: Callable[[], Awaitable[None]]) -> None:
        super().__init__("div")
        self._discard = discard

    def hide(self) -> None:
        """It was saved."""
        self.clear()

    def show(self, row: StrategyRow, newest: StrategyVersion) -> None:
        """Say that a draft is shown, if one is."""
        self.clear()
        if row.draft is None or row.draft == newest.code:
            return
        words = _("Draft of version {number}, not saved, from {when}.", number=row.draft_of, when=formats.moment(row.draft_at))
        if row.draft_of != newest.number:
            words += " " + _("Version {number} was saved since.", number=newest.number)
        with self, ui.element("div").classes("draft-line").mark("draft-notice"):
            ui.icon("edit_note").props("aria-hidden=true")
            Words("span", words, "grow")
            ui.button(_("Discard"), on_click=self._discard).props("flat dense no-caps").mark("discard-draft")
