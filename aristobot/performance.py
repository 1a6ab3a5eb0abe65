"""What was gained: the two ways to say what a sold coin had cost, and what is realised, open, and not valued."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext

from aristobot.kinds import CostMethod
from aristobot.money import WIDE, ZERO, divided, times
from aristobot.orders import Side
from aristobot.portfolio import Movement, Position, Transfer, arrived, effect, fold, in_order, left, noted, sold


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
        for fill in in_order(movements):
            if isinstance(fill, Transfer):
                position = _transferred(position, lots, fill)
                continue
            moved = effect(fill, base, quote)
            position = noted(position, moved)
            if fill.side is Side.SELL:
                position = sold(position, fill, moved, cost=_taken(lots, min(moved.base, position.quantity)))
                continue
            paid = moved.quote + moved.fee
            lots.append(Lot(moved.base, paid))
            position = replace(
                position,
                quantity=position.quantity + moved.base,
                cost=position.cost + paid,
                bought=position.bought + fill.quantity,
            )
    return position


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
