"""When a resting order is filled inside a candle, and at what price. The rules, so that nobody has to guess them:

* what is decided at a close reaches the market at the next open, or `latency` later; a market order takes that price;
* a limit must be traded through: the candle goes beyond it (optimistic: it is enough to touch it); it is filled at its price;
* a stop is filled at its price as soon as the candle touches it, plus slippage;
* when the candle opens beyond an order's price, the order is filled at the open;
* of a stop and a target inside one candle the stop is first (optimistic: the target);
* an exit that lies beyond the market when its purchase is filled is filled at once, at the purchase's price;
* for what was bought inside the candle, the candle's extremes may lie before the purchase: a target counts when the close lies
  beyond it, a stop always (optimistic: a target always, the stop of a purchase on the way up when the close lies beyond it).
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from aristobot.backtest.settings import Mood


class Bar(NamedTuple):
    """One candle in which orders are filled."""

    open: float
    high: float
    low: float
    close: float


class Order(msgspec.Struct, gc=False, eq=False):
    """An order that rests. `lots` of -1 is everything that is held when it is reached. `after` is when it arrives (UTC ms).

    `share` is that of a target in the whole position, zero for all others.
    """

    buying: bool
    limit: bool
    price: float
    lots: int
    tag: str
    after: int = 0
    reserved: int = 0
    share: float = 0.0


def at_open(order: Order, bar: Bar, mood: Mood) -> bool:
    """Whether the candle opens beyond the order's price, so that it is filled at the open."""
    if order.limit and mood is Mood.OPTIMISTIC and bar.open == order.price:
        return True
    if order.limit:
        return bar.open < order.price if order.buying else bar.open > order.price
    return bar.open >= order.price if order.buying else bar.open <= order.price


def inside(order: Order, bar: Bar, mood: Mood) -> bool:
    """Whether the candle reaches the order's price after its open."""
    if order.limit:
        if mood is Mood.OPTIMISTIC:
            return bar.low <= order.price if order.buying else bar.high >= order.price
        return bar.low < order.price if order.buying else bar.high > order.price
    return bar.high >= order.price if order.buying else bar.low <= order.price


def inside_after_purchase(order: Order, bar: Bar, mood: Mood, rising: bool, bought: float) -> bool:
    """Whether an exit counts as reached by what was bought inside this candle at `bought`, on the way up (`rising`) or down."""
    if (order.price < bought) == order.limit and order.price != bought:
        return True  # it lay beyond the market when it came
    if order.limit:
        return bar.high >= order.price if mood is Mood.OPTIMISTIC else bar.close > order.price
    if mood is Mood.OPTIMISTIC and rising:
        return bar.close <= order.price
    return bar.low <= order.price


def in_order(losses: list[Order], gains: list[Order], mood: Mood, began: float, length: int) -> list[Order]:
    """Exits in the order in which the mood believes them reached; of a kind the nearest first.

    A stop counts from the candle in which it arrives, a target from the first one that opens after that.
    """
    losses = sorted((one for one in losses if one.after < began + length), key=lambda one: -one.price)
    gains = sorted((one for one in gains if one.after <= began), key=lambda one: one.price)
    return [*losses, *gains] if mood is Mood.PESSIMISTIC else [*gains, *losses]


def market_price(buying: bool, bar: Bar, late: float, mood: Mood) -> float:
    """The price a market order meets: the open, or, `late` by a fraction of the candle, so much of the way to its worst price."""
    if not late or mood is Mood.OPTIMISTIC:
        return bar.open
    return bar.open + late * ((bar.high if buying else bar.low) - bar.open)
