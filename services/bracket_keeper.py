"""Keeps every position guarded as its owner asked: places, moves with rollback, repairs after a crash, exits in emergency.

Where the exchange links stop and target (OCO) the pair is placed natively; a move cancels the pair, places the new one,
on refusal the old one again, and on refusal of that sells (reliability, 3.4). Everything is persisted before it is done.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import chain, repeat
from weakref import WeakValueDictionary

from loguru import logger

from aristobot.errors import AristobotError, ExchangeError
from aristobot.events import PositionUpdated
from aristobot.kinds import BracketStatus, HaltLevel, HaltScope, LotStatus, OrderOrigin, OrderRole
from aristobot.logs import log_context
from aristobot.market import Instrument
from aristobot.money import ZERO
from aristobot.orders import OrderStatus, OrderType, Side, TimeInForce
from aristobot.store import brackets, positions
from aristobot.store.tenancy import SYSTEM
from aristobot.store.trading_tables import Bracket, Order
from services.broker_book import Account
from services.exit_plan import COVERED, ExitPlan, Slice, covered, matches, plan_of, rollback_of, slices, unguardable
from services.order_desk import OrderDesk
from services.order_draft import PlaceOrder, PlacePair, stop_form
from services.order_records import OrderRecords
from services.trading_floor import TradingFloor

RETRY_AFTER = 1.0
ALARM_AFTER = 15.0
EXIT_AFTER = 30.0
_SETTLED = 40.0
_PAUSES = (0.02, 0.05, 0.1, 0.2, 0.5)


class BracketKeeper:
    """One lock per position; `guard`, `stand_down` and the events of the bus all come to `_ensure`."""

    name = "bracket_keeper"

    def __init__(self, floor: TradingFloor, desk: OrderDesk, records: OrderRecords) -> None:
        self._floor = floor
        self._desk = desk
        self._records = records
        self._inbox = floor.bus.subscribe(PositionUpdated, keep="latest")
        self._locks: WeakValueDictionary[uuid.UUID, asyncio.Lock] = WeakValueDictionary()
        self._asked: set[uuid.UUID] = set()
        self._working: set[asyncio.Task[None]] = set()
        self._unfinished: set[uuid.UUID] = set()
        self._naked: dict[uuid.UUID, float] = {}
        self._alarmed: set[uuid.UUID] = set()

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

    async def guard(self, user_id: uuid.UUID, position_id: uuid.UUID, plan: ExitPlan) -> brackets.Guarded:
        """Ask for a stop and targets, in place of what was asked before, and make it so. Returns what then stands.

        What the exchange does not do now is tried again until it does. A stop at or above the market sells at once: it would
        trigger anyway. Raises NotFound.
        """
        now = self._floor.clock.now()
        async with self._lock(position_id):
            await self._floor.db.write(user_id, lambda s: brackets.ask(s, position_id, plan.stop, plan.stored_targets(), now))
            await self._ensure_held(user_id, position_id)
        return await self._read(user_id, position_id)

    @asynccontextmanager
    async def standing_down(self, user_id: uuid.UUID, position_id: uuid.UUID) -> AsyncIterator[Decimal]:
        """Take the resting exits back for the length of a sale; gives what can be sold meanwhile.

        Nobody else sells or guards the position inside; what is left of it is guarded again afterwards. Raises ExchangeError
        when the exits cannot be taken back, or when an earlier sale is in doubt for too long.
        """
        async with self._lock(position_id):
            try:
                await self._withdraw(user_id, await self._settled(user_id, await self._read(user_id, position_id)))
                left = (await self._read(user_id, position_id)).position
                yield left.quantity if left.status is LotStatus.OPEN else ZERO
            finally:
                task = asyncio.current_task()
                if task is None or not task.cancelling():  # a house that stops guards again at its next start
                    await self._ensure_held(user_id, position_id)

    async def resume(self, user_id: uuid.UUID, position_id: uuid.UUID) -> None:
        """Make sure of the exits of a position."""
        await self._ensure_safely(user_id, position_id)

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
            for position_id in self._unfinished | self._naked.keys():
                if not self._lock(position_id).locked():
                    await self._retry_one(position_id, now - self._naked.get(position_id, now))

    async def _retry_one(self, position_id: uuid.UUID, naked_for: float) -> None:
        row = await self._floor.db.read(SYSTEM, lambda s: positions.get(s, position_id))
        with log_context(user_id=row.user_id):
            if naked_for > ALARM_AFTER and position_id not in self._alarmed:
                await self._alarm(row.broker_id, position_id)
            self._look_after(row.user_id, position_id, exit_now=naked_for > EXIT_AFTER)

    async def _alarm(self, broker_id: uuid.UUID, position_id: uuid.UUID) -> None:
        self._alarmed.add(position_id)
        logger.error("Position {} has been without its stop for {:.0f} s: entries of its broker stop", position_id, ALARM_AFTER)
        await self._floor.kill_switch.set(HaltScope.BROKER, broker_id, HaltLevel.REDUCE, by=self.name, reason="naked_position")

    async def _ensure_safely(self, user_id: uuid.UUID, position_id: uuid.UUID, *, exit_now: bool = False) -> None:
        async with self._lock(position_id):
            self._asked.discard(position_id)
            await self._ensure_held(user_id, position_id, exit_now=exit_now)

    async def _ensure_held(self, user_id: uuid.UUID, position_id: uuid.UUID, *, exit_now: bool = False) -> None:
        try:
            await self._ensure(user_id, position_id, exit_now=exit_now)
        except AristobotError as error:
            if position_id not in self._unfinished:
                logger.error("Position {} could not be guarded: {}", position_id, error)
            self._unfinished.add(position_id)

    async def _ensure(self, user_id: uuid.UUID, position_id: uuid.UUID, *, exit_now: bool = False) -> None:
        """Make what rests what is wanted. The caller holds the position's lock."""
        guarded = await self._settled(user_id, await self._read(user_id, position_id))
        bracket = guarded.bracket
        if bracket is None:
            return
        plan = plan_of(bracket)
        if guarded.position.status is LotStatus.CLOSED or bracket.status is BracketStatus.DONE or plan.empty:
            await self._withdraw(user_id, guarded)
            await self._note(user_id, position_id, BracketStatus.DONE)
            return
        account = await self._floor.brokers.get(guarded.position.broker_id)
        instrument = await self._floor.catalog.instrument(account.broker.exchange, guarded.position.symbol)
        sellable = instrument.quantity(guarded.position.quantity)
        held = covered(guarded.resting, plan)
        stands = COVERED * sellable <= held <= sellable and matches(guarded.resting, plan, instrument)
        if stands or (not guarded.resting and unguardable(plan, sellable, instrument)):
            await self._note(user_id, position_id, BracketStatus.ACTIVE)
            return
        await self._rebuild(account, guarded, instrument, exit_now=exit_now)

    async def _rebuild(self, account: Account, guarded: brackets.Guarded, instrument: Instrument, *, exit_now: bool) -> None:
        user_id, position_id = account.user_id, guarded.position.id
        attempt = await self._begin_move(user_id, position_id)
        await self._withdraw(user_id, guarded)
        guarded = await self._settled(user_id, await self._read(user_id, position_id))
        if guarded.position.status is LotStatus.CLOSED or guarded.bracket is None:
            await self._note(user_id, position_id, BracketStatus.DONE)
            return
        plan, before = plan_of(guarded.bracket), rollback_of(guarded.bracket)
        if plan.stop or before.stop:
            self._naked.setdefault(position_id, self._floor.clock.monotonic())
        price = await self._floor.prices.price(self._floor.gateway.client_for(account.broker), guarded.position.symbol)
        reached = plan.targets and all(target <= price for _, target in plan.targets)
        if exit_now or reached or (plan.stop and price <= plan.stop):
            await self._exit(account, guarded, attempt, instrument)
        elif await self._put_up(account, guarded, plan, attempt, price):
            await self._note(user_id, position_id, BracketStatus.ACTIVE)
        else:
            await self._roll_back(account, position_id, before, price)

    async def _roll_back(self, account: Account, position_id: uuid.UUID, before: ExitPlan, price: Decimal) -> None:
        """The new exits were refused: what stood before is put up again; refused as well, the position stays on the list."""
        user_id = account.user_id
        logger.warning("New exits of position {} were refused: the old ones are put up again", position_id)
        self._unfinished.add(position_id)
        await self._withdraw(user_id, await self._read(user_id, position_id))
        again = await self._settled(user_id, await self._read(user_id, position_id))
        attempt = await self._begin_move(user_id, position_id)
        if before.empty or not await self._put_up(account, again, before, attempt, price):
            return
        now, targets = self._floor.clock.now(), before.stored_targets()
        await self._floor.db.write(user_id, lambda s: brackets.restore(s, position_id, before.stop, targets, now))
        self._rests(position_id)

    async def _put_up(self, account: Account, guarded: brackets.Guarded, plan: ExitPlan, attempt: int, price: Decimal) -> bool:
        """Place the slices of a plan; True when all of them rest or have already done their work."""
        position = guarded.position
        instrument = await self._floor.catalog.instrument(account.broker.exchange, position.symbol)
        cut = slices(plan, instrument.quantity(position.quantity), price, instrument, guarded.done_legs)
        if not cut:
            logger.warning("Position {} is too small to be guarded on its exchange", position.id)
            return True
        placed = [row for one in cut for row in await self._place(account, guarded, one, attempt, instrument)]
        stop = next((row for row in placed if row.role is OrderRole.STOP), None)
        target = next((row for row in placed if row.role is OrderRole.TARGET), None)
        now = self._floor.clock.now()
        await self._floor.db.write(account.user_id, lambda s: brackets.show(s, position.id, stop, target, now))
        if placed:
            self._records.tell_position(placed[0], position.id)
        return all(row.status.is_working or row.status in (OrderStatus.FILLED, OrderStatus.EXPIRED) for row in placed)

    async def _place(
        self, account: Account, guarded: brackets.Guarded, cut: Slice, attempt: int, instrument: Instrument
    ) -> list[Order]:
        position, bracket = guarded.position, guarded.bracket
        if bracket is None:
            return []
        if cut.stop and cut.target and self._floor.gateway.client_for(account.broker).capabilities.native_oco:
            pair = PlacePair(
                position.broker_id,
                position.id,
                position.symbol,
                cut.quantity,
                cut.stop,
                cut.target,
                position.owner,
                bracket.id,
                cut.leg,
                attempt,
            )
            return await self._desk.place_pair(account.user_id, pair)
        stop_type, stop_limit = stop_form(instrument, cut.stop)
        wish = PlaceOrder(
            broker_id=position.broker_id,
            symbol=position.symbol,
            side=Side.SELL,
            type=stop_type if cut.stop else OrderType.LIMIT,
            quantity=cut.quantity,
            price=stop_limit if cut.stop else cut.target,
            stop_price=cut.stop,
            time_in_force=TimeInForce.GTC,
            origin=OrderOrigin.KEEPER,
            role=OrderRole.STOP if cut.stop else OrderRole.TARGET,
            owner=position.owner,
            cause=bracket.id,
            leg=cut.leg,
            attempt=attempt,
            position_id=position.id,
        )
        return [await self._desk.place(account.user_id, wish)]

    async def _exit(self, account: Account, guarded: brackets.Guarded, attempt: int, instrument: Instrument) -> None:
        position = guarded.position
        logger.warning("Position {} is sold at the market: its stop cannot rest or would trigger at once", position.id)
        wish = PlaceOrder(
            broker_id=position.broker_id,
            symbol=position.symbol,
            side=Side.SELL,
            type=OrderType.MARKET,
            quantity=instrument.quantity(position.quantity),
            origin=OrderOrigin.KEEPER,
            role=OrderRole.EXIT,
            owner=position.owner,
            cause=guarded.bracket.id if guarded.bracket else position.id,
            leg="exit",
            attempt=attempt,
            position_id=position.id,
        )
        row = await self._desk.place(account.user_id, wish)
        if row.status is not OrderStatus.FILLED:
            self._unfinished.add(position.id)

    async def _withdraw(self, user_id: uuid.UUID, guarded: brackets.Guarded) -> None:
        for order in guarded.resting:
            await self._desk.cancel(user_id, order.id)

    async def _settled(self, user_id: uuid.UUID, guarded: brackets.Guarded) -> brackets.Guarded:
        """Wait for sales in doubt: placing others beside them could sell twice. Raises ExchangeError after too long a wait."""
        deadline = self._floor.clock.monotonic() + _SETTLED
        for pause in chain(_PAUSES, repeat(_PAUSES[-1])):
            if not guarded.in_doubt:
                break
            if self._floor.clock.monotonic() > deadline:
                raise ExchangeError("exit_in_doubt", order=guarded.in_doubt[0].id.hex)
            await self._floor.clock.sleep(pause)
            guarded = await self._read(user_id, guarded.position.id)
        return guarded

    async def _begin_move(self, user_id: uuid.UUID, position_id: uuid.UUID) -> int:
        now = self._floor.clock.now()
        bracket: Bracket = await self._floor.db.write(user_id, lambda s: brackets.begin_move(s, position_id, now))
        return bracket.attempt

    def _rests(self, position_id: uuid.UUID) -> None:
        self._unfinished.discard(position_id)
        self._naked.pop(position_id, None)
        self._alarmed.discard(position_id)

    async def _note(self, user_id: uuid.UUID, position_id: uuid.UUID, status: BracketStatus) -> None:
        self._rests(position_id)
        now = self._floor.clock.now()
        await self._floor.db.write(user_id, lambda s: brackets.note(s, position_id, status, now))

    async def _read(self, user_id: uuid.UUID, position_id: uuid.UUID) -> brackets.Guarded:
        return await self._floor.db.read(user_id, lambda s: brackets.guarded(s, position_id))

    def _lock(self, position_id: uuid.UUID) -> asyncio.Lock:
        lock = self._locks.get(position_id)
        if lock is None:
            lock = self._locks[position_id] = asyncio.Lock()
        return lock
