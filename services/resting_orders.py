"""What a hand may do with orders that rest: cancel them, change them where they stand. Exits that are guarded move as a whole."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

from aristobot.errors import AristobotError, Conflict, InvalidInput
from aristobot.kinds import LotStatus, OrderRole
from aristobot.market import Symbol
from aristobot.money import ZERO
from aristobot.store import brackets, orders, positions
from aristobot.store.brackets import Guarded
from aristobot.store.tenancy import GuardedSession
from aristobot.store.trading_tables import Order
from services.bracket_keeper import BracketKeeper
from services.exit_plan import RECENT, ExitPlan, kept_plan, plan_of, refuse_reached
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

        Answers and raises as `change` does.
        """
        row = await self._floor.db.read(user_id, lambda s: orders.get(s, order_id))
        triggered = bool(row.stop_price)
        change = EditOrder(
            price=price if price and not triggered else None,
            stop_price=price if price and triggered else None,
            quantity=quantity or None,
        )
        return await self.change(user_id, order_id, change)

    async def change(self, user_id: uuid.UUID, order_id: uuid.UUID, change: EditOrder) -> Order | None:
        """Give a resting order other values; the row of the order that replaces it, its own when nothing of it is to change.

        An exit that the keeper guards is moved by it: then there is no one row that replaces it, and the answer is None.
        Raises NotFound, InvalidInput, ExchangeError; Conflict when the exit could not be moved and stands where it stood.
        """
        row = await self._floor.db.read(user_id, lambda s: orders.get(s, order_id))
        if row.position_id is None or not await self._is_kept(user_id, row):
            if row.status.is_working and _changes_nothing(row, change):
                return row  # to replace it by its like would cost it its place in the queue
            return await self._desk.edit(user_id, order_id, change)
        if not row.status.is_working:
            raise InvalidInput("order_not_open", field="order", status=row.status.value)
        asked: list[ExitPlan] = []
        price = _price_of_exit(row, change)
        if row.role is OrderRole.STOP:
            account = await self._floor.brokers.owned(user_id, row.broker_id)
            market = self._floor.prices.last(account.broker.exchange, row.symbol, RECENT)
            refuse_reached(price, market, "stop_price")

        def moved(guarded: Guarded) -> ExitPlan:
            asked.append(_moved(row, price, guarded))
            return asked[-1]

        stands = await self._keeper.guard(user_id, row.position_id, moved)
        if stands.position.status is LotStatus.OPEN and stands.bracket is not None and plan_of(stands.bracket) != asked[-1]:
            raise Conflict("exit_not_moved", symbol=row.symbol)
        return None

    async def standing(self, user_id: uuid.UUID, order_id: uuid.UUID) -> Order:
        """The order that rests now in the place of this exit; the exit itself when none does. Raises NotFound."""

        def work(session: GuardedSession) -> Order:
            row = orders.get(session, order_id)
            if row.status.is_working or row.position_id is None:
                return row
            resting = brackets.guarded(session, row.position_id).resting
            return next((one for one in resting if (one.role, one.leg) == (row.role, row.leg)), row)

        return await self._floor.db.read(user_id, work)

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


def _changes_nothing(row: Order, change: EditOrder) -> bool:
    return (
        change.price in (None, row.price)
        and change.stop_price in (None, row.stop_price)
        and change.quantity in (None, row.quantity - row.filled)
    )


def _price_of_exit(row: Order, change: EditOrder) -> Decimal:
    """The one price that a guarded exit can be given: its trigger, when it waits for one; zero leaves it as it is."""
    if change.quantity is not None and change.quantity != row.quantity:
        raise InvalidInput("exit_quantity_fixed", field="quantity")
    name, fixed = ("stop_price", "price") if row.stop_price else ("price", "stop_price")
    other = getattr(change, fixed)
    if other is not None and other != getattr(row, fixed):
        raise InvalidInput("exit_price_fixed", field=fixed, other=name)
    wanted: Decimal | None = getattr(change, name)
    if wanted is not None and wanted <= ZERO:
        raise InvalidInput("not_positive", field=name)
    return wanted or ZERO


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
