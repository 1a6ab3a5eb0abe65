"""Short messages about the user's own orders: taken, refused and why, in doubt, filled."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Literal

from nicegui import ui

from aristobot.errors import NotFound, Refused
from aristobot.events import OrderUpdated
from aristobot.kinds import OrderOrigin
from aristobot.language import _, explain
from aristobot.money import divided
from aristobot.orders import OrderStatus, Side
from aristobot.store import orders
from aristobot.store.trading_tables import Order
from components import formats
from components.live import Live
from components.viewer import Viewer
from services.order_ticket import OWNER

if TYPE_CHECKING:
    from services.app import App

_BY_MACHINES = (OrderOrigin.WEBHOOK, OrderOrigin.STRATEGY)
_REMEMBERED = 200

Tone = Literal["positive", "negative", "warning", "info"]


class TradingToasts:
    """Each order says each thing once, for as long as the page is open; what alerts and strategies do is told elsewhere."""

    def __init__(self, app: App, user: Viewer, live: Live) -> None:
        self._app, self._user = app, user
        self._told: OrderedDict[object, str] = OrderedDict()
        live.each(OrderUpdated, do=self._changed)

    async def _changed(self, event: OrderUpdated) -> None:
        status = OrderStatus(event.status)
        if self._told.get(event.order_id) == status.value:
            return
        self._told[event.order_id] = status.value
        while len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)
        try:
            row = await self._app.db.read(self._user.id, lambda s: orders.get(s, event.order_id))
        except NotFound:
            return
        for_machines = row.origin in _BY_MACHINES or (row.origin is OrderOrigin.KEEPER and row.owner != OWNER)
        if not for_machines and (words := toast_of(row, status)) is not None:
            ink = "" if words[1] == "negative" else "toast-ink"
            ui.notify(words[0], type=words[1], position="bottom-right", multi_line=True, timeout=6000, classes=ink)


def toast_of(row: Order, status: OrderStatus) -> tuple[str, Tone] | None:
    """What is said of an order that has come to this status, and in which colour; None for what needs no words."""
    side = _("Buy") if row.side is Side.BUY else _("Sell")
    what = f"{side} {row.symbol}"
    if status.is_refused:
        return _("{what} refused: {why}", what=what, why=why_refused(row)), "negative"
    if status is OrderStatus.UNKNOWN:
        return _("{what}: no clear answer came, the order is being checked. Nothing is sent twice.", what=what), "warning"
    if status is OrderStatus.FILLED:
        price = formats.price(divided(row.quote_filled, row.filled)) if row.filled else formats.NOTHING
        filled = formats.quantity(row.filled)
        return _("{what} filled: {quantity} at {price}", what=what, quantity=filled, price=price), "positive"
    if status is OrderStatus.OPEN:
        return _("{what} accepted: {quantity}", what=what, quantity=formats.quantity(row.quantity)), "info"
    if status in (OrderStatus.EXPIRED, OrderStatus.CANCELED) and row.filled:
        words = _("{what}: {filled} of {quantity} filled at {price}, the rest is cancelled")
        parts = {"filled": formats.quantity(row.filled), "quantity": formats.quantity(row.quantity)}
        return words.format(what=what, price=formats.price(divided(row.quote_filled, row.filled)), **parts), "warning"
    if status is OrderStatus.EXPIRED:
        return _("{what} was not filled: the price had moved away.", what=what), "warning"
    if status is OrderStatus.CANCELED:
        return _("{what} cancelled", what=what), "info"
    return None


def why_refused(row: Order) -> str:
    """Why an order was refused, in the reader's words."""
    code = row.reason.removeprefix("error.") or "refused"
    return explain(Refused(code, **(row.reason_facts or {})))
