"""What we hold: balances, positions, and how fills make a position and its profit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext

import msgspec

from aristobot.money import HUNDRED, WIDE, ZERO, amount, divided, plain, times
from aristobot.orders import Fill, Side


class Balance(msgspec.Struct, frozen=True, eq=False, gc=False, rename={"free_text": "free", "locked_text": "locked"}):
    """Free and locked amounts of one asset.

    It keeps the exchange's own text and reads an amount when somebody asks for it: an account lists hundreds of assets
    of which an order needs one. A text that is no finite number raises DataError where it is read.
    """

    asset: str
    free_text: str
    locked_text: str = "0"

    @classmethod
    def of(cls, asset: str, free: Decimal, locked: Decimal = ZERO) -> Balance:
        """A balance from amounts."""
        return cls(asset, plain(free), plain(locked))

    @property
    def free(self) -> Decimal:
        """What can be spent."""
        return amount(self.free_text, self.asset)

    @property
    def locked(self) -> Decimal:
        """What orders hold."""
        return amount(self.locked_text, self.asset)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Balance):
            return NotImplemented
        return (self.asset, self.free, self.locked) == (other.asset, other.free, other.locked)

    def __ne__(self, other: object) -> bool:
        return not self == other  # msgspec's own would compare identities

    def __hash__(self) -> int:
        return hash((self.asset, self.free, self.locked))

    @property
    def total(self) -> Decimal:
        """Free plus locked."""
        return self.free + self.locked


@dataclass(frozen=True, slots=True)
class Position:
    """What we hold of one base asset through our own orders, at average cost.

    quantity      base units, net of fees paid in the base asset; never negative
    cost          quote spent for it, fees in quote included
    realised      quote gained by what was sold, fees in quote deducted
    other_fees    fees in a third asset, by asset, that neither base nor quote shows
    oversold      base units sold beyond what our fills brought (coins that were there before): no cost is known for them
    """

    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    realised: Decimal = ZERO
    bought: Decimal = ZERO
    sold: Decimal = ZERO
    oversold: Decimal = ZERO
    other_fees: tuple[tuple[str, Decimal], ...] = ()

    @property
    def entry(self) -> Decimal:
        """Average cost per unit, in quote; zero when flat."""
        return divided(self.cost, self.quantity) if self.quantity else ZERO

    def unrealised(self, price: Decimal) -> Decimal:
        """Quote that selling everything at `price`, free of fees, would gain over the cost."""
        return times(self.quantity, price) - self.cost

    def unrealised_percent(self, price: Decimal) -> Decimal:
        """Unrealised gain in per cent of the cost; zero without a cost."""
        return divided(times(self.unrealised(price), HUNDRED), self.cost) if self.cost else ZERO


def apply(position: Position, fill: Fill, base: str, quote: str) -> Position:
    """The position after one fill. Fees count where they were paid: base shrinks the quantity, quote changes the cost."""
    if fill.fee_asset not in (base, quote) and fill.fee:
        fees = dict(position.other_fees)
        fees[fill.fee_asset] = fees.get(fill.fee_asset, ZERO) + fill.fee
        position = replace(position, other_fees=tuple(sorted(fees.items())))
    quote_fee = fill.fee if fill.fee_asset == quote else ZERO
    base_fee = fill.fee if fill.fee_asset == base else ZERO
    if fill.side is Side.BUY:
        return replace(
            position,
            quantity=position.quantity + fill.quantity - base_fee,
            cost=position.cost + fill.value + quote_fee,
            bought=position.bought + fill.quantity,
        )
    return _sell(position, fill, leaving=fill.quantity + base_fee, quote_fee=quote_fee)


def _sell(position: Position, fill: Fill, *, leaving: Decimal, quote_fee: Decimal) -> Position:
    ours = min(leaving, position.quantity)
    share = divided(times(position.cost, ours), position.quantity) if position.quantity else ZERO
    emptied = ours == position.quantity
    cost_sold = position.cost if emptied else share
    received = divided(times(fill.value, ours), leaving) if leaving else ZERO
    return replace(
        position,
        quantity=position.quantity - ours,
        cost=position.cost - cost_sold,
        realised=position.realised + (received - quote_fee - cost_sold if ours else ZERO),
        sold=position.sold + fill.quantity,
        oversold=position.oversold + leaving - ours,
    )


def fold(fills: Iterable[Fill], base: str, quote: str, start: Position | None = None) -> Position:
    """The position that a set of fills makes: each `trade_id` once, in the order of their times (ties: by id).

    The order and the number of times in which fills reached us cannot matter.
    """
    unique = {fill.trade_id: fill for fill in fills}
    position = start or Position()
    with localcontext(WIDE):  # the usual 28 digits would cut large amounts of small coins
        for fill in sorted(unique.values(), key=lambda one: (one.at, len(one.trade_id), one.trade_id)):
            position = apply(position, fill, base, quote)
    return position
