"""The whole screen of searches: the form, what is under way, the searches so far, and what came of them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.language import _
from aristobot.research_events import StudyFinished, StudyProgressed
from aristobot.store.study_tables import Study
from components.confirm import complain
from components.live import Live
from components.run_progress import RunProgress
from components.study_form import StudyForm
from components.study_list import StudyList
from components.study_outlet import StudyOutlet, Take
from components.study_words import stage_names
from components.viewer import Viewer
from services.study_sources import asked_of
from services.study_wish import StudyProgress, StudyWish

if TYPE_CHECKING:
    from services.app import App


class StudyScreen:
    """`on_take` opens found parameters elsewhere."""

    def __init__(self, app: App, user: Viewer, live: Live, on_take: Take) -> None:
        self._app, self._user = app, user
        self._stage = ""
        with ui.element("div").classes("bt-desk"):
            self._form = StudyForm(app, user, self._start)
            with ui.element("div").classes("stack"):
                self._progress = RunProgress(self._stop, stage_names(), _("Stop the search"), self._form.button)
                place = ui.element("div")
                self._outlet = StudyOutlet(app, user, on_take)
            with place:
                self._list = StudyList(app, user, self._outlet.open, self._again)
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
            await self._outlet.open(newest)

    async def _start(self, wish: StudyWish) -> None:
        row = await self._app.studies.start(self._user.id, wish)
        await self._list.load()
        await self._outlet.open(row)

    async def _stop(self, study_id: uuid.UUID) -> None:
        try:
            await self._app.studies.cancel(self._user.id, study_id)
        except AristobotError as error:
            complain(error)

    async def _again(self, row: Study) -> None:
        await self._form.fill(str(row.strategy_version_id or row.template or row.strategy), asked_of(row), row)

    async def _progressed(self, event: StudyProgressed) -> None:
        if event.stage != self._stage:  # from waiting to running, also in the list
            self._stage = event.stage
            await self._list.load()
        if self._progress.run_id in (None, event.study_id):
            told = StudyProgress(event.stage, event.done, event.total, event.seconds_left, event.best)
            self._tell(event.study_id, told)
        await self._outlet.refresh(event.study_id)

    def _tell(self, study_id: uuid.UUID, now: StudyProgress) -> None:
        share = now.done / now.total if now.total else 0.0
        more = _("{done} of {total}", done=now.done, total=now.total) if now.total else ""
        self._progress.show(study_id, now.stage, share, now.seconds_left, more)

    async def _finished(self, event: StudyFinished) -> None:
        self._progress.over(event.study_id)
        await self._list.load()
        if event.study_id == self._outlet.shown:
            row = next((one for one in self._list.rows if one.id == event.study_id), None)
            await (self._outlet.open(row) if row is not None else self._outlet.empty())
