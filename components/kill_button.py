"""The kill switch in the bar of every page: a click stops; while something stands still it says so, in red."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import background_tasks, ui

from aristobot.events import BrokerUpdated, TradingHalted
from aristobot.kinds import HaltLevel, HaltScope
from aristobot.language import _, explain
from aristobot.store.tables import Halt
from components.halt_list import HaltList
from components.kill_dialog import KillDialog
from components.live import Live
from components.viewer import Viewer, beyond_reach, viewing
from components.words import labelled
from services.halt_desk import Hand

if TYPE_CHECKING:
    from services.app import App

_SEVERITY = (HaltLevel.HALT, HaltLevel.REDUCE, HaltLevel.FLATTEN)


def hand_of(viewer: Viewer) -> Hand:
    """The viewer, as the desk of halts knows them."""
    return Hand(viewer.id, viewer.login.role, viewer.actor)


class KillButton(ui.element):
    """“Stop trading”, or what is stopped, with the list of who, when and why behind it."""

    def __init__(self, app: App, viewer: Viewer, live: Live) -> None:
        super().__init__("div")
        self._app = app
        self._viewer = viewer
        self._halts: list[Halt] = []
        with self:
            self._button = ui.button(icon="power_settings_new", on_click=self._pressed).classes("kill").mark("kill-switch")
        live.each(TradingHalted, BrokerUpdated, do=lambda _event: self.refresh())
        self._draw()
        if app.kill_switch.active():
            background_tasks.create(self._first_look(), name="halts in force", context=self)

    async def refresh(self) -> None:
        """Read what is stopped for this user, and say so."""
        halts = await self._app.halts.concerning(hand_of(self._viewer))
        if not self.is_deleted:
            self._halts = halts
            self._draw()

    async def _first_look(self) -> None:
        with viewing(self._viewer):
            await self.refresh()

    def _draw(self) -> None:
        words, colour = self._face()
        labelled(self._button, words).props(remove="outline unelevated")
        self._button.props(f"no-caps {'unelevated' if self._halts else 'outline'} color={colour}")
        self._button.props(f"text-color={'ink' if colour == 'warning' else 'white'}" if self._halts else "")
        self._button.set_text(words)
        if not self._viewer.may_trade:
            beyond_reach(self._button, explain("viewer_only_looks")).set_enabled(bool(self._halts))  # the list may be read

    def _face(self) -> tuple[str, str]:
        """What the button says, and its colour: red when all of the user's trading is stopped, amber for a part of it."""
        if not self._halts:
            return _("Stop trading"), "negative"
        mine = [
            halt
            for halt in self._halts
            if (halt.scope, halt.scope_id) in ((HaltScope.ALL, None), (HaltScope.USER, self._viewer.id))
        ]
        if not mine:
            return _("Partly stopped"), "warning"
        level = max((halt.level for halt in mine), key=_SEVERITY.index)
        words = {
            HaltLevel.HALT: _("Trading stopped"),
            HaltLevel.REDUCE: _("Only reductions"),
            HaltLevel.FLATTEN: _("Selling out"),
        }
        sold_out = level is HaltLevel.FLATTEN and all(halt.completed_at for halt in mine if halt.level is level)
        return (_("Sold out, stopped") if sold_out else words[level]), "negative"

    async def _pressed(self) -> None:
        await self.refresh()
        with self:
            if self._halts:
                more = await HaltList(self._app, self._viewer, hand_of(self._viewer)).open()
                if not more:
                    return
            await KillDialog(self._app, hand_of(self._viewer)).open()
