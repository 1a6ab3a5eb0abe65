"""Orders bound to each other: one cancels the other (OCO), one triggers the other (OTO, OTOCO), one pays the other (OPOCO).

The rules are Binance's: as soon as one of two rivals is filled, even in part, or its stop is reached, the other expires;
cancelling one cancels all; what waits for a working order begins to live when that one is filled completely.
"""

from __future__ import annotations

from decimal import Decimal

from aristobot.matching import STOPS, Quote, on_arrival, triggers
from aristobot.money import ZERO, round_down
from aristobot.orders import OrderStatus, OrderType, Side
from services.simulator.book import Book
from services.simulator.cashier import Cashier
from services.simulator.prices import PriceFeed
from services.simulator.records import ListChanged, ListStage, Order, OrderList, Reason, VenueRefusal

_WAITING = OrderStatus.PENDING


def check_relation(upper: Order, lower: Order, quote: Quote | None) -> None:
    """The upper leg above the last price, the lower below it (or only above each other, without a quote); else BAD_PRICES."""
    above, below = trigger_or_limit(upper), trigger_or_limit(lower)
    right = above > below if quote is None else above > quote.last > below
    if not right:
        raise VenueRefusal(Reason.BAD_PRICES)


def trigger_or_limit(order: Order) -> Decimal:
    """The price at which an order does something."""
    return order.stop_price or order.price


def refuse_at_once(order: Order, quote: Quote) -> None:
    """Raise VenueRefusal when a stop would be triggered, or a maker order matched, by the present quote."""
    if order.type in STOPS and triggers(order.side, order.type, order.stop_price, quote.last):
        raise VenueRefusal(Reason.WOULD_TRIGGER)
    if order.type is OrderType.LIMIT_MAKER and on_arrival(order.side, order.type, order.price, quote) is not None:
        raise VenueRefusal(Reason.WOULD_MATCH)


def worst_price(order: Order, quote: Quote) -> Decimal:
    """What one unit of a buy may cost: what is set aside for it."""
    if order.price:
        return order.price
    return order.stop_price if order.stop_price else quote.against(order.side)


def per_unit(order: Order, quote: Quote) -> Decimal:
    """What is set aside for one unit of an order, with the fee when that is paid in the same asset."""
    instrument = order.instrument
    buying = order.side is Side.BUY
    price = worst_price(order, quote) if buying else Decimal(1)
    pays = instrument.quote if buying else instrument.base
    return price * (1 + order.account.rates(instrument)[1]) if order.fee_asset == pays else price


class OrderLists:
    """Keeps the promises between orders of one list."""

    def __init__(self, book: Book, cashier: Cashier, feed: PriceFeed) -> None:
        self._book = book
        self._cashier = cashier
        self._feed = feed
        book.after_change = self.after_change

    def reserve(self, orders: list[Order]) -> None:
        """Set the money of one order, or once that of two rivals, aside."""
        first = orders[0]
        quote = self._feed.tapes[first.symbol].quote
        asset = first.instrument.base if first.side is Side.SELL else first.instrument.quote
        each = max(per_unit(order, quote) for order in orders)
        hold = self._cashier.reserve(first.account, asset, first.quantity, each)
        hold.users = len(orders)
        for order in orders:
            order.hold = hold

    def start(self, group: OrderList) -> None:
        """Let the orders of a list that is paid for live."""
        first = [group.working] if group.working else sorted(group.rivals, key=lambda order: order.type not in STOPS)
        self._tell(group, ListStage.STARTED)
        for order in first:
            if order is not None and order.is_open:
                self._book.enter(order)
        group.started = True
        self._conclude(group)

    def after_change(self, order: Order) -> None:
        """One order of a list changed: what follows for the others?"""
        group = order.group
        if group is None or group.closing:
            return
        if order is group.working:
            self._follow_working(group, order)
        elif order in group.rivals and self._has_acted(order):
            ends = OrderStatus.CANCELED if order.status is OrderStatus.CANCELED else OrderStatus.EXPIRED
            self._end([rival for rival in group.rivals if rival is not order], group, ends)
        self._conclude(group)

    @staticmethod
    def _has_acted(order: Order) -> bool:
        return order.filled > ZERO or not order.is_open or (order.awake and order.type in STOPS)

    def _follow_working(self, group: OrderList, working: Order) -> None:
        if working.status is OrderStatus.FILLED:
            self._activate(group)
        elif not working.is_open:
            self._end(group.pending, group, working.status)
            self._return_received(group)

    def _return_received(self, group: OrderList) -> None:
        if group.received is not None:
            self._cashier.trim(group.account, group.received, ZERO)

    def _end(self, orders: list[Order], group: OrderList, status: OrderStatus, reason: Reason | None = None) -> None:
        group.closing = True
        for order in orders:
            if order.is_open:
                self._book.finish(order, status, reason)
        group.closing = False

    def _activate(self, group: OrderList) -> None:
        pending = [order for order in group.pending if order.status is _WAITING]
        if not pending:
            return
        try:
            self._fund(group, pending)
        except VenueRefusal as refusal:
            group.rejected = True
            self._end(group.pending, group, OrderStatus.REJECTED, refusal.reason)
            self._return_received(group)
            return
        for order in pending:
            if order.is_open:
                self._book.enter(order)
        self._tell(group, ListStage.UPDATED)

    def _fund(self, group: OrderList, pending: list[Order]) -> None:
        quote = self._feed.tapes[group.symbol].quote
        if group.received is not None:
            self._size(group, pending)
        if len(pending) == 2:
            upper, lower = sorted(pending, key=trigger_or_limit, reverse=True)
            check_relation(upper, lower, quote)
        for order in pending:
            refuse_at_once(order, quote)
        if group.received is None:
            self.reserve(pending)
            return
        hold = group.received
        hold.users, hold.per_unit = len(pending), Decimal(1)
        for order in pending:
            order.hold = hold
        group.received = None
        self._cashier.trim(group.account, hold, pending[0].quantity)

    def _size(self, group: OrderList, pending: list[Order]) -> None:
        instrument = pending[0].instrument
        received = group.received.amount if group.received else ZERO
        quantity = round_down(received, instrument.lot)
        if quantity < max(instrument.min_quantity, instrument.lot):
            raise VenueRefusal(Reason.INSUFFICIENT_FUNDS)
        for order in pending:
            order.quantity = quantity

    def _conclude(self, group: OrderList) -> None:
        if group.started and not group.is_open:
            group.started = False
            self._tell(group, ListStage.REJECTED if group.rejected else ListStage.DONE)

    def _tell(self, group: OrderList, stage: ListStage) -> None:
        group.updated_at = max(order.updated_at for order in group.orders)
        self._book.emit(ListChanged(group, stage), group.orders[0])

    def cancel(self, group: OrderList, cancel_id: str) -> None:
        """Cancel all orders of a list that are still open."""
        group.closing = True
        for order in group.orders:
            if order.is_open:
                self._book.finish(order, OrderStatus.CANCELED, None, cancel_id)
        self._return_received(group)
        group.closing = False
        self._conclude(group)
