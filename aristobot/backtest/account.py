"""The money of a backtest, in whole numbers: what is free, what is held, what a position cost and brought."""

from __future__ import annotations

from decimal import Decimal

from aristobot.backtest.settings import FeeAsset
from aristobot.backtest.units import Units
from aristobot.money import WIDE


class Purse:
    """The balance that all strategies of a run share, in units of 10^-places. `reserved` is locked by entries that rest."""

    __slots__ = ("cash", "places", "reserved", "scale")

    def __init__(self, cash: Decimal, places: int) -> None:
        self.places = places
        self.scale: int = 10**places
        self.cash = int(WIDE.scaleb(cash, places).to_integral_value())
        self.reserved = 0

    @property
    def free(self) -> int:
        """What can be spent."""
        return self.cash - self.reserved


class Account:
    """One strategy's part of the purse, and the position it owns.

    held    base in units of 10^-(q+f), dust included           lots    quantity steps that can be sold
    flow    money since flat: what sales brought less what purchases cost, fees included (a purchase's fee in base is in `held`)
    total   the same since the start
    """

    __slots__ = (
        "allotted", "bought_lots", "bought_value", "factor", "fee_in_base", "fees", "flow", "gained", "held", "lots",
        "open_lots", "open_value", "purse", "sold_lots", "sold_value", "total",
        "units",
    )  # fmt: skip

    def __init__(self, units: Units, purse: Purse, fee_asset: FeeAsset, allotted: float | None) -> None:
        self.units, self.purse = units, purse
        self.factor: int = 10 ** (purse.places - units.money_places)
        self.fee_in_base = fee_asset is FeeAsset.BASE
        self.allotted = None if allotted is None else int(allotted * purse.scale)
        self.total = self.gained = self.held = self.lots = self.open_lots = self.open_value = 0
        self.begin()

    def begin(self) -> None:
        """A new position starts."""
        self.flow = self.fees = self.bought_lots = self.bought_value = self.sold_lots = self.sold_value = 0

    def spendable(self) -> int:
        """Free money of this strategy, in the purse's unit."""
        free = self.purse.cash - self.purse.reserved
        return free if self.allotted is None else max(0, min(free, self.allotted + self.gained + self.flow * self.factor))

    def cost(self, price: int, lots: int, rate: int) -> int:
        """What a purchase takes from the purse."""
        fees = self.units.fees if self.fee_in_base else self.units.fees + rate
        money: int = price * lots * fees * self.factor
        return money

    def affordable(self, price: int, lots: int, rate: int) -> int:
        """As much of `lots` as this strategy can pay, on the lot; less than nothing never."""
        money = self.purse.cash - self.purse.reserved if self.allotted is None else self.spendable()
        one = price * (self.units.fees if self.fee_in_base else self.units.fees + rate) * self.factor
        if one * lots <= money:
            return lots
        most: int = money // one
        return most - most % self.units.lot

    def too_small(self, lots: int, price: int) -> bool:
        """Whether the exchange refuses so little."""
        return lots <= 0 or lots < self.units.minimum or lots * price < self.units.notional

    def brings_nothing(self, lots: int, rate: int) -> bool:
        """Whether what a purchase leaves after its fee in base is less than a lot, so that it could not be sold."""
        if not self.fee_in_base:
            return False
        return (self.held + lots * (self.units.fees - rate)) // self.units.fees < self.units.lot

    def buy(self, price: int, lots: int, rate: int) -> int:
        """Take a purchase into the books; return its fee (in base at its value), in the unit of this instrument."""
        units = self.units
        value = price * lots
        fee = value * rate
        if self.fee_in_base:
            paid = value * units.fees
            self.held += lots * (units.fees - rate)
        else:
            paid = value * units.fees + fee
            self.held += lots * units.fees
        self.purse.cash -= paid * self.factor
        self.flow -= paid
        self.total -= paid
        self.fees += fee
        self.bought_lots += lots
        self.bought_value += value
        self.open_lots += lots
        self.open_value += value
        sellable = self.held // units.fees
        self.lots = sellable - sellable % units.lot
        return fee

    def sell(self, price: int, lots: int, rate: int) -> int:
        """Take a sale into the books; return its fee, in the unit of this instrument."""
        units = self.units
        value = price * lots
        fee = value * rate
        got = value * units.fees - fee
        self.held -= lots * units.fees
        self.lots -= lots
        self.purse.cash += got * self.factor
        self.flow += got
        self.total += got
        self.fees += fee
        self.sold_lots += lots
        self.sold_value += value
        if self.lots:
            self.open_value -= self.open_value * lots // (self.lots + lots)
            self.open_lots -= self.open_lots * lots // (self.lots + lots)
        else:
            self.open_lots = self.open_value = 0
            self.gained += self.flow * self.factor
        return fee
