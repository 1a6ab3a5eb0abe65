"""The exits of one position: placed, moved with rollback, taken back, or replaced by a sale at the market.

Where the exchange links stop and target (OCO) the pair is placed natively; a move cancels the pair, places the new one,
on refusal the old one again (reliability, 3.4). Every step is persisted before it is done. The caller holds the position's lock.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from itertools import chain, repeat

from loguru import logger

from aristobot.errors import ExchangeError
from aristobot.kinds import BracketStatus, LotStatus, OrderOrigin, OrderRole
from aristobot.market import Instrument
from aristobot.money import ZERO
from aristobot.orders import OrderStatus, OrderType, Side, TimeInForce
from aristobot.store import bookkeeping, brackets, orders
from aristobot.store.trading_tables import Bracket, Order
from services.broker_book import Account
from services.exit_plan import PATIENCE_FOR_EXITS, ExitPlan, Slice, can_move_in_turn, plan_of, rollback_of, slices, sort_out
from services.order_desk import OrderDesk
from services.order_draft import PlaceOrder, PlacePair, stop_form
from services.order_records import OrderRecords
from services.trading_floor import TradingFloor

_SETTLED = 40.0
_PAUSES = (0.02, 0.05, 0.1, 0.2, 0.5)
_LOOK_AT_FUNDS_EVERY = 1.0


@dataclass(slots=True)
class Watch:
    """Positions that are not as they should be: unfinished ones, and since when naked ones are naked (monotonic seconds)."""

    unfinished: set[uuid.UUID] = field(default_factory=set)
    naked_since: dict[uuid.UUID, float] = field(default_factory=dict)
    alarmed: set[uuid.UUID] = field(default_factory=set)
    #: Exits in doubt beside which new ones were placed: the funds do not suffice for both.
    outdone: set[uuid.UUID] = field(default_factory=set)

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
            await self.withdraw(user_id, guarded.resting)
            self.watch.rests(position_id)
            if bracket.status is not BracketStatus.DONE:
                await self._note(user_id, position_id, BracketStatus.DONE)
            return
        account = await self._floor.brokers.get(guarded.position.broker_id)
        instrument = await self._floor.catalog.instrument(account.broker.exchange, guarded.position.symbol)
        wanted = slices(plan, instrument.quantity(guarded.position.quantity), instrument, guarded.done_legs)
        missing, stale = sort_out(guarded.resting, wanted, instrument)
        if not missing and not stale:  # also a position so small that its exchange takes no exit for it
            self.watch.rests(position_id)
            if bracket.status is not BracketStatus.ACTIVE or bracket.unprotected_since is not None:
                await self._note(user_id, position_id, BracketStatus.ACTIVE)
            return
        price = await self._floor.prices.price(self._floor.gateway.client_for(account.broker), guarded.position.symbol)
        reached = plan.targets and all(target <= price for _, target in plan.targets)
        if exit_now or reached or (plan.stop and price <= plan.stop):
            await self._exit(account, guarded, instrument)
        else:
            await self._rebuild(account, guarded, [one.at(price) for one in missing], stale)

    async def _rebuild(
        self, account: Account, guarded: brackets.Guarded, missing: Sequence[Slice], stale: Sequence[Order]
    ) -> None:
        """Put up what is missing, taking back what stands in its place: one leg after the other where that is possible.

        What fills meanwhile changes the cut: everything is looked at anew.
        """
        user_id, position = account.user_id, guarded.position
        attempt = await self._begin_move(user_id, position.id)
        if not can_move_in_turn(missing, stale):
            await self.withdraw(user_id, stale)
            stale = ()
        for cut in missing:
            if cut.stop:
                self.watch.naked(position.id, self._floor.clock.monotonic())
            await self.withdraw(user_id, [order for order in stale if order.leg == cut.leg])
            now = await self.settled(user_id, await self.read(user_id, position.id))
            if (now.position.status, now.position.quantity) != (position.status, position.quantity):
                await self.ensure(user_id, position.id)
                return
            if not await self._place(account, now, cut, attempt):
                await self._roll_back(account, position.id)
                return
        await self._show(user_id, position.id)
        await self._note(user_id, position.id, BracketStatus.ACTIVE)

    async def _roll_back(self, account: Account, position_id: uuid.UUID) -> None:
        """The new exits were refused: what stood before is put up again; refused as well, the position stays on the list."""
        user_id = account.user_id
        logger.warning("New exits of position {} were refused: the old ones are put up again", position_id)
        self.watch.unfinished.add(position_id)
        await self.withdraw(user_id, (await self.read(user_id, position_id)).resting)
        guarded = await self.settled(user_id, await self.read(user_id, position_id))
        before = rollback_of(guarded.bracket) if guarded.bracket else ExitPlan()
        if before.empty:
            return
        attempt = await self._begin_move(user_id, position_id)
        instrument = await self._floor.catalog.instrument(account.broker.exchange, guarded.position.symbol)
        for cut in slices(before, instrument.quantity(guarded.position.quantity), instrument, guarded.done_legs):
            if not await self._place(account, guarded, cut, attempt):
                return
        now, targets = self._floor.clock.now(), before.stored_targets()
        await self._floor.db.write(user_id, lambda s: brackets.restore(s, position_id, before.stop, targets, now))
        await self._show(user_id, position_id)
        self.watch.rests(position_id)

    async def _show(self, user_id: uuid.UUID, position_id: uuid.UUID) -> None:
        """Show the nearest exits in the alert's view, and say that they changed."""
        resting = sorted((await self.read(user_id, position_id)).resting, key=lambda order: order.leg)
        stop = next((row for row in resting if row.role is OrderRole.STOP), None)
        target = next((row for row in resting if row.role is OrderRole.TARGET), None)
        now = self._floor.clock.now()
        await self._floor.db.write(user_id, lambda s: brackets.show(s, position_id, stop, target, now))
        if resting:
            self._records.tell_position(resting[0], position_id)

    async def _place(self, account: Account, guarded: brackets.Guarded, cut: Slice, attempt: int) -> bool:
        """Whether the orders of a slice now rest, or have already done their work. Raises ExchangeError in doubt."""
        placed = await self._placed(account, guarded, cut, attempt)
        if doubtful := [row for row in placed if not orders.is_settled(row)]:
            raise ExchangeError("exit_in_doubt", order=doubtful[0].id.hex)
        return all(row.status.is_working or row.status in (OrderStatus.FILLED, OrderStatus.EXPIRED) for row in placed)

    async def _placed(self, account: Account, guarded: brackets.Guarded, cut: Slice, attempt: int) -> list[Order]:
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
        instrument = await self._floor.catalog.instrument(account.broker.exchange, position.symbol)
        kind, limit = stop_form(instrument, cut.stop) if cut.stop else (OrderType.LIMIT, cut.target)
        wish = PlaceOrder(
            broker_id=position.broker_id,
            symbol=position.symbol,
            side=Side.SELL,
            type=OrderType.MARKET if cut.reached else kind,
            quantity=cut.quantity,
            price=ZERO if cut.reached else limit,
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

    async def _exit(self, account: Account, guarded: brackets.Guarded, instrument: Instrument) -> None:
        """Take the exits back and sell what is left."""
        user_id, position_id = account.user_id, guarded.position.id
        attempt = await self._begin_move(user_id, position_id)
        guarded = await self.stand_down(user_id, position_id)
        position = guarded.position
        if position.status is LotStatus.CLOSED:
            await self._note(user_id, position_id, BracketStatus.DONE)
            return
        logger.warning("Position {} is sold at the market: its stop cannot rest or would trigger at once", position_id)
        wish = PlaceOrder(
            broker_id=position.broker_id,
            symbol=position.symbol,
            side=Side.SELL,
            type=OrderType.MARKET,
            quantity=instrument.quantity(position.quantity),
            origin=OrderOrigin.KEEPER,
            role=OrderRole.EXIT,
            owner=position.owner,
            cause=guarded.bracket.id if guarded.bracket else position_id,
            leg="exit",
            attempt=attempt,
            position_id=position_id,
        )
        row = await self._desk.place(user_id, wish)
        if row.status is not OrderStatus.FILLED:
            self.watch.unfinished.add(position_id)

    async def stand_down(self, user_id: uuid.UUID, position_id: uuid.UUID) -> brackets.Guarded:
        """Take every exit back; what is left afterwards. Raises ExchangeError, also when a sale stays in doubt."""
        guarded = await self.settled(user_id, await self.read(user_id, position_id))
        await self.withdraw(user_id, guarded.resting)
        return await self.settled(user_id, await self.read(user_id, position_id))

    async def withdraw(self, user_id: uuid.UUID, exits: Iterable[Order]) -> None:
        """Take resting exits back. Raises ExchangeError when one cannot be."""
        for order in exits:
            await self._desk.cancel(user_id, order.id)

    async def settled(self, user_id: uuid.UUID, guarded: brackets.Guarded) -> brackets.Guarded:
        """Wait for sales in doubt: placing others beside them could sell twice. Raises ExchangeError after too long a wait."""
        deadline = self._floor.clock.monotonic() + _SETTLED
        look_at_funds = self._floor.clock.monotonic()
        for pause in chain(_PAUSES, repeat(_PAUSES[-1])):
            now = self._floor.clock.monotonic()
            if not guarded.in_doubt:
                break
            if now > deadline:
                raise ExchangeError("exit_in_doubt", order=guarded.in_doubt[0].id.hex)
            if now >= look_at_funds:
                look_at_funds = now + _LOOK_AT_FUNDS_EVERY
                await self._outdo(guarded)
            await self._floor.clock.sleep(pause)
            guarded = await self.read(user_id, guarded.position.id)
        return guarded

    async def _outdo(self, guarded: brackets.Guarded) -> None:
        try:
            if await self._can_be_outdone(guarded):
                self.watch.outdone |= {order.id for order in guarded.in_doubt}
        except ExchangeError as error:
            logger.debug("Funds of position {} cannot be looked at: {}", guarded.position.id, error)

    async def _can_be_outdone(self, guarded: brackets.Guarded) -> bool:
        """Whether exits in doubt may be placed once more before their fence: a late first one would find no funds.

        So it is when the exchange locks what rests, all that is to be sold is free, none of them rests, and what would be
        left beside new exits is less than the smallest of them (reliability, 3.3: protective sells recover faster).
        """
        doubtful, position = guarded.in_doubt, guarded.position
        sent = max(order.sent_at or order.created_at for order in doubtful)
        young = self._floor.clock.now() - sent < timedelta(seconds=PATIENCE_FOR_EXITS)
        if young or any(order.role not in bookkeeping.EXITS or order.status not in orders.UNSETTLED for order in doubtful):
            return False
        account = await self._floor.brokers.get(position.broker_id)
        client = self._floor.gateway.client_for(account.broker)
        if not client.capabilities.exits_lock_funds:
            return False
        resting = await client.open_orders(await self._floor.gateway.keys(account.broker), position.symbol)
        if {report.client_order_id for report in resting} & {order.client_order_id for order in doubtful}:
            return False
        held = {one.asset: one.free for one in await self._floor.accounts.refresh(account)}.get(position.base, ZERO)
        beside = [order for order in guarded.resting if order not in doubtful]
        needed = position.quantity - max((_locked(beside, role) for role in bookkeeping.EXITS), default=ZERO)
        instrument = await self._floor.catalog.instrument(account.broker.exchange, position.symbol)
        needed = instrument.quantity(needed)
        return needed <= held and held - needed < min(order.quantity for order in doubtful)

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
        guarded = await self._floor.db.read(user_id, lambda s: brackets.guarded(s, position_id))
        if not self.watch.outdone:
            return guarded
        lost = {order.id for order in guarded.resting if order.id in self.watch.outdone and order.status in orders.UNSETTLED}
        self.watch.outdone -= {order.id for order in guarded.resting} - lost  # one that appeared is an order like any other
        return replace(
            guarded,
            resting=tuple(order for order in guarded.resting if order.id not in lost),
            in_doubt=tuple(order for order in guarded.in_doubt if order.id not in lost),
        )


def _locked(exits: Iterable[Order], role: OrderRole) -> Decimal:
    return sum((order.quantity - order.filled for order in exits if order.role is role), ZERO)
