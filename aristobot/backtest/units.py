"""Whole numbers for exact money at the speed of ints: prices, quantities and fees of one instrument, without rounding.

A price counts steps of 10^-p, a quantity steps of 10^-q, a fee rate steps of 10^-f: then price x quantity x rate is a whole
number of 10^-(p+q+f), the unit of money, and what is held is counted in 10^-(q+f), so that a fee in the bought asset is exact.
"""

from __future__ import annotations

from decimal import Decimal

from aristobot.market import Instrument
from aristobot.money import WIDE

#: Decimals that stand for "no rule" on a tick or lot.
_FREE = 8


def decimals(value: Decimal) -> int:
    """How many decimals a step has: 0.05 has 2, 10 has none."""
    return max(0, -int(value.normalize().as_tuple().exponent)) if value else _FREE


class Units:
    """The scales of one instrument under one pair of fees."""

    __slots__ = (
        "fees", "lot", "maker", "minimum", "money_places", "notional", "price_places", "prices", "quantities", "quantity_places",
        "taker", "tick",
    )  # fmt: skip

    def __init__(self, instrument: Instrument, maker: Decimal, taker: Decimal) -> None:
        lot = max(instrument.lot, instrument.market_lot)
        self.price_places, self.quantity_places = decimals(instrument.tick), decimals(lot)
        fee_places = max(decimals(maker) if maker else 0, decimals(taker) if taker else 0)
        self.fees: int = 10**fee_places
        self.maker, self.taker = _whole(maker, fee_places), _whole(taker, fee_places)
        self.prices: float = 10.0**self.price_places
        self.quantities: float = 10.0**self.quantity_places
        self.tick = _whole(instrument.tick, self.price_places) or 1
        self.lot = _whole(lot, self.quantity_places) or 1
        self.minimum = _whole(instrument.min_quantity, self.quantity_places)
        self.notional = _whole(instrument.min_notional, self.price_places + self.quantity_places)
        self.money_places = self.price_places + self.quantity_places + fee_places

    def lots(self, quantity: float) -> int:
        """The quantity in steps, rounded DOWN to the lot: of 0.29 at two decimals 29, although 0.29 * 100 is 28.999…"""
        steps = round(quantity * self.quantities)
        if steps / self.quantities > quantity:
            steps -= 1
        return steps - steps % self.lot

    def price(self, price: float) -> int:
        """The price in steps, to the nearest: candles lie on the tick."""
        return round(price * self.prices)

    def on_tick(self, price: float) -> float:
        """The price rounded down to the tick."""
        steps = round(price * self.prices, 6)
        return int(steps // self.tick) * self.tick / self.prices

    def above(self, price: float) -> float:
        """The price rounded up to the tick, as targets are."""
        steps = round(price * self.prices, 6)
        return int(-(-steps // self.tick)) * self.tick / self.prices

    def worse(self, price: float, buying: bool) -> int:
        """The price in steps, on the tick, rounded against us."""
        steps = round(price * self.prices, 6)
        down = int(steps // self.tick) * self.tick
        return down + self.tick if buying and down < steps else down

    def amount(self, money: int) -> Decimal:
        """Exact quote of a count of the unit of money."""
        return WIDE.scaleb(Decimal(money), -self.money_places)

    def quantity(self, steps: int) -> Decimal:
        """Exact base of a count of quantity steps."""
        return WIDE.scaleb(Decimal(steps), -self.quantity_places)


def _whole(value: Decimal, places: int) -> int:
    return int(WIDE.scaleb(value, places).to_integral_value())
