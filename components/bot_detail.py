"""The inside of one strategy at work: watched values, filters, parameters, and its log, the newest line first."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nicegui import ui

from aristobot.errors import AristobotError, DataError
from aristobot.language import _
from aristobot.money import amount
from aristobot.store.activations import Shown
from aristobot.store.strategy_tables import ActivationLine
from components import formats
from components.confirm import complain
from components.page_head import panel
from components.viewer import Viewer
from components.words import Words
from services.notice_words import sentence

if TYPE_CHECKING:
    from services.app import App

LINES = 100
_TONES = {"warning": "warn", "error": "bad"}


class BotDetail:
    """The panel beside the list; `show` fills it with one activation."""

    def __init__(self, app: App, user: Viewer) -> None:
        self._app, self._user = app, user
        self.shown_id: uuid.UUID | None = None
        self._place = ui.element("div").classes("stack bot-detail")

    def clear(self) -> None:
        """Nothing is chosen."""
        self.shown_id = None
        self._place.clear()

    def reveal(self) -> None:
        """Bring it into view where it stands below the list."""
        self._place.run_method("scrollIntoView", {"behavior": "smooth", "block": "nearest"})

    async def show(self, shown: Shown) -> None:
        """Everything about one."""
        self.shown_id = shown.row.id
        try:
            lines = await self._app.runner.desk.lines(self._user.id, shown.row.id, LINES)
        except AristobotError as error:
            complain(error)
            return
        self._place.clear()
        with self._place:
            view = shown.row.view or {}
            with panel(_("Inside {name}", name=shown.posted.strategy.name)), ui.element("div").classes("panel-body"):
                _pairs(_("Watched values"), view.get("watch", ()), _("This strategy shows no values (watch_list)."))
                _filters(view.get("filters", ()))
                _pairs(_("Parameters"), sorted((shown.row.parameters or {}).items()), _("Those of the strategy itself."))
            self._log(lines)

    def _log(self, lines: Sequence[ActivationLine]) -> None:
        with panel(_("Log of the strategy")), ui.element("ol").classes("bot-log").mark("bot-log"):
            for row in lines:
                with ui.element("li").classes(f"bot-line {_TONES.get(row.level, '')}"):
                    Words("time", formats.moment(row.at), "faint")
                    Words("span", row.text or sentence(row.code, row.facts))
            if not lines:
                Words("li", _("Nothing was said yet."), "muted bot-line")


def _pairs(title: str, pairs: Sequence[Sequence[Any]], nothing: str) -> None:
    with ui.element("div"):
        Words("h3", title)
        if not pairs:
            Words("p", nothing, "muted small")
        with ui.element("dl").classes("facts short bot-watch"):
            for name, value in pairs:
                Words("dt", str(name))
                Words("dd", _written(value))


def _written(value: Any) -> str:
    """A value as its reader writes numbers; words as they are."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    try:
        return formats.number(amount(str(value)))
    except DataError:
        return str(value)


def _filters(filters: Sequence[Sequence[Any]]) -> None:
    if not filters:
        return
    with ui.element("div"):
        Words("h3", _("Filters at the last candle"))
        for name, passes in filters:
            with ui.element("div").classes("line tight bot-filter"):
                ui.icon("check_circle" if passes else "block").classes("gain" if passes else "loss").props("aria-hidden=true")
                Words("span", str(name))
                Words("span", _("lets it pass") if passes else _("holds it back"), "muted small push")
