"""What the screen calls orders: their kind, and how they stand."""

from __future__ import annotations

from aristobot.language import _
from aristobot.orders import OrderStatus, OrderType
from aristobot.store.trading_tables import Order
from components import formats


def type_words(kind: OrderType) -> str:
    """The kind of an order."""
    return {
        OrderType.MARKET: _("market"),
        OrderType.LIMIT: _("limit"),
        OrderType.LIMIT_MAKER: _("limit, maker only"),
        OrderType.STOP_LOSS: _("stop loss"),
        OrderType.STOP_LOSS_LIMIT: _("stop loss, limit"),
        OrderType.TAKE_PROFIT: _("take profit"),
        OrderType.TAKE_PROFIT_LIMIT: _("take profit, limit"),
    }[kind]


def order_status_words(status: OrderStatus) -> tuple[str, str]:
    """One word for where an order stands, and its tone."""
    return {
        OrderStatus.PENDING: (_("Being sent"), "primary"),
        OrderStatus.UNKNOWN: (_("Being checked"), "warn"),
        OrderStatus.OPEN: (_("Open"), "primary"),
        OrderStatus.PARTIALLY_FILLED: (_("Partly filled"), "primary"),
        OrderStatus.FILLED: (_("Filled"), "good"),
        OrderStatus.CANCELED: (_("Cancelled"), "quiet"),
        OrderStatus.EXPIRED: (_("Expired"), "quiet"),
        OrderStatus.REJECTED: (_("Rejected"), "bad"),
        OrderStatus.DENIED: (_("Denied"), "bad"),
        OrderStatus.NOT_ACCEPTED: (_("Not accepted"), "bad"),
    }[status]


def order_details(order: Order) -> str:
    """Kind, prices, what was filled, and the exchange's number, in one line."""
    parts = [type_words(order.type)]
    if order.price:
        parts.append(_("at {price}", price=formats.price(order.price)))
    if order.stop_price:
        parts.append(_("trigger {price}", price=formats.price(order.stop_price)))
    if order.filled:
        average = formats.price(order.quote_filled / order.filled)
        parts.append(_("filled {quantity} at {price}", quantity=formats.quantity(order.filled), price=average))
    return " · ".join([*parts, order.exchange_order_id or order.id.hex[:8]])
