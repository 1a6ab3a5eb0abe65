"""The place where a search is shown: what it found, what it has tried so far, or why it came to no end."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from nicegui import ui

from aristobot.clock import from_milliseconds
from aristobot.errors import AristobotError
from aristobot.language import _, explain
from aristobot.search.findings import Findings
from aristobot.store.study_tables import Study
from components.confirm import complain
from components.empty_state import empty_state
from components.notice import notice
from components.study_trials import StudyTrials
from components.viewer import Viewer
from services.study_sources import asked_of, findings_of

if TYPE_CHECKING:
    from services.app import App

#: Opens a set of parameters in the form of backtests: the strategy, the fields of the series, the parameters, the costs.
Take = Callable[[str, Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]], Awaitable[None]]


class StudyOutlet(ui.element):
    """Begins empty. `shown` is the search that is open."""

    def __init__(self, app: App, user: Viewer, on_take: Take) -> None:
        super().__init__("div")
        self.classes("stack").mark("st-result")
        self._app, self._user, self._on_take = app, user, on_take
        self.shown: uuid.UUID | None = None
        self._trials: StudyTrials | None = None
        self._say_nothing()

    async def open(self, row: Study) -> None:
        """Show what a search found, or what it has tried so far."""
        self.shown = row.id
        try:
            row = await self._app.studies.get(self._user.id, row.id)
        except AristobotError as error:
            complain(error)
            return
        if self.shown != row.id:  # somebody opened another one meanwhile
            return
        self.clear()
        self._trials = None
        with self:
            findings = findings_of(row)
            if findings is not None:
                self._found(row, findings)
                return
            if not row.status.is_under_way:
                words = explain(row.error, row.error_facts or {}) if row.error else _("It was stopped before its end.")
                notice(words, "bad" if row.error else "warn")
            self._trials = StudyTrials(self._app, self._user, row.id, asked_of(row))
        await self._trials.refresh()

    async def refresh(self, study_id: uuid.UUID) -> None:
        """Something has been tried: add it when that search is open."""
        if self._trials is not None and study_id == self.shown:
            await self._trials.refresh()

    async def empty(self) -> None:
        """Nothing is open any more."""
        self.shown, self._trials = None, None
        self.clear()
        self._say_nothing()

    def _say_nothing(self) -> None:
        with self:
            empty_state("travel_explore", _("No search is open"), _("What a search finds is shown here."))

    def _found(self, row: Study, findings: Findings) -> None:
        from components.study_result import Found, draw_findings

        asked = asked_of(row)
        given = {name: getattr(asked, name) for name in ("exchange", "symbol", "timeframe", "cash")}
        given |= {"since": from_milliseconds(asked.since), "until": from_milliseconds(asked.until)}

        async def take(parameters: Mapping[str, Any]) -> None:
            await self._on_take(str(row.strategy_version_id or row.template or row.strategy), given, parameters, asked.costs)

        draw_findings(Found(row, asked, findings), take)
