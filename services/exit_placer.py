"""The exits of one position: placed, moved with rollback, taken back, or replaced by a sale at the market.

Where the exchange links stop and target (OCO) the pair is placed natively; a move cancels the pair, places the new one,
on refusal the old one again. Elsewhere the stop rests and the targets are watched: one that is reached is taken from under the
stop, then sold; what is not sold goes back under it (reliability, 3.4). Every step is persisted before it is done. The caller
holds the position's lock.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum

from loguru import logger

from aristobot.kinds import BracketStatus, LotStatus, OrderRole
from aristobot.money import ZERO, percent_of
from aristobot.orders import OrderStatus, client_order_id
from aristobot.store import brackets, orders
from aristobot.store.brackets import COVERED
from services.exit_doubts import ExitDoubts, HeldUp
from services.exit_mover import ExitMover, Moved
from services.exit_orders import ExitOrders
from services.exit_plan import ExitPlan, Slice, amendable, can_move_in_turn, plan_of, rollback_of
from services.exit_survey import ExitSurvey, Situation
from services.exit_watch import Watch
from services.order_desk import OrderDesk
from services.order_records import OrderRecords
from services.trading_floor import TradingFloor

#: Rounds in which a position is looked at anew because something changed meanwhile, before it is left for later.
_ROUNDS = 8
#: A watched target is sold as long as the price has not fallen further below it, in per cent of the target.
_STILL_THERE = Decimal("99.5")
#: Seconds between two moves that leave a position without its stop for a moment, and cost an exchange two requests each.
_MOVE_EVERY = 5.0
#: Seconds within which a stop that the price has passed sells, where it is still one.
_SELLS_WITHIN = 2.0
#: Seconds before a watched target is taken again after it could not be sold.
_TAKE_AGAIN_AFTER = 10.0


class Built(StrEnum):
    """How building went: it rests as wanted, something changed on the way (look anew), or the exchange did not want it."""

    DONE = "done"
    CHANGED = "changed"
    REFUSED = "refused"


class ExitPlacer:
    """Makes what rests what is wanted, for one position at a time; `watch` remembers what did not succeed."""

    def __init__(self, floor: TradingFloor, desk: OrderDesk, records: OrderRecords, is_held_up: HeldUp) -> None:
        self._floor = floor
        self._records = records
        self.watch = Watch()
        self._survey = ExitSurvey(floor)
        self._orders = ExitOrders(desk)
        self._doubts = ExitDoubts(floor, is_held_up, self.watch)
        self._mover = ExitMover(floor, records, self.watch)

    async def read(self, user_id: uuid.UUID, position_id: uuid.UUID) -> brackets.Guarded:
        """The position with what guards it, as the store knows it."""
        return await self._doubts.read(user_id, position_id)

    async def ensure(self, user_id: uuid.UUID, position_id: uuid.UUID, *, exit_now: bool = False) -> None:
        """Make what rests what is wanted; with `exit_now` sell instead. Raises AristobotError for what did not work."""
        self.watch.look_again.pop(position_id, None)
        for _ in range(_ROUNDS):
            if await self._round(user_id, position_id, exit_now=exit_now):
                return
        self.watch.unfinished.add(position_id)

    async def stand_down(self, user_id: uuid.UUID, position_id: uuid.UUID) -> brackets.Guarded:
        """Take every exit back; what is left afterwards.

        Raises ExchangeError, also when a sale stays in doubt, or when the market is closed and would take no exit in their place.
        """
        guarded = await self._doubts.settled(user_id, position_id)
        await self._survey.check_open(guarded)
        await self._orders.withdraw(user_id, guarded.resting)
        return await self._doubts.settled(user_id, position_id)

    async def _round(self, user_id: uuid.UUID, position_id: uuid.UUID, *, exit_now: bool) -> bool:
        """Look once and act; False when the position has to be looked at anew."""
        guarded = await self._doubts.settled(user_id, position_id)
        bracket = guarded.bracket
        if bracket is None:
            return True
        if guarded.position.status is LotStatus.CLOSED or bracket.status is BracketStatus.DONE or plan_of(bracket).empty:
            await self._orders.withdraw(user_id, guarded.resting)
            self.watch.forget(position_id)
            await self._note(user_id, position_id, BracketStatus.DONE)
            return True
        account = await self._floor.brokers.get(guarded.position.broker_id)
        if guarded.amended_until is not None:
            await self._mover.look(account, guarded)
            guarded = await self._doubts.settled(user_id, position_id)
        now = await self._survey.of(account, guarded, bracket)
        taking = bool(guarded.taking.legs)
        passed = now.fell_through or self._rests_in_vain(now)
        if now.must_stay and (taking or now.reached or passed or not now.in_order):
            self._survey.doubt(account.broker.exchange)
            self.watch.look_again[position_id] = self._floor.clock.monotonic() + _MOVE_EVERY
            return True
        if passed or ((taking or not now.in_order) and (exit_now or now.leaves_nothing_to_guard)):
            await self._exit(now)
            return True
        if taking:
            await self._take(now)
            return False
        if await self._begin_taking(now):
            return False
        return await self._build(now)

    def _rests_in_vain(self, now: Situation) -> bool:
        """Whether a stop that the price has passed has had its time to sell: its exchange takes it for a target."""
        position_id, moment = now.guarded.position.id, self._floor.clock.monotonic()
        if not now.passed_stop:
            self.watch.passed_since.pop(position_id, None)
            return False
        sells_until = self.watch.passed_since.setdefault(position_id, moment) + _SELLS_WITHIN
        if moment < sells_until:
            self.watch.look_again[position_id] = sells_until
        return moment >= sells_until

    async def _build(self, now: Situation) -> bool:
        """Nothing is to be sold: make what rests what is wanted, or show that it is. False when something changed meanwhile."""
        user_id, position_id = now.account.user_id, now.guarded.position.id
        if now.in_order:  # also a position so small that its exchange takes no exit for it
            self.watch.rests(position_id)
            if now.bracket.status is not BracketStatus.ACTIVE or now.bracket.unprotected_since is not None:
                await self._show(user_id, position_id)
                await self._note(user_id, position_id, BracketStatus.ACTIVE)
            return True
        if self._moves_too_soon(now):
            self.watch.look_again[position_id] = self.watch.moved_at[position_id] + _MOVE_EVERY
            return True
        built = await self._rebuild(now)
        if built is Built.REFUSED:
            return await self._roll_back(now)
        if built is Built.DONE:
            await self._show(user_id, position_id)
            await self._note(user_id, position_id, BracketStatus.ACTIVE)
        return built is not Built.CHANGED

    def _moves_too_soon(self, now: Situation) -> bool:
        """Whether exits that guard the whole position would be taken back for others right after the last time."""
        last = self.watch.moved_at.get(now.guarded.position.id)
        if last is None or self._floor.clock.monotonic() - last >= _MOVE_EVERY or self._can_amend(now):
            return False
        left = sum((one.quantity - one.filled for one in now.stale if one.role is OrderRole.STOP), ZERO)
        return bool(now.plan.stop) and left >= COVERED * now.instrument.quantity(now.guarded.position.quantity)

    async def _rebuild(self, now: Situation) -> Built:
        """Put up what is missing, taking back what stands in its place: one leg after the other where that is possible.

        A lone stop is changed in place where the exchange can do that. What fills meanwhile changes the cut.
        """
        user_id, position, stale = now.account.user_id, now.guarded.position, now.stale
        moved = await self._moved(now)
        if moved is not None:
            return moved
        attempt = await self._begin_move(user_id, position.id)
        if not can_move_in_turn(now.missing, stale):
            await self._orders.withdraw(user_id, stale)
            stale = []
        for cut in now.missing:
            if cut.stop:
                self.watch.naked(position.id, self._floor.clock.monotonic())
            await self._orders.withdraw(user_id, [order for order in stale if order.leg == cut.leg])
            then = (await self._doubts.settled(user_id, position.id)).position
            if (then.status, then.quantity) != (position.status, position.quantity):
                return Built.CHANGED
            if not await self._orders.place(now, cut.at(now.price) if now.price is not None else cut, attempt):
                return Built.REFUSED
        if now.stale:
            self.watch.moved_at[position.id] = self._floor.clock.monotonic()
        return Built.DONE

    async def _moved(self, now: Situation) -> Built | None:
        """What became of a move in place; None when there can be none, or it was refused and there is no way back but anew."""
        order = amendable(now.missing, now.stale)
        if order is None or not self._can_amend(now):
            return None
        match await self._mover.move(now.account, order, now.missing[0]):
            case Moved.DONE:
                return Built.DONE
            case Moved.GONE:
                return Built.CHANGED
        return None if rollback_of(now.bracket).empty else Built.REFUSED

    def _can_amend(self, now: Situation) -> bool:
        return amendable(now.missing, now.stale) is not None and self._mover.can_move(now.account)

    async def _roll_back(self, refused: Situation) -> bool:
        """The new exits were refused: what stood before is put up again; refused as well, the position stays on the list.

        False when others are wanted by now: an entry may ask for them at any moment.
        """
        account, position_id = refused.account, refused.guarded.position.id
        user_id = account.user_id
        logger.warning("New exits of position {} were refused: the old ones shall stand again", position_id)
        self.watch.unfinished.add(position_id)
        guarded = await self._doubts.settled(user_id, position_id)
        if guarded.bracket is not None and plan_of(guarded.bracket) != refused.plan:
            return False
        before = rollback_of(guarded.bracket) if guarded.bracket else ExitPlan()
        if guarded.bracket is None or before.empty:
            await self._orders.withdraw(user_id, guarded.resting)
            return True
        now = await self._survey.of(account, guarded, guarded.bracket, before)
        if not now.in_order and await self._rebuild(now) is not Built.DONE:
            return True
        wished, time, targets = guarded.bracket, self._floor.clock.now(), before.stored_targets()
        if not await self._floor.db.write(user_id, lambda s: brackets.restore(s, wished, before.stop, targets, time)):
            return False
        await self._show(user_id, position_id)
        self.watch.rests(position_id)
        return True

    async def _begin_taking(self, now: Situation) -> bool:
        """Whether a watched target was reached and is to be sold: that is written down before anything is asked."""
        position_id, moment = now.guarded.position.id, self._floor.clock.monotonic()
        if not now.reached:
            return False
        if moment < (until := self.watch.resting_until.get(position_id, moment)):
            self.watch.look_again[position_id] = until  # the next price may be long in coming
            return False
        logger.info("Position {} has reached {} of its watched targets at {}", position_id, len(now.reached), now.price)
        legs, time = [cut.leg for cut in now.reached], self._floor.clock.now()
        await self._floor.db.write(now.account.user_id, lambda s: brackets.begin_taking(s, position_id, legs, time))
        return True

    async def _take(self, now: Situation) -> None:
        """Go on selling reached targets: first the stop lets go of their part, then that is sold. To be looked at anew."""
        user_id, position_id, taking = now.account.user_id, now.guarded.position.id, now.guarded.taking
        sales = [cut for cut in now.wanted.watched if cut.leg in taking.legs]
        if not sales or await self._came_to_nothing(now, sales):
            await self._end_taking(user_id, position_id, failed=bool(sales))
            return
        self.watch.naked(position_id, self._floor.clock.monotonic())
        if not now.in_order:
            if await self._rebuild(now) is Built.REFUSED:
                await self._end_taking(user_id, position_id, failed=True)
            return
        for cut in sales:
            row = await self._orders.sell(now, cut.quantity, cut.leg, taking.attempt)
            if row.status is not OrderStatus.FILLED:
                logger.warning("The target of position {} could not be sold: {}", position_id, row.reason or row.status)
                await self._end_taking(user_id, position_id, failed=True)
                return
        await self._end_taking(user_id, position_id, failed=False)

    async def _came_to_nothing(self, now: Situation, sales: Sequence[Slice]) -> bool:
        """Whether what was begun is not to be gone on with: a sale ended without selling, or the price ran away before one."""
        installation, attempt = self._floor.installation, now.guarded.taking.attempt
        ids = [client_order_id(installation, now.account.id, now.bracket.id, cut.leg, attempt) for cut in sales]
        sent = await self._floor.db.read(now.account.user_id, lambda s: [orders.find(s, one) for one in ids])
        if any(row is not None and (row.status.is_final or row.id in self.watch.outdone) for row in sent):
            return True
        return now.price is None or any(now.price < percent_of(cut.target, _STILL_THERE) for cut in sales)

    async def _end_taking(self, user_id: uuid.UUID, position_id: uuid.UUID, *, failed: bool) -> None:
        if failed:
            self.watch.resting_until[position_id] = self._floor.clock.monotonic() + _TAKE_AGAIN_AFTER
        time = self._floor.clock.now()
        await self._floor.db.write(user_id, lambda s: brackets.end_taking(s, position_id, time))

    async def _exit(self, now: Situation) -> None:
        """Take the exits back and sell what is left."""
        user_id, position_id = now.account.user_id, now.guarded.position.id
        attempt = await self._begin_move(user_id, position_id)
        position = (await self.stand_down(user_id, position_id)).position
        if position.status is LotStatus.CLOSED:
            self.watch.forget(position_id)
            await self._note(user_id, position_id, BracketStatus.DONE)
            return
        logger.warning(
            "Position {} is sold at the market: its stop cannot rest, would trigger at once, or was passed by the price",
            position_id,
        )
        row = await self._orders.sell(now, position.quantity, "exit", attempt)
        if row.status is not OrderStatus.FILLED:
            self.watch.unfinished.add(position_id)

    async def _show(self, user_id: uuid.UUID, position_id: uuid.UUID) -> None:
        """Show the nearest exits in the alert's view, and say that they changed."""
        guarded = await self.read(user_id, position_id)
        resting = sorted(guarded.resting, key=lambda order: order.leg)
        stop = next((row for row in resting if row.role is OrderRole.STOP), None)
        target = next((row for row in resting if row.role is OrderRole.TARGET), None)
        now = self._floor.clock.now()
        await self._floor.db.write(user_id, lambda s: brackets.show(s, position_id, stop, target, now))
        if resting:
            self._records.tell_position(resting[0], position_id)

    async def _begin_move(self, user_id: uuid.UUID, position_id: uuid.UUID) -> int:
        now = self._floor.clock.now()
        bracket = await self._floor.db.write(user_id, lambda s: brackets.begin_move(s, position_id, now))
        return int(bracket.attempt)

    async def _note(self, user_id: uuid.UUID, position_id: uuid.UUID, status: BracketStatus) -> None:
        self.watch.rests(position_id)
        now = self._floor.clock.now()
        await self._floor.db.write(user_id, lambda s: brackets.note(s, position_id, status, now))
