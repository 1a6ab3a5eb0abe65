"""From what a strategy wants to orders at the desk and exits at the keeper: cancel, close, enter, sell, guard, in this order.

The same decision carried out again after a restart sends nothing twice. Alerts and strategies share the turns of a market.
"""

from __future__ import annotations

from dataclasses import replace

from aristobot.money import HUNDRED
from aristobot.orders import OrderType
from aristobot.store.strategy_tables import Activation
from aristobot.strategy_orders import Decision
from services.bracket_keeper import BracketKeeper
from services.order_desk import OrderDesk
from services.strategy_books import Books, read
from services.strategy_entries import StrategyEntries
from services.strategy_exits import StrategyExits
from services.strategy_turn import Said, Turn, Work
from services.trading_floor import TradingFloor


class StrategyOrders:
    """The one way from a decision to the desk."""

    def __init__(self, floor: TradingFloor, desk: OrderDesk, keeper: BracketKeeper) -> None:
        self._floor = floor
        self._desk = desk
        self._keeper = keeper

    async def carry_out(self, row: Activation, decision: Decision, turn: Turn) -> list[Said]:
        """Do what a decision wants; what was done of it before is not done again. Raises ExchangeError, NotFound."""
        work = await self._work(row, turn)
        entries, exits = StrategyEntries(work), StrategyExits(work)
        said: list[Said] = []
        async with self._floor.turn(row.broker_id, row.symbol):
            if decision.cancel_entries:
                said += await entries.cancel()
                if (await work.books()).held(work.instrument):  # one was filled meanwhile: the others were meant in its place
                    entries = StrategyEntries(replace(work, turn=replace(turn, overtaken=True)))
            if decision.close:
                said += await exits.sell(HUNDRED, "x", decision.close)
            said += await entries.enter(decision)
            for number, intent in enumerate(decision.exits or ()):
                if intent.type is OrderType.MARKET:
                    said += await exits.sell_part(intent, f"s{number}")
            if not decision.close:
                said += await exits.guard(decision)
        return said

    async def guard(self, row: Activation) -> None:
        """Put up the exits that an entry asked for and that do not stand yet. Raises ExchangeError, NotFound."""
        if row.plan is None:
            return
        exits = StrategyExits(await self._work(row, Turn(row.turns, None)))
        async with self._floor.turn(row.broker_id, row.symbol):
            await exits.guard_new()

    async def leave(self, row: Activation) -> None:
        """Nobody decides any more: what is held, or was filled in the last moment, has its exits. Raises NotFound."""
        await self.guard(row)
        books: Books = await self._floor.db.read(row.user_id, lambda s: read(s, row.id))
        if books.position is not None and books.bracket is not None:
            await self._keeper.resume(row.user_id, books.position.id)

    async def cancel_entries(self, row: Activation) -> list[Said]:
        """Take back the entries that rest. Raises ExchangeError, NotFound."""
        entries = StrategyEntries(await self._work(row, Turn(row.turns, None)))
        async with self._floor.turn(row.broker_id, row.symbol):
            return await entries.cancel()

    async def _work(self, row: Activation, turn: Turn) -> Work:
        account = await self._floor.brokers.owned(row.user_id, row.broker_id)
        instrument = await self._floor.fees.instrument(account, row.symbol)
        return Work(self._floor, self._desk, self._keeper, account, row, instrument, turn)
