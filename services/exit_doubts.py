"""Sales of which nobody knows whether they happen: waited for, or outdone where a late one would find no funds."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import chain, repeat

from loguru import logger

from aristobot.errors import DataError, ExchangeError
from aristobot.kinds import OrderRole
from aristobot.money import ZERO
from aristobot.store import bookkeeping, brackets, orders
from aristobot.store.trading_tables import Order
from services.exit_plan import PATIENCE_FOR_EXITS
from services.exit_watch import Watch
from services.trading_floor import TradingFloor

_SETTLED = 40.0
_PAUSES = (0.02, 0.05, 0.1, 0.2, 0.5)
_LOOK_AT_FUNDS_EVERY = 1.0
#: Whether limits of the exchange hold up a search for an order of this broker: then the questions are the search's.
HeldUp = Callable[[uuid.UUID], bool]


class ExitDoubts:
    """What guards a position, as far as it is certain."""

    def __init__(self, floor: TradingFloor, is_held_up: HeldUp, watch: Watch) -> None:
        self._floor = floor
        self._is_held_up = is_held_up
        self._watch = watch

    async def settled(self, user_id: uuid.UUID, position_id: uuid.UUID) -> brackets.Guarded:
        """What guards the position, once no sale is in doubt: placing others beside one could sell twice.

        Raises ExchangeError after too long a wait.
        """
        guarded = await self.read(user_id, position_id)
        deadline = self._floor.clock.monotonic() + _SETTLED
        look_at_funds = self._floor.clock.monotonic()
        for pause in chain(_PAUSES, repeat(_PAUSES[-1])):
            now = self._floor.clock.monotonic()
            if not guarded.in_doubt:
                break
            if now > deadline:
                raise ExchangeError("exit_in_doubt", order=guarded.in_doubt[0].id.hex)
            if now >= look_at_funds and not self._is_held_up(guarded.position.broker_id):
                look_at_funds = now + _LOOK_AT_FUNDS_EVERY
                await self._outdo(guarded)
            await self._floor.clock.sleep(pause)
            guarded = await self.read(user_id, position_id)
        return guarded

    async def read(self, user_id: uuid.UUID, position_id: uuid.UUID) -> brackets.Guarded:
        """The position with what guards it, as the store knows it."""
        guarded = await self._floor.db.read(user_id, lambda s: brackets.guarded(s, position_id))
        outdone = self._watch.outdone
        if not outdone:
            return guarded
        lost = {order.id for order in guarded.resting if order.id in outdone and order.status in orders.UNSETTLED}
        outdone -= {order.id for order in guarded.resting} - lost  # one that appeared is an order like any other
        return replace(
            guarded,
            resting=tuple(order for order in guarded.resting if order.id not in lost),
            in_doubt=tuple(order for order in guarded.in_doubt if order.id not in lost),
        )

    async def _outdo(self, guarded: brackets.Guarded) -> None:
        try:
            if await self._can_be_outdone(guarded):
                self._watch.outdone |= {order.id for order in guarded.in_doubt}
        except (ExchangeError, DataError) as error:
            logger.debug("Funds of position {} cannot be looked at: {}", guarded.position.id, error)

    async def _can_be_outdone(self, guarded: brackets.Guarded) -> bool:
        """Whether exits in doubt may be placed once more before their fence: a late first one would find no funds.

        So it is when the exchange locks what rests, all that is to be sold is free, none of them rests, and what would be
        left beside new exits is less than the smallest of them (reliability, 3.3: protective sells recover faster).
        """
        doubtful, position = guarded.in_doubt, guarded.position
        sent = max(order.sent_at or order.created_at for order in doubtful)
        young = self._floor.clock.now() - sent < timedelta(seconds=PATIENCE_FOR_EXITS)
        if young or any(order.role not in bookkeeping.EXITS or order.status not in orders.UNSETTLED for order in doubtful):
            return False
        account = await self._floor.brokers.get(position.broker_id)
        client = self._floor.gateway.client_for(account.broker)
        if not client.capabilities.exits_lock_funds:
            return False
        resting = await client.open_orders(await self._floor.gateway.keys(account.broker), position.symbol)
        if {report.client_order_id for report in resting} & {order.client_order_id for order in doubtful}:
            return False
        held = {one.asset: one.free for one in await self._floor.accounts.refresh(account)}.get(position.base, ZERO)
        beside = [order for order in guarded.resting if order not in doubtful]
        needed = position.quantity - max((_locked(beside, role) for role in bookkeeping.EXITS), default=ZERO)
        instrument = await self._floor.catalog.instrument(account.broker.exchange, position.symbol)
        needed = instrument.quantity(needed)
        return needed <= held and held - needed < min(order.quantity for order in doubtful)


def _locked(exits: Iterable[Order], role: OrderRole) -> Decimal:
    return sum((order.quantity - order.filled for order in exits if order.role is role), ZERO)
