"""Keeps the candles of one symbol coming while a page shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.market import Symbol

if TYPE_CHECKING:
    from services.app import App


class CandleFeed(ui.element):
    """An element without a face: while it stands on the page, CandleUpdated is told of the symbol it looks at."""

    def __init__(self, app: App) -> None:
        super().__init__("template")
        self._app = app
        self._look_away: Callable[[], None] | None = None

    def look(self, exchange: str, symbol: Symbol) -> None:
        """Look at this symbol instead of the one before."""
        before, self._look_away = self._look_away, self._app.candle_watch.look(exchange, symbol)
        if before is not None:
            before()

    def _handle_delete(self) -> None:
        if self._look_away is not None:
            self._look_away()
            self._look_away = None
        super()._handle_delete()
