"""The order form: one size in four figures, the order to the digit beside it, validated first and executed after."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError, InvalidInput
from aristobot.events import BalancesChanged, OrderUpdated, PricesUpdated
from aristobot.language import _, explain
from aristobot.market import Symbol
from aristobot.orders import Side
from components.buttons import main_button
from components.form import submitting
from components.live import Live
from components.notice import notice
from components.page_head import panel
from components.trading_beside import beside
from components.trading_summary import draw_plan, draw_rules
from components.trading_ticket import TicketFields
from components.trading_window import TradingWindow
from components.viewer import Viewer

if TYPE_CHECKING:
    from services.app import App


class OrderForm:
    """The panel on the right. Whatever changes, in the form or on the market, it counts anew; a late answer is dropped."""

    def __init__(self, app: App, user: Viewer, live: Live) -> None:
        self._app, self._user, self._live = app, user, live
        self._broker_id: uuid.UUID | None = None
        self._exchange, self._symbol = "", ""
        self._turn = 0
        with panel(_("Order"), "ticket"):
            with ui.element("div").classes("panel-body") as self._body:
                self._fields = TicketFields(self._count)
                self._summary = ui.element("div").classes("stack")
                self._validate = main_button(_("Validate"), "check", self.validate).mark("validate")
                if not user.may_trade:
                    self._validate.disable()
                    notice(_("You may look, not trade."))
            with ui.element("div").classes("panel-body window-place") as self._window_place:
                self.window = TradingWindow(app, user, self._ended)
        self._window_place.set_visibility(False)
        self._body.on("keydown.enter", self.validate, js_handler="e => { if (e.target.tagName === 'INPUT') emit() }")
        live.latest(PricesUpdated, do=self._priced, max_fps=1)
        live.latest(BalancesChanged, OrderUpdated, do=self._moved, max_fps=1)

    async def show(self, broker_id: uuid.UUID, exchange: str, symbol: Symbol) -> None:
        """Order this pair at this broker; prices and sizes of another pair go."""
        if (broker_id, symbol) != (self._broker_id, self._symbol):
            await self.window.cancel()
            self._fields.empty()
        self._broker_id, self._exchange, self._symbol = broker_id, exchange, symbol
        self._fields.units(symbol)
        await self._count()

    async def choose_side(self, side: Side) -> None:
        """Buy or sell, as the keys B and S do."""
        if not self.window.is_open:
            self._fields.side.set_value(side.value)

    def focus(self) -> None:
        """Put the cursor into the quantity."""
        if not self.window.is_open:
            self._fields.focus()

    def _priced(self, event: PricesUpdated) -> None:
        if event.exchange == self._exchange and self._symbol in event.prices:
            beside(self._live, self._count)

    def _moved(self, event: BalancesChanged | OrderUpdated) -> None:
        if event.broker_id == self._broker_id:
            beside(self._live, self._count)

    async def _count(self) -> None:
        """Count everything from the figure that was given, at the market of this moment."""
        if self._broker_id is None or self.window.is_open:
            return
        self._turn += 1
        turn = self._turn
        try:
            market = await self._app.hand.market(self._user.id, self._broker_id, self._symbol)
            ticket = self._fields.ticket(self._broker_id, market) if turn == self._turn else None
            plan = await self._app.hand.plan(self._user.id, ticket) if ticket is not None and ticket.quantity else None
        except InvalidInput as error:
            if turn == self._turn:
                self._say(explain(error), muted=True)
            return
        except AristobotError as error:
            if turn == self._turn:
                self._say(explain(error))
            return
        if turn == self._turn and not self.window.is_open:
            self._summary.clear()
            with self._summary:
                draw_rules(market, self._fields.chosen_side)
                if plan is not None:
                    draw_plan(plan)

    def _say(self, words: str, *, muted: bool = False) -> None:
        self._summary.clear()
        with self._summary:
            if muted:
                ui.label(words).classes("muted small")
            else:
                notice(words, "warn")

    async def validate(self) -> None:
        """Have the server look at the order once more, and open its window."""
        if self.window.is_open or self._broker_id is None or not self._user.may_trade:
            return
        async with submitting(self._validate, self._fields.by_name):
            market = await self._app.hand.market(self._user.id, self._broker_id, self._symbol)
            window, plan = await self._app.hand.validate(self._user.id, self._fields.ticket(self._broker_id, market))
            self._turn += 1
            self._body.set_visibility(False)
            self._window_place.set_visibility(True)
            self.window.open(window, plan)

    async def _ended(self, done: bool) -> None:
        self._window_place.set_visibility(False)
        self._body.set_visibility(True)
        if done:
            self._fields.empty_sizes()
        await self._count()
