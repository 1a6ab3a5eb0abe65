"""The book: orders that rest, what ticks do to them, and how an order is executed. Money is the cashier's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from aristobot.market import Symbol
from aristobot.matching import STOPS, Execution, WokenUp, on_arrival, on_price, triggers
from aristobot.money import ZERO
from aristobot.orders import OrderStatus, TimeInForce
from services.simulator.cashier import Cashier
from services.simulator.prices import PriceFeed, Tick
from services.simulator.records import (
    BalancesChanged,
    Change,
    Fill,
    Liquidity,
    Order,
    OrderChanged,
    Reason,
    VenueEvent,
    VenueRefusal,
)
from services.simulator.times import ExchangeClock


def _everything(order: Order, arriving: bool) -> Liquidity | None:
    return None


def _nobody(order: Order) -> None:
    return None


class Book:
    """Executes orders against the price feed: one bid, one ask, any depth, unless `liquidity` says otherwise."""

    def __init__(self, clock: ExchangeClock, feed: PriceFeed, cashier: Cashier) -> None:
        self._clock = clock
        self._feed = feed
        self._cashier = cashier
        #: The moment of the request or tick that is being worked on.
        self.now = clock.ms()
        self._resting: dict[Symbol, dict[tuple[str, int], Order]] = {}
        #: Asked before an execution, with whether the order is just arriving: None for everything at once.
        self.liquidity: Callable[[Order, bool], Liquidity | None] = _everything
        #: Told after each change of an order that is bound to others.
        self.after_change: Callable[[Order], None] = _nobody
        #: Finds number and money for a planned order that wakes up; raises VenueRefusal when there is none.
        self.fund: Callable[[Order], None] = _nobody
        #: Exchanges whose orders and executions share one row of numbers, whatever their symbol.
        self.numbers: dict[str, Iterator[int]] = {}
        #: Hears everything, before the accounts' own listeners.
        self.witness: Callable[[VenueEvent], None] | None = None

    def begin(self) -> int:
        """Something happens now: everything that follows from it happens at this moment."""
        self.now = self._clock.ms()
        return self.now

    def emit(self, event: VenueEvent, order: Order) -> None:
        """Tell the listeners of an account what happened."""
        if self.witness is not None:
            self.witness(event)
        for listener in order.account.listeners:
            listener(event)

    def flush(self) -> None:
        """Tell which balances were touched since the last time."""
        touched, self._cashier.touched = self._cashier.touched, {}
        for account, assets in touched.items():
            account.updated_at = self.now
            if account.listeners:
                event = BalancesChanged(account, tuple(assets))
                for listener in account.listeners:
                    listener(event)

    def enter(self, order: Order) -> None:
        """An order whose money is set aside begins to live."""
        order.status = OrderStatus.OPEN
        if order.type in STOPS:
            self._rest(order)
            self.emit(OrderChanged(order, Change.NEW), order)
        else:
            order.awake = True
            order.working_at = self.now
            self.emit(OrderChanged(order, Change.NEW), order)
            self._arrive(order, arriving=True)

    def wake_if_due(self, order: Order) -> None:
        """Wake a stop whose price is reached already."""
        quote = self._feed.tapes[order.symbol].quote
        if not order.awake and order.type in STOPS and triggers(order.side, order.type, order.stop_price, quote.last):
            self._wake(order)

    def _rest(self, order: Order) -> None:
        if order.price or order.stop_price:
            self._resting.setdefault(order.symbol, {})[order.account.exchange, order.id] = order

    def _arrive(self, order: Order, *, arriving: bool) -> None:
        quote = self._feed.tapes[order.symbol].quote
        execution = on_arrival(order.side, order.type, order.price, quote)
        if execution is not None:
            self._execute(order, execution, arriving=arriving)
        elif order.time_in_force is not TimeInForce.GTC:
            self.finish(order, OrderStatus.EXPIRED)
        else:
            self._rest(order)

    def _execute(self, order: Order, execution: Execution, *, arriving: bool) -> None:
        taken = self.liquidity(order, arriving)
        parts = taken.parts if taken is not None else (order.remaining,)
        if order.time_in_force is TimeInForce.FOK and sum(parts, ZERO) < order.remaining:
            self.finish(order, OrderStatus.EXPIRED)
            return
        for part in parts:
            if order.is_open and part > ZERO:
                self.fill(order, min(part, order.remaining), execution)
        if order.is_open:
            if order.time_in_force is TimeInForce.IOC or (taken is not None and taken.expires):
                self.finish(order, OrderStatus.EXPIRED)
            else:
                self._rest(order)

    def restart(self, order: Order) -> None:
        """An order whose terms have changed takes its place anew, and what it can take."""
        if order.awake:
            self._resting.get(order.symbol, {}).pop((order.account.exchange, order.id), None)
            self._arrive(order, arriving=False)

    def complete(self, order: Order) -> None:
        """Execute what is left of an open order, at its own price or the market's."""
        if order.is_open and order.awake:
            tape = self._feed.tapes[order.symbol]
            price = order.price or tape.quote.against(order.side)
            self.fill(order, order.remaining, Execution(price, maker=bool(order.price)))

    def fill(self, order: Order, quantity: Decimal, execution: Execution) -> None:
        """One execution. A buy that can no longer be paid expires instead."""
        now = self.now
        tape = self._feed.tapes[order.symbol]
        fee = self._cashier.fee(order, quantity, execution.price, maker=execution.maker)
        numbers = self.numbers.get(order.account.exchange)
        number = next(numbers) if numbers is not None else tape.next_trade_id()
        fill = Fill(order, number, execution.price, quantity, fee.amount, fee.asset, execution.maker, now)
        try:
            self._cashier.settle(fill)
        except VenueRefusal as refusal:
            self.finish(order, OrderStatus.EXPIRED, refusal.reason)
            return
        order.filled += quantity
        order.quote_filled += fill.value
        order.updated_at = now
        order.fills.append(fill)
        order.account.fills.append(fill)
        if order.filled == order.quantity:
            self._close(order, OrderStatus.FILLED)
        else:
            order.status = OrderStatus.PARTIALLY_FILLED
        self.emit(OrderChanged(order, Change.FILLED, fill), order)
        if order.group is not None:
            self.after_change(order)

    def finish(self, order: Order, status: OrderStatus, reason: Reason | None = None, cancel_id: str = "") -> None:
        """End an order without filling it."""
        order.reason = reason
        self._close(order, status)
        self.emit(OrderChanged(order, _CHANGES[status], None, cancel_id), order)
        if order.group is not None:
            self.after_change(order)

    def _close(self, order: Order, status: OrderStatus) -> None:
        order.status = status
        order.done_at = order.updated_at = self.now
        order.account.open_orders.pop((order.symbol, order.id), None)
        resting = self._resting.get(order.symbol)
        if resting:
            resting.pop((order.account.exchange, order.id), None)
        self._cashier.leave(order)

    def on_tick(self, tick: Tick) -> None:
        """Let a new price act on all orders of its symbol."""
        resting = self._resting.get(tick.tape.symbol)
        if not resting:
            return
        self.begin()
        for order, happening in on_price(list(resting.values()), tick.tape.quote):
            if not order.is_open:
                continue
            if isinstance(happening, WokenUp):
                self._wake(order)
            else:
                self._execute(order, happening, arriving=False)
        self.flush()

    def _wake(self, order: Order) -> None:
        order.awake = True
        order.working_at = order.updated_at = self.now
        self._resting[order.symbol].pop((order.account.exchange, order.id), None)
        if order.planned:
            try:
                self.fund(order)
            except VenueRefusal as refusal:
                self.finish(order, OrderStatus.REJECTED, refusal.reason)
                return
        self.emit(OrderChanged(order, Change.NEW), order)
        if order.group is not None:
            self.after_change(order)
        if order.is_open:
            self._arrive(order, arriving=False)


_CHANGES = {
    OrderStatus.CANCELED: Change.CANCELED,
    OrderStatus.EXPIRED: Change.EXPIRED,
    OrderStatus.REJECTED: Change.REJECTED,
}
