"""The whole screen of searches: the form, what is under way, the searches so far, and what came of them."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.language import _, explain
from aristobot.research_events import StudyFinished, StudyProgressed
from aristobot.store.study_tables import Study
from components.confirm import complain
from components.empty_state import empty_state
from components.live import Live
from components.notice import notice
from components.run_progress import RunProgress
from components.study_form import StudyForm
from components.study_list import StudyList
from components.study_trials import StudyTrials
from components.study_words import stage_names
from components.viewer import Viewer
from services.study_sources import asked_of, findings_of
from services.study_wish import StudyProgress, StudyWish

if TYPE_CHECKING:
    from services.app import App

#: Opens a set of parameters in the form of backtests: the strategy, the fields of the series, the parameters, the costs.
Take = Callable[[str, Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]], Awaitable[None]]


class StudyScreen:
    """`on_take` opens found parameters elsewhere."""

    def __init__(self, app: App, user: Viewer, live: Live, on_take: Take) -> None:
        self._app, self._user, self._on_take = app, user, on_take
        self._shown: uuid.UUID | None = None
        self._trials: StudyTrials | None = None
        self._stage = ""
        with ui.element("div").classes("bt-desk"):
            self._form = StudyForm(app, user, self._start)
            with ui.element("div").classes("stack"):
                self._progress = RunProgress(self._stop, stage_names(), _("Stop the search"))
                place = ui.element("div")
                self._outlet = ui.element("div").classes("stack").mark("st-result")
            with place:
                self._list = StudyList(app, user, self._open, self._again)
        with self._outlet:
            empty_state("travel_explore", _("No search is open"), _("What a search finds is shown here."))
        live.latest(StudyProgressed, do=self._progressed, max_fps=2)
        live.each(StudyFinished, do=self._finished)

    async def load(self, strategy: str = "") -> None:
        """Everything there is; what is under way is open, else the newest one."""
        await self._list.load()
        await self._form.load(strategy)
        running = next((one for one in self._list.rows if one.status.is_under_way), None)
        if running is not None:
            self._tell(running.id, self._app.studies.queue.progress(running.id))
        newest = running or next(iter(self._list.rows), None)
        if newest is not None:
            await self._open(newest)

    async def _start(self, wish: StudyWish) -> None:
        row = await self._app.studies.start(self._user.id, wish)
        await self._list.load()
        await self._open(row)

    async def _stop(self, study_id: uuid.UUID) -> None:
        try:
            await self._app.studies.cancel(self._user.id, study_id)
        except AristobotError as error:
            complain(error)

    async def _again(self, row: Study) -> None:
        await self._form.fill(str(row.strategy_version_id or row.template), asked_of(row), row)

    async def _open(self, row: Study) -> None:
        """Show what a search found, or what it has tried so far."""
        self._shown, self._trials = row.id, None
        try:
            row = await self._app.studies.get(self._user.id, row.id)
        except AristobotError as error:
            complain(error)
            return
        self._outlet.clear()
        with self._outlet:
            if row.findings:
                self._draw_findings(row)
            else:
                if not row.status.is_under_way:
                    words = explain(row.error, row.error_facts or {}) if row.error else _("It was stopped before its end.")
                    notice(words, "bad" if row.error else "warn")
                self._trials = StudyTrials(self._app, self._user, row.id, asked_of(row))
        if self._trials is not None:
            await self._trials.refresh()

    def _draw_findings(self, row: Study) -> None:
        from components.study_result import Found, draw_findings

        asked, findings = asked_of(row), findings_of(row)
        if findings is None:
            return

        async def take(parameters: Mapping[str, Any]) -> None:
            from aristobot.clock import from_milliseconds

            given = {name: getattr(asked, name) for name in ("exchange", "symbol", "timeframe", "cash")}
            given |= {"since": from_milliseconds(asked.since), "until": from_milliseconds(asked.until)}
            await self._on_take(str(row.strategy_version_id or row.template), given, parameters, asked.costs)

        draw_findings(Found(row, asked, findings), take)

    async def _progressed(self, event: StudyProgressed) -> None:
        if event.stage != self._stage:  # from waiting to running, also in the list
            self._stage = event.stage
            await self._list.load()
        if self._progress.run_id in (None, event.study_id):
            told = StudyProgress(event.stage, event.done, event.total, event.seconds_left, event.best)
            self._tell(event.study_id, told)
        if self._trials is not None and event.study_id == self._shown:
            await self._trials.refresh()

    def _tell(self, study_id: uuid.UUID, now: StudyProgress) -> None:
        share = now.done / now.total if now.total else 0.0
        more = _("{done} of {total}", done=now.done, total=now.total) if now.total else ""
        self._progress.show(study_id, now.stage, share, now.seconds_left, more)

    async def _finished(self, event: StudyFinished) -> None:
        if self._progress.run_id == event.study_id:
            self._progress.over()
        await self._list.load()
        if event.study_id != self._shown:
            return
        row = next((one for one in self._list.rows if one.id == event.study_id), None)
        if row is not None:
            await self._open(row)
        else:
            self._shown, self._trials = None, None
            self._outlet.clear()
            with self._outlet:
                empty_state("travel_explore", _("No search is open"), _("What a search finds is shown here."))
