"""The place where reports are shown: one, several side by side, or why there is none."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.kinds import BacktestStatus
from aristobot.language import _, explain
from aristobot.store.backtest_tables import Backtest
from components.backtest_compare import draw_comparison
from components.backtest_result import draw_result
from components.confirm import complain
from components.empty_state import empty_state, error_state
from components.viewer import Viewer

if TYPE_CHECKING:
    from services.app import App


class BacktestOutlet(ui.element):
    """Begins empty."""

    def __init__(self, app: App, user: Viewer) -> None:
        super().__init__("div")
        self.classes("stack").mark("bt-result")
        self._app, self._user = app, user
        self._shown: uuid.UUID | None = None
        self._draw(empty_state, "science", _("No report is open"), _("What a run finds is shown here."))

    @property
    def shown(self) -> uuid.UUID | None:
        """The run whose report is open, or awaited: it is kept as long as it is looked at."""
        return self._shown

    @shown.setter
    def shown(self, run_id: uuid.UUID | None) -> None:
        self._shown = run_id
        self._app.backtester.shelf.look_at(self, [run_id] if run_id else [])

    async def open(self, row: Backtest) -> None:
        """Show what a run found, or why it found nothing."""
        self.shown = row.id
        if row.status is not BacktestStatus.DONE:
            words = explain(row.error, row.error_facts or {}) if row.error else _("It did not come to its end.")
            self._draw(error_state, _("This run has no report"), words)
            return
        try:
            report = await self._app.backtester.report(self._user.id, row.id)
            strategy_id = await self._app.backtester.sources.strategy_of(self._user.id, row.strategy_version_id)
        except AristobotError as error:
            self._draw(error_state, _("The report could not be read"), explain(error))
            return
        if self.shown == row.id:  # nobody opened another one meanwhile
            self._draw(draw_result, row, report, strategy_id)

    async def compare(self, rows: Sequence[Backtest]) -> None:
        """Show several runs side by side."""
        try:
            found = [(row, await self._app.backtester.report(self._user.id, row.id)) for row in rows]
        except AristobotError as error:
            complain(error)
            return
        self.shown = None
        self._app.backtester.shelf.look_at(self, [row.id for row in rows])
        self._draw(draw_comparison, found)

    def _draw(self, draw: Callable[..., Any], *what: Any) -> None:
        self.clear()
        with self:
            draw(*what)

    def _handle_delete(self) -> None:
        self._app.backtester.shelf.look_at(self, ())
        super()._handle_delete()
