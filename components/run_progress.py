"""A backtest or a search under way: what it does, how far it is, how long it will take, and the way out."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from nicegui import ui

from aristobot.language import _
from components import formats
from components.buttons import quiet_button
from components.focus import give_back
from components.words import labelled


class RunProgress(ui.element):
    """Hidden while nothing runs. `stages` are their words, `way_out` those of the button.

    Whoever pressed it is led to `back_to`: the button goes with the run.
    """

    def __init__(
        self, on_cancel: Callable[[uuid.UUID], Awaitable[None]], stages: Mapping[str, str], way_out: str, back_to: ui.element
    ) -> None:
        super().__init__("section")
        self.classes("panel bt-progress")
        self.run_id: uuid.UUID | None = None
        self._ended: uuid.UUID | None = None
        self._cancelled_by_hand: uuid.UUID | None = None
        self._back_to = back_to
        self._stages = stages
        with self:
            with ui.element("div").classes("line"):
                self._words = ui.label("").classes("grow")
                self._left = ui.label("").classes("muted")
                self._cancel = quiet_button(way_out, icon="close", on_click=self._cancelled).mark("cancel-run")
            self._bar = labelled(ui.linear_progress(0, show_value=False, size="8px"), _("Progress")).props("rounded")
        self._on_cancel = on_cancel
        self.set_visibility(False)

    def show(self, run_id: uuid.UUID, stage: str, done: float, seconds_left: float | None, more: str = "") -> None:
        """How far a run is; `more` is said beside its stage. What comes late, after its end, is left out."""
        if run_id == self._ended and stage != "queued":  # one that is gone on with waits first
            return
        self.run_id = run_id
        words = self._stages.get(stage, stage)
        self._words.set_text(f"{words} · {more}" if more else words)
        self._left.set_text(_remaining(done, seconds_left))
        self._bar.set_value(done)
        known = done > 0 and stage not in ("checking", "weighing")
        self._bar.props(**({"remove": "indeterminate"} if known else {"add": "indeterminate"}))
        self.set_visibility(True)

    def over(self, run_id: uuid.UUID) -> None:
        """A run has ended: if it is the one that is shown, nothing is under way any more."""
        self._ended = run_id
        if self.run_id == run_id:
            self.run_id = None
            self.set_visibility(False)
        if self._cancelled_by_hand == run_id:
            give_back(self._back_to)

    async def _cancelled(self) -> None:
        if self.run_id is not None:
            self._cancelled_by_hand = self.run_id
            await self._on_cancel(self.run_id)


def backtest_stages() -> dict[str, str]:
    """What a backtest does, in words."""
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
