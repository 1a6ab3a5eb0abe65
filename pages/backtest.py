"""Try strategies on the past."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.kinds import BacktestStatus
from aristobot.language import _
from aristobot.research_events import BacktestFinished, BacktestProgressed
from components.backtest_form import BacktestForm
from components.backtest_history import BacktestHistory
from components.backtest_outlet import BacktestOutlet
from components.confirm import complain
from components.live import Live
from components.page_head import page_head
from components.run_progress import RunProgress, backtest_stages
from components.shell import page
from components.study_screen import StudyScreen
from components.viewer import Viewer

if TYPE_CHECKING:
    from services.app import App
    from services.backtest_wish import Wish


@page("/backtest", title="Backtest", icon="science", order=60)
async def backtest(app: App, user: Viewer, live: Live, strategy: str = "", part: str = "") -> None:
    """Two parts: single runs, and searches for better parameters, drawn when somebody first looks there.

    `strategy` in the address chooses one in the form, `part=search` opens the second part.
    """
    with page_head(_("Backtest"), _("Try a strategy on past candles before it touches money.")):
        parts = ui.tabs().props("dense no-caps inline-label").classes("bt-parts")
        with parts:
            ui.tab("runs", _("Single run"), icon="science").mark("part-runs")
            ui.tab("search", _("Optimisation"), icon="travel_explore").mark("part-search")
    runs, search = (ui.element("div").props("role=tabpanel").classes("w-full") for _part in range(2))
    with runs:
        desk = _Desk(app, user, live)
    search.set_visibility(False)
    drawn: list[StudyScreen] = []

    async def take(wanted: str, given: Mapping[str, Any], parameters: Mapping[str, Any], costs: Mapping[str, Any]) -> None:
        parts.set_value("runs")
        await desk.fill(wanted, given, parameters, costs)

    async def show() -> None:
        runs.set_visibility(parts.value == "runs")
        search.set_visibility(parts.value == "search")
        if parts.value == "search" and not drawn:
            with search:
                drawn.append(StudyScreen(app, user, live, take))
            await drawn[0].load(strategy)

    parts.on_value_change(show)
    parts.set_value("search" if part == "search" else "runs")
    await desk.load(strategy)


class _Desk:
    """The parts of single runs, and what each tells the others."""

    def __init__(self, app: App, user: Viewer, live: Live) -> None:
        self._app, self._user = app, user
        with ui.element("div").classes("bt-desk"):
            self._form = BacktestForm(app, user, self._start)
            with ui.element("div").classes("stack"):
                self._progress = RunProgress(self._cancel, backtest_stages(), _("Cancel"), self._form.button)
                place = ui.element("div")
                self._outlet = BacktestOutlet(app, user)
            with place:
                self._history = BacktestHistory(app, user, self._outlet.open, self._outlet.compare)
        live.latest(BacktestProgressed, do=self._progressed, max_fps=8)
        live.each(BacktestFinished, do=self._finished)

    async def load(self, strategy: str) -> None:
        """Everything there is; the newest finished run is open."""
        await self._history.load()
        await self._form.load(strategy)
        for row in self._history.rows:
            if not row.status.is_over:
                now = self._app.backtester.queue.progress(row.id)
                self._progress.show(row.id, now.stage, now.done, now.seconds_left)
        last = next((one for one in self._history.rows if one.status is BacktestStatus.DONE), None)
        if last is not None:
            await self._outlet.open(last)

    async def fill(self, *what: Any) -> None:
        """Put what was found elsewhere into the form."""
        await self._form.fill(*what)
        self._form.focus()

    async def _start(self, wish: Wish) -> None:
        row = await self._app.backtester.start(self._user.id, wish)
        self._outlet.shown = row.id
        self._progress.show(row.id, "queued", 0.0, None)
        await self._history.load()

    async def _cancel(self, backtest_id: uuid.UUID) -> None:
        try:
            await self._app.backtester.cancel(self._user.id, backtest_id)
        except AristobotError as error:
            complain(error)

    def _progressed(self, event: BacktestProgressed) -> None:
        if self._progress.run_id in (None, event.backtest_id):
            self._progress.show(event.backtest_id, event.stage, event.done, event.seconds_left)

    async def _finished(self, event: BacktestFinished) -> None:
        self._progress.over(event.backtest_id)
        await self._history.load()
        row = next((one for one in self._history.rows if one.id == event.backtest_id), None)
        if row is not None and row.id == self._outlet.shown:
            await self._outlet.open(row)
