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
from aristobot.store import orders, positions
from aristobot.store.brackets import Guarded
from aristobot.store.trading_tables import Order
from services.bracket_keeper import BracketKeeper
from services.exit_plan import ExitPlan, kept_plan
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
        if row.position_id is None or not await self._is_kept(user_id, row):
            return await self._desk.cancel(user_id, order_id)
        await self._keeper.guard(user_id, row.position_id, partial(_without, row))
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
        if row.position_id is not None and await self._is_kept(user_id, row):
            if quantity and quantity != row.quantity:
                raise InvalidInput("exit_quantity_fixed", field="quantity")
            await self._keeper.guard(user_id, row.position_id, partial(_moved, row, price))
            return None
        triggered = bool(row.stop_price)
        change = EditOrder(
            price=price if price and not triggered else None,
            stop_price=price if price and triggered else None,
            quantity=quantity or None,
        )
        return await self._desk.edit(user_id, order_id, change)

    async def _is_kept(self, user_id: uuid.UUID, row: Order) -> bool:
        """Whether this order is an exit that the keeper was asked for."""
        if row.role not in _EXITS or row.position_id is None:
            return False
        position_id = row.position_id
        return await self._floor.db.read(user_id, lambda s: positions.bracket_of(s, position_id)) is not None


async def each(tasks: Iterable[tuple[Symbol, Callable[[], Awaitable[Order]]]]) -> list[Outcome]:
    """Do all of these at once; one that fails stops no other."""

    async def one(symbol: Symbol, do: Callable[[], Awaitable[Order]]) -> Outcome:
        try:
            return Outcome(symbol, await do())
        except AristobotError as error:
            return Outcome(symbol, error=error)

    return list(await asyncio.gather(*(one(symbol, do) for symbol, do in tasks)))


def _open_targets(guarded: Guarded) -> tuple[ExitPlan, list[str]]:
    """What guards the position now, and the legs of its targets: those that were reached are gone from both."""
    asked = (guarded.bracket.targets or []) if guarded.bracket is not None else []
    return kept_plan(guarded), [leg for leg in (f"t{i}" for i in range(len(asked))) if leg not in guarded.done_legs]


def _without(row: Order, guarded: Guarded) -> ExitPlan:
    kept, legs = _open_targets(guarded)
    if row.role is OrderRole.STOP:
        return replace(kept, stop=ZERO)
    return replace(kept, targets=tuple(one for leg, one in zip(legs, kept.targets, strict=True) if leg != row.leg))


def _moved(row: Order, price: Decimal, guarded: Guarded) -> ExitPlan:
    kept, legs = _open_targets(guarded)
    if row.role is OrderRole.STOP:
        moved = replace(kept, stop=price or kept.stop)
    else:
        pairs = zip(legs, kept.targets, strict=True)
        changed = ((share, price or old) if leg == row.leg else (share, old) for leg, (share, old) in pairs)
        moved = replace(kept, targets=tuple(sorted(changed, key=lambda target: target[1])))
    if moved.targets and moved.stop >= moved.first_target:
        raise InvalidInput("stop_above_target", field="price")
    return moved
