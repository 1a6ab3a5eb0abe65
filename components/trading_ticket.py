"""The fields of the order form: which of them are wanted, and the one size that four of them say."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import partial

from nicegui import ui

from aristobot.errors import InvalidInput
from aristobot.language import _
from aristobot.market import Symbol
from aristobot.money import ZERO
from aristobot.orders import Side
from aristobot.sizing import Basis, Size, SizeBy, sized
from components import formats
from components.trading_fields import AmountField
from components.trading_summary import kind_words
from components.words import labelled
from services.order_ticket import Market, Ticket, TicketKind

_SHARES = (25, 50, 75, 100)
_TRIGGERED = (TicketKind.STOP_LOSS, TicketKind.TAKE_PROFIT, TicketKind.OCO)
_SIZES = {"quantity": SizeBy.QUANTITY, "amount": SizeBy.AMOUNT, "percent": SizeBy.PERCENT, "risk": SizeBy.RISK}
_NO_SIZE = Size(ZERO, ZERO, ZERO)


class TicketFields:
    """Draws itself where it is made; `count` is called after every change of the user's."""

    def __init__(self, count: Callable[[], Awaitable[None]]) -> None:
        self._count = count
        self._by = SizeBy.QUANTITY
        self._draw_choices()
        self._draw_sizes()
        self._fit()

    def _draw_choices(self) -> None:
        sides = {Side.BUY.value: _("Buy"), Side.SELL.value: _("Sell")}
        self.side = (
            ui.toggle(sides, value=Side.BUY.value).props("no-caps unelevated spread toggle-color=positive").classes("sides")
        )
        labelled(self.side, _("Side")).mark("side").on_value_change(self._arrange)
        kinds = {one.value: kind_words(one) for one in TicketKind}
        self.kind = ui.select(kinds, value=TicketKind.MARKET.value, label=_("Kind of order")).props("outlined dense")
        self.kind.mark("kind").on_value_change(self._arrange)
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
    def by_name(self) -> dict[str, AmountField]:
        """The fields by the names that errors use."""
        every = (
            self._price, self._stop, self._target, self._quantity, self._amount, self._percent, self._risk, self._risk_stop
        )  # fmt: skip
        return {one.field_name: one for one in every}

    @property
    def chosen_kind(self) -> TicketKind:
        """The kind of order."""
        return TicketKind(self.kind.value)

    @property
    def chosen_side(self) -> Side:
        """Buy or sell."""
        return Side(self.side.value)

    def empty(self) -> None:
        """Forget prices and sizes."""
        for field in self.by_name.values():
            field.wipe()
            field.error = None

    def empty_sizes(self) -> None:
        """Forget how much: what was sent is not sent again by a slip."""
        for field in (self._quantity, self._amount, self._percent, self._risk):
            field.wipe()

    def units(self, symbol: Symbol) -> None:
        """Count in the assets of this pair."""
        base, _slash, quote = symbol.partition("/")
        self._quantity.unit(base)
        for field in (self._price, self._stop, self._target, self._amount, self._risk_stop):
            field.unit(quote)

    def focus(self) -> None:
        """Put the cursor into the quantity."""
        self._quantity.run_method("focus")
        self._quantity.run_method("select")

    async def _share(self, share: int) -> None:
        self._percent.write(Decimal(share))
        await self._typed("percent")

    async def _typed(self, name: str) -> None:
        self._by = _SIZES.get(name, self._by)
        await self._count()

    def _fit(self) -> None:
        """Show the fields that this kind of order has."""
        kind, side = self.chosen_kind, self.chosen_side
        self._price.set_visibility(kind is TicketKind.LIMIT)
        self._stop.set_visibility(kind in _TRIGGERED)
        self._stop.props["label"] = _("Stop price") if kind is TicketKind.OCO else _("Trigger")
        self._target.set_visibility(kind is TicketKind.OCO)
        self._risk_stop.set_visibility(kind is not TicketKind.OCO)
        self._risk_box.set_visibility(side is Side.BUY)
        self.side.props(f"toggle-color={'positive' if side is Side.BUY else 'negative'}")
        if side is Side.SELL and self._by is SizeBy.RISK:
            self._by = SizeBy.QUANTITY

    async def _arrange(self, _event: object = None) -> None:
        self._fit()
        await self._count()

    def ticket(self, broker_id: uuid.UUID, market: Market) -> Ticket:
        """What the form says, its size in base; the three figures that were not given are written. Raises InvalidInput."""
        kind, side = self.chosen_kind, self.chosen_side
        price = self._price.amount if kind is TicketKind.LIMIT else ZERO
        stop = self._stop.amount if kind in _TRIGGERED else ZERO
        target = self._target.amount if kind is TicketKind.OCO else ZERO
        basis = market.basis(side, kind, price or (target if kind is TicketKind.OCO else stop))
        try:
            guard = stop if kind is TicketKind.OCO else self._risk_stop.amount
            size = self._sized(basis, guard)
        except InvalidInput:
            self._write(_NO_SIZE, market.instrument.quote)
            raise
        self._write(size, market.instrument.quote)
        return Ticket(broker_id, market.instrument.symbol, side, kind, size.quantity, price, stop, target)

    def _sized(self, basis: Basis, guard: Decimal) -> Size:
        given = {one.value: name for name, one in _SIZES.items()}[self._by.value]
        value = self.by_name[given].amount
        return sized(self._by, value, basis, guard) if value else _NO_SIZE

    def _write(self, size: Size, quote: str) -> None:
        figures = {
            SizeBy.QUANTITY: (self._quantity, size.quantity),
            SizeBy.AMOUNT: (self._amount, formats.in_cents(size.amount, quote)),
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
