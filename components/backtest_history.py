"""The runs so far, the newest first: open one, compare up to four, forget one."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.kinds import BacktestStatus
from aristobot.language import _, explain, typed
from aristobot.store.backtest_tables import Backtest
from components import formats
from components.confirm import complain, confirm
from components.empty_state import empty_state, error_state, waiting_lines
from components.focus import marked, restore
from components.page_head import panel
from components.viewer import Viewer, for_traders
from components.words import Words, labelled

if TYPE_CHECKING:
    from services.app import App

MOST, COMPARED = 50, 4
_TONES = {BacktestStatus.DONE: "good", BacktestStatus.FAILED: "bad", BacktestStatus.INTERRUPTED: "warn"}


class BacktestHistory:
    """The panel; `on_open` gets the run that was chosen, `on_compare` those that were ticked."""

    def __init__(
        self,
        app: App,
        user: Viewer,
        on_open: Callable[[Backtest], Awaitable[None]],
        on_compare: Callable[[Sequence[Backtest]], Awaitable[None]],
    ) -> None:
        self._app, self._user, self._on_open, self._on_compare = app, user, on_open, on_compare
        self.rows: list[Backtest] = []
        self._ticked: dict[uuid.UUID, ui.checkbox] = {}
        with panel(_("Runs so far"), "bt-history") as head:
            with head:
                self._compare = ui.button(_("Compare"), icon="stacked_line_chart", on_click=self._compared)
                self._compare.props("flat dense no-caps").mark("bt-compare").disable()
            with ui.element("div").classes("w-full").props("tabindex=-1") as self._place:
                waiting_lines()

    async def load(self, _event: object = None) -> None:
        """Read and draw the list; what was ticked stays so."""
        try:
            self.rows = await self._app.backtester.recent(self._user.id, MOST)
        except AristobotError as error:
            self._clear()
            with self._place:
                error_state(_("This list could not be read"), explain(error), self.load)
            return
        ticked = {one for one, box in self._ticked.items() if box.value}
        self._clear()
        with self._place:
            if self.rows:
                with labelled(ui.element("ul").classes("bt-runs"), _("Runs so far")):
                    for row in self.rows:
                        self._draw(row, row.id in ticked)
            else:
                empty_state("science", _("No run yet"), _("Choose a strategy and a time, and press “Run the backtest”."))
        self._count()
        restore(self._place)

    def _clear(self) -> None:
        self._place.clear()
        self._ticked.clear()

    def _draw(self, row: Backtest, ticked: bool) -> None:
        title = run_title(row)
        with ui.element("li").classes("bt-run"):
            box = ui.checkbox(value=ticked, on_change=self._count).props("dense")
            marked(labelled(box, _("Compare {run}", run=title)).mark(f"tick-{row.id}"), f"tick-{row.id}")
            if row.status is BacktestStatus.DONE:
                self._ticked[row.id] = box
            else:
                box.disable()
            with ui.element("button").classes("bt-open").props("type=button") as opening:
                Words("span", title, "item-title")
                Words("span", f"{_span(row)} · {_parameters(row)}", "small muted bt-what")
                if row.further:
                    Words(
                        "span", " · ".join(f"+ {one['strategy']} {one['symbol']}" for one in row.further), "small muted bt-what"
                    )
            opening.on("click", partial(self._on_open, row))
            marked(opening.mark(f"open-{row.id}"), f"open-{row.id}")
            Words("span", _outcome(row), f"bt-outcome {_tone(row)}")
            Words("span", _states()[row.status], f"chip {_TONES.get(row.status, 'quiet')}")
            pin = ui.button(icon="push_pin", on_click=partial(self._pin, row)).props("flat round dense")
            pin.props(f"aria-pressed={str(row.pinned).lower()}").classes("bt-pinned" if row.pinned else "bt-unpinned")
            for_traders(labelled(pin, _("Always keep {run}", run=title)), self._user).mark(f"pin-{row.id}")
            marked(pin, f"pin-{row.id}")
            forget = ui.button(icon="delete_outline", on_click=partial(self._forget, row)).props("flat round dense")
            for_traders(labelled(forget, _("Forget {run}", run=title)), self._user)
            marked(forget, f"forget-{row.id}")

    def _count(self, _event: object = None) -> None:
        chosen = sum(bool(one.value) for one in self._ticked.values())
        self._compare.set_enabled(2 <= chosen <= COMPARED)
        self._compare.set_text(_("Compare {count}", count=chosen) if chosen else _("Compare"))

    async def _compared(self) -> None:
        chosen = [row for row in self.rows if row.id in self._ticked and self._ticked[row.id].value]
        await self._on_compare(chosen[:COMPARED])

    async def _pin(self, row: Backtest) -> None:
        try:
            await self._app.backtester.pin(self._user.id, row.id, not row.pinned)
        except AristobotError as error:
            complain(error)
        await self.load()

    async def _forget(self, row: Backtest) -> None:
        with self._place:
            sure = await confirm(_("Forget this run?"), _("Its report goes with it."), _("Forget"))
        if sure:
            try:
                await self._app.backtester.delete(self._user.id, row.id)
            except AristobotError as error:
                complain(error)


def _states() -> dict[BacktestStatus, str]:
    return {
        BacktestStatus.QUEUED: _("Waiting"),
        BacktestStatus.RUNNING: _("Under way"),
        BacktestStatus.DONE: _("Run through"),
        BacktestStatus.FAILED: _("Failed"),
        BacktestStatus.CANCELLED: _("Cancelled"),
        BacktestStatus.INTERRUPTED: _("Interrupted"),
    }


def run_title(row: Backtest) -> str:
    """A run by its first leg, and how many there are besides."""
    from services.backtest_words import run_name

    return run_name(row.strategy, row.symbol, row.timeframe, len(row.further or ()))


def _span(row: Backtest) -> str:
    return f"{formats.day_and_hour(row.since).partition(',')[0]} – {formats.day_and_hour(row.until).partition(',')[0]}"


def _parameters(row: Backtest) -> str:
    return ", ".join(f"{name} {typed(value)}" for name, value in (row.parameters or {}).items())


def _outcome(row: Backtest) -> str:
    from services.backtest_words import share

    found = (row.summary or {}).get("roi")
    return share(found) if isinstance(found, int | float) else ""


def _tone(row: Backtest) -> str:
    found = (row.summary or {}).get("roi")
    return "" if not isinstance(found, int | float) or not found else "gain" if found > 0 else "loss"
