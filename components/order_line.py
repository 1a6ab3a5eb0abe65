"""One resting order on the screen: its words, and in their place two fields when it is edited."""

from __future__ import annotations

from collections.abc import Awaitable
from decimal import Decimal
from typing import Protocol

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.kinds import OrderRole
from aristobot.language import _, explain
from aristobot.money import ZERO
from aristobot.orders import OrderStatus, Side
from aristobot.store.trading_tables import Order
from components import formats
from components.confirm import complain
from components.focus import focus
from components.order_words import order_status_words, type_words
from components.trading_fields import AmountField
from components.viewer import beyond_reach
from components.words import Words, labelled

EXITS = (OrderRole.STOP, OrderRole.TARGET)


class Hand(Protocol):
    """What a line asks for; both raise AristobotError."""

    def edit(self, row: Order, price: Decimal, quantity: Decimal) -> Awaitable[object]:
        """Give the order another price and quantity; zero leaves what is."""

    def cancel(self, row: Order) -> Awaitable[object]:
        """Cancel the order."""


class OrderLine(ui.element):
    """Shows the newest it was told, but never takes away what is being typed. Without a `hand` its buttons cannot be pressed."""

    def __init__(self, row: Order, hand: Hand | None) -> None:
        super().__init__("div")
        self.classes("item order-line")
        self.row = row
        self._hand = hand
        self._fields: tuple[AmountField, AmountField] | None = None
        self._offered = ZERO
        self._draw()

    def update_row(self, row: Order) -> None:
        """The order has changed."""
        if row == self.row:
            return
        was_working, self.row = self.row.status.is_working, row
        if self._fields is not None:
            return
        if was_working != row.status.is_working:
            self._draw()
            return
        self._words.clear()  # the buttons stay: one of them may have the focus
        with self._words:
            self._draw_words()

    def _draw(self) -> None:
        self._fields = None
        self.clear()
        with self:
            self._words = ui.element("div").classes("order-words")
            with self._words:
                self._draw_words()
            if self.row.status.is_working:
                with ui.element("div").classes("item-actions"):
                    edit = self._opener = ui.button(icon="edit", on_click=self._edit).props("flat round dense")
                    labelled(edit, _("Edit the order on {symbol}", symbol=self.row.symbol))
                    cancel = ui.button(icon="close", on_click=self._cancel).props("flat round dense")
                    labelled(cancel, _("Cancel the order on {symbol}", symbol=self.row.symbol))
                    if self._hand is None:
                        for button in (edit, cancel):
                            beyond_reach(button, explain("viewer_only_looks"))

    def _leave(self) -> None:
        """Show the words again; the focus goes back to what opened the fields."""
        self._draw()
        if self.row.status.is_working:
            focus(self._opener)

    def _draw_words(self) -> None:
        row = self.row
        bought = row.side is Side.BUY
        Words("span", _("Buy") if bought else _("Sell"), f"chip {'good' if bought else 'bad'}")
        with ui.element("div").classes("item-words"):
            with ui.element("div").classes("item-title"):
                Words("span", row.symbol)
                Words("span", _purpose(row), "muted")
                if row.status is not OrderStatus.OPEN:
                    words, tone = order_status_words(row.status)
                    Words("span", words, f"chip {tone}")
            Words("div", _figures(row), "small number-line")

    def _edit(self) -> None:
        row = self.row
        base, _slash, quote = row.symbol.partition("/")
        self.clear()
        with self:
            price = AmountField(_("Trigger") if row.stop_price else _("Price"), "price")
            price.unit(quote)
            price.write(row.stop_price or row.price)
            quantity = AmountField(_("Quantity"), "quantity")
            quantity.unit(base)
            quantity.write(row.quantity - row.filled)
            self._offered = quantity.amount
            quantity.set_enabled(row.role not in EXITS)
            self._fields = (price, quantity)
            for field in self._fields:
                field.on("keydown.enter", self._save).on("keydown.escape", self._leave)
            with ui.element("div").classes("item-actions"):
                labelled(ui.button(icon="check", on_click=self._save).props("flat round dense color=positive"), _("Save"))
                labelled(ui.button(icon="undo", on_click=self._leave).props("flat round dense"), _("Leave as it is"))
        price.run_method("focus")

    async def _save(self) -> None:
        fields, self._fields = self._fields, None  # a second Enter finds nothing to save
        if fields is None or self._hand is None:
            return
        try:
            price, quantity = (field.amount for field in fields)
            changed = quantity if quantity != self._offered else ZERO  # what was filled meanwhile is no wish for more
            await self._hand.edit(self.row, price, changed)
        except AristobotError as error:
            complain(error)
        if not self.is_deleted:
            self._leave()

    async def _cancel(self) -> None:
        if self._hand is None:
            return
        try:
            await self._hand.cancel(self.row)
        except AristobotError as error:
            complain(error)


def _purpose(row: Order) -> str:
    if row.role is OrderRole.STOP:
        return _("stop of the position")
    if row.role is OrderRole.TARGET:
        return _("target of the position")
    return type_words(row.type)


def _figures(row: Order) -> str:
    base = row.symbol.partition("/")[0]
    parts = [f"{formats.quantity(row.quantity)} {base}"]
    if row.stop_price:
        parts.append(_("trigger {price}", price=formats.price(row.stop_price)))
    if row.price:
        parts.append(_("at {price}", price=formats.price(row.price)))
    if row.filled:
        parts.append(_("filled {quantity}", quantity=formats.quantity(row.filled)))
    return " · ".join([*parts, formats.day_short(row.created_at)])
