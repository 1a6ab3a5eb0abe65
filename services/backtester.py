"""Backtests of the users: asked for, queued, played by as many processes as there are cores to spare, kept with their reports.

What was under way when the house ended is marked interrupted at the next start. A run that is deleted or cancelled ends its
process at once.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from loguru import logger

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.errors import AristobotError, Conflict, InvalidInput
from aristobot.events import BacktestFinished, BacktestProgressed
from aristobot.kinds import BacktestStatus
from aristobot.market import timeframe_of
from aristobot.store import backtests
from aristobot.store.backtest_tables import Backtest
from aristobot.store.database import Database
from aristobot.store.paging import Place
from aristobot.store.tenancy import SYSTEM, GuardedSession
from services.backtest_candles import BacktestCandles, Coverage
from services.rights import for_traders

if TYPE_CHECKING:  # the house starts without numpy
    from aristobot.backtest.report import Report
    from services.backtest_run import Described, Played, Run

#: Runs of one user that may wait at once.
MOST_WAITING = 20
_LONGEST_TEXT = 256 * 1024


@dataclass(frozen=True, slots=True)
class Wish:
    """What a user wants to try. `text` is pinned; `version_id` or `template` say where it came from.

    `costs`: maker, taker as fractions in text or None for the pair's own, slippage_bps, latency in seconds. `fetch` has missing
    candles downloaded first.
    """

    strategy: str
    text: str
    exchange: str
    symbol: str
    timeframe: str
    since: datetime
    until: datetime
    parameters: Mapping[str, Any] = field(default_factory=dict)
    costs: Mapping[str, Any] = field(default_factory=dict)
    cash: Decimal = Decimal(10_000)
    seed: int = 0
    fetch: bool = False
    version_id: uuid.UUID | None = None
    template: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run under way is: queued, candles, playing or checking."""

    stage: str = "queued"
    done: float = 0.0
    seconds_left: float | None = None


@for_traders("get", "recent", "report", "described")
class Backtester:
    """The queue and its workers; every method is for one user, and answers NotFound for what is another's."""

    name = "backtester"

    def __init__(self, db: Database, bus: Bus, clock: Clock, candles: BacktestCandles) -> None:
        self._db, self._bus, self._clock, self._candles = db, bus, clock, candles
        self._queue: asyncio.Queue[tuple[uuid.UUID, uuid.UUID]] = asyncio.Queue()
        self._playing: dict[uuid.UUID, asyncio.Task[None]] = {}
        self._progress: dict[uuid.UUID, Progress] = {}
        self._described: dict[str, Described] = {}

    async def run(self) -> None:
        """Play what is asked for, until the house ends."""
        await self._interrupt_what_was()
        workers = max(1, (os.cpu_count() or 2) - 1)
        async with asyncio.TaskGroup() as group:
            for _worker in range(workers):
                group.create_task(self._work())

    # ------------------------------------------------------------------ for users

    async def start(self, user_id: uuid.UUID, wish: Wish) -> Backtest:
        """Queue a run. Raises InvalidInput for what cannot be played, Conflict `too_many_backtests`."""
        row = self._row(user_id, wish)

        def work(session: GuardedSession) -> Backtest:
            if len(backtests.under_way(session)) >= MOST_WAITING:
                raise Conflict("too_many_backtests", most=MOST_WAITING)
            row.variants = backtests.tried(session, row)
            return backtests.add(session, row)

        await self._db.write(user_id, work)
        self._progress[row.id] = Progress()
        self._queue.put_nowait((user_id, row.id))
        self._tell(user_id, row.id, Progress())
        return row

    async def coverage(self, user_id: uuid.UUID, wish: Wish) -> Coverage:
        """How many of the candles of a wish the store holds."""
        return await self._candles.coverage(wish.exchange, wish.symbol, timeframe_of(wish.timeframe), (wish.since, wish.until))

    async def cancel(self, user_id: uuid.UUID, backtest_id: uuid.UUID) -> None:
        """End a run that waits or is under way; harmless when it is over. Raises NotFound."""
        await self._db.read(user_id, lambda s: backtests.get(s, backtest_id))
        now = self._clock.now()
        ended = await self._db.write(user_id, lambda s: backtests.finish(s, backtest_id, BacktestStatus.CANCELLED, now))
        task = self._playing.get(backtest_id)
        if task is not None:
            task.cancel()
        if ended:
            self._over(user_id, backtest_id, BacktestStatus.CANCELLED)

    async def delete(self, user_id: uuid.UUID, backtest_id: uuid.UUID) -> None:
        """Forget a run and its report, ending it first. Raises NotFound."""
        await self.cancel(user_id, backtest_id)
        await self._db.write(user_id, lambda s: backtests.delete(s, backtest_id))
        self._bus.publish(BacktestFinished(at=self._clock.now(), user_id=user_id, backtest_id=backtest_id, status="deleted"))

    async def get(self, user_id: uuid.UUID, backtest_id: uuid.UUID) -> Backtest:
        """One run. Raises NotFound."""
        return await self._db.read(user_id, lambda s: backtests.get(s, backtest_id))

    async def recent(self, user_id: uuid.UUID, limit: int = 50, before: Place | None = None) -> Sequence[Backtest]:
        """The user's runs, the newest first."""
        return await self._db.read(user_id, lambda s: backtests.recent(s, limit, before))

    async def report(self, user_id: uuid.UUID, backtest_id: uuid.UUID) -> Report:
        """The report of a finished run. Raises NotFound, and Conflict while there is none."""
        from aristobot.backtest.report import unpacked

        packed = await self._db.read(user_id, lambda s: backtests.report(s, backtest_id))
        return await asyncio.to_thread(unpacked, packed)

    async def described(self, user_id: uuid.UUID, text: str) -> Described:
        """What a strategy lists of itself, asked in a process of its own. Raises StrategyError."""
        from services.backtest_run import described

        key = hashlib.sha256(text.encode()).hexdigest()
        if key not in self._described:
            self._described[key] = await described(text)
        return self._described[key]

    def progress(self, backtest_id: uuid.UUID) -> Progress:
        """How far a run under way is."""
        return self._progress.get(backtest_id, Progress())

    # ------------------------------------------------------------------ the workers

    async def _work(self) -> None:
        while True:
            user_id, backtest_id = await self._queue.get()
            now = self._clock.now()
            if not await self._db.write(user_id, partial(backtests.begin, backtest_id=backtest_id, now=now)):
                continue
            task = self._playing[backtest_id] = asyncio.create_task(self._play(user_id, backtest_id))
            try:
                await asyncio.wait({task})
            finally:
                task.cancel()
                await asyncio.wait({task})
                del self._playing[backtest_id]

    async def _play(self, user_id: uuid.UUID, backtest_id: uuid.UUID) -> None:
        """One run to its end, whatever that is."""
        row = await self.get(user_id, backtest_id)
        try:
            found = await self._played(row)
        except AristobotError as error:
            facts = json.loads(json.dumps(dict(error.facts), default=str))
            told = {"error": error.code, "error_facts": facts}
            await self._finish(row, BacktestStatus.FAILED, told)
        except Exception:  # a mistake of ours: this run is lost, those after it are played
            logger.exception("A backtest of {} fell", row.strategy)
            await self._finish(row, BacktestStatus.FAILED, {"error": "internal", "error_facts": {}})
        else:
            summary = {**found.report.figures, "profit": found.report.profit, "clean": found.report.lookahead.clean}
            told = {"summary": summary, "data_hash": found.report.data_hash, "error": "", "error_facts": {}}
            await self._finish(row, BacktestStatus.DONE, told, found.packed)

    async def _played(self, row: Backtest) -> Played:
        from services.backtest_run import Pace, played

        run = _run_of(row)
        pace = Pace(self._clock, lambda *told: self._tell(row.user_id, row.id, Progress(*told)))
        if row.fetch:
            pace.begin("candles")
            await self._candles.fetch(run.series, (run.since, run.until), pace.fetching)
        candles = await self._candles.read(run.series, (run.since, run.until))
        instrument = await self._candles.instrument(run.series)
        return await played(run, candles, instrument, pace)

    async def _finish(self, row: Backtest, status: BacktestStatus, told: Mapping[str, Any], packed: bytes | None = None) -> None:
        now = self._clock.now()

        def work(session: GuardedSession) -> bool:
            ended = backtests.finish(session, row.id, status, now, told)
            if ended and packed is not None:
                backtests.keep_report(session, row, packed)
            return ended

        if await self._db.write(row.user_id, work):
            self._over(row.user_id, row.id, status)

    async def _interrupt_what_was(self) -> None:
        """Before the first run is played: whatever is under way in the memory is not."""
        now = self._clock.now()
        for row in await self._db.read(SYSTEM, backtests.under_way):
            if row.id not in self._progress:
                await self._finish(row, BacktestStatus.INTERRUPTED, {"error": "", "error_facts": {}})
                logger.info("The backtest of {} that was asked for {} was interrupted", row.strategy, now - row.created_at)

    def _tell(self, user_id: uuid.UUID, backtest_id: uuid.UUID, progress: Progress) -> None:
        self._progress[backtest_id] = progress
        self._bus.publish(
            BacktestProgressed(
                at=self._clock.now(),
                user_id=user_id,
                backtest_id=backtest_id,
                stage=progress.stage,
                done=progress.done,
                seconds_left=progress.seconds_left,
            )
        )

    def _over(self, user_id: uuid.UUID, backtest_id: uuid.UUID, status: BacktestStatus) -> None:
        self._progress.pop(backtest_id, None)
        self._bus.publish(BacktestFinished(at=self._clock.now(), user_id=user_id, backtest_id=backtest_id, status=status.value))

    def _row(self, user_id: uuid.UUID, wish: Wish) -> Backtest:
        """The row of a wish, checked."""
        if len(wish.text) > _LONGEST_TEXT:
            raise InvalidInput("strategy_too_long", field="strategy", most=_LONGEST_TEXT // 1024)
        if wish.since >= wish.until:
            raise InvalidInput("nothing_between", field="since", since=wish.since.date(), until=wish.until.date())
        if not 0 < wish.cash <= 10**12:
            raise InvalidInput("cash_out_of_range", field="cash")
        row = Backtest(
            user_id=user_id,
            strategy_version_id=wish.version_id,
            strategy=wish.strategy[:64],
            template=wish.template,
            exchange=wish.exchange,
            symbol=wish.symbol,
            timeframe=timeframe_of(wish.timeframe).value,
            since=wish.since,
            until=wish.until,
            code=wish.text,
            parameters=dict(wish.parameters),
            costs=dict(wish.costs),
            cash=wish.cash,
            seed=wish.seed,
            fetch=wish.fetch,
            fingerprint=_fingerprint(wish),
            created_at=self._clock.now(),
        )
        checked_costs(wish.costs)
        return row


def checked_costs(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The costs of a run as they are kept, or InvalidInput at the one that cannot be."""
    bounds = {"maker": "0.1", "taker": "0.1", "slippage_bps": "1000", "latency": "3600"}
    for name, value in given.items():
        if name not in bounds or (value is not None and not 0 <= Decimal(str(value)) <= Decimal(bounds[name])):
            raise InvalidInput("cost_out_of_range", field=name, most=bounds.get(name, ""))
    return given


def _fingerprint(wish: Wish) -> str:
    parameters = json.dumps(dict(wish.parameters), sort_keys=True, default=str)
    return hashlib.sha256(f"{wish.text}\0{parameters}".encode()).hexdigest()


def _run_of(row: Backtest) -> Run:
    from aristobot.candle_files import CandleSeries
    from services.backtest_run import Costs, Run

    given = row.costs or {}
    fees = {name: None if given.get(name) is None else Decimal(str(given[name])) for name in ("maker", "taker")}
    rest = {name: float(given.get(name) or 0) for name in ("slippage_bps", "latency")}
    return Run(
        text=row.code,
        series=CandleSeries(row.exchange, row.symbol, timeframe_of(row.timeframe)),
        since=row.since,
        until=row.until,
        parameters=row.parameters or {},
        cash=row.cash,
        costs=Costs(fees["maker"], fees["taker"], rest["slippage_bps"], rest["latency"]),
        seed=row.seed,
        variants=row.variants,
    )
