"""The searches so far, the newest first: open one, go on with one, ask one again, forget one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.kinds import StudyStatus
from aristobot.language import _, explain
from aristobot.search.findings import Findings
from aristobot.store.study_tables import Study
from components.confirm import complain, confirm
from components.empty_state import empty_state, error_state, waiting_lines
from components.page_head import panel
from components.study_words import Goal, span, state_names
from components.viewer import Viewer, for_traders
from components.words import Words, labelled
from services.study_sources import asked_of, findings_of

if TYPE_CHECKING:
    from services.app import App

MOST = 30
_TONES = {StudyStatus.DONE: "good", StudyStatus.FAILED: "bad", StudyStatus.INTERRUPTED: "warn", StudyStatus.STOPPED: "warn"}
Act = Callable[[Study], Awaitable[None]]


class StudyList:
    """The panel; `on_open` and `on_again` get the search that was chosen."""

    def __init__(self, app: App, user: Viewer, on_open: Act, on_again: Act) -> None:
        self._app, self._user, self._on_open, self._on_again = app, user, on_open, on_again
        self.rows: list[Study] = []
        with panel(_("Searches so far"), "bt-history"), ui.element("div").classes("w-full") as self._place:
            waiting_lines()

    async def load(self, _event: object = None) -> None:
        """Read and draw the list."""
        try:
            self.rows = await self._app.studies.recent(self._user.id, MOST)
        except AristobotError as error:
            self._place.clear()
            with self._place:
                error_state(_("This list could not be read"), explain(error), self.load)
            return
        self._place.clear()
        with self._place:
            if not self.rows:
                empty_state(
                    "travel_explore", _("No search yet"), _("Choose what may vary and within which bounds, and start the search.")
                )
                return
            with labelled(ui.element("ul").classes("bt-runs"), _("Searches so far")):
                for row in self.rows:
                    self._draw(row)

    def _draw(self, row: Study) -> None:
        asked = asked_of(row)
        title = f"{row.strategy} · {asked.symbol} · {asked.timeframe}"
        with ui.element("li").classes("bt-run"):
            with ui.element("button").classes("bt-open").props("type=button") as opening:
                Words("span", title, "item-title")
                varied = ", ".join(asked.space.names)
                Words("span", f"{span(asked)} · {Goal.of(asked).title} · {varied}", "small muted bt-what")
            opening.on("click", partial(self._on_open, row))
            opening.mark(f"study-{row.id}")
            Words("span", _outcome(Goal.of(asked), findings_of(row)), "bt-outcome")
            Words("span", state_names()[row.status], f"chip {_TONES.get(row.status, 'quiet')}")
            if not row.status.is_under_way and row.status is not StudyStatus.DONE:
                self._button("play_arrow", _("Go on with {run}", run=title), partial(self._resume, row)).mark(f"resume-{row.id}")
            self._button("edit_note", _("Ask {run} again", run=title), partial(self._on_again, row)).mark(f"again-{row.id}")
            self._button("delete_outline", _("Forget {run}", run=title), partial(self._forget, row)).mark(f"forget-{row.id}")

    def _button(self, icon: str, name: str, do: Callable[[], Awaitable[None]]) -> ui.button:
        return for_traders(labelled(ui.button(icon=icon, on_click=do).props("flat round dense"), name), self._user)

    async def _resume(self, row: Study) -> None:
        try:
            await self._app.studies.resume(self._user.id, row.id)
        except AristobotError as error:
            complain(error)
        else:
            await self._on_open(row)
            await self.load()

    async def _forget(self, row: Study) -> None:
        with self._place:
            sure = await confirm(_("Forget this search?"), _("Everything it tried goes with it."), _("Forget"))
        if sure:
            try:
                await self._app.studies.delete(self._user.id, row.id)
            except AristobotError as error:
                complain(error)


def _outcome(goal: Goal, findings: Findings | None) -> str:
    """What the best one comes to, on unseen candles where it has been there."""
    if findings is None or not findings.best:
        return ""
    best = findings.best[0]
    return goal.written((best.test_figures or best.learned.figures).get(goal.name))
