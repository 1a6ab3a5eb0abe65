"""Fifteen seconds to execute what was validated. The countdown is a picture: whether the window is open, the server says."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.language import _
from components.buttons import main_button, quiet_button
from components.confirm import complain
from components.form import submitting
from components.trading_summary import draw_plan, headline
from components.viewer import Viewer
from components.words import Words, labelled
from services.execution_window import OPEN_FOR, Window
from services.order_ticket import Plan

if TYPE_CHECKING:
    from services.app import App


class TradingWindow:
    """Draws itself where it is made, hidden until `open`. `on_end` is called when the form is wanted again."""

    def __init__(self, app: App, user: Viewer, on_end: Callable[[bool], Awaitable[None]]) -> None:
        self._app, self._user, self._on_end = app, user, on_end
        self._window: Window | None = None
        self._on_its_way = False
        self._box = ui.element("div").classes("window").props("tabindex=-1 role=group")
        self._drawn = False
        self._timer = ui.timer(0.25, self._tick, active=False)
        self._box.set_visibility(False)

    def _draw(self) -> None:
        """Draw what it counts with, when it is opened for the first time."""
        self._drawn = True
        with self._box:
            with ui.element("div").classes("window-head"):
                self._ring = ui.circular_progress(
                    value=OPEN_FOR, min=0, max=OPEN_FOR, size="64px", show_value=False, color="primary"
                ).props("aria-hidden=true instant-feedback thickness=0.14")
                with self._ring:
                    self._seconds = Words("span", "", "window-seconds")
                with ui.element("div"):
                    self._headline = Words("div", "", "window-what")
                    self._state = Words("div", "", "muted small").props("role=status")
            self._plan = ui.element("div").classes("stack")
            with ui.element("div").classes("window-buttons"):
                self._execute = main_button(_("Execute"), "bolt", self.execute).classes("grow").mark("execute")
                self._back = quiet_button(_("Back"), on_click=self.cancel).mark("back")

    @property
    def is_open(self) -> bool:
        """Whether an order waits here to be executed, or has waited too long."""
        return self._window is not None

    def open(self, window: Window, plan: Plan) -> None:
        """Show what was validated, and count down."""
        self._window, self._on_its_way = window, False
        if not self._drawn:
            self._draw()
        self._headline.set_text(headline(plan))
        labelled(self._box, headline(plan))
        self._plan.clear()
        with self._plan:
            draw_plan(plan)
        self._box.classes(remove="closed")
        self._box.set_visibility(True)
        self._count_down()
        self._box.run_method("focus", {"preventScroll": True})
        self._box.run_method("scrollIntoView", {"block": "nearest"})  # the form was longer: what counts down may be above

    def _count_down(self) -> None:
        self._timer.active = True
        self._tick()

    def _tick(self) -> None:
        if self._window is None or self._on_its_way:
            return
        left = self._app.hand.windows.left(self._window.id)
        self._ring.set_value(round(left, 2))
        self._seconds.set_text(str(math.ceil(left)))
        if left:
            self._state.set_text(_("Nothing is sent before you execute."))
            return
        self._timer.active = False
        self._box.classes(add="closed")
        self._state.set_text(_("The window is closed: nothing was sent."))

    async def execute(self) -> None:
        """Send what the window holds; what the server refuses is said, and sends nothing."""
        window = self._window
        if window is None or not self._user.may_trade:
            return
        sent = False
        async with submitting(self._execute, {}):
            if self._app.hand.windows.left(window.id):
                self._leaves()
            rows = await self._app.hand.windows.execute(self._user.id, window.id)
            sent = True
            if not rows:
                complain(_("Nothing rests at the exchange yet: Aristobot watches the stop and the target."))
        if self._window is not window:
            return
        if sent:
            await self._leave(done=True)
        elif self._on_its_way:
            self._box.classes(add="closed")
            self._state.set_text(_("This window has been used. The lists say what became of the order."))
        else:
            self._count_down()

    def _leaves(self) -> None:
        """From here on the order may be at the exchange, whatever is heard of it: nobody may read that nothing was sent."""
        self._on_its_way = True
        self._timer.active = False
        self._seconds.set_text("…")
        self._state.set_text(_("Sent: the exchange's answer is awaited. Nothing is sent twice."))

    async def cancel(self) -> None:
        """Take the order back and return to the form; one that has left is not taken back, which is said."""
        if self._window is None:
            return
        self._app.hand.windows.close(self._user.id, self._window.id)
        if self._on_its_way:
            complain(_("This order has already left. What becomes of it is told here."))
        await self._leave(done=self._on_its_way)

    async def _leave(self, *, done: bool) -> None:
        self._window = None
        self._timer.active = False
        self._box.set_visibility(False)
        self._plan.clear()
        await self._on_end(done)
