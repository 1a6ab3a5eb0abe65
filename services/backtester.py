"""The doors to backtests: ask for one, follow it, cancel it, read what it found."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.errors import Conflict
from aristobot.kinds import BacktestStatus
from aristobot.store import backtests
from aristobot.store.backtest_tables import Backtest
from aristobot.store.database import Database
from aristobot.store.paging import Place
from aristobot.store.tenancy import GuardedSession
from services.backtest_candles import BacktestCandles
from services.backtest_queue import BacktestQueue
from services.backtest_shelf import BacktestShelf
from services.backtest_sources import StrategySources
from services.backtest_wish import Wish, row_of
from services.rights import for_traders

if TYPE_CHECKING:  # the house starts without numpy
    from aristobot.backtest.report import Report

#: Runs of one user that may wait at once.
MOST_WAITING = 20


@for_traders("get", "recent", "report")
class Backtester:
    """Every method is for one user, and answers NotFound for what is another's."""

    def __init__(self, db: Database, bus: Bus, clock: Clock, candles: BacktestCandles, keep: int = 200) -> None:
        self._db, self._clock, self.candles = db, clock, candles
        self.sources = StrategySources(db)
        self.shelf = BacktestShelf(db, bus, clock, keep)
        self.queue = BacktestQueue(db, bus, clock, candles)

    async def start(self, user_id: uuid.UUID, wish: Wish) -> Backtest:
        """Queue a run. Raises InvalidInput for what cannot be played, Conflict `too_many_backtests`."""
        row = row_of(user_id, wish, self._clock.now())

        def work(session: GuardedSession) -> Backtest:
            if len(backtests.under_way(session)) >= MOST_WAITING:
                raise Conflict("too_many_backtests", most=MOST_WAITING)
            row.variants = backtests.tried(session, row)
            return backtests.add(session, row)

        await self._db.write(user_id, work)
        await self.shelf.prune(user_id)
        self.queue.put(row)
        return row

    async def pin(self, user_id: uuid.UUID, backtest_id: uuid.UUID, pinned: bool) -> Backtest:
        """Keep a run whatever comes after it, or not any more. Raises NotFound."""
        return await self._db.write(user_id, lambda s: backtests.pin(s, backtest_id, pinned))

    async def cancel(self, user_id: uuid.UUID, backtest_id: uuid.UUID) -> None:
        """End a run that waits or is under way; harmless when it is over. Raises NotFound."""
        await self.queue.finish(await self.get(user_id, backtest_id), BacktestStatus.CANCELLED)

    async def delete(self, user_id: uuid.UUID, backtest_id: uuid.UUID) -> None:
        """Forget a run and its report, ending it first. Raises NotFound."""
        await self.cancel(user_id, backtest_id)
        await self._db.write(user_id, lambda s: backtests.delete(s, backtest_id))
        self.shelf.tell_gone(user_id, backtest_id)

    async def get(self, user_id: uuid.UUID, backtest_id: uuid.UUID) -> Backtest:
        """One run. Raises NotFound."""
        return await self._db.read(user_id, lambda s: backtests.get(s, backtest_id))

    async def recent(self, user_id: uuid.UUID, limit: int = 50, before: Place | None = None) -> list[Backtest]:
        """The user's runs, the newest first."""
        return await self._db.read(user_id, lambda s: backtests.recent(s, limit, before))

    async def report(self, user_id: uuid.UUID, backtest_id: uuid.UUID) -> Report:
        """The report of a finished run. Raises NotFound, and Conflict while there is none."""
        from aristobot.backtest.report import unpacked

        packed = await self._db.read(user_id, lambda s: backtests.report(s, backtest_id))
        return await asyncio.to_thread(unpacked, packed)
