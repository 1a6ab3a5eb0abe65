"""The exits of one position: placed, moved with rollback, taken back, or replaced by a sale at the market.

Where the exchange links stop and target (OCO) the pair is placed natively; a move cancels the pair, places the new one,
on refusal the old one again (reliability, 3.4). Every step is persisted before it is done. The caller holds the position's lock.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain, repeat

from loguru import logger

from aristobot.errors import ExchangeError
from aristobot.kinds import BracketStatus, LotStatus, OrderOrigin, OrderRole
from aristobot.market import Instrument
from aristobot.orders import OrderStatus, OrderType, Side, TimeInForce
from aristobot.store import brackets
from aristobot.store.trading_tables import Bracket, Order
from services.broker_book import Account
from services.exit_plan import COVERED, ExitPlan, Slice, covered, matches, plan_of, rollback_of, slices, unguardable
from services.order_desk import OrderDesk
from services.order_draft import PlaceOrder, PlacePair, stop_form
from services.order_records import OrderRecords
from services.trading_floor import TradingFloor

_SETTLED = 40.0
_PAUSES = (0.02, 0.05, 0.1, 0.2, 0.5)


@dataclass(slots=True)
class Watch:
    """Positions that are not as they should be: unfinished ones, and since when naked ones are naked (monotonic seconds)."""

    unfinished: set[uuid.UUID] = field(default_factory=set)
    naked_since: dict[uuid.UUID, float] = field(default_factory=dict)
    alarmed: set[uuid.UUID] = field(default_factory=set)

    def naked(self, position_id: uuid.UUID, now: float) -> None:
        """Its stop is away from now on, unless it was before."""
        self.naked_since.setdefault(position_id, now)

    def rests(self, position_id: uuid.UUID) -> None:
        """Everything is as it should be."""
        self.unfinished.discard(position_id)
        self.naked_since.pop(position_id, None)
        self.alarmed.discard(position_id)


class ExitPlacer:
    """Makes what rests what is wanted, for one position at a time; `watch` remembers what did not succeed."""

    def __init__(self, floor: TradingFloor, desk: OrderDesk, records: OrderRecords) -> None:
        self._floor = floor
        self._desk = desk
        self._records = records
        self.watch = Watch()

    async def ensure(self, user_id: uuid.UUID, position_id: uuid.UUID, *, exit_now: bool = False) -> None:
        """Make what rests what is wanted; with `exit_now` sell instead. Raises AristobotError for what did not work."""
        guarded = await self.settled(user_id, await self.read(user_id, position_id))
        bracket = guarded.bracket
        if bracket is None:
            return
        plan = plan_of(bracket)
        if guarded.position.status is LotStatus.CLOSED or bracket.status is BracketStatus.DONE or plan.empty:
            await self.withdraw(user_id, guarded)
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
        await self.withdraw(user_id, guarded)
        guarded = await self.settled(user_id, await self.read(user_id, position_id))
        if guarded.position.status is LotStatus.CLOSED or guarded.bracket is None:
            await self._note(user_id, position_id, BracketStatus.DONE)
            return
        plan, before = plan_of(guarded.bracket), rollback_of(guarded.bracket)
        if plan.stop or before.stop:
            self.watch.naked(position_id, self._floor.clock.monotonic())
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
        self.watch.unfinished.add(position_id)
        await self.withdraw(user_id, await self.read(user_id, position_id))
        again = await self.settled(user_id, await self.read(user_id, position_id))
        attempt = await self._begin_move(user_id, position_id)
        if before.empty or not await self._put_up(account, again, before, attempt, price):
            return
        now, targets = self._floor.clock.now(), before.stored_targets()
        await self._floor.db.write(user_id, lambda s: brackets.restore(s, position_id, before.stop, targets, now))
        self.watch.rests(position_id)

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
            self.watch.unfinished.add(position.id)

    async def withdraw(self, user_id: uuid.UUID, guarded: brackets.Guarded) -> None:
        """Take every resting exit back. Raises ExchangeError when one cannot be."""
        for order in guarded.resting:
            await self._desk.cancel(user_id, order.id)

    async def settled(self, user_id: uuid.UUID, guarded: brackets.Guarded) -> brackets.Guarded:
        """Wait for sales in doubt: placing others beside them could sell twice. Raises ExchangeError after too long a wait."""
        deadline = self._floor.clock.monotonic() + _SETTLED
        for pause in chain(_PAUSES, repeat(_PAUSES[-1])):
            if not guarded.in_doubt:
                break
            if self._floor.clock.monotonic() > deadline:
                raise ExchangeError("exit_in_doubt", order=guarded.in_doubt[0].id.hex)
            await self._floor.clock.sleep(pause)
            guarded = await self.read(user_id, guarded.position.id)
        return guarded

    async def _begin_move(self, user_id: uuid.UUID, position_id: uuid.UUID) -> int:
        now = self._floor.clock.now()
        bracket: Bracket = await self._floor.db.write(user_id, lambda s: brackets.begin_move(s, position_id, now))
        return bracket.attempt

    async def _note(self, user_id: uuid.UUID, position_id: uuid.UUID, status: BracketStatus) -> None:
        self.watch.rests(position_id)
        now = self._floor.clock.now()
        await self._floor.db.write(user_id, lambda s: brackets.note(s, position_id, status, now))

    async def read(self, user_id: uuid.UUID, position_id: uuid.UUID) -> brackets.Guarded:
        """The position with what guards it, as the store knows it."""
        return await self._floor.db.read(user_id, lambda s: brackets.guarded(s, position_id))
