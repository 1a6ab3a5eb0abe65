"""What a price does to orders: triggers, crossings, executions. Pure: the simulator and the backtest ask the same rules.

The book is as simple as can be: one bid, one ask, one last price, any depth. Assumptions, so that nobody has to guess them:

* a limit order that rests is executed, at its own price, as soon as the last price reaches or passes it (maker);
* what arrives, or wakes up, and can be executed at once takes the other side's price (taker), never worse than its limit;
* a stop wakes up on the last price. Stop loss sell and take profit buy: at or below the stop price; stop loss buy and take profit
  sell: at or above (Binance Spot, order types).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, TypeVar

from aristobot.orders import OrderType, Side

#: Types that sleep until the last price reaches their stop price.
STOPS = frozenset({OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT})
#: Types that, once awake, take whatever price there is.
UNPRICED = frozenset({OrderType.MARKET, OrderType.STOP_LOSS, OrderType.TAKE_PROFIT})
_LOSSES = frozenset({OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT})


@dataclass(frozen=True, slots=True)
class Quote:
    """The top of the book and the last price."""

    bid: Decimal
    ask: Decimal
    last: Decimal

    def against(self, side: Side) -> Decimal:
        """The price that an order of this side takes: a buy the ask, a sell the bid."""
        return self.ask if side is Side.BUY else self.bid


class Resting(Protocol):
    """What matching has to know of an order."""

    @property
    def side(self) -> Side: ...
    @property
    def type(self) -> OrderType: ...
    @property
    def price(self) -> Decimal: ...
    @property
    def stop_price(self) -> Decimal: ...
    @property
    def awake(self) -> bool: ...


R = TypeVar("R", bound=Resting)


@dataclass(frozen=True, slots=True)
class Execution:
    """An order is executed at `price`; `maker` says that it waited in the book."""

    price: Decimal
    maker: bool


@dataclass(frozen=True, slots=True)
class WokenUp:
    """A stop was reached; `execution` is what it takes at once, None when it goes to rest at its limit."""

    execution: Execution | None


def triggers_below(side: Side, kind: OrderType) -> bool:
    """Whether a stop of this kind waits for the price to fall."""
    return (kind in _LOSSES) == (side is Side.SELL)


def triggers(side: Side, kind: OrderType, stop_price: Decimal, last: Decimal) -> bool:
    """Whether the last price wakes this stop."""
    return last <= stop_price if triggers_below(side, kind) else last >= stop_price


def on_arrival(side: Side, kind: OrderType, price: Decimal, quote: Quote) -> Execution | None:
    """What an order without, or past, its stop takes at once; None when it rests."""
    against = quote.against(side)
    if kind in UNPRICED:
        return Execution(against, maker=False)
    reaches = price >= against if side is Side.BUY else price <= against
    return Execution(against, maker=False) if reaches else None


def is_crossed(side: Side, price: Decimal, last: Decimal) -> bool:
    """Whether the last price has reached a resting limit order."""
    return last <= price if side is Side.BUY else last >= price


def outcome(order: Resting, quote: Quote) -> Execution | WokenUp | None:
    """What this quote does to one resting order."""
    if order.type in STOPS and not order.awake:
        if not triggers(order.side, order.type, order.stop_price, quote.last):
            return None
        return WokenUp(on_arrival(order.side, order.type, order.price, quote))
    if is_crossed(order.side, order.price, quote.last):
        return Execution(order.price, maker=True)
    return None


def on_price(orders: Iterable[R], quote: Quote) -> Iterator[tuple[R, Execution | WokenUp]]:
    """The orders that this quote touches, in the order given, each with what happens to it."""
    for order in orders:
        happening = outcome(order, quote)
        if happening is not None:
            yield order, happening
