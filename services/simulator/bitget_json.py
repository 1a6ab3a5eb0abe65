"""What the classic interface and the unified one have in common when they tell of orders: ids, states, amounts."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from aristobot.money import ZERO, divided, plain
from aristobot.orders import OrderStatus, OrderType, Side
from services.simulator.records import Fill, Order

_STATUS = {
    OrderStatus.PENDING: "live",
    OrderStatus.OPEN: "live",
    OrderStatus.PARTIALLY_FILLED: "partially_filled",
    OrderStatus.FILLED: "filled",
}
_MARKET = (OrderType.MARKET, OrderType.STOP_LOSS, OrderType.TAKE_PROFIT)


def native(symbol: str) -> str:
    """Bitget's spelling of ours."""
    return symbol.replace("/", "")


def sixteen(value: Decimal) -> str:
    """Sixteen decimals, as the classic interface writes the amounts of orders."""
    return f"{value:.16f}"


def order_id(order: Order) -> str:
    """The id in the book: a plan that was triggered has another one there."""
    return str(order.book_id or order.id)


def client_id(order: Order) -> str:
    """The client id in the book: what becomes of a classic plan has one that nobody gave, of a strategy the strategy's."""
    if order.book_id and order.account.mode == "classic":
        return str(order.book_id)
    return order.group.client_id if order.group is not None else order.client_id


def legs_of(order: Order) -> list[Order]:
    """The parts of a strategy: a stop, a target, or both, the stop first."""
    return list(order.group.rivals) if order.group is not None else [order]


def created(order: Order) -> int:
    """When it came into the book: a plan, when it was triggered."""
    return order.working_at if order.book_id else order.accepted_at


def is_in_book(order: Order) -> bool:
    """Whether it is an order, not a plan that sleeps, or that never became an order."""
    return not order.planned or order.book_id > 0


def is_market(order: Order) -> bool:
    """Whether it takes any price, once it acts."""
    return order.type in _MARKET


def kind(order: Order) -> str:
    """`limit` or `market`."""
    return "market" if is_market(order) else "limit"


def is_quote_sized(order: Order) -> bool:
    """Whether its size is an amount of the quote coin."""
    return order.side is Side.BUY and is_market(order) and bool(order.quote_quantity)


def size(order: Order) -> Decimal:
    """Base; for a market buy, what it may spend."""
    return order.quote_quantity if is_quote_sized(order) else order.quantity


def status(order: Order) -> str:
    """The state of an order in the book. Whatever ended without being filled is cancelled."""
    return _STATUS.get(order.status, "cancelled")


def force(order: Order) -> str:
    """How long it lives."""
    return "post_only" if order.type is OrderType.LIMIT_MAKER else order.time_in_force.value


def average(order: Order) -> Decimal:
    """The average price of what is filled; zero before."""
    return divided(order.quote_filled, order.filled) if order.filled else ZERO


def fees(order: Order) -> Mapping[str, Decimal]:
    """What was paid, per coin."""
    paid: dict[str, Decimal] = {}
    for fill in order.fills:
        paid[fill.fee_asset] = paid.get(fill.fee_asset, ZERO) + fill.fee
    return paid


def negative(fee: Decimal) -> str:
    """A fee as the classic interface shows it: below zero."""
    return plain(-fee)


def scope(fill: Fill) -> str:
    """Who waited."""
    return "maker" if fill.maker else "taker"
