"""A backtest under way: what it does, how far it is, how long it will take, and the way out."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta

from nicegui import ui

from aristobot.language import _
from components import formats
from components.buttons import quiet_button
from components.words import labelled


class BacktestProgress(ui.element):
    """Hidden while nothing runs."""

    def __init__(self, on_cancel: Callable[[uuid.UUID], Awaitable[None]]) -> None:
        super().__init__("section")
        self.classes("panel bt-progress").props("role=status")
        self.backtest_id: uuid.UUID | None = None
        with self:
            with ui.element("div").classes("line"):
                self._words = ui.label("").classes("grow")
                self._left = ui.label("").classes("muted")
                self._cancel = quiet_button(_("Cancel"), icon="close", on_click=self._cancelled).mark("cancel-backtest")
            self._bar = labelled(ui.linear_progress(0, show_value=False, size="8px"), _("Progress")).props("rounded")
        self._on_cancel = on_cancel
        self.set_visibility(False)

    def show(self, backtest_id: uuid.UUID, stage: str, done: float, seconds_left: float | None) -> None:
        """How far a run is."""
        self.backtest_id = backtest_id
        self._words.set_text(_stages().get(stage, stage))
        self._left.set_text(_remaining(done, seconds_left))
        self._bar.set_value(done)
        known = done > 0 and stage != "checking"
        self._bar.props(**({"remove": "indeterminate"} if known else {"add": "indeterminate"}))
        self.set_visibility(True)

    def over(self) -> None:
        """Nothing is under way any more."""
        self.backtest_id = None
        self.set_visibility(False)

    async def _cancelled(self) -> None:
        if self.backtest_id is not None:
            await self._on_cancel(self.backtest_id)


def _stages() -> dict[str, str]:
    return {
        "queued": _("Waits for a free core"),
        "candles": _("Downloads the missing candles"),
        "playing": _("Plays candle after candle"),
        "checking": _("Checks for a look ahead and plays the optimistic counter-run"),
    }


def _remaining(done: float, seconds_left: float | None) -> str:
    if seconds_left is None:
        return ""
    left = _("about {time} left", time=formats.lasting(timedelta(seconds=max(1, round(seconds_left)))))
    return f"{round(done * 100)}\u00a0% · {left}"
