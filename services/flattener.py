"""Carries out FLATTEN: cancel entries, sell positions, take their stops back; begun before a crash, it is finished after."""

from __future__ import annotations

from loguru import logger

from aristobot.errors import AristobotError
from aristobot.events import TradingHalted
from aristobot.kinds import HaltLevel, HaltScope, OrderOrigin, OrderRole
from aristobot.logs import log_context
from aristobot.money import ZERO
from aristobot.orders import OrderType, Side
from aristobot.store import orders, positions
from aristobot.store.tables import Halt
from aristobot.store.trading_tables import PositionRow
from services.bracket_keeper import BracketKeeper
from services.broker_book import Account
from services.order_desk import OrderDesk
from services.order_draft import PlaceOrder
from services.trading_floor import TradingFloor

_RETRY = 2.0


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
        for halt in self._unfinished():
            while not await self._flatten(halt):
                await self._floor.clock.sleep(_RETRY)
                if halt.id not in {one.id for one in self._unfinished()}:
                    break

    def _unfinished(self) -> list[Halt]:
        return [one for one in self._floor.kill_switch.active() if one.level is HaltLevel.FLATTEN and one.completed_at is None]

    async def _flatten(self, halt: Halt) -> bool:
        """One round over the scope; True when everything is flat, and noted so."""
        flat = True
        for account in self._floor.brokers.all():
            if not _in_scope(halt, account):
                continue
            with log_context(user_id=account.user_id):
                try:
                    flat &= await self._flatten_broker(account, halt)
                except AristobotError as error:
                    logger.error("Broker {} could not be flattened yet: {}", account.id, error)
                    flat = False
        if flat:
            await self._floor.kill_switch.completed(halt.id)
            logger.info("Everything in the scope of halt {} is flat", halt.id)
        return flat

    async def _flatten_broker(self, account: Account, halt: Halt) -> bool:
        owner = f"strategy:{halt.scope_id}" if halt.scope is HaltScope.STRATEGY else None
        for row in await self._floor.db.read(account.user_id, lambda s: orders.alive(s, account.id)):
            if row.role is OrderRole.ENTRY and owner in (None, row.owner):
                await self._desk.cancel(account.user_id, row.id)
        held = await self._floor.db.read(account.user_id, lambda s: positions.open_ones(s, account.id))
        sold = [await self._sell(account, row, halt) for row in held if owner in (None, row.owner)]
        return all(sold)

    async def _sell(self, account: Account, position: PositionRow, halt: Halt) -> bool:
        left = await self._keeper.stand_down(account.user_id, position.id)
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
        row = await self._desk.place(account.user_id, wish)
        if not row.filled:
            await self._keeper.resume(account.user_id, position.id)
        return bool(row.filled)


def _in_scope(halt: Halt, account: Account) -> bool:
    if halt.scope is HaltScope.USER:
        return halt.scope_id == account.user_id
    if halt.scope is HaltScope.BROKER:
        return halt.scope_id == account.id
    return True
