"""Strategies at work: every activation has its run, which gets the closed candles of its market and hears of its orders.

After a restart those that ran run again: they take their position up where it is, and candles that closed meanwhile are history.
"""

from __future__ import annotations

import asyncio
import uuid
from datetime import datetime

from loguru import logger

from aristobot.errors import AristobotError, Conflict, DataError, ExchangeError, StrategyError
from aristobot.events import CandleClosed, OrderUpdated
from aristobot.kinds import ActivationStatus, BrokerMode, OrderRole
from aristobot.store import activations, orders
from aristobot.store.database import Database
from aristobot.store.strategy_tables import Activation
from aristobot.store.tenancy import SYSTEM, GuardedSession
from services.activation_desk import ActivationDesk
from services.candle_follower import Market
from services.rights import for_traders
from services.strategy_books import knows_all, read
from services.strategy_candles import StrategyCandles
from services.strategy_run import LOOKS_BACK, StrategyRun
from services.strategy_tools import RunTools
from services.strategy_turn import Said

#: Each strategy at work is a process of its own.
MOST_AT_WORK = 20


@for_traders()
class StrategyTrading:
    """Starts and stops activations, and hands each run what concerns it. `desk` keeps their rows."""

    name = "strategy_trading"

    def __init__(self, tools: RunTools, candles: StrategyCandles, desk: ActivationDesk) -> None:
        self._tools = tools
        self._floor = tools.floor
        self._db: Database = tools.floor.db
        self._candles = candles
        self.desk = desk
        self._runs: dict[uuid.UUID, StrategyRun] = {}
        self._changing = asyncio.Lock()
        self._inbox = tools.floor.bus.subscribe(CandleClosed, OrderUpdated)

    async def run(self) -> None:
        """After recovery: take up what ran, then follow the bus."""
        await self._floor.ready.wait()
        try:
            await self._resume()
            async for event in self._inbox:
                for run in list(self._runs.values()):
                    match event:
                        case CandleClosed() if run.at_work and run.waits_for(event):
                            run.candle(event)
                        case OrderUpdated() if (event.broker_id, event.symbol) == (run.broker_id, run.symbol):
                            run.wake()
        finally:
            await self._candles.close()
            await asyncio.gather(*(run.end() for run in self._runs.values()))
            self._runs.clear()
            await self._tools.host.close()

    async def start(self, user_id: uuid.UUID, activation_id: uuid.UUID) -> Activation:
        """Let a strategy run from the next closed candle on; one that runs is left as it is.

        It was looked at by then: it loads, its parameters fit, its broker is for strategies. Raises NotFound, StrategyError,
        ExchangeError; Conflict `broker_not_for_strategies`, `too_many_at_work`, `not_ready`.
        """
        async with self._changing:
            posted = await self._db.read(user_id, lambda s: activations.posted(s, activation_id))
            if posted.row.status is ActivationStatus.RUNNING and activation_id in self._runs:
                return posted.row
            await self._refuse_start(posted)
            await self._end(activation_id)
            run = await self._run_of(posted.row)
            try:
                seen = await self._try_out(run, posted)
            except AristobotError:
                await run.end()
                raise
            values = {"decided_at": seen, **await self._fresh(posted.row)}
            row = await self._tools.log.change(posted.row, [Said("reason.run_started", {})], **values)
            run.at_work = True
            self._take(run)
            run.begin()
            return row

    async def stop(self, user_id: uuid.UUID, activation_id: uuid.UUID) -> Activation:
        """Let a strategy rest: entries that wait are taken back, now or as soon as the exchange lets us; what it had decided and
        not done yet is not done any more; what it holds keeps its exits. NotFound.
        """
        async with self._changing:
            row = await self._db.read(user_id, lambda s: activations.get(s, activation_id))
            if (run := self._runs.pop(activation_id, None)) is not None:
                await run.rest()
            said = [Said("reason.run_stopped", {})] if row.status is not ActivationStatus.STOPPED else []
            values = {"status": ActivationStatus.STOPPED, "reason": "", "reason_facts": None, "work": None}
            row = await self._tools.log.change(row, said, **values)
            try:
                said = await self._tools.orders.cancel_entries(row)
                row = await self._tools.log.change(row, said) if said else row
                await self._tools.orders.leave(row)
            except (ExchangeError, DataError) as error:
                logger.error("Entries of activation {} are taken back later: {}", activation_id, error)
            self._follow()
            await self._see_off(row)
            return row

    async def _see_off(self, row: Activation) -> None:
        """What could not be taken back yet, or is filled late, is followed to its end, and guarded."""
        alive = await self._db.read(row.user_id, lambda s: activations.alive(s, activations.owner_of(row.id)))
        if row.plan is not None or any(one.role is OrderRole.ENTRY for one in alive):
            run = await self._run_of(row)
            self._take(run)
            run.begin()

    async def remove(self, user_id: uuid.UUID, activation_id: uuid.UUID) -> None:
        """Forget a stopped activation that holds nothing. NotFound, Conflict."""
        async with self._changing:
            await self.desk.remove(user_id, activation_id)
            await self._end(activation_id)

    # ------------------------------------------------------------------ runs

    async def _resume(self) -> None:
        rows = await self._db.read(SYSTEM, _unfinished)
        for posted in rows:
            row = posted.row
            try:
                run = await self._run_of(row)
            except AristobotError as error:
                logger.error("Activation {} cannot be taken up: {}", row.id, error)
                if row.status in activations.AT_WORK:
                    homeless = StrategyError("strategy_homeless", what=str(error.facts.get("kind", row.symbol)))
                    await self._tools.log.ended(row, ActivationStatus.PAUSED, homeless)
                continue
            self._take(run)
            run.begin(posted.version.code if row.status in activations.AT_WORK else "")

    async def _run_of(self, row: Activation) -> StrategyRun:
        account = await self._floor.brokers.owned(row.user_id, row.broker_id)
        return StrategyRun(self._tools, row, await self._floor.fees.instrument(account, row.symbol))

    def _take(self, run: StrategyRun) -> None:
        self._runs[run.id] = run
        self._follow()

    def _follow(self) -> None:
        self._candles.follow((Market(one.exchange, one.symbol), one.timeframe) for one in self._runs.values())

    async def _end(self, activation_id: uuid.UUID) -> None:
        run = self._runs.pop(activation_id, None)
        if run is not None:
            await run.end()

    async def _refuse_start(self, posted: activations.Posted) -> None:
        account = await self._floor.brokers.owned(posted.row.user_id, posted.row.broker_id)
        if not self._floor.ready.is_set():
            raise Conflict("not_ready")
        if account.broker.mode is not BrokerMode.STRATEGIES:
            raise Conflict("broker_not_for_strategies", broker=account.broker.name)
        if sum(one.at_work for one in self._runs.values()) >= MOST_AT_WORK:
            raise Conflict("too_many_at_work", most=MOST_AT_WORK)

    async def _try_out(self, run: StrategyRun, posted: activations.Posted) -> datetime:
        """Seat it and let it look at its candles once: what cannot run is said before it runs. When the last of them closed."""
        await run.seat.begin(posted.version.code)
        window = await self._tools.history.window(run.exchange, run.symbol, run.timeframe, LOOKS_BACK)
        if not window:
            raise StrategyError("no_candles", symbol=run.symbol, timeframe=run.timeframe.value)
        run.seat.show(window)
        await run.seat.is_warm()
        return window[-1].close_time

    async def _fresh(self, row: Activation) -> dict[str, object]:
        """What a start writes: it runs, whatever stopped it is forgiven, and what it never heard of is no news to it."""

        def work(session: GuardedSession) -> dict[str, object]:
            return knows_all(read(session, row.id))

        told = row.told or await self._db.read(row.user_id, work)
        state = {**row.vars, "stopped": ""} if row.vars else row.vars
        return {"status": ActivationStatus.RUNNING, "reason": "", "reason_facts": None, "vars": state, "told": told}


def _unfinished(session: GuardedSession) -> list[activations.Posted]:
    """Those at work, and those of which something is half done or could still be filled."""
    waiting = {one.owner for one in orders.alive(session) if one.role is OrderRole.ENTRY}
    return [
        one
        for one in activations.mine(session)
        if one.row.status in activations.AT_WORK or one.row.work or one.row.plan or activations.owner_of(one.row.id) in waiting
    ]
