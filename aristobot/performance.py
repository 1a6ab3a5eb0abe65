"""What was gained: the two ways to say what a sold coin had cost, and what is realised, open, and not valued."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, localcontext

from aristobot.kinds import CostMethod
from aristobot.money import WIDE, ZERO, divided, times
from aristobot.orders import Side
from aristobot.portfolio import Movement, Position, Transfer, arrived, effect, fold, in_order, left, moved_by, noted, sold


@dataclass(slots=True)
class Lot:
    """What is left of one purchase: base units, and the quote they cost."""

    quantity: Decimal
    cost: Decimal


def position_of(movements: Iterable[Movement], base: str, quote: str, method: CostMethod) -> Position:
    """The position that fills and transfers make, its cost told by `method`. Their order and repetition cannot matter."""
    return fifo(movements, base, quote) if method is CostMethod.FIFO else fold(movements, base, quote)


def fifo(movements: Iterable[Movement], base: str, quote: str) -> Position:
    """The position when what was bought first is sold first. Dust that joins counts as bought when it joins."""
    position, lots = Position(), deque[Lot]()
    with localcontext(WIDE):
        for one in in_order(movements):
            position = _oldest_first(position, lots, one, base, quote)
    return position


def gains(movements: Iterable[Movement], base: str, quote: str, method: CostMethod) -> list[tuple[datetime, Decimal]]:
    """When something was realised, and how much: their sum is what the position has realised."""
    position, lots, found = Position(), deque[Lot](), []
    with localcontext(WIDE):
        for one in in_order(movements):
            before = position.realised
            if method is CostMethod.FIFO:
                position = _oldest_first(position, lots, one, base, quote)
            else:
                position = moved_by(position, one, base, quote)
            if position.realised != before:
                found.append((one.at, position.realised - before))
    return found


def _oldest_first(position: Position, lots: deque[Lot], one: Movement, base: str, quote: str) -> Position:
    """The position after one fill or transfer; `lots` are what is left of its purchases."""
    if isinstance(one, Transfer):
        return _transferred(position, lots, one)
    moved = effect(one, base, quote)
    position = noted(position, moved)
    if one.side is Side.SELL:
        return sold(position, one, moved, cost=_taken(lots, min(moved.base, position.quantity)))
    paid = moved.quote + moved.fee
    lots.append(Lot(moved.base, paid))
    return replace(
        position,
        quantity=position.quantity + moved.base,
        cost=position.cost + paid,
        bought=position.bought + one.quantity,
    )


def _transferred(position: Position, lots: deque[Lot], moved: Transfer) -> Position:
    if moved.arrives:
        lots.append(Lot(moved.quantity, moved.worth))
        return arrived(position, moved)
    return left(position, moved, cost=_taken(lots, min(moved.quantity, position.quantity)))


def _taken(lots: deque[Lot], quantity: Decimal) -> Decimal:
    """The cost of so much, taken from the oldest purchases."""
    cost = ZERO
    while lots and lots[0].quantity <= quantity:
        oldest = lots.popleft()
        quantity -= oldest.quantity
        cost += oldest.cost
    if quantity and lots:
        share = divided(times(lots[0].cost, quantity), lots[0].quantity)
        lots[0].quantity -= quantity
        lots[0].cost -= share
        cost += share
    return cost
