"""Keeps every position guarded as its owner asked: watches, repairs after a crash, retries, alarms, exits in emergency.

A position without its stop for 15 s stops its broker's entries, for 30 s it is sold (reliability, 3.4).
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from weakref import WeakValueDictionary

from loguru import logger

from aristobot.errors import AristobotError, NotFound
from aristobot.events import PositionUpdated, StopMissing
from aristobot.kinds import HaltLevel, HaltScope, LotStatus
from aristobot.logs import log_context
from aristobot.money import ZERO
from aristobot.store import brackets, positions
from aristobot.store.tenancy import SYSTEM, GuardedSession
from aristobot.store.trading_tables import PositionRow
from services.exit_placer import ExitPlacer
from services.exit_plan import ExitPlan
from services.trading_floor import TradingFloor

RETRY_AFTER = 1.0
ALARM_AFTER = 15.0
EXIT_AFTER = 30.0


class BracketKeeper:
    """One lock per position; `guard`, `standing_down` and the events of the bus all come to the placer under it."""

    name = "bracket_keeper"

    def __init__(self, floor: TradingFloor, placer: ExitPlacer) -> None:
        self._floor = floor
        self._placer = placer
        self._watch = placer.watch
        self._inbox = floor.bus.subscribe(PositionUpdated, keep="latest")
        self._locks: WeakValueDictionary[uuid.UUID, asyncio.Lock] = WeakValueDictionary()
        self._asked: set[uuid.UUID] = set()
        self._working: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """After recovery: look at every bracket once, then follow the positions and retry what is naked."""
        await self._floor.ready.wait()
        try:
            await self.sweep()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._follow())
                tasks.create_task(self._retry())
        finally:
            for task in self._working:
                task.cancel()

    async def sweep(self) -> None:
        """Have every bracket looked at that is not done; none waits for another."""
        for bracket in await self._floor.db.read(SYSTEM, positions.brackets):
            self._look_after(bracket.user_id, bracket.position_id)

    async def guard(
        self, user_id: uuid.UUID, position_id: uuid.UUID, wanted: ExitPlan | Callable[[brackets.Guarded], ExitPlan]
    ) -> brackets.Guarded:
        """Ask for a stop and targets, in place of what was asked before, and make it so. Returns what then stands.

        A change of what guards now is asked for as a function of it: a target that is reached in this moment is not in it any
        more. What the exchange does not do now is tried again until it does. A stop at or above the market sells at once: it
        would trigger anyway. Raises NotFound, what the function raises, and for a function ExchangeError while it is in doubt
        what a reached target has sold: what would be kept of it might be sold twice.
        """
        now = self._floor.clock.now()

        def work(session: GuardedSession) -> None:
            plan = wanted if isinstance(wanted, ExitPlan) else wanted(brackets.guarded(session, position_id))
            brackets.ask(session, position_id, plan.stop, plan.stored_targets(), now)

        async with self._lock(position_id):
            if not isinstance(wanted, ExitPlan) and (await self._placer.read(user_id, position_id)).taking.legs:
                await self._placer.ensure(user_id, position_id)
            with self._floor.positions.touching(position_id):
                await self._floor.db.write(user_id, work)
            await self._ensure_held(user_id, position_id)
        return await self._placer.read(user_id, position_id)

    @asynccontextmanager
    async def standing_down(
        self, user_id: uuid.UUID, position_id: uuid.UUID, before: Callable[[], Awaitable[None]] | None = None
    ) -> AsyncIterator[Decimal]:
        """Take the resting exits back for the length of a sale; gives what can be sold meanwhile.

        Nobody else sells or guards the position inside; what is left of it is guarded again afterwards. `before` is awaited
        when there is something to take back. Raises ExchangeError when the exits cannot be taken back, or when an earlier sale
        is in doubt for too long.
        """
        async with self._lock(position_id):
            if (bare := self._floor.positions.unguarded(position_id)) is not None:
                yield bare.quantity
                return
            if before is not None:
                await before()
            try:
                left = (await self._placer.stand_down(user_id, position_id)).position
                yield left.quantity if left.status is LotStatus.OPEN else ZERO
            finally:
                task = asyncio.current_task()
                if task is None or not task.cancelling():  # a house that stops guards again at its next start
                    await self._ensure_held(user_id, position_id)

    async def resume(self, user_id: uuid.UUID, position_id: uuid.UUID) -> None:
        """Make sure of the exits of a position."""
        await self._ensure_safely(user_id, position_id)

    def price_met(self, user_id: uuid.UUID, position_id: uuid.UUID) -> None:
        """The market reached a watched target, or a stop that may not rest: have the position looked at, now."""
        self._look_after(user_id, position_id)

    def is_in_gap(self, position_id: uuid.UUID) -> bool:
        """Whether the stop of a position may be away at this moment, so that we have to watch it ourselves."""
        return position_id in self._watch.naked_since or position_id in self._watch.unfinished

    async def _follow(self) -> None:
        async for event in self._inbox:
            if event.user_id is not None:
                self._look_after(event.user_id, event.position_id)

    def _look_after(self, user_id: uuid.UUID, position_id: uuid.UUID, *, exit_now: bool = False) -> None:
        """Have a position looked at, beside all others; who is waiting for its turn already will see what is new too."""
        if position_id in self._asked and not exit_now:
            return
        self._asked.add(position_id)
        task = asyncio.create_task(self._ensure_safely(user_id, position_id, exit_now=exit_now))
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _retry(self) -> None:
        while True:
            await self._floor.clock.sleep(RETRY_AFTER)
            now = self._floor.clock.monotonic()
            for position_id in self._watch.due(now):
                try:
                    await self._retry_one(position_id, now)
                except NotFound:
                    self._watch.forget(position_id)  # it went with its owner
                except AristobotError as error:
                    logger.error("Position {} cannot be looked at now: {}", position_id, error)

    async def _retry_one(self, position_id: uuid.UUID, now: float) -> None:
        row = await self._floor.db.read(SYSTEM, lambda s: positions.get(s, position_id))
        naked_for = now - self._watch.naked_since.get(position_id, now)
        with log_context(user_id=row.user_id):
            if naked_for > ALARM_AFTER and position_id not in self._watch.alarmed:
                await self._alarm(row)
            if not self._lock(position_id).locked():  # else somebody is at it, or waits until it is certain what rests
                self._look_after(row.user_id, position_id, exit_now=naked_for > EXIT_AFTER)

    async def _alarm(self, row: PositionRow) -> None:
        switch = self._floor.kill_switch
        try:
            await switch.set(HaltScope.BROKER, row.broker_id, HaltLevel.REDUCE, by=self.name, reason="naked_position")
        except AristobotError as error:  # tried again with the next look: whether it is written or not, the stop comes first
            logger.error("Position {} has no stop, and the entries of its broker cannot be stopped yet: {}", row.id, error)
            return
        self._watch.alarmed.add(row.id)
        logger.error("Position {} has been without its stop for {:.0f} s: entries of its broker stop", row.id, ALARM_AFTER)
        self._floor.bus.publish(
            StopMissing(
                at=self._floor.clock.now(),
                user_id=row.user_id,
                position_id=row.id,
                broker_id=row.broker_id,
                symbol=row.symbol,
                seconds=int(ALARM_AFTER),
            )
        )

    async def _ensure_safely(self, user_id: uuid.UUID, position_id: uuid.UUID, *, exit_now: bool = False) -> None:
        async with self._lock(position_id):
            self._asked.discard(position_id)
            await self._ensure_held(user_id, position_id, exit_now=exit_now)

    async def _ensure_held(self, user_id: uuid.UUID, position_id: uuid.UUID, *, exit_now: bool = False) -> None:
        try:
            await self._placer.ensure(user_id, position_id, exit_now=exit_now)
        except AristobotError as error:
            if position_id not in self._watch.unfinished:
                logger.error("Position {} could not be guarded: {}", position_id, error)
            self._watch.unfinished.add(position_id)
        except Exception as error:  # noqa: BLE001  # told with its trace: whose fault it is, the position needs its stop
            if position_id not in self._watch.unfinished:
                logger.opt(exception=error).error("Position {} met a fault of the house while it was guarded", position_id)
            self._watch.unfinished.add(position_id)
            await self._note_if_naked(user_id, position_id)

    async def _note_if_naked(self, user_id: uuid.UUID, position_id: uuid.UUID) -> None:
        """From now on it counts how long the stop is missing, if it is: what cannot be mended has to be told, and acted upon."""
        with suppress(AristobotError):
            guarded = await self._placer.read(user_id, position_id)
            if guarded.stop_is_missing:
                self._watch.naked(position_id, self._floor.clock.monotonic())

    def _lock(self, position_id: uuid.UUID) -> asyncio.Lock:
        lock = self._locks.get(position_id)
        if lock is None:
            lock = self._locks[position_id] = asyncio.Lock()
        return lock
