"""What is too small to be sold, folded into one line: with the reason, the value, and a way to be rid of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.events import PositionUpdated
from aristobot.language import _, explain
from aristobot.money import ZERO
from components import formats
from components.confirm import complain, confirm, say
from components.handlers import within
from components.live import Live
from components.viewer import Viewer, for_traders
from components.words import Words, labelled
from services.dust import Dust, Sweep

if TYPE_CHECKING:
    from services.app import App


class DustFold(ui.element):
    """The dust of one broker's positions; not there when there is none."""

    def __init__(self, app: App, user: Viewer, live: Live) -> None:
        super().__init__("div")
        self._app, self._user = app, user
        self._broker_id: uuid.UUID | None = None
        self._shown: list[Dust] = []
        with self:
            self._fold = dust_fold()
        self.set_visibility(False)
        live.latest(PositionUpdated, do=self._changed, max_fps=2)

    async def _changed(self, event: PositionUpdated) -> None:
        if event.broker_id == self._broker_id:
            await self.show(event.broker_id)

    async def show(self, broker_id: uuid.UUID) -> None:
        """Read the dust of this broker anew."""
        if broker_id != self._broker_id:
            self._broker_id, self._shown = broker_id, []
            self.set_visibility(False)
        try:
            found = await self._app.dust.of_broker(self._user.id, broker_id)
        except AristobotError:
            found = []  # the log has it; the positions above are what counts
        if broker_id != self._broker_id or found == self._shown:
            return
        self._shown = found
        self.set_visibility(bool(found))
        values: dict[str, Decimal] = {}
        for one in found:
            values[one.quote] = values.get(one.quote, ZERO) + one.value
        self._fold.text = dust_title(len(found), " + ".join(formats.money(value, quote) for quote, value in values.items()))
        self._fold.clear()
        with self._fold:
            for one in found:
                self._line(one)

    def _line(self, one: Dust) -> None:
        with ui.element("div").classes("item order-line"):
            with ui.element("div").classes("item-words"):
                with ui.element("div").classes("item-title"):
                    Words("span", one.symbol)
                    Words("span", f"{formats.quantity(one.quantity)} {one.base}", "muted number")
                Words("div", dust_reason(one.reason, one.facts), "small")
            Words("div", formats.money(one.value, one.quote), "gain-cell number")
            name = _("Sweep the dust of {symbol}", symbol=one.symbol)
            button = ui.button(_sweep_words(one.sweep), on_click=within(self, partial(self._sweep, one, one.sweep)))
            labelled(for_traders(button, self._user).props("outline dense no-caps").classes("close-out"), name)
            if one.sweep is not Sweep.WRITE_OFF:
                forget = ui.button(icon="delete_sweep", on_click=within(self, partial(self._sweep, one, Sweep.WRITE_OFF)))
                name = _("Write off the dust of {symbol}", symbol=one.symbol)
                labelled(for_traders(forget, self._user).props("flat round dense"), name)

    async def _sweep(self, one: Dust, way: Sweep) -> None:
        broker_id = self._broker_id
        asked = _("Sweep the dust of {symbol}?", symbol=one.symbol)
        if broker_id is None or not await confirm(asked, _what_happens(one, way), _sweep_words(way)):
            return
        try:
            await self._app.dust.sweep(self._user.id, broker_id, one.symbol, way, self._user.actor)
        except AristobotError as error:
            complain(error)
        else:
            say(_("The dust of {symbol} is swept.", symbol=one.symbol))
        if not self.is_deleted:
            await self.show(broker_id)


def dust_fold() -> ui.expansion:
    """A line that opens."""
    return ui.expansion(_("Dust"), icon="grain").classes("dust-fold w-full").props("dense")


def dust_title(count: int, value: str) -> str:
    """How much there is of it, and what it is worth."""
    return f"{_('Dust')} · {count} · {value}"


def dust_reason(code: str, facts: Mapping[str, Any]) -> str:
    """Why it cannot be sold."""
    return explain(code, {**facts, "least": formats.quantity(Decimal(str(facts["least"])))})


def _sweep_words(way: Sweep) -> str:
    return {
        Sweep.JOIN: _("Join to the position"),
        Sweep.SELL: _("Sell the dust"),
        Sweep.WRITE_OFF: _("Write off"),
    }[way]


def _what_happens(one: Dust, way: Sweep) -> str:
    what = f"{formats.quantity(one.quantity)} {one.base}"
    if way is Sweep.JOIN:
        return _("{what} join the open position with their cost, and are sold with it.", what=what)
    if way is Sweep.SELL:
        return _("{what} are gathered into one position and sold at the market, at once.", what=what)
    cost = formats.money(one.cost, one.quote)
    return _("{what} stay on the exchange, but our books forget them: their cost, {cost}, becomes a loss.", what=what, cost=cost)
