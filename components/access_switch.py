"""TRADE, REDUCE_ONLY, READ_ONLY: how far orders of a broker may go, switched where the broker is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nicegui import ui
from nicegui.events import ValueChangeEventArguments

from aristobot.errors import AristobotError
from aristobot.kinds import BrokerAccess
from aristobot.language import _
from components.confirm import complain, say
from components.reauth import reauthenticated
from components.viewer import Viewer, for_traders
from components.words import labelled

if TYPE_CHECKING:
    from aristobot.store.tables import Broker
    from services.app import App

#: From the narrowest to the widest: narrowing is done at once, widening asks who it is.
_WIDTH = (BrokerAccess.READ_ONLY, BrokerAccess.REDUCE_ONLY, BrokerAccess.TRADE)


class AccessSwitch:
    """Three words, one of them lit. Messages and questions appear at `place`, which outlives the switch."""

    def __init__(self, app: App, user: Viewer, broker: Broker, place: ui.element) -> None:
        self._app, self._user, self._broker, self._place = app, user, broker, place
        words = {
            BrokerAccess.TRADE.value: _("All orders"),
            BrokerAccess.REDUCE_ONLY.value: _("Exits only"),
            BrokerAccess.READ_ONLY.value: _("None"),
        }
        self._toggle = ui.toggle(words, value=broker.access.value, on_change=self._changed).props("no-caps dense unelevated")
        name = _("What orders of {name} may do", name=broker.name)
        labelled(for_traders(self._toggle, user), name).props("role=group").mark("access")

    async def _changed(self, event: ValueChangeEventArguments[Any]) -> None:
        if event.value == self._broker.access.value:
            return
        wanted = BrokerAccess(event.value)
        widens = _WIDTH.index(wanted) > _WIDTH.index(self._broker.access)
        with self._place:
            if widens and not await reauthenticated(self._app, self._user):
                self._toggle.set_value(self._broker.access.value)
                return
            try:
                await self._app.brokers.change(self._user.id, self._broker.id, {"access": wanted.value}, self._user.actor)
            except AristobotError as error:
                self._toggle.set_value(self._broker.access.value)
                complain(error)
            else:
                say(_effects(self._broker.name)[wanted])


def _effects(name: str) -> dict[BrokerAccess, str]:
    return {
        BrokerAccess.TRADE: _("{name} trades: entries and exits are sent.", name=name),
        BrokerAccess.REDUCE_ONLY: _("{name} only reduces: exits are sent, entries are refused.", name=name),
        BrokerAccess.READ_ONLY: _("{name} only looks: nothing is sent, not even an exit.", name=name),
    }
