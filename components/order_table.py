"""The orders that rest: cancelled one by one or all at once, edited where they stand."""

from __future__ import annotations

import uuid
from functools import partial
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.events import OrderUpdated
from aristobot.kinds import OrderRole
from aristobot.language import _
from aristobot.money import ZERO
from aristobot.orders import OrderStatus, Side
from aristobot.store import orders
from aristobot.store.trading_tables import Order
from components import formats
from components.confirm import complain, confirm, say
from components.empty_state import empty_state
from components.handlers import within
from components.live import Live
from components.order_words import order_status_words, type_words
from components.page_head import panel
from components.trading_fields import AmountField
from components.viewer import Viewer
from components.words import Words, labelled

if TYPE_CHECKING:
    from services.app import App


_EXITS = (OrderRole.STOP, OrderRole.TARGET)


class OrderTable:
    """The panel with the resting orders of one broker."""

    def __init__(self, app: App, user: Viewer, live: Live) -> None:
        self._app, self._user = app, user
        self._broker_id: uuid.UUID | None = None
        self._rows: dict[uuid.UUID, Order] = {}
        self._lines: dict[uuid.UUID, ui.element] = {}
        self._editing: set[uuid.UUID] = set()
        with panel(_("Open orders"), "open-orders") as head:
            with head:
                self._all = ui.button(_("Cancel all"), icon="clear_all", on_click=within(head, self._cancel_all))
                self._all.props("flat dense no-caps").mark("cancel-all")
                self._all.set_visibility(False)
            self._place = labelled(ui.element("div").classes("order-list"), _("Open orders"))
        live.latest(OrderUpdated, do=self._changed, max_fps=5)

    async def show(self, broker_id: uuid.UUID) -> None:
        """Show the resting orders of this broker."""
        self._broker_id = broker_id
        self._editing.clear()
        await self._read(anew=True)

    async def _changed(self, event: OrderUpdated) -> None:
        if event.broker_id == self._broker_id:
            await self._read()

    async def _read(self, *, anew: bool = False) -> None:
        broker_id = self._broker_id
        found = await self._app.db.read(self._user.id, lambda s: orders.alive(s, broker_id))
        if broker_id != self._broker_id:
            return
        rows = {one.id: one for one in reversed(found)}
        self._all.set_visibility(self._user.may_trade and any(one.role not in _EXITS for one in rows.values()))
        same = list(rows) == list(self._rows) and not anew
        self._editing &= rows.keys()
        known, self._rows = self._rows, rows
        if not same:
            self._draw()
            return
        for one in rows.values():
            if one.id not in self._editing and one != known[one.id]:
                self._redraw(one)

    def _draw(self) -> None:
        self._place.clear()
        self._lines.clear()
        with self._place:
            for one in self._rows.values():
                self._lines[one.id] = ui.element("div").classes("item order-line")
                self._fill(one)
            if not self._rows:
                empty_state("receipt_long", _("No open order"), _("What rests at the exchange stands here until it is filled."))

    def _redraw(self, one: Order) -> None:
        self._lines[one.id].clear()
        self._fill(one)

    def _fill(self, one: Order) -> None:
        with self._lines[one.id]:
            if one.id in self._editing:
                self._draw_edit(one)
            else:
                self._draw_line(one)

    def _draw_line(self, one: Order) -> None:
        bought = one.side is Side.BUY
        Words("span", _("Buy") if bought else _("Sell"), f"chip {'good' if bought else 'bad'}")
        with ui.element("div").classes("item-words"):
            with ui.element("div").classes("item-title"):
                Words("span", one.symbol)
                Words("span", _purpose(one), "muted")
                if one.status is not OrderStatus.OPEN:
                    words, tone = order_status_words(one.status)
                    Words("span", words, f"chip {tone}")
            Words("div", _figures(one), "small number-line")
        if self._user.may_trade and one.status.is_working:
            with ui.element("div").classes("item-actions"):
                edit = ui.button(icon="edit", on_click=partial(self._edit, one.id)).props("flat round dense")
                labelled(edit, _("Edit the order on {symbol}", symbol=one.symbol))
                cancel = ui.button(icon="close", on_click=partial(self._cancel, one.id)).props("flat round dense")
                labelled(cancel, _("Cancel the order on {symbol}", symbol=one.symbol))

    def _draw_edit(self, one: Order) -> None:
        quote, base = one.symbol.partition("/")[2], one.symbol.partition("/")[0]
        price = AmountField(_("Trigger") if one.stop_price else _("Price"), "price")
        price.unit(quote)
        price.write(one.stop_price or one.price)
        quantity = AmountField(_("Quantity"), "quantity")
        quantity.unit(base)
        quantity.write(one.quantity - one.filled)
        if one.role in _EXITS:
            quantity.disable()
        save = partial(self._save, one.id, price, quantity)
        for field in (price, quantity):
            field.on("keydown.enter", save)
            field.on("keydown.escape", partial(self._leave, one.id))
        with ui.element("div").classes("item-actions"):
            labelled(ui.button(icon="check", on_click=save).props("flat round dense color=positive"), _("Save"))
            labelled(ui.button(icon="undo", on_click=partial(self._leave, one.id)).props("flat round dense"), _("Leave as it is"))
        price.run_method("focus")

    def _edit(self, order_id: uuid.UUID) -> None:
        self._editing.add(order_id)
        self._redraw(self._rows[order_id])

    def _leave(self, order_id: uuid.UUID) -> None:
        self._editing.discard(order_id)
        if order_id in self._rows:
            self._redraw(self._rows[order_id])

    async def _save(self, order_id: uuid.UUID, price: AmountField, quantity: AmountField) -> None:
        if order_id not in self._editing:
            return
        self._editing.discard(order_id)  # a second Enter finds nothing to save
        old = self._rows[order_id]
        try:
            changed_quantity = quantity.amount if quantity.amount != old.quantity - old.filled else ZERO
            await self._app.hand.edit(self._user.id, order_id, price.amount, changed_quantity)
        except AristobotError as error:
            complain(error)
        if order_id in self._rows:
            self._redraw(self._rows[order_id])

    async def _cancel(self, order_id: uuid.UUID) -> None:
        try:
            await self._app.hand.cancel(self._user.id, order_id)
        except AristobotError as error:
            complain(error)

    async def _cancel_all(self) -> None:
        words = _("Every order of this broker that rests is cancelled. Stops and targets that guard a position stay.")
        if not await confirm(_("Cancel all orders?"), words, _("Cancel all")):
            return
        done = await self._app.hand.cancel_all(self._user.id, self._broker_id)
        failed = [one for one in done if one.error is not None]
        for one in failed:
            complain(one.error or "")
        say(_("{count} orders cancelled", count=len(done) - len(failed)))


def _purpose(one: Order) -> str:
    if one.role is OrderRole.STOP:
        return _("stop of the position")
    if one.role is OrderRole.TARGET:
        return _("target of the position")
    return type_words(one.type)


def _figures(one: Order) -> str:
    base = one.symbol.partition("/")[0]
    parts = [f"{formats.quantity(one.quantity)} {base}"]
    if one.stop_price:
        parts.append(_("trigger {price}", price=formats.price(one.stop_price)))
    if one.price:
        parts.append(_("at {price}", price=formats.price(one.price)))
    if one.filled:
        parts.append(_("filled {quantity}", quantity=formats.quantity(one.filled)))
    return " · ".join([*parts, formats.day_short(one.created_at)])
