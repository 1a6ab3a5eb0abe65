"""What a search has tried, as it comes in: the best so far on top, every set in a table."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.language import _, explain
from aristobot.search.definition import Definition
from aristobot.store.study_tables import Trial
from components.empty_state import error_state
from components.live_grid import LiveGrid, Row, column
from components.page_head import panel
from components.study_words import Goal, figure, parameters
from components.viewer import Viewer
from components.words import Words

if TYPE_CHECKING:
    from services.app import App

_MOST = 200
#: Figures of a trial, and the width below which a table does without them.
_FIGURES = (("net_profit", 400), ("roi", 560), ("max_drawdown_share", 720), ("count", 620))


def trial_columns(goal: Goal) -> list[Row]:
    """The columns of the trials: the goal in any case, other figures where there is room."""
    from aristobot.figures.table import FIGURES

    figures = [column(name, _(FIGURES[name].title), 128, number=True, least=least) for name, least in _FIGURES]
    return [
        column("number", _("No."), 52, number=True),
        column("parameters", _("Parameters"), 140, grows=1) | {"wrapText": True, "autoHeight": True},
        column("score", goal.title, 120, number=True),
        *(one for one in figures if one["field"] != goal.name),
    ]


class StudyTrials:
    """The panel. `refresh` adds what has come in since."""

    def __init__(self, app: App, user: Viewer, study_id: uuid.UUID, asked: Definition) -> None:
        self._app, self._user, self._study_id = app, user, study_id
        self._goal = Goal.of(asked)
        self._names = asked.space.names
        self._known: set[uuid.UUID] = set()
        with panel(_("Trials"), "bt-trades") as head:
            with head:
                self._best = Words("span", "", "st-best")
            self._fault = ui.element("div")
            with ui.element("div").classes("bt-grid").style("--rows: 8"):
                self._grid = LiveGrid(trial_columns(self._goal), name=_("Trials"), most=_MOST)

    async def refresh(self) -> None:
        """Read what has been tried since, and the best of all."""
        try:
            rows = await self._app.studies.trials(self._user.id, self._study_id, _MOST)
            best = await self._app.studies.best(self._user.id, self._study_id)
        except AristobotError as error:
            self._failed(error)
            return
        self._fault.clear()
        fresh = [row for row in rows if row.id not in self._known]
        self._known |= {row.id for row in fresh}
        if fresh:
            self._grid.prepend([self._written(row) for row in fresh])
        if best is not None:
            said = {
                "figure": self._goal.written(self._goal.value(best.score)),
                "parameters": parameters(best.parameters or {}, self._names),
            }
            self._best.set_text(_("Best so far: {figure} with {parameters}", **said))

    def _failed(self, error: AristobotError) -> None:
        self._fault.clear()
        with self._fault:
            error_state(_("This list could not be read"), explain(error), self.refresh)

    def _written(self, row: Trial) -> dict[str, Any]:
        figures = row.figures or {}
        told = {name: figure(name, figures.get(name)) for name, _least in _FIGURES}
        told["score"] = _("fell") if row.fault else self._goal.written(self._goal.value(row.score))
        return {"id": str(row.id), "number": row.number + 1, "parameters": parameters(row.parameters or {}, self._names), **told}
