"""The order form: one size in four figures, the order to the digit beside it, validated first and executed after."""

from __future__ import annotations

import uuid
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError, InvalidInput
from aristobot.events import BalancesChanged, OrderUpdated, PricesUpdated
from aristobot.language import _, explain
from aristobot.market import Symbol
from aristobot.money import ZERO
from aristobot.orders import Side
from aristobot.sizing import Size, SizeBy, sized
from components import formats
from components.buttons import main_button
from components.form import submitting
from components.live import Live
from components.notice import notice
from components.page_head import panel
from components.trading_beside import beside
from components.trading_fields import AmountField
from components.trading_summary import draw_plan, draw_rules, kind_words
from components.trading_window import TradingWindow
from components.viewer import Viewer
from components.words import labelled
from services.order_ticket import Market, Ticket, TicketKind

if TYPE_CHECKING:
    from services.app import App

_SHARES = (25, 50, 75, 100)
_TRIGGERED = (TicketKind.STOP_LOSS, TicketKind.TAKE_PROFIT, TicketKind.OCO)
_SIZES = {"quantity": SizeBy.QUANTITY, "amount": SizeBy.AMOUNT, "percent": SizeBy.PERCENT, "risk": SizeBy.RISK}


class OrderForm:
    """The panel on the right. Whatever changes, in the form or on the market, it counts anew; a late answer is dropped."""

    def __init__(self, app: App, user: Viewer, live: Live) -> None:
        self._app, self._user = app, user
        self._broker_id: uuid.UUID | None = None
        self._exchange, self._symbol = "", ""
        self._by = SizeBy.QUANTITY
        self._turn = 0
        with panel(_("Order"), "ticket"):
            with ui.element("div").classes("panel-body") as self._body:
                self._draw_choices()
                self._draw_sizes()
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

    def _draw_choices(self) -> None:
        sides = {Side.BUY.value: _("Buy"), Side.SELL.value: _("Sell")}
        self.side = (
            ui.toggle(sides, value=Side.BUY.value).props("no-caps unelevated spread toggle-color=positive").classes("sides")
        )
        labelled(self.side, _("Side")).mark("side").on_value_change(self._changed)
        kinds = {one.value: kind_words(one) for one in TicketKind}
        self.kind = ui.select(kinds, value=TicketKind.MARKET.value, label=_("Kind of order")).props("outlined dense")
        self.kind.mark("kind").on_value_change(self._changed)
        self._price = AmountField(_("Limit price"), "price", self._typed)
        self._stop = AmountField(_("Trigger"), "stop_price", self._typed)
        self._target = AmountField(_("Target"), "target_price", self._typed)

    def _draw_sizes(self) -> None:
        with ui.element("div").classes("pair-of-fields"):
            self._quantity = AmountField(_("Quantity"), "quantity", self._typed)
            self._amount = AmountField(_("Amount"), "amount", self._typed)
        with ui.element("div").classes("shares"):
            for share in _SHARES:
                button = ui.button(formats.percent(Decimal(share)), on_click=partial(self._share, share)).props(
                    "flat dense no-caps"
                )
                labelled(button, _("{share} of what is available", share=formats.percent(Decimal(share))))
            self._percent = AmountField(_("Share"), "percent", self._typed)
            self._percent.unit("%")
        with ui.expansion(_("Risk calculator"), icon="calculate").props("dense").classes("risk") as self._risk_box:
            with ui.element("div").classes("pair-of-fields"):
                self._risk = AmountField(_("Risk"), "risk", self._typed)
                self._risk.unit("%")
                self._risk_stop = AmountField(_("Stop price"), "risk_stop", self._typed)
            self._risk_words = ui.label("").classes("muted small")

    @property
    def fields(self) -> dict[str, AmountField]:
        """The fields by the names that errors use."""
        every = (
            self._price, self._stop, self._target, self._quantity, self._amount, self._percent, self._risk, self._risk_stop
        )  # fmt: skip
        return {one.field_name: one for one in every}

    async def show(self, broker_id: uuid.UUID, exchange: str, symbol: Symbol) -> None:
        """Order this pair at this broker; prices and sizes of another pair go."""
        if (broker_id, symbol) != (self._broker_id, self._symbol):
            await self.window.cancel()
            for field in self.fields.values():
                field.write(ZERO)
                field.error = None
        self._broker_id, self._exchange, self._symbol = broker_id, exchange, symbol
        base, _slash, quote = symbol.partition("/")
        self._quantity.unit(base)
        for field in (self._price, self._stop, self._target, self._amount, self._risk_stop):
            field.unit(quote)
        await self._changed()

    async def choose_side(self, side: Side) -> None:
        """Buy or sell, as the keys B and S do."""
        if not self.window.is_open:
            self.side.set_value(side.value)

    def focus(self) -> None:
        """Put the cursor into the quantity."""
        if not self.window.is_open:
            self._quantity.run_method("focus")
            self._quantity.run_method("select")

    async def _share(self, share: int) -> None:
        self._percent.write(Decimal(share))
        await self._typed("percent")

    async def _typed(self, name: str) -> None:
        self._by = _SIZES.get(name, self._by)
        await self._count()

    async def _changed(self, _event: object = None) -> None:
        kind, side = self._kind, self._side
        self._price.set_visibility(kind is TicketKind.LIMIT)
        self._stop.set_visibility(kind in _TRIGGERED)
        self._stop.props["label"] = _("Stop price") if kind is TicketKind.OCO else _("Trigger")
        self._target.set_visibility(kind is TicketKind.OCO)
        self._risk_stop.set_visibility(kind is not TicketKind.OCO)
        self._risk_box.set_visibility(side is Side.BUY)
        self.side.props(f"toggle-color={'positive' if side is Side.BUY else 'negative'}")
        if side is Side.SELL and self._by is SizeBy.RISK:
            self._by = SizeBy.QUANTITY
        await self._count()

    def _priced(self, event: PricesUpdated) -> None:
        if event.exchange == self._exchange and self._symbol in event.prices:
            beside(self._body, self._count())

    def _moved(self, event: BalancesChanged | OrderUpdated) -> None:
        if event.broker_id == self._broker_id:
            beside(self._body, self._count())

    @property
    def _kind(self) -> TicketKind:
        return TicketKind(self.kind.value)

    @property
    def _side(self) -> Side:
        return Side(self.side.value)

    async def _count(self) -> None:
        """Count everything from the figure that was given, at the market of this moment."""
        if self._broker_id is None or self.window.is_open:
            return
        self._turn += 1
        turn = self._turn
        try:
            market = await self._app.hand.market(self._user.id, self._broker_id, self._symbol)
            ticket = self._ticket(market) if turn == self._turn else None
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
                draw_rules(market, self._side)
                if plan is not None:
                    draw_plan(plan)

    def _say(self, words: str, *, muted: bool = False) -> None:
        self._summary.clear()
        with self._summary:
            if muted:
                ui.label(words).classes("muted small")
            else:
                notice(words, "warn")

    def _ticket(self, market: Market) -> Ticket:
        """What the form says, its size in base; the three figures that were not given are written. Raises InvalidInput."""
        kind, side = self._kind, self._side
        price = self._price.amount if kind is TicketKind.LIMIT else ZERO
        stop = self._stop.amount if kind in _TRIGGERED else ZERO
        target = self._target.amount if kind is TicketKind.OCO else ZERO
        given = {one.value: name for name, one in _SIZES.items()}[self._by.value]
        value = self.fields[given].amount
        basis = market.basis(side, kind, price or (target if kind is TicketKind.OCO else stop))
        guard = stop if kind is TicketKind.OCO else self._risk_stop.amount
        size = sized(self._by, value, basis, guard) if value else Size(ZERO, ZERO, ZERO)
        self._write(size, market.instrument.quote)
        return Ticket(self._broker_id or uuid.UUID(int=0), self._symbol, side, kind, size.quantity, price, stop, target)

    def _write(self, size: Size, quote: str) -> None:
        figures = {
            SizeBy.QUANTITY: (self._quantity, size.quantity),
            SizeBy.AMOUNT: (self._amount, size.amount.quantize(Decimal("0.01"))),
            SizeBy.PERCENT: (self._percent, size.percent.quantize(Decimal("0.1"))),
            SizeBy.RISK: (self._risk, (size.risk_percent or ZERO).quantize(Decimal("0.01"))),
        }
        for by, (field, value) in figures.items():
            if by is not self._by:
                field.write(value)
        words = ""
        if size.risk_amount is not None:
            share = f" ({formats.percent(size.risk_percent, 2)})" if size.risk_percent is not None else ""
            words = _("At the stop you lose {amount}", amount=formats.money(size.risk_amount, quote)) + share
        self._risk_words.set_text(words)

    async def validate(self) -> None:
        """Have the server look at the order once more, and open its window."""
        if self.window.is_open or self._broker_id is None or not self._user.may_trade:
            return
        async with submitting(self._validate, self.fields):
            market = await self._app.hand.market(self._user.id, self._broker_id, self._symbol)
            window, plan = await self._app.hand.validate(self._user.id, self._ticket(market))
            self._turn += 1
            self._body.set_visibility(False)
            self._window_place.set_visibility(True)
            self.window.open(window, plan)

    async def _ended(self, done: bool) -> None:
        self._window_place.set_visibility(False)
        self._body.set_visibility(True)
        if done:
            for field in (self._quantity, self._amount, self._percent, self._risk):
                field.write(ZERO)
        await self._count()
