"""What we hold: balances, positions, and how fills make a position and its profit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, localcontext

import msgspec

from aristobot.money import WIDE, ZERO, amount, divided, kept, plain, times
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
    """What we hold of one base asset through our own orders.

    quantity      base units, net of fees paid in the base asset; never negative
    cost          quote spent for it, fees in quote and valued ones included
    realised      quote gained by what was sold, such fees deducted
    other_fees    fees in a third asset whose worth nobody knows, by asset: neither cost nor gain shows them
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

    def unrealised(self, price: Decimal | None) -> Decimal | None:
        """Quote that selling everything at `price`, free of fees, would gain over the cost; None where there is no price."""
        return kept(times(self.quantity, price) - self.cost) if price else None


@dataclass(frozen=True, slots=True)
class Effect:
    """What one fill moves: base that comes or leaves, quote that is paid or received, the fees of both included."""

    base: Decimal
    quote: Decimal
    fee: Decimal
    unvalued: tuple[str, Decimal] | None


@dataclass(frozen=True, slots=True)
class Transfer:
    """Dust that joins a position (`arrives`) or leaves one, outside any order: base units, and the quote they are worth.

    What joins another position takes its cost along. What is written off is worth nothing: its cost is lost.
    """

    trade_id: str
    at: datetime
    quantity: Decimal
    worth: Decimal
    arrives: bool


#: What changes a position.
Movement = Fill | Transfer


def effect(fill: Fill, base: str, quote: str) -> Effect:
    """A fee counts where it was paid: in base it changes the quantity, in quote the money, in a third asset its worth."""
    charged = {quote: fill.fee, base: ZERO}.get(fill.fee_asset, fill.fee_value)
    unvalued = (fill.fee_asset, fill.fee) if charged is None and fill.fee else None
    in_base = fill.fee if fill.fee_asset == base else ZERO
    moved = fill.quantity - in_base if fill.side is Side.BUY else fill.quantity + in_base
    return Effect(moved, fill.value, charged or ZERO, unvalued)


def apply(position: Position, fill: Fill, base: str, quote: str) -> Position:
    """The position after one fill, at average cost."""
    moved = effect(fill, base, quote)
    position = noted(position, moved)
    if fill.side is Side.BUY:
        return replace(
            position,
            quantity=position.quantity + moved.base,
            cost=position.cost + moved.quote + moved.fee,
            bought=position.bought + fill.quantity,
        )
    return sold(position, fill, moved, cost=share_of_cost(position, moved.base))


def share_of_cost(position: Position, quantity: Decimal) -> Decimal:
    """What so much of a position has cost on average; all of it when it holds no more."""
    if quantity >= position.quantity:
        return position.cost
    return divided(times(position.cost, quantity), position.quantity)


def noted(position: Position, moved: Effect) -> Position:
    """The position with a fee kept apart that nobody can value."""
    if moved.unvalued is None:
        return position
    asset, fee = moved.unvalued
    fees = dict(position.other_fees)
    fees[asset] = fees.get(asset, ZERO) + fee
    return replace(position, other_fees=tuple(sorted(fees.items())))


def sold(position: Position, fill: Fill, moved: Effect, *, cost: Decimal) -> Position:
    """The position after a sale of what had `cost`. Coins that no fill brought bring no gain, and bear their share of the fee."""
    ours = min(moved.base, position.quantity)
    proceeds = moved.quote - moved.fee
    received = proceeds if ours == moved.base else divided(times(proceeds, ours), moved.base)
    return replace(
        position,
        quantity=position.quantity - ours,
        cost=position.cost - cost,
        realised=position.realised + (received - cost if ours else ZERO),
        sold=position.sold + fill.quantity,
        oversold=position.oversold + moved.base - ours,
    )


def arrived(position: Position, moved: Transfer) -> Position:
    """The position after dust has joined it."""
    return replace(position, quantity=position.quantity + moved.quantity, cost=position.cost + moved.worth)


def left(position: Position, moved: Transfer, *, cost: Decimal) -> Position:
    """The position after dust that had `cost` has left it: as if sold for what it is worth, though nobody bought it."""
    ours = min(moved.quantity, position.quantity)
    return replace(
        position,
        quantity=position.quantity - ours,
        cost=position.cost - cost,
        realised=position.realised + moved.worth - cost,
        oversold=position.oversold + moved.quantity - ours,
    )


def in_order(movements: Iterable[Movement]) -> list[Movement]:
    """Each side of a `trade_id` once, however they reached us, by their times; ties by id, what brings coins first."""
    unique = {(one.trade_id, _takes(one)): one for one in movements}
    return sorted(unique.values(), key=lambda one: (one.at, len(one.trade_id), one.trade_id, _takes(one)))


def _takes(one: Movement) -> bool:
    """Whether it takes coins out of a position."""
    return one.side is Side.SELL if isinstance(one, Fill) else not one.arrives


def fold(movements: Iterable[Movement], base: str, quote: str, start: Position | None = None) -> Position:
    """The position that a set of fills and transfers makes, at average cost.

    The order and the number of times in which they reached us cannot matter.
    """
    position = start or Position()
    with localcontext(WIDE):  # the usual 28 digits would cut large amounts of small coins
        for one in in_order(movements):
            position = moved_by(position, one, base, quote)
    return position


def moved_by(position: Position, one: Movement, base: str, quote: str) -> Position:
    """The position after one fill or transfer, at average cost."""
    if isinstance(one, Fill):
        return apply(position, one, base, quote)
    if one.arrives:
        return arrived(position, one)
    return left(position, one, cost=share_of_cost(position, one.quantity))
