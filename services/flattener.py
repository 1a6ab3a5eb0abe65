"""Carries out FLATTEN: cancel entries, sell positions, take their stops back; begun before a crash, it is finished after."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta

from loguru import logger

from aristobot.errors import AristobotError, UnknownSymbol
from aristobot.events import TradingHalted
from aristobot.kinds import HaltLevel, HaltScope, OrderOrigin, OrderRole
from aristobot.logs import log_context
from aristobot.money import ZERO
from aristobot.orders import OrderType, Side
from aristobot.store import orders, positions
from aristobot.store.tables import Halt
from aristobot.store.tenancy import GuardedSession
from aristobot.store.trading_tables import Order, PositionRow
from services.bracket_keeper import BracketKeeper
from services.broker_book import Account
from services.order_desk import OrderDesk
from services.order_draft import PlaceOrder
from services.trading_floor import TradingFloor

_RETRY = 2.0
#: So long the fills of an order are asked for after a restart: what is older is not waited for either.
_UNTOLD_FOR = timedelta(days=1)


class Flattener:
    """Follows the kill switch; a halt of level FLATTEN is worked on until everything in its scope is flat."""

    name = "flattener"

    def __init__(self, floor: TradingFloor, desk: OrderDesk, keeper: BracketKeeper) -> None:
        self._floor = floor
        self._desk = desk
        self._keeper = keeper
        self._inbox = floor.bus.subscribe(TradingHalted)

    async def run(self) -> None:
        """Finish what is unfinished, then follow."""
        await self._floor.ready.wait()
        await self._flatten_all()
        async for _ in self._inbox:
            await self._flatten_all()

    async def _flatten_all(self) -> None:
        """Round after round over every halt that is not finished; one that cannot be yet stops no other."""
        while unfinished := self._unfinished():
            flat = await asyncio.gather(*(self._flatten(halt) for halt in unfinished))
            if not all(flat):
                await self._floor.clock.sleep(_RETRY)

    def _unfinished(self) -> list[Halt]:
        return [one for one in self._floor.kill_switch.active() if one.level is HaltLevel.FLATTEN and one.completed_at is None]

    async def _flatten(self, halt: Halt) -> bool:
        """One round over the scope; True when everything is flat, and noted so."""
        concerned = [account for account in self._floor.brokers.all() if _in_scope(halt, account)]
        flat = await asyncio.gather(*(self._flatten_safely(account, halt) for account in concerned))
        if not all(flat):
            return False
        await self._floor.kill_switch.completed(halt.id)
        logger.info("Everything in the scope of halt {} is flat", halt.id)
        return True

    async def _flatten_safely(self, account: Account, halt: Halt) -> bool:
        with log_context(user_id=account.user_id):
            return await self._done(account, self._flatten_broker(account, halt))

    async def _done(self, account: Account, doing: Awaitable[bool]) -> bool:
        """Whether it worked; what fails is said, and tried again in the next round."""
        try:
            return await doing
        except AristobotError as error:
            logger.error("Broker {} could not be flattened yet: {}", account.id, error)
            return False

    async def _flatten_broker(self, account: Account, halt: Halt) -> bool:
        """Entries back first, then everything sold; what cannot be taken back or sold now stops nothing else."""
        waiting = await self._entries(account, halt)
        back = await asyncio.gather(*(self._done(account, self._cancel(account, row)) for row in waiting))
        held = await self._held(account, halt)
        sold = await asyncio.gather(*(self._done(account, self._sell(account, row, halt)) for row in held))
        if not all((*back, *sold)):
            return False
        return not await self._held(account, halt) and not await self._entries(account, halt)

    async def _cancel(self, account: Account, row: Order) -> bool:
        await self._desk.cancel(account.user_id, row.id)
        return True

    async def _entries(self, account: Account, halt: Halt) -> list[Order]:
        """Entries that may still buy, those in doubt included, and those of which it is not all known what they have bought."""
        since = self._floor.clock.now() - _UNTOLD_FOR

        def work(session: GuardedSession) -> list[Order]:
            return orders.alive(session, account.id) + orders.without_all_fills(session, account.id, since)

        found = {row.id: row for row in await self._floor.db.read(account.user_id, work)}
        return [row for row in found.values() if row.role is OrderRole.ENTRY and self._is_meant(halt, row.owner)]

    async def _held(self, account: Account, halt: Halt) -> list[PositionRow]:
        """Open positions that can be sold; dust below the exchange's smallest order stays."""
        held = await self._floor.db.read(account.user_id, lambda s: positions.open_ones(s, account.id))
        return [row for row in held if self._is_meant(halt, row.owner) and not await self._is_dust(account, row)]

    async def _is_dust(self, account: Account, row: PositionRow) -> bool:
        try:
            instrument = await self._floor.catalog.instrument(account.broker.exchange, row.symbol)
        except UnknownSymbol:  # listed no more: there is no saying what could be sold of it
            return row.is_dust
        return instrument.is_dust(row.quantity, row.current_price)

    def _is_meant(self, halt: Halt, owner: str) -> bool:
        owners = self._floor.kill_switch.owners(halt)
        return owners is None or owner in owners

    async def _sell(self, account: Account, position: PositionRow, halt: Halt) -> bool:
        async with self._keeper.standing_down(account.user_id, position.id) as left:
            if left <= ZERO:
                return True
            attempts = await self._floor.db.read(account.user_id, lambda s: orders.count_of_cause(s, position.id, "flatten"))
            wish = PlaceOrder(
                broker_id=account.id,
                symbol=position.symbol,
                side=Side.SELL,
                type=OrderType.MARKET,
                quantity=left,
                origin=OrderOrigin.KEEPER,
                role=OrderRole.EXIT,
                owner=position.owner,
                cause=halt.id,
                leg=f"flatten:{position.id.hex[:12]}",
                attempt=attempts + 1,
                position_id=position.id,
            )
            await self._desk.place(account.user_id, wish)
        return True


def _in_scope(halt: Halt, account: Account) -> bool:
    if halt.scope is HaltScope.USER:
        return halt.scope_id == account.user_id
    if halt.scope is HaltScope.BROKER:
        return halt.scope_id == account.id
    return True
