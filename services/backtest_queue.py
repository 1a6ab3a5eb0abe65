"""The workers: backtests one after the other on each core to spare, told while they run, ended at once when nobody wants them.

What was under way when the house ended is marked interrupted at the next start.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from loguru import logger

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.errors import AristobotError
from aristobot.kinds import BacktestStatus
from aristobot.research_events import BacktestFinished, BacktestProgressed
from aristobot.store import backtests
from aristobot.store.backtest_tables import Backtest
from aristobot.store.database import Database
from aristobot.store.tenancy import SYSTEM, GuardedSession
from services.backtest_candles import BacktestCandles
from services.backtest_wish import Progress, run_of

if TYPE_CHECKING:  # the house starts without numpy
    from services.backtest_run import Pace, Played, Run


class BacktestQueue:
    """What waits, what is played, and how far it is."""

    name = "backtester"

    def __init__(self, db: Database, bus: Bus, clock: Clock, candles: BacktestCandles) -> None:
        self._db, self._bus, self._clock, self._candles = db, bus, clock, candles
        self._waiting: asyncio.Queue[Backtest] = asyncio.Queue()
        self._playing: dict[uuid.UUID, asyncio.Task[None]] = {}
        self._progress: dict[uuid.UUID, Progress] = {}
        self._began = clock.now()

    async def run(self) -> None:
        """Play what is asked for, until the house ends."""
        await self._interrupt_what_was()
        workers = max(1, (os.cpu_count() or 2) - 1)
        async with asyncio.TaskGroup() as group:
            for _worker in range(workers):
                group.create_task(self._work())

    def put(self, row: Backtest) -> None:
        """Have a stored run played when a worker is free."""
        self._tell(row, Progress())
        self._waiting.put_nowait(row)

    def progress(self, backtest_id: uuid.UUID) -> Progress:
        """How far a run under way is."""
        return self._progress.get(backtest_id, Progress())

    async def finish(
        self, row: Backtest, status: BacktestStatus, told: Mapping[str, Any] | None = None, packed: bytes | None = None
    ) -> None:
        """End a run, in the memory and in fact; harmless when it is over."""
        now = self._clock.now()

        def work(session: GuardedSession) -> bool:
            ended = backtests.finish(session, row.id, status, now, told)
            if ended and packed is not None:
                backtests.keep_report(session, row, packed)
            return ended

        ended = await self._db.write(row.user_id, work)
        task = self._playing.get(row.id)
        if task is not None and task is not asyncio.current_task():
            task.cancel()
        if ended:
            self._progress.pop(row.id, None)
            self._bus.publish(BacktestFinished(at=now, user_id=row.user_id, backtest_id=row.id, status=status.value))

    async def _work(self) -> None:
        while True:
            row = await self._waiting.get()
            task = self._playing[row.id] = asyncio.create_task(self._play(row))
            try:
                await asyncio.wait({task})
            finally:
                task.cancel()
                await asyncio.wait({task})
                del self._playing[row.id]

    async def _play(self, row: Backtest) -> None:
        """One run to its end, whatever that is; one that does not wait any more is passed over."""
        begin = partial(backtests.begin, backtest_id=row.id, now=self._clock.now())
        if not await self._db.write(row.user_id, begin):
            return
        try:
            found = await self._played(row)
        except AristobotError as error:
            facts = {name: str(value) for name, value in error.facts.items()}
            await self.finish(row, BacktestStatus.FAILED, {"error": error.code, "error_facts": facts})
        except Exception:  # a mistake of ours: this run is lost, those after it are played
            logger.exception("A backtest of {} fell", row.strategy)
            await self.finish(row, BacktestStatus.FAILED, {"error": "internal", "error_facts": {}})
        else:
            report = found.report
            summary = {**report.figures, "profit": report.profit, "clean": report.lookahead.clean}
            await self.finish(row, BacktestStatus.DONE, {"summary": summary, "data_hash": report.data_hash}, found.packed)

    async def _played(self, row: Backtest) -> Played:
        from services.backtest_run import Pace, material_of, played

        run = run_of(row)
        span = (run.since, run.until)
        pace = Pace(self._clock, lambda *told: self._tell(row, Progress(*told)))
        if row.fetch:
            await self._fetch(run, pace)
        material = await material_of(run, lambda series: self._candles.read(series, span), self._candles.instrument)
        return await played(run, material, pace)

    async def _fetch(self, run: Run, pace: Pace) -> None:
        """Download what is missing of every series; the run does without bitcoin's, which is only compared with."""
        needed = run.needed
        for number, series in enumerate(needed):
            pace.begin("candles")
            told = partial(pace.fetching, number=number, count=len(needed))
            try:
                await self._candles.fetch(series, (run.since, run.until), told)
            except AristobotError as error:
                if series != run.bitcoin or series in run.candles:
                    raise
                logger.info("No candles of {} to compare with: {}", series.symbol, error)

    async def _interrupt_what_was(self) -> None:
        """Before the first run is played: whatever is under way in the memory is not, but for what this house was asked for."""
        for row in await self._db.read(SYSTEM, backtests.under_way):
            if row.created_at < self._began:
                await self.finish(row, BacktestStatus.INTERRUPTED)
                logger.info("The backtest of {} asked for at {} was interrupted", row.strategy, row.created_at)

    def _tell(self, row: Backtest, progress: Progress) -> None:
        self._progress[row.id] = progress
        self._bus.publish(
            BacktestProgressed(
                at=self._clock.now(),
                user_id=row.user_id,
                backtest_id=row.id,
                stage=progress.stage,
                done=progress.done,
                seconds_left=progress.seconds_left,
            )
        )
