"""Orders changed in place: quantity and prices, the ids kept. What they set aside is changed with them."""

from __future__ import annotations

from decimal import Decimal

from aristobot.money import ZERO
from aristobot.orders import OrderStatus
from services.simulator.records import Change, Order, OrderChanged, Reason, VenueRefusal
from services.simulator.venue import Venue

Terms = tuple[Decimal, Decimal, Decimal]


def amend(venue: Venue, order: Order, terms: Terms) -> None:
    """Give an order another quantity, limit and trigger; what the present price makes of it happens at once.

    A quantity at or below what is filled ends the order. Raise VenueRefusal when it is not open, or there is not enough money
    for what it asks now; then nothing is changed.
    """
    if not order.is_open:
        raise VenueRefusal(Reason.UNKNOWN_ORDER)
    now = venue.book.begin()
    if terms[0] <= order.filled:
        venue.book.finish(order, OrderStatus.CANCELED)
        venue.book.flush()
        return
    before = order.quantity, order.price, order.stop_price
    _set(order, terms)
    try:
        _set_aside(venue, order)
    except VenueRefusal:
        _set(order, before)
        raise
    order.amendments += 1
    order.former.append((now, *before))
    order.updated_at = now
    venue.book.emit(OrderChanged(order, Change.AMENDED), order)
    venue.book.restart(order)
    venue.book.wake_if_due(order)
    venue.book.flush()


def _set(order: Order, terms: Terms) -> None:
    order.quantity, order.price, order.stop_price = terms


def _set_aside(venue: Venue, order: Order) -> None:
    """Set the new amount aside in place of the old one; put that back, and raise VenueRefusal, when there is not enough."""
    held, whole = order.hold, order.quantity
    if held is None:
        return
    before = held.amount
    venue.cashier.trim(order.account, held, ZERO)
    order.quantity = order.remaining
    try:
        venue.lists.reserve([order])
    except VenueRefusal:
        order.hold = venue.cashier.reserve(order.account, held.asset, before, Decimal(1))
        order.hold.per_unit = held.per_unit
        raise
    finally:
        order.quantity = whole
