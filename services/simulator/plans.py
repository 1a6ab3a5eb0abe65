"""Orders outside the book. Plans sleep there, without a place and without money; both are looked for when the price reaches them.

Exchanges that keep conditional orders in a service of their own do it so: an order that is triggered becomes another one, with
an id of its own, and fails when its money has been spent in the meantime.
"""

from __future__ import annotations

from aristobot.money import round_down
from aristobot.orders import OrderRequest, OrderStatus
from services.simulator.order_lists import refuse_at_once
from services.simulator.records import Account, Change, Order, OrderChanged, OrderList, Reason, VenueRefusal
from services.simulator.venue import Venue


class Plans:
    """Takes conditional orders, and gives them number and money when they wake up."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        venue.book.fund = self._fund

    def place(self, account: Account, request: OrderRequest, **tags: object) -> Order:
        """Let an order sleep until its stop price is reached; raise VenueRefusal."""
        venue = self._venue
        venue.book.begin()
        order = venue.made(account, request, tags)
        order.planned = True
        refuse_at_once(order, venue.feed.tapes[order.symbol].quote)
        venue.register(order)
        venue.book.enter(order)
        venue.book.flush()
        return order

    def place_pair(self, account: Account, list_id: str, stop: OrderRequest, target: OrderRequest) -> OrderList:
        """Let two rivals sleep, of which the first to wake up ends the other; raise VenueRefusal."""
        venue = self._venue
        venue.book.begin()
        group = venue.group(account, list_id, stop.symbol)
        group.rivals = [venue.made(account, request, {}) for request in (stop, target)]
        for order in group.rivals:
            order.planned = True
            refuse_at_once(order, venue.feed.tapes[order.symbol].quote)
        return venue.begin(group)

    def _fund(self, order: Order) -> None:
        venue = self._venue
        if order.quote_quantity and not order.price:
            ask = venue.feed.tapes[order.symbol].quote.against(order.side)
            order.quantity = round_down(order.quote_quantity / ask, order.instrument.lot)
            if not order.quantity:
                raise VenueRefusal(Reason.NO_LIQUIDITY)
        venue.lists.reserve([order])
        order.book_id = next(venue.book.numbers[order.account.exchange])
        order.account.numbered[order.book_id] = order


def stillborn(venue: Venue, account: Account, request: OrderRequest, **tags: object) -> Order:
    """Take an order and cancel it at once, as some exchanges do with one that must not match and would; raise VenueRefusal."""
    venue.book.begin()
    order = venue.made(account, request, tags)
    venue.register(order)
    order.awake = True
    venue.book.emit(OrderChanged(order, Change.NEW), order)
    venue.book.finish(order, OrderStatus.CANCELED, Reason.WOULD_MATCH)
    venue.book.flush()
    return order
