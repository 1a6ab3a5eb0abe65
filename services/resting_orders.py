"""What a hand may do with orders that rest: cancel them, change them where they stand. Exits that are guarded move as a whole."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

from aristobot.errors import AristobotError, InvalidInput
from aristobot.kinds import OrderRole
from aristobot.market import Symbol
from aristobot.money import ZERO
from aristobot.store import brackets, orders
from aristobot.store.trading_tables import Order
from services.bracket_keeper import BracketKeeper
from services.exit_plan import ExitPlan, plan_of
from services.order_desk import OrderDesk
from services.order_draft import EditOrder
from services.rights import for_traders
from services.trading_floor import TradingFloor

_EXITS = (OrderRole.STOP, OrderRole.TARGET)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one of several things done at once: the order's row, or why there is none."""

    symbol: Symbol
    order: Order | None = None
    error: AristobotError | None = None


@for_traders(memory="_floor.db")
class RestingOrders:
    """Every method is for one user, and answers NotFound for what is another's."""

    def __init__(self, floor: TradingFloor, desk: OrderDesk, keeper: BracketKeeper) -> None:
        self._floor = floor
        self._desk = desk
        self._keeper = keeper

    async def cancel(self, user_id: uuid.UUID, order_id: uuid.UUID) -> Order:
        """Cancel an order. An exit that the keeper guards is taken out of what it was asked for, or it would come back."""
        row = await self._floor.db.read(user_id, lambda s: orders.get(s, order_id))
        kept = await self._kept(user_id, row)
        if kept is None or row.position_id is None:
            return await self._desk.cancel(user_id, order_id)
        without = replace(kept, stop=ZERO) if row.role is OrderRole.STOP else replace(kept, targets=_other_targets(kept, row))
        await self._keeper.guard(user_id, row.position_id, without)
        return await self._floor.db.read(user_id, lambda s: orders.get(s, order_id))

    async def cancel_all(self, user_id: uuid.UUID, broker_id: uuid.UUID | None, symbol: Symbol | None = None) -> list[Outcome]:
        """Cancel every resting order but those that guard a position."""
        alive = await self._floor.db.read(user_id, lambda s: orders.alive(s, broker_id))
        chosen = [one for one in alive if one.role not in _EXITS and symbol in (None, one.symbol)]
        return await each([(row.symbol, partial(self._desk.cancel, user_id, row.id)) for row in chosen])

    async def edit(self, user_id: uuid.UUID, order_id: uuid.UUID, price: Decimal, quantity: Decimal) -> Order | None:
        """Give a resting order another price (its trigger, when it waits for one) and quantity; what is zero stays.

        An exit that the keeper guards is moved by it: then there is no one row that replaces it, and the answer is None.
        Raises NotFound, InvalidInput, ExchangeError.
        """
        row = await self._floor.db.read(user_id, lambda s: orders.get(s, order_id))
        kept = await self._kept(user_id, row)
        if kept is not None and row.position_id is not None:
            if quantity and quantity != row.quantity:
                raise InvalidInput("exit_quantity_fixed", field="quantity")
            await self._keeper.guard(user_id, row.position_id, _moved(kept, row, price))
            return None
        triggered = bool(row.stop_price)
        change = EditOrder(
            price=price if price and not triggered else None,
            stop_price=price if price and triggered else None,
            quantity=quantity or None,
        )
        return await self._desk.edit(user_id, order_id, change)

    async def _kept(self, user_id: uuid.UUID, row: Order) -> ExitPlan | None:
        """What the keeper was asked for, when this order is one of its exits."""
        if row.role not in _EXITS or row.position_id is None:
            return None
        position_id = row.position_id
        guarded = await self._floor.db.read(user_id, lambda s: brackets.guarded(s, position_id))
        return plan_of(guarded.bracket) if guarded.bracket is not None else None


async def each(tasks: Iterable[tuple[Symbol, Callable[[], Awaitable[Order]]]]) -> list[Outcome]:
    """Do all of these at once; one that fails stops no other."""

    async def one(symbol: Symbol, do: Callable[[], Awaitable[Order]]) -> Outcome:
        try:
            return Outcome(symbol, await do())
        except AristobotError as error:
            return Outcome(symbol, error=error)

    return list(await asyncio.gather(*(one(symbol, do) for symbol, do in tasks)))


def _other_targets(kept: ExitPlan, row: Order) -> tuple[tuple[Decimal, Decimal], ...]:
    return tuple(one for number, one in enumerate(kept.targets) if f"t{number}" != row.leg)


def _moved(kept: ExitPlan, row: Order, price: Decimal) -> ExitPlan:
    if row.role is OrderRole.STOP:
        moved = replace(kept, stop=price or kept.stop)
    else:
        changed = ((share, price or old) if f"t{i}" == row.leg else (share, old) for i, (share, old) in enumerate(kept.targets))
        moved = replace(kept, targets=tuple(sorted(changed, key=lambda target: target[1])))
    if moved.targets and moved.stop >= moved.first_target:
        raise InvalidInput("stop_above_target", field="price")
    return moved
