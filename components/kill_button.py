"""The kill switch on the screen: stop with two clicks, and say in red for as long as trading stands still."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.events import TradingHalted
from aristobot.kinds import HaltLevel, HaltScope
from aristobot.language import _
from aristobot.store.tables import Halt
from components.buttons import quiet_button
from components.confirm import answer_of, complain, confirm, dialog_card, say
from components.live import Live
from components.viewer import Viewer
from components.words import labelled

if TYPE_CHECKING:
    from services.app import App


class KillButton(ui.element):
    """One button: “Stop trading”, or while halted “Trading stopped”, with the way back."""

    def __init__(self, app: App, viewer: Viewer, live: Live) -> None:
        super().__init__("div")
        self._app = app
        self._viewer = viewer
        with self:
            self._button = ui.button(icon="power_settings_new", on_click=self._pressed).classes("kill").mark("kill-switch")
        self.set_visibility(viewer.may_trade)
        live.each(TradingHalted, do=lambda _event: self._show())
        self._show()

    def _halts(self) -> list[Halt]:
        """The halts in force for this user: of everything, or of themselves."""
        mine = (HaltScope.ALL, None), (HaltScope.USER, self._viewer.id)
        return [halt for halt in self._app.kill_switch.active() if (halt.scope, halt.scope_id) in mine]

    def _show(self) -> None:
        stopped = bool(self._halts())
        words = _("Trading stopped") if stopped else _("Stop trading")
        labelled(self._button, words).props(remove="outline unelevated")
        self._button.props("unelevated color=negative" if stopped else "outline color=negative").props("no-caps")
        self._button.set_text(words)

    async def _pressed(self) -> None:
        if self._halts():
            await self._release()
        else:
            await self._stop()

    async def _stop(self) -> None:
        choices = {
            HaltLevel.HALT.value: _("No new entry; exits and protections go on"),
            HaltLevel.REDUCE.value: _("Only orders that make positions smaller"),
            HaltLevel.FLATTEN.value: _("Cancel entries and sell every position now"),
        }
        with dialog_card(_("Stop trading?")) as dialog:
            with ui.element("div").classes("dialog-body"):
                ui.label(_("This stops alerts, strategies and manual orders of your account, at once."))
                level = ui.radio(choices, value=HaltLevel.HALT.value).props("color=negative")
            with ui.element("div").classes("dialog-foot"):
                quiet_button(_("Cancel"), on_click=dialog.close)
                stop = ui.button(_("Stop now"), color="negative", on_click=lambda: dialog.submit(level.value))
                stop.props("unelevated no-caps").mark("kill-now")
        chosen = await answer_of(dialog)
        if chosen is not None:
            try:
                await self._app.kill_switch.set(
                    HaltScope.USER, self._viewer.id, HaltLevel(chosen), by=self._viewer.name, reason="screen"
                )
            except AristobotError as error:
                complain(error)

    async def _release(self) -> None:
        words = _("Alerts, strategies and manual orders will reach the exchanges again.")
        if not await confirm(_("Let trading go on?"), words, _("Resume trading"), dangerous=False):
            return
        try:
            for halt in self._halts():
                if halt.scope is HaltScope.USER or self._viewer.is_administrator:
                    await self._app.kill_switch.release(halt.id, by=self._viewer.name)
            say(_("Trading goes on."))
        except AristobotError as error:
            complain(error)
